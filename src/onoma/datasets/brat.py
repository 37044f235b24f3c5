"""brat standoff: a folder of pairs, DOC.txt with the text and DOC.ann with what is marked in it.

    T1<TAB>PER 0 5;10 15<TAB>the text of its fragments, joined by blanks
    R1<TAB>Knows Arg1:T1 Arg2:T2

A document is a pair, its id the path without ending. Text is taken byte for byte, offsets count code points (unless
`offset_unit` says otherwise), and each T line is held against its text, in which a newline of the document is a blank.
Relations, events, attributes, normalisations and notes are kept as lines in `meta["brat"]["lines"]` and written back;
the ids of T lines are kept with their spans, so that those lines still point at them. No file of a folder is read
through a link that leads out of it, and none of more than 64 MiB.
"""

from __future__ import annotations

import logging
import os
import re
from collections import Counter, defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from onoma.datasets.attached import Attached, attach, foreign, part
from onoma.datasets.base import Decision, refuse
from onoma.datasets.files import LONGEST
from onoma.datasets.offset_units import OffsetMap, OffsetUnit, Place, located, unit_named
from onoma.datasets.records import text_of
from onoma.document import Document, Span
from onoma.exceptions import DataError
from onoma.files import replacing_folder

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from onoma.datasets.files import Source
    from onoma.datasets.offset_units import Pieces

__all__ = ["Brat"]

_log = logging.getLogger("onoma")
_MENTION = re.compile(r"(T\S*)\t(\S+) ([0-9]{1,18} [0-9]{1,18}(?:;[0-9]{1,18} [0-9]{1,18})*)\t(.*)", re.DOTALL)
_OTHER = re.compile(r"[REAMN]\S*\t|\*\t|#")
_NUMBERED = re.compile(r"T([0-9]{1,18})")
_CR_ALONE = re.compile(r"\r+(?:[TREAMN]\S*|#[0-9]+|\*)\t")


class Brat:
    """Pairs of .txt and .ann. Spans nest, cross and have fragments; tokens, sentences, scores and meta are not kept."""

    name = "brat"
    endings = (".ann",)
    binary = True  # an .ann file without annotations is empty, and no less brat
    by_path = True
    suffix = ""  # a folder
    keeps: ClassVar[frozenset[str]] = frozenset({"ids", "meta:brat"})

    def claims_folder(self, path: Path) -> bool:
        """Whether a folder holds an .ann file, in subfolders too."""
        return any(name.suffix == ".ann" for name in _files(path))

    def decide(self, source: Source, *, offset_unit: OffsetUnit = "code_point") -> Decision:
        """How many pairs there are; raises `DataError` where one is not whole."""
        unit = unit_named(offset_unit)
        pairs = _pairs(source)
        return Decision("brat", {}, f"brat: {len(pairs):,} pair(s) of .txt and .ann, offsets counted in {unit}")

    def read(self, source: Source, *, offset_unit: OffsetUnit = "code_point") -> Iterator[Document]:
        """The documents of a folder by their ids, 2 before 10, or of one pair (name either file).

        Fragments that touch become one, fragments out of order are put in order: a log line counts both.
        """
        unit = unit_named(offset_unit)
        changed = 0
        for id, path in _pairs(source):
            document, count = _document(id, path, unit)
            changed += count
            yield document
        if changed:
            _log.info("%s: mentions with touching or unordered fragments, normalised: %s", source.name, f"{changed:,}")

    def write(
        self, documents: Iterable[Document], path: Path, *, lossy: bool = False, offset_unit: OffsetUnit = "code_point"
    ) -> None:
        """Write a new folder whole or not at all; one that holds nothing but .txt and .ann files is replaced.

        Raises `DataError` for ids that are no file names and for a path that is in use.
        """
        unit = unit_named(offset_unit)
        if path.suffix in (".ann", ".txt") or path.is_file():
            raise DataError("brat is a folder of files", path=path, mend="name a folder")
        if path.is_dir() and any(name.suffix not in (".ann", ".txt") for name in _files(path, hidden=True)):
            raise DataError("the folder holds other files than .txt and .ann", path=path, mend="name a new folder")
        with replacing_folder(path) as folder:
            for document in documents:
                if not lossy:
                    refuse(self.name, document, self.losses(document))
                _write(document, folder, path, unit)

    def losses(self, document: Document) -> list[str]:
        """Labels with white space, zero bytes, ids that are no file names, and kept lines whose mentions are gone."""
        found = [
            f"label {label!r} holds white space or a zero byte"
            for label in sorted({span.label for span in document.spans})
            if _label(label) != label
        ]
        if "\0" in document.text:
            found.append("the text holds a zero byte")
        if _file_name(document.id) != document.id:
            found.append(f"id {document.id!r} is no file name")
        _, lost = _lines(document, {id for id, _ in _numbered(document)})
        return found + [f"line {line[:60]!r} points at something that is gone" for line in lost]


