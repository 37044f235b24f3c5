"""Ragged rows as padded batches, none of them larger than asked for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["by_length", "padded"]


def padded(rows: Sequence[Sequence[int]], filler: int) -> NDArray[np.int64]:
    """Rows of numbers as an array, filled up at the end."""
    made = np.full((len(rows), max(map(len, rows))), filler, dtype=np.int64)
    for row, values in enumerate(rows):
        made[row, : len(values)] = values
    return made


def by_length(sizes: Sequence[int], budget: int) -> Iterator[list[int]]:
    """Numbers of the items that are not empty, the shortest first, in runs whose padded size stays within a budget.

    An item that is larger than the budget is a run by itself.
    """
    run: list[int] = []
    for number in sorted((n for n in range(len(sizes)) if sizes[n]), key=sizes.__getitem__):
        if run and sizes[number] * (len(run) + 1) > budget:
            yield run
            run = []
        run.append(number)
    if run:
        yield run
