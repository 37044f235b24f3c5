"""The eight error types of *Assessment of Generative NER in the Era of LLMs* (section 5), with an order of precedence.

The paper leaves open which type wins where several fit. Here a false mention is looked at in the order of the classes
below, against the gold it overlaps most; gold that is found is passed over where missed gold is overlapped, too.
"""

from __future__ import annotations

from collections.abc import Iterator

from onoma.analysis.taxonomy import Found, Taxonomy, overlap
from onoma.document import Span
from onoma.evaluation.matching import DocumentMatch

__all__ = ["ASSESSMENT"]

OF_PROBLEMS = {"ungrounded": "ood_mention", "unknown_label": "ood_type", "duplicate": "duplicate"}


def _sort(each: DocumentMatch, labels: frozenset[str]) -> Iterator[Found]:
    missed = set(each.missed)
    for problem in each.false_problems:
        yield OF_PROBLEMS.get(problem.kind, "unreadable"), None, problem, None
    for span in each.spurious:
        kind, beside = _kind(span, each.gold, missed, labels)
        yield kind, None, span, beside
    for gold in each.missed:
        touched = any(overlap(gold, span) for span in each.predicted)
        yield "touched" if touched else "omitted", gold, None, None


def _kind(span: Span, every: tuple[Span, ...], missed: set[Span], labels: frozenset[str]) -> tuple[str, Span | None]:
    place = (span.start, span.end, span.fragments)
    same = [gold for gold in every if (gold.start, gold.end, gold.fragments) == place]
    if any(gold.label == span.label for gold in same):
        return "duplicate", next(gold for gold in same if gold.label == span.label)
    if same:
        return ("wrong_type" if span.label in labels else "ood_type"), same[0]
    touching = [gold for gold in every if overlap(span, gold)]
    if any(gold in missed for gold in touching):
        touching = [gold for gold in touching if gold in missed]
    if not touching:
        return "completely_o", None
    best = min(touching, key=lambda gold: (-overlap(span, gold), gold.label != span.label, _order(gold)))
    if span.start <= best.start and best.end <= span.end:
        return "contains_gold", best
    return ("contained_by_gold" if best.start <= span.start and span.end <= best.end else "overlap"), best


def _order(gold: Span) -> tuple[int, int, str]:
    """Leftmost, then shortest."""
    return gold.start, gold.end, gold.label


ASSESSMENT = Taxonomy(
    "assessment",
    {
        "ood_mention": "a mention that does not stand in the text",
        "ood_type": "a label that is not one of the gold's, at a right place where it has one",
        "wrong_type": "right place, another label of the gold's",
        "contains_gold": "encloses the gold mention it overlaps most",
        "contained_by_gold": "lies inside the gold mention it overlaps most",
        "overlap": "overlaps gold in another way",
        "completely_o": "touches no gold",
        "omitted": "gold that no prediction touches",
        "duplicate": "a mention that was found already (a ninth class: the paper has none)",
        "unreadable": "an item of an answer that is no mention, or one of several places (a tenth class)",
        "touched": "missed gold that a prediction touches: that prediction's class says how",
    },
    _sort,
)
