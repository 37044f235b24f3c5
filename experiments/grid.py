"""Run the cells of a grid, the most important first: `python -m experiments.grid experiments/NAME [--only CELL ...]`.

A cell that is recorded (results/cells/CELL.json) is skipped, one that was stopped goes on where it was, and each
finished one is written at once. One at a time; models, predictions and logs lie below NAME/runs, which git ignores.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from experiments.cells import RUNS, Cell, Grid, changes, experiment
from experiments.records import dumps, record
from onoma import progress
from onoma.comparison import compare
from onoma.exceptions import ConfigError, OnomaError
from onoma.files import write_text

__all__ = ["load_grid", "main", "read_record", "state"]


def load_grid(folder: Path) -> Grid:
    """The grid of an experiment's folder; raises `ConfigError`."""
    return Grid.from_toml(folder / "grid.toml")


def record_path(folder: Path, cell: Cell) -> Path:
    """Where the record of a cell lies."""
    return folder / "results" / "cells" / f"{cell.name}.json"


def read_record(folder: Path, cell: Cell) -> dict[str, Any] | None:
    """The record of a cell, None where there is none; raises `ConfigError` for one that cannot be read."""
    path = record_path(folder, cell)
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as problem:
        raise ConfigError(f"{path}: cannot be read: {problem}; take it away to run the cell again") from None


def state(folder: Path, cell: Cell) -> str:
    """`recorded`, `recorded with other settings (...)`, `begun` or `not run`."""
    found = read_record(folder, cell)
    if found is None:
        return "begun" if (folder / RUNS / cell.name).exists() else "not run"
    if found["fingerprint"] == cell.fingerprint:
        return "recorded"
    return f"recorded with other settings ({'; '.join(changes(found['settings'], cell.settings))})"


def run_cell(folder: Path, cell: Cell) -> dict[str, Any]:
    """Do a cell and write its record; raises `OnomaError` where it fails."""
    run = folder / RUNS / cell.name
    log = folder / RUNS / "logs" / f"{cell.name}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("a", encoding="utf-8") as stream:
        progress.use(progress.Lines(stream))
        try:
            made = experiment(cell, folder)
            results = compare(made, run, base=folder)
        finally:
            progress.use(None)
    (system,) = results.systems
    if system.status != "ok":
        raise OnomaError(f"{cell.name}: {system.error} (log: {run / 'systems' / cell.system})")
    found = record(cell, made, results, folder, run)
    write_text(record_path(folder, cell), dumps(found))
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """0 where all chosen cells are recorded or were run, 1 where one failed or has other settings, 2 for usage."""
    parser = argparse.ArgumentParser(prog="python -m experiments.grid", description="Run the cells of a grid.")
    parser.add_argument("folder", type=Path, help="folder that holds grid.toml")
    parser.add_argument("--only", nargs="+", metavar="CELL", help="these cells alone, in the grid's order")
    parser.add_argument("--limit", type=int, metavar="N", help="run at most so many cells")
    parser.add_argument("--list", action="store_true", help="say how the cells stand, and run none")
    asked = parser.parse_args(arguments)
    folder: Path = asked.folder
    try:
        grid = load_grid(folder)
        chosen = _chosen(grid, asked.only)
    except ConfigError as problem:
        print(problem, file=sys.stderr)
        return 2
    faults, done = 0, 0
    for cell in chosen:
        try:
            stands = state(folder, cell)
            if asked.list:
                print(f"{cell.name}: {stands}")
            elif stands == "recorded":
                print(f"{cell.name}: recorded already")
            elif stands.startswith("recorded"):
                faults += 1
                print(f"{cell.name}: {stands}: take {record_path(folder, cell)} away to run it again")
            elif asked.limit is None or done < asked.limit:
                done += 1
                print(f"{cell.name}: running{', from where it was' if stands == 'begun' else ''}", flush=True)
                started = time.monotonic()
                found = run_cell(folder, cell)
                scores = ", ".join(f"{name} {100 * _f1(each):.2f}" for name, each in found["sets"].items())
                print(f"{cell.name}: done in {time.monotonic() - started:,.0f} s: {scores}", flush=True)
        except OnomaError as problem:
            faults += 1
            print(f"{cell.name}: failed: {problem}", file=sys.stderr, flush=True)
    return 1 if faults else 0


def _f1(each: dict[str, Any]) -> float:
    return each["scores"]["micro"]["f1"]


def _chosen(grid: Grid, only: Sequence[str] | None) -> list[Cell]:
    names = [cell.name for cell in grid.built]
    for name in only or ():
        if name not in names:
            raise ConfigError(f"there is no cell {name!r}: one of {', '.join(names)}")
    return [cell for cell in grid.built if only is None or cell.name in only]


if __name__ == "__main__":
    sys.exit(main())
