"""The folder of a run's resume files: whose it is, and which checkpoint in it is whole."""

from __future__ import annotations

import json
import logging
import shutil
from pathlib import Path

from transformers.trainer_utils import get_last_checkpoint

from onoma.exceptions import ConfigError
from onoma.files import write_text

__all__ = ["claim", "last_whole", "read_on"]

logger = logging.getLogger("onoma")

WHOLE = ("model.safetensors", "optimizer.pt", "scheduler.pt", "trainer_state.json")
"""What a checkpoint to resume from must hold beside the random states; the trainer's state is written last."""


def claim(folder: Path, key: str) -> None:
    """Mark a folder as the run's named `key`; raises `ConfigError` where it holds files of any other."""
    mark = folder / "run.txt"
    if folder.exists() and any(folder.iterdir()):
        found = mark.read_text(encoding="utf-8").strip() if mark.exists() else None
        if found != key:
            whose = "of a run with other data or settings" if found is not None else "that no run of ours left"
            raise ConfigError(f"{folder}: files {whose}: remove them to start anew")
    write_text(mark, key + "\n")


def last_whole(folder: Path, processes: int) -> str | None:
    """The newest checkpoint that was written to its end; what a kill left half-written is removed."""
    random = ["rng_state.pth"] if processes == 1 else [f"rng_state_{rank}.pth" for rank in range(processes)]
    while True:
        last = get_last_checkpoint(str(folder))
        if last is None or _is_whole(Path(last), (*WHOLE, *random)):
            return last
        logger.info("%s was not written to its end: removed", last)
        shutil.rmtree(last)


def read_on(checkpoint: Path, patience: int) -> float | None:
    """Make a checkpoint ready to go on from; the epoch it stopped at where it had stopped early, else None.

    The best checkpoint's name is a full path, and the folder may have moved since.
    """
    place = checkpoint / "trainer_state.json"
    state = json.loads(place.read_text(encoding="utf-8"))
    if state["best_model_checkpoint"] is not None:
        best = checkpoint.with_name(Path(state["best_model_checkpoint"].replace("\\", "/")).name)
        if not best.is_dir():
            raise ConfigError(f"{best} is missing, which has the best weights so far: remove {checkpoint.parent}")
        state["best_model_checkpoint"] = str(best)
        write_text(place, json.dumps(state, indent=2, sort_keys=True) + "\n")
    counts = state.get("stateful_callbacks", {}).get("EarlyStoppingCallback", {}).get("attributes", {})
    return state["epoch"] if counts.get("early_stopping_patience_counter", 0) >= patience else None


def _is_whole(checkpoint: Path, names: tuple[str, ...]) -> bool:
    try:
        json.loads((checkpoint / "trainer_state.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return all((checkpoint / name).is_file() for name in names)
