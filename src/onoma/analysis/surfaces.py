"""The texts that a system gets wrong most often."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from onoma.analysis.examples import NOTHING, Example, examples
from onoma.analysis.overlaps import overlaps
from onoma.analysis.texts import Texts, texts, texts_of
from onoma.evaluation.columns import Integers
from onoma.evaluation.matching import NO_LABEL, Matching

__all__ = ["WrongSurface", "WrongSurfaces", "surfaces_of", "wrong_surfaces"]


@dataclass(frozen=True, slots=True)
class WrongSurface:
    """A text that is missed (`found` is None), false (`gold` is None) or has another label, and how often.

    `of` counts the gold mentions of this text and label; for a false one, what was predicted so.
    """

    text: str
    gold: str | None
    found: str | None
    count: int
    of: int
    places: tuple[tuple[int, int], ...] = field(repr=False)

    def examples(self, matching: Matching, most: int | None = None) -> tuple[Example, ...]:
        """Where it went wrong, in the order of the documents, at most so many."""
        return examples(matching, self.places[:most])

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {name: getattr(self, name) for name in ("text", "gold", "found", "count", "of")}


@dataclass(frozen=True, slots=True)
class WrongSurfaces:
    """The most frequent texts of each kind, the most frequent first, then by text.

    A mention is mistyped where a missed and a spurious one stand at one place, else missed or false; `totals` counts
    the mentions of each kind, those not listed included: missed and mistyped add up to the false negatives, false and
    mistyped to the false positives.
    """

    missed: tuple[WrongSurface, ...]
    false: tuple[WrongSurface, ...]
    mistyped: tuple[WrongSurface, ...]
    totals: dict[str, int]


def wrong_surfaces(matching: Matching, most: int = 20) -> WrongSurfaces:
    """The texts most often wrong, at most so many of each kind; problems that stand for a mention are false ones."""
    return surfaces_of([matching], most)[0]


def surfaces_of(matchings: Sequence[Matching], most: int = 20) -> list[WrongSurfaces]:
    """The wrong texts of several systems on one gold; raises `EvaluationError` where it is not one."""
    if not matchings:
        return []
    spoken = texts(matchings)
    return [_Wrong(each, spoken, number).surfaces(most) for number, each in enumerate(matchings)]


@dataclass(frozen=True, eq=False)
class _Named:
    """Mentions by text, gold label and predicted label, and their places in gold and in what was found.

    All are numbers, `NOTHING` where a mention has none.
    """

    text: Integers
    gold: Integers
    found: Integers
    one: Integers
    other: Integers

    @classmethod
    def of(
        cls, text: Integers, gold: Any = NOTHING, found: Any = NOTHING, one: Any = NOTHING, other: Any = NOTHING
    ) -> Any:
        """With single numbers for whole columns."""
        return cls(*np.broadcast_arrays(text, gold, found, one, other))

    def frequent(self, most: int) -> Iterator[tuple[tuple[int, int, int], Integers]]:
        """The most frequent texts and labels with the mentions of each, and all that come as often, in no order."""
        size = max(int(self.gold.max(initial=0)), int(self.found.max(initial=0))) + 2
        packed = (self.text * size + self.gold + 1) * size + self.found + 1
        keys, which, counts = np.unique(packed, return_inverse=True, return_counts=True)
        if not most or not len(keys):
            return
        for at in np.flatnonzero(counts >= np.sort(counts)[-most:][0]).tolist():
            rest, found = divmod(int(keys[at]), size)
            text, gold = divmod(rest, size)
            yield (text, gold - 1, found - 1), np.flatnonzero(which == at)


class _Wrong:
    """The wrong mentions of one system by kind."""

    def __init__(self, matching: Matching, spoken: Texts, number: int) -> None:
        gold, found = matching.gold, matching.found
        of_spurious = spoken.spurious[number]
        missed, spurious = overlaps(matching).mistyped
        self.lost, self.wrong = np.delete(matching.missed, missed), np.delete(matching.spurious, spurious)
        problems = [(each.text, each.label or NO_LABEL) for _, each in matching.false_problems]
        self.labels = [*matching.names, *sorted({label for _, label in problems} - {*matching.names})]
        place = {label: at for at, label in enumerate(self.labels)}
        of_problems = spoken.numbers([text for text, _ in problems])
        labels_of_problems = np.array([place[label] for _, label in problems], np.int64)
        one, other = matching.missed[missed], matching.spurious[spurious]
        behind = len(found) + np.arange(len(problems))
        self.kinds = {
            "missed": _Named.of(spoken.gold[self.lost], gold.label[self.lost], one=self.lost),
            "false": _Named.of(
                np.concatenate((np.delete(of_spurious, spurious), of_problems)),
                found=np.concatenate((found.label[self.wrong], labels_of_problems)),
                other=np.concatenate((self.wrong, behind)),
            ),
            "mistyped": _Named.of(spoken.gold[one], gold.label[one], found.label[other], one, other),
        }
        self.in_gold = spoken.gold, gold.label
        self.predicted = (
            np.concatenate((_of_pairs(matching, spoken), of_spurious, of_problems)),
            np.concatenate((found.label[matching.pairs[:, 1]], found.label[matching.spurious], labels_of_problems)),
        )
        self.distinct = spoken.distinct

    def surfaces(self, most: int) -> WrongSurfaces:
        """The most frequent of each kind."""
        made = {kind: self._made(named, most) for kind, named in self.kinds.items()}
        return WrongSurfaces(**made, totals={kind: len(named.text) for kind, named in self.kinds.items()})

    def _made(self, named: _Named, most: int) -> tuple[WrongSurface, ...]:
        labels = [*self.labels, None]
        keyed = [
            ((-len(at), self.distinct[key[0]], labels[key[1]], labels[key[2]]), key, at)
            for key, at in named.frequent(most)
        ]
        surfaces: list[WrongSurface] = []
        for (minus, text, gold, found), (number, one, other), at in sorted(keyed, key=lambda each: each[0])[:most]:
            there, label = self.predicted if one == NOTHING else self.in_gold
            of = np.count_nonzero((there == number) & (label == (other if one == NOTHING else one)))
            places = tuple(zip(named.one[at].tolist(), named.other[at].tolist(), strict=True))
            surfaces.append(WrongSurface(text, gold, found, -minus, int(of), places))
        return tuple(surfaces)


def _of_pairs(matching: Matching, spoken: Texts) -> Integers:
    """The texts of the predicted mentions in pairs: gold's, but where pairs were made by a key of their own."""
    one, other = matching.pairs.T
    gold, found = matching.gold, matching.found
    numbers = spoken.gold[one]
    moved = (gold.start[one] != found.start[other]) | (gold.end[one] != found.end[other])
    moved |= gold.pieces[one] != found.pieces[other]
    if moved.any():
        numbers[moved] = spoken.numbers(texts_of(matching, found, other[moved]))
    return numbers
