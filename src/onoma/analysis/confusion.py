"""Which label was taken for which: every mention of gold and of the prediction in one cell of a table."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from onoma.analysis.examples import NOTHING, Example, examples
from onoma.analysis.overlaps import overlaps
from onoma.evaluation.columns import Integers
from onoma.evaluation.matching import NO_LABEL, Matching

__all__ = ["Confusion", "confusion"]


@dataclass(frozen=True, eq=False)
class Confusion:
    """Gold labels in rows, predicted labels in columns; the last row is spurious, the last column missed.

    `table` [labels + 1, labels + 1] counts mentions. Rows add up to the support of a label, columns to what was
    predicted; less the diagonal they are its false negatives and false positives. Two labels meet where a missed and
    a spurious mention stand at one place; a problem that stands for a mention is spurious, under `?` without a label.
    """

    matching: Matching
    labels: tuple[str, ...]
    table: NDArray[np.int64]
    cells: Integers = field(repr=False)
    """[n, 4]: row, column, and the places of the mentions in gold and in what was found."""

    def count(self, gold: str | None, found: str | None) -> int:
        """The mentions of one cell; None is no gold (spurious) or no prediction (missed)."""
        return int(self.table[self._at(gold), self._at(found)])

    def of(self, gold: str | None, found: str | None, most: int | None = None) -> tuple[Example, ...]:
        """The mentions of one cell in the order of the documents, at most so many."""
        chosen = self.cells[(self.cells[:, 0] == self._at(gold)) & (self.cells[:, 1] == self._at(found))]
        return examples(self.matching, chosen[:most, 2:].tolist())

    @cached_property
    def support(self) -> dict[str, int]:
        """Gold mentions by label."""
        return self._by_label(self.table.sum(1))

    @cached_property
    def predicted(self) -> dict[str, int]:
        """Predicted mentions by label, problems included."""
        return self._by_label(self.table.sum(0))

    @cached_property
    def false_negatives(self) -> dict[str, int]:
        """Gold mentions by label that were not found with it."""
        return self._by_label(self.table.sum(1) - self.table.diagonal())

    @cached_property
    def false_positives(self) -> dict[str, int]:
        """Predicted mentions by label that are wrong with it."""
        return self._by_label(self.table.sum(0) - self.table.diagonal())

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values: the labels, and rows of counts with spurious and missed last."""
        return {"labels": list(self.labels), "table": self.table.tolist()}

    def _at(self, label: str | None) -> int:
        return len(self.labels) if label is None else self.labels.index(label)

    def _by_label(self, counts: NDArray[np.int64]) -> dict[str, int]:
        return dict(zip(self.labels, counts[:-1].tolist(), strict=True))


def confusion(matching: Matching) -> Confusion:
    """The confusion matrix of a matching's mentions, over all labels of gold, predictions, problems and filter."""
    found, touched = matching.found, overlaps(matching)
    false = [each.label or NO_LABEL for _, each in matching.false_problems]
    labels = tuple(sorted({*(matching.labels or ()), *matching.names, *false}))
    number = {label: at for at, label in enumerate(labels)}
    place = np.array([number[name] for name in matching.names], np.int64)
    size = len(labels)
    of_gold, of_found = place[matching.gold.label], place[found.label]
    missed, spurious = touched.mistyped
    lost, wrong = np.delete(matching.missed, missed), np.delete(matching.spurious, spurious)
    ones = np.concatenate((matching.pairs[:, 0], matching.missed[missed], lost, np.full(len(wrong), NOTHING)))
    others = np.concatenate((matching.pairs[:, 1], matching.spurious[spurious], np.full(len(lost), NOTHING), wrong))
    rows = np.where(ones == NOTHING, size, of_gold[ones] if len(of_gold) else size)
    columns = np.where(others == NOTHING, size, of_found[others] if len(of_found) else size)
    problems = np.arange(len(false))
    cells = np.stack(
        (
            np.concatenate((rows, np.full(len(false), size))),
            np.concatenate((columns, np.array([number[label] for label in false], np.int64))),
            np.concatenate((ones, np.full(len(false), NOTHING))),
            np.concatenate((others, len(found) + problems)),
        ),
        axis=1,
    )
    table = np.bincount(cells[:, 0] * (size + 1) + cells[:, 1], minlength=(size + 1) ** 2)
    return Confusion(matching, labels, table.reshape(size + 1, size + 1), cells)
