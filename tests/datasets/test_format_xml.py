"""Inline XML: any text with nested spans survives, nothing is expanded, and what is not well-formed is named."""

from __future__ import annotations

import io
import xml.etree.ElementTree
from typing import Any

import pytest
from dataset_cases import CHARACTERS, content, numbered
from hypothesis import given, settings
from hypothesis import strategies as st

from onoma.datasets import inline_xml
from onoma.datasets.files import Source
from onoma.datasets.inline_xml import InlineXml
from onoma.datasets.recognise import recognise
from onoma.document import Document, Span
from onoma.exceptions import ConfigError, DataError

MARKS = CHARACTERS + "\n<>&'\";/!?]"


@st.composite
def running_text(draw: st.DrawFn) -> Document:
    """Any text with any spans."""
    text = draw(st.text(MARKS, max_size=14))
    spans = []
    for _ in range(draw(st.integers(0, 4)) if len(text) > 3 else 0):
        a, b, c, d = sorted(draw(st.sets(st.integers(0, len(text)), min_size=4, max_size=4)))
        label = draw(
            st.sampled_from(["PER", "doc", "span", "xmlX", "a:b", "-1"]) | st.text(MARKS, min_size=1, max_size=2)
        )
        score = draw(st.none() | st.floats(0, 1))
        spans.append(Span(a, d, label, score, ((a, b), (c, d)) if draw(st.integers(0, 5)) == 0 else ()))
    return Document(draw(st.text(MARKS, max_size=3)), text, spans=tuple(spans))


def written(documents: list[Document], **options: Any) -> str:
    handle = io.StringIO(newline="\n")
    InlineXml().write(documents, handle, **options)
    return handle.getvalue()


def reread(text: str, **options: Any) -> list[Document]:
    return list(InlineXml().read(Source.of(text, "made"), **options))


@settings(max_examples=300)
@given(st.lists(running_text(), min_size=1, max_size=3))
def test_a_round_trip_holds_or_a_loss_is_listed(documents: list[Document]) -> None:
    documents = numbered(documents, prefix=documents[0].id)
    lost = any(
        a.fragments or a.start < b.start < a.end < b.end or "\x1c" in each.text + each.id + a.label
        for each in documents
        for a in [*each.spans, Span(0, 1, "X")]
        for b in [*each.spans, a]
    )
    assert lost == any(InlineXml().losses(each) for each in documents)
    if lost:
        with pytest.raises(DataError, match="cannot be written as xml"):
            written(documents)
        again = reread(written(documents, lossy=True))
        assert [each.text for each in again] == [each.text.replace("\x1c", "\ufffd") for each in documents]
        return
    text = written(documents)
    again = reread(text)
    assert [content(each) for each in again] == [content(each) for each in documents]
    assert not any(each.meta for each in again)
    root = xml.etree.ElementTree.fromstring(text.encode())
    assert ["".join(each.itertext()) for each in root] == [each.text for each in documents]


def test_the_example_reads_as_it_says() -> None:
    text = (
        '<?xml version="1.0"\n?>\n<c><doc id="a"><PER>Ada</PER> &amp; <ORG>U of <LOC>L</LOC></ORG>\r\n</doc><doc/></c>'
    )
    first, second = reread(text)
    assert (first.id, first.text, second.id, second.text) == ("a", "Ada & U of L\n", "2", "")
    assert first.spans == (Span(0, 3, "PER"), Span(6, 12, "ORG"), Span(11, 12, "LOC"))


def test_documents_may_stand_without_a_root() -> None:
    assert [each.text for each in reread("<doc>a</doc>\n<doc id='x'>b</doc>")] == ["a", "b"]
    assert [each.text for each in reread("<text>a\nb</text><text>c</text>", document_tag="text")] == ["a\nb", "c"]
    lines = reread("<PER>Ada</PER> ran \r\n\nshe &lt; <B><A>him</A></B>\n")
    assert [(each.id, each.text) for each in lines] == [("1", "Ada ran "), ("2", "she < him")]
    assert lines[1].spans == (Span(6, 9, "B"), Span(6, 9, "A"))


def test_attributes_are_kept_and_written_back() -> None:
    text = '<doc id="a" lang="en"><PER ref="Q7" score="0.5">Ada</PER> <span label="漢" n="1">x</span><X score="?">y</X>'
    text += "</doc>"
    (document,) = reread(text)
    assert [(each.label, each.score) for each in document.spans] == [("PER", 0.5), ("漢", None), ("X", None)]
    (again,) = reread(written([document]))
    assert content(again) == content(document) and again.meta == document.meta != {}
    assert (
        'lang="en"' in written([document]) and 'ref="Q7"' in written([document]) and 'score="?"' in written([document])
    )
    moved = written([document.with_spans([Span(0, 5, "PER")])])
    assert "ref" not in moved
    bad = Document("a", "x", meta={"xml": {"attributes": {"a b": "1", "id": "2", "c": 3}}})
    assert content(reread(written([bad]))[0]) == content(bad)
    with pytest.raises(DataError, match="meta"):
        written([Document("a", "x", meta={"xml": []})])


