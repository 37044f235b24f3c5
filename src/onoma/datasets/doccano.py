"""doccano's JSON Lines: one text a line with labelled ranges, in one of two shapes.

    {"id", "text", "label": [[start, end, "LABEL"], ...]}    (also under "labels")
    {"id", "text", "entities": [{"id", "label", "start_offset", "end_offset"}],
     "relations": [{"id", "from_id", "to_id", "type"}]}

doccano counts UTF-16 units, as its editor is JavaScript, or grapheme clusters in projects that count them as one
character; files made elsewhere mostly count code points. So `offset_unit` is `utf16` unless named, for reading and
for writing. The ranges carry no text to check them by: those outside the text or inside a surrogate pair are errors
that name the unit which fits, and a log line warns where another unit cuts fewer words.
"""

from __future__ import annotations

import logging
from collections import Counter
from typing import TYPE_CHECKING, Any, ClassVar, TextIO, cast

from onoma.datasets.attached import (
    Attached,
    attach,
    documents_of,
    identity,
    number_or_text,
    other_meta,
    part,
    row_meta,
    span_line,
    surplus,
)
from onoma.datasets.base import Decision, refuse
from onoma.datasets.offset_units import UNITS, OffsetMap, OffsetUnit, Place, located, unit_named
from onoma.datasets.records import encode, objects, string, text_of, whole
from onoma.document import Document, Span
from onoma.exceptions import ConfigError, DataError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from onoma.datasets.files import Source

__all__ = ["Doccano"]

_log = logging.getLogger("onoma")
SHAPES = ("label", "labels", "entities")
_TEXT_KEYS = ("text", "data")
_ENTITY_KEYS = ("label", "start_offset", "end_offset")


class Doccano:
    """Texts with ranges that may nest and cross. Tokens, sentences and scores are not kept."""

    name = "doccano"
    endings: tuple[str, ...] = ()
    suffix = ".jsonl"
    keeps: ClassVar[frozenset[str]] = frozenset({"ids", "meta"})
    signs = (
        frozenset({"text", "label"}),
        frozenset({"text", "labels"}),
        frozenset({"text", "entities"}),
        frozenset({"text", "entities", "relations"}),
        frozenset({"data", "label"}),
    )

    def decide(self, source: Source, *, offset_unit: OffsetUnit = "utf16") -> Decision:
        """The shape of the first row and the unit of offsets."""
        unit = unit_named(offset_unit)
        line, record = next(iter(objects(source)))
        try:
            shape = _shape(record)
        except DataError as error:
            raise DataError(error.message, path=source.name, line=line, mend=error.mend) from None
        return Decision("doccano", {}, f"doccano: ranges under {shape!r}, offsets counted in {unit}")

    def read(self, source: Source, *, offset_unit: OffsetUnit = "utf16") -> Iterator[Document]:
        """The documents; `offset_unit` is what the file's offsets count: utf16, grapheme or code_point."""
        unit = unit_named(offset_unit)
        doubt = _Doubt(unit)

        def build(record: dict[str, Any], number: int) -> Document:
            return _document(record, number, unit, doubt)

        yield from documents_of(source, build)
        better = doubt.better()
        if better is not None:
            _log.warning("%s: %s", source.name, better)

    def write(
        self,
        documents: Iterable[Document],
        handle: TextIO,
        *,
        lossy: bool = False,
        shape: str | None = None,
        offset_unit: OffsetUnit = "utf16",
    ) -> None:
        """Write one row a document; `shape` is label, labels or entities (else as it was read, else label).

        Raises `DataError` for a span that cuts a grapheme cluster where those are counted.
        """
        if shape is not None and shape not in SHAPES:
            raise ConfigError(f"shape is {shape!r}: use one of {', '.join(SHAPES)}")
        unit = unit_named(offset_unit)
        for document in documents:
            if not lossy:
                refuse(self.name, document, _losses(document, shape))
            handle.write(encode(_record(document, shape, unit), document.id) + "\n")

    def losses(self, document: Document, *, shape: str | None = None) -> list[str]:
        """Discontinuous spans, and relations whose entities are gone."""
        return _losses(document, shape)


