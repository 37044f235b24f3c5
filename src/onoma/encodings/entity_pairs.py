"""Texts in brackets with their labels: `[Ada Byron](PER) [Rome](LOC)`, with words around them or without.

The entity-only targets of GNER's study of contexts (Ding et al. 2024, figure 3).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import ClassVar

from onoma.document import Problem
from onoma.encodings.automata.listed import ListFormat
from onoma.encodings.base import Exchange
from onoma.encodings.listed import Item, Listed
from onoma.encodings.separated import escape, unescape
from onoma.encodings.windowed import blank_at_an_end

__all__ = ["EntityPairs"]

SIGNS = "[]()"
PAIR = re.compile(r"\[((?:\\.|[^\\\[\]])*+)(?:\]\(((?:\\.|[^\\\[)])*+)(\))?)?", re.DOTALL)
"""A text in brackets and, where both end, its label; a bracket that opens within either begins another pair."""
PART = re.compile(r"(?<!\\)(?:\[[^\[\]]*(?:\]\s*(?:\([^()]*\)?)?)?|\]\([^()]*\)?)")
"""What begins like a pair, or ends like one."""


class EntityPairs(Listed):
    """Mentions alone, without the words around them; `[ ] ( ) \\` have a backslash."""

    name: ClassVar[str] = "entity_pairs"

    def refused_label(self, label: str) -> str | None:
        """Blanks at its ends would be lost."""
        return blank_at_an_end(label)

    @property
    def symbols(self) -> tuple[str, ...]:
        """Ends of mentions with their labels, and what stands for signs of a text."""
        labels = (f"]({escape(label, SIGNS)})" for label in self.labels)
        return (*labels, *(f"\\{sign}" for sign in SIGNS), "\\\\")

    def write(self, items: Sequence[Item]) -> str:
        """Pairs in the order of the text."""
        return " ".join(f"[{escape(item.text, SIGNS)}]({escape(item.label, SIGNS)})" for item in items)

    def format(self, asked: Exchange, words: Sequence[tuple[int, int]]) -> ListFormat:  # noqa: ARG002
        """Labels stand behind their texts."""
        tails = [f"]({escape(label, SIGNS)})" for label in self.labels]
        return ListFormat(
            lambda before, _: " [" if before else "[",
            lambda mention: tails[mention.rank],
            lambda _: "",
            lambda text: escape(text, SIGNS),
            False,
        )

    def read(self, answer: str, label: str | None) -> Iterator[Item | Problem]:  # noqa: ARG002
        """Pairs one by one; what begins like one and does not end is malformed."""
        at = 0
        for found in [*(pair for pair in PAIR.finditer(answer) if pair[3]), None]:
            between = answer[at : found.start() if found else len(answer)]
            yield from (Problem("malformed", part[0].strip()) for part in PART.finditer(between))
            if found is None:
                break
            at = found.end()
            text, named = unescape(found[1], SIGNS), unescape(found[2], SIGNS).strip()
            yield Item(text, named) if text.strip() and named else Problem("malformed", found[0])
