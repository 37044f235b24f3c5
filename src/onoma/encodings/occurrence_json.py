"""Mentions with the number of their occurrence: `[{"text": "Rome", "label": "LOC", "occurrence": 2}]`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from onoma.document import ProblemKind, Span
from onoma.encodings.listed import Item
from onoma.encodings.object_json import ObjectJson

__all__ = ["OccurrenceJson"]


class OccurrenceJson(ObjectJson):
    """The occurrence format of *Assessment of Generative NER in the Era of LLMs*.

    Occurrences are counted from 1, left to right, of the text as such: inside other words and overlapping ones too.
    """

    name: ClassVar[str] = "occurrence_json"
    keys: ClassVar[tuple[str, ...]] = ("occurrence",)

    def refused(self, span: Span, source: str, kept: Sequence[Span]) -> str | None:
        """Blanks are not counted."""
        return super().refused(span, source, kept) if source[span.start : span.end].strip() else "is blank"

    def place(self, item: Item, source: str, used: set[tuple[int, int, str]]) -> tuple[int, int] | ProblemKind:  # noqa: ARG002
        """The n-th place of the text, where there are as many."""
        found = self.occurrences(source, item.text)
        number = item.occurrence or 0
        if not found:
            return "ungrounded"
        return found[number - 1] if 1 <= number <= len(found) else "ambiguous"
