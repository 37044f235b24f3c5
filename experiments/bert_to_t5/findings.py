"""Fill the page from the records: `python -m experiments.bert_to_t5.findings [FOLDER]`."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from experiments.analysis import (
    Difference,
    Record,
    adjusted,
    by_system,
    curve,
    gap,
    mean_scores,
    paired,
    randomised,
    read_records,
)
from experiments.bert_to_t5 import generator
from experiments.bert_to_t5.claims import CLAIMS
from experiments.claims import Found, claims
from experiments.grid import load_grid
from experiments.pages import NOT_RUN, bars, curves, difference, p, publish, scored, table, to_run
from onoma.report.numbers import count, percent

__all__ = ["fragments", "main"]

HEADLINE = {
    "minilm-full": "MiniLM-L6, full",
    "bilstm-full": "BiLSTM-CRF, full",
    "minilm-simple": "MiniLM-L6, simple",
    "bilstm-simple": "BiLSTM-CRF, simple",
    "generator-full": "generator, full",
    "generator-simple": "generator, simple",
}
SETS = {"ewt-test": "EWT test", "pud": "PUD"}
HOME, AWAY = SETS
ALPHAS = ("0.8", "0.7", "0.2")
RATES = ("1e-5", "5e-5", "2e-4", "5e-4")


def headline(found: Found) -> str:
    """Micro and macro F1 at home and away, and the way between them."""
    rows = []
    for system, name in HEADLINE.items():
        if system not in found:
            rows.append([name, "0", *[NOT_RUN] * 5])
            continue
        records = found[system]
        blocks = [mean_scores(records, each) for each in SETS]
        cells = [scored(block[average]) for block in blocks for average in ("micro", "macro")]
        rows.append([name, str(len(records)), *cells, difference(gap(records, HOME, AWAY))])
    head = [f"{name}, {average} F1" for name in SETS.values() for average in ("micro", "macro")]
    return table(("system", "seeds", *head, "PUD less EWT test, micro F1"), rows)


def rivals(found: Found) -> str:
    """MiniLM less BiLSTM-CRF, under each scheme and on each set."""
    wanted = [(scheme, name) for scheme in ("full", "simple") for name in SETS]
    done = [
        (scheme, name, paired(found[f"minilm-{scheme}"], found[f"bilstm-{scheme}"], name))
        for scheme, name in wanted
        if f"minilm-{scheme}" in found and f"bilstm-{scheme}" in found
    ]
    held = adjusted([each for _, _, each in done])
    rows = [(scheme, SETS[name], difference(each), p(each)) for (scheme, name, _), each in zip(done, held, strict=True)]
    return table(("scheme", "set", "MiniLM less BiLSTM-CRF, micro F1", "p (Holm)"), rows or [(NOT_RUN,) * 4], 2)


def labelled(found: Found) -> str:
    """Precision, recall (the study's matching score) and F1, with labels and by place alone."""
    rows = []
    for system, name in HEADLINE.items():
        for each, shown in SETS.items():
            if system in found:
                block = mean_scores(found[system], each)
                ratios = [percent(block[kind][ratio]) for kind in ("micro", "unlabelled") for ratio in _RATIOS]
                rows.append((name, shown, *ratios))
    head = [f"{kind} {ratio}" for kind in ("labelled", "unlabelled") for ratio in ("P", "R = matching score", "F1")]
    return table(("system", "set", *head), rows or [(NOT_RUN,) * 8], 2)


_RATIOS = ("precision", "recall", "f1")


def types(found: Found) -> str:
    """Each type under the full scheme."""
    rows = []
    for system in ("minilm-full", "bilstm-full", "generator-full"):
        for each, shown in SETS.items():
            if system in found:
                blocks = mean_scores(found[system], each)["by_label"]
                rows += [
                    (HEADLINE[system], shown, label, count(block["support"]), percent(block["precision"]),
                     percent(block["recall"]), scored(block))
                    for label, block in blocks.items()
                ]  # fmt: skip
    return table(("system", "set", "type", "n", "P", "R", "F1"), rows or [(NOT_RUN,) * 7], 3)


def accuracy(found: Found) -> str:
    """Token accuracy beside what answering O alone gets."""
    rows = []
    for system, name in HEADLINE.items():
        for each, shown in SETS.items():
            if system in found and (block := mean_scores(found[system], each)["accuracy"]) is not None:
                rows.append((name, shown, percent(block["value"]), percent(block["baseline"])))
    return table(("system", "set", "token accuracy", "all O"), rows or [(NOT_RUN,) * 4], 2)


def _shares(tags: dict[str, int], outside: bool) -> dict[str, float]:
    kept = {tag: number for tag, number in tags.items() if outside or tag != "O"}
    return {tag: number / sum(kept.values()) for tag, number in kept.items()}


def tag_groups(found: Found) -> dict[str, dict[str, int]]:
    """Tags of the gold of all data, and of what the first cell found."""
    if "minilm-full" not in found:
        return {}
    record = found["minilm-full"][0]
    groups = {"EWT train": record["train"]["tags"], "EWT dev": record["dev"]["tags"]}
    for each, shown in SETS.items():
        groups[shown] = record["sets"][each]["gold"]["tags"]
        groups[f"{shown}, found by MiniLM"] = record["sets"][each]["predicted"]["tags"]
    return groups


def tags(found: Found) -> str:
    """How often each tag stands (the study's figure 1, in kind)."""
    groups = tag_groups(found)
    names = sorted({tag for each in groups.values() for tag in each})
    rows = [(shown, *(count(each.get(tag, 0)) for tag in names)) for shown, each in groups.items()]
    return table(("data", *names), rows) if rows else NOT_RUN


def _sweep(found: Found, base: str, others: Sequence[str]) -> Iterator[tuple[str, list[Record] | None]]:
    for system in (base, *others):
        yield system, found.get(system)


def _against(found: Found, base: str, others: Sequence[str], name: str, statistic: str) -> dict[str, Difference]:
    """Each of some systems less the base, adjusted for their number; those that have been run."""
    done = [each for each in others if each in found and base in found]
    test = randomised if statistic == "micro_f1" else paired
    return dict(zip(done, adjusted([test(found[each], found[base], name, statistic) for each in done]), strict=True))


def alphas(found: Found) -> str:
    """The weight of O: scores, and differences to weight 1."""
    rows = []
    for scheme in ("full", "simple"):
        base = f"quarter-{scheme}"
        others = {f"{base}-alpha-{alpha}": alpha for alpha in ALPHAS}
        for each, shown in SETS.items():
            against = {name: _against(found, base, tuple(others), each, name) for name in _STATISTICS}
            for system, records in _sweep(found, base, tuple(others)):
                first = (scheme, shown, others.get(system, "1.0"))
                if records is None:
                    rows.append((*first, *[NOT_RUN] * 7))
                    continue
                micro = mean_scores(records, each)["micro"]
                less = [difference(found_) if (found_ := against[name].get(system)) else "" for name in _STATISTICS]
                tested = against["micro_f1"].get(system)
                rows.append((*first, *(percent(micro[ratio]) for ratio in _RATIOS), *less, p(tested) if tested else ""))
    head = ("P", "R", "F1", "P less weight 1's", "R less weight 1's", "F1 less weight 1's", "p of F1 (Holm)")
    return table(("scheme", "set", "weight of O", *head), rows, 3)


_STATISTICS = ("precision", "recall", "micro_f1")


def rates(found: Found) -> str:
    """The learning rate of the encoder: dev and test F1."""
    rows = []
    for scheme in ("full", "simple"):
        base = f"quarter-{scheme}"
        others = {f"{base}-rate-{rate}": rate for rate in RATES}
        against = _against(found, base, tuple(others), HOME, "micro_f1")
        for system, records in _sweep(found, base, tuple(others)):
            first = (scheme, others.get(system, "1e-4"))
            if records is None:
                rows.append((*first, *[NOT_RUN] * 6))
                continue
            best = max(curve(records[0]), key=lambda row: row.get("dev_f1", 0.0))
            micro = [percent(mean_scores(records, each)["micro"]["f1"]) for each in SETS]
            tested = against.get(system)
            less = (difference(tested), p(tested)) if tested else ("", "")
            rows.append((*first, percent(best.get("dev_f1")), f"{best['epoch']:g}", *micro, *less))
    head = ("best dev F1", "at epoch", "EWT test F1", "PUD F1", "EWT test F1 less 1e-4's", "p (Holm)")
    return table(("scheme", "rate", *head), rows, 2)


def fragments(folder: Path, records: Sequence[Record]) -> dict[str, str]:
    """All parts of the page that come from records."""
    found = by_system(records)
    return {
        "headline": headline(found),
        "rivals": rivals(found),
        "labelled": labelled(found),
        "types": types(found),
        "accuracy": accuracy(found),
        "tags": tags(found),
        "alphas": alphas(found),
        "rates": rates(found),
        "claims": claims(CLAIMS, found, "other models"),
        "taggers": generator.taggers(found),
        "readings": generator.readings(found),
        "layouts": generator.layouts(found),
        "demonstrated": generator.demonstrated(found),
        "failures": generator.failures(found),
        "missing": to_run(load_grid(folder), folder, (record["cell"] for record in records)),
    }


def figures(records: Sequence[Record]) -> dict[str, str]:
    """SVG by file name."""
    found = by_system(records)
    drawn = {
        "curves-headline.svg": ("Training, seed by seed", list(HEADLINE)),
        "curves-alpha.svg": (
            "Training on a quarter, by the weight of O",
            ["quarter-full", *(f"quarter-full-alpha-{alpha}" for alpha in ALPHAS)],
        ),
        "curves-rate.svg": (
            "Training on a quarter, by the learning rate",
            ["quarter-full", *(f"quarter-full-rate-{rate}" for rate in RATES)],
        ),
    }
    made = curves(
        {
            name: (title, [record for system in systems for record in found.get(system, ())])
            for name, (title, systems) in drawn.items()
        }
    )
    groups = {shown: _shares(each, outside=False) for shown, each in tag_groups(found).items()}
    if groups:
        made["tags.svg"] = bars(groups, "Tags inside mentions, % of them")
    return made


def main(folder: Path = Path(__file__).parent) -> None:
    """Fill README.md and draw the figures below results."""
    records = read_records(folder)
    publish(folder, figures(records), fragments(folder, records))


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
