"""Ways to score, by name: our own strict one, and beside it other people's scorers.

A protocol is a function of gold documents and predictions that answers `ProtocolScores`; the first one, `strict`,
answers `onoma.evaluation.Scores`. To add one, add its file and its row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from onoma.tables import lookup, row_names

if TYPE_CHECKING:
    from onoma.document import Document, Prediction
    from onoma.evaluation.protocols.table import Row

__all__ = ["GROUP", "PROTOCOLS", "get", "names", "score_all"]

GROUP = "onoma.protocols"
"""The entry point group for protocols of other packages."""

PROTOCOLS: dict[str, str] = {
    "strict": "onoma.evaluation.metrics:evaluate",
    "conlleval": "onoma.evaluation.protocols.conlleval:score",
    "seqeval": "onoma.evaluation.protocols.seqeval:default",
    "seqeval_strict": "onoma.evaluation.protocols.seqeval:strict",
    "nervaluate_strict": "onoma.evaluation.protocols.nervaluate:strict",
    "nervaluate_exact": "onoma.evaluation.protocols.nervaluate:exact",
    "nervaluate_partial": "onoma.evaluation.protocols.nervaluate:partial",
    "nervaluate_type": "onoma.evaluation.protocols.nervaluate:type_",
    "exact_boundary": "onoma.evaluation.protocols.muc:exact_boundary",
    "type_only": "onoma.evaluation.protocols.muc:type_only",
    "partial": "onoma.evaluation.protocols.muc:partial",
    "recall": "onoma.evaluation.protocols.recall:labelled",
    "recall_unlabelled": "onoma.evaluation.protocols.recall:unlabelled",
    "universalner": "onoma.evaluation.protocols.universalner:score",
    "llms4ner": "onoma.evaluation.protocols.llms4ner:score",
    "euroeval": "onoma.evaluation.protocols.euroeval:score",
    "presidio_iou": "onoma.evaluation.protocols.presidio_iou:score",
    "span_soft": "onoma.evaluation.protocols.span_soft:soft",
    "span_hard": "onoma.evaluation.protocols.span_soft:hard",
}
"""Protocols as `module:function`; the first is the default."""


def get(name: str) -> Callable[..., Any]:
    """The protocol of that name; raises `ConfigError` with the list of names."""
    return lookup(PROTOCOLS, name, "protocol", GROUP)


def names() -> tuple[str, ...]:
    """All protocols, our own first, then those of other packages."""
    return row_names(PROTOCOLS, GROUP)


def score_all(
    gold: Sequence[Document],
    predictions: Iterable[Prediction | Document],
    *,
    labels: Sequence[str] | None = None,
) -> list[Row]:
    """One row for each protocol: its micro scores and the difference to strict, or why it has none.

    Raises as `onoma.evaluation.match`.
    """
    from onoma.evaluation.protocols.table import rows

    return rows(gold, predictions, labels=labels)
