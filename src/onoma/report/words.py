"""What the numbers say, in plain sentences: shared by the Markdown and the HTML report.

A `Sentence` is a run of text and `Name`s, so that each report can set names apart in its own way.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from onoma.report import numbers

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from onoma.report.schema import Comparison, Results, System

__all__ = [
    "NAMELESS_ROW",
    "Gap",
    "Name",
    "Sentence",
    "difference",
    "dominance",
    "dominated",
    "faults",
    "find",
    "gap",
    "has_nameless",
    "is_shown",
    "main_set",
    "metric_name",
    "order",
    "plain",
    "ranking",
    "verdict",
    "weakest",
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


def _scored(results: Results) -> list[str]:
    """The sets that some system was scored on and that hold gold mentions."""
    return [name for name in results.sets if any(each.scores[name].micro.support for each in ranking(results, name))]


def main_set(results: Results) -> str | None:
    """The set that the verdict is about: the first in-domain one with scores, else the first with scores.

    Sets without any gold mention say nothing about who leads.
    """
    scored = _scored(results)
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
    scored = _scored(results)
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


def _evidence(row: Comparison) -> str:
    ends = ""
    if row.interval is not None:
        low, high = (numbers.points(end, like=row.difference) for end in row.interval)
        ends = f" [{low}, {high}]"
    if row.p_adjusted is not None:
        p = f"{numbers.p_text(row.p_adjusted)} (Holm)"
    elif row.p_value is not None:
        p = f"{numbers.p_text(row.p_value)} (not adjusted)"
    else:
        p = "not tested"
    return f"{ends}, {p}"


def difference(row: Comparison, *, with_set: bool = True) -> Sentence:
    """One comparison in words, the better system first; `with_set` says on which set."""
    metric = "" if _key(row.metric) == "micro_f1" else f" of {metric_name(row.metric)}"
    if row.difference < 0:
        row = turned(row)
    size = f"{numbers.points(row.difference)} points{metric}{_evidence(row)}"
    where = (" on ", Name(row.set)) if with_set else ()
    if is_shown(row):
        return (Name(row.a), " is better than ", Name(row.b), *where, f" by {size}")
    return ("No difference shown between ", Name(row.a), " and ", Name(row.b), *where, f": {size}")


def _listed(names: Iterable[str]) -> list[str]:
    parts: list[str] = []
    names = list(names)
    for index, name in enumerate(names):
        if index:
            parts.append(" and " if index == len(names) - 1 else ", ")
        parts.append(Name(name))
    return parts


def verdict(results: Results) -> list[Sentence]:
    """The outcome in a few sentences; the first says who leads the main set, and how surely."""
    main = main_set(results)
    if main is None:
        lead: list[Sentence] = [("No system was scored, so there is nothing to compare.",)]
    else:
        ranked = ranking(results, main)
        parts = (_lead(results, main, ranked), _elsewhere(results, main, ranked[0]), _domains(results, ranked))
        lead = [sentence for sentence in (*parts, _cost(main, ranked)) if sentence]
    return lead + [_absent(system) for system in results.systems if system.status != "ok"]


def _lead(results: Results, main: str, ranked: Sequence[System]) -> Sentence:
    best = ranked[0]
    micro = best.scores[main].micro
    ends = "" if micro.f1_interval is None else f" {numbers.interval(micro.f1_interval)}"
    value = f"{numbers.percent(micro.f1)} %{ends}"
    if len(ranked) == 1:
        return (Name(best.name), " reaches a micro F1 of ", value, " on ", Name(main), ".")
    second = ranked[1]
    row = find(results, main, best.name, second.name)
    opening = (Name(best.name), " leads on ", Name(main), f" with a micro F1 of {value}")
    if row is None:
        ahead = numbers.points(micro.f1 - second.scores[main].micro.f1)
        return (*opening, f", {ahead} points ahead of ", Name(second.name), "; the difference was not tested.")
    size = f"{numbers.points(row.difference)} points{_evidence(row)}"
    if is_shown(row):
        return (*opening, ", better than ", Name(second.name), f" by {size}.")
    return (*opening, ", but no difference from ", Name(second.name), f" is shown: {size}.")


def _elsewhere(results: Results, main: str, best: System) -> Sentence:
    led: list[str] = []
    shared: list[str] = []
    lost: list[tuple[str, System]] = []
    for name in results.sets:
        ranked = ranking(results, name)
        if name == main or len(ranked) < 2 or name not in _scored(results):
            continue
        top = ranked[0].scores[name].micro.f1
        if best.name in [each.name for each in ranked] and best.scores[name].micro.f1 == top:
            (shared if ranked[1].scores[name].micro.f1 == top else led).append(name)
        else:
            lost.append((name, ranked[0]))
    parts: list[str] = []
    if led:
        parts += ["It has the highest micro F1 on ", *_listed(led), " too."]
    if shared:
        parts += [" " if parts else "", "It shares the highest micro F1 on ", *_listed(shared), "."]
    for name, other in lost:
        value = numbers.percent(other.scores[name].micro.f1)
        parts += [" " if parts else "", "On ", Name(name), " the highest is ", Name(other.name), f" with {value} %."]
    return tuple(parts)


def _domains(results: Results, ranked: Sequence[System]) -> Sentence:
    gaps = [(system, found) for system in ranked if (found := gap(results, system)) is not None]
    if not gaps:
        return ()
    parts: list[str] = ["Out of domain, "]
    for index, (system, found) in enumerate(gaps):
        joint = "" if index == 0 else (" and " if index == len(gaps) - 1 else ", ")
        verb = "loses" if found.loss >= 0 else "gains"
        parts += [joint, Name(system.name), f" {verb} {numbers.points(abs(found.loss))}"]
        parts += [" points of F1" if index == 0 else ""]
    return (*parts, ".")


def _cost(main: str, ranked: Sequence[System]) -> Sentence:
    best = ranked[0]
    speed = best.predict.get(main)
    words = None if speed is None else speed.words_per_second
    facts = [f"reads {numbers.rate(words)} words a second"] if words else []
    facts += [f"takes {numbers.megabytes(best.size_mb)} on disk"] if best.size_mb else []
    if not facts:
        return ()
    parts: list[str] = [Name(best.name), " ", " and ".join(facts)]
    if words and len(ranked) > 1 and (other := ranked[1].predict.get(main)) and other.words_per_second:
        faster = other.words_per_second / words
        word = "fast" if faster >= 1 else "slow"
        size = f" and takes {numbers.megabytes(ranked[1].size_mb)}" if ranked[1].size_mb else ""
        times = numbers.ratio(max(faster, 1 / faster))
        parts += ["; ", Name(ranked[1].name), f" is {times} times as {word}{size}"]
    return (*parts, ".")


def dominated(results: Results) -> dict[str, str]:
    """Systems that another one beats or equals in micro F1 on the main set, speed and size at once, with that one.

    What is not known of a system dominates nothing and keeps it from being dominated.
    """
    main = main_set(results)
    ranked = [] if main is None else ranking(results, main)
    known = [(system, found) for system in ranked if main and (found := _profile(system, main)) is not None]
    made: dict[str, str] = {}
    for system, mine in known:
        for other, theirs in known:
            if mine != theirs and all(a <= b for a, b in zip(mine, theirs, strict=True)):
                made.setdefault(system.name, other.name)
    return made


def dominance(results: Results) -> list[Sentence]:
    """The dominated systems in words."""
    return [
        (Name(system), " is dominated: ", Name(other), " is at least as good in F1, speed and size.")
        for system, other in dominated(results).items()
    ]


def _profile(system: System, main: str) -> tuple[float, float, float] | None:
    """What to have more of: F1, words a second, and smallness."""
    speed = system.predict.get(main)
    if speed is None or not speed.words_per_second or system.size_mb is None:
        return None
    return (system.scores[main].micro.f1, speed.words_per_second, -system.size_mb)


FEW = 20
"""Gold mentions below which a label says too little to be called weak."""


def weakest(results: Results) -> Sentence:
    """Where the leader of the main set breaks: its weakest label there, and its weakest set; empty for none."""
    main = main_set(results)
    if main is None:
        return ()
    best = ranking(results, main)[0]
    labels = [(block.f1, label, block.support) for label, block in best.scores[main].by_label.items()]
    labels = [row for row in labels if row[2] >= FEW]
    parts: list[str] = []
    if len(labels) > 1:
        f1, label, n = min(labels)
        parts += [" on ", Name(label), f" ({numbers.percent(f1)} %, n = {numbers.count(n)})"]
    sets = [(best.scores[name].micro.f1, name) for name in _scored(results) if name in best.scores]
    if len(sets) > 1:
        f1, name = min(sets)
        parts += [" and" if parts else "", " on the set ", Name(name), f" ({numbers.percent(f1)} %)"]
    return (Name(best.name), " is weakest", *parts, ".") if parts else ()


def _absent(system: System) -> Sentence:
    verb = " failed: " if system.status == "failed" else " was skipped: "
    return (Name(system.name), verb, one_line(system.error))


def one_line(error: str | None) -> str:
    """A system's error as one line, also where none was recorded."""
    return " ".join((error or "no reason was recorded").split())
