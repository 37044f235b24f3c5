"""A program's answers, read line by line: whatever it says becomes spans, counted problems, or a lost answer."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from onoma.document import Document, Prediction, Problem, Span
from onoma.exceptions import DataError

__all__ = ["Answers"]

SHOWN = 80
"""Characters of a bad line that a problem keeps."""
_ID = re.compile(r'"id"\s*:\s*("(?:[^"\\]|\\.)*")')


class Answers:
    """What has been answered of some documents with distinct `ids`; `labels` renames the program's labels.

    Lines that belong to no document are counted in `strangers` (an id nobody asked for) and `unreadable`.
    """

    def __init__(self, ids: Sequence[str], documents: Sequence[Document], labels: Mapping[str, str]) -> None:
        self.asked = dict(zip(ids, documents, strict=True))
        self.labels = labels
        self.found: dict[str, Prediction] = {}
        self.strangers: list[str] = []
        self.unreadable: list[str] = []

    def take(self, line: bytes) -> bool:
        """Read one line of output; says whether a document is still without an answer."""
        text = line.decode("utf-8", "replace").strip()
        if text:
            self._take(text, whole=line.endswith(b"\n"))
        return len(self.found) < len(self.asked)

    def _take(self, text: str, whole: bool) -> None:
        try:
            record = json.loads(text)
        except (ValueError, RecursionError):
            if not whole:
                return  # cut off by the end of the program: that answer is lost, not wrong
            record = None
        id = record.get("id") if isinstance(record, dict) else _id_in(text)
        if not isinstance(id, str):
            self.unreadable.append(text[:SHOWN])
        elif id not in self.asked:
            self.strangers.append(id[:SHOWN])
        elif id in self.found:
            again = Problem("duplicate", text[:SHOWN])
            self.found[id] = replace(self.found[id], problems=(*self.found[id].problems, again))
        else:
            self.found[id] = self._prediction(self.asked[id], record, text)

    def _prediction(self, document: Document, record: Any, text: str) -> Prediction:
        items = record.get("spans") if isinstance(record, dict) else None
        if not isinstance(items, list):
            return Prediction(document.id, problems=(Problem("malformed", text[:SHOWN]),))
        same = record.get("text", document.text) == document.text
        spans: list[Span] = []
        problems: list[Problem] = []
        for item in items:
            read = self._span(document, item, same)
            (spans if isinstance(read, Span) else problems).append(read)  # type: ignore[arg-type]
        stated = record.get("problems", [])
        problems += [_problem(item) for item in stated] if isinstance(stated, list) else [_malformed(stated)]
        tags = _strings(record.get("tags"))
        if tags is not None and len(tags) != len(document.tokens):
            tags = None  # of other tokens than ours
        return Prediction(document.id, tuple(spans), tuple(problems), tags, _raw(record.get("raw")))

    def _span(self, document: Document, item: Any, same: bool) -> Span | Problem:
        """A span, or why it is none; `same` says that the program read the text it was given."""
        if not isinstance(item, dict):
            return _malformed(item)
        label = item.get("label")
        if not isinstance(label, str) or not label or label != _sound(label):
            return _malformed(item)
        label = self.labels.get(label, label)
        start, end, surface = item.get("start"), item.get("end"), item.get("text")
        if type(start) is not int or type(end) is not int:  # bool is an int to isinstance
            return _malformed(item)
        try:
            pieces = tuple((int(first), int(last)) for first, last in item.get("fragments") or ())
            span = Span(start, end, label, _score(item.get("score")), pieces)
        except DataError:
            return _ungrounded(item, label)
        except (TypeError, ValueError):
            return _malformed(item)
        grounded = span.end <= len(document.text) and (same or surface is not None)
        if not grounded or (surface is not None and surface != document.surface(span)):
            return _ungrounded(item, label)
        return span


def _malformed(item: Any) -> Problem:
    return Problem("malformed", json.dumps(item)[:SHOWN])


def _ungrounded(item: dict[str, Any], label: str) -> Problem:
    surface = item.get("text")
    where = f"[{item['start']}:{item['end']}]"
    return Problem("ungrounded", _sound(surface) if isinstance(surface, str) else where[:SHOWN], label)


def _problem(item: Any) -> Problem:
    if not isinstance(item, dict):
        return _malformed(item)
    text, label = item.get("text", ""), item.get("label")
    if not isinstance(text, str) or not (label is None or isinstance(label, str)):
        return _malformed(item)
    try:
        return Problem(item.get("kind", ""), _sound(text), None if label is None else _sound(label))
    except (DataError, TypeError):
        return _malformed(item)


def _score(value: Any) -> float | None:
    """A finite number, or None: a score that is none takes nothing from its span."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def _raw(value: Any) -> str | tuple[str, ...] | None:
    if value is None:
        return None
    return _sound(value) if isinstance(value, str) else _strings(value) or json.dumps(value)


def _strings(value: Any) -> tuple[str, ...] | None:
    """A list of strings as a tuple; None for anything else."""
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        return None
    return tuple(map(_sound, value))


def _sound(text: str) -> str:
    """The text without halves of surrogate pairs, which JSON escapes may hold and no file can."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _id_in(text: str) -> str | None:
    """The id in a line that is no JSON object as a whole."""
    match = _ID.search(text)
    try:
        return json.loads(match.group(1)) if match else None
    except ValueError:
        return None
