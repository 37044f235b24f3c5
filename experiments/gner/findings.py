"""Fill the page from the records: `python -m experiments.gner.findings [FOLDER]`."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from experiments.analysis import (
    Difference,
    Record,
    adjusted,
    by_system,
    mean_scores,
    paired,
    randomised,
    read_records,
)
from experiments.claims import Found, claims
from experiments.gner.claims import CLAIMS, SEEN, UNSEEN
from experiments.grid import load_grid
from experiments.pages import NOT_RUN, curves, difference, p, problems, publish, scored, table, to_run
from onoma.alignment import METHODS
from onoma.report.numbers import count, percent

__all__ = ["figures", "fragments", "main"]

SETS = {"conll-test": "CoNLL test", "wikigold": "WikiGold"}
HEADLINE = {"words": "every word with its tag", "entities": "names alone"}
OTHER = {"words-decoder-only": "every word with its tag, by a decoder-only model of four new layers"}
TARGETS = {
    "quarter-words": "every word, B and I",
    "quarter-entities": "names alone, as pairs",
    "quarter-context-0": "words of names, with types",
    "quarter-context-1": "and one word on each side",
    "quarter-context-3": "and three on each side",
    "quarter-context-all": "every word, types without B and I",
    "quarter-words-bioes": "every word, B, I, E and S",
}
BEAMS = {
    "quarter-words": "greedy",
    "quarter-words-beams-2": "2 beams",
    "quarter-words-beams-3": "3 beams",
    "quarter-words-beams-4": "4 beams",
    "quarter-words-grounded": "best tags, nothing to copy",
}
SCALE = {
    "quarter-words": "a quarter, 2 layers",
    "quarter-words-layers-1": "a quarter, 1 layer",
    "quarter-words-layers-4": "a quarter, 4 layers",
    "half-words": "half, 2 layers (seed 1)",
    "words": "all, 2 layers (seed 1)",
}
MIXTURE = {"mixture": "seven corpora", "mixture-supervised": "and the two others"}
IN_MIXTURE = dict.fromkeys(SEEN, "seen") | dict.fromkeys(UNSEEN, "not seen")
RATIOS = ("precision", "recall", "f1")


def headline(found: Found) -> str:
    """The two ends on all data: scores, and problems of the answers."""
    rows = []
    for system, shown in (HEADLINE | OTHER).items():
        for each, name in SETS.items():
            if system not in found:
                rows.append((shown, name, "0", *[NOT_RUN] * 4))
                continue
            micro = mean_scores(found[system], each)["micro"]
            cells = [percent(micro["precision"]), percent(micro["recall"]), scored(micro)]
            rows.append((shown, name, str(len(found[system])), *cells, problems(found[system], each)))
    return table(("answer", "set", "seeds", "P", "R", "F1", "problems"), rows, 2)


def ends(found: Found) -> str:
    """The one end less the other."""
    if not all(system in found for system in HEADLINE):
        return NOT_RUN
    held = adjusted([paired(found["words"], found["entities"], each) for each in SETS])
    rows = [(name, difference(each), p(each)) for name, each in zip(SETS.values(), held, strict=True)]
    return table(("set", "every word less names alone, F1", "p (Holm)"), rows)


def against(found: Found, shown: dict[str, str], each: str) -> dict[str, Difference]:
    """Each row less the first one, on one set, for the seed that all have; those that have been run."""
    base, *others = shown
    done = [system for system in others if system in found and base in found]
    tests = [randomised(found[system][:1], found[base][:1], each) for system in done]
    return dict(zip(done, adjusted(tests), strict=True))


def compared(found: Found, shown: dict[str, str], head: str) -> str:
    """P, R and F1 of some systems, and F1 less the first one's."""
    rows = []
    for each, name in SETS.items():
        tested = against(found, shown, each)
        for system, words in shown.items():
            if system not in found:
                rows.append((name, words, *[NOT_RUN] * 6))
                continue
            one = found[system][:1]
            micro = mean_scores(one, each)["micro"]
            less = tested.get(system)
            change = (difference(less), p(less)) if less else ("", "")
            rows.append((name, words, *(percent(micro[ratio]) for ratio in RATIOS), *change, problems(one, each)))
    return table(("set", head, "P", "R", "F1", "F1 less the first row's", "p (Holm)", "problems"), rows, 2)


