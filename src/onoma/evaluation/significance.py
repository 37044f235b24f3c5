"""Is one system better than another on the same gold? Paired tests over units and training seeds.

A side is one `Scores` for each training seed; its value is the mean over its seeds. The paired bootstrap draws
units for both sides together and seeds for each side on its own, so that the interval holds what another test
set *and* another training run would change. Approximate randomisation (Noreen 1989) swaps whole units between
the sides and asks how often chance alone gives a difference as large.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import numpy as np

from onoma.evaluation.bootstrap import (
    CELLS,
    F1S,
    Array,
    Interval,
    check_settings,
    draw_weights,
    percentile_interval,
)
from onoma.evaluation.metrics import Scores
from onoma.exceptions import ConfigError, EvaluationError

__all__ = [
    "TESTS",
    "Comparison",
    "approximate_randomisation",
    "compare",
    "differing",
    "holm",
    "least_p",
    "paired_bootstrap",
]

Side = Scores | Sequence[Scores]

TOLERANCE = 1e-12
"""Differences this close are equal: sums in another order may differ in their last bit."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """The difference a - b of one metric (a fraction), its percentile interval and a two-sided p-value.

    `units` counts the resampled units of kind `unit`, `differing` those in which the sides differ; the p-value is
    never 0, for it counts the observed difference as one of the resamples.
    """

    metric: str
    difference: float
    interval: Interval
    p_value: float
    test: str
    resamples: int
    units: int
    differing: int
    unit: str
    seeds_a: int
    seeds_b: int

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values; differences are fractions."""
        return {**asdict(self), "interval": list(self.interval)}


@dataclass(frozen=True, eq=False)
class _Pair:
    """Both sides' counts [seeds, units, (labels + 1) * 3] on one label axis, and the metric to apply."""

    a: Array
    b: Array
    metric: str
    unit: str

    @property
    def units(self) -> int:
        return self.a.shape[1]

    @cached_property
    def differing(self) -> int:
        """Units in which what the metric adds up differs."""
        a, b = (side.reshape(*side.shape[:2], -1, 3) for side in (self.a, self.b))
        if self.metric == "unlabelled_f1":
            return differing(a[:, :, -1], b[:, :, -1])
        a, b = a[:, :, :-1], b[:, :, :-1]
        return differing(a.sum(axis=2), b.sum(axis=2)) if self.metric == "micro_f1" else differing(a, b)

    def values(self, totals: Array) -> Array:
        """The metric of totals [..., (labels + 1) * 3]."""
        return F1S[self.metric](totals.reshape(*totals.shape[:-1], -1, 3))

    @property
    def difference(self) -> float:
        """Mean over a's seeds less mean over b's."""
        a, b = (float(self.values(side.sum(axis=1)).mean()) for side in (self.a, self.b))
        return a - b


def paired_bootstrap(
    a: Side,
    b: Side,
    *,
    metric: str = "micro_f1",
    resamples: int = 1000,
    seed: int = 1,
    confidence: float = 0.95,
) -> Comparison:
    """Paired bootstrap over units and seeds; p is twice the smaller share of resamples on one side of 0.

    It is no smaller than any test by exchanging the sides could make it (`least_p`): one unit shows nothing.
    Raises `EvaluationError` where the sides were scored on different gold, units or filters, `ConfigError`
    for an unknown metric or an unusable setting.
    """
    pair = _prepare(a, b, metric, resamples, confidence, seed)
    drawn = _bootstrap_differences(pair, resamples, seed)
    below, above = int((drawn <= TOLERANCE).sum()), int((drawn >= -TOLERANCE).sum())
    p_value = max(float(least_p(pair.differing)), min(1.0, 2 * (1 + min(below, above)) / (resamples + 1)))
    return _result(pair, "paired_bootstrap", percentile_interval(drawn, confidence), p_value, resamples)


