"""Prodigy's JSON Lines: one task a line, with the annotator's answer.

    {"text", "spans": [{"start", "end", "label", "token_start"?, "token_end"?}], "tokens"?: [{"text", "start", "end",
     "id", "ws"}], "meta"?, "answer"?: "accept" | "reject" | "ignore", "_input_hash"?, ...}

Offsets are code points, end not included; `token_end` is the number of the last token, which **is** included. Only
accepted tasks (and tasks nobody answered) are gold. `meta` is the document's; keys of Prodigy's own are kept under
`meta["prodigy"]` and written back.
"""

from __future__ import annotations

import logging
from collections import Counter
from typing import TYPE_CHECKING, Any, ClassVar, TextIO

from onoma.datasets.attached import (
    Attached,
    attach,
    documents_of,
    identity,
    other_meta,
    part,
    ranges,
    row_meta,
    span_line,
)
from onoma.datasets.base import Decision, refuse
from onoma.datasets.records import encode, objects, offset, pairs, score, string, whole
from onoma.document import Document, Span, Token, Tokens
from onoma.exceptions import ConfigError, DataError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from onoma.datasets.files import Source

__all__ = ["Prodigy"]

_log = logging.getLogger("onoma")
ANSWERS = ("accept", "reject", "ignore")
_TOKEN_KEYS = ("text", "start", "end", "id")
_SPAN_KEYS = ("start", "end", "label", "text", "score", "token_start", "token_end")
_KEYS = ("id", "text", "spans", "tokens", "_sentences")


class Prodigy:
    """Tasks with spans and tokens. Discontinuous spans are not held; sentences stand under `_sentences`."""

    name = "prodigy"
    endings: tuple[str, ...] = ()
    suffix = ".jsonl"
    keeps: ClassVar[frozenset[str]] = frozenset({"ids", "scores", "tokens", "meta"})
    signs = (
        frozenset({"text", "spans"}),
        frozenset({"text", "spans", "answer"}),
        frozenset({"id", "text", "spans", "answer"}),
        frozenset({"text", "_input_hash", "_task_hash"}),
        frozenset({"id", "text", "spans", "_input_hash", "_task_hash"}),
    )

    def decide(self, source: Source, *, answers: str | Sequence[str] = "accept") -> Decision:
        """Which answers are read."""
        wanted = _wanted(answers)
        _, record = next(iter(objects(source)))
        how = "with" if record.get("tokens") else "without"
        return Decision("prodigy", {}, f"prodigy: a task a line, {how} tokens; read are: {', '.join(wanted)}")

    def read(self, source: Source, *, answers: str | Sequence[str] = "accept") -> Iterator[Document]:
        """The documents; `answers` are the answers to take. Others are skipped, and a log line counts them.

        Ids are the tasks' `id`, else their numbers in the file, skipped ones included.
        """
        wanted = _wanted(answers)
        skipped = Counter[str]()

        def build(record: dict[str, Any], number: int) -> Document | None:
            answer = record.get("answer", "accept")
            if answer not in ANSWERS:
                raise DataError(f"'answer' is {str(answer)[:40]!r}", mend=f"one of {', '.join(ANSWERS)}")
            if answer not in wanted:
                skipped[answer] += 1
                return None
            return _document(record, number)

        yield from documents_of(source, build)
        if skipped:
            counts = ", ".join(f"{name} {count:,}" for name, count in sorted(skipped.items()))
            _log.info("%s: tasks not read for their answer: %s", source.name, counts)

    def write(self, documents: Iterable[Document], handle: TextIO, *, lossy: bool = False) -> None:
        """Write one task a line, accepted unless it was read with another answer, with tokens where there are any."""
        for document in documents:
            if not lossy:
                refuse(self.name, document, self.losses(document))
            handle.write(encode(_record(document), document.id) + "\n")

    def losses(self, document: Document) -> list[str]:
        """Discontinuous spans."""
        return [span_line(document, span, "is discontinuous") for span in document.spans if span.fragments]


def _wanted(answers: object) -> tuple[str, ...]:
    names = [answers] if isinstance(answers, str) else answers
    if not isinstance(names, (list, tuple)) or not names or any(name not in ANSWERS for name in names):
        raise ConfigError(f"answers is {answers!r}: name some of {', '.join(ANSWERS)}")
    return tuple(name for name in ANSWERS if name in names)


# ---------------------------------------------------------------------- reading


def _document(record: dict[str, Any], number: int) -> Document:
    text = string(record, "text")
    tokens, token_keeps = _tokens(record, text)
    spans = [_span(item, f"spans[{at}]", text, tokens) for at, item in enumerate(_items(record, "spans"))]
    rest = {key: value for key, value in record.items() if key not in _KEYS and key != "meta"}
    if not isinstance(record.get("meta", {}), dict):
        rest["meta"] = record["meta"]
    if rest.get("answer") == "accept":
        del rest["answer"]
    meta = row_meta(record, "prodigy", {"record": rest, "spans": attach(spans), "tokens": token_keeps})
    sentences = tuple(pairs(record, "_sentences"))
    return Document(identity(record, number), text, tokens, sentences, tuple(span for span, _ in spans), meta)


