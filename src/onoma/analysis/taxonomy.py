"""Errors by class: the table of taxonomies, and what they have in common."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from onoma.document import Problem, Span
from onoma.evaluation.matching import DocumentMatch, Matching
from onoma.tables import lookup

__all__ = ["TAXONOMIES", "Classified", "Error", "Found", "Sort", "Taxonomy", "classify", "overlap"]

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


Found = tuple[str, Span | None, Span | Problem | None, Span | None]
"""Class, missed mention, false one, and gold beside."""
Sort = Callable[[DocumentMatch, frozenset[str]], Iterator[Found]]
"""A document's errors, given the labels of the gold."""


@dataclass(frozen=True)
class Taxonomy:
    """Classes with what they mean, one line each, and the rule that finds them."""

    name: str
    kinds: Mapping[str, str]
    sort: Sort


@dataclass(frozen=True, eq=False)
class Classified:
    """All errors of a matching by the classes of a taxonomy, in the order of the documents."""

    taxonomy: Taxonomy
    matching: Matching
    errors: tuple[Error, ...]

    @cached_property
    def counts(self) -> dict[str, int]:
        """Errors by class, every class named."""
        return self._counted(self.errors)

    @cached_property
    def false_positives(self) -> dict[str, int]:
        """False positives by class: they add up to those of the score."""
        return self._counted(error for error in self.errors if error.false is not None)

    @cached_property
    def false_negatives(self) -> dict[str, int]:
        """Missed mentions by class: they add up to those of the score."""
        return self._counted(error for error in self.errors if error.missed is not None)

    def of(self, kind: str) -> tuple[Error, ...]:
        """The errors of one class."""
        return tuple(error for error in self.errors if error.kind == kind)

    def _counted(self, errors: Iterable[Error]) -> dict[str, int]:
        seen = Counter(error.kind for error in errors)
        return {kind: seen[kind] for kind in self.taxonomy.kinds}


def classify(matching: Matching, taxonomy: str = "spans") -> Classified:
    """Every error of a matching in one class of a taxonomy; raises `ConfigError` with the list of names."""
    chosen: Taxonomy = lookup(TAXONOMIES, taxonomy, "taxonomy", "onoma.taxonomies")
    labels = frozenset(matching.gold_labels)
    errors = (
        Error(number, *found)
        for number, each in enumerate(matching.documents)
        if each.missed or each.spurious or each.problems
        for found in chosen.sort(each, labels)
    )
    return Classified(chosen, matching, tuple(errors))


def overlap(one: Span, other: Span) -> int:
    """Characters that two spans share, gaps of discontinuous ones included."""
    return max(0, min(one.end, other.end) - max(one.start, other.start))
