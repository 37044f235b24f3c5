"""Every word with its tag: `Ada(B-PER) Byron(I-PER) left(O)` (GNER, Ding et al. 2024, section 4.1)."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Any, ClassVar, TypeVar

from onoma import alignment, schemes
from onoma.document import Problem
from onoma.encodings.base import OnMisaligned
from onoma.encodings.tagged_text import Items, TaggedText
from onoma.exceptions import ConfigError
from onoma.schemes import OUTSIDE

__all__ = ["WordTags"]

T = TypeVar("T")

SPACE = re.compile(r"(?<!\\)(\\*)(\s)")
OPENS, CLOSES = "([{\uff08\uff3b\uff5b", ")]}\uff09\uff3d\uff5d"
TAG = 64
"""Letters of a tag that is not known, at most: more is text."""
PIECES = 16
"""Pieces of a form that are looked at, at most."""
ALIKE = 0.5
"""Share of letters from which on one word may be another one that was copied wrong."""
GAP = "..."
"""Stands for words that are left out."""


class WordTags(TaggedText):
    """Words with their tags: the model reads the word it is about to label, so it does not lose its place.

    White space inside a word is written with a backslash before it (and backslashes right before that twice). Answers
    are read item by item: an item ends with a tag in parentheses that white space or the end follows, so words may
    hold parentheses and tags of their own. Items that are as many as the words stand for them in order, unless more
    than half of the words are other ones or some have changed places (then those have no sure place); else they are
    aligned by their words (`align`, see `alignment.align`). Then one that is written for another word of the source has
    no place, nor has one with less than half of its word's letters where words are lost or added beside it; and one
    that the source holds twice has a sure place only between its own neighbours. A word in front of an item's own word
    is one without a tag, `malformed` where what follows it in brackets is none. An answer that stops early is
    `truncated`.

    Where `back` is set, words are compared in the forms that the model can write; those that are spelt as in the text
    are known, too.

    With `context` only the words at most so far from a mention are written, and `...` for those between (GNER, section
    3; figure 3 shows such targets). Mentions that could then stand in two places are losses, and a word copied wrong is
    read as the one that fits its order and letters best: with no word around names, that may be another.
    """

    name: ClassVar[str] = "word_tags"

    def __init__(
        self,
        labels: Iterable[str],
        scheme: str = "BIO",
        repair: schemes.Repair = "conlleval",
        on_misaligned: OnMisaligned = "error",
        max_words: int | None = None,
        align: str = "weighted",
        context: int | None = None,
    ) -> None:
        super().__init__(labels, scheme, repair, on_misaligned, max_words)
        if context is not None and context < 0:
            raise ConfigError(f"context is {context}: 0 or more words, or none for all")
        self.context = context
        self.partial = context is not None
        if align not in alignment.METHODS:
            raise ConfigError(f"align {align!r} is unknown: one of {', '.join(alignment.METHODS)}")
        self.align = align
        written = "|".join(map(re.escape, self._meant))
        self._ends = re.compile(rf"\(({written})\)(?:\s+|$)")
        known = "|".join(re.escape(text) for text in sorted(self._meant, key=len, reverse=True))
        self._end = re.compile(rf"\(\s*({known}|[oO]|[^\s()]-[^\s()]{{1,{TAG}}})\s*\)(?=\s|$)")

    def settings(self) -> dict[str, Any]:
        """The arguments of this encoding as plain JSON values."""
        return {**super().settings(), "align": self.align, "context": self.context}

    @property
    def symbols(self) -> tuple[str, ...]:
        """Tags in parentheses."""
        return tuple(f"({text})" for text in super().symbols)

    def source(self, words: Sequence[str]) -> str:
        """The words, joined by blanks."""
        return " ".join(map(_escaped, words))

    def write(self, words: Sequence[str], tags: Sequence[str]) -> str:
        """The items, joined by blanks."""
        items = [f"{_escaped(word)}({self.written(tag)})" for word, tag in zip(words, tags, strict=True)]
        if self.context is None:
            return " ".join(items)
        mentions = [number for number, tag in enumerate(tags) if tag != OUTSIDE]
        near = {at for number in mentions for at in range(number - self.context, number + self.context + 1)}
        made: list[str] = []
        before: int | None = None
        for number in sorted(near & set(range(len(items)))):
            made += [GAP, items[number]] if before is not None and number > before + 1 else [items[number]]
            before = number
        return " ".join(made)

    def literals(self, words: Sequence[str]) -> tuple[str, ...]:
        """The words, with a blank before all but the first."""
        return tuple(f"{' ' if number else ''}{_escaped(word)}" for number, word in enumerate(words))

    def read(self, words: Sequence[str], answer: str) -> Items:
        """Items, aligned to the words."""
        wanted = list(words) if self.back is None else self.back.joined(words)
        plain = self._plain(answer, wanted)
        if plain is None:
            return self._by_items(words, wanted, answer)
        found, texts = plain
        tags = list(map(self._meant.__getitem__, texts))
        if found == wanted:
            return Items(wanted, tags, range(len(wanted)))
        places, unsure = self._places(words, wanted, found, ())
        return Items(found, tags, places, self._stopped(places, len(found), len(words)), unsure)

    def _by_items(self, words: Sequence[str], wanted: Sequence[str], answer: str) -> Items:
        """As `read`, where not all is as it should be."""
        forms = frozenset(() if self.back is None else (*words, *wanted, *([GAP] if self.partial else [])))
        problems: list[Problem] = []
        found: list[str] = []
        tags: list[str] = []
        bare: list[bool] = []
        gaps: list[int] = []
        before = ""
        known = {*words, *wanted}
        items = list(self._items(answer, forms, wanted))
        for number, (word, text) in enumerate(items, 1):
            if self.partial and text is None and word == GAP:
                gaps.append(len(found))
                continue
            bare.append(text is None)
            tag = OUTSIDE if text is None else self.meant(text)
            if tag is None:
                problems.append(Problem("malformed", f"{word}({text})"))
            elif text is None and _looks_tagged(word, before, known, last=number == len(items)):
                problems.append(Problem("malformed", word))
            found.append(word)
            tags.append(OUTSIDE if tag is None else tag)
            before = word if text is None else ""
        places, unsure = self._places(words, wanted, found, gaps)
        tagged = [place for place, without in zip(places, bare, strict=True) if not without]
        problems += self._stopped(tagged, len(tagged), len(words))
        if gaps:  # no mention goes on behind words that were left out
            found, tags, places = _with(gaps, found, GAP), _with(gaps, tags, OUTSIDE), _with(gaps, places, None)
            unsure = frozenset(item + bisect_right(gaps, item) for item in unsure)
        return Items(found, tags, places, problems, unsure)

    def _stopped(self, places: Sequence[int | None], items: int, words: int) -> list[Problem]:
        """The problem of an answer that stops early: places of its items with tags, and the number of these."""
        if self.partial or items >= words:
            return []
        reached = next((place for place in reversed(places) if place is not None), -1) + 1  # places rise
        if reached == words:
            return []
        return [Problem("truncated", f"nothing after word {reached} of {words}")]

    # ------------------------------------------------------------------ parsing

    def _plain(self, answer: str, wanted: Sequence[str]) -> tuple[list[str], list[str]] | None:
        """Words and the texts of their tags where all is as it should be and nothing is escaped; else None."""
        if "\\" in answer:
            return None
        cut = self._ends.split(answer.lstrip())
        if len(cut) == 1 or cut[-1]:
            return None
        words, texts = cut[:-1:2], cut[1::2]
        together = "".join(words)
        if together.isprintable() and all(words):
            torn = [number for number, word in enumerate(words) if " " in word] if " " in together else []
        else:
            odd = (not word or " " in word or not word.isprintable() for word in words)
            torn = [number for number, each in enumerate(odd) if each]
        forms = frozenset(wanted if torn and self.back is not None else ())
        for number in torn:
            words[number] = whole = "".join(words[number].split())
            if not whole or whole not in forms:
                return None
        return words, texts

    def _items(self, answer: str, forms: frozenset[str], wanted: Sequence[str]) -> Iterator[tuple[str, str | None]]:
        """Words with the text of their tags, None for words without."""
        at, made = 0, 0
        for end in self._end.finditer(answer):
            bare_tag = end[0] in forms and not answer[at : end.start()].strip()
            if bare_tag and (made >= len(wanted) or wanted[made]):
                continue  # a tag needs a word, so this is one that looks like a tag
            *bare, word = _joined(_split(answer[at : end.start()]), forms) or [""]
            yield from ((each, None) for each in bare)
            yield word, end[1]
            made += len(bare) + 1
            at = end.end()
        yield from ((each, None) for each in _joined(_split(answer[at:]), forms))

    def _places(
        self, words: Sequence[str], wanted: Sequence[str], found: Sequence[str], gaps: Sequence[int]
    ) -> tuple[Sequence[int | None], frozenset[int]]:
        """The word that each item stands for, and the items that could as well stand for another."""
        form = {} if self.back is None else dict(zip(words, wanted, strict=True))
        swapped = False
        if len(found) == len(wanted):
            pairs = zip(wanted, found, words, strict=True)
            wrong = [(one, form.get(two, two)) for one, two, three in pairs if two not in (one, three)]
            if 2 * len(wrong) <= len(wanted):
                swapped = not {one for one, _ in wrong}.isdisjoint(two for _, two in wrong)
                if not swapped:
                    return range(len(found)), frozenset()
        if form:
            found = [form.get(word, word) for word in found]
        places: list[int | None] = [None] * len(found)
        aligned, moving = alignment.align_surely(wanted, found, self.align, gaps)
        for place, item in enumerate(aligned):
            if item is not None:
                places[item] = place
        unsure = {item for place in moving if (item := aligned[place]) is not None}
        if swapped:  # did the word move, or its tag?
            unsure |= {item for item, place in enumerate(places) if place not in (None, item)}
        if any(place is not None and found[item] != wanted[place] for item, place in enumerate(places)):
            _without_others(wanted, found, places)
            _without_strangers(wanted, found, places, gaps)
        if not self.partial:
            unsure |= _alone(wanted, found, places)
        return places, frozenset(unsure)


def _without_others(wanted: Sequence[str], found: Sequence[str], places: list[int | None]) -> None:
    """Take the place of an item away whose word is another one of the source, for which no item stands."""
    right = {place for item, place in enumerate(places) if place is not None and found[item] == wanted[place]}
    missing = {word for place, word in enumerate(wanted) if place not in right}
    for item, place in enumerate(places):
        if place is not None and place not in right and found[item] in missing:
            places[item] = None


def _without_strangers(
    wanted: Sequence[str], found: Sequence[str], places: list[int | None], gaps: Collection[int]
) -> None:
    """Take the place of an item away that has little of its word, where words are lost or added beside it.

    Between two words that were copied right there must be as many items as words, whatever they are.
    """
    from rapidfuzz.distance.Levenshtein import normalized_similarity

    size, last = len(found), len(wanted) - 1
    mirrored = [None if place is None else last - place for place in reversed(places)]
    before = _going_on(wanted, found, places, gaps)
    behind = _going_on(wanted[::-1], found[::-1], mirrored, {size - gap for gap in gaps})[::-1]
    for item, place in enumerate(places):
        if place is not None and not (before[item] and behind[item]):
            alike = normalized_similarity(found[item], wanted[place], score_cutoff=ALIKE) >= ALIKE
            places[item] = place if alike else None


def _going_on(
    wanted: Sequence[str], found: Sequence[str], places: Sequence[int | None], gaps: Collection[int]
) -> list[bool]:
    """Whether an item follows, one a word, on one that was copied right, or on the beginning."""
    made: list[bool] = []
    sure, at = True, -1
    for item, place in enumerate(places):
        right = place is not None and found[item] == wanted[place]
        sure = right or (sure and item not in gaps and place == at + 1)
        made.append(sure)
        at = -2 if place is None else place
    return made


def _alone(wanted: Sequence[str], found: Sequence[str], places: Sequence[int | None]) -> set[int]:
    """Items for words that stand in the source more than once, and that are not between their very neighbours.

    Where words are left out before or behind such a word, it may be its like.
    """
    often = Counter(wanted)
    if len(often) == len(wanted):
        return set()
    loose = alignment.wavering(wanted, found)

    def neighbours(item: int, place: int) -> bool:
        if not 0 <= place < len(wanted):
            return True
        inside = 0 <= item < len(found) and item not in loose
        return inside and places[item] == place and found[item] == wanted[place]

    return {
        item
        for item, place in enumerate(places)
        if place is not None
        and often[wanted[place]] > 1
        and not (neighbours(item - 1, place - 1) and neighbours(item + 1, place + 1))
    }


def _with(gaps: Sequence[int], values: Sequence[T], gap: T) -> list[T]:
    """The values, with another before each whose number is told (once for each time that it is)."""
    made: list[T] = []
    for first, last in pairwise([0, *gaps, len(values)]):
        made += [*values[first:last], gap]
    return made[:-1]


def _looks_tagged(word: str, before: str, known: Collection[str], *, last: bool) -> bool:
    """Whether a word without a tag is one of the source with something in brackets, or what is in the brackets.

    The last one may only be cut off.
    """
    if word in known:
        return False
    end = max((at for at, letter in enumerate(word, 1) if letter.isalnum()), default=0)  # signs may stand behind
    opening = max(word.rfind(sign, 0, end) for sign in OPENS + CLOSES)
    if opening < 0:
        opening = min((at for sign in OPENS if (at := word.find(sign, end)) >= 0), default=-1)
    if opening < 0 or word[opening] not in OPENS or (word[:opening] or before) not in known:
        return False
    return not last or any(sign in word[opening:] for sign in CLOSES)


def _escaped(word: str) -> str:
    return SPACE.sub(r"\1\1\\\2", word)


def _joined(pieces: list[str], forms: frozenset[str]) -> list[str]:
    """Pieces of words put together again: at each place the longest run that is one of the forms, else one piece.

    Vocabularies that cut words at signs write no blank to tell where a word ends. Where there are no forms, pieces are
    words; pieces behind the last form are one word.
    """
    if not forms:
        return pieces
    made: list[str] = []
    known = 0
    at = 0
    while at < len(pieces):
        ends = range(min(len(pieces), at + PIECES), at, -1)
        end = next((end for end in ends if "".join(pieces[at:end]) in forms), None)
        if end is None:
            made.append(pieces[at])
            at += 1
        else:
            made.append("".join(pieces[at:end]))
            at, known = end, len(made)
    return [*made[:known], "".join(made[known:])] if known < len(made) else made


def _split(text: str) -> list[str]:
    """Words between white space that no backslash precedes; escapes are undone."""
    if "\\" not in text:
        return text.split()
    made: list[str] = []
    word: list[str] = []
    at = 0
    for space in SPACE.finditer(text):
        slashes, blank = space[1], space[2]
        word.append(text[at : space.start()] + slashes[: len(slashes) // 2])
        at = space.end()
        if len(slashes) % 2:
            word.append(blank)
        else:
            made.append("".join(word))
            word = []
    made.append("".join(word) + text[at:])
    return [each for each in made if each]
