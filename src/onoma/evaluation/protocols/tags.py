"""Documents and predictions as two lists of tag sequences, for other people's scorers that read tags.

The predicted tags are scored as they were predicted, before any repair. The gold is written in their scheme.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from onoma.document import Document, Prediction, Span
from onoma.evaluation.protocols.base import NotApplicableError, ProtocolScore, ratio
from onoma.evaluation.protocols.chunks import Rule, Split, TagArrays, encode
from onoma.evaluation.protocols.joined import f1_of, plural
from onoma.exceptions import ConfigError, DataError, EvaluationError
from onoma.schemes import SCHEMES, Scheme, TokenSpan, detect

__all__ = ["LabelCounts", "TagSequences", "by_label", "read_sequences", "score_of", "unread"]


@dataclass(frozen=True)
class TagSequences:
    """Gold and predicted tags by sentence, the scheme the gold is written in, and what was left out of it.

    `labels` is the filter, if any: gold of other labels is not written, predicted tags of other labels are there.
    `mentions` counts the gold mentions written.
    """

    gold: list[list[str]]
    predicted: list[list[str]]
    scheme: Scheme
    mentions: int
    labels: frozenset[str] | None
    notes: tuple[str, ...]

    def encode(self) -> TagArrays:
        """Both sides as arrays."""
        return encode(self.gold, self.predicted)


@dataclass(frozen=True, slots=True)
class LabelCounts:
    """One label's chunks."""

    correct: int
    predicted: int
    gold: int


def read_sequences(
    protocol: str,
    gold: Sequence[Document],
    predictions: Iterable[Prediction | Document],
    labels: Sequence[str] | None,
) -> TagSequences:
    """Join by document id and cut at sentences; a gold document without a prediction is all `O`.

    Raises `NotApplicableError` where a prediction has no tags, others than one a token, or tags of no scheme,
    `EvaluationError` where the two sides cannot be joined, `ConfigError` for an unusable filter.
    """
    if labels is not None and (isinstance(labels, str) or not labels):
        raise ConfigError(f"labels is a list of one or more labels, not {labels!r}; leave it out to keep all")
    wanted = None if labels is None else frozenset(labels)
    documents: dict[str, Document] = {}
    for document in gold:
        if document.id in documents:
            raise EvaluationError(f"gold document {document.id!r} occurs more than once")
        documents[document.id] = document
    found = list(predictions)
    answers = _tags(protocol, documents, found)
    predicted: list[list[str]] = []
    for id, document in documents.items():
        tags = answers.get(id, ("O",) * len(document.tokens))
        predicted.extend(list(tags[start:end]) for start, end in document.sentences)
    scheme = _scheme(protocol, predicted)
    written: list[list[str]] = []
    left_out: Counter[str] = Counter()
    mentions = 0
    for document in documents.values():
        spans = [span for span in document.spans if wanted is None or span.label in wanted]
        chosen = _flat(document, spans, left_out)
        mentions += len(chosen)
        written.extend(_written(document, chosen, scheme))
    problems = sum(
        problem.is_mention and (wanted is None or problem.label is None or problem.label in wanted)
        for answer in found
        if isinstance(answer, Prediction)
        for problem in answer.problems
    )
    return TagSequences(
        written, predicted, scheme, mentions, wanted, _notes(len(documents) - len(answers), left_out, problems)
    )


def by_label(sequences: TagSequences, arrays: TagArrays, rule: Rule, split: Split) -> dict[str, LabelCounts]:
    """The counts of each label that the filter lets through, in alphabetical order."""
    counts = arrays.count(rule, split)
    rows = zip(counts.labels, counts.correct.tolist(), counts.predicted.tolist(), counts.gold.tolist(), strict=True)
    return {
        label: LabelCounts(correct, predicted, gold)
        for label, correct, predicted, gold in rows
        if sequences.labels is None or label in sequences.labels
    }


def unread(sequences: TagSequences, counts: Iterable[LabelCounts]) -> tuple[str, ...]:
    """A note on the gold mentions that the rule does not find again in the tags they were written as."""
    lost = sequences.mentions - sum(count.gold for count in counts)
    if not lost:
        return ()
    scheme = sequences.scheme.name
    return (f"{plural(lost, 'gold mention')} not found again in {scheme} tags by this rule",)


