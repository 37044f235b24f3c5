"""What encodings share that write one tag a word as text: windows, and from answers back to mentions."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from math import ceil
from typing import Any, ClassVar, NamedTuple

from onoma import schemes
from onoma.document import Document, LabelSet, Prediction, Problem, Span
from onoma.encodings.base import Exchange, Loss, OnMisaligned, TextTargets
from onoma.encodings.tags import Tags
from onoma.exceptions import ConfigError, DataError
from onoma.schemes import OUTSIDE

__all__ = ["Items", "TaggedText", "windows"]


class Items(NamedTuple):
    """An answer, item by item: what was written for a word, its tag, and the word of the window it stands for.

    Tags are `O` or PREFIX-LABEL. `words` and `places` are as long as `tags`; places rise, None for no word.
    """

    words: Sequence[str]
    tags: Sequence[str]
    places: Sequence[int | None]
    problems: Sequence[Problem] = ()


def windows(document: Document, most: int | None) -> Iterator[tuple[int, int]]:
    """Token ranges of the sentences; a sentence of more than `most` words in parts of nearly one size."""
    for first, last in document.sentences:
        size = last - first
        step = size if most is None else ceil(size / ceil(size / most))
        yield from ((start, min(start + step, last)) for start in range(first, last, step))


class TaggedText(ABC):
    """The tags of a document's words, written by sentence.

    What `Tags` cannot hold, these cannot either. A mention may go on in the next window of its sentence. Where an
    answer is not about the words it was asked for, a mention becomes a span only if all its words are found, side by
    side; else it is a problem, and so one false positive.
    """

    name: ClassVar[str]

    def __init__(
        self,
        labels: Iterable[str],
        scheme: str = "BIO",
        repair: schemes.Repair = "conlleval",
        on_misaligned: OnMisaligned = "error",
        max_words: int | None = None,
    ) -> None:
        if max_words is not None and max_words < 1:
            raise ConfigError(f"max_words is {max_words}: a window holds a word at least")
        self.tags = Tags(labels, scheme, repair, on_misaligned)
        self.labels: LabelSet = self.tags.labels
        self.max_words = max_words
        self._written = {tag: "_".join(tag.split()) for tag in self.tags.tagset}
        self._meant = {text: tag for tag, text in self._written.items()}
        if len(self._meant) < len(self._written):
            raise ConfigError(f"{self.name}: two of the labels are written alike, for they differ in white space alone")

    def written(self, tag: str) -> str:
        """How a tag is written: white space in a label as `_`."""
        return self._written[tag]

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
        return self.tags.losses(document)

    @abstractmethod
    def source(self, words: Sequence[str]) -> str:
        """What a model reads of a window's words."""

    @abstractmethod
    def write(self, words: Sequence[str], tags: Sequence[str]) -> str:
        """The right answer."""

    @abstractmethod
    def read(self, words: Sequence[str], answer: str) -> Items:
        """Any answer about a window's words; never raises."""

    def exchanges(self, document: Document) -> tuple[Exchange, ...]:
        """One for each window, without completions."""
        return tuple(
            Exchange(self.source(document.words[first:last]), "", (first, last))
            for first, last in windows(document, self.max_words)
        )

    def encode(self, document: Document) -> TextTargets:
        """Exchanges with completions; raises `MisalignedSpansError` under `on_misaligned="error"`."""
        targets = self.tags.encode(document)
        tags = [tag for sentence in targets.tags for tag in sentence]
        made: list[Exchange] = []
        for first, last in windows(document, self.max_words):
            words = document.words[first:last]
            made.append(Exchange(self.source(words), self.write(words, tags[first:last]), (first, last)))
        return TextTargets(tuple(made), targets.losses)

    def decode(self, document: Document, answers: Sequence[str]) -> Prediction:
        """Spans and problems from one answer an exchange; raises `DataError` when their number is wrong."""
        asked = list(windows(document, self.max_words))
        if len(answers) != len(asked):
            raise DataError(f"document {document.id!r}: {len(answers)} answers for {len(asked)} exchanges")
        spans: list[Span] = []
        problems: list[Problem] = []
        tags = [OUTSIDE] * len(document.tokens)
        rest = list(zip(asked, answers, strict=True))[::-1]
        for _, end in document.sentences:
            words: list[str] = []
            given: list[str] = []
            places: list[int | None] = []
            while rest and rest[-1][0][1] <= end:
                (first, last), answer = rest.pop()
                items = self.read(document.words[first:last], answer)
                words += items.words
                given += items.tags
                places += [None if place is None else place + first for place in items.places]
                problems += items.problems
            for tag, place in zip(given, places, strict=True):
                if place is not None:
                    tags[place] = tag
            for start, stop, label in self.tags.scheme.spans(given, self.tags.repair):
                self._add(document, label, " ".join(words[start:stop]), places[start:stop], spans, problems)
        return Prediction(document.id, tuple(spans), tuple(problems), tags=tuple(tags), raw=tuple(answers))

    def _add(
        self,
        document: Document,
        label: str,
        text: str,
        places: Sequence[int | None],
        spans: list[Span],
        problems: list[Problem],
    ) -> None:
        """One mention of an answer, as a span or as a problem."""
        if label not in self.labels:
            problems.append(Problem("unknown_label", text, label))
            return
        first = places[0]
        if first is not None and list(places) == list(range(first, first + len(places))):
            start, end = document.tokens.starts[first], document.tokens.ends[first + len(places) - 1]
            if start < end:
                spans.append(Span(start, end, label))
                return
        problems.append(Problem("ungrounded", text, label))
