"""Mentions with their offsets: `[{"text": "Rome", "label": "LOC", "start": 15, "end": 19}]`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar, Literal, get_args

from onoma.document import ProblemKind
from onoma.encodings.base import OnMisaligned
from onoma.encodings.listed import Item
from onoma.encodings.object_json import ObjectJson
from onoma.exceptions import ConfigError

__all__ = ["OffsetJson"]

Reading = Literal["strict", "offsets", "repaired"]


class OffsetJson(ObjectJson):
    """The offset format of *Assessment of Generative NER in the Era of LLMs*; offsets are half-open, in characters.

    They count in the text of the window, which is the exchange's source. `reading` says what of an item that
    contradicts itself is believed: `strict` nothing, it is a problem; `offsets` the offsets, whatever the text;
    `repaired` the text, at its place that is nearest to the offsets.
    """

    name: ClassVar[str] = "offset_json"
    keys: ClassVar[tuple[str, ...]] = ("start", "end")
    by_text: ClassVar[bool] = False

    def __init__(
        self,
        labels: Iterable[str],
        on_misaligned: OnMisaligned = "error",
        max_words: int | None = None,
        reading: Reading = "strict",
    ) -> None:
        super().__init__(labels, on_misaligned, max_words)
        if reading not in get_args(Reading):
            raise ConfigError(f"reading {reading!r} is unknown: one of {', '.join(get_args(Reading))}")
        self.reading: Reading = reading

    def settings(self) -> dict[str, Any]:
        """The arguments of this encoding as plain JSON values."""
        return {**super().settings(), "reading": self.reading}

    def place(self, item: Item, source: str, used: set[tuple[int, int, str]]) -> tuple[int, int] | ProblemKind:  # noqa: ARG002
        """Where the reading puts it."""
        start, end = item.start or 0, item.end or 0
        inside = 0 <= start < end <= len(source)
        if self.reading != "repaired":
            believed = inside and (self.reading == "offsets" or self.same(source[start:end], item.text))
            return (start, end) if believed else "ungrounded"
        if inside and self.same(source[start:end], item.text):
            return start, end
        found = self.occurrences(source, item.text)
        return min(found, key=lambda bounds: (abs(bounds[0] - start), bounds)) if found else "ungrounded"
