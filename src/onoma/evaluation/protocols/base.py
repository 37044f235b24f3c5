"""What every protocol answers: scores in one shape with the rule they were made by, or why there are none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from onoma.exceptions import EvaluationError

__all__ = ["NotApplicableError", "ProtocolScore", "ProtocolScores", "ratio"]


class NotApplicableError(EvaluationError):
    """A protocol cannot score these predictions: it reads something they do not have, such as tags."""


@dataclass(frozen=True, slots=True)
class ProtocolScore:
    """Precision, recall and F1 as the protocol computes them (fractions), and the counts they come from.

    `counts` are under the names of the original, whole or fractional (a partial match may count one half).
    """

    precision: float
    recall: float
    f1: float
    counts: Mapping[str, float] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {"precision": self.precision, "recall": self.recall, "f1": self.f1, "counts": dict(self.counts)}


@dataclass(frozen=True)
class ProtocolScores:
    """One system's scores under one protocol.

    `by_label` is empty where the original has no scores by label. `notes` say what was left out or read otherwise
    to make the predictions fit, with counts. `rule` is the protocol's rule in one line: what is compared and how.
    """

    protocol: str
    rule: str
    micro: ProtocolScore
    macro: ProtocolScore | None = None
    by_label: Mapping[str, ProtocolScore] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values; ratios are fractions."""
        return {
            "protocol": self.protocol,
            "rule": self.rule,
            "micro": self.micro.to_dict(),
            "macro": None if self.macro is None else self.macro.to_dict(),
            "by_label": {label: score.to_dict() for label, score in self.by_label.items()},
            "notes": list(self.notes),
        }


def ratio(part: float, whole: float) -> float:
    """A share; 0/0 is 0."""
    return part / whole if whole else 0.0
