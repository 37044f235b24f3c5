"""Batches of about equal numbers of pieces, shuffled anew each epoch, a pure function of seed and epoch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from onoma.exceptions import ConfigError

__all__ = ["TokenBudget"]


class TokenBudget:
    """A batch sampler: shuffles, sorts by size within chunks of `chunk` batches, and cuts at equal shares of pieces.

    The number of batches is the same in every epoch, so that schedules are known in advance. `epoch` is set from
    outside (data-loader wrappers do not all pass it on).

    A step of training takes `accumulation` batches of each of `processes` processes; the number of batches is a whole
    number of steps, so that no step is a small rest. Process `rank` gets every `processes`-th batch. So the batches of
    a step are the same for n processes, or for one that accumulates n times as many. Where there are too few examples
    for whole steps, there is at least a batch for each process. Raises `ConfigError` where even these are too many.
    """

    def __init__(
        self,
        sizes: Sequence[int],
        budget: int,
        seed: int,
        chunk: int = 32,
        *,
        accumulation: int = 1,
        rank: int = 0,
        processes: int = 1,
    ) -> None:
        if len(sizes) < processes:
            raise ConfigError(f"{len(sizes)} training examples cannot be shared by {processes} processes")
        self.sizes = np.asarray(sizes, dtype=np.int64)
        self.budget = budget
        self.seed = seed
        self.chunk = chunk
        self.rank = rank
        self.processes = processes
        self.epoch = 0
        wanted = max(1, -(-int(self.sizes.sum()) // budget))
        step = accumulation * processes
        self.count = _whole(wanted, step, len(sizes)) or _whole(wanted, processes, len(sizes))

    def __len__(self) -> int:
        return self.count // self.processes

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch whose order the next iteration has."""
        self.epoch = int(epoch)

    def __iter__(self) -> Iterator[list[int]]:
        rng = np.random.default_rng((self.seed, self.epoch))
        order = rng.permutation(len(self.sizes))
        per_chunk = -(-len(order) * self.chunk // self.count)
        pieces = [order[first : first + per_chunk] for first in range(0, len(order), per_chunk)]
        ordered = [piece[np.argsort(self.sizes[piece], kind="stable")] for piece in pieces]
        # Every second chunk runs from long to short: a batch across two chunks then holds sentences of like length.
        order = np.concatenate([piece[:: (1, -1)[number % 2]] for number, piece in enumerate(ordered)])
        batches = self._cut(order)
        for number in rng.permutation(len(batches))[self.rank :: self.processes]:
            yield batches[number]

    def _cut(self, order: np.ndarray) -> list[list[int]]:
        """`count` runs of `order` with about equal numbers of pieces, none of them empty."""
        total = np.cumsum(self.sizes[order])
        shares = total[-1] * np.arange(1, self.count) / self.count
        cuts = np.searchsorted(total, shares, side="left") + 1
        # Keep cuts strictly rising and leave at least one item for each batch still to come.
        for number in range(len(cuts)):
            lowest = cuts[number - 1] + 1 if number else 1
            cuts[number] = min(max(cuts[number], lowest), len(order) - (len(cuts) - number))
        return [run.tolist() for run in np.split(order, cuts)]


def _whole(wanted: int, step: int, most: int) -> int:
    """The least multiple of `step` from `wanted` on, or the greatest up to `most`; 0 where there is none."""
    return min(-(-wanted // step), most // step) * step
