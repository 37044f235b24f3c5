"""The one matcher: gold documents and predictions joined by id, compared span by span, one to one.

Every score, error and report is a view of the `Matching` made here; nothing else pairs spans.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from onoma.document import PROBLEM_KINDS, Document, Prediction, Problem, Span
from onoma.exceptions import ConfigError, EvaluationError

__all__ = ["NO_LABEL", "DocumentMatch", "Key", "Matching", "match", "position", "strict"]

T = TypeVar("T")

Key = Callable[[Span], Hashable]
"""What two spans must have in common to be a pair."""

NO_LABEL = "?"
"""The row of a problem whose label is not known."""


def strict(span: Span) -> Hashable:
    """Start, end, label and fragments."""
    return (span.start, span.end, span.label, span.fragments)


def position(span: Span) -> Hashable:
    """Start, end and fragments, whatever the label."""
    return (span.start, span.end, span.fragments)


@dataclass(frozen=True, slots=True)
class DocumentMatch:
    """One document's mentions: pairs of (gold, predicted), missed gold, spurious predictions, and problems.

    `document` is the gold document as it was given; `answered` is False where no prediction came for it.
    """

    document: Document
    pairs: tuple[tuple[Span, Span], ...] = ()
    missed: tuple[Span, ...] = ()
    spurious: tuple[Span, ...] = ()
    problems: tuple[Problem, ...] = ()
    answered: bool = True

    @property
    def id(self) -> str:
        """The document's id."""
        return self.document.id

    @property
    def gold(self) -> tuple[Span, ...]:
        """All gold spans looked at."""
        return (*(gold for gold, _ in self.pairs), *self.missed)

    @property
    def predicted(self) -> tuple[Span, ...]:
        """All predicted spans looked at."""
        return (*(predicted for _, predicted in self.pairs), *self.spurious)

    @property
    def false_problems(self) -> tuple[Problem, ...]:
        """The problems that stand for one mention each, and so for one false positive."""
        return tuple(problem for problem in self.problems if problem.is_mention)


@dataclass(frozen=True)
class Matching:
    """All documents' matches, ordered by document id; `labels` is the filter that was asked for, if any.

    `gold_filtered` and `predicted_filtered` count what the filter removed (predicted: spans and problems);
    `missing_documents` counts gold documents for which no prediction came.
    """

    documents: tuple[DocumentMatch, ...]
    labels: tuple[str, ...] | None = None
    gold_filtered: int = 0
    predicted_filtered: int = 0

    @property
    def missing_documents(self) -> int:
        """How many gold documents got no answer."""
        return sum(not document.answered for document in self.documents)

    @property
    def problems(self) -> dict[str, int]:
        """How often each kind of problem occurred, kinds that did not left out."""
        seen = Counter(problem.kind for document in self.documents for problem in document.problems)
        return {kind: seen[kind] for kind in PROBLEM_KINDS if seen[kind]}

    @property
    def gold_labels(self) -> tuple[str, ...]:
        """The labels with gold support, sorted."""
        return tuple(sorted({span.label for document in self.documents for span in document.gold}))

    def under(self, key: Key) -> Matching:
        """The same gold and predictions paired by another key."""
        return replace(self, documents=tuple(_paired(document, key) for document in self.documents))


