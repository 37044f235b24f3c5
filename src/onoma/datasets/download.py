"""Fetching data sets of the catalogue: from the one upstream of each, at a pinned commit, with the right sha256."""

from __future__ import annotations

import hashlib
import ssl
import tempfile
import zipfile
import zlib
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Literal
from urllib.error import HTTPError, URLError
from urllib.parse import quote, urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from onoma import progress
from onoma.datasets import catalog
from onoma.exceptions import ConfigError, DataError
from onoma.files import replacing_path
from onoma.version import __version__

if TYPE_CHECKING:
    from collections.abc import Sequence

    from onoma.datasets.catalog import Entry, File

__all__ = ["Item", "State", "check_terms", "fetch", "plan"]

RAW = "https://raw.githubusercontent.com"
"""Where a repository's files are handed out at a commit."""
TIMEOUT = 30.0
"""Seconds without any answer."""
LARGEST = 256 << 20
"""Bytes that one file or archive may have."""
BLOCK = 1 << 18
_GITHUB = "https://github.com/"

State = Literal["missing", "there", "differs", "derived", "fetched"]


@dataclass(frozen=True)
class Item:
    """One file to have: its place, its URL (of the archive where it is `member` of one), and its state on this disk.

    `derived` files have no URL: `how` says how they are made.
    """

    file: File
    path: Path
    url: str = ""
    member: str = ""
    state: State = "missing"
    how: str = ""


def check_terms(entry: Entry, accepted: bool) -> None:
    """Raise `ConfigError` where a set may not be passed on, or nobody says so, and its terms were not accepted."""
    if entry.redistributable == "yes" or accepted:
        return
    why = "is not free to pass on" if entry.redistributable == "no" else "does not say whether it may be passed on"
    raise ConfigError(f"{entry.name} {why} (licence: {entry.licence}): --accept-terms says that you may use it")


def plan(entry: Entry, out: Path | None = None, splits: Sequence[str] = (), base: str | None = None) -> list[Item]:
    """The files of a data set (of some splits only, where named) under `out`, or the folder ONOMA_DATA names.

    `base` stands for `RAW` where it is given. Raises `ConfigError` where there is no folder or no such split.
    """
    folder = out if out is not None else catalog.root()
    if folder is None:
        raise ConfigError(f"no place for {entry.name}: set {catalog.VARIABLE}, or name a folder with --out")
    if entry.embedded:
        raise ConfigError(f"{entry.name} is part of the package: nothing to fetch")
    items: dict[Path, Item] = {}
    for name in splits or entry.splits:
        row = entry.splits.get(name)
        if row is None:
            raise ConfigError(f"data set {entry.name!r} has no split {name!r}: one of {', '.join(entry.splits)}")
        for file in row.files:
            item = _item(entry, file, folder / row.folder, row.commit, row.derived, base or RAW)
            items[item.path] = item
    return list(items.values())


def _item(entry: Entry, file: File, folder: Path, commit: str, how: str, base: str) -> Item:
    path = folder / file.file
    state: State = "derived" if how else "missing"
    if path.exists():
        try:
            state = "there" if catalog.sha256_of(path) == file.sha256 else "differs"
        except OSError as error:
            raise DataError(f"cannot be read: {error.strerror or error}", path=path) from None
    if how:
        return Item(file, path, state=state, how=how)
    archive, _, member = file.upstream_path.partition("!")
    repository = entry.upstream.removeprefix(_GITHUB)
    return Item(file, path, f"{base}/{repository}/{commit}/{quote(archive)}", member, state)


