"""The report of a run with everything behind it: gold by the recorded sources, predictions from the run's folder."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from onoma import datasets, progress, tokenization
from onoma.analysis import Known
from onoma.comparison.cell import RECORD
from onoma.comparison.experiment import SetSettings, Source
from onoma.comparison.sources import Loaded, load
from onoma.document import Document, Prediction
from onoma.exceptions import DataError, OnomaError
from onoma.recognizer import CARD
from onoma.report.evidence import Evidence, Judged, SetEvidence, look
from onoma.report.schema import Results, System
from onoma.report.words import order

__all__ = ["gather", "gather_from"]


def gather(results: Results, out: Path, sets: Mapping[str, Loaded], train: Sequence[Document] | None) -> Evidence:
    """What lies behind the results, given the gold of the sets; a set that cannot be looked at is told why."""
    known = None if train is None else Known(train)
    resamples = int(results.config.get("resamples", 1000))
    found: dict[str, SetEvidence] = {}
    absent: dict[str, str] = {}
    with progress.bar("looking at errors", len(sets)) as bar:
        for name, loaded in sets.items():
            try:
                found[name] = look(_judged(results, out, name, loaded), known, resamples=resamples)
            except OnomaError as problem:
                absent[name] = str(problem)
            bar.add(note=name)
    return Evidence(found, absent)


def gather_from(results: Results, out: Path, base: Path | None = None) -> Evidence:
    """The same with gold read anew from the recorded sources.

    Relative ones start at `base`; without it, at the working folder, the run's, or one above it: the first that holds
    the file that was scored, known by its sha256. Training data that are not those of the saved models are left out.
    """
    bases = [base] if base is not None else list(dict.fromkeys((Path(), out, *out.resolve().parents)))
    sets: dict[str, Loaded] = {}
    absent: dict[str, str] = {}
    for name, info in results.sets.items():
        loaded = _found(_settings(SetSettings, results.config.get("sets", {}).get(name)), bases, info.sha256)
        if isinstance(loaded, str):
            absent[name] = loaded
        else:
            sets[name] = loaded
    learnt = results.config.get("train")
    train = _learnt(_settings(Source, learnt), bases, out) if learnt else None
    found = gather(results, out, sets, train)
    return Evidence(found.sets, {**absent, **found.absent})


def _settings(kind: type[Source], recorded: Any) -> Source | None:
    try:
        return kind.checked(recorded, "results.json")
    except OnomaError:
        return None


def _found(source: Source | None, bases: Sequence[Path], sha256: str | None) -> Loaded | str:
    """The documents of a source, or why there are none."""
    if source is None:
        return "results.json does not say where it is from"
    why = f"{source.source} is no longer there"
    for base in bases:
        try:
            loaded = load(source, base)
        except OnomaError as problem:
            why = why if isinstance(problem, DataError) and "no such file" in str(problem) else str(problem)
            continue
        if sha256 is None or loaded.sha256 == sha256:
            return loaded
        why = f"{source.source} is another file than the one that was scored"
    return why


def _learnt(source: Source | None, bases: Sequence[Path], out: Path) -> Sequence[Document] | None:
    """The documents that the saved models were trained on; None, and said, where they are not to be found."""
    cards = [_read(card) for card in out.glob(f"systems/*/seed-*/model/{CARD}")]
    uses = [(card.get("trained") or {}).get("train") or {} for card in cards]
    known = {use["fingerprint"] for use in uses if "fingerprint" in use}
    for base in bases:
        loaded = _found(source, [base], None)
        if isinstance(loaded, Loaded):
            if not known or datasets.fingerprint(loaded.documents) in known:
                return loaded.documents
            if datasets.fingerprint(map(tokenization.split, loaded.documents)) in known:
                return loaded.documents
    if source is not None:
        progress.say(f"{source.source} is gone, or no more what the models learnt: what they have seen is not told")
    return None


def _judged(results: Results, out: Path, name: str, loaded: Loaded) -> Judged:
    settings = results.config.get("sets", {}).get(name, {})
    gold = [tokenization.split(document) for document in loaded.documents]
    predictions: dict[str, dict[int, list[Prediction]]] = {}
    kinds: dict[str, Any] = {}
    for system in order(results):
        if name in system.scores:
            seeds = _seeds(system, out, name, gold)
            if seeds:
                predictions[system.name] = seeds
                kinds[system.name] = _kind(out / "systems" / system.name / f"seed-{next(iter(seeds))}")
    if not predictions:
        raise DataError("the run's folder holds no predictions of it")
    return Judged(gold, predictions, settings.get("labels"), {each: kind for each, kind in kinds.items() if kind})


def _seeds(system: System, out: Path, name: str, gold: Sequence[Document]) -> dict[int, list[Prediction]]:
    files = {
        seed: out / "systems" / system.name / f"seed-{seed}" / f"predictions-{name}.jsonl" for seed in system.seeds
    }
    return {seed: datasets.read_predictions(file, gold=gold) for seed, file in files.items() if file.is_file()}


def _kind(cell: Path) -> Any:
    """What a cell's recognizer says of its scores; None where nothing was said."""
    return _read(cell / RECORD).get("score_kind")


def _read(file: Path) -> dict[str, Any]:
    """A JSON object; an empty one where it cannot be read."""
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
