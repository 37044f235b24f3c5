"""Scores of parts of the mentions: seen or not in training, long or short, in crowded sentences or in bare ones."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from onoma.analysis.mentions import Known, Mentions, mentions
from onoma.evaluation.bootstrap import draw_weights, f1, percentile_interval
from onoma.evaluation.columns import Integers
from onoma.evaluation.counts import Counts, UnitCounts, count_units
from onoma.evaluation.matching import Matching
from onoma.evaluation.metrics import Score
from onoma.exceptions import ConfigError

__all__ = ["NO_PLACE", "SLICES", "Known", "Slice", "slice_mentions", "slice_scores"]

NO_PLACE = "no place in the text"
"""The value of problems that stand for a mention, in every slice by place or text."""

Rule = Callable[[Mentions, Known], Integers]
"""The place of each mention's value in the slice's values."""

LENGTHS = ("1 word", "2 words", "3 words", "4 or more words")
CASES = ("lower", "Title", "UPPER", "mIxed", "no case")


def _familiarity(places: Mentions, known: Known) -> Integers:
    def value(text: str, label: str) -> int:
        labels = known.texts.get(text)
        if labels is not None:
            return 0 if label in labels else 1
        return 2 if known.words.issuperset(text.split()) else 3

    return _by_kind(places, value)


def _consistency(places: Mentions, known: Known) -> Integers:
    return _by_text(places, lambda text: min(len(known.texts.get(text, ())), 2))


def _label_frequency(places: Mentions, known: Known) -> Integers:
    counts = np.array([known.labels[label] for label in places.labels], np.int64)
    return _band(counts, FREQUENCIES)[places.label]


def _mention_length(places: Mentions, known: Known) -> Integers:
    del known
    return np.clip(places.words, 1, len(LENGTHS)) - 1


def _sentence_length(places: Mentions, known: Known) -> Integers:
    del known
    return _band(places.sentence_words, SENTENCES)


def _density(places: Mentions, known: Known) -> Integers:
    del known
    return _band(places.sentence_mentions, CROWDS)


def _nesting(places: Mentions, known: Known) -> Integers:
    del known
    return places.around + 2 * places.inside


def _case(places: Mentions, known: Known) -> Integers:
    del known
    return _by_text(places, _case_of)


def _case_of(text: str) -> int:
    """The case of those words that have one: all alike, or every one with a capital, or neither."""
    if text.islower():
        return 0
    if text.isupper():
        return 2
    if text.istitle():
        return 1
    words = [word for word in text.split() if word.lower() != word.upper()]
    if not words:
        return 4
    return 1 if all(word[0].isupper() and not word[1:].isupper() for word in words) else 3


def _by_text(places: Mentions, value: Callable[[str], int]) -> Integers:
    """A value for each distinct text, at all its mentions."""
    return np.fromiter(map(value, places.texts), np.int64, len(places.texts))[places.text]


def _by_kind(places: Mentions, value: Callable[[str, str], int]) -> Integers:
    """A value for each distinct text and label, at all their mentions."""
    of_text, of_label = places.kinds
    texts = map(places.texts.__getitem__, of_text.tolist())
    labels = map(places.labels.__getitem__, of_label.tolist())
    return np.fromiter(map(value, texts, labels), np.int64, len(of_text))[places.kind]


FREQUENCIES, SENTENCES, CROWDS = (0, 99, 999), (10, 20, 40), (0, 1, 3)


def _band(numbers: Integers, tops: Sequence[int]) -> Integers:
    """The band of whole numbers up to one of the tops, or beyond the last."""
    return np.searchsorted(np.array(tops), numbers, side="left")


def _bands(tops: Sequence[int], text: str) -> tuple[str, ...]:
    """Names of the bands: `{}` stands for the numbers, and `(s)` for the ending of more than one."""
    lows = (0, *(top + 1 for top in tops))
    named = (str(top) if low == top else f"{low}-{top}" for low, top in zip(lows, tops, strict=False))
    bands = (*named, f"{lows[-1]} or more")
    return tuple(text.format(band).replace("(s)", "" if band == "1" else "s") for band in bands)


SLICES: dict[str, tuple[Rule, tuple[str, ...], bool]] = {
    "familiarity": (
        _familiarity,
        ("seen with this label", "seen with other labels", "unseen, of seen words", "with unseen words"),
        True,
    ),
    "consistency": (_consistency, ("unseen", "one label in training", "several labels in training"), True),
    "label_frequency": (_label_frequency, _bands(FREQUENCIES, "{} in training"), True),
    "mention_length": (_mention_length, LENGTHS, False),
    "sentence_length": (_sentence_length, _bands(SENTENCES, "{} words"), False),
    "density": (_density, _bands(CROWDS, "{} mention(s) in the sentence"), False),
    "nesting": (_nesting, ("by itself", "around others", "inside another", "inside and around others"), False),
    "case": (_case, CASES, False),
}
"""Rule, values in order, and whether training data are needed. Mentions around and beside one are those of the gold."""


@dataclass(frozen=True, eq=False)
class Slice:
    """The errors of a matching by a property of the mentions; the parts add up to the whole.

    `value` is the place in `values` of each row of `counted.cells`; the last one is `NO_PLACE`. A true positive has
    the property of its gold mention. `of_gold` and `of_spurious` are the same for each gold mention and each spurious
    one of the matching.
    """

    name: str
    values: tuple[str, ...]
    counted: UnitCounts
    value: Integers
    of_gold: Integers
    of_spurious: Integers
    resamples: int
    seed: int

    @cached_property
    def table(self) -> NDArray[np.int64]:
        """[units, values, 3]: true positives, false positives and false negatives of each resampling unit."""
        unit, _, kind = self.counted.cells.T
        size = len(self.values)
        flat = np.bincount((unit * size + self.value) * 3 + kind, minlength=len(self.counted) * size * 3)
        return flat.reshape(-1, size, 3)

    @cached_property
    def counts(self) -> dict[str, Counts]:
        """Counts by value; values without any mention are left out."""
        flat = np.bincount(self.value * 3 + self.counted.cells[:, 2], minlength=len(self.values) * 3)
        sums = zip(self.values, flat.reshape(-1, 3).tolist(), strict=True)
        return {value: Counts(*row) for value, row in sums if any(row)}

    @cached_property
    def scores(self) -> dict[str, Score]:
        """Score by value, with 95 % bootstrap intervals from the same draws as the whole score's."""
        if not self.resamples or not len(self.counted):
            return {value: Score.of(counts) for value, counts in self.counts.items()}
        flat = self.table.reshape(len(self.counted), -1).astype(np.float64)
        weights = draw_weights(len(flat), self.resamples, np.random.default_rng(self.seed))
        drawn = f1(np.concatenate([rows @ flat for rows in weights]).reshape(self.resamples, -1, 3))
        return {
            value: Score.of(counts, percentile_interval(drawn[:, self.values.index(value)], 0.95))
            for value, counts in self.counts.items()
        }


