"""What `onoma data` shows: tables and lines for people, from the records that `--json` prints."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from onoma import progress
from onoma.cli.common import escape, show

if TYPE_CHECKING:
    from onoma.datasets import DataStatistics, Finding, Format
    from onoma.datasets.catalog import Entry
    from onoma.datasets.download import Item
    from onoma.datasets.overlap import Overlap
    from onoma.document import Document

__all__ = [
    "entry_record",
    "say_losses",
    "say_not_kept",
    "show_entries",
    "show_entry",
    "show_findings",
    "show_items",
    "show_overlap",
    "show_parts",
    "show_statistics",
]


def show_statistics(found: Mapping[str, DataStatistics]) -> None:
    """One column a file."""
    _columns({file: dict(_rows(statistics)) for file, statistics in found.items()})


def _columns(found: Mapping[str, Mapping[str, str]]) -> None:
    """A table with the names of the rows in order of first appearance."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("")
    for name in found:
        table.add_column(escape(name), justify="right")
    for name in dict.fromkeys(name for rows in found.values() for name in rows):
        table.add_row(name, *(rows.get(name, "") for rows in found.values()))
    show(table)


def _rows(statistics: DataStatistics) -> list[tuple[str, str]]:
    rows = _counts(statistics)
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


def _counts(statistics: DataStatistics) -> list[tuple[str, str]]:
    rows = [(name, f"{getattr(statistics, name):,}") for name in ("documents", "sentences", "tokens", "mentions")]
    return rows + [(f"  {escape(label)}", f"{count:,}") for label, count in statistics.labels.items()]


def show_parts(found: Mapping[str, DataStatistics]) -> None:
    """One column a part, with its share of all documents and mentions."""
    documents = sum(each.documents for each in found.values())
    mentions = sum(each.mentions for each in found.values())
    columns: dict[str, dict[str, str]] = {}
    for name, each in found.items():
        columns[name] = dict(_counts(each))
        columns[name]["documents, of all"] = f"{100 * each.documents / max(documents, 1):.1f} %"
        columns[name]["mentions, of all"] = f"{100 * each.mentions / max(mentions, 1):.1f} %"
    _columns(columns)


# ---------------------------------------------------------------------- conversion

