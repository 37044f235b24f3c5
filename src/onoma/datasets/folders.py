"""Folders that are one data set: written whole or not at all, and never over files of somebody else."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from onoma.exceptions import DataError
from onoma.files import replacing, replacing_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

__all__ = ["new_folder", "write_lines"]


@contextmanager
def new_folder(path: Path, ours: Callable[[str], bool]) -> Iterator[Path]:
    """A folder to write to that takes the place of `path` when the block ends well.

    Raises `DataError` where `path` is a file, or a folder with something in it whose name is not one of `ours`.
    """
    if path.exists() and not path.is_dir():
        raise DataError("is a file", path=path, mend="name a folder")
    foreign = sorted(each.name for each in path.iterdir() if not ours(each.name)) if path.exists() else []
    if foreign:
        raise DataError(f"the folder holds {foreign[0]!r}, which would be lost", path=path, mend="name another folder")
    with replacing_folder(path) as scratch:
        yield scratch


def write_lines(path: Path, lines: Iterable[str]) -> None:
    """Write a file of lines; one that begins with U+FEFF keeps it. Raises `DataError` for half surrogate pairs."""
    with replacing(path) as handle:
        first = True
        for line in lines:
            # readers take the first U+FEFF of a file for a mark and not for text
            handle.write(f"\ufeff{line}\n" if first and line.startswith("\ufeff") else f"{line}\n")
            first = False