def _shape(record: dict[str, Any]) -> str:
    found = [key for key in SHAPES if key in record]
    filled = [key for key in found if record[key]]
    if len(filled) > 1:
        raise DataError(f"ranges under {filled[0]!r} and under {filled[1]!r}", mend="leave one of them")
    if not found:
        raise DataError("no key 'label', 'labels' or 'entities'", mend="export a sequence labelling project")
    return (filled or found)[0]


# ---------------------------------------------------------------------- reading


def _document(record: dict[str, Any], number: int, unit: OffsetUnit, doubt: _Doubt) -> Document:
    text_key = "data" if "data" in record and "text" not in record else "text"
    text = string(record, text_key)
    shape = _shape(record)
    items = record[shape]
    if not isinstance(items, list):
        raise DataError(
            f"{shape!r} is not a list", mend="ranges [start, end, label] are read, not labels of whole texts"
        )
    parse = _entity if shape == "entities" else _triple
    parsed = [parse(item, f"{shape}[{at}]") for at, item in enumerate(items)]
    ids = Counter(keeps["id"] for _, _, keeps in parsed if "id" in keeps)
    if ids and max(ids.values()) > 1:
        raise DataError(f"entity id {ids.most_common(1)[0][0]!r} comes twice")
    places = [place for place, _, _ in parsed]
    ranges = [pieces[0] for pieces in located(text, places, unit, _unchecked)]
    spans = [(Span(start, end, label), keeps) for (start, end), (_, label, keeps) in zip(ranges, parsed, strict=True)]
    doubt.look(text, [place.pieces[0] for place in places])
    rest = {key: value for key, value in record.items() if key not in ("id", text_key, *SHAPES, "meta")}
    if not isinstance(record.get("meta", {}), dict):
        rest["meta"] = record["meta"]
    if rest.get("relations") == []:
        del rest["relations"]
    kept = {"shape": "" if shape == "label" else shape, "record": rest, "spans": attach(spans)}
    meta = row_meta(record, "doccano", kept)
    return Document(identity(record, number), text, spans=tuple(span for span, _ in spans), meta=meta)


def _unchecked(*_: object) -> bool:
    return True


def _triple(item: object, what: str) -> tuple[Place, str, dict[str, Any]]:
    if isinstance(item, dict) and "labels" in item:
        raise DataError(
            f"{what} is an object with 'labels'", mend="this is Label Studio's: name the format label_studio"
        )
    if not isinstance(item, list) or len(item) != 3:
        raise DataError(f"{what} is not [start, end, label]")
    start, end, label = cast("list[object]", item)
    place = Place(what, ((whole(start, f"{what}[0]"), whole(end, f"{what}[1]")),))
    return place, text_of(label, f"{what}[2]"), {}


def _entity(item: object, what: str) -> tuple[Place, str, dict[str, Any]]:
    if not isinstance(item, dict):
        raise DataError(f"{what} is not an object")
    for key in _ENTITY_KEYS:
        if key not in item:
            raise DataError(f"{what} has no key {key!r}")
    start = whole(item["start_offset"], f"{what}.start_offset")
    end = whole(item["end_offset"], f"{what}.end_offset")
    rest = {key: value for key, value in item.items() if key not in _ENTITY_KEYS}
    if not isinstance(rest.get("id", 0), (int, str)):
        raise DataError(f"{what}.id is neither a number nor a string")
    return Place(what, ((start, end),)), string(item, "label", f"{what}.label"), rest


