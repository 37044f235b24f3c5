"""Our own JSON Lines: one document a line, with everything a document holds.

    {"id", "text", "spans": [{"start", "end", "label", "text", "score"?, "fragments"?}],
     "tokens"?: [[start, end], ...], "sentences"?: [[first, last], ...], "meta"?}

Offsets are characters of `text`, sentences are ranges of tokens, all half-open. Each span repeats its own text,
and a line where the two do not agree is refused.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, TextIO

from onoma.datasets.base import Decision
from onoma.document import Document, Span, Token
from onoma.exceptions import DataError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

__all__ = ["Jsonl", "document_of", "objects", "record_of"]

KEYS = ("id", "text", "spans", "tokens", "sentences", "meta")
ANSWER_KEYS = ("problems", "tags", "raw")
_SPAN_KEYS = ("start", "end", "label", "text", "score", "fragments")


class Jsonl:
    """One JSON object a line; holds every document without loss."""

    name = "jsonl"
    endings = (".jsonl", ".ndjson")

    def decide(self, lines: Iterable[str], path: str | Path) -> Decision:
        """Always the same options: there are none. Raises `DataError` where the first line is no document."""
        _, record = next(iter(objects(lines, path)))
        return Decision("jsonl", {}, f"jsonl: one object a line, the first with {', '.join(record)}")

    def read(self, lines: Iterable[str], path: str | Path) -> Iterator[Document]:
        """The documents, line by line; every `DataError` names file and line."""
        seen: dict[str, int] = {}
        for line, record in objects(lines, path):
            try:
                document = document_of(record, KEYS)
                if document.id in seen:
                    raise DataError(f"document id {document.id!r} stands already in line {seen[document.id]}")
            except DataError as error:
                raise DataError(error.message, path=path, line=line, mend=error.mend) from None
            seen[document.id] = line
            yield document

    def write(self, documents: Iterable[Document], handle: TextIO, *, lossy: bool = False) -> None:  # noqa: ARG002
        """Write one line a document."""
        for document in documents:
            handle.write(encode(record_of(document), document.id) + "\n")

    def losses(self, document: Document) -> list[str]:  # noqa: ARG002
        """Nothing is lost."""
        return []


def encode(record: dict[str, Any], id: str) -> str:
    """One line of JSON; raises `DataError` for meta that JSON cannot hold."""
    try:
        return json.dumps(record, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise DataError(f"document {id!r} cannot be written as JSON: {error}") from None


def record_of(document: Document, spans: Iterable[Span] | None = None) -> dict[str, Any]:
    """The JSON object of a document, with other spans where they are given; empty parts are left out."""
    record: dict[str, Any] = {"id": document.id, "text": document.text}
    record["spans"] = [_span_record(document, span) for span in (document.spans if spans is None else spans)]
    if document.tokens:
        record["tokens"] = [[token.start, token.end] for token in document.tokens]
        record["sentences"] = [list(bounds) for bounds in document.sentences]
    if document.meta:
        record["meta"] = dict(document.meta)
    return record


def _span_record(document: Document, span: Span) -> dict[str, Any]:
    if span.end > len(document.text):
        raise DataError(
            f"document {document.id!r}: span [{span.start}:{span.end}] lies outside the text of "
            f"{len(document.text)} characters"
        )
    record: dict[str, Any] = {"start": span.start, "end": span.end, "label": span.label}
    record["text"] = document.surface(span)
    if span.score is not None:
        record["score"] = float(span.score)
    if span.fragments:
        record["fragments"] = [list(piece) for piece in span.fragments]
    return record


# ---------------------------------------------------------------------- reading


def objects(lines: Iterable[str], path: str | Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Line number and object of each line that is not blank; raises `DataError` where there is none."""
    number = count = 0
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            record = json.loads(line, parse_constant=_no_constant)
        except json.JSONDecodeError as error:
            cut = error.pos >= len(line.rstrip())
            what = "ends in the middle of a JSON object" if cut else f"is not JSON: {error.msg} at column {error.colno}"
            raise DataError(f"the line {what}", path=path, line=number, mend="one JSON object a line") from None
        except (ValueError, RecursionError) as error:
            raise DataError(f"the line is not JSON: {error}", path=path, line=number) from None
        if not isinstance(record, dict):
            raise DataError(f"a JSON {type(record).__name__}, not an object", path=path, line=number)
        count += 1
        yield number, record
    if not count:
        raise DataError("no document in the file", path=path)


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is no JSON number")