def kinds(found: Found) -> str:
    """What became of the names of the gold, and how many predictions touch none."""
    rows = []
    for each, name in SETS.items():
        for system, words in {**HEADLINE, **TARGETS}.items():
            if system not in found:
                continue
            total: Counter[str] = Counter()
            gold = predicted = spurious = 0.0
            for record in found[system]:
                part = record["sets"][each]
                micro = part["scores"]["micro"]
                total.update(part["missed"]["gner"])
                gold, predicted = gold + micro["support"], predicted + micro["tp"] + micro["fp"]
                spurious += part["errors"]["gner"]["SP"]
            wrong = [percent(total[kind] / max(gold, 1)) for kind in ("UE", "NE", "BE", "NE+BE")]
            data = "all" if system in HEADLINE else "a quarter"
            rows.append((name, words, data, *wrong, percent(spurious / max(predicted, 1))))
    return table(("set", "answer", "data", "UE", "NE", "BE", "NE and BE", "SP"), rows or [(NOT_RUN,) * 8], 3)


def copied(found: Found) -> str:
    """Words of the text by what became of them in the answers."""
    rows = []
    for system, words in {"words": "all", "quarter-words": "a quarter"}.items():
        for each, name in SETS.items():
            parts = [made for record in found.get(system, ()) if (made := record["sets"][each]["copying"])]
            if not parts:
                rows.append((words, name, *[NOT_RUN] * 5))
                continue
            total = {key: sum(part[key] for part in parts) for key in ("copied", "omitted", "substituted", "added")}
            wrong = max(1, total["omitted"] + total["substituted"] + total["added"])
            shares = [percent(total[key] / wrong) for key in ("omitted", "added", "substituted")]
            rows.append((words, name, count(sum(total.values())), count(total["copied"]), *shares))
    head = ("words", "copied", "of the errors: omitted %", "added %", "substituted %")
    return table(("data", "set", *head), rows, 2)


def aligned(found: Found) -> str:
    """F1 of the same answers by how they are laid over the text, with and without back tokenization."""
    rows = []
    for system, words in {"words": "all", "quarter-words": "a quarter"}.items():
        for each, name in SETS.items():
            parts = [made["f1"] for record in found.get(system, ()) if (made := record["sets"][each]["copying"])]
            for back, shown in ((", back tokenization", "yes"), ("", "no")):
                values = [
                    percent(sum(part[f"{way}{back}"] for part in parts) / len(parts))
                    if parts and all(f"{way}{back}" in part for part in parts)
                    else NOT_RUN
                    for way in METHODS
                ]
                rows.append((words, name, shown, *values))
    return table(("data", "set", "back tokenization", *METHODS), rows, 3)


def mixture(found: Found) -> str:
    """Label sets that were in the training data, and others."""
    rows = []
    for each, state in IN_MIXTURE.items():
        for system, words in MIXTURE.items():
            if system not in found:
                rows.append((each, state, words, *[NOT_RUN] * 4))
                continue
            micro = mean_scores(found[system], each)["micro"]
            cells = [percent(micro["precision"]), percent(micro["recall"]), scored(micro)]
            rows.append((each, state, words, *cells, problems(found[system], each)))
    return table(("set", "its labels in the seven", "trained on", "P", "R", "F1", "problems"), rows, 3)


def fragments(folder: Path, records: Sequence[Record]) -> dict[str, str]:
    """All parts of the page that come from records."""
    found = by_system(records)
    return {
        "claims": claims(CLAIMS, found, "another model"),
        "headline": headline(found),
        "ends": ends(found),
        "targets": compared(found, TARGETS, "answer"),
        "kinds": kinds(found),
        "aligned": aligned(found),
        "copied": copied(found),
        "beams": compared(found, BEAMS, "answers by"),
        "mixture": mixture(found),
        "scale": compared(found, SCALE, "data and decoder"),
        "missing": to_run(load_grid(folder), folder, (record["cell"] for record in records)),
    }


def figures(records: Sequence[Record]) -> dict[str, str]:
    """SVG by file name."""
    found = by_system(records)
    drawn = {
        "curves-headline.svg": ("Training, seed by seed", HEADLINE),
        "curves-quarter.svg": ("Training on a quarter, by what answers hold", TARGETS),
    }
    return curves(
        {
            name: (title, [record for system in systems for record in found.get(system, ())])
            for name, (title, systems) in drawn.items()
        }
    )


def main(folder: Path = Path(__file__).parent) -> None:
    """Fill README.md and draw the figures below results."""
    records = read_records(folder)
    publish(folder, figures(records), fragments(folder, records))


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
