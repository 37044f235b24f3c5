"""State scores of running text from the weights of its templates, looked up once a distinct word."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from onoma.models.feature_crf.corpus import Corpus, Vocabulary
from onoma.models.feature_crf.features import Template
from onoma.models.feature_crf.weights import Weights

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

    def __init__(self, weights: Weights, templates: Sequence[Template]) -> None:
        self.weights = weights
        self.room = max((abs(part.offset) for template in templates for part in template.parts), default=0)
        self.joined = [template for template in templates if len(template.parts) > 1]
        self.unary: dict[int, list[Template]] = {}
        for template in templates:
            if len(template.parts) == 1:
                self.unary.setdefault(template.parts[0].offset, []).append(template)
        self.rows: dict[str, dict[str, int]] = {template.name: {} for template in templates}
        for row, attribute in enumerate(weights.attributes):
            # Templates hold no "=", so the first one ends the name.
            name, _, text = attribute.partition("=")
            if name in self.rows:
                self.rows[name][text] = row
        self._forget()

    def _forget(self) -> None:
        self.vocabulary = Vocabulary()
        tags = self.weights.state.shape[1]
        self.by_number: dict[int, Floats] = {offset: np.zeros((0, tags)) for offset in self.unary}

    def __call__(self, sentences: Sequence[Sequence[str]]) -> tuple[Floats, NDArray[np.int64]]:
        """Emissions [words, tags] of all sentences in a row, and the sentences' lengths."""
        if len(self.vocabulary) > _LIMIT:
            self._forget()
        corpus = Corpus(sentences, self.vocabulary, self.room)
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
