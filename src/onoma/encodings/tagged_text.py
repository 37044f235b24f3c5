"""What encodings share that write one tag a word as text: from answers back to mentions."""

from __future__ import annotations

from abc import ABC, abstractmethod
from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import cached_property
from math import prod
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from onoma import schemes
from onoma.alignment import BackTokenizer
from onoma.document import Document, LabelSet, Prediction, Problem, ProblemKind, Span
from onoma.encodings.automata.base import Automaton, Chance
from onoma.encodings.automata.grammar import lark
from onoma.encodings.automata.tagged import TagAutomaton
from onoma.encodings.base import Exchange, Loss, OnMisaligned, TextTargets, misaligned, placed
from onoma.encodings.tags import Tags
from onoma.encodings.windowed import check_max_words, windows
from onoma.exceptions import ConfigError, DataError
from onoma.schemes import OUTSIDE
from onoma.unicode import well_formed

__all__ = ["Items", "TaggedText"]


class Items(NamedTuple):
    """An answer, item by item: what was written for a word, its tag, and the word of the window it stands for.

    Tags are `O` or PREFIX-LABEL. `words` and `places` are as long as `tags`; places rise, None for no word, and are a
    range where each word has its item. Items of which nobody can say where they belong are `unsure`.
    """

    words: Sequence[str]
    tags: Sequence[str]
    places: Sequence[int | None]
    problems: Sequence[Problem] = ()
    unsure: frozenset[int] = frozenset()


