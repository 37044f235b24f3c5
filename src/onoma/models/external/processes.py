"""Another program fed through a pipe and heard through two, without any of the three ever waiting for another."""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import IO, Any

from onoma.exceptions import ConfigError

__all__ = ["ask", "end_tree"]

TAIL = 8192
"""Bytes of stderr that are kept."""
GRACE = 10.0
"""Seconds that a program which has nothing left to say may take to end."""
NOT_ENDED = "it did not end by itself"


def ask(
    command: list[str],
    lines: Iterable[bytes],
    take: Callable[[bytes], bool],
    *,
    cwd: Path,
    env: dict[str, str],
    timeout: float,
) -> tuple[str, str]:
    """Start a program, write `lines` to its stdin, give each line of its stdout to `take`, and wait for its end.

    `take` says whether there is still something to wait for. Returns what went wrong, in one line without the
    command ("" where the exit code is 0), and the end of its stderr. The program and all it started are ended after
    `timeout` seconds without a line, and where the caller is interrupted. Raises `ConfigError` where it cannot start.
    """
    pipe = subprocess.PIPE
    try:
        process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, cwd=cwd, env=env)
    except (OSError, ValueError) as problem:
        reason = getattr(problem, "strerror", None) or problem
        raise ConfigError(f"external: {command[0]!r} cannot be started: {reason}") from None
    assert process.stdin is not None and process.stdout is not None and process.stderr is not None
    heard: SimpleQueue[bytes | None] = SimpleQueue()
    failed: list[BaseException] = []
    tail = bytearray()
    threads = [
        threading.Thread(target=_write, args=(process.stdin, lines, failed), daemon=True),
        threading.Thread(target=_hear, args=(process.stdout, heard), daemon=True),
        threading.Thread(target=_keep, args=(process.stderr, tail), daemon=True),
    ]
    why = ""
    try:
        for thread in threads:
            thread.start()
        why = _listen(process, heard, take, timeout)
    finally:
        if process.poll() is None:
            end_tree(process.pid)
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=5)
        for thread in threads:
            thread.join(timeout=5)
    if failed:
        raise failed[0]
    said = tail.decode("utf-8", "replace")
    if not why and process.returncode:
        last = next((line.strip() for line in reversed(said.splitlines()) if line.strip()), "")
        why = f"exit code {process.returncode}" + (f": {last[:200]}" if last else "")
    return why, said


def _listen(
    process: subprocess.Popen[bytes],
    heard: SimpleQueue[bytes | None],
    take: Callable[[bytes], bool],
    timeout: float,
) -> str:
    """Take lines until the program has ended; what went wrong where it had to be ended."""
    waiting, last = True, time.monotonic()
    while True:
        limit = timeout if waiting else min(timeout, GRACE)
        try:
            line = heard.get(timeout=max(0.0, last + limit - time.monotonic()))
        except Empty:
            return f"no answer for {timeout:g} s" if waiting else NOT_ENDED
        if line is None:
            break
        waiting, last = take(line), time.monotonic()
    try:
        process.wait(timeout=min(timeout, GRACE))
    except subprocess.TimeoutExpired:
        return NOT_ENDED
    return ""


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


def _hear(stream: IO[bytes], heard: SimpleQueue[bytes | None]) -> None:
    with stream, suppress(OSError):
        for line in stream:
            heard.put(line)
    heard.put(None)


def _keep(stream: IO[bytes], tail: bytearray) -> None:
    with stream, suppress(OSError):
        while block := _some(stream):
            tail += block
            del tail[:-TAIL]


def _some(stream: Any) -> bytes:
    return stream.read1(65536)


def end_tree(pid: int, *, itself: bool = True) -> None:
    """End a process (unless told to spare it) and all that it started: asked first, killed after two seconds."""
    import psutil

    try:
        parent = psutil.Process(pid)
        found = [*parent.children(recursive=True), *([parent] if itself else [])]
    except psutil.Error:
        return
    for process in found:
        with suppress(psutil.Error):
            process.terminate()
    for process in psutil.wait_procs(found, timeout=2)[1]:
        with suppress(psutil.Error):
            process.kill()
