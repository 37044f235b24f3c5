"""Fill the page from the records: `python -m experiments.assessment.findings [FOLDER]`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from experiments.analysis import (
    Difference,
    Record,
    adjusted,
    by_system,
    mean_scores,
    randomised,
    read_records,
)
from experiments.claims import Found
from experiments.grid import load_grid
from experiments.pages import NOT_RUN, curves, difference, p, problems, publish, scored, table, to_run
from onoma.report.numbers import percent

__all__ = ["figures", "fragments", "main"]


class Corpus(NamedTuple):
    """A corpus: its set, its name, and what the study reports of each format, in the mean of eight models."""

    each: str
    name: str
    reported: dict[str, str]


FORMATS = {
    "brackets": "brackets in the text",
    "xml": "XML in the text",
    "grouped_json": "texts by label",
    "occurrence_json": "texts with their occurrence",
    "offset_json": "texts with their offsets",
}
FLAT = ("90.69", "90.07", "85.60", "87.52", "29.66")
NESTED = ("77.22", "76.91", "74.92", "72.81", "14.51")
CORPORA = {
    "conll": Corpus("conll-test", "CoNLL-2003, flat", dict(zip(FORMATS, FLAT, strict=True))),
    "genia": Corpus("genia-test", "GENIA, nested", dict(zip(FORMATS, NESTED, strict=True))),
}


def reported() -> str:
    """What the study says: means over its flat and its nested corpora."""
    rows = [(shown, *(each.reported[name] for each in CORPORA.values())) for name, shown in FORMATS.items()]
    return table(("format", "flat corpora, F1", "nested corpora, F1"), rows)


def both_ways(found: Found) -> str:
    """Each format on each corpus, freely and grounded, with the paired difference and the problems of both."""
    rows = []
    for corpus, each in CORPORA.items():
        tested = grounded_less_free(found, corpus)
        for name, shown in FORMATS.items():
            ways = [f"{corpus}-{name}", f"{corpus}-{name}-grounded"]
            cells: list[str] = []
            for system in ways:
                if system in found:
                    micro = mean_scores(found[system], each.each)["micro"]
                    cells += [scored(micro), problems(found[system], each.each)]
                else:
                    cells += [NOT_RUN, NOT_RUN]
            less = tested.get(name)
            rows.append((each.name, shown, *cells, *((difference(less), p(less)) if less else (NOT_RUN, NOT_RUN))))
    head = ("corpus", "format", "free, F1", "problems", "grounded, F1", "problems", "grounded less free", "p (Holm)")
    return table(head, rows, 2)


def grounded_less_free(found: Found, corpus: str) -> dict[str, Difference]:
    """By format, where both were run; p-values adjusted over the corpus."""
    done = [name for name in FORMATS if {f"{corpus}-{name}", f"{corpus}-{name}-grounded"} <= found.keys()]
    tests = [
        randomised(found[f"{corpus}-{name}-grounded"], found[f"{corpus}-{name}"], CORPORA[corpus].each) for name in done
    ]
    return dict(zip(done, adjusted(tests), strict=True))


def handicap(found: Found) -> str:
    """What the offset format lacks beside brackets, freely and grounded."""
    rows = []
    for corpus, each in CORPORA.items():
        for way, ending in (("free", ""), ("grounded", "-grounded")):
            names = [f"{corpus}-{name}{ending}" for name in ("brackets", "offset_json")]
            if not all(name in found for name in names):
                rows.append((each.name, way, *[NOT_RUN] * 4))
                continue
            one, other = names
            less = randomised(found[other], found[one], each.each)
            scores = [percent(mean_scores(found[name], each.each)["micro"]["f1"]) for name in names]
            rows.append((each.name, way, *scores, difference(less), p(less)))
    return table(("corpus", "way", "brackets, F1", "offsets, F1", "offsets less brackets", "p"), rows, 2)


def fragments(folder: Path, records: Sequence[Record]) -> dict[str, str]:
    """All parts of the page that come from records."""
    found = by_system(records)
    return {
        "reported": reported(),
        "both": both_ways(found),
        "handicap": handicap(found),
        "missing": to_run(load_grid(folder), folder, (record["cell"] for record in records)),
    }


def figures(records: Sequence[Record]) -> dict[str, str]:
    """SVG by file name."""
    found = by_system(records)
    return curves(
        {
            f"curves-{corpus}.svg": (
                each.name,
                [record for name in FORMATS for record in found.get(f"{corpus}-{name}", ())],
            )
            for corpus, each in CORPORA.items()
        }
    )


def main(folder: Path = Path(__file__).parent) -> None:
    """Fill README.md and draw the figures below results."""
    records = read_records(folder)
    publish(folder, figures(records), fragments(folder, records))


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
