"""Mentions of one label between signs: `@@Ada Byron## left Rome` (GPT-NER, Wang et al. 2023)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import ClassVar

from onoma.encodings.inline import Inline, Mark

__all__ = ["Markers"]

SPECIAL = re.compile(r"\\|@{2,}|#{2,}|^[@#]+|[@#]+$")
TOKEN = re.compile(r"\\([@#\\])|(@@)|(##)")


class Markers(Inline):
    """One exchange a window and label; two signs on either side of each mention.

    Signs of the text that stand twice, or first or last beside a mark, have a backslash before each of them, and so has
    a backslash.
    """

    name: ClassVar[str] = "markers"
    escapes: ClassVar[tuple[str, ...]] = ("\\@", "\\#", "\\\\")
    by_type: ClassVar[bool] = True

    def escaped(self, text: str) -> str:
        """Text in which nothing reads as a mark."""
        return SPECIAL.sub(lambda found: "".join(f"\\{sign}" for sign in found[0]), text)

    def marks(self, label: str) -> tuple[str, str]:  # noqa: ARG002
        """What opens and what closes a mention."""
        return "@@", "##"

    def pieces(self, answer: str, label: str | None) -> Iterator[str | Mark]:
        """Text and marks of an answer."""
        at = 0
        for found in TOKEN.finditer(answer):
            yield answer[at : found.start()]
            at = found.end()
            literal, opening, closing = found.groups()
            yield literal if literal else Mark(bool(opening), label, opening or closing)
        yield answer[at:]
