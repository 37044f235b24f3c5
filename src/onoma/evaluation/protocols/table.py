"""All protocols side by side, and one protocol's scores, for people to read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from onoma.document import Document, Prediction
from onoma.evaluation.matching import Matching
from onoma.evaluation.metrics import Scores
from onoma.evaluation.metrics import evaluate as strict
from onoma.evaluation.protocols import get, names
from onoma.evaluation.protocols.base import NotApplicableError, ProtocolScore, ProtocolScores
from onoma.evaluation.render import percent

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table

__all__ = ["Row", "row_table", "rows", "score_table"]

STRICT_RULE = "start, end and label; onoma"


@dataclass(frozen=True, slots=True)
class Row:
    """One protocol's micro scores (fractions), and `delta`, its F1 less that of strict.

    Where the protocol cannot be applied the scores are None and `reason` says why.
    """

    protocol: str
    rule: str = ""
    precision: float | None = None
    recall: float | None = None
    f1: float | None = None
    delta: float | None = None
    notes: tuple[str, ...] = ()
    reason: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values; ratios are fractions."""
        return {**asdict(self), "notes": list(self.notes)}


def rows(
    gold: Sequence[Document],
    predictions: Iterable[Prediction | Document],
    *,
    labels: Sequence[str] | None = None,
    protocols: Sequence[str] | None = None,
) -> list[Row]:
    """A row for each protocol, all of them by default, in the table's order; `delta` is always to strict."""
    documents, answers = list(gold), list(predictions)
    baseline = strict(documents, answers, labels=labels, resamples=0)
    found: list[Row] = []
    for name in names() if protocols is None else protocols:
        if name == "strict":
            found.append(_row(name, STRICT_RULE, baseline, baseline))
            continue
        try:
            scores = get(name)(documents, answers, labels=labels)
        except NotApplicableError as error:
            found.append(Row(name, reason=str(error)))
        else:
            found.append(_row(name, scores.rule, scores, baseline))
    return found


def _row(name: str, rule: str, scores: Scores | ProtocolScores, baseline: Scores) -> Row:
    micro = scores.micro
    notes = (
        (*scores.notes, *filter_notes(baseline.matching))
        if isinstance(scores, ProtocolScores)
        else (baseline.signature,)
    )
    delta = micro.f1 - baseline.micro.f1
    return Row(name, rule, micro.precision, micro.recall, micro.f1, delta, notes)


def filter_notes(matching: Matching) -> tuple[str, ...]:
    """What a label filter left out of gold and predictions, if there was one."""
    if matching.labels is None:
        return ()
    removed = f"removed {matching.gold_filtered:,} gold, {matching.predicted_filtered:,} predicted"
    return (f"filter {', '.join(matching.labels)}: {removed}",)


def row_table(systems: Mapping[str, Sequence[Row]]) -> RenderableType:
    """One system's rows in full, or the F1 of several side by side; reasons and notes below."""
    from rich import box
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    sides = list(systems.values())
    grid = Table(box=box.SIMPLE)
    grid.add_column("protocol", no_wrap=True)
    heads = ["precision", "recall", "F1", "to strict"] if len(sides) == 1 else [*systems, "difference"]
    for head in heads:
        grid.add_column(Text(head), justify="right", no_wrap=len(sides) == 1, overflow="fold")
    grid.add_column("what it compares")
    for group in zip(*sides, strict=True):
        cells = _one(group[0]) if len(sides) == 1 else _side_by_side(group)
        rule = next((row.rule for row in group if row.rule), "")
        grid.add_row(group[0].protocol, *cells, Text(rule.partition(";")[0]))
    parts: list[RenderableType] = [grid]
    for name, side in systems.items():
        before = f"{name}: " if len(sides) > 1 else ""
        parts += [Text(f"{before}{row.protocol}: n/a, {row.reason}") for row in side if row.reason is not None]
        if len(sides) == 1:
            parts += [Text(line, style="dim") for line in _gathered(side)]
    return Group(*parts)


def _gathered(side: Sequence[Row]) -> list[str]:
    """Each note once, behind all protocols that have it."""
    places: dict[str, list[str]] = {}
    for row in side:
        for note in row.notes:
            places.setdefault(note, []).append(row.protocol)
    return [f"{', '.join(protocols)}: {note}" for note, protocols in places.items()]


def _one(row: Row) -> list[str]:
    if row.precision is None or row.recall is None or row.f1 is None:
        return ["n/a"] * 4
    delta = "" if row.protocol == "strict" or row.delta is None else _points(row.delta)
    return [percent(row.precision), percent(row.recall), percent(row.f1), delta]


def _side_by_side(group: Sequence[Row]) -> list[str]:
    values = [row.f1 for row in group]
    first, last = values[0], values[-1]
    difference = "n/a" if first is None or last is None else _points(first - last)
    return [*("n/a" if value is None else percent(value) for value in values), difference]


def _points(difference: float) -> str:
    shown = f"{100 * difference:+.2f}"
    return "0.00" if shown in ("+0.00", "-0.00") else shown


def score_table(scores: ProtocolScores) -> RenderableType:
    """One protocol's averages, labels and counts, with its rule and notes below."""
    from rich.console import Group
    from rich.text import Text

    averages = _empty("average", scores.micro)
    _add(averages, "micro", scores.micro, scores.micro)
    if scores.macro is not None:
        _add(averages, "macro", scores.macro, scores.micro)
    parts: list[RenderableType] = [averages]
    if scores.by_label:
        first = next(iter(scores.by_label.values()))
        labels = _empty("label", first)
        for label, score in scores.by_label.items():
            _add(labels, label, score, first)
        parts.append(labels)
    parts += [Text(note) for note in scores.notes]
    parts.append(Text(f"{scores.protocol} | {scores.rule}", style="dim", overflow="fold"))
    return Group(*parts)


def _empty(first: str, pattern: ProtocolScore) -> Table:
    from rich import box
    from rich.table import Table

    grid = Table(box=box.SIMPLE, collapse_padding=True, pad_edge=False)
    grid.add_column(first)
    for name in ("precision", "recall", "F1", *(name.replace("_", " ") for name in pattern.counts)):
        grid.add_column(name, justify="right")
    return grid


def _add(grid: Table, name: str, score: ProtocolScore, pattern: ProtocolScore) -> None:
    from rich.text import Text

    counts = ["" if key not in score.counts else _count(key, score.counts[key]) for key in pattern.counts]
    # Text, not str: a label such as [PER] is no markup.
    cells = [name, percent(score.precision), percent(score.recall), percent(score.f1), *counts]
    grid.add_row(*(Text(cell) for cell in cells))


def _count(name: str, value: float) -> str:
    return percent(value) if "f1" in name or "f_beta" in name else f"{value:,.10g}"
