"""What the protocols share: both sides joined by id in one written order, places in sentences, and ratios."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from onoma.document import Document, Prediction, Problem, Span
from onoma.evaluation.matching import NO_LABEL, match
from onoma.evaluation.protocols.base import NotApplicableError, ProtocolScore, ratio

__all__ = [
    "Joined",
    "by_sentence",
    "f1_of",
    "join",
    "join_notes",
    "label_of",
    "labels_of",
    "macro",
    "need_tokens",
    "only",
    "plural",
    "span_order",
    "tuple_score",
]


@dataclass(frozen=True, slots=True)
class Joined:
    """One gold document with its gold and predicted spans, by position, and the problems of its answer.

    `problems` are those that stand for a mention; `truncated` says whether the answer was cut off; `answered` is
    False where no prediction came, which counts as nothing predicted.
    """

    document: Document
    gold: tuple[Span, ...]
    predicted: tuple[Span, ...]
    problems: tuple[Problem, ...]
    truncated: bool
    answered: bool


def join(
    gold: Sequence[Document], predictions: Iterable[Prediction | Document], labels: Sequence[str] | None
) -> list[Joined]:
    """Documents with their predictions, by id; unknown ids and the like raise as `onoma.evaluation.match` does."""
    pairs: list[Joined] = []
    for each in match(gold, predictions, labels=labels).documents:
        found = (*(right for _, right in each.pairs), *each.spurious)
        expected = (*(left for left, _ in each.pairs), *each.missed)
        pairs.append(
            Joined(
                document=each.document,
                gold=tuple(sorted(expected, key=span_order)),
                predicted=tuple(sorted(found, key=span_order)),
                problems=each.false_problems,
                truncated=any(problem.kind == "truncated" for problem in each.problems),
                answered=each.answered,
            )
        )
    return pairs


def join_notes(pairs: Sequence[Joined], *, problems: str = "", fragments: str = "") -> tuple[str, ...]:
    """Counts of what every protocol has to say: lost answers, mentions without a place, discontinuous mentions.

    `problems` and `fragments` end the sentence "n predicted mentions without a place ..." and "n discontinuous
    mentions ..."; a count of 0, or an empty ending, is left out.
    """
    lost = sum(not pair.answered for pair in pairs)
    placeless = sum(len(pair.problems) for pair in pairs)
    split = sum(span.discontinuous for pair in pairs for span in (*pair.gold, *pair.predicted))
    notes: list[str] = []
    if lost:
        notes.append(f"{plural(lost, 'document')} without a prediction: nothing predicted")
    if placeless and problems:
        notes.append(f"{plural(placeless, 'predicted mention')} without a place in the text {problems}")
    if split and fragments:
        notes.append(f"{plural(split, 'discontinuous mention')} {fragments}")
    return tuple(notes)


def plural(count: int, noun: str) -> str:
    """`1 document`, `2,000 documents`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def span_order(span: Span) -> tuple[int, int, str, tuple[tuple[int, int], ...]]:
    """Start, end, label, fragments: the one order in which spans are looked at."""
    return (span.start, span.end, span.label, span.fragments)


def label_of(problem: Problem) -> str:
    """The label of a mention without a place, `?` where it has none."""
    return problem.label or NO_LABEL


def labels_of(pairs: Iterable[Joined]) -> list[str]:
    """All labels of gold, predictions and problems, sorted."""
    seen: set[str] = set()
    for pair in pairs:
        seen.update(span.label for span in pair.gold)
        seen.update(span.label for span in pair.predicted)
        seen.update(map(label_of, pair.problems))
    return sorted(seen)


def only(pair: Joined, label: str) -> Joined:
    """The same document with one label's mentions alone."""
    return Joined(
        pair.document,
        tuple(span for span in pair.gold if span.label == label),
        tuple(span for span in pair.predicted if span.label == label),
        tuple(problem for problem in pair.problems if label_of(problem) == label),
        pair.truncated,
        pair.answered,
    )


def by_sentence(document: Document, spans: Iterable[Span]) -> list[list[Span]]:
    """Spans by sentence: a span belongs to the sentence of its first token, else to the nearest before it.

    Documents without sentences are one.
    """
    parts: list[list[Span]] = [[] for _ in document.sentences or ((0, 0),)]
    if len(parts) == 1:
        parts[0].extend(spans)
        return parts
    starts, ends = document.tokens.starts, document.tokens.ends
    firsts = [first for first, _ in document.sentences]
    for span in spans:
        token = bisect_right(ends, span.start)
        if token == len(ends) or starts[token] >= span.end:
            token = max(0, token - 1)
        parts[bisect_right(firsts, token) - 1].append(span)
    return parts


def need_tokens(pairs: Iterable[Joined], protocol: str) -> None:
    """Raise `NotApplicableError` where a text was never split into tokens."""
    for pair in pairs:
        if not pair.document.tokens and pair.document.text.strip():
            raise NotApplicableError(f"{protocol} compares tokens, and document {pair.document.id!r} has none")


def f1_of(precision: float, recall: float) -> float:
    """Harmonic mean; 0/0 is 0."""
    return ratio(2 * precision * recall, precision + recall)


def tuple_score(correct: int, predicted: int, gold: int) -> ProtocolScore:
    """The ratios of three counts."""
    counts = {"correct": correct, "predicted": predicted, "gold": gold}
    return ProtocolScore(ratio(correct, predicted), ratio(correct, gold), ratio(2 * correct, predicted + gold), counts)


def macro(by_label: Mapping[str, ProtocolScore], supported: Iterable[str]) -> ProtocolScore:
    """Mean of each ratio over the labels with gold support; all 0 where there are none."""
    scores = [by_label[label] for label in sorted(set(supported))]
    size = len(scores)
    return ProtocolScore(
        ratio(sum(score.precision for score in scores), size),
        ratio(sum(score.recall for score in scores), size),
        ratio(sum(score.f1 for score in scores), size),
        {"labels": size},
    )
