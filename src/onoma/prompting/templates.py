"""Layouts of questions, read from data files."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, NamedTuple

from onoma.exceptions import ConfigError

__all__ = ["Template", "filled", "task", "template", "template_names"]

FIELD = re.compile(r"\{(source|kind|task|labels|answer)\}")
LIKE_A_FIELD = re.compile(r"\{([a-z_]+)\}")
ALLOWED = {
    "head": {"task", "labels", "kind"},
    "kind": {"kind"},
    "question": {"source", "kind", "labels", "task"},
    "answer": {"answer"},
    "between": set[str](),
}
NEEDED = {"kind": "kind", "question": "source", "answer": "answer"}


class Template(NamedTuple):
    """The parts of a question, with fields in braces; see `templates.toml`."""

    head: str
    kind: str
    question: str
    answer: str
    between: str


def template(name: str) -> Template:
    """A shipped layout, or the one in a TOML file; raises `ConfigError` that names the file and what to mend."""
    shipped = _shipped()
    if name in shipped:
        return shipped[name]
    path = Path(name)
    if path.suffix != ".toml":
        raise ConfigError(f"template {name!r} is unknown: one of {', '.join(shipped)}, or a .toml file")
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as problem:
        raise ConfigError(f"{path}: cannot be read: {problem}") from None
    return _checked(str(path), table)


def template_names() -> tuple[str, ...]:
    """The shipped layouts."""
    return tuple(_shipped())


def task(encoding: str) -> str:
    """What a model is asked to do in an encoding, with fields in braces; "" where nothing is said of it."""
    return _tasks().get(encoding, "")


def filled(text: str, values: Mapping[str, str]) -> str:
    """A part with its fields filled in; braces in the values are left alone."""
    return FIELD.sub(lambda found: values.get(found[1], found[0]), text)


@cache
def _shipped() -> dict[str, Template]:
    tables = tomllib.loads((resources.files("onoma.prompting") / "templates.toml").read_text(encoding="utf-8"))
    return {name: _checked(f"templates.toml: {name}", table) for name, table in tables.items()}


@cache
def _tasks() -> dict[str, str]:
    return tomllib.loads((resources.files("onoma.prompting") / "tasks.toml").read_text(encoding="utf-8"))["tasks"]


def _checked(place: str, table: Mapping[str, Any]) -> Template:
    for key in table:
        if key not in ALLOWED:
            raise ConfigError(f"{place}: {key!r} is no part of a template: {', '.join(ALLOWED)} are")
    for key, allowed in ALLOWED.items():
        text = table.get(key)
        if not isinstance(text, str):
            raise ConfigError(f'{place}: the part {key!r} is missing: write it, "" for nothing')
        named = set(LIKE_A_FIELD.findall(text))
        if key in NEEDED and NEEDED[key] not in named:
            raise ConfigError(f"{place}: {key} lacks the field {{{NEEDED[key]}}}")
        if named - allowed:
            may = f"only {', '.join(sorted(allowed))} do" if allowed else "none do"
            raise ConfigError(f"{place}: the field {{{min(named - allowed)}}} does not belong in {key}: {may}")
    return Template(**{key: table[key] for key in ALLOWED})
