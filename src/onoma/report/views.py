"""What the page shows, section by section, with every mark already placed. Templates only draw it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from onoma.report import charts, words
from onoma.report.markdown import labels_of

if TYPE_CHECKING:
    from onoma.report.charts import Axis, Label
    from onoma.report.schema import Comparison, Results, SetInfo, SetScores, System
    from onoma.report.words import Gap, Sentence

__all__ = [
    "Board",
    "Course",
    "CourseLine",
    "Drop",
    "Drops",
    "Forest",
    "ForestRow",
    "Scatter",
    "ScoreRow",
    "boards",
    "courses",
    "drops",
    "forest",
    "scatter",
    "slots",
]

SLOTS = 8
"""Colours in the palette; the ninth system starts over."""

PLOT_HEIGHT = 300.0


def slots(results: Results) -> dict[str, int]:
    """The colour of each system: its place in the list, failed ones included, so that a rerun keeps it."""
    return {system.name: index % SLOTS for index, system in enumerate(results.systems)}


# ---------------------------------------------------------------------- scores


@dataclass(frozen=True)
class ScoreRow:
    """One system on one set: its marks in percent of the axis."""

    system: System
    slot: int
    scores: SetScores
    at: float
    low: float | None
    high: float | None
    seeds: tuple[float, ...]


@dataclass(frozen=True)
class Board:
    """One set with its systems, the best first; `absent` are those without a score here."""

    name: str
    info: SetInfo
    axis: Axis
    rows: tuple[ScoreRow, ...]
    absent: tuple[System, ...]
    labels: tuple[tuple[str, int], ...]


def boards(results: Results) -> list[Board]:
    """The scoreboard of every set, in the order of the results."""
    return [_board(results, name, info) for name, info in results.sets.items()]


def _board(results: Results, name: str, info: SetInfo) -> Board:
    ranked = words.ranking(results, name)
    color = slots(results)
    values: list[float] = []
    for system in ranked:
        block = system.scores[name]
        values += [block.micro.f1, *(block.micro.f1_interval or ()), *(seed.micro_f1 for seed in block.per_seed)]
    axis = charts.linear(values)
    rows: list[ScoreRow] = []
    for system in ranked:
        block = system.scores[name]
        low, high = (axis.at(end) for end in block.micro.f1_interval) if block.micro.f1_interval else (None, None)
        seeds = tuple(axis.at(seed.micro_f1) for seed in block.per_seed) if len(block.per_seed) > 1 else ()
        rows.append(ScoreRow(system, color[system.name], block, axis.at(block.micro.f1), low, high, seeds))
    absent = tuple(system for system in results.systems if system not in ranked)
    return Board(name, info, axis, tuple(rows), absent, tuple(labels_of(results, name)))


# ---------------------------------------------------------------------- differences


@dataclass(frozen=True)
class ForestRow:
    """One comparison in words, with its marks; the better system stands first."""

    row: Comparison
    sentence: Sentence
    shown: bool
    at: float
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Forest:
    """All comparisons by set, on one axis of differences."""

    axis: Axis
    zero: float
    sets: tuple[tuple[str, tuple[ForestRow, ...]], ...]
    tests: tuple[str, ...]


def forest(results: Results) -> Forest | None:
    """The comparisons as a forest chart; None where there are none."""
    turned = [words.turned(row) if row.difference < 0 else row for row in results.comparisons]
    if not turned:
        return None
    ends = [end for row in turned for end in (row.interval or ())]
    axis = charts.linear([0.0, *(row.difference for row in turned), *ends], floor=-1.0)
    grouped: dict[str, list[ForestRow]] = {}
    for row in sorted(turned, key=lambda row: -row.difference):
        low, high = (axis.at(end) for end in row.interval) if row.interval else (None, None)
        placed = ForestRow(
            row, words.difference(row, with_set=False), words.is_shown(row), axis.at(row.difference), low, high
        )
        grouped.setdefault(row.set, []).append(placed)
    sets = tuple((name, tuple(grouped[name])) for name in results.sets if name in grouped)
    return Forest(axis, axis.at(0.0), sets, tuple(words.tests(results)))


# ---------------------------------------------------------------------- out of domain


@dataclass(frozen=True)
class Drop:
    """One system from its in-domain mean to one out-of-domain set."""

    system: System
    slot: int
    inside: float
    outside: float
    loss: float
    at_inside: float
    at_outside: float


@dataclass(frozen=True)
class Drops:
    """The way out of the domain: one group a set, and each system's mean over all of them."""

    axis: Axis
    inside: tuple[str, ...]
    sets: tuple[tuple[str, tuple[Drop, ...]], ...]
    means: tuple[tuple[System, int, Gap], ...]


