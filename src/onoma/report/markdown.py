"""`results.md`: the whole comparison as Markdown tables, in percent with two digits."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from onoma.report import numbers, verdict, words
from onoma.report.numbers import NONE

if TYPE_CHECKING:
    from onoma.report.schema import Results, System

__all__ = ["render"]


def render(results: Results) -> str:
    """The results as Markdown: verdict, scores, labels, differences, gap, cost, sets, signatures, versions."""
    parts = ["# Comparison", _verdict(results)]
    for title, body in (
        ("Scores", _scores(results)),
        ("Scores by label", _labels(results)),
        ("Differences", _differences(results)),
        ("In domain and out of domain", _gaps(results)),
        ("Cost", _cost(results)),
        ("Sets", _sets(results)),
        ("Signatures", _signatures(results)),
        ("Versions", _versions(results)),
    ):
        if body:
            parts += [f"## {title}", body]
    return "\n\n".join(parts) + "\n"


def escape(text: str) -> str:
    """Text that stands for itself in a table cell: no markup, no HTML, one line."""
    text = " ".join(text.split()).replace("&", "&amp;").replace("<", "&lt;")
    return re.sub(r"([\\`*|\[\]])", r"\\\1", text)


def _sentence(parts: words.Sentence) -> str:
    return "".join(f"**{escape(part)}**" if isinstance(part, words.Name) else _inline(part) for part in parts)


def _inline(text: str) -> str:
    # escape() trims, and a sentence's parts need their outer blanks
    lead = text[: len(text) - len(text.lstrip())]
    tail = text[len(text.rstrip()) :] if text.strip() else ""
    return lead + escape(text).replace("\\[", "[").replace("\\]", "]") + tail


def _table(head: Sequence[str], rows: Iterable[Sequence[str]], texts: int = 1) -> str:
    """A table whose first `texts` columns are text, the others numbers."""
    rule = ["---" if index < texts else "---:" for index in range(len(head))]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in (head, rule, *rows))


def _bullets(lines: Iterable[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)


def _verdict(results: Results) -> str:
    said = (*verdict.verdict(results), verdict.weakest(results), *verdict.dominance(results))
    return _bullets(_sentence(sentence) for sentence in said if sentence)


def _scores(results: Results) -> str:
    note = "Percent. F1, P and R are micro averages; O is the accuracy of answering only `O`; n counts gold mentions."
    parts = [note]
    for name in results.sets:
        rows = [_score_row(system, name) for system in (*words.ranking(results, name), *_unscored(results, name))]
        head = ["system", "F1", "95 % interval", "P", "R", "macro F1", "unlabelled F1", "accuracy", "O", "n"]
        parts += [f"### {escape(name)}", _table(head, rows)]
        problems = [
            f"{escape(system.name)}: "
            + ", ".join(f"{numbers.count(n)} {escape(kind)}" for kind, n in sorted(found.items()) if n)
            for system in words.ranking(results, name)
            if any((found := system.scores[name].problems).values())
        ]
        if problems:
            parts.append("Problems in the answers:\n\n" + _bullets(problems))
    return "\n\n".join(parts)


def _unscored(results: Results, name: str) -> list[System]:
    return [system for system in results.systems if system.status != "ok" or name not in system.scores]


def _score_row(system: System, name: str) -> list[str]:
    if system.status != "ok":
        return [escape(system.name), system.status, *[NONE] * 8]
    if name not in system.scores:
        return [escape(system.name), "not scored", *[NONE] * 8]
    found = system.scores[name]
    micro, accuracy = found.micro, found.accuracy
    return [
        escape(system.name),
        numbers.score(micro, "f1"),
        numbers.interval(micro.f1_interval),
        numbers.score(micro, "precision"),
        numbers.score(micro, "recall"),
        numbers.score(found.macro, "f1"),
        numbers.score(found.unlabelled, "f1"),
        numbers.percent(accuracy.value if accuracy else None),
        numbers.percent(accuracy.baseline if accuracy else None),
        numbers.count(micro.support),
    ]


def labels_of(results: Results, name: str) -> list[tuple[str, int]]:
    """The labels of a set with their gold mentions, the most frequent first; predicted strangers count too."""
    support = dict.fromkeys(results.sets[name].labels, 0)
    for system in words.ranking(results, name):
        for label, block in system.scores[name].by_label.items():
            support[label] = max(support.get(label, 0), block.support)
    return sorted(support.items(), key=lambda item: (-item[1], item[0]))


def _labels(results: Results) -> str:
    parts: list[str] = []
    for name in results.sets:
        systems = [system for system in words.order(results) if name in system.scores]
        head = ["label", "n", *(escape(system.name) for system in systems)]
        rows = [
            [escape(label), numbers.count(n), *(_label_cell(system, name, label) for system in systems)]
            for label, n in labels_of(results, name)
        ]
        if systems and rows:
            parts += [f"### {escape(name)}", _table(head, rows)]
    if not parts:
        return ""
    notes = [words.NAMELESS_ROW] if any(words.has_nameless(results, name) for name in results.sets) else []
    return "\n\n".join(["F1 (precision / recall) in percent; an asterisk marks 0/0, counted as 0.", *notes, *parts])


def _label_cell(system: System, name: str, label: str) -> str:
    block = system.scores[name].by_label.get(label)
    if block is None:
        return NONE
    f1, precision, recall = (numbers.score(block, part) for part in ("f1", "precision", "recall"))
    return f"{f1} ({precision} / {recall})".replace("*", "\\*")


def _differences(results: Results) -> str:
    if not results.comparisons:
        return "No two systems were compared."
    lines = _bullets(_sentence(words.difference(row)) for row in results.comparisons)
    tests = "; ".join(escape(test) for test in words.tests(results))
    return f"{lines}\n\nTest: {tests}. Differences are in percentage points."


def _gaps(results: Results) -> str:
    rows = [
        [
            escape(system.name),
            numbers.percent(found.inside),
            numbers.percent(found.outside),
            numbers.percent(found.loss),
        ]
        for system in words.order(results)
        if (found := words.gap(results, system)) is not None
    ]
    if not rows:
        return ""
    table = _table(["system", "in domain", "out of domain", "gap"], rows)
    return f"Micro F1 in percent, the mean over the sets of each role, of the systems scored on all of them.\n\n{table}"


def _cost(results: Results) -> str:
    systems = words.order(results)
    if not systems:
        return ""
    names = list(results.sets)
    head = [
        "system",
        "training",
        "words/s trained",
        *(f"words/s on {escape(name)}" for name in names),
        "memory",
        "size",
    ]
    rows = [
        [
            escape(system.name),
            numbers.seconds(system.train.seconds if system.train else None),
            numbers.rate(system.train.words_per_second if system.train else None),
            *(numbers.rate(system.predict[n].words_per_second if n in system.predict else None) for n in names),
            numbers.megabytes(system.peak_memory_mb),
            numbers.megabytes(system.size_mb),
        ]
        for system in systems
    ]
    return _table(head, rows)


def _sets(results: Results) -> str:
    head = ["set", "role", "labels", "sha256", "documents", "sentences", "tokens", "mentions"]
    rows = [
        [
            escape(name),
            info.role.replace("_", " "),
            escape(", ".join(info.labels)) or NONE,
            f"`{escape(info.sha256[:12])}`" if info.sha256 else NONE,
            *(numbers.count(n) for n in (info.documents, info.sentences, info.tokens, info.mentions)),
        ]
        for name, info in results.sets.items()
    ]
    lines = [
        f"{escape(name)}: {escape(text)}"
        for name, info in results.sets.items()
        for text in (info.description, f"from {info.source}" if info.source else None, *info.notes)
        if text
    ]
    return "\n\n".join(part for part in (_table(head, rows, texts=4) if rows else "", _bullets(lines)) if part)


def signatures(results: Results) -> dict[str, dict[str, list[str]]]:
    """Every distinct protocol signature with the sets, and on each the systems, that it holds for."""
    found: dict[str, dict[str, list[str]]] = {}
    for name in results.sets:
        for system in results.systems:
            if name in system.scores:
                found.setdefault(system.scores[name].signature, {}).setdefault(name, []).append(system.name)
    return found


def _signatures(results: Results) -> str:
    lines: list[str] = []
    for signature, sets in signatures(results).items():
        where = "; ".join(f"{name}: {', '.join(systems)}" for name, systems in sets.items())
        lines.append(f"{escape(signature)} – {escape(where)}")
    return _bullets(lines)


def flat(mapping: Mapping[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    """Nested settings as dotted names with their values."""
    rows: list[tuple[str, str]] = []
    for key, value in mapping.items():
        if isinstance(value, Mapping) and value:
            rows += flat(value, f"{prefix}{key}.")
        else:
            rows.append((f"{prefix}{key}", value if isinstance(value, str) else repr(value)))
    return rows


def _versions(results: Results) -> str:
    rows = [("created", results.created), *flat(results.environment)]
    return _bullets(f"{escape(name)}: {escape(value)}" for name, value in rows)
