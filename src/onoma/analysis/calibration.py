"""From scores to probabilities, and from probabilities to answers: maps and thresholds fitted on held-out documents."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from onoma.analysis.confidence import Confidence
from onoma.evaluation.matching import Matching
from onoma.exceptions import EvaluationError

__all__ = ["Isotonic", "Temperature", "Thresholds", "fit_isotonic", "fit_temperature", "fit_thresholds"]

Floats = NDArray[np.float64]

TINY = 1e-12
"""Scores nearer to 0 or 1 than this have the log-odds of this."""
COLDEST, HOTTEST = 0.05, 20.0
"""Temperatures looked at."""
LEAST = 20
"""Labels with fewer predicted mentions take the threshold of all labels."""


@dataclass(frozen=True)
class Temperature:
    """Log-odds divided by a temperature: above 1 scores come nearer to 1/2, which itself stays (Guo et al. 2017)."""

    value: float

    def __call__(self, score: Floats) -> Floats:
        """Scores in [0, 1] as probabilities; their order stays."""
        return 1 / (1 + np.exp(-_log_odds(score) / self.value))


@dataclass(frozen=True)
class Isotonic:
    """A rising line through knots, level outside them; equal for scores that held-out data do not tell apart."""

    scores: tuple[float, ...]
    shares: tuple[float, ...]

    def __call__(self, score: Floats) -> Floats:
        """Scores of any range as probabilities."""
        return np.interp(score, self.scores, self.shares)


def _log_odds(score: Floats) -> Floats:
    inside = np.clip(score, TINY, 1 - TINY)
    return np.log(inside) - np.log1p(-inside)


def fit_temperature(found: Confidence) -> Temperature:
    """The temperature under which the mentions' being right or wrong is likeliest.

    Raises `EvaluationError` where scores are not in [0, 1] or mentions are all right or all wrong.
    """
    found.check()
    _check_both(found)
    from scipy.optimize import minimize_scalar

    odds, sign = _log_odds(found.score), np.where(found.right, -1.0, 1.0)

    def cost(log_temperature: float) -> float:
        return float(np.logaddexp(0, sign * odds / np.exp(log_temperature)).mean())

    best: Any = minimize_scalar(
        cost, bounds=(np.log(COLDEST), np.log(HOTTEST)), method="bounded", options={"xatol": 1e-9}
    )
    return Temperature(float(np.exp(best.x)))


def fit_isotonic(found: Confidence) -> Isotonic:
    """The rising steps nearest to right and wrong by least squares (pool adjacent violators), joined by lines.

    Raises `EvaluationError` where there is no confidence or mentions are all right or all wrong.
    """
    found.check(bounded=False)
    _check_both(found)
    from scipy.optimize import isotonic_regression

    scores, place, counts = np.unique(found.score, return_inverse=True, return_counts=True)
    shares = np.bincount(place, weights=found.right) / counts
    fitted: Any = isotonic_regression(shares, weights=counts.astype(np.float64))
    level = np.clip(fitted.x, 0, 1)
    step = np.diff(level) != 0
    ends = np.append(True, step) | np.append(step, True)  # the first and the last score of each step
    return Isotonic(tuple(scores[ends].tolist()), tuple(level[ends].tolist()))


def _check_both(found: Confidence) -> None:
    if found.right.all() or not found.right.any():
        what = "right" if found.right.all() else "wrong"
        raise EvaluationError(f"all {len(found):,} scored mentions are {what}: there is nothing to learn about scores")


# ---------------------------------------------------------------------- thresholds


@dataclass(frozen=True)
class Thresholds:
    """Mentions are kept from these scores on: `by_label`, and `overall` for labels not named there. 0 keeps all."""

    overall: float
    by_label: Mapping[str, float]


def fit_thresholds(matching: Matching, *, least: int = LEAST) -> Thresholds:
    """The thresholds with the best micro F1 over all labels, and with the best F1 of each label by itself.

    Of equally good ones the lowest; it stands midway between the last score kept and the first one dropped. Labels with
    fewer than `least` scored mentions are left to `overall`. Mentions without a score are never dropped, nor are
    problems that stand for one. Raises `EvaluationError` for scores outside [0, 1].
    """
    found = matching.found
    score = np.array([np.nan if span.score is None else span.score for span in found.spans], np.float64)
    known = ~np.isnan(score)
    if not ((score[known] >= 0) & (score[known] <= 1)).all():
        raise EvaluationError("thresholds are for scores from 0 to 1: calibrate them first")
    right = np.zeros(len(found), bool)
    right[matching.pairs[:, 1]] = True
    problems = [problem.label for _, problem in matching.false_problems]

    def best(predicted: NDArray[np.bool_], support: int, false: int) -> float:
        fixed = right[predicted & ~known]
        seen = predicted & known
        return _best(score[seen], right[seen], support + len(fixed) + false, int(fixed.sum()))

    by_label: dict[str, float] = {}
    for number, name in enumerate(matching.names):
        predicted = found.label == number
        if (predicted & known).sum() >= least:
            support = int((matching.gold.label == number).sum())
            by_label[name] = best(predicted, support, problems.count(name))
    overall = best(np.ones(len(found), bool), len(matching.gold), len(problems))
    return Thresholds(overall, dict(sorted(by_label.items())))


def _best(score: Floats, right: NDArray[np.bool_], beside: int, found: int) -> float:
    """The threshold with the best F1 = 2 tp / (kept + beside); `found` true positives stand whatever is dropped."""
    if not len(score):
        return 0.0
    order = np.argsort(-score, kind="stable")
    ordered = score[order]
    ends = np.flatnonzero(np.append(np.diff(ordered) != 0, True))[::-1]  # all kept comes first
    hits = np.cumsum(right[order])[ends] + found
    f1 = 2 * hits / (ends + 1 + beside)
    end = int(ends[np.argmax(f1)])
    if end == len(ordered) - 1:
        return 0.0
    last, next_ = float(ordered[end]), float(ordered[end + 1])
    middle = (last + next_) / 2
    return middle if middle > next_ else last
