"""`report.html`: the whole comparison as one file that needs no network and no font of its own.

Everything but the example browser is there without its script.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import tempfile
import zlib
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from onoma.analysis.slices import NO_PLACE
from onoma.exceptions import DataError
from onoma.report import about, errors, latex, learning, markdown, numbers, palette, sections, verdict, views, words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jinja2 import Environment

    from onoma.report.evidence import Evidence
    from onoma.report.schema import Results

__all__ = ["render", "write"]

TEMPLATES = Path(__file__).with_name("templates")


SMALL = 50_000
"""Characters of JSON that are left as they are."""


def render(results: Results, evidence: Evidence | None = None) -> str:
    """The results as one self-contained HTML page, light or dark as the reader's system is.

    With `evidence` it shows errors and sentences, too.
    """
    page = _environment().get_template("report.html.j2")
    css = palette.variables() + (TEMPLATES / "report.css").read_text(encoding="utf-8")
    script = (TEMPLATES / "report.js").read_text(encoding="utf-8")
    # Nothing but this very script may run, and nothing may leave the page.
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    shown = evidence is not None and bool(evidence.sets)
    data, packed = _packed(results, evidence) if shown and evidence else ("", "")
    content = {"evidence": evidence, "shown": shown, "data": data, "packed": packed, "script": script, "digest": digest}
    return page.render(css=css, **content, **_content(results))


def _packed(results: Results, evidence: Evidence) -> tuple[str, str]:
    """The sentences as text that is inert in a page, and how it is packed: `zlib` in base64, or `json`."""
    sets = {name: found.sentences for name, found in evidence.sets.items()}
    # Escaped to ASCII: lone surrogates and line separators survive, and no `<` can end the block.
    text = json.dumps({"slots": views.slots(results), "sets": sets}, separators=(",", ":"))
    if len(text) <= SMALL:
        return text.replace("<", "\\u003c"), "json"
    return base64.b64encode(zlib.compress(text.encode(), 9)).decode(), "zlib"


def write(results: Results, folder: str | Path, evidence: Evidence | None = None) -> tuple[Path, ...]:
    """Write `results.md`, `results.tex` and `report.html` into a folder, each whole or not at all; returns their paths.

    Raises `DataError` where the folder cannot be written.
    """
    folder = Path(folder)
    texts = {
        folder / "results.md": markdown.render(results),
        folder / "results.tex": latex.render(results),
        folder / "report.html": render(results, evidence),
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for path, text in texts.items():
            _replace(path, text)
    except OSError as error:
        raise DataError(f"cannot be written: {error.strerror or error}", path=error.filename or folder) from None
    return tuple(texts)


def _replace(path: Path, text: str) -> None:
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
    temporary = Path(name)
    try:
        # lone surrogates cannot be UTF-8; a name that holds one must not cost the report
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n", errors="replace") as file:
            file.write(text)
        temporary.chmod(0o644)  # mkstemp makes it private, a report is there to be shared
        temporary.replace(path)  # os.replace: whole or not at all
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    for name in ("count", "interval", "megabytes", "percent", "points", "rate", "score", "seconds"):
        environment.filters[name] = getattr(numbers, name)
    environment.filters["one_line"] = words.one_line
    environment.filters["pretty"] = _pretty
    environment.filters["when"] = _when
    environment.filters["tick"] = _tick
    for name, rule in (
        ("address", sections.address),
        ("error_rows", sections.error_rows),
        ("place", sections.place),
        ("readable", errors.readable),
        ("signed", _signed),
        ("nth", _nth),
    ):
        environment.filters[name] = rule
    for name in ("link", "slice_rows", "flips", "spots", "reach", "risks", "far_from_probabilities"):
        environment.globals[name] = getattr(sections, name)
    environment.globals |= {"nowhere": NO_PLACE, "no_label": words.NO_LABEL}
    environment.tests["name"] = lambda part: isinstance(part, words.Name)
    return environment


def _pretty(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False, default=str)


def _when(created: str) -> str:
    """An ISO 8601 moment to the minute; anything else stays as it is."""
    try:
        moment = datetime.fromisoformat(created)
    except ValueError:
        return created
    return f"{moment:%Y-%m-%d %H:%M} {moment.tzname() or ''}".rstrip()


def _tick(value: float) -> str:
    """A tick of a speed axis or of a plain one: `20`, `500`, `10k`, `0.5`."""
    for size, unit in ((1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:g}{unit}"
    return f"{value:g}"


def _signed(fraction: float) -> str:
    """A difference in points with its sign."""
    return f"{100 * fraction:+.1f}".replace("-", "−").replace("+0.0", "0.0").replace("−0.0", "0.0")


def _nth(row: Sequence[Any], at: int) -> Any:
    return row[at]


def _content(results: Results) -> dict[str, Any]:
    boards = views.boards(results)
    main = words.main_set(results)
    return {
        "results": results,
        "title": _title(results),
        "description": about.description(results),
        "training": about.training(results),
        "identities": {system.name: about.identity(results, system) for system in results.systems},
        "slots": views.slots(results),
        "verdict": verdict.verdict(results),
        "main": main,
        "ok": words.order(results),
        "absent": [system for system in results.systems if system.status != "ok"],
        # of the system with the most: where others are files or saved, their 0 is no further seed
        "seeds": max((system.seeds for system in results.systems), key=len, default=()),
        "boards": boards,
        "weighted": any(row.scores.weighted for board in boards for row in board.rows),
        "nameless": any(words.has_nameless(results, board.name) for board in boards),
        "nameless_row": words.NAMELESS_ROW,
        "winners": {name: words.winner(results, name) for name in results.sets},
        "forest": views.forest(results),
        "drops": views.drops(results),
        "scatter": views.scatter(results),
        "courses": views.courses(results),
        "dominance": verdict.dominance(results),
        "weakest": verdict.weakest(results),
        "probes": sections.probes(results),
        "learning": learning.learning(results),
        "signatures": markdown.signatures(results),
        "environment": markdown.flat(results.environment),
    }


def _title(results: Results) -> str:
    for key in ("title", "name"):
        given = results.config.get(key)
        if isinstance(given, str) and given.strip():
            return given
    names = [system.name for system in results.systems]
    return " · ".join(names) if 0 < len(names) <= 3 else f"{len(names)} systems on {len(results.sets)} sets"
