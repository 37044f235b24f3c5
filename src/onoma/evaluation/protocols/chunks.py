"""Tag sequences to chunks as arrays: the one implementation under every scorer that reads tags.

A scorer's way of reading is data: a `Rule` says between which tags a chunk starts, goes on and ends, a `Split` says
what prefix and label a tag has. Tags become small integers once; everything after that is done on arrays, and
mostly on the tokens outside of `O` alone.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, compress
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["ChunkCounts", "Chunks", "Reading", "Rule", "Split", "TagArrays", "encode", "encode_one"]

Split = Callable[[str], tuple[str, str]]
"""Prefix and label of a tag, as one scorer parses it."""

Sentences = Sequence[Sequence[str]]

_PREFIXES = "OBIELSUM."  # O is class 0
_CLASSES = 16
_OTHER = 15  # the class of every other prefix, and the bits of a class


@dataclass(frozen=True)
class Rule:
    """Between which two neighbouring tags a chunk starts, ends or goes on.

    A pattern is `"BEFORE HERE"` or `"BEFORE HERE RELATION"`: prefixes that the two tags may have (`*` any, `^O.` all
    but these) and how their labels relate (`=` equal, `!` unequal; either where it is left out).

    Without `inside`, a chunk runs from the last start to each end, whatever lies between. With it, a chunk is a
    start and the tags that go on from it, and counts only where it ends as it should; `prefixes` are then the ones
    the scheme knows.
    """

    start: tuple[str, ...]
    end: tuple[str, ...]
    inside: tuple[str, ...] | None = None
    prefixes: str = ""

    @cached_property
    def starts(self) -> NDArray[np.bool_]:
        """Whether a chunk starts, by the place that `_pairs` gives."""
        return _table(self.start)

    @cached_property
    def ends(self) -> NDArray[np.bool_]:
        """Whether a chunk ended before the second tag, by the place that `_pairs` gives."""
        return _table(self.end)

    @cached_property
    def goes_on(self) -> NDArray[np.bool_]:
        """Whether a chunk goes on, by the place that `_pairs` gives."""
        return _table(self.inside or ())


class Chunks(NamedTuple):
    """Chunks by first and last token (inclusive) and label number; `last` ascends and never repeats."""

    first: NDArray[np.int64]
    last: NDArray[np.int64]
    label: NDArray[np.int64]


@dataclass(frozen=True)
class ChunkCounts:
    """Chunks by label: those correct, those predicted, those of the gold. Labels are sorted, each has some chunk."""

    labels: tuple[str, ...]
    correct: NDArray[np.int64]
    predicted: NDArray[np.int64]
    gold: NDArray[np.int64]


@dataclass(frozen=True)
class TagArrays:
    """Gold and predicted tags of the same sentences as numbers into `tags`, whose first `gold_tags` are the gold's.

    `lengths` are the sentences' tokens; the other arrays hold all tokens in a row.
    """

    tags: tuple[str, ...]
    gold_tags: int
    lengths: NDArray[np.int64]
    gold: NDArray[np.int32]
    predicted: NDArray[np.int32]

    def count(self, rule: Rule, split: Split) -> ChunkCounts:
        """The chunks of both sides, compared by first token, last token and label."""
        reading = Reading.of(self.tags, split)
        gold = reading.chunks(self.gold, self.lengths, rule)
        predicted = reading.chunks(self.predicted, self.lengths, rule)
        size = len(reading.names)
        correct = np.bincount(_hits(gold, predicted), minlength=size)
        found = np.bincount(predicted.label, minlength=size)
        support = np.bincount(gold.label, minlength=size)
        rows = np.flatnonzero(found + support).tolist()
        rows.sort(key=reading.names.__getitem__)
        return ChunkCounts(tuple(reading.names[row] for row in rows), correct[rows], found[rows], support[rows])


@dataclass(frozen=True)
class Reading:
    """What each number stands for under one scorer: 16 times its label's place in `names`, plus its prefix's class.

    Label 0 is the one the scorer gives to `O`, so that 0 stands for `O`.
    """

    kinds: NDArray[np.int64]
    names: tuple[str, ...]

    @classmethod
    def of(cls, tags: Sequence[str], split: Split) -> Reading:
        """Parse each distinct tag once."""
        names = {split("O")[1]: 0}
        kinds: list[int] = []
        for tag in tags:
            prefix, label = split(tag)
            at = _PREFIXES.find(prefix) if len(prefix) == 1 else -1
            kinds.append(_CLASSES * names.setdefault(label, len(names)) + (at if at >= 0 else _OTHER))
        return cls(np.array(kinds, np.int64), tuple(names))

    def chunks(self, codes: NDArray[np.int32], lengths: NDArray[np.int64], rule: Rule) -> Chunks:
        """The chunks of all sentences; what stands before and after a sentence is `O`.

        A chunk that ends and was never started begins at token 0, or at -1 where the first sentence is empty.
        """
        inside = np.ones(len(codes), np.bool_)
        for outside in np.flatnonzero(self.kinds & _OTHER == 0).tolist():  # `O`, and what a scorer reads as it
            inside &= codes != outside
        at = np.flatnonzero(inside)
        if not len(at):
            return Chunks(at, at, at)
        edge = np.zeros(len(codes) + 1, np.bool_)
        edge[0] = True
        edge[np.cumsum(lengths)] = True
        here = self.kinds.take(codes.take(at))
        before = self.kinds.take(codes.take(at - 1))
        after = self.kinds.take(codes.take(at + 1, mode="clip"))
        before[edge.take(at)] = 0
        after[edge.take(at + 1)] = 0
        arriving, leaving = _pairs(before, here), _pairs(here, after)
        starts = np.flatnonzero(rule.starts.take(arriving))
        ended = rule.ends.take(leaving)
        if rule.inside is None:
            last = np.flatnonzero(ended)
            places = np.append(0 if lengths[0] else -1, at[starts])  # a place before all starts, for ends without one
            first = places[np.searchsorted(starts, last, side="right")]
        else:
            # A run is a token and those that go on from it; its chunk begins at the first start in it.
            heads = ~rule.goes_on.take(arriving)
            run = np.cumsum(heads) - 1
            starts = starts[np.diff(run[starts], prepend=-1) > 0]
            last = (np.append(np.flatnonzero(heads)[1:], len(at)) - 1)[run[starts]]
            whole = ended[last]
            first, last = at[starts[whole]], last[whole]
        return Chunks(first, at[last], here[last] // _CLASSES)


def _pairs(left: NDArray[np.int64], right: NDArray[np.int64]) -> NDArray[np.int64]:
    """Place of each pair of neighbours in a rule's table."""
    unequal = (left ^ right) > _OTHER
    return (unequal * _CLASSES + (left & _OTHER)) * _CLASSES + (right & _OTHER)


