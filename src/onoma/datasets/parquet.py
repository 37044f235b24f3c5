"""Parquet through pyarrow: rows of tokens and tags as Hugging Face `datasets` stores them, or rows of text and spans.

Class names are read from (and written to) the schema's `huggingface` metadata, where `datasets` keeps its features.
Rows of text and spans have the columns of our JSON Lines: id, text, spans, and what of the rest is there.
"""

from __future__ import annotations

import json
import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ClassVar

from onoma import schemes
from onoma.datasets import jsonl
from onoma.datasets.attached import distinct
from onoma.datasets.base import Decision
from onoma.datasets.columns import check_repair
from onoma.datasets.hf import TaggedRows, class_names, losses, rows_of
from onoma.datasets.nested import Place
from onoma.datasets.records import parsed
from onoma.exceptions import DataError, MissingExtraError
from onoma.files import replacing_path

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from onoma.datasets.files import Source
    from onoma.document import Document

__all__ = ["Parquet"]

MARK = b"PAR1"
ROWS = 16
"""Rows in memory at once."""
GROUP = 1 << 30
"""Bytes that a row group may have when unpacked."""
FOOTER = 64 << 20
"""Bytes that the description at the end of a file may have."""
PACKED = 100
"""Values that one byte of a file may stand for: what claims more is no data set."""
VALUES = 1 << 26
"""Values that one column of a row group may have."""

_log = logging.getLogger("onoma")


class Parquet:
    """Tokens and tags, or text and spans; written as tokens and tags with the features of `datasets`.

    Scores, meta and the blanks between tokens are not written.
    """

    name = "parquet"
    endings = (".parquet",)
    binary = True
    by_path = True
    needs_tokens = True
    keeps: ClassVar[frozenset[str]] = frozenset({"ids", "tokens"})

    def decide(
        self,
        source: Source,
        *,
        tokens: str | None = None,
        tags: str | None = None,
        names: Sequence[str] | str | Path | None = None,
        scheme: str | None = None,
        repair: str = "conlleval",
        keep_tags: bool = False,  # noqa: ARG002
    ) -> Decision:
        """The columns of tokens and tags, the names of the numbers and the scheme, and why; reads the whole file."""
        check_repair(repair)
        file = _File(source)
        if file.has_spans and tags is None:
            return Decision(self.name, {}, f"parquet: {file.size:,} row(s) of text and spans")
        decision = file.tagged(tokens, tags, names, scheme).decide(self.name, file.records(), scheme)
        return Decision(self.name, decision.options, f"{decision.reason}, {file.size:,} row(s)")

    def read(
        self,
        source: Source,
        *,
        tokens: str | None = None,
        tags: str | None = None,
        names: Sequence[str] | str | Path | None = None,
        scheme: str | None = None,
        repair: str = "conlleval",
        keep_tags: bool = False,
    ) -> Iterator[Document]:
        """The documents in turn, a few rows in memory at once; the options are those of the format `hf`.

        Raises `DataError` with the row for bad rows, and for files that are no Parquet or claim absurd sizes;
        `MissingExtraError` where pyarrow is not installed.
        """
        check_repair(repair)
        file = _File(source)
        if file.has_spans and tags is None:
            yield from _span_documents(file)
            return
        rows = file.tagged(tokens, tags, names, scheme)
        if scheme is None:
            decision = rows.decide(self.name, file.records(), None)
            _log.info("%s: %s", source.name, decision.reason)
            scheme = decision.options["scheme"]
        yield from rows.documents(file.records(), scheme, repair, keep_tags)

    def write(self, documents: Iterable[Document], path: Path, *, scheme: str = "BIO", lossy: bool = False) -> None:
        """Write tokens and tag numbers, with the tags' names as a `ClassLabel` feature."""
        arrow, parquet = _pyarrow()
        how = schemes.get(scheme)
        rows = [row for _, row in rows_of(documents, how, self.name, lossy=lossy)]
        ids = ["document_id", "sentence_id"] if rows and "document_id" in rows[0] else ["id"]
        labels = {schemes.split_tag(tag)[1] for row in rows for tag in row["ner_tags"]} - {""}
        names = how.tagset(sorted(labels))
        number = {tag: index for index, tag in enumerate(names)}
        text = {"dtype": "string", "_type": "Value"}
        features: dict[str, Any] = dict.fromkeys(ids, text)
        features["tokens"] = {"feature": text, "_type": "Sequence"}
        features["ner_tags"] = {"feature": {"names": list(names), "_type": "ClassLabel"}, "_type": "Sequence"}
        fields = [(id, arrow.string()) for id in ids]
        fields += [("tokens", arrow.list_(arrow.string())), ("ner_tags", arrow.list_(arrow.int64()))]
        columns: dict[str, list[Any]] = {id: [str(row[id]) for row in rows] for id in ids}
        columns["tokens"] = [row["tokens"] for row in rows]
        columns["ner_tags"] = [[number[tag] for tag in row["ner_tags"]] for row in rows]
        try:
            metadata = json.dumps({"info": {"features": features}}, ensure_ascii=False).encode("utf-8")
            table = arrow.table(columns, schema=arrow.schema(fields, metadata={b"huggingface": metadata}))
        except UnicodeEncodeError as error:
            code = ord(error.object[error.start])
            raise DataError(f"U+{code:04X} is half a surrogate pair and no character", path=path) from None
        with replacing_path(path) as draft:
            parquet.write_table(table, draft)

    def losses(self, document: Document, *, scheme: str = "BIO") -> list[str]:
        """Text outside tokens, spans that are not flat rows of tokens of one sentence, labels that are no tag's."""
        return losses(document, schemes.get(scheme))


