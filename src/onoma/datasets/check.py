"""What looks wrong with some documents: spans that no encoding can write, doubtful labels, odd characters."""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from onoma.document import Document, Span

__all__ = ["KINDS", "Finding", "Severity", "check"]

Severity = Literal["error", "warning", "note"]

KINDS: dict[str, Severity] = {
    "cuts_token": "error",
    "duplicate_span": "error",
    "crosses_sentence": "warning",
    "crossing_spans": "warning",
    "two_labels": "warning",
    "white_space_edge": "warning",
    "blank_token": "warning",
    "odd_character": "warning",
    "duplicate_document": "warning",
    "ambiguous_surface": "note",
    "touching_mentions": "note",
}
"""The kinds of finding and how bad each is."""


@dataclass(frozen=True)
class Finding:
    """One thing found: its kind, where (character offsets, half-open), and a sentence about it."""

    kind: str
    document_id: str
    start: int
    end: int
    message: str

    @property
    def severity(self) -> Severity:
        """error: no tag encoding can write it; warning: probably a slip; note: worth knowing."""
        return KINDS[self.kind]


def check(documents: Iterable[Document]) -> list[Finding]:
    """Everything found, document by document, then what concerns several of them."""
    findings: list[Finding] = []
    texts: dict[str, list[str]] = defaultdict(list)
    surfaces: dict[str, dict[str, list[tuple[str, Span]]]] = defaultdict(lambda: defaultdict(list))
    for document in documents:
        findings += sorted(_document(document), key=lambda finding: (finding.start, finding.end, finding.kind))
        texts[document.text].append(document.id)
        for span in document.spans:
            surfaces[document.surface(span)][span.label].append((document.id, span))
    for text, ids in texts.items():
        if len(ids) > 1:
            shown = ", ".join(ids[1:6]) + (", ..." if len(ids) > 6 else "")
            message = f"{len(ids)} documents have the text {_short(text)}: also {shown}"
            findings.append(Finding("duplicate_document", ids[0], 0, len(text), message))
    for surface, labels in surfaces.items():
        if len(labels) > 1:
            counts = sorted(((len(places), label) for label, places in labels.items()), key=lambda x: (-x[0], x[1]))
            id, span = labels[counts[-1][1]][0]
            message = f"{_short(surface)} has several labels: " + ", ".join(f"{n} {count}" for count, n in counts)
            findings.append(Finding("ambiguous_surface", id, span.start, span.end, message))
    return findings


def _short(text: str, limit: int = 40) -> str:
    return repr(text if len(text) <= limit else text[: limit - 3] + "...")


def _document(document: Document) -> Iterator[Finding]:
    yield from _alignment(document)
    yield from _relations(document)
    yield from _touching(document)
    yield from _characters(document)
    for index, (token, word) in enumerate(zip(document.tokens, document.words, strict=True)):
        if not word.strip():
            what = "is empty" if not word else f"is nothing but white space {word!r}"
            yield Finding("blank_token", document.id, token.start, token.end, f"token {index} {what}")


def _alignment(document: Document) -> Iterator[Finding]:
    starts = [token.start for token in document.tokens]
    ends = [token.end for token in document.tokens]
    home = [number for number, (first, last) in enumerate(document.sentences) for _ in range(first, last)]
    for span in dict.fromkeys(document.spans):
        surface = document.surface(span)
        name = f"{span.label} {_short(surface)}"
        pieces = span.fragments or ((span.start, span.end),)
        if any(document.text[a:b].strip() != document.text[a:b] for a, b in pieces):
            yield Finding(
                "white_space_edge", document.id, span.start, span.end, f"{name} begins or ends with white space"
            )
        if not starts:
            continue
        if any(not (_has(starts, a) and _has(ends, b)) for a, b in pieces):
            message = f"{name} does not begin and end with a token{_suggestion(document, span, starts, ends)}"
            yield Finding("cuts_token", document.id, span.start, span.end, message)
        first = min(bisect_right(ends, span.start), len(starts) - 1)
        last = max(bisect_left(starts, span.end) - 1, 0)
        if first < last and home[first] != home[last]:
            yield Finding("crosses_sentence", document.id, span.start, span.end, f"{name} crosses a sentence boundary")


