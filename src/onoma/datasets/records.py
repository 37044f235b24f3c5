"""JSON objects of a file, one a line or in one array, and their values checked: what all JSON formats share."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

from onoma.datasets.files import BLOCK, LONGEST
from onoma.exceptions import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from onoma.datasets.files import Source

__all__ = [
    "encode",
    "first_object",
    "objects",
    "offset",
    "pair",
    "pairs",
    "parsed",
    "score",
    "string",
    "strings",
    "whole",
]

Record = dict[str, Any]
_LINE = "one JSON object a line"
_SEVERAL = "one object over several lines: put it in one line or in an array"


def parsed(text: str) -> Any:
    """The value of a JSON text.

    Raises `ValueError` or `RecursionError` where it is none, and `DataError` for what JSON readers settle in silence: a
    key that comes twice, a number that is not finite.
    """
    return _STRICT.decode(text)


def _object(pairs: list[tuple[str, Any]]) -> Record:
    found = dict(pairs)
    if len(found) == len(pairs):
        return found
    seen: set[str] = set()
    twice = next(key for key, _ in pairs if key in seen or seen.add(key))
    raise DataError(f"an object has the key {twice[:40]!r} twice")


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise DataError(f"{text[:40]} is too large a number")
    return number


def _no_constant(name: str) -> float:
    raise DataError(f"{name} is no JSON number")


_STRICT = json.JSONDecoder(object_pairs_hook=_object, parse_float=_finite, parse_constant=_no_constant)


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
    lines = enumerate(source.lines(), 1)
    for number, line in lines:
        if not line.strip():
            continue
        try:
            yield number, _STRICT.decode(line)
        except json.JSONDecodeError as error:
            cut = error.pos >= len(line.rstrip())
            what = "ends in the middle of a JSON object" if cut else f"is not JSON: {error.msg} at column {error.colno}"
            following = next((text.lstrip() for _, text in lines if text.strip()), "{") if cut else "{"
            mend = _LINE if following[0] == "{" else _SEVERAL
            raise DataError(f"the line {what}", path=source.name, line=number, mend=mend) from None
        except DataError as error:
            raise DataError(error.message, path=source.name, line=number, mend=error.mend) from None
        except (ValueError, RecursionError) as error:
            raise DataError(f"the line is not JSON: {_brief(error)}", path=source.name, line=number) from None


def _items(source: Source) -> Iterator[tuple[int, Any]]:
    """The items of a JSON array, with only one of them in memory."""
    chunks = source.chunks()
    text, at, line = "", 0, 1
    opened = due = False  # inside the array; a comma or its end must follow
    count = 0

    def fail(what: str) -> DataError:
        return DataError(what, path=source.name, line=line, mend="one array of JSON objects, or one object a line")

    def too_long() -> DataError:
        return DataError(f"a JSON value of more than {LONGEST >> 20} MiB", path=source.name, line=line, mend="split it")

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
                item, end = _STRICT.raw_decode(text, at)
                break
            except RecursionError as error:
                raise fail(f"is not JSON: {error}") from None
            except DataError as error:
                raise fail(error.message) from None
            except ValueError as error:
                size = len(text) - at
                more = ""
                if _is_cut(error, len(text)):
                    if size > LONGEST:
                        raise too_long() from None
                    more = _more(chunks, max(BLOCK, min(size, LONGEST + BLOCK - size)))
                if not more:
                    what = error.msg if isinstance(error, json.JSONDecodeError) else _brief(error)
                    line += text.count("\n", at, getattr(error, "pos", at))
                    raise fail(f"is not JSON: {what}") from None
                text, at = text[at:] + more, 0
        if end - at > LONGEST:
            raise too_long()
        yield line, item
        line += text.count("\n", at, end)
        at, due, count = end, True, count + 1
    left = text[at + 1 :].strip() or next((chunk.strip() for chunk in chunks if chunk.strip()), "")
    if left:
        raise fail(f"text after the array: {left[:20]!r}")


def _brief(error: Exception) -> str:
    """What is wrong, without advice for programmers."""
    return str(error).partition(":")[0]


def _is_cut(error: ValueError, size: int) -> bool:
    """Whether more text might mend it: the fault is at the end, or in a string that has none."""
    return isinstance(error, json.JSONDecodeError) and (error.msg.startswith("Unterminated") or error.pos + 64 > size)


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


def encode(record: Record, id: str) -> str:
    """One line of JSON; raises `DataError` that names the document for meta that JSON cannot hold."""
    try:
        line = json.dumps(record, ensure_ascii=False, allow_nan=False)
        if not line.isascii():
            line.encode("utf-8")
    except UnicodeEncodeError as error:
        code = ord(error.object[error.start])
        raise DataError(f"document {id!r} holds U+{code:04X}, half a surrogate pair and no character") from None
    except (TypeError, ValueError, RecursionError) as error:
        raise DataError(f"document {id!r} cannot be written as JSON: {error}") from None
    return line


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


def score(value: object, what: str) -> float | None:
    """A finite number, or None; raises `DataError` for anything else, truth values and numbers too large included."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise DataError(f"{what} is {json.dumps(value, default=str)[:40]}, not a number")
    try:
        number = float(value)
    except OverflowError:
        raise DataError(f"{what} is too large a number") from None
    if not math.isfinite(number):
        raise DataError(f"{what} is {number}, not a finite number")
    return number


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
