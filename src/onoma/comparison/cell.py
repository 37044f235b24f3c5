"""One cell of a comparison, in a process of its own: a system with a seed, trained or loaded, and run on every set.

A process for itself gives each system its own peak memory and clock, and a crash stays one failed system. Every step
leaves its file when it is done, so that a killed cell goes on where it was: `model/` and `train.json`, then
`predictions-SET.jsonl`, then `cell.json`.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import sys
import threading
import time
import traceback
import warnings
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from onoma import datasets, models, progress
from onoma.analysis.probes import ASKED_LABELS, Probed, find
from onoma.comparison.curves import part
from onoma.comparison.experiment import Experiment, SetSettings, SystemSettings, located, model_place
from onoma.comparison.probing import changed, needs_training, probe_mark
from onoma.comparison.sources import load
from onoma.datasets import catalog
from onoma.document import Document, LabelSet, Prediction
from onoma.exceptions import ConfigError, DataError, OnomaError
from onoma.files import write_text
from onoma.processes import end_tree, keep_memory
from onoma.prompting.settings import PromptSettings
from onoma.recognizer import CARD, Recognizer, read_card
from onoma.tokenization import split

__all__ = ["PROBES", "CellRecord", "creation", "main", "origin_model", "run", "set_mark"]

CellRecord = dict[str, Any]

RECORD = "cell.json"
PROBES = "probes"
"""The folder, in that of a cell, of predictions on changed sets."""
ONLY_FILES = "there are predictions of the untouched text only"
SAME_FILE = "predict the very file that is the set"


def run(
    experiment: Experiment, base: Path, name: str, seed: int, folder: Path, fraction: float | None = None
) -> CellRecord:
    """Train or load system `name`, predict all sets, and return the record that also lies in `folder/cell.json`.

    With a `fraction` it is trained on that part of the documents, for the learning curve, and predicts no more than the
    sets in domain. Predictions that are there already are copied: nothing is known of their speed, memory and size.
    """
    system = experiment.systems[name]
    record: CellRecord = {"status": "ok", "seed": seed, "train": None}
    sets = experiment.sets if fraction is None else {each: experiment.sets[each] for each in experiment.home_sets}
    if system.predictions is not None:
        files = {set_name: Path(located(file, base)) for set_name, file in system.predictions.items()}
        of = {set_name: _copy(files[set_name], set_name, experiment, base, folder) for set_name in experiment.sets}
        record |= {"family": "predictions", "options": None, "predict": of, "size_mb": None, "peak_memory_mb": None}
        record["probes"] = _probe(None, experiment, base, folder)
    else:
        model, place = folder / "model", str(folder / "model")
        if system.model is not None:
            place = model_place(system.model, base)
            model = Path(place)
        elif system.origin is not None:
            model = origin_model(folder, system.origin)
            if not model.is_dir():
                raise ConfigError(f"there is no recognizer of {system.origin}, seed {seed}: see what went wrong there")
            place = str(model)
        elif models.learns(_family(system)):
            record["train"] = _train(experiment, system, base, seed, folder, model, fraction)
        else:
            Recognizer.create(**creation(system, (), base), seed=seed).save(model)
        recognizer = Recognizer.load(place, **_overrides(system, place, base))
        predict: dict[str, Any] = {}
        for set_name, settings in sets.items():
            loaded = load(settings, base)
            mark = set_mark(settings, loaded.sha256)
            predict[set_name] = _predict(recognizer, loaded.documents, folder, set_name, mark)
        size = sum(file.stat().st_size for file in model.rglob("*") if file.is_file()) / 1e6
        record |= {
            "family": recognizer.family,
            "score_kind": recognizer.score_kind,
            "options": _recorded(system, recognizer),
            "predict": predict,
            "probes": {} if fraction is not None else _probe(recognizer, experiment, base, folder),
            # What learns nothing keeps its weights elsewhere, if it has any.
            "size_mb": size if model.is_dir() and getattr(recognizer.model, "learns", True) else None,
        }
    write_text(folder / RECORD, json.dumps(record, indent=2) + "\n")
    return record


def origin_model(folder: Path, origin: str) -> Path:
    """Where the recognizer of another system lies, as seen from a cell with the same seed."""
    return folder.parents[1] / origin / folder.name / "model"


def _recorded(system: SystemSettings, recognizer: Recognizer) -> dict[str, Any]:
    """The options for readers of the results: as the experiment gives them, no secret, and no path of this machine."""
    if system.family is not None:
        return models.options(system.family, system.options).recorded()
    return _placeless(recognizer.model.options.recorded())


def _placeless(value: Any) -> Any:
    """The same with the last name alone of every absolute path."""
    if isinstance(value, dict):
        return {key: _placeless(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_placeless(each) for each in value]
    return f".../{Path(value).name}" if isinstance(value, str) and Path(value).is_absolute() else value


def _family(system: SystemSettings) -> str:
    assert system.family is not None
    return system.family


def creation(system: SystemSettings, labels: Sequence[str], base: Path) -> dict[str, Any]:
    """What `Recognizer.create` makes a recognizer of, but for the seed, for a system that has a family.

    Relative paths start at the absolute folder `base`.
    """
    options = models.options(_family(system), system.options).located(base)
    asked = system.asked()
    if asked["prompt"]:
        prompt = PromptSettings.checked(asked["prompt"], "prompt").located(base)
        asked["prompt"] = prompt.model_dump(mode="json", exclude_defaults=True)
    made = {"family": system.family, "labels": labels, "options": options.model_dump(), "splitter": system.splitter}
    return made | asked


def _overrides(system: SystemSettings, place: str, base: Path) -> dict[str, Any]:
    """The options with which a recognizer that is there already is loaded; relative paths start at `base`."""
    if system.family is not None:
        return {}
    if not (Path(place) / CARD).is_file():
        return system.options  # of other people's making
    card = read_card(Path(place))
    options = models.options(card["family"], card["options"])
    asked = {name: value for name, value in system.options.items() if name in options.runtime}
    changed = options.overridden(asked).located(base)
    return {**system.options, **{name: getattr(changed, name) for name in asked}}


def _train(
    experiment: Experiment,
    system: SystemSettings,
    base: Path,
    seed: int,
    folder: Path,
    model: Path,
    fraction: float | None,
) -> dict[str, Any]:
    done = folder / "train.json"
    if done.exists():
        return json.loads(done.read_text(encoding="utf-8"))
    assert experiment.train is not None
    train: Sequence[Document] = load(experiment.train, base).documents
    if fraction is not None:
        train = part(train, fraction)
    dev = load(experiment.dev, base).documents if experiment.dev is not None else None
    recognizer = Recognizer.create(**creation(system, LabelSet.of(train), base), seed=seed)
    started = time.perf_counter()
    fitted = recognizer.fit(train, dev, folder=folder, seed=seed)
    seconds = time.perf_counter() - started
    told = {"train": experiment.train, "dev": experiment.dev}
    recognizer.trained["settings"] = {use: _named(source.source) for use, source in told.items() if source is not None}
    recognizer.save(model)
    # A resumed run's clock shows only its last part, so its seconds are not reported (see `assemble`).
    record = {
        "seconds": seconds,
        "resumed": fitted.resumed,
        "words": sum(len(split(document, system.splitter).tokens) for document in train),
        "fitted": fitted.model_dump(),
    }
    write_text(done, json.dumps(record, indent=2) + "\n")
    return record


def _named(source: str) -> str:
    """A catalogue reference, or a file's name without its folder."""
    return source if catalog.is_reference(source) else Path(source).name


