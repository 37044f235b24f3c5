"""Where systems differ: their slices compared in pairs, and the parts in which the overall loser wins.

All systems share the draws of the whole score's bootstrap. The p-value of a pair is the paired bootstrap's; where not
one resample lies on the other side of 0, and the share of resamples can say no more than its smallest value, it is the
normal tail of the difference over its bootstrap standard error, if that is smaller still (Efron and Tibshirani, An
Introduction to the Bootstrap, 1993). Else no difference could hold after Holm's adjustment over all pairs and values of
a slice. No p-value is below what the units in which two systems differ could show (`least_p`).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from itertools import combinations, pairwise
from statistics import fmean
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from onoma.analysis.slices import Known, Slice, slice_mentions
from onoma.evaluation.bootstrap import Array, Interval, check_settings, draw_weights
from onoma.evaluation.columns import Integers
from onoma.evaluation.counts import Counts
from onoma.evaluation.matching import Matching
from onoma.evaluation.significance import TOLERANCE, holm, least_p
from onoma.exceptions import ConfigError

__all__ = ["Difference", "Part", "SliceComparison", "compare_slices"]

T = TypeVar("T")

EXACT = 2**24
"""Whole numbers below this are exact in 32 bits, which take half the time."""


@dataclass(frozen=True, slots=True)
class Part:
    """One system in one part of the mentions: fractions and counts, means over its training seeds.

    `support` counts gold mentions and is the same for all systems; `interval` is None without resamples.
    """

    precision: float
    recall: float
    f1: float
    interval: Interval | None
    support: int
    predicted: float

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values; ratios are fractions."""
        return {**asdict(self), "interval": None if self.interval is None else list(self.interval)}


