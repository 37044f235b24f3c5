"""Learning curves: the same system trained on nested parts of the training documents."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from math import ceil
from typing import Any

from onoma import tokenization
from onoma.document import Document
from onoma.report.schema import CurvePoint

__all__ = ["curve_points", "fraction_folder", "part", "parts"]


def part(documents: Sequence[Document], fraction: float) -> list[Document]:
    """A share of whole documents, at least one, in their order; a larger share holds every smaller one.

    They are chosen by a hash of id and text, so it matters neither in which order they stand nor, much, which others
    there are.
    """
    ranked = sorted(range(len(documents)), key=lambda at: (_rank(documents[at]), at))
    return [documents[at] for at in sorted(ranked[: max(1, ceil(fraction * len(documents) - 1e-9))])]


def _rank(document: Document) -> str:
    name = f"{document.id}\0{document.text}"
    return hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()


def parts(documents: Sequence[Document], fractions: Sequence[float]) -> dict[float, list[Document]]:
    """The parts that differ, smallest first; one that is no smaller than the whole is left out."""
    found: dict[float, list[Document]] = {}
    sizes = {len(documents)}
    for fraction in sorted(fractions):
        chosen = part(documents, fraction)
        if len(chosen) not in sizes:
            found[fraction] = chosen
            sizes.add(len(chosen))
    return found


def fraction_folder(fraction: float) -> str:
    """The name of the folder, in that of a cell, where it is trained on a part."""
    return f"fraction-{fraction}"


def curve_points(
    f1: Mapping[tuple[float, int], Mapping[str, float]], trained: Mapping[float, Sequence[Document]], splitter: str
) -> tuple[CurvePoint, ...]:
    """Points by set, fraction and seed, given micro F1 by fraction and seed, then set, and what was trained on."""
    counted: dict[float, dict[str, Any]] = {}
    for fraction, documents in trained.items():
        split = [tokenization.split(document, splitter) for document in documents]
        counted[fraction] = {
            "fraction": fraction,
            "documents": len(split),
            "sentences": sum(len(document.sentences) for document in split),
            "mentions": sum(len(document.spans) for document in split),
        }
    rows = sorted((set_name, *key, value) for key, each in f1.items() for set_name, value in each.items())
    return tuple(
        CurvePoint(set=set_name, seed=seed, f1=value, **counted[fraction]) for set_name, fraction, seed, value in rows
    )
