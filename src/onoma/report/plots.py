"""The report's charts as single files for papers and slides; needs matplotlib."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from onoma.exceptions import MissingExtraError
from onoma.files import replacing_path
from onoma.report import learning, sections, views, words
from onoma.report.palette import LIGHT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from onoma.report.evidence import ErrorCounts, Evidence
    from onoma.report.schema import Results

__all__ = ["write"]

STYLE: dict[Any, Any] = {
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "legend.frameon": False,
    "svg.hashsalt": "onoma",
    "figure.constrained_layout.use": True,
}
UNDATED: dict[str, dict[str, Any]] = {"png": {}, "svg": {"Date": None}, "pdf": {"CreationDate": None}}
"""What is said of the file: no date, so that the same results give the same bytes."""


def write(results: Results, folder: Path, kind: str, evidence: Evidence | None = None) -> list[Path]:
    """Write every chart that the results have as `folder/NAME.kind` (png, svg or pdf); returns the paths.

    Raises `MissingExtraError` without matplotlib, `DataError` where the folder cannot be written.
    """
    try:
        import matplotlib as mpl
        from matplotlib.figure import Figure
    except ImportError:
        raise MissingExtraError("plotting", "plots") from None
    paths: list[Path] = []
    with mpl.rc_context(STYLE):
        for name, size, draw in _charts(results, evidence):
            figure = Figure(figsize=size)
            draw(figure.add_subplot())
            held = io.BytesIO()
            figure.savefig(held, format=kind, dpi=200, metadata=UNDATED[kind])
            file = re.sub(r"[^\w.-]+", "-", name)  # names of sets need not be names of files
            paths.append(folder / f"{file}.{kind}")
            with replacing_path(paths[-1]) as draft:
                draft.write_bytes(held.getvalue())
    return paths


Chart = tuple[str, tuple[float, float], "Callable[[Any], None]"]


def _charts(results: Results, evidence: Evidence | None) -> Iterator[Chart]:
    systems = words.order(results)
    if systems:
        yield "scores", (6.4, 1.2 + 0.28 * len(systems) * len(results.sets)), lambda axes: _scores(results, axes)
    if views.scatter(results) is not None:
        yield "speed", (5.2, 3.8), lambda axes: _speed(results, axes)
    for curve in learning.learning(results):
        yield f"learning-{curve.set}", (5.2, 3.6), lambda axes, curve=curve: _learning(results, curve, axes)
    for name, found in () if evidence is None else evidence.sets.items():
        counted = next(iter(found.errors.values()))
        rows = sections.error_rows(counted)
        if rows:
            size = (6.4, 1.2 + 0.2 * len(rows) * (len(counted.means) + 1))
            yield f"errors-{name}", size, lambda axes, counted=counted: _errors(results, counted, axes)


def _colour(results: Results, system: str) -> str:
    return LIGHT[views.slots(results)[system]]


def _scores(results: Results, axes: Any) -> None:
    labels: list[str] = []
    for name in results.sets:
        for system in words.ranking(results, name):
            micro, row = system.scores[name].micro, len(labels)
            colour = _colour(results, system.name)
            if micro.f1_interval is not None:
                axes.hlines(row, *(100 * end for end in micro.f1_interval), color=colour, lw=2.5, alpha=0.5)
            axes.plot(100 * micro.f1, row, "o", color=colour, ms=5)
            labels.append(f"{system.name}, {name}")
    axes.set_yticks(range(len(labels)), labels)
    axes.invert_yaxis()
    axes.grid(axis="x", alpha=0.3)
    axes.set_xlabel("micro F1, % (lines are 95 % intervals)")


def _speed(results: Results, axes: Any) -> None:
    name = words.main_set(results)
    assert name is not None
    for system in words.ranking(results, name):
        speed = system.predict.get(name)
        if speed is not None and speed.words_per_second:
            at = (speed.words_per_second, 100 * system.scores[name].micro.f1)
            axes.plot(*at, "o", color=_colour(results, system.name), ms=7)
            axes.annotate(system.name, at, xytext=(7, 0), textcoords="offset points", va="center")
    axes.set_xscale("log")
    axes.margins(x=0.25, y=0.15)
    axes.grid(alpha=0.3)
    axes.set_xlabel("words a second")
    axes.set_ylabel(f"micro F1 on {name}, %")


def _learning(results: Results, curve: learning.Learning, axes: Any) -> None:
    for line in curve.lines:
        sizes, f1 = zip(*line.values, strict=True)
        axes.plot(sizes, [100 * value for value in f1], "o-", color=_colour(results, line.system), label=line.system)
    axes.set_xscale("log")
    axes.grid(alpha=0.3)
    axes.legend()
    axes.set_xlabel("sentences learnt from")
    axes.set_ylabel(f"micro F1 on {curve.set}, %")


def _errors(results: Results, found: ErrorCounts, axes: Any) -> None:
    rows = sections.error_rows(found)
    height = 0.8 / len(found.means)
    for at, system in enumerate(found.means):
        places = [row + at * height for row in range(len(rows))]
        counts = [counted[system] for _, _, counted, _ in rows]
        axes.barh(places, counts, height * 0.9, color=_colour(results, system), label=system)
    axes.set_yticks([row + 0.4 - height / 2 for row in range(len(rows))], [kind.replace("_", " ") for kind, *_ in rows])
    axes.invert_yaxis()
    axes.grid(axis="x", alpha=0.3)
    axes.legend()
    axes.set_xlabel("errors")
