"""The verdict: what the numbers say, in a few plain sentences."""

from __future__ import annotations

from statistics import fmean
from typing import TYPE_CHECKING

from onoma.report import numbers, words
from onoma.report.words import Name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from onoma.report.schema import Results, System
    from onoma.report.words import Sentence

__all__ = ["dominance", "dominated", "verdict", "weakest"]


def verdict(results: Results) -> list[Sentence]:
    """The outcome in a few sentences: who leads each set, the main one first, how surely, and at what cost."""
    main = words.main_set(results)
    if main is None:
        said: list[Sentence] = [("No system was scored, so there is nothing to compare.",)]
    else:
        ranked = words.ranking(results, main)
        said = [_lead(results, main, ranked), *_elsewhere(results, main)]
        said += [sentence for sentence in (_domains(results, ranked[0]), _cost(main, ranked)) if sentence]
    return said + [_absent(system) for system in results.systems if system.status != "ok"]


def _lead(results: Results, main: str, ranked: Sequence[System]) -> Sentence:
    best = ranked[0]
    micro = best.scores[main].micro
    ends = "" if micro.f1_interval is None else f" {numbers.interval(micro.f1_interval)}"
    value = f"{numbers.percent(micro.f1)} %{ends}"
    if len(ranked) == 1:
        return (Name(best.name), " reaches a micro F1 of ", value, " on ", Name(main), ".")
    second = ranked[1]
    row = words.find(results, main, best.name, second.name)
    opening = (Name(best.name), " leads on ", Name(main), f" with a micro F1 of {value}")
    if row is None:
        ahead = numbers.points(micro.f1 - second.scores[main].micro.f1)
        return (*opening, f", {ahead} points ahead of ", Name(second.name), "; the difference was not tested.")
    size = f"{numbers.points(row.difference)} points{words.evidence(row)}"
    if words.is_shown(row):
        return (*opening, ", better than ", Name(second.name), f" by {size}.")
    return (*opening, ", but no difference from ", Name(second.name), f" is shown: {size}.")


def _elsewhere(results: Results, main: str) -> list[Sentence]:
    """A sentence a set: the highest micro F1, by how much over the next one, and whether that is shown."""
    found = [(name, words.ranking(results, name)) for name in words.scored_sets(results) if name != main]
    return [_highest(results, name, ranked) for name, ranked in found if len(ranked) > 1]


def _highest(results: Results, name: str, ranked: Sequence[System]) -> Sentence:
    best, second = ranked[:2]
    top = best.scores[name].micro.f1
    value = f"the highest micro F1, {numbers.percent(top)} %"
    equal = [system.name for system in ranked if system.scores[name].micro.f1 == top]
    if len(equal) > 1:
        return ("On ", Name(name), ", ", *words.listed(equal), f" share {value}.")
    opening = ("On ", Name(name), ", ", Name(best.name), f" has {value}")
    row = words.find(results, name, best.name, second.name)
    if row is None:
        ahead = numbers.points(top - second.scores[name].micro.f1)
        return (*opening, f", {ahead} points ahead of ", Name(second.name), "; the difference was not tested.")
    size = f"{numbers.points(row.difference)} points{words.evidence(row)}"
    if words.is_shown(row):
        return (*opening, ", better than ", Name(second.name), f" by {size}.")
    return (*opening, ", but no difference from ", Name(second.name), f" is shown: {size}.")


MOST_LOSSES = 4
"""Sets that are named one by one with what is lost on them."""


def _domains(results: Results, best: System) -> Sentence:
    """What the leader loses on each set out of domain."""
    sets = [name for name in words.scored_sets(results) if name in best.scores]
    inside = [name for name in sets if results.sets[name].role == "in_domain"]
    outside = [name for name in sets if results.sets[name].role == "out_of_domain"]
    if not inside or not outside:
        return ()
    home = fmean(best.scores[name].micro.f1 for name in inside)
    losses = [(home - best.scores[name].micro.f1, name) for name in outside]
    base = ("Against ", Name(inside[0])) if len(inside) == 1 else ("Against its mean in domain",)
    if len(losses) > MOST_LOSSES:
        (least, easy), (most, hard) = min(losses), max(losses)
        ends = [numbers.points(least), " (", Name(easy), f") to {numbers.points(most)} (", Name(hard), ")"]
        return (*base, ", ", Name(best.name), " loses ", *ends, f" points of F1 on {len(losses)} sets out of domain.")
    parts: list[str] = []
    for index, (loss, name) in enumerate(losses):
        joint = "" if index == 0 else (" and " if index == len(losses) - 1 else ", ")
        verb = "loses" if loss >= 0 else "gains"
        before = index > 0 and (losses[index - 1][0] >= 0) == (loss >= 0)
        parts += [joint, "" if before else f"{verb} ", numbers.points(abs(loss)), "" if index else " points of F1"]
        parts += [" on ", Name(name)]
    return (*base, ", ", Name(best.name), " ", *parts, ".")


def _cost(main: str, ranked: Sequence[System]) -> Sentence:
    best = ranked[0]
    speed = best.predict.get(main)
    words = None if speed is None else speed.words_per_second
    facts = [f"reads {numbers.rate(words)} words a second on {main}"] if words else []
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
    main = words.main_set(results)
    ranked = [] if main is None else words.ranking(results, main)
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
    main = words.main_set(results)
    if main is None:
        return ()
    best = words.ranking(results, main)[0]
    labels = [(block.f1, label, block.support) for label, block in best.scores[main].by_label.items()]
    labels = [row for row in labels if row[2] >= FEW]
    parts: list[str] = []
    if len(labels) > 1:
        f1, label, n = min(labels)
        parts += [" on ", Name(label), f" ({numbers.percent(f1)} %, n = {numbers.count(n)})"]
    sets = [(best.scores[name].micro.f1, name) for name in words.scored_sets(results) if name in best.scores]
    if len(sets) > 1:
        f1, name = min(sets)
        parts += [" and" if parts else "", " on the set ", Name(name), f" ({numbers.percent(f1)} %)"]
    return (Name(best.name), " is weakest", *parts, ".") if parts else ()


def _absent(system: System) -> Sentence:
    verb = " failed: " if system.status == "failed" else " was skipped: "
    return (Name(system.name), verb, words.one_line(system.error))
