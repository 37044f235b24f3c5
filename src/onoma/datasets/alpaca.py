"""Instruction records for generative models: `{"instruction", "input", "output"}` in one JSON array, or one a line.

The document's text is `input`; `output` says in one of five forms (`onoma.datasets.answers`) where its mentions are.
Ids are `id` where a record has one, else running numbers. Tokens, sentences, scores and other meta are not kept.
"""

from __future__ import annotations

import logging
from collections import Counter
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TextIO

from onoma.datasets.answers import INLINE, check_answer, crossing, kind_of, read_answer, write_answer
from onoma.datasets.attached import span_line
from onoma.datasets.base import Decision, refuse
from onoma.datasets.records import encode, objects, string, text_of
from onoma.document import Document, LabelSet, Span
from onoma.exceptions import ConfigError, DataError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from onoma.datasets.files import Source

__all__ = ["Alpaca"]

_log = logging.getLogger("onoma")
_KEPT = ("system", "history")

_TASK = "Find the named entities of the types {labels} in the text"
INSTRUCTIONS = {
    "brackets": _TASK + " and repeat the text with each of them written as [entity | TYPE].",
    "xml": _TASK + " and repeat the text with each of them written as <TYPE>entity</TYPE>.",
    "grouped_json": _TASK + " and give them as one JSON object with a list of entity texts for each type.",
    "occurrence_json": _TASK + " and give them as a JSON list of objects with text, label and occurrence_index, which "
    "counts from 1 how often that text has come up.",
    "offset_json": _TASK + " and give them as a JSON list of objects with text, label, start and end, which are "
    "character offsets from 0, the end not included.",
}


class Alpaca:
    """Exchanges of instruction, input and output. Crossing spans fit two forms only, discontinuous ones none."""

    name = "alpaca"
    endings = ()
    suffix = ".json"
    keeps: ClassVar[frozenset[str]] = frozenset({"ids", "meta:system", "meta:history"})
    signs = (frozenset({"instruction", "output"}), frozenset({"instruction", "input", "output"}))

    def decide(self, source: Source) -> Decision:
        """Which form the outputs are in; raises `DataError` where they are in none."""
        answer, reason = _answer(source.kept())
        return Decision("alpaca", {"answer": answer}, f"alpaca: outputs are {answer} ({reason})")

    def read(
        self, source: Source, *, answer: str | None = None, on_error: Literal["error", "drop"] = "error"
    ) -> Iterator[Document]:
        """The documents; `answer` names the form of the outputs, else the first record with a mention shows it.

        A record whose output cannot be read exactly is a `DataError` with file and line; with `on_error="drop"` it is
        left out, counted and logged, and the running numbers of the others stay as they are.
        """
        if on_error not in ("error", "drop"):
            raise ConfigError(f"on_error {on_error!r} is unknown: one of error, drop")
        if answer is None:
            answer, _ = _answer(source.kept())
        check_answer(answer)
        seen: dict[str, int] = {}
        counts = Counter[str]()
        first = ""
        for number, (line, record) in enumerate(objects(source), 1):
            try:
                document, choices = _document(record, number, answer)
            except DataError as error:
                fault = DataError(error.message, path=source.name, line=line, mend=error.mend)
                if on_error == "error":
                    raise fault from None
                counts["dropped"] += 1
                first = first or str(fault)
                continue
            if document.id in seen:
                message = f"document id {document.id!r} stands already in line {seen[document.id]}"
                raise DataError(message, path=source.name, line=line)
            seen[document.id] = line
            counts["open"] += choices
            yield document
        if counts["dropped"]:
            _log.warning("%s: %s record(s) dropped, first: %s", source.name, f"{counts['dropped']:,}", first)
        if counts["open"]:
            _log.warning(
                "%s: %s ambiguous place(s) in the answers, settled by rule", source.name, f"{counts['open']:,}"
            )

    def write(
        self,
        documents: Iterable[Document],
        handle: TextIO,
        *,
        answer: str = "offset_json",
        instruction: str | None = None,
        labels: Sequence[str] | None = None,
        layout: Literal["array", "lines"] = "array",
        lossy: bool = False,
    ) -> None:
        """Write each document as one exchange.

        In `instruction`, `{labels}` is replaced by the `labels`, which are those of all documents where none are given
        (they are held in memory for it). Without it a document's own instruction is kept if it asks for this answer.
        """
        check_answer(answer)
        if layout not in ("array", "lines"):
            raise ConfigError(f"layout {layout!r} is unknown: one of array, lines")
        if isinstance(labels, str):
            raise ConfigError("labels is a list of labels")
        if labels is None:
            documents = list(documents)
        every = tuple(labels) if labels is not None else LabelSet.of(documents)
        ask = (INSTRUCTIONS[answer] if instruction is None else instruction).replace("{labels}", ", ".join(every))
        before = "[\n" if layout == "array" else ""
        for document in documents:
            if not lossy:
                refuse(f"{self.name} with {answer}", document, self.losses(document, answer))
            spans, _ = _writable(document, answer)
            own = document.meta.get("instruction") if document.meta.get("answer") == answer else None
            record: dict[str, Any] = {"id": document.id}
            record["instruction"] = own if instruction is None and isinstance(own, str) else ask
            record |= {"input": document.text, "output": write_answer(answer, document.text, spans, every)}
            record |= {key: document.meta[key] for key in _KEPT if key in document.meta}
            handle.write(before + encode(record, document.id))
            before = ",\n" if layout == "array" else "\n"
        handle.write({"[\n": "[]\n", ",\n": "\n]\n", "\n": "\n", "": ""}[before])

    def losses(self, document: Document, answer: str = "offset_json") -> list[str]:
        """What this form of answer cannot say: discontinuous spans, crossing ones inline, what reads differently."""
        spans, losses = _writable(document, answer)
        written = write_answer(answer, document.text, spans)
        try:
            again, _ = read_answer(answer, document.text, written)
        except DataError as error:
            return [*losses, f"the answer could not be read again: {error.message}"]
        lost = Counter(_place(span) for span in spans) - Counter(_place(span) for span in again)
        for start, end, label in lost.elements():
            losses.append(f"span {label} [{start}:{end}] {document.text[start:end][:30]!r} would be read elsewhere")
        if not lost and len(again) > len(spans):
            losses.append("the text holds marks of the answer and would be read with them")
        return losses


