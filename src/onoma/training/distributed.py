"""Several processes of one run (`accelerate launch`): which is the main one, and how it tells the others.

Importing this needs no torch, so that a command can ask `is_main` at once.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, TypeVar

from onoma.exceptions import OnomaError

__all__ = ["barrier", "is_main", "launched_alone", "on_main", "processes", "rank"]

T = TypeVar("T")

RANK = ("RANK", "PMI_RANK", "OMPI_COMM_WORLD_RANK", "MV2_COMM_WORLD_RANK")
SIZE = ("WORLD_SIZE", "PMI_SIZE", "OMPI_COMM_WORLD_SIZE", "MV2_COMM_WORLD_SIZE")
"""Where launchers (torchrun and the kinds of MPI) say it; accelerate reads the same."""


def rank() -> int:
    """This process's number, from 0."""
    return _number(RANK, 0) if processes() > 1 else 0


def processes() -> int:
    """The number of processes that train together; 1 without a launcher."""
    return max(1, _number(SIZE, 1))


def _number(names: tuple[str, ...], default: int) -> int:
    return next((int(os.environ[name]) for name in names if os.environ.get(name, "").isdecimal()), default)


def is_main() -> bool:
    """Whether this process is the one that writes files, scores dev documents and shows progress."""
    return rank() == 0


def launched_alone() -> bool:
    """Whether `accelerate launch --cpu --num_processes N` was asked for several processes and started only this one.

    It starts more by MPI alone (accelerate 1.15), yet names a meeting point where more were asked for.
    """
    return processes() == 1 and "MASTER_ADDR" in os.environ and os.environ.get("ACCELERATE_USE_CPU", "") == "true"


def barrier() -> None:
    """Wait until all processes are here; nothing where there is only one."""
    if processes() > 1:
        import torch.distributed

        torch.distributed.barrier()


def on_main(work: Callable[[], T]) -> T:
    """What `work` returns in the main process, in all of them; an error for users is raised in all of them.

    Needs an open process group where there are several processes.
    """
    if processes() == 1:
        return work()
    import torch.distributed

    told: list[Any] = [None, None]
    if is_main():
        try:
            told[0] = work()
        except OnomaError as problem:
            told[1] = problem
    torch.distributed.broadcast_object_list(told, src=0)
    if told[1] is not None:
        raise told[1]
    return told[0]