class _Doubt:
    """Counts, for texts in which units differ, the ranges of a file that cut words or end in blanks under each unit."""

    def __init__(self, unit: OffsetUnit) -> None:
        self._unit = unit
        self._odd: Counter[str] = Counter()
        self._possible = set(UNITS)

    def look(self, text: str, ranges: Sequence[tuple[int, int]]) -> None:
        """Take in the ranges of one text, which fit it under the unit that was named."""
        if not ranges or (text.isascii() and "\r\n" not in text):
            return
        for unit in sorted(self._possible):
            units = OffsetMap(text, cast("OffsetUnit", unit))
            try:
                for start, end in ranges:
                    self._odd[unit] += _is_odd(text, units.to_code_point(start), units.to_code_point(end))
            except DataError:
                self._possible.discard(unit)

    def better(self) -> str | None:
        """A sentence about a unit under which fewer ranges are odd."""
        best = min(sorted(self._possible), key=lambda unit: self._odd[unit], default=self._unit)
        here, there = self._odd[self._unit], self._odd[best]
        if there >= here:
            return None
        return (
            f"{here:,} range(s) cut a word or end in a blank under {self._unit}, {there:,} under {best}: "
            f"look at the spans, and pass offset_unit={best} if they are shifted"
        )


def _is_odd(text: str, start: int, end: int) -> bool:
    cut = any(0 < at < len(text) and text[at - 1].isalnum() and text[at].isalnum() for at in (start, end))
    return cut or text[start : start + 1].isspace() or text[end - 1 : end].isspace()


# ---------------------------------------------------------------------- writing


def _losses(document: Document, shape: str | None) -> list[str]:
    found = [span_line(document, span, "is discontinuous") for span in document.spans if span.fragments]
    relations = part(document, "doccano", "record", dict).get("relations")
    if not relations or not isinstance(relations, list):
        return found
    if (shape or _kept_shape(document)) != "entities":
        return [*found, "relations need shape=entities"]
    known = _ids(_entities(document, OffsetMap(document.text, "code_point")))
    lost = [relation for relation in relations if not _stands(relation, known)]
    return found + [f"relation {str(relation)[:60]} points at an entity that is gone" for relation in lost]


def _kept_shape(document: Document) -> str:
    kept = surplus(document, "doccano").get("shape")
    return kept if kept in SHAPES else "label"


def _ids(entities: Iterable[dict[str, Any]]) -> set[Any]:
    return {entity["id"] for entity in entities if isinstance(entity["id"], (int, str))}


def _stands(relation: object, known: set[Any]) -> bool:
    ends = (relation.get("from_id"), relation.get("to_id")) if isinstance(relation, dict) else ()
    return all(isinstance(end, (int, str)) and end in known for end in ends)


def _entities(document: Document, units: OffsetMap) -> list[dict[str, Any]]:
    """Entities with the ids they were read with, others with new ones."""
    attached = Attached(document, "doccano")
    used = [kept.get("id") for kept in attached.all]
    fresh = max((id for id in used if type(id) is int), default=0)
    items: list[dict[str, Any]] = []
    for span in document.spans:
        if span.fragments:
            continue
        kept = attached.take(span)
        if "id" not in kept:
            fresh += 1
            kept = {"id": fresh, **kept}
        start, end = units.from_code_point(span.start), units.from_code_point(span.end)
        items.append({**kept, "label": span.label, "start_offset": start, "end_offset": end})
    return items


def _record(document: Document, shape: str | None, unit: OffsetUnit) -> dict[str, Any]:
    shape = shape or _kept_shape(document)
    rest = dict(part(document, "doccano", "record", dict))
    other_meta(document, "doccano", rest)
    units = OffsetMap(document.text, unit)
    try:
        entities = _entities(document, units)
    except DataError as error:
        raise DataError(f"document {document.id!r}: {error.message}", mend=error.mend) from None
    items: list[Any] = entities
    if shape == "entities":
        relations = rest.pop("relations", [])
        known = _ids(entities)
        if isinstance(relations, list):
            relations = [relation for relation in relations if _stands(relation, known)]
        rest = {"relations": relations, **rest}
    else:
        rest.pop("relations", None)
        items = [[item["start_offset"], item["end_offset"], item["label"]] for item in entities]
    taken = ("id", "text", *SHAPES)
    rest = {key: value for key, value in rest.items() if key not in taken}
    return {"id": number_or_text(document.id), "text": document.text, shape: items, **rest}
