"""A tokenizer as a text model uses it: symbols as single pieces, and pieces as text without surprises."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property, lru_cache, partial
from itertools import groupby
from typing import Any

from onoma.alignment import BackTokenizer
from onoma.unicode import well_formed

__all__ = ["Vocabulary", "held"]

SAMPLE = "Ab, Ç d.e (f) ' s  {g} <h> ~ 😀 字"
"""Capitals, accents, blanks, signs: a vocabulary that keeps them all needs no care."""

REMEMBERED = 1 << 16


def held(tokenizer: Any, symbols: Sequence[str]) -> list[str]:
    """The symbols that a saved tokenizer has a piece for; labels that it was only asked for have none."""
    own, known = tokenizer.get_added_vocab(), Vocabulary(tokenizer)
    return [each for each in symbols if each in own or (len(known.numbers(each)) == 1 and known.keeps(each))]


class Vocabulary:
    """Texts to pieces and back.

    Symbols are texts that stand in answers again and again; those that are not one piece already become one. A model
    writes pieces, which are not always the text it was taught: where blanks between words and signs are lost, symbols
    stand with a blank on either side, and nothing else is moved.
    """

    def __init__(self, tokenizer: Any, symbols: Sequence[str] = (), *, spelt: bool = False) -> None:
        """`spelt`: symbols are written in the pieces there are, and answers are cut before and behind them."""
        self.tokenizer = tokenizer
        spelt_out, symbols = (symbols, ()) if spelt else ((), symbols)
        self.made_of: dict[int, list[int]] = {}
        """The pieces of which each new symbol would have been written."""
        self.added = self._add(symbols)
        self.pieces = {each: numbers[0] for each in symbols if len(numbers := self.numbers(each)) == 1}
        """The number of each symbol that is one piece, whoever made it one."""
        tried = ["a .b, c", *(f"a {each} {each} b" for each in self.added.values())]
        self.keeps_blanks = all(self._again(text) == text for text in tried)
        self._stretches: dict[tuple[str, str | None], tuple[int, ...]] = {}
        self.spell(spelt_out)
        self.size = lru_cache(REMEMBERED)(self._size)
        """How many pieces a text has, without special ones; remembered for the last texts."""

    def spell(self, symbols: Iterable[str]) -> None:
        """Cut answers at these symbols, and at no others: that is how an answer that is held is written."""
        kept = sorted(set(symbols), key=lambda each: (-len(each), each))
        self._stretches.clear()
        self._spelt = re.compile(f"({'|'.join(map(_alone, kept))})") if kept else None

    def _add(self, symbols: Sequence[str]) -> dict[int, str]:
        """The numbers of the symbols that are pieces of their own making, new ones or of a saved tokenizer."""
        from tokenizers import AddedToken

        new = [each for each in symbols if len(self.numbers(each)) != 1 or self._again(each) != each]
        made_of = [self.numbers(each) for each in new]
        size = len(self.tokenizer)
        # One that begins with a letter, such as O, is none inside a word.
        made = [AddedToken(each, normalized=False, single_word=each[0].isalnum()) for each in new]
        self.tokenizer.add_tokens(made)
        held = {each: self.tokenizer.convert_tokens_to_ids(each) for each in symbols}
        self.made_of = {held[each]: pieces for each, pieces in zip(new, made_of, strict=True) if held[each] >= size}
        own = self.tokenizer.added_tokens_decoder
        return {number: each for each, number in held.items() if number in own}

    def __len__(self) -> int:
        return len(self.tokenizer)

    @cached_property
    def back(self) -> BackTokenizer | None:
        """The forms that words have once written and read; None where all keep theirs."""
        return None if self.keeps(SAMPLE) else BackTokenizer(self.tokenizer)

    def numbers(self, text: str) -> list[int]:
        """The pieces of a text, without special ones."""
        return self.tokenizer(well_formed(text), add_special_tokens=False, verbose=False)["input_ids"]

    def answer(self, text: str) -> list[int]:
        """The pieces of an answer, without special ones: its stretches between symbols, and these, one by one."""
        return list(self._cut(text, self.numbers))

    def _cut(self, text: str, first: Callable[[str], list[int]]) -> Iterator[int]:
        parts = [text] if self._spelt is None else [part for part in self._spelt.split(text) if part]
        for number, part in enumerate(parts):
            yield from self.stretch(part, "") if number else first(part)

    def tail(self, text: str) -> str:
        """The symbol that a text ends with, where what follows is cut as if it stood alone; else ""."""
        return next((each for each in self._anew if text.endswith(each)), "") if self._anew else ""

    @cached_property
    def _anew(self) -> tuple[str, ...]:
        """Symbols behind which some tokenizers take for the beginning of a word what else is none."""
        tried = ("a", ",", "(a", "\u5b57")
        return tuple(
            each for each in self.pieces if any(self._behind(text, each) != self._inner(text) for text in tried)
        )

    def stretch(self, text: str, before: str | None) -> tuple[int, ...]:
        """The pieces of a stretch of an answer: the first (None), or one behind a `tail` (remembered)."""
        key = text, before
        found = self._stretches.get(key)
        if found is None:
            if len(self._stretches) > REMEMBERED:
                self._stretches.clear()
            first = self.numbers if before is None else partial(self._behind, symbol=before) if before else self._inner
            found = self._stretches[key] = tuple(self._cut(text, first))
        return found

    def _behind(self, text: str, symbol: str) -> list[int]:
        """The pieces of a text right behind a symbol."""
        both = self.numbers(symbol + text)
        return both[1:] if both[:1] == [self.pieces[symbol]] else self._inner(text)

    def _inner(self, text: str) -> list[int]:
        """The pieces of a text behind another: some tokenizers take its beginning for that of a word."""
        if not text:
            return []
        before = "." if text[0].isalnum() else "a"
        own, both = self.numbers(before), self.numbers(before + text)
        return both[len(own) :] if both[: len(own)] == own else self.numbers(text)

    def _size(self, text: str) -> int:
        return len(self.numbers(text))

    def text(self, numbers: Sequence[int]) -> str:
        """Pieces as text, without special ones."""
        if self.keeps_blanks:
            return self._decode(numbers)
        return " ".join(part for part in self._parts(numbers) if part)

    def _parts(self, numbers: Sequence[int]) -> Iterator[str]:
        for added, run in groupby(numbers, self.added.__contains__):
            if added:
                yield from (self.added[number] for number in run)
            else:
                yield self._decode(list(run))

    def keeps(self, text: str) -> bool:
        """Whether a text is the same once written and read."""
        return self.text(self.numbers(text)) == text

    def lost(self, text: str) -> str:
        """The signs and breaks of a text that are not there any more once it was written and read, each once."""
        again = self.text(self.numbers(text)).casefold()
        signs = dict.fromkeys(letter for letter in text if not letter.isalnum() and letter != " ")
        return "".join(sign for sign in signs if sign not in again)

    def _again(self, text: str) -> str:
        return self._decode(self.numbers(text))

    def _decode(self, numbers: Sequence[int]) -> str:
        return self.tokenizer.decode(numbers, skip_special_tokens=True, clean_up_tokenization_spaces=False)


def _alone(symbol: str) -> str:
    """The symbol as a pattern; one of letters, such as O, is none inside a word."""
    return rf"(?<!\w){re.escape(symbol)}(?!\w)" if symbol[0].isalnum() else re.escape(symbol)
