"""Column files a block at a time: each line becomes one row of a word and a tag, at the speed of a split.

A block is split once at the separator, not line by line. Lines that are no token (blank, comments, document marks)
stay as rows with the tag "" (`GAP`), so that a row's place in its block is its line in the file.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from onoma.datasets.columns import is_tag
from onoma.datasets.files import LONGEST
from onoma.datasets.layout import MARK, Layout, is_mark, looks_comment, splitter
from onoma.exceptions import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from onoma.datasets.files import Source

__all__ = ["GAP", "OPENS", "Columns", "Rows", "Table", "parts", "rows_of"]

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
    """The rows of some lines, the first of which is line `line` of the file; `marks` are those that open a document.

    `codes` is an array of one number a row, 0 for a gap and 1 for O, once a `TagCodes` has seen the tags.
    """

    line: int
    words: list[str]
    tags: list[str]
    marks: list[int]
    codes: Any = None


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
            if len(rest) > LONGEST:
                raise DataError(
                    f"a sentence of more than {LONGEST >> 20} MiB: no blank line ends it", path=source.name, line=line
                )
            continue
        piece, rest = text[:cut], text[cut:]
        yield line, piece
        line += piece.count("\n")
    rest = _BLANK.sub("\n", "".join(("\n", rest, *waiting)))[1:] if waiting else rest
    if rest.strip():
        yield line, rest if rest.endswith("\n") else rest + "\n"


def rows_of(line: int, text: str, columns: Columns, path: str | Path, *, by_line: bool = False) -> Rows:
    """The rows of some whole lines; raises `DataError` with the line whose number of columns is another."""
    layout = columns.layout
    count, separator = layout.columns, layout.separator
    rows = None
    if separator != "spaces" and not by_line and not _may_comment(text):
        rows = _split(line, text, separator, count, columns)
    if rows is None:
        rows = _by_line(line, text, columns, path)
    if columns.plain:
        rows.tags[:] = [tag if tag in (GAP, "O") else f"I-{tag}" for tag in rows.tags]
    return rows


def _may_comment(text: str) -> bool:
    if "\n#" not in text and text[0] != "#":
        return False
    return "\n# " in text or "\n#\n" in text or text.startswith(("# ", "#\n"))


def _split(line: int, text: str, separator: str, count: int, columns: Columns) -> Rows | None:
    """All lines at once, or None where not every line has as many columns."""
    lines, size = text.count("\n"), len(text)
    marks = text.count("\n" + MARK) + text.startswith(MARK)
    if count == 1:
        if separator in text:
            return None
        fields = heads = text[:-1].split("\n")
        blanks = 0
    else:
        # A blank line becomes a row of empty fields; done twice, for blank lines in a row share their newlines.
        empty = separator * (count - 1)
        text = text.replace("\n\n", f"\n{empty}\n").replace("\n\n", f"\n{empty}\n")
        if text[0] == "\n":
            text = empty + text
        blanks = (len(text) - size) // len(empty)
        text = text[:-1].replace("\n", f"{separator}\n")
        fields = text.split(separator)
        joined = "".join(fields[::count])
        if len(fields) != count * lines or joined.count("\n") != lines - 1:
            return None  # some line has another number of columns
        heads = joined.split("\n")
    words = heads if not columns.words else fields[columns.words :: count]
    if columns.tags is None:
        tags = ["O" if word else GAP for word in words]
    else:
        tags = fields[columns.tags :: count] if columns.tags else list(heads)
    if count > 1 and tags.count(GAP) != blanks:
        return None  # an empty field where a token stands
    found: list[int] = []
    if marks:
        at = -1
        for _ in range(heads.count(MARK)):
            at = heads.index(MARK, at + 1)
            found.append(at)
        if len(found) != marks:
            return None  # a mark with other separators, or a token that only begins like one
        for at in found:
            words[at], tags[at] = OPENS, GAP
    return Rows(line, words, tags, found)


def _by_line(line: int, text: str, columns: Columns, path: str | Path) -> Rows:
    """Line by line: for comments, runs of blanks as separators, and lines that do not fit."""
    layout = columns.layout
    split, count = splitter(layout.separator), layout.columns
    words: list[str] = []
    tags: list[str] = []
    marks: list[int] = []
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
        if tag == GAP and word:
            marks.append(len(words))
        words.append(word)
        tags.append(tag)
    return Rows(line, words, tags, marks)


def _is_comment(row: str, fields: Sequence[str], count: int) -> bool:
    """Whether a line that begins with # at a sentence's start is a comment; a token may begin so too."""
    if not looks_comment(row):
        return False
    return " " in row if count == 1 else len(fields) != count or not any(map(is_tag, fields[1:]))


def _id(row: str) -> str:
    return row.partition("=")[2].strip()
