"""Predictions on disk: our JSON Lines with problems, tags and the raw answer beside the spans."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from onoma.datasets import jsonl
from onoma.datasets.files import Source, replacing
from onoma.datasets.records import encode, objects, pair, text_of
from onoma.document import Document, Prediction, Problem, Token
from onoma.exceptions import DataError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

__all__ = ["check_text", "prediction_line", "predictions_of", "write_predictions"]

KEYS = (*jsonl.KEYS, *jsonl.ANSWER_KEYS)
_PROBLEM_KEYS = ("kind", "text", "label", "within")


def write_predictions(pairs: Iterable[tuple[Document, Prediction]], path: str | Path) -> None:
    """Write each prediction with its document's text; raises `DataError` where the two are not of one id."""
    with replacing(path) as handle:
        for document, prediction in pairs:
            handle.write(prediction_line(document, prediction) + "\n")


def prediction_line(document: Document, prediction: Prediction) -> str:
    """One line of JSON: a prediction with its document's text; raises `DataError` where they are not of one id."""
    if document.id != prediction.document_id:
        raise DataError(f"prediction {prediction.document_id!r} is paired with document {document.id!r}")
    record = jsonl.record_of(document, prediction.spans)
    if prediction.problems:
        record["problems"] = [_problem_record(problem) for problem in prediction.problems]
    if prediction.tags is not None:
        record["tags"] = list(prediction.tags)
    if prediction.raw is not None:
        record["raw"] = prediction.raw if isinstance(prediction.raw, str) else list(prediction.raw)
    return encode(record, document.id)


def _problem_record(problem: Problem) -> dict[str, Any]:
    record = {"kind": problem.kind, "text": problem.text, "label": problem.label, "within": problem.within}
    return {key: value for key, value in record.items() if value is not None}


def predictions_of(
    source: Source, texts: Mapping[str, str] | None = None, tokens: Mapping[str, Sequence[Token]] | None = None
) -> Iterator[Prediction]:
    """The predictions of a file of JSON Lines; every `DataError` names file and line.

    `texts` by document id are what the predictions must have been made for. Tags that are of other tokens than those
    of `tokens` are left out: they say nothing of these.
    """
    seen: dict[str, int] = {}
    for line, record in objects(source):
        try:
            prediction = _prediction(record)
            id = prediction.document_id
            if id in seen:
                raise DataError(f"document id {id!r} stands already in line {seen[id]}")
            check_text(id, record["text"], texts)
            if prediction.tags is not None and _others(record.get("tokens"), (tokens or {}).get(id)):
                prediction = replace(prediction, tags=None)
        except DataError as error:
            raise DataError(error.message, path=source.name, line=line, mend=error.mend) from None
        seen[id] = line
        yield prediction


def _others(own: list[list[int]] | None, wanted: Sequence[Token] | None) -> bool:
    return bool(own and wanted) and own != [[token.start, token.end] for token in wanted or ()]


def check_text(id: str, text: str, texts: Mapping[str, str] | None) -> None:
    """Raise `DataError` where a prediction was made for another text than that of the document of its id."""
    expected = None if texts is None else texts.get(id)
    if expected is not None and text != expected:
        at = next(
            (at for at, (a, b) in enumerate(zip(text, expected, strict=False)) if a != b), min(len(text), len(expected))
        )
        raise DataError(
            f"document {id!r}: predicted for another text than the gold's, from character {at} on: "
            f"{text[at : at + 20]!r} instead of {expected[at : at + 20]!r}",
            mend="predict the gold file itself",
        )


def _prediction(record: dict[str, Any]) -> Prediction:
    document = jsonl.document_of({key: record[key] for key in record if key not in jsonl.ANSWER_KEYS}, jsonl.KEYS)
    items = record.get("problems", [])
    if not isinstance(items, list):
        raise DataError("'problems' is not a list")
    problems = tuple(_problem(item, number, len(document.text)) for number, item in enumerate(items))
    tags, raw = record.get("tags"), record.get("raw")
    if tags is not None and not _strings(tags, "tags"):
        raise DataError("'tags' is not a list of strings")
    if tags is not None and document.tokens and len(tags) != len(document.tokens):
        raise DataError(f"{len(tags)} tags for {len(document.tokens)} tokens")
    if raw is not None and not _strings([raw] if isinstance(raw, str) else raw, "raw"):
        raise DataError("'raw' is neither a string nor a list of strings")
    return Prediction(
        document.id,
        document.spans,
        problems,
        None if tags is None else tuple(tags),
        tuple(raw) if isinstance(raw, list) else raw,
    )


def _strings(value: object, what: str) -> bool:
    """Whether a value is a list of strings; raises `DataError` where one of them holds half a surrogate pair."""
    return isinstance(value, list) and all(
        isinstance(item, str) and text_of(item, repr(what)) == item for item in value
    )


def _problem(item: object, number: int, size: int) -> Problem:
    name = f"problems[{number}]"
    if not isinstance(item, dict) or "kind" not in item:
        raise DataError(f"{name} is not an object with a 'kind'")
    for key, value in item.items():
        if key not in _PROBLEM_KEYS:
            raise DataError(f"{name} has the unknown key {key!r}", mend=f"known: {', '.join(_PROBLEM_KEYS)}")
        if key == "within" or (key == "label" and value is None):
            continue
        if not isinstance(value, str):
            raise DataError(f"{name}.{key} is not a string")
        text_of(value, f"{name}.{key}")
    within = item.get("within")
    place = None if within is None else pair(within, f"{name}.within")
    if place and place[1] > size:
        raise DataError(f"{name}.within [{place[0]}:{place[1]}] lies outside the text of {size} characters")
    return Problem(item["kind"], item.get("text", ""), item.get("label"), place)
