"""Reading a million tokens of CoNLL columns against a loop that only splits each line, and the memory a stream takes.

Ours finds out separator, columns and scheme over the whole file and ends with documents: text, token offsets,
sentences, spans. The loop splits every line and keeps nothing; a second one keeps word and tag of each sentence. Peak
memory is that of a process that streams the file and keeps nothing, beside that of one that only imports.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from common import measure, record, repeats

import onoma
from onoma import datasets
from onoma.datasets import catalog

STREAM = """
import sys, threading, time, psutil
from onoma import datasets
import onoma.datasets.conll
process, peak = psutil.Process(), 0
def watch():
    global peak
    while True:
        peak = max(peak, process.memory_info().rss)
        time.sleep(0.002)
threading.Thread(target=watch, daemon=True).start()
words = sum(len(document.tokens) for path in sys.argv[1:] for document in datasets.stream(path))
time.sleep(0.05)
print(words, peak)
"""


def split_loop(path: Path) -> None:
    """Split each line, keep nothing."""
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            line.split()


def sentence_loop(path: Path) -> list[list[tuple[str, str]]]:
    """Split each line, keep word and tag by sentence."""
    sentences: list[list[tuple[str, str]]] = [[]]
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            fields = line.split()
            if fields:
                sentences[-1].append((fields[0], fields[-1]))
            else:
                sentences.append([])
    return sentences


def peak_memory(*files: Path) -> tuple[int, float]:
    """Words streamed by a process of its own, and its peak memory in MB."""
    done = subprocess.run(
        [sys.executable, "-c", STREAM, *map(os.fspath, files)], capture_output=True, text=True, check=True
    )
    words, peak = done.stdout.split()
    return int(words), int(peak) / 1e6


def main() -> None:
    """Read."""
    times = repeats(7)
    text = catalog.resolve("conll2003:train").path.read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as folder:
        path, large = Path(folder) / "million.conll", Path(folder) / "ten-million.conll"
        path.write_text(text * 5, encoding="utf-8", newline="\n")
        large.write_text(text * 50, encoding="utf-8", newline="\n")
        variants: dict[str, Callable[[], Any]] = {
            "loop that splits each line": lambda: split_loop(path),
            "loop that keeps word and tag": lambda: sentence_loop(path),
            "onoma.read": lambda: onoma.read(path),
            "onoma stream, nothing kept": lambda: sum(1 for _ in datasets.stream(path)),
        }
        seconds = measure(variants, times)
        median = {name: statistics.median(each) for name, each in seconds.items()}
        (_, idle), (few, small), (many, huge) = peak_memory(), peak_memory(path), peak_memory(large)
        bare = median["loop that splits each line"]
        record(
            "reading",
            f"reading {few:,} tokens in four columns, {path.stat().st_size / 1e6:.0f} MB",
            seconds,
            ours="onoma.read",
            peers=("loop that splits each line", "loop that keeps word and tag"),
            packages=("numpy",),
            times_the_bare_loop={name: median[name] / bare for name in variants},
            stream_peak_mb={"nothing read": idle, f"{few:,} tokens": small, f"{many:,} tokens": huge},
        )


if __name__ == "__main__":
    main()
