"""A program's answers, read line by line: whatever it says becomes spans, counted problems, or a lost answer."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from onoma.datasets.records import pair
from onoma.document import Document, Prediction, Problem, Span
from onoma.exceptions import DataError

__all__ = ["Answers", "Tally"]

SHOWN = 80
"""Characters of a bad line that a problem keeps."""
_ID = re.compile(r'"id"\s*:\s*("(?:[^"\\]|\\.)*")')


@dataclass
class Tally:
    """How often something was heard, and the first of it: memory does not grow with what a program prints."""

    count: int = 0
    first: str = ""

    def add(self, text: str) -> None:
        """Count one."""
        if not self.count:
            self.first = text[:SHOWN]
        self.count += 1


class Answers:
    """What has been answered of some documents with distinct `ids`; `labels` renames the program's labels.

    Lines that belong to no document are counted in `strangers` (an id nobody asked for), `numbers` (an id that is no
    string), `lists` (one JSON array where objects are asked for) and `unreadable`. Of answers to a document,
    `malformed` counts those without a list of spans, `repeated` those after its first, `spans` their bad spans.
    """

    def __init__(self, ids: Sequence[str], documents: Sequence[Document], labels: Mapping[str, str]) -> None:
        self.asked = dict(zip(ids, documents, strict=True))
        self.labels = labels
        self.found: dict[str, Prediction] = {}
        self.strangers, self.numbers, self.lists, self.unreadable = Tally(), Tally(), Tally(), Tally()
        self.malformed, self.repeated, self.spans = Tally(), Tally(), Tally()
        self._repeated: set[str] = set()

    def take(self, line: bytes) -> int:
        """Read one line of output; how many documents are still without an answer."""
        text = line.decode("utf-8", "replace").strip()
        if text:
            self._take(text, whole=line.endswith(b"\n"))
        return len(self.asked) - len(self.found)

    def _take(self, text: str, whole: bool) -> None:
        try:
            record = json.loads(text)
        except (ValueError, RecursionError):
            if not whole:
                return  # cut off by the end of the program: that answer is lost, not wrong
            record, id = None, _id_in(text)
        else:
            id = record.get("id") if isinstance(record, dict) else None
        if isinstance(record, list) and record:
            self.lists.add(text)
        elif not isinstance(id, str):
            (self.unreadable if id is None else self.numbers).add(text)
        elif id not in self.asked:
            self.strangers.add(id)
        elif id in self.found:
            self._again(id, text)
        else:
            self.found[id] = self._prediction(self.asked[id], record, text)

    def _again(self, id: str, text: str) -> None:
        """A further answer to a document: one problem of it, however many there are."""
        self.repeated.add(text)
        if id not in self._repeated:
            self._repeated.add(id)
            again = Problem("duplicate", text[:SHOWN])
            self.found[id] = replace(self.found[id], problems=(*self.found[id].problems, again))

    def _prediction(self, document: Document, record: Any, text: str) -> Prediction:
        items = record.get("spans") if isinstance(record, dict) else None
        if not isinstance(items, list):
            self.malformed.add(text)
            return Prediction(document.id, problems=(Problem("malformed", text[:SHOWN]),))
        same = record.get("text", document.text) == document.text
        spans: list[Span] = []
        problems: list[Problem] = []
        for item in items:
            read = self._span(document, item, same)
            if isinstance(read, Span):
                spans.append(read)
            else:
                problems.append(read)
                self.spans.add(f"{read.kind}: {read.text}")
        stated, size = record.get("problems", []), len(document.text)
        problems += [_problem(item, size) for item in stated] if isinstance(stated, list) else [_malformed(stated)]
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
            pieces = tuple((first, last) for first, last in item.get("fragments") or ())
            if not all(type(edge) is int for piece in pieces for edge in piece):
                return _malformed(item)
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


def _problem(item: Any, size: int) -> Problem:
    if not isinstance(item, dict):
        return _malformed(item)
    text, label, within = item.get("text", ""), item.get("label"), item.get("within")
    if not isinstance(text, str) or not (label is None or isinstance(label, str)):
        return _malformed(item)
    try:
        place = None if within is None else pair(within, "within")
        sound = _sound(text), None if label is None else _sound(label)
        return Problem(item.get("kind", ""), *sound, place if place and place[1] <= size else None)
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
