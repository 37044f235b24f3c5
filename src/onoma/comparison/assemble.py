"""From predictions on disk to results: scores of every system on every set, and which differences hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from statistics import fmean
from typing import Any

from onoma import datasets, models, progress, tokenization
from onoma.analysis.probes import Probed, find
from onoma.comparison.cell import PROBES
from onoma.comparison.curves import curve_points, fraction_folder, parts
from onoma.comparison.differences import differences
from onoma.comparison.experiment import Experiment, SetSettings, SystemSettings
from onoma.comparison.probing import probe_scores, scored_labels
from onoma.comparison.sources import Loaded, describe
from onoma.document import Document
from onoma.environment import environment
from onoma.evaluation import Scores, evaluate
from onoma.evaluation.seeds import mean_over_seeds
from onoma.report.schema import (
    CurvePoint,
    EpochPoint,
    ProbeScore,
    Results,
    SeedScore,
    SetScores,
    Speed,
    System,
    TrainingRun,
)

__all__ = ["assemble"]

Cell = dict[str, Any]


def assemble(
    experiment: Experiment,
    sets: Mapping[str, Loaded],
    cells: Mapping[str, Mapping[int, Cell]],
    out: Path,
    *,
    probed: Mapping[str, Mapping[str, Probed]],
    curves: Mapping[str, Mapping[tuple[float, int], Cell]],
    train: Sequence[Document] | None,
) -> Results:
    """Score the predictions of all finished cells under one protocol and compare the systems on every set.

    `probed` are the changed sets by name and probe; `curves` the cells that learnt from parts of `train`, by system,
    share and seed.
    """
    gold = {name: [tokenization.split(document) for document in loaded.documents] for name, loaded in sets.items()}
    scores: dict[str, dict[str, list[Scores]]] = {}
    with progress.bar("scoring", len(experiment.systems) * len(sets)) as bar:
        for name in experiment.systems:
            finished = {seed: cell for seed, cell in cells[name].items() if cell["status"] == "ok"}
            if len(finished) < len(cells[name]):
                continue
            for set_name, settings in experiment.sets.items():
                scores.setdefault(name, {})[set_name] = [
                    _score(gold[set_name], _folder(out, name, seed), set_name, settings, experiment.resamples)
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
    tried = _probed(experiment, scores, cells, probed, out)
    learnt = {
        name: _learnt(experiment, name, each, scores[name], gold, train or (), out)
        for name, each in curves.items()
        if name in scores
    }
    return Results(
        schema=1,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        config=_config(experiment),
        environment=environment(),
        sets={name: describe(experiment.sets[name], loaded) for name, loaded in sets.items()},
        systems=tuple(
            _system(name, cells[name], scores.get(name), experiment).model_copy(
                update={"probes": tried.get(name, {}), "learning_curve": learnt.get(name, ())}
            )
            for name in experiment.systems
        ),
        comparisons=tuple(comparisons),
        probes={name: find(name).about for name in experiment.probes},
    )


def _probed(
    experiment: Experiment,
    scores: Mapping[str, Mapping[str, Sequence[Scores]]],
    cells: Mapping[str, Mapping[int, Cell]],
    probed: Mapping[str, Mapping[str, Probed]],
    out: Path,
) -> dict[str, dict[str, dict[str, ProbeScore]]]:
    """By system, set and probe."""
    found: dict[str, dict[str, dict[str, ProbeScore]]] = {}
    with progress.bar("scoring probes", len(scores) * sum(map(len, probed.values()))) as bar:
        for set_name, row in probed.items():
            labels = experiment.sets[set_name].labels
            gold = {name: [tokenization.split(each) for each in changed.documents] for name, changed in row.items()}
            for name in scores:
                before, made = scores[name][set_name], dict[str, list[Scores]]()
                records = {seed: cell["probes"][set_name] for seed, cell in cells[name].items()}
                why = {
                    each: told["why"] for record in records.values() for each, told in record.items() if "why" in told
                }
                for each, changed in row.items():
                    for seed in records if each not in why else ():
                        path = _folder(out, name, seed) / PROBES / set_name / f"predictions-{each}.jsonl"
                        answers = datasets.read_predictions(path, gold=gold[each])
                        only, unit = scored_labels(labels, changed), before[0].counts.unit
                        scored = evaluate(gold[each], answers, labels=only, resamples=0, unit=unit)
                        made.setdefault(each, []).append(scored)
                    bar.add(note=f"{name} on {set_name}")
                found.setdefault(name, {})[set_name] = probe_scores(before, made, row, why, experiment.resamples)
    return found


def _learnt(
    experiment: Experiment,
    name: str,
    cells: Mapping[tuple[float, int], Cell],
    whole: Mapping[str, Sequence[Scores]],
    gold: Mapping[str, Sequence[Document]],
    train: Sequence[Document],
    out: Path,
) -> tuple[CurvePoint, ...]:
    """The learning curve of one system: the parts that could be trained on, and all documents."""
    f1: dict[tuple[float, int], dict[str, float]] = {}
    for (fraction, seed), cell in cells.items():
        if cell["status"] == "ok":
            folder = _folder(out, name, seed) / fraction_folder(fraction)
            f1[fraction, seed] = {
                each: _score(gold[each], folder, each, experiment.sets[each], 0).micro.f1
                for each in experiment.home_sets
            }
    for number, seed in enumerate(experiment.seeds_of(name)):
        f1[1.0, seed] = {each: whole[each][number].micro.f1 for each in experiment.home_sets}
    trained = {**parts(train, experiment.learning_curve), 1.0: train}
    return curve_points(f1, trained, experiment.systems[name].splitter)


def _folder(out: Path, name: str, seed: int) -> Path:
    return out / "systems" / name / f"seed-{seed}"


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


def _score(gold: Sequence[Document], folder: Path, set_name: str, settings: SetSettings, resamples: int) -> Scores:
    predictions = datasets.read_predictions(folder / f"predictions-{set_name}.jsonl", gold=gold)
    return evaluate(gold, predictions, labels=settings.labels, resamples=resamples)


def _system(
    name: str, cells: Mapping[int, Cell], scores: Mapping[str, Sequence[Scores]] | None, experiment: Experiment
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
    efforts = [record["effort"] for record in whole if "effort" in record]
    effort = {name: fmean(each[name] for each in efforts) for name in efforts[0]} if efforts else None
    return Speed(seconds=seconds, words_per_second=words / seconds if seconds else None, effort=effort)


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
