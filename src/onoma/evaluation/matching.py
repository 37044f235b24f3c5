"""The one matcher: gold documents and predictions joined by id, compared span by span, one to one.

Every strict score, error and report is a view of the `Matching` made here; other rules are `protocols`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from onoma.document import PROBLEM_KINDS, Document, Prediction, Problem, Span
from onoma.evaluation.columns import Integers, Places, Side, keys, sides
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


@dataclass(frozen=True, eq=False)
class Matching:
    """Who is paired with whom, over all documents, ordered by document id.

    `gold` and `found` hold the spans looked at; `pairs` [n, 2] are places in the two, `missed` and `spurious` the
    places left over, each in the order of the text. `problems` are those of each document that has any. `labels` is
    the filter that was asked for, if any; `gold_filtered` and `predicted_filtered` count what it removed (predicted:
    spans and problems).
    """

    places: Places
    answered: NDArray[np.bool_]
    gold: Side
    found: Side
    names: tuple[str, ...]
    pairs: Integers
    missed: Integers
    spurious: Integers
    problems_of: Mapping[int, tuple[Problem, ...]]
    labels: tuple[str, ...] | None = None
    gold_filtered: int = 0
    predicted_filtered: int = 0

    @cached_property
    def documents(self) -> tuple[DocumentMatch, ...]:
        """Each document's pairs, misses and false positives as spans."""
        size = len(self.places.documents)
        gold, found = self.gold.spans, self.found.spans
        edges = np.arange(size + 1)

        def rows(side: Side, indices: Integers) -> list[int]:
            return np.searchsorted(side.document[indices], edges).tolist()

        at_pairs, at_missed = rows(self.gold, self.pairs[:, 0]), rows(self.gold, self.missed)
        at_spurious = rows(self.found, self.spurious)
        pairs = [(gold[a], found[b]) for a, b in self.pairs.tolist()]
        missed = [gold[index] for index in self.missed.tolist()]
        spurious = [found[index] for index in self.spurious.tolist()]
        return tuple(
            DocumentMatch(
                document,
                tuple(pairs[at_pairs[number] : at_pairs[number + 1]]),
                tuple(missed[at_missed[number] : at_missed[number + 1]]),
                tuple(spurious[at_spurious[number] : at_spurious[number + 1]]),
                self.problems_of.get(number, ()),
                bool(self.answered[number]),
            )
            for number, document in enumerate(self.places.documents)
        )

    @property
    def missing_documents(self) -> int:
        """How many gold documents got no answer."""
        return int((~self.answered).sum())

    @cached_property
    def problems(self) -> dict[str, int]:
        """How often each kind of problem occurred, kinds that did not left out."""
        seen = Counter(problem.kind for problems in self.problems_of.values() for problem in problems)
        return {kind: seen[kind] for kind in PROBLEM_KINDS if seen[kind]}

    @cached_property
    def false_problems(self) -> tuple[tuple[int, Problem], ...]:
        """The problems that stand for one mention each, with the number of their document."""
        every = ((number, each) for number, problems in self.problems_of.items() for each in problems)
        return tuple((number, each) for number, each in every if each.is_mention)

    @cached_property
    def gold_labels(self) -> tuple[str, ...]:
        """The labels with gold support, sorted."""
        return tuple(self.names[number] for number in np.unique(self.gold.label).tolist())

    def under(self, key: Key) -> Matching:
        """The same gold and predictions paired by another key."""
        return replace(self, **_joined(self.gold, self.found, key))


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
    ordered = [documents[id] for id in sorted(documents)]
    places = Places(ordered)
    gold_rows: list[tuple[Span, ...]] = []
    found_rows: list[tuple[Span, ...]] = []
    answered = np.zeros(len(ordered), bool)
    problems_of: dict[int, tuple[Problem, ...]] = {}
    gold_filtered = predicted_filtered = 0
    for number, document in enumerate(ordered):
        answer = answers.get(document.id)
        spans, found = document.spans, _spans(document, answer)
        answered[number] = answer is not None
        problems = () if answer is None or isinstance(answer, Document) else answer.problems
        if wanted is not None:
            kept = tuple(span for span in spans if span.label in wanted)
            kept_found = tuple(span for span in found if span.label in wanted)
            seen = tuple(each for each in problems if each.label is None or each.label in wanted)
            gold_filtered += len(spans) - len(kept)
            predicted_filtered += len(found) - len(kept_found) + len(problems) - len(seen)
            spans, found, problems = kept, kept_found, seen
        gold_rows.append(spans)
        found_rows.append(found)
        if problems:
            problems_of[number] = tuple(sorted(problems, key=_rank))
    ours, theirs, names = sides(gold_rows, found_rows)
    paired = _strictly(ours, theirs) if key is strict else _joined(ours, theirs, key)
    filter_labels = None if wanted is None else tuple(sorted(wanted))
    return Matching(
        places,
        answered,
        ours,
        theirs,
        names,
        **paired,
        problems_of=problems_of,
        labels=filter_labels,
        gold_filtered=gold_filtered,
        predicted_filtered=predicted_filtered,
    )