def drops(results: Results) -> Drops | None:
    """In-domain against out-of-domain micro F1; None where no system has both."""
    color = slots(results)
    found = [(system, gap) for system in results.systems if (gap := words.gap(results, system)) is not None]
    if not found:
        return None
    outside = [name for name, info in results.sets.items() if info.role == "out_of_domain"]
    values = [gap.inside for _, gap in found]
    values += [system.scores[name].micro.f1 for system, _ in found for name in outside if name in system.scores]
    axis = charts.linear(values)
    groups: list[tuple[str, tuple[Drop, ...]]] = []
    for name in outside:
        rows: list[Drop] = []
        for system, gap in found:
            if name in system.scores:
                f1 = system.scores[name].micro.f1
                places = (axis.at(gap.inside), axis.at(f1))
                rows.append(Drop(system, color[system.name], gap.inside, f1, gap.inside - f1, *places))
        if rows:
            groups.append((name, tuple(sorted(rows, key=lambda row: row.loss))))
    inside = tuple(name for name, info in results.sets.items() if info.role == "in_domain")
    means = tuple((system, color[system.name], gap) for system, gap in sorted(found, key=lambda pair: pair[1].loss))
    return Drops(axis, inside, tuple(groups), means)


# ---------------------------------------------------------------------- cost


@dataclass(frozen=True)
class Scatter:
    """Micro F1 against words a second on one set; `y` is in pixels of `height`."""

    set: str
    x: Axis
    y: Axis
    height: float
    points: tuple[Label, ...]


def scatter(results: Results) -> Scatter | None:
    """The main set's quality against speed; None where fewer than two were timed."""
    name = words.main_set(results)
    if name is None:
        return None
    color = slots(results)
    found: list[tuple[System, float, float]] = []
    for system in words.ranking(results, name):
        speed = system.predict.get(name)
        if speed is not None and speed.words_per_second:
            found.append((system, speed.words_per_second, system.scores[name].micro.f1))
    if len(found) < 2:
        return None
    x = charts.logarithmic(words_per_second for _, words_per_second, _ in found)
    y = charts.linear(f1 for _, _, f1 in found)
    points = [
        (system.name, color[system.name], x.at(speed), PLOT_HEIGHT * (1 - y.at(f1) / 100))
        for system, speed, f1 in found
    ]
    return Scatter(name, x, y, PLOT_HEIGHT, tuple(charts.spread(points)))


# ---------------------------------------------------------------------- training


@dataclass(frozen=True)
class CourseLine:
    """One seed's course: SVG points in a square of 100, and where the epoch kept stands."""

    seed: int
    points: str
    best: tuple[float, float] | None


@dataclass(frozen=True)
class Course:
    """How one number of one system went over the epochs, a line a seed."""

    system: System
    slot: int
    what: str
    x: Axis
    y: Axis
    lines: tuple[CourseLine, ...]


def courses(results: Results) -> list[Course]:
    """Training curves: dev F1 and loss of every system that recorded them."""
    color = slots(results)
    found: list[Course] = []
    for system in words.order(results):
        for what in ("dev_f1", "loss"):
            course = _course(system, color[system.name], what)
            found += [course] if course else []
    return found


def _course(system: System, slot: int, what: str) -> Course | None:
    runs = [
        (run, [(point.epoch, value) for point in run.curve if (value := getattr(point, what)) is not None])
        for run in system.training
    ]
    runs = [(run, curve) for run, curve in runs if curve]
    if not runs or max(len(curve) for _, curve in runs) < 2:
        return None
    epochs = [epoch for _, curve in runs for epoch, _ in curve]
    values = [value for _, curve in runs for _, value in curve]
    x = charts.whole(min(epochs), max(epochs))
    y = charts.linear(values, most=4) if what == "dev_f1" else charts.open_ended(values)
    lines: list[CourseLine] = []
    for run, curve in runs:
        places = [(x.at(epoch), round(100 - y.at(value), 3)) for epoch, value in curve]
        kept = [place for place, (epoch, _) in zip(places, curve, strict=True) if epoch == run.best_epoch]
        lines.append(CourseLine(run.seed, " ".join(f"{a},{b}" for a, b in places), kept[0] if kept else None))
    return Course(system, slot, what, x, y, tuple(lines))
