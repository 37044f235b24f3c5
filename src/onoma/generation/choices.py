"""Answers whose text is known but for some choices: greedy choices in few passes, equal to one choice a pass."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from onoma.encodings.base import Frame

__all__ = ["Scores", "settle"]

Scores = Callable[[Sequence[int], Sequence[Sequence[int]]], Sequence[NDArray[Any]]]
"""Of some frames (by number), each with a choice at every place: [places, choices], how good each choice is at a place
after the choices before it."""


def settle(frames: Sequence[Frame], scores: Scores) -> tuple[list[list[int]], int]:
    """For each frame the choice at every place, and how many times a frame was scored in all.

    At each place the best choice that is legal behind the choice before it, given all choices before it: what a model
    writes greedily if nothing else is open. All places are drafted at once and scored in one pass; the draft holds as
    far as it agrees, the first place that does not takes the model's choice, and what follows is drafted anew from the
    same scores (blockwise parallel decoding, Stern et al. 2018, with the scores themselves as the draft).
    """
    drafts = [_first(frame) for frame in frames]
    settled = [0] * len(frames)
    passes = 0
    waiting = [number for number, frame in enumerate(frames) if frame.literals]
    while waiting:
        passes += len(waiting)
        found = scores(waiting, [drafts[number] for number in waiting])
        for number, rows in zip(waiting, found, strict=True):
            settled[number] = _agree(frames[number], drafts[number], settled[number], rows)
        waiting = [number for number in waiting if settled[number] < len(frames[number].literals)]
    return drafts, passes


def _first(frame: Frame) -> list[int]:
    """The first legal choice at every place."""
    made: list[int] = []
    for place in range(len(frame.literals)):
        made.append(int(np.argmax(frame.legal(place, made[-1] if made else None))))
    return made


def _agree(frame: Frame, draft: list[int], settled: int, rows: NDArray[Any]) -> int:
    """How far the draft is settled now; behind that, it is drafted anew in place."""
    agrees = True
    for place in range(settled, len(draft)):
        legal = frame.legal(place, draft[place - 1] if place else None)
        best = int(np.argmax(np.where(legal, rows[place], -np.inf)))
        if agrees:
            settled = place + 1
            agrees = best == draft[place]
        draft[place] = best
    return settled
