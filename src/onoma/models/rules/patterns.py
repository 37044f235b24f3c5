"""Regular expressions that find mentions in text."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, model_validator

from onoma.settings import Settings

__all__ = ["Pattern", "read_patterns"]

Flag = Literal["ascii", "dot_all", "ignore_case", "multiline", "verbose"]

_FLAGS: dict[Flag, re.RegexFlag] = {
    "ascii": re.ASCII,
    "dot_all": re.DOTALL,
    "ignore_case": re.IGNORECASE,
    "multiline": re.MULTILINE,
    "verbose": re.VERBOSE,
}


class Pattern(Settings):
    """One regular expression, and the label of what it finds."""

    label: str = Field(min_length=1)
    """Label of the mentions."""
    regex: str = Field(min_length=1)
    """In the language of Python's `re`, searched in the whole text of a document. Nothing bounds the time a regular
    expression takes: one with nested repeats, such as (a+)+b, can take for ever on some texts."""
    flags: tuple[Flag, ...] = ()
    """ascii, dot_all, ignore_case, multiline, verbose: as in `re`."""
    group: int | str = 0
    """The group that is the mention, by number or name: what stands around it is context. 0 is all of it."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        try:
            groups = self.compiled
        except (re.error, OverflowError, RecursionError) as problem:
            raise ValueError(f"pattern {self.regex!r} ({self.label}) is no regular expression: {problem}") from None
        known = self.group in groups.groupindex if isinstance(self.group, str) else 0 <= self.group <= groups.groups
        if not known:
            raise ValueError(f"pattern {self.regex!r} ({self.label}) has no group {self.group!r}")
        return self

    @cached_property
    def compiled(self) -> re.Pattern[str]:
        """The expression; raises `re.error` where it is none."""
        flags = re.NOFLAG
        for flag in self.flags:
            flags |= _FLAGS[flag]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of spellings that a later Python may read otherwise
            return re.compile(self.regex, flags)

    def spans(self, text: str) -> Iterator[tuple[int, int]]:
        """Half-open character ranges of all matches from left to right; empty ones are left out."""
        for match in self.compiled.finditer(text):
            start, end = match.span(self.group)
            if start < end:
                yield start, end


class _File(Settings):
    """A TOML file of `[[patterns]]` tables."""

    patterns: tuple[Pattern, ...]


def read_patterns(path: Path) -> tuple[Pattern, ...]:
    """Patterns of a TOML file with `[[patterns]]` tables; raises `ConfigError` with file and pattern."""
    return _File.from_toml(path).patterns
