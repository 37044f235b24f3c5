"""Word vectors from text files: GloVe, word2vec text, fastText `.vec`, gzipped or not."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from onoma import progress
from onoma.exceptions import DataError

__all__ = ["Vectors", "read_vectors"]

GZIP = b"\x1f\x8b"
MEND = "vectors are UTF-8 text, one word a line: word v1 .. vn"


@dataclass(frozen=True)
class Vectors:
    """Words in the order of the file, and their vectors `table` [words, width]."""

    words: tuple[str, ...]
    table: NDArray[np.float32]


def read_vectors(path: Path, wanted: Collection[str], limit: int, fold: Callable[[str], str] = str) -> Vectors:
    """The vectors of `wanted` words and of the first `limit` others, under the names that `fold` gives them.

    Where words of the file are the same after `fold`, the one that `fold` leaves as it is counts, else the first. A
    first line of two whole numbers is a header (word2vec, fastText); the width is that of the header or of the first
    vector. A word may hold spaces (as some of GloVe do). Raises `DataError` naming file and line for a line of another
    width, what is no finite number or no UTF-8, fewer words than the header says, and a file without vectors. Numbers
    of lines that are not kept are not checked.
    """
    try:
        with path.open("rb") as plain, progress.bar("vectors: reading") as bar:
            zipped = plain.peek(2)[:2] == GZIP
            with gzip.GzipFile(fileobj=plain) if zipped else plain as lines:
                return _collect(_Lines(path, lines, bar), frozenset(wanted), limit, fold)
    except (OSError, EOFError, zlib.error) as problem:
        reason = getattr(problem, "strerror", None) or problem
        raise DataError(f"cannot be read: {reason}", path=path) from problem


def _collect(lines: _Lines, wanted: Collection[str], limit: int, fold: Callable[[str], str]) -> Vectors:
    rows: dict[str, NDArray[np.float32]] = {}
    exact: set[str] = set()
    others = 0
    for line in lines:
        written = lines.word(line)
        word = fold(written)
        if word in rows and (word in exact or word != written):
            continue
        if word not in rows and word not in wanted:
            if others >= limit:
                continue
            others += 1
        if word == written:
            exact.add(word)
        rows[word] = lines.numbers(line)
    lines.check()
    table = np.stack(list(rows.values())) if rows else np.zeros((0, lines.width), np.float32)
    return Vectors(tuple(rows), table)


class _Lines:
    """The lines of a file that hold vectors, as bytes: text would split at marks that words may hold."""

    def __init__(self, path: Path, lines: Iterator[bytes], bar: progress.Bar) -> None:
        self.path = path
        self.lines = lines
        self.bar = bar
        self.width = 0
        self.promised: int | None = None
        self.number = 0
        self.found = 0

    def __iter__(self) -> Iterator[bytes]:
        for line in self.lines:
            self.number += 1
            if self.number % 10_000 == 0:
                self.bar.to(self.number, f"{self.number:,} lines")
            fields = line.split() if self.width == 0 else ()
            if self.number == 1 and len(fields) == 2 and all(field.isdigit() for field in fields):
                self.promised, self.width = int(fields[0]), int(fields[1])
            elif line.strip():
                if self.width == 0:
                    self.width = len(fields) - 1
                if self.width < 1:
                    raise self._bad("holds no vector")
                self.found += 1
                yield line

    def word(self, line: bytes) -> str:
        """The word of a line: all before the last `width` numbers."""
        fields = line.rsplit(None, self.width)
        if len(fields) != self.width + 1:
            raise self._bad(f"{len(fields) - 1} numbers, not {self.width}")
        if len(spaced := fields[0].rsplit(None, 1)) == 2 and _is_number(spaced[1]):
            raise self._bad(f"{len(line.split()) - 1} numbers, not {self.width}")
        try:
            return fields[0].decode("utf-8")
        except UnicodeDecodeError:
            raise self._bad("the word is no UTF-8") from None

    def numbers(self, line: bytes) -> NDArray[np.float32]:
        """The vector of a line, [width]."""
        fields = line.rsplit(None, self.width)[1:]
        try:
            vector = np.array(list(map(float, fields)), dtype=np.float32)
        except ValueError:
            bad = next(field for field in fields if not _is_number(field))
            raise self._bad(f"{bad[:40].decode('utf-8', 'replace')!r} is no number") from None
        if not np.isfinite(vector).all():
            raise self._bad("a number is not finite")
        return vector

    def check(self) -> None:
        """Raise `DataError` where vectors are missing."""
        if not self.found:
            raise DataError("holds no vectors", path=self.path, mend=MEND)
        if self.promised is not None and self.found < self.promised:
            raise DataError(
                f"ends after {self.found:,} of the {self.promised:,} words that its first line names", path=self.path
            )

    def _bad(self, what: str) -> DataError:
        return DataError(what, path=self.path, line=self.number, mend=MEND)


def _is_number(text: bytes) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
