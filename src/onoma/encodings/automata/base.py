"""Automata over stretches of text: what may be written next, and how a known answer goes on from anywhere."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Hashable, Iterator, Sequence
from typing import Any, NamedTuple

__all__ = ["END", "Automaton", "Chance", "Mention", "Move", "Part", "accepts", "finish"]

END: Any = ("end",)
"""The state behind a whole answer."""


class Move(NamedTuple):
    """A stretch of text that may be written, and the state behind it."""

    text: str
    to: Hashable


class Mention(NamedTuple):
    """A span by half-open numbers of words, and its label's number."""

    first: int
    last: int
    rank: int


class Part(NamedTuple):
    """Moves `begin` to `end` (half-open) of a way: they write a mention, or a word's tag, numbered by `rank`."""

    mention: Mention
    begin: int
    end: int


Chance = tuple[Mention, float]
"""A mention or a word's tag, and the probability of the choices that wrote it."""


class Automaton(ABC):
    """All answers to one exchange that parse, hold spans of the source alone, and none twice.

    A state is any hashable value. Every state has a move and from each the end is reached, so nothing that is begun
    cannot be finished. Moves of one state may begin alike, or be alike: then what follows tells them apart.
    """

    start: Hashable

    @abstractmethod
    def moves(self, state: Any) -> Sequence[Move]:
        """What may be written in a state; nothing at `END`."""

    @abstractmethod
    def prefer(self, state: Any, moves: Sequence[Move], wanted: Sequence[Any]) -> int:
        """Which of a state's moves leads to the answer that is wanted, as far as it can still be written.

        `wanted` is what the encoding makes of some spans (`drafts`); where it is empty, this is a short way to the end.
        """

    @abstractmethod
    def parts(self, moves: Sequence[Move]) -> Iterator[Part]:
        """What the moves of a whole answer write."""


def finish(automaton: Automaton, state: Hashable, wanted: Sequence[Any] = ()) -> Iterator[Move]:
    """The moves from a state to the end of the answer that is wanted."""
    while state != END:
        moves = automaton.moves(state)
        move = moves[automaton.prefer(state, moves, wanted)]
        yield move
        state = move.to


def accepts(automaton: Automaton, text: str) -> bool:
    """Whether a text is one of the automaton's answers."""
    states: dict[Hashable, set[int]] = {automaton.start: {0}}
    waiting = [(automaton.start, 0)]
    while waiting:
        state, at = waiting.pop()
        if state == END and at == len(text):
            return True
        for move in automaton.moves(state):
            end = at + len(move.text)
            if text.startswith(move.text, at) and end not in states.setdefault(move.to, set()):
                states[move.to].add(end)
                waiting.append((move.to, end))
    return False
