"""Which format a file is in: by what its first lines hold, then by its ending."""

from __future__ import annotations

import re
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from onoma.datasets import brackets
from onoma.datasets.columns import check_line_ends, is_tag
from onoma.datasets.files import PEEK
from onoma.datasets.layout import agreement, content, is_mark, separator_of
from onoma.datasets.records import first_object, objects
from onoma.exceptions import DataError, UnknownFormatError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from onoma.datasets.base import Format
    from onoma.datasets.files import Source

__all__ = ["recognise"]

_INDEX = re.compile(r"\d+([-.]\d+)?")
_MENTION = re.compile(r"(?<!\\)\[[^\[\]|]*[^\[\]|\\]\|[^\s\[\]|]+\]")
_XML = re.compile(r"\s*<(\?xml|documents|doc)[\s>]")
_JSON = re.compile(r'\[?\s*\{\s*("[^"]*"\s*:|\}|\Z)')
"""How a JSON object or an array of them begins; what else begins with a bracket may be columns or brackets."""
_PACKED = {
    b"PK\x03\x04": "a zip archive",
    b"\x1f\x8b": "a gzip file",
    b"BZh": "a bzip2 file",
    b"\xfd7zXZ": "an xz file",
}


def recognise(source: Source, by_ending: str | None, formats: Mapping[str, Format]) -> str:
    """Name of the format of a file; `by_ending` is what its name would say, `formats` are all there are.

    Raises `DataError` where neither its content nor its name says anything.
    """
    if source.is_folder:
        return _of_folder(source, formats)
    if by_ending is not None and getattr(formats[by_ending], "binary", False):
        return by_ending
    start = source.start()
    for mark, what in _PACKED.items():
        if start.startswith(mark):
            raise DataError(f"is {what}", path=source.name, mend="unpack it first")
    head = source.head()
    record, fault = _first(head, source)
    if record is not None:
        signed = [
            (len(sign), name)
            for name, format in formats.items()
            for sign in getattr(format, "signs", ())
            if sign <= record.keys()
        ]
        if signed:
            most = max(size for size, _ in signed)
            return next(name for size, name in signed if size == most)
    try:
        return _of_lines(head, source, by_ending, is_record=record is not None)
    except UnknownFormatError:
        if fault is not None:
            raise fault from None
        check_line_ends(head, source.name, alone=b"\n" not in source.start(PEEK))
        raise


def _first(head: Sequence[str], source: Source) -> tuple[Mapping[str, Any] | None, DataError | None]:
    """The first JSON object of a file that begins like one, or what is wrong with it.

    Raises `DataError` where the file can be nothing but JSON.
    """
    record = first_object(list(head))
    text = "\n".join(head[:100]).lstrip()
    if record is not None or not text.startswith(("{", "[")):
        return record, None
    try:
        return next(iter(objects(source.kept())))[1], None  # longer than the head
    except DataError as error:
        if _JSON.match(text):
            raise
        return None, error


def _of_folder(source: Source, formats: Mapping[str, Format]) -> str:
    assert source.path is not None
    for name, format in formats.items():
        claims = getattr(format, "claims_folder", None)
        if claims is not None and claims(source.path):
            return name
    raise DataError(
        "is a directory", path=source.name, mend="name a file in it, or the format: per_type and brat read folders"
    )


def _of_lines(head: Sequence[str], source: Source, by_ending: str | None, *, is_record: bool) -> str:
    rows = content(head)
    first = next((line for line in head if line.strip()), "")
    if by_ending == "jsonl" or is_record or (first.lstrip().startswith("{") and ('"text"' in first or '"id"' in first)):
        return "jsonl"
    if by_ending in ("brackets", "xml"):
        return by_ending
    if _XML.match(first.lstrip("\ufeff")):
        return "xml"
    indexed = _indexed(head)
    if indexed is not None:
        return indexed
    tab = agreement(rows, "\t").columns > 1
    if not tab and not _is_tagged(rows) and (any(map(brackets.is_mark, head)) or any(map(_MENTION.search, rows))):
        return "brackets"
    if by_ending is not None and PurePath(str(source.name)).suffix.lower() != ".txt":
        return "conll" if by_ending in ("conllu", "iob2") and tab else by_ending
    if any(map(is_mark, head)) or _is_columns(rows):
        return "conll"
    parted = by_ending is not None or any(not line.strip() for line in head)
    if parted and rows and not any(mark in row for row in rows for mark in " \t"):
        return "conll"  # tokens alone
    raise UnknownFormatError(
        "no format recognised: neither JSON nor columns nor brackets", path=source.name, mend="name the format"
    )


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


def _is_tagged(rows: Sequence[str]) -> bool:
    """Whether every line is of several fields, the last of them a tag."""
    fields = [row.split() for row in rows]
    return bool(rows) and all(len(each) > 1 and is_tag(each[-1]) for each in fields)


def _is_columns(rows: Sequence[str]) -> bool:
    """Whether lines look like columns: nearly all of one number, and a last column with tags in it, or single words."""
    if not rows:
        return False
    layout = separator_of(rows)
    if layout.columns == 1 or layout.separator == "\t":
        return layout.columns > 1  # running text hardly holds TABs
    last = [row.replace(" ", "\t").rpartition("\t")[2] for row in rows]
    return layout.share > 0.9 and (len(rows) > 3 or all(map(is_tag, last)))
