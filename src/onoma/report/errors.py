"""Errors of a set counted by class and label, means over training seeds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean
from typing import TYPE_CHECKING

from onoma.analysis.examples import NOTHING
from onoma.evaluation.matching import NO_LABEL

if TYPE_CHECKING:
    from onoma.analysis import Classified

__all__ = ["ErrorCounts", "count_errors", "readable"]

READABLE = {"completely_o": "Completely-O", "ood_mention": "OOD mention", "ood_type": "OOD type"}
"""Classes that their paper writes in its own way."""


@dataclass(frozen=True)
class ErrorCounts:
    """Errors of a set by the classes of one taxonomy.

    `kinds` says what each class means, `means` holds means over seeds by system and class, `source` names the paper.
    `by_label` holds the same by label first, the one with the most gold first: an error counts under its gold label, a
    false mention that misses no gold under its own. `joint` says whether some error is a false and a missed mention in
    one.
    """

    kinds: Mapping[str, str]
    means: Mapping[str, Mapping[str, float]]
    source: str
    by_label: Mapping[str, Mapping[str, Mapping[str, float]]] = field(default_factory=dict)
    joint: bool = False


def count_errors(classified: Mapping[str, Sequence[Classified]]) -> ErrorCounts:
    """All systems in one taxonomy, given their seeds."""
    first = next(iter(classified.values()))[0]
    kinds = first.taxonomy.kinds
    means = {
        name: {kind: fmean(each.counts[kind] for each in row) for kind in kinds} for name, row in classified.items()
    }
    counted = {name: [_by_label(each) for each in row] for name, row in classified.items()}
    gold = first.matching.gold
    support = Counter(first.matching.names[number] for number in gold.label.tolist())
    found = {label for row in counted.values() for each in row for label, _ in each}
    by_label = {
        label: {
            name: {kind: fmean(each[label, kind] for each in row) for kind in kinds} for name, row in counted.items()
        }
        for label in sorted(found, key=lambda label: (-support[label], label))
    }
    tables = [each.table for row in classified.values() for each in row]
    joint = any(bool(((table[:, 1] != NOTHING) & (table[:, 2] != NOTHING)).any()) for table in tables)
    return ErrorCounts(kinds, means, first.taxonomy.source, by_label, joint)


def _by_label(classified: Classified) -> Counter[tuple[str, str]]:
    """Errors by label and class."""
    matching, kinds = classified.matching, list(classified.taxonomy.kinds)
    of_gold = [matching.names[number] for number in matching.gold.label.tolist()]
    of_found = [matching.names[number] for number in matching.found.label.tolist()]
    of_found += [problem.label or NO_LABEL for _, problem in matching.false_problems]
    return Counter(
        (of_found[false] if missed == NOTHING else of_gold[missed], kinds[kind])
        for kind, missed, false, _ in classified.table.tolist()
    )


def readable(kind: str) -> str:
    """A class as readers see it."""
    return READABLE.get(kind, kind.replace("_", " "))
