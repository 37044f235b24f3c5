"""Where a stretch of a copied text lies in the text it was copied from."""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left, bisect_right
from functools import lru_cache
from typing import Any

from onoma import alignment
from onoma.document import ProblemKind

__all__ = ["Anchor", "Place", "folded", "letters_of"]

Place = tuple[int, int] | ProblemKind
"""Half-open character offsets in the source, or what is wrong."""

MARK = "\u0300-\u036f"
"""Accents that stand after their letter."""
WORD = re.compile(rf"\w[\w{MARK}]*|[^\w\s]")
MARKS = re.compile(f"[{MARK}]")


class Anchor:
    """Characters of a copy to characters of its source.

    A copy that is equal has the same offsets. One that differs in white space, case and accents alone (which models
    lose) is compared letter by letter, and blanks at the ends of a stretch must be in both. Else words are compared: if
    there are as many, most are equal and none looks moved, the n-th stands for the n-th; a stretch must not begin, end
    or lie beside strangers, where several in a row are wrong. If not they are aligned, and a stretch must begin, end
    and lie between words that were copied right, hold no gap, and could lie nowhere else. So no copy error moves a
    stretch to where it was not, or makes it shorter or longer.
    """

    def __init__(self, source: str, copy: str, method: str = "weighted") -> None:
        self.source, self.copy = source, copy
        self.equal = source == copy
        self._ranks: tuple[list[int], list[int]] | None = None
        if not self.equal:
            (ours, left), (theirs, right) = letters_of(source), letters_of(copy)
            if ours == theirs:
                self._ranks = (left, right)
            else:
                self._align(method)

    def _align(self, method: str) -> None:
        words: Any = [(found.start(), found.end()) for found in WORD.finditer(self.source)]
        copied = [(found.start(), found.end()) for found in WORD.finditer(self.copy)]
        self._words, self._copied = words, copied
        self._lefts, self._rights = [left for left, _ in copied], [right for _, right in copied]
        wanted = [_plain(self.source[start:end]) for start, end in words]
        given = [_plain(self.copy[start:end]) for start, end in copied]
        self._places: list[int | None] = [None] * len(given)
        self._unsure: set[int] = set()
        self._firm: set[int] = set()  # words of the source that may stand at an end of a stretch, or beside it
        if _in_order(wanted, given, method):
            self._places = list(range(len(given)))
            self._firm = set(range(len(given))) - _strange(wanted, given)
        else:
            aligned, unsure = alignment.align_surely(wanted, given, method)
            for place, item in enumerate(aligned):
                if item is not None:
                    self._places[item] = place
                    self._firm |= {place} if wanted[place] == given[item] else set()
                    self._unsure |= {item} if place in unsure else set()

    def place(self, start: int, end: int) -> Place:
        """Where [start, end) of the copy lies in the source."""
        if self.equal:
            return (start, end) if start < end else "ungrounded"
        stretch = self.copy[start:end]
        first, last = start + len(stretch) - len(stretch.lstrip()), start + len(stretch.rstrip())
        if first >= last:
            return "ungrounded"
        found = self._by_letters(first, last) if self._ranks is not None else self._by_words(first, last)
        if isinstance(found, str):
            return found
        left, right = found[0] - (first - start), found[1] + (end - last)
        same = self.source[max(left, 0) : found[0]] == self.copy[start:first]
        return (left, right) if same and self.source[found[1] : right] == self.copy[last:end] else "ungrounded"

    def _by_letters(self, start: int, end: int) -> Place:
        assert self._ranks is not None
        ours, theirs = self._ranks
        return ours[bisect_left(theirs, start)], ours[bisect_left(theirs, end) - 1] + 1

    def _by_words(self, start: int, end: int) -> Place:
        first = bisect_right(self._rights, start)
        last = bisect_left(self._lefts, end) - 1
        places = self._places[first : last + 1]
        head, tail = places[0], places[-1]
        if head is None or tail is None or places != list(range(head, head + len(places))):
            return "ungrounded"
        if not self._unsure.isdisjoint(range(first, last + 1)):
            return "ambiguous"
        if any(0 <= at < len(self._words) and at not in self._firm for at in (head - 1, head, tail, tail + 1)):
            return "ungrounded"
        left, right = self._words[head][0], self._words[tail][1]
        before, after = start - self._copied[first][0], self._copied[last][1] - end  # letters of cut words
        if not all(self._same(item) for cut, item in ((before, first), (after, last)) if cut > 0):
            return "ungrounded"
        left, right = left + before, right - after
        return (left, right) if left < right else "ungrounded"

    def _same(self, item: int) -> bool:
        """Whether a word of the copy is that of the source, letter by letter."""
        place = self._places[item]
        assert place is not None
        word, wanted = self.copy[slice(*self._copied[item])], self.source[slice(*self._words[place])]
        return len(word) == len(wanted) and folded(word) == folded(wanted)


def _in_order(wanted: list[str], given: list[str], method: str) -> bool:
    """Whether words can be told by their number: as many, most are equal, and none looks moved.

    A word lost here and another added there leave the number, and move what lies between.
    """
    if len(wanted) != len(given):
        return False
    wrong = list(map(str.__ne__, wanted, given))
    if 2 * sum(wrong) > len(wanted):
        return False
    if not any(map(bool.__and__, wrong, wrong[1:])):
        return True  # each wrong word stands alone
    aligned = alignment.align(wanted, given, method)
    return all(item in {None, place} for place, item in enumerate(aligned))


def _strange(wanted: list[str], given: list[str]) -> set[int]:
    """Places of words, of several wrong ones in a row, that share less than half of their letters with their own."""
    from rapidfuzz.distance.Levenshtein import normalized_similarity

    wrong = [False, *map(str.__ne__, wanted, given), False]
    several = [place for place in range(len(wanted)) if wrong[place + 1] and (wrong[place] or wrong[place + 2])]
    return {place for place in several if normalized_similarity(wanted[place], given[place]) < 0.5}


def folded(text: str) -> str:
    """Text without case and accents, as many characters as before."""
    return "".join(map(_folded, text))


@lru_cache(maxsize=65536)
def _folded(letter: str) -> str:
    base = unicodedata.normalize("NFD", letter)[0].lower()
    return base if len(base) == 1 else letter


def _plain(text: str) -> str:
    return MARKS.sub("", folded(text))


def letters_of(text: str) -> tuple[str, list[int]]:
    """The folded letters that are not blank, and where each stands."""
    kept = [(at, _folded(letter)) for at, letter in enumerate(text) if not letter.isspace()]
    return "".join(letter for _, letter in kept), [at for at, _ in kept]
