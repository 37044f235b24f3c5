"""Alignment of generated to source words against brute force."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onoma import alignment
from onoma.exceptions import ConfigError

WORDS = st.lists(st.sampled_from("abc"), max_size=7)


def longest(source: list[str], generated: list[str]) -> int:
    for size in range(min(len(source), len(generated)), 0, -1):
        subsequences = set(itertools.combinations(generated, size))
        if any(each in subsequences for each in itertools.combinations(source, size)):
            return size
    return 0


@pytest.mark.parametrize("method", alignment.METHODS)
@given(WORDS, WORDS)
def test_aligned_words_are_equal_and_in_order(method: str, source: list[str], generated: list[str]) -> None:
    aligned = alignment.align(source, generated, method)
    assert len(aligned) == len(source)
    found = [index for index in aligned if index is not None]
    assert found == sorted(set(found))
    assert all(index is None or generated[index] == word for word, index in zip(source, aligned, strict=True))


@given(WORDS, WORDS)
def test_lcs_is_longest(source: list[str], generated: list[str]) -> None:
    assert sum(index is not None for index in alignment.align(source, generated)) == longest(source, generated)


@given(WORDS, WORDS)
def test_subsequence_is_all_or_nothing_and_leftmost(source: list[str], generated: list[str]) -> None:
    aligned = alignment.align(source, generated, "subsequence")
    places = [
        places
        for places in itertools.combinations(range(len(generated)), len(source))
        if [generated[place] for place in places] == source
    ]
    assert aligned == (list(min(places)) if places else [None] * len(source))


def test_exact_and_unknown_methods() -> None:
    assert alignment.align(["a", "b"], ["a", "b"], "exact") == [0, 1]
    assert alignment.align(["a", "b"], ["a", "b", "c"], "exact") == [None, None]
    with pytest.raises(ConfigError, match="exact, subsequence, lcs"):
        alignment.align([], [], "guess")
