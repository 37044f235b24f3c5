"""Text that is no valid Unicode: a string may hold half a surrogate pair, which no file and no tokenizer can."""

from __future__ import annotations

import re

__all__ = ["well_formed"]

HALVES = re.compile("[\ud800-\udfff]")


def well_formed(text: str) -> str:
    """The text with U+FFFD for each half of a surrogate pair: as long as before, so offsets in it stay right."""
    return text if text.isascii() else HALVES.sub("\ufffd", text)
