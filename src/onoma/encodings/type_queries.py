"""One question a label, answered by a list of texts: `["Ada Byron"]` (UniversalNER, Zhou et al. 2024)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import ClassVar

from onoma.document import Problem
from onoma.encodings.automata.listed import ListFormat
from onoma.encodings.base import Exchange
from onoma.encodings.listed import Item, Listed
from onoma.encodings.tolerant_json import ESCAPED, Reading, quoted, told

__all__ = ["TypeQueries"]


class TypeQueries(Listed):
    """An exchange a window and label; the answer is a list of strings, an empty one where there is no mention."""

    name: ClassVar[str] = "type_queries"
    by_type: ClassVar[bool] = True

    @property
    def symbols(self) -> tuple[str, ...]:
        """What stands for signs of a text."""
        return ESCAPED

    def write(self, items: Sequence[Item]) -> str:
        """A list of texts."""
        return json.dumps([item.text for item in items], ensure_ascii=False)

    def format(self, asked: Exchange, words: Sequence[tuple[int, int]]) -> ListFormat:  # noqa: ARG002
        """Texts alone."""
        return ListFormat(
            lambda before, _: ', "' if before else '["',
            lambda _: '"',
            lambda before: "]" if before else "[]",
            quoted,
            False,
        )

    def read(self, answer: str, label: str | None) -> Iterator[Item | Problem]:
        """The texts of the list."""

        def tell(reading: Reading) -> Iterator[Item | Problem]:
            for text in reading.items:
                if isinstance(text, str) and text and label:
                    yield Item(text, label)
                else:
                    yield Problem("malformed", json.dumps(text, ensure_ascii=False), label)

        yield from told(answer, label, "[", tell)
