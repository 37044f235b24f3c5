"""The protocol signature: one line that says how a number was made, and on which gold."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable

from onoma.document import Document
from onoma.evaluation.counts import FEW_DOCUMENTS, UnitCounts
from onoma.evaluation.matching import Matching
from onoma.version import __version__

__all__ = ["gold_fingerprint", "signature"]


def gold_fingerprint(documents: Iterable[Document]) -> str:
    """SHA-256 in hex over ids, texts and spans; the order of documents and of spans does not matter.

    Tokens, sentences, scores and meta take no part: strict matching does not see them.
    """
    digest = hashlib.sha256()
    for document in sorted(documents, key=lambda each: each.id):
        spans = sorted((span.start, span.end, span.label, span.fragments) for span in document.spans)
        line = json.dumps([document.id, document.text, spans], ensure_ascii=True, separators=(",", ":"))
        digest.update(line.encode("ascii") + b"\n")
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
            f"gold sha256:{fingerprint[:12]}",
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
