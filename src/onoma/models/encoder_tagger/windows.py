"""Which words an encoder of bounded length reads together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

__all__ = ["Reading", "plan", "windows"]

BLOCK = 128
"""Pieces of neighbouring sentences that are tagged together where context is read: more costs more attention."""


class Reading(NamedTuple):
    """A window in words of the document: it reads [left, right), tags [start, end) and owns [own_start, own_end)."""

    left: int
    right: int
    start: int
    end: int
    own_start: int
    own_end: int
    cut_left: bool = False
    cut_right: bool = False


def plan(
    sizes: Sequence[int], edges: Sequence[int], size: int, overlap: int, context: int
) -> Iterator[tuple[int, int, list[Reading]]]:
    """Blocks of sentences [first, last) and their windows, for words of `sizes` pieces and sentences between `edges`.

    Without context each sentence is a block. With context, sentences that fit a window together are one, and the
    window also reads up to `context` pieces of the words before and after them, as far as the document goes. A
    sentence of more than `size` pieces has windows that overlap and no context.
    """
    pieces = [0]
    for each in sizes:
        pieces.append(pieces[-1] + each)
    first = 0
    while first < len(edges) - 1:
        last = first + 1
        room = min(size - 2 * context, BLOCK) if context else 0
        while last < len(edges) - 1 and pieces[edges[last + 1]] - pieces[edges[first]] <= room:
            last += 1
        start, end = edges[first], edges[last]
        if end > start:
            taken = pieces[end] - pieces[start]
            if taken <= size:
                reach = min(context, (size - taken) // 2)
                left, right = _around(pieces, start, end, reach)
                yield first, last, [Reading(left, right, start, end, start, end)]
            else:
                found = windows(sizes[start:end], size, overlap)
                yield (
                    first,
                    last,
                    [
                        Reading(
                            start + left, start + right, start + left, start + right, start + own, start + over,
                            cut_left=left > 0, cut_right=start + right < end,
                        )
                        for left, right, own, over in found
                    ],
                )  # fmt: skip
        first = last


def _around(pieces: Sequence[int], start: int, end: int, reach: int) -> tuple[int, int]:
    """The words [left, right) around [start, end) that at most `reach` pieces on either side make."""
    left, right = start, end
    while left and pieces[start] - pieces[left - 1] <= reach:
        left -= 1
    while right + 1 < len(pieces) and pieces[right + 1] - pieces[end] <= reach:
        right += 1
    return left, right


def windows(sizes: Sequence[int], size: int, overlap: int) -> list[tuple[int, int, int, int]]:
    """Windows over words of so many pieces: (left, right, start, end), all in words.

    [left, right) is what the window reads, at most `size` pieces; [start, end) is what it owns. Owned ranges tile
    the words; where windows share words, each is owned by the one in which it is farther from the edge. Every word
    must fit a window by itself.
    """
    reads: list[tuple[int, int]] = []
    left = 0
    while left < len(sizes):
        right, taken = left, 0
        while right < len(sizes) and taken + sizes[right] <= size:
            taken += sizes[right]
            right += 1
        reads.append((left, right))
        if right == len(sizes):
            break
        back, shared = right, 0
        while back > left + 1 and shared + sizes[back - 1] <= overlap:
            back -= 1
            shared += sizes[back]
        left = back
    owned: list[tuple[int, int, int, int]] = []
    start = 0
    for number, (left, right) in enumerate(reads):
        end = right if number + 1 == len(reads) else (reads[number + 1][0] + right + 1) // 2
        if end > start:
            owned.append((left, right, start, end))
        start = end
    return owned
