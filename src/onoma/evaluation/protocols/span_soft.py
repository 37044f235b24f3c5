"""Character-overlap F1 of the span_labeling project (LogitMatch, arXiv 2601.16946): soft, and hard by label.

At every character the predictions that cover it are paired with the gold mentions that cover it, one to one; hard
pairs need the same label. Precision is paired characters over all predicted characters, recall over all gold ones,
each character counted as often as mentions cover it, pooled over all documents. Where both sides are empty the
original says 1, and so does this.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from onoma.document import Document, Prediction, Span
from onoma.evaluation.protocols.base import ProtocolScore, ProtocolScores, ratio
from onoma.evaluation.protocols.joined import Joined, f1_of, join, join_notes, labels_of, only

__all__ = ["hard", "soft"]


def soft(
    gold: Sequence[Document], predictions: Iterable[Prediction | Document], *, labels: Sequence[str] | None = None
) -> ProtocolScores:
    """Shared characters, whatever the label; raises as `onoma.evaluation.match`."""
    pairs = join(gold, predictions, labels)
    shared = sum(_shared(pair.gold, pair.predicted) for pair in pairs)
    rule = "shared characters, whatever the label; span_labeling soft F1, pooled over documents"
    return ProtocolScores("span_soft", rule, _ratios(shared, pairs), notes=_notes(pairs))


def hard(
    gold: Sequence[Document], predictions: Iterable[Prediction | Document], *, labels: Sequence[str] | None = None
) -> ProtocolScores:
    """Shared characters of the same label; raises as `onoma.evaluation.match`."""
    pairs = join(gold, predictions, labels)
    shared: Counter[str] = Counter()
    parts: dict[str, list[Joined]] = {label: [] for label in labels_of(pairs)}
    for pair in pairs:
        for label in labels_of([pair]):
            mine = only(pair, label)
            parts[label].append(mine)
            shared[label] += _shared(mine.gold, mine.predicted)
    by_label = {label: _ratios(shared[label], mine) for label, mine in parts.items()}
    rule = "shared characters of the same label; span_labeling hard F1, pooled over documents"
    return ProtocolScores("span_hard", rule, _ratios(shared.total(), pairs), by_label=by_label, notes=_notes(pairs))


def _pieces(span: Span) -> tuple[tuple[int, int], ...]:
    return span.fragments or ((span.start, span.end),)


def _shared(golds: Iterable[Span], found: Iterable[Span]) -> int:
    """Sum over characters of the smaller of how many gold and how many predicted mentions cover them."""
    changes: list[tuple[int, int, int]] = []
    for side, spans in ((0, golds), (1, found)):
        for span in spans:
            for start, end in _pieces(span):
                changes += (start, side, 1), (end, side, -1)
    depth = [0, 0]
    total = reached = 0
    for place, side, change in sorted(changes):
        total += (place - reached) * min(depth)
        depth[side] += change
        reached = place
    return total


def _size(spans: Iterable[Span]) -> int:
    return sum(end - start for span in spans for start, end in _pieces(span))


def _ratios(shared: int, pairs: Iterable[Joined]) -> ProtocolScore:
    predicted = expected = 0
    for pair in pairs:
        expected += _size(pair.gold)
        predicted += _size(pair.predicted) + sum(max(1, len(problem.text)) for problem in pair.problems)
    counts = {"overlap_chars": shared, "predicted_chars": predicted, "gold_chars": expected}
    if not predicted and not expected:
        return ProtocolScore(1.0, 1.0, 1.0, counts)
    precision, recall = ratio(shared, predicted), ratio(shared, expected)
    return ProtocolScore(precision, recall, f1_of(precision, recall), counts)


def _notes(pairs: Sequence[Joined]) -> tuple[str, ...]:
    notes = join_notes(
        pairs,
        problems="count as predicted characters of their text (the original drops them)",
        fragments="count by their pieces",
    )
    empty = not any(pair.gold or pair.predicted or pair.problems for pair in pairs)
    return (*notes, "nothing in gold or prediction: the original calls that 1") if empty else notes
