"""Scores of parts of the mentions: seen or not in training, long or short, in crowded sentences or in bare ones."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from onoma.document import Document, Span
from onoma.evaluation.bootstrap import draw_weights, f1, percentile_interval
from onoma.evaluation.counts import Counts
from onoma.evaluation.matching import Matching
from onoma.evaluation.metrics import Score
from onoma.exceptions import ConfigError

__all__ = ["NO_PLACE", "SLICES", "Known", "Place", "Slice", "slice_scores"]

NO_PLACE = "no place in the text"
"""The value of problems that stand for a mention, in every slice by place or text."""


class Known:
    """What training data show of mentions: texts with their labels, words, and labels."""

    def __init__(self, documents: Iterable[Document]) -> None:
        self.texts: dict[str, Counter[str]] = defaultdict(Counter)
        self.words: set[str] = set()
        self.labels: Counter[str] = Counter()
        for document in documents:
            for span in document.spans:
                text = document.surface(span)
                self.texts[text][span.label] += 1
                self.words.update(text.split())
                self.labels[span.label] += 1


@dataclass(frozen=True, slots=True)
class Place:
    """A mention where it stands: its text, its words and those of its sentence, and the gold mentions there."""

    document: Document
    span: Span
    text: str
    words: int
    sentence_words: int
    sentence_mentions: int
    inside: bool
    around: bool


LENGTHS = ("1 word", "2 words", "3 words", "4 or more words")
Rule = Callable[[Place, Known], str]


def _familiarity(place: Place, known: Known) -> str:
    labels = known.texts.get(place.text)
    if labels is not None:
        return "seen with this label" if place.span.label in labels else "seen with other labels"
    return "unseen, of seen words" if known.words.issuperset(place.text.split()) else "with unseen words"


def _consistency(place: Place, known: Known) -> str:
    labels = known.texts.get(place.text)
    if labels is None:
        return "unseen"
    return "one label in training" if len(labels) == 1 else "several labels in training"


def _label_frequency(place: Place, known: Known) -> str:
    return _band(known.labels[place.span.label], (0, 99, 999), "{} in training")


def _mention_length(place: Place, known: Known) -> str:
    del known
    return LENGTHS[min(max(place.words, 1), len(LENGTHS)) - 1]


def _sentence_length(place: Place, known: Known) -> str:
    del known
    return _band(place.sentence_words, (10, 20, 40), "{} words")


def _density(place: Place, known: Known) -> str:
    del known
    return _band(place.sentence_mentions, (0, 1, 3), "{} mentions in the sentence")


def _nesting(place: Place, known: Known) -> str:
    del known
    return (
        "inside and around others" if place.inside and place.around
        else "inside another" if place.inside
        else "around others" if place.around
        else "by itself"
    )  # fmt: skip


def _case(place: Place, known: Known) -> str:
    del known
    words = [word for word in place.text.split() if any(map(str.isalpha, word))]
    if not words:
        return "no letters"
    if all(map(str.isupper, words)):
        return "UPPER"
    if all(map(str.islower, words)):
        return "lower"
    return "Title" if all(word[:1].isupper() and not word[1:].isupper() for word in words) else "mIxed"


def _band(number: int, tops: Sequence[int], text: str) -> str:
    """The band of whole numbers up to one of the tops, or beyond the last."""
    low = 0
    for top in tops:
        if number <= top:
            return text.format(str(top) if low == top else f"{low}-{top}")
        low = top + 1
    return text.format(f"{low} or more")


def _bands(tops: Sequence[int], text: str) -> tuple[str, ...]:
    return tuple(_band(number, tops, text) for number in (*tops, tops[-1] + 1))


SLICES: dict[str, tuple[Rule, tuple[str, ...], bool]] = {
    "familiarity": (
        _familiarity,
        ("seen with this label", "seen with other labels", "unseen, of seen words", "with unseen words"),
        True,
    ),
    "consistency": (_consistency, ("one label in training", "several labels in training", "unseen"), True),
    "label_frequency": (_label_frequency, _bands((0, 99, 999), "{} in training"), True),
    "mention_length": (_mention_length, LENGTHS, False),
    "sentence_length": (_sentence_length, _bands((10, 20, 40), "{} words"), False),
    "density": (_density, _bands((0, 1, 3), "{} mentions in the sentence"), False),
    "nesting": (_nesting, ("by itself", "around others", "inside another", "inside and around others"), False),
    "case": (_case, ("lower", "Title", "UPPER", "mIxed", "no letters"), False),
}
"""Rule, values in order, and whether training data are needed. Mentions around and beside one are those of the gold."""


@dataclass(frozen=True, eq=False)
class Slice:
    """The errors of a matching by a property of the mentions; the parts add up to the whole.

    `table` [documents, values, 3] counts true positives, false positives and false negatives; the last value is
    `NO_PLACE`. A true positive has the property of its gold mention.
    """

    name: str
    values: tuple[str, ...]
    table: NDArray[np.int64]
    resamples: int
    seed: int

    @cached_property
    def scores(self) -> dict[str, Score]:
        """Score by value, with bootstrap intervals over documents; values without any mention are left out."""
        totals = self.table.sum(0)
        spread: list[tuple[float, float] | None] = [None] * len(self.values)
        if self.resamples and len(self.table):
            flat = self.table.reshape(len(self.table), -1).astype(np.float64)
            rng = np.random.default_rng(self.seed)
            weights = draw_weights(len(flat), self.resamples, rng)
            drawn = np.concatenate([f1((rows @ flat).reshape(-1, *totals.shape)) for rows in weights])
            spread = [percentile_interval(drawn[:, number], 0.95) for number in range(len(self.values))]
        return {
            value: Score.of(Counts(*(int(count) for count in row)), interval)
            for value, row, interval in zip(self.values, totals, spread, strict=True)
            if row.any()
        }


def slice_scores(
    matching: Matching, name: str, known: Known | None = None, *, resamples: int = 1000, seed: int = 0
) -> Slice:
    """The matching's counts by one of `SLICES`; raises `ConfigError` for an unknown one, or without training data."""
    if name not in SLICES:
        raise ConfigError(f"slice {name!r} is unknown: one of {', '.join(SLICES)}")
    rule, values, needs = SLICES[name]
    if known is None:
        if needs:
            raise ConfigError(f"the slice {name!r} asks what was seen in training: give the training documents")
        known = Known(())
    number = {value: at for at, value in enumerate((*values, NO_PLACE))}
    table = np.zeros((len(matching.documents), len(number), 3), np.int64)
    for row, each in enumerate(matching.documents):
        place = _Places(each.document, each.gold)
        for kind, spans in enumerate(([gold for gold, _ in each.pairs], each.spurious, each.missed)):
            for span in spans:
                table[row, number[rule(place(span), known)], kind] += 1
        table[row, -1, 1] += len(each.false_problems)
    return Slice(name, (*values, NO_PLACE), table, resamples, seed)


class _Places:
    """Mentions of one document where they stand."""

    def __init__(self, document: Document, gold: Sequence[Span]) -> None:
        self.document, self.gold = document, gold
        self.begins = [document.tokens.starts[first] for first, _ in document.sentences]
        self.sizes = [last - first for first, last in document.sentences]
        self.crowd = Counter(self.sentence(span) for span in gold)

    def sentence(self, span: Span) -> int:
        """The sentence that a mention begins in, or the last before it."""
        return max(0, bisect_right(self.begins, span.start) - 1)

    def __call__(self, span: Span) -> Place:
        document, text = self.document, self.document.surface(span)
        number = self.sentence(span)
        others = [gold for gold in self.gold if (gold.start, gold.end) != (span.start, span.end)]
        starts, ends = document.tokens.starts, document.tokens.ends
        words = bisect_left(starts, span.end) - bisect_right(ends, span.start)
        return Place(
            document,
            span,
            text,
            words or len(text.split()),
            self.sizes[number] if self.sizes else len(document.text.split()),
            self.crowd[number],
            any(gold.start <= span.start and span.end <= gold.end for gold in others),
            any(span.start <= gold.start and gold.end <= span.end for gold in others),
        )
