"""The page beside a saved model for whoever thinks of using it: plain Markdown, made from the card alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from onoma import models
from onoma.datasets import catalog

if TYPE_CHECKING:
    from onoma.recognizer.calibration import Calibration

__all__ = ["MODEL_CARD", "render"]

MODEL_CARD = "README.md"
MOST_LABELS = 100
"""Labels that have a row of their own."""

KINDS = {
    "probability": "a probability, as the model sees it",
    "margin": "a number that only ranks mentions: it is no probability",
    "none": "none",
}
LIMITS = {
    "tags": "Mentions are flat and lie inside one sentence: it finds none inside another, and none in several pieces.",
    "text": "An answer that cannot be read or placed in the text is lost, and counted as a problem.",
    "documents": "What it answers is up to its rules or its program: nothing is known of other text.",
}


def render(card: Mapping[str, Any], calibration: Calibration | None = None) -> str:
    """A saved recognizer's card (the content of `onoma.json`) as a page; the same card gives the same bytes."""
    trained = card.get("trained") or {}
    encoding = card.get("encoding") or {}
    labels = list(encoding.get("labels") or card.get("labels") or ())
    named = _text(", ".join(labels[:6])) or "labels not known beforehand"
    parts = [
        f"# {card['family']}: {named}{', ...' if labels[6:] else ''}",
        f"Finds named entities in text. Made by onoma {card['onoma']}; read it with `onoma.load(FOLDER)` or "
        "`onoma predict FOLDER FILE`.",
        _what(card, encoding, calibration),
        _labels(labels, trained),
        _data(trained),
        _scores(trained, calibration),
        _calibrated(calibration),
        _options(card),
        _versions(card),
        _limits(card, trained, calibration),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _what(card: Mapping[str, Any], encoding: Mapping[str, Any], calibration: Calibration | None) -> str:
    kind = "probability" if calibration is not None else card.get("score_kind", "margin")
    meaning = card.get("score")
    score = KINDS[kind] + (f" ({meaning})" if meaning and kind != "none" and calibration is None else "")
    rows = [
        ("family", card["family"]),
        ("encoding", " ".join(str(encoding[name]) for name in ("name", "scheme") if name in encoding) or "none"),
        ("words of raw text", f"the `{card['splitter']}` splitter"),
        ("score of a mention", "a probability, calibrated on held-out text" if calibration is not None else score),
    ]
    return _table(("", ""), rows)


def _labels(labels: Sequence[str], trained: Mapping[str, Any]) -> str:
    if not labels:
        return ""
    seen = trained.get("train", {}).get("labels", {})
    judged = next(iter(trained.get("scores", {}).items()), None)
    head = ["label", "mentions in training"]
    if judged is not None:
        head += [f"mentions in {judged[0]}", "F1, %", "95 % interval"]
    rows: list[list[str]] = []
    for label in labels[:MOST_LABELS]:
        row = [_text(label), f"{seen[label]:,}" if label in seen else "0" if seen else "not known"]
        if judged is not None:
            score = judged[1]["by_label"].get(label)
            row += (
                ["0", "", ""] if score is None else [f"{score['support']:,}", _percent(score["f1"]), _interval(score)]
            )
        rows.append(row)
    more = f"\n\n... and {len(labels) - MOST_LABELS:,} more." if labels[MOST_LABELS:] else ""
    return f"## Labels\n\n{_table(head, rows)}{more}"


def _data(trained: Mapping[str, Any]) -> str:
    lines: list[str] = []
    sources = trained.get("settings", {})
    for use, name in (("training", "train"), ("development", "dev")):
        record = trained.get(name)
        named = sources.get(name) or ()
        for source in (named,) if isinstance(named, str) else named:
            lines.append(f"- {use}: {_source(source)}")
        if record:
            counts = [f"{record[key]:,} {key}" for key in ("documents", "sentences") if key in record]
            purpose = f", used for the {record['used_for']}" if "used_for" in record else ""
            lines.append(f"- {use}: {', '.join(counts)}{purpose}; fingerprint `{record['fingerprint']}`")
            if record.get("lost_spans"):
                lines.append(
                    f"- {record['lost_spans']:,} mentions of the training data could not be written and are not learnt"
                )
    if not lines:
        return ""
    note = "A fingerprint is the sha256 of what the documents hold: ids, texts, tokens and mentions."
    return "## Data\n\n" + "\n".join(lines) + f"\n\n{note}"


def _source(source: str) -> str:
    """A catalogue reference with what it is and under which terms, or the name of a file."""
    entry = catalog.entries().get(source.partition(":")[0]) if catalog.is_reference(source) else None
    if entry is None:
        return f"the file `{Path(source).name}`, whose licence is not known to onoma"
    terms = f"licence: {entry.licence}" + (f" ({entry.licence_url.strip()})" if entry.licence_url else "")
    if entry.text_licence:
        terms += f"; texts: {entry.text_licence}"
    commercial = {
        True: "non-commercial use only",
        False: "commercial use allowed",
        "unknown": "commercial use: unknown",
    }
    passed_on = f"may be passed on: {entry.redistributable}"
    about = f"{entry.description}; language {entry.language}, {entry.domain}"
    return _text(
        f"`{source}`: {about}; {terms}; {commercial[entry.non_commercial]}; {passed_on}; from {entry.upstream}"
    )


def _scores(trained: Mapping[str, Any], calibration: Calibration | None) -> str:
    parts: list[str] = []
    for name, scores in trained.get("scores", {}).items():
        rows = [
            [
                average,
                *(_percent(scores[average][ratio]) for ratio in ("precision", "recall", "f1")),
                _interval(scores[average]),
            ]
            for average in ("micro", "macro", "unlabelled")
        ]
        table = _table(("", "precision", "recall", "F1, %", "95 % interval"), rows)
        before = " Before calibration." if calibration is not None else ""
        facts = f"On {_text(name)} ({scores['documents']:,} documents, fingerprint `{scores['fingerprint']}`).{before}"
        parts.append(f"{facts}\n\n{table}\n\n`{scores['signature']}`")
    return (
        "## Scores\n\n" + "\n\n".join(parts)
        if parts
        else "## Scores\n\nNone: no labelled text was scored before it was saved."
    )


def _calibrated(calibration: Calibration | None) -> str:
    if calibration is None:
        return ""
    how = (
        f"temperature {calibration.temperature:.4g}"
        if calibration.temperature is not None
        else f"isotonic regression, {len(calibration.knots or ()):,} knots"
    )
    fitted = calibration.fitted
    on = ""
    if "documents" in fitted:
        on = f", fitted on {fitted['documents']:,} documents, fingerprint `{fitted['fingerprint']}`"
    lines = [f"Scores become probabilities by {how}{on}. Without `calibration.json` the model is as before."]
    for name, figures in fitted.get("ece", {}).items():
        before, after = figures["before"], figures["after"]
        lines.append(
            f"- expected calibration error on {_text(name)}: {_percent(before)} % before, {_percent(after)} % after"
        )
    if calibration.thresholds is not None:
        each = [f"{_text(label)} {value:.4g}" for label, value in sorted(calibration.thresholds.items())]
        every = f"{'others' if each else 'all labels'} {calibration.threshold:.4g}"
        lines.append(f"- mentions are kept from these probabilities on: {', '.join([*each, every])}")
    return "## Calibration\n\n" + "\n".join([lines[0], "", *lines[1:]]).rstrip()


def _options(card: Mapping[str, Any]) -> str:
    recorded = models.options(card["family"], dict(card["options"])).recorded()
    rows = [(f"`{name}`", _text(_plain(value))) for name, value in recorded.items()]
    trained = card.get("trained") or {}
    fitted = trained.get("fitted", {})
    rows += [("seed", str(trained["seed"]))] if "seed" in trained else []
    rows += [("epochs trained", f"{fitted['epochs']:g}")] if fitted.get("epochs") else []
    rows += [("best epoch", f"{fitted['best_epoch']:g}")] if fitted.get("best_epoch") is not None else []
    return f"## Settings\n\n{_table(('setting', 'value'), rows)}" if rows else ""


def _plain(value: Any) -> str:
    """A value without the folders of the machine it was made on."""
    if isinstance(value, str):
        return f".../{Path(value).name}" if Path(value).is_absolute() else value
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {_plain(each)}" for key, each in value.items()) or "none"
    if isinstance(value, list | tuple):
        return ", ".join(_plain(each) for each in value) or "none"
    return "as by default" if value is None else str(value)


def _versions(card: Mapping[str, Any]) -> str:
    versions = {"onoma": card["onoma"], **card.get("versions", {})}
    return "## Versions\n\n" + ", ".join(f"{name} {version}" for name, version in versions.items())


def _limits(card: Mapping[str, Any], trained: Mapping[str, Any], calibration: Calibration | None) -> str:
    lines = [LIMITS[models.family(card["family"]).answers]]
    if card.get("encoding") is not None or card.get("labels"):
        lines.append("Labels that are not named above are not looked for.")
    if trained.get("train"):
        lines.append(
            "Text unlike the training data (another domain, language, time or spelling) was not measured here."
        )
    if (trained.get("dev") or {}).get("used_for"):
        lines.append("The development data chose the epoch, so scores on them are somewhat too high.")
    if trained.get("scores"):
        lines.append("Intervals say what another test set of this kind would change, not what another seed would.")
    if calibration is not None:
        lines.append("Calibration holds for text like that it was fitted on; elsewhere probabilities may be off again.")
    return "## Limits\n\n" + "\n".join(f"- {line}" for line in lines)


# ---------------------------------------------------------------------- Markdown


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _text(text: str) -> str:
    """User text in a line or cell of Markdown: no markup and no line of its own."""
    for mark, instead in (("&", "&amp;"), ("<", "&lt;"), ("|", "\\|"), ("[", "\\["), ("*", "\\*")):
        text = text.replace(mark, instead)
    return " ".join(text.split())


def _percent(fraction: float) -> str:
    return f"{100 * fraction:.2f}"


def _interval(score: Mapping[str, Any]) -> str:
    interval = score.get("f1_interval")
    return "" if interval is None else f"{_percent(interval[0])} to {_percent(interval[1])}"
