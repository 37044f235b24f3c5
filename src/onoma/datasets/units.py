"""From the rows of a column file to documents: whole blocks as arrays, one look at Python objects a sentence."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from onoma.datasets.columns import check_tag
from onoma.datasets.rows import GAP, Integers, Rows, Table
from onoma.document import Document, Span, Tokens
from onoma.exceptions import DataError
from onoma.schemes import OUTSIDE, Repair, Scheme, role_of, split_tag

__all__ = ["TagCodes", "documents", "line_of"]


def line_of(rows: Rows, tag: str) -> int:
    """The line where a tag stands first."""
    return rows.line + int(rows.other[rows.tags.index(tag)])


class TagCodes:
    """A number for each tag of a file, in order of appearance: 0 is a gap, 1 is O."""

    def __init__(self, path: str | Path) -> None:
        self.path = path
        self.names = [GAP, OUTSIDE]
        self._codes = {GAP: 0, OUTSIDE: 1}

    def of(self, rows: Rows) -> Integers:
        """The codes of some rows; raises `DataError` with the line of the first value that is no tag."""
        if rows.codes is None:
            if not self._codes.keys() >= set(rows.tags):
                self._learn(rows)
            codes = (rows.lengths >= 0).astype(np.int64)
            codes[rows.other] = np.fromiter(map(self._codes.__getitem__, rows.tags), np.int64, len(rows.tags))
            rows.codes = codes
        return rows.codes

    def _learn(self, rows: Rows) -> None:
        for tag in dict.fromkeys(rows.tags):
            if tag not in self._codes:
                check_tag(tag, self.path, line_of(rows, tag), mend="mend it, or name tag_column or scheme='plain'")
                self._codes[tag] = len(self.names)
                self.names.append(tag)

    def pairs(self, tables: Iterable[Integers]) -> Counter[tuple[str, str]]:
        """How often each tag follows each other one in some blocks; a sentence's edges count as O."""
        found: Counter[tuple[str, str]] = Counter()
        for codes in tables:
            size = len(self.names)
            padded = np.concatenate(([0], codes, [0]))
            counts = np.bincount(padded[:-1] * size + padded[1:], minlength=size * size)
            for pair in np.flatnonzero(counts):
                before, after = divmod(int(pair), size)
                if before or after:
                    found[self.names[before] or OUTSIDE, self.names[after] or OUTSIDE] += int(counts[pair])
        return found

    def roles(self, scheme: Scheme) -> tuple[Integers, Integers, list[str]]:
        """For each code its role (0 outside, 1 B, 2 I, 3 E, 4 S), the number of its label, and the labels."""
        roles, numbers, labels = [0, 0], [-1, -1], dict[str, int]()
        for tag in self.names[2:]:
            label = split_tag(tag)[1]
            roles.append("OBIES".index(role_of(scheme, tag)))
            numbers.append(labels.setdefault(label, len(labels)))
        return np.array(roles), np.array(numbers), list(labels)


@dataclass(slots=True)
class _Open:
    """The document that is being read: its parts so far, one each block it stands in."""

    id: str
    line: int
    texts: list[str] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)
    bounds: list[tuple[int, int]] = field(default_factory=list)
    starts: list[bytes] = field(default_factory=list)
    ends: list[bytes] = field(default_factory=list)
    spans: list[Span] = field(default_factory=list)
    size: int = 0
    count: int = 0


def documents(
    table: Table, codes: TagCodes, scheme: Scheme, repair: Repair, *, marked: bool, keep_tags: bool = False
) -> Iterator[Document]:
    """The documents of a file in turn; where none is `marked`, each sentence is one.

    Ids are the file's, else running numbers. `keep_tags` keeps the tags as they were read in `meta["tags"]`. Raises
    `DataError` where an id comes twice.
    """
    seen: dict[str, int] = {}

    def made(unit: _Open) -> Document:
        id = unit.id or str(len(seen) + 1)
        if id in seen:
            message = f"document id {id!r} stands already in line {seen[id]}"
            raise DataError(message, path=table.source.name, line=unit.line)
        seen[id] = unit.line
        tokens = Tokens.from_bytes(b"".join(unit.starts), b"".join(unit.ends)) if unit.texts else Tokens()
        meta = {"tags": tuple(unit.tags)} if keep_tags else {}
        return Document(id, " ".join(unit.texts), tokens, tuple(unit.bounds), tuple(unit.spans), meta)

    unit = _Open("", 1)
    opened = before = False  # whether a mark opened the present document; whether sentences stand before the first one
    for rows in table:
        block = _Block(rows, codes, scheme, repair, table.source.name)
        marks = rows.marks
        waiting: list[tuple[int, int]] = []  # sentences of the present document
        at = 0
        for end in block.gaps:
            if end > at:
                if marked:
                    waiting.append((at, end))
                    before = before or not opened
                else:
                    unit = _Open("", rows.line + at)
                    block.take(unit, [(at, end)], keep_tags)
                    yield made(unit)
            if end in marks:
                block.take(unit, waiting, keep_tags)
                waiting = []
                if opened or unit.texts:
                    yield made(unit)
                unit, opened = _Open(marks[end], rows.line + end), True
            at = end + 1
        block.take(unit, waiting, keep_tags)
    if marked and (unit.texts or unit.id or not before):  # else marks stand between documents: the last closes the file
        yield made(unit)


