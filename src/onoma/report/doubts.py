"""Gold labels that look wrong, each shown in its sentence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from onoma.analysis import audit
from onoma.report.examples import sentence_of

if TYPE_CHECKING:
    from onoma.analysis import Suspicion
    from onoma.document import Document, Prediction

__all__ = ["Doubt", "Doubts", "doubts_of", "only"]

MOST_DOUBTS = 12
"""Places of gold that look wrong that are shown."""
AROUND = 80
"""Characters of the sentence that are shown on each side of a place, at most."""


@dataclass(frozen=True)
class Doubt:
    """A place of gold that looks wrong, and the text of its sentence around it.

    `sentence` is the sentence's number in the page, from 1; None where the page has no room for it.
    """

    suspicion: Suspicion
    sentence: int | None
    before: str
    after: str


@dataclass(frozen=True)
class Doubts:
    """Gold labels that look wrong to the system with the highest micro F1 whose scores are probabilities."""

    system: str
    places: Sequence[Doubt]


def only(
    labels: Sequence[str] | None, gold: Sequence[Document], found: Sequence[Prediction] = ()
) -> tuple[Sequence[Document], Sequence[Prediction]]:
    """Documents and predictions with the mentions that are scored; all, where there is no filter."""
    if labels is None:
        return gold, found
    kept = set(labels)
    return (
        [each.with_spans([span for span in each.spans if span.label in kept]) for each in gold],
        [replace(each, spans=tuple(span for span in each.spans if span.label in kept)) for each in found],
    )


def doubts_of(
    system: str, gold: Sequence[Document], found: Sequence[Prediction], sentences: Mapping[str, Any]
) -> Doubts:
    """The most doubtful places of gold by what a system says; `sentences` are those of the page."""
    suspicions = audit(gold, found).suspicions[:MOST_DOUBTS]
    texts = {each.id: each.text for each in gold}
    where = sentence_of(sentences)
    made: list[Doubt] = []
    for each in suspicions:
        home = where(each.document_id, each.start)
        text, base = texts[each.document_id], 0
        if home is not None:
            base = home[1]
            text = text[base : base + len(sentences["sentences"][home[0]][1])]
        before, after = text[: each.start - base], text[each.end - base :]
        made.append(Doubt(each, None if home is None else home[0] + 1, _tail(before), _head(after)))
    return Doubts(system, made)


def _head(text: str) -> str:
    """The beginning of a text, cut between words where it is long."""
    if len(text) <= AROUND:
        return text
    kept = text[:AROUND]
    return (kept.rpartition(" ")[0] or kept) + " …"


def _tail(text: str) -> str:
    """The end of a text, cut between words where it is long."""
    if len(text) <= AROUND:
        return text
    kept = text[-AROUND:]
    return "… " + (kept.partition(" ")[2] or kept)
