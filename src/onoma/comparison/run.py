"""All cells of a comparison, one after the other, each in a process of its own; resumes where it was stopped."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from onoma import models, progress
from onoma.comparison.assemble import assemble
from onoma.comparison.beforehand import check_systems, learnt_before, told
from onoma.comparison.cell import RECORD, CellRecord, origin_model, set_mark
from onoma.comparison.curves import fraction_folder, parts
from onoma.comparison.experiment import Experiment, SystemSettings, located, model_place
from onoma.comparison.probing import changed, needs_training, probe_mark
from onoma.comparison.reporting import gather
from onoma.comparison.sources import load
from onoma.document import Document
from onoma.exceptions import ConfigError, DataError, OnomaError
from onoma.files import write_text
from onoma.processes import end_tree
from onoma.prompting.settings import PromptSettings
from onoma.recognizer import CARD
from onoma.report import html
from onoma.report.schema import Results, dumps
from onoma.version import __version__

__all__ = ["compare"]

Cells = dict[str, dict[int, CellRecord]]
Curves = dict[str, dict[tuple[float, int], CellRecord]]

FAMILY_EVERY = 0.5
"""Seconds between two looks at which processes a cell has started: a look costs milliseconds."""

MOST_FILES = 10_000
"""Files in a folder that a command names; a larger one is taken for no model of its own."""

MARK = "fingerprint"
"""The file that says which training a cell is of, and that the folder is ours."""


def compare(experiment: Experiment, out: str | Path, *, base: str | Path = ".") -> Results:
    """Train, predict, score and report; writes `results.json`, `.md` and `.tex`, and `report.html` into `out`.

    Relative paths of the experiment start at `base`. Finished cells of the same experiment in `out` are kept, those of
    another one are made anew. A system that fails is reported as failed. Raises `ConfigError` or `DataError` before
    anything is trained where data cannot be read.
    """
    out, base = Path(out), Path(base)
    if out.exists() and not out.is_dir():
        raise DataError("is no folder", path=out, mend="name another --out")
    sets = {name: load(settings, base) for name, settings in experiment.sets.items()}
    train = None if experiment.train is None else load(experiment.train, base).documents
    check_systems(experiment, train or (), base.resolve())
    learnt = {
        use: None if source is None else load(source, base).sha256
        for use, source in (("trained on", experiment.train), ("used to choose the epoch", experiment.dev))
    }
    before = learnt_before(experiment, base)
    sets = {name: told(name, loaded, learnt, before) for name, loaded in sets.items()}
    marks = {name: set_mark(experiment.sets[name], loaded.sha256) for name, loaded in sets.items()}
    fingerprint = {name: _fingerprint(experiment, name, base, learnt, out) for name in experiment.systems}
    needed = train if needs_training(experiment) else None
    probed = {name: changed(experiment, name, sets[name].documents, needed) for name in experiment.probed_sets}
    wanted = {name: {probe: probe_mark(each) for probe, each in row.items()} for name, row in probed.items()}
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise DataError(f"cannot be written: {problem.strerror}", path=out, mend="name another --out") from None
    cells: Cells = {}
    order = sorted(experiment.systems, key=lambda name: experiment.systems[name].origin is not None)
    todo = [(name, seed) for name in order for seed in experiment.seeds_of(name)]
    for number, (name, seed) in enumerate(todo, start=1):
        folder = out / "systems" / name / f"seed-{seed}"
        mark = _mark(experiment.systems[name], fingerprint[name], folder, out)
        record = _finished(folder, mark, marks, wanted)
        if record is None:
            progress.say(f"[{number}/{len(todo)}] {name}, seed {seed}")
            record = _spawn(experiment, base, name, seed, folder, mark)
            outcome = "done" if record["status"] == "ok" else f"failed: {record['error']} (log: {folder / 'log.txt'})"
            progress.say(f"[{number}/{len(todo)}] {name}, seed {seed}: {outcome}")
        else:
            progress.say(f"[{number}/{len(todo)}] {name}, seed {seed}: already done")
        cells.setdefault(name, {})[seed] = record
    curves = _curves(
        experiment, base, out, cells, fingerprint, {name: marks[name] for name in experiment.home_sets}, train
    )
    progress.say("scoring")
    results = assemble(experiment, sets, cells, out, probed=probed, curves=curves, train=train)
    write_text(out / "results.json", dumps(results))
    html.write(results, out, gather(results, out, sets, train))
    return results


def _curves(
    experiment: Experiment,
    base: Path,
    out: Path,
    cells: Cells,
    fingerprint: dict[str, str],
    marks: dict[str, str],
    train: Sequence[Document] | None,
) -> Curves:
    """Train on the parts of the learning curve, each a cell in the folder of the whole one; failures are only told."""
    found: Curves = {}
    fractions = tuple(parts(train or (), experiment.learning_curve)) if marks else ()
    for fraction in sorted(set(experiment.learning_curve) - set(fractions)):
        progress.say(f"learning curve: {fraction:g} of the training documents is left out: no part of its own")
    todo = [
        (name, fraction, seed)
        for name, each in experiment.systems.items()
        if each.family is not None and models.learns(each.family)
        for fraction in fractions
        for seed, cell in cells[name].items()
        if cell["status"] == "ok"
    ]
    for number, (name, fraction, seed) in enumerate(todo, start=1):
        folder = out / "systems" / name / f"seed-{seed}" / fraction_folder(fraction)
        what = f"[{number}/{len(todo)}] {name}, seed {seed}, {fraction:g} of the training documents"
        record = _finished(folder, fingerprint[name], marks, {})
        if record is None:
            progress.say(what)
            record = _spawn(experiment, base, name, seed, folder, fingerprint[name], fraction)
            failed = f"failed: {record.get('error')} (log: {folder / 'log.txt'})"
            progress.say(f"{what}: {'done' if record['status'] == 'ok' else failed}")
        else:
            progress.say(f"{what}: already done")
        found.setdefault(name, {})[fraction, seed] = record
    return found


def _fingerprint(experiment: Experiment, name: str, base: Path, learnt: dict[str, str | None], out: Path) -> str:
    """A hash of everything the training of a system depends on, or of the saved model it is.

    `learnt` holds the sha256 of the training and the dev file.
    """
    system = experiment.systems[name]
    parts: list[Any] = [__version__, system.model_dump(mode="json", exclude={"seeds", "origin"})]
    if system.predictions is not None:
        parts += [_whole(Path(located(file, base))) for file in system.predictions.values()]
    elif system.model is not None:
        parts += _saved_parts(Path(model_place(system.model, base)), out)
    elif system.family is not None:
        parts += _family_parts(experiment, system, base, learnt, out)
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _mark(system: SystemSettings, fingerprint: str, folder: Path, out: Path) -> str:
    """A system's fingerprint; with what its recognizer is where that is another system's, whose cells come first."""
    if system.origin is None:
        return fingerprint
    parts = [fingerprint, *_saved_parts(origin_model(folder, system.origin), out)]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _family_parts(
    experiment: Experiment, system: SystemSettings, base: Path, learnt: dict[str, str | None], out: Path
) -> list[Any]:
    assert system.family is not None
    parts: list[Any] = []
    if models.learns(system.family):
        for source, sha256 in zip((experiment.train, experiment.dev), learnt.values(), strict=True):
            parts.append(None if source is None else [source.model_dump(mode="json"), sha256])
    options = models.options(system.family, system.options).located(base.resolve())
    prompt = PromptSettings.checked(system.prompt, "prompt").located(base.resolve())
    return parts + [_watched(path, out) for path in (*options.depends_on(), *prompt.depends_on())]


def _saved_parts(folder: Path, out: Path) -> list[Any]:
    """A saved model's files, and what it depends on outside its folder where its family keeps weights elsewhere."""
    own = _content(folder)
    try:
        card = json.loads((folder / CARD).read_text(encoding="utf-8"))
        if models.learns(card["family"]):
            return [own]
        paths = models.options(card["family"], card["options"]).depends_on()
    except (OSError, ValueError, KeyError, TypeError, OnomaError):
        return [own]  # whoever loads it says what is wrong
    return [own, *(_watched(path, out) for path in paths)]


