"""Text in which a backslash takes a sign's meaning away."""

from __future__ import annotations

import re

__all__ = ["escape", "split", "unescape"]


def escape(text: str, signs: str) -> str:
    """Text with a backslash before each of the signs and each backslash."""
    return "".join(f"\\{letter}" if letter in signs or letter == "\\" else letter for letter in text)


def unescape(text: str, signs: str) -> str:
    """Text as it was; a backslash before any other letter is itself."""
    return re.sub(rf"\\([{re.escape(signs)}\\])", r"\1", text)


def split(text: str, sign: str, signs: str, most: int = -1) -> list[str]:
    """Parts between signs that no backslash precedes, still escaped; at most `most` cuts, all if negative."""
    parts: list[str] = []
    at = 0
    for found in re.finditer(rf"\\[{re.escape(signs)}\\]|{re.escape(sign)}", text):
        if len(parts) == most:
            break
        if found[0] == sign:
            parts.append(text[at : found.start()])
            at = found.end()
    return [*parts, text[at:]]
