"""The protocol signature: one line that says how a number was made, and on which gold."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

import numpy as np

from onoma.document import Document
from onoma.evaluation.columns import Places, Side, sides
from onoma.evaluation.counts import FEW_DOCUMENTS, UnitCounts
from onoma.evaluation.matching import Matching
from onoma.version import __version__

__all__ = ["fingerprint_of", "gold_fingerprint", "signature"]


def gold_fingerprint(documents: Iterable[Document]) -> str:
    """SHA-256 in hex over ids, texts and spans; the order of documents and of spans does not matter.

    Tokens, sentences, scores and meta take no part: strict matching does not see them.
    """
    ordered = sorted(documents, key=lambda each: each.id)
    gold, _, names = sides([document.spans for document in ordered], [()] * len(ordered))
    return fingerprint_of(Places(ordered), gold, names)


def fingerprint_of(places: Places, gold: Side, names: Sequence[str]) -> str:
    """As `gold_fingerprint`, from documents ordered by id and all their spans as columns."""
    digest = hashlib.sha256()
    texts: list[str] = []
    for document in places.documents:
        texts += (document.id, document.text)
    used, label = np.unique(gold.label, return_inverse=True)
    labels = [str(names[number]) for number in used.tolist()]
    order = np.lexsort((label, gold.pieces, gold.end, gold.start, gold.document))
    broken = [gold.spans[index].fragments for index in order[gold.pieces[order] > 0].tolist()]
    groups: tuple[list[str], ...] = (texts, labels, [repr(fragments) for fragments in broken])
    for strings in groups:
        sizes = np.fromiter(map(len, strings), "<i8", len(strings))
        digest.update(np.array([len(strings)], "<i8").tobytes() + sizes.tobytes())
        digest.update("".join(strings).encode("utf-8", "surrogatepass"))
    for column in (gold.document, gold.start, gold.end, label, gold.pieces > 0):
        digest.update(column[order].astype("<i8").tobytes())
    return digest.hexdigest()


def signature(
    matching: Matching,
    counts: UnitCounts,
    *,
    fingerprint: str,
    resamples: int,
    seed: int,
    confidence: float,
) -> str:
    """The line that stands under every table of strict scores."""
    return " | ".join(
        (
            f"onoma {__version__}",
            "strict",
            "match start+end+label",
            "0/0=0",
            "macro over labels with gold support",
            _interval(counts, resamples, seed, confidence),
            f"labels {','.join(matching.gold_labels) or 'none'}",
            _filter(matching),
            f"gold sha256/2:{fingerprint[:12]}",
        )
    )


def _interval(counts: UnitCounts, resamples: int, seed: int, confidence: float) -> str:
    units = len(counts)
    if not resamples or not units:
        return "interval: none"
    what = f"{units:,} {counts.unit}{'' if units == 1 else 's'}"
    if counts.unit == "sentence":
        what += f" ({counts.documents:,} document{'' if counts.documents == 1 else 's'})"
    elif counts.documents < FEW_DOCUMENTS:
        what += " (few)"
    return f"interval: percentile bootstrap, {resamples:,} resamples of {what}, seed {seed}, {100 * confidence:g}%"


def _filter(matching: Matching) -> str:
    if matching.labels is None:
        return "filter none"
    removed = f"removed {matching.gold_filtered:,} gold, {matching.predicted_filtered:,} predicted"
    return f"filter {','.join(matching.labels)} ({removed})"
