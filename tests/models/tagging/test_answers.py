"""Answers of chains: the best legal sequence and exact span probabilities, against enumeration of all sequences."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onoma.models.tagging.answers import best_sequences, best_tags
from onoma.models.tagging.chain import Chain
from onoma.schemes import SCHEMES, Scheme, TokenSpan

ALL = list(SCHEMES.values())


def logits_of(seed: int, words: int, tags: int, spread: float = 3.0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, spread, (words, tags)).astype(np.float32)


def score(path: tuple[int, ...], logits: np.ndarray, chain: Chain) -> float:
    total = chain.start[path[0]] + chain.end[path[-1]]
    total += sum(logits[at, tag] for at, tag in enumerate(path))
    return float(total + sum(chain.transition[a, b] for a, b in itertools.pairwise(path)))


@given(st.sampled_from(ALL), st.integers(0, 10**6), st.integers(1, 4))
def test_where_all_sequences_have_mass_those_that_read_alike_are_counted(scheme: Scheme, seed: int, words: int) -> None:
    tagset = scheme.tagset(["X"] if scheme.name in ("BIOES", "BILOU", "BMES") else ["X", "Y"])
    rng = np.random.default_rng(seed)
    legal = Chain.legal(tagset)
    chain = Chain(*(rng.normal(0, 1, part.shape) for part in (legal.start, legal.transition, legal.end)))
    logits = logits_of(seed, words, len(tagset), 1.0)
    (answer,) = best_sequences(tagset, logits, [words], chain)
    paths = list(itertools.product(range(len(tagset)), repeat=words))
    masses = [math.exp(score(path, logits, chain)) for path in paths]
    read = [scheme.spans([tagset[number] for number in path]) for path in paths]
    assert answer.span_score is not None
    for span in scheme.spans(answer.tags):
        having = sum(mass for mass, spans in zip(masses, read, strict=True) if span in spans)
        assert answer.span_score(span.start, span.end) == pytest.approx(having / sum(masses), abs=1e-6)


@given(st.sampled_from(ALL), st.integers(0, 10**6), st.integers(1, 4), st.booleans())
def test_best_sequence_and_span_scores_equal_enumeration(scheme: Scheme, seed: int, words: int, learned: bool) -> None:
    tagset = scheme.tagset(["X"] if scheme.name in ("BIOES", "BILOU", "BMES") else ["X", "Y"])
    legal = Chain.legal(tagset)
    rng = np.random.default_rng(seed)
    extra = [rng.normal(0, 1, part.shape) if learned else 0.0 for part in (legal.start, legal.transition, legal.end)]
    chain = Chain(legal.start + extra[0], legal.transition + extra[1], legal.end + extra[2])
    logits = logits_of(seed, words, len(tagset))
    (answer,) = best_sequences(tagset, logits, [words], chain)
    paths = list(itertools.product(range(len(tagset)), repeat=words))
    scores = [score(path, logits, chain) for path in paths]
    best = paths[int(np.argmax(scores))]
    assert answer.tags == tuple(tagset[number] for number in best)
    assert not scheme.illegal(answer.tags)
    assert answer.span_score is not None
    top = max(scores)
    masses = [math.exp(each - top) for each in scores]
    for span in scheme.spans(answer.tags, "strict"):
        having = sum(
            mass
            for path, mass in zip(paths, masses, strict=True)
            if mass > 0 and span in scheme.spans([tagset[number] for number in path], "strict")
        )
        assert answer.span_score(span.start, span.end) == pytest.approx(having / sum(masses), abs=1e-6)
    assert answer.tag_chances is not None
    for number, (tag, chances) in enumerate(answer.tag_chances().items()):
        assert tag == tagset[number]
        for at, chance in enumerate(chances):
            having = sum(mass for path, mass in zip(paths, masses, strict=True) if path[at] == number)
            assert chance == pytest.approx(having / sum(masses), abs=1e-6)


@given(st.sampled_from(ALL), st.integers(0, 10**6), st.lists(st.integers(0, 30), min_size=1, max_size=8))
def test_no_sequence_is_ever_illegal(scheme: Scheme, seed: int, lengths: list[int]) -> None:
    tagset = scheme.tagset(["X", "Y", "Z"])
    logits = logits_of(seed, sum(lengths), len(tagset), spread=20)
    for answer, length in zip(best_sequences(tagset, logits, lengths, Chain.legal(tagset)), lengths, strict=True):
        assert len(answer.tags) == length
        assert not length or not scheme.illegal(answer.tags)


@given(st.integers(0, 10**6), st.lists(st.integers(0, 9), min_size=1, max_size=6))
def test_viterbi_keeps_what_is_legal_already(seed: int, lengths: list[int]) -> None:
    scheme = SCHEMES["BIO"]
    tagset = scheme.tagset(["X", "Y"])
    logits = logits_of(seed, sum(lengths), len(tagset))
    free = best_tags(tagset, logits, lengths)
    bound = best_sequences(tagset, logits, lengths, Chain.legal(tagset))
    for one, other in zip(free, bound, strict=True):
        assert scheme.illegal(one.tags) or one.tags == other.tags
        assert one.tag_chances is not None
        rows = np.array(list(one.tag_chances().values())).T
        assert rows.sum(axis=1) == pytest.approx(np.ones(len(one.tags)))
        assert one.tags == tuple(tagset[number] for number in rows.argmax(axis=1).tolist())


def test_scores_of_words_are_softmax_products() -> None:
    tagset = SCHEMES["BIO"].tagset(["X"])
    logits = logits_of(1, 5, 3)
    first, _, second = best_tags(tagset, logits, [3, 0, 2])
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    assert first.span_score is not None and second.span_score is not None
    assert first.span_score(0, 3) == pytest.approx(shares[:3].max(axis=1).prod(), rel=1e-5)
    assert second.span_score(1, 2) == pytest.approx(shares[4].max(), rel=1e-5)


def test_an_order_of_tags_that_is_the_model_s_own() -> None:
    from onoma.schemes import TagSet

    scheme = SCHEMES["BIOES"]
    mixed = TagSet(scheme, ("E-X", "O", "S-X", "I-X", "B-X"))
    for seed in range(20):
        logits = logits_of(seed, 7, 5)
        (answer,) = best_sequences(mixed, logits, [7], Chain.legal(mixed))
        assert not scheme.illegal(answer.tags)
        plain = scheme.tagset(["X"])
        columns = [mixed.index(tag) for tag in plain]
        (same,) = best_sequences(plain, logits[:, columns], [7], Chain.legal(plain))
        assert same.tags == answer.tags
        assert all(isinstance(span, TokenSpan) for span in scheme.spans(answer.tags))
