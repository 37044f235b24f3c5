"""A tag a word: all but the tags is known."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from onoma.encodings.automata.base import END, Automaton, Mention, Move, Part

__all__ = ["TagAutomaton"]


class Place(NamedTuple):
    """Before the literal of a word, or (`tag`) before its tag; `before` is the number of the last tag, -1 for none."""

    word: int
    before: int
    tag: bool = False


class TagAutomaton(Automaton):
    """Before each tag stands a text that is known, and nothing behind the last.

    `start` [tags], `follow` [tags, tags] and `stop` [tags] say what may stand first, behind another, and last, `begins`
    [tags, tags] behind which one a tag begins a mention: never at an `empty` word. `outside` is the number of O.
    """

    def __init__(
        self,
        literals: Sequence[str],
        tags: Sequence[str],
        start: NDArray[np.bool_],
        follow: NDArray[np.bool_],
        stop: NDArray[np.bool_],
        begins: NDArray[np.bool_],
        empty: Collection[int],
        outside: int,
    ) -> None:
        self.literals = literals
        self.tags = tags
        self.outside = outside
        self._first, self._follow, self._stop, self._begins = start, follow, stop, begins
        self._empty = empty
        self._last = len(literals) - 1
        self._known: dict[tuple[int, bool, bool], list[int]] = {}
        self.start = Place(0, -1) if literals else END

    def legal(self, place: Place) -> list[int]:
        """Numbers of the tags that may stand at a place."""
        key = place.before, place.word == self._last, place.word in self._empty
        if key not in self._known:
            before, last, empty = key
            allowed = self._first if before < 0 else self._follow[before]
            allowed = allowed & self._stop if last else allowed
            if empty:
                allowed = allowed & ~self._begins[before if before >= 0 else self.outside]
            self._known[key] = np.flatnonzero(allowed).tolist()
        return self._known[key]

    def moves(self, state: Any) -> Sequence[Move]:
        """The literal, or the legal tags."""
        if state == END:
            return ()
        place: Place = state
        if self.literals[place.word] and not place.tag:
            return (Move(self.literals[place.word], place._replace(tag=True)),)
        behind = place.word + 1
        return [
            Move(self.tags[tag], END if place.word == self._last else Place(behind, tag)) for tag in self.legal(place)
        ]

    def prefer(self, state: Any, moves: Sequence[Move], wanted: Sequence[int]) -> int:
        """`wanted` are numbers of tags, one a word; one that is not legal is the first that is, O before others."""
        if len(moves) == 1:
            return 0
        legal = self.legal(state)
        for tag in (*wanted[state.word : state.word + 1], self.outside):
            if tag in legal:
                return legal.index(tag)
        return 0

    def parts(self, moves: Sequence[Move]) -> Iterator[Part]:
        """The tag of each word."""
        numbers = {tag: number for number, tag in enumerate(self.tags)}
        word = 0
        for number, move in enumerate(moves):
            if not (isinstance(move.to, Place) and move.to.tag):
                yield Part(Mention(word, word + 1, numbers[move.text]), number, number + 1)
                word += 1
