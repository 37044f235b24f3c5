"""Results as a notebook shows them: the verdict, and micro F1 by system and set."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from onoma.report import numbers, words
from onoma.report.verdict import verdict

if TYPE_CHECKING:
    from onoma.report.schema import Results

__all__ = ["html_table"]


def html_table(results: Results) -> str:
    """The first sentence of the verdict above a table of micro F1 in percent with intervals; names are escaped."""
    lines: list[str] = []
    for system in words.order(results):
        cells = "".join(
            f"<td>{numbers.score(found.micro, 'f1')} {numbers.interval(found.micro.f1_interval)}</td>"
            if (found := system.scores.get(name)) is not None
            else f"<td>{numbers.NONE}</td>"
            for name in results.sets
        )
        lines.append(f"<tr><th>{escape(system.name)}</th>{cells}</tr>")
    for system in results.systems:
        if system.status != "ok":
            lines.append(
                f'<tr><th>{escape(system.name)}</th><td colspan="{len(results.sets)}">{system.status}</td></tr>'
            )
    head = "".join(f"<th>{escape(name)}</th>" for name in ("micro F1, %", *results.sets))
    lead = escape(words.plain(verdict(results)[0]))
    return f"<p>{lead}</p><table><thead><tr>{head}</tr></thead><tbody>{''.join(lines)}</tbody></table>"
