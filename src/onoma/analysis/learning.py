"""Would more data help? A power law through the scores at several amounts of training data.

F1 = a - b n^-c with a at most 1, b at least 0 and c in `EXPONENTS` (Hestness et al. 2017, *Deep Learning Scaling is
Predictable, Empirically*; Cortes et al. 1993 for a ceiling). For a given c the best a and b are known in closed form,
so the least squares over a fine grid of c need no starting point and end in no local optimum.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from onoma.evaluation.bootstrap import Array, Interval, check_settings, percentile_interval
from onoma.exceptions import ConfigError

__all__ = ["Forecast", "LearningCurve", "NoCurve", "fit_learning_curve"]

EXPONENTS = np.geomspace(0.02, 3.0, 252)
"""Steps of 2 %."""
SIZES = 4
"""Amounts of data that a fit asks for: one more than the curve has parameters."""
RISE = 2.0
"""How many standard deviations of the scores around it a curve has to rise over what was measured."""
MOST_LEVERAGE = 0.9
"""Where a curve goes through a score whatever that is, nothing is known of its noise."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """F1 of the curve at some amount of data, with its interval: of the mean, not of a single run."""

    size: float
    f1: float
    interval: Interval


@dataclass(frozen=True, slots=True)
class NoCurve:
    """No curve can be fitted, and why."""

    reason: str

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {"fitted": False, "reason": self.reason}


@dataclass(frozen=True, eq=False)
class LearningCurve:
    """A fitted curve: `ceiling` a, `scale` b, `exponent` c; `spread` is the standard deviation of scores around it.

    `drawn` [resamples, 3] holds the parameters of the resampled fits, with b and n in units of the largest amount.
    """

    sizes: tuple[int, ...]
    means: tuple[float, ...]
    ceiling: float
    scale: float
    exponent: float
    ceiling_interval: Interval
    exponent_interval: Interval
    spread: float
    confidence: float
    drawn: Array = field(repr=False)

    def at(self, size: float) -> Forecast:
        """The curve at an amount of data."""
        value = self.ceiling - self.scale * size**-self.exponent
        drawn = _values(self.drawn, size / self.sizes[-1])
        return Forecast(size, value, percentile_interval(drawn, self.confidence))

    @property
    def doubled(self) -> Forecast:
        """The forecast for twice the data."""
        return self.at(2 * self.sizes[-1])

    @property
    def gain(self) -> tuple[float, Interval]:
        """What twice the data would add to F1, with its interval."""
        last, twice = self.at(self.sizes[-1]), self.doubled
        drawn = _values(self.drawn, 2.0) - _values(self.drawn, 1.0)
        return twice.f1 - last.f1, percentile_interval(drawn, self.confidence)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values; scores are fractions."""
        twice, (gain, gain_interval) = self.doubled, self.gain
        return {
            "fitted": True,
            "sizes": list(self.sizes),
            "means": list(self.means),
            "ceiling": self.ceiling,
            "scale": self.scale,
            "exponent": self.exponent,
            "ceiling_interval": list(self.ceiling_interval),
            "exponent_interval": list(self.exponent_interval),
            "spread": self.spread,
            "doubled": {"size": twice.size, "f1": twice.f1, "interval": list(twice.interval)},
            "gain": {"f1": gain, "interval": list(gain_interval)},
        }


def fit_learning_curve(
    scores: Mapping[int, Sequence[float]], *, resamples: int = 1000, seed: int = 1, confidence: float = 0.95
) -> LearningCurve | NoCurve:
    """Fit F1 by amount of training data, several scores an amount where there are several seeds.

    Intervals are those of a wild bootstrap: each score keeps its own distance from the curve, corrected for its
    leverage, with a sign by chance (Davidson and Flachaire 2008), so that small amounts may scatter more. Raises
    `ConfigError` for an amount below 1, a score outside 0 to 1, or an unusable setting.
    """
    check_settings(resamples, confidence, seed)
    if not resamples:
        raise ConfigError("resamples is 0: a curve has an interval, which needs some")
    points = sorted((size, value) for size, values in scores.items() for value in values)
    for size, value in points:
        if size < 1 or not 0 <= value <= 1:
            raise ConfigError(f"a score of {value} at {size} sentences: F1 is a fraction, and there is 1 or more")
    sizes = sorted({size for size, _ in points})
    if len(sizes) < SIZES:
        return NoCurve(f"{len(sizes)} amounts of data: a curve of three parameters asks for {SIZES} or more")
    amounts, f1 = np.array(points, float).T
    means = tuple(float(f1[amounts == size].mean()) for size in sizes)
    relative = amounts / sizes[-1]
    best = _fitted(relative, f1[None])[0]
    away = f1 - _values(best[None], relative[:, None])[:, 0]
    spread = float(np.sqrt((away**2).sum() / (len(f1) - 3)))
    rise = float(np.ptp(_values(best[None], np.array([[relative[0]], [1.0]]))))
    if rise <= 1e-9:
        return NoCurve("the scores do not rise with the amount of data")
    if rise < RISE * spread:
        return NoCurve(f"the scores scatter by {100 * spread:.1f} points around a curve that rises by {100 * rise:.1f}")
    signs = np.random.default_rng(seed).choice((-1.0, 1.0), size=(resamples, len(f1)))
    drawn = _fitted(relative, f1 - away + signs * away / (1 - _leverage(best, relative)))
    ceiling, scale, exponent = (float(each) for each in best)
    return LearningCurve(
        tuple(sizes),
        means,
        ceiling,
        scale * sizes[-1] ** exponent,
        exponent,
        percentile_interval(drawn[:, 0], confidence),
        percentile_interval(drawn[:, 2], confidence),
        spread,
        confidence,
        drawn,
    )


def _values(curves: Array, amounts: Any) -> Array:
    """Curves [n, 3] at amounts in units of the largest one: [n], or [amounts, n] for a column of amounts."""
    return curves[:, 0] - curves[:, 1] * np.power(amounts, -curves[:, 2])


def _leverage(curve: Array, amounts: Array) -> Array:
    """How much each score draws the curve to itself, between 0 and 1: its distance is too small by that share."""
    power = amounts ** -curve[2]
    slopes = np.stack((np.ones_like(amounts), -power, curve[1] * power * np.log(amounts)), axis=1)
    return np.minimum((slopes @ np.linalg.pinv(slopes)).diagonal(), MOST_LEVERAGE)


def _fitted(amounts: Array, rows: Array) -> Array:
    """The curve [rows, 3] of least squares for each row of scores [rows, points], within the bounds."""
    best = np.zeros((len(rows), 3))
    least = np.full(len(rows), np.inf)
    mean = rows.mean(1)
    for exponent in EXPONENTS:
        shape = amounts**-exponent
        centred = shape - shape.mean()
        slope = -(rows @ centred) / (centred @ centred)
        # Beyond a bound the best is on it: b = 0, or a = 1.
        scale = np.maximum(slope, 0.0)
        ceiling = mean + scale * shape.mean()
        over = ceiling > 1.0
        if over.any():
            ceiling[over] = 1.0
            scale[over] = np.maximum(((1.0 - rows[over]) @ shape) / (shape @ shape), 0.0)
        error = ((rows - ceiling[:, None] + scale[:, None] * shape) ** 2).sum(1)
        better = error < least
        least[better] = error[better]
        best[better] = np.stack((ceiling, scale, np.full(len(rows), exponent)), axis=1)[better]
    return best
