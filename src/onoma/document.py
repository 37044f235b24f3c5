"""The one document model: text with tokens, sentences and spans, all by character offset.

Offsets are half-open and count Unicode code points of `Document.text`. Gold and prediction are two
objects joined by id: a `Document` is never changed by a model, a `Prediction` never carries gold.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import accumulate, islice, pairwise, repeat
from operator import add, le
from types import MappingProxyType
from typing import Any, Literal, NamedTuple, get_args, overload

from onoma.exceptions import DataError

__all__ = ["Document", "LabelSet", "Prediction", "Problem", "ProblemKind", "Span", "Token", "Tokens"]

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

    @classmethod
    def known(cls, start: int, end: int, label: str) -> Span:
        """A span whose offsets and label the caller has checked: for readers of millions of them."""
        span = cls.__new__(cls)
        _PUT_START(span, start)
        _PUT_END(span, end)
        _PUT_LABEL(span, label)
        _PUT_SCORE(span, None)
        _PUT_FRAGMENTS(span, ())
        return span

    @property
    def discontinuous(self) -> bool:
        """Whether the mention consists of several pieces of text."""
        return bool(self.fragments)


_SLOTS: Any = Span
_PUT_START, _PUT_END, _PUT_LABEL = _SLOTS.start.__set__, _SLOTS.end.__set__, _SLOTS.label.__set__
_PUT_SCORE, _PUT_FRAGMENTS = _SLOTS.score.__set__, _SLOTS.fragments.__set__


class Token(NamedTuple):
    """A token as a half-open character range; its text is a slice of the document's."""

    start: int
    end: int


class Tokens(Sequence[Token]):
    """The tokens of a document, held as two arrays of character offsets; never changed.

    A sequence of `Token` to its reader, made on demand: a corpus of millions of tokens holds no object for each.
    `starts` and `ends` are arrays of 64-bit integers that numpy can look at without a copy.
    """

    __slots__ = ("ends", "starts")
    starts: array[int]
    ends: array[int]

    def __init__(self, starts: Iterable[int] = (), ends: Iterable[int] = ()) -> None:
        """Tokens with these starts and ends; raises `DataError` where they overlap or are out of order."""
        try:
            self.starts, self.ends = array("q", starts), array("q", ends)
        except OverflowError:
            raise DataError("a token's offset is larger than any text") from None
        if len(self.starts) != len(self.ends):
            raise DataError(f"{len(self.starts)} token starts, {len(self.ends)} token ends")
        ordered = all(map(le, self.starts, self.ends)) and all(map(le, self.ends, islice(self.starts, 1, None)))
        if self.starts and (self.starts[0] < 0 or not ordered):
            reached = 0
            for start, end in zip(self.starts, self.ends, strict=True):
                if not reached <= start <= end:
                    raise DataError(f"token [{start}:{end}] overlaps the one before it or is negative")
                reached = end

    @classmethod
    def of(cls, tokens: Iterable[Token]) -> Tokens:
        """The same tokens; an object that is `Tokens` already is returned as it is."""
        if isinstance(tokens, Tokens):
            return tokens
        tokens = tuple(tokens)
        return cls([start for start, _ in tokens], [end for _, end in tokens]) if tokens else _NO_TOKENS

    @classmethod
    def joined(cls, words: Sequence[str], spaces: Iterable[bool] | None = None) -> Tokens:
        """The tokens of words in a row, with one blank after each that `spaces` says has one (None: every one)."""
        made = cls.__new__(cls)
        lengths = list(map(len, words))
        widths = map(add, lengths, repeat(1) if spaces is None else spaces)
        made.starts = array("q", accumulate(widths, initial=0))
        made.starts.pop()
        made.ends = array("q", map(add, made.starts, lengths))
        return made

    @classmethod
    def from_bytes(cls, starts: bytes, ends: bytes) -> Tokens:
        """Tokens from the bytes of two arrays of 64-bit integers, which the caller knows to be in order."""
        made = cls.__new__(cls)
        made.starts, made.ends = array("q"), array("q")
        made.starts.frombytes(starts)
        made.ends.frombytes(ends)
        return made

    def characters(self, first: int, last: int) -> tuple[int, int]:
        """The half-open character range of the tokens `[first:last]`, of which there is one at least."""
        return self.starts[first], self.ends[last - 1]

    def __len__(self) -> int:
        return len(self.starts)

    def __iter__(self) -> Iterator[Token]:
        return map(Token, self.starts, self.ends)

    @overload
    def __getitem__(self, index: int) -> Token: ...
    @overload
    def __getitem__(self, index: slice) -> Tokens: ...
    def __getitem__(self, index: int | slice) -> Token | Tokens:
        if isinstance(index, slice):
            return Tokens(self.starts[index], self.ends[index])
        return Token(self.starts[index], self.ends[index])

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Tokens):
            return self.starts == other.starts and self.ends == other.ends
        return isinstance(other, (tuple, list)) and tuple(self) == tuple(other)

    def __hash__(self) -> int:
        return hash(tuple(self))

    def __repr__(self) -> str:
        return f"Tokens({list(self.starts)}, {list(self.ends)})"

    def __reduce__(self) -> tuple[Any, ...]:
        return (Tokens, (self.starts, self.ends))


