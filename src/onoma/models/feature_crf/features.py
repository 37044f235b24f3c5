"""Word functions and feature templates: what a feature CRF sees of a word and its neighbours.

A template is data (`templates.toml`). Each of its parts depends on one word only, so values are computed once a
*distinct* word; extraction for training and scoring for prediction both work on vocabularies, not on running text.
The one exception is `gazetteer`, where a word lies in the entries of word lists: see `corpus.Signs`.
"""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.resources import files

from onoma.exceptions import ConfigError

__all__ = ["FUNCTIONS", "GAZETTEER", "Part", "Template", "load_templates", "parse_template"]


def _shape(word: str) -> str:
    return "".join(
        "X" if character.isupper() else "x" if character.islower() else "d" if character.isdigit() else character
        for character in word
    )


def _short_shape(word: str) -> str:
    return re.sub(r"(.)\1+", r"\1", _shape(word))


def _case(word: str) -> str:
    if not any(character.isalpha() for character in word):
        return "digits" if any(character.isdigit() for character in word) else "none"
    if word.islower():
        return "lower"
    if word.isupper():
        return "initial." if len(word) == 2 and word[1] == "." else "upper"
    return "title" if word[0].isupper() and word[1:].islower() else "mixed"


def _prefix(size: int) -> Callable[[str], str | None]:
    return lambda word: word[:size] if len(word) >= size else None


def _suffix(size: int) -> Callable[[str], str | None]:
    return lambda word: word[-size:] if len(word) >= size else None


FUNCTIONS: dict[str, Callable[[str], str | None]] = {
    "bias": lambda _: "1",
    "word": lambda word: word,
    "lower": str.lower,
    "shape": _shape,
    "short_shape": _short_shape,
    "case": _case,
    **{f"prefix{size}": _prefix(size) for size in range(1, 7)},
    **{f"suffix{size}": _suffix(size) for size in range(1, 7)},
    "edge": lambda _: None,
}
"""Word functions by name: the value of a word, or None where it has none."""

EDGE_FUNCTIONS = frozenset({"word", "lower", "edge"})
"""The functions that have a value (`<s>`, `</s>`) beyond the edges of a sentence."""

GAZETTEER = "gazetteer"
"""The part that is no word function: the places of a word in list entries, such as `B-CITY`."""

GAZETTEER_LINES = ("gazetteer[-1]", "gazetteer[0]", "gazetteer[1]")
"""Put behind templates that do not ask for word lists where there are some."""


@dataclass(frozen=True, slots=True)
class Part:
    """A word function (or `gazetteer`) at an offset in words from the current one."""

    function: str
    offset: int


@dataclass(frozen=True, slots=True)
class Template:
    """Parts whose values are joined into one attribute, written behind `name`.

    A stretch such as `lower[-4..-1]` is parsed into one `Template` a place, all of one name, blind to edges.
    """

    name: str
    parts: tuple[Part, ...]
    stretch: bool = False


_PART = re.compile(r"(\w+)\[(-?\d+)(?:\.\.(-?\d+))?\]")


def parse_template(text: str) -> list[Template]:
    """The templates one line of data stands for; raises `ConfigError` for what cannot be read."""
    pieces = text.split("|")
    found = [_PART.fullmatch(piece.strip()) for piece in pieces]
    for piece, match in zip(pieces, found, strict=True):
        if match is None:
            raise ConfigError(
                f"feature template {text!r}: cannot read {piece!r}, write FUNCTION[OFFSET] or FUNCTION[FROM..TO]"
            )
        if match[1] not in FUNCTIONS and match[1] != GAZETTEER:
            known = ", ".join((*FUNCTIONS, GAZETTEER))
            raise ConfigError(f"feature template {text!r}: no word function {match[1]!r}: one of {known}")
        if match[3] is not None and len(pieces) > 1:
            raise ConfigError(f"feature template {text!r}: a stretch cannot be joined with other parts")
    first = found[0]
    assert first is not None
    if first[3] is not None:
        stretch = range(int(first[2]), int(first[3]) + 1)
        if not any(stretch):
            raise ConfigError(f"feature template {text!r}: there is no word in this stretch, write FROM before TO")
        return [Template(text, (Part(first[1], offset),), stretch=True) for offset in stretch if offset]
    return [Template(text, tuple(Part(match[1], int(match[2])) for match in found if match is not None))]


def load_templates(templates: str | Sequence[str], gazetteer: bool = False) -> list[Template]:
    """Templates by the name of a shipped set, or from a list of template lines; `gazetteer`: there are word lists.

    Raises `ConfigError` for what cannot be read, and for templates of word lists where there are none.
    """
    if isinstance(templates, str):
        table = tomllib.loads(files("onoma.models.feature_crf").joinpath("templates.toml").read_text(encoding="utf-8"))
        if templates not in table:
            raise ConfigError(f"template set {templates!r} is unknown: one of {', '.join(table)}")
        templates = table[templates]
    twice = [line for line, times in Counter(templates).items() if times > 1]
    if twice:
        raise ConfigError(f"feature template {twice[0]!r} is given more than once")
    parsed = [template for line in templates for template in parse_template(line)]
    asking = [template.name for template in parsed for part in template.parts if part.function == GAZETTEER]
    if asking and not gazetteer:
        raise ConfigError(f"feature template {asking[0]!r} asks for word lists: name some under gazetteers")
    if gazetteer and not asking:
        parsed += [template for line in GAZETTEER_LINES for template in parse_template(line)]
    return parsed