# ---------------------------------------------------------------------- files


def _files(folder: Path, *, hidden: bool = False) -> Iterator[Path]:
    """The files of a folder and its subfolders in order; links to folders are not followed."""
    for at, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if hidden or not name.startswith("."))
        for name in sorted(names):
            if hidden or not name.startswith("."):
                yield Path(at, name)


def _pairs(source: Source) -> list[tuple[str, Path]]:
    """Id and path of the .txt file of each document."""
    path = source.path
    if path is None:
        raise DataError("brat is a folder of files, not a stream", path=source.name, mend="name the folder")
    if not path.is_dir():
        if not path.exists():
            raise DataError("no such file", path=path)
        if path.suffix not in (".ann", ".txt"):
            raise DataError("is neither .ann nor .txt", path=path)
        return [(path.stem, _whole(path, {path.parent.resolve(), path.resolve().parent}))]
    files = list(_files(path))
    marked = {each.with_suffix("") for each in files if each.suffix == ".ann"}
    bare = [each for each in files if each.suffix == ".txt" and each.with_suffix("") not in marked]
    if bare:
        _log.warning("%s: %d .txt file(s) without .ann are not read, the first is %s", path, len(bare), bare[0])
    if not marked:
        raise DataError("no .ann file in the folder", path=path)
    found = [(each.relative_to(path).with_suffix("").as_posix(), each) for each in files if each.suffix == ".ann"]
    home = {path.resolve()}
    return [(id, _whole(each, home)) for id, each in sorted(found, key=lambda item: _by_number(item[0]))]


def _by_number(id: str) -> tuple[list[str | int], str]:
    """A key to sort by that puts doc-2 before doc-10."""
    return [int(piece) if at % 2 else piece for at, piece in enumerate(re.split("([0-9]+)", id))], id


def _whole(path: Path, homes: set[Path]) -> Path:
    """The .txt of a pair; raises `DataError` where one is missing, or a link that leads out of all of some folders."""
    text, marks = path.with_suffix(".txt"), path.with_suffix(".ann")
    for each in (text, marks):
        if not each.is_file():
            mend = "an .ann without lines says that nothing is marked" if each is marks else None
            raise DataError(f"{path.name} has no {each.name} beside it", path=path, mend=mend)
        if homes.isdisjoint(each.resolve().parents):
            raise DataError("is a link that leads out of the folder", path=each, mend="put the file there itself")
    return text


def _text(path: Path) -> str:
    try:
        with path.open("rb") as handle:
            data = handle.read(LONGEST + 1)
    except OSError as error:
        raise DataError(f"cannot be read: {error.strerror or error}", path=path) from None
    if len(data) > LONGEST:
        raise DataError(f"more than {LONGEST >> 20} MiB, which no document has", path=path, mend="split it")
    zero = data.find(b"\0")
    if zero >= 0:
        line = data.count(b"\n", 0, zero) + 1
        raise DataError(f"binary file: a zero byte at offset {zero}", path=path, line=line)
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        byte = error.object[error.start]
        raise DataError(f"not UTF-8: byte 0x{byte:02x} at offset {error.start}", path=path, line=line) from None


# ---------------------------------------------------------------------- reading