def slice_scores(
    matching: Matching, name: str, known: Known | None = None, *, resamples: int = 1000, seed: int = 1
) -> Slice:
    """The matching's counts by one of `SLICES`; raises `ConfigError` for an unknown one, or without training data."""
    return slice_mentions([matching], known, [name], resamples=resamples, seed=seed)[0][name]


def slice_mentions(
    matchings: Sequence[Matching],
    known: Known | None = None,
    names: Iterable[str] | None = None,
    *,
    resamples: int = 1000,
    seed: int = 1,
) -> list[dict[str, Slice]]:
    """The slices of several matchings on one gold, by name: all that can be made, if none are named.

    Raises `ConfigError` for an unknown name or without the training data that it needs, `EvaluationError` for
    matchings on different gold.
    """
    chosen = _chosen(names, known)
    if not matchings:
        return []
    places = mentions(matchings)
    codes = {name: SLICES[name][0](places, known or Known(())) for name in chosen}
    made: list[dict[str, Slice]] = []
    at = gold = len(matchings[0].gold)
    for matching in matchings:
        counted = count_units(matching)
        spurious = slice(at, at := at + len(matching.spurious))
        slices: dict[str, Slice] = {}
        for name, code in codes.items():
            values = (*SLICES[name][1], NO_PLACE)
            nowhere = np.full(len(matching.false_problems), len(values) - 1)
            # In the order of the counted cells.
            value = np.concatenate((code[matching.pairs[:, 0]], code[spurious], code[matching.missed], nowhere))
            slices[name] = Slice(name, values, counted, value, code[:gold], code[spurious], resamples, seed)
        made.append(slices)
    return made


def _chosen(names: Iterable[str] | None, known: Known | None) -> list[str]:
    if names is None:
        return [name for name, (_, _, needs) in SLICES.items() if known is not None or not needs]
    chosen = list(names)
    for name in chosen:
        if name not in SLICES:
            raise ConfigError(f"slice {name!r} is unknown: one of {', '.join(SLICES)}")
        if known is None and SLICES[name][2]:
            raise ConfigError(f"the slice {name!r} asks what was seen in training: give the training documents")
    return chosen
