"""Another program fed through a pipe and heard through two, without any of the three ever waiting for another."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from queue import Empty, Full, Queue
from typing import IO, Any

from onoma.exceptions import ConfigError
from onoma.processes import end_all, end_tree

__all__ = ["ask"]

TAIL = 8192
"""Bytes of stderr that are kept."""
GRACE = 10.0
"""Seconds that a program which has nothing left to say may take to end."""
AFTER = 1.0
"""Seconds that what it left behind (its last output, children that hold the pipes) may take after its end."""
BLOCK = 1 << 16
LONGEST_LINE = 1 << 26
"""Bytes in a line of an answer at most, as in all files that are read."""
BLOCKS = 64
"""Blocks that wait to be looked at: 4 MiB of output; after them the program has to wait."""
LOOK = 0.1
"""Seconds between two looks at whether a silent program is still there."""
GROUPS = os.name == "posix" and hasattr(os, "killpg")
"""Whether a program and all it starts can be one group, so that none gets lost when its parent ends."""
NOT_ENDED = "it did not end by itself"
TOO_LONG = f"a line of its output is longer than {LONGEST_LINE >> 20} MiB"


def ask(
    command: list[str],
    lines: Iterable[bytes],
    take: Callable[[bytes], int],
    *,
    wanted: int,
    cwd: Path,
    env: dict[str, str],
    timeout: float,
) -> tuple[str, str]:
    """Start a program, write `lines` to its stdin, give each line of its stdout to `take`, and wait for its end.

    `take` says how many of the `wanted` answers are still missing. Returns what went wrong, in one line without the
    command ("" where the exit code is 0), and the end of its stderr. The program and all it started are ended after
    `timeout` seconds without a new answer, whatever else it prints, after a line of more than 64 MiB, and where the
    caller is interrupted. Raises `ConfigError` where it cannot start.
    """
    pipe = subprocess.PIPE
    try:
        process = subprocess.Popen(
            command, stdin=pipe, stdout=pipe, stderr=pipe, cwd=cwd, env=env, start_new_session=GROUPS
        )
    except (OSError, ValueError) as problem:
        reason = getattr(problem, "strerror", None) or problem
        raise ConfigError(f"external: {command[0]!r} cannot be started: {reason}") from None
    assert process.stdin is not None and process.stdout is not None and process.stderr is not None
    heard: Queue[bytes | None] = Queue(BLOCKS)
    over = threading.Event()
    failed: list[BaseException] = []
    tail = bytearray()
    threads = [
        threading.Thread(target=_write, args=(process.stdin, lines, failed), daemon=True),
        threading.Thread(target=_hear, args=(process.stdout, heard, over), daemon=True),
        threading.Thread(target=_keep, args=(process.stderr, tail), daemon=True),
    ]
    family = _Family(process.pid)
    why = ""
    try:
        for thread in threads:
            thread.start()
        why = _listen(process, heard, take, wanted, timeout, family)
    finally:
        over.set()
        if process.poll() is None:
            end_tree(process.pid)
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=5)
        family.end()
        last = time.monotonic() + AFTER
        for thread in threads:
            if thread.ident is not None:
                thread.join(timeout=max(0.0, last - time.monotonic()))
    if failed:
        raise failed[0]
    said = bytes(tail).decode("utf-8", "replace")
    if not why and process.returncode:
        last_line = next((line.strip() for line in reversed(said.splitlines()) if line.strip()), "")
        why = f"exit code {process.returncode}" + (f": {last_line[:200]}" if last_line else "")
    return why, said


def _listen(
    process: subprocess.Popen[bytes],
    heard: Queue[bytes | None],
    take: Callable[[bytes], int],
    wanted: int,
    timeout: float,
    family: _Family,
) -> str:
    """Take lines until the program has ended; what went wrong where it had to be ended.

    The clock goes back to 0 with a new answer only: a program that prints but does not answer is as good as silent.
    """
    missing, since, gone, late = wanted, time.monotonic(), None, 0
    begun, block = bytearray(), b""
    while True:
        now = time.monotonic()
        limit = since + (timeout if missing else min(timeout, GRACE))
        if gone is not None:  # children of it may hold its stdout open for ever
            limit = min(limit, max(since, gone) + AFTER)
        if now >= limit:
            late += 1  # what was heard in time is still looked at
            if late > BLOCKS or heard.empty():
                break
        family.look()
        if gone is None and process.poll() is not None:
            gone = now
            continue
        try:
            block = heard.get(timeout=min(LOOK, max(0.0, limit - now)))
        except Empty:
            continue
        if block is None:
            break
        before = missing
        *whole, rest = block.split(b"\n")
        for piece in whole:
            missing = take(bytes(begun) + piece + b"\n")
            begun.clear()
        begun += rest
        if len(begun) > LONGEST_LINE:
            return TOO_LONG
        if missing < before:
            since, late = time.monotonic(), 0
    if begun:
        missing = take(bytes(begun))
    if block is not None and gone is None:
        return f"no answer for {timeout:g} s" if missing else NOT_ENDED
    try:
        process.wait(timeout=min(timeout, GRACE))
    except subprocess.TimeoutExpired:
        return NOT_ENDED
    return ""


class _Family:
    """All that a program starts: its group of processes, or, where there are no groups, the children it was seen with.

    A process whose parent has ended is nobody's child any more, so children are remembered while the parent runs.
    """

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.seen: set[Any] = set()
        self.looked = 0.0

    def look(self) -> None:
        """Remember the children there are now; a few times a second at most, for a look costs milliseconds."""
        if GROUPS or time.monotonic() - self.looked < 5 * LOOK:
            return
        import psutil

        self.looked = time.monotonic()
        with suppress(psutil.Error):
            self.seen.update(psutil.Process(self.pid).children(recursive=True))

    def end(self) -> None:
        """End what is left of it; the program itself has ended."""
        if not GROUPS:
            end_all(list(self.seen))
            return
        with suppress(OSError):
            os.killpg(self.pid, signal.SIGTERM)
            last = time.monotonic() + AFTER
            while time.monotonic() < last:
                os.killpg(self.pid, 0)  # raises as soon as nobody is left
                time.sleep(0.02)
            os.killpg(self.pid, signal.SIGKILL)


def _write(stream: IO[bytes], lines: Iterable[bytes], failed: list[BaseException]) -> None:
    try:
        for line in lines:
            stream.write(line)
            stream.flush()  # a program that answers line by line shall not wait for a full buffer
    except OSError:
        pass  # it reads no more; its exit code says why
    except BaseException as problem:
        failed.append(problem)  # of our own making: raised by the caller
    finally:
        with suppress(OSError):
            stream.close()


def _hear(stream: IO[bytes], heard: Queue[bytes | None], over: threading.Event) -> None:
    def put(block: bytes | None) -> None:
        while not over.is_set():
            with suppress(Full):
                return heard.put(block, timeout=LOOK)
        return None

    with stream, suppress(OSError):
        while not over.is_set() and (block := _some(stream)):
            put(block)
    put(None)


def _keep(stream: IO[bytes], tail: bytearray) -> None:
    with stream, suppress(OSError):
        while block := _some(stream):
            tail += block
            del tail[:-TAIL]


def _some(stream: Any) -> bytes:
    return stream.read1(BLOCK)
