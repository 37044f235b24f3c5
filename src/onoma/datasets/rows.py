"""Column files a block at a time: each line becomes one row of a word and a tag, at the speed of a split.

A block is one array of characters: where columns and lines end is found for all lines at once. Lines that are no token
(blank, comments, document marks) stay as rows, so that a row's place in its block is its line in the file.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from onoma.datasets.columns import is_tag
from onoma.datasets.files import LONGEST
from onoma.datasets.layout import MARK, Layout, is_mark, looks_comment, splitter
from onoma.exceptions import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from onoma.datasets.files import Source

__all__ = ["GAP", "OPENS", "Columns", "Rows", "Table", "by_line", "parts", "rows_of"]

Integers = NDArray[np.int64]

GAP = ""
"""The tag of a row that is no token."""
OPENS = "\n"
"""How the word of a row begins that opens a document; its id, if any, follows."""

_BLANK = re.compile(r"\n[^\S\n]+(?=\n)")
KEPT = 24 << 20
"""Characters of a file whose rows are kept for a second look; larger files are split again."""


@dataclass(frozen=True)
class Columns:
    """Which columns are looked at, from 0; `tags` is None where the file has none, `plain` for tags without prefix."""

    layout: Layout
    words: int
    tags: int | None
    plain: bool = False


@dataclass(slots=True)
class Rows:
    """The rows of some lines, the first of which is line `line` of the file, as arrays.

    `text` is all words with one blank after each; `lengths` has each word's in characters, -1 where the row is a gap.
    `other` are the rows whose tag is not O, `tags` those tags. `marks` are the gaps that open a document, with its id
    ("" where it has none). `codes` is filled in once the tags are known: 0 for a gap, 1 for O.
    """

    line: int
    text: str
    lengths: Integers
    other: Integers
    tags: list[str]
    marks: dict[int, str]
    codes: Integers | None = None


class Table:
    """A file's rows under some columns, to be gone through as often as needed."""

    def __init__(self, source: Source, columns: Columns) -> None:
        self.source = source
        self.columns = columns
        self._kept: list[Rows] | None = None

    def __iter__(self) -> Iterator[Rows]:
        if self._kept is not None:
            yield from self._kept
            return
        kept: list[Rows] | None = []
        size = 0
        for line, text in parts(self.source):
            rows = rows_of(line, text, self.columns, self.source.name)
            size += len(text)
            if size > KEPT:
                kept = None
            elif kept is not None:
                kept.append(rows)
            yield rows
        self._kept = kept


def parts(source: Source) -> Iterator[tuple[int, str]]:
    """The text in pieces that end where a sentence does, each with the line it begins in; no line of only blanks.

    Raises `DataError` for a sentence of more than 64 MiB.
    """
    rest, line = "", 1
    waiting: list[str] = []
    size = 0
    for block in source.blocks():
        waiting.append(block)
        size += len(block)
        if size < len(rest):
            continue  # a long sentence is looked at again only when it has doubled
        # The newline before lets the pattern see a blank first line; it does not stay.
        text = _BLANK.sub("\n", "".join(("\n", rest, *waiting)))[1:]
        waiting, size = [], 0
        cut = text.rfind("\n\n") + 1
        if not cut:
            rest = text
            _refuse_endless(rest, source.name, line)
            continue
        piece, rest = text[:cut], text[cut:]
        yield line, piece
        line += piece.count("\n")
    rest = _BLANK.sub("\n", "".join(("\n", rest, *waiting)))[1:] if waiting else rest
    if rest.strip():
        if "\n\n" not in rest:
            _refuse_endless(rest, source.name, line)
        yield line, rest if rest.endswith("\n") else rest + "\n"


def _refuse_endless(text: str, path: str | Path, line: int) -> None:
    if len(text) > LONGEST:
        line += len(text) - len(text.lstrip("\n"))
        raise DataError(f"a sentence of more than {LONGEST >> 20} MiB: no blank line ends it", path=path, line=line)


def rows_of(line: int, text: str, columns: Columns, path: str | Path) -> Rows:
    """The rows of some whole lines; raises `DataError` with the line whose number of columns is another."""
    rows = None
    if columns.layout.separator != "spaces" and not _may_comment(text):
        rows = _at_once(line, text, columns)
    if rows is None:
        rows = _of_lists(line, *by_line(line, text, columns, path))
    if columns.plain:
        rows.tags[:] = [f"I-{tag}" for tag in rows.tags]
    return rows


def _may_comment(text: str) -> bool:
    if "\n#" not in text and text[0] != "#":
        return False
    return "\n# " in text or "\n#\n" in text or text.startswith(("# ", "#\n"))


