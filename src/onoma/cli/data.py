"""`onoma data`: look at labelled files, convert them, check them."""

from __future__ import annotations

from collections import Counter
from typing import Annotated, Any

from cyclopts import App, Parameter

from onoma.cli.common import DASH, announce, escape, print_json, show

__all__ = ["data"]

data = App(name="data", help="Look at labelled files, convert them, check them.", help_format="plaintext")


@data.command
def stats(*files: str, format: str | None = None, json: bool = False) -> None:
    """Count documents, sentences, tokens and mentions.

    Parameters
    ----------
    files
        Files, or catalogue references such as conll2003:train.
    format
        Format of the files; found out where not given.
    json
        Print JSON.
    """
    from rich.table import Table

    from onoma import datasets, tokenization

    _some(files)
    announce(quiet=json)
    found = {
        file: datasets.statistics([tokenization.split(document) for document in datasets.read(file, format)])
        for file in files
    }
    if json:
        print_json({file: statistics.record() for file, statistics in found.items()})
        return
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("")
    rows: dict[str, list[str]] = {}
    for file, statistics in found.items():
        table.add_column(escape(file), justify="right")
        for name, value in _rows(statistics):
            rows.setdefault(name, [""] * len(found))[list(found).index(file)] = value
    for name, values in rows.items():
        table.add_row(name, *values)
    show(table)


def _rows(statistics: Any) -> list[tuple[str, str]]:
    rows = [
        ("documents", f"{statistics.documents:,}"),
        ("sentences", f"{statistics.sentences:,}"),
        ("tokens", f"{statistics.tokens:,}"),
        ("mentions", f"{statistics.mentions:,}"),
    ]
    rows += [(f"  {escape(label)}", f"{count:,}") for label, count in statistics.labels.items()]
    shown = {length: count for length, count in statistics.lengths.items() if length <= 5}
    rows += [(f"  {length} token{'s' if length != 1 else ''} long", f"{count:,}") for length, count in shown.items()]
    rows.append(("  longer", f"{sum(statistics.lengths.values()) - sum(shown.values()):,}"))
    rows.append(("words a sentence", f"{statistics.words_per_sentence:.1f}"))
    rows.append(("sentences without mention", f"{100 * statistics.empty_share:.1f} %"))
    for name in ("nested", "discontinuous", "token_cutting"):
        count = getattr(statistics, name)
        if count:
            rows.append((name.replace("_", " "), f"{count:,}"))
    return rows


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
    from onoma import datasets, progress, tokenization

    announce()
    documents = datasets.read(source, format)
    target = to or datasets.format_of(out)
    if target in ("conll", "conllu", "iob2"):  # they hold tokens, raw text has none
        documents = [tokenization.split(document) for document in documents]
    options: dict[str, Any] = {"lossy": True} if lossy else {}
    if scheme is not None:
        options["scheme"] = scheme
    if lossy:
        lost = Counter(loss for document in documents for loss in datasets.get(target).losses(document))
        for what, count in lost.most_common(10):
            progress.say(f"lost {count:,} x {what}")
    datasets.write(documents, out, to, **options)


@data.command
def check(
    *files: str,
    format: str | None = None,
    notes: bool = False,
    json: bool = False,
    limit: Annotated[int, Parameter(alias="-n")] = 20,
) -> int:
    """List what is wrong or odd in labelled files; exit code 1 where something is wrong.

    Parameters
    ----------
    files
        Files, or catalogue references.
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

    from onoma import datasets, tokenization

    _some(files)
    announce(quiet=json)
    found = {
        file: datasets.check([tokenization.split(document) for document in datasets.read(file, format)])
        for file in files
    }
    errors = sum(finding.severity == "error" for findings in found.values() for finding in findings)
    if json:
        print_json(
            {
                file: [{"severity": finding.severity, **asdict(finding)} for finding in findings]
                for file, findings in found.items()
            }
        )
        return 1 if errors else 0
    for file, findings in found.items():
        shown = [finding for finding in findings if notes or finding.severity != "note"]
        counts = Counter[str](finding.severity for finding in findings)
        found_here = ", ".join(f"{counts[severity]:,} {severity}s" for severity in ("error", "warning", "note"))
        show(f"[bold]{escape(file)}[/]: {found_here}")
        by_kind: Counter[str] = Counter()
        for finding in shown:
            by_kind[finding.kind] += 1
            if by_kind[finding.kind] <= limit:
                where = f"document {escape(finding.document_id)}"
                show(f"  {finding.severity}: {finding.kind}: {where}: {escape(finding.message)}")
        for kind, count in by_kind.items():
            if count > limit:
                show(f"  ... {kind}: {count - limit:,} more")
    return 1 if errors else 0


def _some(files: tuple[str, ...]) -> None:
    from onoma.exceptions import ConfigError

    if not files:
        raise ConfigError("name at least one file")
