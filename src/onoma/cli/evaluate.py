"""`onoma evaluate`: score predictions against gold, one system or two."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from onoma.cli.common import DASH, announce, escape, print_json, show

if TYPE_CHECKING:
    from onoma.evaluation import Scores

__all__ = ["evaluate"]


def evaluate(
    gold: Annotated[str, DASH],
    pred: Annotated[str, DASH],
    against: Annotated[str | None, DASH] = None,
    /,
    *,
    protocol: str = "strict",
    labels: Annotated[tuple[str, ...], Parameter(consume_multiple=True, negative=())] = (),
    gold_format: str | None = None,
    pred_format: str | None = None,
    resamples: int = 1000,
    seed: int = 1,
    fail_under: float | None = None,
    json: bool = False,
    quiet: bool = False,
) -> int:
    """Score predictions against gold by exact boundaries and label, with intervals.

    With a second prediction file the two systems are compared by paired tests.

    Parameters
    ----------
    gold
        Gold documents: a file, - for stdin, or a catalogue reference such as conll2003:test.
    pred
        Predictions: what `onoma predict` wrote, or any labelled file; joined to gold by document id.
    against
        Predictions of a second system.
    protocol
        Scoring protocol.
    labels
        Score these labels only, in gold and predictions (named in the signature).
    gold_format
        Format of the gold file.
    pred_format
        Format of the prediction files.
    resamples
        Bootstrap resamples for intervals and tests; 0 for none.
    seed
        Seed of the resampling.
    fail_under
        Exit with 3 where micro F1, as a fraction, is lower.
    json
        Print JSON.
    quiet
        No progress on stderr.
    """
    from onoma import datasets, tokenization
    from onoma.evaluation import protocols

    announce(quiet=quiet or json)
    score = protocols.get(protocol)
    documents = [tokenization.split(document) for document in datasets.read(gold, gold_format)]
    wanted = labels or None
    sides: list[Scores] = [
        score(
            documents,
            datasets.read_predictions(path, pred_format, gold=documents),
            labels=wanted,
            resamples=resamples,
            seed=seed,
        )
        for path in (pred, against)
        if path is not None
    ]
    names = [Path(path).name for path in (pred, against) if path is not None]
    if len(set(names)) < len(names):
        names = [pred, f"{against}" if against != pred else f"{against} (again)"]
    tests = _tests(sides, resamples, seed) if len(sides) == 2 and resamples else []
    if json:
        blocks: dict[str, Any] = {name: side.to_dict() for name, side in zip(names, sides, strict=True)}
        print_json(
            sides[0].to_dict(per_document=True)
            if len(sides) == 1
            else {"systems": blocks, "comparisons": [each.to_dict() for each in tests]}
        )
    else:
        _show(names, sides, tests)
    return 3 if fail_under is not None and sides[0].micro.f1 < fail_under else 0


def _tests(sides: list[Scores], resamples: int, seed: int) -> list[Any]:
    from onoma.evaluation import compare

    return [
        compare(sides[0], sides[1], test=test, resamples=resamples, seed=seed)
        for test in ("paired_bootstrap", "approximate_randomisation")
    ]


def _show(names: list[str], sides: list[Scores], tests: list[Any]) -> None:
    from onoma.evaluation import table

    for name, side in zip(names, sides, strict=True):
        show(f"[bold]{escape(name)}[/]", table(side), "")
    for test in tests:
        low, high = test.interval
        show(
            f"{escape(names[0])} less {escape(names[1])}: {100 * test.difference:+.2f} points of micro F1 "
            f"[{100 * low:+.2f}, {100 * high:+.2f}], p = {test.p_value:.4f} "
            f"({test.test.replace('_', ' ')}, {test.resamples:,} resamples of {test.units:,} {test.unit}s)"
        )
