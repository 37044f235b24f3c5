"""JSON objects of a file, one a line or in one array, and their values checked: what all JSON formats share."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from onoma.datasets.files import BLOCK, LONGEST
from onoma.exceptions import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from onoma.datasets.files import Source

__all__ = ["encode", "first_object", "objects", "offset", "pairs", "string", "strings", "whole"]

Record = dict[str, Any]


def objects(source: Source) -> Iterator[tuple[int, Record]]:
    """Line number and object of each JSON object: one a line, or the items of one array laid out in any way.

    Raises `DataError` with file and line for what is no JSON object, and for a file that holds none.
    """
    count = 0
    for line, record in _items(source) if _is_array(source) else _lines(source):
        if not isinstance(record, dict):
            raise DataError(f"a JSON {type(record).__name__}, not an object", path=source.name, line=line)
        count += 1
        yield line, record
    if not count:
        raise DataError("no document in the file", path=source.name)


def first_object(head: list[str]) -> Record | None:
    """The first JSON object of a file with these first lines; None where it does not begin with one, or not whole."""
    text = "\n".join(head).lstrip().removeprefix("[").lstrip()
    if not text.startswith("{"):
        return None
    try:
        record, _ = json.JSONDecoder().raw_decode(text)
    except (ValueError, RecursionError):
        return None
    return record


def _is_array(source: Source) -> bool:
    first = next((line.strip() for line in source.head() if line.strip()), "")
    return first.startswith("[")


def _lines(source: Source) -> Iterator[tuple[int, Any]]:
    for number, line in enumerate(source.lines(), 1):
        if not line.strip():
            continue
        try:
            yield number, json.loads(line, parse_constant=_no_constant)
        except json.JSONDecodeError as error:
            cut = error.pos >= len(line.rstrip())
            what = "ends in the middle of a JSON object" if cut else f"is not JSON: {error.msg} at column {error.colno}"
            raise DataError(f"the line {what}", path=source.name, line=number, mend="one JSON object a line") from None
        except (ValueError, RecursionError) as error:
            raise DataError(f"the line is not JSON: {error}", path=source.name, line=number) from None


def _items(source: Source) -> Iterator[tuple[int, Any]]:
    """The items of a JSON array, with only one of them in memory."""
    decoder = json.JSONDecoder(parse_constant=_no_constant)
    chunks = source.chunks()
    text, at, line = "", 0, 1
    opened = due = False  # inside the array; a comma or its end must follow
    count = 0

    def fail(what: str) -> DataError:
        return DataError(what, path=source.name, line=line, mend="one array of JSON objects, or one object a line")

    while True:
        stop = at
        while stop < len(text) and text[stop] in " \t\r\n":
            stop += 1
        line += text.count("\n", at, stop)
        at = stop
        if at == len(text):
            text, at = next(chunks, ""), 0
            if not text:
                raise fail("ends in the middle of a JSON array")
            continue
        mark = text[at]
        if not opened:
            opened, at = True, at + 1
            continue
        if mark == "]" and (due or not count):
            break
        if mark == ",":
            if not due:
                raise fail("a comma where a JSON object should be")
            due, at = False, at + 1
            continue
        if due:
            raise fail(f"{mark!r} where a comma should be")
        while True:
            try:
                item, end = decoder.raw_decode(text, at)
                break
            except RecursionError as error:
                raise fail(f"is not JSON: {error}") from None
            except ValueError as error:
                more = _more(chunks, max(BLOCK, len(text) - at))
                if not more or len(text) - at > LONGEST:
                    what = error.msg if isinstance(error, json.JSONDecodeError) else str(error)
                    line += text.count("\n", at, getattr(error, "pos", at))
                    raise fail(f"is not JSON: {what}") from None
                text, at = text[at:] + more, 0
        yield line, item
        line += text.count("\n", at, end)
        at, due, count = end, True, count + 1
    left = text[at + 1 :].strip() or next((chunk.strip() for chunk in chunks if chunk.strip()), "")
    if left:
        raise fail(f"text after the array: {left[:20]!r}")


def _more(chunks: Iterator[str], size: int) -> str:
    """At least `size` more characters where there are so many: text doubles, so that an item is parsed few times."""
    found: list[str] = []
    while size > 0:
        chunk = next(chunks, "")
        if not chunk:
            break
        found.append(chunk)
        size -= len(chunk)
    return "".join(found)


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is no JSON number")


def encode(record: Record, id: str) -> str:
    """One line of JSON; raises `DataError` for meta that JSON cannot hold."""
    try:
        return json.dumps(record, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise DataError(f"document {id!r} cannot be written as JSON: {error}") from None


# ---------------------------------------------------------------------- values


def string(record: Record, key: str, what: str | None = None) -> str:
    """A string of a record; raises `DataError` where it is missing, no string, or holds half a surrogate pair."""
    if key not in record:
        raise DataError(f"key {what or key!r} is missing")
    return text_of(record[key], repr(what or key))


def text_of(value: object, what: str) -> str:
    """A value that must be a string of characters."""
    if not isinstance(value, str):
        raise DataError(f"{what} is not a string")
    if not value.isascii():
        try:
            value.encode("utf-8")
        except UnicodeEncodeError as error:
            code = ord(value[error.start])
            raise DataError(f"{what} holds U+{code:04X}, half a surrogate pair and no character") from None
    return value


def strings(record: Record, key: str) -> list[str]:
    """A list of strings of a record; raises `DataError`."""
    if key not in record:
        raise DataError(f"key {key!r} is missing")
    value = record[key]
    if not isinstance(value, list):
        raise DataError(f"{key!r} is not a list")
    return [text_of(item, f"{key}[{number}]") for number, item in enumerate(value)]


def whole(value: object, what: str) -> int:
    """A value that must be a whole number."""
    if type(value) is not int:  # bool is an int to isinstance, and 1.0 equals 1
        raise DataError(f"{what} is {json.dumps(value, default=str)[:40]}, not a whole number")
    return value


def offset(start: object, end: object, size: int, what: str, unit: str = "characters") -> tuple[int, int]:
    """Half-open offsets into a text (or a list of tokens) of that size."""
    first, last = whole(start, f"{what} start"), whole(end, f"{what} end")
    if not 0 <= first < last <= size:
        raise DataError(f"{what} [{first}:{last}] is empty or lies outside the text of {size} {unit}")
    return first, last


def pairs(record: Record, key: str) -> list[tuple[int, int]]:
    """A list of pairs of whole numbers; empty where the key is missing."""
    value = record.get(key, [])
    if not isinstance(value, list):
        raise DataError(f"{key!r} is not a list")
    return [pair(item, f"{key}[{number}]") for number, item in enumerate(value)]


def pair(item: object, what: str) -> tuple[int, int]:
    """A pair of whole numbers."""
    if not isinstance(item, list) or len(item) != 2:
        raise DataError(f"{what} is not a pair [start, end]")
    return whole(item[0], f"{what}[0]"), whole(item[1], f"{what}[1]")
