"""Sentences with the most errors: `python -m experiments.errors experiments/NAME [CELL ...]`.

The pages quote the corpora, so they are written below NAME/runs/errors, which git ignores.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter, defaultdict
from collections.abc import Sequence
from html import escape
from pathlib import Path

from experiments.cells import RUNS, Cell, renamed_sets
from experiments.grid import load_grid
from onoma import datasets, tokenization
from onoma.analysis import classify
from onoma.comparison.sources import load
from onoma.document import Document, Span
from onoma.evaluation.matching import Matching, match
from onoma.exceptions import ConfigError, OnomaError
from onoma.files import write_text

__all__ = ["main", "page"]

MOST = 50
"""Sentences on a page."""


def page(title: str, matching: Matching, most: int = MOST) -> str:
    """A page of the sentences with the most errors, gold above the prediction, and how many errors of each class.

    Problems stand in no sentence: they are counted, but not shown.
    """
    found_errors = classify(matching, "spans").errors
    counts = Counter(error.kind for error in found_errors)
    rows: dict[tuple[str, int], list[str]] = defaultdict(list)
    by_id = {found.id: found for found in matching.documents}
    for error in found_errors:
        span = error.missed or error.false
        if isinstance(span, Span):
            found = matching.documents[error.document]
            rows[found.id, _sentence(found.document, span)].append(error.kind)
    parts = [
        f"<!doctype html><meta charset=utf-8><title>{escape(title)}</title>",
        "<style>body{font:15px/1.5 system-ui;max-width:60em;margin:2em auto}small{color:#777}</style>",
        f"<h1>{escape(title)}</h1><p>{', '.join(f'{kind} {count:,}' for kind, count in counts.most_common())}</p>",
    ]
    for (id, number), errors in sorted(rows.items(), key=lambda row: (-len(row[1]), row[0]))[:most]:
        found = by_id[id]
        parts.append(f"<p><small>{escape(id)}, sentence {number + 1}: {', '.join(errors)}</small><br>")
        for name, spans in (("gold", found.gold), ("found", found.predicted)):
            parts.append(f"<small>{name}</small> {_marked(found.document, number, spans)}<br>")
    return "\n".join(parts) + "\n"


def _bounds(document: Document, number: int) -> tuple[int, int]:
    if not document.sentences:
        return 0, len(document.text)
    first, last = document.sentences[number]
    return document.tokens[first].start, document.tokens[last - 1].end


def _sentence(document: Document, span: Span) -> int:
    numbers = [number for number in range(len(document.sentences)) if _bounds(document, number)[0] <= span.start]
    return max(numbers, default=0)


def _marked(document: Document, number: int, spans: Sequence[Span]) -> str:
    at, end = _bounds(document, number)
    parts: list[str] = []
    for span in sorted(spans, key=lambda each: (each.start, each.end)):
        if at <= span.start < end:
            parts += [escape(document.text[at : span.start]), f"<mark>{escape(document.surface(span))}</mark>"]
            parts.append(f"<small>{escape(span.label)}</small>")
            at = span.end
    return "".join([*parts, escape(document.text[at:end])])


def _write(folder: Path, cell: Cell) -> None:
    (run,) = (folder / RUNS / cell.name / "systems" / cell.system).glob("seed-*")
    for name, settings in renamed_sets(cell).items():
        gold = [tokenization.split(document) for document in load(settings, folder).documents]
        found = datasets.read_predictions(run / f"predictions-{name}.jsonl", gold=gold)
        matching = match(gold, found, labels=settings.labels)
        target = folder / RUNS / "errors" / f"{cell.name}-{name}.html"
        write_text(target, page(f"{cell.name} on {name}", matching))
        print(target)


def main(arguments: Sequence[str] | None = None) -> int:
    """0 where all pages were written, 2 where one could not be."""
    parser = argparse.ArgumentParser(prog="python -m experiments.errors", description="Sentences with the most errors.")
    parser.add_argument("folder", type=Path, help="folder that holds grid.toml")
    parser.add_argument("cells", nargs="*", metavar="CELL", help="these cells; by default all that were run")
    asked = parser.parse_args(arguments)
    try:
        ran = [
            cell
            for cell in load_grid(asked.folder).built
            if (asked.folder / RUNS / cell.name / "results.json").exists()
        ]
        strangers = set(asked.cells) - {cell.name for cell in ran}
        if strangers:
            raise ConfigError(f"the cell {min(strangers)!r} has not been run")
        for cell in ran:
            if not asked.cells or cell.name in asked.cells:
                _write(asked.folder, cell)
    except OnomaError as problem:
        print(problem, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