def document_of(record: dict[str, Any], keys: tuple[str, ...]) -> Document:
    """The document of a JSON object; raises `DataError` for missing or unknown keys and offsets that do not fit."""
    unknown = [key for key in record if key not in keys]
    if unknown:
        answer = set(unknown) <= set(ANSWER_KEYS)
        mend = "a file of predictions: use read_predictions" if answer else f"known: {', '.join(keys)}"
        raise DataError(f"unknown key {unknown[0]!r}", mend=mend)
    id, text = _string(record, "id"), _string(record, "text")
    if not isinstance(record.get("spans"), list):
        raise DataError("key 'spans' is missing" if "spans" not in record else "'spans' is not a list")
    spans = tuple(_span(item, number, text) for number, item in enumerate(record["spans"]))
    tokens = tuple(Token(*pair) for pair in _pairs(record, "tokens"))
    meta = record.get("meta", {})
    if not isinstance(meta, dict):
        raise DataError("'meta' is not an object")
    return Document(id, text, tokens, tuple(_pairs(record, "sentences")), spans, meta)


def _string(record: dict[str, Any], key: str) -> str:
    if key not in record:
        raise DataError(f"key {key!r} is missing")
    value = record[key]
    if not isinstance(value, str):
        raise DataError(f"{key!r} is not a string")
    if not value.isascii():
        _no_surrogates(value, key)
    return value


def _no_surrogates(value: str, key: str) -> None:
    try:
        value.encode("utf-8")
    except UnicodeEncodeError as error:
        code = ord(value[error.start])
        raise DataError(f"{key!r} holds U+{code:04X}, half a surrogate pair and no character") from None


def _whole(value: object, what: str) -> int:
    if type(value) is not int:  # bool is an int to isinstance, and 1.0 equals 1
        raise DataError(f"{what} is {json.dumps(value)[:40]}, not a whole number")
    return value


def _pairs(record: dict[str, Any], key: str) -> list[tuple[int, int]]:
    value = record.get(key, [])
    if not isinstance(value, list):
        raise DataError(f"{key!r} is not a list")
    return [_pair(item, f"{key}[{number}]") for number, item in enumerate(value)]


def _pair(item: object, what: str) -> tuple[int, int]:
    if not isinstance(item, list) or len(item) != 2:
        raise DataError(f"{what} is not a pair [start, end]")
    return _whole(item[0], f"{what}[0]"), _whole(item[1], f"{what}[1]")


def _span(item: object, number: int, text: str) -> Span:
    name = f"spans[{number}]"
    if not isinstance(item, dict):
        raise DataError(f"{name} is not an object")
    for key in item:
        if key not in _SPAN_KEYS:
            raise DataError(f"{name} has the unknown key {key!r}", mend=f"known: {', '.join(_SPAN_KEYS)}")
    for key in _SPAN_KEYS[:4]:
        if key not in item:
            raise DataError(f"{name} has no key {key!r}")
    start, end = _whole(item["start"], f"{name}.start"), _whole(item["end"], f"{name}.end")
    if not 0 <= start < end <= len(text):
        raise DataError(f"{name} [{start}:{end}] is empty or lies outside the text of {len(text)} characters")
    pieces = item.get("fragments", [])
    if not isinstance(pieces, list):
        raise DataError(f"{name}.fragments is not a list")
    fragments = tuple(_pair(piece, f"{name}.fragments") for piece in pieces)
    span = Span(start, end, _string(item, "label"), _score(item.get("score"), name), fragments)
    surface = " ".join(text[a:b] for a, b in fragments) if fragments else text[start:end]
    if item["text"] != surface:
        raise DataError(
            f"{name} [{start}:{end}] is {surface[:40]!r} in the text, but says {str(item['text'])[:40]!r}",
            mend="offsets are Unicode code points, end not included",
        )
    return span


def _score(value: object, name: str) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise DataError(f"{name}.score is {json.dumps(value)[:40]}, not a number")
    return float(value)