_KINDS = 10
"""Kinds of losses, or keys of meta, that are named."""
_QUOTED = r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*\""""
_PLACE = re.compile(rf"(?<!\w)(?:{_QUOTED})(?!\w)|\[\d+:\d+\]|(?<=token )\d+\b", re.DOTALL)
_SPAN = re.compile(r"^span .*?(?= \[\d+:\d+\])", re.DOTALL)
_COUNT = re.compile(r"^(\d+) ")


def _kind(loss: str) -> tuple[str, int]:
    """What a loss is about, without label, offsets, id and surface; and how many times."""
    count = _COUNT.match(loss)
    text = _PLACE.sub("", _COUNT.sub("", _SPAN.sub("span", loss)))
    times = int(count[1]) if count and "span(s)" in loss else 1
    return re.sub(r"[ :]+(?=[;,]|$)", "", " ".join(text.split())), times


def say_losses(losses: Iterable[Sequence[str]]) -> None:
    """On stderr how often each kind of loss occurs, given the losses of each document."""
    kinds = Counter[str]()
    documents = hit = 0
    for each in losses:
        documents += 1
        hit += bool(each)
        for loss in each:
            kind, count = _kind(loss)
            kinds[kind] += count
    if not kinds:
        return
    progress.say(f"lost {kinds.total():,} things in {hit:,} of {documents:,} document(s)")
    for kind, count in kinds.most_common(_KINDS):
        progress.say(f"lost {count:,} x {kind}")
    if len(kinds) > _KINDS:
        progress.say(f"and {len(kinds) - _KINDS:,} more kind(s)")


def say_not_kept(format: Format, documents: Sequence[Document]) -> None:
    """On stderr, in one line, what of ids, scores, tokens and meta a format has no place for."""
    from onoma.datasets.base import ALL

    keeps = getattr(format, "keeps", ALL)
    lost: list[str] = []
    if "ids" not in keeps and any(document.id != str(number) for number, document in enumerate(documents, 1)):
        lost.append("ids")
    scores = sum(span.score is not None for document in documents for span in document.spans)
    if "scores" not in keeps and scores:
        lost.append(f"scores of {scores:,} span(s)")
    tokens = sum(bool(document.tokens) for document in documents)
    if "tokens" not in keeps and tokens:
        lost.append(f"tokens of {tokens:,} document(s)")
    keys = dict.fromkeys(key for document in documents for key in document.meta if f"meta:{key}" not in keeps)
    if "meta" not in keeps and keys:
        more = f" and {len(keys) - _KINDS:,} more" if len(keys) > _KINDS else ""
        lost.append(f"meta (keys {', '.join([str(key) for key in keys][:_KINDS])}{more})")
    if lost:
        progress.say(f"not kept by {format.name}: {', '.join(lost)}")


# ---------------------------------------------------------------------- findings


def show_findings(found: Mapping[str, Sequence[Finding]], *, notes: bool, limit: int) -> None:
    """Counts by severity, then the first findings of each kind; notes only where they are asked for."""
    for file, findings in found.items():
        counts = Counter[str](finding.severity for finding in findings)
        total = ", ".join(f"{counts[severity]:,} {severity}s" for severity in ("error", "warning", "note"))
        show(f"[bold]{escape(file)}[/]: {total}")
        by_kind = Counter[str]()
        for finding in findings:
            if finding.severity == "note" and not notes:
                continue
            by_kind[finding.kind] += 1
            if by_kind[finding.kind] <= limit:
                where = f"document {escape(finding.document_id)}"
                show(f"  {finding.severity}: {finding.kind}: {where}: {escape(finding.message)}")
        for kind, count in by_kind.items():
            if count > limit:
                show(f"  ... {kind}: {count - limit:,} more")


def show_overlap(found: Overlap, *, limit: int) -> None:
    """Repeats of each split, then what any two have in common, then labels."""
    for name, each in found.repeats.items():
        if each.exact or each.normalised:
            show(
                f"[bold]{escape(name)}[/]: {each.exact:,} of {each.sentences:,} sentences repeat an earlier one; "
                f"of more than 5 tokens {each.long:,}, case and blanks aside {each.normalised:,}"
            )
            _examples(each.examples, limit)
    for each in found.shared:
        if each.exact or each.normalised:
            show(
                f"[bold]{escape(each.second)}[/]: {each.exact:,} distinct sentences stand in {escape(each.first)} too; "
                f"of more than 5 tokens {each.long:,}, case and blanks aside {each.normalised:,}"
            )
            _examples(each.examples, limit)
    if found.labels:
        show("[bold]labels of one file only[/]")
        for each in found.labels:
            show(f"  {escape(each.label)}: {each.mentions:,} in {escape(each.split)}")
    if found.surfaces:
        show(f"[bold]surfaces without a common label[/]: {len(found.surfaces):,}")
        for each in found.surfaces[:limit]:
            labels = "; ".join(
                f"{split}: {', '.join(f'{label} {count:,}' for label, count in counts.items())}"
                for split, counts in each.labels.items()
            )
            show(f"  {escape(repr(_cut(each.surface, 40)))} {escape(labels)}")


def _examples(texts: Sequence[str], limit: int) -> None:
    for text in texts[:limit]:
        show(f"  {escape(_cut(text, 90))}")


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 3] + "..."


# ---------------------------------------------------------------------- the catalogue


def show_entries(rows: Sequence[tuple[Entry, str]]) -> None:
    """The catalogue as a table; the text beside each entry says whether it is on this disk."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="dim")
    for heading in ("name", "task", "lang", "splits", "licence", "pass on", "here"):
        table.add_column(heading, no_wrap=heading in ("name", "lang", "licence", "here"))
    for entry, here in rows:
        licence = re.split("[;:]| for | in ", entry.licence)[0]
        table.add_row(
            entry.name, entry.task, entry.language, ", ".join(entry.splits), licence, entry.redistributable, here
        )
    show(table)


def show_entry(entry: Entry) -> None:
    """What an entry is and under which terms it stands."""
    commercial = "unknown" if entry.non_commercial == "unknown" else "no" if entry.non_commercial else "yes"
    lines = [
        ("licence", entry.licence),
        ("licence text", entry.licence_url),
        ("licence of the texts", entry.text_licence),
        ("may be passed on", entry.redistributable),
        ("may be used commercially", commercial),
        ("source", f"{entry.upstream} at {entry.commit}" if entry.commit else entry.upstream),
        ("note", entry.note),
    ]
    show(f"[bold]{entry.name}[/]: {escape(entry.description)}")
    for name, value in lines:
        if value:
            show(f"  {name}: {escape(value)}")


def show_items(items: Sequence[Item], *, urls: bool) -> None:
    """One line a file: where it is, or where it comes from."""
    for item in items:
        text = item.state
        if item.state == "derived":
            text = f"not handed out by anyone: {item.how}"
        elif urls:
            text = f"{item.state}: {item.url}{'!' * bool(item.member)}{item.member}"
        print(f"  {item.path}: {text}")  # an address is never broken into lines


def entry_record(entry: Entry, here: str, items: Sequence[Item] = ()) -> dict[str, Any]:
    """An entry as JSON can hold it."""
    names = (
        "name", "description", "language", "task", "domain", "licence", "licence_url", "text_licence",
        "redistributable", "non_commercial", "upstream", "commit", "format", "note",
    )  # fmt: skip
    record = {name: getattr(entry, name) for name in names} | {"labels": list(entry.labels), "here": here}
    record["splits"] = {
        name: {"sentences": row.sentences, "tokens": row.tokens, "mentions": row.mentions}
        for name, row in entry.splits.items()
    }
    if items:
        record["files"] = [
            {"path": str(item.path), "state": item.state, "url": item.url, "member": item.member, "made": item.how}
            for item in items
        ]
    return record
