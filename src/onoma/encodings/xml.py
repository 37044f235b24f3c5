"""Mentions in tags: `<PER>Ada Byron</PER> left <LOC>Rome</LOC>`, nested ones inside each other."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import ClassVar

from onoma.encodings.base import OnMisaligned
from onoma.encodings.inline import Inline, Mark
from onoma.exceptions import ConfigError

__all__ = ["Xml"]

ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
LETTERS = {text: letter for letter, text in ENTITIES.items()}


class Xml(Inline):
    """Tags that name the label at both ends; `& < >` of the text are written as entities.

    Not a document of XML: a label is written as it is, and tags that cross are two mentions.
    """

    name: ClassVar[str] = "xml"

    def __init__(
        self,
        labels: Iterable[str],
        on_misaligned: OnMisaligned = "error",
        max_words: int | None = None,
        align: str = "weighted",
    ) -> None:
        super().__init__(labels, on_misaligned, max_words, align)
        for each in self.labels:
            if each.startswith("/") or each != each.strip():
                raise ConfigError(f"label {each!r} cannot name a tag: it has a blank at an end, or begins with '/'")
        known = "|".join(re.escape(label) for label in sorted(self.labels, key=len, reverse=True))
        other = r"[^\s<>/&][^<>&]{0,63}?"
        label = f"{known}|{other}" if known else other
        self._token = re.compile(rf"(&amp;|&lt;|&gt;)|(<\s*(/?)\s*({label})\s*>)")

    def escaped(self, text: str) -> str:
        """Text in which nothing reads as a mark."""
        return re.sub("[&<>]", lambda found: ENTITIES[found[0]], text)

    def marks(self, label: str) -> tuple[str, str]:
        """What opens and what closes a mention."""
        return f"<{label}>", f"</{label}>"

    def pieces(self, answer: str, label: str | None) -> Iterator[str | Mark]:  # noqa: ARG002
        """Text and marks of an answer."""
        at = 0
        for found in self._token.finditer(answer):
            yield answer[at : found.start()]
            at = found.end()
            entity, mark, slash, named = found.groups()
            yield LETTERS[entity] if entity else Mark(not slash, named, mark)
        yield answer[at:]
