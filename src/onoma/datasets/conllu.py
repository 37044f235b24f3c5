"""CoNLL-U: ten columns by TAB (universaldependencies.org/format.html), mentions in MISC as `NER=B-PER`.

Tokens are the syntactic words: range lines (`8-9`) give only their spacing, empty nodes (`8.1`) are skipped.
"""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING, TextIO, cast

from onoma.datasets.base import Decision, refuse
from onoma.datasets.columns import Block, check_repair, check_tag, document_of, fill_gaps
from onoma.datasets.universal import BIO, Tally, check_index, losses, units, write_documents
from onoma.exceptions import DataError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from onoma.datasets.files import Source
    from onoma.document import Document
    from onoma.schemes import Repair

__all__ = ["Conllu"]

_log = logging.getLogger("onoma")
COLUMNS = 10
KEYS = ("NER", "NE")
_RANGE = re.compile(r"(\d+)-(\d+)")
_EMPTY = re.compile(r"\d+\.\d+")


class Conllu:
    """Ten columns. Ids are the file's; the text follows `SpaceAfter`."""

    name = "conllu"
    endings = (".conllu",)
    needs_tokens = True
    keeps = frozenset({"ids", "tokens"})

    def decide(
        self,
        source: Source,
        *,
        key: str | None = None,
        repair: str = "conlleval",
        keep_tags: bool = False,  # noqa: ARG002
    ) -> Decision:
        """The key of the tags in MISC, and why the file is read as it is."""
        check_repair(repair)
        reader = _Reader(source, key)
        for _ in reader.units():
            pass
        return reader.decision()

    def read(
        self,
        source: Source,
        *,
        key: str | None = None,
        repair: str = "conlleval",
        keep_tags: bool = False,
    ) -> Iterator[Document]:
        """The documents; `key` is the key of the tags in MISC (`NER` or `NE` where it is not named)."""
        check_repair(repair)
        reader = _Reader(source, key)
        for id, _, blocks in reader.units():
            yield document_of(id, blocks, BIO, cast("Repair", repair), source.name, keep_tags=keep_tags)
        _log.info("%s: %s", source.name, reader.decision().reason)

    def write(self, documents: Iterable[Document], handle: TextIO, *, lossy: bool = False) -> None:
        """Write form, index and MISC; blanks of any kind between tokens become one blank."""
        write_documents(self._sound(documents, lossy), handle, _row, fill_gaps, lossy=lossy)

    def _sound(self, documents: Iterable[Document], lossy: bool) -> Iterator[Document]:
        for document in documents:
            if not lossy:
                refuse(self.name, document, self.losses(document))
            yield document

    def losses(self, document: Document) -> list[str]:
        """Spans that are no row of whole tokens of one sentence, and tokens, labels or ids a line cannot hold."""
        bars = {span.label for span in document.spans if "|" in span.label}
        return losses(document) + [f"label {label!r} holds a bar, which separates keys" for label in sorted(bars)]


def _row(index: int, word: str, tag: str, blank: bool) -> str:
    misc = [] if blank else ["SpaceAfter=No"]
    if tag != "O":
        misc.append(f"NER={tag}")
    return "\t".join([str(index), word, *"_______", "|".join(misc) or "_"])


class _Reader:
    """Adds the lines of one file to its sentences."""

    def __init__(self, source: Source, key: str | None) -> None:
        self.source = source
        self.path = source.name
        self.keys = KEYS if key is None else (key,)
        self.tagged = 0
        self.range: tuple[int, int, str, bool] | None = None
        self.tally = Tally()

    def units(self) -> Iterator[tuple[str, int, list[Block]]]:
        """The documents in turn."""
        return units(self.source, self.add, self.tally)

    def decision(self) -> Decision:
        """What all of the file was like."""
        reason = f"conllu: {COLUMNS} columns by one TAB, {self.tally.describe()}"
        if not self.tagged:
            return Decision("conllu", {}, f"{reason}, no {' or '.join(self.keys)} in MISC: no mentions")
        reason += f", mentions from {' or '.join(self.keys)} in MISC, {self.tally.illegal:,} illegal transition(s)"
        return Decision("conllu", {"key": self.keys[0]} if len(self.keys) == 1 else {}, reason)

    def add(self, block: Block, fields: list[str], line: int) -> None:
        if len(fields) != COLUMNS:
            raise DataError(
                f"{len(fields)} column(s) separated by one TAB, expected {COLUMNS}", path=self.path, line=line
            )
        index, form, misc = fields[0], fields[1], fields[9]
        pairs = misc.split("|")
        blank = "SpaceAfter=No" not in pairs
        if not index.isdecimal():
            self._skip(block, index, form, blank, line)
            return
        check_index(block, index, self.path, line)
        if block.tags is None or block.spaces is None:
            block.tags, block.spaces = [], []
            if self.range is not None and self.range[0] != 1:
                self.range = None
        tag = "O" if misc == "_" else self._tag(pairs, line)
        block.words.append(form)
        block.tags.append(tag)
        block.spaces.append(blank)
        if self.range is not None and self.range[1] == len(block.words):
            self._close_range(block)

    def _skip(self, block: Block, index: str, form: str, blank: bool, line: int) -> None:
        found = _RANGE.fullmatch(index)
        if found is not None:
            first, last = int(found[1]), int(found[2])
            if first != len(block.words) + 1 or last < first:
                raise DataError(f"range {index} does not start at the next word", path=self.path, line=line)
            self.range = (first, last, form, blank)
        elif not _EMPTY.fullmatch(index):
            raise DataError(f"token index {index[:20]!r} is no number", path=self.path, line=line)

    def _close_range(self, block: Block) -> None:
        """Words that together spell the range's form stand without blanks; others keep them."""
        assert self.range is not None and block.spaces is not None
        first, last, form, blank = self.range
        joined = "".join(block.words[first - 1 : last]) == form
        block.spaces[first - 1 : last - 1] = [not joined] * (last - first)
        block.spaces[last - 1] = blank
        self.range = None

    def _tag(self, pairs: list[str], line: int) -> str:
        for key in self.keys:
            for pair in pairs:
                name, _, value = pair.partition("=")
                if name == key:
                    check_tag(value, self.path, line)
                    if value[0] not in "OBI":
                        raise DataError(f"tag {value!r} does not belong to the scheme BIO", path=self.path, line=line)
                    self.tagged += 1
                    return value
        return "O"
