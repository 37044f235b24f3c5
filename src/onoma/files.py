"""Writing that happens whole or not at all: under a temporary name beside the target, then `os.replace`."""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import sys
import tempfile
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager, suppress
from itertools import islice
from pathlib import Path
from typing import TextIO

from onoma.exceptions import ConfigError, DataError

__all__ = ["claim_folder", "digest", "replacing", "replacing_folder", "replacing_path", "write_text"]


MOST = 1000
"""Files of a folder that are looked at: models have few."""


def digest(paths: Iterable[Path]) -> str:
    """sha256 of the names and the content of files, and of those in folders (at most `MOST` in each)."""
    made = hashlib.sha256()
    for path in paths:
        for file in sorted(islice(path.rglob("*"), MOST)) if path.is_dir() else [path]:
            with suppress(OSError), file.open("rb") as content:
                name = str(file.relative_to(path)).encode("utf-8", "surrogateescape")
                made.update(name + b"\n" + hashlib.file_digest(content, "sha256").digest())
    return made.hexdigest()


@contextmanager
def replacing(path: str | Path) -> Iterator[TextIO]:
    """A UTF-8 text handle whose content appears under `path` ("-" for standard output) only if all of it was written.

    Raises `DataError` where the place cannot be written or the text is no valid Unicode.
    """
    if str(path) == "-":
        buffer = io.StringIO(newline="\n")
        yield buffer
        _to_stdout(buffer.getvalue())
        return
    try:
        with replacing_path(path) as draft, draft.open("w", encoding="utf-8", newline="\n") as handle:
            yield handle
    except UnicodeEncodeError as error:
        code = ord(error.object[error.start])
        raise DataError(f"U+{code:04X} is half a surrogate pair and no character", path=path) from None


@contextmanager
def replacing_path(path: str | Path) -> Iterator[Path]:
    """A path beside `path` to write a file at, which takes the place of `path` when the block ends well.

    Where it does not, what was written goes, and so do folders made for it. A link is followed, its target replaced. A
    device or a pipe cannot be replaced: its own path is given. Raises `DataError` where the place cannot be written.
    """
    target = draft = Path(path)
    device = True
    made: list[Path] = []
    try:
        if target.is_dir():
            raise DataError("is a directory", path=path, mend="name a file")
        device = target.exists() and not target.is_file()
        if not device:
            target = Path(os.path.realpath(target)) if target.is_symlink() else target
            draft = target.with_name(f".{target.name}.{os.getpid()}.tmp")
            made = [folder for folder in target.parents if not folder.exists()]
            target.parent.mkdir(parents=True, exist_ok=True)
        yield draft
        if not device:
            draft.replace(target)
            made = []
    except BrokenPipeError:  # the reader of a pipe has enough: no fault of the place
        raise
    except OSError as error:
        raise DataError(f"cannot be written: {error.strerror or error}", path=path) from None
    finally:
        if not device:
            with suppress(OSError):
                draft.unlink(missing_ok=True)
        for folder in made:  # an empty one only: rmdir refuses any other
            with suppress(OSError):
                folder.rmdir()


def write_text(path: Path, text: str) -> None:
    """Write a whole text file at once."""
    with replacing(path) as file:
        file.write(text)


@contextmanager
def replacing_folder(path: Path, keep: str | None = None) -> Iterator[Path]:
    """An empty folder that takes the place of `path` when the block ends well; subfolder `keep` is moved over.

    Raises `DataError` where the place cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name}."))
    except OSError as error:
        raise DataError(f"cannot be written: {error.strerror or error}", path=path) from None
    try:
        yield scratch
        scratch.chmod(0o777 & ~_umask())
        if path.exists():
            if keep is not None and (path / keep).is_dir():
                os.replace(path / keep, scratch / keep)
            old = Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name}.old."))
            os.replace(path, old / "old")
            try:
                os.replace(scratch, path)
            except OSError:
                os.replace(old / "old", path)  # where even that fails, the old folder is kept under its hidden name
                old.rmdir()
                raise
            shutil.rmtree(old, ignore_errors=True)
        else:
            os.replace(scratch, path)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _to_stdout(text: str) -> None:
    try:
        data = text.encode("utf-8")
    except UnicodeEncodeError as error:
        code = ord(error.object[error.start])
        raise DataError(f"U+{code:04X} is half a surrogate pair and no character") from None
    stream = getattr(sys.stdout, "buffer", None)
    if stream is None:
        sys.stdout.write(text)
    else:
        sys.stdout.flush()
        stream.write(data)
    sys.stdout.flush()


def claim_folder(folder: Path, what: str, ours: Collection[str]) -> None:
    """Raise `ConfigError` where `what` cannot be saved as a folder: it is a file, holds names not `ours`, is read-only.

    Saving replaces a whole folder, so nothing else may be in it.
    """
    if folder.exists() and not folder.is_dir():
        raise ConfigError(f"{folder}: is a file; {what} is saved as a folder")
    if folder.is_dir():
        strangers = sorted(each.name for each in folder.iterdir() if each.name not in ours)
        if strangers:
            raise ConfigError(f"{folder}: holds {strangers[0]!r}, which saving would lose: name an empty folder")
    parent = next(each for each in (folder.absolute(), *folder.absolute().parents) if each.exists())
    if not os.access(parent, os.W_OK):
        raise ConfigError(f"{folder}: cannot be written: no permission in {parent}")
