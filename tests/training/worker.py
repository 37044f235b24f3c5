"""One process of a run: trains the tiny task and writes what it saw and how it ended. Started by a test."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from training.tasks import Example, Task, run, sentences

from onoma.exceptions import OnomaError
from onoma.training import distributed


class Dying(Task):
    """Kills its process, as `kill -9` does, when it is asked for batch number `dies_at`, from 0."""

    dies_at: int | None = None

    def collate(self, examples: Sequence[Example]) -> dict[str, Any]:
        if len(self.seen) == self.dies_at:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().collate(examples)


def main(out: Path, number: int, settings: dict[str, Any]) -> None:
    """Train on `number` sentences; each process names a folder of its own, of which the main one's counts."""
    task = Dying(dropout=settings.pop("dropout", 0.0))
    task.dies_at = settings.pop("dies_at", None)
    place = out / f"run-{distributed.rank()}"
    try:
        fitted = run(task, place, sentences(number), validated=True, **settings)
    except OnomaError as problem:
        (out / f"{distributed.rank()}.json").write_text(json.dumps({"error": str(problem)}), encoding="utf-8")
        return
    report = {
        "fitted": fitted.model_dump(mode="json", exclude={"seconds"}),
        "seen": task.seen,
        "weights": {name: value.tolist() for name, value in task.state().items()},
        "processes": distributed.processes(),
    }
    (out / f"{distributed.rank()}.json").write_text(json.dumps(report), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), json.loads(sys.argv[3]))