BOMB = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>\n<doc>&b;</doc>'


@pytest.mark.parametrize("before", ["", '<?xml version="1.0"?>\n', "  <!-- note -->\n<?pi x?>\n"])
def test_a_doctype_is_refused(before: str) -> None:
    line = 1 + before.count("\n")
    for text in (BOMB, BOMB.replace("DOCTYPE", "doctype"), '<!DOCTYPE x SYSTEM "file:///etc/passwd"><doc>a</doc>'):
        with pytest.raises(DataError, match=f"made:{line}: the file has a DOCTYPE"):
            reread(before + text)
    with pytest.raises(DataError):
        reread("<doc>a</doc>" + BOMB)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("<doc><A>a<B>b</A>c</B></doc>", "mismatched tag"),
        ("<doc><A>a</doc>", "mismatched tag"),
        ("<doc>a & b</doc>", "not well-formed"),
        ("<doc>a < b</doc>", "not well-formed"),
        ("<doc>&nbsp;</doc>", "undefined entity"),
        ("<doc>&#0;</doc>", "invalid character"),
        ("<doc>\x01</doc>", "not well-formed"),
        ("<doc><A></A></doc>", "<A> holds no text"),
        ("<doc><A/></doc>", "<A> holds no text"),
        ("<doc><span label=''>a</span></doc>", "no label"),
        ("<doc>a<doc>b</doc></doc>", "a <doc> inside a <doc>"),
        ("text <doc>a</doc>", "text outside of a document: 'text'"),
        ("<doc id='1'>b</doc>", "document id '1' stands already in line 1"),
        ("<doc a='1' a='2'>b</doc>", "duplicate attribute"),
        ("</all><all>", "not well-formed|junk"),
        ("</c>", "mismatched tag"),
    ],
)
def test_damaged_documents_are_named(line: str, message: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        reread(f"<doc>first</doc>\n{line}\n<doc>last</doc>\n")
    assert (caught.value.path, caught.value.line) in (("made", 2), ("made", 3))


@pytest.mark.parametrize(
    "line", ["<A>a", "a</A>", "a & b", "</all>", "</all><all>", "</all><!--", "<A><B>x</A></B>", "<![CDATA[x"]
)
def test_damaged_lines_are_named(line: str) -> None:
    with pytest.raises(DataError) as caught:
        reread(f"<A>fine</A>\n{line}\n")
    assert (caught.value.path, caught.value.line) == ("made", 2)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("<c></c>", "holds no text"),
        ("<docs><doc", "not well-formed"),
        ("<doc>a", "mismatched tag"),
        ('<?xml version="1.0" encoding="latin-1"?><doc>a</doc>', "declares the encoding 'latin-1'"),
        ('<?xml version="1.0"?>\n<c><text>a</text></c>', "document_tag=NAME"),
        ("\n \n", "no document"),
    ],
)
def test_files_without_whole_documents_are_named(text: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        reread(text)


def test_an_option_must_be_a_name() -> None:
    with pytest.raises(ConfigError, match="document_tag"):
        reread("<doc>a</doc>", document_tag="a b")


def test_long_files_stream_and_deep_ones_nest() -> None:
    many = "<c>" + "<doc>x<A>é</A>\n</doc>\n" * 60_000 + "</c>"
    documents = InlineXml().read(Source.of(many))
    assert next(documents).id == "1" and sum(1 for _ in documents) == 59_999
    deep = "<doc>" + "<A>" * 2000 + "x" + "</A>" * 2000 + "</doc>"
    assert len(reread(deep)[0].spans) == 2000
    assert reread(written(reread(deep)))[0].spans == reread(deep)[0].spans


@pytest.mark.parametrize(
    ("before", "message"),
    [("<doc>", "a document of"), ("<doc>x</doc><!--", "a tag or comment of"), ("<doc><A b='", "a tag or comment of")],
)
def test_what_is_longer_than_any_document_is_refused(
    before: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inline_xml, "LONGEST", 3 << 20)
    text = f"<c>\n<doc>fine</doc>\n{before}" + "ä \n" * (1 << 20)
    with pytest.raises(DataError, match=message) as caught:
        reread(text)
    assert caught.value.line == 3
    many = "<c>" + f"<doc>{'x' * (1 << 20)}</doc>\n" * 5 + "</c>"
    assert len(reread(many)) == 5
    long = "<doc>" + "<A b='" + "x" * (1 << 20) + "'>y</A></doc>"
    assert reread(long)[0].spans == (Span(0, 1, "A"),)


def test_what_decides_is_said() -> None:
    assert "elements" in InlineXml().decide(Source.of("<doc>a</doc>")).reason
    formats: Any = {"xml": InlineXml()}
    assert recognise(Source.of("<doc>[a]</doc>"), "xml", formats) == "xml"
    assert "lines" in InlineXml().decide(Source.of("<A>a</A>")).reason
