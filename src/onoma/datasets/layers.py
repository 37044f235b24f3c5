"""Columns with several tag columns, the outermost mentions first: nested names as layers of flat tags.

The layout of GermEval 2014 (Benikova et al. 2014): token and two tag columns by TAB; the original files have a running
index before the token and `#` lines with the source of a sentence. Never guessed: other files keep chunks there.
"""

from __future__ import annotations

import logging
from collections import Counter
from typing import TYPE_CHECKING, ClassVar, TextIO, cast

from onoma import schemes
from onoma.datasets import layout
from onoma.datasets.base import Decision, refuse
from onoma.datasets.columns import check_line_ends, check_repair, is_tag, regroup, token_losses, writable
from onoma.datasets.files import HEAD, PEEK
from onoma.datasets.layer_table import read_table
from onoma.datasets.layout import MARK, is_mark, separator_of, splitter
from onoma.datasets.nested import Place, decide_scheme, document_of, split_layers, text_losses, token_spans
from onoma.exceptions import ConfigError, DataError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from onoma.datasets.files import Source
    from onoma.document import Document
    from onoma.schemes import Repair, Scheme, TokenSpan

__all__ = ["Layers", "column_losses", "fits"]

MOST = 64
"""Layers that are written without being asked for: n nested spans would need n columns."""
_log = logging.getLogger("onoma")
_BREAKS = "\0\t\n\v\f\r\x1c\x1d\x1e\x85\u2028\u2029"


class Layers:
    """A token and two or more tag columns. Ids are running numbers; scores and the blanks between tokens are lost.

    The source of a sentence that is a document of its own is kept as `meta["source"]`.
    """

    name = "layers"
    endings: tuple[str, ...] = ()
    suffix = ".tsv"
    needs_tokens = True
    keeps: ClassVar[frozenset[str]] = frozenset({"tokens"})

    def decide(
        self,
        source: Source,
        *,
        separator: str | None = None,
        token_column: int | None = None,
        tag_columns: Sequence[int] | None = None,
        scheme: str | None = None,
        repair: str = "conlleval",
    ) -> Decision:
        """Separator, columns (from 0) and scheme of a file, and why."""
        check_repair(repair)
        return _Parsed(source, separator, token_column, tag_columns, scheme).decision

    def read(
        self,
        source: Source,
        *,
        separator: str | None = None,
        token_column: int | None = None,
        tag_columns: Sequence[int] | None = None,
        scheme: str | None = None,
        repair: str = "conlleval",
    ) -> Iterator[Document]:
        """The documents, with the spans of all layers; options left out are found out, and what was decided is logged.

        `separator` is tab, space, spaces or the text itself; columns count from 0, negative ones from the end; without
        `tag_columns` all columns of nothing but tags are layers. `repair` is the policy for illegal tag sequences.
        """
        check_repair(repair)
        parsed = _Parsed(source, separator, token_column, tag_columns, scheme)
        _log.info("%s: %s", source.name, parsed.decision.reason)
        yield from parsed.documents(cast("Repair", repair))

    def write(
        self,
        documents: Iterable[Document],
        handle: TextIO,
        *,
        layers: int = 2,
        scheme: str = "BIO",
        lossy: bool = False,
    ) -> None:
        """Write as many tag columns as the documents need, at least `layers`; the longest mentions come first.

        Spans that need more than 64 layers are a loss, unless `layers` asks for as many.
        """
        if layers < 2:
            raise ConfigError(f"layers is {layers}: two or more (one layer is the format conll)")
        written = schemes.get(scheme)
        documents = list(documents)
        most = max(layers, MOST)
        for document in documents:
            if not lossy:
                refuse(self.name, document, _losses(document, written, most))
        rows = [
            [split_layers((span for span in spans if fits(span.label)), most) for spans in token_spans(document)[0]]
            for document in documents
        ]
        layers = max(layers, *(len(flat) for sentences in rows for flat in sentences), 0)
        marked = any(len(document.sentences) != 1 for document in documents)
        if any(document.text.startswith("\ufeff") for document in documents[:1]):
            handle.write("\ufeff")  # the first one of a file is no text
        for document, sentences in zip(documents, rows, strict=True):
            if marked:
                handle.write("\t".join((MARK, *("O" for _ in range(layers)))) + "\n\n")
            elif _is_source(document.meta.get("source")):
                handle.write(f"#\t{document.meta['source']}\n")
            for (first, last), flat in zip(document.sentences, sentences, strict=True):
                tags = [written.tags(last - first, spans) for spans in flat]
                tags += [["O"] * (last - first)] * (layers - len(tags))
                words = document.words[first:last]
                for word, *row in zip(words, *tags, strict=True):
                    word = writable(word, "\t") if lossy else word
                    word = f"{word}_" if lossy and word == MARK else word
                    handle.write("\t".join((word, *row)) + "\n")
                handle.write("\n")

    def losses(self, document: Document, *, layers: int = 2, scheme: str = "BIO") -> list[str]:
        """Spans that are no row of whole tokens of one sentence, or too deep, and what a line cannot hold."""
        return _losses(document, schemes.get(scheme), max(layers, MOST))


def column_losses(document: Document, lost: list[str]) -> list[str]:
    """What no column file by TAB can hold, however many tag columns it has; `lost` are lines of `token_spans`."""
    losses = text_losses(document) + lost + token_losses(document, "\t")
    return losses + [f"a token begins with {MARK}" for word in document.words if is_mark(word)][:1]


