"""How the same text is labelled elsewhere: mentions and unlabelled occurrences, counted over a corpus."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from math import log

from onoma.document import Document, Span

__all__ = ["Elsewhere", "Usage", "token_range"]

Words = tuple[str, ...]
Occurrence = tuple[int, int, Words]
"""First token, the token after the last, and the words."""

DOUBT = 2
"""Occurrences that a majority is weighed against: few of them say little."""


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """What the other occurrences of a text are: a count by label, None for those that are no mention nor in one."""

    counts: Mapping[str | None, int]

    @property
    def majority(self) -> str | None:
        """The most frequent label, or None; the first in the alphabet of equal ones, a label before None."""
        return min(self.counts, key=lambda label: (-self.counts[label], label is None, label or ""), default=None)

    @property
    def entropy(self) -> float:
        """Entropy of the counts, from 0 (all alike) to 1 (two or more labels, all as frequent)."""
        total = sum(self.counts.values())
        shares = [count / total for count in self.counts.values() if count]
        return -sum(share * log(share) for share in shares) / log(len(shares)) if len(shares) > 1 else 0.0

    def against(self, label: str | None) -> float:
        """How strongly they speak against a label here, in [0,1): the lead of another majority, less if they differ."""
        if not self.counts or self.majority == label:
            return 0.0
        lead = self.counts[self.majority] - self.counts.get(label, 0)
        return lead / (sum(self.counts.values()) + DOUBT) * (1 - self.entropy / 2)

    def __str__(self) -> str:
        rows = sorted(self.counts.items(), key=lambda row: (-row[1], row[0] is None, row[0] or ""))
        return ", ".join(f"{'no mention' if label is None else label} {count}" for label, count in rows if count)


class Usage:
    """All texts that are a mention somewhere, by how their occurrences are labelled.

    Occurrences are the same words in a row, in the same case. One that shares words with a mention but is not the whole
    of it is left out: it says nothing about the text by itself. Documents must have tokens.
    """

    def __init__(self, documents: Iterable[Document]) -> None:
        documents = tuple(documents)
        self._counts: dict[Words, Counter[str | None]] = defaultdict(Counter)
        for document in documents:
            for span in document.spans:
                first, last = token_range(document, span)
                if first < last and not span.fragments:
                    self._counts[document.words[first:last]][span.label] += 1
        lengths: dict[str, set[int]] = defaultdict(set)
        for words in self._counts:
            lengths[words[0]].add(len(words))
        self._lengths = {word: sorted(sizes, reverse=True) for word, sizes in lengths.items()}
        for document in documents:
            for _, _, words in self.unlabelled(document, document.spans):
                self._counts[words][None] += 1

    def unlabelled(self, document: Document, spans: Iterable[Span]) -> Iterator[Occurrence]:
        """Occurrences inside sentences of texts that are mentions somewhere, less those that share a word with a span.

        Of occurrences that begin with one word all are given, the longest first.
        """
        taken = bytearray(len(document.tokens))
        for span in spans:
            first, last = token_range(document, span)
            taken[first:last] = b"\1" * (last - first)
        words = document.words
        for begin, end in document.sentences:
            for first in range(begin, end):
                for size in self._lengths.get(words[first], ()):
                    last = first + size
                    if last <= end and words[first:last] in self._counts and not any(taken[first:last]):
                        yield first, last, words[first:last]

    def elsewhere(self, words: Words, label: str | None) -> Elsewhere:
        """The other occurrences of a text that has this label here."""
        counts = Counter(self._counts.get(words, {}))
        counts[label] -= 1
        return Elsewhere({name: count for name, count in counts.items() if count > 0})


def token_range(document: Document, span: Span) -> tuple[int, int]:
    """Half-open range of the tokens that a span touches; a discontinuous one counts as its hull."""
    return bisect_right(document.tokens.ends, span.start), bisect_left(document.tokens.starts, span.end)
