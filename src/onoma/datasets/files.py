"""Files as lines: UTF-8, split at newlines only, every fault named with its line."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from onoma.exceptions import DataError
from onoma.files import replacing

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["STDIN", "replacing", "text_lines"]

STDIN = "<stdin>"
_UTF16 = (b"\xff\xfe", b"\xfe\xff")


def text_lines(path: str | Path) -> Iterator[str]:
    """The lines of a file ("-" for standard input) without newline, one CR at the end or a BOM at the start.

    Raises `DataError` for a file that is missing, a directory, unreadable, empty, binary or not UTF-8.
    """
    if str(path) == "-":
        yield from _decode(sys.stdin.buffer, STDIN)
        return
    if Path(path).is_dir():
        raise DataError("is a directory", path=path, mend="name a file in it")
    try:
        with Path(path).open("rb") as handle:
            yield from _decode(handle, path)
    except FileNotFoundError:
        raise DataError("no such file", path=path) from None
    except PermissionError:
        raise DataError("no permission to read it", path=path) from None
    except OSError as error:
        raise DataError(f"cannot be read: {error.strerror or error}", path=path) from None


def _decode(handle: BinaryIO | Iterable[bytes], path: str | Path) -> Iterator[str]:
    offset = 0
    for number, raw in enumerate(handle, 1):
        if number == 1 and raw.startswith(_UTF16):
            raise DataError("looks like UTF-16", path=path, line=1, mend="save it as UTF-8")
        if b"\0" in raw:
            at = offset + raw.index(b"\0")
            raise DataError(f"binary file: a zero byte at offset {at}", path=path, line=number)
        try:
            line = raw.decode("utf-8")
        except UnicodeDecodeError as error:
            at = offset + error.start
            raise DataError(
                f"not UTF-8: byte 0x{raw[error.start]:02x} at offset {at}",
                path=path,
                line=number,
                mend="save it as UTF-8",
            ) from None
        offset += len(raw)
        if number == 1:
            line = line.removeprefix("\ufeff")
        yield line.removesuffix("\n").removesuffix("\r")
    if not offset:
        raise DataError("the file is empty", path=path)