def _watched(path: Path, out: Path) -> Any:
    """The content of what a system names; None for a folder that holds our own results, or a machine's worth."""
    if not path.is_dir():
        return _sha256(path)
    whole = path.resolve()
    if whole.parent == whole or out.resolve().is_relative_to(whole):
        return None
    if sum(1 for _ in islice(_files(path), MOST_FILES + 1)) > MOST_FILES:
        progress.say(f"{path}: more than {MOST_FILES:,} files, so changes in it are not noticed")
        return None
    return _content(path)


def _whole(path: Path) -> Any:
    """The content of a file, or of a folder in one of the formats that are folders."""
    return _content(path) if path.is_dir() else _sha256(path)


def _sha256(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as problem:
        raise DataError(f"cannot be read: {problem.strerror or problem}", path=path) from None


def _content(folder: Path) -> list[tuple[str, str]]:
    """Names and sha256 of the files of a folder, what a resumable training left there excepted."""
    found = [(path.relative_to(folder).as_posix(), path) for path in _files(folder)]
    return [(name, _sha256(path)) for name, path in sorted(found)]


def _files(folder: Path) -> Iterator[Path]:
    """The regular files of a folder and its subfolders; links to folders are not followed."""
    for at, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if name != "checkpoints"]
        yield from (path for name in names if name != "checkpoints" and (path := Path(at, name)).is_file())