def set_mark(settings: SetSettings, sha256: str) -> str:
    """What of a set matters to a prediction; how it is scored may change without a new one."""
    asked = {"asked_labels", "map", "drop"} if settings.asked_labels else set[str]()  # these are in the question
    parts = [sha256, settings.model_dump(mode="json", include={"format", "options", *asked})]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _predict(
    recognizer: Recognizer, documents: Sequence[Document], folder: Path, name: str, mark: str
) -> dict[str, Any]:
    folder.mkdir(parents=True, exist_ok=True)
    done = folder / f"predict-{name}.json"
    if done.exists():
        record = json.loads(done.read_text(encoding="utf-8"))
        if record["of"] == mark:
            return record
    if recognizer.encoding is not None:
        recognizer.predict(documents[:3])  # first calls set up threads and buffers
    before = recognizer.effort or {}
    started = time.perf_counter()
    answered = list(recognizer.pipe_documents(documents))
    seconds = time.perf_counter() - started
    datasets.write_predictions(answered, folder / f"predictions-{name}.jsonl")
    record = {"of": mark, "seconds": seconds, "words": sum(len(document.tokens) for document, _ in answered)}
    if recognizer.effort is not None:
        record["effort"] = {what: number - before.get(what, 0) for what, number in recognizer.effort.items()}
    write_text(done, json.dumps(record) + "\n")
    return record


