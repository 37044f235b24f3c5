"""Documents with other text in places: tokens, sentences and gold go along, character by character."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from onoma.document import Document, Fragments, Span, Tokens
from onoma.evaluation.columns import Integers

__all__ = ["LINES", "Edit", "Rewriter", "by_pieces", "lines", "mentioned", "pieces", "rewritten"]

LINES = "lines"
"""The key of a document's `meta` that holds half-open character ranges of lines."""

_LINE = re.compile(r"[^\n]+")


class Edit(NamedTuple):
    """The characters from `start` up to `end` become `text`."""

    start: int
    end: int
    text: str


class Rewriter:
    """Where the characters of a text are after some edits, which are in order and do not overlap."""

    def __init__(self, text: str, edits: Sequence[Edit]) -> None:
        self._starts = np.array([edit.start for edit in edits], np.int64)
        self._ends = np.array([edit.end for edit in edits], np.int64)
        self._sizes = np.array([len(edit.text) for edit in edits], np.int64)
        self._shifts = np.concatenate(([0], np.cumsum(self._sizes - (self._ends - self._starts))))
        parts: list[str] = []
        at = 0
        for edit in edits:
            parts += [text[at : edit.start], edit.text]
            at = edit.end
        self.text = "".join([*parts, text[at:]])

    def moved(self, places: Sequence[int]) -> list[int]:
        """The new offsets of places between characters; one inside an edit stays as far from its start as it can."""
        found = np.asarray(places, np.int64)
        behind = np.searchsorted(self._ends, found, side="right")
        new: Integers = found + self._shifts[behind]
        inside = np.flatnonzero(behind < len(self._starts))
        inside = inside[self._starts[behind[inside]] < found[inside]]
        edit = behind[inside]
        new[inside] = np.minimum(new[inside], self._starts[edit] + self._shifts[edit] + self._sizes[edit])
        return new.tolist()

    def meta(self, document: Document) -> dict[str, Any]:
        """The meta data, with the lines that a reader recorded where they are now."""
        recorded = _recorded(document)
        return {**document.meta, LINES: [self.moved(line) for line in recorded]} if recorded else dict(document.meta)

    def spans(self, spans: Sequence[Span]) -> list[Span]:
        """The spans where they are now; those of which nothing is left are gone."""
        ends = self.moved([place for span in spans for piece in _fragments(span) for place in piece])
        places = iter(zip(ends[::2], ends[1::2], strict=True))
        found: list[Span] = []
        for span in spans:
            moved = _joined([next(places) for _ in _fragments(span)])
            if moved:
                several = tuple(moved) if len(moved) > 1 else ()
                found.append(replace(span, start=moved[0][0], end=moved[-1][1], fragments=several))
        return found


def _fragments(span: Span) -> Fragments:
    return span.fragments or ((span.start, span.end),)


def _joined(fragments: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Those that hold anything, with what now touches in one."""
    found: list[tuple[int, int]] = []
    for start, end in fragments:
        if start == end:
            continue
        if found and found[-1][1] == start:
            found[-1] = (found[-1][0], end)
        else:
            found.append((start, end))
    return found


def rewritten(document: Document, edits: Sequence[Edit]) -> Document:
    """The document after some edits, in order and without overlap; it has fewer spans where nothing is left of one."""
    if not edits:
        return document
    made = Rewriter(document.text, edits)
    tokens = Tokens(made.moved(document.tokens.starts), made.moved(document.tokens.ends))
    spans = tuple(made.spans(document.spans))
    return replace(document, text=made.text, tokens=tokens, spans=spans, meta=made.meta(document))


def lines(document: Document) -> list[tuple[int, int]]:
    """Character ranges of a document's sentences, else of the lines that its reader recorded, else of its lines."""
    if document.tokens:
        starts, ends = document.tokens.starts, document.tokens.ends
        return [(starts[first], ends[last - 1]) for first, last in document.sentences]
    return _recorded(document) or [match.span() for match in _LINE.finditer(document.text)]


def _recorded(document: Document) -> list[tuple[int, int]]:
    """The lines of the meta data where they are ranges of the text in order; else none."""
    given = document.meta.get(LINES)
    if not isinstance(given, list) or not all(_is_range(line) for line in given):
        return []
    edges = [edge for line in given for edge in line]
    ordered = all(left <= right for left, right in pairwise([0, *edges, len(document.text)]))
    return [(start, end) for start, end in given] if ordered else []


def _is_range(line: object) -> bool:
    return isinstance(line, list | tuple) and len(line) == 2 and all(isinstance(edge, int) for edge in line)


def pieces(document: Document) -> Iterator[tuple[int, int]]:
    """The text in pieces that no token and no span begins or ends within."""
    edges = {0, len(document.text), *document.tokens.starts, *document.tokens.ends}
    edges.update(place for span in document.spans for piece in _fragments(span) for place in piece)
    edges.update(place for line in lines(document) for place in line)
    return pairwise(sorted(edges))


def by_pieces(document: Document, change: Callable[[str], str]) -> Document:
    """The document with every piece changed for itself, so that each mention becomes what its pieces become."""
    edits: list[Edit] = []
    for start, end in pieces(document):
        old = document.text[start:end]
        new = change(old)
        if new != old:
            edits.append(Edit(start, end, new))
    return rewritten(document, edits)


def mentioned(document: Document) -> bytearray:
    """For each character, whether it stands in a mention."""
    found = bytearray(len(document.text))
    for span in document.spans:
        for start, end in _fragments(span):
            found[start:end] = b"\1" * (end - start)
    return found
