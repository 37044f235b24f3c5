"""Answers as pieces of a vocabulary: which may be written next, of all that an automaton allows."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from onoma.encodings.automata.base import END, Automaton, Chance, Move

__all__ = ["Node", "Writing"]

Pieces = tuple[int, ...]


class Path(NamedTuple):
    """Moves that were made or begun, the last first."""

    move: Move
    before: Path | None


class Reading(NamedTuple):
    """One way in which the pieces so far can be meant: what is left of the last move."""

    rest: Pieces
    path: Path


class Node:
    """Where a writer is: all readings of the pieces so far, by the piece that comes next; none behind the end.

    `base` is the state in which the first reading's last move was made.
    """

    __slots__ = ("base", "next", "readings")

    def __init__(self, readings: Sequence[Reading], base: Hashable) -> None:
        self.readings = readings
        self.base = base
        self.next: dict[int, list[Reading]] = {}
        for reading in readings:
            if reading.rest:
                self.next.setdefault(reading.rest[0], []).append(reading)


class Writing:
    """One answer, piece by piece.

    A stretch of text is written in the pieces that the tokenizer has for it, and in no others. Where stretches begin
    with the same pieces, all readings are kept until they differ; where they never do, the first one is what was meant.
    Nothing is written that could not be brought to an end within `most` pieces, that of the end included.
    """

    def __init__(self, automaton: Automaton, pieces: Callable[[str, bool], Sequence[int]], end: int, most: int) -> None:
        """`pieces(text, first)` are those of a stretch that is the first of an answer, or a later one."""
        self.automaton = automaton
        self.most = most
        self._pieces = pieces
        self._end = (end,)
        self._moves: dict[Hashable, list[tuple[Move, Pieces]]] = {}
        self._needs: dict[Hashable, int] = {END: 0}

    def begin(self) -> Node | None:
        """Before the first piece; None where no answer is short enough."""
        node = Node(list(self._readings(self.automaton.start, None)), self.automaton.start)
        return node if self.need(node) <= self.most else None

    def step(self, node: Node, piece: int) -> Node:
        """Behind another piece; raises `KeyError` where it may not be written."""
        made: dict[tuple[Pieces, Hashable], Reading] = {}
        base: Hashable = None
        for reading in node.next[piece]:
            rest, state = reading.rest[1:], reading.path.move.to
            if base is None:
                base = node.base if rest else state
            follow = (Reading(rest, reading.path),) if rest or state == END else self._readings(state, reading.path)
            for each in follow:
                made.setdefault((each.rest, each.path.move.to), each)
        return Node(list(made.values()), base)

    def fits(self, node: Node, written: int) -> bool:
        """Whether an answer that has so many pieces can still be brought to an end."""
        return written + self.need(node) <= self.most

    def text(self, node: Node) -> str:
        """What was written, with the stretch that was begun last."""
        made: list[str] = []
        path: Path | None = node.readings[0].path
        while path is not None:
            made.append(path.move.text)
            path = path.before
        return "".join(reversed(made))

    def chances(self, node: Node, choices: Sequence[tuple[int, float]]) -> list[Chance]:
        """The probability of what a whole answer says: of all choices made while it was written.

        `choices` are places among the answer's pieces, and the probability of each.
        """
        path: Path | None = node.readings[0].path
        moves: list[Move] = []
        while path is not None:
            moves.append(path.move)
            path = path.before
        moves.reverse()
        ends = [0]
        for number, move in enumerate(moves):
            size = len(self._pieces(move.text, number == 0)) + (move.to == END)
            ends.append(ends[-1] + size)
        logs = np.zeros(ends[-1] + 1)
        for place, chance in choices:
            logs[place + 1] = np.log(max(chance, 1e-30))
        sums = np.cumsum(logs)
        return [
            (part.mention, float(np.exp(sums[ends[part.end]] - sums[ends[part.begin]])))
            for part in self.automaton.parts(moves)
        ]

    def draft(self, node: Node, wanted: Sequence[Any] = ()) -> Iterator[int]:
        """The pieces from a node to the end of the answer that is wanted, as far as it can still be written."""
        reading = self._preferred(node, wanted)
        yield from reading.rest
        state = reading.path.move.to
        while state != END:
            move, pieces = self._prefer(state, wanted)
            yield from pieces
            state = move.to

    def need(self, node: Node) -> int:
        """The pieces that have to follow."""
        return min(len(reading.rest) + self._need(reading.path.move.to) for reading in node.readings)

    # ------------------------------------------------------------------ moves as pieces

    def _known(self, state: Hashable) -> list[tuple[Move, Pieces]]:
        found = self._moves.get(state)
        if found is None:
            first = state == self.automaton.start
            found = self._moves[state] = [
                (move, (*self._pieces(move.text, first), *(self._end if move.to == END else ())))
                for move in self.automaton.moves(state)
            ]
        return found

    def _readings(self, state: Hashable, path: Path | None) -> Iterator[Reading]:
        """Every move of a state; of one that has no pieces, those behind it."""
        for move, pieces in self._known(state):
            made = Path(move, path)
            if pieces:
                yield Reading(pieces, made)
            else:
                yield from self._readings(move.to, made)

    def _prefer(self, state: Hashable, wanted: Sequence[Any]) -> tuple[Move, Pieces]:
        known = self._known(state)
        return known[self.automaton.prefer(state, [move for move, _ in known], wanted) if len(known) > 1 else 0]

    def _preferred(self, node: Node, wanted: Sequence[Any]) -> Reading:
        """The reading that a draft goes on with; the first one where none is of the move that is preferred."""
        move, pieces = self._prefer(node.base, wanted)
        while not pieces:
            move, pieces = self._prefer(move.to, wanted)
        return next((each for each in node.readings if each.path.move == move), node.readings[0])

    def _need(self, state: Hashable) -> int:
        """Pieces of the preferred way to the end."""
        way: list[tuple[Hashable, int]] = []
        while state not in self._needs:
            move, pieces = self._prefer(state, ())
            way.append((state, len(pieces)))
            state = move.to
        need = self._needs[state]
        for each, size in reversed(way):
            need = self._needs[each] = need + size
        return need
