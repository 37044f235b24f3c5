"""Which separator, which columns and which scheme a column file has: sniffed over all of its lines."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from onoma.datasets.columns import is_tag
from onoma.exceptions import ConfigError, DataError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

__all__ = [
    "SEPARATORS",
    "Layout",
    "TagColumn",
    "agreement",
    "separator_of",
    "splitter",
    "tag_column",
    "token_column",
]

SEPARATORS = {"tab": "\t", "space": " ", "spaces": "spaces"}
_NAMES = {"\t": "one TAB", " ": "one blank", "spaces": "runs of blanks"}
Rows = Sequence[Sequence[Sequence[str]]]
"""The fields of each line of each sentence."""

_RUNS = re.compile(r"[ \t]+")
MARK = "-DOCSTART-"


@dataclass(frozen=True)
class Layout:
    """Separator, number of columns, and share of lines that have so many."""

    separator: str
    columns: int
    share: float

    @property
    def name(self) -> str:
        """The separator in words."""
        return _NAMES.get(self.separator, repr(self.separator))


def splitter(separator: str) -> Callable[[str], list[str]]:
    """The function that splits a line at exactly this separator."""
    if separator == "spaces":
        return lambda line: _RUNS.split(line.rstrip(" \t"))
    return lambda line: line.split(separator)


def is_mark(line: str) -> bool:
    """Whether a line opens a document: `-DOCSTART-` as its first field, whatever the separator."""
    return line.startswith(MARK) and (len(line) == len(MARK) or line[len(MARK)].isspace())


def looks_comment(line: str) -> bool:
    """Whether a line may be a comment; a token line may look so too."""
    return line.startswith("# ") or line == "#"


def content(lines: Sequence[str]) -> list[str]:
    """The lines that can only be token lines."""
    lines = [line for line in lines if line.strip() and not is_mark(line)]
    return [line for line in lines if not looks_comment(line)] or lines


def separator_of(lines: Sequence[str], separator: str | None = None) -> Layout:
    """The separator under which most lines agree on their number of columns, or the one given."""
    rows = content(lines)
    if separator is not None:
        separator = SEPARATORS.get(separator, separator)
        if not separator:
            raise ConfigError("the separator is empty: one of tab, space, spaces, or the text itself")
        return agreement(rows, separator)
    tab, single = agreement(rows, "\t"), agreement(rows, " ")
    if tab.columns > 1 and tab.share >= 0.5:
        return tab
    if single.columns > 1 and single.share == 1.0:
        return single
    runs = agreement(rows, "spaces")
    best = runs if runs.columns > 1 and runs.share > single.share else single
    return best if best.columns > 1 else Layout("\t", 1, tab.share)


def agreement(rows: Sequence[str], separator: str) -> Layout:
    """The commonest number of columns under a separator and the share of lines that have it."""
    if not rows:
        return Layout(separator, 1, 1.0)
    if separator == "spaces":
        counts = Counter(len(_RUNS.findall(row.rstrip(" \t"))) for row in rows)
    else:
        counts = Counter(row.count(separator) for row in rows)
    breaks, count = max(counts.items(), key=lambda item: (item[1], item[0]))
    return Layout(separator, breaks + 1, count / len(rows))


# ---------------------------------------------------------------------- columns


def token_column(sentences: Rows, columns: int, tags: int | None) -> int:
    """The first column, or the second where the first is a running index from 0 or 1 in every sentence."""
    if columns < 2 or tags == 1 or not any(len(rows) > 1 for rows in sentences):
        return 0
    base = sentences[0][0][0]
    if base not in ("0", "1"):
        return 0
    first = int(base)
    running = all(row[0] == str(index) for rows in sentences for index, row in enumerate(rows, first))
    return 1 if running else 0


@dataclass(frozen=True)
class TagColumn:
    """The column of the tags, or None; other columns that could be it; whether the tags are bare labels."""

    column: int | None
    others: tuple[int, ...] = ()
    plain: bool = False


def tag_column(sentences: Rows, columns: int, path: str | Path, line: int) -> TagColumn:
    """The last column whose values are all tags.

    A later column that is nearly all tags is taken for the tag column with a slip in it, and the slip is
    reported: silently falling back to another column would read chunks for names. Raises `DataError` with `line`,
    the first of a token.
    """
    if columns < 2 or not sentences:
        return TagColumn(None)
    found: list[int] = []
    for column in range(columns - 1, 0, -1):
        values = Counter(row[column] for rows in sentences for row in rows)
        total = sum(values.values())
        good = sum(count for value, count in values.items() if is_tag(value))
        if good == total:
            found.append(column)
            continue
        if found:
            continue
        real = any(value != "O" and is_tag(value) for value in values)
        if values["O"] > total / 2 and not real and _bare(values):
            return TagColumn(column, plain=True)
        if good >= total / 2:
            return TagColumn(column)  # the reader names the first value that is no tag
    if found:
        return TagColumn(found[0], tuple(found[:0:-1]))
    raise DataError(
        f"none of {columns} columns holds tags such as 'O' and 'B-PER'",
        path=path,
        line=line,
        mend="name tag_column, or tag_column=-1 with scheme='plain' for labels without prefix",
    )


def _bare(values: Counter[str]) -> bool:
    """Whether some values could be labels without prefix: words of several characters, repeated."""
    labels = [value for value in values if value != "O"]
    return all(len(label) > 2 and label.strip() and label[0].isalpha() for label in labels) and len(labels) < 200
