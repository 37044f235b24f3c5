"""`results.tex`: the scoreboard as a table for a paper; needs the package `booktabs`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from onoma.report import numbers, words

if TYPE_CHECKING:
    from onoma.report.schema import Results, SetScores

__all__ = ["escape", "render"]

MARKS = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
}


def escape(text: str) -> str:
    """Text that LaTeX prints as it stands, on one line."""
    return "".join(MARKS.get(mark, mark) for mark in " ".join(text.split()))


def render(results: Results) -> str:
    """Micro F1 of each system on each set with its interval, the highest on a set in bold."""
    systems, sets = words.order(results), list(results.sets)
    best = {
        name: max((each.scores[name].micro.f1 for each in words.ranking(results, name)), default=-1) for name in sets
    }
    lines = [
        r"\begin{tabular}{l" + "r" * len(sets) + "}",
        r"\toprule",
        " & ".join(["System", *map(escape, sets)]) + r" \\",
        r"\midrule",
    ]
    for system in systems:
        cells = [_cell(system.scores.get(name), best[name]) for name in sets]
        lines.append(" & ".join([escape(system.name), *cells]) + r" \\")
    lines += [r"\bottomrule", r"\end{tabular}", "% Micro F1 in percent with 95 % intervals; see results.json."]
    return "\n".join(lines) + "\n"


def _cell(scores: SetScores | None, best: float) -> str:
    if scores is None:
        return "--"
    value = numbers.percent(scores.micro.f1)
    shown = rf"\textbf{{{value}}}" if scores.micro.f1 == best else value
    ends = scores.micro.f1_interval
    return shown if ends is None else rf"{shown} {{\scriptsize {numbers.interval(ends)}}}"
