"""CoNLL columns: one token a line, tags in one column, a blank line after each sentence.

The layout of the CoNLL-2003 shared task (Tjong Kim Sang and De Meulder 2003) and its many relatives: two or more
columns, separated by TAB or blanks, tags in any of the six schemes, `-DOCSTART-` lines between documents.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, TextIO, cast

from onoma import schemes
from onoma.datasets.base import Decision, refuse
from onoma.datasets.columns import (
    Block,
    check_repair,
    check_tag,
    count_illegal,
    document_of,
    flat_losses,
    regroup,
    sentence_spans,
    token_losses,
    writable,
)
from onoma.datasets.layout import (
    MARK,
    SEPARATORS,
    Layout,
    Table,
    is_mark,
    read_table,
    separator_of,
    tag_column,
    token_column,
)
from onoma.exceptions import ConfigError, DataError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from onoma.datasets.files import Source
    from onoma.document import Document
    from onoma.schemes import Repair, Scheme

__all__ = ["Conll"]

_log = logging.getLogger("onoma")


@dataclass
class _Parsed:
    table: Table
    scheme: Scheme
    decision: Decision


class Conll:
    """Two or more columns. Ids are running numbers; scores, meta and the blanks between tokens are not kept."""

    name = "conll"
    endings = (".conll", ".txt", ".bio", ".tsv", ".iob", ".bioes")

    def decide(
        self,
        source: Source,
        *,
        separator: str | None = None,
        token_column: int | None = None,
        tag_column: int | None = None,
        scheme: str | None = None,
        repair: str = "conlleval",
        keep_tags: bool = False,  # noqa: ARG002
    ) -> Decision:
        """Separator, columns (from 0) and scheme of a file, and why."""
        check_repair(repair)
        return _parse(list(source.lines()), source.name, separator, token_column, tag_column, scheme).decision

    def read(
        self,
        source: Source,
        *,
        separator: str | None = None,
        token_column: int | None = None,
        tag_column: int | None = None,
        scheme: str | None = None,
        repair: str = "conlleval",
        keep_tags: bool = False,
    ) -> Iterator[Document]:
        """The documents; every option left out is sniffed, and what was decided is logged.

        `separator` is tab, space, spaces or the text itself; columns count from 0, negative ones from the end;
        `scheme` may be "plain" for labels without prefix; `repair` is the policy for illegal tag sequences.
        """
        check_repair(repair)
        parsed = _parse(list(source.lines()), source.name, separator, token_column, tag_column, scheme)
        _log.info("%s: %s", source.name, parsed.decision.reason)
        for id, _, blocks in regroup(parsed.table.groups, source.name):
            yield document_of(id, blocks, parsed.scheme, cast("Repair", repair), source.name, keep_tags=keep_tags)

    def write(
        self,
        documents: Iterable[Document],
        handle: TextIO,
        *,
        separator: str = "tab",
        scheme: str = "BIO",
        lossy: bool = False,
    ) -> None:
        """Write token and tag; `-DOCSTART-` lines where a document is not just one sentence."""
        mark = SEPARATORS.get(separator, separator)
        mark = " " if mark == "spaces" else mark
        if not mark.isspace() or "\n" in mark:
            raise ConfigError(f"separator {separator!r} cannot be written: one of {', '.join(SEPARATORS)}")
        written = schemes.get(scheme)
        documents = list(documents)
        for document in documents:
            if not lossy:
                refuse(self.name, document, _losses(document, mark, written))
        marked = any(len(document.sentences) != 1 for document in documents)
        # a first token that begins with a byte order mark would lose it at the start of the file
        marked = marked or any(document.text.startswith("\ufeff") for document in documents[:1])
        for document in documents:
            if marked:
                handle.write(f"{MARK}{mark}O\n\n")
            for (first, last), spans in zip(document.sentences, sentence_spans(document), strict=True):
                tags = written.tags(last - first, spans)
                for word, tag in zip(document.words[first:last], tags, strict=True):
                    word = writable(word, mark) if lossy else word
                    handle.write(f"{word}_{mark}{tag}\n" if lossy and word == MARK else f"{word}{mark}{tag}\n")
                handle.write("\n")

    def losses(self, document: Document) -> list[str]:
        """Spans that are no row of whole tokens of one sentence, and tokens or labels a line cannot hold."""
        return _losses(document, "\t", schemes.SCHEMES["BIO"])


def _losses(document: Document, separator: str, scheme: Scheme) -> list[str]:
    losses = flat_losses(document) + token_losses(document, separator)
    losses += [f"a token begins with {MARK}" for word in document.words if is_mark(word)][:1]
    merged = sum(scheme.merged(spans) for spans in sentence_spans(document))
    if merged:
        losses.append(f"{merged} touching span(s) of one label melt together in the scheme {scheme.name}")
    return losses


# ---------------------------------------------------------------------- reading


def _parse(
    lines: list[str],
    path: str | Path,
    separator: str | None,
    tokens: int | None,
    tags: int | None,
    scheme: str | None,
) -> _Parsed:
    layout = separator_of(lines, separator)
    table = read_table(lines, layout, path)
    columns = layout.columns
    plain, others = (scheme or "").lower() == "plain", ()
    if tags is None:
        found = tag_column(table, columns, path) if not plain else None
        tags = columns - 1 if found is None else found.column
        if found is not None:
            others, plain = found.others, found.plain
    else:
        tags = _column(tags, columns, "tag_column")
    tokens = token_column(table, columns, tags) if tokens is None else _column(tokens, columns, "token_column")
    if tokens == tags:
        raise ConfigError(f"token_column and tag_column are both {tokens}")
    blocks = [block for group in table.groups for block in group.blocks]
    _fill(blocks, table, tokens, tags, plain, path)
    how, reason, illegal = _scheme(blocks, table, tags, "IO" if plain else scheme, path)
    options = {"separator": layout.separator, "token_column": tokens, "tag_column": tags}
    options["scheme"] = "plain" if plain else how.name
    if tags is None:
        options = {"separator": layout.separator, "token_column": tokens}
    text = _reason(layout, tokens, tags, others, table.documents)
    text += "" if tags is None else f", scheme {options['scheme']} ({reason}), {illegal:,} illegal transition(s)"
    return _Parsed(table, how, Decision("conll", options, text))


def _reason(layout: Layout, tokens: int, tags: int | None, others: tuple[int, ...], documents: int) -> str:
    shape = "one column" if layout.columns == 1 else f"{layout.columns} columns by {layout.name}"
    also = f" (tags stand in {', '.join(map(str, others))} too)" if others else ""
    where = ", no tags" if tags is None else f", tag_column={tags}{also}"
    marks = f", {documents:,} marked document(s)" if documents else ", no document marks: one a sentence"
    return f"conll: {shape}, token_column={tokens}{where}{marks}"


def _column(given: int, columns: int, name: str) -> int:
    if not -columns <= given < columns:
        raise ConfigError(f"{name} {given} does not exist: the file has {columns} column(s), counted from 0")
    return given % columns


def _fill(blocks: list[Block], table: Table, tokens: int, tags: int | None, plain: bool, path: str | Path) -> None:
    """Give each block its words and tags; raises `DataError` with the line of the first value that is no tag."""
    for block, rows in zip(blocks, table.rows, strict=True):
        block.words = [row[tokens] for row in rows]
        if tags is not None:
            block.tags = [row[tags] for row in rows]
    if plain:
        for block in blocks:
            block.tags = ["O" if tag == "O" else f"I-{tag}" for tag in block.tags or ()]
    elif tags is not None:
        known = set[str]()
        for block, numbers in zip(blocks, table.lines, strict=True):
            for tag, line in zip(block.tags or (), numbers, strict=True):
                if tag not in known:
                    check_tag(tag, path, line, mend="mend it, or name tag_column or scheme='plain'")
                    known.add(tag)


def _scheme(
    blocks: list[Block], table: Table, tags: int | None, name: str | None, path: str | Path
) -> tuple[Scheme, str, int]:
    sequences = [block.tags for block in blocks if block.tags]
    if name is None:
        try:
            found = schemes.detect(sequences)
        except DataError as error:
            line = _rarest_prefix(table, tags or 0)
            raise DataError(error.message, path=path, line=line, mend=error.mend) from None
        return found.scheme, found.reason, found.illegal
    scheme = schemes.get(name)
    for block, numbers in zip(blocks, table.lines, strict=True):
        for tag, line in zip(block.tags or (), numbers, strict=True):
            if tag != "O" and tag[0] not in scheme.prefixes:
                raise DataError(f"tag {tag!r} does not belong to the scheme {scheme.name}", path=path, line=line)
    return scheme, "as told", count_illegal(scheme, sequences)


def _rarest_prefix(table: Table, column: int) -> int:
    """The line where the prefix that is seen least stands first: most likely the odd one out."""
    first: dict[str, int] = {}
    count: dict[str, int] = {}
    for rows, numbers in zip(table.rows, table.lines, strict=True):
        for row, line in zip(rows, numbers, strict=True):
            prefix = row[column][0]
            first.setdefault(prefix, line)
            count[prefix] = count.get(prefix, 0) + 1
    return first[min(count, key=lambda prefix: (count[prefix], first[prefix]))]
