"""Percentile bootstrap: units drawn with replacement, every F1 recomputed from the summed counts.

A resample is a row of weights (how often each unit was drawn), so that all resamples of all labels are one
matrix product. Counts are whole numbers far below 2**53, so the product is exact whatever the thread count.
Efron and Tibshirani, An Introduction to the Bootstrap, 1993.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from onoma.evaluation.counts import UnitCounts
from onoma.exceptions import ConfigError

__all__ = ["F1S", "Intervals", "bootstrap", "check_settings", "draw_weights", "percentile_interval"]

Array = NDArray[np.float64]
Interval = tuple[float, float]

CELLS = 4_000_000
"""Weights held at once (32 MB): larger tables are worked off in chunks of resamples."""


def f1(counts: Array) -> Array:
    """F1 over the last axis (tp, fp, fn); 0/0 is 0."""
    found = 2.0 * counts[..., 0]
    total = found + counts[..., 1] + counts[..., 2]
    return np.divide(found, total, out=np.zeros_like(found), where=total > 0)


def _micro(totals: Array) -> Array:
    return f1(totals[..., :-1, :].sum(axis=-2))


def _macro(totals: Array) -> Array:
    support = totals[..., :-1, 0] + totals[..., :-1, 2] > 0
    return (f1(totals[..., :-1, :]) * support).sum(axis=-1) / np.maximum(support.sum(axis=-1), 1)


def _weighted(totals: Array) -> Array:
    support = totals[..., :-1, 0] + totals[..., :-1, 2]
    return (f1(totals[..., :-1, :]) * support).sum(axis=-1) / np.maximum(support.sum(axis=-1), 1)


def _unlabelled(totals: Array) -> Array:
    return f1(totals[..., -1, :])


F1S: dict[str, Callable[[Array], Array]] = {
    "micro_f1": _micro,
    "macro_f1": _macro,
    "weighted_f1": _weighted,
    "unlabelled_f1": _unlabelled,
}
"""Statistics of totals [..., labels + 1, 3] whose last row is the unlabelled count (see `UnitCounts.stacked`)."""


@dataclass(frozen=True)
class Intervals:
    """Percentile intervals of F1, by name of the average and by label."""

    micro: Interval
    macro: Interval
    weighted: Interval
    unlabelled: Interval
    by_label: dict[str, Interval]


def check_settings(resamples: int, confidence: float, seed: int) -> None:
    """Raise `ConfigError` for a negative number of resamples or seed, or a confidence outside (0, 1)."""
    if seed < 0:
        raise ConfigError(f"seed is {seed}: 0 or more")
    if resamples < 0:
        raise ConfigError(f"resamples is {resamples}: 0 for no interval, or more")
    if not 0 < confidence < 1:
        raise ConfigError(f"confidence is {confidence}: a fraction between 0 and 1, such as 0.95")


def draw_weights(units: int, resamples: int, rng: np.random.Generator) -> Iterator[Array]:
    """Chunks [some resamples, units] of how often each unit was drawn; every row sums to `units`."""
    step = max(1, CELLS // max(units, 1))
    for begin in range(0, resamples, step):
        rows = min(step, resamples - begin)
        draws = rng.integers(0, units, size=(rows, units))
        draws += np.arange(rows)[:, None] * units
        yield np.bincount(draws.ravel(), minlength=rows * units).reshape(rows, units).astype(np.float64)


def percentile_interval(values: Array, confidence: float) -> Interval:
    """The central part of some resampled values."""
    low, high = np.quantile(values, [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(low), float(high)


def bootstrap(counts: UnitCounts, *, resamples: int, seed: int, confidence: float = 0.95) -> Intervals | None:
    """Intervals of all F1 values by drawing units; None where there is nothing to draw.

    The macro average of a resample goes over the labels with gold support in that resample.
    """
    check_settings(resamples, confidence, seed)
    units = len(counts)
    if not units or not resamples:
        return None
    stack = counts.stacked()
    flat = stack.reshape(units, -1)
    averages: dict[str, list[Array]] = {name: [] for name in F1S}
    labels: list[Array] = []
    for weights in draw_weights(units, resamples, np.random.default_rng(seed)):
        totals = (weights @ flat).reshape(-1, *stack.shape[1:])
        labels.append(f1(totals[:, :-1]))
        for name, statistic in F1S.items():
            averages[name].append(statistic(totals))
    spread = {name: percentile_interval(np.concatenate(parts), confidence) for name, parts in averages.items()}
    columns = np.concatenate(labels)
    return Intervals(
        micro=spread["micro_f1"],
        macro=spread["macro_f1"],
        weighted=spread["weighted_f1"],
        unlabelled=spread["unlabelled_f1"],
        by_label={
            label: percentile_interval(columns[:, index], confidence) for index, label in enumerate(counts.labels)
        },
    )