def _losses(document: Document, scheme: Scheme, most: int) -> list[str]:
    rows, lost = token_spans(document)
    layers = [layer for spans in rows for layer in split_layers(spans, most)]
    losses = column_losses(document, lost)
    deep = sum(map(len, rows)) - sum(map(len, layers))
    if deep:
        losses.append(f"{deep} span(s) need more than {most} layers; layers=NUMBER allows more")
    merged = sum(map(scheme.merged, layers))
    if merged:
        losses.append(f"{merged} touching span(s) of one label melt together in the scheme {scheme.name}")
    return losses


def fits(label: str) -> bool:
    """Whether a label can stand in a tag in a column by TAB."""
    return is_tag(f"B-{label}") and label.strip() == label and not any(mark in label for mark in _BREAKS)


def _is_source(value: object) -> bool:
    if not isinstance(value, str) or not value or value.strip() != value:
        return False
    return not any(mark in value for mark in _BREAKS)


# ---------------------------------------------------------------------- reading


class _Parsed:
    """A file's table, its columns, its scheme and the sources in its comments."""

    def __init__(
        self,
        source: Source,
        separator: str | None,
        token: int | None,
        tags: Sequence[int] | None,
        scheme: str | None,
    ) -> None:
        self.path = source.name
        alone = b"\n" not in source.start(PEEK)
        lines = list(source.lines())
        check_line_ends(lines[:HEAD], self.path, alone=alone)
        shape = separator_of(lines, separator)
        self.sources = _take_comments(lines, shape.separator, shape.columns)
        self.table = read_table(lines, shape, self.path)
        columns = shape.columns
        given = None if tags is None else [_column(each, columns, "tag_columns") for each in tags]
        if token is None:
            sentences = self.table.sentences
            may_count = bool(sentences) and sentences[0][0][0] in ("0", "1")
            rows = [list(zip(*sentence, strict=True)) for sentence in sentences] if may_count else []
            token = layout.token_column(rows, columns, given[0] if given else None)
        self.token = _column(token, columns, "token_column")
        self.tags = self._tag_columns(columns) if given is None else given
        empty = not self.tags and bool(self.table.sentences)
        if self.token in self.tags or len(set(self.tags)) < len(self.tags) or empty:
            raise ConfigError(f"tag_columns {self.tags} are not one or more columns beside token_column {self.token}")
        self.blocks = self.table.blocks
        place = Place(self.path)
        sequences = (
            (place, block.line, sentence[column])
            for column in self.tags
            for block, sentence in zip(self.blocks, self.table.sentences, strict=True)
        )
        found = decide_scheme(sequences, self.path, scheme, step=1)
        self.scheme = found.scheme
        options = {"separator": shape.separator, "token_column": self.token, "tag_columns": self.tags}
        reason = f"layers: {columns} columns by {shape.name}, token_column={self.token}, tag_columns={self.tags}"
        reason += f", scheme {found.scheme.name} ({found.reason}), {found.illegal:,} illegal transition(s)"
        self.decision = Decision("layers", {**options, "scheme": found.scheme.name}, reason)

    def _tag_columns(self, columns: int) -> list[int]:
        """All columns that are mostly tags: a value among them that is none is reported later, with its line."""
        found: list[int] = []
        for column in range(columns):
            values = Counter(value for sentence in self.table.sentences for value in sentence[column])
            good = sum(count for value, count in values.items() if is_tag(value))
            if column != self.token and 2 * good > values.total():
                found.append(column)
        if not found and self.table.sentences:
            line = self.table.blocks[0].line
            raise DataError(f"none of {columns} columns holds tags", path=self.path, line=line, mend="name tag_columns")
        return found or list(range(self.token + 1, columns))

    def documents(self, repair: Repair) -> Iterator[Document]:
        """The documents with the spans of all layers."""
        columns_of = {block.line: each for block, each in zip(self.blocks, self.table.sentences, strict=True)}
        for id, line, blocks in regroup(self.table.groups, self.path):
            sentences: list[tuple[Sequence[str], list[TokenSpan]]] = []
            for block in blocks:
                columns = columns_of[block.line]
                spans = [span for tag in self.tags for span in self.scheme.spans(columns[tag], repair)]
                sentences.append((columns[self.token], spans))
            comment = self.sources.get(blocks[0].line) if len(blocks) == 1 else None
            try:
                yield document_of(id, sentences, {} if comment is None else {"source": comment})
            except DataError as error:
                raise DataError(error.message, path=self.path, line=line, mend=error.mend) from None


def _column(given: int, columns: int, name: str) -> int:
    if type(given) is not int or not -columns <= given < columns:
        raise ConfigError(f"{name} {given} does not exist: the file has {columns} column(s), counted from 0")
    return given % columns


def _take_comments(lines: list[str], separator: str, columns: int) -> dict[int, str]:
    """Blank out the `#` TAB lines before a sentence; what they say, by the number of the line that follows."""
    split = splitter(separator)
    found: dict[int, str] = {}
    open = True  # no token line since the last blank one
    for index, line in enumerate(lines):
        if open and line.startswith("#\t") and len(split(line)) != columns:
            lines[index] = ""
            if text := line[1:].strip():
                found[index + 2] = text
            continue
        open = not line.strip() or is_mark(line) or (open and line.startswith("# "))
    return found