_NO_TOKENS = Tokens()


_EMPTY: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True)
class Document:
    """Text with its tokens, sentences and gold spans; never mutated.

    `tokens` are ordered and do not overlap (empty where the text was never split; any iterable of `Token` will
    do); `sentences` are half-open **token** ranges that tile `tokens`; `spans` may nest, cross and repeat. Raises
    `DataError` where an offset lies outside the text or the sentences do not tile.
    """

    id: str
    text: str
    tokens: Tokens = _NO_TOKENS
    sentences: tuple[tuple[int, int], ...] = ()
    spans: tuple[Span, ...] = ()
    meta: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        put = object.__setattr__
        tokens: Any = self.tokens
        if type(tokens) is not Tokens:
            try:
                tokens = Tokens.of(tokens)
            except DataError as error:
                raise DataError(f"document {self.id!r}: {error.message}") from None
            put(self, "tokens", tokens)
        if type(self.spans) is not tuple:
            put(self, "spans", tuple(self.spans))
        sentences = self.sentences
        if type(sentences) is not tuple or any(type(bounds) is not tuple for bounds in sentences):
            sentences = tuple((int(start), int(end)) for start, end in sentences)
        if not sentences and tokens:
            sentences = ((0, len(tokens)),)
        put(self, "sentences", sentences)
        if type(self.meta) is not MappingProxyType:
            put(self, "meta", MappingProxyType(dict(self.meta)) if self.meta else _EMPTY)
        self._check()

    def _check(self) -> None:
        size, ends = len(self.text), self.tokens.ends
        if ends and ends[-1] > size:
            raise DataError(
                f"document {self.id!r}: token [{self.tokens.starts[-1]}:{ends[-1]}] lies outside the text of "
                f"{size} characters"
            )
        at = 0
        for start, end in self.sentences:
            if start != at or end <= start:
                raise DataError(f"document {self.id!r}: sentence [{start}:{end}] does not continue token {at}")
            at = end
        if at != len(ends):
            raise DataError(f"document {self.id!r}: sentences end at token {at} of {len(ends)}")
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
        text, tokens = self.text, self.tokens
        return tuple([text[start:end] for start, end in zip(tokens.starts, tokens.ends, strict=True)])

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
        return cls(id, " ".join(words), Tokens.joined(words), tuple(bounds), (), meta)


def _rebuild(id: str, text: str, tokens: Any, sentences: Any, spans: Any, meta: Any) -> Document:
    return Document(id, text, tokens, sentences, spans, meta)


@dataclass(frozen=True, slots=True)
class Problem:
    """Something in a model's answer that became no span: its kind, the text that caused it, its label if known.

    `within` is the half-open range of the document's characters that the answer was about; None where nobody knows.
    """

    kind: ProblemKind
    text: str = ""
    label: str | None = None
    within: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        if self.kind not in PROBLEM_KINDS:
            raise DataError(f"problem kind {self.kind!r} is unknown", mend="one of " + ", ".join(PROBLEM_KINDS))
        if self.within is not None:
            start, end = self.within
            if not 0 <= start <= end:
                raise DataError(f"problem within [{start}:{end}]: no range of characters")
            object.__setattr__(self, "within", (start, end))

    def may_mean(self, span: Span) -> bool:
        """Whether a mention lies in the part of the document that the answer was about."""
        return self.within is None or (self.within[0] <= span.start and span.end <= self.within[1])

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
