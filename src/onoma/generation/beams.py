"""The best answers of some that are followed at once, by their exact probability among all that may be written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from onoma.generation.greedy import TIE, Correction, Counts, Speaker, Written
from onoma.generation.pieces import Node, Writing

__all__ = ["search"]


@dataclass(frozen=True, slots=True)
class _Way:
    """A beginning of an answer: where it stands, its pieces, those not fed yet, and its probability's logarithm."""

    number: int
    node: Node
    pieces: tuple[int, ...]
    new: tuple[int, ...]
    log: float = 0.0
    choices: tuple[tuple[int, float], ...] = ()
    whole: bool = True


@dataclass(slots=True)
class _Search:
    """One row, and its answers that are done."""

    writing: Writing
    done: list[_Way] = field(default_factory=list)
    counts: Counts = field(default_factory=Counts)
    ahead: tuple[int, ...] = ()
    """The pieces of the way that was the most probable after the last pass."""
    corrections: list[Correction] = field(default_factory=list)

    def watch(self, going: Sequence[tuple[_Way, int]]) -> None:
        """Note where the most probable way differs from what it was one pass ago."""
        best = max([*self.done, *(way for way, _ in going)], key=lambda way: way.log, default=None)
        if best is None:
            return
        pairs = enumerate(zip(self.ahead, best.pieces, strict=False))
        changed = next(((place, old, new) for place, (old, new) in pairs if old != new), None)
        if changed is not None:
            self.corrections.append(Correction(*changed, len(best.pieces)))
        self.ahead = best.pieces


def search(speaker: Speaker, writings: Sequence[Writing], beams: int) -> list[list[Written]]:
    """For each row of the speaker up to `beams` answers, the most probable first.

    The probability of an answer is the product of its choices', each among the pieces that are legal at its place, so
    those of all answers sum to 1. A way is given up where `beams` others are more probable. A later word can so change
    what an earlier one was taken for (self-correction, Ding et al. 2024, section 4.4); `corrections` say where it did.
    """
    rows = [_Search(writing) for writing in writings]
    begun = [(number, row, row.writing.begin()) for number, row in enumerate(rows)]
    first = [_forward(row, _Way(number, node, (), (speaker.start,))) for number, row, node in begun if node is not None]
    ways = [way for way in first if way is not None]
    if 0 < len(ways) < len(rows):
        speaker.keep([way.number for way in ways], [0] * len(ways))
    while ways:
        asked = sorted({piece for way in ways for piece in way.node.next})
        column = {piece: number for number, piece in enumerate(asked)}
        scores = speaker.feed([way.new for way in ways], [[len(way.new) - 1] for way in ways], asked)
        born: list[list[tuple[_Way, int]]] = [[] for _ in rows]
        for place, (way, found) in enumerate(zip(ways, scores, strict=True)):
            row = rows[way.number]
            row.counts.passes += 1
            row.counts.decisions += 1
            born[way.number] += [(child, place) for child in _children(row, way, found[0], column)]
        going: list[tuple[_Way, int]] = []
        for row, children in zip(rows, born, strict=True):
            best = _best(row, children, beams)
            if children:
                row.watch(best)
            going += best
        if going:
            sizes = [len(way.new) for way in ways]
            speaker.keep([place for _, place in going], [sizes[place] for _, place in going])
        ways = [way for way, _ in going]
    return [_answers(row, beams) for row in rows]


def _forward(row: _Search, way: _Way) -> _Way | None:
    """The way with what is forced; None where that brings it to its end, for it is then done."""
    node, pieces, new = way.node, list(way.pieces), list(way.new)
    while len(node.next) == 1:
        piece = next(iter(node.next))
        node = row.writing.step(node, piece)
        pieces.append(piece)
        new.append(piece)
    made = replace(way, node=node, pieces=tuple(pieces), new=tuple(new))
    if node.next:
        return made
    row.done.append(made)
    return None


def _children(row: _Search, way: _Way, scores: NDArray[Any], column: dict[int, int]) -> list[_Way]:
    """A way with each piece that may come next and leaves room for the end."""
    legal = list(way.node.next)
    found = scores[[column[piece] for piece in legal]].astype(np.float64)
    logs = found - found.max()
    logs -= np.log(np.exp(logs).sum())
    best = np.sort(logs)
    row.counts.ties += bool(best[-1] - best[-2] < TIE)
    made: list[_Way] = []
    cut = False
    for choice in np.argsort(-logs, kind="stable").tolist():
        node = row.writing.step(way.node, legal[choice])
        if not row.writing.fits(node, len(way.pieces) + 1):
            cut = True
            continue
        chance = (len(way.pieces), float(np.exp(logs[choice])))
        pieces = (*way.pieces, legal[choice])
        log, whole = way.log + float(logs[choice]), way.whole and not cut
        made.append(_Way(way.number, node, pieces, (legal[choice],), log, (*way.choices, chance), whole))
    return made


def _best(row: _Search, children: list[tuple[_Way, int]], beams: int) -> list[tuple[_Way, int]]:
    """The most probable ways that are not done; none that as many done ones are ahead of, for it can only fall."""
    children.sort(key=lambda each: -each[0].log)
    forward = [(_forward(row, way), place) for way, place in children[:beams]]
    row.done.sort(key=lambda way: -way.log)
    least = row.done[beams - 1].log if len(row.done) >= beams else -np.inf
    return [(way, place) for way, place in forward if way is not None and way.log > least]


def _answers(row: _Search, beams: int) -> list[Written]:
    if not row.done:
        return [Written(whole=False)]
    made: list[Written] = []
    row.counts.corrections = len(row.corrections)
    for way in sorted(row.done, key=lambda way: -way.log)[:beams]:
        row.counts.pieces = max(row.counts.pieces, len(way.pieces))
        chances = row.writing.chances(way.node, way.choices)
        text, choices = row.writing.text(way.node), list(way.choices)
        made.append(Written(text, way.whole, list(way.pieces), choices, chances, row.counts, row.corrections))
    return made