def score_of(counts: Iterable[LabelCounts], names: tuple[str, str, str]) -> ProtocolScore:
    """Precision, recall and F1 of summed counts; `names` are the original's for correct, predicted and gold."""
    rows = list(counts)
    correct = sum(row.correct for row in rows)
    predicted = sum(row.predicted for row in rows)
    gold = sum(row.gold for row in rows)
    precision, recall = ratio(correct, predicted), ratio(correct, gold)
    return ProtocolScore(
        precision, recall, f1_of(precision, recall), dict(zip(names, (correct, predicted, gold), strict=True))
    )


def _tags(
    protocol: str, documents: dict[str, Document], predictions: Sequence[Prediction | Document]
) -> dict[str, tuple[str, ...]]:
    """Each document's tags as predicted."""
    answers: dict[str, tuple[str, ...]] = {}
    without: dict[str, None] = {}
    for answer in predictions:
        id = answer.id if isinstance(answer, Document) else answer.document_id
        document = documents.get(id)
        if document is None:
            raise EvaluationError(f"prediction for document {id!r}: the gold has no document of that id")
        if id in answers or id in without:
            raise EvaluationError(f"prediction for document {id!r} occurs more than once")
        if isinstance(answer, Document) or answer.tags is None:
            without[id] = None
            continue
        if len(answer.tags) != len(document.tokens):
            raise NotApplicableError(f"document {id!r}: {len(answer.tags)} tags for {len(document.tokens)} tokens")
        answers[id] = answer.tags
    if without and not answers:
        raise NotApplicableError(f"{protocol} needs the tags as predicted; these predictions hold spans only")
    if without:
        shown = ", ".join(map(repr, list(without)[:3])) + (", ..." if len(without) > 3 else "")
        raise NotApplicableError(
            f"{protocol} needs the tags as predicted; {len(without)} of {len(predictions)} predictions hold spans "
            f"only: document {shown}"
        )
    return answers


def _scheme(protocol: str, predicted: Sequence[Sequence[str]]) -> Scheme:
    try:
        scheme = detect(predicted).scheme
    except DataError as error:
        raise NotApplicableError(f"{protocol} cannot read the predicted tags: {error}") from None
    # I- tags alone read the same in both, and gold in IOB1 keeps touching mentions apart.
    return SCHEMES["IOB1"] if scheme.name == "IO" else scheme


def _flat(document: Document, spans: Iterable[Span], left_out: Counter[str]) -> list[TokenSpan]:
    """The spans that flat tags inside sentences can hold, as token spans; the others are counted by their reason.

    Where mentions overlap the one of most tokens wins, then the one that begins first, then the label first in the
    alphabet: the rule of token accuracy.
    """
    starts, ends = document.tokens.starts, document.tokens.ends
    sentences = [start for start, _ in document.sentences]
    candidates: list[TokenSpan] = []
    for span in spans:
        first, last = bisect_right(ends, span.start), bisect_left(starts, span.end)
        if span.discontinuous:
            left_out["discontinuous"] += 1
        elif first >= last or starts[first] != span.start or ends[last - 1] != span.end:
            left_out["not on token boundaries"] += 1
        elif bisect_right(sentences, first) != bisect_right(sentences, last - 1):
            left_out["across sentences"] += 1
        else:
            candidates.append(TokenSpan(first, last, span.label))
    taken = bytearray(len(starts))
    chosen: list[TokenSpan] = []
    for span in sorted(candidates, key=lambda each: (each.start - each.end, each)):
        if any(taken[span.start : span.end]):
            left_out["overlapping another"] += 1
        else:
            taken[span.start : span.end] = b"\1" * (span.end - span.start)
            chosen.append(span)
    return sorted(chosen)


def _written(document: Document, spans: Sequence[TokenSpan], scheme: Scheme) -> Iterable[list[str]]:
    """The tags of each sentence by itself: mentions do not touch across a sentence's end."""
    starts = [span.start for span in spans]
    for start, end in document.sentences:
        inside = spans[bisect_left(starts, start) : bisect_left(starts, end)]
        yield scheme.tags(end - start, [TokenSpan(a - start, b - start, label) for a, b, label in inside])


def _notes(missing: int, left_out: Counter[str], problems: int) -> tuple[str, ...]:
    notes: list[str] = []
    if left_out:
        why = ", ".join(f"{count} {reason}" for reason, count in sorted(left_out.items()))
        notes.append(f"{plural(left_out.total(), 'gold mention')} left out that flat tags cannot hold: {why}")
    if missing:
        notes.append(f"{plural(missing, 'document')} without a prediction: all O")
    if problems:
        notes.append(f"{plural(problems, 'predicted mention')} without a place in the text not seen in tags")
    return tuple(notes)
