"""One column file a type, token-aligned: nested mentions as one flat layer for each label.

The layout in which GENIA is passed on for one tagger a type (Rojas et al. 2022): `DNA/DNA_train.conll`,
`RNA/RNA_train.conll`, ... are laid over each other. Labels come from the tags, not from the names of the files.
"""

from __future__ import annotations

import logging
import re
from collections import Counter, defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, cast

from onoma import schemes
from onoma.datasets.base import Decision, refuse
from onoma.datasets.columns import check_line_ends, check_repair, regroup, writable
from onoma.datasets.files import PEEK, Source
from onoma.datasets.folders import new_folder, write_lines
from onoma.datasets.layer_table import read_table
from onoma.datasets.layers import column_losses, fits
from onoma.datasets.layout import MARK, separator_of
from onoma.datasets.nested import Place, decide_scheme, document_of, split_layers, token_spans
from onoma.exceptions import ConfigError, DataError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from onoma.datasets.columns import Group
    from onoma.document import Document
    from onoma.schemes import Repair, Scheme, TokenSpan

__all__ = ["PerType"]

ENDINGS = (".conll", ".txt", ".bio", ".tsv", ".iob", ".iob2", ".bioes")
NO_LABEL = "none"
"""Name of the one file that is written where no document has a span."""

_log = logging.getLogger("onoma")
_RESERVED = re.compile(r"(?i)(con|prn|aux|nul|com\d|lpt\d)(\..*)?")  # names that Windows keeps for devices
_BAD = re.compile(r'[\x00-\x1f<>:"/\\|?*]')


class PerType:
    """Aligned files of token and tag, one a type; the path is a pattern with `*`, or a folder.

    Ids are running numbers; scores, meta and the blanks between tokens are not kept.
    """

    name = "per_type"
    endings: tuple[str, ...] = ()
    by_path = True
    suffix = ""  # a folder
    needs_tokens = True
    keeps: ClassVar[frozenset[str]] = frozenset({"tokens"})

    def decide(
        self,
        source: Source,
        *,
        split: str | None = None,
        separator: str | None = None,
        token_column: int = 0,
        tag_column: int = -1,
        scheme: str | None = None,
        repair: str = "conlleval",
    ) -> Decision:
        """The scheme of the files, and which files they are."""
        check_repair(repair)
        layers = _Overlay(source, split, separator, token_column, tag_column, scheme)
        options = {"token_column": token_column, "tag_column": tag_column, "scheme": layers.scheme.name}
        options |= {} if split is None else {"split": split}
        options |= {} if separator is None else {"separator": separator}
        return Decision(self.name, options, layers.reason)

    def read(
        self,
        source: Source,
        *,
        split: str | None = None,
        separator: str | None = None,
        token_column: int = 0,
        tag_column: int = -1,
        scheme: str | None = None,
        repair: str = "conlleval",
    ) -> Iterator[Document]:
        """The documents, with the spans of all files.

        `split` chooses the files of a folder (and its subfolders) whose name without ending ends with it. `separator`
        is tab, space, spaces or the text itself. Raises `DataError` with file and line where the files' tokens differ.
        """
        check_repair(repair)
        layers = _Overlay(source, split, separator, token_column, tag_column, scheme)
        _log.info("%s: %s", source.name, layers.reason)
        yield from layers.documents(cast("Repair", repair))

    def write(self, documents: Iterable[Document], path: Path, *, scheme: str = "BIO", lossy: bool = False) -> None:
        """Write a folder with LABEL.conll for each label; where spans of one label overlap the longest is kept."""
        written = schemes.get(scheme)
        documents = list(documents)
        for document in documents:
            if not lossy:
                refuse(self.name, document, _losses(document, written))
        labels = sorted({span.label for document in documents for span in document.spans if fits(span.label)})
        files = _file_names(labels, lossy=lossy)
        spans = [_flat(token_spans(document)[0]) for document in documents]
        with new_folder(path, lambda name: name.endswith(".conll")) as scratch:
            for label, name in files.items():
                flat = [each.get(label, {}) for each in spans]
                write_lines(scratch / f"{name}.conll", _lines(documents, flat, written, lossy=lossy))

    def losses(self, document: Document, *, scheme: str = "BIO") -> list[str]:
        """Overlapping spans of one label, spans that are no row of whole tokens, labels that are no file name."""
        return _losses(document, schemes.get(scheme))


