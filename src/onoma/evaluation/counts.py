"""Counts add, ratios derive: true positives, false positives and false negatives, one by one or per unit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from onoma.evaluation.columns import Integers, Side, keys
from onoma.evaluation.matching import NO_LABEL, Matching
from onoma.exceptions import ConfigError

__all__ = ["FEW_DOCUMENTS", "Counts", "Unit", "UnitCounts", "count_units"]

Unit = Literal["document", "sentence"]

FEW_DOCUMENTS = 20
"""With fewer documents than this, sentences are drawn instead where there are any."""


@dataclass(frozen=True, slots=True)
class Counts:
    """True positives, false positives and false negatives; they add, and every ratio follows from them.

    0/0 is 0, and `undefined` names the ratios for which that was needed.
    """

    tp: int = 0
    fp: int = 0
    fn: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(self.tp + other.tp, self.fp + other.fp, self.fn + other.fn)

    @property
    def support(self) -> int:
        """Gold mentions."""
        return self.tp + self.fn

    @property
    def predicted(self) -> int:
        """Predicted mentions, problems included."""
        return self.tp + self.fp

    @property
    def precision(self) -> float:
        """Share of the predicted mentions that are right."""
        return self.tp / self.predicted if self.predicted else 0.0

    @property
    def recall(self) -> float:
        """Share of the gold mentions that were found."""
        return self.tp / self.support if self.support else 0.0

    @property
    def f1(self) -> float:
        """Harmonic mean of the two, as 2tp / (2tp + fp + fn)."""
        total = 2 * self.tp + self.fp + self.fn
        return 2 * self.tp / total if total else 0.0

    @property
    def undefined(self) -> tuple[str, ...]:
        """The ratios that are 0/0 here."""
        empty = {
            "precision": not self.predicted,
            "recall": not self.support,
            "f1": not self.predicted and not self.support,
        }
        return tuple(name for name, is_empty in empty.items() if is_empty)


@dataclass(frozen=True, eq=False)
class UnitCounts:
    """Counts of every resampling unit, in the order of document ids and sentences.

    `cells` is [n, 3]: a unit, a place in `labels`, and 0, 1 or 2 for one true positive, false positive or false
    negative. `unlabelled` is [units, 3], the same mentions matched by position alone. `ids` are (document id,
    sentence number), the number 0 where the unit is a document.
    """

    unit: Unit
    documents: int
    size: int
    matching: Matching
    labels: tuple[str, ...]
    cells: Integers
    unlabelled: NDArray[np.int64]

    @cached_property
    def ids(self) -> tuple[tuple[str, int], ...]:
        """Document id and sentence number of each unit."""
        documents = self.matching.places.documents
        if self.unit == "document":
            return tuple((document.id, 0) for document in documents)
        return tuple((each.id, number) for each in documents for number in range(max(1, len(each.sentences))))

    def __len__(self) -> int:
        return self.size

    @cached_property
    def by_label(self) -> dict[str, Counts]:
        """The sums over all units."""
        flat = self.cells[:, 1] * 3 + self.cells[:, 2]
        sums = np.bincount(flat, minlength=3 * len(self.labels)).reshape(-1, 3)
        return {label: Counts(*(int(value) for value in row)) for label, row in zip(self.labels, sums, strict=True)}

    @cached_property
    def unlabelled_total(self) -> Counts:
        """The sum over all units, by position alone."""
        return Counts(*(int(value) for value in self.unlabelled.sum(axis=0)))

    def stacked(self, labels: Sequence[str] | None = None) -> NDArray[np.float64]:
        """[units, labels + 1, 3] for some superset of the labels, the unlabelled counts as the last row."""
        rows = self.labels if labels is None else tuple(labels)
        stack = np.zeros((len(self), len(rows) + 1, 3))
        where = {label: index for index, label in enumerate(rows)}
        place = np.array([where[label] for label in self.labels], np.int64)
        np.add.at(stack, (self.cells[:, 0], place[self.cells[:, 1]], self.cells[:, 2]), 1)
        stack[:, -1] = self.unlabelled
        return stack


def count_units(matching: Matching, unit: Unit | None = None) -> UnitCounts:
    """Count per resampling unit; by default documents, or sentences where there are fewer than 20 documents.

    A mention belongs to the sentence that holds its first token, else to the nearest before it. A problem has
    no place in the text and goes to its document's first sentence. Raises `ConfigError` for an unknown unit.
    """
    if unit is not None and unit not in get_args(Unit):
        raise ConfigError(f"resampling unit {unit!r} is unknown: one of {', '.join(get_args(Unit))}")
    places, gold, found = matching.places, matching.gold, matching.found
    documents = places.documents
    if unit is None:
        split = any(len(document.sentences) > 1 for document in documents)
        unit = "sentence" if len(documents) < FEW_DOCUMENTS and split else "document"
    first, of_gold, of_found = _units(matching, unit)
    false = [(number, each.label or NO_LABEL) for number, each in matching.false_problems]
    labels = tuple(sorted({*(matching.labels or ()), *matching.names, *(label for _, label in false)}))
    where = {label: index for index, label in enumerate(labels)}
    place = np.array([where[label] for label in matching.names], np.int64)
    hits = matching.pairs[:, 0]
    rows = [
        _cells(of_gold[hits], place[gold.label[hits]], 0),
        _cells(of_found[matching.spurious], place[found.label[matching.spurious]], 1),
        _cells(of_gold[matching.missed], place[gold.label[matching.missed]], 2),
        _cells(np.array([first[n] for n, _ in false], np.int64), np.array([where[x] for _, x in false], np.int64), 1),
    ]
    size = int(first[-1])
    loose = _unlabelled(matching, of_gold, of_found, size)
    np.add.at(loose[:, 1], [first[number] for number, _ in false], 1)
    return UnitCounts(unit, len(documents), size, matching, labels, np.concatenate(rows), loose)


def _cells(units: Integers, labels: Integers, kind: int) -> Integers:
    return np.stack((units, labels, np.full(len(units), kind)), axis=1)


def _unlabelled(matching: Matching, of_gold: Integers, of_found: Integers, size: int) -> NDArray[np.int64]:
    """[units, 3] of spans matched by place alone: at each place as many pairs as both sides have spans there."""
    at_gold, at_found = keys(matching.gold, matching.found, labels=False)
    places, first, wanted = _runs(at_gold)
    there, _, found = _runs(at_found)
    at = np.searchsorted(there, places)
    met = at < len(there)
    met[met] = there[at[met]] == places[met]
    both = np.minimum(wanted[met], found[at[met]])
    pairs = np.bincount(of_gold[first[met]], weights=both, minlength=size).astype(np.int64)
    spurious = np.bincount(of_found, minlength=size) - pairs
    missed = np.bincount(of_gold, minlength=size) - pairs
    return np.stack((pairs, spurious, missed), axis=1)


def _runs(packed: Integers) -> tuple[Integers, Integers, Integers]:
    """The distinct numbers in order, where each stands first, and how often."""
    order = np.argsort(packed, kind="stable")
    ordered = packed[order]
    begins = np.flatnonzero(np.diff(ordered, prepend=ordered[:1] - 1))
    return ordered[begins], order[begins], np.diff(begins, append=len(ordered))


def _units(matching: Matching, unit: Unit) -> tuple[Integers, Integers, Integers]:
    """The first unit of each document with the number of all at the end, and the units of gold and found spans."""
    places, gold, found = matching.places, matching.gold, matching.found
    if unit == "document":
        return np.arange(len(places.documents) + 1), gold.document, found.document
    counts = np.fromiter((len(each.sentences) for each in places.documents), np.int64, len(places.documents))
    first = np.concatenate(([0], np.cumsum(np.maximum(counts, 1))))
    begins = np.concatenate(([0], np.cumsum(counts)))
    bounds = np.array([end for each in places.documents for _, end in each.sentences], np.int64)
    bounds += np.repeat(places.token_base[:-1], counts)

    def of(side: Side) -> Integers:
        """By the first token a span touches, else the one before it; 0 where a document has no sentences."""
        base, one_past = places.token_base[side.document], places.token_base[side.document + 1]
        start, end = places.base[side.document] + side.start, places.base[side.document] + side.end
        token = np.searchsorted(places.token_ends, start, side="right")
        beside = token >= one_past
        inside = ~beside
        beside[inside] = places.token_starts[token[inside]] >= end[inside]
        token = np.where(beside, np.maximum(base, token - 1), token)
        sentence = np.searchsorted(bounds, token, side="right") - begins[side.document]
        return first[side.document] + np.where(counts[side.document] > 0, sentence, 0)

    return first, of(gold), of(found)
