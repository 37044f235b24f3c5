"""Mentions replaced by other names of the same label: is it the name that a system knows, or the place it stands in?"""

from __future__ import annotations

import random
import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from onoma.analysis.rewriting import Edit, Rewriter
from onoma.document import Document, Span, Tokens

__all__ = ["Name", "names_of", "swapped"]

_WORD = re.compile(r"\S+")


@dataclass(frozen=True, slots=True)
class Name:
    """A name with its tokens, by offsets from its start; none where it comes from text that was never split."""

    text: str
    tokens: tuple[tuple[int, int], ...] = ()

    @property
    def words(self) -> tuple[tuple[int, int], ...]:
        """Its tokens, else what stands between white space."""
        return self.tokens or tuple(match.span() for match in _WORD.finditer(self.text))


def names_of(documents: Iterable[Document]) -> dict[str, tuple[Name, ...]]:
    """The different names of each label, by text; discontinuous mentions and those that cut a token are left out."""
    found: dict[str, dict[str, Name]] = {}
    for document in documents:
        for span in document.spans:
            text = document.surface(span)
            if span.fragments or "\n" in text or text != text.strip():
                continue
            tokens: tuple[tuple[int, int], ...] = ()
            if document.tokens:
                place = _tokens_of(document, span)
                if place is None:
                    continue
                tokens = tuple((start - span.start, end - span.start) for start, end in document.tokens[slice(*place)])
            found.setdefault(span.label, {}).setdefault(text, Name(text, tokens))
    return {label: tuple(each for _, each in sorted(names.items())) for label, names in sorted(found.items())}


def _tokens_of(document: Document, span: Span) -> tuple[int, int] | None:
    """The tokens (half-open) of a mention that begins and ends with one, inside one sentence."""
    starts, ends = document.tokens.starts, document.tokens.ends
    first, last = bisect_left(starts, span.start), bisect_right(ends, span.end)
    if first >= last or starts[first] != span.start or ends[last - 1] != span.end:
        return None
    sentence = bisect_right(document.sentences, first, key=lambda bounds: bounds[1])
    return (first, last) if last <= document.sentences[sentence][1] else None


def swapped(document: Document, names: Mapping[str, Sequence[Name]], seed: str) -> Document:
    """The document with its mentions replaced by other names of their label, the same name by the same one.

    Left as they are: mentions that touch upon another, discontinuous ones, those that cut a token or a sentence, and
    those for whose label there is no other name.
    """
    chance = random.Random(f"{seed}:{document.id}:{document.text}")
    chosen: dict[tuple[str, str], Name | None] = {}
    edits: list[Edit] = []
    inserted: dict[int, tuple[int, Name]] = {}
    for span in _alone(document.spans):
        place = _tokens_of(document, span) if document.tokens else (0, 0)
        text = document.surface(span)
        if place is None or "\n" in text:
            continue
        key = (text, span.label)
        if key not in chosen:
            others = [name for name in names.get(span.label, ()) if name.text.casefold() != text.casefold()]
            chosen[key] = chance.choice(others) if others else None
        name = chosen[key]
        if name is not None:
            edits.append(Edit(span.start, span.end, name.text))
            inserted[place[0]] = (place[1], name)
    if not edits:
        return document
    made = Rewriter(document.text, edits)
    tokens, sentences = _tokens(document, made, inserted) if document.tokens else (document.tokens, ())
    spans = tuple(made.spans(document.spans))
    meta = made.meta(document)
    return replace(document, text=made.text, tokens=tokens, sentences=sentences, spans=spans, meta=meta)


def _alone(spans: Sequence[Span]) -> list[Span]:
    """The continuous spans that overlap no other, in order."""
    ordered = sorted(spans, key=lambda span: (span.start, span.end))
    crowded: set[int] = set()
    reached, holder = -1, -1
    for number, span in enumerate(ordered):
        if span.start < reached:
            crowded.update((number, holder))
        if span.end > reached:
            reached, holder = span.end, number
    return [span for number, span in enumerate(ordered) if number not in crowded and not span.fragments]


def _tokens(
    document: Document, made: Rewriter, inserted: Mapping[int, tuple[int, Name]]
) -> tuple[Tokens, tuple[tuple[int, int], ...]]:
    """The tokens with those of the new names, and the sentences that they make."""
    starts, ends = made.moved(document.tokens.starts), made.moved(document.tokens.ends)
    found: list[tuple[int, int]] = []
    edges = [0]
    for first, last in document.sentences:
        at = first
        while at < last:
            if at in inserted:
                base = starts[at]
                at, name = inserted[at]
                found += [(base + start, base + end) for start, end in name.words]
            else:
                found.append((starts[at], ends[at]))
                at += 1
        edges.append(len(found))
    return Tokens([start for start, _ in found], [end for _, end in found]), tuple(pairwise(edges))
