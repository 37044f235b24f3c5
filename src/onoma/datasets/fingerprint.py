"""A name for what some documents hold, whatever file they came from."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from onoma.document import Document

__all__ = ["fingerprint"]


def fingerprint(documents: Iterable[Document]) -> str:
    """sha256 (hexadecimal) over id, text, tokens and spans of each document in turn.

    The order of a document's spans, their scores and the meta data take no part.
    """
    digest = hashlib.sha256()
    for document in documents:
        spans = sorted((span.start, span.end, span.label, span.fragments) for span in document.spans)
        tokens = [(token.start, token.end) for token in document.tokens]
        record = json.dumps([document.id, document.text, tokens, spans], separators=(",", ":"))
        digest.update(record.encode("ascii") + b"\n")
    return digest.hexdigest()
