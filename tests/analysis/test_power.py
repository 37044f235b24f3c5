"""The smallest difference a test set can show: a difference of that size is shown as often as promised."""

from __future__ import annotations

import math

import numpy as np
import pytest
from evaluation.evaluation_cases import corpus

from onoma import evaluate
from onoma.analysis import Detectable, smallest_differences
from onoma.evaluation import Scores, paired_bootstrap
from onoma.exceptions import ConfigError, EvaluationError

DOCUMENTS, RIGHT = 120, 0.7


def scored(right: float, seed: int, documents: int = DOCUMENTS) -> Scores:
    gold, found = corpus(documents, right, seed)
    return evaluate(gold, found, resamples=0)


def f1_of(right: float) -> float:
    """The true F1 of such a system: a wrong answer is right by chance in a quarter of the cases."""
    return right + (1 - right) / 4


def test_a_difference_of_that_size_is_shown_with_the_promised_chance() -> None:
    first = [
        smallest_differences({"a": scored(0.82, seed), "b": scored(RIGHT, 500 + seed)}, resamples=500)[0]
        for seed in range(20)
    ]
    smallest = float(np.mean([each.smallest for each in first]))
    better = RIGHT + smallest / (f1_of(1) - f1_of(0))
    assert better == pytest.approx(0.82, abs=0.01)  # the error belongs to systems of this quality
    shown = 0
    for seed in range(150):
        pair = scored(better, 1000 + seed), scored(RIGHT, 5000 + seed)
        shown += paired_bootstrap(*pair, resamples=400).p_value < 0.05
    assert 0.7 <= shown / 150 <= 0.9


def test_the_error_is_that_of_independent_binomials() -> None:
    """F1 is accuracy here, so the standard error of the difference is known."""
    found = [smallest_differences({"a": scored(0.7, seed), "b": scored(0.7, 50 + seed)})[0] for seed in range(8)]
    error = float(np.mean([each.standard_error for each in found]))
    share = f1_of(0.7)
    assert error == pytest.approx(math.sqrt(2 * share * (1 - share) / (2 * DOCUMENTS)), rel=0.1)
    assert found[0].smallest == pytest.approx(2.8016 * found[0].standard_error, rel=1e-4)


def test_more_documents_show_smaller_differences() -> None:
    few, many = (smallest_differences({"a": scored(0.8, 1, size), "b": scored(0.7, 2, size)})[0] for size in (50, 800))
    assert many.smallest < 0.4 * few.smallest
    assert few.needed(few.smallest / 2) == 4 * 50
    assert many.units == 800 and many.unit == "document" and many.to_dict()["power"] == 0.8


def test_pairs_and_seeds() -> None:
    systems = {"a": [scored(0.6, 1), scored(0.9, 2)], "b": scored(0.7, 3), "c": scored(0.7, 3)}
    made: list[Detectable] = smallest_differences(systems)
    assert [(each.a, each.b) for each in made] == [("a", "b"), ("a", "c"), ("b", "c")]
    alone = smallest_differences({"a": systems["a"][0], "b": systems["b"]})[0]  # type: ignore[index]
    assert made[0].smallest > alone.smallest  # seeds that differ are noise, too
    assert made[2].smallest == made[2].difference == 0
    assert smallest_differences({"a": scored(0.7, 1)}) == []


def test_what_cannot_be_is_one_line() -> None:
    pair = {"a": scored(0.7, 1), "b": scored(0.7, 1, 30)}
    with pytest.raises(EvaluationError, match="different gold"):
        smallest_differences(pair)
    with pytest.raises(EvaluationError, match="one set of scores"):
        smallest_differences({"a": []})
    with pytest.raises(EvaluationError, match="no documents"):
        smallest_differences({"a": evaluate([], [])})
    for wrong in ({"power": 0.3}, {"power": 1.0}, {"level": 0.0}, {"resamples": 1}, {"seed": -1}):
        with pytest.raises(ConfigError):
            smallest_differences({"a": pair["a"]}, **wrong)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="difference of 0"):
        smallest_differences({"a": pair["a"], "b": pair["a"]})[0].needed(0)