def _document(id: str, path: Path, unit: OffsetUnit) -> tuple[Document, int]:
    """A document and how many of its mentions were normalised."""
    text, marks = _text(path), path.with_suffix(".ann")
    found: list[tuple[int, str, str, Place]] = []
    others: list[str] = []
    seen: dict[str, int] = {}
    number = 0

    def at(line: int, error: DataError) -> DataError:
        return DataError(error.message, path=marks, line=line, mend=error.mend)

    listed = _text(marks).removeprefix("\ufeff")
    if "\n" not in listed and _CR_ALONE.search(listed):
        raise DataError("its lines end in CR alone", path=marks, line=1, mend="end them with a newline")
    for number, line in enumerate(listed.split("\n"), 1):
        if not line.strip():
            continue
        if line[0] != "T":
            if not _OTHER.match(line):
                raise DataError(f"no annotation: {line[:40]!r}", path=marks, line=number, mend="ID, TAB, content")
            others.append(line)
            continue
        match = _MENTION.fullmatch(line)
        if match is None:
            raise DataError(
                f"no mention: {line[:60]!r}", path=marks, line=number, mend="T1, TAB, LABEL START END, TAB, its text"
            )
        name, label, places, surface = match.groups()
        if name in seen:
            raise DataError(f"{name} stands already in line {seen[name]}", path=marks, line=number)
        seen[name] = number
        pieces = tuple((int(a), int(b)) for a, _, b in (place.partition(" ") for place in places.split(";")))
        found.append((number, name, label, Place(name, pieces, surface)))
    try:
        id = text_of(id, "the file name")
        ranges = located(text, [place for *_, place in found], unit, lambda pieces, given: _same(text, pieces, given))
    except DataError as error:
        named = next((line for line, name, *_ in found if error.message.startswith(f"{name} ")), None)
        raise DataError(error.message, path=marks, line=named, mend=error.mend) from None
    spans: list[tuple[Span, dict[str, str]]] = []
    changed = 0
    for (number, name, label, _), pieces in zip(found, ranges, strict=True):
        try:
            merged = _merged(pieces)
            span = Span(merged[0][0], merged[-1][1], label, fragments=merged if len(merged) > 1 else ())
        except DataError as error:
            raise at(number, error) from None
        changed += merged != pieces
        spans.append((span, {"id": name}))
    numbered = not others and all(keeps["id"] == f"T{at}" for at, (_, keeps) in enumerate(spans, 1))
    kept = {"spans": attach(spans), "lines": others}
    meta = {} if numbered else {"brat": {key: value for key, value in kept.items() if value}}
    return Document(id, text, spans=tuple(span for span, _ in spans), meta=meta), changed


def _same(text: str, pieces: Pieces, given: str) -> bool:
    """Whether ranges are the text given with them, which may end in the CR of its line."""
    surface = " ".join(text[start:end] for start, end in pieces).replace("\n", " ")
    return given in (surface, surface + "\r")


def _merged(pieces: Pieces) -> Pieces:
    """Fragments in order, those that touch made one; raises `DataError` where two overlap."""
    merged: list[tuple[int, int]] = []
    for start, end in sorted(pieces):
        if merged and start < merged[-1][1]:
            raise DataError(f"fragments [{merged[-1][0]}:{merged[-1][1]}] and [{start}:{end}] overlap")
        if merged and start == merged[-1][1]:
            merged[-1] = (merged[-1][0], end)
        else:
            merged.append((start, end))
    return tuple(merged)


# ---------------------------------------------------------------------- writing


