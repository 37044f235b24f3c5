"""Drop-in replacements: other packages' functions under their own names and signatures, on onoma's core."""
