"""What questions have in common at their beginning: an instruction, labels, worked examples, a sentence asked twice."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import takewhile
from typing import NamedTuple

__all__ = ["Part", "shared"]

WORTH = 8
"""Pieces that some questions must have in common, beyond what all have, to be read together."""


class Part(NamedTuple):
    """Pieces that are read at once, a row for each beginning, and which of these rows each of the next ones goes on."""

    rows: list[Sequence[int]]
    then: list[int]


def shared(questions: Sequence[Sequence[int]]) -> list[Part]:
    """Three parts: what all questions begin with, what groups of them begin with, and the rest of each.

    Each question keeps at least its last piece for the rest. Rows of the last part are the questions in their order.
    """
    order = sorted(range(len(questions)), key=lambda number: list(questions[number]))
    whole = _common(questions[order[0]], questions[order[-1]], min(map(len, questions)) - 1)
    groups: list[list[int]] = []
    sizes: list[int] = []
    for number in order:
        row = questions[number]
        if groups:
            size = _common(questions[groups[-1][0]], row, min(sizes[-1], len(row) - 1))
            if size >= whole + WORTH and 2 * size >= len(row) + whole:
                groups[-1].append(number)
                sizes[-1] = size
                continue
        groups.append([number])
        sizes.append(len(row) - 1)
    sizes = [size if len(group) > 1 else whole for group, size in zip(groups, sizes, strict=True)]
    of = {number: place for place, group in enumerate(groups) for number in group}
    return [
        Part([questions[order[0]][:whole]], [0] * len(groups)),
        Part(
            [questions[group[0]][whole:size] for group, size in zip(groups, sizes, strict=True)],
            [of[number] for number in range(len(questions))],
        ),
        Part(
            [row[sizes[of[number]] :] for number, row in enumerate(questions)],
            list(range(len(questions))),
        ),
    ]


def _common(one: Sequence[int], other: Sequence[int], most: int) -> int:
    """Pieces that two rows begin with, at most so many."""
    pairs = zip(one[:most], other[:most], strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
