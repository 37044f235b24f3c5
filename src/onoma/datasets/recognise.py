"""Which format a file is in: by what its first lines hold, then by its ending."""

from __future__ import annotations

import json
import re
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

from onoma.datasets import brackets
from onoma.datasets.columns import is_tag
from onoma.datasets.layout import agreement, content, is_mark, separator_of
from onoma.exceptions import UnknownFormatError

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["HEAD", "recognise"]

HEAD = 2000
"""How many lines are looked at."""

_INDEX = re.compile(r"\d+([-.]\d+)?")
_MENTION = re.compile(r"(?<!\\)\[[^\[\]|]*[^\[\]|\\]\|[^\s\[\]|]+\]")


def recognise(head: Sequence[str], path: str | Path, by_ending: str | None) -> str:
    """Name of the format of a file with these first lines; `by_ending` is what its name would say.

    Raises `DataError` where neither says anything.
    """
    rows = content(head)
    first = next((line for line in head if line.strip()), "")
    if by_ending == "jsonl" or _is_object(first):
        return "jsonl"
    if by_ending == "brackets" or any(map(brackets.is_mark, head)):
        return "brackets"
    indexed = _indexed(head)
    if indexed is not None:
        return indexed
    tab = agreement(rows, "\t").columns > 1
    if not tab and any(map(_MENTION.search, rows)):
        return "brackets"
    if by_ending is not None and PurePath(str(path)).suffix.lower() != ".txt":
        return "conll" if by_ending in ("conllu", "iob2") and tab else by_ending
    if any(map(is_mark, head)) or _is_columns(rows):
        return "conll"
    parted = by_ending is not None or any(not line.strip() for line in head)
    if parted and rows and not any(mark in row for row in rows for mark in " \t"):
        return "conll"  # tokens alone
    raise UnknownFormatError(
        "no format recognised: neither JSON Lines nor columns nor brackets",
        path=path,
        mend="name the format",
    )


def _is_object(line: str) -> bool:
    if not line.lstrip().startswith("{"):
        return False
    try:
        return isinstance(json.loads(line), dict)
    except ValueError:
        return '"text"' in line or '"id"' in line


def _indexed(head: Sequence[str]) -> str | None:
    """conllu or iob2 where the lines are those of one, index and all; comments alone do not count."""
    rows = [line.split("\t") for line in head if line.strip() and line[0] != "#"]
    if not rows or not all(_INDEX.fullmatch(row[0]) for row in rows):
        return None
    counts = {len(row) for row in rows}
    if counts == {10}:
        return "conllu"
    comments = any(line.startswith(("# sent_id", "# newdoc", "# text")) for line in head)
    if counts <= {3, 5} and (5 in counts or comments) and all(is_tag(row[2]) for row in rows):
        return "iob2"
    return None


def _is_columns(rows: Sequence[str]) -> bool:
    """Whether lines look like columns: nearly all of one number, and a last column with tags in it, or single words."""
    if not rows:
        return False
    layout = separator_of(rows)
    if layout.columns == 1 or layout.separator == "\t":
        return layout.columns > 1  # running text hardly holds TABs
    last = [row.replace(" ", "\t").rpartition("\t")[2] for row in rows]
    return layout.share > 0.9 and (len(rows) > 3 or all(map(is_tag, last)))
