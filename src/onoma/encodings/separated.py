"""Text in which a backslash takes a sign's meaning away."""

from __future__ import annotations

__all__ = ["escape", "split", "unescape"]


def escape(text: str, signs: str) -> str:
    """Text with a backslash before each of the signs and each backslash."""
    return "".join(f"\\{letter}" if letter in signs or letter == "\\" else letter for letter in text)


def unescape(text: str, signs: str) -> str:
    """Text as it was; a backslash before any other letter is itself."""
    made: list[str] = []
    at = 0
    while at < len(text):
        if text[at] == "\\" and at + 1 < len(text) and (text[at + 1] in signs or text[at + 1] == "\\"):
            at += 1
        made.append(text[at])
        at += 1
    return "".join(made)


def split(text: str, sign: str, signs: str, most: int = -1) -> list[str]:
    """Parts between signs that no backslash precedes, still escaped; at most `most` cuts, all if negative."""
    parts = [""]
    at = 0
    while at < len(text):
        letter = text[at]
        if letter == "\\" and at + 1 < len(text) and (text[at + 1] in signs or text[at + 1] == "\\"):
            parts[-1] += text[at : at + 2]
            at += 2
            continue
        if letter == sign and most:
            most -= 1
            parts.append("")
        else:
            parts[-1] += letter
        at += 1
    return parts
