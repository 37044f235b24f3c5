"""What several splits of one data set have in common, and where their labels disagree."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import asdict, dataclass, field
from itertools import combinations
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from onoma.document import Document

__all__ = ["SHORT", "Disagreement", "OnlyIn", "Overlap", "Repeats", "Shared", "normalised", "overlap"]

SHORT = 5
"""Sentences of so many tokens or fewer come twice without anybody's fault: scores, bylines, greetings."""
EXAMPLES = 5


@dataclass(frozen=True)
class Repeats:
    """Sentences of one split that stood in it before: `exact` of any length, the others longer than five tokens.

    `normalised` takes lower-cased words joined by one blank for the same.
    """

    sentences: int
    exact: int
    long: int
    normalised: int
    examples: tuple[str, ...] = ()


@dataclass(frozen=True)
class Shared:
    """Distinct sentences of `second` that stand in `first`, counted as in `Repeats`."""

    first: str
    second: str
    exact: int
    long: int
    normalised: int
    examples: tuple[str, ...] = ()


@dataclass(frozen=True)
class OnlyIn:
    """A label that one split alone has, and how often."""

    label: str
    split: str
    mentions: int


@dataclass(frozen=True)
class Disagreement:
    """A surface that has no label in common in two of the splits that name it; mentions by split and label."""

    surface: str
    labels: Mapping[str, Mapping[str, int]]


@dataclass(frozen=True)
class Overlap:
    """Everything about several splits; `labels` and `surfaces` are empty where there is one split only."""

    repeats: Mapping[str, Repeats]
    shared: tuple[Shared, ...] = ()
    labels: tuple[OnlyIn, ...] = ()
    surfaces: tuple[Disagreement, ...] = ()

    def record(self) -> dict[str, Any]:
        """All of it as JSON can hold it."""
        return asdict(self)


def normalised(text: str) -> str:
    """The text lower-cased, with one blank for every run of white space and none at its ends."""
    return " ".join(text.lower().split())


@dataclass
class _Split:
    """What one split holds: sentences as they stand, the long ones, and the long ones normalised."""

    exact: Counter[str] = field(default_factory=Counter)
    long: Counter[str] = field(default_factory=Counter)
    normalised: Counter[str] = field(default_factory=Counter)
    surfaces: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    labels: Counter[str] = field(default_factory=Counter)


def overlap(splits: Mapping[str, Iterable[Document]]) -> Overlap:
    """Repeated sentences inside each split and between any two, and labels that only one has or that disagree.

    Compared by sentence, since a document may be new and all of its sentences old; a text that was never split into
    tokens is one sentence of the words between white space. Examples are of the longest.
    """
    held = {name: _split(documents) for name, documents in splits.items()}
    shared = tuple(_shared(first, held[first], second, held[second]) for first, second in combinations(held, 2))
    repeats = {
        name: Repeats(
            each.exact.total(),
            each.exact.total() - len(each.exact),
            each.long.total() - len(each.long),
            each.normalised.total() - len(each.normalised),
            _examples(text for text, count in each.normalised.items() if count > 1),
        )
        for name, each in held.items()
    }
    if len(held) < 2:
        return Overlap(repeats, shared)
    return Overlap(repeats, shared, tuple(_only_in(held)), tuple(_disagreements(held)))


def _split(documents: Iterable[Document]) -> _Split:
    found = _Split()
    for document in documents:
        for text, words in _sentences(document):
            found.exact[text] += 1
            if len(words) > SHORT:
                found.long[text] += 1
                found.normalised[normalised(" ".join(words))] += 1
        for span in document.spans:
            found.labels[span.label] += 1
            found.surfaces[document.surface(span)][span.label] += 1
    return found


def _sentences(document: Document) -> Iterator[tuple[str, tuple[str, ...]]]:
    if not document.tokens:
        yield document.text, tuple(document.text.split())
    for first, last in document.sentences:
        yield document.text[document.tokens[first].start : document.tokens[last - 1].end], document.words[first:last]


def _shared(first: str, one: _Split, second: str, other: _Split) -> Shared:
    both = other.normalised.keys() & one.normalised.keys()
    return Shared(
        first,
        second,
        len(other.exact.keys() & one.exact.keys()),
        len(other.long.keys() & one.long.keys()),
        len(both),
        _examples(both),
    )


def _examples(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(texts, key=lambda text: (-len(text), text))[:EXAMPLES])


def _only_in(held: Mapping[str, _Split]) -> Iterator[OnlyIn]:
    for label in sorted({label for each in held.values() for label in each.labels}):
        where = [name for name, each in held.items() if label in each.labels]
        if len(where) == 1:
            yield OnlyIn(label, where[0], held[where[0]].labels[label])


def _disagreements(held: Mapping[str, _Split]) -> list[Disagreement]:
    """Those with most mentions first."""
    found: list[tuple[int, Disagreement]] = []
    for surface in dict.fromkeys(surface for each in held.values() for surface in each.surfaces):
        labels = {name: each.surfaces[surface] for name, each in held.items() if surface in each.surfaces}
        if any(one.keys().isdisjoint(other) for one, other in combinations(labels.values(), 2)):
            counts = {name: dict(sorted(each.items())) for name, each in labels.items()}
            found.append((sum(each.total() for each in labels.values()), Disagreement(surface, counts)))
    return [each for _, each in sorted(found, key=lambda pair: (-pair[0], pair[1].surface))]
