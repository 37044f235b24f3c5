"""Documents to blocks of word pieces, and blocks to masked ones.

Blocks tile a document: every piece stands in exactly one block, no block holds two documents, and none is cut off.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from onoma import progress
from onoma.models.pretrained import quietly

__all__ = ["IGNORE", "Block", "Masker", "Packer"]

IGNORE = -100
"""The label of pieces that are not to be guessed."""
LONGEST = 10
"""Pieces that are masked together at most (SpanBERT's longest span; Joshi et al. 2020): some scripts have no blanks."""
LINES = 1000
"""Lines that are tokenized at once."""


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """A stretch of one document: `ids` [pieces] int32 without special tokens, `words` [pieces] int32.

    `words` numbers the words from 0; it is -1 where a piece stands for nothing that could be guessed. `number` is the
    block's place among all blocks.
    """

    number: int
    ids: NDArray[np.int32]
    words: NDArray[np.int32]


class Packer:
    """Cuts documents at word bounds into blocks of at most `window` pieces, special tokens included."""

    def __init__(self, tokenizer: Any, window: int) -> None:
        self.tokenizer = tokenizer
        outer = tokenizer("x").encodings[0]
        first = outer.special_tokens_mask.index(0)
        last = len(outer.ids) - outer.special_tokens_mask[::-1].index(0)
        self.prefix: tuple[int, ...] = tuple(outer.ids[:first])
        self.suffix: tuple[int, ...] = tuple(outer.ids[last:])
        self.size = window - len(self.prefix) - len(self.suffix)
        self.special = np.asarray(tokenizer.all_special_ids, dtype=np.int32)

    def blocks(self, texts: Sequence[str]) -> list[Block]:
        """The blocks of all documents in order."""
        made: list[Block] = []
        with progress.bar("tokenizing", len(texts)) as bar:
            lines = self._lines([line for text in texts for line in text.split("\n")])
            for text in texts:
                parts = list(islice(lines, text.count("\n") + 1))
                self._pack(np.concatenate([ids for ids, _ in parts]), np.concatenate([new for _, new in parts]), made)
                bar.add()
        return made

    def _lines(self, lines: Sequence[str]) -> Any:
        """Ids [pieces] int32 and where words begin [pieces] bool, for each line."""
        for at in range(0, len(lines), LINES):
            some = list(lines[at : at + LINES])
            # What looks like a special token in a text is text.
            options: dict[str, Any] = {"add_special_tokens": False, "split_special_tokens": True}
            for encoding in quietly(self.tokenizer, some, **options).encodings:
                words = np.asarray([-1 if word is None else word for word in encoding.word_ids], dtype=np.int32)
                yield np.asarray(encoding.ids, dtype=np.int32), _beginnings(words, min(LONGEST, self.size))

    def _pack(self, ids: NDArray[np.int32], new: NDArray[np.bool_], made: list[Block]) -> None:
        edges = np.append(np.flatnonzero(new), len(ids))
        numbers = np.where(np.isin(ids, self.special), -1, np.cumsum(new) - 1)
        start = 0
        while start < len(ids):
            end = int(edges[np.searchsorted(edges, start + self.size, side="right") - 1])
            _, words = np.unique(numbers[start:end], return_inverse=True)
            lowest = -1 if (numbers[start:end] < 0).any() else 0
            made.append(Block(len(made), ids[start:end], (words + lowest).astype(np.int32)))
            start = end


def _beginnings(words: NDArray[np.int32], longest: int) -> NDArray[np.bool_]:
    """Where a word begins, or goes on after `longest` pieces, by the word numbers of pieces."""
    places = np.arange(len(words))
    changed = np.ones(len(words), dtype=np.bool_)
    changed[1:] = words[1:] != words[:-1]
    return (places - np.maximum.accumulate(np.where(changed, places, 0))) % longest == 0


class Masker:
    """Whole-word masking: which words are to be guessed, and what stands in their place.

    A share of the words, one at least, is chosen; each of them becomes mask tokens (80 %), random pieces (10 %) or
    stays (10 %), all its pieces alike (Devlin et al. 2019, section 3.1; whole words as in their later models).
    """

    def __init__(self, mask: int, ordinary: NDArray[np.int32], share: float) -> None:
        self.mask = mask
        self.ordinary = ordinary
        self.share = share

    def __call__(self, block: Block, *key: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Ids and labels, both [pieces] int64: a pure function of `key`, the block and its number."""
        rng = np.random.default_rng((*key, block.number))
        ids = block.ids.astype(np.int64)
        labels = np.full(len(ids), IGNORE, dtype=np.int64)
        count = int(block.words.max(initial=-1)) + 1
        if not count:
            return ids, labels
        chosen = rng.permutation(count)[: max(1, int(self.share * count + rng.random()))]
        fates = np.zeros(count + 1)  # the last stands for -1, no word
        fates[chosen] = 1 - rng.random(len(chosen))  # above 0 for those to be guessed
        fate = fates[block.words]
        labels[fate > 0] = ids[fate > 0]
        ids[fate > 0.2] = self.mask
        drawn = (fate > 0) & (fate <= 0.1)
        ids[drawn] = rng.choice(self.ordinary, int(drawn.sum()))
        return ids, labels
