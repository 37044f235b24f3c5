"""Alignment of generated to source words against brute force."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rapidfuzz.distance import Levenshtein

from onoma import alignment
from onoma.exceptions import ConfigError

WORDS = st.lists(st.sampled_from("abc"), max_size=7)


def longest(source: list[str], generated: list[str]) -> int:
    for size in range(min(len(source), len(generated)), 0, -1):
        subsequences = set(itertools.combinations(generated, size))
        if any(each in subsequences for each in itertools.combinations(source, size)):
            return size
    return 0


@pytest.mark.parametrize("method", ["exact", "subsequence", "lcs", "gner"])
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


@pytest.mark.parametrize("size", [-2, -1, 0, 1, 2, 1000])
def test_lcs_of_answers_longer_than_the_numbers_at_hand(size: int) -> None:
    source = [str(number) for number in range(len(alignment.PLACES) + size)]
    generated = ["new", *source[:100], *source[101:200], "other", *source[201:]]
    wanted: list[int | None] = [number + (number < 100) for number in range(len(source))]
    wanted[100] = wanted[200] = None
    assert alignment.align(source, generated) == wanted


def leftmost(inner: list[str], outer: list[str]) -> list[int] | None:
    places = [
        places
        for places in itertools.combinations(range(len(outer)), len(inner))
        if [outer[place] for place in places] == inner
    ]
    return list(min(places)) if places else None


@given(WORDS, WORDS)
def test_subsequence_is_all_or_nothing_and_leftmost(source: list[str], generated: list[str]) -> None:
    aligned = alignment.align(source, generated, "subsequence")
    inside, around = leftmost(source, generated), leftmost(generated, source)
    wanted: list[int | None] = [None] * len(source)
    if inside is not None:
        wanted = list(inside)
    elif around is not None:
        for number, place in enumerate(around):
            wanted[place] = number
    assert aligned == wanted


def test_exact_and_unknown_methods() -> None:
    assert alignment.align(["a", "b"], ["a", "b"], "exact") == [0, 1]
    assert alignment.align(["a", "b"], ["a", "b", "c"], "exact") == [None, None]
    with pytest.raises(ConfigError, match="exact, subsequence, lcs"):
        alignment.align([], [], "guess")


# ---------------------------------------------------------------------- weighted


def key(
    source: list[str], generated: list[str], aligned: Sequence[int | None], breaks: Collection[int] = ()
) -> tuple[int, int]:
    """Cost, and less the pairs that follow a pair of neighbours; across a break they cost a word."""
    pairs = [(number, place) for number, place in enumerate(aligned) if place is not None]
    cost = alignment.GAP * (len(source) + len(generated) - 2 * len(pairs))
    for number, place in pairs:
        share = Levenshtein.normalized_distance(source[number], generated[place])
        cost += round(2 * alignment.GAP * share)
    followers = [place + 1 for number, place in pairs if (number + 1, place + 1) in pairs]
    broken = sum(place in breaks for place in followers)
    return cost + alignment.GAP * broken, broken - len(followers)


def alignments(rows: int, columns: int) -> Iterator[list[int | None]]:
    """All that rise."""
    for size in range(min(rows, columns) + 1):
        for left in itertools.combinations(range(rows), size):
            for right in itertools.combinations(range(columns), size):
                aligned: list[int | None] = [None] * rows
                for number, place in zip(left, right, strict=True):
                    aligned[number] = place
                yield aligned


SIMILAR = st.lists(st.sampled_from(["cat", "cats", "catz", "dog", "a"]), max_size=5)


BREAKS = st.sets(st.integers(0, 5), max_size=3)


@settings(max_examples=300)
@given(SIMILAR, SIMILAR, BREAKS)
def test_weighted_is_the_least_of_all(source: list[str], generated: list[str], breaks: set[int]) -> None:
    aligned = alignment.align(source, generated, "weighted", breaks)
    found = [index for index in aligned if index is not None]
    assert found == sorted(set(found)) and len(aligned) == len(source)
    if source == generated:
        return  # equal is equal
    best = min(key(source, generated, each, breaks) for each in alignments(len(source), len(generated)))
    assert key(source, generated, aligned, breaks) == best


@given(st.lists(st.sampled_from("abcde"), max_size=40), st.lists(st.sampled_from("abcde"), max_size=40))
def test_weighted_is_no_worse_than_a_longest_common_subsequence(source: list[str], generated: list[str]) -> None:
    ours, theirs = (alignment.align(source, generated, method) for method in ("weighted", "lcs"))
    assert key(source, generated, ours) <= key(source, generated, theirs)


@pytest.mark.parametrize(
    ("source", "generated", "wanted"),
    [
        # The first of two is left out: the second keeps its neighbour.
        ("Jordan met Jordan Baker", "met Jordan Baker", [None, 0, 1, 2]),
        ("Bush and Bush Jr.", "Bush Jr.", [None, None, 0, 1]),
        ("A B and C A D", "A D", [None, None, None, None, 0, 1]),
        # A damaged word keeps its place, a new one in the place of another does, too.
        ("in Zürich today", "in Z<unk>rich today", [0, 1, 2]),
        ("as Obama spoke there", "as he spoke there", [0, 1, 2, 3]),
        # An added word takes nobody's.
        ("I saw Rome", "I saw old Rome", [0, 1, 3]),
        ("", "a b", []),
        ("a b", "", [None, None]),
    ],
)
def test_weighted_mends_what_others_tear(source: str, generated: str, wanted: list[int | None]) -> None:
    assert alignment.align(source.split(), generated.split(), "weighted") == wanted


def test_words_alike_in_their_first_letters_are_not_equal() -> None:
    long = "x" * alignment.LETTERS
    assert alignment.align([long + "a", "b"], [long + "b", long + "a", "b"], "weighted") == [1, 2]


def test_weighted_leaves_what_is_too_large_to_lcs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alignment, "CELLS", 8)
    source, generated = "Jordan met Jordan Baker".split(), "met Jordan Baker".split()
    assert alignment.align(source, generated, "weighted") == alignment.align(source, generated, "lcs")


def test_the_published_hierarchy_leaves_what_is_too_large_to_lcs(monkeypatch: pytest.MonkeyPatch) -> None:
    source, generated = ["a", "a", "a"], ["a", "a", "b"]
    assert alignment.align(source, generated, "gner") == [None, 0, 1]
    monkeypatch.setattr(alignment, "MATCHES", 5)
    assert alignment.align(source, generated, "gner") == alignment.align(source, generated, "lcs") == [0, 1, None]


# ---------------------------------------------------------------------- words without a sure place


@settings(max_examples=300)
@given(SIMILAR, SIMILAR, BREAKS)
def test_where_alignments_are_as_good_nobody_is_sure(source: list[str], generated: list[str], breaks: set[int]) -> None:
    aligned, unsure = alignment.align_surely(source, generated, "weighted", breaks)
    assert aligned == alignment.align(source, generated, "weighted", breaks)
    if source == generated:
        return
    keys = [(key(source, generated, each, breaks), each) for each in alignments(len(source), len(generated))]
    best = [each for score, each in keys if score == min(score for score, _ in keys)]
    places = [{each[number] for each in best} for number in range(len(source))]
    assert all(len(places[number]) > 1 for number in unsure)
    # Nobody is called sure whose word could be another one; that it could be none does not move it.
    sure = [number for number, place in enumerate(aligned) if place is not None and number not in unsure]
    assert all(len(places[number] - {None}) == 1 for number in sure)


@pytest.mark.parametrize(
    ("source", "generated", "breaks", "wanted", "unsure"),
    [
        # As many neighbours here as there, if the first two were some.
        ("Rome Paris Ada Paris Oz", "Rome Paris Oz", {1}, [0, None, None, 1, 2], set()),
        ("Rome Paris Ada Paris Oz", "Rome Paris Oz", {}, [0, 1, None, None, 2], {1, 3}),
        # Not the next word, for some are left out.
        ("Ada : New York", "Ada Nxx", {1}, [0, None, 1, None], set()),
        ("Paris beat Paris", "Paris", {}, [0, None, None], {0, 2}),
    ],
)
def test_no_neighbours_where_words_are_left_out(
    source: str, generated: str, breaks: set[int], wanted: list[int | None], unsure: set[int]
) -> None:
    aligned, moving = alignment.align_surely(source.split(), generated.split(), "weighted", breaks)
    assert moving == unsure and [None if n in moving else each for n, each in enumerate(aligned)] == [
        None if n in unsure else each for n, each in enumerate(wanted)
    ]


@pytest.mark.parametrize(
    ("source", "generated", "unsure"),
    [
        ("Paris beat Paris", "Paris", {0, 2}),
        ("Paris beat Paris again", "Paris again", set()),
        ("Paris beat Paris", "Paris beat Paris", set()),
        ("Paris beat Rome", "Paris Rome", set()),
    ],
)
@pytest.mark.parametrize("method", ["lcs", "weighted"])
def test_words_without_a_sure_place(source: str, generated: str, unsure: set[int], method: str) -> None:
    if method == "lcs" and source.endswith("again"):
        unsure = {0, 2}  # it does not look at neighbours
    assert alignment.align_surely(source.split(), generated.split(), method)[1] == unsure


def every_longest(source: list[str], generated: list[str]) -> Iterator[dict[int, int]]:
    """All longest common subsequences, as source words by generated words."""
    size = longest(source, generated)
    for ours in itertools.combinations(range(len(source)), size):
        for theirs in itertools.combinations(range(len(generated)), size):
            if [source[place] for place in ours] == [generated[place] for place in theirs]:
                yield dict(zip(theirs, ours, strict=True))


@given(st.lists(st.sampled_from("abc"), max_size=6), st.lists(st.sampled_from("abc"), max_size=6))
def test_words_that_waver_could_stand_for_several(source: list[str], generated: list[str]) -> None:
    could: dict[int, set[int]] = {}
    for pairs in every_longest(source, generated):
        for number, place in pairs.items():
            could.setdefault(number, set()).add(place)
    assert all(len(could[number]) > 1 for number in alignment.wavering(source, generated))


def test_a_word_that_was_lost_makes_its_like_waver() -> None:
    source = "of the University of the Arts .".split()
    assert alignment.wavering(source, "of the Arts .".split()) == {0, 1}
    assert not alignment.wavering(source, "the University of the Arts .".split())
    assert not alignment.wavering(source, [*source, "."])


# ---------------------------------------------------------------------- the published hierarchy


@given(WORDS, WORDS)
def test_the_published_hierarchy(source: list[str], generated: list[str]) -> None:
    aligned = alignment.align([word.upper() for word in source], generated, "gner")
    found = [(number, place) for number, place in enumerate(aligned) if place is not None]
    assert all(source[number] == generated[place] for number, place in found)
    assert [place for _, place in found] == sorted({place for _, place in found})
    assert len(found) == longest(source, generated)
    around = leftmost(generated, source)
    if around is not None and source != generated:
        assert [number for number, _ in found] == around


def test_the_published_hierarchy_tears_a_name_apart() -> None:
    assert alignment.align("Bush and Bush Jr.".split(), "Bush Jr.".split(), "gner") == [0, None, None, 1]
    # Of two longest ones the places decide, the latest first.
    assert alignment.align("x a b y".split(), "b a z y".split(), "gner") == [None, None, 0, 3]


# ---------------------------------------------------------------------- what was copied wrong


@given(SIMILAR, SIMILAR, st.sampled_from(alignment.METHODS))
def test_every_word_is_counted_once(source: list[str], generated: list[str], method: str) -> None:
    aligned = alignment.align(source, generated, method)
    errors = alignment.copy_errors(source, generated, aligned)
    assert errors.copied + errors.omitted + errors.substituted == len(source)
    assert errors.copied + errors.added + errors.substituted == len(generated)
    if source == generated:
        assert errors == (len(source), 0, 0, 0)


@pytest.mark.parametrize(
    ("source", "generated", "wanted"),
    [("a b c", "a c", (2, 1, 0, 0)), ("a c", "a b c", (2, 0, 1, 0)), ("a b c", "a x c", (2, 0, 0, 1))],
)
@pytest.mark.parametrize("method", ["lcs", "weighted"])
def test_kinds_of_copy_errors(source: str, generated: str, wanted: tuple[int, ...], method: str) -> None:
    words, answer = source.split(), generated.split()
    assert alignment.copy_errors(words, answer, alignment.align(words, answer, method)) == wanted


class Letters:
    """A tokenizer of small letters without accents: one piece a letter, 0 for what it does not know."""

    known = "abcdefghijklmnopqrstuvwxyz"

    def __init__(self) -> None:
        self.asked: list[str] = []

    def __call__(self, words: list[str], add_special_tokens: bool) -> dict[str, list[list[int]]]:
        assert not add_special_tokens
        self.asked += words
        return {"input_ids": [[self.known.find(letter) + 1 for letter in word.lower()] for word in words]}

    def batch_decode(self, rows: list[list[int]], skip_special_tokens: bool, **_: bool) -> list[str]:
        assert skip_special_tokens
        return [" " + "".join(self.known[number - 1] for number in row if number) for row in rows]


def test_back_tokenization_gives_what_a_vocabulary_leaves() -> None:
    tokenizer = Letters()
    back = alignment.BackTokenizer(tokenizer)
    assert back(["Zürich", "is", "8", "Zürich"]) == ["zrich", "is", "8", "zrich"]
    assert back(["is", "old"]) == ["is", "old"]
    assert tokenizer.asked == ["Zürich", "is", "8", "old"]
    source, generated = ["In", "Zürich", "8"], ["in", "zrich", "8"]
    assert alignment.align(source, generated) == [None, None, 2]
    assert alignment.align(back(source), generated) == [0, 1, 2]
    assert back([]) == []


def test_back_tokenization_with_a_real_tokenizer(tmp_path: Path) -> None:
    pytest.importorskip("transformers")
    from models.tiny import save_minilm
    from transformers import AutoTokenizer

    back = alignment.BackTokenizer(AutoTokenizer.from_pretrained(save_minilm(tmp_path)))
    assert back(["London", "Paris", "日本"]) == ["london", "paris", "日本"]
