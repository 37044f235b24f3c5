"""The three errors of GNER (Ding et al. 2024, section 5.2), made a partition."""

from __future__ import annotations

from collections.abc import Iterator

from onoma.analysis.taxonomy import Found, Taxonomy, overlap
from onoma.document import Span
from onoma.evaluation.matching import DocumentMatch

__all__ = ["GNER"]


def _sort(each: DocumentMatch, labels: frozenset[str]) -> Iterator[Found]:
    """Missed mentions by the best prediction, whatever that is paired with; false ones by the best gold."""
    del labels
    for gold in each.missed:
        yield _best(gold, each.predicted) or "UE", gold, None, None
    for span in each.spurious:
        yield _best(span, each.gold) or "SP", None, span, None
    for problem in each.false_problems:
        yield "SP", None, problem, None


def _best(one: Span, others: tuple[Span, ...]) -> str | None:
    """The best of what touches a mention: its place, then its type; None where nothing does."""
    touching = [other for other in others if overlap(one, other)]
    if any((other.start, other.end, other.fragments) == (one.start, one.end, one.fragments) for other in touching):
        return "NE"
    if any(other.label == one.label for other in touching):
        return "BE"
    return "NE+BE" if touching else None


GNER = Taxonomy(
    "gner",
    {
        "UE": "missed mention that no prediction touches",
        "NE": "right place, wrong type (or the same mention twice)",
        "BE": "right type, wrong place",
        "NE+BE": "touched by another type alone, at another place",
        "SP": "false mention that touches no gold, or stands nowhere in the text",
    },
    _sort,
)
