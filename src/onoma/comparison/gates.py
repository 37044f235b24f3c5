"""What a comparison must reach: a bar for every system in-domain, and no system worse than in another run."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from onoma import datasets, tokenization
from onoma.comparison.experiment import Experiment
from onoma.comparison.sources import load
from onoma.document import Document
from onoma.evaluation import Scores, evaluate
from onoma.evaluation.gates import under, worse, worse_by_intervals
from onoma.exceptions import EvaluationError
from onoma.report.schema import Results, System

__all__ = ["no_worse", "not_under"]


def not_under(results: Results, fail_under: float | None) -> list[str]:
    """What is said of each finished system below the bar in micro F1 on an in-domain set."""
    return [
        line
        for system in results.systems
        if system.status == "ok"
        for name, info in results.sets.items()
        if info.role == "in_domain"
        for line in under(_figure(system.name, name), system.scores[name].micro.f1, fail_under)
    ]


def no_worse(
    results: Results, out: Path, other: Results, folder: Path, experiment: Experiment, base: Path
) -> list[str]:
    """What is said of each finished system that is significantly worse than in another run, on the sets of both.

    Systems and sets go by their names. Where `folder` still holds the other run's predictions the test is paired, else
    the intervals of both are compared. Raises `EvaluationError` where the runs have nothing in common, or a set of one
    name is another file.
    """
    before = {system.name: system for system in other.systems if system.status == "ok"}
    after = {system.name: system for system in results.systems if system.status == "ok"}
    lines: list[str] = []
    sets = [name for name in results.sets if name in other.sets]
    if not sets or not before.keys() & after.keys():
        raise EvaluationError(f"{folder}: has no system on a set in common with this run")
    for name in sets:
        if results.sets[name].sha256 != other.sets[name].sha256:
            raise EvaluationError(f"{folder}: its set {name!r} is another file than this run's")
        settings = experiment.sets[name]
        gold = [tokenization.split(document) for document in load(settings, base).documents]
        for system in (each for each in after if each in before):
            figure, than = _figure(system, name), f"{folder}"
            pair = [
                _scores(gold, root, side, name, settings.labels)
                for root, side in ((out, after[system]), (folder, before[system]))
            ]
            if all(pair):
                lines += worse(figure, *pair, than=than, resamples=experiment.resamples)
            else:
                new, old = (side.scores[name].micro for side in (after[system], before[system]))
                lines += worse_by_intervals(figure, (new.f1, new.f1_interval), (old.f1, old.f1_interval), than=than)
    return lines


def _figure(system: str, name: str) -> str:
    return f"micro F1 of {system} on {name}"


def _scores(
    gold: Sequence[Document], root: Path, system: System, name: str, labels: Sequence[str] | None
) -> list[Scores]:
    """One score a seed from the predictions of a run; none where they are not all there."""
    files = [root / "systems" / system.name / f"seed-{seed}" / f"predictions-{name}.jsonl" for seed in system.seeds]
    if not all(file.is_file() for file in files):
        return []
    answers = (datasets.read_predictions(file, gold=gold) for file in files)
    return [evaluate(gold, found, labels=labels, resamples=0) for found in answers]
