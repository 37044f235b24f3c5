"""Mentions as objects of Python classes: `[PER(span="Ada Byron"), LOC(span="Rome")]` (GoLLIE, Sainz et al. 2024)."""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterable, Iterator, Sequence
from typing import ClassVar

from onoma.document import Problem
from onoma.encodings.base import OnMisaligned
from onoma.encodings.listed import Item, Listed
from onoma.encodings.tolerant_json import ESCAPED, joined
from onoma.exceptions import ConfigError

__all__ = ["CodeClasses"]

NAME = r"(?<!\w)\d*+([^\W\d]\w*+)\s*+"
PARTS = r"\((?:\"(?:\\.|[^\"\\])*+\"|'(?:\\.|[^'\\])*+'|[^\"'()\\])*+"
CALL = re.compile(NAME + rf"({PARTS}\))", re.DOTALL)
OPEN = re.compile(NAME + rf"{PARTS}(?:[\"'][^)]*+|\\[^()]*+)?\Z", re.DOTALL)
"""A call that is cut off, also within a text."""


class CodeClasses(Listed):
    """A list of calls of classes, each with the text as `span`. Answers are parsed, never evaluated.

    A label's class is its name with `_` for all but letters and digits; it may be a keyword.
    """

    name: ClassVar[str] = "code_classes"
    grounds: bool = False

    def __init__(
        self, labels: Iterable[str], on_misaligned: OnMisaligned = "error", max_words: int | None = None
    ) -> None:
        super().__init__(labels, on_misaligned, max_words)
        self.classes = {label: re.sub(r"^(?=\d)|\W", "_", label) for label in self.labels}
        self._labels = {name: label for label, name in self.classes.items()}
        known = "|".join(re.escape(name) for name in self._labels)
        self._begun = re.compile(rf"(?<!\w)(?:({known})\s*[(\[]|[^\W\d]\w*\s*[(\[]\s*span\b)")
        if len(self._labels) < len(self.labels):
            raise ConfigError("two of the labels have one name as a Python class")

    @property
    def symbols(self) -> tuple[str, ...]:
        """Beginnings of calls, and what stands for signs of a text."""
        return (*(f"{name}(span=" for name in self.classes.values()), *ESCAPED, "\\'")

    def write(self, items: Sequence[Item]) -> str:
        """A list of calls in the order of the text."""
        return f"[{', '.join(f'{self.classes[item.label]}(span={_literal(item.text)})' for item in items)}]"

    def read(self, answer: str, label: str | None) -> Iterator[Item | Problem]:  # noqa: ARG002
        """Calls one by one; of an answer that is no Python, those that are whole. One that is not is malformed."""
        cut: bool | None = None
        at = 0
        for call in CALL.finditer(answer):
            if cut is None:
                cut = answer[: call.start()].rstrip().endswith("[")
            yield from self._broken(answer[at : call.start()])
            at = call.end()
            text = _span(call[2])
            if text:
                yield Item(text, self._labels.get(call[1], call[1]))
            else:
                yield Problem("malformed", call[0], self._labels.get(call[1]))
        rest = OPEN.search(answer, at)
        broken = list(self._broken(answer[at : rest.start() if rest else len(answer)]))
        yield from broken
        if rest is not None or (cut and "]" not in answer[at:]):
            yield Problem("truncated", rest[0] if rest else answer[-40:])
        elif cut is None and not broken and not re.search(r"\[\s*\]", answer):
            yield Problem("malformed", answer)

    def _broken(self, text: str) -> Iterator[Problem]:
        """Calls that were begun in what lies between whole ones."""
        begun = [*self._begun.finditer(text)]
        ends = [*(each.start() for each in begun[1:]), len(text)]
        for each, end in zip(begun, ends, strict=False):
            yield Problem("malformed", text[each.start() : end].strip(", \n"), self._labels.get(each[1]))


def _literal(text: str) -> str:
    """A string in double quotes that Python reads as the text."""
    quoted = repr("'" + text)[1:-1]  # the apostrophe makes it choose double quotes
    return f'"{quoted[1:]}"' if '"' not in text else repr(text)


def _span(arguments: str) -> str | None:
    """The text in a call's brackets, `span` or the only argument; None where there is none."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SyntaxWarning)
            node = ast.parse(f"_{arguments}", mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    if not isinstance(node, ast.Call):
        return None
    named = [keyword.value for keyword in node.keywords if keyword.arg == "span"] or node.args[:1]
    value = named[0].value if len(named) == 1 and isinstance(named[0], ast.Constant) else None
    return joined(value) if isinstance(value, str) else None