def match(
    gold: Iterable[Document],
    predictions: Iterable[Prediction | Document],
    *,
    labels: Sequence[str] | None = None,
    key: Key = strict,
) -> Matching:
    """Pair predicted with gold spans, at most one to one and as many as possible.

    `labels` is an explicit filter: gold, predictions and problems of other labels are not looked at, and
    counted; problems without a label stay. A gold document without a prediction is a lost answer: all its
    gold is missed. The result does not depend on the order of anything.

    Raises `EvaluationError` for an id that is unknown or comes twice, for a span outside its document's text,
    and for a predicted `Document` with another text; `ConfigError` for an unusable filter.
    """
    wanted = _wanted(labels)
    documents = _by_id(gold, lambda document: document.id, "gold document")
    answers = _by_id(predictions, _answered_id, "prediction for document")
    for id in answers:
        if id not in documents:
            raise EvaluationError(f"prediction for document {id!r}: the gold has no document of that id")
    matches: list[DocumentMatch] = []
    gold_filtered = predicted_filtered = 0
    for id in sorted(documents):
        document = documents[id]
        answer = answers.get(id)
        prediction = Prediction(id) if answer is None else _checked(document, answer)
        spans, found, problems = document.spans, prediction.spans, prediction.problems
        if wanted is not None:
            spans = tuple(span for span in spans if span.label in wanted)
            found = tuple(span for span in found if span.label in wanted)
            problems = tuple(each for each in problems if each.label is None or each.label in wanted)
            gold_filtered += len(document.spans) - len(spans)
            predicted_filtered += len(prediction.spans) - len(found) + len(prediction.problems) - len(problems)
        ordered = tuple(sorted(problems, key=lambda each: (each.kind, each.label or "", each.text)))
        unpaired = DocumentMatch(document, (), spans, found, ordered, answer is not None)
        matches.append(_paired(unpaired, key))
    filter_labels = None if wanted is None else tuple(sorted(wanted))
    return Matching(tuple(matches), filter_labels, gold_filtered, predicted_filtered)


def _wanted(labels: Sequence[str] | None) -> frozenset[str] | None:
    if labels is None:
        return None
    if isinstance(labels, str) or not labels:
        raise ConfigError(f"labels is a list of one or more labels, not {labels!r}; leave it out to keep all")
    return frozenset(labels)


def _answered_id(answer: Prediction | Document) -> str:
    return answer.id if isinstance(answer, Document) else answer.document_id


def _by_id(things: Iterable[T], id_of: Callable[[T], str], what: str) -> dict[str, T]:
    found: dict[str, T] = {}
    for thing in things:
        id = id_of(thing)
        if id in found:
            raise EvaluationError(f"{what} {id!r} occurs more than once")
        found[id] = thing
    return found


def _checked(document: Document, answer: Prediction | Document) -> Prediction:
    """The answer as a `Prediction` whose offsets lie in the document's text."""
    if isinstance(answer, Document):
        if answer.text != document.text:
            raise EvaluationError(f"document {document.id!r}: gold and prediction differ in their text")
        return Prediction.of(answer)
    size = len(document.text)
    for span in answer.spans:
        if span.end > size:
            raise EvaluationError(
                f"document {document.id!r}: predicted {span.label} [{span.start}:{span.end}] lies outside "
                f"the text of {size} characters"
            )
    return answer


def _place(span: Span) -> tuple[object, ...]:
    score = float("-inf") if span.score is None else span.score
    return (span.start, span.end, span.fragments, span.label, -score)


def _paired(document: DocumentMatch, key: Key) -> DocumentMatch:
    """Pair within each group of equal key: equal labels first, then as they stand; the rest is left over.

    Spans of different keys never pair, so filling each group to its smaller side is of maximum cardinality.
    Among equal predictions the one with the highest score is the pair.
    """
    waiting: dict[Hashable, list[Span]] = {}
    for span in sorted(document.predicted, key=_place):
        waiting.setdefault(key(span), []).append(span)
    groups: dict[Hashable, list[Span]] = {}
    for span in sorted(document.gold, key=_place):
        groups.setdefault(key(span), []).append(span)
    pairs: list[tuple[Span, Span]] = []
    missed: list[Span] = []
    for shared, golds in groups.items():
        found = waiting.get(shared, [])
        unpaired: list[Span] = []
        for gold in golds:
            same = next((span for span in found if span.label == gold.label), None)
            if same is None:
                unpaired.append(gold)
            else:
                found.pop(next(index for index, span in enumerate(found) if span is same))
                pairs.append((gold, same))
        filled = min(len(unpaired), len(found))
        pairs.extend(zip(unpaired[:filled], found[:filled], strict=True))
        missed.extend(unpaired[filled:])
        del found[:filled]
    spurious = [span for found in waiting.values() for span in found]
    pairs.sort(key=lambda pair: (_place(pair[0]), _place(pair[1])))
    return replace(document, pairs=tuple(pairs), missed=tuple(missed), spurious=tuple(spurious))
