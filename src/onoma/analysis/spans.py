"""Our own classes: what a mention was taken for, and what became of its two ends."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

import numpy as np

from onoma.analysis.taxonomy import Found, Taxonomy, overlap
from onoma.document import Span
from onoma.evaluation.matching import DocumentMatch

__all__ = ["SPANS"]

OF_PROBLEMS = {"ungrounded": "hallucinated", "unknown_label": "unknown_label", "duplicate": "duplicate"}


def _sort(each: DocumentMatch, labels: frozenset[str]) -> Iterator[Found]:
    """Missed and false mentions are paired one to one: by place, then by as much overlap as can be, then by text."""
    del labels
    missed, false = list(each.missed), list(each.spurious)
    yield from _by_place(missed, false)
    yield from _by_overlap(missed, false)
    yield from _by_text(each, missed, false)
    for span in false:
        found = {(gold.start, gold.end, gold.label, gold.fragments) for gold, _ in each.pairs}
        beside = next((gold for gold in each.gold if overlap(gold, span)), None)
        twice = (span.start, span.end, span.label, span.fragments) in found
        yield "duplicate" if twice else "spurious" if beside is None else "split", None, span, beside
    problems = list(each.false_problems)
    for problem in problems:
        if problem.kind == "ambiguous":
            meant = next(
                (gold for gold in missed if (each.document.surface(gold), gold.label) == (problem.text, problem.label)),
                None,
            )
            if meant is not None:
                missed.remove(meant)
            yield "ambiguous", meant, problem, None
        else:
            yield OF_PROBLEMS.get(problem.kind, "malformed"), None, problem, None
    cut = any(problem.kind == "truncated" for problem in each.problems)
    reached = max((span.end for span in each.predicted), default=0)
    for gold in missed:
        merged = any(overlap(gold, span) for span in each.predicted)
        yield (
            "no_answer" if not each.answered
            else "merged" if merged
            else "truncated" if cut and gold.start >= reached
            else "missed"
        ), gold, None, None  # fmt: skip


def _by_place(missed: list[Span], false: list[Span]) -> Iterator[Found]:
    """The same place with another label; what is paired is taken out of both lists."""
    waiting: dict[object, list[Span]] = defaultdict(list)
    for span in sorted(false, key=_order):
        waiting[(span.start, span.end, span.fragments)].append(span)
    for gold in sorted(missed, key=_order):
        same = waiting[(gold.start, gold.end, gold.fragments)]
        if same:
            span = same.pop(0)
            missed.remove(gold)
            false.remove(span)
            yield "type", gold, span, None


def _by_overlap(missed: list[Span], false: list[Span]) -> Iterator[Found]:
    """As many pairs as can be, then as many of one label, then as much overlap in all."""
    for golds, spans in _components(missed, false):
        if len(golds) == 1 and len(spans) == 1:
            chosen = [(0, 0)]
        else:
            from scipy.optimize import linear_sum_assignment

            shared = np.array([[overlap(gold, span) for span in spans] for gold in golds])
            same = np.array([[gold.label == span.label for span in spans] for gold in golds])
            most = int(shared.sum()) + 1
            worth = shared + most * same + most * (min(shared.shape) + 1) * (shared > 0)
            rows, columns = linear_sum_assignment(worth, maximize=True)
            chosen = [(row, column) for row, column in zip(rows, columns, strict=True) if shared[row, column]]
        for row, column in chosen:
            gold, span = golds[row], spans[column]
            missed.remove(gold)
            false.remove(span)
            yield _ends(gold, span), gold, span, None


def _components(missed: Sequence[Span], false: Sequence[Span]) -> Iterator[tuple[list[Span], list[Span]]]:
    """Groups of missed and false mentions that overlap, however indirectly, with both kinds in each."""
    both = [(span, True) for span in missed] + [(span, False) for span in false]
    groups: list[tuple[list[Span], list[Span]]] = []
    reach = -1
    for span, is_gold in sorted(both, key=lambda item: (*_order(item[0]), item[1])):
        if span.start >= reach:
            groups.append(([], []))
        groups[-1][0 if is_gold else 1].append(span)
        reach = max(reach, span.end)
    yield from ((golds, spans) for golds, spans in groups if golds and spans)


def _ends(gold: Span, span: Span) -> str:
    if gold.label != span.label:
        return "type_and_ends"
    left, right = gold.start != span.start, gold.end != span.end
    return "both_ends" if left == right else "left_end" if left else "right_end"


def _by_text(each: DocumentMatch, missed: list[Span], false: list[Span]) -> Iterator[Found]:
    """The text of a missed mention with its label, at another place."""
    surface = each.document.surface
    for span in sorted(false, key=_order):
        if any(overlap(gold, span) for gold in each.gold):
            continue
        meant = [
            gold for gold in missed
            if (surface(gold), gold.label) == (surface(span), span.label)
            and not any(overlap(gold, other) for other in each.predicted)
        ]  # fmt: skip
        if meant:
            gold = min(meant, key=_order)
            missed.remove(gold)
            false.remove(span)
            yield "wrong_occurrence", gold, span, None


def _order(span: Span) -> tuple[int, int, str, object]:
    return span.start, span.end, span.label, span.fragments


SPANS = Taxonomy(
    "spans",
    {
        "type": "right place, wrong label",
        "left_end": "right label, begins at another place",
        "right_end": "right label, ends at another place",
        "both_ends": "right label, begins and ends at other places",
        "type_and_ends": "overlaps, with another label",
        "split": "a further mention that touches gold which another one is held against",
        "merged": "missed gold that touches a mention which is held against other gold",
        "wrong_occurrence": "the right text and label where the same text means no mention",
        "spurious": "touches no gold",
        "missed": "gold that no mention touches",
        "hallucinated": "a mention that does not stand in the text",
        "unknown_label": "a label that was not asked for",
        "duplicate": "a mention that was found already",
        "ambiguous": "a mention that could stand at several places",
        "malformed": "an item of an answer that cannot be read",
        "truncated": "gold behind the last mention of an answer that was cut off",
        "no_answer": "gold of a document that was not answered",
    },
    _sort,
)