def fetch(items: Sequence[Item], *, overwrite: bool = False) -> list[Item]:
    """Download what is missing; returns the items as they are then.

    A file appears under its name only when its sha256 is the catalogue's; where it is not, nothing is left behind.
    Another file of that name is replaced with `overwrite` only. Raises `DataError`.
    """
    for item in items:
        if item.state == "differs" and item.how:
            raise DataError("is not the file of the catalogue", path=item.path, mend=f"the right one is {item.how}")
        if item.state == "differs" and not overwrite:
            raise DataError(
                "another file of that name is there", path=item.path, mend="--overwrite replaces it, --out avoids it"
            )
    done: list[Item] = []
    with tempfile.TemporaryDirectory(prefix="onoma-") as scratch:
        archives: dict[str, Path] = {}
        for item in items:
            if item.state in ("there", "derived"):
                done.append(item)
                continue
            if item.member and item.url not in archives:
                archives[item.url] = Path(scratch) / str(len(archives))
                with archives[item.url].open("wb") as handle:
                    _download(item.url, handle)
            _place(item, archives.get(item.url))
            done.append(Item(item.file, item.path, item.url, item.member, "fetched"))
    return done


# ---------------------------------------------------------------------- one file


def _place(item: Item, archive: Path | None) -> None:
    with replacing_path(item.path) as draft:
        with draft.open("wb") as handle:
            found = _download(item.url, handle) if archive is None else _unpack(archive, item, handle)
        if found != item.file.sha256:
            raise DataError(
                f"{item.url}{'!' * bool(item.member)}{item.member} has sha256 {found[:12]}..., expected "
                f"{str(item.file.sha256)[:12]}...: nothing was kept",
                path=item.path,
            )


def _unpack(archive: Path, item: Item, handle: IO[bytes]) -> str:
    try:
        with zipfile.ZipFile(archive) as opened, opened.open(item.member) as member:
            return _copy(member, handle, f"{item.url}!{item.member}", opened.getinfo(item.member).file_size)
    except (zipfile.BadZipFile, zlib.error, EOFError, KeyError, NotImplementedError, RuntimeError) as error:
        raise DataError(f"{item.url}: {item.member} cannot be unpacked: {error}", path=item.path) from None


def _download(url: str, handle: IO[bytes]) -> str:
    """Write what stands at a URL; returns its sha256."""
    opener = build_opener(_SameHost)
    opener.addheaders = [("User-Agent", f"onoma/{__version__}")]
    try:
        with opener.open(url, timeout=TIMEOUT) as response:
            size = response.headers.get("Content-Length", "")
            return _copy(response, handle, url, int(size) if size.isdecimal() else None, exact=True)
    except HTTPError as error:
        error.close()
        raise DataError(f"{url}: the server answers {error.code} {error.reason}") from None
    except URLError as error:
        raise DataError(f"{url}: cannot be reached: {error.reason}") from None
    except (TimeoutError, ConnectionError, HTTPException, ssl.SSLError) as error:
        raise DataError(f"{url}: the connection broke: {error or type(error).__name__}") from None


def _copy(source: IO[bytes], handle: IO[bytes], name: str, size: int | None, *, exact: bool = False) -> str:
    digest = hashlib.sha256()
    if size is not None and size > LARGEST:
        raise _too_large(name)
    read = 0
    with progress.bar(f"fetching {name.rpartition('/')[2]}", size) as bar:
        while block := source.read(BLOCK):
            read += len(block)
            if read > LARGEST:
                raise _too_large(name)
            digest.update(block)
            handle.write(block)
            bar.add(len(block), f"{read / 1e6:.1f} MB")
    if exact and size is not None and read != size:
        raise DataError(f"{name}: the connection broke: {read:,} of {size:,} bytes came")
    return digest.hexdigest()


def _too_large(name: str) -> DataError:
    return DataError(f"{name}: more than {LARGEST >> 20} MiB, which no file of the catalogue has")


class _SameHost(HTTPRedirectHandler):
    """Follows redirects inside one host only: a data set has one source."""

    def redirect_request(self, req: Request, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:
        """The request to follow; raises `URLError` where it leads elsewhere."""
        old, new = urlsplit(req.full_url), urlsplit(newurl)
        if (old.scheme, old.netloc) != (new.scheme, new.netloc):
            fp.close()
            raise URLError(f"it redirects to {new.scheme}://{new.netloc}, which is not its source")
        return super().redirect_request(req, fp, code, msg, headers, newurl)
