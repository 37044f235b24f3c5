from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import pytest
from evaluation_cases import LABELS, PROPERTY, cases, spans, words
from hypothesis import given
from hypothesis import strategies as st

from onoma.document import Document, Prediction, Problem, Span
from onoma.evaluation import columns
from onoma.evaluation.counts import count_units
from onoma.evaluation.matching import Matching, match, position, strict
from onoma.exceptions import ConfigError, EvaluationError


def most_pairs(gold: Sequence[Span], found: Sequence[Span], labelled: bool) -> int:
    """The size of the largest one-to-one pairing, by trying them all."""
    if not gold:
        return 0
    best = most_pairs(gold[1:], found, labelled)
    for index, span in enumerate(found):
        same = (span.start, span.end, span.fragments) == (gold[0].start, gold[0].end, gold[0].fragments)
        if same and (not labelled or span.label == gold[0].label):
            best = max(best, 1 + most_pairs(gold[1:], [*found[:index], *found[index + 1 :]], labelled))
    return best


def sizes(matching: Matching) -> list[tuple[int, int, int]]:
    return [(len(each.pairs), len(each.missed), len(each.spurious)) for each in matching.documents]


@PROPERTY
@given(st.lists(spans(), max_size=5), st.lists(spans(), max_size=5))
def test_pairing_is_as_large_as_any(gold: list[Span], found: list[Span]) -> None:
    strictly = match([words("x", gold)], [Prediction("x", found)])
    for matching, labelled in ((strictly, True), (strictly.under(position), False)):
        (document,) = matching.documents
        pairs = most_pairs(gold, found, labelled)
        assert sizes(matching) == [(pairs, len(gold) - pairs, len(found) - pairs)]
        assert Counter(document.gold) == Counter(gold)
        assert Counter(document.predicted) == Counter(found)


@PROPERTY
@given(cases())
def test_counts_equal_multiset_counting(case: tuple[list[Document], list[Prediction]]) -> None:
    gold, predictions = case
    answers = {answer.document_id: answer for answer in predictions}
    for document in match(gold, predictions).documents:
        answer = answers.get(document.id, Prediction(document.id))
        wanted, found = Counter(document.document.spans), Counter(answer.spans)
        (one,) = [each for each in gold if each.id == document.id]
        alone = count_units(match([one], [answer]), "document")
        for label, counts in alone.by_label.items():
            hits = sum(count for span, count in (wanted & found).items() if span.label == label)
            support = sum(count for span, count in wanted.items() if span.label == label)
            predicted = sum(count for span, count in found.items() if span.label == label)
            named = sum(each.is_mention and (each.label or "?") == label for each in answer.problems)
            assert (counts.tp, counts.fp, counts.fn) == (hits, predicted - hits + named, support - hits)


@PROPERTY
@given(cases(), st.randoms(use_true_random=False))
def test_order_of_anything_is_irrelevant(
    case: tuple[list[Document], list[Prediction]], shuffler: random.Random
) -> None:
    gold, predictions = case
    mixed_gold = [document.with_spans(shuffler.sample(document.spans, len(document.spans))) for document in gold]
    mixed = [
        replace(
            answer,
            spans=tuple(shuffler.sample(answer.spans, len(answer.spans))),
            problems=tuple(shuffler.sample(answer.problems, len(answer.problems))),
        )
        for answer in predictions
    ]
    shuffler.shuffle(mixed_gold)
    shuffler.shuffle(mixed)
    for key in (strict, position):
        straight, shuffled = match(gold, predictions, key=key), match(mixed_gold, mixed, key=key)
        for left, right in zip(straight.documents, shuffled.documents, strict=True):
            assert (left.id, left.pairs, left.missed, left.spurious, left.problems) == (
                right.id,
                right.pairs,
                right.missed,
                right.spurious,
                right.problems,
            )


def test_a_second_equal_prediction_is_spurious_and_the_surest_is_the_pair() -> None:
    unsure, sure = Span(0, 2, "A", score=0.2), Span(0, 2, "A", score=0.9)
    (document,) = match([words("x", [Span(0, 2, "A")])], [Prediction("x", [unsure, sure])]).documents
    assert [pair[1].score for pair in document.pairs] == [0.9]
    assert [span.score for span in document.spurious] == [0.2]


def test_by_position_equal_labels_pair_first() -> None:
    gold = [Span(0, 2, "A"), Span(0, 2, "B")]
    found = [Span(0, 2, "B"), Span(0, 2, "C")]
    (document,) = match([words("x", gold)], [Prediction("x", found)], key=position).documents
    assert document.pairs == ((gold[0], found[1]), (gold[1], found[0]))