def _pyarrow() -> tuple[Any, Any]:
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError:
        raise MissingExtraError("the format parquet", "parquet") from None
    return pyarrow, parquet


# ---------------------------------------------------------------------- reading


class _File:
    """One Parquet file, its sizes checked before anything is unpacked."""

    def __init__(self, source: Source) -> None:
        if source.path is None:
            raise DataError("Parquet cannot be read from a stream", path=source.name, mend="save it to a file first")
        self.path, self.place = source.path, Place(source.name, "row")
        _check_marks(source)
        with self._open() as file:
            self.size: int = file.metadata.num_rows
            self._texts = _text_columns(file.metadata.schema)
            schema = file.schema_arrow
            self._check(file.metadata)
        self.columns: list[str] = schema.names
        self.has_spans = {"text", "spans"} <= set(self.columns)
        self._features = _features((schema.metadata or {}).get(b"huggingface"))

    def tagged(self, tokens: str | None, tags: str | None, names: object, scheme: str | None) -> TaggedRows:
        """The reader of rows of tokens and tags."""

        def stored(key: str) -> tuple[list[str], str] | None:
            found = class_names(self._features, key)
            return None if found is None else (found, "the file's features")

        return TaggedRows(self.place, tokens, tags, names, stored, plain=(scheme or "").lower() == "plain")

    def records(self) -> Iterator[tuple[int, dict[str, Any]]]:
        """Number (from 1) and values of each row."""
        number = 0
        with self._open(self._texts) as file:
            for batch in file.iter_batches(batch_size=ROWS, use_threads=False):
                size = sum(map(_most_bytes, batch.columns))
                if size > GROUP:
                    message = f"this and the {batch.num_rows - 1} row(s) after it may have {size:,} bytes"
                    raise self.place.error(message, number + 1, f"no more than {GROUP:,}: split them")
                for record in batch.to_pylist():
                    number += 1
                    yield number, record
        if not number:
            raise DataError("no row in the file", path=self.place.path)

    @contextmanager
    def _open(self, packed: Sequence[str] = ()) -> Iterator[Any]:
        """The file, opened; columns of text that are `packed` keep each distinct value once."""
        arrow, parquet = _pyarrow()
        try:
            with parquet.ParquetFile(
                self.path,
                read_dictionary=list(packed),
                pre_buffer=False,
                buffer_size=1 << 20,
                thrift_string_size_limit=FOOTER,
                thrift_container_size_limit=1 << 20,
            ) as file:
                yield file
        except (arrow.ArrowException, OSError, UnicodeDecodeError, OverflowError, MemoryError) as error:
            what = " ".join(str(error).split())[:120]
            raise DataError(f"cannot be read as Parquet: {what}", path=self.place.path) from None

    def _check(self, metadata: Any) -> None:
        most = PACKED * self.path.stat().st_size
        values = 0
        for number in range(metadata.num_row_groups):
            group = metadata.row_group(number)
            columns = [group.column(column) for column in range(group.num_columns)]
            unpacked = max(group.total_byte_size, sum(column.total_uncompressed_size for column in columns))
            longest = max((column.num_values for column in columns), default=0)
            if unpacked > GROUP or longest > VALUES:
                large = f"{unpacked:,} bytes" if unpacked > GROUP else f"{longest:,} values in a column"
                raise DataError(
                    f"row group {number + 1} has {large} when unpacked, more than {GROUP:,} bytes or {VALUES:,} values",
                    path=self.place.path,
                    mend="write it with smaller row groups",
                )
            values += sum(max(column.num_values, group.num_rows) for column in columns)
        if max(values, self.size) > most:
            claim = f"claims {self.size:,} row(s) of {values:,} values in {self.path.stat().st_size:,} bytes"
            raise DataError(claim, path=self.place.path, mend="it is damaged, or made to fill the memory")