def _rank(problem: Problem) -> tuple[str, str, str, tuple[int, ...]]:
    return problem.kind, problem.label or "", problem.text, problem.within or ()


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


def _spans(document: Document, answer: Prediction | Document | None) -> tuple[Span, ...]:
    """The predicted spans; raises `EvaluationError` for another text, or a span that ends behind it."""
    if answer is None:
        return ()
    if isinstance(answer, Document):
        if answer.text != document.text:
            raise EvaluationError(f"document {document.id!r}: gold and prediction differ in their text")
        return answer.spans
    size = len(document.text)
    for span in answer.spans:
        if span.end > size:
            raise EvaluationError(
                f"document {document.id!r}: predicted {span.label} [{span.start}:{span.end}] lies outside "
                f"the text of {size} characters"
            )
    return answer.spans


# ---------------------------------------------------------------------- pairing


def _ordered(side: Side, packed: Integers) -> Integers:
    """The spans in the order of document, place and label; of equal ones the highest score first."""
    order = np.argsort(packed, kind="stable")
    if (np.diff(packed[order]) == 0).any():
        scores = np.array([-np.inf if span.score is None else span.score for span in side.spans])
        order = np.lexsort((-scores, packed))
    return order


def _strictly(gold: Side, found: Side) -> dict[str, Integers]:
    """Pairs of equal document, place and label: the k-th of one side with the k-th of the other."""
    gold_keys, found_keys = keys(gold, found, labels=True)
    gold_order, found_order = _ordered(gold, gold_keys), _ordered(found, found_keys)
    wanted, there = gold_keys[gold_order], found_keys[found_order]
    nth = np.arange(len(wanted)) - np.searchsorted(wanted, wanted)
    at = np.searchsorted(there, wanted) + nth
    hit = at < len(there)
    hit[hit] = there[at[hit]] == wanted[hit]
    spurious = np.ones(len(there), bool)
    spurious[at[hit]] = False
    return {
        "pairs": np.stack((gold_order[hit], found_order[at[hit]]), axis=1),
        "missed": gold_order[~hit],
        "spurious": found_order[spurious],
    }


def _joined(gold: Side, found: Side, key: Key) -> dict[str, Integers]:
    """Pairs under any key: within each group of equal keys equal labels first, then as they stand in the text.

    Spans of different keys never pair, so filling each group to its smaller side is of maximum cardinality.
    """
    gold_order, found_order = (
        _ordered(side, packed).tolist()
        for side, packed in zip((gold, found), keys(gold, found, labels=True), strict=True)
    )
    waiting: dict[Hashable, list[int]] = {}
    for index in found_order:
        waiting.setdefault((int(found.document[index]), key(found.spans[index])), []).append(index)
    groups: dict[Hashable, list[int]] = {}
    for index in gold_order:
        groups.setdefault((int(gold.document[index]), key(gold.spans[index])), []).append(index)
    pairs: list[tuple[int, int]] = []
    missed: list[int] = []
    for shared, wanted in groups.items():
        there = waiting.get(shared, [])
        unpaired: list[int] = []
        for index in wanted:
            same = next((other for other in there if found.label[other] == gold.label[index]), None)
            if same is None:
                unpaired.append(index)
            else:
                there.remove(same)
                pairs.append((index, same))
        filled = min(len(unpaired), len(there))
        pairs.extend(zip(unpaired[:filled], there[:filled], strict=True))
        missed.extend(unpaired[filled:])
        del there[:filled]
    gold_rank, found_rank = ({index: rank for rank, index in enumerate(order)} for order in (gold_order, found_order))
    pairs.sort(key=lambda pair: (gold_rank[pair[0]], found_rank[pair[1]]))
    missed.sort(key=gold_rank.__getitem__)
    left = sorted((index for there in waiting.values() for index in there), key=found_rank.__getitem__)
    return {
        "pairs": np.array(pairs, np.int64).reshape(-1, 2),
        "missed": np.array(missed, np.int64),
        "spurious": np.array(left, np.int64),
    }
