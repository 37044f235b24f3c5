"""What encodings share that mark mentions inside a copy of the text."""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, ClassVar, NamedTuple

from onoma import alignment
from onoma.document import Problem, Span
from onoma.encodings.anchor import Anchor
from onoma.encodings.automata.base import Automaton
from onoma.encodings.automata.inline import InlineAutomaton
from onoma.encodings.base import Exchange, OnMisaligned
from onoma.encodings.windowed import Windowed
from onoma.exceptions import ConfigError

__all__ = ["Inline", "Mark", "one_of"]


class Mark(NamedTuple):
    """What stands at one end of a mention in an answer; `label` where that end names it."""

    opens: bool
    label: str | None
    text: str


def one_of(labels: Iterable[str], other: str) -> str:
    """A pattern of any of the labels, the longest first, or of `other`."""
    return "|".join([*(re.escape(label) for label in sorted(labels, key=len, reverse=True)), other])


class Inline(Windowed):
    """A copy of the text with a mark at either end of every mention; mentions may nest and cut words.

    Of two mentions that cross, the longer is kept. A mark without its other end or without a label is text where the
    source holds it, else a `malformed` mention; so are two marks of two labels, together. A copy without its end is
    `truncated`, and marks that are open there are no mentions.
    """

    name: ClassVar[str]
    escapes: ClassVar[tuple[str, ...]]
    """What stands for signs of the text that would read as marks."""

    def __init__(
        self,
        labels: Iterable[str],
        on_misaligned: OnMisaligned = "error",
        max_words: int | None = None,
        align: str = "weighted",
    ) -> None:
        super().__init__(labels, on_misaligned, max_words)
        if align not in alignment.METHODS:
            raise ConfigError(f"align {align!r} is unknown: one of {', '.join(alignment.METHODS)}")
        self.align = align

    def settings(self) -> dict[str, Any]:
        """The arguments of this encoding as plain JSON values."""
        return {**super().settings(), "align": self.align}

    @abstractmethod
    def escaped(self, text: str) -> str:
        """Text in which nothing reads as a mark."""

    @abstractmethod
    def marks(self, label: str) -> tuple[str, str]:
        """What opens and what closes a mention."""

    @abstractmethod
    def pieces(self, answer: str, label: str | None) -> Iterator[str | Mark]:
        """Any answer as text (escapes undone) and marks; `label` is the one asked for."""

    @property
    def symbols(self) -> tuple[str, ...]:
        """Both ends of a mention, for each label, and what stands for signs of the text."""
        marks = (mark.strip() for label in self.labels for mark in self.marks(label))
        return tuple(dict.fromkeys([*marks, *self.escapes]))

    def refused(self, span: Span, source: str, kept: Sequence[Span]) -> str | None:  # noqa: ARG002
        """Marks cannot cross."""
        crosses = any(
            one.start < other.start < one.end < other.end
            for each in kept
            for one, other in ((span, each), (each, span))
        )
        return "crosses another span" if crosses else None

    def answer(self, source: str, spans: Sequence[Span]) -> str:
        """The copy with its marks."""
        # At one place what is closed comes before what is opened; outside comes what is longer, or first in the labels.
        opens = [(span.start, 1, -span.end, self.rank[span.label], self.marks(span.label)[0]) for span in spans]
        closes = [(span.end, 0, -span.start, -self.rank[span.label], self.marks(span.label)[1]) for span in spans]
        made: list[str] = []
        at = 0
        for place, *_, mark in sorted(opens + closes):
            made += [self.escaped(source[at:place]), mark]
            at = place
        return "".join([*made, self.escaped(source[at:])])

    def automaton(self, asked: Exchange, words: Sequence[tuple[int, int]]) -> Automaton:
        """The copy, with marks where words begin and end."""
        labels = self.labels if asked.type is None else (asked.type,)
        return InlineAutomaton(asked.source, words, [self.marks(label) for label in labels], self.escaped)

    def spans(self, asked: Exchange, answer: str, problems: list[Problem]) -> Iterator[Span]:
        """Marked stretches of the copy, where they lie in the source."""
        copy, mentions, still_open = self._read(asked, answer, problems)
        anchor = Anchor(asked.source, copy, self.align, lossy=self.back is not None)
        cut = anchor.cut
        if cut is None:
            problems += still_open
        else:
            problems.append(Problem("truncated", cut, asked.type))
        made: set[Span] = set()
        for start, end, label in mentions:
            if self.back is not None and copy != asked.source:  # blanks beside a mark are the vocabulary's
                stretch = copy[start:end]
                start, end = end - len(stretch.lstrip()), start + len(stretch.rstrip())
            place = anchor.place(start, end) if label in self.rank else "unknown_label"
            if isinstance(place, str):
                problems.append(Problem(place, copy[start:end], label))
                continue
            span = Span(*place, label)
            if span in made:
                problems.append(Problem("duplicate", copy[start:end], label))
                continue
            made.add(span)
            yield span

    def _read(
        self, asked: Exchange, answer: str, problems: list[Problem]
    ) -> tuple[str, list[tuple[int, int, str]], list[Problem]]:
        """The copy without marks, the stretches they mark, and problems of marks behind which nothing closes."""
        pieces = list(self.pieces(answer, asked.type))
        partners = _partners(pieces)
        copy: list[str] = []
        mentions: list[tuple[int, int, str]] = []
        starts: dict[int, int] = {}
        size = 0
        begun = 0  # broken mentions of which the other end may still come
        waiting: list[Problem] = []
        for number, piece in enumerate(pieces):
            text = ""
            if isinstance(piece, str):
                text = piece
            elif number not in partners:
                if piece.text in asked.source:
                    text = piece.text
                elif piece.opens or not begun:
                    begun += piece.opens
                    waiting.append(Problem("malformed", piece.text, piece.label))
                else:
                    begun -= 1
            elif piece.opens:
                starts[number] = size
            else:
                opening: Any = pieces[partners[number]]
                mentions.append((starts[partners[number]], size, piece.label or opening.label or ""))
            if isinstance(piece, Mark) and not piece.opens:
                problems += waiting
                waiting.clear()
            copy.append(text)
            size += len(text)
        return "".join(copy), mentions, waiting


def _partners(pieces: Sequence[str | Mark]) -> dict[int, int]:
    """The other end of each mark that has one: the last open mark that names no other label."""
    waiting: list[int] = []
    partners: dict[int, int] = {}
    for number, piece in enumerate(pieces):
        if isinstance(piece, str):
            continue
        if piece.opens:
            waiting.append(number)
            continue
        for place in range(len(waiting) - 1, -1, -1):
            opening: Any = pieces[waiting[place]]
            if opening.label in {None, piece.label}:
                first = waiting.pop(place)
                if opening.label or piece.label:
                    partners[first], partners[number] = number, first
                break
    return partners
