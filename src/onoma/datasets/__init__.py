"""Data sets: one file per format on disk, one table, and a catalogue of public corpora.

`read` finds the format out and logs what it decided; every reader refuses bad input with file, line and mend.
"""

from __future__ import annotations

import gc
import inspect
import logging
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePath
from typing import Any, cast

from onoma.datasets import catalog
from onoma.datasets.base import Decision, Format
from onoma.datasets.catalog import load
from onoma.datasets.check import Finding, check
from onoma.datasets.files import Source, replacing
from onoma.datasets.fingerprint import fingerprint
from onoma.datasets.predictions import check_text, predictions_of, write_predictions
from onoma.datasets.recognise import recognise
from onoma.datasets.statistics import DataStatistics, statistics
from onoma.document import Document, Prediction, Span
from onoma.exceptions import ConfigError, DataError
from onoma.options import check_options
from onoma.tables import lookup, row_names

__all__ = [
    "FORMATS",
    "DataStatistics",
    "Decision",
    "Finding",
    "Format",
    "check",
    "fingerprint",
    "format_of",
    "get",
    "load",
    "names",
    "read",
    "read_predictions",
    "sniff",
    "statistics",
    "stream",
    "write",
    "write_predictions",
]

FORMATS: dict[str, str] = {
    "alpaca": "onoma.datasets.alpaca:Alpaca",
    "brackets": "onoma.datasets.brackets:Brackets",
    "brat": "onoma.datasets.brat:Brat",
    "conll": "onoma.datasets.conll:Conll",
    "conllu": "onoma.datasets.conllu:Conllu",
    "doccano": "onoma.datasets.doccano:Doccano",
    "docbin": "onoma.datasets.docbin:DocBin",
    "genia": "onoma.datasets.genia:Genia",
    "gner": "onoma.datasets.gner:Gner",
    "hf": "onoma.datasets.hf:Hf",
    "iob2": "onoma.datasets.iob2:Iob2",
    "jsonl": "onoma.datasets.jsonl:Jsonl",
    "label_studio": "onoma.datasets.label_studio:LabelStudio",
    "layers": "onoma.datasets.layers:Layers",
    "parallel": "onoma.datasets.parallel:Parallel",
    "parquet": "onoma.datasets.parquet:Parquet",
    "per_type": "onoma.datasets.per_type:PerType",
    "prodigy": "onoma.datasets.prodigy:Prodigy",
    "xml": "onoma.datasets.inline_xml:InlineXml",
}
"""Format names and where their classes stand; third parties add rows by the entry point group `onoma.datasets`."""

_log = logging.getLogger("onoma")


def names() -> list[str]:
    """All format names, third parties' included."""
    return sorted(row_names(FORMATS, "onoma.datasets"))


def get(name: str) -> Format:
    """The format of that name; raises `ConfigError` with the list of names."""
    if not isinstance(name, str):
        raise ConfigError(f"format {name!r} is no name: one of {', '.join(names())}")
    return cast("Format", lookup(FORMATS, name, "format", "onoma.datasets")())


def sniff(path: str | Path) -> Decision:
    """How `read` would read a file: format, options and a one-line reason; reads the file, raises `DataError`."""
    if catalog.is_reference(path):
        found = catalog.resolve(str(path))
        return Decision(found.format, dict(found.options), f"catalogue entry {path}: {found.path}")
    source = _source(path).kept()
    return get(_recognised(source)).decide(source)


def read(path: str | Path, format: str | None = None, **options: Any) -> list[Document]:
    """All documents of a file, "-" for standard input, or a catalogue reference such as `conll2003:test`.

    The format is found out where none is named, and what was decided is logged. Every reader takes
    `drop_labels`, a list of labels whose spans are left out, beside its own options. Raises `DataError` for
    bad files and `ConfigError` for options the reader does not have.
    """
    with _no_collection():
        return list(stream(path, format, **options))


