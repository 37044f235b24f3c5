"""Statistics, findings and fingerprint of small documents whose answers are plain to see."""

from __future__ import annotations

import json

import pytest
from dataset_cases import content, flat, token_documents
from hypothesis import given
from hypothesis import strategies as st

from onoma.datasets import check, fingerprint, statistics
from onoma.datasets.check import KINDS
from onoma.document import Document, Span, Token

NESTED = Document(
    "d",
    "Bank of England. It ran",
    (Token(0, 4), Token(5, 7), Token(8, 15), Token(15, 16), Token(17, 19), Token(20, 23)),
    ((0, 4), (4, 6)),
    (Span(0, 15, "ORG"), Span(8, 15, "LOC"), Span(8, 14, "LOC"), Span(0, 16, "X", fragments=((0, 4), (15, 16)))),
)

# ---------------------------------------------------------------------- statistics


def test_counts_of_one_document() -> None:
    numbers = statistics([NESTED])
    assert (numbers.documents, numbers.sentences, numbers.tokens, numbers.mentions) == (1, 2, 6, 4)
    assert numbers.labels == {"LOC": 2, "ORG": 1, "X": 1}
    assert numbers.surfaces == {"LOC": 2, "ORG": 1, "X": 1}
    assert numbers.lengths == {1: 1, 2: 1, 3: 1}
    assert (numbers.nested, numbers.discontinuous, numbers.token_cutting) == (3, 1, 1)
    assert (numbers.words_per_sentence, numbers.empty_share) == (3.0, 0.5)
    assert json.loads(json.dumps(numbers.record()))["lengths"] == {"1": 1, "2": 1, "3": 1}


def test_nothing_has_no_shares() -> None:
    numbers = statistics([])
    assert (numbers.documents, numbers.words_per_sentence, numbers.empty_share) == (0, 0.0, 0.0)
    raw = statistics([Document("1", "Ada ran", spans=(Span(0, 3, "PER"),))])
    assert (raw.mentions, raw.tokens, raw.token_cutting, raw.lengths) == (1, 0, 0, {})


@given(st.lists(token_documents(characters="ab"), max_size=3))
def test_counts_add_up(documents: list[Document]) -> None:
    numbers = statistics(documents)
    parts = [statistics([document]) for document in documents]
    for name in ("sentences", "tokens", "mentions", "empty_sentences", "characters"):
        assert getattr(numbers, name) == sum(getattr(part, name) for part in parts)
    assert sum(numbers.lengths.values()) == sum(numbers.labels.values()) == numbers.mentions
    empty = sum(
        all(not (span.start < document.tokens[at].end and document.tokens[at].start < span.end)
            for span in document.spans for at in range(first, last))
        for document in documents for first, last in document.sentences
    )  # fmt: skip
    assert numbers.empty_sentences == empty


@given(
    st.text("ab \0é😀", min_size=4, max_size=9).map(lambda text: text * 150),
    st.lists(st.tuples(st.integers(0, 1300), st.integers(1, 600), st.booleans()), max_size=12),
)
def test_long_surfaces_are_told_apart_as_their_texts_are(text: str, places: list[tuple[int, int, bool]]) -> None:
    spans = [
        Span(start, start + size, "X", fragments=((start, start + 1), (start + 2, start + size)) * (cut and size > 3))
        for start, size, cut in places
        if start + size <= len(text)
    ]
    document = Document("1", text, spans=tuple(spans))
    assert statistics([document]).surfaces.get("X", 0) == len({document.surface(span) for span in spans})


