"""CoNLL columns: one token a line, tags in one column, a blank line after each sentence.

The layout of the CoNLL-2003 shared task (Tjong Kim Sang and De Meulder 2003) and its many relatives: two or more
columns, separated by TAB or blanks, tags in any of the six schemes, `-DOCSTART-` lines between documents.
"""

from __future__ import annotations

import logging
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TextIO, cast

from onoma import schemes
from onoma.datasets.base import Decision, refuse
from onoma.datasets.columns import (
    check_line_ends,
    check_repair,
    flat_losses,
    sentence_spans,
    token_losses,
    writable,
)
from onoma.datasets.files import HEAD, PEEK
from onoma.datasets.layout import MARK, SEPARATORS, Layout, is_mark, separator_of, splitter, tag_column, token_column
from onoma.datasets.rows import GAP, Columns, Table, by_line
from onoma.datasets.units import TagCodes, documents, line_of
from onoma.exceptions import ConfigError, DataError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from onoma.datasets.files import Source
    from onoma.document import Document
    from onoma.schemes import Repair, Scheme

__all__ = ["Conll"]

_log = logging.getLogger("onoma")


class Conll:
    """Two or more columns. Ids are running numbers; scores, meta and the blanks between tokens are not kept."""

    name = "conll"
    endings = (".conll", ".txt", ".bio", ".tsv", ".iob", ".bioes")
    needs_tokens = True
    keeps = frozenset({"tokens"})

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
        return _plan(source, separator, token_column, tag_column, scheme)[0].decision

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
        plan, table = _plan(source, separator, token_column, tag_column, scheme)
        _log.info("%s: %s", source.name, plan.decision.reason)
        policy = cast("Repair", repair)
        yield from documents(table, plan.codes, plan.scheme, policy, marked=plan.marked, keep_tags=keep_tags)

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
        mark = _mark(separator)
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

    def losses(self, document: Document, *, separator: str = "tab", scheme: str = "BIO") -> list[str]:
        """Spans that are no row of whole tokens of one sentence, and tokens or labels a line cannot hold."""
        return _losses(document, _mark(separator), schemes.get(scheme))


def _mark(separator: str) -> str:
    """The separator to write."""
    mark = SEPARATORS.get(separator, separator)
    mark = " " if mark == "spaces" else mark
    if not mark.isspace() or "\n" in mark:
        raise ConfigError(f"separator {separator!r} cannot be written: one of {', '.join(SEPARATORS)}")
    return mark


def _losses(document: Document, separator: str, scheme: Scheme) -> list[str]:
    losses = flat_losses(document) + token_losses(document, separator)
    losses += [f"a token begins with {MARK}" for word in document.words if is_mark(word)][:1]
    merged = sum(scheme.merged(spans) for spans in sentence_spans(document))
    if merged:
        losses.append(f"{merged} touching span(s) of one label melt together in the scheme {scheme.name}")
    return losses


# ---------------------------------------------------------------------- reading


@dataclass(frozen=True)
class _Plan:
    """How a file is read."""

    columns: Columns
    scheme: Scheme
    decision: Decision
    marked: bool
    codes: TagCodes


def _plan(
    source: Source, separator: str | None, tokens: int | None, tags: int | None, scheme: str | None
) -> tuple[_Plan, Table]:
    """What is not told is found out: columns from the first lines, the scheme over the whole file."""
    source.kept()
    head = _head(source)
    check_line_ends(head, source.name, alone=b"\n" not in source.start(PEEK))
    layout = separator_of(head, separator)
    if not layout.columns:
        raise DataError("no token line in the file", path=source.name)
    columns, others = _columns(head, layout, tokens, tags, scheme, source)
    table = Table(source, columns)
    named = "IO" if columns.plain else scheme
    try:
        survey = _survey(table, None if named is None else schemes.get(named))
    except _NoTagError as fault:
        if tags is not None:
            raise fault.error from None
        columns, others = _columns(list(source.lines()), layout, tokens, tags, scheme, source)
        if (columns.tags, columns.plain) == (table.columns.tags, table.columns.plain):
            raise fault.error from None
        table = Table(source, columns)
        named = "IO" if columns.plain else scheme
        try:
            survey = _survey(table, None if named is None else schemes.get(named))
        except _NoTagError as again:
            raise again.error from None
    if named is None:
        try:
            how, reason, illegal = schemes.detect_pairs(survey.pairs)
        except DataError as error:
            line = _rarest_prefix(table)
            raise DataError(error.message, path=source.name, line=line, mend=error.mend) from None
    else:
        how, reason = schemes.get(named), "as told"
        illegal = sum(count for (a, b), count in survey.pairs.items() if not how.allows(a, b))
    options: dict[str, Any] = {"separator": layout.separator, "token_column": columns.words}
    text = _reason(layout, columns, others, survey.documents)
    if columns.tags is not None:
        options |= {"tag_column": columns.tags, "scheme": "plain" if columns.plain else how.name}
        text += f", scheme {options['scheme']} ({reason}), {illegal:,} illegal transition(s)"
    return _Plan(columns, how, Decision("conll", options, text), survey.documents > 0, survey.codes), table


