"""Splitters by name: raw text to tokens with character offsets, and tokens to sentences.

A recognizer saves the name of the splitter it was trained for and uses it on raw text. Third parties add
splitters through the entry point group `onoma.splitters`.
"""

from __future__ import annotations

import re
import sys
import unicodedata
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache

from onoma.document import Document, Token
from onoma.tables import lookup, row_names

__all__ = ["SPLITTERS", "get", "names", "split", "split_sentences"]

Splitter = Callable[[str], tuple[Token, ...]]

SPLITTERS: dict[str, str] = {
    "unicode": "onoma.tokenization:unicode_tokens",
    "whitespace": "onoma.tokenization:whitespace_tokens",
    "characters": "onoma.tokenization:character_tokens",
}

# A clitic keeps its apostrophe ("London" + "'s"); other apostrophes stand alone ("O" + "'" + "Brien").
_CLITIC = r"['’](?:s|S|t|T|d|D|m|M|re|RE|ve|VE|ll|LL)(?!\w)"
_ASCII = re.compile(rf"{_CLITIC}|\d+(?:[.,:]\d+)*(?![^\W_])|[A-Za-z0-9]+|[^\sA-Za-z0-9]")
_SPACE = re.compile(r"\S+")


@lru_cache(maxsize=1)
def _any_script() -> re.Pattern[str]:
    r"""As `_ASCII` for every script: combining marks belong to their word, which `\w` does not know."""
    marks = [point for point in range(0x300, sys.maxunicode + 1) if unicodedata.category(chr(point))[0] == "M"]
    ranges: list[list[int]] = []
    for point in marks:
        if ranges and ranges[-1][1] == point - 1:
            ranges[-1][1] = point
        else:
            ranges.append([point, point])
    mark = "".join(f"{chr(first)}-{chr(last)}" for first, last in ranges)
    word = rf"(?:[^\W_][{mark}\u200c\u200d]*)+"
    return re.compile(rf"{_CLITIC}|\d+(?:[.,:]\d+)*(?![^\W_])|{word}|[^\s]")


def unicode_tokens(text: str) -> tuple[Token, ...]:
    """Runs of letters and digits of any script, numbers with their points, every other character alone."""
    pattern = _ASCII if text.isascii() else _any_script()
    return tuple(Token(*match.span()) for match in pattern.finditer(text))


def whitespace_tokens(text: str) -> tuple[Token, ...]:
    """Everything between white space."""
    return tuple(Token(*match.span()) for match in _SPACE.finditer(text))


def character_tokens(text: str) -> tuple[Token, ...]:
    """Every character that is no white space: for scripts written without spaces."""
    return tuple(Token(at, at + 1) for at, character in enumerate(text) if not character.isspace())


def names() -> tuple[str, ...]:
    """All splitters that can be named, our own first."""
    return row_names(SPLITTERS, "onoma.splitters")


def get(name: str) -> Splitter:
    """The splitter of that name; raises `ConfigError` with the list of names."""
    return lookup(SPLITTERS, name, "splitter", "onoma.splitters")


_STOPS = frozenset(".!?…。！？؟।")
_CLOSERS = frozenset("\"'”’»)]}")
_BEFORE = re.compile(r"\w+\Z")
_TITLES = frozenset("mr mrs ms dr prof st sen rep gov gen col lt capt sgt rev hon jr sr vs no vol fig".split())


def split_sentences(text: str, tokens: tuple[Token, ...]) -> tuple[tuple[int, int], ...]:
    """Half-open **token** ranges of sentences: at blank lines, and after a full stop that ends one.

    A stop ends a sentence where white space follows and the next token does not begin in lower case, unless it
    follows a title ("Dr.") or a single letter ("J."). Signs that close, such as quotes, may stand behind it.
    """
    bounds: list[tuple[int, int]] = []
    first = 0
    for index in range(len(tokens) - 1):
        gap = text[tokens[index].end : tokens[index + 1].start]
        if gap.count("\n") > 1 or (gap and _ends_sentence(text, tokens, first, index)):
            bounds.append((first, index + 1))
            first = index + 1
    if tokens:
        bounds.append((first, len(tokens)))
    return tuple(bounds)


def _ends_sentence(text: str, tokens: tuple[Token, ...], first: int, index: int) -> bool:
    begin, at = tokens[first].start, tokens[index].end
    lowest = max(begin + 1, at - 8)  # a run of more closers than that is no sentence's end
    while at > lowest and (text[at - 1] in _CLOSERS or text[at - 1].isspace()):
        at -= 1
    if text[at - 1] not in _STOPS or text[tokens[index + 1].start].islower():
        return False
    if text[at - 1] != ".":
        return True
    found = _BEFORE.search(text, max(begin, at - 13), at - 1)
    word = "" if found is None else found[0]
    return not (word.lower() in _TITLES or (len(word) == 1 and word.lower() != word.upper()))


def split(document: Document, splitter: str = "unicode") -> Document:
    """The document with tokens and sentences; unchanged where it has tokens or no text.

    Lines that a reader recorded in `meta["lines"]` (half-open character ranges) are the sentences.
    """
    if document.tokens:
        return document
    tokens = get(splitter)(document.text)
    lines = document.meta.get("lines")
    if isinstance(lines, list) and lines and all(_is_range(line) for line in lines):
        sentences = _by_lines(tokens, lines)
    else:
        sentences = split_sentences(document.text, tokens)
    return replace(document, tokens=tokens, sentences=sentences)


def _is_range(line: object) -> bool:
    """Whether something in a user's meta data is a range of characters."""
    return isinstance(line, list | tuple) and len(line) == 2 and all(isinstance(edge, int) for edge in line)


def _by_lines(tokens: tuple[Token, ...], lines: list[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    ends = [end for _, end in lines]
    bounds: list[tuple[int, int]] = []
    first = line = 0
    for index, token in enumerate(tokens):
        if line < len(ends) - 1 and token.start >= ends[line]:
            if index > first:
                bounds.append((first, index))
                first = index
            while line < len(ends) - 1 and token.start >= ends[line]:
                line += 1
    if tokens:
        bounds.append((first, len(tokens)))
    return tuple(bounds)
