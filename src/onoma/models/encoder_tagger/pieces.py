"""Words to word pieces, windows and blocks, such that no word is ever lost.

Published code loses words in three ways here: words past the length limit, words that give no piece, and pad ids
mistaken for pieces. None of them can happen below: windows cover the words, a word without pieces becomes the unknown
piece, and padding is told by position.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate, chain, islice, repeat
from typing import Any

from onoma.models.base import Sentences
from onoma.models.encoder_tagger.windows import Reading, plan
from onoma.models.tagging import shapes
from onoma.unicode import well_formed

__all__ = ["Block", "Pieces", "Window"]


@dataclass(frozen=True, slots=True)
class Window:
    """What the encoder reads at once.

    `ids` [pieces] with special tokens; `shapes` [pieces] of the words the pieces belong to, none where they are not
    asked for; `first` [read words]: the place of each read word's first piece in `ids`. Words are numbered within the
    document: [`start`, `end`) are read to be tagged, of which [`own_start`, `own_end`) are owned; the other words
    around them are context only. `cut_left` and `cut_right` say whether their sentence goes on beyond.
    """

    ids: tuple[int, ...]
    shapes: tuple[int, ...]
    first: tuple[int, ...]
    start: int
    end: int
    own_start: int
    own_end: int
    cut_left: bool
    cut_right: bool

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True, slots=True)
class Block:
    """Some whole sentences and the windows that own their words, each word once; `lengths` in words."""

    windows: tuple[Window, ...]
    start: int
    lengths: tuple[int, ...]

    def __len__(self) -> int:
        return sum(map(len, self.windows))


class Pieces:
    """Turns documents into windows; remembers the pieces of words it has seen."""

    def __init__(
        self,
        tokenizer: Any,
        size: int | None,
        overlap: int,
        positions: int,
        context: int = 0,
        *,
        word_shape: bool = False,
    ) -> None:
        self.tokenizer = tokenizer
        self.word_shape = word_shape
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
        self.context = min(context, self.size // 3)
        self._known: dict[str, tuple[int, ...]] = {}

    def of_words(self, words: Iterable[str]) -> list[tuple[int, ...]]:
        """Piece ids of each word: at least one, at most a window's worth."""
        words = list(words)
        new = list(dict.fromkeys(word for word in words if word not in self._known))
        if new:
            if len(self._known) > 500_000:
                self._known.clear()
                new = list(dict.fromkeys(words))
            texts = [[well_formed(word)] for word in new]
            encoded = self.tokenizer(texts, is_split_into_words=True, add_special_tokens=False)
            for word, ids in zip(new, encoded["input_ids"], strict=True):
                self._known[word] = tuple(ids[: self.size]) or (self.unknown,)
        return [self._known[word] for word in words]

    def blocks(self, document: Sentences) -> list[Block]:
        """The blocks of a document in order; they tile its words. An empty sentence is in none."""
        words = [word for sentence in document for word in sentence]
        pieces = self.of_words(words)
        shaped = [shapes.shape(word) for word in words] if self.word_shape else []
        edges = [0, *accumulate(len(sentence) for sentence in document)]
        made: list[Block] = []
        sizes = [len(ids) for ids in pieces]
        for first, last, readings in plan(sizes, edges, self.size, self.overlap, self.context):
            windows = tuple(self._window(reading, pieces, shaped) for reading in readings)
            lengths = (edges[number + 1] - edges[number] for number in range(first, last))
            made.append(Block(windows, edges[first], tuple(length for length in lengths if length)))
        return made

    def _window(self, reading: Reading, pieces: Sequence[tuple[int, ...]], shaped: Sequence[int]) -> Window:
        read = pieces[reading.left : reading.right]
        places = accumulate(map(len, read), initial=len(self.prefix))
        first = tuple(islice(places, reading.start - reading.left, reading.end - reading.left))
        marks: tuple[int, ...] = ()
        if self.word_shape:
            inside = map(repeat, shaped[reading.left : reading.right], map(len, read))
            before, after = ((shapes.NONE,) * len(ids) for ids in (self.prefix, self.suffix))
            marks = (*before, *chain.from_iterable(inside), *after)
        ids = (*self.prefix, *chain.from_iterable(read), *self.suffix)
        cuts = (reading.cut_left, reading.cut_right)
        return Window(ids, marks, first, reading.start, reading.end, reading.own_start, reading.own_end, *cuts)