def _has(ordered: Sequence[int], value: int) -> bool:
    at = bisect_left(ordered, value)
    return at < len(ordered) and ordered[at] == value


def _suggestion(document: Document, span: Span, starts: Sequence[int], ends: Sequence[int]) -> str:
    """The smallest row of whole tokens around a span, in words."""
    first, last = bisect_right(ends, span.start), bisect_left(starts, span.end) - 1
    if span.fragments:
        return ""
    if first > last or first >= len(starts):
        return "; it touches none"
    start, end = starts[first], ends[last]
    return f"; the tokens around it are [{start}:{end}] {_short(document.text[start:end])}"


def _relations(document: Document) -> Iterator[Finding]:
    for span, count in Counter(document.spans).items():
        if count > 1:
            message = f"{span.label} {_short(document.surface(span))} is annotated {count} times"
            yield Finding("duplicate_span", document.id, span.start, span.end, message)
    places: dict[tuple[int, int, tuple[tuple[int, int], ...]], set[str]] = defaultdict(set)
    for span in document.spans:
        places[span.start, span.end, span.fragments].add(span.label)
    for (start, end, _), labels in places.items():
        if len(labels) > 1:
            message = f"{_short(document.text[start:end])} is annotated as {' and '.join(sorted(labels))}"
            yield Finding("two_labels", document.id, start, end, message)
    ordered = sorted(places, key=lambda place: (place[0], -place[1]))
    for index, (start, end, pieces) in enumerate(ordered):
        for other, stop, others in ordered[index + 1 :]:
            if other >= end:
                break
            if start < other and stop > end and not pieces and not others:
                message = f"{_short(document.text[start:end])} and {_short(document.text[other:stop])} cross"
                yield Finding("crossing_spans", document.id, start, stop, message)


def _touching(document: Document) -> Iterator[Finding]:
    """Mentions of one label with no token between them, in one sentence: schemes that mark no beginning merge them."""
    starts = [token.start for token in document.tokens]
    home = [number for number, (first, last) in enumerate(document.sentences) for _ in range(first, last)]
    first_of = {(span.start, span.label): span for span in document.spans if not span.fragments}
    for span in dict.fromkeys(document.spans):
        if span.fragments:
            continue
        if starts:
            at = bisect_left(starts, span.end)
            same = 0 < at < len(starts) and home[at - 1] == home[at]
            following = starts[at] if same else -1
        else:
            rest = document.text[span.end :]
            following = span.end + len(rest) - len(rest.lstrip())
        other = first_of.get((following, span.label))
        if other is not None:
            message = f"{_short(document.surface(span))} and {_short(document.surface(other))} are both {span.label}"
            yield Finding("touching_mentions", document.id, span.start, other.end, f"{message}: IO tags make them one")


# ---------------------------------------------------------------------- characters

_EXPECTED = "\n\t\u200d"  # U+200D joins emoji and letters of several scripts
_PLAIN = re.compile(r"[\x20-\x7e\n\t]*")


def _characters(document: Document) -> Iterator[Finding]:
    if _PLAIN.fullmatch(document.text):
        return
    counts = Counter(document.text)
    for mark in sorted(counts):
        what = _odd(mark)
        if what is None:
            continue
        at = document.text.index(mark)
        times = "" if counts[mark] == 1 else f", {counts[mark]} times"
        yield Finding("odd_character", document.id, at, at + 1, f"{what} U+{ord(mark):04X} {_name(mark)}{times}")


def _odd(mark: str) -> str | None:
    if mark in _EXPECTED:
        return None
    if mark == "\ufffd":
        return "replacement character"
    if mark == "\ufeff":
        return "byte order mark"
    kinds = {"Cf": "invisible character", "Cc": "control character", "Co": "private-use character"}
    return kinds.get(unicodedata.category(mark))


def _name(mark: str) -> str:
    controls = {"\r": "CARRIAGE RETURN", "\0": "NULL", "\x85": "NEXT LINE", "\x1b": "ESCAPE"}
    return unicodedata.name(mark, controls.get(mark, "(no name)"))
