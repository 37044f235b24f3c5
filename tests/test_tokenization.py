"""Splitters: nothing is lost, offsets are exact, and names come apart where people cut them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onoma import Document, tokenization
from onoma.exceptions import ConfigError


def words(text: str, splitter: str = "unicode") -> list[str]:
    return [text[token.start : token.end] for token in tokenization.get(splitter)(text)]


@pytest.mark.parametrize("splitter", tokenization.SPLITTERS)
@given(st.text(max_size=60))
def test_every_character_but_white_space_is_in_exactly_one_token(splitter: str, text: str) -> None:
    tokens = tokenization.get(splitter)(text)
    covered = [at for token in tokens for at in range(token.start, token.end)]
    assert covered == sorted(set(covered))
    assert set(covered) == {at for at, character in enumerate(text) if not character.isspace()}
    assert all(token.start < token.end for token in tokens)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("London's mayor", ["London", "'s", "mayor"]),
        ("O'Brien doesn’t", ["O", "'", "Brien", "doesn", "’t"]),
        ("at 3.14 or 10,000.", ["at", "3.14", "or", "10,000", "."]),
        ("al-Ani (U.S.)", ["al", "-", "Ani", "(", "U", ".", "S", ".", ")"]),
        ("हिन्दी में", ["हिन्दी", "में"]),
        ("Zürich Zu\u0308rich", ["Zürich", "Zu\u0308rich"]),
        ("COVID-19 B2B", ["COVID", "-", "19", "B2B"]),
        ("a\u00a0b\u3000c", ["a", "b", "c"]),
        ("😀😀", ["😀", "😀"]),
    ],
)
def test_unicode_words(text: str, expected: list[str]) -> None:
    assert words(text) == expected


def test_characters_for_scripts_without_spaces() -> None:
    assert words("東京 都", "characters") == ["東", "京", "都"]


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("One. Two! Three?", 3),
        ("Dr. Smith met J. Baker. They talked.", 2),
        ("He said “go.” She went.", 2),
        ("Prices rose 3.5 per cent. in May", 1),
        ("A title\n\nA text", 2),
        ("wrapped\nline", 1),
        ("", 0),
        ('She said "He left." Then he came.', 2),
        ("他来了. 她走了. Ada ran. Bob sat.", 4),
    ],
)
@pytest.mark.parametrize("splitter", ["unicode", "whitespace", "characters"])
def test_sentences(text: str, count: int, splitter: str) -> None:
    assert len(tokenization.split(Document("d", text), splitter).sentences) == count


@given(st.text(alphabet="ab .!?\n\"'", max_size=40))
def test_sentences_tile_the_tokens(text: str) -> None:
    tokenization.split(Document("d", text))  # the document itself refuses anything else


def test_lines_that_a_reader_marked_are_the_sentences() -> None:
    text = "no stop here\nand. One more."
    document = tokenization.split(Document("d", text, meta={"lines": [(0, 12), (13, 27)]}))
    assert [document.words[first:last][0] for first, last in document.sentences] == ["no", "and"]


@pytest.mark.parametrize("lines", [5, "ab", [], [5], [(1,)], [("a", "b")], {"a": 1}])
def test_meta_data_of_another_meaning_are_not_lines(lines: object) -> None:
    assert len(tokenization.split(Document("d", "One. Two.", meta={"lines": lines})).sentences) == 2


def test_tokens_that_are_there_stay() -> None:
    document = Document.from_words([["al-Ani"]])
    assert tokenization.split(document) is document


def test_unknown_splitter() -> None:
    with pytest.raises(ConfigError, match="one of unicode, whitespace, characters"):
        tokenization.get("moses")
