"""UNER's `.iob2`: index, token, tag, `-`, annotator by TAB, with `# newdoc id` and `# sent_id` comments.

The layout of the Universal NER corpora (universalner.org). The tag is always the third column: the fourth may
look like one. Lines of three columns are allowed where the tag is O.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, TextIO, cast

from onoma.datasets.base import Decision, refuse
from onoma.datasets.columns import Block, check_repair, check_tag, document_of
from onoma.datasets.universal import BIO, Tally, check_index, losses, units, write_documents
from onoma.exceptions import DataError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from onoma.datasets.files import Source
    from onoma.document import Document
    from onoma.schemes import Repair

__all__ = ["Iob2"]

_log = logging.getLogger("onoma")
COLUMNS, RAGGED = 5, 3


class Iob2:
    """Five columns, BIO. Ids are the file's; the text is the tokens joined by blanks."""

    name = "iob2"
    endings = (".iob2",)
    needs_tokens = True
    keeps = frozenset({"ids", "tokens"})

    def decide(
        self,
        source: Source,
        *,
        ragged: bool = True,
        repair: str = "conlleval",
        keep_tags: bool = False,  # noqa: ARG002
    ) -> Decision:
        """Whether short lines occur, and why the file is read as it is."""
        check_repair(repair)
        reader = _Reader(source, ragged)
        for _ in reader.units():
            pass
        return reader.decision()

    def read(
        self,
        source: Source,
        *,
        ragged: bool = True,
        repair: str = "conlleval",
        keep_tags: bool = False,
    ) -> Iterator[Document]:
        """The documents; `ragged=False` refuses lines of three columns."""
        check_repair(repair)
        reader = _Reader(source, ragged)
        for id, _, blocks in reader.units():
            yield document_of(id, blocks, BIO, cast("Repair", repair), source.name, keep_tags=keep_tags)
        _log.info("%s: %s", source.name, reader.decision().reason)

    def write(self, documents: Iterable[Document], handle: TextIO, *, lossy: bool = False) -> None:
        """Write five columns, each document with its id."""
        write_documents(
            self._sound(documents, lossy), handle, _row, lambda document: [True] * len(document.tokens), lossy=lossy
        )

    def _sound(self, documents: Iterable[Document], lossy: bool) -> Iterator[Document]:
        for document in documents:
            if not lossy:
                refuse(self.name, document, self.losses(document))
            yield document

    def losses(self, document: Document) -> list[str]:
        """Spans that are no row of whole tokens of one sentence, and tokens, labels or ids a line cannot hold."""
        return losses(document)


def _row(index: int, word: str, tag: str, _blank: bool) -> str:
    return f"{index}\t{word}\t{tag}\t-\t-"


class _Reader:
    """Adds the lines of one file to its sentences."""

    def __init__(self, source: Source, ragged: bool) -> None:
        self.source = source
        self.ragged = ragged
        self.short = 0
        self.tally = Tally()

    def units(self) -> Iterator[tuple[str, int, list[Block]]]:
        """The documents in turn."""
        return units(self.source, self.add, self.tally)

    def decision(self) -> Decision:
        """What all of the file was like."""
        reason = f"iob2: {COLUMNS} columns by one TAB, tags in the third, {self.tally.describe()}"
        reason += f", {self.short:,} line(s) of {RAGGED} columns" if self.short else ""
        reason += f", {self.tally.illegal:,} illegal transition(s)"
        return Decision("iob2", {"ragged": bool(self.short)}, reason)

    def add(self, block: Block, fields: list[str], line: int) -> None:
        """One line's fields."""
        count, path = len(fields), self.source.name
        if count != COLUMNS and count != RAGGED:
            raise DataError(f"{count} column(s) separated by one TAB, expected {COLUMNS}", path=path, line=line)
        check_index(block, fields[0], path, line)
        check_tag(fields[2], path, line)
        if count == RAGGED:
            if not self.ragged or fields[2] != "O":
                raise DataError(
                    f"{RAGGED} columns, expected {COLUMNS}",
                    path=path,
                    line=line,
                    mend="short lines are allowed with ragged=True and where the tag is O",
                )
            self.short += 1
        if fields[2][0] not in "OBI":
            raise DataError(f"tag {fields[2]!r} does not belong to the scheme BIO", path=path, line=line)
        if block.tags is None:
            block.tags = []
        block.words.append(fields[1])
        block.tags.append(fields[2])
