"""Slices of several systems beside each other: known differences are found, chance is not, flips are named."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from analysis.test_taxonomies import DOCUMENTS, matching
from hypothesis import given

from onoma import Document, Prediction, Span, evaluate
from onoma.analysis import Known, SliceComparison, compare_slices, slice_scores
from onoma.evaluation import Matching, compare, holm, match
from onoma.exceptions import ConfigError, EvaluationError

Chance = Callable[[str], float]


def corpus(documents: int = 60, seed: int = 1) -> list[Document]:
    """Documents of ten mentions, two of them in capitals."""
    rng = random.Random(seed)
    made: list[Document] = []
    for number in range(documents):
        words = [rng.choice(["Ada", "Bob", "Eve", "Mia"]) for _ in range(8)] + ["ROME", "OSLO"]
        document = Document.from_words([[word, "x"] for word in words], id=f"{number:03}")
        spans = [Span(token.start, token.end, "N") for token in document.tokens if token.end - token.start > 1]
        made.append(document.with_spans(spans))
    return made


def system(gold: list[Document], right: Chance, seed: int) -> Matching:
    """A system that finds a mention with a chance that depends on its text."""
    rng = random.Random(seed)
    found = [
        Prediction(each.id, tuple(span for span in each.spans if rng.random() < right(each.surface(span))))
        for each in gold
    ]
    return match(gold, found)


def shouting(upper: float, other: float) -> Chance:
    return lambda text: upper if text.isupper() else other


def test_known_differences_and_flips_are_found() -> None:
    gold = corpus()
    made = compare_slices(
        {"plain": system(gold, shouting(0.3, 0.9), 1), "loud": system(gold, shouting(0.9, 0.6), 2)}, names=["case"]
    )
    (overall,) = made.overall
    assert overall.difference > 0 and overall.significant and not overall.flip
    upper, title = (next(each for each in made.differences if each.value == value) for value in ("UPPER", "Title"))
    assert upper.flip and upper.significant and upper.interval[1] < 0
    assert title.difference > 0 and title.significant and not title.flip
    assert made.flips == (upper,) and made.of("case") == made.differences
    assert made.parts["case"]["UPPER"]["loud"].support == 120
    assert set(made.parts["case"]) == {"UPPER", "Title"}
    assert made.to_dict()["differences"][0]["slice"] == "case"


def test_chance_differences_do_not_hold() -> None:
    """Systems of one quality: in some 5 % of the cases one of many differences may hold, not more."""
    gold = corpus(40)
    named = ["case", "mention_length", "density", "sentence_length"]
    false = 0
    for seed in range(60):
        systems = {str(number): system(gold, shouting(0.7, 0.7), 3 * seed + number) for number in range(3)}
        made = compare_slices(systems, names=named, resamples=300)
        false += any(each.significant for each in made.of("case"))
    assert false <= 7  # P(more) is below 1 % where the chance is 5 %


def test_holm_is_within_a_slice_and_no_difference_hides_behind_few_resamples() -> None:
    gold = corpus(100)
    systems = {str(number): system(gold, shouting(0.5, 0.5), number) for number in range(9)}
    systems["best"] = system(gold, shouting(0.95, 0.95), 9)
    made = compare_slices(systems, names=["case"], resamples=200)
    rows = made.of("case")
    assert [each.p_adjusted for each in rows] == pytest.approx(holm([each.p_value for each in rows]))
    assert all(each.significant == ("best" in (each.a, each.b)) for each in rows)


def test_draws_are_those_of_the_whole_score() -> None:
    gold = corpus(30)
    first, second = (system(gold, shouting(0.6, right), seed) for seed, right in ((1, 0.7), (2, 0.9)))
    made = compare_slices({"a": first, "b": second}, names=["mention_length"])
    scores = [
        evaluate(gold, [Prediction(each.id, each.predicted) for each in one.documents]) for one in (first, second)
    ]
    parts = made.parts["mention_length"]["1 word"]
    for name, score in zip("ab", scores, strict=True):
        assert parts[name].interval == score.micro.f1_interval
        assert parts[name].f1 == score.micro.f1
    (difference,) = made.differences
    test = compare(*scores)
    assert difference.interval == pytest.approx(test.interval, abs=1e-12)
    assert made.overall[0].difference == pytest.approx(test.difference)
    if test.p_value > 2 / 1001:
        assert difference.p_value == test.p_value
    single = slice_scores(first, "mention_length").scores["1 word"]
    assert single.f1_interval == parts["a"].interval


@given(rows=DOCUMENTS)
def test_parts_are_the_slices_of_each_system(rows: Any) -> None:
    found = matching(rows)
    empty = match([each.document for each in found.documents], [])
    made = compare_slices({"a": found, "b": empty}, Known(()), resamples=20)
    for name, systems in made.slices.items():
        (one,) = systems["a"]
        alone = slice_scores(found, name, Known(()), resamples=20)
        assert (one.table == alone.table).all()
        for value, score in alone.scores.items():
            part = made.parts[name][value]["a"]
            assert (part.precision, part.recall, part.f1) == (score.precision, score.recall, score.f1)
            assert (part.support, part.predicted) == (score.support, score.tp + score.fp)
            assert part.interval == pytest.approx(score.f1_interval)


def test_seeds_are_drawn_with_the_documents() -> None:
    gold = corpus(40)
    seeds = [system(gold, shouting(0.5, right), seed) for seed, right in enumerate((0.5, 0.7, 0.9))]
    made = compare_slices({"several": seeds, "one": seeds[1]}, names=["case"])
    part, alone = (made.parts["case"]["Title"][name] for name in ("several", "one"))
    means = [slice_scores(each, "case", resamples=0).scores["Title"].f1 for each in seeds]
    assert part.f1 == pytest.approx(np.mean(means)) and alone.f1 == means[1]
    assert part.interval is not None and alone.interval is not None
    assert np.diff(part.interval)[0] > np.diff(alone.interval)[0]
    again = compare_slices({"several": seeds, "one": seeds[1]}, names=["case"])
    assert again.to_dict() == made.to_dict()


def test_without_resamples_there_are_scores_alone() -> None:
    made: SliceComparison = compare_slices({"a": system(corpus(3), shouting(1, 1), 1)}, resamples=0)
    assert made.overall == made.differences == made.flips == ()
    assert made.parts["case"]["UPPER"]["a"].to_dict()["interval"] is None
    assert "familiarity" not in made.slices
    assert compare_slices({"a": match([], []), "b": match([], [])}).differences == ()


def test_what_cannot_be_compared_is_one_line() -> None:
    first, second = (match(corpus(3, seed), []) for seed in (1, 2))
    with pytest.raises(EvaluationError, match="different gold"):
        compare_slices({"a": first, "b": second})
    with pytest.raises(ConfigError, match="one or more matchings"):
        compare_slices({"a": []})
    with pytest.raises(ConfigError, match="name one or more"):
        compare_slices({"a": first}, names=[])
    with pytest.raises(ConfigError, match="slice 'mood' is unknown"):
        compare_slices({"a": first}, names=["mood"])


@pytest.mark.parametrize("differing", [1, 3, 7])
def test_few_units_show_nothing(differing: int) -> None:
    """p is no smaller than the share of swaps of the units that differ: two of all."""
    gold = [
        Document.from_words([["Ada", "x"]], id=f"{number:02}").with_spans([Span(0, 3, "N")]) for number in range(40)
    ]
    right = [Prediction(each.id, each.spans) for each in gold]
    worse = [Prediction(each.id, () if number < differing else each.spans) for number, each in enumerate(gold)]
    a, b = match(gold, right), match(gold, worse)
    for systems in ({"a": a, "b": b}, {"a": [a, a], "b": [b, b, b]}):
        made = compare_slices(systems, names=["case"])
        for each in (*made.overall, *made.differences):
            assert each.difference > 0 and each.p_value >= 2.0 ** (1 - differing)
    assert compare(evaluate(gold, right), evaluate(gold, worse)).differing == differing
