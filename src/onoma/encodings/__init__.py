"""Task encodings: what a model is asked to produce for a document, and how its answer becomes spans again.

One file an encoding, encode and decode together. Third parties add rows through the entry point group
`onoma.encodings`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from onoma.encodings.base import Encoding, TagEncoding, TagTargets, TextEncoding, TextTargets
from onoma.options import check_options
from onoma.tables import lookup, row_names

__all__ = ["ENCODINGS", "Encoding", "TagEncoding", "TagTargets", "TextEncoding", "TextTargets", "get", "names"]

ENCODINGS: dict[str, str] = {
    "tags": "onoma.encodings.tags:Tags",
    "word_tags": "onoma.encodings.word_tags:WordTags",
    "tag_string": "onoma.encodings.tag_string:TagString",
    "brackets": "onoma.encodings.brackets:Brackets",
    "xml": "onoma.encodings.xml:Xml",
    "markers": "onoma.encodings.markers:Markers",
    "grouped_json": "onoma.encodings.grouped_json:GroupedJson",
    "occurrence_json": "onoma.encodings.occurrence_json:OccurrenceJson",
    "offset_json": "onoma.encodings.offset_json:OffsetJson",
    "type_queries": "onoma.encodings.type_queries:TypeQueries",
    "entity_list": "onoma.encodings.entity_list:EntityList",
    "entity_pairs": "onoma.encodings.entity_pairs:EntityPairs",
    "code_classes": "onoma.encodings.code_classes:CodeClasses",
}


def names() -> tuple[str, ...]:
    """All encodings that can be named."""
    return row_names(ENCODINGS, "onoma.encodings")


def get(name: str, labels: Iterable[str], **options: Any) -> Any:
    """The `Encoding` of that name for some labels; raises `ConfigError` for unknown names and options."""
    kind = lookup(ENCODINGS, name, "encoding", "onoma.encodings")
    check_options(kind.__init__, options, f"the encoding {name}", ("self", "labels"))
    return kind(labels=labels, **options)
