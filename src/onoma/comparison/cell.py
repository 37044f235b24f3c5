"""One cell of a comparison, in a process of its own: a system with a seed, trained (or loaded) and run on every set.

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
from pathlib import Path
from typing import Any

from onoma import datasets, progress
from onoma.comparison.experiment import Experiment, SetSettings, SystemSettings, located
from onoma.comparison.sources import load
from onoma.document import Document, LabelSet
from onoma.exceptions import OnomaError
from onoma.files import write_text
from onoma.recognizer import Recognizer
from onoma.tokenization import split

__all__ = ["CellRecord", "main", "run", "set_mark"]

CellRecord = dict[str, Any]

RECORD = "cell.json"


def run(experiment: Experiment, base: Path, name: str, seed: int, folder: Path) -> CellRecord:
    """Train or load system `name`, predict all sets, and return the record that also lies in `folder/cell.json`."""
    system = experiment.systems[name]
    if system.model is not None:
        model = Path(located(system.model, base))
        trained: dict[str, Any] | None = None
    else:
        model = folder / "model"
        trained = _train(experiment, system, base, seed, folder, model)
    recognizer = Recognizer.load(model)
    predict: dict[str, Any] = {}
    for set_name, settings in experiment.sets.items():
        loaded = load(settings, base)
        mark = set_mark(settings, loaded.sha256)
        predict[set_name] = _predict(recognizer, loaded.documents, folder, set_name, mark)
    record: CellRecord = {
        "status": "ok",
        "family": recognizer.family,
        "seed": seed,
        "options": recognizer.model.options.model_dump(mode="json"),
        "train": trained,
        "predict": predict,
        "size_mb": sum(file.stat().st_size for file in model.rglob("*") if file.is_file()) / 1e6,
    }
    write_text(folder / RECORD, json.dumps(record, indent=2) + "\n")
    return record


def _train(
    experiment: Experiment, system: SystemSettings, base: Path, seed: int, folder: Path, model: Path
) -> dict[str, Any]:
    done = folder / "train.json"
    if done.exists():
        return json.loads(done.read_text(encoding="utf-8"))
    assert experiment.train is not None and system.family is not None
    train = load(experiment.train, base).documents
    dev = load(experiment.dev, base).documents if experiment.dev is not None else None
    recognizer = Recognizer.create(
        system.family,
        LabelSet.of(train),
        options=system.options,
        scheme=system.scheme,
        repair=system.repair,
        on_misaligned=system.on_misaligned,
        splitter=system.splitter,
        seed=seed,
    )
    started = time.perf_counter()
    fitted = recognizer.fit(train, dev, folder=folder, seed=seed)
    seconds = time.perf_counter() - started
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


def set_mark(settings: SetSettings, sha256: str) -> str:
    """What of a set matters to a prediction; how it is scored may change without a new one."""
    parts = [sha256, settings.model_dump(mode="json", include={"format", "options"})]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _predict(
    recognizer: Recognizer, documents: Sequence[Document], folder: Path, name: str, mark: str
) -> dict[str, Any]:
    done = folder / f"predict-{name}.json"
    if done.exists():
        record = json.loads(done.read_text(encoding="utf-8"))
        if record["of"] == mark:
            return record
    recognizer.predict(documents[:3])  # first calls set up threads and buffers
    started = time.perf_counter()
    answered = list(recognizer.pipe_documents(documents))
    seconds = time.perf_counter() - started
    datasets.write_predictions(answered, folder / f"predictions-{name}.jsonl")
    record = {"of": mark, "seconds": seconds, "words": sum(len(document.tokens) for document, _ in answered)}
    write_text(done, json.dumps(record) + "\n")
    return record


def main() -> int:
    """Read a request as JSON from the first line of stdin, do it, report progress on stdout; ends with its parent."""
    request = json.loads(sys.stdin.readline())
    threading.Thread(target=_end_with_parent, daemon=True).start()
    warnings.simplefilter("ignore")
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(name)s %(message)s")
    progress.use(progress.JsonLines(sys.stdout))
    folder = Path(request["folder"])
    try:
        experiment = Experiment.model_validate(request["experiment"])
        run(experiment, Path(request["base"]), request["system"], request["seed"], folder)
    except Exception as problem:
        traceback.print_exc()
        kind = "" if isinstance(problem, OnomaError) else f"{type(problem).__name__}: "
        error = " ".join(f"{kind}{problem}".split())
        write_text(folder / RECORD, json.dumps({"status": "failed", "error": error}) + "\n")
        return 1
    return 0


def _end_with_parent() -> None:
    sys.stdin.read()  # ends when the parent does, however it does
    os._exit(130)


if __name__ == "__main__":
    sys.exit(main())