def _finished(
    folder: Path, fingerprint: str, sets: dict[str, str], probes: dict[str, dict[str, str]]
) -> CellRecord | None:
    """The record of a cell that has answered all sets and probes as they are now; else it is left to be resumed.

    A cell of other settings is removed. Raises `ConfigError` for a folder that no comparison wrote.
    """
    mark = folder / MARK
    if mark.exists() and mark.read_text(encoding="utf-8").strip() == fingerprint:
        try:
            record = json.loads((folder / RECORD).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        if record["status"] != "ok" or _marks(record["predict"]) != sets:
            return None
        return record if {name: _marks(each) for name, each in record.get("probes", {}).items()} == probes else None
    if folder.is_dir() and any(folder.iterdir()):
        if not mark.exists():
            raise ConfigError(f"{folder}: holds files that no comparison wrote: name another --out")
        progress.say(f"{folder}: settings or data have changed, made anew")
        shutil.rmtree(folder)
    return None


def _marks(answered: dict[str, dict[str, Any]]) -> dict[str, str]:
    return {name: each["of"] for name, each in answered.items()}


def _spawn(
    experiment: Experiment,
    base: Path,
    name: str,
    seed: int,
    folder: Path,
    fingerprint: str,
    fraction: float | None = None,
) -> CellRecord:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / RECORD).unlink(missing_ok=True)
    write_text(folder / MARK, fingerprint + "\n")
    request = {
        "experiment": experiment.model_dump(mode="json"),
        "base": str(base.resolve()),
        "system": name,
        "seed": seed,
        "folder": str(folder.resolve()),
        "fraction": fraction,
    }
    # -P: modules in the user's working folder are not ours to import.
    command = [sys.executable, "-P", "-c", "import sys; from onoma.comparison.cell import main; sys.exit(main())"]
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
                end_tree(process.pid)
    try:
        record = json.loads((folder / RECORD).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {"status": "failed", "error": f"the process ended with code {code} and left no record"}
    peak = folder / "peak_memory"  # of all the processes that this cell took
    highest = max(memory.peak, int(peak.read_text(encoding="utf-8")) if peak.exists() else 0)
    write_text(peak, f"{highest}\n")
    if record["status"] == "ok" and "peak_memory_mb" not in record:
        record["peak_memory_mb"] = highest / 1e6
        write_text(folder / RECORD, json.dumps(record, indent=2) + "\n")
    return record


def _events(stream: Any) -> Iterator[dict[str, Any]]:
    for line in stream:
        try:
            event = json.loads(line)
        except ValueError:
            continue
        if isinstance(event, dict) and ("what" in event or "say" in event):
            yield event


def _show(cell: str, event: dict[str, Any]) -> None:
    if "say" in event:
        progress.say(f"{cell}: {event['say']}")
    elif event.get("closed"):
        progress.done(f"{cell}: {event['what']}")
    else:
        progress.step(f"{cell}: {event['what']}", event["done"], event["total"], event["note"])


class _Memory:
    """Samples the resident memory of a process and of all it started, and keeps the highest sum."""

    def __init__(self, pid: int, every: float = 0.05) -> None:
        self.peak = 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, args=(pid, every), daemon=True)
        self._thread.start()

    def _watch(self, pid: int, every: float) -> None:
        import psutil

        try:
            process, children, listed = psutil.Process(pid), [], 0.0
            while not self._over.is_set():
                if time.monotonic() - listed > FAMILY_EVERY:
                    children, listed = process.children(recursive=True), time.monotonic()
                self.peak = max(self.peak, process.memory_info().rss + sum(map(_resident, children)))
                time.sleep(every)
        except psutil.Error:
            return

    def stop(self) -> None:
        """Stop sampling."""
        self._over.set()
        self._thread.join(timeout=1)


def _resident(process: Any) -> int:
    import psutil

    try:
        return process.memory_info().rss
    except psutil.Error:
        return 0  # it has ended
