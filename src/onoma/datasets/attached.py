"""What a file knows beyond the document model: kept in `meta` under the format's name, found again when written.

    meta["brat"] = {"spans": [{"start", "end", "label", "fragments"?, "keeps": {"id": "T1"}}, ...], "lines": [...]}

What belongs to a span is found by position and label, never by number, so that it stays right where spans were added,
dropped or reordered between reading and writing.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Mapping
from itertools import count
from typing import TYPE_CHECKING, Any

from onoma.datasets.records import objects, text_of
from onoma.document import Document
from onoma.exceptions import DataError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from onoma.datasets.files import Source
    from onoma.document import Span

__all__ = [
    "Attached",
    "attach",
    "distinct",
    "documents_of",
    "foreign",
    "identity",
    "number_or_text",
    "other_meta",
    "part",
    "ranges",
    "row_meta",
    "span_line",
    "surplus",
]

Record = dict[str, Any]
_DIGITS = 15
"""Ids of more digits stay strings: JavaScript reads larger numbers wrong."""
_SHOWN = 30
"""Characters of a span's text that a message shows."""


def attach(spans: Iterable[tuple[Span, Record]]) -> list[Record]:
    """The entries of `meta[NAME]["spans"]`: spans with what is to be kept; spans with nothing are left out."""
    entries: list[Record] = []
    for span, keeps in spans:
        if keeps:
            entry: Record = {"start": span.start, "end": span.end, "label": span.label}
            if span.fragments:
                entry["fragments"] = [list(piece) for piece in span.fragments]
            entries.append({**entry, "keeps": keeps})
    return entries


def surplus(document: Document, name: str) -> Record:
    """What a format's reader kept; empty where it kept nothing. Raises `DataError` where that is no mapping."""
    found = document.meta.get(name, {})
    if not isinstance(found, Mapping):
        raise foreign(document, name)
    return dict(found)


def part(document: Document, name: str, key: str, kind: type[Any]) -> Any:
    """One entry of `surplus`, an empty one where there is none; raises `DataError` where it is of another type."""
    found = surplus(document, name).get(key)
    if found is None:
        return kind()
    if not isinstance(found, kind):
        raise foreign(document, name)
    return found


def ranges(document: Document, name: str, key: str) -> dict[tuple[int, int], Record]:
    """What was kept with character ranges, entries of `{"start", "end", "keeps"}`; raises `DataError` for others."""
    try:
        return {(item["start"], item["end"]): dict(item["keeps"]) for item in part(document, name, key, list)}
    except (KeyError, TypeError, ValueError):
        raise foreign(document, name) from None


def foreign(document: Document, name: str) -> DataError:
    """The error for a document whose `meta` has something else under a format's name."""
    return DataError(
        f"document {document.id!r}: meta[{name!r}] is not what the reader of {name} keeps there", mend="rename the key"
    )


def span_line(document: Document, span: Span, why: str) -> str:
    """One line about a span: its label, its characters, the first 30 of its text, and what is said of it."""
    pieces = span.fragments or ((span.start, span.end),)  # cut before they are joined: a text may be long
    shown = " ".join(document.text[start : min(end, start + _SHOWN)] for start, end in pieces[:_SHOWN])[:_SHOWN]
    return f"span {span.label} [{span.start}:{span.end}] {shown!r} {why}"


class Attached:
    """What a reader kept with the spans of one document; each entry is taken once."""

    def __init__(self, document: Document, name: str) -> None:
        self._kept: dict[tuple[Any, ...], deque[Record]] = defaultdict(deque)
        self.all: list[Record] = []
        for entry in part(document, name, "spans", list):
            try:
                pieces = tuple((start, end) for start, end in entry.get("fragments", ()))
                key = (entry["start"], entry["end"], entry["label"], pieces)
                keeps = dict(entry["keeps"])
                self._kept[key].append(keeps)
            except (AttributeError, KeyError, TypeError, ValueError):
                raise foreign(document, name) from None
            self.all.append(keeps)

    def take(self, span: Span) -> Record:
        """What was kept with this span, empty where nothing was."""
        found = self._kept.get((span.start, span.end, span.label, span.fragments))
        return found.popleft() if found else {}


# ---------------------------------------------------------------------- rows of JSON


def documents_of(source: Source, build: Callable[[Record, int], Document | None]) -> Iterator[Document]:
    """The documents that `build` makes of each JSON object and its number from 1; None skips one.

    Every `DataError` gets file and line; an id that comes twice is one.
    """
    numbers = count(1)

    def fault(message: str, line: int | None = None, mend: str | None = None) -> DataError:
        return DataError(message, path=source.name, line=line, mend=mend)

    return distinct(objects(source), lambda record, _: build(record, next(numbers)), fault)


def distinct(
    records: Iterable[tuple[int, Record]],
    build: Callable[[Record, int], Document | None],
    fault: Callable[[str, int | None, str | None], DataError],
    unit: str = "line",
) -> Iterator[Document]:
    """The documents that `build` makes of records and where they stand (a number of lines or other units); None skips.

    `fault` makes the error that names file and place of message, number and mend; an id that comes twice is one, too.
    """
    seen: dict[str, int] = {}
    for number, record in records:
        try:
            document = build(record, number)
            if document is None:
                continue
            if document.id in seen:
                raise DataError(f"document id {document.id!r} stands already in {unit} {seen[document.id]}")
        except DataError as error:
            raise fault(error.message, number, error.mend) from None
        seen[document.id] = number
        yield document


def identity(record: Record, number: int, key: str = "id") -> str:
    """The id of a row: a string, a whole number as its digits, or the row's number where it has none."""
    value = record.get(key)
    if value is None:
        return str(number)
    if type(value) is int and len(str(value)) <= _DIGITS:
        return str(value)
    return text_of(value, repr(key))


def number_or_text(id: str) -> int | str:
    """An id as tools write it: a JSON number where it is one in plain digits."""
    plain = id.isascii() and id.isdigit() and len(id) <= _DIGITS and (id == "0" or id[0] != "0")
    return int(id) if plain else id


def row_meta(record: Record, name: str, kept: Record) -> Record:
    """A document's meta: the row's own `meta` object beside what the format keeps under its name.

    Raises `DataError` where the row's object has that name in it.
    """
    own = record.get("meta")
    meta: Record = dict(own) if isinstance(own, dict) else {}
    if name in meta:
        raise DataError(f"'meta' has the key {name!r}, which is kept for the format", mend="rename it")
    kept = {key: value for key, value in kept.items() if value}
    return {**meta, name: kept} if kept else meta


def other_meta(document: Document, name: str, into: Record) -> None:
    """Put a document's meta but the format's own into a row as its `meta`; raises `DataError` where that is taken."""
    meta = {key: value for key, value in document.meta.items() if key != name}
    if meta and "meta" in into:
        raise DataError(f"document {document.id!r}: its row has a 'meta' already, and the document has more of it")
    if meta:
        into["meta"] = meta