def _place(span: Span) -> tuple[int, int, str]:
    return span.start, span.end, span.label


def _writable(document: Document, answer: str) -> tuple[list[Span], list[str]]:
    """The spans that can be written, and a line for each that cannot."""
    spans = [span for span in document.spans if not span.fragments]
    bad = [(span, "is discontinuous") for span in document.spans if span.fragments]
    if answer in INLINE:
        spans, lost = crossing(spans)
        bad += [(span, "crosses another span") for span in lost]
    return spans, [span_line(document, span, why) for span, why in bad]


# ---------------------------------------------------------------------- reading


def _answer(source: Source) -> tuple[str, str]:
    """The form of the outputs, and what shows it."""
    empty: str | None = None
    for line, record in objects(source):
        text, output = record.get("input"), record.get("output")
        if not isinstance(text, str) or not isinstance(output, str):
            continue
        kind = kind_of(text, output)
        if kind:
            return kind, f"line {line}"
        if kind is not None and empty is None:
            empty = "brackets" if output == text else "offset_json"
    if empty is None:
        raise DataError(
            "the outputs are in none of the forms known", path=source.name, mend="name one: answer='offset_json'"
        )
    return empty, "no record has a mention"


def _document(record: dict[str, Any], number: int, answer: str) -> tuple[Document, int]:
    given = record.get("id")
    id = str(number) if given is None else str(given) if type(given) is int else text_of(given, "'id'")
    if "input" not in record:
        raise DataError("key 'input' is missing", mend="the text belongs there, the task into 'instruction'")
    text, output = string(record, "input"), string(record, "output")
    spans, choices = read_answer(answer, text, output)
    meta: dict[str, Any] = {key: value for key, value in record.items() if key not in ("id", "input", "output")}
    return Document(id, text, spans=tuple(spans), meta={**meta, "answer": answer}), choices
