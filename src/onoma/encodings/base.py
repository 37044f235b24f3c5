"""The target shapes in which encodings and models meet, and what an encoding promises."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Protocol, runtime_checkable

from onoma.alignment import BackTokenizer
from onoma.document import Document, LabelSet, Prediction, Problem, Span
from onoma.encodings.automata.base import Automaton, Chance
from onoma.exceptions import MisalignedSpansError
from onoma.unicode import well_formed

__all__ = [
    "Encoding",
    "Exchange",
    "Loss",
    "OnMisaligned",
    "TagAnswer",
    "TagEncoding",
    "TagTargets",
    "TextEncoding",
    "TextTargets",
    "misaligned",
    "placed",
]

OnMisaligned = Literal["error", "expand", "drop"]


@dataclass(frozen=True, slots=True)
class Loss:
    """A gold span that an encoding cannot write, and why."""

    span: Span
    why: str


def misaligned(document: Document, losses: Sequence[Loss]) -> MisalignedSpansError:
    """The error that lists what cannot be written."""
    return MisalignedSpansError(document.id, [(loss.span, document.surface(loss.span), loss.why) for loss in losses])


def placed(problems: Iterable[Problem], within: tuple[int, int]) -> Iterator[Problem]:
    """The problems of an answer that was about these characters; halves of surrogate pairs, which no file holds, go."""
    for each in problems:
        label = None if each.label is None else well_formed(each.label)
        yield Problem(each.kind, well_formed(each.text), label, within)


@dataclass(frozen=True, slots=True)
class TagTargets:
    """One tag a token: `sentences` are the words, `tags` the tags, both by sentence and of equal lengths."""

    sentences: tuple[tuple[str, ...], ...]
    tags: tuple[tuple[str, ...], ...]
    losses: tuple[Loss, ...] = ()


@dataclass(frozen=True, slots=True)
class TagAnswer:
    """A tagger's answer for one sentence: one tag a word, and a score in [0,1] for any half-open word range.

    `tag_chances` gives for each tag the probability of every word to have it; over all tags they add up to 1.
    """

    tags: tuple[str, ...]
    span_score: Callable[[int, int], float] | None = None
    tag_chances: Callable[[], Mapping[str, Sequence[float]]] | None = None


@dataclass(frozen=True, slots=True)
class Exchange:
    """One question to a text model and the answer it should give.

    `source` is the text it reads, `window` the half-open **token** range of the document that this stands for, `type`
    the one label that is asked for (None: all). Where nothing is known of the gold, `completion` is empty.
    """

    source: str
    completion: str
    window: tuple[int, int]
    type: str | None = None

    def characters(self, document: Document) -> tuple[int, int]:
        """The window as a half-open character range of the document."""
        return document.tokens.characters(*self.window)


@dataclass(frozen=True, slots=True)
class TextTargets:
    """What a text model is asked about a document, in order, and the gold spans that the answers cannot hold."""

    exchanges: tuple[Exchange, ...]
    losses: tuple[Loss, ...] = ()


@runtime_checkable
class Encoding(Protocol):
    """A way to put the spans of a document into words a model can produce, and back.

    `decode` never looks at `document.spans`, and turns every predicted mention into a span or a problem.
    """

    name: str
    labels: LabelSet

    def decode(self, document: Document, answers: Sequence[Any]) -> Prediction:
        """Spans and counted problems from a model's answers; raises `DataError` when their number is wrong."""
        ...

    def losses(self, document: Document) -> tuple[Loss, ...]:
        """The gold spans that `encode` cannot write as they are."""
        ...

    def settings(self) -> dict[str, Any]:
        """What `get` needs to build the same encoding again, as plain JSON values."""
        ...


@runtime_checkable
class TagEncoding(Encoding, Protocol):
    """An encoding for models that give one tag a word."""

    def encode(self, document: Document) -> TagTargets:
        """Targets for training; raises `MisalignedSpansError` where policy says so."""
        ...


@runtime_checkable
class TextEncoding(Encoding, Protocol):
    """An encoding for models that write text: one answer an exchange."""

    by_type: ClassVar[bool]
    """Whether each exchange asks for one label."""
    framed: bool
    """Whether answers hold all words and a tag each, so that their lengths are known beforehand."""
    grounds: bool
    """Whether there are automata of what may be written about a document."""
    fits: Callable[[str], bool] | None
    """Whether a window's text is short enough to be read and answered, where somebody who knows the model said so."""

    back: BackTokenizer | None
    """The forms of words that the model can write, where its vocabulary loses capitals, accents or blanks."""

    @property
    def symbols(self) -> tuple[str, ...]:
        """Texts that stand in answers again and again, so that a model may write them as one piece each."""
        ...

    def encode(self, document: Document) -> TextTargets:
        """Targets for training; raises `MisalignedSpansError` where policy says so."""
        ...

    def exchanges(self, document: Document) -> tuple[Exchange, ...]:
        """What is asked about a document, without looking at its spans."""
        ...

    def automata(self, document: Document) -> tuple[Automaton, ...]:
        """All that may be answered, one automaton an exchange; raises `ConfigError` where the format has none."""
        ...

    def grammar(self, document: Document) -> tuple[str, ...]:
        """The automata for servers that hold a model to a grammar (llguidance, Lark dialect); raises `ConfigError`."""
        ...

    def drafts(self, document: Document) -> tuple[Sequence[Any], ...]:
        """The document's spans as what automata take for wanted, one an exchange; what none can hold is left out."""
        ...

    def scored(
        self, document: Document, spans: Sequence[Span], chances: Sequence[Sequence[Chance]]
    ) -> tuple[Span, ...]:
        """The spans with the probabilities of the choices that wrote them, as far as known; one row an exchange."""
        ...
