"""Words to word pieces and windows, such that every word has a first piece in exactly one window that owns it.

Published code loses words in three ways here: words past the length limit, words that give no piece, and pad ids
mistaken for pieces. None of them can happen below: windows tile the words, a word without pieces becomes the unknown
piece, and padding is told by position.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["Pieces", "Window", "windows"]


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of one sentence that fits the encoder.

    `ids` are piece ids with special tokens; `first` [owned words] is the place of each owned word's first piece
    in `ids`; the window owns the half-open **word** range [`start`, `end`) of sentence number `sentence`.
    """

    sentence: int
    start: int
    end: int
    ids: tuple[int, ...]
    first: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.ids)


class Pieces:
    """Turns sentences into windows; remembers the pieces of words it has seen."""

    def __init__(self, tokenizer: Any, size: int | None, overlap: int, positions: int) -> None:
        self.tokenizer = tokenizer
        inner = tokenizer("x", add_special_tokens=False)["input_ids"]
        outer = tokenizer("x")["input_ids"]
        at = next(place for place in range(len(outer)) if outer[place : place + len(inner)] == inner)
        self.prefix: tuple[int, ...] = tuple(outer[:at])
        self.suffix: tuple[int, ...] = tuple(outer[at + len(inner) :])
        self.unknown: int = tokenizer.unk_token_id if tokenizer.unk_token_id is not None else inner[0]
        self.pad: int = tokenizer.pad_token_id or 0
        self.size = min(size or positions, positions) - len(self.prefix) - len(self.suffix)
        if self.size < 1:
            raise ValueError("a window must hold at least one piece beside the special tokens")
        self.overlap = min(overlap, self.size // 2)
        self._known: dict[str, tuple[int, ...]] = {}

    def of_words(self, words: Iterable[str]) -> list[tuple[int, ...]]:
        """Piece ids of each word: at least one, at most a window's worth."""
        words = list(words)
        new = list(dict.fromkeys(word for word in words if word not in self._known))
        if new:
            if len(self._known) > 500_000:
                self._known.clear()
                new = list(dict.fromkeys(words))
            encoded = self.tokenizer([[word] for word in new], is_split_into_words=True, add_special_tokens=False)
            for word, ids in zip(new, encoded["input_ids"], strict=True):
                self._known[word] = tuple(ids[: self.size]) or (self.unknown,)
        return [self._known[word] for word in words]

    def windows(self, sentences: Sequence[Sequence[str]]) -> list[Window]:
        """The windows of all sentences in order; an empty sentence has none."""
        pieces = iter(self.of_words(word for sentence in sentences for word in sentence))
        made: list[Window] = []
        for number, sentence in enumerate(sentences):
            words = [next(pieces) for _ in sentence]
            for left, right, start, end in windows([len(word) for word in words], self.size, self.overlap):
                ids = list(self.prefix)
                first: list[int] = []
                for place in range(left, right):
                    if start <= place < end:
                        first.append(len(ids))
                    ids.extend(words[place])
                made.append(Window(number, start, end, (*ids, *self.suffix), tuple(first)))
        return made


def windows(sizes: Sequence[int], size: int, overlap: int) -> list[tuple[int, int, int, int]]:
    """Windows over words of so many pieces: (left, right, start, end), all in words.

    [left, right) is what the window reads, at most `size` pieces; [start, end) is what it owns. Owned ranges tile
    the words; where windows share words, each is owned by the one in which it is farther from the edge. Every word
    must fit a window by itself.
    """
    reads: list[tuple[int, int]] = []
    left = 0
    while left < len(sizes):
        right, taken = left, 0
        while right < len(sizes) and taken + sizes[right] <= size:
            taken += sizes[right]
            right += 1
        reads.append((left, right))
        if right == len(sizes):
            break
        back, shared = right, 0
        while back > left + 1 and shared + sizes[back - 1] <= overlap:
            back -= 1
            shared += sizes[back]
        left = back
    owned: list[tuple[int, int, int, int]] = []
    start = 0
    for number, (left, right) in enumerate(reads):
        end = right if number + 1 == len(reads) else (reads[number + 1][0] + right + 1) // 2
        if end > start:
            owned.append((left, right, start, end))
        start = end
    return owned
