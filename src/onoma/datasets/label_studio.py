"""Label Studio's tasks: an array (or lines) of JSON, ranges in the results of an annotation.

    [{"id", "data": {"text"}, "annotations": [{"result": [{"id", "type": "labels", "from_name", "to_name",
      "value": {"start", "end", "text", "labels": [...]}}, ...]}], "predictions": [...]}]

Offsets count code points: the editor, JavaScript though it is, turns its own into them (label-studio, pull request
1559); older exports count UTF-16 units. Every range is held against the text it carries, and where only another unit
holds the error names it. The short form of export is read too (JSON-MIN: {"text", "label": [{"start", "end", "text",
"labels"}], ...}).

What the model has no place for (relations and other results, ids, who annotated) is kept under `meta["label_studio"]`
and written back.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, ClassVar, TextIO

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
)
from onoma.datasets.base import Decision, refuse
from onoma.datasets.offset_units import OffsetMap, OffsetUnit, Place, located, unit_named
from onoma.datasets.records import encode, objects, score, string, text_of, whole
from onoma.document import Document, Span
from onoma.exceptions import ConfigError, DataError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from onoma.datasets.files import Source
    from onoma.datasets.offset_units import Pieces

__all__ = ["LabelStudio"]

_log = logging.getLogger("onoma")
Record = dict[str, Any]
ID_KEY = "document_id"
"""Where ids stand in `data`: the tool gives each imported task a number of its own."""
_VALUE_KEYS = ("start", "end", "text", "labels")
_OTHER_RANGES = ("hypertextlabels", "paragraphlabels")


class LabelStudio:
    """Tasks of one text each; ranges may nest and cross. Tokens and sentences are not kept."""

    name = "label_studio"
    endings: tuple[str, ...] = ()
    suffix = ".json"
    keeps: ClassVar[frozenset[str]] = frozenset({"ids", "scores", "meta"})
    signs = (
        frozenset({"data", "annotations"}),
        frozenset({"data", "predictions"}),
        frozenset({"data", "completions"}),
        frozenset({"text", "label", "annotation_id"}),
    )

    def decide(self, source: Source, *, predictions: bool = False) -> Decision:
        """Whether tasks are whole or in the short form, and whose ranges are read."""
        _, record = next(iter(objects(source)))
        shape = "tasks" if "data" in record else "rows of the short form"
        whose = "predictions" if predictions else "annotations"
        return Decision("label_studio", {}, f"label_studio: {shape}, {whose} are read")

    def read(
        self,
        source: Source,
        *,
        text_key: str = "text",
        label_key: str = "label",
        annotation: str | int | None = None,
        annotator: str | int | None = None,
        predictions: bool = False,
        offset_unit: OffsetUnit = "code_point",
    ) -> Iterator[Document]:
        """The documents.

        Cancelled annotations never count. Of several left `annotation` chooses (a number from 0, or "first"),
        `annotator` takes those of one person (id or address); else several are a `DataError`. Tasks without any are
        skipped, and a log line counts them. `predictions=True` reads those instead. `text_key` is the key of the text
        in `data`, `label_key` that of the ranges in the short form.
        """
        unit = unit_named(offset_unit)
        pick = _Pick(annotation, None if annotator is None else str(annotator), predictions)
        skipped = read = 0

        def build(record: Record, number: int) -> Document | None:
            nonlocal skipped, read
            short = label_key if "data" not in record else None
            found = pick.of(record) if short is None else _short(record, label_key, pick)
            if found is None:
                skipped += 1
                return None
            read += 1
            return _document(record, number, text_key, found, unit, pick.key(record), short)

        yield from documents_of(source, build)
        what = "a prediction" if predictions else "an annotation"
        if not read:
            mend = None if predictions else "predictions=True reads predictions"
            raise DataError(f"no task has {what} to read", path=source.name, mend=mend)
        if skipped:
            _log.info("%s: tasks not read for want of %s: %s", source.name, what, f"{skipped:,}")

    def write(
        self,
        documents: Iterable[Document],
        handle: TextIO,
        *,
        lossy: bool = False,
        text_key: str = "text",
        from_name: str = "label",
        to_name: str = "text",
        as_predictions: bool = False,
        model_version: str = "onoma",
        offset_unit: OffsetUnit = "code_point",
    ) -> None:
        """Write an array of tasks to import, one a line; `as_predictions` writes ranges as pre-annotations.

        `from_name` and `to_name` are the names of the Labels and the Text tag in the labelling configuration.
        """
        unit = unit_named(offset_unit)
        comma = "["
        for document in documents:
            if not lossy:
                refuse(self.name, document, self.losses(document))
            task = _task(document, text_key, from_name, to_name, unit, model_version if as_predictions else None)
            handle.write(f"{comma}\n{encode(task, document.id)}")
            comma = ","
        handle.write("[]\n" if comma == "[" else "\n]\n")

    def losses(self, document: Document) -> list[str]:
        """Discontinuous spans, and relations whose regions are gone."""
        found = [span_line(document, span, "is discontinuous") for span in document.spans if span.fragments]
        regions = _regions(document, "", "", OffsetMap(document.text, "code_point"))
        lost = _results(document, regions)[1]
        return found + [f"relation {str(result)[:60]} points at a region that is gone" for result in lost]


# ---------------------------------------------------------------------- whose ranges


class _Pick:
    """Which annotation of a task is read."""

    def __init__(self, annotation: str | int | None, annotator: str | None, predictions: bool) -> None:
        place = 0 if annotation == "first" else annotation
        if isinstance(place, str) and place.isascii() and place.isdigit():
            place = int(place)
        if place is not None and (isinstance(place, (bool, str)) or place < 0):
            raise ConfigError(f"annotation is {annotation!r}: a number from 0, or 'first'")
        self._place, self.annotator, self.predictions = place, annotator, predictions

    def key(self, record: Record) -> str:
        """Under which key the lists stand."""
        if self.predictions:
            return "predictions"
        return "completions" if "completions" in record and "annotations" not in record else "annotations"

    def of(self, record: Record) -> Record | None:
        """The annotation of a task; None where it has none. Raises `DataError` where it has several."""
        key = self.key(record)
        items = record.get(key) or []
        if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
            raise DataError(f"{key!r} is not a list of objects")
        left = [item for item in items if not item.get("was_cancelled") and not item.get("skipped")]
        if self.annotator is not None:
            left = [item for item in left if self.by(item)]
        if len(left) > 1 and self._place is None:
            raise DataError(
                f"the task has {len(left)} {key}",
                mend="pass annotation=first, annotation=NUMBER (from 0), or annotator=WHO",
            )
        if not left:
            return None
        place = self._place or 0
        if place >= len(left):
            raise DataError(f"the task has {len(left)} {key}, none has the number {place} counted from 0")
        return left[place]

    def by(self, item: Record) -> bool:
        """Whether an annotation is of the one annotator that is read."""
        who = item.get("completed_by", item.get("annotator", item.get("model_version")))
        names = [who.get("id"), who.get("email"), who.get("username")] if isinstance(who, dict) else [who]
        return any(name is not None and str(name) == self.annotator for name in names)


def _short(record: Record, label_key: str, pick: _Pick) -> Record | None:
    """A row of the short form as an annotation."""
    if pick.predictions:
        raise DataError("a row without 'data' has no predictions", mend="export whole tasks (JSON)")
    if pick.annotator is not None and not pick.by(record):
        return None
    items = record.get(label_key)
    if items is None:
        for key, value in record.items():
            if isinstance(value, list) and value and isinstance(value[0], dict) and "labels" in value[0]:
                raise DataError(f"no key {label_key!r}", mend=f"pass label_key={key}")
        items = []
    if not isinstance(items, list):
        raise DataError(f"{label_key!r} is not a list")
    result: list[Record] = []
    for number, item in enumerate(items):
        if not isinstance(item, dict):
            raise DataError(f"{label_key}[{number}] is not an object")
        result.append({"type": "labels", "value": item})
    return {"result": result}


# ---------------------------------------------------------------------- reading


def _document(
    record: Record, number: int, text_key: str, annotation: Record, unit: OffsetUnit, key: str, short: str | None
) -> Document:
    """The document of a task; `key` names the list its annotation stood in, `short` the ranges of the short form."""
    data = record["data"] if short is None else {name: value for name, value in record.items() if name != short}
    if not isinstance(data, dict):
        raise DataError("'data' is not an object")
    text = string(data, text_key, f"data.{text_key}")
    results = annotation.get("result")
    if not isinstance(results, list):
        raise DataError("'result' of the annotation is not a list")
    places: list[Place] = []
    regions: list[tuple[list[str], float | None, int]] = []
    extras: list[Record] = []
    others: list[Any] = []
    for at, result in enumerate(results):
        what = f"result[{at}]"
        if not isinstance(result, dict):
            raise DataError(f"{what} is not an object")
        kind, value = result.get("type"), result.get("value")
        if kind in _OTHER_RANGES:
            raise DataError(f"{what} is of type {kind}: its offsets are no characters of a plain text")
        if kind != "labels" or not isinstance(value, dict) or not value.get("labels"):
            others.append(result)
            continue
        places.append(_place(value, what))
        regions.append((_labels(value, what), score(result.get("score"), f"{what}.score"), len(extras)))
        rest = {name: each for name, each in result.items() if name not in ("type", "value", "score")}
        extras.append({"result": rest, "value": {n: each for n, each in value.items() if n not in _VALUE_KEYS}})
    ranges = [pieces[0] for pieces in located(text, places, unit, lambda pieces, given: _same(text, pieces, given))]
    spans = [
        (Span(*bounds, label, score), {"region": region})
        for bounds, (labels, score, region) in zip(ranges, regions, strict=True)
        for label in labels
    ]
    plain = not any(extra["result"] or extra["value"] for extra in extras)
    kept = {
        "spans": [] if plain and all(len(labels) == 1 for labels, _, _ in regions) else attach(spans),
        "regions": [] if plain else extras,
        "results": others,
        "data": {name: each for name, each in data.items() if name not in (text_key, ID_KEY, "meta")},
        "annotation": {name: each for name, each in annotation.items() if name != "result"},
        "task": {} if short else {n: each for n, each in record.items() if n not in ("id", "data", key)},
    }
    if short:
        kept["data"].pop("id", None)
    elif "id" in record and ID_KEY not in data:
        kept["numbered"] = True
    if not isinstance(data.get("meta", {}), dict):
        kept["data"]["meta"] = data["meta"]
    id = identity(data, number, ID_KEY) if ID_KEY in data else identity(record, number)
    return Document(id, text, spans=tuple(span for span, _ in spans), meta=row_meta(data, "label_studio", kept))


def _place(value: Record, what: str) -> Place:
    for name in ("start", "end"):
        if name not in value:
            raise DataError(f"{what}.value has no key {name!r}")
    start, end = whole(value["start"], f"{what}.value.start"), whole(value["end"], f"{what}.value.end")
    given = value.get("text")
    return Place(what, ((start, end),), None if given is None else text_of(given, f"{what}.value.text"))


def _labels(value: Record, what: str) -> list[str]:
    labels = value["labels"]
    if not isinstance(labels, list):
        raise DataError(f"{what}.value.labels is not a list")
    return [text_of(label, f"{what}.value.labels[{number}]") for number, label in enumerate(labels)]


def _same(text: str, pieces: Pieces, given: str) -> bool:
    """Whether a range is the text given with it; some versions write a newline as a backslash and an n."""
    (start, end), *_ = pieces
    surface = text[start:end]
    return surface == given or _one_line(surface) == _one_line(given)


def _one_line(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n").replace("\n", "\\n")


# ---------------------------------------------------------------------- writing


def _task(
    document: Document, text_key: str, from_name: str, to_name: str, unit: OffsetUnit, model: str | None
) -> Record:
    data: Record = {text_key: document.text}
    numbered = part(document, "label_studio", "numbered", bool)
    if not numbered:
        data[ID_KEY] = document.id
    for name, value in part(document, "label_studio", "data", dict).items():
        data.setdefault(name, value)
    other_meta(document, "label_studio", data)
    try:
        regions = _regions(document, from_name, to_name, OffsetMap(document.text, unit))
    except DataError as error:
        raise DataError(f"document {document.id!r}: {error.message}", mend=error.mend) from None
    results, _ = _results(document, regions)
    kept = part(document, "label_studio", "annotation", dict)
    task: Record = {"id": number_or_text(document.id)} if numbered else {}
    task |= {**part(document, "label_studio", "task", dict), "data": data}
    if model is None:
        return {**task, "annotations": [{**kept, "result": results}]}
    scores = [span.score for span in document.spans if span.score is not None]
    answer: Record = {"model_version": model, "result": results}
    if scores and len(scores) == len(document.spans):
        answer["score"] = sum(scores) / len(scores)
    return {**task, "predictions": [answer]}


def _regions(document: Document, from_name: str, to_name: str, units: OffsetMap) -> list[Record]:
    """The results of a document's spans: labels that stood on one region stand on one again."""
    attached = Attached(document, "label_studio")
    extras = part(document, "label_studio", "regions", list)
    regions: dict[tuple[Any, ...], Record] = {}
    for number, span in enumerate(document.spans):
        if span.fragments:
            continue
        place = attached.take(span).get("region")
        key = ("new", number) if type(place) is not int else (place, span.start, span.end, span.score)
        if key in regions:
            regions[key]["value"]["labels"].append(span.label)
            continue
        extra = extras[place] if type(place) is int and 0 <= place < len(extras) else {}
        result, value = (extra.get("result"), extra.get("value")) if isinstance(extra, dict) else (None, None)
        region: Record = {"from_name": from_name, "to_name": to_name, "type": "labels"}
        region |= result if isinstance(result, dict) else {}
        region["value"] = {
            **(value if isinstance(value, dict) else {}),
            "start": units.from_code_point(span.start),
            "end": units.from_code_point(span.end),
            "text": document.surface(span),
            "labels": [span.label],
        }
        if span.score is not None:
            region["score"] = float(span.score)
        regions[key] = region
    found = list(regions.values())
    _name(found, {str(region["id"]) for region in found if "id" in region})
    return found


def _name(regions: list[Record], used: set[str]) -> None:
    """Give an id to the regions that have none."""
    number = 0
    for region in regions:
        while "id" not in region:
            number += 1
            if f"r{number}" not in used:
                region["id"] = f"r{number}"


def _results(document: Document, regions: list[Record]) -> tuple[list[Any], list[Any]]:
    """All results of an annotation, and the relations that are left out, as they point at no region."""
    others = part(document, "label_studio", "results", list)
    ids = {str(result["id"]) for result in (*regions, *others) if isinstance(result, dict) and "id" in result}
    kept: list[Any] = []
    lost: list[Any] = []
    for result in others:
        relation = isinstance(result, dict) and result.get("type") == "relation"
        stands = not relation or {str(result.get("from_id")), str(result.get("to_id"))} <= ids
        (kept if stands else lost).append(result)
    return [*regions, *kept], lost
