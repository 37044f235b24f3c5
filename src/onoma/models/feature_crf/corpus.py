"""Sentences as word numbers with room at the edges, so that a neighbour is a shift of one array."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from onoma.models.feature_crf.features import EDGE_FUNCTIONS, FUNCTIONS, GAZETTEER, Part, Template
from onoma.models.gazetteers import Gazetteer

__all__ = ["AFTER", "BEFORE", "Corpus", "Signs", "Vocabulary", "attributes", "split_templates", "unary_attributes"]

Ints = NDArray[np.int64]

BEFORE, AFTER = 0, 1
"""Numbers of the two edges of a sentence; words are numbered from 2."""


class Vocabulary:
    """Distinct words in order of first sight, numbered from 2, and the values of word functions for them."""

    def __init__(self) -> None:
        self.words: list[str] = []
        self.numbers: dict[str, int] = {}
        self._values: dict[str, tuple[list[str], dict[str, int], array[int]]] = {}

    def __len__(self) -> int:
        return len(self.words) + 2

    def number(self, sentences: Sequence[Sequence[str]]) -> list[int]:
        """Numbers of all words of some sentences in a row; new words get new numbers."""
        numbers = self.numbers
        flat: list[int] = []
        for sentence in sentences:
            for word in sentence:
                known = numbers.get(word)
                if known is None:
                    known = numbers[word] = len(self.words) + 2
                    self.words.append(word)
                flat.append(known)
        return flat

    def values(self, function: str) -> tuple[list[str], array[int]]:
        """Distinct values of a word function, and for each number the index of its value (-1: none)."""
        texts, ids, index = self._values.setdefault(function, ([], {}, array("q")))
        if not index:
            for edge in ("<s>", "</s>"):
                index.append(_intern(edge if function in EDGE_FUNCTIONS else None, texts, ids))
        compute = FUNCTIONS[function]
        for word in self.words[len(index) - 2 :]:
            index.append(_intern(compute(word), texts, ids))
        return texts, index


def _intern(text: str | None, texts: list[str], ids: dict[str, int]) -> int:
    if text is None:
        return -1
    known = ids.get(text)
    if known is None:
        known = ids[text] = len(texts)
        texts.append(text)
    return known


class Signs:
    """A vocabulary beside that of words: what word lists say of a word at its place in a sentence.

    A sign is the set of places the word has in matching entries, whether they overlap or not, in alphabetical order;
    signs are numbered in order of first sight, from 0: in no entry.
    """

    def __init__(self, gazetteer: Gazetteer) -> None:
        self.gazetteer = gazetteer
        self.signs: list[tuple[str, ...]] = [()]
        self._numbers: dict[tuple[str, ...], int] = {(): 0}

    def number(self, sentences: Sequence[Sequence[str]]) -> Ints:
        """Sign numbers of all words of some sentences in a row: [words]."""
        flat = np.zeros(sum(map(len, sentences)), dtype=np.int64)
        first = 0
        for sentence in sentences:
            places: dict[int, set[str]] = {}
            for start, end, names in self.gazetteer.matches(sentence, overlapping=True):
                for at in range(start, end):
                    letter = "S" if end - start == 1 else "B" if at == start else "E" if at == end - 1 else "I"
                    places.setdefault(first + at, set()).update(f"{letter}-{name}" for name in names)
            for at, values in places.items():
                sign = tuple(sorted(values))
                known = self._numbers.get(sign)
                if known is None:
                    known = self._numbers[sign] = len(self.signs)
                    self.signs.append(sign)
                flat[at] = known
            first += len(sentence)
        return flat


class Corpus:
    """Sentences laid out in one array with `room` edge numbers on both sides of each.

    `numbers` [padded words]; `places` [words]: where the real words are, so that `numbers[places + k]` are the
    neighbours at offset k; `lengths` [sentences]. `signs` are numbered alike where there are word lists.
    """

    def __init__(
        self, sentences: Sequence[Sequence[str]], vocabulary: Vocabulary, room: int, signs: Signs | None = None
    ) -> None:
        self.vocabulary = vocabulary
        self.signs = signs
        self.lengths: Ints = np.array([len(sentence) for sentence in sentences], dtype=np.int64)
        flat = np.array(vocabulary.number(sentences), dtype=np.int64)
        starts = np.concatenate(([0], np.cumsum(self.lengths)))[:-1]
        shift = room * (2 * np.arange(len(sentences)) + 1)
        self.places: Ints = np.arange(len(flat)) + np.repeat(shift, self.lengths)
        self.numbers: Ints = np.full(len(flat) + 2 * room * len(sentences), AFTER, dtype=np.int64)
        before = (starts + shift)[:, None] - np.arange(1, room + 1)[None, :]
        self.numbers[before.ravel()] = BEFORE
        self.numbers[self.places] = flat
        if signs is not None:
            self._signs: Ints = np.zeros(len(self.numbers), dtype=np.int64)
            self._signs[self.places] = signs.number(sentences)

    def at(self, offset: int) -> Ints:
        """Word numbers at an offset from every word: [words]."""
        return self.numbers[self.places + offset]

    def signs_at(self, offset: int) -> Ints:
        """Sign numbers at an offset from every word, 0 beyond the edges: [words]."""
        return self._signs[self.places + offset]

    def _part(self, part: Part) -> tuple[list[str], Ints]:
        """Distinct values of a part, and for each word the index of its value (-1: none)."""
        if part.function == GAZETTEER:
            assert self.signs is not None
            return ["+".join(sign) for sign in self.signs.signs[1:]], self.signs_at(part.offset) - 1
        names, index = self.vocabulary.values(part.function)
        return names, np.frombuffer(index, dtype=np.int64)[self.at(part.offset)]  # no copy of every word ever seen

    def joined(self, template: Template) -> tuple[list[str], Ints]:
        """Distinct joined values of a template, and for each word the index of its value (-1: none)."""
        texts, codes = [], None
        for part in template.parts:
            names, ids = self._part(part)
            if codes is None:
                texts, codes = names, ids
                continue
            missing = (codes < 0) | (ids < 0)
            pairs, inverse = np.unique(np.where(missing, -1, codes * max(len(names), 1) + ids), return_inverse=True)
            size = max(len(names), 1)
            kept = pairs[pairs >= 0]
            texts = [f"{texts[left]}|{names[right]}" for left, right in zip(kept // size, kept % size, strict=True)]
            codes = inverse.reshape(-1) - int(len(pairs) > len(kept))
        assert codes is not None
        return texts, codes


def split_templates(templates: Sequence[Template]) -> tuple[list[Template], list[Template], list[Template]]:
    """Templates of one word function, of `gazetteer` alone, and of several parts."""
    alone = [template for template in templates if len(template.parts) == 1]
    unary = [template for template in alone if template.parts[0].function != GAZETTEER]
    listed = [template for template in alone if template.parts[0].function == GAZETTEER]
    return unary, listed, [template for template in templates if len(template.parts) > 1]


def attributes(
    sentences: Sequence[Sequence[str]],
    templates: Sequence[Template],
    gazetteer: Gazetteer | None = None,
    block: int = 4096,
) -> Iterator[list[list[str]]]:
    """The attributes of every word of each sentence: lists of `TEMPLATE=VALUE` strings, sentence by sentence."""
    vocabulary = Vocabulary()
    signs = None if gazetteer is None else Signs(gazetteer)
    room = max((abs(part.offset) for template in templates for part in template.parts), default=0)
    unary, listed, joined = split_templates(templates)
    lists: dict[int, list[list[str]]] = {template.parts[0].offset: [] for template in unary}
    for first in range(0, len(sentences), block):
        some = sentences[first : first + block]
        corpus = Corpus(some, vocabulary, room, signs)
        for offset, by_number in lists.items():
            here = [template for template in unary if template.parts[0].offset == offset]
            by_number.extend(unary_attributes(here, vocabulary, len(by_number)))
        columns = [[by_number[number] for number in corpus.at(offset)] for offset, by_number in lists.items()]
        extra: list[list[str]] = [[] for _ in range(len(corpus.places))]
        for template in joined:
            texts, codes = corpus.joined(template)
            names = [f"{template.name}={text}" for text in texts]
            for mine, code in zip(extra, codes.tolist(), strict=True):
                if code >= 0:
                    mine.append(names[code])
        for template in listed:
            assert signs is not None
            rows = [[f"{template.name}={place}" for place in sign] for sign in signs.signs]
            for mine, number in zip(extra, corpus.signs_at(template.parts[0].offset).tolist(), strict=True):
                mine += rows[number]
        at = 0
        for sentence in some:
            stop = at + len(sentence)
            yield [
                [name for part in parts for name in part]
                for parts in zip(*(column[at:stop] for column in columns), extra[at:stop], strict=True)
            ]
            at = stop


def unary_attributes(templates: Sequence[Template], vocabulary: Vocabulary, first: int) -> list[list[str]]:
    """For each word number from `first` on: the attributes that templates of one part give."""
    rows: list[list[str]] = [[] for _ in range(len(vocabulary) - first)]
    for template in templates:
        texts, index = vocabulary.values(template.parts[0].function)
        names = [f"{template.name}={text}" for text in texts]
        for number, row in enumerate(rows, start=first):
            code = index[number]
            if code >= 0 and not (template.stretch and number < 2):
                row.append(names[code])
    return rows