def _probe(
    recognizer: Recognizer | None, experiment: Experiment, base: Path, folder: Path
) -> dict[str, dict[str, dict[str, Any]]]:
    """Predict the changed sets; by set and probe what was predicted, or why it could not be (for files: at all)."""
    train = None
    if experiment.train is not None and needs_training(experiment):
        train = load(experiment.train, base).documents
    found: dict[str, dict[str, dict[str, Any]]] = {}
    for set_name in experiment.probed_sets:
        documents = load(experiment.sets[set_name], base).documents
        for name, probed in changed(experiment, set_name, documents, train).items():
            record = {"of": probe_mark(probed)}
            why = ONLY_FILES if recognizer is None else _cannot(recognizer, name, probed)
            if recognizer is not None and why is None:
                _predict(recognizer, probed.documents, folder / PROBES / set_name, name, record["of"])
            found.setdefault(set_name, {})[name] = record if why is None else {**record, "why": why}
    return found


def _cannot(recognizer: Recognizer, name: str, probed: Probed) -> str | None:
    """Why a probe cannot be tried on a recognizer, if it cannot."""
    if not find(name).asks:
        return None
    labels = LabelSet(label for each in probed.documents for label in each.meta[ASKED_LABELS])
    try:
        recognizer.asking(labels)
    except ConfigError as problem:
        return str(problem)
    return None


def _copy(path: Path, set_name: str, experiment: Experiment, base: Path, folder: Path) -> dict[str, Any]:
    """Predictions from a file of any format as a cell keeps them; documents it does not name are lost answers.

    Raises `DataError` for a document that the set does not have and for a file that names none that it has.
    """
    settings = experiment.sets[set_name]
    loaded = load(settings, base)
    found = {each.document_id: each for each in datasets.read_predictions(path, gold=loaded.documents)}
    strangers = found.keys() - {document.id for document in loaded.documents}
    if strangers:
        raise DataError(
            f"predicts document {min(strangers)!r}, which the set {set_name!r} does not have", path=path, mend=SAME_FILE
        )
    pairs = [(each, found[each.id]) for each in loaded.documents if each.id in found]
    if not pairs:
        raise DataError(f"predicts no document of the set {set_name!r}", path=path, mend=SAME_FILE)
    if len(pairs) < len(loaded.documents):
        progress.say(f"{path}: {len(loaded.documents) - len(pairs):,} documents of {set_name!r} have no prediction")
    others = [each.id for each, prediction in pairs if not _fits(each, prediction)]
    if others:
        progress.say(f"{path}: the tags of {len(others):,} documents are of other tokens than the set's and left out")
        pairs = [(each, answer if _fits(each, answer) else replace(answer, tags=None)) for each, answer in pairs]
    datasets.write_predictions(pairs, folder / f"predictions-{set_name}.jsonl")
    return {"of": set_mark(settings, loaded.sha256)}


def _fits(document: Document, prediction: Prediction) -> bool:
    return prediction.tags is None or len(prediction.tags) == len(document.tokens)


def main() -> int:
    """Read a request as JSON from the first line of stdin, do it, report progress on stdout; ends with its parent."""
    request = json.loads(sys.stdin.readline())
    threading.Thread(target=_end_with_parent, daemon=True).start()
    keep_memory()
    warnings.simplefilter("ignore")
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(name)s %(message)s")
    progress.use(progress.JsonLines(sys.stdout))
    folder = Path(request["folder"])
    try:
        experiment = Experiment.model_validate(request["experiment"])
        run(experiment, Path(request["base"]), request["system"], request["seed"], folder, request["fraction"])
    except Exception as problem:
        traceback.print_exc()
        kind = "" if isinstance(problem, OnomaError) else f"{type(problem).__name__}: "
        error = " ".join(f"{kind}{problem}".split())
        write_text(folder / RECORD, json.dumps({"status": "failed", "error": error}) + "\n")
        return 1
    return 0


def _end_with_parent() -> None:
    sys.stdin.read()  # ends when the parent does, however it does
    end_tree(os.getpid(), itself=False)
    os._exit(130)


if __name__ == "__main__":
    sys.exit(main())
