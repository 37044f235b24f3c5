"""The spans of many documents as columns of numbers, so that millions are compared by a few array operations."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from operator import attrgetter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from onoma.document import Document, Span

__all__ = ["Integers", "Places", "Side", "keys", "sides"]

Integers = NDArray[np.int64]

_ROOM = 2**62
"""Keys are packed into one 64-bit integer below this, else ranked."""


@dataclass(frozen=True, eq=False)
class Side:
    """The spans of gold or of predictions in the order of their documents; one entry a span in every column.

    `document` is the number of the document, `start` and `end` count characters of that document, `label` is a place
    in the labels shared by both sides, `pieces` tells spans of several fragments apart (0: one piece).
    """

    spans: Sequence[Span]
    document: Integers
    start: Integers
    end: Integers
    label: Integers
    pieces: Integers

    def __len__(self) -> int:
        return len(self.spans)


class Places:
    """Where documents stand if all texts are laid end to end with a gap between them: offsets become global ones."""

    def __init__(self, documents: Sequence[Document]) -> None:
        self.documents = documents
        sizes = np.fromiter((len(document.text) for document in documents), np.int64, len(documents))
        self.sizes = sizes
        self.base: Integers = np.concatenate(([0], np.cumsum(sizes + 1)))[: len(documents)]

    @cached_property
    def token_base(self) -> Integers:
        """The number of each document's first token, and the number of all at the end."""
        counts = np.fromiter((len(each.tokens) for each in self.documents), np.int64, len(self.documents))
        return np.concatenate(([0], np.cumsum(counts)))

    def _offsets(self, name: str) -> Integers:
        """A column of all tokens, in global offsets."""
        arrays = map(attrgetter(f"tokens.{name}"), self.documents)
        local = np.frombuffer(b"".join(arrays), np.int64)
        return local + np.repeat(self.base, np.diff(self.token_base))

    @cached_property
    def token_starts(self) -> Integers:
        """Global start of every token."""
        return self._offsets("starts")

    @cached_property
    def token_ends(self) -> Integers:
        """Global end of every token."""
        return self._offsets("ends")


def sides(gold: Sequence[Iterable[Span]], found: Sequence[Iterable[Span]]) -> tuple[Side, Side, tuple[str, ...]]:
    """Both sides as columns, and the sorted labels they share; each argument has one row of spans a document."""
    flat = [[span for row in rows for span in row] for rows in (gold, found)]
    labels = sorted({*map(_LABEL, flat[0]), *map(_LABEL, flat[1])})
    numbers = {label: number for number, label in enumerate(labels)}
    pieces = [any(map(_PIECES, spans)) for spans in flat]
    ranks: dict[Any, int] = {(): 0}
    if any(pieces):
        ordered = sorted({_PIECES(span) for spans in flat for span in spans})
        ranks = {each: number for number, each in enumerate(ordered, 0 if ordered[0] == () else 1)}
    made: list[Side] = []
    for rows, spans, broken in zip((gold, found), flat, pieces, strict=True):
        size = len(spans)
        counts = np.fromiter(map(len, rows), np.int64, len(rows))  # type: ignore[arg-type]
        made.append(
            Side(
                spans,
                np.repeat(np.arange(len(rows)), counts),
                np.fromiter(map(_START, spans), np.int64, size),
                np.fromiter(map(_END, spans), np.int64, size),
                np.fromiter(map(numbers.__getitem__, map(_LABEL, spans)), np.int64, size),
                np.fromiter((ranks[_PIECES(span)] for span in spans), np.int64, size)
                if broken
                else np.zeros(size, np.int64),
            )
        )
    return made[0], made[1], tuple(labels)


_START: Callable[[Span], int] = attrgetter("start")
_END: Callable[[Span], int] = attrgetter("end")
_LABEL: Callable[[Span], str] = attrgetter("label")
_PIECES: Callable[[Span], Any] = attrgetter("fragments")


def keys(gold: Side, found: Side, *, labels: bool) -> tuple[Integers, Integers]:
    """One number a span: equal where document, place, fragments (and label) are, ordered by these in turn."""
    names = ["document", "start", "end", "pieces", *(["label"] if labels else [])]
    columns = [np.concatenate((getattr(gold, name), getattr(found, name))) for name in names]
    if not len(columns[0]):
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    columns[2] = columns[2] - columns[1]  # a length needs fewer digits than an end, and orders alike
    widths = [int(column.max()) + 1 for column in columns]
    room = 1
    for width in widths:
        room *= width
    if room < _ROOM:
        packed = columns[0]
        for column, width in zip(columns[1:], widths[1:], strict=True):
            packed = packed * width + column
    else:
        order = np.lexsort(columns[::-1])
        changed = np.zeros(len(order), bool)
        for column in columns:
            changed[1:] |= np.diff(column[order]) != 0
        packed = np.empty(len(order), np.int64)
        packed[order] = np.cumsum(changed)
    return packed[: len(gold)], packed[len(gold) :]
