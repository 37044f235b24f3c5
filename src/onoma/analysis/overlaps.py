"""Which mentions of a matching touch each other, as columns: what taxonomies, confusion and surfaces stand on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from onoma.evaluation.columns import Integers, Places, Side, keys
from onoma.evaluation.matching import Matching

__all__ = ["Overlaps", "Touching", "first_of_each", "overlaps", "paired", "touching"]


@dataclass(frozen=True, eq=False)
class Touching:
    """Pairs of wrong mentions with those of the other side that they overlap, one entry a pair in every column.

    `wrong` is a place in the matching's `missed` (or `spurious`), `gold` and `found` are places in its two sides,
    `shared` counts characters, and `place` and `label` say whether these are equal.
    """

    wrong: Integers
    gold: Integers
    found: Integers
    shared: Integers
    place: NDArray[np.bool_]
    label: NDArray[np.bool_]


class Overlaps:
    """Wrong mentions and what they touch; gaps of discontinuous ones count as touched.

    Spans have global offsets here (see `Places`), so that those of different documents never meet.
    """

    def __init__(self, matching: Matching) -> None:
        # Not the matching itself: it is the weak key under which this is remembered.
        self.gold, self.found = matching.gold, matching.found
        self.missed, self.spurious = matching.missed, matching.spurious
        self.gold_start, self.gold_end = _ends(matching.places, matching.gold)
        self.found_start, self.found_end = _ends(matching.places, matching.found)
        self.gold_place, self.found_place = keys(matching.gold, matching.found, labels=False)

    @cached_property
    def ranks(self) -> tuple[Integers, Integers]:
        """Where each gold and each predicted mention stands among its like: by document, start, length and label."""
        made: list[Integers] = []
        for packed in keys(self.gold, self.found, labels=True):
            rank = np.empty(len(packed), np.int64)
            rank[np.argsort(packed, kind="stable")] = np.arange(len(packed))
            made.append(rank)
        return made[0], made[1]

    @cached_property
    def of_missed(self) -> Touching:
        """Missed mentions with every predicted one that they touch."""
        wrong, found = touching(
            self.gold_start[self.missed], self.gold_end[self.missed], self.found_start, self.found_end
        )
        return self._made(wrong, self.missed[wrong], found)

    @cached_property
    def of_spurious(self) -> Touching:
        """Spurious mentions with every gold one that they touch."""
        wrong, gold = touching(
            self.found_start[self.spurious], self.found_end[self.spurious], self.gold_start, self.gold_end
        )
        return self._made(wrong, gold, self.spurious[wrong])

    @cached_property
    def mistyped(self) -> tuple[Integers, Integers]:
        """Missed and spurious mentions (places in the two) that stand at one place, paired one to one by label."""
        sides = (
            (self.missed, self.gold_place[self.missed], self.gold.label),
            (self.spurious, self.found_place[self.spurious], self.found.label),
        )
        orders = [np.lexsort((label[side], place)) for side, place, label in sides]
        first, second = paired(*(place[order] for (_, place, _), order in zip(sides, orders, strict=True)))
        return orders[0][first], orders[1][second]

    @cached_property
    def is_missed(self) -> NDArray[np.bool_]:
        """Whether a gold mention is missed."""
        flags = np.zeros(len(self.gold), bool)
        flags[self.missed] = True
        return flags

    @cached_property
    def is_spurious(self) -> NDArray[np.bool_]:
        """Whether a predicted mention is spurious."""
        flags = np.zeros(len(self.found), bool)
        flags[self.spurious] = True
        return flags

    def _made(self, wrong: Integers, gold: Integers, found: Integers) -> Touching:
        ends = np.minimum(self.gold_end[gold], self.found_end[found])
        return Touching(
            wrong,
            gold,
            found,
            ends - np.maximum(self.gold_start[gold], self.found_start[found]),
            self.gold_place[gold] == self.found_place[found],
            self.gold.label[gold] == self.found.label[found],
        )


_REMEMBERED: WeakKeyDictionary[Matching, Overlaps] = WeakKeyDictionary()


def overlaps(matching: Matching) -> Overlaps:
    """The overlaps of a matching, remembered as long as it lives."""
    found = _REMEMBERED.get(matching)
    if found is None:
        found = _REMEMBERED[matching] = Overlaps(matching)
    return found


def touching(
    starts: Integers, ends: Integers, other_starts: Integers, other_ends: Integers
) -> tuple[Integers, Integers]:
    """All pairs of ranges of the one and the other kind that overlap, in no order; both ends are half-open.

    Of two that overlap either the other one begins inside the one, or the one begins behind the other one's start
    and inside it: two searches find each pair once.
    """
    one, other = _begins_inside(starts, ends, other_starts, "left")
    other_too, one_too = _begins_inside(other_starts, other_ends, starts, "right")
    return np.concatenate((one, one_too)), np.concatenate((other, other_too))


def _begins_inside(starts: Integers, ends: Integers, others: Integers, side: str) -> tuple[Integers, Integers]:
    """Ranges with the others that begin inside them; at the very start only from the `left`."""
    order = np.argsort(others, kind="stable")
    ordered = others[order]
    low = np.searchsorted(ordered, starts, side="left" if side == "left" else "right")
    count = np.maximum(np.searchsorted(ordered, ends, side="left") - low, 0)
    which = np.repeat(np.arange(len(starts)), count)
    within = np.arange(len(which)) - np.repeat(np.cumsum(count) - count, count)
    return which, order[low[which] + within]


def paired(wanted: Integers, there: Integers) -> tuple[Integers, Integers]:
    """Places of equal numbers in two sorted columns: the k-th of one with the k-th of the other."""
    nth = np.arange(len(wanted)) - np.searchsorted(wanted, wanted)
    at = np.searchsorted(there, wanted) + nth
    hit = np.flatnonzero(at < len(there))
    hit = hit[there[at[hit]] == wanted[hit]]
    return hit, at[hit]


def first_of_each(wrong: Integers, *order: NDArray[np.generic]) -> Integers:
    """For each mention that has pairs, the place of its first one by some columns, the weightiest column first."""
    ranked = np.lexsort((*order[::-1], wrong))
    ordered = wrong[ranked]
    first = np.ones(len(ordered), bool)
    first[1:] = ordered[1:] != ordered[:-1]
    return ranked[first]


def _ends(places: Places, side: Side) -> Iterator[Integers]:
    base = places.base[side.document]
    return iter((base + side.start, base + side.end))
