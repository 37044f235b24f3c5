"""Texts of mentions by label: `{"PER": ["Ada Byron"], "LOC": ["Rome"]}`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

from onoma.document import Problem
from onoma.encodings.automata.base import Mention
from onoma.encodings.automata.listed import ListFormat
from onoma.encodings.base import Exchange
from onoma.encodings.listed import Item, Listed
from onoma.encodings.tolerant_json import ESCAPED, Pairs, Reading, quoted, told

__all__ = ["GroupedJson"]


class GroupedJson(Listed):
    """The category format of *Assessment of Generative NER in the Era of LLMs*; each label's in the text's order."""

    name: ClassVar[str] = "grouped_json"

    @property
    def symbols(self) -> tuple[str, ...]:
        """Labels as keys."""
        return (*(f"{json.dumps(label, ensure_ascii=False)}:" for label in self.labels), *ESCAPED)

    def write(self, items: Sequence[Item]) -> str:
        """An object with the labels that have a mention."""
        groups: dict[str, list[str]] = {}
        for label in self.labels:
            texts = [item.text for item in items if item.label == label]
            if texts:
                groups[label] = texts
        return json.dumps(groups, ensure_ascii=False)

    def format(self, asked: Exchange, words: Sequence[tuple[int, int]]) -> ListFormat:  # noqa: ARG002
        """A label stands before the first of its texts."""
        heads = [f'{json.dumps(label, ensure_ascii=False)}: ["' for label in self.labels]

        def head(before: Mention | None, rank: int | None) -> str:
            if before is not None and before.rank == rank:
                return ', "'
            return ("{" if before is None else "], ") + heads[rank or 0]

        return ListFormat(head, lambda _: '"', lambda before: "]}" if before else "{}", quoted, True, by_label=True)

    def read(self, answer: str, label: str | None) -> Iterator[Item | Problem]:
        """Items of every list in turn, also of several objects; a key that comes twice is read twice."""
        yield from told(answer, label, "{", self._told)

    def _told(self, reading: Reading) -> Iterator[Item | Problem]:
        for group in reading.items:
            if not isinstance(group, Pairs):
                yield Problem("malformed", json.dumps(group, ensure_ascii=False))
                continue
            for key, texts in self._members(group):
                for text in texts if isinstance(texts, list) and not isinstance(texts, Pairs) else [texts]:
                    if isinstance(text, str) and text:
                        yield Item(text, key)
                    elif text is not None:
                        yield Problem("malformed", json.dumps(text, ensure_ascii=False), key)

    def _members(self, group: Pairs) -> Iterator[tuple[str, Any]]:
        """Labels with their texts, also of an object that stands under a key that is no label."""
        for key, value in group:
            if isinstance(value, Pairs) and key not in self.rank:
                yield from value
            else:
                yield key, value
