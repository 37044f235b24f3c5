"""The "matching scores" of *From BERT to T5* under the name of what they are: recalls, with precision and F1 added.

The paper's labelled matching score is the share of gold (start, end, type) that was predicted, the unlabelled one
the same without the type (its tables 3 and 4).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from onoma.document import Document, Prediction
from onoma.evaluation.matching import Key, match, position
from onoma.evaluation.matching import strict as same_label
from onoma.evaluation.protocols.base import ProtocolScores
from onoma.evaluation.protocols.joined import label_of, macro, plural, tuple_score

__all__ = ["labelled", "unlabelled"]


def labelled(
    gold: Sequence[Document], predictions: Iterable[Prediction | Document], *, labels: Sequence[str] | None = None
) -> ProtocolScores:
    """Start, end and label; its recall is the paper's labelled matching score."""
    rule = "start, end and label; the recall is the labelled matching score of From BERT to T5"
    return _score("recall", rule, same_label, gold, predictions, labels)


def unlabelled(
    gold: Sequence[Document], predictions: Iterable[Prediction | Document], *, labels: Sequence[str] | None = None
) -> ProtocolScores:
    """Start and end; its recall is the paper's unlabelled matching score."""
    rule = "start and end; the recall is the unlabelled matching score of From BERT to T5"
    return _score("recall_unlabelled", rule, position, gold, predictions, labels)


def _score(
    protocol: str,
    rule: str,
    key: Key,
    gold: Sequence[Document],
    predictions: Iterable[Prediction | Document],
    labels: Sequence[str] | None,
) -> ProtocolScores:
    correct: Counter[str] = Counter()
    expected: Counter[str] = Counter()
    found: Counter[str] = Counter()
    problems = lost = 0
    for each in match(gold, predictions, labels=labels, key=key).documents:
        correct.update(left.label for left, _ in each.pairs)
        expected.update(span.label for span in (*(left for left, _ in each.pairs), *each.missed))
        found.update(span.label for span in (*(right for _, right in each.pairs), *each.spurious))
        found.update(map(label_of, each.false_problems))
        problems += len(each.false_problems)
        lost += not each.answered
    # Where the label is no part of the match, a pair may have two: there are no rows by label then.
    by_label = (
        {label: tuple_score(correct[label], found[label], expected[label]) for label in sorted({*expected, *found})}
        if key is same_label
        else {}
    )
    notes: list[str] = []
    if lost:
        notes.append(f"{plural(lost, 'document')} without a prediction: nothing predicted")
    if problems:
        notes.append(f"{plural(problems, 'predicted mention')} without a place in the text are spurious")
    return ProtocolScores(
        protocol=protocol,
        rule=rule,
        micro=tuple_score(correct.total(), found.total(), expected.total()),
        macro=macro(by_label, expected) if by_label else None,
        by_label=by_label,
        notes=tuple(notes),
    )