def _flat(sentences: list[list[TokenSpan]]) -> dict[str, dict[int, list[TokenSpan]]]:
    """For each label the spans that do not overlap, of two that do the longer, by number of the sentence."""
    found: dict[str, dict[int, list[TokenSpan]]] = defaultdict(lambda: defaultdict(list))
    for number, spans in enumerate(sentences):
        for span in spans:
            found[span.label][number].append(span)
    return {
        label: {number: split_layers(spans, 1)[0] for number, spans in rows.items()} for label, rows in found.items()
    }


def _losses(document: Document, scheme: Scheme) -> list[str]:
    sentences, lost = token_spans(document)
    losses = column_losses(document, lost)
    flat = _flat(sentences)
    counts = Counter(span.label for spans in sentences for span in spans)
    for label in sorted({span.label for span in document.spans}):
        if not _is_file_name(label):
            losses.append(f"label {label!r} cannot be the name of a file")
        rows = flat.get(label, {})
        inner = counts[label] - sum(map(len, rows.values()))
        if inner:
            losses.append(f"{inner} span(s) of {label} overlap another span of {label}")
        melted = sum(map(scheme.merged, rows.values()))
        if melted:
            losses.append(f"{melted} touching span(s) of {label} melt together in the scheme {scheme.name}")
    return losses


def _is_file_name(label: str) -> bool:
    edges = label[:1] in ". " or label[-1:] in ". "
    return not edges and not _BAD.search(label) and not _RESERVED.fullmatch(label)


def _file_names(labels: list[str], *, lossy: bool) -> dict[str, str]:
    """A file name for each label; names that some file systems hold for the same are told apart by a number."""
    if not labels:
        return {NO_LABEL: NO_LABEL}
    names: dict[str, str] = {}
    taken: dict[str, str] = {}
    for label in labels:
        name = label if _is_file_name(label) else "_" + _BAD.sub("_", label).strip(". ")
        if name.casefold() in taken and not lossy:
            other = taken[name.casefold()]
            raise DataError(f"labels {other!r} and {label!r} are one file name on some systems", mend="rename one")
        base, number = name, 2
        while name.casefold() in taken:
            name, number = f"{base}-{number}", number + 1
        taken[name.casefold()] = label
        names[label] = name
    return names


def _lines(
    documents: list[Document], spans: list[dict[int, list[TokenSpan]]], scheme: Scheme, *, lossy: bool
) -> Iterator[str]:
    """The file of one label, whose spans are given for each document by number of the sentence."""
    marked = any(len(document.sentences) != 1 for document in documents)
    for document, rows in zip(documents, spans, strict=True):
        if marked:
            yield f"{MARK}\tO"
            yield ""
        for number, (first, last) in enumerate(document.sentences):
            tags = scheme.tags(last - first, rows.get(number, ()))
            for word, tag in zip(document.words[first:last], tags, strict=True):
                word = writable(word, "\t") if lossy else word
                yield f"{word}_\t{tag}" if lossy and word == MARK else f"{word}\t{tag}"
            yield ""


# ---------------------------------------------------------------------- reading


def _files(source: Source, split: str | None) -> list[Path]:
    """The files of a pattern, of a folder, or the one file."""
    path = source.path
    if path is None:
        raise DataError("several files cannot be read from a stream", path=source.name, mend="name a folder")
    wild = next((number for number, part in enumerate(path.parts) if any(mark in part for mark in "*?[")), None)
    if path.is_dir():
        found = [each for each in path.rglob("*") if each.suffix.lower() in ENDINGS and each.name[0] != "."]
    elif wild is not None and not path.exists():
        try:
            found = list(Path(*path.parts[:wild]).glob("/".join(path.parts[wild:])))
        except (ValueError, OSError) as error:
            raise DataError(f"the pattern cannot be followed: {error}", path=source.name) from None
    else:
        found = [path]
    if split is not None:
        ends = re.compile(rf"(.*[^0-9A-Za-z])?{re.escape(split)}", re.DOTALL)
        found = [each for each in found if ends.fullmatch(each.stem)]
    found = sorted(each for each in found if each.is_file() or each == path)
    if not found:
        which = "" if split is None else f" of the split {split!r}"
        raise DataError(f"no file{which} found", path=source.name, mend="name a folder, or a pattern such as */*.conll")
    return found


