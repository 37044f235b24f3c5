"""What a study says beside what was measured here, and a verdict that the numbers give."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from experiments.analysis import Difference, Record, adjusted
from experiments.pages import NOT_RUN, difference, p, table

__all__ = ["Claim", "Found", "Row", "claims", "told", "verdict"]

Found = dict[str, list[Record]]
"""Records by system."""
Row = tuple[str, str]
"""What was measured, and whether it bears a claim out."""


class Claim(NamedTuple):
    """What the study says, the systems that are needed to measure it here, and how."""

    text: str
    needed: Sequence[str]
    measure: Callable[[Found], Row]


def verdict(found: Difference, sign: int) -> str:
    """Whether a difference of that sign was found, by its (adjusted) p-value."""
    if not found.holds:
        return f"undecided, p {p(found)}"
    return f"{'yes' if found.value * sign > 0 else 'no, the opposite'}, p {p(found)}"


def told(shown: Sequence[tuple[str, Difference]], sign: int) -> Row:
    """Differences by name, adjusted for their number, and the verdict on each."""
    held = adjusted([each for _, each in shown])
    both = [(name, each) for (name, _), each in zip(shown, held, strict=True)]
    return (
        "; ".join(f"{name} {difference(each)}" for name, each in both),
        "; ".join(f"{name}: {verdict(each, sign)}" for name, each in both),
    )


def claims(rows: Sequence[Claim], found: Found, models: str) -> str:
    """The table of claims, measured with `models`; a row whose systems have not been run says so."""
    made = [
        (each.text, *(each.measure(found) if all(name in found for name in each.needed) else (NOT_RUN, NOT_RUN)))
        for each in rows
    ]
    return table(("reported by the study", f"measured here, with {models}", "borne out?"), made, 3)
