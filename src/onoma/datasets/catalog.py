"""The catalogue: public corpora by name and split, found under the folder that ONOMA_DATA names.

No corpus is part of the package, except the small one written for it (`demo`), and reading fetches nothing
(`onoma.datasets.download` does, on demand). A file is read only when its sha256 is the one in `catalog/*.toml`.
"""

from __future__ import annotations

import hashlib
import os
import re
import tomllib
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

from onoma.exceptions import ConfigError, DataError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from onoma.document import Document

__all__ = [
    "VARIABLE",
    "Entry",
    "File",
    "Resolved",
    "Split",
    "Unread",
    "entries",
    "entry",
    "is_reference",
    "load",
    "resolve",
    "root",
    "sha256_of",
]

VARIABLE = "ONOMA_DATA"
_REFERENCE = re.compile(r"[a-z][a-z0-9_]+:[a-z0-9_]+")

Answer = Literal["yes", "no", "unknown"]


@dataclass(frozen=True)
class File:
    """One file: where it stands in the entry's folder, where it comes from, and its sha256.

    `upstream_path` is the path in the upstream repository, `archive.zip!member` for a file in an archive; empty for
    files that no one hands out. `mentions` is its share where the files of a split hold one label each.
    """

    file: str
    sha256: str | None = None
    upstream_path: str = ""
    mentions: int | None = None


@dataclass(frozen=True)
class Split:
    """What is read under one name, and what stands in it as it is read.

    `file` is what the reader is given, inside `folder` of ONOMA_DATA: a file, or a folder or a pattern where `files`
    has several. `mentions_in_file` counts those of labels that the options drop, too. `commit` is the entry's unless
    the file is from another one. `derived` says how the file is made where upstream has none.
    """

    file: str
    folder: str
    files: tuple[File, ...]
    sentences: int | None = None
    tokens: int | None = None
    mentions: int | None = None
    mentions_in_file: int | None = None
    commit: str = ""
    derived: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Unread:
    """A file of the data set that is no split, and why; counts where it is labelled."""

    file: File
    why: str
    sentences: int | None = None
    tokens: int | None = None
    mentions: int | None = None


@dataclass(frozen=True)
class Entry:
    """One data set: what it is, whose, under which terms, in which format, and its splits.

    `licence` is what the upstream repository says about the annotation, `text_licence` what holds for the texts where
    that is something else. `redistributable` and `non_commercial` judge both together; "unknown" where nothing
    is said. `labels` are those of all splits as they are read.
    """

    name: str
    description: str
    language: str
    task: str
    domain: str
    licence: str
    upstream: str
    commit: str
    format: str
    splits: Mapping[str, Split]
    redistributable: Answer
    non_commercial: bool | Literal["unknown"]
    licence_url: str = ""
    text_licence: str = ""
    labels: tuple[str, ...] = ()
    unread: tuple[Unread, ...] = ()
    embedded: bool = False
    note: str = ""


@dataclass(frozen=True)
class Resolved:
    """Where a reference leads: what the reader is given, its format and options, and the files behind it."""

    path: Path
    format: str
    options: Mapping[str, Any]
    files: tuple[Path, ...] = ()


# ---------------------------------------------------------------------- the stanzas


@lru_cache(maxsize=1)
def entries() -> Mapping[str, Entry]:
    """All data sets of the catalogue by name, in the order of the alphabet."""
    found: dict[str, Entry] = {}
    for page in files("onoma.datasets").joinpath("catalog").iterdir():
        if page.name.endswith(".toml"):
            stanzas = tomllib.loads(page.read_text(encoding="utf-8"))
            found.update((name, _entry(name, stanza)) for name, stanza in stanzas.items())
    return MappingProxyType(dict(sorted(found.items())))


