"""Precision, recall and F of chunk counts with the averages, zero divisions and warnings of the seqeval package."""

from __future__ import annotations

import warnings
from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from onoma.evaluation.protocols.chunks import ChunkCounts

__all__ = ["UndefinedMetricWarning", "check_settings", "scores", "text_report"]


class UndefinedMetricWarning(UserWarning):
    """A ratio is 0/0 and was set to 0; stands for scikit-learn's warning of that name, which is another class."""


def check_settings(beta: float, average: str | None) -> None:
    """Raises `ValueError` for a negative beta or an unknown average."""
    if beta < 0:
        raise ValueError("beta should be >=0 in the F-beta score")
    options = (None, "micro", "macro", "weighted")
    if average not in options:
        raise ValueError(f"average has to be one of {options}")


def scores(
    counts: ChunkCounts,
    *,
    average: str | None,
    warn_for: Collection[str] = ("precision", "recall", "f-score"),
    beta: float = 1.0,
    zero_division: Any = "warn",
) -> tuple[Any, Any, Any, Any]:
    """Precision, recall, F and support: one value a label where `average` is None, else one value each."""
    kind = np.int64 if counts.labels else np.int32
    correct, found, support = (side.astype(kind) for side in (counts.correct, counts.predicted, counts.gold))
    if average == "micro":
        correct, found, support = (np.array([side.sum()]) for side in (correct, found, support))
    fill = 0.0 if zero_division in ("warn", 0) else 1.0
    warned = tuple(warn_for) if zero_division == "warn" else ()
    precision = _divided(correct, found, fill, "precision", "predicted", warned)
    recall = _divided(correct, support, fill, "recall", "true", warned)
    if warned == ("f-score",) and ((found == 0) & (support == 0)).any():
        _warn("F-score is", "true nor predicted", len(support), 4)
    if np.isposinf(beta):
        f_score = recall
    else:
        bottom = beta**2 * precision + recall
        bottom[bottom == 0.0] = 1
        f_score = (1 + beta**2) * precision * recall / bottom
    if average is None:
        return precision, recall, f_score, support
    if average == "weighted" and support.sum() == 0:
        nothing_found = fill if found.sum() == 0 else 0.0
        return nothing_found, fill, nothing_found, sum(support)
    weights = support if average == "weighted" else None
    p, r, f = (np.average(each, weights=weights) for each in (precision, recall, f_score))
    return p, r, f, sum(support)


def _divided(
    part: NDArray[Any], whole: NDArray[Any], fill: float, metric: str, missing: str, warned: Sequence[str]
) -> NDArray[np.float64]:
    """Ratios, 0/0 set to `fill`."""
    empty = whole == 0
    result = part / np.where(empty, 1, whole)
    result[empty] = fill
    if empty.any() and metric in warned:
        subject = f"{metric.title()} and F-score are" if "f-score" in warned else f"{metric.title()} is"
        _warn(subject, missing, len(result), 5)
    return result


def _warn(subject: str, missing: str, size: int, depth: int) -> None:
    """Warn at the line that called the public function, `depth` calls from here."""
    where = "due to" if size == 1 else "in labels with"
    message = (
        f"{subject} ill-defined and being set to 0.0 {where} no {missing} samples. "
        "Use `zero_division` parameter to control this behavior."
    )
    warnings.warn(message, UndefinedMetricWarning, stacklevel=depth)


def text_report(
    rows: Sequence[tuple[Any, ...]], averages: Sequence[tuple[Any, ...]], names: Sequence[str], digits: int
) -> str:
    """The report as text; a row is a name and four numbers."""
    width = max([len("weighted avg"), digits, *map(len, names)])
    heads = "".join(f" {head:>9}" for head in ("precision", "recall", "f1-score", "support"))

    def line(name: str, p: float, r: float, f: float, support: int) -> str:
        return f"{name:>{width}s} " + "".join(f" {value:>9.{digits}f}" for value in (p, r, f)) + f" {support:>9}"

    blocks = (line(*row) for row in rows), (line(*row) for row in averages)
    return "\n".join([f"{'':>{width}s} {heads}", "", *blocks[0], "", *blocks[1], ""])
