"""Whether a system's scores say how sure it may be: reliability by bins, calibration error, risk by coverage."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from onoma.evaluation.bootstrap import Interval, draw_weights, percentile_interval
from onoma.evaluation.matching import Matching
from onoma.exceptions import ConfigError, EvaluationError

__all__ = [
    "Bin",
    "Confidence",
    "Reliability",
    "RiskCoverage",
    "ScoreKind",
    "confidence",
    "reliability",
    "risk_coverage",
]

Floats = NDArray[np.float64]

ScoreKind = Literal["probability", "margin", "none"]
"""What a score is: the chance that the mention is right, a number that only ranks mentions, or nothing at all."""

Z = 1.959963984540054
"""Standard deviations of a two-sided interval of 95 %."""


@dataclass(frozen=True, eq=False)
class Confidence:
    """The scores of the predicted mentions of a matching, and whether each is right; one entry a mention with a score.

    `document` is the number of the mention's document, of `documents` in all. `unscored` counts mentions without a
    score, problems that stand for one included. `declared` is what the system says of its scores, None where unknown.
    """

    score: Floats
    right: NDArray[np.bool_]
    document: NDArray[np.int64]
    documents: int
    unscored: int
    declared: ScoreKind | None = None

    def __len__(self) -> int:
        return len(self.score)

    @property
    def lacking(self) -> str | None:
        """Why the scores say nothing, in words; None where they say something."""
        if not len(self):
            return "no mention is predicted" if not self.unscored else "no predicted mention has a score"
        if self.score.min() == self.score.max():
            return f"every mention has the same score, {self.score[0]:g}"
        return "the system says that its scores mean nothing" if self.declared == "none" else None

    @property
    def bounded(self) -> bool:
        """Whether all scores lie in [0, 1]."""
        return not len(self) or bool(self.score.min() >= 0 and self.score.max() <= 1)

    @cached_property
    def kind(self) -> ScoreKind:
        """What the scores are; a probability only where the system says so and they are in [0, 1]."""
        if self.lacking is not None:
            return "none"
        return "probability" if self.declared == "probability" and self.bounded else "margin"

    def check(self, *, bounded: bool = True) -> None:
        """Raise `EvaluationError` where the scores say nothing, or are not in [0, 1] where they must be."""
        if self.lacking is not None:
            raise EvaluationError(f"there is no confidence to look at: {self.lacking}")
        if bounded and not self.bounded:
            raise EvaluationError(
                "the scores are no probabilities: some are outside 0 to 1 (isotonic regression maps them)"
            )


def confidence(matching: Matching, declared: ScoreKind | None = None) -> Confidence:
    """The scores of a matching's predicted mentions; `declared` is what the system says they are."""
    if declared is not None and declared not in get_args(ScoreKind):
        raise ConfigError(f"kind of score {declared!r} is unknown: one of {', '.join(get_args(ScoreKind))}")
    found = matching.found
    score = np.array([np.nan if span.score is None else span.score for span in found.spans], np.float64)
    right = np.zeros(len(found), bool)
    right[matching.pairs[:, 1]] = True
    known = ~np.isnan(score)
    unscored = int((~known).sum()) + len(matching.false_problems)
    size = len(matching.places.documents)
    return Confidence(score[known], right[known], found.document[known], size, unscored, declared)


# ---------------------------------------------------------------------- reliability


@dataclass(frozen=True, slots=True)
class Bin:
    """Mentions with scores in (`low`, `high`] (the first bin holds `low`, too): what they claim and what they are.

    `score` is their mean score, `accuracy` the share that is right, with Wilson's interval of 95 % (Wilson 1927), which
    takes mentions for independent.
    """

    low: float
    high: float
    count: int
    score: float
    accuracy: float
    interval: Interval


