"""Rankings and differences in plain words: shared by every form of the report.

A `Sentence` is a run of text and `Name`s, so that each report can set names apart in its own way.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from onoma.report import numbers

if TYPE_CHECKING:
    from collections.abc import Iterable

    from onoma.report.schema import Comparison, Results, System

__all__ = [
    "NAMELESS_ROW",
    "NO_LABEL",
    "Gap",
    "Name",
    "Sentence",
    "difference",
    "evidence",
    "faults",
    "find",
    "gap",
    "has_nameless",
    "is_shown",
    "is_smallest",
    "listed",
    "main_set",
    "metric_name",
    "one_line",
    "order",
    "plain",
    "ranking",
    "scored_sets",
    "tests",
    "turned",
    "winner",
]

ALPHA = 0.05


NO_LABEL = "?"
NAMELESS_ROW = (
    "The row ? counts problems in answers that name no label: false positives of no label, so it has no gold."
)
LOST = {"missing_document": "not answered", "truncated": "lost or cut"}
"""Problems that stand for no mention but for all those of a document: recall is lost."""


class Name(str):
    """A name of a system or set inside a sentence."""


Sentence = tuple[str, ...]


def plain(sentence: Sentence) -> str:
    """The sentence as bare text."""
    return "".join(sentence)


@dataclass(frozen=True)
class Gap:
    """Mean micro F1 in and out of domain; `loss` is their difference, a fraction."""

    inside: float
    outside: float

    @property
    def loss(self) -> float:
        """In-domain minus out-of-domain."""
        return self.inside - self.outside


def ranking(results: Results, name: str) -> list[System]:
    """The systems scored on a set, the best micro F1 first."""
    scored = [system for system in results.systems if system.status == "ok" and name in system.scores]
    return sorted(scored, key=lambda system: -system.scores[name].micro.f1)


def scored_sets(results: Results) -> list[str]:
    """The sets that some system was scored on and that hold gold mentions."""
    return [name for name in results.sets if any(each.scores[name].micro.support for each in ranking(results, name))]


def main_set(results: Results) -> str | None:
    """The set that the verdict is about: the first in-domain one with scores, else the first with scores.

    Sets without any gold mention say nothing about who leads.
    """
    scored = scored_sets(results)
    inside = [name for name in scored if results.sets[name].role == "in_domain"]
    return next(iter(inside or scored), None)


def order(results: Results) -> list[System]:
    """The systems that finished, as they rank on the main set; those without a score there come last."""
    main = main_set(results)
    ranked = ranking(results, main) if main is not None else []
    return ranked + [system for system in results.systems if system.status == "ok" and system not in ranked]


def gap(results: Results, system: System) -> Gap | None:
    """A system's in-domain and out-of-domain means; None where one is missing.

    A system that was not scored on every set the others were has none either: its means would be of other sets.
    Sets without any gold mention take no part.
    """
    scored = scored_sets(results)
    if system.status != "ok" or any(name not in system.scores for name in scored):
        return None
    inside = [system.scores[name].micro.f1 for name in scored if results.sets[name].role == "in_domain"]
    outside = [system.scores[name].micro.f1 for name in scored if results.sets[name].role == "out_of_domain"]
    if not inside or not outside:
        return None
    return Gap(sum(inside) / len(inside), sum(outside) / len(outside))


def find(results: Results, name: str, a: str, b: str, metric: str = "micro_f1") -> Comparison | None:
    """The comparison of two systems on a set, turned so that `a` stands first; None where there is none."""
    for row in results.comparisons:
        if row.set != name or _key(row.metric) != _key(metric):
            continue
        if (row.a, row.b) == (a, b):
            return row
        if (row.a, row.b) == (b, a):
            return turned(row)
    return None


def turned(row: Comparison) -> Comparison:
    """The same comparison seen from the other system."""
    ends = None if row.interval is None else (-row.interval[1], -row.interval[0])
    return row.model_copy(update={"a": row.b, "b": row.a, "difference": -row.difference, "interval": ends})


def is_shown(row: Comparison) -> bool:
    """Whether a difference is shown at the 5 % level, by the adjusted p-value where there is one."""
    p = row.p_value if row.p_adjusted is None else row.p_adjusted
    return p is not None and p < ALPHA and row.difference != 0


def winner(results: Results, name: str) -> str | None:
    """The system that is shown to be better in micro F1 than every other one on a set, if there are others."""
    ranked = ranking(results, name)
    if len(ranked) < 2:
        return None
    best = ranked[0].name
    rows = [find(results, name, best, other.name) for other in ranked[1:]]
    return best if all(row is not None and row.difference > 0 and is_shown(row) for row in rows) else None


def has_nameless(results: Results, name: str) -> bool:
    """Whether the table by label of a set has a row of problems that name no label."""
    blocks = [system.scores[name].by_label.get(NO_LABEL) for system in ranking(results, name)]
    return any(block is not None and not block.support for block in blocks)


def faults(results: Results) -> list[Sentence]:
    """Lost answers and problems, a sentence a system that has any: `crf: 2 lost or cut, 1 ungrounded on news.`"""
    found: list[Sentence] = []
    for system in order(results):
        parts: list[str] = []
        for name in results.sets:
            problems = system.scores[name].problems if name in system.scores else {}
            told = [
                f"{numbers.count(n)} {LOST.get(kind) or kind.replace('_', ' ')}"
                for kind, n in sorted(problems.items(), key=lambda item: (item[0] not in LOST, item[0]))
                if n
            ]
            if told:
                parts += ["; " if parts else ": ", ", ".join(told), " on ", Name(name)]
        if parts:
            found.append((Name(system.name), *parts, "."))
    return found


def _key(metric: str) -> str:
    return metric.replace(".", "_").replace(" ", "_").lower()


def metric_name(metric: str) -> str:
    """`micro_f1` as `micro F1`."""
    return _key(metric).replace("_", " ").replace("f1", "F1")


def is_smallest(row: Comparison) -> bool:
    """Whether the p-value is the smallest that its resamples can give, so that it may stand for any smaller one."""
    said = re.search(r"([\d,]+) (?:resamples|draws)", row.test)
    if said is None or row.p_value is None:
        return False
    return row.p_value <= 2 / (int(said[1].replace(",", "")) + 1) + 1e-12


def tests(results: Results) -> list[str]:
    """The tests of the comparisons in words, with their sets where there is more than one test."""
    sets: dict[str, dict[str, None]] = {}
    for row in results.comparisons:
        sets.setdefault(re.sub(r"(\d+)\+(\d+) seeds", _seeds, row.test), {})[row.set] = None
    if len(sets) == 1:
        return list(sets)
    return [f"{', '.join(names)}: {test}" for test, names in sets.items()]


def _seeds(found: re.Match[str]) -> str:
    a, b = found.groups()
    if a == b:
        return "one run each" if a == "1" else f"{a} seeds each"
    return f"{a} and {b} seeds"


def evidence(row: Comparison) -> str:
    """Interval and p-value of a comparison: ` [2.1, 4.7], p = 0.012 (Holm)`."""
    ends = ""
    if row.interval is not None:
        low, high = (numbers.points(end, like=row.difference) for end in row.interval)
        ends = f" [{low}, {high}]"
    if row.p_adjusted is not None:
        p = f"{numbers.p_text(row.p_adjusted, smallest=is_smallest(row))} (Holm)"
    elif row.p_value is not None:
        p = f"{numbers.p_text(row.p_value, smallest=is_smallest(row))} (not adjusted)"
    else:
        p = "not tested"
    return f"{ends}, {p}"


def difference(row: Comparison, *, with_set: bool = True) -> Sentence:
    """One comparison in words, the better system first; `with_set` says on which set."""
    metric = "" if _key(row.metric) == "micro_f1" else f" of {metric_name(row.metric)}"
    if row.difference < 0:
        row = turned(row)
    size = f"{numbers.points(row.difference)} points{metric}{evidence(row)}"
    where = (" on ", Name(row.set)) if with_set else ()
    if is_shown(row):
        return (Name(row.a), " is better than ", Name(row.b), *where, f" by {size}")
    return ("No difference shown between ", Name(row.a), " and ", Name(row.b), *where, f": {size}")


def listed(names: Iterable[str]) -> list[str]:
    """Names with commas and a last `and` between, as parts of a sentence."""
    parts: list[str] = []
    names = list(names)
    for index, name in enumerate(names):
        if index:
            parts.append(" and " if index == len(names) - 1 else ", ")
        parts.append(Name(name))
    return parts


def one_line(error: str | None) -> str:
    """A system's error as one line, also where none was recorded."""
    return " ".join((error or "no reason was recorded").split())
