"""Files to read from: UTF-8, split at newlines only, a block at a time, every fault named with its line."""

from __future__ import annotations

import codecs
import io
import stat
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING

from onoma.exceptions import DataError
from onoma.files import replacing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["STDIN", "Source", "replacing"]

STDIN = "<stdin>"
BLOCK = 1 << 16
"""Bytes read at once: what a processor's cache holds is split faster than a larger piece."""
PEEK = 1 << 20
"""Bytes looked at to find out the format."""
LONGEST = 64 << 20
"""Bytes that one line (or one JSON object of an array) may have: what is longer is no document."""
HEAD = 2000
"""Lines looked at to find out the format."""

_UTF16 = (b"\xff\xfe", b"\xfe\xff")


class Source:
    """One file, folder or stream: `name` is what messages call it, `path` is None for a stream.

    Streams are standard input ("-") and what a path leads to that is neither file nor folder (a pipe, a device). A file
    can be read as often as needed, a stream once, after `kept()` as often as needed.
    Reading raises `DataError` for a file that is missing, unreadable, empty, binary, not UTF-8, or that has a line of
    more than 64 MiB.
    """

    def __init__(self, path: str | Path, stream: IO[bytes] | None = None) -> None:
        self._opened: IO[bytes] | None = None
        self.path = None if str(path) == "-" or stream is not None else Path(path)
        self.name: str | Path = STDIN if str(path) == "-" else path
        self._stream = stream
        self._peeked = b""
        self._ended = False  # whether a stream was over when it was looked at
        if self.path is None and stream is None:
            self._stream = sys.stdin.buffer
        elif self.path is not None:
            if "\0" in str(path):
                raise DataError(f"the path {str(path)!r} holds a zero byte")
            if _is_stream(self.path):
                with self._named():  # opened once: what was read of a pipe is gone
                    self._stream = self._opened = self.path.open("rb")
                self.path = None

    def __del__(self) -> None:
        if self._opened is not None:
            self._opened.close()

    @classmethod
    def of(cls, text: str, name: str = "made") -> Source:
        """A source that holds this text."""
        source = cls(name, io.BytesIO(text.encode("utf-8")))
        source.kept()
        return source

    @property
    def is_folder(self) -> bool:
        """Whether it is a folder."""
        return self.path is not None and _is(self.path, stat.S_ISDIR)

    def kept(self) -> Source:
        """The same source, readable as often as needed; the rest of a stream goes to a temporary file."""
        if self._stream is not None and not isinstance(self._stream, _Kept):
            kept = _Kept()
            kept.write(self._peeked)
            self._peeked = b""
            with self._named():
                while block := self._stream.read(BLOCK):
                    kept.write(block)
            self._stream = kept
        return self

    # ------------------------------------------------------------------ bytes

    def start(self, size: int = 16) -> bytes:
        """The first bytes, for formats that begin with a mark."""
        return self._peek()[:size]

    def _peek(self) -> bytes:
        if self._stream is None or isinstance(self._stream, _Kept):
            return next(self._raw(PEEK), b"")
        found = bytearray(self._peeked)
        lines = found.count(b"\n")
        while len(found) < PEEK and lines < HEAD:
            with self._named():
                block = _some(self._stream, BLOCK)
            found += block
            lines += block.count(b"\n")
            self._ended = not block
            if not block or (b"\n" in block and found.removeprefix(codecs.BOM_UTF8).lstrip()[:1] == b"{"):
                break  # one line tells a file of JSON Lines, and a pipe may be slow
        self._peeked = bytes(found)
        return self._peeked

    def _raw(self, size: int = BLOCK) -> Iterator[bytes]:
        """Blocks of that many bytes as they lie on disk."""
        with self._named():
            if self._stream is None:
                assert self.path is not None
                with self.path.open("rb") as handle:
                    while block := handle.read(size):
                        yield block
                return
            if isinstance(self._stream, _Kept):
                self._stream.seek(0)
            first, self._peeked = self._peeked, b""
            while len(first) < len(codecs.BOM_UTF8) and (block := _some(self._stream, size)):
                first += block  # a mark at the start comes whole
            if first:
                yield first
            while block := _some(self._stream, size):
                yield block

    @contextmanager
    def _named(self) -> Iterator[None]:
        """What the system says is wrong becomes a `DataError` that names the file."""
        try:
            yield
        except FileNotFoundError:
            raise DataError("no such file", path=self.name) from None
        except IsADirectoryError:
            raise DataError("is a directory", path=self.name, mend="name a file in it") from None
        except PermissionError:
            raise DataError("no permission to read it", path=self.name) from None
        except OSError as error:
            raise DataError(f"cannot be read: {error.strerror or error}", path=self.name) from None
        except UnicodeEncodeError:  # half a surrogate pair
            raise DataError("is no name that a file can have", path=ascii(str(self.name))) from None

    # ------------------------------------------------------------------ text

    def head(self) -> list[str]:
        """The first lines, at most 2,000 of them and 1 MiB; a line longer than that is cut."""
        raw = self._peek()
        if not raw:
            raise self._empty()
        self._refuse(raw, 0, 0)
        whole = len(raw) < PEEK if self.path is not None or isinstance(self._stream, _Kept) else self._ended
        cut = len(raw) if whole else raw.rfind(b"\n") + 1
        if cut:
            lines = self._decode(raw[:cut], 0, 0).split("\n", HEAD)[:HEAD]
            return lines if lines[-1] or len(lines) == 1 else lines[:-1]
        return [codecs.getincrementaldecoder("utf-8")().decode(raw) if len(raw) >= PEEK else self._decode(raw, 0, 0)]

    def blocks(self) -> Iterator[str]:
        """The text in blocks of whole lines, about 64 KiB each; the last line may have no newline.

        Lines end with `\\n`: one CR before it and a BOM at the very start are left out.
        """
        rest: list[bytes] = []  # of a line whose end has not come yet; it begins at byte `begin`
        begin = waiting = line = 0
        for raw in self._raw():
            self._refuse(raw, begin + waiting, line)
            cut = raw.rfind(b"\n") + 1
            if not cut:
                rest.append(raw)
                waiting += len(raw)
                if waiting > LONGEST:
                    raise DataError(
                        f"a line of more than {LONGEST >> 20} MiB", path=self.name, line=line + 1, mend="split it"
                    )
                continue
            whole = b"".join((*rest, raw[:cut]))
            yield self._decode(whole, begin, line)
            begin += len(whole)
            line += whole.count(b"\n")
            rest = [raw[cut:]] if cut < len(raw) else []
            waiting = len(raw) - cut
        if waiting:
            yield self._decode(b"".join(rest), begin, line).removesuffix("\r")
        elif not begin:
            raise self._empty()

    def lines(self) -> Iterator[str]:
        """The lines without their newline."""
        for block in self.blocks():
            lines = block.split("\n")
            if not lines[-1]:
                lines.pop()
            yield from lines

    def chunks(self) -> Iterator[str]:
        """The text in pieces that may end anywhere, none of them empty, for readers that find ends themselves."""
        decoder = codecs.getincrementaldecoder("utf-8")()
        size = line = waiting = 0  # bytes before this block, and how many of them wait for the rest of a character
        begun = False
        try:
            for raw in self._raw():
                self._refuse(raw, size, line)
                text = decoder.decode(raw)
                if text and not begun:
                    text, begun = text.removeprefix("\ufeff"), True
                if text:
                    yield text
                size += len(raw)
                line += raw.count(b"\n")
                waiting = len(decoder.getstate()[0])
            decoder.decode(b"", final=True)
        except UnicodeDecodeError as error:
            line += error.object.count(b"\n", 0, error.start)
            raise self._not_utf8(error.object[error.start], size - waiting + error.start, line) from None
        if not size:
            raise self._empty()

    def _decode(self, raw: bytes, offset: int, line: int) -> str:
        try:
            text = raw.decode("utf-8")
        except UnicodeDecodeError as error:
            line += raw.count(b"\n", 0, error.start)
            raise self._not_utf8(raw[error.start], offset + error.start, line) from None
        if not offset:
            text = text.removeprefix("\ufeff")
        return text.replace("\r\n", "\n") if "\r" in text else text

    def _refuse(self, raw: bytes, offset: int, line: int) -> None:
        """Raise `DataError` for bytes that no text has."""
        if not offset and raw.startswith(_UTF16):
            raise DataError("looks like UTF-16", path=self.name, line=1, mend="save it as UTF-8")
        at = raw.find(b"\0")
        if at >= 0:
            line += raw.count(b"\n", 0, at) + 1
            raise DataError(f"binary file: a zero byte at offset {offset + at}", path=self.name, line=line)

    def _not_utf8(self, byte: int, offset: int, line: int) -> DataError:
        return DataError(
            f"not UTF-8: byte 0x{byte:02x} at offset {offset}", path=self.name, line=line + 1, mend="save it as UTF-8"
        )

    def _empty(self) -> DataError:
        return DataError("the file is empty", path=self.name)


class _Kept(tempfile.SpooledTemporaryFile[bytes]):
    """What was read of a stream: in memory, or on disk where it is large."""

    def __init__(self) -> None:
        super().__init__(max_size=16 << 20)

    def __del__(self) -> None:
        self.close()


def _is(path: Path, kind: Callable[[int], bool]) -> bool:
    """Whether a path leads to something of that kind; False where it leads nowhere or cannot be looked at."""
    try:
        return kind(path.stat().st_mode)
    except (OSError, ValueError):
        return False


def _is_stream(path: Path) -> bool:
    return _is(path, lambda mode: not stat.S_ISREG(mode) and not stat.S_ISDIR(mode))


def _some(stream: IO[bytes], size: int) -> bytes:
    """What a stream has ready, at least one byte unless it is over."""
    read = None if isinstance(stream, _Kept) else getattr(stream, "read1", None)
    return read(size) if read is not None else stream.read(size)