@contextmanager
def _no_collection() -> Iterator[None]:
    """Without the cyclic garbage collector: documents hold no cycles, and it would look at each again and again."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def stream(path: str | Path, format: str | None = None, **options: Any) -> Iterator[Document]:
    """As `read`, one document after the other; JSON Lines are never held in memory as a whole."""
    if catalog.is_reference(path):
        if format is not None:
            raise ConfigError(f"{path} is a catalogue reference: its format is known, leave format={format!r} out")
        found = catalog.resolve(str(path))
        path, format, options = found.path, found.format, {**found.options, **options}
    dropped = _labels(options.pop("drop_labels", ()))
    source = _source(path)
    if format is None:
        format = _recognised(source)
        _log.debug("%s: recognised as %s", source.name, format)
    reader = get(format)
    check_options(reader.read, options, f"the reader of {format}")
    documents = reader.read(source, **options)
    return _without(documents, dropped, source.name) if dropped else documents


def write(documents: Iterable[Document], path: str | Path, format: str | None = None, **options: Any) -> None:
    """Write documents whole or not at all; the format follows from the ending (jsonl for "-") where none is named.

    Raises `DataError` for what the format cannot hold, unless `lossy=True`, and `ConfigError` for unknown options.
    """
    if "\0" in str(path):
        raise DataError(f"the path {str(path)!r} holds a zero byte")
    name = format or format_of(path)
    writer = get(name)
    check_options(writer.write, options, f"the writer of {name}")
    by_path = getattr(writer, "by_path", False)
    if by_path and str(path) == "-":
        raise ConfigError(f"{name} cannot be written to standard output: name a path")
    try:
        if by_path:
            writer.write(documents, Path(path), **options)
            return
        with replacing(path) as handle:
            writer.write(documents, handle, **options)
    except BrokenPipeError:
        raise
    except UnicodeEncodeError as error:
        code = ord(error.object[error.start])
        raise DataError(f"U+{code:04X} is half a surrogate pair and no character", path=path) from None
    except OSError as error:
        raise DataError(f"cannot be written: {error.strerror or error}", path=path) from None


def format_of(path: str | Path) -> str:
    """The format to write by a file's ending (jsonl for "-"); raises `ConfigError` with the list of endings."""
    name = "jsonl" if str(path) == "-" else _by_ending(path)
    if name is None:
        known = ", ".join(sorted(ending for each in names() for ending in get(each).endings))
        raise ConfigError(f"{path}: no format goes by that ending: use one of {known}, or name the format")
    return name


def read_predictions(
    path: str | Path, format: str | None = None, *, gold: Iterable[Document] | None = None
) -> list[Prediction]:
    """The predictions of a file: our JSON Lines with problems, tags and raw answers, or any other format's spans.

    From column formats the tags are kept as they stand, before any repair. With `gold`, a prediction that was made for
    another text than the gold document of its id is a `DataError`, and tags of other tokens than its are left out.
    """
    gold = None if gold is None else list(gold)
    texts = None if gold is None else {document.id: document.text for document in gold}
    source = _source(path)
    format = format or _recognised(source)
    if format == "jsonl":
        tokens = None if gold is None else {document.id: document.tokens for document in gold}
        return list(predictions_of(source, texts, tokens))
    reader = get(format)
    answers = getattr(reader, "predictions_of", None)
    if answers is not None:
        return list(answers(source, texts))
    keeps = "keep_tags" in inspect.signature(reader.read).parameters
    found: list[Prediction] = []
    for document in reader.read(source, **({"keep_tags": True} if keeps else {})):
        try:
            check_text(document.id, document.text, texts)
        except DataError as error:
            raise DataError(error.message, path=source.name, mend=error.mend) from None
        found.append(Prediction(document.id, document.spans, tags=document.meta.get("tags")))
    return found


def _source(path: str | Path) -> Source:
    """The source of a path; raises `DataError` for the bare name of a data set of the catalogue."""
    entry = catalog.entries().get(path) if isinstance(path, str) and path.isidentifier() else None
    if entry is not None and not Path(path).exists():
        splits = ", ".join(f"{path}:{split}" for split in entry.splits)
        raise DataError("no such file", path=path, mend=f"a data set has this name: name a split, {splits}")
    return Source(path)


def _recognised(source: Source) -> str:
    return recognise(source, _by_ending(source.name), {name: get(name) for name in names()})


def _by_ending(path: str | Path) -> str | None:
    ending = PurePath(str(path)).suffix.lower()
    return next((name for name in names() if ending in get(name).endings), None) if ending else None


def _labels(value: object) -> frozenset[str]:
    if isinstance(value, str) or not isinstance(value, Iterable):
        raise ConfigError("drop_labels is a list of labels")
    return frozenset(str(label) for label in value)


def _without(documents: Iterator[Document], labels: frozenset[str], path: str | Path) -> Iterator[Document]:
    dropped = Counter[str]()
    for document in documents:
        kept: list[Span] = []
        for span in document.spans:
            if span.label in labels:
                dropped[span.label] += 1
            else:
                kept.append(span)
        yield document.with_spans(kept) if len(kept) < len(document.spans) else document
    counts = ", ".join(f"{label} {dropped[label]:,}" for label in sorted(labels))
    _log.info("%s: labels dropped from the gold: %s", path, counts)
