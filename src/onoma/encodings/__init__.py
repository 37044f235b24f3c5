"""Task encodings: what a model is asked to produce for a document, and how its answer becomes spans again.

One file an encoding, encode and decode together. Third parties add rows through the entry point group
`onoma.encodings`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from onoma.encodings.base import Encoding, TagEncoding, TagTargets, TextEncoding, TextTargets
from onoma.exceptions import ConfigError
from onoma.tables import lookup, row_names

__all__ = ["ENCODINGS", "Encoding", "TagEncoding", "TagTargets", "TextEncoding", "TextTargets", "get", "names"]

ENCODINGS: dict[str, str] = {
    "tags": "onoma.encodings.tags:Tags",
    "word_tags": "onoma.encodings.word_tags:WordTags",
    "tag_string": "onoma.encodings.tag_string:TagString",
}


def names() -> tuple[str, ...]:
    """All encodings that can be named."""
    return row_names(ENCODINGS, "onoma.encodings")


def get(name: str, labels: Iterable[str], **options: Any) -> Any:
    """The `Encoding` of that name for some labels; raises `ConfigError` for unknown names and options."""
    kind = lookup(ENCODINGS, name, "encoding", "onoma.encodings")
    try:
        return kind(labels=labels, **options)
    except TypeError as problem:
        raise ConfigError(f"encoding {name!r}: {problem}") from problem
