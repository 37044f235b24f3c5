"""Our own classes: what a mention was taken for, and what became of its two ends."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from onoma.analysis.examples import NOTHING
from onoma.analysis.overlaps import first_of_each, overlaps
from onoma.analysis.taxonomy import Taxonomy, rows
from onoma.analysis.texts import texts_of
from onoma.document import Problem, Span
from onoma.evaluation.columns import Integers, Side
from onoma.evaluation.matching import Matching

__all__ = ["SPANS", "by_overlap"]

Flags = NDArray[np.bool_]

OF_PROBLEMS = {"ungrounded": "hallucinated", "unknown_label": "unknown_label", "duplicate": "duplicate"}


def _sort(matching: Matching, number: Mapping[str, int]) -> Iterator[Integers]:
    """Missed and false mentions are paired one to one: by place, then by as much overlap as can be, then by text."""
    touched = overlaps(matching)
    missed, false = touched.is_missed.copy(), touched.is_spurious.copy()
    lost, wrong = touched.mistyped
    one, other = matching.missed[lost], matching.spurious[wrong]
    missed[one], false[other] = False, False
    yield rows(number["type"], missed=one, false=other)
    one, other = by_overlap(matching, missed, false)
    missed[one], false[other] = False, False
    yield rows(_ends(matching, one, other, number), missed=one, false=other)
    one, other = _by_text(matching, missed, false)
    missed[one], false[other] = False, False
    yield rows(number["wrong_occurrence"], missed=one, false=other)
    yield _alone(matching, false, number)
    yield _problems(matching, missed, number)
    yield _lost(matching, np.flatnonzero(missed), number)


def by_overlap(matching: Matching, missed: Flags, false: Flags) -> tuple[Integers, Integers]:
    """Some missed and false mentions (flags on gold and on what was found) that overlap, paired one to one.

    As many pairs as can be, then as many of one label, then as much overlap in all.
    """
    touched = overlaps(matching)
    every = touched.of_missed
    kept = np.flatnonzero(missed[every.gold] & false[every.found])
    one, other, shared, label = every.gold[kept], every.found[kept], every.shared[kept], every.label[kept]
    group = _groups(
        np.concatenate((touched.gold_start[one], touched.found_start[other])),
        np.concatenate((touched.gold_end[one], touched.found_end[other])),
    )[: len(one)]
    gold, found = touched.ranks[0][one], touched.ranks[1][other]
    # Where a group has one mention of a kind, that takes its best partner.
    easy = np.minimum(_distinct(group, gold), _distinct(group, found))[group] == 1
    order = ~label[easy], -shared[easy], gold[easy], found[easy]
    chosen = [np.flatnonzero(easy)[first_of_each(group[easy], *order)]]
    chosen += [hard[_assigned(gold[hard], found[hard], shared[hard], label[hard])] for hard in _split(group, ~easy)]
    at = np.concatenate(chosen)
    return one[at], other[at]


def _groups(starts: Integers, ends: Integers) -> Integers:
    """The number of the group that each range is in: ranges that overlap, however indirectly, are in one."""
    order = np.argsort(starts, kind="stable")
    reach = np.maximum.accumulate(ends[order])
    group = np.empty(len(order), np.int64)
    group[order] = np.cumsum(np.concatenate(([False], starts[order[1:]] >= reach[:-1]))[: len(order)])
    return group


def _distinct(group: Integers, column: Integers) -> Integers:
    """How many distinct mentions of a column each group has."""
    size = int(column.max(initial=0)) + 1
    return np.bincount(np.unique(group * size + column) // size)


def _split(group: Integers, wanted: Flags) -> list[Integers]:
    """The places of the wanted pairs, group by group."""
    at = np.flatnonzero(wanted)
    at = at[np.argsort(group[at], kind="stable")]
    return [part for part in np.split(at, np.flatnonzero(np.diff(group[at])) + 1) if len(part)]


def _assigned(one: Integers, other: Integers, shared: Integers, label: Flags) -> Integers:
    """The chosen pairs of a group in which both kinds have several, by their ranks."""
    from scipy.optimize import linear_sum_assignment

    golds, row = np.unique(one, return_inverse=True)
    spans, column = np.unique(other, return_inverse=True)
    place = np.full((len(golds), len(spans)), NOTHING)
    place[row, column] = np.arange(len(one))
    most = int(shared.sum()) + 1
    worth = np.zeros(place.shape)
    worth[row, column] = shared + most * label + most * (min(place.shape) + 1)
    chosen = place[linear_sum_assignment(worth, maximize=True)]
    return chosen[chosen != NOTHING]


def _ends(matching: Matching, one: Integers, other: Integers, number: Mapping[str, int]) -> Integers:
    gold, found = matching.gold, matching.found
    left, right = gold.start[one] != found.start[other], gold.end[one] != found.end[other]
    return np.select(
        [gold.label[one] != found.label[other], left == right, left],
        [number["type_and_ends"], number["both_ends"], number["left_end"]],
        number["right_end"],
    )


def _by_text(matching: Matching, missed: Flags, false: Flags) -> tuple[Integers, Integers]:
    """The text of a missed mention with its label at another place, where neither touches anything."""
    touched = overlaps(matching)
    missed, false = missed.copy(), false.copy()
    missed[touched.of_missed.gold] = False
    false[touched.of_spurious.found] = False
    gold, found = np.flatnonzero(missed), np.flatnonzero(false)
    gold = gold[np.isin(matching.gold.document[gold], matching.found.document[found])]
    waiting: dict[object, list[int]] = defaultdict(list)
    for at, key in _named(matching, matching.gold, touched.ranks[0], gold):
        waiting[key].append(at)
    pairs: list[tuple[int, int]] = []
    for at, key in _named(matching, matching.found, touched.ranks[1], found):
        same = waiting.get(key)
        if same:
            pairs.append((same.pop(0), at))
    one, other = np.array(pairs, np.int64).reshape(-1, 2).T
    return one, other


def _named(
    matching: Matching, side: Side, rank: Integers, chosen: Integers
) -> Iterator[tuple[int, tuple[int, int, str]]]:
    """Some mentions from left to right, each with its document, label and text."""
    chosen = chosen[np.argsort(rank[chosen])]
    columns = side.document[chosen].tolist(), side.label[chosen].tolist(), texts_of(matching, side, chosen)
    return zip(chosen.tolist(), zip(*columns, strict=True), strict=True)


def _alone(matching: Matching, false: Flags, number: Mapping[str, int]) -> Integers:
    """False mentions that are held against no missed gold: found already, a part of a split, or beside all gold."""
    touched, rank = overlaps(matching).of_spurious, overlaps(matching).ranks[0]
    chosen = np.flatnonzero(false)
    kind, beside = np.full(len(false), number["spurious"]), np.full(len(false), NOTHING)
    again = touched.place & touched.label
    best = first_of_each(touched.wrong, ~again, -touched.shared, ~touched.label, rank[touched.gold])
    one, other = touched.gold[best], touched.found[best]
    kind[other] = np.where(again[best], number["duplicate"], number["split"])
    beside[other] = one
    return rows(kind[chosen], false=chosen, beside=beside[chosen])


def _problems(matching: Matching, missed: Flags, number: Mapping[str, int]) -> Integers:
    """Problems that stand for a mention; an ambiguous one is held against a missed mention of its text and label."""
    found = len(matching.found)
    made = [rows([])]
    for at, (document, problem) in enumerate(matching.false_problems):
        meant = NOTHING
        if problem.kind == "ambiguous":
            first, last = np.searchsorted(matching.gold.document, (document, document + 1)).tolist()
            same = [
                index for index in (first + np.flatnonzero(missed[first:last])).tolist()
                if matching.gold.spans[index].label == problem.label
                and problem.may_mean(matching.gold.spans[index])
                and matching.places.documents[document].surface(matching.gold.spans[index]) == problem.text
            ]  # fmt: skip
            meant = min(same, key=overlaps(matching).ranks[0].__getitem__, default=NOTHING)
            if meant != NOTHING:
                missed[meant] = False
        kind = "ambiguous" if problem.kind == "ambiguous" else OF_PROBLEMS.get(problem.kind, "malformed")
        made.append(rows(number[kind], missed=meant, false=found + at))
    return np.concatenate(made)


def _lost(matching: Matching, chosen: Integers, number: Mapping[str, int]) -> Integers:
    """Missed mentions that no false one is held against."""
    touched, document = overlaps(matching), matching.gold.document[chosen]
    merged = np.zeros(len(matching.gold), bool)
    merged[touched.of_missed.gold] = True
    kind = np.select(
        [~matching.answered[document], merged[chosen], _behind_cuts(matching)[chosen]],
        [number["no_answer"], number["merged"], number["truncated"]],
        number["missed"],
    )
    return rows(kind, missed=chosen)


def _behind_cuts(matching: Matching) -> Flags:
    """Which gold stands, in what an answer was about that was cut off, behind the last mention of that answer."""
    made = np.zeros(len(matching.gold), bool)
    for document, problems in matching.problems_of.items():
        cuts = {(each.within, each.label): each for each in problems if each.kind == "truncated"}
        if not cuts:
            continue
        gold, found = (
            slice(*np.searchsorted(side.document, (document, document + 1)).tolist())
            for side in (matching.gold, matching.found)
        )
        for cut in cuts.values():
            reached = max((span.end for span in matching.found.spans[found] if _about(cut, span)), default=0)
            behind = [_about(cut, span) and span.start >= reached for span in matching.gold.spans[gold]]
            made[gold] |= np.array(behind, bool)
    return made


def _about(cut: Problem, span: Span) -> bool:
    """Whether the answer that was cut off would have named a mention."""
    return cut.label in {None, span.label} and cut.may_mean(span)


SPANS = Taxonomy(
    "spans",
    {
        "type": "right place, wrong label",
        "left_end": "right label, begins at another place",
        "right_end": "right label, ends at another place",
        "both_ends": "right label, begins and ends at other places",
        "type_and_ends": "overlaps, with another label",
        "split": "overlaps gold for which another answer stands already",
        "merged": "gold overlapped by an answer that stands for other gold",
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
