"""What went wrong: views of a `Matching`, which never score anything again.

A taxonomy puts every false positive and every missed mention into exactly one class, and a slice puts every mention at
exactly one value, so their counts add up to the score.
"""

from __future__ import annotations

from onoma.analysis.slices import SLICES, Known, Slice, slice_scores
from onoma.analysis.taxonomy import TAXONOMIES, Classified, Error, classify

__all__ = ["SLICES", "TAXONOMIES", "Classified", "Error", "Known", "Slice", "classify", "slice_scores"]
