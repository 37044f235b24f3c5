"""The catalogue: public corpora by name and split, found under the folder that ONOMA_DATA names.

Nothing is fetched and no corpus is part of the package, except the small one written for it (`demo`). A file is read
only when its sha256 is the one in `catalog.toml`.
"""

from __future__ import annotations

import hashlib
import os
import re
import tomllib
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from onoma.exceptions import ConfigError, DataError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from onoma.document import Document

__all__ = ["VARIABLE", "Entry", "Resolved", "Split", "entries", "is_reference", "load", "resolve"]

VARIABLE = "ONOMA_DATA"
_REFERENCE = re.compile(r"[a-z][a-z0-9_]+:[a-z0-9_]+")


@dataclass(frozen=True)
class Split:
    """One file: its name in the entry's folder (or its own), and what stands in it as it is read."""

    file: str
    folder: str
    sha256: str | None = None
    sentences: int | None = None
    tokens: int | None = None
    mentions: int | None = None
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Entry:
    """One data set: what it is, whose, in which format, and its splits."""

    name: str
    description: str
    language: str
    licence: str
    upstream: str
    commit: str
    format: str
    splits: Mapping[str, Split]
    embedded: bool = False
    note: str = ""


@dataclass(frozen=True)
class Resolved:
    """Where a reference leads: a file, its format and the reader's options."""

    path: Path
    format: str
    options: Mapping[str, Any]


@lru_cache(maxsize=1)
def entries() -> Mapping[str, Entry]:
    """All data sets of the catalogue by name."""
    stanzas = tomllib.loads(files("onoma.datasets").joinpath("catalog.toml").read_text(encoding="utf-8"))
    return MappingProxyType({name: _entry(name, stanza) for name, stanza in stanzas.items()})


def _entry(name: str, stanza: dict[str, Any]) -> Entry:
    options = stanza.pop("options", {})
    folder = stanza.pop("folder", name)
    splits = {}
    for split, row in stanza.pop("splits").items():
        own = row.pop("options", {})
        splits[split] = Split(**{"folder": folder, **row}, options={**options, **own})
    return Entry(name=name, splits=splits, **stanza)


def is_reference(path: str | Path) -> bool:
    """Whether a path reads `name:split` and no such file exists."""
    return isinstance(path, str) and _REFERENCE.fullmatch(path) is not None and not Path(path).exists()


def resolve(reference: str) -> Resolved:
    """File, format and reader options of `name:split`; the file's sha256 is verified.

    Raises `ConfigError` for a name or split that is not there or where ONOMA_DATA is not set, `DataError` for a
    file that is missing or another one.
    """
    name, _, split = reference.partition(":")
    entry = entries().get(name)
    if entry is None:
        raise ConfigError(f"data set {name!r} is not in the catalogue: one of {', '.join(entries())}")
    row = entry.splits.get(split)
    if row is None:
        raise ConfigError(f"data set {name!r} has no split {split!r}: one of {', '.join(entry.splits)}")
    path = _folder(entry, row, reference) / row.file
    if row.sha256 is not None:
        _verify(path, row.sha256, entry)
    return Resolved(path, entry.format, row.options)


def _folder(entry: Entry, row: Split, reference: str) -> Path:
    if entry.embedded:
        return Path(str(files("onoma.datasets"))) / row.folder
    root = os.environ.get(VARIABLE, "")
    if not root:
        raise ConfigError(
            f"{reference} needs {VARIABLE}: set it to the folder that holds {row.folder}/{row.file} "
            f"(from {entry.upstream})"
        )
    return Path(root) / row.folder


def _verify(path: Path, expected: str, entry: Entry) -> None:
    try:
        with path.open("rb") as handle:
            found = hashlib.file_digest(handle, "sha256").hexdigest()
    except OSError as error:
        raise DataError(
            f"cannot be read: {error.strerror or error}",
            path=path,
            mend=f"{VARIABLE} names the folder above; the file is from {entry.upstream} at {entry.commit[:10]}",
        ) from None
    if found != expected:
        raise DataError(
            f"is not the file of the catalogue: sha256 {found[:12]}..., expected {expected[:12]}...",
            path=path,
            mend=f"take it from {entry.upstream} at {entry.commit[:10]}, or name the file instead of the entry",
        )


def load(name: str, split: str) -> list[Document]:
    """All documents of a split; raises as `resolve` does."""
    from onoma.datasets import read

    return read(f"{name}:{split}")
