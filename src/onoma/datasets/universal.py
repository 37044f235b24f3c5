"""What CoNLL-U and IOB2 share: indexed lines, comments, `# newdoc` and `# sent_id`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, TextIO

from onoma import schemes
from onoma.datasets.columns import Block, Group, flat_losses, sentence_spans, token_losses, writable
from onoma.exceptions import DataError

if TYPE_CHECKING:
    from pathlib import Path

    from onoma.document import Document

__all__ = ["BIO", "check_index", "losses", "read_groups", "write_documents"]

BIO = schemes.SCHEMES["BIO"]

AddRow = Callable[[Block, list[str], int], None]
WriteRow = Callable[[int, str, str, bool], str]


def read_groups(lines: Iterable[str], path: str | Path, add: AddRow) -> list[Group]:
    """The sentences by document; `add` puts one line's fields into the open sentence.

    Raises `DataError` where the file holds no token line.
    """
    group = Group(marked=False)
    groups = [group]
    block = Block()
    sentence_id: str | None = None
    for number, line in enumerate(lines, 1):
        if not line.strip():
            block, sentence_id = Block(), None
        elif line[0] == "#":
            key, equals, value = line[1:].partition("=")
            key = key.strip()
            if key == "newdoc id" or (key == "newdoc" and not equals):
                block = Block()
                group = Group(value.strip() or None, line=number)
                groups.append(group)
            elif key == "sent_id" and equals:
                sentence_id = value.strip() or None
        else:
            if not block.words:
                block.line, block.id = number, sentence_id
            size = len(block.words)
            add(block, line.split("\t"), number)
            if not size and block.words:
                group.blocks.append(block)
    if not any(group.blocks or group.marked for group in groups):
        raise DataError("no token line in the file", path=path)
    return groups


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


def sequences(groups: list[Group]) -> Iterator[list[str]]:
    """The tags of all sentences that have some."""
    return (block.tags for group in groups for block in group.blocks if block.tags)
