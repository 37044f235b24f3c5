"""Answers as pieces of a vocabulary: which may be written next, of all that an automaton allows."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from onoma.encodings.automata.base import END, Automaton, Chance, Move

__all__ = ["Node", "Writing"]

Pieces = tuple[int, ...]


Where = tuple[Hashable, str | None]
"""A state, and the end of the text before it, as far as it decides how what follows is cut; None: there is no text."""


class Path(NamedTuple):
    """Moves that were made or begun, the last first, and where it leads."""

    move: Move
    before: Path | None
    where: Where


class Reading(NamedTuple):
    """One way in which the pieces so far can be meant: what is left of the last move."""

    rest: Pieces
    path: Path


class Node:
    """Where a writer is: all readings of the pieces so far, by the piece that comes next; none behind the end.

    `base` is where the first reading's last move was made.
    """

    __slots__ = ("base", "next", "readings")

    def __init__(self, readings: Sequence[Reading], base: Where) -> None:
        self.readings = readings
        self.base = base
        self.next: dict[int, list[Reading]] = {}
        for reading in readings:
            if reading.rest:
                self.next.setdefault(reading.rest[0], []).append(reading)


def _nothing(_: str) -> str:
    return ""


class Writing:
    """One answer, piece by piece.

    A stretch of text is written in the pieces that the tokenizer has for it there, and in no others. Where stretches
    begin with the same pieces, all readings are kept until they differ; where they never do, the first one is what was
    meant. Nothing is written that could not be brought to an end within `most` pieces, that of the end included.
    """

    def __init__(
        self,
        automaton: Automaton,
        pieces: Callable[[str, str | None], Sequence[int]],
        end: int,
        most: int,
        tail: Callable[[str], str] = _nothing,
    ) -> None:
        """`pieces(text, before)` are those of a stretch behind `tail(text before)`, None where it is the first."""
        self.automaton = automaton
        self.most = most
        self._pieces = pieces
        self._tail = tail
        self._end = (end,)
        self._moves: dict[Where, list[tuple[Move, Pieces]]] = {}
        self._needs: dict[Where, int] = {}

    def begin(self) -> Node | None:
        """Before the first piece; None where no answer is short enough."""
        where: Where = self.automaton.start, None
        node = Node(list(self._readings(where, None)), where)
        return node if self.need(node) <= self.most else None

    def step(self, node: Node, piece: int) -> Node:
        """Behind another piece; raises `KeyError` where it may not be written."""
        made: dict[tuple[Pieces, Where], Reading] = {}
        base: Where | None = None
        for reading in node.next[piece]:
            rest, where = reading.rest[1:], reading.path.where
            if base is None:
                base = node.base if rest else where
            follow = (Reading(rest, reading.path),) if rest or where[0] == END else self._readings(where, reading.path)
            for each in follow:
                made.setdefault((each.rest, each.path.where), each)
        assert base is not None
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
        before: str | None = None
        for move in moves:
            ends.append(ends[-1] + len(self._pieces(move.text, before)) + (move.to == END))
            before = self._tail(move.text) if move.text else before
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
        where = reading.path.where
        while where[0] != END:
            move, pieces = self._prefer(where, wanted)
            yield from pieces
            where = self._then(where, move)

    def need(self, node: Node) -> int:
        """The pieces that have to follow."""
        return min(len(reading.rest) + self._need(reading.path.where) for reading in node.readings)

    # ------------------------------------------------------------------ moves as pieces

    def _then(self, where: Where, move: Move) -> Where:
        return move.to, self._tail(move.text) if move.text else where[1]

    def _known(self, where: Where) -> list[tuple[Move, Pieces]]:
        found = self._moves.get(where)
        if found is None:
            state, before = where
            found = self._moves[where] = [
                (move, (*self._pieces(move.text, before), *(self._end if move.to == END else ())))
                for move in self.automaton.moves(state)
            ]
        return found

    def _readings(self, where: Where, path: Path | None) -> Iterator[Reading]:
        """Every move of a state; of one that has no pieces, those behind it."""
        for move, pieces in self._known(where):
            made = Path(move, path, self._then(where, move))
            if pieces:
                yield Reading(pieces, made)
            else:
                yield from self._readings(made.where, made)

    def _prefer(self, where: Where, wanted: Sequence[Any]) -> tuple[Move, Pieces]:
        known = self._known(where)
        return known[self.automaton.prefer(where[0], [move for move, _ in known], wanted) if len(known) > 1 else 0]

    def _preferred(self, node: Node, wanted: Sequence[Any]) -> Reading:
        """The reading that a draft goes on with; the first one where none is of the move that is preferred."""
        where = node.base
        move, pieces = self._prefer(where, wanted)
        while not pieces:
            where = self._then(where, move)
            move, pieces = self._prefer(where, wanted)
        return next((each for each in node.readings if each.path.move == move), node.readings[0])

    def _need(self, where: Where) -> int:
        """Pieces of the preferred way to the end."""
        way: list[tuple[Where, int]] = []
        while where[0] != END and where not in self._needs:
            move, pieces = self._prefer(where, ())
            way.append((where, len(pieces)))
            where = self._then(where, move)
        need = 0 if where[0] == END else self._needs[where]
        for each, size in reversed(way):
            need = self._needs[each] = need + size
        return need
