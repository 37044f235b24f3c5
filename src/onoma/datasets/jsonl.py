"""Our own JSON Lines: one document a line, with everything a document holds.

    {"id", "text", "spans": [{"start", "end", "label", "text", "score"?, "fragments"?}],
     "tokens"?: [[start, end], ...], "sentences"?: [[first, last], ...], "meta"?}

Offsets are characters of `text`, sentences are ranges of tokens, all half-open. Each span repeats its own text,
and a line where the two do not agree is refused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TextIO

from onoma.datasets.attached import documents_of
from onoma.datasets.base import ALL, Decision
from onoma.datasets.records import encode, objects, pair, pairs, score, string, whole
from onoma.document import Document, Span, Token, Tokens
from onoma.exceptions import DataError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from onoma.datasets.files import Source

__all__ = ["Jsonl", "document_of", "record_of"]

KEYS = ("id", "text", "spans", "tokens", "sentences", "meta")
ANSWER_KEYS = ("problems", "tags", "raw")
_SPAN_KEYS = ("start", "end", "label", "text", "score", "fragments")


class Jsonl:
    """One JSON object a line; holds every document without loss."""

    name = "jsonl"
    endings = (".jsonl", ".ndjson")
    signs = (frozenset({"id", "text", "spans"}),)
    keeps = ALL

    def decide(self, source: Source) -> Decision:
        """Always the same options: there are none. Raises `DataError` where the first line is no document."""
        _, record = next(iter(objects(source)))
        return Decision("jsonl", {}, f"jsonl: one object a line, the first with {', '.join(record)}")

    def read(self, source: Source) -> Iterator[Document]:
        """The documents, line by line; every `DataError` names file and line."""
        return documents_of(source, lambda record, _: document_of(record, KEYS))

    def write(self, documents: Iterable[Document], handle: TextIO, *, lossy: bool = False) -> None:  # noqa: ARG002
        """Write one line a document."""
        for document in documents:
            handle.write(encode(record_of(document), document.id) + "\n")

    def losses(self, document: Document) -> list[str]:  # noqa: ARG002
        """Nothing is lost."""
        return []


def record_of(document: Document, spans: Iterable[Span] | None = None) -> dict[str, Any]:
    """The JSON object of a document, with other spans where they are given; empty parts are left out."""
    record: dict[str, Any] = {"id": document.id, "text": document.text}
    record["spans"] = [_span_record(document, span) for span in (document.spans if spans is None else spans)]
    if document.tokens:
        record["tokens"] = [list(token) for token in document.tokens]
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


def document_of(record: dict[str, Any], keys: tuple[str, ...]) -> Document:
    """The document of a JSON object; raises `DataError` for missing or unknown keys and offsets that do not fit."""
    unknown = [key for key in record if key not in keys]
    if unknown:
        answer = set(unknown) <= set(ANSWER_KEYS)
        mend = "a file of predictions: use read_predictions" if answer else f"known: {', '.join(keys)}"
        raise DataError(f"unknown key {unknown[0]!r}", mend=mend)
    id, text = string(record, "id"), string(record, "text")
    if not isinstance(record.get("spans"), list):
        raise DataError("key 'spans' is missing" if "spans" not in record else "'spans' is not a list")
    spans = tuple(_span(item, number, text) for number, item in enumerate(record["spans"]))
    tokens = Tokens.of(Token(*bounds) for bounds in pairs(record, "tokens"))
    meta = record.get("meta", {})
    if not isinstance(meta, dict):
        raise DataError("'meta' is not an object")
    return Document(id, text, tokens, tuple(pairs(record, "sentences")), spans, meta)


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
    start, end = whole(item["start"], f"{name}.start"), whole(item["end"], f"{name}.end")
    if not 0 <= start < end <= len(text):
        raise DataError(f"{name} [{start}:{end}] is empty or lies outside the text of {len(text)} characters")
    pieces = item.get("fragments", [])
    if not isinstance(pieces, list):
        raise DataError(f"{name}.fragments is not a list")
    fragments = tuple(pair(piece, f"{name}.fragments") for piece in pieces)
    span = Span(start, end, string(item, "label"), score(item.get("score"), f"{name}.score"), fragments)
    surface = " ".join(text[a:b] for a, b in fragments) if fragments else text[start:end]
    if item["text"] != surface:
        raise DataError(
            f"{name} [{start}:{end}] is {surface[:40]!r} in the text, but says {str(item['text'])[:40]!r}",
            mend="offsets are Unicode code points, end not included",
        )
    return span
