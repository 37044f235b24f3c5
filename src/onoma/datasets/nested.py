"""Sentences with spans that may nest or cross: what the formats with mention lists or several tag layers share."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from onoma import schemes
from onoma.datasets.attached import span_line
from onoma.datasets.columns import check_tag, count_illegal, gaps
from onoma.document import Document, Span, Tokens
from onoma.exceptions import DataError
from onoma.schemes import Detection, TokenSpan

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

__all__ = ["Place", "decide_scheme", "document_of", "split_layers", "text_losses", "token_spans"]


@dataclass(frozen=True)
class Place:
    """A file and the unit its records are counted in, for messages: lines, or the rows of a binary file."""

    path: str | Path
    unit: str = "line"

    def error(self, message: str, number: int | None = None, mend: str | None = None) -> DataError:
        """The error that names this file and the record of that number."""
        if self.unit != "line" and number is not None:
            return DataError(f"{self.unit} {number}: {message}", path=self.path, mend=mend)
        return DataError(message, path=self.path, line=number, mend=mend)


def decide_scheme(
    sequences: Iterable[tuple[Place, int, Sequence[str]]], path: str | Path, name: str | None, *, step: int = 0
) -> Detection:
    """The scheme of that name, or the one found over all tags, and how many transitions are illegal under it.

    A sequence comes with its file and its number; `step` is 1 where each tag stands in a line of its own. Raises
    `DataError` with file and line for values that are no tags or not of the scheme, `ConfigError` for unknown names.
    """
    first: dict[str, tuple[Place, int]] = {}
    counts: Counter[str] = Counter()

    def seen() -> Iterator[Sequence[str]]:
        for place, number, tags in sequences:
            counts.update(tags)
            if new := [tag for tag in dict.fromkeys(tags) if tag not in first]:
                for tag in new:
                    at = number + step * list(tags).index(tag)
                    first[tag] = (place, at)
                    try:
                        check_tag(tag, place.path, at)
                    except DataError as error:
                        raise place.error(error.message, at, error.mend) from None
            yield tags

    told = None if name is None else schemes.get(name)
    try:
        if told is not None:
            return Detection(told, "as told", count_illegal(told, seen()))
        return schemes.detect(seen())
    except DataError as error:
        if error.path is not None:
            raise
        if told is not None:
            strange = [tag for tag in first if tag != "O" and tag[0] not in told.prefixes]
        else:  # the prefix that is seen least is most likely the odd one out
            seldom = Counter[str]()
            for tag, count in counts.items():
                seldom[tag[0]] += count
            odd = min(sorted(seldom), key=seldom.__getitem__)
            strange = [tag for tag in first if tag[0] == odd]
        place, number = first[strange[0]] if strange else (Place(path), None)
        raise place.error(error.message, number, error.mend) from None


# ---------------------------------------------------------------------- reading


def document_of(
    id: str,
    sentences: Iterable[tuple[Sequence[str], Iterable[TokenSpan]]],
    meta: Mapping[str, Any],
) -> Document:
    """The document of sentences of words and spans (in tokens of their sentence); words are joined by one blank.

    Sentences without words are left out. Raises `DataError` for a mention of nothing but empty words.
    """
    words: list[str] = []
    bounds: list[tuple[int, int]] = []
    found: list[TokenSpan] = []
    for sentence, mentions in sentences:
        if sentence:
            base = len(words)
            words += sentence
            bounds.append((base, len(words)))
            found += [TokenSpan(base + start, base + stop, label) for start, stop, label in mentions]
    tokens = Tokens.joined(words)
    spans: list[Span] = []
    for start, stop, label in found:
        left, right = tokens.starts[start], tokens.ends[stop - 1]
        if left == right:
            raise DataError(f"a mention of {label} is nothing but empty tokens")
        spans.append(Span(left, right, label))
    return Document(id, " ".join(words), tokens, tuple(bounds), tuple(spans), meta)


# ---------------------------------------------------------------------- writing


def text_losses(document: Document) -> list[str]:
    """A line for each piece of text outside the tokens that is more than blanks."""
    mend = "" if document.tokens else "; split it into tokens first"
    return [f"text outside the tokens: {gap.strip()[:30]!r}{mend}" for gap in gaps(document) if gap.strip()]


def token_spans(document: Document) -> tuple[list[list[TokenSpan]], list[str]]:
    """The spans of each sentence that are whole tokens of it, counted from its first, and a line for each other span.

    Spans may nest, cross and repeat; they stay in the document's order.
    """
    starts = {token.start: index for index, token in enumerate(document.tokens) if token.end > token.start}
    ends = {token.end: index + 1 for index, token in enumerate(document.tokens) if token.end > token.start}
    home = [number for number, (start, end) in enumerate(document.sentences) for _ in range(start, end)]
    found: list[list[TokenSpan]] = [[] for _ in document.sentences]
    losses: list[str] = []
    for span in document.spans:
        start, end = starts.get(span.start), ends.get(span.end)
        if span.fragments:
            why = "is discontinuous"
        elif start is None or end is None:
            why = "cuts a token"
        elif home[start] != home[end - 1]:
            why = "crosses a sentence boundary"
        else:
            first = document.sentences[home[start]][0]
            found[home[start]].append(TokenSpan(start - first, end - first, span.label))
            continue
        losses.append(span_line(document, span, why))
    return found, losses


def split_layers(spans: Iterable[TokenSpan], most: int | None = None) -> list[list[TokenSpan]]:
    """The spans as flat layers, the longest first: each goes to the first layer where its tokens are free.

    Spans for which `most` layers are too few are left out.
    """
    layers: list[list[TokenSpan]] = []
    edges: list[tuple[list[int], list[int]]] = []  # starts and ends of each layer's spans, in order
    for span in sorted(spans, key=lambda span: (span.start - span.end, span)):
        for layer, (starts, ends) in zip(layers, edges, strict=True):
            at = bisect_right(ends, span.start)
            if at == len(starts) or span.end <= starts[at]:
                layer.append(span)
                starts.insert(at, span.start)
                ends.insert(at, span.end)
                break
        else:
            if most is None or len(layers) < most:
                layers.append([span])
                edges.append(([span.start], [span.end]))
    return layers
