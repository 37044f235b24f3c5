"""IOB2 and CoNLL-U: round trips, ids, spacing, ranges, and bad lines."""

from __future__ import annotations

import pytest
from dataset_cases import content, flat, numbered, reread, token_documents, written
from hypothesis import given, settings
from hypothesis import strategies as st

from onoma.datasets import get
from onoma.datasets.files import Source
from onoma.document import Document, Span
from onoma.exceptions import DataError


@settings(max_examples=150)
@given(
    st.sampled_from(["iob2", "conllu"]),
    st.lists(token_documents(labels=["PER", "creative-work", "O", "a|b"]), min_size=1, max_size=3),
)
def test_a_round_trip_holds_or_the_writer_refuses(format: str, documents: list[Document]) -> None:
    documents = numbered(documents, prefix="doc = ")
    if any(get(format).losses(document) for document in documents):
        with pytest.raises(DataError):
            written(documents, format)
        return
    again = reread(written(documents, format), format)
    assert [content(document) for document in again] == [content(document) for document in documents]


@given(st.lists(token_documents(characters="a漢#_\u2028|[-=", glued=True, labels=["X"]), min_size=1, max_size=3))
def test_conllu_keeps_the_text_as_it_was_spaced(documents: list[Document]) -> None:
    documents = numbered([each for each in documents if all(word.strip() for word in each.words)])
    if documents:
        again = reread(written(documents, "conllu"), "conllu")
        assert [content(document) for document in again] == [content(document) for document in documents]


@pytest.mark.parametrize("format", ["iob2", "conllu"])
@pytest.mark.parametrize("id", ["", " a", "a\nb"])
def test_ids_that_are_no_line_are_refused(format: str, id: str) -> None:
    document = Document.from_words([["x"]], id=id)
    with pytest.raises(DataError, match="id"):
        written([document], format)
    assert len(reread(written([document], format, lossy=True), format)) == 1


@pytest.mark.parametrize("format", ["iob2", "conllu"])
def test_lossy_writing_keeps_what_fits(format: str) -> None:
    document = flat([["a b", "c\td", "e"]], [(0, 2, "X")])
    document = document.with_spans([*document.spans, Span(0, 1, "Y")])
    (again,) = reread(written([document], format, lossy=True), format)
    assert again.words == ("a b", "c_d", "e")
    assert [span.label for span in again.spans] == ["X"]


# ---------------------------------------------------------------------- iob2

ROWS = "# newdoc id = d1\n# sent_id = s1\n# text = x\n1\tAl\tB-ORG\t-\tme\n2\t#\tI-ORG\t-\tme\n3\t:\tO\n\n"


def test_iob2_reads_ids_and_short_lines() -> None:
    (document,) = reread(ROWS, "iob2")
    assert (document.id, document.text) == ("d1", "Al # :")
    assert document.spans == (Span(0, 4, "ORG"),)
    assert "1 line(s) of 3 columns" in get("iob2").decide(Source.of(ROWS)).reason
    with pytest.raises(DataError, match="made:6: 3 columns, expected 5"):
        reread(ROWS, "iob2", ragged=False)


def test_without_newdoc_each_sentence_is_a_document_under_its_own_id() -> None:
    text = "# sent_id = s1\n1\ta\tO\t-\t-\n\n# sent_id = s2\n1\tb\tO\t-\t-\n\n1\tc\tO\t-\t-\n"
    assert [document.id for document in reread(text, "iob2")] == ["s1", "s2", "3"]


def test_the_tag_is_the_third_column_even_where_the_fourth_looks_like_one() -> None:
    (document,) = reread("1\ta\tO\tB-LOCderiv#O\ts\n2\tb\tB-O\tO\ts\n", "iob2")
    assert document.spans == (Span(2, 3, "O"),)


def test_blanks_stay_within_tokens() -> None:
    assert reread("1\tt ex\tO\t-\t-\n", "iob2")[0].words == ("t ex",)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1\ta\tO\t-\t-\n3\tb\tO\t-\t-\n", "made:2: token index '3', expected 2"),
        ("1\ta\tO\t-\n", "made:1: 4 column"),
        ("1\ta\tB-X\n", "made:1: 3 columns, expected 5"),
        ("1\ta\tPER\t-\t-\n", "made:1: tag 'PER' is neither"),
        ("1\ta\tE-PER\t-\t-\n", "made:1: tag 'E-PER' does not belong"),
        ("# newdoc id = a\n1\ta\tO\n\n# newdoc id = a\n1\tb\tO\n", "made:4: document id 'a' stands already in line 1"),
        ("# sent_id = 1\n\n", "no token line"),
    ],
)
def test_bad_iob2_lines_are_named(text: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        reread(text, "iob2")


# ---------------------------------------------------------------------- conllu


def row(index: str, form: str, misc: str = "_") -> str:
    return "\t".join([index, form, *"_______", misc])


def test_ranges_give_spacing_and_empty_nodes_are_skipped() -> None:
    rows = [
        "# newdoc id = d",
        row("1", "I"),
        row("2-3", "don't", "SpaceAfter=No"),
        row("2", "do"),
        row("3", "n't"),
        row("3.1", "go"),
        row("4", "."),
        "",
        row("1-2", "del"),
        row("1", "de", "NER=B-LOC"),
        row("2", "el", "NER=I-LOC|SpaceAfter=No"),
        row("3", "_", "x=y|NE=B-PER"),
    ]
    (document,) = reread("\n".join(rows), "conllu")
    assert document.text == "I don't. de el _"
    assert document.words == ("I", "do", "n't", ".", "de", "el", "_")
    assert [(document.surface(span), span.label) for span in document.spans] == [("de el", "LOC"), ("_", "PER")]


def test_the_key_may_be_named() -> None:
    text = row("1", "a", "Entity=B-X|NER=B-Y")
    assert reread(text, "conllu", key="Entity")[0].spans[0].label == "X"
    assert reread(text, "conllu")[0].spans[0].label == "Y"
    assert "no mentions" in get("conllu").decide(Source.of(row("1", "a"))).reason


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1\ta\tO\n", "made:1: 3 column"),
        (row("x", "a"), "made:1: token index 'x' is no number"),
        (row("2-3", "a"), "made:1: range 2-3 does not start"),
        (row("2", "a"), "made:1: token index '2', expected 1"),
        (row("1", "a", "NER=PER"), "made:1: tag 'PER'"),
        (row("1", "a", "NER=S-PER"), "made:1: tag 'S-PER' does not belong"),
    ],
)
def test_bad_conllu_lines_are_named(text: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        reread(text, "conllu")
