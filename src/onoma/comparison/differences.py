"""Which differences between systems hold on one set: paired tests of all pairs, adjusted for their number (Holm).

Adjusting multiplies the smallest p-value by the number of pairs, so what is enough for two systems can show nothing
for eight: the smallest p of N resamples is 2 / (N + 1). Where that would stay at `SMALLEST` or above after the
adjustment, the p-values are made of as many resamples as `needed` says; intervals keep the number asked for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np

from onoma.evaluation import Scores, compare, holm
from onoma.evaluation.bootstrap import F1S, Array, draw_weights
from onoma.evaluation.counts import UnitCounts
from onoma.evaluation.significance import TOLERANCE, least_p
from onoma.report.schema import Comparison

__all__ = ["differences", "needed", "p_value", "totals"]

METRIC = "micro_f1"
SEED = 1
SMALLEST = 0.01
"""The smallest adjusted p-value that can come out lies below this."""
PER_PAIR = 800
"""Resamples for each pair where the number is raised: the smallest adjusted p-value is then 0.0025."""


def needed(resamples: int, pairs: int) -> int:
    """Resamples for the p-values of so many pairs: those asked for while they can show a difference, else more.

    1,000 stay 1,000 for up to three systems (3 pairs); four (6 pairs) get 4,800, eight (28 pairs) 22,400.
    """
    enough = pairs * 2 / (resamples + 1) < SMALLEST
    return resamples if enough else max(resamples, PER_PAIR * pairs)


def differences(set_name: str, systems: Mapping[str, Sequence[Scores]], resamples: int) -> list[Comparison]:
    """Every pair of systems, each given as one `Scores` a seed, on one set; none where `resamples` is 0."""
    pairs = list(combinations(systems, 2))
    if not resamples or not pairs:
        return []
    found = [compare(systems[a], systems[b], metric=METRIC, resamples=resamples, seed=SEED) for a, b in pairs]
    number = needed(resamples, len(pairs))
    p_values = [each.p_value for each in found]
    if number > resamples:
        drawn = _drawn(systems, number)
        p_values = [
            max(float(least_p(each.differing)), p_value(drawn[a] - drawn[b]))
            for (a, b), each in zip(pairs, found, strict=True)
        ]
    return [
        Comparison(
            set=set_name,
            metric=each.metric,
            a=a,
            b=b,
            difference=each.difference,
            interval=each.interval,
            p_value=p,
            p_adjusted=p_adjusted,
            test=f"{each.test.replace('_', ' ')}, p of {number:,} resamples, {each.units:,} {each.unit}s, "
            f"{each.seeds_a}+{each.seeds_b} seeds",
        )
        for (a, b), each, p, p_adjusted in zip(pairs, found, p_values, holm(p_values), strict=True)
    ]


def _drawn(systems: Mapping[str, Sequence[Scores]], resamples: int) -> dict[str, Array]:
    """The metric of each system in each resample of units and of its own seeds.

    All systems share the drawn units, as a paired test asks; so they are drawn once a set, not once a pair.
    """
    rng = np.random.default_rng(SEED)
    counts = {name: [totals(each.counts) for each in seeds] for name, seeds in systems.items()}
    units = len(next(iter(counts.values()))[0])
    drawn: dict[str, list[Array]] = {name: [] for name in systems}
    for weights in draw_weights(units, resamples, rng):
        for name, seeds in counts.items():
            values = np.stack([F1S[METRIC]((weights @ each).reshape(len(weights), -1, 3)) for each in seeds], axis=1)
            chosen = rng.integers(0, len(seeds), size=values.shape)
            drawn[name].append(np.take_along_axis(values, chosen, axis=1).mean(axis=1))
    return {name: np.concatenate(parts) for name, parts in drawn.items()}


def totals(counts: UnitCounts) -> Array:
    """Counts [units, 2 * 3] over all labels, and the unlabelled ones that `F1S` expects behind them."""
    stacked = counts.stacked()
    return np.stack([stacked[:, :-1].sum(axis=1), stacked[:, -1]], axis=1).reshape(len(stacked), -1)


def p_value(differences: Array) -> float:
    """Two-sided p-value of the paired bootstrap, as `onoma.evaluation.paired_bootstrap` counts it."""
    below, above = int((differences <= TOLERANCE).sum()), int((differences >= -TOLERANCE).sum())
    return min(1.0, 2 * (1 + min(below, above)) / (len(differences) + 1))
