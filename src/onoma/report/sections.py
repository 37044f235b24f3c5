"""What the page shows beyond the scores: errors, slices, robustness and confidence, with every mark already placed."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

from onoma.report import charts, numbers, words

if TYPE_CHECKING:
    from collections.abc import Mapping

    from onoma.analysis import Part
    from onoma.analysis.confidence import Bin, RiskCoverage
    from onoma.report.charts import Axis
    from onoma.report.doubts import Doubt
    from onoma.report.errors import ErrorCounts
    from onoma.report.evidence import SetEvidence
    from onoma.report.schema import ProbeScore, Results
    from onoma.report.words import Sentence

__all__ = [
    "Risks",
    "address",
    "error_rows",
    "far_from_probabilities",
    "flips",
    "link",
    "probes",
    "reach",
    "risks",
    "slice_rows",
    "spots",
]

FEWEST = 20
"""Gold mentions below which a part says too little to be called weak."""


def link(set: str, **wanted: str) -> str:
    """The address, inside the page, of the examples that are meant; see `report.js`."""
    return "#ex:" + urlencode({"set": set, **wanted}, quote_via=quote)


def address(doubted: Doubt, set: str) -> str | None:
    """The sentence of a doubtful place; None where the page has left it out."""
    return None if doubted.sentence is None else link(set, at=str(doubted.sentence))


def error_rows(found: ErrorCounts, label: str | None = None) -> list[tuple[str, str, dict[str, float], float]]:
    """Each class that occurs: name, meaning, count by system, and the highest count; the most frequent first.

    With a `label`, of its errors alone.
    """
    means = found.means if label is None else found.by_label[label]
    rows: list[tuple[str, str, dict[str, float], float]] = []
    for kind, about in found.kinds.items():
        counts = {name: each[kind] for name, each in means.items()}
        if most := max(counts.values()):
            rows.append((kind, about, counts, most))
    return sorted(rows, key=lambda row: -sum(row[2].values()))


# ---------------------------------------------------------------------- slices


@dataclass(frozen=True)
class SliceRow:
    """One value of a slice: F1 by system, and which system is better than all others, if that is shown.

    Where `support` is 0 there is no gold, and all that was predicted is false.
    """

    value: str
    support: int
    parts: Mapping[str, Part]
    winner: str | None


def slice_rows(found: SetEvidence, name: str) -> list[SliceRow]:
    """The values of a slice that have mentions, gold or false ones."""
    compared = found.slices
    beaten: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for each in compared.of(name):
        if each.significant:
            beaten[each.value][each.a if each.difference > 0 else each.b] += 1
    rows: list[SliceRow] = []
    for value, parts in compared.parts[name].items():
        support = next(iter(parts.values())).support
        wins = beaten[value]
        others = len(compared.systems) - 1
        winner = next((system for system in wins if wins[system] == others), None)
        if support or any(part.predicted for part in parts.values()):
            rows.append(SliceRow(value, support, parts, winner))
    return rows


def flips(found: SetEvidence, most: int = 4) -> list[Sentence]:
    """Where the overall loser of a pair wins, and that is shown, in words."""
    said: list[Sentence] = []
    for each in found.slices.flips:
        if each.significant and len(said) < most:
            a, b = (each.a, each.b) if each.difference > 0 else (each.b, each.a)
            size = numbers.points(abs(each.difference))
            where = f"{each.slice.replace('_', ' ')}: {each.value}"
            said.append(
                (words.Name(a), " loses to ", words.Name(b), f" over all, but wins by {size} points in “{where}”.")
            )
    return said


def spots(found: SetEvidence, system: str, set: str) -> Sentence:
    """The slice of a set in which a system is weakest, in words; empty where there is none to speak of."""
    parts = [
        (part.f1, name, value, part.support)
        for name, rows in found.slices.parts.items()
        for value, row in rows.items()
        if system in row and (part := row[system]).support >= FEWEST
    ]
    if not parts:
        return ()
    f1, name, value, support = min(parts)
    what = f"“{value}” ({name.replace('_', ' ')}): {numbers.percent(f1)} %"
    where = ("Among the slices of ", words.Name(set), ", ", words.Name(system))
    return (*where, f" is weakest in {what}, n = {numbers.count(support)}.")


def reach(found: SetEvidence, set: str) -> Sentence:
    """The smallest difference that the set can show, in words."""
    if not found.detectable:
        return ()
    sizes = [each.smallest for each in found.detectable]
    low, high = (numbers.points(size) for size in (min(sizes), max(sizes)))
    size = low if low == high else f"{low} to {high}"
    one = found.detectable[0]
    return (
        f"A true difference of {size} points between two of these systems would be detected on ",
        words.Name(set),
        f" ({one.units:,} {one.unit}s) with {100 * one.power:.0f} % probability; a smaller one may go unseen.",
    )


# ---------------------------------------------------------------------- robustness


def probes(results: Results) -> list[tuple[str, list[tuple[str, str, dict[str, ProbeScore]]]]]:
    """By set: each probe with what it changes and the scores of the systems."""
    made = []
    for name in results.sets:
        rows = []
        for probe, about in results.probes.items():
            found = {
                system.name: system.probes[name][probe]
                for system in words.order(results)
                if probe in system.probes.get(name, {})
            }
            if found:
                rows.append((probe, about, found))
        if rows:
            made.append((name, rows))
    return made


# ---------------------------------------------------------------------- confidence


FAR = 0.1
"""An expected calibration error above this is far from probabilities."""


def far_from_probabilities(looked: Mapping[str, SetEvidence], system: str) -> Sentence:
    """Where a system's scores are furthest from probabilities, in words; empty where they are near, or there are none.

    `looked` holds the sets by name.
    """
    errors = [
        (trust.reliability.ece, name)
        for name, found in looked.items()
        if (trust := found.trust.get(system)) is not None and trust.reliability is not None
    ]
    far = [pair for pair in errors if pair[0] > FAR]
    if not far:
        return ()
    size, name = max(far)
    most = ", most of all" if len(far) > 1 else ""
    ending = f": its expected calibration error there is {numbers.percent(size)} %."
    return ("The scores of ", words.Name(system), f" are far from probabilities{most} on ", words.Name(name), ending)


def place(each: Bin) -> tuple[float, float, float, float]:
    """A bin of a reliability diagram in percent: across, up, and the ends of its interval."""
    low, high = each.interval
    return (100 * each.score, 100 - 100 * each.accuracy, 100 - 100 * high, 100 - 100 * low)


@dataclass(frozen=True)
class RiskLine:
    """One system: its curve as points of an SVG line in a square of 100, and what half and all of its mentions cost."""

    system: str
    path: str
    half: float
    whole: float


@dataclass(frozen=True)
class Risks:
    """The share of wrong mentions by the share kept, the surest first: a line a system whose scores rank mentions."""

    y: Axis
    lines: tuple[RiskLine, ...]


def risks(found: SetEvidence) -> Risks | None:
    """Risk by coverage of a set; None where no system's scores rank mentions."""
    curves = {system: trust.risk for system, trust in found.trust.items() if trust.risk is not None}
    if not curves:
        return None
    drawn = {system: _thinned(curve) for system, curve in curves.items()}
    y = charts.linear([0.0, *(risk for points in drawn.values() for _, risk in points)])
    return Risks(
        y,
        tuple(
            RiskLine(
                system,
                " ".join(f"{round(100 * kept, 2)},{round(100 - y.at(risk), 2)}" for kept, risk in drawn[system]),
                float(curve.risk[(len(curve.risk) - 1) // 2]),
                curve.error,
            )
            for system, curve in curves.items()
        ),
    )


def _thinned(curve: RiskCoverage, most: int = 100) -> list[tuple[float, float]]:
    """Coverage and risk at equal steps; the first mentions, whose risk jumps, are left out where there are many."""
    size = len(curve.risk)
    places = sorted({max(1, round(size * step / most)) - 1 for step in range(1, most + 1)})
    return [(float(curve.coverage[place]), float(curve.risk[place])) for place in places]
