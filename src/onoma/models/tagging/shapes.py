"""Shapes of words: what a lower-casing tokenizer throws away."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

__all__ = ["COUNT", "NONE", "lowers", "shape"]

NONE = 0
"""Of pieces that belong to no word."""
LOWER, TITLE, UPPER, LETTER, MIXED, NUMBER, UPPER_NUMBER, LOWER_NUMBER, MARKS, UNCASED = range(1, 11)
COUNT = 11
"""How many shapes there are, `NONE` among them."""


@lru_cache(maxsize=200_000)
def shape(word: str) -> int:
    """The shape of a word: how its letters are cased, and whether there are digits."""
    letters = [mark for mark in word if mark.isalpha()]
    digits = any(mark.isdigit() for mark in word)
    cased = [mark for mark in letters if mark.isupper() or mark.islower() or mark.istitle()]
    if not letters:
        return NUMBER if digits else MARKS
    if not cased:
        return UNCASED
    upper = sum(not mark.islower() for mark in cased)
    if digits:
        return UPPER_NUMBER if upper else LOWER_NUMBER
    if not upper:
        return LOWER
    if len(cased) == 1:
        return LETTER
    if upper == len(cased):
        return UPPER
    return TITLE if upper == 1 and not cased[0].islower() else MIXED


def lowers(tokenizer: Any) -> bool:
    """Whether a tokenizer reads capitals as small letters."""
    one, other = (tokenizer(text, add_special_tokens=False)["input_ids"] for text in ("NO MAN", "no man"))
    return one == other
