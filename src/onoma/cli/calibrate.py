"""`onoma calibrate`: scores that are probabilities, and thresholds, fitted on held-out text and kept with the model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from onoma.analysis.confidence import Reliability
    from onoma.evaluation import Comparison, Scores
    from onoma.recognizer.calibrating import Fitted

__all__ = ["calibrate"]


def calibrate(
    model: Path,
    /,
    *,
    dev: str,
    test: str | None = None,
    method: Literal["temperature", "isotonic"] | None = None,
    thresholds: bool = False,
    format: str | None = None,
    json: bool = False,
    quiet: bool = False,
) -> None:
    """Make a recognizer's scores probabilities, fitted on held-out text, and keep that with the model.

    Writes calibration.json into the model's folder; from then on the model is loaded with it (without it: onoma predict
    --options.calibrated false). Thresholds are looked at in any case, and kept where that is asked for.

    Parameters
    ----------
    model
        Folder of a trained recognizer.
    dev
        Labelled documents to fit on, which the model did not learn from: a file or a catalogue reference.
    test
        Labelled documents that only judge what was fitted.
    method
        How scores become probabilities; by default temperature where they are probabilities already, else isotonic.
    thresholds
        Drop unsure mentions, too: those below the probability that gives their label the best F1 on dev.
    format
        Format of the files; found out where not given.
    json
        Print JSON.
    quiet
        No progress on stderr.
    """
    from onoma import datasets
    from onoma.cli.common import announce, escape, print_json, show
    from onoma.exceptions import ModelError
    from onoma.recognizer import CARD, Recognizer
    from onoma.recognizer.calibrating import calibrate as fit

    if model.is_dir() and not (model / CARD).exists():
        raise ModelError(f"{model}: holds no {CARD}: only recognizers that onoma saved can be calibrated")
    announce(quiet=quiet or json)
    held = datasets.read(dev, format)
    judging = None if test is None else datasets.read(test, format)
    recognizer = Recognizer.load(model, calibrated=False)
    kind = recognizer.score_kind
    found = fit(recognizer, held, judging, method=method, thresholds=thresholds)
    recognizer.save_card(model)
    if json:
        print_json({"score_kind": kind, **found.to_dict()})
        return
    calibration = found.calibration
    how = (
        f"temperature {calibration.temperature:.4f}"
        if calibration.temperature is not None
        else f"isotonic regression, {len(calibration.knots or ())} knots"
    )
    show(f"[bold]{escape(model)}[/]: {how}; scores before: {kind}", "", *_tables(found), "")
    labels = ", ".join(f"{escape(label)} {value:.3f}" for label, value in found.by_label.items())
    kept = "kept" if thresholds else "not kept (--thresholds keeps them)"
    show(f"thresholds, {kept}: {f'{labels}; other labels' if labels else 'all labels'} {found.overall:.3f}")


def _tables(found: Fitted) -> list[Any]:
    from rich import box
    from rich.table import Table

    quality, answers = Table(box=box.SIMPLE), Table(box=box.SIMPLE)
    for table, columns in (
        (quality, ("", "mentions", "ECE before, %", "after", "Brier", "after", "AURC", "after")),
        (answers, ("micro F1, %", "without thresholds", "one for all labels", "one for each label")),
    ):
        for column in columns:
            table.add_column(column, justify="left" if column in ("", "micro F1, %") else "right")
    for name, judged in found.sets.items():
        rows = (judged.before, judged.after)
        brier = ["-" if each is None else f"{each.brier:.4f}" for each in rows]
        areas = ["-" if each is None else f"{each:.4f}" for each in judged.aurc]
        quality.add_row(name, f"{judged.mentions:,}", *map(_error, rows), *brier, *areas)
        bare, *others = judged.scores
        changes = [_with(score, change) for score, change in zip(others, judged.differences, strict=True)]
        answers.add_row(name, f"{100 * bare.micro.f1:.2f}", *changes)
    return [quality, answers]


def _error(found: Reliability | None) -> str:
    if found is None:
        return "-"
    low, high = found.interval or (found.ece, found.ece)
    return f"{100 * found.ece:.2f} [{100 * low:.2f}, {100 * high:.2f}]"


def _with(scores: Scores, change: Comparison) -> str:
    low, high = change.interval
    return f"{100 * scores.micro.f1:.2f} ({100 * change.difference:+.2f} [{100 * low:+.2f}, {100 * high:+.2f}])"
