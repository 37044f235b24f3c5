r"""Inline brackets: one sentence a line, mentions written into the text.

    # doc lovelace
    [Ada Lovelace|PER] was born in [London|LOC].
    She knew the [[University of [London|LOC]|ORG] council|ORG].

`# doc NAME` opens a document; in a file without such lines blank lines part the documents. A document's text is its
lines joined by newlines; it has no tokens, and `meta["lines"]` keeps the character ranges of its sentences. A
backslash stands before `[ ] | \`, `#` and blanks that mean themselves; `\n` and `\r` are a newline and a carriage
return within a sentence.
"""

from __future__ import annotations

import logging
import re
from bisect import bisect_left
from typing import TYPE_CHECKING, TextIO

from onoma.datasets.base import Decision, refuse
from onoma.document import Document, Span
from onoma.exceptions import DataError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from onoma.datasets.files import Source

__all__ = ["Brackets", "is_mark", "parse_line", "render_line"]

_log = logging.getLogger("onoma")
_PIECES = re.compile(r"\\(.?)|([\[\]|])|([^\\\[\]|]+)", re.DOTALL)
_ESCAPES = {**{mark: "\\" + mark for mark in "[]|\\"}, "\n": "\\n", "\r": "\\r"}
_TABLE = str.maketrans(_ESCAPES)
_NAMED = {"n": "\n", "r": "\r"}
MARK = "# doc"


class Brackets:
    """Running text with brackets. Tokens, sentences' token ranges, scores and meta are not kept."""

    name = "brackets"
    endings = (".brackets",)
    keeps = frozenset({"ids"})

    def decide(self, source: Source) -> Decision:
        """Whether documents are parted by `# doc` or by blank lines."""
        marked = _marked(source)
        return _decision(marked, sum(1 for _ in _documents(source, marked=marked)))

    def read(self, source: Source) -> Iterator[Document]:
        """The documents; raises `DataError` with the line for brackets that do not close or hold nothing."""
        marked, count = _marked(source), 0
        for document in _documents(source, marked=marked):
            count += 1
            yield document
        _log.info("%s: %s", source.name, _decision(marked, count).reason)

    def write(self, documents: Iterable[Document], handle: TextIO, *, lossy: bool = False) -> None:
        """Write each document under a `# doc` line; sentences that one blank parts begin a new line."""
        for document in documents:
            if not lossy:
                refuse(self.name, document, self.losses(document))
            id = document.id if _fits(document.id) else " ".join(document.id.replace("\0", " ").split())
            handle.write(f"{MARK} {id}\n" if id else f"{MARK}\n")
            spans, _ = _nested(document)
            text = document.text.replace("\0", "\ufffd")
            starts = [span.start for span in spans]
            for start, end in _lines(document, spans):
                inside = spans[bisect_left(starts, start) : bisect_left(starts, end)]
                handle.write(render_line(text[start:end], inside, start) + "\n")
            handle.write("\n")

    def losses(self, document: Document) -> list[str]:
        """Spans that cross or are discontinuous, zero bytes, and ids that do not fit in a line."""
        found = [
            f"span {span.label} [{span.start}:{span.end}] {document.surface(span)[:30]!r} "
            + ("is discontinuous" if span.fragments else "crosses another span")
            for span in _nested(document)[1]
        ]
        if "\0" in document.text:
            found.append("the text holds a zero byte")
        found += [f"label {span.label!r} holds a zero byte" for span in document.spans if "\0" in span.label]
        return found if _fits(document.id) else [*found, f"id {document.id!r} cannot stand in a line"]


def _fits(id: str) -> bool:
    return bool(id) and id.strip() == id and not any(mark in id for mark in "\n\0")


def is_mark(line: str) -> bool:
    """Whether a line opens a document."""
    return line == MARK or line.startswith(MARK + " ")


# ---------------------------------------------------------------------- reading


def _documents(source: Source, *, marked: bool) -> Iterator[Document]:
    """The documents in turn, parted by marks where any line is one, else by blank lines."""
    path = source.name
    first: dict[str, int] = {}
    group: list[tuple[int, str]] = []
    id: str | None = None
    opened = 0

    def closed() -> Iterator[Document]:
        if not group and not opened:
            return
        name = id or str(len(first) + 1)
        line = opened or group[0][0]
        if name in first:
            raise DataError(f"document id {name!r} stands already in line {first[name]}", path=path, line=line)
        first[name] = line
        yield _document(name, group, path)

    for number, line in enumerate(source.lines(), 1):
        if is_mark(line):
            yield from closed()
            group, id, opened = [], line[len(MARK) :].strip() or None, number
        elif line.strip():
            group.append((number, line))
        elif not marked:
            yield from closed()
            group = []
    yield from closed()
    if not first:
        raise DataError("no text in the file", path=path)


def _marked(source: Source) -> bool:
    return any(MARK in block and any(map(is_mark, block.split("\n"))) for block in source.kept().blocks())


