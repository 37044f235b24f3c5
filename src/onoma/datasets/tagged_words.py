"""Answers that repeat each word with its tag, `word(tag) word(tag)`, and how they are read against the known words.

The format of GNER (Ding and others 2024, *Rethinking Negative Instances for Generative Named Entity Recognition*,
figures 3 and 5). What is known anchors the reading: as long as an answer copies the words they are read off literally,
so that a word may look like a tag; after the first fault the known tags part the answer, and its words are aligned to
the source.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from onoma import schemes
from onoma.alignment import align
from onoma.document import Problem
from onoma.schemes import OUTSIDE, TokenSpan

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["TaggedAnswer", "read_answer", "write_answer"]

_BIO = schemes.get("BIO")
_BLANKS = re.compile(r"\s+")
_CUT_TAG = re.compile(r"(?<=\S)\([BI]-[^()]*$")


@dataclass(frozen=True)
class TaggedAnswer:
    """What an answer says of the source words: a tag for each, mentions as word ranges, and what became neither."""

    tags: tuple[str, ...]
    mentions: tuple[TokenSpan, ...]
    problems: tuple[Problem, ...]


@dataclass(frozen=True)
class _Patterns:
    known: re.Pattern[str]
    """A known tag with its closing bracket, the longest first."""
    any: re.Pattern[str]
    """A known tag (group 1), a BIO tag of another label (2) or a known label without prefix (3), in brackets."""
    closed: tuple[str, ...]
    """The known tags with their closing bracket."""


@dataclass
class _Pieces:
    """Words of an answer, each with its tag (None where it has none), and the faults on the way."""

    words: list[str]
    tags: list[str | None]
    problems: list[Problem]

    def add_untagged(self, text: str) -> None:
        """Words that are read, but stand without a tag."""
        for word in text.split():
            self.words.append(word)
            self.tags.append(None)

    def fault(self, text: str, label: str | None = None) -> None:
        self.problems.append(Problem("malformed", text, label))


def write_answer(words: Iterable[str], tags: Iterable[str]) -> str:
    """The answer that gives these tags to these words."""
    return " ".join(f"{word}({tag})" for word, tag in zip(words, tags, strict=True))


def read_answer(answer: str, words: Sequence[str], labels: Iterable[str]) -> TaggedAnswer:
    """Tags and mentions that an answer gives to the source words; `labels` are those that were asked for.

    Mentions are read off the answer's own words (BIO, repaired as conlleval does) and stand only where all their words
    are found side by side in the source. So a mention is one span or one problem (unknown_label, ungrounded), and a
    slip in copying cannot turn a wrong mention into a right one. Untagged text is one malformed problem a stretch, a
    last word that is cut off is `truncated`, as is an empty answer.
    """
    patterns = _patterns(tuple(dict.fromkeys(labels)))
    pieces = _Pieces([], [], [])
    at = _copied(answer, words, patterns.known, pieces)
    done = len(pieces.words)
    _torn(answer[at:], frozenset(words[done:]), patterns, pieces, begun=done > 0)
    if words and not answer.strip():
        pieces.problems.append(Problem("truncated"))

    found: list[int | None] = list(range(done)) + [None] * (len(pieces.words) - done)
    for index, place in enumerate(align(words[done:], pieces.words[done:], method="lcs")):
        if place is not None:
            found[done + place] = done + index
    _gather(pieces, found, words)
    tags = [OUTSIDE] * len(words)
    for place, tag in zip(found, pieces.tags, strict=True):
        if place is not None and tag is not None:
            tags[place] = tag
    mentions, problems = _grounded(pieces, found, frozenset(labels))
    return TaggedAnswer(tuple(tags), tuple(mentions), (*pieces.problems, *problems))


def _gather(pieces: _Pieces, found: list[int | None], words: Sequence[str]) -> None:
    """Move mentions that the alignment tore apart to where their words stand side by side, if no other word is crossed.

    Of equally long alignments any may come out; one that keeps mentions whole is as long and says what was meant.
    """
    for start, end, _ in _BIO.spans([tag or OUTSIDE for tag in pieces.tags]):
        first, last = found[start], found[end - 1]
        if first is None or last is None or None in found[start:end] or last - first == end - start - 1:
            continue
        low = next((each + 1 for each in reversed(found[:start]) if each is not None), 0)
        high = next((each for each in found[end:] if each is not None), len(words))
        mention = pieces.words[start:end]
        for at in range(low, high - len(mention) + 1):
            if list(words[at : at + len(mention)]) == mention:
                found[start:end] = range(at, at + len(mention))
                break


def _grounded(
    pieces: _Pieces, found: Sequence[int | None], labels: frozenset[str]
) -> tuple[list[TokenSpan], list[Problem]]:
    mentions: list[TokenSpan] = []
    problems: list[Problem] = []
    for start, end, label in _BIO.spans([tag or OUTSIDE for tag in pieces.tags]):
        text = " ".join(pieces.words[start:end])
        first = found[start]
        if label not in labels:
            problems.append(Problem("unknown_label", text, label))
        elif first is None or list(found[start:end]) != list(range(first, first + end - start)):
            problems.append(Problem("ungrounded", text, label))
        else:
            mentions.append(TokenSpan(first, first + end - start, label))
    return mentions, problems


@lru_cache(maxsize=256)
def _patterns(labels: tuple[str, ...]) -> _Patterns:
    longest = sorted(labels, key=len, reverse=True)
    tags = [f"{prefix}-{label}" for label in longest for prefix in "BI"] + [OUTSIDE]
    known = "|".join(map(re.escape, tags))
    bare = "|".join(map(re.escape, longest))
    # A tag of another label may hold one pair of brackets, as labels do, but no known tag.
    other = rf"[BI]-[^()\s][^()]*(?:\((?!(?:{known})\))[^()]*\)[^()]*)*"
    either = rf"\(\s*({known})\s*\)|(?<=\S)\(({other})\)" + (rf"|(?<=\S)\(({bare})\)" if bare else "|(?!)()")
    return _Patterns(re.compile(rf"({known})\)"), re.compile(either), tuple(f"{tag})" for tag in tags))


def _copied(answer: str, words: Sequence[str], known: re.Pattern[str], pieces: _Pieces) -> int:
    """Read the words off as long as they are copied; returns how many characters of the answer that took."""
    at = 0
    for number, word in enumerate(words):
        blank = _BLANKS.match(answer, at)
        # One blank is the rule, none is what detokenisers make of it before punctuation.
        starts = ([at + 1] if number and answer.startswith(" ", at) else []) + [at] + ([blank.end()] if blank else [])
        begin = next((start for start in starts if answer.startswith(f"{word}(", start)), None)
        tag = None if begin is None else known.match(answer, begin + len(word) + 1)
        if tag is None:
            break
        pieces.words.append(word)
        pieces.tags.append(tag[1])
        at = tag.end()
    return at


def _torn(text: str, source: frozenset[str], patterns: _Patterns, pieces: _Pieces, *, begun: bool) -> None:
    """Read what is left after the first fault: tags part it, and of tags that touch the last one counts."""
    runs: list[list[re.Match[str]]] = []
    for match in patterns.any.finditer(text):
        if runs and runs[-1][-1].end() == match.start():
            runs[-1].append(match)
        else:
            runs.append([match])
    at = 0
    for run in runs:
        tag, before, word = _choose(run, text, at, source)
        if before:
            pieces.fault(before)
            pieces.add_untagged(before)
        if tag is None:
            pieces.fault(text[run[0].start() : run[-1].end()])
        else:
            pieces.words.append(word)
            pieces.tags.append(None if tag[3] else tag[1] or tag[2].strip())
            if tag[3]:
                pieces.fault(word + tag[0], tag[3])
            if tag is not run[-1]:
                pieces.fault(text[tag.end() : run[-1].end()])
        at = run[-1].end()
    _tail(text[at:].strip(), source, patterns, pieces, begun=begun or bool(runs))


def _choose(
    run: Sequence[re.Match[str]], text: str, at: int, source: frozenset[str]
) -> tuple[re.Match[str] | None, str, str]:
    """Which of some touching tags is the tag, the untagged text before its word, and the word.

    The last one whose word is in the source, else the last; the tags before it belong to the word.
    """
    choice: tuple[re.Match[str] | None, str, str] = (None, "", "")
    for tag in reversed(run):
        before, word = _last_word(text[at : tag.start()].strip(), source)
        if word in source and word:
            return tag, before, word
        if word and choice[0] is None:
            choice = tag, before, word
    return choice


def _last_word(text: str, source: frozenset[str]) -> tuple[str, str]:
    """Text split before its last word: the longest one that is in the source, else what follows the last blank."""
    if text in source:
        return "", text
    before, word = "", text
    for blank in _BLANKS.finditer(text):
        before, word = text[: blank.start()], text[blank.end() :]
        if word in source:
            break
    return before, word


def _tail(text: str, source: frozenset[str], patterns: _Patterns, pieces: _Pieces, *, begun: bool) -> None:
    """What stands after the last tag: a word that was cut off, or text without tags."""
    if not text:
        return
    cut = _cut(text, patterns)
    if cut is None and begun and not _BLANKS.search(text):
        cut = len(text)
    if cut is None:
        pieces.fault(text)
        pieces.add_untagged(text)
        return
    before, word = _last_word(text[:cut], source)
    if before:
        pieces.fault(before)
        pieces.add_untagged(before)
    pieces.words.append(word)
    pieces.tags.append(None)
    pieces.problems.append(Problem("truncated", word + text[cut:]))


def _cut(text: str, patterns: _Patterns) -> int | None:
    """Where a tag begins that the end of the text cuts off."""
    longest = max(map(len, patterns.closed))
    for at in range(max(1, len(text) - longest), len(text)):
        if text[at] == "(" and not text[at - 1].isspace():
            rest = text[at + 1 :]
            if any(tag.startswith(rest) for tag in patterns.closed):
                return at
    other = _CUT_TAG.search(text)
    return None if other is None else other.start()
