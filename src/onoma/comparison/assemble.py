"""From predictions on disk to results: scores of every system on every set, and which differences hold."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from statistics import fmean
from typing import Any

from onoma import datasets, models, progress, tokenization
from onoma.comparison.differences import differences
from onoma.comparison.experiment import Experiment, SetSettings, SystemSettings
from onoma.comparison.sources import Loaded, describe
from onoma.document import Document
from onoma.environment import environment
from onoma.evaluation import Scores, evaluate
from onoma.evaluation.seeds import mean_over_seeds
from onoma.report.schema import EpochPoint, Results, SeedScore, SetScores, Speed, System, TrainingRun

__all__ = ["assemble"]

Cell = dict[str, Any]


def assemble(experiment: Experiment, sets: dict[str, Loaded], cells: dict[str, dict[int, Cell]], out: Path) -> Results:
    """Score the predictions of all finished cells under one protocol and compare the systems on every set."""
    gold = {name: [tokenization.split(document) for document in loaded.documents] for name, loaded in sets.items()}
    scores: dict[str, dict[str, list[Scores]]] = {}
    with progress.bar("scoring", len(experiment.systems) * len(sets)) as bar:
        for name in experiment.systems:
            finished = {seed: cell for seed, cell in cells[name].items() if cell["status"] == "ok"}
            if len(finished) < len(cells[name]):
                continue
            for set_name, settings in experiment.sets.items():
                scores.setdefault(name, {})[set_name] = [
                    _score(gold[set_name], out / "systems" / name / f"seed-{seed}", set_name, settings, experiment)
                    for seed in finished
                ]
                bar.add(note=f"{name} on {set_name}")
        comparisons = [
            row
            for set_name in sets
            for row in differences(
                set_name, {name: each[set_name] for name, each in scores.items()}, experiment.resamples
            )
        ]
    return Results(
        schema=1,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        config=_config(experiment),
        environment=environment(),
        sets={name: describe(experiment.sets[name], loaded) for name, loaded in sets.items()},
        systems=tuple(_system(name, cells[name], scores.get(name), experiment) for name in experiment.systems),
        comparisons=tuple(comparisons),
    )


def _config(experiment: Experiment) -> dict[str, Any]:
    """The experiment as it was given, secret options masked."""
    config = experiment.model_dump(mode="json", exclude_none=True)
    for name, system in experiment.systems.items():
        config["systems"][name]["options"] = _masked(system)
    return config


def _masked(system: SystemSettings) -> dict[str, Any]:
    if system.family is None:
        return system.options
    return models.options(system.family, system.options).masked(system.options)


def _score(
    gold: Sequence[Document], folder: Path, set_name: str, settings: SetSettings, experiment: Experiment
) -> Scores:
    predictions = datasets.read_predictions(folder / f"predictions-{set_name}.jsonl", gold=gold)
    return evaluate(gold, predictions, labels=settings.labels, resamples=experiment.resamples)


def _system(
    name: str, cells: dict[int, Cell], scores: dict[str, list[Scores]] | None, experiment: Experiment
) -> System:
    settings = experiment.systems[name]
    failed = [(seed, cell) for seed, cell in cells.items() if cell["status"] != "ok"]
    if failed or scores is None:
        seed, cell = failed[0]
        return System(
            name=name,
            family=settings.family or ("saved model" if settings.predictions is None else "predictions"),
            seeds=tuple(cells),
            status="failed",
            error=f"seed {seed}: {cell['error']}",
            options=_masked(settings),
        )
    records = list(cells.values())
    return System(
        name=name,
        family=records[0]["family"],
        seeds=tuple(cells),
        status="ok",
        options=records[0]["options"],
        scores={set_name: _set_scores(list(cells), each, experiment.resamples) for set_name, each in scores.items()},
        train=_speed([record["train"] for record in records if record["train"] is not None]),
        predict={
            set_name: speed
            for set_name in experiment.sets
            if (speed := _speed([record["predict"][set_name] for record in records])) is not None
        },
        peak_memory_mb=max(_known("peak_memory_mb", records), default=None),
        size_mb=fmean(sizes) if (sizes := _known("size_mb", records)) else None,
        training=tuple(_training(seed, record["train"]["fitted"]) for seed, record in cells.items() if record["train"]),
    )


def _known(name: str, records: Sequence[Cell]) -> list[float]:
    return [record[name] for record in records if record.get(name) is not None]


def _set_scores(seeds: Sequence[int], scores: Sequence[Scores], resamples: int) -> SetScores:
    block = mean_over_seeds(scores, resamples=resamples)
    per_seed = [
        SeedScore(
            seed=seed,
            micro_f1=each.micro.f1,
            macro_f1=each.macro.f1,
            precision=each.micro.precision,
            recall=each.micro.recall,
        )
        for seed, each in zip(seeds, scores, strict=True)
    ]
    # A document without an answer is a lost answer: its misses are in the counts already.
    lost = block.pop("missing_documents")
    if block["accuracy"] is not None:
        block["accuracy"] = {name: block["accuracy"][name] for name in ("value", "baseline")}
    if lost:
        block["problems"] = {**block["problems"], "missing_document": lost}
    return SetScores(**block, per_seed=tuple(per_seed))


def _speed(records: Sequence[dict[str, Any]]) -> Speed | None:
    whole = [record for record in records if "seconds" in record and not record.get("resumed")]
    if not whole:
        return None
    seconds = fmean(record["seconds"] for record in whole)
    words = fmean(record["words"] for record in whole)
    return Speed(seconds=seconds, words_per_second=words / seconds if seconds else None)


def _training(seed: int, fitted: dict[str, Any]) -> TrainingRun:
    points = [
        EpochPoint(epoch=row["epoch"], loss=row.get("loss"), dev_f1=row.get("dev_f1"))
        for row in fitted["curve"]
        if "epoch" in row
    ]
    best = fitted["best_epoch"]
    return TrainingRun(
        seed=seed, epochs=round(fitted["epochs"]), best_epoch=None if best is None else round(best), curve=tuple(points)
    )
