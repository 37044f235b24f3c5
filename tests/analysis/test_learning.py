"""Learning curves: the truth is found again, intervals hold it, and what is no curve is none."""

from __future__ import annotations

import numpy as np
import pytest

from onoma.analysis import LearningCurve, NoCurve, fit_learning_curve
from onoma.analysis.learning import EXPONENTS, _fitted, _values
from onoma.exceptions import ConfigError

SIZES = (500, 1000, 2000, 4000, 8000)


def truth(size: float, ceiling: float = 0.92, scale: float = 8.0, exponent: float = 0.5) -> float:
    return ceiling - scale * size**-exponent


def noisy(rng: np.random.Generator, seeds: int = 3, spread: float = 0.004) -> dict[int, list[float]]:
    return {size: [truth(size) + spread * rng.standard_normal() for _ in range(seeds)] for size in SIZES}


def test_a_curve_without_noise_is_found_again() -> None:
    made = fit_learning_curve({size: [truth(size)] for size in SIZES})
    assert isinstance(made, LearningCurve)
    assert (made.ceiling, made.exponent) == pytest.approx((0.92, 0.5), abs=0.005)
    assert made.doubled.f1 == pytest.approx(truth(16000), abs=5e-4)
    assert made.gain[0] == pytest.approx(truth(16000) - truth(8000), abs=5e-4)
    assert made.spread < 1e-3
    assert made.at(SIZES[0]).f1 == pytest.approx(made.means[0], abs=1e-3)


def test_intervals_hold_the_truth_as_often_as_they_say() -> None:
    rng = np.random.default_rng(5)
    held = gained = 0
    for _ in range(60):
        made = fit_learning_curve(noisy(rng), resamples=150)
        assert isinstance(made, LearningCurve)
        low, high = made.doubled.interval
        held += low <= truth(16000) <= high
        low, high = made.gain[1]
        gained += low <= truth(16000) - truth(8000) <= high
    assert min(held, gained) >= 51  # of 60; 95 % are promised, and 15 scores give a little less


def test_the_fit_is_the_least_squares_within_the_bounds() -> None:
    from scipy.optimize import minimize

    rng = np.random.default_rng(3)
    amounts = np.array(SIZES) / SIZES[-1]
    for _ in range(4):
        scores = np.clip(np.sort(rng.uniform(0.2, 1, len(SIZES))) + rng.normal(0, 0.02, len(SIZES)), 0, 1)
        ours = _fitted(amounts, scores[None])
        error = float(((_values(ours, amounts[:, None])[:, 0] - scores) ** 2).sum())
        bounds = [(0, 1), (0, None), (EXPONENTS[0], EXPONENTS[-1])]
        theirs = min(
            minimize(
                lambda curve, scores=scores: ((curve[0] - curve[1] * amounts ** -curve[2] - scores) ** 2).sum(),
                (1.0, 0.3, start),
                bounds=bounds,
            ).fun
            for start in (0.3, 1.5)
        )
        assert error <= 1.002 * theirs + 1e-9
        assert ours[0, 0] <= 1 and ours[0, 1] >= 0


def test_a_curve_says_what_it_is() -> None:
    made = fit_learning_curve(noisy(np.random.default_rng(1)))
    assert isinstance(made, LearningCurve)
    row = made.to_dict()
    assert row["fitted"] and row["doubled"]["size"] == 16000 and row["sizes"] == list(SIZES)
    assert row["doubled"]["interval"][0] < row["doubled"]["f1"] < row["doubled"]["interval"][1]
    again = fit_learning_curve(noisy(np.random.default_rng(1)))
    assert isinstance(again, LearningCurve) and again.to_dict() == row


@pytest.mark.parametrize(
    ("scores", "reason"),
    [
        ({100: [0.5, 0.6], 200: [0.6], 400: [0.7]}, "3 amounts of data"),
        ({}, "0 amounts of data"),
        ({100: [0.8], 200: [0.7], 400: [0.65], 800: [0.6]}, "do not rise"),
        ({100: [0.7], 200: [0.7], 400: [0.7], 800: [0.7]}, "do not rise"),
        ({100: [0.5, 0.8], 200: [0.8, 0.4], 400: [0.6, 0.75], 800: [0.7, 0.65]}, "scatter by"),
    ],
)
def test_no_curve_is_said_with_its_reason(scores: dict[int, list[float]], reason: str) -> None:
    made = fit_learning_curve(scores)
    assert isinstance(made, NoCurve) and reason in made.reason
    assert made.to_dict()["fitted"] is False


@pytest.mark.parametrize(("scores", "resamples"), [({0: [0.5]}, 10), ({5: [1.5]}, 10), ({5: [0.5]}, 0)])
def test_scores_that_cannot_be_are_one_line(scores: dict[int, list[float]], resamples: int) -> None:
    with pytest.raises(ConfigError):
        fit_learning_curve(scores, resamples=resamples)
