"""What a data set holds, in numbers."""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections import Counter
from dataclasses import asdict, dataclass
from itertools import accumulate
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from onoma.document import Document, Span

__all__ = ["DataStatistics", "statistics"]

_LONG = 100
"""Characters of a mention's text from which on a number stands for it."""
_BLOCK = 256
_BASE = 1 << 32
_PRIME = (1 << 128) - 159


@dataclass(frozen=True)
class DataStatistics:
    """Counts of some documents; token counts are 0 for text that was never split.

    `lengths` counts mentions by their length in tokens, those that are no row of whole tokens left out.
    `surfaces` is the number of distinct texts of each label.
    """

    documents: int
    sentences: int
    tokens: int
    characters: int
    mentions: int
    labels: Mapping[str, int]
    surfaces: Mapping[str, int]
    lengths: Mapping[int, int]
    empty_sentences: int
    nested: int
    discontinuous: int
    token_cutting: int

    @property
    def words_per_sentence(self) -> float:
        """Mean number of tokens in a sentence; 0 where there is none."""
        return self.tokens / self.sentences if self.sentences else 0.0

    @property
    def empty_share(self) -> float:
        """Share of sentences without any mention; 0 where there is no sentence."""
        return self.empty_sentences / self.sentences if self.sentences else 0.0

    def record(self) -> dict[str, Any]:
        """All of it as JSON can hold it."""
        record = asdict(self)
        record["lengths"] = {str(length): count for length, count in self.lengths.items()}
        return record | {"words_per_sentence": self.words_per_sentence, "empty_share": self.empty_share}


def statistics(documents: Iterable[Document]) -> DataStatistics:
    """Count what some documents hold; one pass, works on a stream."""
    totals = Counter[str]()
    labels, lengths = Counter[str](), Counter[int]()
    surfaces: dict[str, set[str | tuple[int, int]]] = {}
    for document in documents:
        totals["documents"] += 1
        totals["sentences"] += len(document.sentences)
        totals["tokens"] += len(document.tokens)
        totals["characters"] += len(document.text)
        totals["nested"] += _nested(document.spans)
        starts = {token.start: index for index, token in enumerate(document.tokens) if token.end > token.start}
        ends = {token.end: index for index, token in enumerate(document.tokens) if token.end > token.start}
        prints = _Prints(document.text)
        edges = array("q", bytes(8 * (len(document.tokens) + 1)))  # spans that begin before a token, less those over
        for span in document.spans:
            labels[span.label] += 1
            surfaces.setdefault(span.label, set()).add(prints.surface(span))
            totals["discontinuous"] += span.discontinuous
            pieces = span.fragments or ((span.start, span.end),)
            places = [(starts.get(start), ends.get(end)) for start, end in pieces]
            length = 0
            for first, last in places:
                if first is None or last is None:
                    totals["token_cutting"] += bool(document.tokens)
                    break
                length += last - first + 1
            else:
                lengths[length] += 1
            first, last = _touched(document, span)
            if first < last:
                edges[first] += 1
                edges[last] -= 1
        touched = bytes(map(bool, accumulate(edges)))
        totals["empty"] += sum(1 not in touched[first:last] for first, last in document.sentences)
    return DataStatistics(
        documents=totals["documents"],
        sentences=totals["sentences"],
        tokens=totals["tokens"],
        characters=totals["characters"],
        mentions=sum(labels.values()),
        labels=dict(sorted(labels.items())),
        surfaces={label: len(surfaces[label]) for label in sorted(surfaces)},
        lengths=dict(sorted(lengths.items())),
        empty_sentences=totals["empty"],
        nested=totals["nested"],
        discontinuous=totals["discontinuous"],
        token_cutting=totals["token_cutting"],
    )


def _nested(spans: Iterable[Span]) -> int:
    """How many spans lie inside another one; of equal extents all but the first."""
    count, reach = 0, -1
    for span in sorted(spans, key=lambda span: (span.start, -span.end)):
        count += span.end <= reach
        reach = max(reach, span.end)
    return count


def _touched(document: Document, span: Span) -> tuple[int, int]:
    """The tokens between a span's first and last character, as a range."""
    tokens = document.tokens
    return bisect_right(tokens.ends, span.start), bisect_left(tokens.starts, span.end)


class _Prints:
    """What tells the surfaces of a text's spans apart, in a time that does not grow with their length.

    Nested spans together may be much longer than their text. So a long surface is its length and its characters as one
    number to the base of all characters, modulo a prime (Karp and Rabin 1987), from such numbers of the text's
    beginnings.
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self._begun: list[int] = []  # the number of the text up to each block

    def surface(self, span: Span) -> str | tuple[int, int]:
        """A short surface itself, else its length and its number."""
        pieces = span.fragments or ((span.start, span.end),)
        length = sum(end - start for start, end in pieces) + len(pieces) - 1  # joined by blanks
        if length < _LONG:
            return " ".join(self._text[start:end] for start, end in pieces)
        number = 0
        for place, (start, end) in enumerate(pieces):
            number = number * _BASE + ord(" ") if place else 0
            shift = pow(_BASE, end - start, _PRIME)
            number = (number * shift + self._until(end) - self._until(start) * shift) % _PRIME
        return length, number

    def _until(self, at: int) -> int:
        if not self._begun:
            self._begun = [0]
            shift = pow(_BASE, _BLOCK, _PRIME)
            for start in range(0, len(self._text) - _BLOCK + 1, _BLOCK):
                block = _number(self._text[start : start + _BLOCK])
                self._begun.append((self._begun[-1] * shift + block) % _PRIME)
        block, rest = divmod(at, _BLOCK)
        return self._begun[block] * pow(_BASE, rest, _PRIME) + _number(self._text[at - rest : at])


def _number(text: str) -> int:
    return int.from_bytes(text.encode("utf-32-be", "surrogatepass"), "big")