def _write(document: Document, folder: Path, path: Path, unit: OffsetUnit) -> None:
    units = OffsetMap(document.text, unit)
    mentions = _numbered(document)
    lines: list[str] = []
    try:
        for id, span in mentions:
            pieces = span.fragments or ((span.start, span.end),)
            places = ";".join(f"{units.from_code_point(a)} {units.from_code_point(b)}" for a, b in pieces)
            surface = _plain(document.surface(span)).replace("\n", " ")
            lines.append(f"{id}\t{_label(span.label)} {places}\t{surface}")
    except DataError as error:
        raise DataError(f"document {document.id!r}: {error.message}", mend=error.mend) from None
    lines += _lines(document, {id for id, _ in mentions})[0]
    name = _file_name(document.id)
    for ending, content in ((".txt", _plain(document.text)), (".ann", "".join(line + "\n" for line in lines))):
        target = folder / (name + ending)
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("xb") as file:
                file.write(content.encode("utf-8"))
        except UnicodeEncodeError as error:
            code = ord(error.object[error.start])
            message = f"document {document.id!r} holds U+{code:04X}, half a surrogate pair and no character"
            raise DataError(message) from None
        except FileExistsError:
            raise DataError(f"two documents would be {name}{ending}", path=path, mend="give them other ids") from None
        except OSError as error:
            raise DataError(f"{name}{ending} cannot be written: {error.strerror or error}", path=path) from None


def _numbered(document: Document) -> list[tuple[str, Span]]:
    """The spans with the ids they were read with, others with numbers after those."""
    attached = Attached(document, "brat")
    used = {str(kept.get("id")) for kept in attached.all}.union(*map(_targets, _kept_lines(document)))
    numbers = [int(match[1]) for match in map(_NUMBERED.fullmatch, used) if match]
    fresh = max(numbers, default=0)
    found: list[tuple[str, Span]] = []
    for span in document.spans:
        id = attached.take(span).get("id")
        if not isinstance(id, str) or not re.fullmatch(r"T\S*", id):
            fresh += 1
            id = f"T{fresh}"
        found.append((id, span))
    return found


def _lines(document: Document, known: set[str]) -> tuple[list[str], list[str]]:
    """The kept lines that point at mentions and lines which are there, and those that do not."""
    lines = _kept_lines(document)
    ids = [line.partition("\t")[0] for line in lines]
    there = Counter(ids)  # a line that goes may be the last of its id, and then those that point at it go too
    pointing: dict[str, list[int]] = defaultdict(list)
    gone: set[int] = set()
    for number, line in enumerate(lines):
        for target in _targets(line):
            pointing[target].append(number)
            if target not in known and not there[target]:
                gone.add(number)
    left = list(gone)
    while left:
        id = ids[left.pop()]
        there[id] -= 1
        if not there[id] and id not in known:
            more = set(pointing[id]) - gone
            gone |= more
            left += more
    kept = [line for number, line in enumerate(lines) if number not in gone]
    return kept, [line for number, line in enumerate(lines) if number in gone]


def _kept_lines(document: Document) -> list[str]:
    lines = part(document, "brat", "lines", list)
    if not all(isinstance(line, str) and not {"\n", "\0"} & set(line) and _OTHER.match(line) for line in lines):
        raise foreign(document, "brat")
    return lines


def _targets(line: str) -> Sequence[str]:
    """The ids a line points at: arguments after a colon; the second word of notes, attributes and normalisations."""
    id, _, rest = line.partition("\t")
    words = rest.partition("\t")[0].split()
    if id == "*":
        return words[1:]
    if id[:1] in ("R", "E"):
        return [word.rpartition(":")[2] for word in words if ":" in word]
    return words[1:2] if id[:1] in ("A", "M", "N") or (id[:1] == "#" and id[1:].isdigit()) else ()


def _label(label: str) -> str:
    return re.sub(r"[\s\0]", "_", label)


def _plain(text: str) -> str:
    """The nearest text that is read again: no file with a zero byte is."""
    return text.replace("\0", "\ufffd")


def _file_name(id: str) -> str:
    """The nearest path a document's files can have on any system: what does not fit is written as %XX."""
    return "/".join(map(_part, id.split("/")))


def _part(name: str) -> str:
    def escape(match: re.Match[str]) -> str:
        return "".join(f"%{byte:02X}" for byte in match[0].encode("utf-8", "surrogatepass"))

    name = re.sub(r'[\x00-\x1f\x7f<>:"\\|?*\ud800-\udfff]|^[. ]|[. ]$', escape, name) or "%"
    while len(name.encode("utf-8")) > 200:
        name = name[:-1]
    return name
