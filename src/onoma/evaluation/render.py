"""Scores for the terminal: averages, labels, problems, and the signature below them."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING

from onoma.evaluation.bootstrap import Interval
from onoma.evaluation.metrics import Score, Scores

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table

__all__ = ["html_table", "percent", "table"]

COLUMNS = ("precision", "recall", "F1", "interval of F1", "support", "tp", "fp", "fn")


def percent(fraction: float) -> str:
    """A fraction as percent with two digits, rounded once and half up from the digits that JSON shows."""
    return str((Decimal(repr(float(fraction))) * 100).quantize(Decimal("0.01"), ROUND_HALF_UP))


def table(scores: Scores) -> RenderableType:
    """A rich renderable of the scores; an asterisk marks a 0 that is 0/0."""
    from rich.console import Group
    from rich.text import Text

    averages = _empty("all labels")
    for name in ("micro", "macro", "weighted", "unlabelled"):
        _add(averages, name, getattr(scores, name))
    labels = _empty("label")
    for label, score in scores.by_label.items():
        _add(labels, label, score)
    parts: list[RenderableType] = [averages, labels] if scores.by_label else [averages]
    shown = (scores.micro, scores.macro, scores.weighted, scores.unlabelled, *scores.by_label.values())
    if any(score.undefined for score in shown):
        parts.append(Text("* 0/0, counted as 0"))
    if scores.accuracy is not None:
        parts.append(
            Text(
                f"token accuracy {percent(scores.accuracy.value)} over {scores.accuracy.tokens:,} tokens "
                f"(all O: {percent(scores.accuracy.baseline)})"
            )
        )
    if scores.problems:
        kinds = ", ".join(f"{count:,} {kind}" for kind, count in scores.problems.items())
        parts.append(Text(f"problems in answers: {kinds}"))
    if scores.missing_documents:
        count = scores.missing_documents
        parts.append(Text(f"lost answers: {count:,} document{'' if count == 1 else 's'} without a prediction"))
    parts.append(Text(scores.signature, style="dim", overflow="fold"))
    return Group(*parts)


def html_table(scores: Scores) -> str:
    """The averages and labels as an HTML table, for notebooks; names are escaped."""
    from html import escape

    rows = {name: getattr(scores, name) for name in ("micro", "macro", "weighted", "unlabelled")} | dict(
        scores.by_label
    )
    head = "".join(f"<th>{name}</th>" for name in ("", "precision", "recall", "F1", "95 % interval", "support"))
    lines: list[str] = []
    for name, score in rows.items():
        ends = score.f1_interval
        interval = "" if ends is None else f"[{percent(ends[0])}, {percent(ends[1])}]"
        cells = (percent(score.precision), percent(score.recall), percent(score.f1), interval, f"{score.support:,}")
        lines.append(f"<tr><th>{escape(name)}</th>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>")
    caption = f'<caption style="caption-side: bottom">{escape(scores.signature)}</caption>'
    return f"<table>{caption}<thead><tr>{head}</tr></thead><tbody>{''.join(lines)}</tbody></table>"


def _empty(first: str) -> Table:
    from rich import box
    from rich.table import Table

    columns = Table(box=box.SIMPLE)
    columns.add_column(first)
    for name in COLUMNS:
        columns.add_column(name, justify="right", no_wrap=True)
    return columns


def _add(columns: Table, name: str, score: Score) -> None:
    from rich.text import Text

    ratios = [
        percent(getattr(score, ratio)) + ("*" if ratio in score.undefined else "")
        for ratio in ("precision", "recall", "f1")
    ]
    counts = [f"{count:,}" for count in (score.support, score.tp, score.fp, score.fn)]
    # Text, not str: a label such as [PER] is no markup.
    cells = [name, *ratios, _interval(score.f1_interval), *counts]
    columns.add_row(*(Text(cell) for cell in cells))


def _interval(interval: Interval | None) -> str:
    return "" if interval is None else f"{percent(interval[0])} - {percent(interval[1])}"