class _Numbers(dict[str, int]):
    """Numbers in order of first sight."""

    __slots__ = ()

    def __missing__(self, tag: str) -> int:
        number = self[tag] = len(self)
        return number


def encode(gold: Sentences, predicted: Sentences, lengths: Sequence[int] | None = None) -> TagArrays:
    """Both sides as numbers; the sentences of both have the same `lengths` (not checked)."""
    numbers = _Numbers()
    sizes = np.array(list(map(len, gold)) if lengths is None else lengths, np.int64)
    gold_codes = _numbered(numbers, gold)
    gold_tags = len(numbers)
    # Most sentences are predicted as the gold has them, and comparing two lists is cheaper than looking up one.
    differs = list(map(operator.ne, gold, predicted))
    wrong = np.array(differs, np.bool_)
    codes = gold_codes.copy()
    codes[np.repeat(wrong, sizes)] = _numbered(numbers, compress(predicted, differs))
    return TagArrays(tuple(numbers), gold_tags, sizes, gold_codes, codes)


def encode_one(sentences: Sentences) -> tuple[tuple[str, ...], NDArray[np.int64], NDArray[np.int32]]:
    """One side alone: its distinct tags, the sentences' lengths, and all tokens as numbers."""
    numbers = _Numbers()
    lengths = np.array(list(map(len, sentences)), np.int64)
    codes = _numbered(numbers, sentences)
    return tuple(numbers), lengths, codes


def _numbered(numbers: _Numbers, sentences: Sentences | compress[Sequence[str]]) -> NDArray[np.int32]:
    found = list(map(numbers.__getitem__, chain.from_iterable(sentences)))
    if len(numbers) > 256:
        return np.array(found, np.int32)
    return np.frombuffer(bytes(found), np.uint8).astype(np.int32)  # bytes take whole numbers fastest


def _hits(gold: Chunks, predicted: Chunks) -> NDArray[np.int64]:
    """The labels of the predicted chunks that are gold chunks; at most one chunk of a side ends at a token."""
    if not len(gold.last):
        return predicted.label[:0]
    at = np.minimum(np.searchsorted(gold.last, predicted.last), len(gold.last) - 1)
    same = (gold.last[at] == predicted.last) & (gold.first[at] == predicted.first) & (gold.label[at] == predicted.label)
    return predicted.label[same]


def _table(patterns: Sequence[str]) -> NDArray[np.bool_]:
    table = np.zeros((2, _CLASSES, _CLASSES), np.bool_)
    for pattern in patterns:
        before, here, *relation = pattern.split()
        unequal = {"=": [0], "!": [1]}[relation[0]] if relation else [0, 1]
        table[np.ix_(unequal, _classes(before), _classes(here))] = True
    return table.ravel()


def _classes(prefixes: str) -> list[int]:
    if prefixes == "*":
        return list(range(_CLASSES))
    named = [_PREFIXES.index(prefix) for prefix in prefixes.removeprefix("^")]
    return sorted(set(range(_CLASSES)) - set(named)) if prefixes.startswith("^") else named
