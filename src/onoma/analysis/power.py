"""The smallest difference that a test set can show: to be read beside every comparison of two systems."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from statistics import NormalDist
from typing import Any

import numpy as np

from onoma.evaluation.bootstrap import Array, check_settings, draw_weights, f1
from onoma.evaluation.counts import Unit
from onoma.evaluation.metrics import Scores
from onoma.exceptions import ConfigError, EvaluationError

__all__ = ["Detectable", "smallest_differences"]


@dataclass(frozen=True, slots=True)
class Detectable:
    """The smallest true difference in micro F1 that this test set shows with a chance of `power`, a fraction.

    It is the standard error of the difference times the sum of two normal quantiles, that of 1 - level / 2 and that of
    the power (2.80 for 5 % and 80 %; Bloom 1995, *Minimum Detectable Effects*). `difference` is the one that was
    observed, a - b; the error is that of the paired bootstrap, over units and training seeds.
    """

    a: str
    b: str
    smallest: float
    difference: float
    standard_error: float
    power: float
    level: float
    units: int
    unit: Unit

    def needed(self, difference: float) -> int:
        """How many such units it takes to show a true difference: the error falls with the root of their number.

        Only where units are what it comes from: with several training seeds a larger test set does not help so much.
        """
        if not difference:
            raise ConfigError("no test set shows a difference of 0")
        return int(np.ceil(self.units * (self.smallest / difference) ** 2))

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values; differences are fractions."""
        return asdict(self)


def smallest_differences(
    systems: Mapping[str, Scores | Sequence[Scores]],
    *,
    power: float = 0.8,
    level: float = 0.05,
    resamples: int = 1000,
    seed: int = 1,
) -> list[Detectable]:
    """For each pair of systems, given as one `Scores` a training seed on the same gold, what could be shown.

    All pairs share the drawn units. Raises `EvaluationError` for scores on different gold, units or filters,
    `ConfigError` for an unusable setting.
    """
    check_settings(resamples, 1 - level, seed)
    if resamples < 2 or not 0.5 <= power < 1:
        raise ConfigError(f"power is {power} of {resamples} resamples: 0.5 or more and below 1, of two or more")
    rows = {name: (each,) if isinstance(each, Scores) else tuple(each) for name, each in systems.items()}
    every = [scores for row in rows.values() for scores in row]
    if not every or not all(rows.values()):
        raise EvaluationError("power is asked of systems with one set of scores or more each")
    first = every[0]
    for other in every[1:]:
        _check_same(first, other)
    if not len(first.counts):
        raise EvaluationError("there is nothing to draw: the gold has no documents")
    drawn = _drawn(rows, resamples, seed)
    observed = {name: float(np.mean([scores.micro.f1 for scores in row])) for name, row in rows.items()}
    normal = NormalDist()
    quantiles = normal.inv_cdf(1 - level / 2) + normal.inv_cdf(power)
    made: list[Detectable] = []
    for a, b in combinations(rows, 2):
        error = float((drawn[a] - drawn[b]).std(ddof=1))
        difference = observed[a] - observed[b]
        made.append(
            Detectable(a, b, quantiles * error, difference, error, power, level, len(first.counts), first.counts.unit)
        )
    return made


def _check_same(first: Scores, other: Scores) -> None:
    if other.gold_sha256 != first.gold_sha256 or other.matching.labels != first.matching.labels:
        raise EvaluationError("the systems were scored on different gold, or under different label filters")
    if (other.counts.unit, len(other.counts)) != (first.counts.unit, len(first.counts)):
        raise EvaluationError("the systems were counted in different units")


def _drawn(rows: Mapping[str, Sequence[Scores]], resamples: int, seed: int) -> dict[str, Array]:
    """Micro F1 of each system in each resample of units, the mean over seeds that are drawn, too."""
    counts = {name: [_by_unit(scores) for scores in row] for name, row in rows.items()}
    units = len(next(iter(counts.values()))[0])
    of_units, of_seeds = np.random.default_rng(seed), np.random.default_rng((seed, 1))
    chunks: dict[str, list[Array]] = {name: [] for name in rows}
    for weights in draw_weights(units, resamples, of_units):
        for name, tables in counts.items():
            values = np.stack([f1(weights @ table) for table in tables], axis=1)
            chosen = of_seeds.integers(0, len(tables), size=values.shape)
            chunks[name].append(np.take_along_axis(values, chosen, axis=1).mean(axis=1))
    return {name: np.concatenate(parts) for name, parts in chunks.items()}


def _by_unit(scores: Scores) -> Array:
    """[units, 3]: true positives, false positives and false negatives, all labels together."""
    unit, _, kind = scores.counts.cells.T
    return np.bincount(unit * 3 + kind, minlength=3 * len(scores.counts)).reshape(-1, 3).astype(np.float64)
