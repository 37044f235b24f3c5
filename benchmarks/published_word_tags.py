"""The peer that reads, aligns and scores `word(tag)` answers in the steps of GNER's script (Ding et al. 2024).

Its steps, in our own words: items end with a known tag in parentheses; the source's words go through the vocabulary one
by one, each time anew; both sides are lower-cased and aligned by the hierarchy of section 4.3; a mention ends at B or O
and bears the label of its last word; what is compared are sets of normalised texts with labels, sentence by sentence.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from onoma import alignment
from onoma.evaluation.protocols.universalner import normalised

__all__ = ["PublishedWordTags"]


class PublishedWordTags:
    """The published reading of answers, with a tokenizer for back tokenization and the labels' names."""

    def __init__(self, tokenizer: Any, labels: Sequence[str]) -> None:
        self.tokenizer = tokenizer
        tags = ["O", *(f"{prefix}-{label}" for label in labels for prefix in "BI")]
        self._end = re.compile(rf"\(({'|'.join(map(re.escape, tags))})\)")

    def __call__(self, gold: Sequence[tuple[Sequence[str], Sequence[str]]], answers: Sequence[str]) -> float:
        """F1 of the answers about sentences of words with their tags."""
        right = found = there = 0
        for (words, tags), answer in zip(gold, answers, strict=True):
            expected = self._texts(words, tags)
            predicted = self._texts(words, self._read(words, answer))
            right += len(expected & predicted)
            found += len(predicted)
            there += len(expected)
        return 2 * right / (found + there)

    def _read(self, words: Sequence[str], answer: str) -> list[str]:
        """A tag for each word of the source."""
        items: list[tuple[str, str]] = []
        at = 0
        for end in self._end.finditer(answer):
            if word := answer[at : end.start()].strip():
                items.append((word.lower(), end[1]))
            at = end.end()
        encode, decode = self.tokenizer.encode, self.tokenizer.decode
        source = [decode(encode(word, add_special_tokens=False), skip_special_tokens=True).lower() for word in words]
        aligned = alignment.align(source, [word for word, _ in items], "gner")
        return ["O" if item is None else items[item][1] for item in aligned]

    def _texts(self, words: Sequence[str], tags: Sequence[str]) -> set[tuple[str, str]]:
        return {(normalised(" ".join(words[first:last])), label) for first, last, label in _mentions(tags)}


def _mentions(tags: Sequence[str]) -> Iterator[tuple[int, int, str]]:
    """First word, end and label."""
    first: int | None = None
    for number, tag in enumerate([*tags, "O"]):
        if first is not None and not tag.startswith("I-"):
            yield first, number, tags[number - 1][2:]
            first = None
        if first is None and tag != "O":
            first = number
