"""JSON as models write it: fenced, announced, cut off, with commas too many; what is whole is read."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any, NamedTuple

__all__ = ["ESCAPED", "Pairs", "Reading", "quoted", "read_json"]

BARE = re.compile(r"[^\s,:\[\]{}\"']+")
ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.DOTALL)
ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}
ESCAPED = ('\\"', "\\\\")
"""What stands for signs of a text that would end it."""
NEXT = re.compile(r"[\s,;]*(?=[\[{])")
"""Between values that are one answer: lines of JSON, or a list without its brackets."""
DEPTH = 32
"""Lists in lists: no format here needs more than three, and an answer of brackets alone must end somehow."""


def quoted(text: str) -> str:
    """A part of a string, as it stands between its quotes."""
    return json.dumps(text, ensure_ascii=False)[1:-1]


class Pairs(list[tuple[str, Any]]):
    """The members of an object in their order; a key may come twice."""


class Reading(NamedTuple):
    """The values of an answer, whether it was mended or cut off, and what in it is neither a member nor an item."""

    values: list[Any]
    mended: bool = False
    truncated: bool = False
    lost: Sequence[str] = ()

    @property
    def items(self) -> list[Any]:
        """The objects, and what stands in lists, in their order."""
        return [each for value in self.values for each in ([value] if isinstance(value, Pairs) else value)]


def read_json(answer: str, opens: str = "[{") -> Reading:
    """The first value in an answer that begins with one of `opens`, and those next to it; objects come as `Pairs`.

    What stands before and behind them is left away. In one that is cut off, members and items that are whole are kept.
    """
    try:
        value = json.loads(answer, object_pairs_hook=Pairs)
    except (ValueError, RecursionError):
        pass
    else:
        if isinstance(value, list):
            return Reading([value])
    start = next((at for at, sign in enumerate(answer) if sign in opens), None)
    if start is None:
        return Reading([], mended=True)
    reader = _Reader(answer, start)
    values = [reader.value(0)]
    while (another := NEXT.match(answer, reader.at)) is not None and not reader.ended:
        reader.at = another.end()
        values.append(reader.value(0))
    return Reading([value for value in values if value is not CUT], True, reader.ended, reader.lost)


CUT: Any = object()
"""A value of which the end is missing."""


class _Reader:
    def __init__(self, text: str, at: int) -> None:
        self.text = text
        self.at = at
        self.ended = False
        self.lost: list[str] = []

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
        if sign in {'"', "'"}:
            return self.string(sign)
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
            key = self.value(depth + 1)
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

    def string(self, quote: str) -> Any:
        at = self.at + 1
        while at < len(self.text) and self.text[at] != quote:
            at += 2 if self.text[at] == "\\" else 1
        if at >= len(self.text):
            self.at, self.ended = len(self.text), True
            return CUT
        raw = self.text[self.at + 1 : at]
        self.at = at + 1
        if quote == '"':
            try:
                return json.loads(f'"{raw}"', strict=False)
            except ValueError:
                pass
        return ESCAPE.sub(_letter, raw)


def _letter(found: re.Match[str]) -> str:
    escape = found[1]
    return chr(int(escape[1:], 16)) if len(escape) == 5 else ESCAPES.get(escape, escape)
