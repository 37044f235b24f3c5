"""What went wrong: views of a `Matching`, which never score anything again.

A taxonomy puts every false positive and every missed mention into exactly one class, and a slice puts every mention at
exactly one value, so their counts add up to the score.
"""

from __future__ import annotations

from onoma.analysis.audit import Audit, Suspicion, audit
from onoma.analysis.calibration import (
    Isotonic,
    Temperature,
    Thresholds,
    fit_isotonic,
    fit_temperature,
    fit_thresholds,
)
from onoma.analysis.confidence import Confidence, Reliability, RiskCoverage, confidence, reliability, risk_coverage
from onoma.analysis.confusion import Confusion, confusion
from onoma.analysis.differences import Difference, Part, SliceComparison, compare_slices
from onoma.analysis.examples import Example, examples
from onoma.analysis.familiarity import Familiarity, LabelFamiliarity, familiarity
from onoma.analysis.learning import Forecast, LearningCurve, NoCurve, fit_learning_curve
from onoma.analysis.power import Detectable, smallest_differences
from onoma.analysis.probes import PROBES, Probed, probe
from onoma.analysis.slices import SLICES, Known, Slice, slice_mentions, slice_scores
from onoma.analysis.surfaces import WrongSurface, WrongSurfaces, surfaces_of, wrong_surfaces
from onoma.analysis.taxonomy import TAXONOMIES, Classified, Error, classify

__all__ = [
    "PROBES",
    "SLICES",
    "TAXONOMIES",
    "Audit",
    "Classified",
    "Confidence",
    "Confusion",
    "Detectable",
    "Difference",
    "Error",
    "Example",
    "Familiarity",
    "Forecast",
    "Isotonic",
    "Known",
    "LabelFamiliarity",
    "LearningCurve",
    "NoCurve",
    "Part",
    "Probed",
    "Reliability",
    "RiskCoverage",
    "Slice",
    "SliceComparison",
    "Suspicion",
    "Temperature",
    "Thresholds",
    "WrongSurface",
    "WrongSurfaces",
    "audit",
    "classify",
    "compare_slices",
    "confidence",
    "confusion",
    "examples",
    "familiarity",
    "fit_isotonic",
    "fit_learning_curve",
    "fit_temperature",
    "fit_thresholds",
    "probe",
    "reliability",
    "risk_coverage",
    "slice_mentions",
    "slice_scores",
    "smallest_differences",
    "surfaces_of",
    "wrong_surfaces",
]
