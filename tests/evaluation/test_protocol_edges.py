"""Faults once found at the edges: filters that stayed silent, notes that were wrong, ids that meet other texts."""

from __future__ import annotations

import pytest

from onoma.document import Document, Prediction, Problem, Span, Token
from onoma.evaluation import evaluate, mean_over_seeds, protocols
from onoma.evaluation.protocols import euroeval, llms4ner
from onoma.evaluation.protocols.joined import by_sentence
from onoma.evaluation.rescoring import rescore
from onoma.exceptions import ConfigError, EvaluationError

PAIR = Document.from_words([["Ada", "met", "Ada"]], id="1")


def test_a_filter_is_named_in_every_row() -> None:
    gold = PAIR.with_spans([Span(0, 3, "X"), Span(8, 11, "Y")])
    found = Prediction("1", gold.spans, tags=("B-X", "O", "B-Y"))
    for row in protocols.score_all([gold], [found], labels=["X"]):
        assert row.reason is None
        assert any("filter X" in note and "removed 1 gold, 1 predicted" in note for note in row.notes), row.protocol
    assert not any("filter X" in note for row in protocols.score_all([gold], [found]) for note in row.notes)


def test_whether_an_answer_is_a_copy_does_not_depend_on_the_filter() -> None:
    gold = PAIR.with_spans([Span(0, 3, "X")])
    found = Prediction("1", (Span(8, 11, "X"),), (Problem("ungrounded", "Bob", "Y"),))
    for labels in (None, ["X"]):
        assert llms4ner.score([gold], [found], labels=labels).micro.counts["correct"] == 1


def test_euroeval_says_what_becomes_of_gold_and_of_problems() -> None:
    text = Document.from_words([["Ada", "of"], ["Rome", "left"]], id="1")
    crossing = text.with_spans([Span(0, 11, "X")])
    notes = euroeval.score([crossing], [Prediction("1")]).notes
    assert "1 gold mention cut in two by the end of a sentence" in notes
    broken = text.with_spans([Span(0, 6, "X", fragments=((0, 3), (4, 6)))])
    assert any("taken as their hull" in note for note in euroeval.score([broken], [Prediction("1")]).notes)
    problems = (Problem("malformed"), Problem("ungrounded", "Ada", "Z"), Problem("ungrounded", "Ada", "X"))
    notes = euroeval.score([crossing], [Prediction("1", (), problems)]).notes
    assert "1 predicted mention without a place looked for in every sentence" in notes
    assert "2 predicted mentions skipped: no text, or a label gold does not have" in notes


def test_a_span_between_two_sentences_belongs_to_the_one_before() -> None:
    document = Document("1", "a ! b", (Token(0, 1), Token(4, 5)), ((0, 1), (1, 2)))
    span = Span(2, 3, "X")
    assert by_sentence(document, [span]) == [[span], []]


def test_equal_ids_with_other_texts_meet_by_sentence() -> None:
    one = Document.from_words([["a", "b"], ["c"]], id="1").with_spans([Span(0, 1, "X")])
    other = Document.from_words([["a", "b"]], id="1").with_spans([Span(2, 3, "X")])
    rows = rescore({"one": [one], "other": [other]}, [Prediction("1", one.spans)], resamples=0)
    assert [row.unit for row in rows] == ["sentence", "sentence"]
    assert [row.scores.micro.tp for row in rows] == [1, 0]


def test_seeds_under_different_filters_are_not_averaged() -> None:
    gold = PAIR.with_spans([Span(0, 3, "X")])
    sides = [evaluate([gold], [Prediction("1")], labels=labels, resamples=0) for labels in (None, ["X"])]
    with pytest.raises(EvaluationError, match="different label filters"):
        mean_over_seeds(sides, resamples=0)
    with pytest.raises(ConfigError, match="seed"):
        mean_over_seeds(sides[:1], seed=-1)


def test_token_accuracy_of_nested_mentions_takes_each_document_alone() -> None:
    plain = Document.from_words([["a", "b"]], id="0").with_spans([Span(0, 1, "X")])
    nested = [
        Document.from_words([["a", "b"]], id=str(number)).with_spans([Span(0, 1, "X"), Span(0, 3, "Y")])
        for number in (1, 2)
    ]
    answers = [Prediction("0", plain.spans), Prediction("1", nested[0].spans), Prediction("2", (Span(0, 1, "X"),))]
    accuracy = evaluate([plain, *nested], answers, resamples=0).accuracy
    assert accuracy is not None and (accuracy.correct, accuracy.tokens) == (4, 6)
