"""Numbers as people read them. Every number in a report is formatted here and nowhere else."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from onoma.report.schema import Score

__all__ = ["count", "interval", "megabytes", "p_text", "percent", "points", "rate", "ratio", "score", "seconds"]

NONE = "–"


def percent(fraction: float | None) -> str:
    """A fraction as percent with two digits, without the sign."""
    return NONE if fraction is None else format(100 * fraction, "z.2f")


def score(block: Score, name: str) -> str:
    """One number of a block in percent; an asterisk says that it was 0/0."""
    return percent(getattr(block, name)) + ("*" if name in block.undefined else "")


def interval(ends: tuple[float, float] | None) -> str:
    """An interval of fractions as `[low, high]` in percent with two digits."""
    return NONE if ends is None else f"[{percent(ends[0])}, {percent(ends[1])}]"


def points(fraction: float, like: float | None = None) -> str:
    """A difference of fractions in percentage points: one digit, two where it (or `like`) is under one point."""
    judged = fraction if like is None else like
    return format(100 * fraction, "z.1f" if abs(judged) >= 0.01 else "z.2f")


def p_text(p: float, *, smallest: bool = False) -> str:
    """`p = 0.012`, or `p < 0.001`; `p ≤ 0.012` where it is the smallest that could come out."""
    return "p < 0.001" if p < 0.001 else f"p {'≤' if smallest else '='} {p:.3f}"


def count(number: float | None) -> str:
    """A count with thousands apart; a mean over seeds keeps one digit."""
    if number is None:
        return NONE
    return f"{number:,.0f}" if float(number).is_integer() else f"{number:,.1f}"


def rate(number: float | None) -> str:
    """Words a second."""
    if number is None:
        return NONE
    return f"{number:,.0f}" if number >= 10 else f"{number:.2g}"


def seconds(number: float | None) -> str:
    """A duration: `0.42 s`, `38.1 s`, `12 min 05 s`, `3 h 07 min`."""
    if number is None:
        return NONE
    if number < 10:
        return f"{number:.2f} s"
    if number < 59.95:
        return f"{number:.1f} s"
    whole = round(number)
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    minutes = round(number / 60)
    return f"{minutes // 60:,} h {minutes % 60:02d} min"


def megabytes(number: float | None) -> str:
    """A size in MB, in GB from 1,000 MB on, in kB below 0.1 MB."""
    if number is None:
        return NONE
    if number < 0.1:
        return f"{1000 * number:.0f} kB" if number >= 0.01 or not number else f"{1000 * number:.1f} kB"
    if number >= 1000:
        return f"{number / 1000:.2f} GB"
    return f"{number:.1f} MB" if number < 100 else f"{number:.0f} MB"


def ratio(number: float) -> str:
    """How many times as much, for a ratio of at least one: `1.4`, `26`."""
    return f"{number:.1f}" if number < 9.95 else f"{number:,.0f}"