class _Layer:
    """One file: its words by sentence (of the first file only), tags by sentence, and the sentences' first lines."""

    def __init__(self, path: Path, separator: str | None, token: int, tag: int) -> None:
        source = Source(path)
        head = source.head()
        check_line_ends(head, path, alone=b"\n" not in source.start(PEEK))
        shape = separator_of(head, separator)
        table = read_table(source.lines(), shape, path)
        for given, name in ((token, "token_column"), (tag, "tag_column")) if table.sentences else ():
            if not -shape.columns <= given < shape.columns:
                raise ConfigError(f"{name} {given} does not exist: {path} has {shape.columns} column(s)")
        if table.sentences and (token - tag) % shape.columns == 0:
            raise DataError("token and tag stand in one column", path=path, mend="name separator or tag_column")
        self.path = path
        self.groups: list[Group] = table.groups
        self.words = [columns[token] for columns in table.sentences]
        self.tags = [columns[tag] for columns in table.sentences]
        self.lines = [block.line for block in table.blocks]

    def compare(self, other: _Layer) -> None:
        """Raise `DataError` at the first place where the words of another file are not those of this one."""
        for number, (mine, its) in enumerate(zip(self.words, other.words, strict=False)):
            if mine == its:
                continue
            at = next((n for n, (a, b) in enumerate(zip(mine, its, strict=False)) if a != b), min(len(mine), len(its)))
            words = [repr(row[at][:40]) if at < len(row) else "the end of the sentence" for row in (its, mine)]
            here = f"{self.path}:{self.lines[number] + at}"
            message = f"{words[0]} where {here} has {words[1]}"
            raise DataError(message, path=other.path, line=other.lines[number] + at, mend=_ALIGNED)
        if len(self.words) != len(other.words):
            counts = f"{len(other.words):,} sentence(s), but {self.path} has {len(self.words):,}"
            raise DataError(counts, path=other.path, mend=_ALIGNED)
        for mine, its in zip(self.groups, other.groups, strict=False):
            if (mine.id, mine.marked, len(mine.blocks)) != (its.id, its.marked, len(its.blocks)):
                message = f"a document of {len(its.blocks)} sentence(s), in {self.path} of {len(mine.blocks)}"
                raise DataError(message, path=other.path, line=its.line or 1, mend=_ALIGNED)
        if len(self.groups) != len(other.groups):
            raise DataError(f"its documents are not those of {self.path}", path=other.path, mend=_ALIGNED)


_ALIGNED = "the files of one split hold the same tokens; name them by a pattern, or name split"


class _Overlay:
    """All files of a split, checked to be aligned, with their scheme."""

    def __init__(
        self, source: Source, split: str | None, separator: str | None, token: int, tag: int, scheme: str | None
    ) -> None:
        self.path = source.name
        self.layers: list[_Layer] = []
        for path in _files(source, split):
            layer = _Layer(path, separator, token, tag)
            if self.layers:
                self.layers[0].compare(layer)
                layer.words, layer.groups = [], []  # the same once more
            self.layers.append(layer)
        sequences = (
            (Place(layer.path), line, tags)
            for layer in self.layers
            for line, tags in zip(layer.lines, layer.tags, strict=True)
        )
        found = decide_scheme(sequences, self.path, scheme, step=1)
        self.scheme = found.scheme
        names = ", ".join(layer.path.name for layer in self.layers[:8]) + (", ..." if len(self.layers) > 8 else "")
        self.reason = f"per_type: {len(self.layers)} aligned file(s) ({names}), scheme {found.scheme.name} "
        self.reason += f"({found.reason}), {found.illegal:,} illegal transition(s)"

    def documents(self, repair: Repair) -> Iterator[Document]:
        """The documents with the spans of all files."""
        first = self.layers[0]
        index = {line: number for number, line in enumerate(first.lines)}
        for id, line, blocks in regroup(first.groups, first.path):
            numbers = [index[block.line] for block in blocks]
            sentences = [(first.words[number], self._spans(number, repair)) for number in numbers]
            try:
                yield document_of(id, sentences, {})
            except DataError as error:
                raise DataError(error.message, path=first.path, line=line, mend=error.mend) from None

    def _spans(self, number: int, repair: Repair) -> list[TokenSpan]:
        return [span for layer in self.layers for span in self.scheme.spans(layer.tags[number], repair)]
