"""Several training seeds of one system: the mean over seeds, and intervals that draw units and seeds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import fmean
from typing import Any

import numpy as np

from onoma.document import Document, Prediction
from onoma.evaluation.bootstrap import F1S, Array, Interval, check_settings, draw_weights, f1, percentile_interval
from onoma.evaluation.counts import Counts
from onoma.evaluation.matching import match
from onoma.evaluation.metrics import Score, Scores
from onoma.exceptions import EvaluationError

__all__ = ["mean_over_seeds", "strict_f1"]


def strict_f1(gold: Iterable[Document], predictions: Iterable[Prediction]) -> float:
    """Strict micro F1 alone, by the same matcher as `evaluate`: what chooses an epoch on dev data."""
    matching = match(gold, predictions)
    spurious = len(matching.spurious) + len(matching.false_problems)
    return Counts(len(matching.pairs), spurious, len(matching.missed)).f1


def mean_over_seeds(
    scores: Sequence[Scores], *, resamples: int = 1000, seed: int = 1, confidence: float = 0.95
) -> dict[str, Any]:
    """The `scores` object of results.json for one `Scores` a seed: every block is the mean over seeds.

    Intervals are percentiles over resamples that draw units and, where there are several seeds, seeds too. Raises
    `EvaluationError` where there are no scores or they are not of the same gold.
    """
    if not scores:
        raise EvaluationError("there are no scores to average")
    first = scores[0]
    check_settings(resamples, confidence, seed)
    if any(other.gold_sha256 != first.gold_sha256 or other.counts.ids != first.counts.ids for other in scores):
        raise EvaluationError("the seeds were scored on different gold")
    if any(other.matching.labels != first.matching.labels for other in scores):
        raise EvaluationError("the seeds were scored under different label filters")
    if len(scores) == 1:
        return first.to_dict()
    labels = sorted({label for each in scores for label in each.counts.labels})
    intervals = _intervals(scores, labels, resamples, seed, confidence)
    averages = {
        name: _mean([getattr(each, name) for each in scores], intervals.get(name))
        for name in ("micro", "macro", "weighted", "unlabelled")
    }
    empty = Score.of(Counts())
    by_label = {
        label: _mean([each.by_label.get(label, empty) for each in scores], intervals.get(f"label {label}"))
        for label in labels
    }
    kinds = sorted({kind for each in scores for kind in each.problems})
    accuracy = None
    if all(each.accuracy is not None for each in scores):
        accuracy = {
            "value": fmean(each.accuracy.value for each in scores if each.accuracy),
            "baseline": first.accuracy.baseline if first.accuracy else 0.0,
        }
    return {
        **averages,
        "by_label": by_label,
        "accuracy": accuracy,
        "problems": {kind: fmean(each.problems.get(kind, 0) for each in scores) for kind in kinds},
        "missing_documents": fmean(each.missing_documents for each in scores),
        "signature": f"{first.signature} | mean over {len(scores)} seeds, drawn with the {first.counts.unit}s",
    }


def _mean(blocks: Sequence[Score], interval: Interval | None) -> dict[str, Any]:
    names = ("precision", "recall", "f1", "tp", "fp", "fn")
    undefined = sorted({name for block in blocks for name in block.undefined})
    return {
        **{name: fmean(getattr(block, name) for block in blocks) for name in names},
        "support": blocks[0].support,
        "f1_interval": None if interval is None else list(interval),
        "undefined": undefined,
    }


def _intervals(
    scores: Sequence[Scores], labels: Sequence[str], resamples: int, seed: int, confidence: float
) -> dict[str, Interval]:
    units = len(scores[0].counts)
    if not units or not resamples:
        return {}
    rng = np.random.default_rng(seed)
    stacks = [each.counts.stacked(labels).reshape(units, -1) for each in scores]
    drawn: dict[str, list[Array]] = {}
    for weights in draw_weights(units, resamples, rng):
        chosen = rng.integers(0, len(stacks), size=(len(weights), len(stacks)))
        totals = np.stack([(weights @ stack).reshape(len(weights), -1, 3) for stack in stacks], axis=1)
        values = {name.removesuffix("_f1"): statistic(totals) for name, statistic in F1S.items()}
        every = f1(totals[:, :, :-1])
        values |= {f"label {label}": every[:, :, column] for column, label in enumerate(labels)}
        for name, table in values.items():
            drawn.setdefault(name, []).append(np.take_along_axis(table, chosen, axis=1).mean(axis=1))
    return {name: percentile_interval(np.concatenate(parts), confidence) for name, parts in drawn.items()}
