"""What is done to the spans of any family after it has answered: scores become probabilities, unsure spans go.

It lies beside the model as `calibration.json`; without that file, the model says what it always said.
"""

from __future__ import annotations

import json
from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from onoma import schemes
from onoma.document import Document, Prediction, Span
from onoma.exceptions import ConfigError, ModelError
from onoma.settings import Settings

if TYPE_CHECKING:
    from onoma.analysis.confidence import ScoreKind
    from onoma.evaluation import Matching

__all__ = ["CALIBRATION", "Calibration", "Method"]

CALIBRATION = "calibration.json"

Method = Literal["temperature", "isotonic"]
Finite = Annotated[float, Field(allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1)]


class Calibration(Settings):
    """A map of scores and thresholds on what it gives, with the documents they were fitted on."""

    format: Literal[1] = 1
    method: Method
    """How scores become probabilities."""
    temperature: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    """What log-odds are divided by."""
    knots: Annotated[tuple[tuple[Finite, Share], ...], Field(min_length=1)] | None = None
    """Scores with their probabilities, both rising; straight lines between them."""
    thresholds: dict[str, Share] | None = None
    """By label, the probability from which on a span is kept; None where all are."""
    threshold: Share = 0.0
    """The same for labels that are not named."""
    fitted: dict[str, Any] = {}
    """What it was fitted on."""

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        given = {"temperature": self.temperature, "isotonic": self.knots}
        if given[self.method] is None or sum(each is not None for each in given.values()) != 1:
            raise ValueError(f"{self.method} takes its own parameters and no others")
        for (left, low), (right, high) in pairwise(self.knots or ()):
            if not (left < right and low <= high):
                raise ValueError("knots do not rise")
        return self

    @classmethod
    def fit(
        cls,
        matching: Matching,
        method: Method | None = None,
        kind: ScoreKind | None = None,
        fitted: Mapping[str, Any] | None = None,
    ) -> Self:
        """The map that suits the scores of a matching of held-out documents, without thresholds.

        `kind` is what the scores are; by default probabilities get a temperature and other scores isotonic regression.
        Raises `EvaluationError` where the scores say nothing or cannot be mapped that way.
        """
        from onoma.analysis.calibration import fit_isotonic, fit_temperature
        from onoma.analysis.confidence import confidence

        found = confidence(matching, kind)
        method = method or ("temperature" if found.kind == "probability" else "isotonic")
        if method == "temperature":
            return cls(method=method, temperature=fit_temperature(found).value, fitted=dict(fitted or {}))
        made = fit_isotonic(found)
        knots = tuple(zip(made.scores, made.shares, strict=True))
        return cls(method=method, knots=knots, fitted=dict(fitted or {}))

    def with_thresholds(self, by_label: Mapping[str, float] | None, overall: float) -> Self:
        """The same map with thresholds on what it gives."""
        return self.model_copy(update={"thresholds": dict(by_label or {}), "threshold": overall})

    def _map(self) -> Callable[[Any], Any]:
        from onoma.analysis.calibration import Isotonic, Temperature

        if self.temperature is not None:
            return Temperature(self.temperature)
        assert self.knots is not None
        return Isotonic(*zip(*self.knots, strict=True))

    def apply(self, documents: Sequence[Document], predictions: Sequence[Prediction]) -> Iterator[Prediction]:
        """Predictions with their spans' scores as probabilities, without the spans below their label's threshold.

        Spans without a score stay as they are. Words of a dropped span are outside in the tags, too.
        """
        import numpy as np

        raw = [span.score for each in predictions for span in each.spans if span.score is not None]
        mapped = iter(self._map()(np.array(raw, np.float64)).tolist())
        for document, prediction in zip(documents, predictions, strict=True):
            spans = [span if span.score is None else replace(span, score=next(mapped)) for span in prediction.spans]
            kept = tuple(span for span in spans if self._keeps(span))
            dropped = [span for span in spans if not self._keeps(span)]
            yield replace(prediction, spans=kept, tags=_blanked(document, prediction.tags, dropped))

    def _keeps(self, span: Span) -> bool:
        if self.thresholds is None or span.score is None:
            return True
        return span.score >= self.thresholds.get(span.label, self.threshold)

    def to_json(self) -> str:
        """What the file holds."""
        return json.dumps(self.model_dump(mode="json", exclude_none=True), ensure_ascii=False, indent=2) + "\n"

    @classmethod
    def read(cls, folder: Path) -> Self | None:
        """The calibration in a folder, None where there is none; raises `ModelError` where it is damaged."""
        path = folder / CALIBRATION
        try:
            values = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, RecursionError) as problem:
            raise ModelError(f"{path}: cannot be read: {problem}") from problem
        if not isinstance(values, dict):
            raise ModelError(f"{path}: damaged: no table of settings")
        try:
            return cls.checked(values, f"{path}: damaged")
        except ConfigError as problem:
            raise ModelError(str(problem)) from problem


def _blanked(document: Document, tags: tuple[str, ...] | None, dropped: Sequence[Span]) -> tuple[str, ...] | None:
    if tags is None or len(tags) != len(document.tokens):
        return tags
    changed = list(tags)
    for span in dropped:
        first, last = bisect_left(document.tokens.starts, span.start), bisect_left(document.tokens.starts, span.end)
        changed[first:last] = [schemes.OUTSIDE] * (last - first)
    return tuple(changed)
