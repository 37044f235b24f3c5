"""The parts that pages of findings are made of: tables, cells of tables, bars, and filling a page between its marks."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from experiments.analysis import Difference, Record, curve
from experiments.cells import Grid
from onoma.exceptions import ConfigError
from onoma.files import write_text
from onoma.report.curves import draw
from onoma.report.numbers import count, interval, p_text, percent

__all__ = [
    "bars",
    "curves",
    "difference",
    "fill",
    "p",
    "problems",
    "publish",
    "run_command",
    "scored",
    "table",
    "to_run",
]

NOT_RUN = "not run"
COLOURS = ("#4485bf", "#d57519", "#1f9684", "#7d3b33", "#243ca2", "#8a4480", "#a0601f", "#6a8b50")


def table(head: Sequence[str], rows: Iterable[Sequence[str]], words: int = 1) -> str:
    """A Markdown table, columns of numbers to the right after so many columns of words."""
    marks = ["---"] * words + ["--:"] * (len(head) - words)
    lines = [head, marks, *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def scored(block: Mapping[str, Any], name: str = "f1") -> str:
    """A ratio of a score block in percent, F1 with its interval."""
    shown = percent(block[name])
    return f"{shown} {interval(block['f1_interval'])}" if name == "f1" and block["f1_interval"] else shown


def difference(found: Difference) -> str:
    """A difference in points with its interval."""
    return f"{100 * found.value:+.2f} {interval(found.interval)}"


def p(found: Difference) -> str:
    """Its p-value, the adjusted one where there is one."""
    value = found.p_value if found.p_adjusted is None else found.p_adjusted
    return p_text(value).removeprefix("p = ").removeprefix("p ")


def problems(records: Iterable[Record], name: str) -> str:
    """Problems of the answers about a set, by kind, over all seeds."""
    total: Counter[str] = Counter()
    for record in records:
        total.update(record["sets"][name]["scores"]["problems"])
    return ", ".join(f"{kind} {count(number)}" for kind, number in sorted(total.items())) or "none"


def run_command(folder: Path, *cells: str) -> str:
    """The command that runs some cells."""
    return f"`python -m experiments.grid experiments/{folder.name} --only {' '.join(cells)}`"


def to_run(grid: Grid, folder: Path, recorded: Iterable[str]) -> str:
    """The cells without a record, each with its command; a line where there is none."""
    known = set(recorded)
    missing = [cell.name for cell in grid.built if cell.name not in known]
    if not missing:
        return "All cells of the grid have been run."
    return table(("cell", "state", "command"), [(each, NOT_RUN, run_command(folder, each)) for each in missing], 3)


def publish(folder: Path, figures: Mapping[str, str], fragments: Mapping[str, str]) -> None:
    """Write the figures below `folder/results` and fill `folder/README.md`; raises `ConfigError` without a mark."""
    for name, drawn in figures.items():
        write_text(folder / "results" / name, drawn)
    fill(folder / "README.md", fragments)


def fill(page: Path, fragments: Mapping[str, str]) -> None:
    """Put each fragment between `<!-- begin NAME -->` and `<!-- end NAME -->`; raises `ConfigError` without a mark."""
    text = page.read_text(encoding="utf-8")
    for name, fragment in fragments.items():
        begin, end = f"<!-- begin {name} -->", f"<!-- end {name} -->"
        if text.count(begin) != 1 or text.count(end) != 1:
            raise ConfigError(f"{page}: the marks of {name!r} must stand there once")
        pattern = re.compile(re.escape(begin) + ".*?" + re.escape(end), re.DOTALL)
        text = pattern.sub(lambda _, body=f"{begin}\n{fragment}\n{end}": body, text)
    write_text(page, text)


def curves(shown: Mapping[str, tuple[str, Iterable[Record]]]) -> dict[str, str]:
    """Training of some records by file name and title, as SVG by file name; no file where there is no record.

    All seeds of a system have one colour.
    """
    made: dict[str, str] = {}
    for name, (title, records) in shown.items():
        chosen = list(records)
        systems = {record["cell"]: record["system"] for record in chosen}
        seeds = Counter(systems.values())
        names = {
            cell: f"{system}, {seeds[system]} seeds" if seeds[system] > 1 else system
            for cell, system in systems.items()
        }
        if chosen:
            made[name] = draw({record["cell"]: curve(record) for record in chosen}, title, names)
    return made


def bars(groups: Mapping[str, Mapping[str, float]], title: str) -> str:
    """Horizontal bars by group and name, values as shares in percent, as an SVG that stands by itself."""
    names = list(dict.fromkeys(name for each in groups.values() for name in each))
    most = max((value for each in groups.values() for value in each.values()), default=1.0) or 1.0
    left, wide, thick = 90, 420, 13
    height = 60 + len(names) * (len(groups) * thick + 10) + 20 * len(groups)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 600 {height}" width="600" height="{height}" role="img" '
        f'aria-label="{escape(title)}">',
        "<style>text{font:12px system-ui,sans-serif;fill:#5a626b}.title{font-size:16px;font-weight:600;fill:#1d2125}"
        ".paper{fill:#fdfdfc}@media(prefers-color-scheme:dark){.paper{fill:#15181c}text{fill:#9aa3ad}.title{fill:#e4e7ea}}"
        "</style>",
        '<rect class="paper" width="100%" height="100%"/>',
        f'<text class="title" x="16" y="28">{escape(title)}</text>',
    ]
    y = 44
    for name in names:
        parts.append(
            f'<text x="{left - 8}" y="{y + len(groups) * thick / 2 + 4:g}" text-anchor="end">{escape(name)}</text>'
        )
        for number, each in enumerate(groups.values()):
            value = each.get(name, 0.0)
            size = round(wide * value / most, 1)
            parts.append(
                f'<rect x="{left}" y="{y}" width="{size:g}" height="{thick - 3}" fill="{_colour(number)}"/>'
                f'<text x="{left + size + 5:g}" y="{y + thick - 4}" font-size="10">{percent(value)}</text>'
            )
            y += thick
        y += 10
    for number, name in enumerate(groups):
        parts.append(
            f'<rect x="{left}" y="{y}" width="14" height="10" fill="{_colour(number)}"/>'
            f'<text x="{left + 20}" y="{y + 10}">{escape(name)}</text>'
        )
        y += 20
    return "\n".join([*parts, "</svg>"]) + "\n"


def _colour(number: int) -> str:
    return COLOURS[number % len(COLOURS)]
