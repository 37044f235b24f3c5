"""Which worked examples are chosen, and that none leaks the answer."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onoma.prompting.demonstrations import Demonstration, Demonstrations, _bag, alike, demonstrations

WORDS = ["a", "b", "c", "d", "e", "f"]
TEXTS = st.lists(st.sampled_from(WORDS), min_size=1, max_size=7).map(" ".join)


def embed(texts: Any) -> Any:
    """Counts of words, of length 1."""
    rows = np.array([[text.split().count(word) for word in WORDS] for text in texts], dtype=float)
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)


def made(way: str, texts: list[str], kind: str | None = None) -> Demonstrations:
    if way == "bm25":
        pytest.importorskip("bm25s")
    found = demonstrations(way, [Demonstration(text, text.upper(), kind) for text in texts], embed)
    assert found is not None
    return found


@pytest.mark.parametrize("way", ["fixed", "random", "bm25", "embedding"])
@given(texts=st.lists(TEXTS, max_size=12), source=TEXTS, shots=st.integers(1, 4), seed=st.integers(0, 3))
def test_as_many_as_may_be_shown_and_none_that_leaks(
    way: str, texts: list[str], source: str, shots: int, seed: int
) -> None:
    pool = made(way, texts)
    chosen = pool.choose(source, None, shots, seed)
    may = {text for text in texts if not alike(_bag(source), _bag(text))}
    assert len(chosen) == min(shots, len(may))
    assert {each.source for each in chosen} <= may and len({each.source for each in chosen}) == len(chosen)
    assert chosen == pool.choose(source, None, shots, seed)
    assert not pool.choose(source, "PER", shots, seed)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("Ada left Rome.", "ada LEFT rome", True),
        ("Ada left Rome.", "So Ada left Rome at last", True),
        ("Ada left Rome and went to Paris", "Ada left Rome and came to Paris", True),
        ("Ada left Rome", "Ada left Paris", False),
        ("Adaleft", "Ada", False),
        ("我爱北京天安门", "今天他说我爱北京天安门", True),
        ("我爱北京天安门", "我爱北京天安们", True),
        ("我爱北京天安门", "他在上海", False),
    ],
)
def test_texts_that_are_one(one: str, other: str, same: bool) -> None:
    assert alike(_bag(one), _bag(other)) == alike(_bag(other), _bag(one)) == same


def test_the_most_alike_stands_last() -> None:
    texts = ["a a b", "c d", "a b c d", "e", "a f"]
    assert [each.source for each in made("embedding", texts).choose("a c e f", None, 2, 0)] == ["a b c d", "a f"]


def test_bm25_is_robertsons_formula() -> None:
    texts = ["a a b", "c d", "a b c d e", "e f f", "a f"]
    scores = made("bm25", texts)._scores("a f c")  # type: ignore[attr-defined]
    bags = [Counter(text.split()) for text in texts]
    mean = sum(bag.total() for bag in bags) / len(bags)
    for bag, score in zip(bags, scores, strict=True):
        expected = 0.0
        for word in ("a", "f", "c"):
            holds = sum(word in each for each in bags)
            weight = math.log(1 + (len(bags) - holds + 0.5) / (holds + 0.5))
            expected += weight * bag[word] / (bag[word] + 1.5 * (1 - 0.75 + 0.75 * bag.total() / mean))
        assert score == pytest.approx(expected, rel=1e-4)


def test_random_ones_differ_by_question_and_epoch() -> None:
    pool = made("random", [f"{one} {other}" for one in WORDS for other in WORDS])
    shown = {tuple(pool.choose(source, None, 2, seed)) for source in ("x", "y", "z") for seed in range(3)}
    assert len(shown) > 6


def test_fixed_ones_show_what_there_is_to_answer() -> None:
    pool = demonstrations(
        "fixed",
        [Demonstration(f"x {n}", f"x(O) {n}(O)") for n in range(9)]
        + [Demonstration("y z", "y(O) z(B-LOC)"), Demonstration("z y", "z(O) y(B-PER)")],
    )
    assert pool is not None
    shown = pool.choose("asked", None, 2, 0)
    assert "B-" in "".join(each.answer for each in shown)
    assert shown == pool.choose("something else", None, 2, 5)
    assert demonstrations("none", []) is None


def test_fixed_ones_do_not_count_words_for_kinds_of_answers() -> None:
    dull = [Demonstration(f"w{n} it was x{n}", f"w{n}(O) it(O) was(O) x{n}(O)") for n in range(6)]
    full = Demonstration("Rome Ada Rome Ada", "Rome(B-LOC) Ada(B-PER) Rome(B-ORG) Ada(B-PER)")
    pool = demonstrations("fixed", [*dull, full])
    assert pool is not None and pool.choose("asked", None, 1, 0) == [full]


@pytest.mark.parametrize("way", ["fixed", "random", "bm25", "embedding"])
def test_questions_for_some_labels_show_answers_for_these(way: str) -> None:
    if way == "bm25":
        pytest.importorskip("bm25s")
    shown = [Demonstration(f"a {word}", word, None, (label,)) for word in "bcd" for label in ("CITY", "PER")]
    pool = demonstrations(way, shown, embed)
    assert pool is not None
    assert {each.labels for each in pool.choose("a e", None, 3, 0, ["CITY"])} == {("CITY",)}
    assert len(pool.choose("a e", None, 3, 0, ["SOUL"])) == 3  # there are none, so others show at least the form
