"""The document model refuses what cannot be, and never changes."""

from __future__ import annotations

import dataclasses
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onoma import Document, LabelSet, Prediction, Problem, Span, Token
from onoma.document import Tokens
from onoma.exceptions import DataError


def test_spans_are_equal_by_place_and_label_not_by_score() -> None:
    assert Span(0, 3, "PER", 0.5) == Span(0, 3, "PER", 0.9)
    assert Span(0, 3, "PER") != Span(0, 3, "LOC")
    assert Span(0, 9, "PER", fragments=((0, 3), (5, 9))) != Span(0, 9, "PER", fragments=((0, 4), (5, 9)))
    assert Span(0, 9, "PER", fragments=((0, 3), (5, 9))) != Span(0, 9, "PER")


@pytest.mark.parametrize(
    ("start", "end", "label", "fragments"),
    [
        (3, 3, "PER", ()),
        (4, 3, "PER", ()),
        (-1, 3, "PER", ()),
        (0, 3, "", ()),
        (0, 9, "PER", ((0, 9),)),
        (0, 9, "PER", ((0, 4), (4, 9))),
        (0, 9, "PER", ((5, 9), (0, 3))),
        (0, 9, "PER", ((0, 3), (5, 8))),
        (0, 9, "PER", ((0, 3), (5, 5), (7, 9))),
    ],
)
def test_impossible_spans_are_refused(start: int, end: int, label: str, fragments: tuple[tuple[int, int], ...]) -> None:
    with pytest.raises(DataError):
        Span(start, end, label, fragments=fragments)


@pytest.mark.parametrize(
    "parts",
    [
        {"spans": (Span(0, 9, "X"),)},
        {"tokens": (Token(0, 9),)},
        {"tokens": (Token(0, 3), Token(2, 4))},
        {"tokens": (Token(0, 2), Token(3, 5)), "sentences": ((0, 1),)},
        {"tokens": (Token(0, 2), Token(3, 5)), "sentences": ((1, 2),)},
        {"tokens": (Token(0, 2), Token(3, 5)), "sentences": ((0, 2), (2, 2))},
        {"sentences": ((0, 1),)},
    ],
)
def test_impossible_documents_are_refused(parts: dict[str, tuple[object, ...]]) -> None:
    with pytest.raises(DataError, match="document 'd'"):
        Document("d", "Hello", **parts)  # type: ignore[arg-type]


def test_documents_and_their_meta_cannot_be_changed() -> None:
    document = Document("d", "Hello", meta={"a": 1})
    with pytest.raises(dataclasses.FrozenInstanceError):
        document.text = "Bye"  # type: ignore[misc]
    with pytest.raises(TypeError):
        document.meta["a"] = 2  # type: ignore[index]


@given(st.lists(st.lists(st.text(min_size=1, max_size=5), max_size=4), max_size=4))
def test_words_joined_by_one_space_keep_their_offsets(sentences: list[list[str]]) -> None:
    document = Document.from_words(sentences, id="d")
    assert list(document.sentence_words()) == [tuple(words) for words in sentences if words]
    assert document.text == " ".join(word for words in sentences for word in words)
    assert all(
        document.text[token.start : token.end] == word
        for token, word in zip(document.tokens, document.words, strict=True)
    )


def test_a_document_survives_pickling() -> None:
    document = Document.from_words([["Ada", "left"]], id="d", meta={"a": 1}).with_spans([Span(0, 3, "PER")])
    assert pickle.loads(pickle.dumps(document)) == document


def test_surface_of_a_discontinuous_span_is_its_pieces() -> None:
    document = Document("d", "left and right arm", spans=(Span(0, 18, "BODY", fragments=((0, 4), (15, 18))),))
    assert document.surface(document.spans[0]) == "left arm"


def test_label_sets_are_sorted_and_without_repeats() -> None:
    assert LabelSet(["PER", "LOC", "PER"]) == ("LOC", "PER")
    assert LabelSet.of([Document("d", "ab", spans=(Span(0, 1, "X"), Span(1, 2, "X")))]) == ("X",)


def test_problems_know_which_of_them_stand_for_a_mention() -> None:
    assert Problem("ungrounded", "Atlantis", "LOC").is_mention
    assert not Problem("truncated").is_mention
    with pytest.raises(DataError, match="problem kind"):
        Problem("odd")  # type: ignore[arg-type]


def test_a_prediction_of_a_document_has_its_spans() -> None:
    document = Document("d", "Ada", spans=(Span(0, 3, "PER"),))
    assert Prediction.of(document) == Prediction("d", (Span(0, 3, "PER"),))


# ---------------------------------------------------------------------- tokens


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 4)), max_size=6))
def test_tokens_are_a_sequence_of_token(gaps_and_lengths: list[tuple[int, int]]) -> None:
    made, at = [], 0
    for gap, length in gaps_and_lengths:
        made.append(Token(at + gap, at + gap + length))
        at += gap + length
    tokens = Tokens.of(made)
    assert tokens == tuple(made) and list(tokens) == made and len(tokens) == len(made)
    assert tokens == Tokens([token.start for token in made], [token.end for token in made])
    assert [tokens[index] for index in range(-len(made), len(made))] == [*made, *made]
    assert tokens[1:4] == tuple(made[1:4]) and hash(tokens) == hash(Tokens.of(made))
    assert pickle.loads(pickle.dumps(tokens)) == tokens
    assert Tokens.of(tokens) is tokens
    assert Tokens.from_bytes(tokens.starts.tobytes(), tokens.ends.tobytes()) == tokens


@given(st.lists(st.tuples(st.text(max_size=4), st.booleans()), max_size=6))
def test_joined_tokens_are_those_of_the_text(pieces: list[tuple[str, bool]]) -> None:
    words, spaces = [word for word, _ in pieces], [space for _, space in pieces]
    text = "".join(word + " " * space for word, space in pieces)
    assert [text[token.start : token.end] for token in Tokens.joined(words, spaces)] == words
    assert Tokens.joined(words) == Document.from_words([words]).tokens


@pytest.mark.parametrize(
    ("starts", "ends", "message"),
    [
        ([0, 2], [3, 4], "overlaps"),
        ([-1], [2], "negative"),
        ([3], [2], "overlaps"),
        ([0], [2**70], "larger"),
        ([0, 1], [1], "2 token starts, 1 token ends"),
    ],
)
def test_tokens_out_of_order_are_refused(starts: list[int], ends: list[int], message: str) -> None:
    with pytest.raises(DataError, match=message):
        Tokens(starts, ends)


def test_a_known_span_is_a_span() -> None:
    assert Span.known(1, 3, "X") == Span(1, 3, "X") and repr(Span.known(1, 3, "X")) == repr(Span(1, 3, "X"))
