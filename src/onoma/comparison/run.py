"""All cells of a comparison, one after the other, each in a process of its own; resumes where it was stopped."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from onoma import progress
from onoma.comparison.assemble import assemble
from onoma.comparison.cell import RECORD, CellRecord
from onoma.comparison.experiment import Experiment
from onoma.comparison.sources import Loaded, load
from onoma.exceptions import DataError
from onoma.files import write_text
from onoma.report import html
from onoma.report.schema import Results, dumps
from onoma.version import __version__

__all__ = ["compare"]

Cells = dict[str, dict[int, CellRecord]]


def compare(experiment: Experiment, out: str | Path, *, base: str | Path = ".") -> Results:
    """Train, predict, score and report; writes `results.json`, `results.md` and `report.html` into `out`.

    Relative paths of the experiment start at `base`. Finished cells of the same experiment in `out` are kept, those of
    another one are made anew. A system that fails is reported as failed. Raises `ConfigError` or `DataError` before
    anything is trained where data cannot be read.
    """
    out, base = Path(out), Path(base)
    if out.exists() and not out.is_dir():
        raise DataError("is no folder", path=out, mend="name another --out")
    sets = {name: load(settings, base) for name, settings in experiment.sets.items()}
    fingerprint = _fingerprint(experiment, sets, base)
    out.mkdir(parents=True, exist_ok=True)
    cells: Cells = {}
    todo = [(name, seed) for name in experiment.systems for seed in experiment.seeds_of(name)]
    for number, (name, seed) in enumerate(todo, start=1):
        folder = out / "systems" / name / f"seed-{seed}"
        record = _finished(folder, fingerprint[name])
        if record is None:
            progress.say(f"[{number}/{len(todo)}] {name}, seed {seed}")
            record = _spawn(experiment, base, name, seed, folder, fingerprint[name])
            outcome = "done" if record["status"] == "ok" else f"failed: {record['error']} (log: {folder / 'log.txt'})"
            progress.say(f"[{number}/{len(todo)}] {name}, seed {seed}: {outcome}")
        else:
            progress.say(f"[{number}/{len(todo)}] {name}, seed {seed}: already done")
        cells.setdefault(name, {})[seed] = record
    progress.say("scoring")
    results = assemble(experiment, sets, cells, out)
    write_text(out / "results.json", dumps(results))
    html.write(results, out)
    return results


def _fingerprint(experiment: Experiment, sets: dict[str, Loaded], base: Path) -> dict[str, str]:
    """For each system: a hash of everything its cells depend on."""
    training = [load(source, base).sha256 for source in (experiment.train, experiment.dev) if source is not None]
    shared = {
        "onoma": __version__,
        "training": training,
        "train": experiment.train and experiment.train.model_dump(mode="json"),
        "dev": experiment.dev and experiment.dev.model_dump(mode="json"),
        "sets": {name: loaded.sha256 for name, loaded in sets.items()},
        "settings": {name: _prediction_settings(settings) for name, settings in experiment.sets.items()},
    }
    return {
        name: hashlib.sha256(
            json.dumps([shared, system.model_dump(mode="json", exclude={"seeds"})], sort_keys=True).encode()
        ).hexdigest()
        for name, system in experiment.systems.items()
    }


def _prediction_settings(settings: Any) -> dict[str, Any]:
    """What of a set matters to a prediction; how it is scored may change without a new one."""
    return settings.model_dump(mode="json", include={"source", "format", "options"})


def _finished(folder: Path, fingerprint: str) -> CellRecord | None:
    """The record of a finished cell; an unfinished one of the same experiment is left to be resumed."""
    mark = folder / "fingerprint"
    if mark.exists() and mark.read_text(encoding="utf-8").strip() == fingerprint:
        try:
            record = json.loads((folder / RECORD).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return record if record["status"] == "ok" else None
    if folder.exists():
        shutil.rmtree(folder)
    return None


def _spawn(experiment: Experiment, base: Path, name: str, seed: int, folder: Path, fingerprint: str) -> CellRecord:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / RECORD).unlink(missing_ok=True)
    write_text(folder / "fingerprint", fingerprint + "\n")
    request = {
        "experiment": experiment.model_dump(mode="json"),
        "base": str(base.resolve()),
        "system": name,
        "seed": seed,
        "folder": str(folder.resolve()),
    }
    command = [sys.executable, "-m", "onoma.comparison.cell"]
    pipe = subprocess.PIPE
    with (
        (folder / "log.txt").open("a", encoding="utf-8") as log,
        subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=log, encoding="utf-8") as process,
    ):
        memory = _Memory(process.pid)
        try:
            assert process.stdin is not None and process.stdout is not None
            process.stdin.write(json.dumps(request) + "\n")
            process.stdin.flush()
            for event in _events(process.stdout):
                _show(f"{name}, seed {seed}", event)
            code = process.wait()
        finally:
            memory.stop()
            if process.poll() is None:
                process.terminate()
    try:
        record = json.loads((folder / RECORD).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {"status": "failed", "error": f"the process ended with code {code} and left no record"}
    if record["status"] == "ok":
        record["peak_memory_mb"] = memory.peak / 1e6
        write_text(folder / RECORD, json.dumps(record, indent=2) + "\n")
    return record


def _events(stream: Any) -> Iterator[dict[str, Any]]:
    for line in stream:
        try:
            event = json.loads(line)
        except ValueError:
            continue
        if isinstance(event, dict) and "what" in event:
            yield event


def _show(cell: str, event: dict[str, Any]) -> None:
    if event.get("closed"):
        progress.done(f"{cell}: {event['what']}")
    else:
        progress.step(f"{cell}: {event['what']}", event["done"], event["total"], event["note"])


class _Memory:
    """Samples the resident memory of a process and keeps the highest."""

    def __init__(self, pid: int, every: float = 0.05) -> None:
        self.peak = 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, args=(pid, every), daemon=True)
        self._thread.start()

    def _watch(self, pid: int, every: float) -> None:
        import psutil

        try:
            process = psutil.Process(pid)
            while not self._over.is_set():
                self.peak = max(self.peak, process.memory_info().rss)
                time.sleep(every)
        except psutil.Error:
            return

    def stop(self) -> None:
        """Stop sampling."""
        self._over.set()
        self._thread.join(timeout=1)
