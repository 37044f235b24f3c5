"""Column files with whatever columns they have, by sentence and document: for the formats with several tag columns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from onoma.datasets.columns import Block, Group, is_tag
from onoma.datasets.layout import is_mark, looks_comment, splitter
from onoma.exceptions import DataError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from onoma.datasets.layout import Layout

__all__ = ["LayerTable", "read_table"]


@dataclass
class LayerTable:
    """A file's columns by sentence; `groups` are its documents, whose blocks name each sentence's first line.

    The tokens of one sentence stand in lines that follow each other.
    """

    groups: list[Group]
    sentences: list[list[tuple[str, ...]]]

    @property
    def blocks(self) -> list[Block]:
        """The sentences in turn."""
        return [block for group in self.groups for block in group.blocks]


def read_table(lines: Iterable[str], layout: Layout, path: str | Path) -> LayerTable:
    """All columns; raises `DataError` with the line whose number of columns is another, and where there is no row.

    Lines of blanks end a sentence, `-DOCSTART-` and `# newdoc` open a document, other `# ` lines before a sentence are
    comments.
    """
    split, columns = splitter(layout.separator), layout.columns
    group = Group(marked=False)
    table = LayerTable([group], [])
    rows: list[list[str]] = []

    def close() -> None:
        if rows:
            table.sentences.append(list(zip(*rows, strict=True)))
            rows.clear()

    for number, line in enumerate(lines, 1):
        if not line.strip():
            close()
            continue
        if line[0] == "-" and is_mark(line):
            close()
            group = Group(line=number)
            table.groups.append(group)
            continue
        fields = split(line)
        if line[0] == "#" and not rows and looks_comment(line) and _is_comment(fields, columns):
            if line.startswith("# newdoc"):
                group = Group(line.partition("=")[2].strip() or None, line=number)
                table.groups.append(group)
            continue
        if len(fields) != columns:
            raise DataError(
                f"{len(fields)} column(s) separated by {layout.name}, expected {columns}",
                path=path,
                line=number,
                mend="mend the line, or name the separator",
            )
        if not rows:
            group.blocks.append(Block(line=number))
        rows.append(fields)
    close()
    if not table.sentences and len(table.groups) == 1:
        raise DataError("no token line in the file", path=path)
    return table


def _is_comment(fields: list[str], columns: int) -> bool:
    """Whether a line that begins with # is a comment; a token may begin so too."""
    return len(fields) != columns or not any(map(is_tag, fields[1:]))
