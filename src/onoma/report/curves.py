"""Training curves drawn: one SVG that stands by itself, loss and dev F1 side by side, in the report's style."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape

from onoma.report.charts import Axis, linear, open_ended, whole
from onoma.report.palette import DARK, DARK_PAPER, LIGHT, LIGHT_PAPER

__all__ = ["draw"]

Curve = Sequence[Mapping[str, float]]

PANELS = {"loss": "training loss", "dev_f1": "dev micro F1, %"}
WIDTH, HEIGHT = 300, 190
LEFT, TOP, GAP, EDGE = 52, 76, 64, 20
ROW = 20
"""Pixels: a panel; its margins, the space between two; a line of the legend."""


def draw(curves: Mapping[str, Curve], title: str, groups: Mapping[str, str] | None = None) -> str:
    """Curves by name as a self-contained SVG text, a ring at the best dev F1 of each.

    Curves of one group have one colour and one line of the legend; without `groups` by name each is its own.
    A curve is `Fitted.curve`: a row an epoch with `epoch`, `loss` and perhaps `dev_f1` (a fraction, shown in percent).
    What is in no row gets no panel; values that are no finite number leave a gap in their line.
    """
    shown = [what for what in PANELS if any(what in row for curve in curves.values() for row in curve)]
    width = LEFT + len(shown) * (WIDTH + GAP) - GAP + EDGE if shown else LEFT + WIDTH + EDGE
    group_of = {name: name if groups is None else groups[name] for name in curves}
    slots = {group: _slot(number) for number, group in enumerate(dict.fromkeys(group_of.values()))}
    height = TOP + HEIGHT + 56 + ROW * len(slots)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'role="img" aria-label="{escape(title)}">',
        f"<style>{_style()}</style>",
        '<rect class="paper" width="100%" height="100%"/>',
        f'<text class="title" x="{LEFT}" y="30">{escape(title)}</text>',
    ]
    coloured = [(curve, slots[group_of[name]]) for name, curve in curves.items()]
    epochs = [float(row["epoch"]) for curve in curves.values() for row in curve]
    x = whole(min(epochs, default=1.0), max(epochs, default=1.0))
    for number, what in enumerate(shown):
        parts += [
            f'<g transform="translate({LEFT + number * (WIDTH + GAP)} {TOP})">',
            *_panel(coloured, what, x),
            "</g>",
        ]
    for number, (name, slot) in enumerate(slots.items()):
        y = TOP + HEIGHT + 56 + ROW * number
        parts += [
            f'<line class="line {slot}" x1="{LEFT}" x2="{LEFT + 22}" y1="{y - 4}" y2="{y - 4}"/>',
            f'<text class="name" x="{LEFT + 30}" y="{y}">{escape(name)}</text>',
        ]
    return "\n".join([*parts, "</svg>"]) + "\n"


def _panel(curves: Sequence[tuple[Curve, str]], what: str, x: Axis) -> list[str]:
    values = [row[what] for curve, _ in curves for row in curve if math.isfinite(row.get(what, math.nan))]
    percent = what == "dev_f1"
    y = linear(values, most=4) if percent else open_ended(values or [1.0])
    parts = [f'<text class="what" x="0" y="-16">{PANELS[what]}</text>']
    for tick in y.ticks:
        at = _up(y, tick)
        label = f"{100 * tick if percent else tick:.6g}"
        parts.append(f'<line class="grid" x1="0" x2="{WIDTH}" y1="{at}" y2="{at}"/>')
        parts.append(f'<text x="-8" y="{at + 4:g}" text-anchor="end">{label}</text>')
    for tick in x.ticks:
        parts.append(f'<text x="{_along(x, tick)}" y="{HEIGHT + 18}" text-anchor="middle">{tick:g}</text>')
    parts.append(f'<text x="{WIDTH}" y="{HEIGHT + 34}" text-anchor="end">epoch</text>')
    for curve, slot in curves:
        parts += _line(curve, what, x, y, slot)
    return parts


def _line(curve: Curve, what: str, x: Axis, y: Axis, slot: str) -> list[str]:
    """A curve's points, joined where neighbouring rows both have a value."""
    runs: list[list[tuple[float, float]]] = [[]]
    for row in curve:
        value = row.get(what)
        if value is not None and math.isfinite(value):
            runs[-1].append((_along(x, row["epoch"]), _up(y, value)))
        elif value is not None:
            runs.append([])
    parts = [
        f'<polyline class="line {slot}" points="{" ".join(f"{across:g},{up:g}" for across, up in run)}"/>'
        for run in runs
        if len(run) > 1
    ]
    points = [point for run in runs for point in run]
    best = min(points, key=lambda point: point[1]) if what == "dev_f1" and points else None  # pixels run downwards
    for across, up in points:
        kind, radius = ("ring", 4.5) if (across, up) == best else ("point", 2.5)
        parts.append(f'<circle class="{kind} {slot}" cx="{across:g}" cy="{up:g}" r="{radius}"/>')
        best = None if (across, up) == best else best
    return parts


def _along(x: Axis, value: float) -> float:
    return round(WIDTH * x.at(value) / 100, 2)


def _up(y: Axis, value: float) -> float:
    return round(HEIGHT * (1 - y.at(value) / 100), 2)


def _slot(number: int) -> str:
    return f"s{number % len(LIGHT)}"


def _style() -> str:
    def colours(paper: str, ink: str, soft: str, grid: str, slots: Sequence[str]) -> str:
        return (
            f".paper{{fill:{paper}}}text{{fill:{soft}}}.title,.name{{fill:{ink}}}.grid{{stroke:{grid}}}.ring{{fill:{paper}}}"
            + "".join(f".s{n}{{stroke:{colour}}}.point.s{n}{{fill:{colour}}}" for n, colour in enumerate(slots))
        )

    return (
        'text{font:12px system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif}'
        "text.title{font-size:17px;font-weight:650}text.what{font-size:13px;font-weight:600}text.name{font-size:13px}"
        ".line{fill:none;stroke-width:2;stroke-linejoin:round}.ring{stroke-width:2}"
        + colours(LIGHT_PAPER, "#1d2125", "#5a626b", "#e9ebed", LIGHT)
        + "@media(prefers-color-scheme:dark){"
        + colours(DARK_PAPER, "#e4e7ea", "#9aa3ad", "#252a30", DARK)
        + "}"
    )