def _head(source: Source) -> list[str]:
    """The first lines, cut where a sentence ends if there are more."""
    head = source.head()
    if len(head) == HEAD:
        last = next((at for at in range(len(head) - 1, -1, -1) if not head[at].strip()), None)
        head = head if last is None else head[:last]
    return head


def _columns(
    lines: list[str], layout: Layout, tokens: int | None, tags: int | None, scheme: str | None, source: Source
) -> tuple[Columns, tuple[int, ...]]:
    """The columns of tokens and tags, and the other columns that could hold tags."""
    count, others, plain = layout.columns, (), (scheme or "").lower() == "plain"
    sentences, first = _fields(lines, layout, source)
    if tags is not None:
        tags = _column(tags, count, "tag_column")
    elif plain:
        tags = count - 1
    else:
        found = tag_column(sentences, count, source.name, first)
        tags, others, plain = found.column, found.others, found.plain
    words = token_column(sentences, count, tags) if tokens is None else _column(tokens, count, "token_column")
    if words == tags:
        raise ConfigError(f"token_column and tag_column are both {words}")
    return Columns(layout, words, tags, plain), others


def _fields(lines: list[str], layout: Layout, source: Source) -> tuple[list[list[list[str]]], int]:
    """The fields of each line of each sentence, and the first token's line."""
    split = splitter(layout.separator)
    sentences: list[list[list[str]]] = []
    first = 0
    lines = [*lines, ""]
    _, tags = by_line(1, "\n".join(lines) + "\n", Columns(layout, 0, None), source.name)
    inside = False
    for number, (line, tag) in enumerate(zip(lines, tags, strict=True), 1):
        if tag == GAP:
            inside = False
            continue
        first = first or number
        if not inside:
            sentences.append([])
        inside = True
        sentences[-1].append(split(line))
    return sentences, first


@dataclass
class _Survey:
    """What was seen in all of a file: its tags, how often they follow each other, and how many documents are marked."""

    codes: TagCodes
    pairs: Counter[tuple[str, str]]
    documents: int


class _NoTagError(Exception):
    """A value in the tag column that is no tag, with the error it may become."""

    def __init__(self, error: DataError) -> None:
        self.error = error


def _survey(table: Table, scheme: Scheme | None) -> _Survey:
    """Count the transitions between tags, a block at a time; a scheme that was told must have every prefix."""
    codes = TagCodes(table.source.name)
    pairs: Counter[tuple[str, str]] = Counter()
    known = documents = tokens = 0
    for rows in table:
        try:
            row = codes.of(rows)
        except DataError as error:
            raise _NoTagError(error) from None
        for tag in codes.names[max(known, 2) :]:
            if scheme is not None and tag[0] not in scheme.prefixes:
                message = f"tag {tag!r} does not belong to the scheme {scheme.name}"
                raise DataError(message, path=table.source.name, line=line_of(rows, tag))
        known = len(codes.names)
        tokens += int((row > 0).sum())
        pairs += codes.pairs([row])
        documents += len(rows.marks)
    if not tokens and not documents:
        raise DataError("no token line in the file", path=table.source.name)
    return _Survey(codes, pairs, documents)


def _reason(layout: Layout, columns: Columns, others: tuple[int, ...], documents: int) -> str:
    shape = "one column" if layout.columns == 1 else f"{layout.columns} columns by {layout.name}"
    also = f" (tags stand in {', '.join(map(str, others))} too)" if others else ""
    where = ", no tags" if columns.tags is None else f", tag_column={columns.tags}{also}"
    marks = f", {documents:,} marked document(s)" if documents else ", no document marks: one a sentence"
    return f"conll: {shape}, token_column={columns.words}{where}{marks}"


def _column(given: int, columns: int, name: str) -> int:
    if not -columns <= given < columns:
        raise ConfigError(f"{name} {given} does not exist: the file has {columns} column(s), counted from 0")
    return given % columns


def _rarest_prefix(table: Table) -> int:
    """The line where the prefix that is seen least stands first: most likely the odd one out."""
    first: dict[str, int] = {}
    count: Counter[str] = Counter()
    for rows in table:
        for row, tag in zip(rows.other.tolist(), rows.tags, strict=True):
            first.setdefault(tag[0], rows.line + row)
            count[tag[0]] += 1
    return first[min(count, key=lambda prefix: (count[prefix], first[prefix]))]
