"""What encodings share that write a list of objects, one a mention."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, ClassVar

from onoma.document import Problem, Span
from onoma.encodings.automata.base import Mention
from onoma.encodings.automata.listed import ListFormat
from onoma.encodings.base import Exchange
from onoma.encodings.listed import Item, Listed
from onoma.encodings.tolerant_json import ESCAPED, Pairs, Reading, quoted, told

__all__ = ["ObjectJson"]


class ObjectJson(Listed):
    """`[{"text": ..., "label": ..., ...}, ...]` with the numbers that `keys` names."""

    keys: ClassVar[tuple[str, ...]]

    @property
    def symbols(self) -> tuple[str, ...]:
        """Keys, and labels with theirs."""
        labels = (f'"label": {json.dumps(label, ensure_ascii=False)}' for label in self.labels)
        return ('{"text":', *labels, *(f'"{key}":' for key in self.keys), *ESCAPED)

    def write(self, items: Sequence[Item]) -> str:
        """A list of objects."""
        rows = [
            {"text": item.text, "label": item.label, **{key: getattr(item, key) for key in self.keys}} for item in items
        ]
        return json.dumps(rows, ensure_ascii=False)

    def format(self, asked: Exchange, words: Sequence[tuple[int, int]]) -> ListFormat:
        """Labels and numbers stand behind their texts; numbers are computed."""

        def tail(mention: Mention) -> str:
            label = self.labels[mention.rank]
            item = self._item(asked.source, Span(words[mention.first][0], words[mention.last - 1][1], label))
            members = {"label": label, **{key: getattr(item, key) for key in self.keys}}
            return '", ' + json.dumps(members, ensure_ascii=False)[1:]

        return ListFormat(
            lambda before, _: ', {"text": "' if before else '[{"text": "',
            tail,
            lambda before: "]" if before else "[]",
            quoted,
            False,
        )

    def read(self, answer: str, label: str | None) -> Iterator[Item | Problem]:
        """Objects one by one; one that lacks a key, or has another kind of value, is malformed by itself."""
        yield from told(answer, label, "[{", self._told)

    def _told(self, reading: Reading) -> Iterator[Item | Problem]:
        for row in _rows(reading.items):
            item = self._member(row)
            yield Problem("malformed", json.dumps(row, ensure_ascii=False)) if item is None else item

    def _member(self, row: Any) -> Item | None:
        if not isinstance(row, Pairs):
            return None
        members = dict(row)
        text, label = members.get("text"), members.get("label")
        numbers = {key: members.get(key) for key in self.keys}
        if len(members) < len(row) or not (isinstance(text, str) and text and isinstance(label, str) and label):
            return None
        if any(type(number) is not int for number in numbers.values()):
            return None
        return Item(text, label, **numbers)


def _rows(items: Iterable[Any]) -> Iterator[Any]:
    """The objects, also of a list that stands under the one key of an object."""
    for row in items:
        inner = row[0][1] if isinstance(row, Pairs) and len(row) == 1 else None
        yield from inner if isinstance(inner, list) and not isinstance(inner, Pairs) else [row]
