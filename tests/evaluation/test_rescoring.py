"""The same predictions on several gold versions."""

from __future__ import annotations

import io
import os
from dataclasses import replace
from pathlib import Path

import pytest
from evaluation_cases import PROPERTY, cases
from hypothesis import given
from rich.console import Console

import onoma
from onoma.document import Document, Prediction, Problem, Span
from onoma.evaluation import evaluate
from onoma.evaluation.rescoring import Changes, rescore, version_table
from onoma.exceptions import ConfigError, EvaluationError

WORDS = [["Ada", "Byron", "left", "Rome"], ["Bob", "met", "Ada"]]


def made(*spans: Span, id: str = "1") -> Document:
    """`Ada Byron left Rome Bob met Ada`: 0-3 4-9 10-14 15-19 20-23 24-27 28-31."""
    return Document.from_words(WORDS, id=id).with_spans(spans)


def sentences(*spans: tuple[int, Span], reverse: bool = False) -> list[Document]:
    """The same two sentences as documents of other ids; spans by sentence."""
    found = [
        Document.from_words([words], id=f"s{number}").with_spans(span for place, span in spans if place == number)
        for number, words in enumerate(WORDS)
    ]
    return found[::-1] if reverse else found


def test_every_kind_of_change_is_counted_once() -> None:
    old = made(Span(0, 3, "PER"), Span(15, 19, "LOC"), Span(20, 23, "PER"), Span(28, 31, "PER"))
    # the first is longer, the second has another label, the third is gone, the last stays, one is new
    new = made(Span(0, 9, "PER"), Span(15, 19, "ORG"), Span(10, 14, "MISC"), Span(28, 31, "PER"))
    predicted = [Prediction("1", (Span(0, 9, "PER"), Span(15, 19, "LOC"), Span(28, 31, "PER")))]
    first, second = rescore({"old": [old], "new": [new]}, predicted, resamples=0)
    assert first.changes == Changes()
    assert second.changes == Changes(added=1, removed=1, relabelled=1, moved=1)
    assert second.changes.total == 4
    assert (first.scores.micro.tp, second.scores.micro.tp) == (2, 2)
    assert first.scores == evaluate([old], predicted, resamples=0)
    assert second.to_dict()["changes"]["moved"] == 1


@PROPERTY
@given(cases(documents=2))
def test_the_same_gold_changes_nothing_and_changes_add_up(case: tuple[list[Document], list[Prediction]]) -> None:
    gold, found = case
    empty = [document.with_spans(()) for document in gold]
    rows = rescore({"a": gold, "b": gold[::-1], "c": empty}, found, resamples=0)
    assert rows[1].changes == Changes()
    assert rows[1].scores.micro == rows[0].scores.micro
    assert rows[2].changes == Changes(removed=rows[0].mentions)
    answers = {each.document_id: each.spans for each in found}
    other = [document.with_spans(answers.get(document.id, ())) for document in gold]
    changes = rescore({"a": gold, "b": other}, found, resamples=0)[1].changes
    assert rows[0].mentions - changes.removed + changes.added == sum(len(document.spans) for document in other)


def test_what_one_version_lacks_is_left_out_and_counted() -> None:
    gold = [made(Span(0, 3, "PER"), id="1"), made(Span(0, 3, "PER"), id="2")]
    first, second = rescore({"a": gold, "b": gold[:1]}, [Prediction.of(each) for each in gold], resamples=0)
    assert (first.units, first.left_out, first.mentions) == (1, 1, 1)
    assert (second.units, second.left_out, second.mentions) == (1, 0, 1)
    assert first.scores.micro.fp == 0


def test_other_ids_are_joined_by_sentence() -> None:
    old = made(Span(0, 9, "PER"), Span(15, 19, "LOC"), Span(28, 31, "PER"))
    new = sentences((0, Span(0, 9, "PER")), (0, Span(15, 19, "ORG")), (1, Span(8, 11, "PER")), reverse=True)
    predicted = Prediction("1", (Span(0, 9, "PER"), Span(28, 31, "PER")), (Problem("ungrounded", "x", "PER"),))
    first, second = rescore({"old": [old], "new": new}, [predicted], resamples=0)
    assert (first.unit, first.units, second.left_out) == ("sentence", 2, 0)
    assert second.changes == Changes(relabelled=1)
    for row in (first, second):
        assert (row.scores.micro.tp, row.scores.micro.fp, row.scores.micro.fn) == (2, 1, 1)


