"""What all encodings share that are asked about a window's own text: exchanges, what fits, and answers in turn."""

from __future__ import annotations

from abc import ABC, abstractmethod
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from math import ceil
from typing import Any, ClassVar, get_args

from onoma.alignment import BackTokenizer
from onoma.document import Document, LabelSet, Prediction, Problem, Span
from onoma.encodings.automata.base import Automaton, Chance, Mention
from onoma.encodings.automata.grammar import lark
from onoma.encodings.base import Exchange, Loss, OnMisaligned, TextTargets, misaligned, placed
from onoma.exceptions import ConfigError, DataError
from onoma.unicode import well_formed

__all__ = ["Windowed", "blank_at_an_end", "check_max_words", "windows"]

Window = tuple[int, int]


def windows(document: Document, most: int | None, fits: Callable[[int, int], bool] | None = None) -> Iterator[Window]:
    """Token ranges of the sentences; a sentence of more than `most` words in parts of one size or one word less.

    `fits` says whether a token range is small enough; a sentence is cut until all its parts are, or are single words.
    """
    if most is None and fits is None:
        yield from document.sentences
        return
    for first, last in document.sentences:
        size = last - first
        parts = 1 if most is None else ceil(size / most)
        while True:
            edges = [first + size * part // parts for part in range(parts + 1)]
            cut = list(pairwise(edges))
            if fits is None or parts >= size or all(fits(*window) for window in cut):
                break
            parts += 1
        yield from cut


def check_max_words(most: int | None) -> int | None:
    """The number; raises `ConfigError` where no word would fit."""
    if most is not None and most < 1:
        raise ConfigError(f"max_words is {most}: a window holds a word at least")
    return most


def blank_at_an_end(label: str) -> str | None:
    """Why a label cannot stand between signs with blanks around it."""
    return None if label == label.strip() else "it begins or ends with a blank"


class Windowed(ABC):
    """Mentions at any characters of a sentence, flat or nested, asked for window by window.

    What no window can hold are losses: discontinuous and repeated mentions, mentions that reach beyond a sentence,
    labels that are not known, and what the format itself refuses.
    """

    name: ClassVar[str]
    by_type: ClassVar[bool] = False
    """Whether each exchange asks for one label."""
    framed: bool = False
    grounds: bool = True
    by_text: ClassVar[bool] = False
    """Whether a mention is known by its text alone, so that it may be read at another place."""

    def __init__(
        self, labels: Iterable[str], on_misaligned: OnMisaligned = "error", max_words: int | None = None
    ) -> None:
        if on_misaligned not in get_args(OnMisaligned):
            raise ConfigError(f"on_misaligned {on_misaligned!r} is unknown: one of {', '.join(get_args(OnMisaligned))}")
        self.labels = LabelSet(labels)
        self.on_misaligned: OnMisaligned = on_misaligned
        self.max_words = check_max_words(max_words)
        self.fits: Callable[[str], bool] | None = None
        """Set by who knows the model: whether a window's text is short enough to be read and answered."""
        self.back: BackTokenizer | None = None
        """Set by who knows the model, where its vocabulary loses capitals, accents or blanks."""
        self.rank = {label: number for number, label in enumerate(self.labels)}
        for label in self.labels:
            why = self.refused_label(label)
            if why is not None:
                raise ConfigError(f"{self.name}: the label {label!r} cannot be written: {why}")

    def settings(self) -> dict[str, Any]:
        """The arguments of this encoding as plain JSON values."""
        return {"labels": list(self.labels), "on_misaligned": self.on_misaligned, "max_words": self.max_words}

    @abstractmethod
    def answer(self, source: str, spans: Sequence[Span]) -> str:
        """The right answer; spans by characters of the source, in order, the outer before the inner."""

    @abstractmethod
    def spans(self, asked: Exchange, answer: str, problems: list[Problem]) -> Iterable[Span]:
        """Spans by characters of the source from any answer; what is none is added to the problems. Never raises."""

    def refused_label(self, label: str) -> str | None:  # noqa: ARG002
        """Why the format cannot write a label, if it cannot."""
        return None

    def refused(self, span: Span, source: str, kept: Sequence[Span]) -> str | None:  # noqa: ARG002
        """Why the format cannot write a span of a source beside those kept already (longer ones), if it cannot."""
        return None

    @property
    def symbols(self) -> tuple[str, ...]:
        """What a model may write as one piece each: by default nothing."""
        return ()

    # ------------------------------------------------------------------ encode

    def exchanges(self, document: Document) -> tuple[Exchange, ...]:
        """One for each window, or one for each window and label, without completions."""
        labels: Sequence[str | None] = self.labels if self.by_type else [None]
        return tuple(
            Exchange(document.text[slice(*document.tokens.characters(*window))], "", window, label)
            for window in self._windows(document)
            for label in labels
        )

    def encode(self, document: Document) -> TextTargets:
        """Exchanges with completions; raises `MisalignedSpansError` under `on_misaligned="error"`."""
        targets = self._written(document)
        if targets.losses and self.on_misaligned == "error":
            raise misaligned(document, targets.losses)
        return targets

    def losses(self, document: Document) -> tuple[Loss, ...]:
        """The gold spans that the answers cannot hold, or would put elsewhere."""
        return self._written(document).losses

    def _written(self, document: Document) -> TextTargets:
        kept, losses = self._fitted(document)
        made: list[Exchange] = []
        for asked in self.exchanges(document):
            left = document.tokens.characters(*asked.window)[0]
            wanted = [span for span in kept.get(asked.window, ()) if asked.type in {None, span.label}]
            moved = [Span(span.start - left, span.end - left, span.label) for span in wanted]
            answer = self.answer(asked.source, moved)
            made.append(Exchange(asked.source, answer, asked.window, asked.type))
            if self.by_text and moved:
                found = set(self.spans(asked, answer, []))
                losses += [
                    Loss(span, "its text would be read at another place")
                    for span, one in zip(wanted, moved, strict=True)
                    if one not in found
                ]
        return TextTargets(tuple(made), tuple(losses))

    def _windows(self, document: Document) -> list[Window]:
        fits, within = self.fits, document.tokens.characters
        short = None if fits is None else lambda first, last: fits(document.text[slice(*within(first, last))])
        return list(windows(document, self.max_words, short))

    def _fitted(self, document: Document) -> tuple[dict[Window, list[Span]], list[Loss]]:
        """Spans by the window that holds them, in order, and those that none does."""
        asked = self._windows(document)
        starts = [document.tokens.starts[first] for first, _ in asked]
        kept: dict[Window, list[Span]] = {}
        losses: list[Loss] = []
        for span in sorted(document.spans, key=lambda span: (span.start - span.end, span.start, span.label)):
            number = bisect_right(starts, span.start) - 1
            fits = number >= 0 and span.end <= document.tokens.characters(*asked[number])[1]
            inside = kept.setdefault(asked[number], []) if fits else []
            why = (
                "discontinuous" if span.discontinuous
                else f"label {span.label!r} is not one of {', '.join(self.labels)}" if span.label not in self.rank
                else "lies in no single sentence or window" if not fits
                else "repeats another span" if span in inside
                else self.refused(span, document.text, inside)
            )  # fmt: skip
            if why is None:
                inside.append(span)
            else:
                losses.append(Loss(span, why))
        for inside in kept.values():
            inside.sort(key=lambda span: (span.start, -span.end, self.rank[span.label]))
        return kept, losses

    # ------------------------------------------------------------------ automata

    @abstractmethod
    def automaton(self, asked: Exchange, words: Sequence[tuple[int, int]]) -> Automaton:
        """All that may be answered; `words` are half-open characters of the exchange's source."""

    def automata(self, document: Document) -> tuple[Automaton, ...]:
        """One an exchange: mentions are runs of words."""
        made: list[Automaton] = []
        for asked in self.exchanges(document):
            left = document.tokens.characters(*asked.window)[0]
            starts, ends = document.tokens.starts[slice(*asked.window)], document.tokens.ends[slice(*asked.window)]
            made.append(
                self.automaton(asked, [(start - left, end - left) for start, end in zip(starts, ends, strict=True)])
            )
        return tuple(made)

    def grammar(self, document: Document) -> tuple[str, ...]:
        """The automata in the Lark dialect of llguidance, one an exchange."""
        return tuple(lark(each) for each in self.automata(document))

    def drafts(self, document: Document) -> tuple[Sequence[Mention], ...]:
        """Mentions by words of the window, in order; not those that cut words, or begin or end with blank ones."""
        kept, _ = self._fitted(document)
        made: list[Sequence[Mention]] = []
        for asked in self.exchanges(document):
            begin: dict[int, int] = {}
            end: dict[int, int] = {}
            for word, place in enumerate(range(*asked.window)):
                left, right = document.tokens.starts[place], document.tokens.ends[place]
                if document.text[left:right].strip():
                    begin[left], end[right] = word, word + 1
            made.append(
                [
                    Mention(begin[span.start], end[span.end], 0 if self.by_type else self.rank[span.label])
                    for span in kept.get(asked.window, ())
                    if span.start in begin and span.end in end and asked.type in {None, span.label}
                ]
            )
        return tuple(made)

    def scored(
        self, document: Document, spans: Sequence[Span], chances: Sequence[Sequence[Chance]]
    ) -> tuple[Span, ...]:
        """The probability of a mention's own choices; of its text's where it is read elsewhere than it was meant."""
        starts, ends = document.tokens.starts, document.tokens.ends
        found: dict[Any, float] = {}
        for asked, row in zip(self.exchanges(document), chances, strict=True):
            for (first, last, rank), chance in row:
                start, end = starts[asked.window[0] + first], ends[asked.window[0] + last - 1]
                label = asked.type or self.labels[rank]
                for key in ((start, end, label), (document.text[start:end], label)):
                    found[key] = max(chance, found.get(key, 0.0))
        made: list[Span] = []
        for span in spans:
            of_text = found.get((document.surface(span), span.label))
            made.append(replace(span, score=found.get((span.start, span.end, span.label), of_text)))
        return tuple(made)

    # ------------------------------------------------------------------ decode

    def decode(self, document: Document, answers: Sequence[str]) -> Prediction:
        """Spans and problems from one answer an exchange; raises `DataError` when their number is wrong."""
        asked = self.exchanges(document)
        if len(answers) != len(asked):
            raise DataError(f"document {document.id!r}: {len(answers)} answers for {len(asked)} exchanges")
        problems: list[Problem] = []
        found: list[Span] = []
        for exchange, answer in zip(asked, answers, strict=True):
            within = document.tokens.characters(*exchange.window)
            left, wrong = within[0], list[Problem]()
            for span in self.spans(exchange, answer, wrong):
                found.append(Span(span.start + left, span.end + left, span.label))
            problems += placed(wrong, within)
        return Prediction(document.id, tuple(found), tuple(problems), raw=tuple(map(well_formed, answers)))
