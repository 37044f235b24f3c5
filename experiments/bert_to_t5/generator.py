"""The study's second model, in kind: tables on the generator, beside the taggers and by itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from experiments.analysis import Record, adjusted, gap, mean_scores, paired, randomised
from experiments.claims import Found
from experiments.pages import NOT_RUN, difference, p, problems, scored, table
from onoma.report.numbers import count, percent

__all__ = ["demonstrated", "failures", "layouts", "readings", "taggers"]

HOME, AWAY = "ewt-test", "pud"
SETS = {HOME: "EWT test", AWAY: "PUD"}
RIVALS = {"minilm": "MiniLM", "bilstm": "BiLSTM-CRF"}
LAYOUTS = {
    "quarter-generator": "plain (ours)",
    "quarter-generator-separator": "1, separator",
    "quarter-generator-prefix": "2, prefix",
    "quarter-generator-newline": "3, newline",
    "quarter-generator-fields": "4, newlines and names",
    "quarter-generator-bare-tags": "plain, bare tags for an answer",
    "quarter-generator-no-encoder": "plain, nothing pre-trained",
}
SHOWN = ("type", "ends", "split or merged", "spurious", "missed", "unreadable")
PARTS = {
    "type": "type", "type_and_ends": "type", "left_end": "ends", "right_end": "ends", "both_ends": "ends",
    "split": "split or merged", "merged": "split or merged", "spurious": "spurious", "missed": "missed",
}  # fmt: skip


class Square(NamedTuple):
    """Two weights of O by three kinds of demonstrations, trained on one corpus and scored on others."""

    base: str
    home: str
    away: dict[str, str]

    @property
    def systems(self) -> dict[str, tuple[str, str]]:
        """Weight of O and demonstrations of each system."""
        return {
            f"{self.base}{alpha}{shown}": (weight, words)
            for alpha, weight in (("", "1.0"), ("-alpha", "0.2"))
            for shown, words in (("", "none"), ("-two", "two, fixed"), ("-retrieved", "two, retrieved"))
        }


SQUARES = (
    Square("quarter-generator", HOME, {AWAY: "PUD", "wnut17": "WNUT-17", "broad-twitter": "Broad Twitter"}),
    Square("diseases", "bc5cdr-test", {"ncbi-test": "NCBI disease"}),
)


def readings(found: Found) -> str:
    """Answers written freely, and chosen tag by tag."""
    rows, tested, open_rows = [], [], []
    for scheme in ("full", "simple"):
        free, grounded = found.get(f"generator-{scheme}"), found.get(f"generator-{scheme}-grounded")
        for each, shown in SETS.items():
            if free is None or grounded is None:
                open_rows.append((scheme, shown, *[NOT_RUN] * 5))
                continue
            same = _same_seeds(grounded, free)
            tested.append(paired(*same, each))
            cells = [scored(mean_scores(side, each)["micro"]) for side in reversed(same)]
            rows.append((scheme, shown, *cells, problems(same[1], each)))
    held = adjusted(tested)
    head = (
        "scheme",
        "set",
        "written freely, F1",
        "best tags, F1",
        "problems of the free answers",
        "best less free",
        "p (Holm)",
    )
    done = [(*row, difference(each), p(each)) for row, each in zip(rows, held, strict=True)]
    return table(head, [*done, *open_rows], 2)


def taggers(found: Found) -> str:
    """The generator less each tagger, under each scheme and on each set."""
    rows, tested = [], []
    for scheme in ("full", "simple"):
        for rival, shown in RIVALS.items():
            ours, theirs = found.get(f"generator-{scheme}"), found.get(f"{rival}-{scheme}")
            if ours is not None and theirs is not None:
                for each, name in SETS.items():
                    rows.append((scheme, shown, name))
                    tested.append(paired(*_same_seeds(ours, theirs), each))
    done = [(*row, difference(each), p(each)) for row, each in zip(rows, adjusted(tested), strict=True)]
    return table(
        ("scheme", "tagger", "set", "generator less tagger, micro F1", "p (Holm)"), done or [(NOT_RUN,) * 5], 3
    )


def _same_seeds(a: Sequence[Record], b: Sequence[Record]) -> tuple[list[Record], list[Record]]:
    seeds = {record["seed"] for record in a} & {record["seed"] for record in b}
    left, right = ([record for record in side if record["seed"] in seeds] for side in (a, b))
    return (left, right) if seeds else (list(a), list(b))


def layouts(found: Found) -> str:
    """Layouts of the question, another answer, and nothing pre-trained, each less the plain layout."""
    base = next(iter(LAYOUTS))
    done = [system for system in LAYOUTS if system in found]
    others = [system for system in done if system != base and base in found]
    tests = {
        each: dict(zip(others, adjusted([randomised(found[o], found[base], each) for o in others]), strict=True))
        for each in SETS
    }
    rows = []
    for system, shown in LAYOUTS.items():
        if system not in found:
            rows.append((shown, *[NOT_RUN] * 7))
            continue
        cells = []
        for each in SETS:
            tested = tests[each].get(system)
            cells += [percent(mean_scores(found[system], each)["micro"]["f1"])]
            cells += [difference(tested), p(tested)] if tested else ["", ""]
        rows.append((shown, *cells, problems(found[system], HOME)))
    head = [f"{name} {part}" for name in SETS.values() for part in ("F1", "less plain", "p (Holm)")]
    return table(("layout", *head, "problems, EWT test"), rows)


def demonstrated(found: Found) -> str:
    """Weight of O by demonstrations: scores at home and away, what it gains there, and the way between."""
    rows = []
    for square in SQUARES:
        base = found.get(square.base)
        for away, name in square.away.items():
            done = [system for system in square.systems if system in found and base is not None]
            others = [system for system in done if system != square.base]
            tested = adjusted([randomised(found[each], found[square.base], away) for each in others])
            gains = dict(zip(others, tested, strict=True))
            for system, (weight, words) in square.systems.items():
                if system not in done:
                    rows.append((name, weight, words, *[NOT_RUN] * 5))
                    continue
                home, there = (percent(mean_scores(found[system], each)["micro"]["f1"]) for each in (square.home, away))
                gain = gains.get(system)
                shown = (difference(gain), p(gain)) if gain else ("", "")
                rows.append(
                    (name, weight, words, home, there, *shown, difference(gap(found[system], square.home, away)))
                )
    head = (
        "away",
        "weight of O",
        "demonstrations",
        "F1 at home",
        "F1 away",
        "away less the first row's",
        "p (Holm)",
        "away less home",
    )
    return table(head, rows, 3)


def failures(found: Found) -> str:
    """Shares of the error classes away from home, by weight of O and demonstrations."""
    rows = []
    for square in SQUARES:
        for away, name in square.away.items():
            for system, (weight, words) in square.systems.items():
                if system in found:
                    kinds: Counter[str] = Counter()
                    for record in found[system]:
                        for kind, number in record["sets"][away]["errors"]["spans"].items():
                            kinds[PARTS.get(kind, "unreadable")] += number
                    total = max(1, kinds.total())
                    rows.append(
                        (name, weight, words, count(kinds.total()), *(percent(kinds[k] / total) for k in SHOWN))
                    )
    head = ("away", "weight of O", "demonstrations", "errors", *(f"{kind} %" for kind in SHOWN))
    return table(head, rows or [(NOT_RUN,) * 10], 3)
