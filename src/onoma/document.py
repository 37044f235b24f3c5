"""The one document model: text with tokens, sentences and spans, all by character offset.

Offsets are half-open and count Unicode code points of `Document.text`. Gold and prediction are two
objects joined by id: a `Document` is never changed by a model, a `Prediction` never carries gold.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import pairwise
from types import MappingProxyType
from typing import Any, Literal, get_args

from onoma.exceptions import DataError

__all__ = ["Document", "LabelSet", "Prediction", "Problem", "ProblemKind", "Span", "Token"]

Fragments = tuple[tuple[int, int], ...]

ProblemKind = Literal["malformed", "ungrounded", "unknown_label", "duplicate", "truncated", "ambiguous"]
"""What can be wrong with a model's answer; every kind but `truncated` stands for one mention."""

PROBLEM_KINDS: tuple[str, ...] = get_args(ProblemKind)


@dataclass(frozen=True, slots=True)
class Span:
    """A labelled stretch of text; `start` and `end` are half-open character offsets.

    A discontinuous mention lists its pieces in `fragments` and start/end are their hull. Equality is over
    position (the fragments where there are any) and label; the score takes no part in it.
    """

    start: int
    end: int
    label: str
    score: float | None = field(default=None, compare=False)
    fragments: Fragments = ()

    def __post_init__(self) -> None:
        if not 0 <= self.start < self.end:
            raise DataError(f"span [{self.start}:{self.end}] is empty or negative")
        if not self.label:
            raise DataError(f"span [{self.start}:{self.end}] has no label")
        if self.fragments:
            self._check_fragments()

    def _check_fragments(self) -> None:
        pieces = self.fragments
        ordered = all(start < end for start, end in pieces) and all(
            left[1] < right[0] for left, right in pairwise(pieces)
        )
        hull = (pieces[0][0], pieces[-1][1])
        if len(pieces) < 2 or not ordered or hull != (self.start, self.end):
            raise DataError(
                f"fragments {pieces} of span [{self.start}:{self.end}] are not two or more ordered, "
                "separate pieces that span it"
            )

    @property
    def discontinuous(self) -> bool:
        """Whether the mention consists of several pieces of text."""
        return bool(self.fragments)


@dataclass(frozen=True, slots=True)
class Token:
    """A token as a half-open character range; its text is a slice of the document's."""

    start: int
    end: int


def _frozen(mapping: Mapping[str, Any]) -> Mapping[str, Any]:
    return mapping if isinstance(mapping, MappingProxyType) else MappingProxyType(dict(mapping))


