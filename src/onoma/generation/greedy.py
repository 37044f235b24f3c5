"""The best legal piece at each place, given all before it: drafted, and checked in few passes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

from numpy.typing import NDArray

from onoma.encodings.automata.base import Chance
from onoma.generation.pieces import Node, Writing

__all__ = ["Correction", "Counts", "Speaker", "Written", "write"]

LEAST = 48
"""Choices that are always drafted ahead: as far, a pass costs little more than one that looks at the next."""

TIE = 1e-4
"""Scores that differ by less may come out the other way round in another order of computing."""


class Speaker(Protocol):
    """A model in the midst of answers, one a row."""

    start: int
    """The piece that stands before every answer."""

    def feed(
        self, rows: Sequence[Sequence[int]], places: Sequence[Sequence[int]], asked: Sequence[int]
    ) -> Sequence[NDArray[Any]]:
        """Go on with each row's pieces; for each row [places, asked], how good the pieces asked for are behind a place.

        Places are numbers of the pieces that are fed. Scores are logarithms of probabilities, up to a constant a place.
        """
        ...

    def keep(self, rows: Sequence[int], sizes: Sequence[int]) -> None:
        """Go on with these rows alone (they may repeat), each with so many of the pieces that it was fed last."""
        ...


@dataclass(slots=True)
class Counts:
    """What writing took: passes of a row through the decoder, pieces, choices between pieces, drafted ones that held.

    `ties` are choices whose two best differ by less than 1e-4, `corrections` places at which beams changed their mind.
    """

    passes: int = 0
    pieces: int = 0
    decisions: int = 0
    accepted: int = 0
    ties: int = 0
    corrections: int = 0

    def add(self, other: Counts) -> None:
        """Count both."""
        for name in self.__slots__:
            setattr(self, name, getattr(self, name) + getattr(other, name))


class Correction(NamedTuple):
    """A place among an answer's pieces at which beams preferred one piece until what followed spoke for another."""

    place: int
    before: int
    after: int
    at: int
    """The number of pieces that were written when the preference changed."""


@dataclass(slots=True)
class Written:
    """An answer: its text, and whether nothing had to be left out for want of room.

    `choices` are pairs of a place among the answer's pieces and the probability of the piece there, of all that were
    legal; `chances` are the probabilities of what the answer says, `chance` that of the whole.
    """

    text: str = ""
    whole: bool = True
    pieces: list[int] = field(default_factory=list)
    choices: list[tuple[int, float]] = field(default_factory=list)
    chances: list[Chance] = field(default_factory=list)
    counts: Counts = field(default_factory=Counts)
    corrections: list[Correction] = field(default_factory=list)

    @property
    def chance(self) -> float:
        """The product of its choices' probabilities."""
        return math.prod(chance for _, chance in self.choices)


@dataclass(slots=True)
class _Row:
    number: int
    writing: Writing
    wanted: Sequence[Any] | None
    node: Node
    pending: int
    made: Written
    stale: dict[int, dict[int, float]] = field(default_factory=dict)
    """Scores of the last pass behind what was settled, by the number of pieces from there to the draft's end."""
    plan: list[int] = field(default_factory=list)
    nodes: list[Node] = field(default_factory=list)
    """Before each piece of the plan, and behind the last."""
    open: list[int] = field(default_factory=list)
    """Places of the plan at which there is a choice."""
    reach: float = math.inf
    """Choices that are planned at most: where drafts fail early, long ones are work for nothing."""
    beyond: int = 0
    """Pieces of the draft behind the plan."""


def write(
    speaker: Speaker,
    writings: Sequence[Writing],
    drafts: Sequence[Sequence[Any]] | None = None,
) -> list[Written]:
    """For each row of the speaker the answer that it would write if at each place it took the best piece that is legal.

    `drafts` are what the encoding makes of spans (`drafts`), one a row: a draft holds as far as it agrees, the first
    piece that does not is the model's own, and what follows is drafted anew. Without, each choice takes a pass.
    """
    made = [Written() for _ in writings]
    rows: list[_Row] = []
    for number, writing in enumerate(writings):
        node = writing.begin()
        if node is None:
            made[number].whole = False
            continue
        rows.append(
            _Row(number, writing, None if drafts is None else drafts[number], node, speaker.start, made[number])
        )
    rows = _planned(rows)
    if 0 < len(rows) < len(writings):
        speaker.keep([row.number for row in rows], [0] * len(rows))
    while rows:
        asked = sorted({piece for row in rows for place in row.open for piece in row.nodes[place].next})
        column = {piece: number for number, piece in enumerate(asked)}
        fed = [[row.pending, *row.plan[: row.open[-1]]] for row in rows]
        scores = speaker.feed(fed, [row.open for row in rows], asked)
        sizes = [_settle(row, found, column) for row, found in zip(rows, scores, strict=True)]
        going = _planned([row for row, size in zip(rows, sizes, strict=True) if size])
        places = {id(row): place for place, row in enumerate(rows)}
        if going:
            kept = [places[id(row)] for row in going]
            speaker.keep(kept, [sizes[place] for place in kept])
        rows = going
    return made


