"""Inline XML: documents as elements, mentions as elements in their text.

    <documents>
    <doc id="1"><PER>Ada</PER> of <ORG>University of <LOC>London</LOC></ORG></doc>
    </documents>

Any element inside a document is a mention of that label; labels that are no XML names stand as
`<span label="...">`. The root may be left out, and in a file without any document element each line is a document.
White space is kept as it stands (a carriage return is written `&#13;`, as XML reads a bare one as a newline). A
file with a DOCTYPE is refused, so that no entity is ever expanded. Attributes of mentions and documents are kept
under `meta["xml"]`, `score` becomes the span's; comments and processing instructions are left out.
"""

from __future__ import annotations

import logging
import math
import re
from typing import TYPE_CHECKING, ClassVar, TextIO
from xml.parsers import expat

from onoma.datasets.attached import Attached, attach, part, span_line
from onoma.datasets.base import Decision, refuse
from onoma.datasets.files import LONGEST
from onoma.document import Document, Span
from onoma.exceptions import ConfigError, DataError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from onoma.datasets.files import Source

__all__ = ["InlineXml"]

_log = logging.getLogger("onoma")
TAG = "doc"
SPAN = "span"
ROOT = "documents"
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9._-]*")
_ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What no XML 1.0 document can hold, escaped or not (section 2.2)."""
_TEXT = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#13;"})
_VALUE = str.maketrans({"&": "&amp;", "<": "&lt;", '"': "&quot;", "\r": "&#13;", "\n": "&#10;", "\t": "&#9;"})


class InlineXml:
    """Running text with elements. Spans nest but do not cross; tokens, sentences and other meta are not kept."""

    name = "xml"
    endings = (".xml",)
    keeps: ClassVar[frozenset[str]] = frozenset({"ids", "scores", "meta:xml"})

    def decide(self, source: Source, *, document_tag: str = TAG) -> Decision:
        """Whether documents are elements or lines; raises `DataError` for a DOCTYPE."""
        return _decision(_has_elements(source, document_tag), document_tag)

    def read(self, source: Source, *, document_tag: str = TAG) -> Iterator[Document]:
        """The documents in turn; `document_tag` is the name of their element, its `id` attribute their id.

        Raises `DataError` with the line for XML that is not well-formed (so for mentions that cross), for mentions
        without text, for text outside of documents, and for a document (or tag, or comment) of more than 64 MiB.
        """
        if not _NAME.fullmatch(document_tag):
            raise ConfigError(f"document_tag is {document_tag!r}: an XML name")
        whole = _has_elements(source, document_tag)
        seen: dict[str, int] = {}
        for number, (line, document) in enumerate(_elements(source, document_tag) if whole else _lines(source), 1):
            if document.id in seen:
                message = f"document id {document.id!r} stands already in line {seen[document.id]}"
                raise DataError(message, path=source.name, line=line)
            seen[document.id] = line
            if number == 1:
                _log.info("%s: %s", source.name, _decision(whole, document_tag).reason)
            yield document
        if not seen:
            raise DataError("no document in the file", path=source.name)

    def write(self, documents: Iterable[Document], handle: TextIO, *, lossy: bool = False) -> None:
        """Write each document as an element under one root."""
        handle.write(f'<?xml version="1.0" encoding="UTF-8"?>\n<{ROOT}>\n')
        for document in documents:
            if not lossy:
                refuse(self.name, document, self.losses(document))
            handle.write(_rendered(document) + "\n")
        handle.write(f"</{ROOT}>\n")

    def losses(self, document: Document) -> list[str]:
        """Spans that cross or are discontinuous, and characters that XML cannot hold."""
        found = [
            span_line(document, span, "is discontinuous" if span.fragments else "crosses another span")
            for span in _nested(document)[1]
        ]
        labels = (("label", label) for label in sorted({span.label for span in document.spans}))
        for what, text in (("text", document.text), ("id", document.id), *labels):
            bad = _ILLEGAL.search(text)
            if bad is not None:
                found.append(f"the {what} holds U+{ord(bad[0]):04X}, which no XML can")
        return found


def _decision(whole: bool, document_tag: str) -> Decision:
    by = f"<{document_tag}> elements" if whole else "lines"
    return Decision("xml", {}, f"xml: documents are {by}, mentions are elements inside them")


# ---------------------------------------------------------------------- reading


def _has_elements(source: Source, tag: str) -> bool:
    head = source.start(1 << 20).decode("utf-8", "ignore").removeprefix("\ufeff")
    at = 0
    while True:  # what may stand before a DOCTYPE
        at = len(head) - len(head[at:].lstrip())
        mark = next((end for start, end in (("<?", "?>"), ("<!--", "-->")) if head.startswith(start, at)), None)
        if mark is None or head.find(mark, at) < 0:
            break
        at = head.find(mark, at) + len(mark)
    if head[at : at + 9].upper() == "<!DOCTYPE":
        line = head.count("\n", 0, at) + 1
        raise DataError("the file has a DOCTYPE, which is never read", path=source.name, line=line, mend="leave it out")
    return re.search(rf"<{re.escape(tag)}[\s/>]", head) is not None


class _Reader:
    """Makes documents of what a parser reports; those that are whole wait in `done` with their line."""

    def __init__(self, tag: str | None) -> None:
        self.done: list[tuple[int, Document]] = []
        self._tag = tag
        self._count = 0
        self._inside = False
        self._fed = 0
        self._waiting: list[bytes] = []
        self.parser = expat.ParserCreate("utf-8")
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._data
        self.parser.StartDoctypeDeclHandler = self._doctype
        self._parse(b"<all>", last=False)
        if tag is None:
            self._open({}, 1)

    def _open(self, attributes: Mapping[str, str], line: int) -> None:
        self._inside, self._line, self._attributes = True, line, attributes
        self._begin = self.parser.CurrentByteIndex
        self._pieces: list[str] = []
        self._size = 0
        self._stack: list[tuple[int, str, dict[str, str], int]] = []
        self._spans: list[tuple[int, Span, dict[str, str]]] = []
        self._opened = 0

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        if not self._inside:
            if name == self._tag:
                self._open(attributes, self.parser.CurrentLineNumber)
            return  # an element around documents
        if name == self._tag:
            raise DataError(f"a <{name}> inside a <{name}>")
        self._stack.append((self._size, name, attributes, self._opened))
        self._opened += 1

    def _end(self, name: str) -> None:
        if not self._inside:
            return
        if not self._stack:
            self._close()
            return
        start, _, attributes, order = self._stack.pop()
        if start == self._size:
            raise DataError(f"<{name}> holds no text", mend="a mention is <LABEL>text</LABEL>")
        label = attributes.pop("label", name) if name == SPAN else name
        score = _number(attributes.get("score"))
        if score is not None:
            del attributes["score"]
        self._spans.append((order, Span(start, self._size, label, score), attributes))

    def _data(self, text: str) -> None:
        if self._inside:
            self._pieces.append(text)
            self._size += len(text)
        elif text.strip():
            raise DataError(f"text outside of a document: {text.strip()[:30]!r}")

    def _doctype(self, *_: object) -> None:
        raise DataError("the file has a DOCTYPE, which is never read", mend="leave it out")

    def _close(self) -> None:
        self._count += 1
        attributes = dict(self._attributes)
        id = attributes.pop("id", str(self._count))
        self._spans.sort(key=lambda each: each[0])  # by where they open, so the outer before the inner
        spans = [(span, rest) for _, span, rest in self._spans]
        kept = {"spans": attach(spans), "attributes": attributes}
        meta = {"xml": {key: value for key, value in kept.items() if value}} if any(kept.values()) else {}
        text = "".join(self._pieces)
        self.done.append((self._line, Document(id, text, spans=tuple(span for span, _ in spans), meta=meta)))
        self._inside = False

    def taken(self) -> list[tuple[int, Document]]:
        """The documents that are whole, once."""
        done, self.done = self.done, []
        return done

    def feed(self, text: str, *, last: bool = False) -> None:
        """Read on; raises `DataError` (without file, mostly without line) for what is not well-formed or too long."""
        self._waiting.append((text + "</all>" if last else text).encode())
        size = sum(map(len, self._waiting))
        held = self._fed - max(self.parser.CurrentByteIndex, 0)  # of a tag or comment that is not over
        if held + size > LONGEST and not last:
            raise DataError(f"a tag or comment of more than {LONGEST >> 20} MiB", mend="split it")
        if size < held and not last:
            return  # the parser looks at all it holds again each time, so that it is given as much once more
        data = b"".join(self._waiting)
        self._waiting.clear()
        self._parse(data, last=last)
        if self._inside and self._fed - self._begin > LONGEST:
            message = f"a document of more than {LONGEST >> 20} MiB"
            raise DataError(message, line=self._line, mend="split it")

    def _parse(self, data: bytes, *, last: bool) -> None:
        self._fed += len(data)
        try:
            self.parser.Parse(data, last)
        except expat.ExpatError as error:
            what = expat.ErrorString(error.code)
            mend = "write &lt; and &amp; for the characters themselves, <LABEL>text</LABEL> for a mention"
            if error.code == expat.errors.codes[expat.errors.XML_ERROR_UNDEFINED_ENTITY]:
                mend = "known are &lt; &gt; &amp; &quot; &apos; and &#NUMBER;"
            raise DataError(f"is not well-formed XML: {what}", mend=mend) from None

    @property
    def line(self) -> int:
        """The line the parser is in."""
        return max(self.parser.CurrentLineNumber, 1)


def _number(text: str | None) -> float | None:
    try:
        number = None if text is None else float(text)
    except ValueError:
        return None
    return number if number is not None and math.isfinite(number) else None


def _elements(source: Source, tag: str) -> Iterator[tuple[int, Document]]:
    reader = _Reader(tag)
    begin, begun = "", False
    try:
        for chunk in source.chunks():
            begin += chunk
            if not begun and len(begin) < 1000:
                continue  # a declaration may be cut
            reader.feed(begin if begun else _undeclared(begin))
            begin, begun = "", True
            yield from reader.taken()
        reader.feed(begin if begun else _undeclared(begin), last=True)
        yield from reader.taken()
    except DataError as error:
        if error.path is not None:
            raise
        raise DataError(error.message, path=source.name, line=error.line or reader.line, mend=error.mend) from None


def _undeclared(text: str) -> str:
    """The text without its XML declaration, its lines where they were; raises `DataError` for another encoding."""
    match = re.match(r"<\?xml\s([^>]*)\?>", text)
    if match is None:
        return text
    encoding = re.search(r"encoding\s*=\s*[\"']([^\"']*)", match[1])
    if encoding is not None and encoding[1].lower() not in ("utf-8", "utf8", "us-ascii", "ascii"):
        raise DataError(f"declares the encoding {encoding[1][:20]!r}", mend="save it as UTF-8, and declare that")
    return "\n" * match[0].count("\n") + text[match.end() :]


def _lines(source: Source) -> Iterator[tuple[int, Document]]:
    count = 0
    for number, line in enumerate(source.lines(), 1):
        if not line.strip():
            continue
        if number == 1 and line.startswith("<?xml"):
            raise DataError(f"no <{TAG}> element", path=source.name, mend="name the element: document_tag=NAME")
        reader = _Reader(None)
        try:
            reader.feed(line, last=True)
        except DataError as error:
            raise DataError(error.message, path=source.name, line=number, mend=error.mend) from None
        ((_, document),) = reader.done
        count += 1
        yield number, Document(str(count), document.text, spans=document.spans, meta=document.meta)


# ---------------------------------------------------------------------- writing


def _nested(document: Document) -> tuple[list[Span], list[Span]]:
    """The spans that nest or keep apart, by start and the outer first, and those that do not."""
    kept: list[Span] = []
    lost: list[Span] = []
    stack: list[int] = []
    for span in sorted(document.spans, key=lambda span: (span.start, -span.end)):
        while stack and stack[-1] <= span.start:
            stack.pop()
        if span.fragments or (stack and span.end > stack[-1]):
            lost.append(span)
            continue
        stack.append(span.end)
        kept.append(span)
    return kept, lost


def _rendered(document: Document) -> str:
    attached = Attached(document, "xml")
    attributes = {"id": document.id, **_own(part(document, "xml", "attributes", dict), "id")}
    out = [f"<{TAG}{_attributes(attributes)}>"]
    closers: list[tuple[int, str]] = []
    at = 0

    def copy(end: int) -> None:
        nonlocal at
        out.append(_legal(document.text[at:end]).translate(_TEXT))
        at = end

    def close(until: int) -> None:
        while closers and closers[-1][0] <= until:
            end, name = closers.pop()
            copy(end)
            out.append(f"</{name}>")

    for span in _nested(document)[0]:
        close(span.start)
        copy(span.start)
        name = span.label if _is_tag(span.label) else SPAN
        values = {} if name != SPAN else {"label": span.label}
        if span.score is not None:
            values["score"] = repr(float(span.score))
        out.append(f"<{name}{_attributes({**values, **_own(attached.take(span), *values)})}>")
        closers.append((span.end, name))
    close(len(document.text))
    copy(len(document.text))
    return "".join(out) + f"</{TAG}>"


def _is_tag(label: str) -> bool:
    return label not in (TAG, SPAN) and label[:3].lower() != "xml" and _NAME.fullmatch(label) is not None


def _own(kept: Mapping[str, object], *taken: str) -> dict[str, str]:
    """The kept attributes that can be written: strings under XML names which are not taken."""
    return {
        name: value
        for name, value in kept.items()
        if isinstance(name, str) and isinstance(value, str) and _NAME.fullmatch(name) and name not in taken
    }


def _attributes(values: Mapping[str, str]) -> str:
    return "".join(f' {name}="{_legal(value).translate(_VALUE)}"' for name, value in values.items())


def _legal(text: str) -> str:
    return _ILLEGAL.sub("\ufffd", text)