@dataclass(frozen=True, slots=True)
class Difference:
    """F1 of a less that of b in one part of the mentions, a fraction, with its interval.

    `overall` is the difference over all mentions. `p_adjusted` is adjusted over all pairs and values of the slice.
    """

    slice: str
    value: str
    a: str
    b: str
    difference: float
    interval: Interval
    p_value: float
    p_adjusted: float
    overall: float

    @property
    def significant(self) -> bool:
        """Whether it holds at 5 % after the adjustment."""
        return self.p_adjusted < 0.05

    @property
    def flip(self) -> bool:
        """Whether the loser over all mentions wins here."""
        return self.difference * self.overall < 0

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values; differences are fractions."""
        judged = {"significant": self.significant, "flip": self.flip}
        return {**asdict(self), "interval": list(self.interval), **judged}


@dataclass(frozen=True, eq=False)
class SliceComparison:
    """Systems beside each other in every part of the mentions.

    `slices` are the counts by slice and system, one `Slice` a training seed; `parts` the scores by slice, value and
    system; `overall` compares all mentions of each pair, `differences` every value that has gold mentions.
    """

    systems: tuple[str, ...]
    slices: Mapping[str, Mapping[str, tuple[Slice, ...]]]
    parts: Mapping[str, Mapping[str, Mapping[str, Part]]]
    overall: tuple[Difference, ...]
    differences: tuple[Difference, ...]

    def of(self, slice: str) -> tuple[Difference, ...]:
        """The differences of one slice."""
        return tuple(each for each in self.differences if each.slice == slice)

    @cached_property
    def flips(self) -> tuple[Difference, ...]:
        """Values where the overall loser of a pair wins: first those that hold, then the largest differences."""
        found = (each for each in self.differences if each.flip)
        return tuple(sorted(found, key=lambda each: (not each.significant, -abs(each.difference))))

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        parts = {
            name: {value: {system: part.to_dict() for system, part in row.items()} for value, row in rows.items()}
            for name, rows in self.parts.items()
        }
        return {
            "systems": list(self.systems),
            "parts": parts,
            "overall": [each.to_dict() for each in self.overall],
            "differences": [each.to_dict() for each in self.differences],
        }


def compare_slices(
    systems: Mapping[str, Matching | Sequence[Matching]],
    known: Known | None = None,
    names: Iterable[str] | None = None,
    *,
    resamples: int = 1000,
    seed: int = 1,
    confidence: float = 0.95,
) -> SliceComparison:
    """Systems, each given as one `Matching` for each training seed on the same gold, compared in all slices.

    Without training data (`known`) the slices that need them are left out; with `resamples=0` intervals and
    differences are. Raises `EvaluationError` for different gold, `ConfigError` for an unknown slice or setting.
    """
    check_settings(resamples, confidence, seed)
    rows = {name: (each,) if isinstance(each, Matching) else tuple(each) for name, each in systems.items()}
    if not rows or not all(rows.values()):
        raise ConfigError("slices compare one or more systems, each with one or more matchings")
    made = slice_mentions([each for row in rows.values() for each in row], known, names, resamples=resamples, seed=seed)
    if not made[0]:
        raise ConfigError("there is no slice to compare: name one or more, or leave names out")
    table = _Table([len(row) for row in rows.values()], made)
    drawn = table.resampled(resamples, seed)
    ends = [(1 - confidence) / 2, (1 + confidence) / 2]
    spread = None if drawn is None else np.quantile(drawn, ends, axis=-1).transpose(1, 2, 0).tolist()
    parts: dict[str, dict[str, dict[str, Part]]] = {}
    for column, (name, value) in enumerate(table.columns):
        if name and table.used[column]:
            parts.setdefault(name, {})[value] = {
                system: table.part(number, column, None if spread is None else tuple(spread[number][column]))
                for number, system in enumerate(rows)
            }
    slices: dict[str, dict[str, tuple[Slice, ...]]] = {name: {} for name in made[0]}
    for system, seeds in zip(rows, table.by_system(made), strict=True):
        for name in slices:
            slices[name][system] = tuple(each[name] for each in seeds)
    overall, differences = ((), ()) if drawn is None else _differences(table, tuple(rows), drawn, ends)
    return SliceComparison(tuple(rows), slices, parts, overall, differences)


class _Table:
    """Counts of all slices side by side: the first column is all mentions, then each value of each slice.

    Mentions that no slice tells apart are one cell, and only gold and errors are counted (gold once for all systems),
    so that a resample adds up a few numbers for each unit.
    """

    def __init__(self, seeds: Sequence[int], made: Sequence[Mapping[str, Slice]]) -> None:
        from scipy.sparse import csr_array

        self.bounds = np.concatenate(([0], np.cumsum(seeds))).tolist()
        self.rows = len(made)
        self.columns = [("", ""), *((name, value) for name, each in made[0].items() for value in each.values)]
        sizes = [len(each.values) for each in made[0].values()]
        units: list[Integers] = []
        keys: list[Integers] = []
        for number, slices in enumerate(made):
            unit, _, kind = next(iter(slices.values())).counted.cells.T
            joint = np.zeros(len(unit), np.int64)
            for size, each in zip(sizes, slices.values(), strict=True):
                joint = joint * size + each.value
            wanted = {1 + number: kind == 1, 1 + number + self.rows: kind == 2} | ({0: kind != 1} if not number else {})
            for block, chosen in wanted.items():
                units.append(unit[chosen])
                keys.append(joint[chosen] + block * math.prod(sizes))
        self.units = len(next(iter(made[0].values())).counted)
        unit, key = np.concatenate(units), np.concatenate(keys)
        cells, cell = np.unique(key, return_inverse=True)
        self.blocks = (1 + 2 * self.rows, len(self.columns))
        exact = int(np.bincount(unit, minlength=1).max()) * self.units < EXACT
        self.precise = np.float32 if exact else np.float64
        ones = np.ones(len(unit), self.precise)
        self.cells = csr_array((ones, (cell, unit)), shape=(len(cells), self.units))
        self.sums = csr_array(_columns(cells, sizes, self.blocks).astype(self.precise))

    @cached_property
    def totals(self) -> NDArray[np.int64]:
        """[systems and seeds, columns, 3]: true positives, false positives and false negatives."""
        return np.stack(self._counts(np.ones((1, self.units))), axis=-1)[:, :, 0].astype(np.int64)

    @cached_property
    def _by_unit(self) -> Any:
        """[blocks * columns, units], sparse: the counts of each unit."""
        made: Any = self.sums @ self.cells
        return made.astype(np.float64).tocsr()

    def differing(self, a: int, b: int) -> Integers:
        """In how many units, by column, the counts of two systems differ in the mean over their seeds."""
        size = self.blocks[1]
        found = None
        for block in (1, 1 + self.rows):  # false ones and missed ones; what is right follows from the gold
            sides = []
            for system in (a, b):
                rows = range(self.bounds[system], self.bounds[system + 1])
                of_seeds = [self._by_unit[(block + row) * size : (block + row + 1) * size] for row in rows]
                sides.append((sum(of_seeds[1:], of_seeds[0]), len(of_seeds)))
            (one, seeds), (other, others) = sides
            apart = abs(one * others - other * seeds)
            found = apart if found is None else found + apart
        assert found is not None
        found.eliminate_zeros()
        return np.diff(found.indptr)

    @cached_property
    def used(self) -> NDArray[np.bool_]:
        """Whether a column has any mention."""
        return self.totals.sum(axis=(0, 2)) > 0

    def _counts(self, weights: Array) -> tuple[Array, Array, Array]:
        """True positives, false positives and false negatives [systems and seeds, columns, resamples], as drawn."""
        drawn = self.sums @ (self.cells @ np.ascontiguousarray(weights.T, self.precise))
        every = drawn.reshape(*self.blocks, -1).astype(np.float64)
        gold, false, missed = every[0], every[1 : 1 + self.rows], every[1 + self.rows :]
        return gold - missed, false, missed

    def resampled(self, resamples: int, seed: int) -> Array | None:
        """F1 [systems, columns, resamples], the mean over seeds drawn, too; None where there is nothing to draw."""
        if not resamples or not self.units:
            return None
        draws = draw_weights(self.units, resamples, np.random.default_rng(seed))
        values = np.concatenate([_f1(*self._counts(weights)) for weights in draws], axis=-1)
        # Seeds have a generator of their own, so that units are drawn as for a single system.
        rng = np.random.default_rng((seed, 1))
        means: list[Array] = []
        for first, last in pairwise(self.bounds):
            seeds = values[first:last]
            if len(seeds) > 1:
                chosen = rng.integers(0, len(seeds), size=(len(seeds), 1, resamples))
                seeds = np.take_along_axis(seeds, chosen, axis=0)
            means.append(seeds.mean(axis=0))
        return np.stack(means)

    def by_system(self, rows: Sequence[T]) -> list[Sequence[T]]:
        """Rows of systems and seeds, by system."""
        return [rows[first:last] for first, last in pairwise(self.bounds)]

    def part(self, system: int, column: int, interval: Any) -> Part:
        """The scores of one system in one column."""
        seeds = [Counts(*row) for row in self.by_system(self.totals[:, column].tolist())[system]]
        return Part(
            fmean(each.precision for each in seeds),
            fmean(each.recall for each in seeds),
            fmean(each.f1 for each in seeds),
            interval,
            seeds[0].support,
            fmean(each.predicted for each in seeds),
        )

    def f1(self) -> Array:
        """F1 [systems, columns], the mean over seeds."""
        values = _f1(*np.moveaxis(self.totals, -1, 0))
        return np.stack([values[first:last].mean(axis=0) for first, last in pairwise(self.bounds)])


def _columns(cells: Integers, sizes: Sequence[int], blocks: tuple[int, int]) -> Any:
    """[blocks * columns, cells]: which cells a column adds up."""
    from scipy.sparse import coo_array

    block, joint = np.divmod(cells, math.prod(sizes))
    places = [np.zeros(len(cells), np.int64)]
    end = blocks[1]
    for size in reversed(sizes):
        joint, value = np.divmod(joint, size)
        end -= size
        places.append(end + value)
    row = np.concatenate([block * blocks[1] + place for place in places])
    column = np.tile(np.arange(len(cells)), len(places))
    return coo_array((np.ones(len(row)), (row, column)), shape=(math.prod(blocks), len(cells)))


def _f1(right: Array, false: Array, missed: Array) -> Array:
    """F1 of counts; 0/0 is 0."""
    found = 2.0 * right
    every = found + false + missed
    return np.divide(found, every, out=np.zeros_like(found), where=every > 0)


def _differences(
    table: _Table, systems: Sequence[str], drawn: Array, ends: Sequence[float]
) -> tuple[tuple[Difference, ...], tuple[Difference, ...]]:
    """Those over all mentions, and those of every value with gold mentions, adjusted within their slice."""
    pairs = list(combinations(range(len(systems)), 2))
    if not pairs:
        return (), ()
    observed = table.f1()
    support = table.totals[0, :, 0] + table.totals[0, :, 2]
    supported = [column for column in range(len(support)) if support[column] or not column]
    made: dict[str, list[tuple[tuple[int, int], int, Interval, float]]] = {}
    for a, b in pairs:
        apart = drawn[a] - drawn[b]
        low, high = np.quantile(apart, ends, axis=-1).tolist()
        p_values = _p_values(apart, observed[a] - observed[b], table.differing(a, b))
        for column in supported:
            row = ((a, b), column, (low[column], high[column]), p_values[column])
            made.setdefault(table.columns[column][0], []).append(row)
    found: dict[str, list[Difference]] = {}
    for name, rows in made.items():
        for (pair, column, interval, p_value), adjusted in zip(rows, holm([row[-1] for row in rows]), strict=True):
            difference, overall = (float(observed[pair[0], at] - observed[pair[1], at]) for at in (column, 0))
            a, b = (systems[number] for number in pair)
            value = table.columns[column][1]
            one = Difference(name, value, a, b, difference, interval, p_value, adjusted, overall)
            found.setdefault(name, []).append(one)
    overall = tuple(found.pop(""))
    return overall, tuple(each for row in found.values() for each in row)


def _p_values(apart: Array, observed: Array, differing: Integers) -> list[float]:
    """Two-sided p-value of each row of resampled differences; see the head of this file."""
    count = apart.shape[-1]
    fewest = np.minimum((apart <= TOLERANCE).sum(-1), (apart >= -TOLERANCE).sum(-1))
    p_values = np.minimum(1.0, 2 * (1 + fewest) / (count + 1))
    spread = apart.std(-1)
    for column in np.flatnonzero((fewest == 0) & (spread > 0)).tolist():
        tail = math.erfc(abs(float(observed[column])) / (float(spread[column]) * math.sqrt(2)))
        p_values[column] = min(p_values[column], tail)
    return np.maximum(p_values, least_p(differing)).tolist()
