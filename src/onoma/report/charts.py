"""Where the marks of a chart stand: axes, ticks and positions in percent of the plot.

Templates draw them as SVG with percent coordinates, so that a chart grows with the page and its text does not.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["Axis", "Label", "linear", "logarithmic", "open_ended", "spread", "whole"]

_STEPS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.25, 0.5)
_LEAST = 0.02


@dataclass(frozen=True)
class Axis:
    """A scale from `low` to `high` with its ticks; `log` where equal steps are equal factors."""

    low: float
    high: float
    ticks: tuple[float, ...]
    log: bool = False

    def at(self, value: float) -> float:
        """The place of a value in percent of the axis, kept inside it."""
        low, high = self.low, self.high
        if self.log:
            low, high, value = math.log10(low), math.log10(high), math.log10(max(value, self.low))
        share = (value - low) / (high - low)
        return round(100 * min(max(share, 0.0), 1.0), 3)


def linear(values: Iterable[float], *, floor: float = 0.0, ceiling: float = 1.0, most: int = 6) -> Axis:
    """An axis around some fractions that ends on round ticks, at most `most` steps, inside floor and ceiling."""
    found = list(values) or [floor, ceiling]
    low, high = min(found), max(found)
    short = max(0.0, _LEAST - (high - low)) / 2  # a hair's breadth is not blown up to fill the page
    low, high = max(floor, low - short), min(ceiling, high + short)
    step = next((step for step in _STEPS if _steps(low, high, step) <= most), _STEPS[-1])
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    first, last = max(first, round(floor / step)), min(last, round(ceiling / step))
    ticks = tuple(round(index * step, 6) for index in range(first, last + 1))
    return Axis(ticks[0], ticks[-1], ticks)


def _steps(low: float, high: float, step: float) -> int:
    return math.ceil(high / step - 1e-9) - math.floor(low / step + 1e-9)


def logarithmic(values: Iterable[float]) -> Axis:
    """A logarithmic axis around some positive values: decades, or 1-2-5 steps where they span little."""
    found = [value for value in values if value > 0] or [1.0, 10.0]
    low, high = math.log10(min(found)), math.log10(max(found))
    lattice = [
        factor * 10.0**power for power in range(math.floor(low) - 1, math.ceil(high) + 2) for factor in (1, 2, 5)
    ]
    first = max(tick for tick in lattice if tick <= min(found) * 0.9)
    last = min(tick for tick in lattice if tick >= max(found) * 1.1)
    inside = [tick for tick in lattice if first <= tick <= last]
    decades = [tick for tick in inside if math.isclose(math.log10(tick) % 1, 0, abs_tol=1e-6)]
    return Axis(first, last, tuple(decades if len(inside) > 6 and len(decades) > 1 else inside), log=True)


@dataclass(frozen=True)
class Label:
    """A point with its direct label: `x` in percent, `y` and `text_y` in pixels; the text stands left or right."""

    name: str
    slot: int
    x: float
    y: float
    text_y: float
    left: bool


def spread(points: Sequence[tuple[str, int, float, float]], least: float = 18.0) -> list[Label]:
    """Labels for points `(name, slot, x, y)`, moved down until no two on one side stand closer than `least` pixels."""
    labels: list[Label] = []
    lowest = {False: -math.inf, True: -math.inf}
    for name, slot, x, y in sorted(points, key=lambda point: point[3]):
        left = x > 55
        text_y = max(y, lowest[left] + least)
        lowest[left] = text_y
        labels.append(Label(name, slot, x, round(y, 2), round(text_y, 2), left))
    return labels


def whole(low: float, high: float, most: int = 8) -> Axis:
    """An axis over whole numbers such as epochs, with at most about `most` ticks; the ends stay where they are."""
    step = max(1, math.ceil((high - low) / most))
    ticks = tuple(float(tick) for tick in range(math.ceil(low), math.floor(high) + 1, step))
    return Axis(low, high, ticks) if high > low else Axis(low - 0.5, low + 0.5, (low,))


def open_ended(values: Iterable[float], most: int = 4) -> Axis:
    """An axis around any finite numbers, from round tick to round tick."""
    found = list(values)
    low, high = min(0.0, *found), max(0.0, *found)
    size = (high - low) or 1.0
    power = 10.0 ** math.floor(math.log10(size / most))
    step = next(factor * power for factor in (1, 2, 5, 10) if size / (factor * power) <= most)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    last = max(last, first + 1)
    ticks = tuple(float(f"{index * step:.6g}") for index in range(first, last + 1))
    return Axis(ticks[0], ticks[-1], ticks)
