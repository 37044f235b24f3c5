"""The functions of `seqeval.metrics` (1.2.2) under their names, with their arguments, defaults and numbers.

    from onoma.compat.seqeval import classification_report, f1_score   # for: from seqeval.metrics import ...
    from onoma.compat.seqeval import IOB2                              # for: from seqeval.scheme import ...

What differs: `UndefinedMetricWarning` is a class of this module, not scikit-learn's, with the same text; the
warning about a tag that seems not to be an NE tag comes once for each such tag; a text report in which no label
occurs has its three averages, where the original ends in an error. As in the original, the strict mode needs a
`scheme` in all functions but `classification_report`, which finds it out from the gold tags.
"""

from __future__ import annotations

import operator
import warnings
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from itertools import chain
from typing import Any, Literal, overload

import numpy as np

from onoma.compat.averages import UndefinedMetricWarning, check_settings, scores, text_report
from onoma.compat.schemes import BILOU, IOB1, IOB2, IOBES, IOE1, IOE2, check_tags, detected, rule_of
from onoma.evaluation.protocols.chunks import ChunkCounts, Reading, Rule, TagArrays, encode, encode_one
from onoma.evaluation.protocols.seqeval import LENIENT, lenient_split, strict_split

__all__ = [
    "BILOU",
    "IOB1",
    "IOB2",
    "IOBES",
    "IOE1",
    "IOE2",
    "UndefinedMetricWarning",
    "accuracy_score",
    "classification_report",
    "f1_score",
    "get_entities",
    "performance_measure",
    "precision_recall_fscore_support",
    "precision_score",
    "recall_score",
]

Tags = list[list[str]]


def precision_recall_fscore_support(
    y_true: Tags,
    y_pred: Tags,
    *,
    average: str | None = None,
    warn_for: Collection[str] = ("precision", "recall", "f-score"),
    beta: float = 1.0,
    sample_weight: Sequence[int] | None = None,  # noqa: ARG001  (unused by the original too)
    zero_division: Any = "warn",
    suffix: bool = False,
) -> tuple[Any, Any, Any, Any]:
    """Precision, recall, F-beta and support in the default mode: by label in alphabetical order, or averaged.

    `average` is None, "micro", "macro" or "weighted". Raises `ValueError` where sentences differ in number or
    length, `TypeError` for anything but lists of lists.
    """
    counts = _counts(y_true, y_pred, beta, average, None, suffix)
    return scores(counts, average=average, warn_for=warn_for, beta=beta, zero_division=zero_division)


def precision_score(
    y_true: Tags,
    y_pred: Tags,
    *,
    average: str | None = "micro",
    suffix: bool = False,
    mode: str | None = None,
    sample_weight: Sequence[int] | None = None,  # noqa: ARG001
    zero_division: Any = "warn",
    scheme: Any = None,
) -> Any:
    """Share of predicted chunks that are right; an array by label where `average` is None."""
    counts = _counts(y_true, y_pred, 1, average, scheme if mode == "strict" else None, suffix)
    return scores(counts, average=average, warn_for=("precision",), zero_division=zero_division)[0]


def recall_score(
    y_true: Tags,
    y_pred: Tags,
    *,
    average: str | None = "micro",
    suffix: bool = False,
    mode: str | None = None,
    sample_weight: Sequence[int] | None = None,  # noqa: ARG001
    zero_division: Any = "warn",
    scheme: Any = None,
) -> Any:
    """Share of gold chunks that are found; an array by label where `average` is None."""
    counts = _counts(y_true, y_pred, 1, average, scheme if mode == "strict" else None, suffix)
    return scores(counts, average=average, warn_for=("recall",), zero_division=zero_division)[1]


def f1_score(
    y_true: Tags,
    y_pred: Tags,
    *,
    average: str | None = "micro",
    suffix: bool = False,
    mode: str | None = None,
    sample_weight: Sequence[int] | None = None,  # noqa: ARG001
    zero_division: Any = "warn",
    scheme: Any = None,
) -> Any:
    """Harmonic mean of precision and recall; an array by label where `average` is None."""
    counts = _counts(y_true, y_pred, 1, average, scheme if mode == "strict" else None, suffix)
    return scores(counts, average=average, warn_for=("f-score",), zero_division=zero_division)[2]


@overload
def classification_report(
    y_true: Tags,
    y_pred: Tags,
    digits: int = 2,
    suffix: bool = False,
    output_dict: Literal[False] = False,
    mode: str | None = None,
    sample_weight: Sequence[int] | None = None,
    zero_division: Any = "warn",
    scheme: Any = None,
) -> str: ...


@overload
def classification_report(
    y_true: Tags,
    y_pred: Tags,
    digits: int = 2,
    suffix: bool = False,
    *,
    output_dict: Literal[True],
    mode: str | None = None,
    sample_weight: Sequence[int] | None = None,
    zero_division: Any = "warn",
    scheme: Any = None,
) -> dict[str, dict[str, Any]]: ...


