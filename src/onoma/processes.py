"""Ending other processes, with all that they started, on any system; and what this one does with freed memory."""

from __future__ import annotations

import ctypes
import sys
from contextlib import suppress
from typing import Any

__all__ = ["end_all", "end_tree", "keep_memory"]

# The numbers of glibc's malloc.h.
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3


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


def keep_memory() -> bool:
    """Keep freed memory for what is allocated next; whether this system's allocator can be told so (glibc).

    Free beams copy their caches at each piece that they write: to give that memory back and fetch it anew took a sixth
    of their time.
    """
    if sys.platform != "linux":
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):  # another C library
        return False
    return bool(mallopt(M_MMAP_THRESHOLD, 1 << 30)) and bool(mallopt(M_TRIM_THRESHOLD, (1 << 31) - 1))
