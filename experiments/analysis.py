"""Scores, intervals and tests from the records of cells alone: no corpus, no model and no prediction is read.

`Scores` are put together again from the counts in a record, so that the library's own tests work on them. What the
library does not test is tested here by the same resampling: precision and recall, and systems on different gold (two
label sets, or two sets of text).
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from onoma.document import Document
from onoma.evaluation import Scores, approximate_randomisation, holm, match, mean_over_seeds
from onoma.evaluation.accuracy import Accuracy
from onoma.evaluation.bootstrap import F1S, draw_weights, percentile_interval
from onoma.evaluation.counts import UnitCounts
from onoma.evaluation.metrics import Score
from onoma.evaluation.significance import differing, least_p
from onoma.exceptions import DataError

__all__ = [
    "STATISTICS", "Difference", "Record", "adjusted", "by_system", "curve", "gap", "mean_scores", "paired",
    "randomised", "read_records", "restored",
]  # fmt: skip

Record = dict[str, Any]
Array = NDArray[np.float64]
RESAMPLES = 2000


def read_records(folder: Path) -> list[Record]:
    """All records of an experiment's folder, by name."""
    paths = sorted((folder / "results" / "cells").glob("*.json"))
    return [json.loads(path.read_text(encoding="utf-8")) for path in paths]


def by_system(records: Sequence[Record]) -> dict[str, list[Record]]:
    """Records by system, seeds in order."""
    found: dict[str, list[Record]] = defaultdict(list)
    for record in sorted(records, key=lambda each: (each["system"], each["seed"])):
        found[record["system"]].append(record)
    return dict(found)


def curve(record: Record) -> list[dict[str, float]]:
    """The rows of a record's training that have a loss or a dev F1, unknown values left out; none without training."""
    rows = record["training"]["curve"] if record["training"] is not None else ()
    return [{key: value for key, value in row.items() if value is not None} for row in rows]


def restored(record: Record, name: str) -> Scores:
    """The `Scores` of a recorded cell on one set; its matching has no span, its counts are as they were."""
    found = record["sets"][name]
    ids = [(id, number) for id, number, _, _ in found["units"]]
    sentences: dict[str, int] = {}
    for id, number in ids:
        sentences[id] = number + 1
    split = found["unit"] == "sentence"
    stubs = [
        Document.from_words([["x"]] * size, id=id) if split else Document(id, "") for id, size in sentences.items()
    ]
    table = _table(found, found["labels"]).astype(np.int64)
    cells = np.repeat(np.argwhere(table[:, :-1] > 0), table[:, :-1][table[:, :-1] > 0], axis=0)
    matching = match(stubs, (), labels=found["filter"])
    counts = UnitCounts(found["unit"], len(stubs), len(ids), matching, tuple(found["labels"]), cells, table[:, -1])
    if list(counts.ids) != ids:
        raise DataError(f"record {record['cell']}: the units of {name} are out of order")
    scores = found["scores"]
    blocks = {each: _score(scores[each]) for each in ("micro", "macro", "weighted", "unlabelled")}
    return Scores(
        **blocks,
        by_label={label: _score(block) for label, block in scores["by_label"].items()},
        accuracy=None if scores["accuracy"] is None else Accuracy(**scores["accuracy"]),
        problems=scores["problems"],
        missing_documents=scores["missing_documents"],
        signature=scores["signature"],
        gold_sha256=found["gold_sha256"],
        matching=matching,
        counts=counts,
    )


def _score(block: Mapping[str, Any]) -> Score:
    interval = block["f1_interval"]
    ends = None if interval is None else (interval[0], interval[1])
    return Score(**{**block, "f1_interval": ends, "undefined": tuple(block["undefined"])})


def mean_scores(records: Sequence[Record], name: str) -> dict[str, Any]:
    """The mean over the seeds of one system on one set, with 95 % intervals over documents and seeds."""
    return mean_over_seeds([restored(record, name) for record in records])


# ---------------------------------------------------------------------- differences


def _precision(totals: Array) -> Array:
    return _ratio(totals[..., :-1, 0].sum(-1), totals[..., :-1, :2].sum((-1, -2)))


def _recall(totals: Array) -> Array:
    return _ratio(totals[..., :-1, 0].sum(-1), totals[..., :-1, ::2].sum((-1, -2)))


def _ratio(part: Array, whole: Array) -> Array:
    return np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)


STATISTICS: dict[str, Callable[[Array], Array]] = {**F1S, "precision": _precision, "recall": _recall}
"""Statistics of totals [..., labels + 1, 3] of true positives, false positives and false negatives."""


@dataclass(frozen=True)
class Difference:
    """A difference a - b (a fraction), its 95 % interval and a two-sided p-value, plain and adjusted (Holm)."""

    value: float
    interval: tuple[float, float]
    p_value: float
    p_adjusted: float | None = None

    @property
    def holds(self) -> bool:
        """Whether the adjusted p-value (the plain one where there is none) is below 0.05."""
        return (self.p_value if self.p_adjusted is None else self.p_adjusted) < 0.05


