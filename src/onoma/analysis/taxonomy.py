"""Errors by class: the table of taxonomies, and what they have in common."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike

from onoma.analysis.examples import NOTHING, examples
from onoma.analysis.overlaps import overlaps
from onoma.document import Problem, Span
from onoma.evaluation.columns import Integers
from onoma.evaluation.matching import Matching
from onoma.tables import lookup

__all__ = ["TAXONOMIES", "Classified", "Error", "Sort", "Taxonomy", "classify", "rows"]

TAXONOMIES: dict[str, str] = {
    "spans": "onoma.analysis.spans:SPANS",
    "assessment": "onoma.analysis.assessment:ASSESSMENT",
    "gner": "onoma.analysis.gner:GNER",
}
"""Taxonomies by name. Third parties add rows through the entry point group `onoma.taxonomies`."""


@dataclass(frozen=True, slots=True)
class Error:
    """One error: a missed mention, a false one (a span, or a problem that stands for a mention), or both at once.

    `beside` is a gold mention that a false one is held against although it counts elsewhere, or not at all. `document`
    is the number of the document in the matching.
    """

    document: int
    kind: str
    missed: Span | None = None
    false: Span | Problem | None = None
    beside: Span | None = None


Sort = Callable[[Matching, Mapping[str, int]], Iterable[Integers]]
"""All errors of a matching as `rows`, given the numbers of the classes."""


@dataclass(frozen=True)
class Taxonomy:
    """Classes with what they mean, one line each, the rule that finds them, and the paper they are taken from."""

    name: str
    kinds: Mapping[str, str]
    sort: Sort
    source: str = ""


def rows(
    kind: ArrayLike, *, missed: ArrayLike = NOTHING, false: ArrayLike = NOTHING, beside: ArrayLike = NOTHING
) -> Integers:
    """Errors as rows [n, 4]: class, missed mention, false one, gold beside; a single number stands for all rows.

    Mentions are places in the matching's gold and in what was found, `NOTHING` for none; a false one behind the
    spans found is one of `false_problems`.
    """
    return np.stack(np.broadcast_arrays(kind, missed, false, beside), axis=-1).reshape(-1, 4).astype(np.int64)


@dataclass(frozen=True, eq=False)
class Classified:
    """All errors of a matching by the classes of a taxonomy, in the order of the text.

    `table` holds them as `rows`; errors are made of it when somebody looks.
    """

    taxonomy: Taxonomy
    matching: Matching
    table: Integers = field(repr=False)

    @cached_property
    def errors(self) -> tuple[Error, ...]:
        """Every error."""
        return self._made(self.table)

    @cached_property
    def counts(self) -> dict[str, int]:
        """Errors by class, every class named."""
        return self._counted(self.table)

    @cached_property
    def false_positives(self) -> dict[str, int]:
        """False positives by class: they add up to those of the score."""
        return self._counted(self.table[self.table[:, 2] != NOTHING])

    @cached_property
    def false_negatives(self) -> dict[str, int]:
        """Missed mentions by class: they add up to those of the score."""
        return self._counted(self.table[self.table[:, 1] != NOTHING])

    @property
    def shares_of_gold(self) -> dict[str, float]:
        """Missed mentions by class, as fractions of the gold mentions."""
        return self._shares(self.false_negatives, len(self.matching.gold))

    @property
    def shares_of_predicted(self) -> dict[str, float]:
        """False positives by class, as fractions of what was predicted, problems that stand for a mention included."""
        return self._shares(self.false_positives, len(self.matching.found) + len(self.matching.false_problems))

    def of(self, kind: str, most: int | None = None) -> tuple[Error, ...]:
        """The errors of one class, at most so many."""
        return self._made(self.table[self.table[:, 0] == list(self.taxonomy.kinds).index(kind)][:most])

    def _counted(self, table: Integers) -> dict[str, int]:
        counts = np.bincount(table[:, 0], minlength=len(self.taxonomy.kinds))
        return dict(zip(self.taxonomy.kinds, counts.tolist(), strict=True))

    def _shares(self, counts: Mapping[str, int], whole: int) -> dict[str, float]:
        return {kind: count / whole if whole else 0.0 for kind, count in counts.items()}

    def _made(self, table: Integers) -> tuple[Error, ...]:
        kinds, spans = list(self.taxonomy.kinds), self.matching.gold.spans
        sides = examples(self.matching, table[:, 1:3].tolist())
        return tuple(
            Error(each.document, kinds[kind], each.gold, each.found, None if beside == NOTHING else spans[beside])
            for each, (kind, _, _, beside) in zip(sides, table.tolist(), strict=True)
        )


def classify(matching: Matching, taxonomy: str = "spans") -> Classified:
    """Every error of a matching in one class of a taxonomy; raises `ConfigError` with the list of names."""
    chosen: Taxonomy = lookup(TAXONOMIES, taxonomy, "taxonomy", "onoma.taxonomies")
    numbers = {kind: number for number, kind in enumerate(chosen.kinds)}
    table = np.concatenate([rows([]), *chosen.sort(matching, numbers)])
    return Classified(chosen, matching, table[_in_text_order(matching, table)])


def _in_text_order(matching: Matching, table: Integers) -> Integers:
    """By document, by start of the missed or else of the false mention, problems first, then by class."""
    touched, base = overlaps(matching), matching.places.base
    problems = np.array([number for number, _ in matching.false_problems], np.int64)
    starts = np.concatenate((touched.found_start, base[problems] - 1))
    ranks = np.concatenate((touched.ranks[1], len(matching.found) + np.arange(len(problems))))
    kind, missed, false, _ = table.T
    place = np.empty(len(table), np.int64)
    lost = missed != NOTHING
    place[lost] = touched.gold_start[missed[lost]]
    place[~lost] = starts[false[~lost]]
    rank = np.where(false == NOTHING, NOTHING, np.append(ranks, NOTHING)[false])
    return np.lexsort((rank, kind, place))
