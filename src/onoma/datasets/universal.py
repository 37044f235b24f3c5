"""What CoNLL-U and IOB2 share: indexed lines, comments, `# newdoc` and `# sent_id`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TextIO

from onoma import schemes
from onoma.datasets.columns import Block, Group, flat_losses, regroup, sentence_spans, token_losses, writable
from onoma.exceptions import DataError

if TYPE_CHECKING:
    from pathlib import Path

    from onoma.datasets.files import Source
    from onoma.document import Document

__all__ = ["BIO", "Tally", "check_index", "losses", "units", "write_documents"]

BIO = schemes.SCHEMES["BIO"]

AddRow = Callable[[Block, list[str], int], None]
WriteRow = Callable[[int, str, str, bool], str]


@dataclass
class Tally:
    """What was seen so far: marked documents, and how often each tag follows each other one."""

    documents: int = 0
    pairs: Counter[tuple[str | None, str | None]] = field(default_factory=Counter)

    @property
    def illegal(self) -> int:
        """Transitions that BIO does not allow."""
        return sum(count for (before, after), count in self.pairs.items() if not BIO.allows(before, after))

    def describe(self) -> str:
        """How documents are parted."""
        return f"{self.documents:,} marked document(s)" if self.documents else "no document marks: one a sentence"


def units(source: Source, add: AddRow, tally: Tally) -> Iterator[tuple[str, int, list[Block]]]:
    """Id, line and sentences of each document in turn; `add` puts one line's fields into the open sentence.

    The file is looked through for marks first, so that only one document is held at a time. Raises `DataError` where
    the file holds no token line.
    """
    source.kept()
    marked = any("newdoc" in block and any(map(_opens, block.split("\n"))) for block in source.blocks())
    groups = _groups(source.lines(), source.name, add, tally, marked=marked)
    for id, line, blocks in regroup(groups, source.name, marked=marked):
        for block in blocks:
            if block.tags:
                tally.pairs.update(zip([None, *block.tags], [*block.tags, None], strict=True))
        yield id, line, blocks


def _opens(line: str) -> bool:
    """Whether a line is a comment that opens a document."""
    if not line.startswith("#"):
        return False
    key, equals, _ = line[1:].partition("=")
    return key.strip() == "newdoc id" or (key.strip() == "newdoc" and not equals)


def _groups(lines: Iterable[str], path: str | Path, add: AddRow, tally: Tally, *, marked: bool) -> Iterator[Group]:
    """The documents as they end; each sentence is one where none is `marked`."""
    group = Group(marked=False)
    block = Block()
    sentence_id: str | None = None
    found = False
    for number, line in enumerate(lines, 1):
        if not line.strip():
            if block.words and not marked:
                yield Group(marked=False, blocks=[block])
            block, sentence_id = Block(), None
        elif line[0] == "#":
            if _opens(line):
                yield group
                block = Block()
                group = Group(line.partition("=")[2].strip() or None, line=number)
                tally.documents += 1
            else:
                key, equals, value = line[1:].partition("=")
                if key.strip() == "sent_id" and equals:
                    sentence_id = value.strip() or None
        else:
            if not block.words:
                block.line, block.id = number, sentence_id
            size = len(block.words)
            add(block, line.split("\t"), number)
            if not size and block.words:
                found = True
                if marked:
                    group.blocks.append(block)
    if not marked and block.words:
        yield Group(marked=False, blocks=[block])
    if not found and not tally.documents:
        raise DataError("no token line in the file", path=path)
    if marked:
        yield group


def check_index(block: Block, index: str, path: str | Path, line: int) -> None:
    """Raise `DataError` where a token's index is not the next one of its sentence."""
    expected = len(block.words) + 1
    if index != str(expected):
        raise DataError(
            f"token index {index[:20]!r}, expected {expected}",
            path=path,
            line=line,
            mend="indices run from 1 in each sentence; a blank line ends a sentence",
        )


def losses(document: Document) -> list[str]:
    """What neither format can hold: spans that are not flat, odd tokens and labels, ids that are no line."""
    found = flat_losses(document) + token_losses(document, "\t")
    if not document.id or document.id.strip() != document.id or "\n" in document.id or "\0" in document.id:
        found.append(f"id {document.id!r} cannot stand in a comment line")
    return found


def write_documents(
    documents: Iterable[Document],
    handle: TextIO,
    row: WriteRow,
    spaces: Callable[[Document], list[bool]],
    *,
    lossy: bool,
) -> None:
    """Write each document with `# newdoc id`, each sentence with `# sent_id` and `# text`.

    `row` makes a token's line from index, word, tag and whether a blank follows; `spaces` says where one does.
    """
    for document in documents:
        id = " ".join(document.id.replace("\0", " ").split()) if lossy else document.id
        handle.write(f"# newdoc id = {id}\n" if id else "# newdoc\n")
        blanks = spaces(document)
        words = [writable(word, "\t") for word in document.words] if lossy else document.words
        for number, (bounds, spans) in enumerate(zip(document.sentences, sentence_spans(document), strict=True), 1):
            first, last = bounds
            tags = BIO.tags(last - first, spans)
            text = "".join(words[index] + " " * blanks[index] for index in range(first, last))
            if id:
                handle.write(f"# sent_id = {id}-{number}\n")
            handle.write(f"# text = {text.rstrip(' ')}\n")
            for index in range(first, last):
                handle.write(row(index - first + 1, words[index], tags[index - first], blanks[index]) + "\n")
            handle.write("\n")
        if not document.sentences:
            handle.write("\n")
