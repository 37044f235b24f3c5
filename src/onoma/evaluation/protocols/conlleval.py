"""The CoNLL shared tasks' scorer (the conlleval script, version of 2004-01-26), on tags as they were predicted.

Rule: Tjong Kim Sang and Buchholz 2000 (CoNLL-2000 shared task); a tag that does not continue a chunk opens one. The
script knows the prefixes B, I and E; S, L, U and M are told from their neighbours by label alone, and a B after an E
of its label opens nothing, so that touching mentions of one label run together.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from onoma.document import Document, Prediction
from onoma.evaluation.protocols.base import ProtocolScore, ProtocolScores, ratio
from onoma.evaluation.protocols.chunks import Rule, TagArrays
from onoma.evaluation.protocols.tags import by_label, read_sequences, score_of, unread

__all__ = ["RULE", "score", "split"]

RULE = Rule(
    start=("BIO B", "OE IE", "* ^O. !"),
    end=("BI BO", "E EIO", "^O. * !"),
)
"""Where the script starts and ends a chunk."""

_NAMES = ("correct", "found", "phrases")


def split(tag: str) -> tuple[str, str]:
    """Prefix and label at the first hyphen; a tag without one is all prefix."""
    prefix, _, label = tag.partition("-")
    return prefix, label


def score(
    gold: Sequence[Document],
    predictions: Iterable[Prediction | Document],
    *,
    labels: Sequence[str] | None = None,
) -> ProtocolScores:
    """Micro and by-label scores; the micro counts also hold `tokens`, `correct_tags` and their ratio `accuracy`.

    `labels` filters both sides. The script has no macro average. Raises `NotApplicableError` where tags are missing or
    of no scheme, `EvaluationError` where the two sides cannot be joined.
    """
    sequences = read_sequences("conlleval", gold, predictions, labels)
    arrays = sequences.encode()
    counts = by_label(sequences, arrays, RULE, split)
    micro = score_of(counts.values(), _NAMES)
    tokens = len(arrays.gold)
    correct = _correct_tags(arrays, sequences.labels)
    accuracy = {"tokens": tokens, "correct_tags": correct, "accuracy": ratio(correct, tokens)}
    return ProtocolScores(
        protocol="conlleval",
        rule="chunks of the tags, a stray I- opens one; conlleval script of 2004-01-26",
        micro=ProtocolScore(micro.precision, micro.recall, micro.f1, {**micro.counts, **accuracy}),
        by_label={label: score_of([count], _NAMES) for label, count in counts.items()},
        notes=(*sequences.notes, *unread(sequences, counts.values())),
    )


def _correct_tags(arrays: TagArrays, labels: frozenset[str] | None) -> int:
    """Tokens with the right tag; predicted tags of labels that are not asked for count as `O`."""
    shown = [labels is None or split(tag)[1] in labels for tag in arrays.tags]
    tags = np.where(np.array(shown, np.bool_), np.arange(len(shown)), -1)
    return int((tags[arrays.gold] == tags[arrays.predicted]).sum())
