"""Who puts exchanges as questions: an encoding with its prompt, cut to what a model can read and write."""

from __future__ import annotations

from collections.abc import Iterable
from math import ceil
from typing import Any

from onoma.document import Document
from onoma.encodings.base import Exchange
from onoma.exceptions import ConfigError
from onoma.models.base import TextModel
from onoma.prompting import Prompter

__all__ = ["Asker", "Room", "cut_sentences"]

BASE = 64
"""Pieces that any answer may have, if the model writes as many as four times that; those of longer texts may have more
(`Room.ratio`)."""
SPARE = 1.25
"""An answer may have so many times the pieces for each of the source's that answers have on average."""
SLACK = 16
"""Pieces more than needed that are written before an answer is cut off."""
LEAST = 8
"""Pieces that a question must leave for the text."""


class Room:
    """What a model can read and write, and how many pieces of answer a piece of text may need."""

    def __init__(self, model: TextModel, ratio: float) -> None:
        self.vocabulary = model.vocabulary
        self.source_limit, self.answer_limit = model.source_limit, model.answer_limit
        self.ratio = ratio
        self.base = min(BASE, self.answer_limit // 4)

    def size(self, text: str) -> int:
        """Pieces of a text."""
        return self.vocabulary.size(text)

    def reads(self, question: str) -> bool:
        """Whether a question can be read whole."""
        return self.size(question) <= self.source_limit

    def widened(self, pairs: Iterable[tuple[str, str]]) -> bool:
        """Take the lengths of texts and their right answers into account; whether that changed anything."""
        sizes = [(self.size(source), len(self.vocabulary.answer(answer))) for source, answer in pairs]
        whole = sum(source for source, _ in sizes)
        mean = sum(answer for _, answer in sizes) / max(1, whole)
        least = ((answer - self.base) / max(1, source) for source, answer in sizes)
        ratio = max(self.ratio, SPARE * mean, *least)
        changed = ratio > self.ratio
        self.ratio = ratio
        return changed


class Asker:
    """Makes questions; tells its encoding what the model's vocabulary loses, and which windows fit."""

    def __init__(self, encoding: Any, prompter: Prompter, room: Room) -> None:
        self.encoding = encoding
        self.prompter = prompter
        self.room = room
        asked: list[str | None] = list(encoding.labels) if encoding.by_type else [None]
        bare = [prompter.question(Exchange("", "", (0, 0), label), fits=lambda _: False) for label in asked]
        self._head = max(map(room.size, bare))
        self._mark = max((len(room.vocabulary.stretch(symbol, "")) for symbol in encoding.symbols), default=1)
        encoding.back = room.vocabulary.back
        encoding.fits = self._fits

    def refuse_without_room(self) -> None:
        """Raise `ConfigError` where the question leaves no room for a text."""
        if self._head + LEAST <= self.room.source_limit:
            return
        taken = f"{self._head} of the {self.room.source_limit} pieces that the model reads"
        several = self.prompter.names_labels and not self.encoding.by_type and len(self.encoding.labels) > 1
        fewer = ", or ask for fewer labels at a time" if several else ""
        raise ConfigError(f"the question takes {taken}, without any text: make it shorter{fewer}")

    def question(self, exchange: Exchange, epoch: int | None = None) -> str:
        """An exchange as a question, in an epoch of training or at prediction."""
        return self.prompter.question(exchange, epoch, self.room.reads)

    def limit(self, source: str) -> int:
        """Pieces that an answer about a text may have before it is cut off."""
        return min(self.room.answer_limit, self._need(source) + SLACK)

    def _fits(self, source: str) -> bool:
        reads = self._head + self.room.size(source) <= self.room.source_limit
        return reads and self._need(source) <= self.room.answer_limit

    def _need(self, source: str) -> int:
        pieces = self.room.size(source)
        if self.encoding.framed:  # a tag a word, beside what is copied
            return pieces + self._mark * len(source.split())
        return self.room.base + ceil(self.room.ratio * pieces)


def cut_sentences(document: Document, exchanges: Iterable[Exchange]) -> int:
    """How many sentences are asked about in parts."""
    starts, ends = {first for first, _ in document.sentences}, {last for _, last in document.sentences}
    return sum(first in starts and last not in ends for first, last in {each.window for each in exchanges})
