"""Scores of going from tag to tag: learned ones, or the scheme's own, which only say what is legal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from onoma.schemes import TagSet

__all__ = ["Chain"]

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Chain:
    """Scores of beginning with a tag, `start` [T], of going on, `transition` [from, to], and of ending, `end` [T].

    What is illegal is -inf.
    """

    start: Floats
    transition: Floats
    end: Floats

    @classmethod
    def legal(cls, tagset: TagSet) -> Self:
        """The automaton of a scheme over a tag set in its own order: 0 where legal, -inf where not."""
        allows = tagset.scheme.allows
        start = [allows(None, tag) for tag in tagset]
        inside = [[allows(before, after) for after in tagset] for before in tagset]
        end = [allows(tag, None) for tag in tagset]
        return cls(*(np.where(np.array(table), 0.0, -np.inf) for table in (start, inside, end)))

    @classmethod
    def free(cls, transition: Floats) -> Self:
        """Transitions [from, to] alone: a sequence may begin and end with any tag."""
        edge = np.zeros(len(transition))
        return cls(edge, transition, edge)
