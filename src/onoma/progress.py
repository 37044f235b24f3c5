"""Progress of long work: silent in the library, drawn on stderr when a command turns it on."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol, TextIO

__all__ = ["Bar", "JsonLines", "Lines", "Sink", "Terminal", "bar", "done", "say", "step", "use"]


class Sink(Protocol):
    """Where progress goes."""

    def report(self, what: str, done: float, total: float | None, note: str) -> None:
        """One step of `what`; `total` is None where it is not known."""
        ...

    def close(self, what: str) -> None:
        """`what` is over."""
        ...


class Lines:
    """One line every few seconds: for logs and pipes. The first comes when the work has lasted `every` seconds."""

    def __init__(self, stream: TextIO | None = None, every: float = 2.0) -> None:
        self.stream = stream
        self.every = every
        self.last: dict[str, float] = {}

    def report(self, what: str, done: float, total: float | None, note: str) -> None:
        """Write the line when its time has come."""
        now = time.monotonic()
        if now - self.last.setdefault(what, now) < self.every:
            return
        self.last[what] = now
        share = "" if not total else f" {100 * done / total:.0f} %"
        print(f"{what}{share}{': ' + note if note else ''}", file=self.stream or sys.stderr, flush=True)

    def close(self, what: str) -> None:
        """Forget the work."""
        self.last.pop(what, None)


class Terminal:
    """A live bar on stderr, one for each piece of work."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

        self.progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=28),
            TextColumn("{task.percentage:>3.0f} %"),
            TimeElapsedColumn(),
            TextColumn("[dim]{task.fields[note]}"),
            console=Console(stderr=True),
            transient=True,
        )
        self.tasks: dict[str, Any] = {}

    def report(self, what: str, done: float, total: float | None, note: str) -> None:
        """Move the bar."""
        if not self.tasks:
            self.progress.start()
        if what not in self.tasks:
            self.tasks[what] = self.progress.add_task(what, total=total, note=note)
        self.progress.update(self.tasks[what], completed=done, total=total, note=note)

    def close(self, what: str) -> None:
        """Take the bar away."""
        task = self.tasks.pop(what, None)
        if task is not None:
            self.progress.remove_task(task)
        if not self.tasks:
            self.progress.stop()


class JsonLines:
    """One JSON object a step: how a child process tells its parent."""

    def __init__(self, stream: TextIO, every: float = 0.2) -> None:
        self.stream = stream
        self.every = every
        self.last = 0.0

    def report(self, what: str, done: float, total: float | None, note: str) -> None:
        """Write the step unless one was just written."""
        now = time.monotonic()
        if now - self.last >= self.every:
            self.last = now
            self._write({"what": what, "done": done, "total": total, "note": note})

    def close(self, what: str) -> None:
        """Write the end."""
        self._write({"what": what, "closed": True})

    def say(self, text: str) -> None:
        """Write a line for the reader."""
        self._write({"say": text})

    def _write(self, event: dict[str, Any]) -> None:
        print(json.dumps(event), file=self.stream, flush=True)


_sink: Sink | None = None


def use(sink: Sink | None) -> None:
    """Send all progress of this process to `sink`; None silences it."""
    global _sink
    _sink = sink


def say(text: str) -> None:
    """One line to the reader on stderr, above any bar; silent in the library."""
    if _sink is None:
        return
    if isinstance(_sink, Terminal):
        _sink.progress.console.print(text, highlight=False, markup=False)
    else:
        if isinstance(_sink, JsonLines):
            _sink.say(text)
        print(text, file=sys.stderr, flush=True)


def step(what: str, done: float, total: float | None, note: str = "") -> None:
    """Report one step of some work."""
    if _sink is not None:
        _sink.report(what, done, total, note)


def done(what: str) -> None:
    """Report that some work is over."""
    if _sink is not None:
        _sink.close(what)


class Bar:
    """One piece of long work."""

    def __init__(self, what: str, total: float | None) -> None:
        self.what = what
        self.total = total
        self.done = 0.0

    def to(self, done: float, note: str = "") -> None:
        """Set how much is done."""
        self.done = done
        step(self.what, done, self.total, note)

    def add(self, step: float = 1, note: str = "") -> None:
        """Add to how much is done."""
        self.to(self.done + step, note)


@contextmanager
def bar(what: str, total: float | None = None) -> Iterator[Bar]:
    """Progress of `what` for as long as the block runs."""
    work = Bar(what, total)
    work.to(0)
    try:
        yield work
    finally:
        done(what)