def test_problems_stay_with_the_sentence_that_was_asked_about() -> None:
    old = made(Span(0, 9, "PER"))
    second = sentences()[1:]
    problems = [Problem("ungrounded", "x", "PER", (0, 19)), Problem("ungrounded", "y", "PER", (20, 31))]
    assert old.text[20:31] == second[0].text
    first, _ = rescore({"old": [old], "new": second}, [Prediction("1", problems=tuple(problems))], resamples=0)
    assert (first.units, first.scores.micro.fp) == (1, 1)
    loose = Prediction("1", problems=tuple(replace(each, within=None) for each in problems))
    first, _ = rescore({"old": [old], "new": second}, [loose], resamples=0)
    assert (first.units, first.scores.micro.fp) == (1, 2)


def test_equal_sentences_are_joined_in_order() -> None:
    twice = Document.from_words([["Ada"], ["Ada"], ["Bob"]], id="1").with_spans([Span(4, 7, "PER")])
    new = [Document.from_words([["Ada"]], id=f"s{number}") for number in range(3)]
    first, second = rescore({"a": [twice], "b": new}, [Prediction.of(twice)], resamples=0)
    assert (first.units, first.left_out, second.left_out) == (2, 1, 1)
    assert second.changes == Changes(removed=1)


def test_what_crosses_a_sentence_is_never_forgotten() -> None:
    across = Span(15, 23, "LOC")
    old, new = made(across), sentences()
    first, _ = rescore({"old": [old], "new": new}, [Prediction("1", (across,))], resamples=0)
    assert first.crossing == 1
    assert first.scores.micro.fp == 1


def test_bad_versions_are_errors() -> None:
    with pytest.raises(EvaluationError, match="differ in their text"):
        rescore({"a": [made()], "b": [Document("1", "other")]}, [])
    with pytest.raises(EvaluationError, match="no sentence in common"):
        rescore({"a": [made()], "b": [Document("2", "other")]}, [])
    with pytest.raises(EvaluationError, match="no document in common"):
        rescore({"a": [made()], "b": [made(id="2")]}, [], join="id")
    with pytest.raises(EvaluationError, match="more than once"):
        rescore({"a": [made()], "b": [made(), made()]}, [])
    with pytest.raises(EvaluationError, match="no document of that id"):
        rescore({"a": [made()]}, [Prediction("9")])
    with pytest.raises(ConfigError, match="is unknown"):
        rescore({"a": [made()]}, [], join="text")  # type: ignore[arg-type]
    with pytest.raises(EvaluationError, match="no gold"):
        rescore({}, [])


def test_the_table_fits() -> None:
    rows = rescore({"old": [made(Span(0, 3, "PER"))], "new": sentences()}, [], resamples=0)
    console = Console(width=100, record=True, file=io.StringIO())
    console.print(version_table(rows))
    text = console.export_text()
    assert "2 sentences in every version, joined by text" in text
    assert "relabelled" in text


@pytest.mark.skipif("ONOMA_DATA" not in os.environ, reason="ONOMA_DATA is not set")
def test_two_versions_of_conll2003() -> None:
    folder = Path(os.environ["ONOMA_DATA"])
    old = onoma.read(folder / "conll2003" / "eng.testb")
    new = onoma.read(folder / "conllpp" / "conllpp_test.txt")
    first, second = rescore({"conll2003": old, "conllpp": new}, [Prediction.of(each) for each in old], resamples=0)
    assert (first.mentions, second.mentions, second.units, second.left_out) == (5648, 5702, 231, 0)
    assert first.scores.micro.f1 == 1
    changes = second.changes
    assert first.mentions - changes.removed + changes.added == second.mentions
    assert second.scores.micro.fn == changes.added + changes.relabelled + changes.moved
    assert second.scores.micro.fp == changes.removed + changes.relabelled + changes.moved
    cut = rescore({"a": old, "b": new}, [Prediction.of(each) for each in old], join="sentence", resamples=0)
    assert cut[1].units == 3453
    assert cut[1].changes == changes
