"""Mentions in tags: `<PER>Ada Byron</PER> left <LOC>Rome</LOC>`, nested ones inside each other."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property
from typing import ClassVar

from onoma.encodings.inline import Inline, Mark, one_of
from onoma.encodings.windowed import blank_at_an_end

__all__ = ["Xml"]

OTHER = r"[^\s<>/&][^<>&]{0,63}?"
"""What may be a label, known or not."""
ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
LETTERS = {text: letter for letter, text in ENTITIES.items()}


class Xml(Inline):
    """Tags that name the label at both ends; `& < >` of the text are written as entities.

    Not a document of XML: a label is written as it is, and tags that cross are two mentions.
    """

    name: ClassVar[str] = "xml"
    escapes: ClassVar[tuple[str, ...]] = tuple(ENTITIES.values())

    def refused_label(self, label: str) -> str | None:
        """Blanks at its ends would be lost, a slash would close."""
        return "it begins with '/'" if label.startswith("/") else blank_at_an_end(label)

    @cached_property
    def _token(self) -> re.Pattern[str]:
        return re.compile(rf"(&amp;|&lt;|&gt;)|(<\s*+(/?)\s*+({one_of(self.labels, OTHER)})\s*+>)")

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
