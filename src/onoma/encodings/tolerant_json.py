"""JSON as models write it: fenced, announced, cut off, with commas too many; what is whole is read."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from onoma.document import Problem
from onoma.encodings.listed import Item

__all__ = ["ESCAPED", "Pairs", "Reading", "joined", "quoted", "readings", "told"]

BARE = re.compile(r"[^\s,:\[\]{}\"']+")
KEYS = {sign: re.compile(rf"{sign}((?:\\.|[^\\{sign}])*+){sign}", re.DOTALL) for sign in "\"'"}
STRINGS = {
    sign: re.compile(rf"{sign}((?:\\.|[^\\{sign}]|{sign}(?![^\S\n]*+(?:[,:\]}}\n]|\Z)))*+){sign}", re.DOTALL)
    for sign in "\"'"
}
"""A quote ends a string where the value may end, too, or the line; any other was not escaped. Keys may lack a colon."""
ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.DOTALL)
ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}
ESCAPED = ('\\"', "\\\\")
"""What stands for signs of a text that would end it."""
NEXT = re.compile(r"[\s,;]*(?=[\[{])")
"""Between values that are one answer: lines of JSON, or a list without its brackets."""
DEPTH = 32
"""Lists in lists: no format here needs more than three, and an answer of brackets alone must end somehow."""
NOTHING = re.compile(r"[^\[{]*+(?:\[\s*+\]|\{\s*+\})[^\[{]*+")
"""The answer that there is no mention, whichever brackets are the format's."""


def quoted(text: str) -> str:
    """A part of a string, as it stands between its quotes."""
    return json.dumps(text, ensure_ascii=False)[1:-1]


def joined(text: str) -> str:
    """The text with one letter for two halves of a surrogate pair side by side."""
    return json.loads(json.dumps(text))


class Pairs(list[tuple[str, Any]]):
    """The members of an object in their order; a key may come twice."""


class Reading(NamedTuple):
    """Values of an answer, whether they were mended or cut off, and what in them is neither a member nor an item.

    `strings`: whether anything in them stands in quotes.
    """

    values: list[Any]
    mended: bool = False
    truncated: bool = False
    lost: Sequence[str] = ()
    strings: bool = True

    @property
    def items(self) -> list[Any]:
        """The objects, and what stands in lists, in their order."""
        return [each for value in self.values for each in ([value] if isinstance(value, Pairs) else value)]


def told(
    answer: str, label: str | None, opens: str, tell: Callable[[Reading], Iterable[Item | Problem]]
) -> list[Item | Problem]:
    """What the first reading tells that has a mention in quotes, or says that there is none; else the first of all.

    So brackets in a sentence before the answer are not taken for it.
    """
    first: list[Item | Problem] = []
    if NOTHING.fullmatch(answer):
        return first
    for reading in readings(answer, opens):
        made = [*(Problem("malformed", text, label) for text in reading.lost), *tell(reading)]
        if reading.truncated:
            made.append(Problem("truncated", answer[-40:], label))
        if not made or (reading.strings and any(isinstance(each, Item) for each in made)):
            return made
        first = first or made
    return first or [Problem("malformed", answer, label)]


def readings(answer: str, opens: str = "[{") -> Iterator[Reading]:
    """The whole answer, where it is JSON; else each value in it that begins with one of `opens`, and those next to it.

    What stands between them is left away; objects come as `Pairs`. In a value that is cut off, members and items that
    are whole are kept.
    """
    try:
        value = json.loads(answer, object_pairs_hook=Pairs)
    except (ValueError, RecursionError):
        pass
    else:
        if isinstance(value, list) and not _deep(value):
            yield Reading([value])
            return
    opening = re.compile(f"[{re.escape(opens)}]")
    at = 0
    while (found := opening.search(answer, at)) is not None:
        reader = _Reader(answer, found.start())
        values = [reader.value(0)]
        while (another := NEXT.match(answer, reader.at)) is not None and not reader.ended:
            reader.at = another.end()
            values.append(reader.value(0))
        yield Reading(values, True, reader.ended, reader.lost, reader.strings)
        at = reader.at


def _deep(value: Any) -> bool:
    """Whether it is nested deeper than a reader goes; a member is a level, too."""
    level = [value]
    for _ in range(2 * DEPTH):
        level = [inner for each in level if isinstance(each, (list, tuple)) for inner in each]
    return bool(level)


CUT: Any = object()
"""A value of which the end is missing."""


class _Reader:
    def __init__(self, text: str, at: int) -> None:
        self.text = text
        self.at = at
        self.ended = False
        self.lost: list[str] = []
        self.strings = False

    def peek(self) -> str:
        """The next letter that is not blank; "" at the end, which is then noted."""
        while self.at < len(self.text) and self.text[self.at].isspace():
            self.at += 1
        if self.at < len(self.text):
            return self.text[self.at]
        self.ended = True
        return ""

    def value(self, depth: int) -> Any:
        sign = self.peek()
        if sign in {"[", "{"} and depth < DEPTH:
            return self.items(depth) if sign == "[" else self.members(depth)
        if sign in STRINGS:
            return self.string(sign, STRINGS)
        found = BARE.match(self.text, self.at)
        if found is None:
            self.at += 1
            return CUT
        self.at = found.end()
        self.ended |= self.at == len(self.text)
        if self.ended:
            return CUT
        try:
            return json.loads(found[0])
        except ValueError:
            return found[0]

    def items(self, depth: int) -> list[Any]:
        self.at += 1
        made: list[Any] = []
        while (sign := self.peek()) not in {"", "]"}:
            if sign in {",", ":", "}"}:
                self.at += 1
                continue
            value = self.value(depth + 1)
            if value is not CUT:
                made.append(value)
        self.at += 1
        return made

    def members(self, depth: int) -> Any:
        self.at += 1
        made = Pairs()
        while (sign := self.peek()) not in {"", "}"}:
            if sign in {",", ":", "]"}:
                self.at += 1
                continue
            key = self.string(sign, KEYS) if sign in KEYS else self.value(depth + 1)
            after = self.peek()
            if after != ":" and (not isinstance(key, str) or after in {"", ",", "]", "}"}):
                if key is not CUT and after:
                    self.lost.append(key if isinstance(key, str) else json.dumps(key, ensure_ascii=False))
                continue
            self.at += after == ":"
            value = self.value(depth + 1)
            if key is not CUT and value is not CUT:
                made.append((key if isinstance(key, str) else json.dumps(key), value))
        self.at += 1
        # An item of a list that is not whole is none; what it is cut off from is kept.
        return CUT if not sign and depth else made

    def string(self, sign: str, patterns: Mapping[str, re.Pattern[str]]) -> Any:
        found = patterns[sign].match(self.text, self.at)
        if found is None:
            self.at, self.ended = len(self.text), True
            return CUT
        self.at = found.end()
        self.strings = True
        if sign == '"':
            try:
                return json.loads(found[0], strict=False)
            except ValueError:
                pass
        return joined(ESCAPE.sub(_letter, found[1]))


def _letter(found: re.Match[str]) -> str:
    escape = found[1]
    return chr(int(escape[1:], 16)) if len(escape) == 5 else ESCAPES.get(escape, escape)
