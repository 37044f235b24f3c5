"""Counts add, ratios derive: true positives, false positives and false negatives, one by one or per unit."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from onoma.document import Document, Span
from onoma.evaluation.matching import NO_LABEL, DocumentMatch, Matching, position
from onoma.exceptions import ConfigError

__all__ = ["FEW_DOCUMENTS", "Counts", "Unit", "UnitCounts", "count_units", "tally"]

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


def tally(matches: Iterable[DocumentMatch]) -> dict[str, Counts]:
    """Counts of each label over some matches; a problem is a false positive of its label or of `?`."""
    table: dict[str, list[int]] = {}
    for match in matches:
        for gold, _ in match.pairs:
            table.setdefault(gold.label, [0, 0, 0])[0] += 1
        for span in match.spurious:
            table.setdefault(span.label, [0, 0, 0])[1] += 1
        for problem in match.false_problems:
            table.setdefault(problem.label or NO_LABEL, [0, 0, 0])[1] += 1
        for gold in match.missed:
            table.setdefault(gold.label, [0, 0, 0])[2] += 1
    return {label: Counts(*counts) for label, counts in table.items()}


@dataclass(frozen=True, eq=False)
class UnitCounts:
    """Counts of every resampling unit, in the order of document ids and sentences.

    `matrix` is [units, labels, 3] with tp, fp, fn last; `unlabelled` is [units, 3], the same mentions matched
    by position alone. `ids` are (document id, sentence number), the number 0 where the unit is a document.
    """

    unit: Unit
    documents: int
    ids: tuple[tuple[str, int], ...]
    labels: tuple[str, ...]
    matrix: NDArray[np.int64]
    unlabelled: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.ids)

    @cached_property
    def by_label(self) -> dict[str, Counts]:
        """The sums over all units."""
        sums = self.matrix.sum(axis=0)
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
        stack[:, [where[label] for label in self.labels]] = self.matrix
        stack[:, -1] = self.unlabelled
        return stack


def count_units(matching: Matching, unit: Unit | None = None) -> UnitCounts:
    """Count per resampling unit; by default documents, or sentences where there are fewer than 20 documents.

    A mention belongs to the sentence that holds its first token, else to the nearest before it. A problem has
    no place in the text and goes to its document's first sentence. Raises `ConfigError` for an unknown unit.
    """
    if unit is not None and unit not in get_args(Unit):
        raise ConfigError(f"resampling unit {unit!r} is unknown: one of {', '.join(get_args(Unit))}")
    documents = matching.documents
    if unit is None:
        split = any(len(match.document.sentences) > 1 for match in documents)
        unit = "sentence" if len(documents) < FEW_DOCUMENTS and split else "document"
    parts = [_split(match, unit) for match in documents]
    ids = tuple((pieces[0].id, number) for pieces in parts for number in range(len(pieces)))
    tallies = [tally([part]) for pieces in parts for part in pieces]
    labels = tuple(sorted(set(matching.labels or ()).union(*tallies)))
    where = {label: index for index, label in enumerate(labels)}
    matrix = np.zeros((len(tallies), len(labels), 3), dtype=np.int64)
    for index, table in enumerate(tallies):
        for label, counts in table.items():
            matrix[index, where[label]] = counts.tp, counts.fp, counts.fn
    unlabelled = np.zeros((len(tallies), 3), dtype=np.int64)
    loose = (part for match in matching.under(position).documents for part in _split(match, unit))
    for index, part in enumerate(loose):
        unlabelled[index] = len(part.pairs), len(part.spurious) + len(part.false_problems), len(part.missed)
    return UnitCounts(unit, len(documents), ids, labels, matrix, unlabelled)


def _split(match: DocumentMatch, unit: Unit) -> list[DocumentMatch]:
    """A match by sentence, or whole where the unit is the document or there is one sentence at most."""
    document = match.document
    if unit == "document" or len(document.sentences) < 2:
        return [match]
    find = _sentence_finder(document)
    size = len(document.sentences)
    pairs: list[list[tuple[Span, Span]]] = [[] for _ in range(size)]
    missed: list[list[Span]] = [[] for _ in range(size)]
    spurious: list[list[Span]] = [[] for _ in range(size)]
    for pair in match.pairs:
        pairs[find(pair[0])].append(pair)
    for span in match.missed:
        missed[find(span)].append(span)
    for span in match.spurious:
        spurious[find(span)].append(span)
    return [
        DocumentMatch(
            document,
            tuple(pairs[index]),
            tuple(missed[index]),
            tuple(spurious[index]),
            match.problems if index == 0 else (),
            match.answered,
        )
        for index in range(size)
    ]


def _sentence_finder(document: Document) -> Callable[[Span], int]:
    """A function from a span to the number of its sentence: binary search over tokens, then over sentences."""
    starts = [token.start for token in document.tokens]
    ends = [token.end for token in document.tokens]
    bounds = [end for _, end in document.sentences]

    def find(span: Span) -> int:
        touched = bisect_right(ends, span.start)
        if touched == len(starts) or starts[touched] >= span.end:
            touched = max(0, touched - 1)
        return bisect_right(bounds, touched)

    return find