@dataclass(frozen=True)
class Reliability:
    """A reliability diagram: its bins that are not empty, and how far claims are from shares, weighted by mentions.

    `ece` is the expected calibration error (Naeini et al. 2015), `interval` that of 95 % by a bootstrap of documents,
    turned about `ece` (basic bootstrap): resampled errors are too high, the more so the fewer mentions a bin has.
    `brier` is the mean squared distance of scores from 0 or 1.
    """

    bins: tuple[Bin, ...]
    ece: float
    interval: Interval | None
    brier: float
    by: str

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values; all fractions."""
        rows = [
            {**{name: getattr(each, name) for name in Bin.__slots__}, "interval": list(each.interval)}
            for each in self.bins
        ]
        return {
            "by": self.by,
            "ece": self.ece,
            "interval": self.interval and list(self.interval),
            "brier": self.brier,
            "bins": rows,
        }


def reliability(
    found: Confidence,
    *,
    bins: int = 10,
    by: Literal["width", "mass"] = "width",
    resamples: int = 1000,
    seed: int = 1,
) -> Reliability:
    """Scores against shares of right mentions, in bins of equal width or of equally many mentions.

    Equal scores never fall into two bins. Raises `EvaluationError` where there is no confidence or scores are not in
    [0, 1].
    """
    if bins < 1 or by not in ("width", "mass"):
        raise ConfigError(f"{bins} bins by {by!r}: 1 or more, by 'width' or 'mass'")
    found.check()
    inner = _inner_edges(found.score, bins, by)
    place = np.searchsorted(inner, found.score, side="left")
    size = len(inner) + 1
    columns = (np.ones(len(found)), found.score, found.right.astype(np.float64))
    table = np.zeros((found.documents, size, len(columns)))
    for number, column in enumerate(columns):
        np.add.at(table[:, :, number], (found.document, place), column)
    totals = table.sum(axis=0)
    edges = np.concatenate(([0.0], inner, [1.0]))
    rows = [
        Bin(low, high, int(count), claimed / count, right / count, _wilson(right, count))
        for low, high, (count, claimed, right) in zip(
            edges[:-1].tolist(), edges[1:].tolist(), totals.tolist(), strict=True
        )
        if count
    ]
    ece, interval = float(_error(totals)), None
    if resamples:
        rng = np.random.default_rng(seed)
        flat = table.reshape(found.documents, -1)
        parts = [
            _error((weights @ flat).reshape(-1, *totals.shape)) for weights in draw_weights(len(flat), resamples, rng)
        ]
        low, high = percentile_interval(np.concatenate(parts), 0.95)
        interval = (max(0.0, 2 * ece - high), max(0.0, 2 * ece - low))
    brier = float(((found.score - found.right) ** 2).mean())
    return Reliability(tuple(rows), ece, interval, brier, by)


def _inner_edges(score: Floats, bins: int, by: str) -> Floats:
    if by == "width":
        return np.arange(1, bins) / bins
    ordered = np.sort(score)
    last = np.ceil(np.arange(1, bins) * len(ordered) / bins).astype(np.int64) - 1
    edges = np.unique(ordered[np.maximum(last, 0)])
    return edges[edges < ordered[-1]]


def _error(totals: Floats) -> Floats:
    """Expected calibration error of [..., bins, (mentions, sum of scores, right ones)]; 0 where there is no mention."""
    every = totals[..., 0].sum(axis=-1)
    return np.abs(totals[..., 1] - totals[..., 2]).sum(axis=-1) / np.maximum(every, 1)


def _wilson(right: float, count: float) -> Interval:
    share, spread = right / count, Z * Z / count
    middle = (share + spread / 2) / (1 + spread)
    half = Z / (1 + spread) * ((share * (1 - share) + spread / 4) / count) ** 0.5
    return max(0.0, middle - half), min(1.0, middle + half)


# ---------------------------------------------------------------------- risk


@dataclass(frozen=True, eq=False)
class RiskCoverage:
    """Keeping the k surest mentions, for k = 1 ... n: the share of them that is wrong, `risk` [n].

    Of equal scores none comes first: their risk is the one to expect. `aurc` is the mean risk over all k (Geifman and
    El-Yaniv 2017), `error` the risk of keeping everything, which is also what scores at random would have on average.
    Missed mentions play no part.
    """

    score: Floats
    """The score of the k-th mention."""
    risk: Floats

    @property
    def coverage(self) -> Floats:
        """The shares kept, k / n."""
        return np.arange(1, len(self.risk) + 1) / len(self.risk)

    @property
    def aurc(self) -> float:
        """Area under the curve: 0 is best."""
        return float(self.risk.mean())

    @property
    def error(self) -> float:
        """The share of all mentions that is wrong."""
        return float(self.risk[-1])


def risk_coverage(found: Confidence) -> RiskCoverage:
    """The risk of keeping only the surest, by any scores that rank. Raises `EvaluationError` where there are none."""
    found.check(bounded=False)
    order = np.argsort(-found.score, kind="stable")
    score, wrong = found.score[order], np.cumsum(~found.right[order])
    ends = np.flatnonzero(np.append(np.diff(score) != 0, True))
    kept = np.arange(1, len(score) + 1)
    expected = np.interp(kept, np.append(0, ends + 1), np.append(0, wrong[ends]))
    return RiskCoverage(score, expected / kept)
