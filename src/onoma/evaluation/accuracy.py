"""Token accuracy in BIO, always beside what tagging everything O would have scored."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from onoma.document import Document, Span
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
    correct = outside = total = 0
    for match in matching.documents:
        size = len(match.document.tokens)
        if not size:
            continue
        gold = flat_tags(match.document, match.gold)
        found = gold if not match.missed and not match.spurious else flat_tags(match.document, match.predicted)
        total += size
        outside += gold.count("O")
        correct += sum(map(str.__eq__, gold, found))
    return Accuracy(correct / total, outside / total, correct, total) if total else None


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
    starts = [token.start for token in document.tokens]
    ends = [token.end for token in document.tokens]
    found = ((bisect_right(ends, span.start), bisect_left(starts, span.end), span.label) for span in spans)
    return [TokenSpan(first, last, label) for first, last, label in found if first < last]
