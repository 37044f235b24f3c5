"""The four measures of nervaluate 1.2.1, on spans in document order.

Each prediction in turn takes the first gold mention, not yet taken, that its measure calls correct, else the first
one it overlaps. nervaluate looks at mentions in the order they come in; here that order is by start, end and label
on both sides, so that the result is the package's own for lists sorted so, and never depends on the input's order.
An overlap is at least 1 % of the gold mention. Every label that occurs on either side is in its list of tags; a
label's own row is scored on that label's mentions alone, as the package does.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

from onoma.document import Document, Prediction, Span
from onoma.evaluation.protocols.base import ProtocolScore, ProtocolScores, ratio
from onoma.evaluation.protocols.joined import Joined, f1_of, join, join_notes, label_of, labels_of, plural

__all__ = ["Entity", "compare", "entities", "exact", "partial", "strict", "type_"]

Measure = Literal["strict", "exact", "partial", "type"]

RULES: dict[Measure, str] = {
    "strict": "boundaries and label, any overlap else is one error; nervaluate 1.2.1 strict",
    "exact": "boundaries, whatever the label; nervaluate 1.2.1 exact",
    "partial": "overlap counts one half, whatever the label; nervaluate 1.2.1 partial",
    "type": "any overlap with the same label; nervaluate 1.2.1 ent_type",
}


class Entity(NamedTuple):
    """A mention as nervaluate takes it: `end` is **inclusive**, in tokens or in characters."""

    start: int
    end: int
    label: str


class Tally(NamedTuple):
    """Counts under the package's names."""

    correct: int = 0
    incorrect: int = 0
    partial: int = 0
    missed: int = 0
    spurious: int = 0

    def plus(self, other: Tally) -> Tally:
        """Sums, count by count."""
        return Tally(*(mine + theirs for mine, theirs in zip(self, other, strict=True)))

    def score(self) -> ProtocolScore:
        """Precision over what was predicted, recall over what there was; a partial match is one half."""
        common = self.correct + self.incorrect + self.partial
        actual, possible = common + self.spurious, common + self.missed
        credit = self.correct + 0.5 * self.partial
        precision, recall = ratio(credit, actual), ratio(credit, possible)
        counts = {**self._asdict(), "actual": actual, "possible": possible}
        return ProtocolScore(precision, recall, f1_of(precision, recall), counts)


def strict(
    gold: Sequence[Document], predictions: Iterable[Prediction | Document], *, labels: Sequence[str] | None = None
) -> ProtocolScores:
    """nervaluate's `strict`; raises as `onoma.evaluation.match`."""
    return _score("strict", join(gold, predictions, labels))


def exact(
    gold: Sequence[Document], predictions: Iterable[Prediction | Document], *, labels: Sequence[str] | None = None
) -> ProtocolScores:
    """nervaluate's `exact`; raises as `onoma.evaluation.match`."""
    return _score("exact", join(gold, predictions, labels))


def partial(
    gold: Sequence[Document], predictions: Iterable[Prediction | Document], *, labels: Sequence[str] | None = None
) -> ProtocolScores:
    """nervaluate's `partial`; raises as `onoma.evaluation.match`."""
    return _score("partial", join(gold, predictions, labels))


def type_(
    gold: Sequence[Document], predictions: Iterable[Prediction | Document], *, labels: Sequence[str] | None = None
) -> ProtocolScores:
    """nervaluate's `ent_type`; raises as `onoma.evaluation.match`."""
    return _score("type", join(gold, predictions, labels))


def entities(document: Document, *sides: Sequence[Span]) -> tuple[list[list[Entity]], bool]:
    """Spans of one document as inclusive ranges, sorted, and whether these are tokens.

    They are token ranges where every span of every side begins and ends with a token, else characters (the last
    one being end - 1). A discontinuous mention is its hull.
    """
    starts = {place: index for index, place in enumerate(document.tokens.starts)}
    ends = {place: index for index, place in enumerate(document.tokens.ends)}
    aligned = bool(starts) and all(
        starts.get(span.start, len(starts)) <= ends.get(span.end, -1) for side in sides for span in side
    )
    if aligned:
        placed = [[Entity(starts[span.start], ends[span.end], span.label) for span in side] for side in sides]
    else:
        placed = [[Entity(span.start, span.end - 1, span.label) for span in side] for side in sides]
    return [sorted(side) for side in placed], aligned


def compare(golds: Sequence[Entity], found: Sequence[Entity], measure: Measure) -> Tally:
    """Counts of one document; both lists are sorted.

    As predictions come by their start, a gold mention that ends before one can never meet a later one. Such
    mentions, and those taken, leave the list of what is looked at, so only overlaps cost time.
    """
    size = len(golds)
    after = [*range(1, size + 1), 0]  # a linked list; its head is at `size`, which is also its end
    correct = incorrect = partly = spurious = 0
    for entity in found:
        before, at = size, after[size]
        hit: tuple[int, int] | None = None
        near: tuple[int, int] | None = None
        distance = 0
        while at != size and golds[at].start <= entity.end:
            other = golds[at]
            if other.end < entity.start:
                at = after[before] = after[at]
                continue
            if _overlaps(entity, other):
                same_place = other.start == entity.start and other.end == entity.end
                same_label = other.label == entity.label
                if measure == "type":
                    if same_label:
                        apart = abs(other.start - entity.start) + abs(other.end - entity.end)
                        if hit is None or apart < distance:
                            hit, distance = (before, at), apart
                    elif near is None:
                        near = (before, at)
                elif same_place and (same_label or measure != "strict"):
                    hit = (before, at)
                    break
                elif near is None:
                    near = (before, at)
            before, at = at, after[at]
        taken = hit or near
        if taken is None:
            spurious += 1
            continue
        after[taken[0]] = after[taken[1]]
        if hit is not None:
            correct += 1
        elif measure == "partial":
            partly += 1
        else:
            incorrect += 1
    return Tally(correct, incorrect, partly, size - correct - incorrect - partly, spurious)


def _overlaps(entity: Entity, gold: Entity) -> bool:
    shared = min(entity.end, gold.end) - max(entity.start, gold.start) + 1
    return shared > 0 and shared / (gold.end - gold.start + 1) * 100.0 >= 1.0


def _score(measure: Measure, pairs: Sequence[Joined]) -> ProtocolScores:
    labels = labels_of(pairs)
    total = Tally()
    tallies = dict.fromkeys(labels, Tally())
    in_characters = 0
    for pair in pairs:
        (golds, found), aligned = entities(pair.document, pair.gold, pair.predicted)
        in_characters += not aligned and bool(golds or found)
        total = total.plus(compare(golds, found, measure)).plus(Tally(spurious=len(pair.problems)))
        for label in {*(each.label for each in golds), *(each.label for each in found)}:
            mine = [each for each in golds if each.label == label]
            theirs = [each for each in found if each.label == label]
            tallies[label] = tallies[label].plus(compare(mine, theirs, measure))
        for problem in pair.problems:
            tallies[label_of(problem)] = tallies[label_of(problem)].plus(Tally(spurious=1))
    notes = join_notes(pairs, problems="are spurious", fragments="are taken as their hull")
    if in_characters:
        notes = (*notes, f"{plural(in_characters, 'document')} compared in characters, all others in tokens")
    return ProtocolScores(
        protocol=f"nervaluate_{measure}",
        rule=RULES[measure],
        micro=total.score(),
        by_label={label: tallies[label].score() for label in labels},
        notes=notes,
    )
