"""Mentions in brackets: `[Ada Byron | PER] left [Rome | LOC]`, nested ones inside each other."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property
from typing import ClassVar

from onoma.encodings.inline import Inline, Mark, one_of
from onoma.encodings.windowed import blank_at_an_end

__all__ = ["Brackets"]

SPECIAL = re.compile(r"[\[\]|\\]")
OTHER = r"[^\s\[\]|\\][^\[\]|\\]{0,63}?"
"""What may be a label, known or not."""


class Brackets(Inline):
    """The inline format of *Assessment of Generative NER in the Era of LLMs*; the pipe is in its data.

    `[ ] | \\` of the text have a backslash before them. Brackets that close without a label are a pair of the text's
    where it holds some, else a mention that lost its label.
    """

    name: ClassVar[str] = "brackets"
    escapes: ClassVar[tuple[str, ...]] = ("\\[", "\\]", "\\|", "\\\\")

    def refused_label(self, label: str) -> str | None:
        """Blanks at its ends would be lost."""
        return blank_at_an_end(label)

    @cached_property
    def _token(self) -> re.Pattern[str]:
        return re.compile(rf"\\([\[\]|\\])|(\s?\|\s*+({one_of(self.labels, OTHER)}|)\s*+\])|(\[)|(\])")

    def escaped(self, text: str) -> str:
        """Text in which nothing reads as a mark."""
        return SPECIAL.sub(r"\\\g<0>", text)

    def marks(self, label: str) -> tuple[str, str]:
        """What opens and what closes a mention."""
        return "[", f" | {label}]"

    def pieces(self, answer: str, label: str | None) -> Iterator[str | Mark]:  # noqa: ARG002
        """Text and marks of an answer."""
        made: list[str | Mark] = []
        waiting: list[int] = []
        at = 0
        for found in self._token.finditer(answer):
            made.append(answer[at : found.start()])
            at = found.end()
            literal, closing, named, opening, _ = found.groups()
            if literal is not None:
                made.append(literal)
            elif opening is not None:
                waiting.append(len(made))
                made.append(Mark(True, None, "["))
            elif closing is not None:
                if waiting:
                    waiting.pop()
                made.append(Mark(False, named.strip(), closing))
            elif waiting:
                waiting.pop()
                made.append(Mark(False, None, "]"))
            else:
                made.append("]")
        made.append(answer[at:])
        yield from made
