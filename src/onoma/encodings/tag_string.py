"""The bare tags of a sentence, one a word: `B-PER I-PER O O` (*From BERT to T5*, section 3.2)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from onoma.document import Problem
from onoma.encodings.tagged_text import Items, TaggedText
from onoma.schemes import OUTSIDE

__all__ = ["TagString"]


class TagString(TaggedText):
    """Tags without their words: an answer that leaves one out shifts all that follow.

    Words without a tag are `O`, and told as
    `truncated`; a mention in tags beyond the last word is `ungrounded`.
    """

    name: ClassVar[str] = "tag_string"

    def source(self, words: Sequence[str]) -> str:
        """The words, joined by blanks."""
        return " ".join(words)

    def write(self, words: Sequence[str], tags: Sequence[str]) -> str:  # noqa: ARG002
        """The tags, joined by blanks."""
        return " ".join(map(self.written, tags))

    def literals(self, words: Sequence[str]) -> tuple[str, ...]:
        """Blanks between the tags."""
        return tuple(" " if number else "" for number in range(len(words)))

    def read(self, words: Sequence[str], answer: str) -> Items:
        """The n-th tag stands for the n-th word."""
        pieces = answer.split()
        problems: list[Problem] = []
        tags: list[str] = []
        for piece in pieces:
            tag = self.meant(piece)
            if tag is None:
                problems.append(Problem("malformed", piece))
            tags.append(OUTSIDE if tag is None else tag)
        if len(pieces) < len(words):
            problems.append(Problem("truncated", f"{len(pieces)} tags for {len(words)} words"))
        places = [place if place < len(words) else None for place in range(len(pieces))]
        return Items([*words, *pieces[len(words) :]][: len(pieces)], tags, places, problems)
