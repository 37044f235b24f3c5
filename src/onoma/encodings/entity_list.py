"""Labels and texts in a row: `PER: Ada Byron; LOC: Rome` (InstructUIE, Wang et al. 2023)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar

from onoma.document import Problem
from onoma.encodings.automata.base import Mention
from onoma.encodings.automata.listed import ListFormat
from onoma.encodings.base import Exchange
from onoma.encodings.listed import Item, Listed
from onoma.encodings.separated import escape, split, unescape
from onoma.encodings.windowed import blank_at_an_end

__all__ = ["EntityList"]

SIGNS = ":;"
NONE = "None"


class EntityList(Listed):
    """`label: text` between semicolons, `None` where there is no mention; `: ; \\` of a text have a backslash."""

    name: ClassVar[str] = "entity_list"

    def refused_label(self, label: str) -> str | None:
        """Blanks at its ends would be lost."""
        return blank_at_an_end(label)

    @property
    def symbols(self) -> tuple[str, ...]:
        """Labels with their colons, what stands for no mention, and for signs of a text."""
        labels = (f"{escape(label, SIGNS)}:" for label in self.labels)
        return (*labels, NONE, *(f"\\{sign}" for sign in SIGNS), "\\\\")

    def write(self, items: Sequence[Item]) -> str:
        """Pairs in the order of the text."""
        return "; ".join(f"{escape(item.label, SIGNS)}: {escape(item.text, SIGNS)}" for item in items) or NONE

    def format(self, asked: Exchange, words: Sequence[tuple[int, int]]) -> ListFormat:  # noqa: ARG002
        """Labels stand before their texts."""
        heads = [f"{escape(label, SIGNS)}:" for label in self.labels]

        def head(before: Mention | None, rank: int | None) -> str:
            return ("; " if before else "") + heads[rank or 0]

        return ListFormat(
            head, lambda _: "", lambda before: "" if before else NONE, lambda text: escape(text, SIGNS), True, lead=" "
        )

    def read(self, answer: str, label: str | None) -> Iterator[Item | Problem]:  # noqa: ARG002
        """Pairs one by one; one blank after a colon is not the text's."""
        if answer.strip() in {NONE, ""}:
            return
        for part in split(answer, ";", SIGNS):
            named, *rest = split(part, ":", SIGNS, most=1)
            text = unescape(rest[0].removeprefix(" "), SIGNS) if rest else ""
            if text.strip() and named.strip():
                yield Item(text, unescape(named.strip(), SIGNS))
            elif part.strip():
                yield Problem("malformed", part.strip())