def classification_report(
    y_true: Tags,
    y_pred: Tags,
    digits: int = 2,
    suffix: bool = False,
    output_dict: bool = False,
    mode: str | None = None,
    sample_weight: Sequence[int] | None = None,  # noqa: ARG001
    zero_division: Any = "warn",
    scheme: Any = None,
) -> str | dict[str, dict[str, Any]]:
    """Scores by label and their micro, macro and weighted averages, as text or as a dict."""
    arrays = _arrays(y_true, y_pred)
    if mode == "strict":
        rule = None if scheme is None else rule_of(scheme)
        counts = _strict(y_true, y_pred, arrays, rule or detected(arrays.tags[: arrays.gold_tags], suffix), suffix)
    else:
        counts = _default(arrays, suffix, 4)
    rows = list(zip(counts.labels, *scores(counts, average=None, zero_division=zero_division), strict=True))
    averages: list[tuple[Any, ...]] = []
    for average in ("micro", "macro", "weighted"):
        averages.append((f"{average} avg", *scores(counts, average=average, zero_division=zero_division)))
    if not output_dict:
        return text_report(rows, averages, counts.labels, digits)
    heads = ("precision", "recall", "f1-score", "support")
    return {name: dict(zip(heads, values, strict=True)) for name, *values in (*rows, *averages)}


def get_entities(seq: Sequence[Any], suffix: bool = False) -> list[tuple[str, int, int]]:
    """Chunks of one sentence, or of a list of sentences, as (label, first token, last token) in the default mode.

    In a list of sentences each but the first begins one place later than the sentence before it ends: the original
    sets an `O` between them.
    """
    nested = any(isinstance(each, list) for each in seq)
    if nested and not all(isinstance(each, list) for each in seq):
        raise TypeError("seq is a list of tags or a list of lists of tags, not both")
    sentences: list[list[str]] = list(seq) if nested else [list(seq)]
    tags, lengths, codes = encode_one(sentences)
    _warn_of_odd(tags, suffix, 3)
    reading = Reading.of(tags, lenient_split(suffix))
    first, last, label = reading.chunks(codes, lengths, LENIENT)
    ends = np.cumsum(lengths)
    first, last = (np.maximum(at + np.searchsorted(ends, at, side="right"), 0) for at in (first, last))
    names = map(reading.names.__getitem__, label.tolist())
    return list(zip(names, first.tolist(), last.tolist(), strict=True))


def accuracy_score(y_true: Sequence[Any], y_pred: Sequence[Any]) -> float:
    """Share of tokens with the right tag, for lists of tags or lists of lists."""
    true, predicted = _flat(y_true, y_pred)
    return sum(map(operator.eq, true, predicted)) / len(true)


def performance_measure(y_true: Sequence[Any], y_pred: Sequence[Any]) -> dict[str, int]:
    """Tokens counted as TP (right, not `O`), FP (wrong, not `O`), FN (`O` where it should not be), TN (right, `O`)."""
    counts: dict[str, int] = {"TP": 0, "FP": 0, "FN": 0, "TN": 0}
    for (true, predicted), count in Counter(zip(*_flat(y_true, y_pred), strict=False)).items():
        if true == predicted:
            counts["TN" if true == "O" else "TP"] += count
        else:
            counts["FN" if predicted == "O" else "FP"] += count
    return counts


def _flat(y_true: Sequence[Any], y_pred: Sequence[Any]) -> tuple[Sequence[str], Sequence[str]]:
    if any(isinstance(each, list) for each in y_true):
        return list(chain.from_iterable(y_true)), list(chain.from_iterable(y_pred))
    return y_true, y_pred


def _counts(y_true: Tags, y_pred: Tags, beta: float, average: str | None, scheme: Any, suffix: bool) -> ChunkCounts:
    """The chunks by label, strictly where a scheme is given."""
    check_settings(beta, average)
    arrays = _arrays(y_true, y_pred)
    if not scheme:
        return _default(arrays, suffix, 5)
    rule = rule_of(scheme)
    if rule is None:
        raise TypeError(f"scheme is one of IOB1, IOB2, IOE1, IOE2, IOBES and BILOU, not {scheme!r}")
    return _strict(y_true, y_pred, arrays, rule, suffix)


def _arrays(y_true: Tags, y_pred: Tags) -> TagArrays:
    true, predicted = list(map(len, y_true)), list(map(len, y_pred))
    if {*map(type, y_true), *map(type, y_pred)} != {list}:
        raise TypeError("Found input variables without list of list.")
    if true != predicted:
        raise ValueError(f"Found input variables with inconsistent numbers of samples:\n{true}\n{predicted}")
    return encode(y_true, y_pred, true)


def _default(arrays: TagArrays, suffix: bool, depth: int) -> ChunkCounts:
    _warn_of_odd(arrays.tags, suffix, depth)
    return arrays.count(LENIENT, lenient_split(suffix))


def _strict(y_true: Tags, y_pred: Tags, arrays: TagArrays, rule: Rule, suffix: bool) -> ChunkCounts:
    check_tags(arrays.tags, (y_true, y_pred), rule, suffix)
    return arrays.count(rule, strict_split(suffix))


def _warn_of_odd(tags: Iterable[str], suffix: bool, depth: int) -> None:
    """Warn of tags without a known prefix and a hyphen, at the line `depth` calls from here."""
    marks = ("-B", "-I", "-E", "-S") if suffix else ("B-", "I-", "E-", "S-")
    for tag in tags:
        if tag not in ("O", "B", "I", "E", "S") and not (tag.endswith(marks) if suffix else tag.startswith(marks)):
            warnings.warn(f"{tag} seems not to be NE tag.", stacklevel=depth)
