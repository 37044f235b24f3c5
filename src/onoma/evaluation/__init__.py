"""Scores, intervals and tests: views of one matching. Imports documents and schemes, never models."""

from __future__ import annotations

from onoma.evaluation.matching import DocumentMatch, Matching, match
from onoma.evaluation.metrics import DocumentScore, Score, Scores, evaluate
from onoma.evaluation.render import table
from onoma.evaluation.rescoring import GoldVersion, rescore
from onoma.evaluation.seeds import mean_over_seeds, strict_f1
from onoma.evaluation.signature import gold_fingerprint
from onoma.evaluation.significance import (
    Comparison,
    approximate_randomisation,
    compare,
    holm,
    paired_bootstrap,
)

__all__ = [
    "Comparison",
    "DocumentMatch",
    "DocumentScore",
    "GoldVersion",
    "Matching",
    "Score",
    "Scores",
    "approximate_randomisation",
    "compare",
    "evaluate",
    "gold_fingerprint",
    "holm",
    "match",
    "mean_over_seeds",
    "paired_bootstrap",
    "rescore",
    "strict_f1",
    "table",
]
