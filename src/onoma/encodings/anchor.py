"""Where a stretch of a copied text lies in the text it was copied from."""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left, bisect_right
from functools import lru_cache
from itertools import compress

from onoma import alignment
from onoma.document import ProblemKind
from onoma.unicode import NO_BLANKS

__all__ = ["Anchor", "Place", "grown", "in_a_word", "letters_of"]

Place = tuple[int, int] | ProblemKind
"""Half-open character offsets in the source, or what is wrong."""

WORD = re.compile(rf"[{NO_BLANKS}]_*|[^\W{NO_BLANKS}]+|[^\w\s]")
"""Letters of scripts without blanks are words: one that is lost must not take a whole clause along."""
VOWELS = (103, 118, 129, 130, 132)
"""Combining classes of vowels of Thai, Lao and Tibetan; what is below ten is no accent either (Unicode 15, 3.11)."""


class Anchor:
    """Characters of a copy to characters of its source.

    A copy that is equal has the same offsets. One that differs in white space, case and accents alone (which models
    lose; `lossy`: in all that the vocabularies lose that lose most) is compared letter by letter, and blanks at the
    ends of a stretch must be in both. Else words are compared: if there are as many, most are equal and none looks
    moved, the n-th stands for the n-th; a stretch must not begin, end or lie beside strangers, where several in a row
    are wrong. If not they are aligned, and a stretch must begin, end and lie between words that were copied right, hold
    no gap, and could lie nowhere else. So no copy error moves a stretch to where it was not, or makes it shorter or
    longer.
    """

    def __init__(self, source: str, copy: str, method: str = "weighted", *, lossy: bool = False) -> None:
        self.source, self.copy, self.lossy = source, copy, lossy
        self.equal = source == copy
        self._ranks: tuple[list[int], list[int]] | None = None
        if not self.equal:
            (ours, left), (theirs, right) = letters_of(source, lossy=lossy), letters_of(copy, lossy=lossy)
            if ours == theirs:
                self._ranks = (left, right)
            else:
                self._align(method)

    def _align(self, method: str) -> None:
        words, copied = _words(self.source), _words(self.copy)
        self._words, self._copied = words, copied
        self._lefts, self._rights = [left for left, _ in copied], [right for _, right in copied]
        wanted = [letters_of(self.source[start:end], lossy=self.lossy)[0] for start, end in words]
        given = [letters_of(self.copy[start:end], lossy=self.lossy)[0] for start, end in copied]
        self._places: list[int | None] = [None] * len(given)
        self._unsure: set[int] = set()
        self._firm: set[int] = set()  # words of the source that may stand at an end of a stretch, or beside it
        self._loose: set[int] = set()  # words of the copy that vouch for nothing: they may stand for several
        if _in_order(wanted, given, method):
            self._places = list(range(len(given)))
            self._firm = set(range(len(given))) - _strange(wanted, given)
        else:
            aligned, unsure = alignment.align_surely(wanted, given, method)
            self._loose = alignment.wavering(wanted, given)
            for place, item in enumerate(aligned):
                if item is not None:
                    self._places[item] = place
                    self._firm |= {place} if wanted[place] == given[item] else set()
                    self._unsure |= {item} if place in unsure else set()

    @property
    def cut(self) -> str | None:
        """What is missing of a copy that stops before the source's last word, or holds less than half of its words."""
        if self.equal or self._ranks is not None:
            return None
        words, there = len(self._words), [place for place in self._places if place is not None]
        if 2 * len(there) < words:
            return f"{len(there)} of {words} words"
        reached = max(there, default=-1) + 1
        return None if reached == words or len(self._copied) >= words else f"nothing after word {reached} of {words}"

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
        first, last = bisect_left(theirs, start), bisect_left(theirs, end) - 1
        if first > last:
            return "ungrounded"
        goes_on = grown(self.copy, end, lossy=self.lossy) > end
        right = ours[last] + 1
        return ours[first], right if goes_on else grown(self.source, right, lossy=self.lossy)

    def _by_words(self, start: int, end: int) -> Place:
        first = bisect_right(self._rights, start)
        last = bisect_left(self._lefts, end) - 1
        places = self._places[first : last + 1]
        head, tail = places[0], places[-1]
        if head is None or tail is None or places != list(range(head, head + len(places))):
            return "ungrounded"
        if not (self._unsure.isdisjoint(range(first, last + 1)) and self._loose.isdisjoint((first - 1, last + 1))):
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
        same = letters_of(word, lossy=self.lossy) == letters_of(wanted, lossy=self.lossy)
        return same and len(word) == len(wanted)


def _in_order(wanted: list[str], given: list[str], method: str) -> bool:
    """Whether words can be told by their number: as many, most are equal, and none looks moved.

    A word lost here and another added there leave the number, and move what lies between; so do words that change
    places.
    """
    if len(wanted) != len(given):
        return False
    wrong = list(map(str.__ne__, wanted, given))
    if 2 * sum(wrong) > len(wanted) or not set(compress(wanted, wrong)).isdisjoint(compress(given, wrong)):
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


def _words(text: str) -> list[tuple[int, int]]:
    """Bounds of words and of single signs; what stands on, in or for no letter is part of a word."""
    if not (text.isascii() and text.isprintable()):
        text = "".join("_" if in_a_word(letter) and not letter.isalnum() else letter for letter in text)
    return [(found.start(), found.end()) for found in WORD.finditer(text)]


@lru_cache(maxsize=65536)
def in_a_word(letter: str) -> bool:
    """Whether it is a letter, a digit, a mark on one, or without any shape of its own."""
    return letter.isalnum() or (unicodedata.category(letter)[0] in "MC" and not letter.isspace())


def letters_of(text: str, *, lossy: bool = False, blanks: bool = False) -> tuple[str, list[int]]:
    """The letters of a text without case and accents, and where each stands; blanks only where they are asked for.

    Letters are decomposed: there may be several at one place. `lossy`: without anything that stands on letters, or has
    no shape.
    """
    if text.isascii() and text.isprintable():
        lower = text.lower()
        if blanks:
            return lower, list(range(len(lower)))
        return lower.replace(" ", ""), [at for at, letter in enumerate(lower) if letter != " "]
    made: list[str] = []
    places: list[int] = []
    for at, letter in enumerate(text):
        kept = _letters(letter, lossy) if not letter.isspace() else letter if blanks else ""
        made.append(kept)
        places += [at] * len(kept)
    return "".join(made), places


@lru_cache(maxsize=65536)
def _letters(letter: str, lossy: bool) -> str:
    parts = unicodedata.normalize("NFD", letter).casefold()
    return "".join(part for part in unicodedata.normalize("NFD", parts) if not _lost(part, lossy))


def _lost(part: str, lossy: bool) -> bool:
    if lossy:
        return unicodedata.category(part) == "Mn" or unicodedata.category(part)[0] == "C" or part == "\ufffd"
    above = unicodedata.combining(part)
    return above >= 10 and above not in VOWELS


def grown(text: str, end: int, *, lossy: bool = False) -> int:
    """The end of a stretch with the accents that stand on its last letter."""
    while end < len(text) and unicodedata.category(text[end])[0] == "M" and not _letters(text[end], lossy):
        end += 1
    return end
