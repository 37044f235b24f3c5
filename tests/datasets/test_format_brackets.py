"""Inline brackets: any text with nested spans survives, and open brackets are named."""

from __future__ import annotations

import pytest
from dataset_cases import CHARACTERS, content, flat, numbered, reread, written
from hypothesis import given, settings
from hypothesis import strategies as st

from onoma.datasets import get
from onoma.datasets.brackets import parse_line, render_line
from onoma.document import Document, Span
from onoma.exceptions import DataError


@st.composite
def running_text(draw: st.DrawFn) -> Document:
    """Any text with any continuous spans."""
    text = draw(st.text(CHARACTERS + "\n\n# doc", max_size=16))
    spans = []
    for _ in range(draw(st.integers(0, 4)) if len(text) > 1 else 0):
        start = draw(st.integers(0, len(text) - 1))
        label = draw(st.text(CHARACTERS + "\n", min_size=1, max_size=3))
        spans.append(Span(start, draw(st.integers(start + 1, len(text))), label))
    return Document("1", text, spans=tuple(spans))


@settings(max_examples=300)
@given(st.lists(running_text(), min_size=1, max_size=3))
def test_a_round_trip_holds_or_the_writer_refuses(documents: list[Document]) -> None:
    documents = numbered(documents, prefix="n ")
    crossing = any(
        a.start < b.start < a.end < b.end for document in documents for a in document.spans for b in document.spans
    )
    assert crossing == any(get("brackets").losses(document) for document in documents)
    if crossing:
        with pytest.raises(DataError, match="crosses"):
            written(documents, "brackets")
        return
    again = reread(written(documents, "brackets"), "brackets")
    assert [content(document) for document in again] == [content(document) for document in documents]


def test_the_example_reads_as_it_says() -> None:
    text = "# doc lovelace\n[Ada Lovelace|PER] was born.\nThe [[University of [London|LOC]|ORG] council|ORG].\n"
    (document,) = reread(text, "brackets")
    assert document.id == "lovelace"
    assert document.text == "Ada Lovelace was born.\nThe University of London council."
    assert [(document.surface(span), span.label) for span in document.spans] == [
        ("Ada Lovelace", "PER"),
        ("University of London council", "ORG"),
        ("University of London", "ORG"),
        ("London", "LOC"),
    ]
    assert document.tokens == ()


def test_spans_of_one_extent_nest_in_their_order() -> None:
    text, spans = parse_line("[[x|A]|B]")
    assert (text, [span.label for span in spans]) == ("x", ["B", "A"])
    assert render_line(text, spans) == "[[x|A]|B]"


def test_blank_lines_part_documents_where_nothing_is_marked() -> None:
    assert [(document.id, document.text) for document in reread("a\nb\n\n \nc\n", "brackets")] == [
        ("1", "a\nb"),
        ("2", "c"),
    ]
    assert [document.text for document in reread("# doc x\na\n\nb\n", "brackets")] == ["a\nb"]


def test_sentences_begin_new_lines_and_offsets_stay() -> None:
    document = flat([["Ada", "ran"], ["She", "won"]], [(2, 3, "PER")])
    (again,) = reread(written([document], "brackets"), "brackets")
    assert again.text == "Ada ran\nShe won"
    assert again.spans == document.spans


def test_what_brackets_cannot_hold_is_refused_or_left_out() -> None:
    spans = (Span(0, 5, "X"), Span(3, 7, "Y"), Span(0, 9, "Z", fragments=((0, 1), (8, 9))))
    document = Document("1", "abcdefghij", spans=spans)
    assert len(get("brackets").losses(document)) == 2
    with pytest.raises(DataError):
        written([document], "brackets")
    assert reread(written([document], "brackets", lossy=True), "brackets")[0].spans == (Span(0, 5, "X"),)


@pytest.mark.parametrize("id", ["", " x", "a\nb", "a\0"])
def test_ids_that_are_no_line_are_refused(id: str) -> None:
    with pytest.raises(DataError, match="id"):
        written([Document(id, "x")], "brackets")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("a [b", "not closed"),
        ("a [b|X", "not closed"),
        ("a b]", r"without label"),
        ("a [b]", "without label"),
        ("a | b", r"means nothing"),
        ("a [|X]", "without text"),
        ("a [b|]", "without label"),
        ("[a|X[]", "means nothing"),
        ("[a|X|Y]", "means nothing"),
        ("a\\b", "a backslash before 'b'"),
        ("a\\", "a backslash ends the line"),
    ],
)
def test_bad_lines_are_named(line: str, message: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        reread(f"# doc a\nfine\n{line}\n", "brackets")
    assert caught.value.line == 3 and caught.value.mend


def test_ids_come_once() -> None:
    with pytest.raises(DataError, match="made:3: document id 'a'"):
        reread("# doc a\nx\n# doc a\ny\n", "brackets")