class _Block:
    """The rows of a block as arrays: where its words stand in a text of words and blanks, and its mentions."""

    def __init__(self, rows: Rows, codes: TagCodes, scheme: Scheme, repair: Repair, path: str | Path) -> None:
        self.rows = rows
        found = self.codes = codes.of(rows)
        self.size = len(found)
        self.gaps: list[int] = [*np.flatnonzero(found == 0).tolist(), self.size]
        self.names = codes.names
        self.ends = np.cumsum(rows.lengths + 1) - 1  # a gap is neither a word nor a blank
        self.starts = self.ends - rows.lengths
        firsts, lasts, labels = self._mentions(codes, found, scheme, repair)
        left, right = self.starts[firsts], self.ends[lasts]
        if (left == right).any():
            at = int(np.flatnonzero(left == right)[0])
            raise DataError(
                f"a mention of {labels[at]} is nothing but empty tokens", path=path, line=rows.line + int(firsts[at])
            )
        self.firsts: list[int] = firsts.tolist()
        self.places = list(zip(left.tolist(), right.tolist(), labels, strict=True))
        self.next = 0

    def _mentions(
        self, codes: TagCodes, found: Integers, scheme: Scheme, repair: Repair
    ) -> tuple[Integers, Integers, list[str]]:
        """First and last row of each mention, and its label."""
        if repair != "conlleval":
            return self._by_sentence(scheme, repair)
        roles, numbers, labels = codes.roles(scheme)
        role, label = roles[found], numbers[found]
        inside = role > 0
        goes_on = np.zeros(self.size + 1, bool)  # whether a row continues the mention of the row before
        np.logical_and(inside[1:], inside[:-1], out=goes_on[1:-1])
        goes_on[1:-1] &= (label[1:] == label[:-1]) & (role[1:] != 1) & (role[1:] != 4) & (role[:-1] < 3)
        firsts = np.flatnonzero(inside & ~goes_on[:-1])
        lasts = np.flatnonzero(inside & ~goes_on[1:])
        return firsts, lasts, [labels[number] for number in label[firsts].tolist()]

    def _by_sentence(self, scheme: Scheme, repair: Repair) -> tuple[Integers, Integers, list[str]]:
        firsts, lasts, labels = list[int](), list[int](), list[str]()
        at = 0
        for end in self.gaps:
            for start, stop, label in scheme.spans(self.tags(at, end), repair) if end > at else ():
                firsts.append(at + start)
                lasts.append(at + stop - 1)
                labels.append(label)
            at = end + 1
        return np.array(firsts, np.int64), np.array(lasts, np.int64), labels

    def tags(self, at: int, end: int) -> list[str]:
        """The tags of rows [at, end) as they stand in the file."""
        names = self.names
        return [names[code] for code in self.codes[at:end].tolist()]

    def take(self, unit: _Open, sentences: Sequence[tuple[int, int]], keep_tags: bool) -> None:
        """Add sentences, as ranges of rows in a row, to a document."""
        if not sentences:
            return
        first, bounds = unit.count, unit.bounds
        for at, end in sentences:
            bounds.append((first, first := first + end - at))
            if keep_tags:
                unit.tags += self.tags(at, end)
        unit.count = first
        at, end = sentences[0][0], sentences[-1][1]
        starts, ends = self.starts[at:end], self.ends[at:end]
        shift = unit.size - int(starts[0])
        unit.texts.append(self.rows.text[int(starts[0]) : int(ends[-1])])
        unit.size = int(ends[-1]) + shift + 1
        if len(sentences) > 1:
            tokens = self.codes[at:end] > 0
            starts, ends = starts[tokens], ends[tokens]
        unit.starts.append((starts + shift).tobytes())
        unit.ends.append((ends + shift).tobytes())
        number, stop = self.next, bisect_left(self.firsts, end, self.next)
        self.next = stop
        if number < stop:
            unit.spans += [Span.known(a + shift, b + shift, label) for a, b, label in self.places[number:stop]]
