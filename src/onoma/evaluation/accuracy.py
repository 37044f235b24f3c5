"""Token accuracy in BIO, always beside what tagging everything O would have scored."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from onoma.document import Document, Span
from onoma.evaluation.columns import Integers, Places, Side
from onoma.evaluation.matching import Matching
from onoma.schemes import SCHEMES, TokenSpan

__all__ = ["Accuracy", "flat_tags", "token_accuracy"]


@dataclass(frozen=True, slots=True)
class Accuracy:
    """Share of gold tokens with the right BIO tag (`value`), and the share that is O in gold (`baseline`)."""

    value: float
    baseline: float
    correct: int
    tokens: int

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values; shares are fractions."""
        return asdict(self)


def token_accuracy(matching: Matching) -> Accuracy | None:
    """Accuracy over the gold tokens of all documents that have any; None where none has.

    A lost answer counts as all O. Problems have no tokens and are not seen here.
    """
    places = matching.places
    total = int(places.token_base[-1])
    if not total:
        return None
    gold, found = (_tag_codes(places, side, matching.names) for side in (matching.gold, matching.found))
    correct, outside = int((gold == found).sum()), int((gold == 0).sum())
    return Accuracy(correct / total, outside / total, correct, total)


def _tag_codes(places: Places, side: Side, names: Sequence[str]) -> Integers:
    """The BIO tag of every token as a number: 0 for O, then two for each label."""
    base = places.base[side.document]
    firsts = np.searchsorted(places.token_ends, base + side.start, side="right")
    lasts = np.searchsorted(places.token_starts, base + side.end, side="left")
    codes = np.zeros(int(places.token_base[-1]), np.int64)
    order = np.argsort(firsts, kind="stable")
    order = order[firsts[order] < lasts[order]]  # a span between tokens has none
    crowded = firsts[order[1:]] < lasts[order[:-1]]  # begins before the one before it is over
    hard = np.unique(side.document[order[1:]][crowded])
    if len(hard):
        order = order[~np.isin(side.document[order], hard)]
    first, length, label = firsts[order], (lasts - firsts)[order], side.label[order]
    within = np.arange(int(length.sum())) - np.repeat(np.cumsum(length) - length, length)
    codes[np.repeat(first, length) + within] = np.repeat(2 * label + 2, length)
    codes[first] = 2 * label + 1
    numbers = {name: number for number, name in enumerate(names)}
    bounds = np.searchsorted(side.document, np.stack((hard, hard + 1)))
    for document, begin, end in zip(hard.tolist(), *bounds.tolist(), strict=True):
        spans = side.spans[begin:end]
        at = int(places.token_base[document])
        for index, tag in enumerate(flat_tags(places.documents[document], spans), at):
            codes[index] = 0 if tag == "O" else 2 * numbers[tag[2:]] + (1 if tag[0] == "B" else 2)
    return codes


def flat_tags(document: Document, spans: Iterable[Span]) -> list[str]:
    """BIO tags of a document's tokens for spans of any shape.

    A token that a span touches is inside it; a discontinuous mention counts as its hull. Where mentions
    overlap the one of most tokens wins, then the one that begins first, then the label first in the alphabet.
    """
    candidates = _token_spans(document, spans)
    taken = bytearray(len(document.tokens))
    chosen: list[TokenSpan] = []
    for span in sorted(candidates, key=lambda each: (each.start - each.end, each)):
        if not any(taken[span.start : span.end]):
            taken[span.start : span.end] = b"\1" * (span.end - span.start)
            chosen.append(span)
    return SCHEMES["BIO"].tags(len(document.tokens), chosen)


def _token_spans(document: Document, spans: Iterable[Span]) -> Sequence[TokenSpan]:
    starts, ends = document.tokens.starts, document.tokens.ends
    found = ((bisect_right(ends, span.start), bisect_left(starts, span.end), span.label) for span in spans)
    return [TokenSpan(first, last, label) for first, last, label in found if first < last]