def _items(record: dict[str, Any], key: str) -> list[dict[str, Any]]:
    items = record.get(key)
    if items is None:
        return []
    if not isinstance(items, list):
        raise DataError(f"{key!r} is not a list")
    for number, item in enumerate(items):
        if not isinstance(item, dict):
            raise DataError(f"{key}[{number}] is not an object")
    return items


def _tokens(record: dict[str, Any], text: str) -> tuple[Tokens, list[dict[str, Any]]]:
    tokens: list[Token] = []
    keeps: list[dict[str, Any]] = []
    for number, item in enumerate(_items(record, "tokens")):
        what = f"tokens[{number}]"
        start, end = whole(item.get("start"), f"{what}.start"), whole(item.get("end"), f"{what}.end")
        if not 0 <= start <= end <= len(text):
            raise DataError(f"{what} [{start}:{end}] lies outside the text of {len(text)} characters")
        if "text" in item and item["text"] != text[start:end]:
            raise DataError(f"{what} [{start}:{end}] is {text[start:end][:40]!r}, but says {str(item['text'])[:40]!r}")
        if item.get("id", number) != number:
            raise DataError(f"{what} has the id {str(item['id'])[:40]!r}, not its place {number}")
        tokens.append(Token(start, end))
        rest = {key: value for key, value in item.items() if key not in _TOKEN_KEYS}
        if rest.get("ws") is (text[end : end + 1] == " "):
            del rest["ws"]
        if rest:
            keeps.append({"start": start, "end": end, "keeps": rest})
    return Tokens.of(tokens), keeps


def _span(item: dict[str, Any], what: str, text: str, tokens: Sequence[Token]) -> tuple[Span, dict[str, Any]]:
    for key in ("start", "end"):
        if key not in item:
            raise DataError(f"{what} has no key {key!r}")
    start, end = offset(item["start"], item["end"], len(text), what)
    if "text" in item and item["text"] != text[start:end]:
        raise DataError(
            f"{what} [{start}:{end}] is {text[start:end][:40]!r} in the text, but says {str(item['text'])[:40]!r}",
            mend="offsets are Unicode code points, end not included",
        )
    if tokens and item.get("token_start") is not None and item.get("token_end") is not None:
        first, last = whole(item["token_start"], f"{what}.token_start"), whole(item["token_end"], f"{what}.token_end")
        if not 0 <= first <= last < len(tokens):
            raise DataError(f"{what}: tokens {first} to {last} of {len(tokens)}", mend="token_end is the last one")
        if (tokens[first].start, tokens[last].end) != (start, end):
            raise DataError(
                f"{what} [{start}:{end}] is not tokens {first} to {last} [{tokens[first].start}:{tokens[last].end}]",
                mend="token_end is the last token of the span, not the one after it",
            )
    span = Span(start, end, string(item, "label", f"{what}.label"), score(item.get("score"), f"{what}.score"))
    return span, {key: value for key, value in item.items() if key not in _SPAN_KEYS}


# ---------------------------------------------------------------------- writing


def _record(document: Document) -> dict[str, Any]:
    text = document.text
    rest = {key: value for key, value in part(document, "prodigy", "record", dict).items() if key not in _KEYS}
    record: dict[str, Any] = {"id": document.id, "text": text}
    other_meta(document, "prodigy", rest)
    if document.tokens:
        extra = ranges(document, "prodigy", "tokens")
        record["tokens"] = [
            {
                "ws": text[token.end : token.end + 1] == " ",
                **extra.get((token.start, token.end), {}),
                "text": text[token.start : token.end],
                "start": token.start,
                "end": token.end,
                "id": number,
            }
            for number, token in enumerate(document.tokens)
        ]
        if len(document.sentences) > 1:
            record["_sentences"] = [list(bounds) for bounds in document.sentences]
    first = {token.start: number for number, token in enumerate(document.tokens) if token.end > token.start}
    last = {token.end: number for number, token in enumerate(document.tokens) if token.end > token.start}
    attached = Attached(document, "prodigy")
    spans: list[dict[str, Any]] = []
    for span in document.spans:
        if span.fragments:
            continue
        item: dict[str, Any] = {"start": span.start, "end": span.end, "label": span.label}
        if span.start in first and span.end in last:
            item |= {"token_start": first[span.start], "token_end": last[span.end]}
        if span.score is not None:
            item["score"] = float(span.score)
        spans.append({**attached.take(span), **item})
    return {**record, "spans": spans, "answer": "accept", **rest}