def entry(name: str) -> Entry:
    """The data set of that name; raises `ConfigError` with the names that are near it."""
    found = entries().get(name)
    if found is None:
        near = get_close_matches(name, entries(), n=3, cutoff=0.5)
        meant = f"did you mean {' or '.join(near)}? " if near else ""
        raise ConfigError(f"data set {name!r} is not in the catalogue: {meant}`onoma data get` lists it")
    return found


def _entry(name: str, stanza: dict[str, Any]) -> Entry:
    options = stanza.pop("options", {})
    folder = stanza.pop("folder", name)
    labels = tuple(stanza.pop("labels", ()))
    unread = tuple(_unread(row) for row in stanza.pop("unread", ()))
    splits = {}
    for split, row in stanza.pop("splits").items():
        own = row.pop("options", {})
        parts = row.pop("files", None) or [{"file": row["file"]} | _taken(row, "sha256", "upstream_path")]
        row = {"folder": folder, "commit": stanza["commit"], **row}
        splits[split] = Split(**row, files=tuple(File(**part) for part in parts), options={**options, **own})
    return Entry(name=name, splits=MappingProxyType(splits), labels=labels, unread=unread, **stanza)


def _unread(row: dict[str, Any]) -> Unread:
    return Unread(File(**_taken(row, "file", "sha256", "upstream_path")), **row)


def _taken(row: dict[str, Any], *keys: str) -> dict[str, Any]:
    return {key: row.pop(key) for key in keys if key in row}


# ---------------------------------------------------------------------- references


def is_reference(path: str | Path) -> bool:
    """Whether a path reads `name:split` and no such file exists."""
    return isinstance(path, str) and _REFERENCE.fullmatch(path) is not None and not _exists(path)


def _exists(path: str) -> bool:
    try:
        return Path(path).exists()
    except OSError:  # longer than a file name may be
        return False


def resolve(reference: str) -> Resolved:
    """Files, format and reader options of `name:split`; the sha256 of each file is verified.

    Raises `ConfigError` for a name or split that is not there or where ONOMA_DATA is not set, `DataError` for a
    file that is missing or another one.
    """
    name, _, split = reference.partition(":")
    found = entry(name)
    row = found.splits.get(split)
    if row is None:
        raise ConfigError(f"data set {name!r} has no split {split!r}: one of {', '.join(found.splits)}")
    folder = _folder(found, row, reference)
    for part in row.files:
        if part.sha256 is not None:
            _verify(folder / part.file, part.sha256, found, row)
    return Resolved(folder / row.file, found.format, row.options, tuple(folder / part.file for part in row.files))


def root() -> Path | None:
    """The folder that ONOMA_DATA names; None where it is not set."""
    named = os.environ.get(VARIABLE, "")
    return Path(named) if named else None


def _folder(found: Entry, row: Split, reference: str) -> Path:
    if found.embedded:
        return Path(str(files("onoma.datasets"))) / row.folder
    above = root()
    if above is None:
        raise ConfigError(
            f"{reference} needs {VARIABLE}: set it to the folder that holds {row.folder}/{row.file} "
            f"(from {found.upstream})"
        )
    return above / row.folder


def sha256_of(path: Path) -> str:
    """The sha256 of a file, hexadecimal; raises `OSError`."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def _verify(path: Path, expected: str, found: Entry, row: Split) -> None:
    source = row.derived or f"from {found.upstream} at {row.commit[:10]}"
    try:
        digest = sha256_of(path)
    except OSError as error:
        get = "" if row.derived else f", and `onoma data get {found.name}` fetches it"
        raise DataError(
            f"cannot be read: {error.strerror or error}",
            path=path,
            mend=f"{VARIABLE} names the folder above; the file is {source}{get}",
        ) from None
    if digest != expected:
        raise DataError(
            f"is not the file of the catalogue: sha256 {digest[:12]}..., expected {expected[:12]}...",
            path=path,
            mend=f"the right one is {source}; or name the file instead of the entry",
        )


def load(name: str, split: str) -> list[Document]:
    """All documents of a split; raises as `resolve` does."""
    from onoma.datasets import read

    return read(f"{name}:{split}")
