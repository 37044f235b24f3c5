"""Learning curves drawn, and what more data would bring."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from statistics import fmean
from typing import TYPE_CHECKING

from onoma.analysis.learning import LearningCurve, fit_learning_curve
from onoma.report import charts, numbers, words
from onoma.report.about import origin

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from onoma.report.charts import Axis
    from onoma.report.schema import Results, System
    from onoma.report.words import Sentence

__all__ = ["Learning", "LearningLine", "learning"]


@dataclass(frozen=True)
class LearningLine:
    """One system: its points in percent of the plot, and what twice the data would bring, in words."""

    system: str
    points: tuple[tuple[float, float], ...]
    values: tuple[tuple[int, float], ...]
    sentence: Sentence

    @property
    def path(self) -> str:
        """The points of an SVG line."""
        return " ".join(f"{x},{y}" for x, y in self.points)


@dataclass(frozen=True)
class Learning:
    """F1 on a set by sentences learnt from, a line a system; `absent` are systems without one, and why."""

    set: str
    x: Axis
    y: Axis
    lines: tuple[LearningLine, ...]
    absent: tuple[tuple[str, str], ...]

    @property
    def sizes(self) -> list[int]:
        """Every number of sentences that some system learnt from."""
        return sorted({size for line in self.lines for size, _ in line.values})


def learning(results: Results) -> list[Learning]:
    """Learning curves by set, with the forecast of a fitted power law where one can be fitted."""
    made: list[Learning] = []
    for name in results.sets:
        curves = {
            system.name: scores
            for system in words.order(results)
            if len(scores := _by_size((each.sentences, each.f1) for each in system.learning_curve if each.set == name))
            > 1
        }
        if not curves:
            continue
        means = {system: [(size, fmean(f1)) for size, f1 in sorted(rows.items())] for system, rows in curves.items()}
        x = charts.logarithmic(size for row in means.values() for size, _ in row)
        y = charts.linear(f1 for row in means.values() for _, f1 in row)
        lines = tuple(
            LearningLine(
                system,
                tuple((x.at(size), round(100 - y.at(f1), 3)) for size, f1 in row),
                tuple(row),
                _forecast(system, curves[system]),
            )
            for system, row in means.items()
        )
        absent = tuple(
            (system.name, _why_none(results, system, name))
            for system in words.order(results)
            if system.name not in curves
        )
        made.append(Learning(name, x, y, lines, absent))
    return made


def _why_none(results: Results, system: System, set: str) -> str:
    if any(each.set == set for each in system.learning_curve):
        return "one amount of data only"
    return origin(results, system) or "trained on one amount of data only"


def _by_size(points: Iterable[tuple[int, float]]) -> dict[int, list[float]]:
    found: dict[int, list[float]] = defaultdict(list)
    for size, f1 in points:
        if size:
            found[size].append(f1)
    return found


def _forecast(system: str, scores: Mapping[int, list[float]]) -> Sentence:
    curve = fit_learning_curve(scores)
    if not isinstance(curve, LearningCurve):
        return (words.Name(system), f": no curve is fitted: {curve.reason}.")
    gain, (low, high) = curve.gain
    ends = f"[{numbers.points(low, like=gain)}, {numbers.points(high, like=gain)}]"
    return ("Twice the data would add about ", f"{numbers.points(gain)} points {ends} to ", words.Name(system), ".")
