"""GENIA-style JSON lines: one sentence an object, with its tokens and a list of mentions that may nest.

    {"tokens": [...], "doc_id", "sent_id", "entity_mentions": [{"start", "end", "entity_type", "text"}]}

Mentions are half-open ranges of tokens, and `text` is their tokens joined by one blank. Consecutive sentences of one
`doc_id` are one document. The layout in which nested GENIA (Kim et al. 2003) is passed on by Yan et al. (2023).
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, TextIO

from onoma.datasets.base import Decision, refuse
from onoma.datasets.nested import Place, text_losses, token_spans
from onoma.datasets.records import encode, objects, offset, string, strings
from onoma.datasets.sentence_rows import Row, documents, extras, name_of, unique
from onoma.exceptions import DataError
from onoma.schemes import TokenSpan

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from onoma.datasets.files import Source
    from onoma.document import Document

__all__ = ["Genia"]

_log = logging.getLogger("onoma")
_KEYS = ("tokens", "doc_id", "entity_mentions")
_MENTION_KEYS = frozenset({"start", "end", "entity_type", "text"})


class Genia:
    """One sentence an object. Scores, other meta than `sentences` and the blanks between tokens are not kept."""

    name = "genia"
    endings = (".jsonlines",)
    needs_tokens = True
    keeps = frozenset({"ids", "tokens", "meta:sentences"})
    signs = (frozenset({"tokens", "entity_mentions"}), frozenset({"tokens", "doc_id", "sent_id", "entity_mentions"}))

    def decide(self, source: Source) -> Decision:
        """Always the same options: there are none. Raises `DataError` where the first object is no sentence."""
        line, record = next(iter(objects(source)))
        _sentence(line, record, Place(source.name), set())
        grouped = "sentences of one doc_id are one document" if "doc_id" in record else "no doc_id: one a sentence"
        return Decision("genia", {}, f"genia: one sentence an object, {grouped}")

    def read(self, source: Source) -> Iterator[Document]:
        """The documents in turn; every `DataError` names file and line."""
        place = Place(source.name)
        unknown: set[str] = set()
        yield from documents((_sentence(line, record, place, unknown) for line, record in objects(source)), place)
        if unknown:
            names = ", ".join(sorted(unknown))
            _log.warning("%s: what the mentions hold beside span and type is not kept: %s", source.name, names)

    def write(self, documents: Iterable[Document], handle: TextIO, *, lossy: bool = False) -> None:
        """Write one object a sentence; a document without any is one object without tokens."""
        for document in unique(documents):
            if not lossy:
                refuse(self.name, document, self.losses(document))
            spans, _ = token_spans(document)
            bounds = document.sentences or ((0, 0),)
            more = extras(document, _KEYS)
            for number, (first, last) in enumerate(bounds):
                words = document.words[first:last]
                record: dict[str, Any] = {"tokens": words, "doc_id": document.id}
                record["sent_id"] = more[number].pop("sent_id", f"{document.id}-{number}")
                record["entity_mentions"] = [
                    {"start": start, "end": end, "entity_type": label, "text": " ".join(words[start:end])}
                    for start, end, label in (spans[number] if spans else ())
                ]
                handle.write(encode({**record, **more[number]}, document.id) + "\n")

    def losses(self, document: Document) -> list[str]:
        """Text outside tokens, and spans that are no row of whole tokens of one sentence."""
        return text_losses(document) + token_spans(document)[1]


def _sentence(line: int, record: dict[str, Any], place: Place, unknown: set[str]) -> Row:
    """One object's sentence; keys of mentions that are not kept go to `unknown`."""
    try:
        words = strings(record, "tokens")
        mentions = record.get("entity_mentions")
        if not isinstance(mentions, list):
            missing = "entity_mentions" not in record
            raise DataError("key 'entity_mentions' is missing" if missing else "'entity_mentions' is not a list")
        spans = [_mention(item, f"entity_mentions[{number}]", words) for number, item in enumerate(mentions)]
        for item in mentions:
            unknown.update(item.keys() - _MENTION_KEYS)
        id = name_of(record, "doc_id")
        extra = {key: value for key, value in record.items() if key not in _KEYS}
        if id is None:
            return Row(line, words, spans, id=name_of(record, "sent_id"), extra=extra)
        return Row(line, words, spans, id=id, joins=True, extra=extra)
    except DataError as error:
        raise place.error(error.message, line, error.mend) from None


def _mention(item: object, name: str, words: list[str]) -> TokenSpan:
    if not isinstance(item, dict):
        raise DataError(f"{name} is not an object")
    start, end = offset(item.get("start"), item.get("end"), len(words), name, "tokens")
    label = string(item, "entity_type", f"{name}.entity_type")
    if not label:
        raise DataError(f"{name}.entity_type is empty")
    surface = " ".join(words[start:end])
    if item.get("text", surface) != surface:
        raise DataError(
            f"{name} [{start}:{end}] is {surface[:40]!r} in the tokens, but says {str(item['text'])[:40]!r}",
            mend="offsets count tokens, end not included",
        )
    if not any(words[start:end]):
        raise DataError(f"{name} [{start}:{end}] is nothing but empty tokens")
    return TokenSpan(start, end, label)
