"""What must be known of characters: scripts without blanks, and halves of surrogate pairs, which no file can hold."""

from __future__ import annotations

import re

__all__ = ["NO_BLANKS", "well_formed"]

NO_BLANKS = r"\u0e00-\u0fff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
"""For patterns: Thai to Tibetan, Burmese, Khmer, Japanese and Chinese, where no blanks stand between words."""
HALVES = re.compile("[\ud800-\udfff]")


def well_formed(text: str) -> str:
    """The text with U+FFFD for each half of a surrogate pair: as long as before, so offsets in it stay right."""
    return text if text.isascii() else HALVES.sub("\ufffd", text)
