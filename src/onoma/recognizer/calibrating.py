"""Fit a calibration on documents the model did not learn from, and see what it changes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from onoma import datasets, progress, tokenization
from onoma.document import Document, Prediction
from onoma.exceptions import DataError
from onoma.recognizer.calibration import Calibration, Method
from onoma.recognizer.recognizer import Recognizer

if TYPE_CHECKING:
    from onoma.analysis.confidence import Reliability
    from onoma.evaluation import Comparison, Scores

__all__ = ["Fitted", "Judged", "calibrate"]


@dataclass(frozen=True)
class Judged:
    """A set before and after: reliability, area under the risk-coverage curve, and scores.

    A reliability or an area is None where the scores say nothing. `scores` are without thresholds, with one for all
    labels and with one for each label, `differences` those of the last two from the first in micro F1; thresholds are
    looked at whether they are kept or not.
    """

    documents: int
    fingerprint: str
    mentions: int
    before: Reliability | None
    after: Reliability | None
    aurc: tuple[float | None, float | None]
    scores: tuple[Scores, Scores, Scores]
    differences: tuple[Comparison, Comparison]

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values, fractions."""
        names = ("none", "overall", "by_label")
        return {
            "documents": self.documents,
            "fingerprint": self.fingerprint,
            "mentions": self.mentions,
            "reliability": {
                "before": self.before and self.before.to_dict(),
                "after": self.after and self.after.to_dict(),
            },
            "aurc": dict(zip(("before", "after"), self.aurc, strict=True)),
            "thresholds": {name: each.micro.to_dict() for name, each in zip(names, self.scores, strict=True)},
            "differences": {name: each.to_dict() for name, each in zip(names[1:], self.differences, strict=True)},
        }


@dataclass(frozen=True)
class Fitted:
    """A calibration, both kinds of thresholds, whether they are kept or not, and the sets they were looked at on."""

    calibration: Calibration
    overall: float
    by_label: dict[str, float]
    sets: dict[str, Judged]

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values, fractions."""
        return {
            "calibration": self.calibration.model_dump(mode="json", exclude_none=True),
            "thresholds": {"overall": self.overall, "by_label": self.by_label},
            "sets": {name: judged.to_dict() for name, judged in self.sets.items()},
        }


def calibrate(
    recognizer: Recognizer,
    dev: Sequence[Document],
    test: Sequence[Document] | None = None,
    *,
    method: Method | None = None,
    thresholds: bool = False,
) -> Fitted:
    """Fit on `dev`, look at `dev` and `test`; the recognizer has that calibration from then on.

    With `thresholds`, the one of each label is part of it. Raises `EvaluationError` where the scores say nothing or
    cannot be mapped by that method, `DataError` where there is no document.
    """
    from onoma.analysis.calibration import fit_thresholds
    from onoma.evaluation import match

    before, recognizer.calibration = recognizer.calibration, None
    try:
        kind = recognizer.score_kind
        sides = {
            name: _Side(recognizer, documents)
            for name, documents in (("dev", dev), ("test", test))
            if documents is not None
        }
    finally:
        recognizer.calibration = before
    learnt = recognizer.trained.get("train", {}).get("fingerprint")
    for name, side in sides.items():
        if not side.gold:
            raise DataError(f"{name} holds no document")
        if side.fingerprint == learnt:
            progress.say(f"{name}: the model has learnt these very documents: its scores say nothing about new text")
        if name == "test" and side.fingerprint == sides["dev"].fingerprint:
            progress.say("test: these are the documents of dev, so they judge nothing")
    held = sides["dev"]
    bare = Calibration.fit(match(held.gold, held.answers), method, kind)
    found = fit_thresholds(match(held.gold, held.calibrated(bare)))
    overall = bare.with_thresholds(None, found.overall)
    by_label = bare.with_thresholds(found.by_label, found.overall)
    sets = {name: side.judged((bare, overall, by_label)) for name, side in sides.items()}
    record = {
        "documents": len(held.gold),
        "fingerprint": held.fingerprint,
        "ece": {
            name: {"before": each.before.ece, "after": each.after.ece}
            for name, each in sets.items()
            if each.before is not None and each.after is not None
        },
    }
    made = (by_label if thresholds else bare).model_copy(update={"fitted": record})
    recognizer.calibration = made
    return Fitted(made, found.overall, dict(found.by_label), sets)


class _Side:
    """Documents with what the recognizer says of them as it is."""

    def __init__(self, recognizer: Recognizer, documents: Sequence[Document]) -> None:
        self.gold = [tokenization.split(document, recognizer.splitter) for document in documents]
        self.answers = recognizer.predict(self.gold)
        self.fingerprint = datasets.fingerprint(documents)

    def calibrated(self, calibration: Calibration) -> list[Prediction]:
        return list(calibration.apply(self.gold, self.answers))

    def judged(self, calibrations: tuple[Calibration, Calibration, Calibration]) -> Judged:
        """With the map alone, with one threshold, with one for each label."""
        from onoma.analysis.confidence import confidence, reliability, risk_coverage
        from onoma.evaluation import compare, evaluate, match

        bare, overall, by_label = (evaluate(self.gold, self.calibrated(each)) for each in calibrations)
        seen = [confidence(match(self.gold, self.answers)), confidence(bare.matching)]
        before, after = (None if each.lacking or not each.bounded else reliability(each) for each in seen)
        areas = [None if each.lacking else risk_coverage(each).aurc for each in seen]
        return Judged(
            len(self.gold),
            self.fingerprint,
            len(seen[0]),
            before,
            after,
            (areas[0], areas[1]),
            (bare, overall, by_label),
            (compare(overall, bare), compare(by_label, bare)),
        )
