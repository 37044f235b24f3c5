"""What went wrong: views of a `Matching`, which never score anything again.

A taxonomy puts every false positive and every missed mention into exactly one class, so its counts add up to the score.
"""

from __future__ import annotations

from onoma.analysis.taxonomy import TAXONOMIES, Classified, Error, classify

__all__ = ["TAXONOMIES", "Classified", "Error", "classify"]
