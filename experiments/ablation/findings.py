"""Fill the page from the records: `python -m experiments.ablation.findings [FOLDER]`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean

from experiments.analysis import Difference, Record, adjusted, by_system, gap, mean_scores, paired, read_records
from experiments.cells import Grid
from experiments.grid import load_grid
from experiments.pages import NOT_RUN, curves, difference, p, publish, scored, table, to_run
from onoma.report.numbers import count, percent

__all__ = ["figures", "fragments", "main"]

BEST, PLAIN = "best", "plain-long"
LOSSES = ("shapes-focal", "shapes-dice", "shapes-dice-words", "shapes-smoothing", "shapes-o-weight")
Found = dict[str, list[Record]]


def systems(grid: Grid) -> list[str]:
    """The systems in the order of their first cells, the best one last."""
    names = list(dict.fromkeys(cell.system for cell in grid.built))
    return [name for name in names if name != BEST] + [name for name in names if name == BEST]


def roles(grid: Grid) -> dict[str, str]:
    """Sets and their roles."""
    return {name: source.role for name, source in grid.built[0].sets.items()}


def scores(grid: Grid, found: Found) -> str:
    """Micro F1 of every system on every set, and the mean over the sets away from home."""
    sets = roles(grid)
    rows = []
    for system in systems(grid):
        if system not in found:
            rows.append((system, grid.reference(system) or "", "0", *[NOT_RUN] * (len(sets) + 1)))
            continue
        blocks = {name: mean_scores(found[system], name)["micro"] for name in sets}
        away = fmean(blocks[name]["f1"] for name, role in sets.items() if role == "out_of_domain")
        shown = (scored(block) for block in blocks.values())
        rows.append((system, grid.reference(system) or "", str(len(found[system])), *shown, percent(away)))
    return table(("system", "changes", "seeds", *sets, "mean away"), rows, 2)


def changes(grid: Grid, found: Found) -> str:
    """Each system less the one it changes, on the seeds that both have; p adjusted over the rows of a set."""
    pairs = []
    for system in systems(grid):
        reference = grid.reference(system)
        if system in found and reference in found:
            common = _common(found[system], found[reference])
            if common[0]:
                pairs.append((system, reference, *common))
    columns = {name: adjusted([paired(ours, theirs, name) for _, _, ours, theirs in pairs]) for name in roles(grid)}
    rows = [
        (system, reference, str(len(ours)), *(_marked(column[number]) for column in columns.values()))
        for number, (system, reference, ours, _) in enumerate(pairs)
    ]
    return table(("system", "less", "seeds", *columns), rows, 2) if rows else NOT_RUN


def _common(ours: Sequence[Record], theirs: Sequence[Record]) -> tuple[list[Record], list[Record]]:
    seeds = {each["seed"] for each in ours} & {each["seed"] for each in theirs}
    left, right = ([each for each in side if each["seed"] in seeds] for side in (ours, theirs))
    return left, right


def _marked(found: Difference) -> str:
    return f"{difference(found)}, p {p(found)}"


def best(grid: Grid, found: Found) -> str:
    """The best system beside the plain one: every set, its F1 by place alone, and the way from home."""
    if BEST not in found or PLAIN not in found:
        return NOT_RUN
    sets = roles(grid)
    home = next(name for name, role in sets.items() if role == "in_domain")
    sides = [found[PLAIN], found[BEST]]
    tested = adjusted([paired(sides[1], sides[0], name) for name in sets])
    rows = []
    for name, each in zip(sets, tested, strict=True):
        blocks = [mean_scores(side, name) for side in sides]
        ways = ["" if name == home else difference(gap(side, home, name)) for side in sides]
        alone = [percent(block["unlabelled"]["f1"]) for block in blocks]
        rows.append((name, *(scored(block["micro"]) for block in blocks), _marked(each), *alone, *ways))
    seeds = [f"{len(side)} seed{'' if len(side) == 1 else 's'}" for side in sides]
    head = [
        f"{PLAIN}, {seeds[0]}", f"{BEST}, {seeds[1]}",
        "difference, p (Holm)",
        f"{PLAIN}, unlabelled", f"{BEST}, unlabelled", f"{PLAIN} less home", f"{BEST} less home",
    ]  # fmt: skip
    return table(("set", *head), rows)


def illegal(grid: Grid, found: Found) -> str:
    """Which epoch was kept, and the forbidden transitions in what was answered."""
    rows = []
    for system in systems(grid):
        for record in found.get(system, ())[:1]:
            training = record["training"]
            counts = [each["illegal"] for each in record["sets"].values()]
            best_epoch = None if training is None else training["best_epoch"]
            rows.append((record["cell"], count(best_epoch), count(None if None in counts else sum(counts))))
    return table(("cell", "best epoch", "illegal transitions, all sets"), rows) if rows else NOT_RUN


def fragments(folder: Path, records: Sequence[Record]) -> dict[str, str]:
    """All parts of the page that come from records."""
    grid, found = load_grid(folder), by_system(records)
    return {
        "scores": scores(grid, found),
        "changes": changes(grid, found),
        "best": best(grid, found),
        "illegal": illegal(grid, found),
        "missing": to_run(grid, folder, (record["cell"] for record in records)),
    }


def figures(records: Sequence[Record]) -> dict[str, str]:
    """SVG by file name."""
    trained = [record for record in records if record["seed"] == 1 and record["training"] is not None]
    parts = [record for record in trained if record["system"] not in LOSSES]
    losses = [record for record in trained if record["system"] in ("shapes", *LOSSES)]
    return curves(
        {"curves.svg": ("Parts of the tagger, seed 1", parts), "curves-losses.svg": ("Losses, seed 1", losses)}
    )


def main(folder: Path = Path(__file__).parent) -> None:
    """Fill README.md and draw the figures below results."""
    records = read_records(folder)
    publish(folder, figures(records), fragments(folder, records))


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
