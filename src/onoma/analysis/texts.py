"""The texts of mentions as numbers, for gold and all systems judged on it at once: a text of gold is looked at once."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count
from weakref import WeakKeyDictionary, ref

import numpy as np

from onoma.evaluation.columns import Integers, Side
from onoma.evaluation.matching import Matching
from onoma.exceptions import EvaluationError

__all__ = ["Texts", "texts", "texts_of"]


class Texts:
    """Distinct texts of mentions in `distinct`, and a place there for each gold mention and each spurious one.

    Raises `EvaluationError` where the matchings are on different gold, or under different label filters.
    """

    def __init__(self, matchings: Sequence[Matching]) -> None:
        first = matchings[0]
        for other in matchings[1:]:
            if other.labels != first.labels:
                raise EvaluationError(f"the label filters differ: {first.labels} and {other.labels}")
            # Lists of the same objects are equal at a glance.
            if other.places.documents != first.places.documents:
                raise EvaluationError("the systems were matched with different gold")
        self._number: dict[str, int] = {}
        self.gold = self.numbers(texts_of(first, first.gold, np.arange(len(first.gold))))
        self.spurious = [self.numbers(texts_of(each, each.found, each.spurious)) for each in matchings]

    @property
    def distinct(self) -> list[str]:
        """Every text, in the order of its number."""
        return list(self._number)

    def numbers(self, texts: Sequence[str]) -> Integers:
        """The numbers of some texts; new ones get the next."""
        number = self._number
        new = (text for text in dict.fromkeys(texts) if text not in number)
        number.update(zip(new, count(len(number)), strict=False))
        return np.fromiter(map(number.__getitem__, texts), np.int64, len(texts))


_REMEMBERED: WeakKeyDictionary[Matching, tuple[list[ref[Matching]], Texts]] = WeakKeyDictionary()


def texts(matchings: Sequence[Matching]) -> Texts:
    """The texts of one or more matchings, remembered as long as the first of them lives."""
    others, found = _REMEMBERED.get(matchings[0], ([], None))
    if (
        found is None
        or len(others) != len(matchings)
        or any(a() is not b for a, b in zip(others, matchings, strict=True))
    ):
        found = Texts(matchings)
        _REMEMBERED[matchings[0]] = [ref(each) for each in matchings], found
    return found


def texts_of(matching: Matching, side: Side, chosen: Integers) -> list[str]:
    """The texts of some mentions of one side of a matching."""
    whole = [document.text for document in matching.places.documents]
    columns = (column[chosen].tolist() for column in (side.document, side.start, side.end))
    texts = [whole[document][start:end] for document, start, end in zip(*columns, strict=True)]
    for at in np.flatnonzero(side.pieces[chosen]).tolist():
        index = int(chosen[at])
        texts[at] = matching.places.documents[int(side.document[index])].surface(side.spans[index])
    return texts
