"""The colours that tell systems apart, on light and on dark paper, in pages and in plots.

Chosen so that the first three stay far apart, and all eight apart, also for eyes that lack one kind of cone; all stand
out from the paper. A system's name stands beside its colour all the same.
"""

from __future__ import annotations

__all__ = ["DARK", "DARK_PAPER", "LIGHT", "LIGHT_PAPER", "variables"]

LIGHT = ("#4c8fce", "#c9650f", "#00574a", "#34007a", "#7b38a3", "#4c1f00", "#8f6c7b", "#869777")
DARK = ("#7ab8f2", "#ee8b1c", "#b2fca1", "#a86292", "#5f7ceb", "#bfc19c", "#cd501c", "#f4dafa")
LIGHT_PAPER, DARK_PAPER = "#fdfdfc", "#15181c"


def variables() -> str:
    """The palette as CSS: `--c0` to `--c7`, light or dark as the reader's system is; printed pages are light."""
    light, dark = ("; ".join(f"--c{at}: {colour}" for at, colour in enumerate(row)) for row in (LIGHT, DARK))
    return f":root {{ {light}; }}\n@media screen and (prefers-color-scheme: dark) {{ :root {{ {dark}; }} }}\n"