def _decision(marked: bool, documents: int) -> Decision:
    by = "'# doc' lines" if marked else "blank lines"
    return Decision("brackets", {}, f"brackets: {documents:,} document(s) parted by {by}, text without tokens")


def _document(id: str, group: Sequence[tuple[int, str]], path: str | Path) -> Document:
    texts: list[str] = []
    spans: list[Span] = []
    places: list[tuple[int, int]] = []
    at = 0
    for number, line in group:
        try:
            text, found = parse_line(line, at)
        except DataError as error:
            raise DataError(error.message, path=path, line=number, mend=error.mend) from None
        texts.append(text)
        spans += found
        places.append((at, at + len(text)))
        at += len(text) + 1
    return Document(id, "\n".join(texts), spans=tuple(spans), meta={"lines": places})


def parse_line(line: str, offset: int = 0) -> tuple[str, list[Span]]:
    """Text and spans of one line, spans by their start and the outer before the inner, moved by `offset` characters.

    Raises `DataError` (without file and line) for brackets that do not close, or hold no text or no label.
    """
    pieces: list[str] = []
    spans: list[Span] = []
    opened: list[int] = []
    label: list[str] | None = None
    size = 0
    for escaped, mark, plain in ((m[1], m[2], m[3]) for m in _PIECES.finditer(line)):
        if mark is None:
            text = plain if plain is not None else _unescape(escaped)
            if label is None:
                pieces.append(text)
                size += len(text)
            else:
                label.append(text)
        elif mark == "[" and label is None:
            opened.append(size)
        elif mark == "|" and label is None and opened:
            label = []
        elif mark == "]" and label is not None:
            start = opened.pop()
            if start == size or not label:
                raise DataError(f"a bracket without {'text' if start == size else 'label'}", mend="[text|LABEL]")
            spans.append(Span(offset + start, offset + size, "".join(label)))
            label = None
        else:
            what = "']' closes a bracket without label" if mark == "]" else f"{mark!r} stands where it means nothing"
            raise DataError(what, mend=f"write \\{mark} for the character itself, [text|LABEL] for a mention")
    if opened:
        raise DataError(
            "a bracket is not closed", mend="write \\[ for the character itself, [text|LABEL] for a mention"
        )
    spans.reverse()  # of equal extent the outer closes last
    spans.sort(key=lambda span: (span.start, -span.end))
    return "".join(pieces), spans


def _unescape(mark: str) -> str:
    if mark in _NAMED:
        return _NAMED[mark]
    if mark and (mark in _ESCAPES or mark == "#" or mark.isspace()):
        return mark
    raise DataError(f"a backslash before {mark!r}" if mark else "a backslash ends the line", mend="write \\\\ for one")


# ---------------------------------------------------------------------- writing


def render_line(text: str, spans: Iterable[Span], offset: int = 0) -> str:
    """One line for a text and its spans, which nest or keep apart; `offset` is where the text begins."""
    out: list[str] = []
    stack: list[Span] = []
    at = 0

    def copy(end: int) -> None:
        nonlocal at
        out.append(text[at:end].translate(_TABLE))
        at = end

    def close(until: int) -> None:
        while stack and stack[-1].end - offset <= until:
            span = stack.pop()
            copy(span.end - offset)
            out.append(f"|{span.label.translate(_TABLE)}]")

    for span in sorted(spans, key=lambda span: (span.start, -span.end)):
        close(span.start - offset)
        copy(span.start - offset)
        out.append("[")
        stack.append(span)
    close(len(text))
    copy(len(text))
    line = "".join(out)
    return "\\" + line if is_mark(line) or not line.strip() else line


def _nested(document: Document) -> tuple[list[Span], list[Span]]:
    """The spans that nest or keep apart, by start and the outer first, and those that do not."""
    kept: list[Span] = []
    lost: list[Span] = []
    stack: list[Span] = []
    for span in sorted(document.spans, key=lambda span: (span.start, -span.end)):
        while stack and stack[-1].end <= span.start:
            stack.pop()
        if span.fragments or (stack and span.end > stack[-1].end):
            lost.append(span)
            continue
        stack.append(span)
        kept.append(span)
    return kept, lost


def _lines(document: Document, spans: Sequence[Span]) -> Iterator[tuple[int, int]]:
    """The character ranges that become lines: cut at newlines and at the one blank between two sentences.

    A newline stays inside its line, escaped, where a mention holds it or an empty line would be left.
    """
    text, size = document.text, len(document.text)
    ends = [document.tokens[last - 1].end for _, last in document.sentences[:-1]]
    starts = [document.tokens[first].start for first, _ in document.sentences[1:]]
    blanks = {end for end, start in zip(ends, starts, strict=True) if text[end:start] == " "}
    cuts = sorted(blanks.union(match.start() for match in re.finditer("\n", text)))
    inside = set[int]().union(*(range(span.start, span.end) for span in spans))
    begin = 0
    for cut in cuts:
        if begin < cut < size - 1 and text[cut + 1] != "\n" and cut not in inside:
            yield begin, cut
            begin = cut + 1
    if text:
        yield begin, size
