"""Mentions in brackets: `[Ada Byron | PER] left [Rome | LOC]`, nested ones inside each other."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import ClassVar

from onoma.encodings.base import OnMisaligned
from onoma.encodings.inline import Inline, Mark
from onoma.exceptions import ConfigError

__all__ = ["Brackets"]

SPECIAL = re.compile(r"[\[\]|\\]")


class Brackets(Inline):
    """The inline format of *Assessment of Generative NER in the Era of LLMs*; the pipe is in its data.

    `[ ] | \\` of the text have a backslash before them. Brackets that close without a label are a pair of the text's.
    """

    name: ClassVar[str] = "brackets"

    def __init__(
        self,
        labels: Iterable[str],
        on_misaligned: OnMisaligned = "error",
        max_words: int | None = None,
        align: str = "weighted",
    ) -> None:
        super().__init__(labels, on_misaligned, max_words, align)
        for each in self.labels:
            if each != each.strip():
                raise ConfigError(f"label {each!r} cannot stand in brackets: it begins or ends with a blank")
        known = "|".join(re.escape(label) for label in sorted(self.labels, key=len, reverse=True))
        other = r"[^\[\]|\\]{1,64}?"
        label = f"{known}|{other}" if known else other
        self._token = re.compile(rf"\\([\[\]|\\])|(\s?\|\s*({label})\s*\])|(\[)|(\])")

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
            else:
                if waiting:
                    made[waiting.pop()] = "["
                made.append("]")
        made.append(answer[at:])
        yield from made
