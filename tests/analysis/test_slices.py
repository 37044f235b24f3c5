"""Slices: parts that add up to the whole, and mentions in the parts where they belong."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from analysis.test_taxonomies import DOCUMENTS, matching
from hypothesis import given

from onoma import Document, Prediction, Problem, Span, evaluate
from onoma.analysis.slices import NO_PLACE, SLICES, Known, slice_scores
from onoma.evaluation.matching import match
from onoma.exceptions import ConfigError

WORDS = [["Ada", "Byron", "of", "ROME", "met", "Ada"], ["nobody", "in", "New", "York", "City"], ["x1", "3"]]


def span(document: Document, first: int, last: int, label: str) -> Span:
    return Span(document.tokens.starts[first], document.tokens.ends[last], label)


PLAIN = Document.from_words(WORDS, id="d")
GOLD = PLAIN.with_spans(
    [
        span(PLAIN, 0, 1, "PER"),
        span(PLAIN, 3, 3, "LOC"),
        span(PLAIN, 5, 5, "PER"),
        span(PLAIN, 8, 10, "LOC"),
        span(PLAIN, 9, 9, "LOC"),
    ]
)
TRAIN = Document.from_words([["Ada", "saw", "ROME", "and", "York", "or", "ROME", "Byron"]], id="t")
KNOWN = Known(
    [
        TRAIN.with_spans(
            [
                span(TRAIN, 0, 0, "PER"),
                span(TRAIN, 2, 2, "LOC"),
                span(TRAIN, 6, 6, "PER"),
                span(TRAIN, 4, 4, "PER"),
                span(TRAIN, 7, 7, "PER"),
            ]
        )
    ]
)


@pytest.mark.parametrize("name", sorted(SLICES))
@given(rows=DOCUMENTS)
def test_parts_add_up_to_the_whole(name: str, rows: Any) -> None:
    found = matching(rows)
    made = slice_scores(found, name, KNOWN, resamples=0)
    answers = [Prediction(each.id, each.predicted, each.problems) for each in found.documents if each.answered]
    whole = evaluate([each.document for each in found.documents], answers, resamples=0).micro
    assert made.table.sum((0, 1)).tolist() == [whole.tp, whole.fp, whole.fn]
    assert sum(score.support for score in made.scores.values()) == whole.support


@pytest.mark.parametrize(
    ("name", "values"),
    [
        (
            "familiarity",
            ["unseen, of seen words", "seen with this label", "seen with this label", "with unseen words",
             "seen with other labels"],
        ),
        (
            "consistency",
            ["unseen", "several labels in training", "one label in training", "unseen", "one label in training"],
        ),
        ("label_frequency", ["1-99 in training"] * 5),
        ("mention_length", ["2 words", "1 word", "1 word", "3 words", "1 word"]),
        ("sentence_length", ["0-10 words"] * 5),
        ("density", ["2-3 mentions in the sentence"] * 5),
        ("nesting", ["by itself", "by itself", "by itself", "around others", "inside another"]),
        ("case", ["Title", "UPPER", "Title", "Title", "Title"]),
    ],
)  # fmt: skip
def test_mentions_are_where_they_belong(name: str, values: list[str]) -> None:
    for number, value in enumerate(values):
        gold = GOLD.spans[number]
        rest = tuple(each for each in GOLD.spans if each != gold)
        made = slice_scores(match([GOLD], [Prediction("d", rest)]), name, KNOWN, resamples=0)
        assert made.scores[value].fn >= 1
        missed = made.table.sum(0)[:, 2]
        assert made.values[int(np.argmax(missed))] == value and missed.sum() == 1


def test_false_mentions_and_problems_have_values_too() -> None:
    found = Prediction("d", (span(PLAIN, 11, 11, "PER"), span(PLAIN, 12, 12, "PER")), (Problem("malformed", "{"),))
    made = slice_scores(match([GOLD], [found]), "case", resamples=0)
    assert (made.scores["lower"].fp, made.scores["no case"].fp, made.scores[NO_PLACE].fp) == (1, 1, 1)
    crowd = slice_scores(match([GOLD], [found]), "density", resamples=0)
    assert crowd.scores["0 mentions in the sentence"].fp == 2
    assert crowd.values[1] == "1 mention in the sentence"


def test_intervals_are_those_of_a_resampled_score() -> None:
    documents = [Document(str(number), GOLD.text, GOLD.tokens, GOLD.sentences, GOLD.spans) for number in range(30)]
    found = [Prediction(str(number), GOLD.spans[: number % 5 + 1]) for number in range(30)]
    made = slice_scores(match(documents, found), "sentence_length", resamples=2000)
    score = made.scores["0-10 words"]
    interval = evaluate(documents, found, resamples=2000).micro.f1_interval
    assert interval is not None and score.f1_interval is not None
    assert score.f1_interval == pytest.approx(interval, abs=0.01)


def test_what_cannot_be_is_one_line() -> None:
    found = match([GOLD], [])
    with pytest.raises(ConfigError, match="one of familiarity, consistency"):
        slice_scores(found, "mood")
    with pytest.raises(ConfigError, match="give the training documents"):
        slice_scores(found, "familiarity")