def approximate_randomisation(
    a: Side,
    b: Side,
    *,
    metric: str = "micro_f1",
    resamples: int = 1000,
    seed: int = 1,
    confidence: float = 0.95,
) -> Comparison:
    """Swap each unit's whole stack of seeds between the sides with chance 1/2; p is the share as far from 0.

    The test has no interval of its own: the one given is the paired bootstrap's. Raises as that does.
    """
    pair = _prepare(a, b, metric, resamples, confidence, seed)
    interval = percentile_interval(_bootstrap_differences(pair, resamples, seed), confidence)
    # Sides with different numbers of seeds are repeated to a common number, so that a stack can change sides.
    seeds = math.lcm(len(pair.a), len(pair.b))
    side_a, side_b = (np.tile(side, (seeds // len(side), 1, 1)) for side in (pair.a, pair.b))
    total_a, total_b, change = side_a.sum(axis=1), side_b.sum(axis=1), side_b - side_a
    observed = abs(pair.difference) - TOLERANCE
    extreme = 0
    for swaps in _swaps(pair.units, resamples, np.random.default_rng(seed)):
        difference = np.zeros(len(swaps))
        for index in range(seeds):
            moved = swaps @ change[index]
            difference += pair.values(total_a[index] + moved) - pair.values(total_b[index] - moved)
        extreme += int((np.abs(difference / seeds) >= observed).sum())
    return _result(pair, "approximate_randomisation", interval, (1 + extreme) / (resamples + 1), resamples)


def differing(a: Array, b: Array) -> int:
    """The number of units in which the mean counts over seeds differ; counts are [seeds, units, ...]."""
    return int((a.mean(axis=0) != b.mean(axis=0)).reshape(a.shape[1], -1).any(axis=1).sum())


def least_p(units: Any) -> Any:
    """The least two-sided p-value that swaps can reach where sides differ in so many units: one number, or an array.

    All swaps of n units are as likely, and two of them are as far from 0 as what was seen: 2 of 2^n. Resamples of so
    few units would look sure of themselves.
    """
    return np.minimum(1.0, 2.0 ** (1 - np.asarray(units, np.float64)))


TESTS: dict[str, Callable[..., Comparison]] = {
    "paired_bootstrap": paired_bootstrap,
    "approximate_randomisation": approximate_randomisation,
}
"""The tests by name."""


def compare(
    a: Side,
    b: Side,
    *,
    test: str = "paired_bootstrap",
    metric: str = "micro_f1",
    resamples: int = 1000,
    seed: int = 1,
    confidence: float = 0.95,
) -> Comparison:
    """Compare two systems, each given as one `Scores` for each training seed, by a test named in `TESTS`.

    Raises `EvaluationError` where the sides were scored on different gold, `ConfigError` for an unknown name.
    """
    if test not in TESTS:
        raise ConfigError(f"test {test!r} is unknown: one of {', '.join(TESTS)}")
    return TESTS[test](a, b, metric=metric, resamples=resamples, seed=seed, confidence=confidence)


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's step-down adjustment of some p-values, in their own order (Holm 1979)."""
    count = len(p_values)
    adjusted = [0.0] * count
    reached = 0.0
    for rank, index in enumerate(sorted(range(count), key=lambda each: p_values[each])):
        reached = max(reached, min(1.0, (count - rank) * p_values[index]))
        adjusted[index] = reached
    return adjusted


def _prepare(a: Side, b: Side, metric: str, resamples: int, confidence: float, seed: int) -> _Pair:
    check_settings(resamples, confidence, seed)
    if not resamples:
        raise ConfigError("a test needs at least one resample")
    if metric not in F1S:
        raise ConfigError(f"metric {metric!r} is unknown: one of {', '.join(F1S)}")
    side_a, side_b = ((side,) if isinstance(side, Scores) else tuple(side) for side in (a, b))
    if not side_a or not side_b:
        raise EvaluationError("a comparison needs at least one set of scores on each side")
    first = side_a[0]
    for scores in (*side_a, *side_b):
        _check_same(first, scores)
    labels = sorted({label for scores in (*side_a, *side_b) for label in scores.counts.labels})
    units = len(first.counts)
    if not units:
        raise EvaluationError("there is nothing to compare: the gold has no documents")
    stacks = (
        np.stack([scores.counts.stacked(labels).reshape(units, -1) for scores in side]) for side in (side_a, side_b)
    )
    return _Pair(*stacks, metric=metric, unit=first.counts.unit)


def _check_same(first: Scores, other: Scores) -> None:
    if other.gold_sha256 != first.gold_sha256:
        raise EvaluationError(
            f"the sides were scored on different gold: sha256 {first.gold_sha256[:12]} and {other.gold_sha256[:12]}"
        )
    if (other.counts.unit, other.counts.ids) != (first.counts.unit, first.counts.ids):
        raise EvaluationError(
            f"the sides were counted in different units: {len(first.counts)} x {first.counts.unit} "
            f"and {len(other.counts)} x {other.counts.unit}"
        )
    if other.matching.labels != first.matching.labels:
        raise EvaluationError(
            f"the sides were scored under different label filters: {first.matching.labels} and {other.matching.labels}"
        )


def _bootstrap_differences(pair: _Pair, resamples: int, seed: int) -> Array:
    """One difference a - b for each resample of units and seeds."""
    rng = np.random.default_rng(seed)
    chunks: list[Array] = []
    for weights in draw_weights(pair.units, resamples, rng):
        means: list[Array] = []
        for side in (pair.a, pair.b):
            values = np.stack([pair.values(weights @ counts) for counts in side], axis=1)
            chosen = rng.integers(0, len(side), size=values.shape)
            means.append(np.take_along_axis(values, chosen, axis=1).mean(axis=1))
        chunks.append(means[0] - means[1])
    return np.concatenate(chunks)


def _swaps(units: int, resamples: int, rng: np.random.Generator) -> Iterator[Array]:
    """Chunks [some resamples, units] of fair coins."""
    step = max(1, CELLS // units)
    for begin in range(0, resamples, step):
        yield rng.integers(0, 2, size=(min(step, resamples - begin), units)).astype(np.float64)


def _result(pair: _Pair, test: str, interval: Interval, p_value: float, resamples: int) -> Comparison:
    return Comparison(
        metric=pair.metric,
        difference=pair.difference,
        interval=interval,
        p_value=p_value,
        test=test,
        resamples=resamples,
        units=pair.units,
        differing=pair.differing,
        unit=pair.unit,
        seeds_a=len(pair.a),
        seeds_b=len(pair.b),
    )