class TaggedText(ABC):
    """The tags of a document's words, written by sentence.

    What `Tags` cannot hold, these cannot either. A mention may go on in the next window of its sentence. Where an
    answer is not about the words it was asked for, a mention becomes a span only if all its words are found, side by
    side and in one place only; else it is a problem, and so one false positive.
    """

    name: ClassVar[str]
    by_type: ClassVar[bool] = False
    partial = False
    """Whether answers leave words out, so that some of their mentions may have no sure place."""

    def __init__(
        self,
        labels: Iterable[str],
        scheme: str = "BIO",
        repair: schemes.Repair = "conlleval",
        on_misaligned: OnMisaligned = "error",
        max_words: int | None = None,
    ) -> None:
        labels = LabelSet(labels)
        self.tags = Tags(labels, scheme, repair, on_misaligned)
        self._lenient = Tags(labels, scheme, repair, "drop") if on_misaligned == "error" else self.tags
        self.labels: LabelSet = self.tags.labels
        self.max_words = check_max_words(max_words)
        self.fits: Callable[[str], bool] | None = None
        """Set by who knows the model: whether a window's text is short enough to be read and answered."""
        self.back: BackTokenizer | None = None
        """Set by who knows the model, where its vocabulary loses capitals, accents or blanks."""
        self._texts = {tag: "_".join(tag.split()) for tag in self.tags.tagset}
        self._meant = {text: tag for tag, text in self._texts.items()}
        if len(self._meant) < len(self._texts):
            raise ConfigError(f"{self.name}: two of the labels are written alike, for they differ in white space alone")

    def written(self, tag: str) -> str:
        """How a tag is written: white space in a label as `_`."""
        return self._texts[tag]

    def meant(self, text: str) -> str | None:
        """The tag that a piece of an answer is: perhaps of an unknown label; None for what is no tag of the scheme."""
        tag = self._meant.get(text)
        if tag is not None:
            return tag
        if text.casefold() == OUTSIDE.casefold():
            return OUTSIDE
        prefix, hyphen, label = text.partition("-")
        return text if hyphen and label and prefix in self.tags.scheme.prefixes and prefix != OUTSIDE else None

    def settings(self) -> dict[str, Any]:
        """The arguments of this encoding as plain JSON values."""
        return {**self.tags.settings(), "max_words": self.max_words}

    def losses(self, document: Document) -> tuple[Loss, ...]:
        """The spans that tags cannot write as they are."""
        return self._written(document).losses

    @abstractmethod
    def source(self, words: Sequence[str]) -> str:
        """What a model reads of a window's words."""

    @abstractmethod
    def write(self, words: Sequence[str], tags: Sequence[str]) -> str:
        """The right answer."""

    @abstractmethod
    def literals(self, words: Sequence[str]) -> tuple[str, ...]:
        """What stands before each tag in the right answer."""

    @abstractmethod
    def read(self, words: Sequence[str], answer: str) -> Items:
        """Any answer about a window's words; never raises."""

    @property
    def framed(self) -> bool:
        """Whether all but the tags is known."""
        return not self.partial

    @property
    def grounds(self) -> bool:
        """Whether all that may be answered is known."""
        return not self.partial

    @property
    def symbols(self) -> tuple[str, ...]:
        """What a model may write as one piece each."""
        return tuple(self._texts.values())

    def exchanges(self, document: Document) -> tuple[Exchange, ...]:
        """One for each window, without completions."""
        return tuple(
            Exchange(self.source(document.words[first:last]), "", (first, last))
            for first, last in self._windows(document)
        )

    def _windows(self, document: Document) -> list[tuple[int, int]]:
        fits, words = self.fits, document.words
        short = None if fits is None else lambda first, last: fits(self.source(words[first:last]))
        return list(windows(document, self.max_words, short))

    def automata(self, document: Document) -> tuple[Automaton, ...]:
        """For each exchange its answer with the tags left open; only legal sequences of tags may be chosen.

        Raises `ConfigError` where the answer leaves words out, for which ones is for the model to say.
        """
        if self.partial:
            raise ConfigError(f"{self.name} leaves words out: which ones cannot be known before it answers")
        start, follow, stop, mention = self._legal
        anything = np.ones_like(start)
        bounds = document.tokens
        begins, ends = {first for first, _ in document.sentences}, {last for _, last in document.sentences}
        return tuple(
            TagAutomaton(
                self.literals(document.words[first:last]),
                self.symbols,
                start if first in begins else anything,
                follow,
                stop if last in ends else anything,
                mention,
                [word - first for word in range(first, last) if bounds.starts[word] == bounds.ends[word]],
                self._numbers[OUTSIDE],
            )
            for first, last in self._windows(document)
        )

    def grammar(self, document: Document) -> tuple[str, ...]:
        """The automata in the Lark dialect of llguidance, one an exchange."""
        return tuple(lark(each) for each in self.automata(document))

    def drafts(self, document: Document) -> tuple[Sequence[int], ...]:
        """Numbers of tags, one a word."""
        targets = self._lenient.encode(document)
        tags = [self._numbers[tag] for sentence in targets.tags for tag in sentence]
        return tuple(tags[first:last] for first, last in self._windows(document))

    def scored(
        self, document: Document, spans: Sequence[Span], chances: Sequence[Sequence[Chance]]
    ) -> tuple[Span, ...]:
        """The product of the probabilities of the tags of a mention's words."""
        words = [1.0] * len(document.tokens)
        for (first, _), row in zip(self._windows(document), chances, strict=True):
            for mention, chance in row:
                words[first + mention.first] = chance
        starts, ends = document.tokens.starts, document.tokens.ends
        made: list[Span] = []
        for span in spans:
            first, last = bisect_left(ends, span.start + 1), bisect_left(starts, span.end)
            made.append(replace(span, score=min(1.0, prod(words[first:last]))))
        return tuple(made)

    @cached_property
    def _numbers(self) -> dict[str, int]:
        return {tag: number for number, tag in enumerate(self.tags.tagset)}

    @cached_property
    def _legal(self) -> tuple[NDArray[np.bool_], ...]:
        """Which tags may stand first, behind each other, and last; and which begin a mention behind each other."""
        tagset, scheme = self.tags.tagset, self.tags.scheme
        start = np.array([scheme.allows(None, tag) for tag in tagset])
        follow = np.array([[scheme.allows(before, after) for after in tagset] for before in tagset])
        begins = [
            [any(first for first, *_ in scheme.spans([one, two], self.tags.repair)) for two in tagset] for one in tagset
        ]
        return start, follow, np.array([scheme.allows(tag, None) for tag in tagset]), np.array(begins)

    def encode(self, document: Document) -> TextTargets:
        """Exchanges with completions; raises `MisalignedSpansError` under `on_misaligned="error"`."""
        targets = self._written(document)
        if targets.losses and self.tags.on_misaligned == "error":
            raise misaligned(document, targets.losses)
        return targets

    def _written(self, document: Document) -> TextTargets:
        """Right answers, and the losses of tags with those of leaving words out."""
        targets = self._lenient.encode(document)
        tags = [tag for sentence in targets.tags for tag in sentence]
        made: list[Exchange] = []
        for first, last in self._windows(document):
            words = document.words[first:last]
            made.append(Exchange(self.source(words), self.write(words, tags[first:last]), (first, last)))
        losses = targets.losses
        if self.partial:
            known = {*self.decode(document, [each.completion for each in made]).spans, *(loss.span for loss in losses)}
            losses += tuple(Loss(span, "could stand in two places") for span in document.spans if span not in known)
        return TextTargets(tuple(made), losses)

    def decode(self, document: Document, answers: Sequence[str]) -> Prediction:
        """Spans and problems from one answer an exchange; raises `DataError` when their number is wrong."""
        asked = self._windows(document)
        if len(answers) != len(asked):
            raise DataError(f"document {document.id!r}: {len(answers)} answers for {len(asked)} exchanges")
        spans: list[Span] = []
        problems: list[Problem] = []
        tags = [OUTSIDE] * len(document.tokens)
        if self.back is not None:
            self.back.joined(document.words)  # at once, not sentence by sentence: they are remembered
        words, scheme, repair = document.words, self.tags.scheme, self.tags.repair
        rest = list(zip(asked, answers, strict=True))[::-1]
        for sentence in document.sentences:
            parts: list[Items] = []
            while rest and rest[-1][0][1] <= sentence[1]:
                (first, last), answer = rest.pop()
                read = self.read(words[first:last], answer)
                if read.problems:
                    problems += placed(read.problems, document.tokens.characters(first, last))
                parts.append(_moved(read, first))
            items = parts[0] if len(parts) == 1 else _together(parts)
            places, unsure = items.places, items.unsure
            if type(places) is range:
                tags[places.start : places.stop] = items.tags
            else:
                for tag, place in zip(items.tags, places, strict=True):
                    if place is not None:
                        tags[place] = tag
            for start, stop, label in scheme.spans(items.tags, repair):
                moves = bool(unsure) and not unsure.isdisjoint(range(start, stop))
                found = self._place(document, label, places[start:stop], moves)
                if isinstance(found, Span):
                    spans.append(found)
                else:
                    wrong = Problem(found, " ".join(items.words[start:stop]), label)
                    problems += placed([wrong], document.tokens.characters(*sentence))
        raw = tuple(map(well_formed, answers))
        if raw != tuple(answers):
            tags = [well_formed(tag) for tag in tags]
        return Prediction(document.id, tuple(spans), tuple(problems), tags=tuple(tags), raw=raw)

    def _place(self, document: Document, label: str, places: Sequence[int | None], unsure: bool) -> Span | ProblemKind:
        """The span of a mention whose words stand for these words of the document, or why there is none."""
        if label not in self.labels:
            return "unknown_label"
        if unsure:
            return "ambiguous"
        first, size = places[0], len(places)
        if first is None or (type(places) is not range and list(places) != list(range(first, first + size))):
            return "ungrounded"
        start, end = document.tokens.starts[first], document.tokens.ends[first + size - 1]
        return Span.known(start, end, label) if start < end else "ungrounded"


def _moved(items: Items, first: int) -> Items:
    """Items whose places are words of the document: those of the window and its first word."""
    words, tags, places, problems, unsure = items
    if type(places) is range:  # copied right
        return Items(words, tags, range(first, first + len(places)), problems, unsure)
    return Items(words, tags, [None if place is None else place + first for place in places], problems, unsure)


def _together(parts: Sequence[Items]) -> Items:
    """The items of a sentence's windows in a row."""
    words = [word for part in parts for word in part.words]
    tags = [tag for part in parts for tag in part.tags]
    places = [place for part in parts for place in part.places]
    unsure: set[int] = set()
    before = 0
    for part in parts:
        unsure.update(before + number for number in part.unsure)
        before += len(part.words)
    return Items(words, tags, places, unsure=frozenset(unsure))
