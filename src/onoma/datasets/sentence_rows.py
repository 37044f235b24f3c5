"""Rows of one sentence each, joined into documents: what the formats with a sentence an object share.

What else stands in a row is kept in `meta["sentences"]`, one mapping a sentence, and written back from there.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from onoma.datasets.nested import document_of
from onoma.datasets.records import text_of
from onoma.exceptions import DataError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from onoma.datasets.nested import Place
    from onoma.document import Document
    from onoma.schemes import TokenSpan

__all__ = ["Row", "documents", "extras", "name_of", "unique"]

META = "sentences"

_log = logging.getLogger("onoma")


@dataclass
class Row:
    """One sentence: its number in the file, words, spans in tokens, and what else stands in the row.

    `joins` says that `id` is a document's: the rows after it with the same one belong to it.
    """

    number: int
    words: Sequence[str]
    spans: Sequence[TokenSpan] = ()
    tags: Sequence[str] = ()
    id: str | None = None
    joins: bool = False
    extra: Mapping[str, Any] = field(default_factory=dict)


def documents(rows: Iterable[Row], place: Place, *, keep_tags: bool = False) -> Iterator[Document]:
    """The documents in turn; a row without id is a document under a running number.

    Raises `DataError` for an id that comes again later.
    """
    seen: dict[str, int] = {}
    waiting: list[Row] = []
    empty = 0
    for row in rows:
        if waiting and row.joins and waiting[0].joins and row.id == waiting[0].id:
            waiting.append(row)
            continue
        if waiting:
            yield _document(waiting, place, keep_tags)
            empty += _empty(waiting)
        if row.id is None:
            row.id = str(len(seen) + 1)
        if row.id in seen:
            message = f"document id {row.id!r} stands already in {place.unit} {seen[row.id]}"
            mend = "the sentences of one document follow each other" if row.joins else None
            raise place.error(message, row.number, mend)
        seen[row.id] = row.number
        waiting = [row]
    if waiting:
        yield _document(waiting, place, keep_tags)
        empty += _empty(waiting)
    if empty:
        _log.warning("%s: %d sentence(s) without tokens left out", place.path, empty)


def _empty(rows: list[Row]) -> int:
    return sum(not row.words for row in rows) if len(rows) > 1 else 0


def _document(rows: list[Row], place: Place, keep_tags: bool) -> Document:
    full = [row for row in rows if row.words] or rows[:1]
    meta: dict[str, Any] = {}
    if any(row.extra for row in full):
        meta[META] = [dict(row.extra) for row in full]
    if keep_tags:
        meta["tags"] = tuple(tag for row in full for tag in row.tags)
    try:
        return document_of(rows[0].id or "", ((row.words, row.spans) for row in full), meta)
    except DataError as error:
        raise place.error(error.message, rows[0].number, error.mend) from None


def name_of(record: Mapping[str, Any], key: str) -> str | None:
    """An id of a record, as a string; None where it is missing or null. Raises `DataError` for other values."""
    value = record.get(key)
    if value is None:
        return None
    if type(value) is int:
        return str(value)
    if not isinstance(value, str):
        raise DataError(f"{key!r} is neither a string nor a whole number")
    return text_of(value, repr(key))


# ---------------------------------------------------------------------- writing


def extras(document: Document, taken: Collection[str]) -> list[dict[str, Any]]:
    """For each sentence (or for a document without any) what else its row holds, less the keys that are taken."""
    size = max(len(document.sentences), 1)
    kept = document.meta.get(META)
    if not isinstance(kept, list) or len(kept) != size or not all(isinstance(item, dict) for item in kept):
        return [{} for _ in range(size)]
    return [{key: value for key, value in item.items() if key not in taken} for item in kept]


def unique(documents: Iterable[Document]) -> Iterator[Document]:
    """The documents in turn; raises `DataError` for an id that comes twice, which would join two documents."""
    seen: set[str] = set()
    for document in documents:
        if document.id in seen:
            raise DataError(f"document id {document.id!r} comes twice", mend="give each document an id of its own")
        seen.add(document.id)
        yield document
