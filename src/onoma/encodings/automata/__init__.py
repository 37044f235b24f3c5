"""What may be written about a text that is known: one automaton a family of encodings, over stretches of text."""
