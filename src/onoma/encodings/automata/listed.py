"""Lists of mentions by their text."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from onoma.encodings.automata.base import END, Automaton, Mention, Move, Part

__all__ = ["ListAutomaton", "ListFormat"]


class ListFormat(NamedTuple):
    """What stands around the texts of mentions.

    `head(before, rank)` stands between the mention before (None: the first) and the next text, whose label's number it
    names where `named_first`, else it is None. `tail(mention)` stands behind a text, `close(before)` behind the last.
    `by_label`: mentions of a label stand together, else all are in the order of the text. `lead` stands before each
    text: a blank there is one stretch with the word behind it, for tokenizers make one piece of both.
    """

    head: Callable[[Mention | None, int | None], str]
    tail: Callable[[Mention], str]
    close: Callable[[Mention | None], str]
    escaped: Callable[[str], str]
    named_first: bool
    by_label: bool = False
    lead: str = ""


class Between(NamedTuple):
    """Behind a mention, or before all."""

    before: Mention | None


class Begun(NamedTuple):
    """Before the text of a mention; `rank` is None where what follows names the label."""

    before: Mention | None
    rank: int | None


class Inside(NamedTuple):
    """Behind a part of a text: the words `first` to `word`; it ends behind `most` at the latest.

    Where the mention before has these words, up to `most`, `over` is its label's number, which this one's exceeds;
    else -1.
    """

    over: int
    rank: int | None
    first: int
    word: int
    most: int


class ListAutomaton(Automaton):
    """Runs of words in strictly rising order, so that an answer is finite.

    None begins or ends blank, or ends within a letter where texts are looked for. The order is that in which encodings
    write: by label where the format asks for it, by start, the longer first, and by label.
    """

    def __init__(
        self, source: str, words: Sequence[tuple[int, int]], whole: Sequence[bool], labels: int, form: ListFormat
    ) -> None:
        """`words` are half-open characters of the source; `whole` says of each whether a text may end with it."""
        self.form = form
        self.labels = labels
        lasts = [0, *(end for _, end in words)]
        self._words = [form.escaped(source[start:end]) for start, end in words]
        self._gaps = [form.escaped(source[last:start]) for last, (start, _) in zip(lasts, words, strict=False)]
        solid = [bool(source[start:end].strip()) for start, end in words]
        self._starts = [word for word, is_solid in enumerate(solid) if is_solid]
        self._last_end = [0] * (len(words) + 1)
        """The last place up to each at which a text may end."""
        for word, may_end in enumerate(map(bool.__and__, solid, whole)):
            self._last_end[word + 1] = word + 1 if may_end else self._last_end[word]
        self.start = Between(None)

    def moves(self, state: Any) -> Sequence[Move]:
        """Go on with another mention or close the list; begin a text; go on with it or close it."""
        if state == END:
            return ()
        if isinstance(state, Between):
            ranks: Sequence[int | None] = range(self.labels) if self.form.named_first else [None]
            made = [
                Move(self.form.head(state.before, rank), Begun(state.before, rank))
                for rank in ranks
                if self._first(state.before, rank) is not None
            ]
            return [Move(self.form.close(state.before), END), *made]
        if isinstance(state, Begun):
            return [
                Move(
                    self.form.lead + self._words[word],
                    Inside(self._over(state, word, most), state.rank, word, word + 1, most),
                )
                for word in self._starts
                for most in [self._most(state.before, state.rank, word)]
                if most > word
            ]
        made = []
        if self._last_end[state.word] == state.word:
            for rank in range(self.labels) if state.rank is None else (state.rank,):
                if state.word < state.most or rank > state.over:
                    mention = Mention(state.first, state.word, rank)
                    made.append(Move(self.form.tail(mention), Between(mention)))
        if state.word < state.most:
            made.append(Move(self._gaps[state.word] + self._words[state.word], state._replace(word=state.word + 1)))
        return made

    def _key(self, mention: Mention) -> tuple[int, ...]:
        order = (mention.first, -mention.last, mention.rank)
        return (mention.rank, *order) if self.form.by_label else order

    def _most(self, before: Mention | None, rank: int | None, first: int) -> int:
        """Where a text that begins with a word may end at the latest, 0 where it may not begin there."""
        everything = self._last_end[-1]
        if before is None:
            return everything
        if self.form.by_label and rank is not None and rank != before.rank:
            return everything if rank > before.rank else 0
        if first != before.first:
            return everything if first > before.first else 0
        another = (rank is None and before.rank < self.labels - 1) or (rank is not None and rank > before.rank)
        return self._last_end[before.last if another else before.last - 1]

    def _over(self, state: Begun, first: int, most: int) -> int:
        before = state.before
        if before is None or (before.first, before.last) != (first, most):
            return -1
        return before.rank if not self.form.by_label or state.rank == before.rank else -1

    def _first(self, before: Mention | None, rank: int | None) -> int | None:
        """The first word with which the next mention may begin; None where there can be none."""
        return next((word for word in self._starts if self._most(before, rank, word) > word), None)

    def prefer(self, state: Any, moves: Sequence[Move], wanted: Sequence[Mention]) -> int:
        """`wanted` are mentions in any order; a text that is none of them ends as soon as it may."""
        to: list[Any] = [move.to for move in moves]
        before = None if isinstance(state, Inside) else state.before
        left = [each for each in wanted if before is None or self._key(each) > self._key(before)]
        if isinstance(state, Between):
            rank = min(left, key=self._key).rank if left else None
            fits = (number for number, each in enumerate(to) if each != END and left and each.rank in {None, rank})
            return next(fits, 0)
        left = [each for each in left if state.rank in {None, each.rank}]
        if isinstance(state, Begun):
            first = min(left, key=self._key).first if left else None
            return next((number for number, each in enumerate(to) if each.first == first), 0)
        left = [each for each in left if each.first == state.first and state.word <= each.last <= state.most]
        left = [each for each in left if each.last < state.most or each.rank > state.over]
        mention = min(left, key=self._key, default=None)
        grows = isinstance(to[-1], Inside)
        if grows and (len(to) == 1 or (mention is not None and mention.last > state.word)):
            return len(to) - 1
        return next((number for number, each in enumerate(to[: len(to) - grows]) if each.before == mention), 0)

    def parts(self, moves: Sequence[Move]) -> Iterator[Part]:
        """Mentions from what stands before their texts to what stands behind."""
        begun = 0
        for number, move in enumerate(moves):
            if isinstance(move.to, Begun):
                begun = number
            elif isinstance(move.to, Between) and move.to.before is not None:
                yield Part(move.to.before, begun, number + 1)
