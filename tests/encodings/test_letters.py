"""What is forgiven in a copy: case, accents, what a vocabulary loses where it loses some; never another letter."""

from __future__ import annotations

import unicodedata
from typing import Any

import pytest

from onoma import Document, Span, encodings, tokenization

Found = list[tuple[int, int]]


class Lossy:
    """Stands for the forms of a vocabulary that loses some signs: here all are compared by their letters anyhow."""

    def __call__(self, words: Any) -> list[str]:
        return list(words)

    joined = __call__


def found(name: str, text: str, answer: str, *, lossy: bool = False) -> tuple[Found, list[str]]:
    document = Document.from_words([text.split(" ")], id="d")
    encoding = encodings.get(name, ["PER"])
    encoding.back = Lossy() if lossy else None
    prediction = encoding.decode(document, [answer])
    return [(span.start, span.end) for span in prediction.spans], [problem.kind for problem in prediction.problems]


@pytest.mark.parametrize(
    ("text", "given"),
    [
        ("이승수 는 서울", "이순신"),  # syllables with one first consonant
        ("கொ x", "கெ"),  # a vowel sign that decomposes
        ("が x", "か"),  # a voiced syllable
        ("की x", "कि"),  # another vowel
        ("≠ x", "="),  # a sign that is struck through
    ],
)
def test_other_letters_are_no_copy(text: str, given: str) -> None:
    assert found("grouped_json", text, f'{{"PER": ["{given}"]}}') == ([], ["ungrounded"])


@pytest.mark.parametrize("form", ["NFC", "NFD"])
@pytest.mark.parametrize("given", ["José", "JOSÉ", "Jose", "Jose\u0301"])
def test_accents_are_part_of_their_letter(form: str, given: str) -> None:
    text = unicodedata.normalize(form, "José left")
    right = [(0, len(text) - len(" left"))]
    assert found("grouped_json", text, f'{{"PER": ["{given}"]}}') == (right, [])
    assert found("occurrence_json", text, f'[{{"text": "{given}", "label": "PER", "occurrence": 1}}]') == (right, [])
    assert found("brackets", text, f"[{given} | PER] left") == (right, [])


def test_hangul_is_the_same_in_both_forms() -> None:
    answer = unicodedata.normalize("NFD", '{"PER": ["이승수"]}')
    assert found("grouped_json", "이승수 는", answer) == ([(0, 3)], [])


@pytest.mark.parametrize(
    ("text", "given", "right"),
    [
        ("रामायण और राम", "राम", (10, 13)),
        ("Jose\u0301 met Jose", "Jose", (10, 14)),
        ("Jose met Jose\u0301", "Jose\u0301", (9, 14)),
    ],
)
def test_marks_are_part_of_words(text: str, given: str, right: tuple[int, int]) -> None:
    assert found("grouped_json", text, f'{{"PER": ["{given}"]}}') == ([right], [])


@pytest.mark.parametrize(
    "name", ["김철수", "Jose\u0301 Luis", "दिल्ली", "مُحَمَّد", "Ro\u200bme", "≠x", "が", "a\u0300\x00b"]
)
def test_what_a_vocabulary_loses_is_forgiven(name: str) -> None:
    normalizers = pytest.importorskip("tokenizers.normalizers")
    written = normalizers.BertNormalizer(lowercase=True).normalize_str(name)
    right = ([(2, 2 + len(name))], [])
    text = f"x {name} y"
    assert found("grouped_json", text, f'{{"PER": ["{written}"]}}', lossy=True) == right
    assert found("entity_list", text, f"PER: {written}", lossy=True) == right
    rest = f'"text": "{written}", "label": "PER"'
    assert found("occurrence_json", text, f'[{{{rest}, "occurrence": 1}}]', lossy=True) == right
    assert found("offset_json", text, f'[{{{rest}, "start": 2, "end": {len(text) - 2}}}]', lossy=True) == right
    assert found("brackets", text, f"x [{written} | PER] y", lossy=True) == right
    assert found("xml", text, f"x <PER>{written}</PER> y", lossy=True) == right
    assert found("brackets", text, f"z [{written} | PER] y", lossy=True) == right


def test_signs_at_an_end_that_are_not_looked_at_stay_where_they_were_written() -> None:
    assert found("grouped_json", "a a 0\x1b b", '{"PER": ["0\\u001b"]}', lossy=True) == ([(4, 6)], [])
    assert found("grouped_json", "a a 0\x1b b", '{"PER": ["0"]}', lossy=True) == ([(4, 5)], [])
    assert found("grouped_json", "a \x1b b", '{"PER": ["a", "a \\u001b"]}', lossy=True) == ([(0, 1), (0, 3)], [])


def test_what_has_no_shape_is_found_as_it_is() -> None:
    assert found("grouped_json", "a \u200b b", '{"PER": ["\u200b"]}', lossy=True) == ([(2, 3)], [])


@pytest.mark.parametrize("name", ["grouped_json", "occurrence_json", "entity_list", "entity_pairs", "type_queries"])
def test_a_mention_that_ends_within_a_letter_is_a_loss(name: str) -> None:
    document = Document.from_words([["a", "e\u0301", "a"]], id="d")
    document = document.with_spans([Span(2, 3, "PER"), Span(5, 6, "PER")])
    encoding = encodings.get(name, ["PER"], on_misaligned="drop")
    targets = encoding.encode(document)
    assert [loss.span for loss in targets.losses if loss.why == "ends within a letter"] == [document.spans[0]]
    found = encoding.decode(document.with_spans([]), [each.completion for each in targets.exchanges])
    assert len(found.spans) == 1 and found.spans[0].start != 2 and not found.problems


def test_offsets_say_what_ends_within_a_letter() -> None:
    document = Document.from_words([["a", "e\u0301", "a"]], id="d")
    document = document.with_spans([Span(2, 3, "PER")])
    encoding = encodings.get("offset_json", ["PER"])
    (asked,) = encoding.encode(document).exchanges
    assert encoding.decode(document.with_spans([]), [asked.completion]).spans == document.spans


@pytest.mark.parametrize("name", ["entity_pairs", "grouped_json", "entity_list", "type_queries"])
def test_a_word_beside_what_has_no_shape_is_whole(name: str) -> None:
    """Where capitals and accents are lost, the first letter of another word is the same."""
    encoding = encodings.get(name, ["LOC"])
    encoding.back = Lossy()
    document = Document("d", "\u0130stanbul and I\u00ad x").with_spans([Span(13, 14, "LOC")])
    document = tokenization.split(document)
    answers = [each.completion for each in encoding.encode(document).exchanges]
    assert encoding.decode(document, answers).spans == (Span(13, 14, "LOC"),)
