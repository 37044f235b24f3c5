"""How well the labels of tokens agree with a model that has not learnt from them: scores of doubt, word by word.

A class is a label, or None for no mention. Rules are those of confident learning (Northcutt, Jiang and Chuang 2021),
on tokens as by Wang and Mueller (2022); all are in [0,1], and more is more doubtful.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from onoma.analysis.consistency import token_range
from onoma.document import Document, Prediction
from onoma.exceptions import EvaluationError

__all__ = ["DOUBTS", "Chances", "Evidence", "chances_of_scores", "evidence"]

Floats = NDArray[np.float64]
Chances = Mapping[str | None, Sequence[float] | Floats]
"""For each class the probability of every token of a document to be of it; what is left out is 0."""


@dataclass(frozen=True, eq=False)
class Evidence:
    """The tokens of all documents in a row: chances [tokens, classes], and which classes gold gives, [tokens, classes].

    Class 0 is None. `begins` says at which token each document begins; the last one is the number of tokens.
    """

    classes: tuple[str | None, ...]
    chances: Floats
    given: NDArray[np.bool_]
    begins: tuple[int, ...]

    @cached_property
    def confidence(self) -> Floats:
        """Each token's chance of the class that gold gives (the best one, where it gives several)."""
        return np.where(self.given, self.chances, 0.0).max(axis=1, initial=0.0)

    @cached_property
    def thresholds(self) -> Floats:
        """For each class the mean chance of it at the tokens that have it in gold; 1 where none has."""
        counts = self.given.sum(axis=0)
        sums = np.where(self.given, self.chances, 0.0).sum(axis=0)
        return np.where(counts > 0, sums / np.maximum(counts, 1), 1.0)

    def off_diagonal(self) -> NDArray[np.bool_]:
        """Tokens that confident learning counts as another class than gold's.

        Of the classes whose chance reaches their threshold the most probable one is meant.
        """
        sure = np.where(self.chances >= self.thresholds, self.chances, -1.0)
        best = sure.argmax(axis=1)
        rows = np.arange(len(best))
        return (sure[rows, best] >= 0) & ~self.given[rows, best]


def _self_confidence(found: Evidence) -> Floats:
    return 1 - found.confidence


def _margin(found: Evidence) -> Floats:
    other = np.where(found.given, 0.0, found.chances).max(axis=1, initial=0.0)
    return (1 + other - found.confidence) / 2


def _normalised_margin(found: Evidence) -> Floats:
    """Chances less the thresholds of their classes, so that a class the model is unsure of everywhere is forgiven."""
    above = found.chances - found.thresholds
    own = np.where(found.given, above, -np.inf).max(axis=1, initial=-np.inf)
    other = np.where(found.given, -np.inf, above).max(axis=1, initial=-np.inf)
    return np.clip((2 + other - own) / 4, 0.0, 1.0)


DOUBTS: dict[str, Callable[[Evidence], Floats]] = {
    "self_confidence": _self_confidence,
    "margin": _margin,
    "normalised_margin": _normalised_margin,
}
"""Names of the rules."""


def evidence(documents: Sequence[Document], chances: Sequence[Chances]) -> Evidence:
    """Put chances and gold of documents with tokens side by side; raises `EvaluationError` where sizes differ."""
    labels = {label for document in documents for label in (span.label for span in document.spans)}
    labels |= {label for each in chances for label in each if label is not None}
    classes: tuple[str | None, ...] = (None, *sorted(labels))
    number = {label: at for at, label in enumerate(classes)}
    begins = [0]
    for document in documents:
        begins.append(begins[-1] + len(document.tokens))
    table = np.zeros((begins[-1], len(classes)))
    given = np.zeros(table.shape, bool)
    for begin, end, document, each in zip(begins, begins[1:], documents, chances, strict=False):
        for label, values in each.items():
            if len(values) != end - begin:
                raise EvaluationError(f"document {document.id!r}: {len(values)} chances for {end - begin} tokens")
            table[begin:end, number[label]] = values
        for span in document.spans:
            first, last = token_range(document, span)
            given[begin + first : begin + last, number[span.label]] = True
    given[:, 0] = ~given[:, 1:].any(axis=1)
    return Evidence(classes, table, given, tuple(begins))


def chances_of_scores(documents: Sequence[Document], predictions: Sequence[Prediction]) -> list[Chances]:
    """Chances from the scores of predicted spans alone, where a system gives no more; a span without one counts as 1.

    What a span's score leaves is spread evenly over the other classes. Where nothing is predicted the chance of no
    mention is taken to be the mean of all scores.
    """
    labels = {span.label for document in documents for span in document.spans}
    labels |= {span.label for prediction in predictions for span in prediction.spans}
    classes: tuple[str | None, ...] = (None, *sorted(labels))
    scores = [
        min(1.0, max(0.0, 1.0 if span.score is None else span.score)) for each in predictions for span in each.spans
    ]
    usual = sum(scores) / len(scores) if scores else 1.0
    rest = max(1, len(classes) - 1)
    made: list[Chances] = []
    given = iter(scores)
    for document, prediction in zip(documents, predictions, strict=True):
        table = {label: np.full(len(document.tokens), (1 - usual) / rest) for label in classes}
        table[None][:] = usual
        for span in prediction.spans:
            score = next(given)
            first, last = token_range(document, span)
            for label, values in table.items():
                values[first:last] = score if label == span.label else (1 - score) / rest
        made.append(table)
    return made