def _at_once(line: int, text: str, columns: Columns) -> Rows | None:
    """All lines as one array of characters, or None where a line is not as expected."""
    separator, count = columns.layout.separator, columns.layout.columns
    code = "latin-1" if text.isascii() else "utf-32-le"
    chars = np.frombuffer(text.encode(code), np.uint8 if code == "latin-1" else np.dtype("<u4"))
    cuts = np.flatnonzero((chars == 10) | (chars == ord(separator)))
    closing = np.flatnonzero(chars[cuts] == 10)  # the cut that ends each line
    ends = cuts[closing]
    begins = np.concatenate(([0], ends[:-1] + 1))
    gap = ends == begins
    if (np.diff(closing, prepend=-1)[~gap] != count).any():
        return None
    marks = _marks(text, begins)
    if marks is None:
        return None
    gap[list(marks)] = True
    token = np.flatnonzero(~gap)
    first = closing[token] - count + 1  # the first cut of each line

    def field(column: int) -> tuple[Integers, Integers]:
        return (cuts[first + column - 1] + 1 if column else begins[token]), cuts[first + column]

    begin, end = field(columns.words)
    sizes = end - begin
    lengths = np.full(len(gap), -1)
    lengths[token] = sizes
    other, tags = token[:0], list[str]()
    if columns.tags is not None:
        tag_begin, tag_end = field(columns.tags)
        if (tag_begin == tag_end).any():
            return None  # an empty field where a tag should be
        odd = np.flatnonzero((tag_end - tag_begin > 1) | (chars[tag_begin] != ord("O")))
        places = zip(tag_begin[odd].tolist(), tag_end[odd].tolist(), strict=True)
        other, tags = token[odd], [text[a:b] for a, b in places]
    inside = np.zeros(len(chars) + 1, np.int8)
    inside[begin] = 1
    inside[end + 1] -= 1  # the separator after a word becomes its blank
    words = chars[np.cumsum(inside[:-1], dtype=np.int8).view(bool)]
    words[np.cumsum(sizes + 1) - 1] = 32
    return Rows(line, words.tobytes().decode(code), lengths, other, tags, marks)


def _marks(text: str, begins: Integers) -> dict[int, str] | None:
    """The rows that open a document, or None where a token only begins like a mark."""
    found: dict[int, str] = {}
    at = text.find(MARK)
    while at >= 0:
        row = int(np.searchsorted(begins, at, side="right")) - 1
        if begins[row] == at:
            if not text[at + len(MARK)].isspace():
                return None
            found[row] = ""
        at = text.find(MARK, at + 1)
    return found


def _of_lists(line: int, words: list[str], tags: list[str]) -> Rows:
    """Rows from a word and a tag for each line."""
    gaps = np.array([tag == GAP for tag in tags], bool)
    lengths = np.fromiter(map(len, words), np.int64, len(words))
    lengths[gaps] = -1
    text = "".join([f"{word} " for word, tag in zip(words, tags, strict=True) if tag != GAP])
    other = [row for row, tag in enumerate(tags) if tag not in (GAP, "O")]
    marks = {row: words[row][1:] for row in np.flatnonzero(gaps).tolist() if words[row]}
    return Rows(line, text, lengths, np.array(other, np.int64), [tags[row] for row in other], marks)


def by_line(line: int, text: str, columns: Columns, path: str | Path) -> tuple[list[str], list[str]]:
    """A word and a tag for each line: for comments, runs of blanks as separators, and lines that do not fit.

    Gaps have the tag `GAP`; those that open a document have the word `OPENS` and its id.
    """
    layout = columns.layout
    split, count = splitter(layout.separator), layout.columns
    words: list[str] = []
    tags: list[str] = []
    inside = False
    for number, row in enumerate(text[:-1].split("\n"), line):
        word, tag = "", GAP
        if not row.strip():
            inside = False
        elif row[0] == "-" and is_mark(row):
            word, inside = OPENS, False
        else:
            fields = split(row)
            if row[0] == "#" and not inside and _is_comment(row, fields, count):
                word = OPENS + _id(row) if row.startswith("# newdoc") else ""
            elif len(fields) != count:
                raise DataError(
                    f"{len(fields)} column(s) separated by {layout.name}, expected {count}",
                    path=path,
                    line=number,
                    mend="mend the line, or name the separator",
                )
            else:
                word, inside = fields[columns.words], True
                tag = "O" if columns.tags is None else fields[columns.tags]
                if tag == GAP:
                    raise DataError("the tag is empty", path=path, line=number, mend="mend it, or name tag_column")
        words.append(word)
        tags.append(tag)
    return words, tags


def _is_comment(row: str, fields: Sequence[str], count: int) -> bool:
    """Whether a line that begins with # at a sentence's start is a comment; a token may begin so too."""
    if not looks_comment(row):
        return False
    return " " in row if count == 1 else len(fields) != count or not any(map(is_tag, fields[1:]))


def _id(row: str) -> str:
    return row.partition("=")[2].strip()