def _text_columns(schema: Any) -> list[str]:
    columns = (schema.column(number) for number in range(len(schema)))
    return [column.path for column in columns if column.logical_type.type == "STRING"]


def _most_bytes(array: Any) -> int:
    """At most how many bytes the values of an array have as Python objects, without making them."""
    arrow, _ = _pyarrow()
    kind = array.type
    if arrow.types.is_dictionary(kind):
        import pyarrow.compute

        longest = pyarrow.compute.max(pyarrow.compute.binary_length(array.dictionary)).as_py()  # pyright: ignore
        return len(array) * (64 + (longest or 0))
    if arrow.types.is_struct(kind):
        return sum(map(_most_bytes, array.flatten()))
    if arrow.types.is_list(kind) or arrow.types.is_large_list(kind) or arrow.types.is_fixed_size_list(kind):
        return 64 * len(array) + _most_bytes(array.flatten())
    return 64 * len(array) + array.nbytes


def _check_marks(source: Source) -> None:
    """Raise `DataError` where a file does not begin and end as Parquet does."""
    start = source.start(4)
    assert source.path is not None
    if start == b"PARE":
        raise DataError("is an encrypted Parquet file", path=source.name)
    if start != MARK:
        raise DataError("is not a Parquet file" if start else "the file is empty", path=source.name)
    with source.path.open("rb") as handle:
        size = handle.seek(0, 2)
        handle.seek(max(size - 8, 0))
        end = handle.read(8)
    if end[4:] != MARK:
        raise DataError("ends in the middle of a Parquet file", path=source.name)
    if int.from_bytes(end[:4], "little") > min(FOOTER, size - 12):
        raise DataError("the description at its end is longer than it can be", path=source.name)


def _features(metadata: bytes | None) -> object:
    """The features of `datasets` in the schema's metadata; None where there are none that can be read."""
    if metadata is None:
        return None
    try:
        info = json.loads(metadata)["info"]
        return info["features"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None


def _span_documents(file: _File) -> Iterator[Document]:
    """The documents of rows in the shape of our JSON Lines; other columns go to `meta`."""

    def build(record: dict[str, Any], number: int) -> Document:
        return jsonl.document_of(_record(record, number), jsonl.KEYS)

    return distinct(file.records(), build, file.place.error, "row")


def _record(row: dict[str, Any], number: int) -> dict[str, Any]:
    """A row as an object of our JSON Lines: null is missing, and a span's text is looked up where it has none."""
    row = {key: value for key, value in row.items() if value is not None}
    record = {key: value for key, value in row.items() if key in jsonl.KEYS}
    id = record.get("id", number)
    record["id"] = str(id) if type(id) is int else id
    meta = record.get("meta", {})
    if isinstance(meta, str):  # a column has one shape for all rows: JSON text holds any
        try:
            meta = parsed(meta)
        except (ValueError, RecursionError):
            raise DataError("'meta' is not JSON") from None
    more = {key: value for key, value in row.items() if key not in jsonl.KEYS}
    if not isinstance(meta, dict):
        raise DataError("'meta' is not an object")
    if meta or more:
        record["meta"] = {**meta, **more}
    record.setdefault("spans", [])
    if isinstance(record["spans"], list):
        record["spans"] = [_span(item, record.get("text")) for item in record["spans"]]
    return record


def _span(item: object, text: object) -> object:
    if not isinstance(item, dict):
        return item
    item = {key: value for key, value in item.items() if value is not None}
    start, end = item.get("start"), item.get("end")
    if "text" not in item and isinstance(text, str) and type(start) is int and type(end) is int and start >= 0:
        pieces = item.get("fragments") or [[start, end]]
        if isinstance(pieces, list) and all(isinstance(piece, list) and len(piece) == 2 for piece in pieces):
            item["text"] = " ".join(text[first:last] for first, last in pieces)
    return item