@pytest.mark.parametrize(
    "found",
    [Span(2, 4, "A"), Span(1, 3, "A"), Span(0, 1, "A"), Span(0, 2, "B"), Span(0, 3, "A", fragments=((0, 1), (2, 3)))],
    ids=["touching", "overlapping", "inside", "label", "fragments"],
)
def test_whatever_differs_is_no_match(found: Span) -> None:
    gold = [Span(0, 2, "A"), Span(0, 3, "A")]
    assert sizes(match([words("x", gold)], [Prediction("x", [found])])) == [(0, 2, 1)]


def test_touching_spans_stay_two_mentions() -> None:
    gold = [Span(0, 2, "A"), Span(2, 4, "A")]
    assert sizes(match([words("x", gold)], [Prediction("x", [Span(0, 4, "A")])])) == [(0, 2, 1)]
    assert sizes(match([words("x", gold)], [Prediction("x", gold)])) == [(2, 0, 0)]


def test_labels_keep_their_case() -> None:
    assert sizes(match([words("x", [Span(0, 2, "PER")])], [Prediction("x", [Span(0, 2, "per")])])) == [(0, 1, 1)]


def test_a_lost_answer_loses_its_recall() -> None:
    gold = [words("x", [Span(0, 2, "A")]), words("y", [Span(0, 2, "A"), Span(3, 5, "B")])]
    matching = match(gold, [Prediction("x", [Span(0, 2, "A")])])
    assert matching.missing_documents == 1
    assert [document.answered for document in matching.documents] == [True, False]
    assert sizes(matching) == [(1, 0, 0), (0, 2, 0)]


def test_documents_as_predictions() -> None:
    gold = words("x", [Span(0, 2, "A")])
    assert sizes(match([gold], [gold])) == [(1, 0, 0)]
    with pytest.raises(EvaluationError, match="document 'x': gold and prediction differ in their text"):
        match([gold], [Document("x", "another text")])


@pytest.mark.parametrize(
    ("gold", "predictions", "message"),
    [
        ([words("x"), words("x")], [], "gold document 'x' occurs more than once"),
        ([words("x")], [Prediction("x"), words("x")], "prediction for document 'x' occurs more than once"),
        ([words("x")], [Prediction("y")], "prediction for document 'y': the gold has no document of that id"),
        (
            [words("x")],
            [Prediction("x", [Span(3, 99, "A")])],
            r"document 'x': predicted A \[3:99\] lies outside the text of 17 characters",
        ),
    ],
)
def test_what_cannot_be_joined_is_refused_in_one_line(
    gold: list[Document], predictions: list[Prediction], message: str
) -> None:
    with pytest.raises(EvaluationError, match=f"^{message}$") as refused:
        match(gold, predictions)
    assert "\n" not in str(refused.value)


def test_a_filter_is_explicit_and_counted() -> None:
    gold = [words("x", [Span(0, 2, "A"), Span(3, 5, "B"), Span(6, 8, "B")])]
    problems = (Problem("ungrounded", "u", "B"), Problem("ungrounded", "v", "A"), Problem("malformed", "w"))
    answer = Prediction("x", [Span(0, 2, "A"), Span(3, 5, "B")], problems)
    matching = match(gold, [answer], labels=["A"])
    (document,) = matching.documents
    assert (len(document.pairs), document.missed, document.spurious) == (1, (), ())
    assert {problem.label for problem in document.problems} == {"A", None}
    assert (matching.gold_filtered, matching.predicted_filtered, matching.labels) == (2, 2, ("A",))
    everything = match(gold, [answer], labels=LABELS)
    assert (everything.gold_filtered, everything.predicted_filtered) == (0, 0)
    assert everything.documents == match(gold, [answer]).documents


@pytest.mark.parametrize("labels", ["PER", []])
def test_an_unusable_filter_is_refused(labels: Sequence[str]) -> None:
    with pytest.raises(ConfigError, match="list of one or more labels"):
        match([], [], labels=labels)


@PROPERTY
@given(cases(), st.booleans())
def test_pairing_by_arrays_is_pairing_by_groups(case: tuple[list[Document], list[Prediction]], packed: bool) -> None:
    gold, predictions = case
    with pytest.MonkeyPatch.context() as patch:
        if not packed:
            patch.setattr(columns, "_ROOM", 1)  # keys that do not fit into 64 bits are ranked
        fast = match(gold, predictions)
    slow = match(gold, predictions, key=lambda span: strict(span))
    assert fast.documents == slow.documents
    assert fast.documents == fast.under(strict).documents


def test_huge_offsets_are_no_other_case() -> None:
    far = 2**40
    text = Document("a", "x")
    span = Span(far, far + 3, "X")
    with pytest.raises(EvaluationError, match="outside"):
        match([text], [Prediction("a", (span,))])
    with pytest.raises(EvaluationError, match="outside"):
        match([text], [Prediction("a", (Span(0, 2**70, "X"),))])
