"""`onoma data`: fetch labelled files, look at them, convert, check and split them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import App, Parameter

from onoma.cli.common import DASH, announce, print_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from onoma.datasets import Format
    from onoma.document import Document

__all__ = ["data"]

data = App(
    name="data", help="Fetch labelled files, look at them, convert, check and split them.", help_format="plaintext"
)


@data.command
def get(
    *names: str,
    out: Annotated[Path | None, Parameter(alias="-o")] = None,
    accept_terms: bool = False,
    overwrite: bool = False,
    dry_run: bool = False,
    json: bool = False,
) -> None:
    """List the catalogue, or fetch data sets of it from their source.

    Parameters
    ----------
    names
        Data sets, or splits such as wnut17:test; without any the catalogue is listed.
    out
        Folder to put them in, in place of the one that ONOMA_DATA names.
    accept_terms
        You have read the licence and may use the data: needed where it may not be passed on or does not say.
    overwrite
        Replace files of the same name that are not those of the catalogue.
    dry_run
        Show what would be fetched from where.
    json
        Print JSON.
    """
    from onoma.cli import data_views
    from onoma.datasets import catalog, download

    announce(quiet=json)
    above = out if out is not None else catalog.root()
    if not names:
        rows = [(entry, _here(entry, above)) for entry in catalog.entries().values()]
        if json:
            print_json([data_views.entry_record(entry, here) for entry, here in rows])
        else:
            data_views.show_entries(rows)
        return
    asked: dict[str, list[str]] = {}
    for each in names:
        name, colon, split = each.partition(":")
        asked.setdefault(name, []).extend([split] if colon else catalog.entry(name).splits)
    planned = [(catalog.entry(name), download.plan(catalog.entry(name), out, splits)) for name, splits in asked.items()]
    if not json:
        for entry, items in planned:
            data_views.show_entry(entry)
            if dry_run:
                data_views.show_items(items, urls=True)
    if not dry_run:
        for entry, items in planned:
            if any(item.state in ("missing", "differs") for item in items):
                download.check_terms(entry, accept_terms)
        planned = [(entry, download.fetch(items, overwrite=overwrite)) for entry, items in planned]
        if not json:
            for _, items in planned:
                data_views.show_items(items, urls=False)
    if json:
        print_json([data_views.entry_record(entry, _here(entry, above), items) for entry, items in planned])


def _here(entry: Any, above: Path | None) -> str:
    """Whether the files of a data set are on this disk; their content is not looked at."""
    if entry.embedded:
        return "yes"
    files = {(row.folder, file.file) for row in entry.splits.values() for file in row.files}
    found = sum(above is not None and above.joinpath(*each).exists() for each in files)
    return "yes" if found == len(files) else f"{found} of {len(files)} files" if found else "no"


@data.command
def stats(*files: Annotated[str, DASH], format: str | None = None, json: bool = False) -> None:
    """Count documents, sentences, tokens and mentions.

    Parameters
    ----------
    files
        Files, - for stdin, or catalogue references such as conll2003:train.
    format
        Format of the files; found out where not given.
    json
        Print JSON.
    """
    from onoma import datasets
    from onoma.cli import data_views

    _some(files)
    announce(quiet=json)
    found = {file: datasets.statistics(_read(file, format)) for file in files}
    if json:
        print_json({file: statistics.record() for file, statistics in found.items()})
    else:
        data_views.show_statistics(found)


@data.command
def convert(
    source: Annotated[str, DASH],
    out: Annotated[str, DASH],
    /,
    *,
    format: str | None = None,
    to: str | None = None,
    scheme: str | None = None,
    lossy: bool = False,
) -> None:
    """Convert a labelled file into another format; refuses what the other cannot hold.

    Parameters
    ----------
    source
        File to read, - for stdin, or a catalogue reference.
    out
        File to write, - for stdout; its ending names the format.
    format
        Format of the source; found out where not given.
    to
        Format to write, where the ending does not say.
    scheme
        Tag scheme to write, for column formats.
    lossy
        Leave out what the format cannot hold, and say how much, instead of refusing.
    """
    from onoma import datasets
    from onoma.cli import data_views
    from onoma.datasets.base import losses_of

    announce()
    target = datasets.get(to or datasets.format_of(out))
    given = datasets.read(source, format)
    documents = _tokens_for(target, given, source)
    options: dict[str, Any] = {} if scheme is None else {"scheme": scheme}
    if lossy:
        data_views.say_losses(losses_of(target, document, options) for document in documents)
        options["lossy"] = True
    datasets.write(documents, out, to, **options)
    data_views.say_not_kept(target, given)


@data.command
def check(
    *files: Annotated[str, DASH],
    format: str | None = None,
    notes: bool = False,
    json: bool = False,
    limit: Annotated[int, Parameter(alias="-n")] = 20,
) -> int:
    """List what is wrong or odd in labelled files, and what several have in common; exit code 1 for what is wrong.

    Parameters
    ----------
    files
        Files, - for stdin, or catalogue references; several are taken for the splits of one data set.
    format
        Format of the files; found out where not given.
    notes
        Also list what is only worth a look.
    json
        Print all findings as JSON.
    limit
        Findings to show of each kind and file.
    """
    from dataclasses import asdict

    from onoma import datasets
    from onoma.cli import data_views
    from onoma.datasets.overlap import overlap

    _some(files)
    announce(quiet=json)
    splits = {file: _read(file, format) for file in files}
    found = {file: datasets.check(documents) for file, documents in splits.items()}
    across = overlap(splits)
    if json:
        listed = {
            file: [{"severity": finding.severity, **asdict(finding)} for finding in findings]
            for file, findings in found.items()
        }
        print_json({"findings": listed, **across.record()})
    else:
        data_views.show_findings(found, notes=notes, limit=limit)
        data_views.show_overlap(across, limit=min(limit, 5))
    return int(any(finding.severity == "error" for findings in found.values() for finding in findings))


@data.command
def split(
    file: Annotated[str, DASH],
    /,
    *,
    out: Annotated[Path, Parameter(alias="-o")],
    parts: str = "train=0.8,dev=0.1,test=0.1",
    seed: int = 0,
    format: str | None = None,
    to: str = "jsonl",
    by: Literal["document", "sentence"] = "document",
    group_by: str | None = None,
    stratify: bool = True,
    overwrite: bool = False,
    json: bool = False,
) -> None:
    """Split a labelled file into parts that share no text.

    Parameters
    ----------
    file
        File to read, - for stdin, or a catalogue reference.
    out
        Folder for the parts, one file each.
    parts
        Names and shares of the documents.
    seed
        Another seed gives another split.
    format
        Format of the file; found out where not given.
    to
        Format to write.
    by
        What a part is made of: whole documents, or sentences torn from theirs.
    group_by
        Key of the documents' meta data: those with equal values stay together.
    stratify
        Spread the mentions of each label by the same shares.
    overwrite
        Replace parts that are there.
    json
        Print the statistics of the parts as JSON.
    """
    from onoma import datasets
    from onoma.cli import data_views
    from onoma.datasets import partition
    from onoma.datasets.base import suffix_of
    from onoma.exceptions import ConfigError, DataError

    announce(quiet=json)
    shares = partition.shares(parts)
    target = datasets.get(to)
    if out.exists() and not out.is_dir():
        raise ConfigError(f"{out} is a file: --out names a folder")
    targets = {name: out / f"{name}{suffix_of(target)}" for name in shares}
    _free(targets.values(), overwrite)
    if by == "sentence":
        documents = given = partition.by_sentence(_read(file, format))
    else:
        given = datasets.read(file, format)
        documents = _tokens_for(target, given, file)
    found = partition.partition(documents, shares, seed=seed, group_by=group_by, stratify=stratify)
    for name, part in found.items():
        if not part:
            raise DataError(f"nothing is left for {name}: {len(documents)} document(s) are too few", path=file)
    _write_all({targets[name]: part for name, part in found.items()}, out, to)
    data_views.say_not_kept(target, given)
    numbers = {name: datasets.statistics(part) for name, part in found.items()}
    if json:
        print_json({name: {"file": str(targets[name]), **each.record()} for name, each in numbers.items()})
    else:
        data_views.show_parts(numbers)


def _free(targets: Iterable[Path], overwrite: bool) -> None:
    from onoma.exceptions import ConfigError

    for target in targets:
        if target.exists() and not overwrite:
            raise ConfigError(f"{target} is there already: name another folder, or pass --overwrite")


def _write_all(parts: Mapping[Path, list[Document]], out: Path, to: str) -> None:
    """All parts or none: each is written before the first is put in its place."""
    import os
    import shutil
    import tempfile
    from contextlib import suppress

    from onoma import datasets

    made = not out.exists()
    out.mkdir(parents=True, exist_ok=True)
    try:
        with tempfile.TemporaryDirectory(dir=out, prefix=".parts.") as scratch:
            for target, documents in parts.items():
                datasets.write(documents, Path(scratch) / target.name, to)
            for target in parts:
                if target.is_dir():
                    shutil.rmtree(target)
                elif (Path(scratch) / target.name).is_dir():
                    target.unlink(missing_ok=True)
                os.replace(Path(scratch) / target.name, target)
    finally:
        if made:
            with suppress(OSError):  # an empty folder only
                out.rmdir()


def _read(file: str, format: str | None) -> list[Document]:
    """The documents of a file, in tokens."""
    from onoma import datasets, tokenization

    return [tokenization.split(document) for document in datasets.read(file, format)]


def _tokens_for(target: Format, documents: list[Document], path: str) -> list[Document]:
    """The documents as a format takes them: in tokens where it needs them.

    Raises `DataError` where nothing of any document would be left.
    """
    from onoma import tokenization
    from onoma.exceptions import DataError

    if not getattr(target, "needs_tokens", False):
        return documents
    split = [tokenization.split(document) for document in documents]
    if not any(document.tokens for document in split) and any(document.text for document in split):
        raise DataError(f"nothing would be left in {target.name}: no document has a token", path=path)
    return split


def _some(files: tuple[str, ...]) -> None:
    from onoma.exceptions import ConfigError

    if not files:
        raise ConfigError("name at least one file")
    for file in files:
        if file.startswith("-") and file != "-":
            raise ConfigError(f"unknown option {file}")
        if files.count(file) > 1:
            raise ConfigError(f"{file} is named twice")
