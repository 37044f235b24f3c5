"""Ending other processes, with all that they started, on any system."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

__all__ = ["end_all", "end_tree"]


def end_tree(pid: int, *, itself: bool = True) -> None:
    """End a process (unless told to spare it) and all that it started: asked first, killed after two seconds."""
    import psutil

    try:
        parent = psutil.Process(pid)
        found = [*parent.children(recursive=True), *([parent] if itself else [])]
    except psutil.Error:
        return
    end_all(found)


def end_all(found: list[Any]) -> None:
    """End some psutil processes: asked first, killed after two seconds."""
    import psutil

    for process in found:
        with suppress(psutil.Error):
            process.terminate()
    for process in psutil.wait_procs(found, timeout=2)[1]:
        with suppress(psutil.Error):
            process.kill()
