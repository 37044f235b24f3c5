"""Labels in words: a short name and a definition for every label set of the catalogue, and for your own."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Iterable, Mapping
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, NamedTuple

from onoma.exceptions import ConfigError

__all__ = ["LabelDefinition", "definitions", "read_definitions"]

MEND = '[SET.labels] with LABEL = ["name", "definition"]'


class LabelDefinition(NamedTuple):
    """What a label means: a name as people say it, and a definition of one line."""

    name: str
    text: str


Definitions = dict[str, LabelDefinition]


def definitions(labels: Iterable[str], corpus: str | None = None, path: Path | None = None) -> Definitions:
    """Definitions of labels in their order: from a file of one's own where one is given, else of a corpus's label set.

    Without either, or where it lacks a label, the shipped set is used that has most of the labels; a label that it has
    not either has its own words as a name and no definition. Raises `ConfigError` for a bad file, and for a label that
    a given file lacks.
    """
    wanted = list(labels)
    if path is not None:
        held = {label: each for one in read_definitions(path).values() for label, each in one.items()}
        for label in wanted:
            if label not in held:
                raise ConfigError(f"{path}: there is no definition of the label {label!r}: add one")
        return {label: held[label] for label in wanted}
    sets, of_corpus = _shipped()
    if corpus is not None and corpus not in of_corpus:
        near = difflib.get_close_matches(corpus, of_corpus, 1)
        raise ConfigError(
            f"corpus {corpus!r} has no definitions here" + (f": did you mean {near[0]!r}?" if near else "")
        )
    fitting = max(sets.values(), key=lambda each: sum(label in each for label in wanted))
    own = {} if corpus is None else sets[of_corpus[corpus]]
    return {label: own.get(label) or fitting.get(label) or LabelDefinition(_spoken(label), "") for label in wanted}


def read_definitions(path: Path) -> dict[str, Definitions]:
    """The label sets of a TOML file by name; raises `ConfigError` that names the file and what to mend."""
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as problem:
        raise ConfigError(f"{path}: cannot be read: {problem}") from None
    return {name: _labels(str(path), name, table) for name, table in found.items()}


@cache
def _shipped() -> tuple[dict[str, Definitions], dict[str, str]]:
    """All shipped label sets, and the set of each corpus."""
    sets: dict[str, Definitions] = {}
    of_corpus: dict[str, str] = {}
    folder = resources.files("onoma.prompting") / "definitions"
    for file in sorted(folder.iterdir(), key=lambda each: each.name):
        for name, table in tomllib.loads(file.read_text(encoding="utf-8")).items():
            sets[name] = _labels(file.name, name, table)
            of_corpus |= dict.fromkeys(table["corpora"], name)
    return sets, of_corpus


def _labels(place: str, name: str, table: Any) -> Definitions:
    labels = table.get("labels") if isinstance(table, Mapping) else None
    if not isinstance(labels, Mapping) or not labels:
        raise ConfigError(f"{place}: the set {name!r} has no labels: write {MEND}")
    made: Definitions = {}
    for label, given in labels.items():
        texts = given if isinstance(given, list) else []
        if len(texts) != 2 or not all(isinstance(text, str) and text.strip() == text and text for text in texts):
            raise ConfigError(f"{place}: the label {label!r} of {name!r} is not defined: write {MEND}")
        made[label] = LabelDefinition(*texts)
    return made


def _spoken(label: str) -> str:
    """A label's own words."""
    return " ".join(label.replace("_", " ").replace("-", " ").split()) or label