_EMPTY: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True)
class Document:
    """Text with its tokens, sentences and gold spans; never mutated.

    `tokens` are ordered and do not overlap (empty where the text was never split); `sentences` are half-open
    **token** ranges that tile `tokens`; `spans` may nest, cross and repeat. Raises `DataError` where an
    offset lies outside the text or the sentences do not tile.
    """

    id: str
    text: str
    tokens: tuple[Token, ...] = ()
    sentences: tuple[tuple[int, int], ...] = ()
    spans: tuple[Span, ...] = ()
    meta: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "tokens", tuple(self.tokens))
        object.__setattr__(self, "spans", tuple(self.spans))
        sentences = tuple((int(start), int(end)) for start, end in self.sentences)
        if not sentences and self.tokens:
            sentences = ((0, len(self.tokens)),)
        object.__setattr__(self, "sentences", sentences)
        object.__setattr__(self, "meta", _frozen(self.meta))
        self._check()

    def _check(self) -> None:
        size = len(self.text)
        reached = 0
        for token in self.tokens:
            if not reached <= token.start <= token.end <= size:
                raise DataError(
                    f"document {self.id!r}: token [{token.start}:{token.end}] overlaps the one before it "
                    f"or lies outside the text of {size} characters"
                )
            reached = token.end
        at = 0
        for start, end in self.sentences:
            if start != at or end <= start:
                raise DataError(f"document {self.id!r}: sentence [{start}:{end}] does not continue token {at}")
            at = end
        if at != len(self.tokens):
            raise DataError(f"document {self.id!r}: sentences end at token {at} of {len(self.tokens)}")
        for span in self.spans:
            if span.end > size:
                raise DataError(
                    f"document {self.id!r}: span [{span.start}:{span.end}] lies outside the text of {size} characters"
                )

    def __reduce__(self) -> tuple[Any, ...]:  # mappingproxy cannot be pickled
        return (_rebuild, (self.id, self.text, self.tokens, self.sentences, self.spans, dict(self.meta)))

    def __hash__(self) -> int:
        return hash((self.id, self.text, self.spans))

    @cached_property
    def words(self) -> tuple[str, ...]:
        """The tokens' texts."""
        return tuple(self.text[token.start : token.end] for token in self.tokens)

    def surface(self, span: Span) -> str:
        """The text of a span; the pieces of a discontinuous one are joined by a blank."""
        if span.fragments:
            return " ".join(self.text[start:end] for start, end in span.fragments)
        return self.text[span.start : span.end]

    def sentence_words(self) -> Iterator[tuple[str, ...]]:
        """The words of each sentence in turn."""
        return (self.words[start:end] for start, end in self.sentences)

    def with_spans(self, spans: Iterable[Span]) -> Document:
        """The same document with other spans."""
        return replace(self, spans=tuple(spans))

    @classmethod
    def from_words(
        cls,
        sentences: Iterable[Iterable[str]],
        *,
        id: str = "",
        meta: Mapping[str, Any] = _EMPTY,
    ) -> Document:
        """A document whose text is all words joined by one space; `sentences` are lists of words."""
        words: list[str] = []
        bounds: list[tuple[int, int]] = []
        for sentence in sentences:
            first = len(words)
            words.extend(sentence)
            if len(words) > first:
                bounds.append((first, len(words)))
        tokens: list[Token] = []
        at = 0
        for word in words:
            tokens.append(Token(at, at + len(word)))
            at += len(word) + 1
        return cls(id, " ".join(words), tuple(tokens), tuple(bounds), (), meta)


def _rebuild(id: str, text: str, tokens: Any, sentences: Any, spans: Any, meta: Any) -> Document:
    return Document(id, text, tokens, sentences, spans, meta)


@dataclass(frozen=True, slots=True)
class Problem:
    """Something in a model's answer that became no span: its kind, the text that caused it, its label if known."""

    kind: ProblemKind
    text: str = ""
    label: str | None = None

    def __post_init__(self) -> None:
        if self.kind not in PROBLEM_KINDS:
            raise DataError(f"problem kind {self.kind!r} is unknown", mend="one of " + ", ".join(PROBLEM_KINDS))

    @property
    def is_mention(self) -> bool:
        """Whether it stands for one mention and so counts as one false positive."""
        return self.kind != "truncated"


@dataclass(frozen=True, slots=True)
class Prediction:
    """What a system answered for one document, joined to gold by `document_id`.

    `tags` is the tag sequence as predicted, before any repair; None for systems that have none. `raw` is the
    raw answer, so that an old run can be rescored without the model.
    """

    document_id: str
    spans: tuple[Span, ...] = ()
    problems: tuple[Problem, ...] = ()
    tags: tuple[str, ...] | None = None
    raw: str | tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "spans", tuple(self.spans))
        object.__setattr__(self, "problems", tuple(self.problems))
        if self.tags is not None:
            object.__setattr__(self, "tags", tuple(self.tags))

    @classmethod
    def of(cls, document: Document) -> Prediction:
        """A document's own spans as if they had been predicted."""
        return cls(document.id, document.spans)


class LabelSet(tuple[str, ...]):
    """The labels of a task: sorted, without repeats, immutable."""

    __slots__ = ()

    def __new__(cls, labels: Iterable[str] = ()) -> LabelSet:
        return super().__new__(cls, sorted(set(labels)))

    @classmethod
    def of(cls, documents: Iterable[Document]) -> LabelSet:
        """All labels that occur in some documents."""
        return cls(span.label for document in documents for span in document.spans)