def adjusted(differences: Sequence[Difference]) -> list[Difference]:
    """The same with p-values adjusted for their number."""
    p_values = holm([each.p_value for each in differences])
    return [
        Difference(each.value, each.interval, each.p_value, p) for each, p in zip(differences, p_values, strict=True)
    ]


def paired(a: Sequence[Record], b: Sequence[Record], name: str, statistic: str = "micro_f1") -> Difference:
    """a - b on one set: a paired bootstrap over its documents, and over the seeds of each side.

    The gold may differ in its labels, not in its documents. Raises `DataError` where the documents differ.
    """
    left, right = (_stacks(side, name) for side in (a, b))
    if _ids(a[0], name) != _ids(b[0], name):
        raise DataError(f"{a[0]['cell']} and {b[0]['cell']} were not scored on the same documents of {name}")
    rng = np.random.default_rng(1)
    drawn: list[Array] = []
    for weights in draw_weights(left.shape[1], RESAMPLES, rng):
        means = [_drawn_mean(_values(side, weights, statistic), rng) for side in (left, right)]
        drawn.append(means[0] - means[1])
    parts = left, right
    if left.shape[2:] != right.shape[2:]:  # other labels: what is over all of them is compared
        parts = tuple(side.reshape(*side.shape[:2], -1, 3)[:, :, :-1].sum(axis=2) for side in (left, right))
    value = _whole(left, statistic) - _whole(right, statistic)
    return _difference(value, np.concatenate(drawn), float(least_p(differing(*parts))))


def randomised(a: Sequence[Record], b: Sequence[Record], name: str, statistic: str = "micro_f1") -> Difference:
    """a - b on one set and the same gold, p by approximate randomisation of its documents (Noreen 1989)."""
    sides = ([restored(record, name) for record in side] for side in (a, b))
    found = approximate_randomisation(*sides, metric=statistic, resamples=RESAMPLES)
    return Difference(found.difference, found.interval, found.p_value)


def gap(records: Sequence[Record], home: str, away: str, statistic: str = "micro_f1") -> Difference:
    """Away less home of one system: documents of the two sets are drawn apart, seeds together."""
    sides = [_stacks(records, name) for name in (away, home)]
    rng = np.random.default_rng(1)
    values = [
        np.concatenate([_values(side, weights, statistic) for weights in draw_weights(side.shape[1], RESAMPLES, rng)])
        for side in sides
    ]
    drawn = _drawn_mean(values[0] - values[1], rng)
    return _difference(_whole(sides[0], statistic) - _whole(sides[1], statistic), drawn)


def _difference(value: float, drawn: Array, least: float = 0.0) -> Difference:
    below, above = int((drawn <= 1e-12).sum()), int((drawn >= -1e-12).sum())
    p_value = min(1.0, 2 * (1 + min(below, above)) / (len(drawn) + 1))
    return Difference(value, percentile_interval(drawn, 0.95), max(least, p_value))


def _values(side: Array, weights: Array, statistic: str) -> Array:
    """[resamples, seeds]."""
    return np.stack([_of((weights @ each).reshape(len(weights), -1, 3), statistic) for each in side], axis=1)


def _drawn_mean(values: Array, rng: np.random.Generator) -> Array:
    chosen = rng.integers(0, values.shape[1], size=values.shape)
    return np.take_along_axis(values, chosen, axis=1).mean(axis=1)


def _whole(side: Array, statistic: str) -> float:
    return float(_of(side.sum(axis=1).reshape(len(side), -1, 3), statistic).mean())


def _of(totals: Array, statistic: str) -> Array:
    return STATISTICS[statistic](totals)


def _ids(record: Record, name: str) -> list[tuple[str, int]]:
    return [(id, number) for id, number, _, _ in record["sets"][name]["units"]]


def _stacks(records: Sequence[Record], name: str) -> Array:
    """[seeds, units, (labels + 1) * 3]."""
    labels = sorted({label for record in records for label in record["sets"][name]["labels"]})
    tables = [_table(record["sets"][name], labels) for record in records]
    return np.stack([table.reshape(len(table), -1) for table in tables])


def _table(found: Mapping[str, Any], labels: Sequence[str]) -> Array:
    """[units, labels + 1, 3] of true positives, false positives and false negatives, by place alone in the last row."""
    where = {label: row for row, label in enumerate(labels)}
    table = np.zeros((len(found["units"]), len(labels) + 1, 3))
    for row, (_, _, by_label, alone) in enumerate(found["units"]):
        for at, (gold, predicted, correct) in [
            *((where[label], each) for label, each in by_label.items()),
            (-1, alone),
        ]:
            table[row, at] = correct, predicted - correct, gold - correct
    return table
