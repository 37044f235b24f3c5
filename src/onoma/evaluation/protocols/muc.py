"""Our own relaxed measures after MUC-5 and SemEval-2013 task 9.1, over one written one-to-one assignment.

Gold and predicted mentions of a document are paired one to one, and only where they share characters. Of all such
assignments the one is taken that has, in this order of importance,

1. the most pairs of equal boundaries and equal label,
2. the most pairs of equal boundaries,
3. the most shared characters in all pairs together,
4. the most pairs of equal label,
5. the most pairs.

All counts below follow from these five sums, so no further rule is needed for ties, and no order can change them.
Ranges are half-open: mentions that only touch do not overlap. Of a discontinuous mention the pieces count.

COR, INC, PAR, MIS and SPU are read off the pairs: `exact_boundary` calls a pair correct by its boundaries,
`type_only` by its label, and `partial` gives one half for a pair of other boundaries, whatever its label.
Precision is (COR + PAR / 2) / ACT with ACT = COR + INC + PAR + SPU, recall the same over POS = COR + INC + PAR + MIS.
A label's row is scored on that label's mentions alone; macro goes over labels with gold support.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Literal, NamedTuple

from onoma.document import Document, Prediction, Span
from onoma.evaluation.matching import position
from onoma.evaluation.protocols.base import ProtocolScore, ProtocolScores, ratio
from onoma.evaluation.protocols.joined import (
    Joined,
    f1_of,
    join,
    join_notes,
    label_of,
    labels_of,
    macro,
    only,
    span_order,
)

__all__ = ["assign", "exact_boundary", "partial", "shared_characters", "type_only", "worth"]

Measure = Literal["exact_boundary", "type_only", "partial"]

RULES: dict[Measure, str] = {
    "exact_boundary": "start and end, whatever the label; one-to-one assignment",
    "type_only": "any overlap with the same label; one-to-one assignment",
    "partial": "overlap counts one half, whatever the label; one-to-one assignment",
}

Worth = tuple[int, int, int, int, int]
"""What a pair is worth: the summands of the five sums, most important first."""


class Tally(NamedTuple):
    """MUC counts."""

    cor: int = 0
    inc: int = 0
    par: int = 0
    mis: int = 0
    spu: int = 0

    def plus(self, other: Tally) -> Tally:
        """Sums, count by count."""
        return Tally(*(mine + theirs for mine, theirs in zip(self, other, strict=True)))

    def score(self) -> ProtocolScore:
        """Precision and recall with one half for each partial match."""
        paired = self.cor + self.inc + self.par
        actual, possible = paired + self.spu, paired + self.mis
        credit = self.cor + 0.5 * self.par
        precision, recall = ratio(credit, actual), ratio(credit, possible)
        counts = {
            "COR": self.cor,
            "INC": self.inc,
            "PAR": self.par,
            "MIS": self.mis,
            "SPU": self.spu,
            "POS": possible,
            "ACT": actual,
        }
        return ProtocolScore(precision, recall, f1_of(precision, recall), counts)


def exact_boundary(
    gold: Sequence[Document], predictions: Iterable[Prediction | Document], *, labels: Sequence[str] | None = None
) -> ProtocolScores:
    """Equal start, end and fragments, whatever the label; raises as `onoma.evaluation.match`."""
    return _score("exact_boundary", join(gold, predictions, labels))


def type_only(
    gold: Sequence[Document], predictions: Iterable[Prediction | Document], *, labels: Sequence[str] | None = None
) -> ProtocolScores:
    """Any overlap of equal label; raises as `onoma.evaluation.match`."""
    return _score("type_only", join(gold, predictions, labels))


def partial(
    gold: Sequence[Document], predictions: Iterable[Prediction | Document], *, labels: Sequence[str] | None = None
) -> ProtocolScores:
    """Equal boundaries count one, any other overlap one half; raises as `onoma.evaluation.match`."""
    return _score("partial", join(gold, predictions, labels))


def shared_characters(left: Span, right: Span) -> int:
    """How many characters two mentions have in common; of discontinuous ones, in their pieces."""
    if not left.fragments and not right.fragments:
        return max(0, min(left.end, right.end) - max(left.start, right.start))
    return sum(
        max(0, min(end, other_end) - max(start, other_start))
        for start, end in left.fragments or ((left.start, left.end),)
        for other_start, other_end in right.fragments or ((right.start, right.end),)
    )


def worth(left: Span, right: Span) -> Worth | None:
    """What a pair adds to the five sums; None where the two share no character."""
    shared = shared_characters(left, right)
    if not shared:
        return None
    same = left.label == right.label
    exact = position(left) == position(right)
    return (int(exact and same), int(exact), shared, int(same), 1)


def assign(golds: Sequence[Span], found: Sequence[Span]) -> list[tuple[Span, Span]]:
    """The best one-to-one assignment of one document's mentions, as (gold, predicted) pairs in gold order.

    Exact in any case where neither side overlaps itself (then linear after sorting), and else as long as the
    packed sums of one cluster of overlapping mentions stay below 2**53; beyond, the later of the five may be rounded.
    """
    pairs: list[tuple[Span, Span]] = []
    for left, right in _clusters(sorted(golds, key=span_order), sorted(found, key=span_order)):
        solve = _in_line if _flat(left) and _flat(right) else _crossing
        pairs.extend((left[row], right[column]) for row, column in solve(left, right))
    return pairs


def _clusters(golds: list[Span], found: list[Span]) -> Iterable[tuple[list[Span], list[Span]]]:
    """Runs of mentions whose hulls overlap, those with both sides only."""
    merged = sorted([*((span, 0) for span in golds), *((span, 1) for span in found)], key=lambda item: item[0].start)
    sides: tuple[list[Span], list[Span]] = ([], [])
    reached = -1
    for span, side in merged:
        if span.start >= reached:
            if sides[0] and sides[1]:
                yield sides
            sides = ([], [])
        sides[side].append(span)
        reached = max(reached, span.end)
    if sides[0] and sides[1]:
        yield sides


def _flat(spans: list[Span]) -> bool:
    return all(left.end <= right.start for left, right in pairwise(spans)) and not any(span.fragments for span in spans)


def _in_line(golds: list[Span], found: list[Span]) -> list[tuple[int, int]]:
    """Both sides flat: overlapping pairs come in one line in which no assignment can cross, so a scan is exact.

    Pairs in conflict with pair `k` (same gold or same prediction) are the ones right before it.
    """
    edges: list[tuple[int, int, int]] = []
    row = column = 0
    while row < len(golds) and column < len(found):
        value = worth(golds[row], found[column])
        if value is not None:
            edges.append((row, column, _packed(value, (1 << 40,) * 5)))
        if golds[row].end <= found[column].end:
            row += 1
        else:
            column += 1
    first_row: dict[int, int] = {}
    first_column: dict[int, int] = {}
    best = [0]  # the best sum of the first k pairs
    chosen: list[int | None] = [None]  # and where it came from, if pair k - 1 is in it
    for index, (row, column, value) in enumerate(edges):
        free = min(first_row.setdefault(row, index), first_column.setdefault(column, index))
        taken = best[free] + value
        chosen.append(free if taken > best[-1] else None)
        best.append(max(taken, best[-1]))
    pairs: list[tuple[int, int]] = []
    at = len(edges)
    while at:
        free = chosen[at]
        if free is None:
            at -= 1
        else:
            pairs.append(edges[at - 1][:2])
            at = free
    return pairs[::-1]


def _crossing(golds: list[Span], found: list[Span]) -> list[tuple[int, int]]:
    """Nested or discontinuous mentions: maximum assignment over the sums packed into one number."""
    import numpy as np
    from scipy.optimize import linear_sum_assignment

    worths = {
        (row, column): value
        for row, left in enumerate(golds)
        for column, right in enumerate(found)
        if (value := worth(left, right)) is not None
    }
    most = min(len(golds), len(found)) + 1
    longest = max((value[2] for value in worths.values()), default=0)
    weights = np.zeros((len(golds), len(found)))
    for place, value in worths.items():
        weights[place] = _packed(value, (most, most, most * longest + 1, most, most))
    rows, columns = linear_sum_assignment(weights, maximize=True)
    pairs = ((int(row), int(column)) for row, column in zip(rows, columns, strict=True))
    return [pair for pair in pairs if pair in worths]


def _packed(value: Worth, bases: tuple[int, ...]) -> int:
    number = 0
    for part, base in zip(value, bases, strict=True):
        number = number * base + part
    return number


def _compare(pair: Joined, measure: Measure) -> Tally:
    pairs = assign(pair.gold, pair.predicted)
    exact = sum(position(left) == position(right) for left, right in pairs)
    correct = sum(left.label == right.label for left, right in pairs) if measure == "type_only" else exact
    other = len(pairs) - correct
    return Tally(
        cor=correct,
        inc=0 if measure == "partial" else other,
        par=other if measure == "partial" else 0,
        mis=len(pair.gold) - len(pairs),
        spu=len(pair.predicted) - len(pairs) + len(pair.problems),
    )


def _score(measure: Measure, pairs: Sequence[Joined]) -> ProtocolScores:
    labels = labels_of(pairs)
    total = Tally()
    tallies = dict.fromkeys(labels, Tally())
    for pair in pairs:
        total = total.plus(_compare(pair, measure))
        here = {span.label for span in (*pair.gold, *pair.predicted)} | set(map(label_of, pair.problems))
        for label in here:
            tallies[label] = tallies[label].plus(_compare(only(pair, label), measure))
    by_label = {label: tallies[label].score() for label in labels}
    return ProtocolScores(
        protocol=measure,
        rule=RULES[measure],
        micro=total.score(),
        macro=macro(by_label, (span.label for pair in pairs for span in pair.gold)),
        by_label=by_label,
        notes=join_notes(pairs, problems="are spurious"),
    )