def _planned(rows: Sequence[_Row]) -> list[_Row]:
    """Plan what comes next; rows in which nothing is left to choose are finished."""
    going: list[_Row] = []
    for row in rows:
        _plan(row)
        if row.open:
            going.append(row)
        else:
            _end(row)
    return going


def _plan(row: _Row) -> None:
    """The pieces that are checked next: up to the first choice, or a draft to the end, as far as there is room."""
    row.plan, row.nodes, row.open, row.beyond = [], [row.node], [], 0
    while row.nodes[-1].next:
        node = row.nodes[-1]
        if row.wanted is None:
            if len(node.next) > 1:
                row.open = [len(row.plan)]
                break
            piece = next(iter(node.next))
            _go(row, piece, row.writing.step(node, piece))
        elif not _go_on_with(row, list(row.writing.draft(node, row.wanted))):
            break


def _go(row: _Row, piece: int, after: Node) -> None:
    row.nodes.append(after)
    row.plan.append(piece)


def _go_on_with(row: _Row, draft: Sequence[int]) -> bool:
    """Plan a draft, up to a place at which the last pass speaks for another piece, and that one.

    What the last pass says behind a piece that was not settled is a guess, for it saw another piece before. False where
    the draft has to be left at a choice: it goes on for too long, or the answer would not come to its end in time.
    """
    written = len(row.made.pieces)
    tight = written + len(row.plan) + len(draft) > row.writing.most
    for place, piece in enumerate(draft):
        node = row.nodes[-1]
        guessed = piece
        if len(node.next) > 1:
            row.open.append(len(row.plan))
            if len(row.open) > row.reach:
                row.beyond = len(draft) - place
                return False
            scores = row.stale.get(len(draft) - place)
            if scores is not None and node.next.keys() <= scores.keys():
                guessed = max(node.next, key=scores.__getitem__)
        if guessed != piece:
            after = row.writing.step(node, guessed)
            if row.writing.fits(after, written + len(row.plan) + 1):
                _go(row, guessed, after)
                return True
        after = row.writing.step(node, piece)
        if tight and len(node.next) > 1 and not row.writing.fits(after, written + len(row.plan) + 1):
            row.beyond = len(draft) - place
            return False
        _go(row, piece, after)
    return True


def _settle(row: _Row, scores: NDArray[Any], column: dict[int, int]) -> int:
    """Take the best piece at each open place, as far as the plan agrees; how many fed pieces hold, 0 at the end."""
    counts, writing = row.made.counts, row.writing
    counts.passes += 1
    for number, place in enumerate(row.open):
        node = row.nodes[place]
        legal = list(node.next)
        of_all = scores[number].tolist()
        found = [of_all[column[piece]] for piece in legal]
        order = sorted(range(len(legal)), key=found.__getitem__, reverse=True)
        written = len(row.made.pieces) + place + 1
        following = row.nodes[place + 1] if place < len(row.plan) else None
        best = -1
        for choice in order:
            drafted = following is not None and legal[choice] == row.plan[place]
            after = following if drafted and following is not None else writing.step(node, legal[choice])
            if writing.fits(after, written):
                best = choice
                break
            row.made.whole = False
        counts.decisions += 1
        top = found[order[0]]
        counts.ties += top - found[order[1]] < TIE
        chance = math.exp(found[best] - top) / math.fsum(math.exp(each - top) for each in found)
        row.made.choices.append((len(row.made.pieces) + place, chance))
        if following is not None and legal[best] == row.plan[place]:
            counts.accepted += 1
            continue
        row.reach = max(LEAST, 2 * (number + 1)) if following is not None else 4 * len(row.open)
        row.stale = {
            len(row.plan) + row.beyond - other: {piece: scores[later][column[piece]] for piece in row.nodes[other].next}
            for later, other in enumerate(row.open)
            if other > place
        }
        _accept(row, place)
        row.node = writing.step(row.node, legal[best])
        row.pending = legal[best]
        row.made.pieces.append(legal[best])
        return place + 1
    _end(row)
    return 0


def _end(row: _Row) -> None:
    _accept(row, len(row.plan))
    made = row.made
    made.counts.pieces = len(made.pieces)
    made.text, made.chances = row.writing.text(row.node), row.writing.chances(row.node, made.choices)


def _accept(row: _Row, size: int) -> None:
    """Take so many pieces of the plan."""
    row.made.pieces += row.plan[:size]
    row.node = row.nodes[size]
    if size:
        row.pending = row.plan[size - 1]
