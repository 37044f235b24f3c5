"""Marks around mentions in a copy of the text."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from onoma.encodings.automata.base import END, Automaton, Mention, Move, Part

__all__ = ["InlineAutomaton"]


class Open(NamedTuple):
    """A mention that is not closed yet: the word it begins with, and its label's number (None: its end names it).

    It ends behind the words `least` to `most`; `above` open mentions around it begin with the same word.
    """

    first: int
    rank: int | None
    least: int
    most: int
    above: int = 0


class Place(NamedTuple):
    """How many words are copied, and what is open.

    `begun`: one was opened since, so nothing closes here. `shut`: what was closed last since, as the word it begins
    with and its label's number.
    """

    word: int
    stack: tuple[Open, ...] = ()
    begun: bool = False
    shut: tuple[int, int] | None = None


class InlineAutomaton(Automaton):
    """A copy of a text with marks where words begin and end; mentions nest, and neither begin nor end blank.

    Of two mentions of the same words the outer has the label with the smaller number, so that none is there twice.
    """

    def __init__(
        self,
        source: str,
        words: Sequence[tuple[int, int]],
        marks: Sequence[tuple[str, str]],
        escaped: Callable[[str], str],
    ) -> None:
        """`words` are half-open characters of the source, `marks` what opens and closes each label's mentions.

        Where all labels open alike, the end names the label, unless there is one label only.
        """
        self.marks = marks
        self.named_last = len(marks) > 1 and len({opening for opening, _ in marks}) == 1
        lasts = [0, *(end for _, end in words)]
        self._gaps = [escaped(source[last:start]) for last, (start, _) in zip(lasts, words, strict=False)]
        self._words = [escaped(source[start:end]) for start, end in words]
        self._tail = escaped(source[lasts[-1] :])
        self._solid = [bool(source[start:end].strip()) for start, end in words]
        self._ends = [word + 1 for word, solid in enumerate(self._solid) if solid]
        self.start = Place(0)

    def moves(self, state: Any) -> Sequence[Move]:
        """Close a mention, copy a word, or open a mention."""
        if state == END:
            return ()
        made = self._closings(state)
        if state.word == len(self._words):
            return made if state.stack else [Move(self._tail, END)]
        if not state.stack or state.word < state.stack[-1].most:
            gap = "" if state.begun else self._gaps[state.word]
            made.append(Move(gap + self._words[state.word], Place(state.word + 1, state.stack)))
            made += [Move(gap + mark, Place(state.word, (*state.stack, one), True)) for mark, one in self._new(state)]
        return made

    def _new(self, state: Place) -> list[tuple[str, Open]]:
        """Mentions that may begin with the next word, and what opens them."""
        word = state.word
        if not self._solid[word]:
            return []
        top = state.stack[-1] if state.stack else None
        most = self._ends[-1] if top is None else top.most
        around = top if top is not None and top.first == word else None
        above = 0 if around is None else around.above + 1
        if self.named_last:
            return [(self.marks[0][0], Open(word, None, word + 1, most, above))] if above < len(self.marks) else []
        made: list[tuple[str, Open]] = []
        for rank, (mark, _) in enumerate(self.marks):
            # It would have to stand outside, were it of the same words: so it has to end sooner.
            sooner = around is not None and around.rank is not None and rank <= around.rank
            last = self._ends[bisect_left(self._ends, most) - 1] if sooner else most
            if word < last <= most - sooner:
                made.append((mark, Open(word, rank, word + 1, last, above)))
        return made

    def _closings(self, state: Place) -> list[Move]:
        if not state.stack or state.begun or not self._solid[state.word - 1]:
            return []
        *rest, top = state.stack
        if state.word < top.least:
            return []
        ranks = range(len(self.marks)) if top.rank is None else (top.rank,)
        return [
            Move(self.marks[rank][1], Place(state.word, self._above(rest, top, state.word, rank), False, shut))
            for rank in ranks
            for shut in [(top.first, rank)]
            if top.rank is not None or self._may_be(rank, top, state)
        ]

    def _may_be(self, rank: int, top: Open, state: Place) -> bool:
        """Whether a mention may get a label where it ends, so that those around it can still get theirs."""
        inner = state.shut[1] if state.shut is not None and state.shut[0] == top.first else len(self.marks)
        return rank < inner and (rank >= top.above or state.word < self._ends[-1])

    def _above(self, rest: Sequence[Open], top: Open, word: int, rank: int) -> tuple[Open, ...]:
        """What stays open; a mention that may not be of the same words as the one in it ends later than that."""
        if rest and rest[-1].first == top.first and rest[-1].rank is not None and rank <= rest[-1].rank:
            return (*rest[:-1], rest[-1]._replace(least=self._ends[bisect_right(self._ends, word)]))
        return tuple(rest)

    def prefer(self, state: Any, moves: Sequence[Move], wanted: Sequence[Mention]) -> int:
        """`wanted` are mentions in their order; one that is not wanted any more ends as soon as it may."""
        closing = [number for number, move in enumerate(moves) if _depth(move) < len(state.stack)]
        opening = [number for number, move in enumerate(moves) if _depth(move) > len(state.stack)]
        copying = next((number for number in range(len(moves)) if number not in (*closing, *opening)), None)
        if closing:
            first = state.stack[-1].first
            shut: list[Any] = [move.to for move in moves[: len(closing)]]
            now = [number for number in closing if Mention(first, state.word, shut[number].shut[1]) in wanted]
            later = any(mention.first == first and mention.last > state.word for mention in wanted)
            if now or not later or copying is None:
                return (now or closing)[-1]
        here = [mention for mention in wanted if mention.first == state.word]
        begun = sum(one.first == state.word for one in state.stack)
        if begun < len(here):
            for number in opening:
                to: Any = moves[number].to
                if to.stack[-1].rank in {None, here[begun].rank}:
                    return number
        return 0 if copying is None else copying

    def parts(self, moves: Sequence[Move]) -> Iterator[Part]:
        """Mentions from the mark that opens them to the one that closes them."""
        begun: list[int] = []
        for number, move in enumerate(moves):
            to: Any = move.to
            if to == END:
                continue
            if len(to.stack) > len(begun):
                begun.append(number)
            elif len(to.stack) < len(begun):
                first, rank = to.shut
                yield Part(Mention(first, to.word, rank), begun.pop(), number + 1)


def _depth(move: Move) -> int:
    to: Any = move.to
    return 0 if to == END else len(to.stack)