def test_nested_spans_are_counted_in_one_pass() -> None:
    size = 20_000
    document = flat([["ab"] * size, ["c"]], [(number, size - number, "X") for number in range(size // 2)])
    numbers = statistics([document])
    assert (numbers.surfaces, numbers.nested, numbers.empty_sentences) == ({"X": size // 2}, size // 2 - 1, 1)


# ---------------------------------------------------------------------- check


def kinds(*documents: Document) -> dict[str, str]:
    return {finding.kind: finding.message for finding in check(documents)}


def test_clean_documents_have_no_findings() -> None:
    assert check([flat([["Ada", "ran"], ["She", "won"]], [(0, 1, "PER"), (2, 4, "X")])]) == []


def test_misaligned_spans_are_found_with_the_tokens_around_them() -> None:
    document = flat([["New", "York"], ["is"]], []).with_spans([Span(1, 6, "LOC")])
    (finding,) = check([document])
    assert (finding.kind, finding.severity, finding.start, finding.end) == ("cuts_token", "error", 1, 6)
    assert "[0:8] 'New York'" in finding.message


@pytest.mark.parametrize(
    ("spans", "kind"),
    [
        ([Span(0, 4, "X")], "white_space_edge"),
        ([Span(0, 3, "X"), Span(0, 3, "X")], "duplicate_span"),
        ([Span(0, 3, "X"), Span(0, 3, "Y")], "two_labels"),
        ([Span(0, 8, "X"), Span(4, 11, "Y")], "crossing_spans"),
        ([Span(4, 11, "X")], "crosses_sentence"),
        ([Span(3, 4, "X")], "cuts_token"),
    ],
)
def test_each_kind_of_slip_is_found(spans: list[Span], kind: str) -> None:
    found = check([flat([["New", "York"], ["is"]], []).with_spans(spans)])
    assert kind in {finding.kind for finding in found}
    assert all(finding.document_id == "1" and finding.severity == KINDS[finding.kind] for finding in found)


def test_nested_spans_do_not_cross() -> None:
    assert "crossing_spans" not in kinds(NESTED)


@given(token_documents(characters="ab"), st.lists(st.tuples(st.integers(0, 9), st.integers(1, 9)), max_size=4))
def test_crossing_is_found_as_by_comparing_all_pairs(document: Document, places: list[tuple[int, int]]) -> None:
    spans = [Span(start, start + size, "X") for start, size in places if start + size <= len(document.text)]
    crossing = {(a.start, b.end) for a in spans for b in spans if a.start < b.start < a.end < b.end}
    found = {(each.start, each.end) for each in check([document.with_spans(spans)]) if each.kind == "crossing_spans"}
    assert found == crossing


def test_blank_tokens_are_found() -> None:
    document = Document("1", "a  b", (Token(0, 1), Token(1, 1), Token(1, 3), Token(3, 4)))
    assert [finding.message for finding in check([document]) if finding.kind == "blank_token"] == [
        "token 1 is empty",
        "token 2 is nothing but white space '  '",
    ]


@pytest.mark.parametrize(
    ("mark", "name"),
    [
        ("\u200b", "invisible character U+200B ZERO WIDTH SPACE"),
        ("\ufeff", "byte order mark U+FEFF"),
        ("\ufffd", "replacement character U+FFFD"),
        ("\x85", "control character U+0085 NEXT LINE"),
        ("\x07", "control character U+0007"),
        ("\ue415", "private-use character U+E415"),
    ],
)
def test_odd_characters_are_named(mark: str, name: str) -> None:
    (finding,) = check([Document("1", f"a{mark}b{mark}")])
    assert finding.message.startswith(name) and finding.message.endswith("2 times") and finding.start == 1


def test_usual_characters_are_not_odd() -> None:
    assert check([Document("1", "ä 漢 👩\u200d💻\n\tx\u00a0")]) == []


def test_what_concerns_several_documents() -> None:
    one = Document("1", "Ada ran", spans=(Span(0, 3, "PER"),))
    two = Document("2", "Ada ran", spans=(Span(0, 3, "ORG"),))
    found = kinds(one, two, Document("3", "Ada", spans=(Span(0, 3, "PER"),)))
    assert "also 2" in found["duplicate_document"]
    assert found["ambiguous_surface"] == "'Ada' has several labels: PER 2, ORG 1"


# ---------------------------------------------------------------------- fingerprint


def test_the_fingerprint_is_a_known_one() -> None:
    expected = "d6265600c8254c13617db771ab07491c4826eb3ecc7102187016f89b91955280"
    assert fingerprint([NESTED]) == expected


@given(token_documents(), token_documents())
def test_the_fingerprint_tells_contents_apart(one: Document, other: Document) -> None:
    alike = content(one)[:3] == content(other)[:3] and sorted(map(str, one.spans)) == sorted(map(str, other.spans))
    assert (fingerprint([one]) == fingerprint([other])) == alike


def test_the_fingerprint_ignores_scores_and_the_order_of_spans() -> None:
    turned = NESTED.with_spans(
        Span(span.start, span.end, span.label, 0.5, span.fragments) for span in reversed(NESTED.spans)
    )
    assert fingerprint([turned]) == fingerprint([NESTED])
    assert fingerprint([NESTED, turned]) != fingerprint([NESTED])
