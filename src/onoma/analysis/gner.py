"""The three errors of GNER (Ding et al. 2024, section 5.2), made a partition."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from onoma.analysis.overlaps import Touching, overlaps
from onoma.analysis.taxonomy import Taxonomy, rows
from onoma.evaluation.columns import Integers
from onoma.evaluation.matching import Matching

__all__ = ["GNER"]


def _sort(matching: Matching, number: Mapping[str, int]) -> Iterator[Integers]:
    """Missed mentions by the best prediction, whatever that is paired with; false ones by the best gold."""
    touched, found = overlaps(matching), len(matching.found)
    best = number["NE"], number["BE"], number["NE+BE"]
    missed = _best(touched.of_missed, len(matching.missed), (*best, number["UE"]))
    yield rows(missed, missed=matching.missed)
    false = _best(touched.of_spurious, len(matching.spurious), (*best, number["SP"]))
    twice = touched.of_spurious.place & touched.of_spurious.label
    false[touched.of_spurious.wrong[twice]] = number["duplicate"]
    yield rows(false, false=matching.spurious)
    kinds = (OF_PROBLEMS.get(problem.kind, "unreadable") for _, problem in matching.false_problems)
    yield rows([number[kind] for kind in kinds], false=found + np.arange(len(matching.false_problems)))


OF_PROBLEMS = {"ungrounded": "ungrounded", "unknown_label": "unknown_label", "duplicate": "duplicate"}


def _best(touched: Touching, size: int, kinds: tuple[int, ...]) -> Integers:
    """The best of what touches each mention: its place, then its type, then anything; the last class for nothing."""
    rank = np.full(size, 3)
    np.minimum.at(rank, touched.wrong, np.where(touched.place, 0, np.where(touched.label, 1, 2)))
    return np.array(kinds)[rank]


GNER = Taxonomy(
    "gner",
    {
        "UE": "missed mention that no prediction touches",
        "NE": "right place, wrong type",
        "BE": "right type, wrong place",
        "NE+BE": "touched by another type alone, at another place",
        "SP": "false mention that touches no gold",
        "duplicate": "a mention that was found already (the paper has no class for it)",
        "ungrounded": "a mention that does not stand in the text (counted by itself)",
        "unknown_label": "a label that was not asked for (counted by itself)",
        "unreadable": "an item of an answer that is no mention, or one of several places (counted by itself)",
    },
    _sort,
    "GNER, section 5.2",
)
