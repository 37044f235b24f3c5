"""Strict scores: every number is a sum over one matching, with its interval and its protocol signature."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from onoma.document import Document, Prediction
from onoma.evaluation.accuracy import Accuracy, token_accuracy
from onoma.evaluation.bootstrap import Interval, bootstrap, check_settings
from onoma.evaluation.counts import Counts, Unit, UnitCounts, count_units
from onoma.evaluation.matching import Matching, match
from onoma.evaluation.signature import fingerprint_of, gold_fingerprint, signature

__all__ = ["DocumentScore", "Score", "Scores", "evaluate"]


@dataclass(frozen=True, slots=True)
class Score:
    """A score block: fractions, the interval of F1, and the counts behind them.

    `undefined` names the ratios that are 0/0 and stand as 0. In an average, it names those that are 0/0 for
    one of the labels averaged, and the counts are those labels' sums.
    """

    precision: float
    recall: float
    f1: float
    f1_interval: Interval | None
    support: int
    tp: int
    fp: int
    fn: int
    undefined: tuple[str, ...] = ()

    @classmethod
    def of(cls, counts: Counts, interval: Interval | None = None) -> Score:
        """The ratios of some counts."""
        return cls(
            counts.precision,
            counts.recall,
            counts.f1,
            interval,
            counts.support,
            counts.tp,
            counts.fp,
            counts.fn,
            counts.undefined,
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values; ratios are fractions."""
        interval = None if self.f1_interval is None else list(self.f1_interval)
        return {**asdict(self), "f1_interval": interval, "undefined": list(self.undefined)}


@dataclass(frozen=True, slots=True)
class DocumentScore:
    """One document's counts and micro F1."""

    id: str
    tp: int
    fp: int
    fn: int
    f1: float

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self)


@dataclass(frozen=True)
class Scores:
    """All strict scores of one system on one gold set.

    `by_label` adds up to `micro`; problems without a label have the row `?`. `macro` and `weighted` go over the
    labels with gold support, and macro F1 is the mean of the labels' F1. `accuracy` is None where no document
    has tokens. `matching` holds every pair, miss and false positive; `counts` the counts of each resampling
    unit; `gold_sha256` the fingerprint of the whole gold, before any filter.
    """

    micro: Score
    macro: Score
    weighted: Score
    by_label: Mapping[str, Score]
    unlabelled: Score
    accuracy: Accuracy | None
    problems: Mapping[str, int]
    missing_documents: int
    signature: str
    gold_sha256: str
    matching: Matching = field(repr=False, compare=False)
    counts: UnitCounts = field(repr=False, compare=False)

    @cached_property
    def per_document(self) -> tuple[DocumentScore, ...]:
        """Each document's counts, ordered by id."""
        return _per_document(self.matching)

    def to_dict(self, *, per_document: bool = False) -> dict[str, Any]:
        """The `scores` object of results.json: plain JSON values, fractions, labels in alphabetical order."""
        scores: dict[str, Any] = {
            "micro": self.micro.to_dict(),
            "macro": self.macro.to_dict(),
            "weighted": self.weighted.to_dict(),
            "by_label": {label: score.to_dict() for label, score in self.by_label.items()},
            "unlabelled": self.unlabelled.to_dict(),
            "accuracy": None if self.accuracy is None else self.accuracy.to_dict(),
            "problems": dict(self.problems),
            "missing_documents": self.missing_documents,
            "signature": self.signature,
        }
        if per_document:
            scores["per_document"] = [document.to_dict() for document in self.per_document]
        return scores

    def _repr_html_(self) -> str:
        from onoma.evaluation.render import html_table

        return html_table(self)


def evaluate(
    gold: Iterable[Document],
    predictions: Iterable[Prediction | Document],
    *,
    labels: Sequence[str] | None = None,
    resamples: int = 1000,
    seed: int = 1,
    confidence: float = 0.95,
    unit: Unit | None = None,
) -> Scores:
    """Score predictions against gold by exact start, end and label, with bootstrap intervals.

    `labels` filters both sides explicitly; `resamples=0` leaves the intervals out; `unit` is what is drawn, by
    default documents, or sentences where there are fewer than 20 documents. Raises `EvaluationError` where the
    two sides cannot be joined by id, `ConfigError` for an unusable setting.
    """
    check_settings(resamples, confidence, seed)
    documents = tuple(gold)
    matching = match(documents, predictions, labels=labels)
    counts = count_units(matching, unit)
    intervals = bootstrap(counts, resamples=resamples, seed=seed, confidence=confidence)
    by_label = counts.by_label
    # A filter has taken spans out of the matching; the fingerprint is of the whole gold.
    whole = matching.labels is None
    fingerprint = (
        fingerprint_of(matching.places, matching.gold, matching.names) if whole else gold_fingerprint(documents)
    )
    supported = {label: table for label, table in by_label.items() if table.support}
    line = signature(matching, counts, fingerprint=fingerprint, resamples=resamples, seed=seed, confidence=confidence)
    return Scores(
        micro=Score.of(sum(by_label.values(), Counts()), intervals and intervals.micro),
        macro=_average(supported, dict.fromkeys(supported, 1), intervals and intervals.macro),
        weighted=_average(
            supported, {label: table.support for label, table in supported.items()}, intervals and intervals.weighted
        ),
        by_label={label: Score.of(table, intervals and intervals.by_label[label]) for label, table in by_label.items()},
        unlabelled=Score.of(counts.unlabelled_total, intervals and intervals.unlabelled),
        accuracy=token_accuracy(matching),
        problems=matching.problems,
        missing_documents=matching.missing_documents,
        signature=line,
        gold_sha256=fingerprint,
        matching=matching,
        counts=counts,
    )


def _average(tables: Mapping[str, Counts], weights: Mapping[str, int], interval: Interval | None) -> Score:
    """Weighted mean of each ratio over the labels."""
    total = sum(weights.values())

    def mean(ratio: str) -> float:
        return sum(weights[label] * getattr(table, ratio) for label, table in tables.items()) / total if total else 0.0

    summed = sum(tables.values(), Counts())
    partly = {name for table in tables.values() for name in table.undefined}
    undefined = tuple(name for name in ("precision", "recall", "f1") if not tables or name in partly)
    return Score(
        mean("precision"),
        mean("recall"),
        mean("f1"),
        interval,
        summed.support,
        summed.tp,
        summed.fp,
        summed.fn,
        undefined,
    )


def _per_document(matching: Matching) -> tuple[DocumentScore, ...]:
    documents = matching.places.documents
    size = len(documents)
    false = np.zeros(size, np.int64)
    for number, _ in matching.false_problems:
        false[number] += 1
    tp = np.bincount(matching.gold.document[matching.pairs[:, 0]], minlength=size)
    fn = np.bincount(matching.gold.document[matching.missed], minlength=size)
    fp = np.bincount(matching.found.document[matching.spurious], minlength=size) + false
    rows = zip(documents, tp.tolist(), fp.tolist(), fn.tolist(), strict=True)
    return tuple(DocumentScore(document.id, a, b, c, Counts(a, b, c).f1) for document, a, b, c in rows)
