"""Labelled documents as an experiment names them: read, relabelled, counted."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from onoma import datasets, tokenization
from onoma.comparison.experiment import SetSettings, Source, located
from onoma.datasets import catalog
from onoma.document import Document, LabelSet
from onoma.exceptions import DataError
from onoma.report.schema import SetInfo

__all__ = ["Loaded", "describe", "load"]


@dataclass(frozen=True)
class Loaded:
    """Documents, the sha256 of their file, and what was done to them on reading."""

    documents: tuple[Document, ...]
    sha256: str
    notes: tuple[str, ...]


def load(source: Source, base: Path) -> Loaded:
    """Read a source whose relative path starts at `base`; raises `DataError` or `ConfigError`."""
    where = located(source.source, base)
    if catalog.is_reference(where):
        found = catalog.resolve(where)
        path, files = found.path, found.files
        notes = [f"catalogue entry {where}, file {path.name}"]
    else:
        path = Path(where)
        files = sorted(each for each in path.rglob("*") if each.is_file()) if path.is_dir() else [path]
        notes = [datasets.sniff(where).reason] if source.format is None else [f"read as {source.format}"]
    documents = datasets.read(where, source.format, **source.options)
    if not documents:
        raise DataError("holds no document", path=path)
    documents, changes = _relabel(documents, source)
    if source.asked_labels:
        labels = list(LabelSet.of(documents))
        documents = [replace(each, meta={**each.meta, "asked_labels": labels}) for each in documents]
        changes.append(f"asked for {', '.join(labels)}")
    digests = [catalog.sha256_of(each) for each in files]
    # One file is known by its own sha256, several by that of their list.
    digest = digests[0] if len(digests) == 1 else hashlib.sha256("".join(digests).encode()).hexdigest()
    return Loaded(tuple(documents), digest, (*notes, *changes))


def _relabel(documents: Sequence[Document], source: Source) -> tuple[list[Document], list[str]]:
    if not source.map and not source.drop:
        return list(documents), []
    renamed, dropped = Counter[tuple[str, str]](), Counter[str]()
    changed: list[Document] = []
    for document in documents:
        spans = []
        for span in document.spans:
            label = source.map.get(span.label, span.label)
            if label != span.label:
                renamed[span.label, label] += 1
            if label in source.drop:
                dropped[label] += 1
            else:
                spans.append(replace(span, label=label))
        changed.append(document.with_spans(spans))
    notes = [f"{old} renamed to {new} ({count:,})" for (old, new), count in sorted(renamed.items())]
    notes += [f"{label} taken out of the data ({count:,})" for label, count in sorted(dropped.items())]
    return changed, notes


def describe(settings: SetSettings, loaded: Loaded) -> SetInfo:
    """The record of a set; words are counted by the `unicode` splitter where the data have no tokens."""
    split = [tokenization.split(document) for document in loaded.documents]
    notes = list(loaded.notes)
    if not any(document.tokens for document in loaded.documents):
        notes.append("raw text: words are those of the 'unicode' splitter")
    if settings.labels is not None:
        notes.append(f"only {', '.join(settings.labels)} are scored, in gold and predictions")
    return SetInfo(
        role=settings.role,
        documents=len(split),
        sentences=sum(len(document.sentences) for document in split),
        tokens=sum(len(document.tokens) for document in split),
        mentions=sum(len(document.spans) for document in split),
        labels=tuple(LabelSet.of(split)),
        sha256=loaded.sha256,
        source=settings.source if catalog.is_reference(settings.source) else Path(settings.source).name,
        description=settings.description,
        notes=tuple(notes),
    )
