"""Bars for continuous integration: a figure that must be reached, and another system's that must not be undercut."""

from __future__ import annotations

from collections.abc import Sequence

from onoma.evaluation.bootstrap import Interval
from onoma.evaluation.metrics import Scores
from onoma.evaluation.significance import compare
from onoma.exceptions import ConfigError

__all__ = ["ALPHA", "check_bars", "under", "worse", "worse_by_intervals"]

ALPHA = 0.05
"""A system is worse than another where it is lower and the two-sided p is below this."""
Z = 1.959963984540054


def check_bars(fail_under: float | None, no_worse_than: object, resamples: int) -> None:
    """Raise `ConfigError` for a bar that is no fraction, and where a comparison is asked for without resamples."""
    if fail_under is not None and not 0 <= fail_under <= 1:
        raise ConfigError(f"--fail-under {fail_under}: a fraction from 0 to 1, such as 0.85")
    if no_worse_than is not None and not resamples:
        raise ConfigError("--no-worse-than asks for a test: set resamples to 1,000")


def under(figure: str, reached: float, fail_under: float | None) -> list[str]:
    """What is said of a figure (a fraction) below the bar; nothing where it is not, or there is none."""
    if fail_under is None or reached >= fail_under:
        return []
    missed = 100 * (fail_under - reached)
    return [f"{figure} is {100 * reached:.2f}, {missed:.2f} points under {100 * fail_under:.2f} (--fail-under)"]


def worse(
    figure: str, new: Sequence[Scores], old: Sequence[Scores], *, than: str, resamples: int = 1000, seed: int = 1
) -> list[str]:
    """What is said where micro F1, a mean over seeds, is significantly lower than another's on the same gold.

    That is, where it is lower and p < 0.05 in a paired bootstrap; each figure is tested by itself.
    """
    test = compare(new, old, resamples=resamples, seed=seed)
    if test.difference >= 0 or test.p_value >= ALPHA:
        return []
    low, high = test.interval
    how = f"[{100 * low:+.2f}, {100 * high:+.2f}], p = {test.p_value:.4f}"
    return [f"{figure} is {-100 * test.difference:.2f} points under {than}'s, {how} (--no-worse-than)"]


def worse_by_intervals(
    figure: str, new: tuple[float, Interval | None], old: tuple[float, Interval | None], *, than: str
) -> list[str]:
    """As `worse` where only F1 and its interval of 95 % are known of each side.

    As if the two were independent, so it takes a greater difference than a paired test. Where an interval is missing,
    any lower F1 is worse.
    """
    difference = new[0] - old[0]
    spread = [0.0 if interval is None else (interval[1] - interval[0]) / (2 * Z) for _, interval in (new, old)]
    if None in (new[1], old[1]):
        spread = [0.0, 0.0]
    if difference >= 0 or -difference <= Z * (spread[0] ** 2 + spread[1] ** 2) ** 0.5:
        return []
    return [f"{figure} is {-100 * difference:.2f} points under {than}'s, by their intervals (--no-worse-than)"]
