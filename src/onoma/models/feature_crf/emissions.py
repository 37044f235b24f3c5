"""State scores of running text from the weights of its templates, looked up once a distinct word."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from onoma.models.feature_crf.corpus import Corpus, Signs, Vocabulary, split_templates
from onoma.models.feature_crf.features import Template
from onoma.models.feature_crf.weights import Weights
from onoma.models.gazetteers import Gazetteer

__all__ = ["Emissions"]

Floats = NDArray[np.float64]

_LIMIT = 400_000
"""Distinct words to remember between calls: a few hundred bytes each for every offset of the templates."""


def _appended(table: Floats, more: Floats) -> Floats:
    """`table` with rows added, in place where its buffer has room: copying all for each new word would be quadratic."""
    size = len(table) + len(more)
    buffer = table if table.base is None else table.base
    if not isinstance(buffer, np.ndarray) or len(buffer) < size:
        grown = np.empty((max(64, 2 * size), table.shape[1]))
        grown[: len(table)] = table
        buffer = grown
    buffer[len(table) : size] = more
    return buffer[:size]


class Emissions:
    """Scores sentences; remembers the summed weights of every word it has seen, at every offset."""

    def __init__(self, weights: Weights, templates: Sequence[Template], gazetteer: Gazetteer | None = None) -> None:
        self.weights = weights
        self.gazetteer = gazetteer
        self.room = max((abs(part.offset) for template in templates for part in template.parts), default=0)
        unary, listed, self.joined = split_templates(templates)
        self.unary: dict[int, list[Template]] = {}
        self.listed: dict[int, list[Template]] = {}
        for kind, by_offset in ((unary, self.unary), (listed, self.listed)):
            for template in kind:
                by_offset.setdefault(template.parts[0].offset, []).append(template)
        self.rows: dict[str, dict[str, int]] = {template.name: {} for template in templates}
        for row, attribute in enumerate(weights.attributes):
            # Templates hold no "=", so the first one ends the name.
            name, _, text = attribute.partition("=")
            if name in self.rows:
                self.rows[name][text] = row
        self._forget()

    def _forget(self) -> None:
        self.vocabulary = Vocabulary()
        self.signs = None if self.gazetteer is None else Signs(self.gazetteer)
        tags = self.weights.state.shape[1]
        self.by_number: dict[int, Floats] = {offset: np.zeros((0, tags)) for offset in self.unary}
        self.by_sign: dict[int, Floats] = {offset: np.zeros((0, tags)) for offset in self.listed}

    def __call__(self, sentences: Sequence[Sequence[str]]) -> tuple[Floats, NDArray[np.int64]]:
        """Emissions [words, tags] of all sentences in a row, and the sentences' lengths."""
        if len(self.vocabulary) > _LIMIT or (self.signs is not None and len(self.signs.signs) > _LIMIT):
            self._forget()
        corpus = Corpus(sentences, self.vocabulary, self.room, self.signs)
        scores = np.zeros((len(corpus.places), self.weights.state.shape[1]))
        for offset, templates in self.unary.items():
            table = self._grown(offset, templates)
            scores += table[corpus.at(offset)]
        for template in self.joined:
            texts, codes = corpus.joined(template)
            known = self.rows[template.name]
            rows = np.array([known.get(text, -1) for text in texts] + [-1], dtype=np.int64)[codes]
            hit = np.flatnonzero(rows >= 0)
            scores[hit] += self.weights.state[rows[hit]]
        for offset, templates in self.listed.items():
            table = self._grown_signs(offset, templates)
            numbers = corpus.signs_at(offset)
            hit = np.flatnonzero(numbers)
            scores[hit] += table[numbers[hit]]
        return scores, corpus.lengths

    def _grown(self, offset: int, templates: list[Template]) -> Floats:
        """Summed weights [word numbers, tags] at one offset, with rows for the words that are new."""
        table = self.by_number[offset]
        first, size = len(table), len(self.vocabulary)
        if first == size:
            return table
        more = np.zeros((size - first, table.shape[1]))
        for template in templates:
            known = self.rows[template.name]
            texts, index = self.vocabulary.values(template.parts[0].function)
            rows = [-1 if code < 0 else known.get(texts[code], -1) for code in index[first:]]
            if template.stretch:
                rows[: max(0, 2 - first)] = [-1] * max(0, 2 - first)
            numbers = np.array(rows, dtype=np.int64)
            hit = np.flatnonzero(numbers >= 0)
            more[hit] += self.weights.state[numbers[hit]]
        table = self.by_number[offset] = _appended(table, more)
        return table

    def _grown_signs(self, offset: int, templates: list[Template]) -> Floats:
        """Summed weights [sign numbers, tags] at one offset, with rows for the signs that are new."""
        assert self.signs is not None
        table = self.by_sign[offset]
        new = self.signs.signs[len(table) :]
        if not new:
            return table
        more = np.zeros((len(new), table.shape[1]))
        for template in templates:
            known = self.rows[template.name]
            for row, sign in zip(more, new, strict=True):
                for place in sign:
                    if place in known:
                        row += self.weights.state[known[place]]
        table = self.by_sign[offset] = _appended(table, more)
        return table
