"""Blocks of lines as arrays equal the same lines read one by one, whatever stands in them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onoma import datasets
from onoma.datasets import files, rows
from onoma.datasets.files import Source
from onoma.datasets.layout import Layout
from onoma.datasets.rows import Columns, Rows, Table
from onoma.exceptions import DataError
from onoma.schemes import REPAIRS, SCHEMES

FIELDS = st.sampled_from(
    ["a", "", "#", "# ", "-DOCSTART-", "-DOCSTART-x", "O", "B-X", "I-X", "é", "漢字", "x y", "\r", "\x85"]
)


def content(found: Rows) -> tuple[object, ...]:
    return (found.line, found.text, found.lengths.tolist(), found.other.tolist(), found.tags, found.marks)


@settings(max_examples=400)
@given(st.lists(st.lists(FIELDS, max_size=3), max_size=6), st.sampled_from("\t "), st.integers(1, 3), st.data())
def test_at_once_equals_line_by_line(lines: list[list[str]], separator: str, count: int, data: st.DataObject) -> None:
    text = "".join(separator.join(fields) + "\n" for fields in lines)
    text = "".join("\n" if not line.strip() else line for line in text.splitlines(keepends=True)) if text else "\n"
    words = data.draw(st.integers(0, count - 1))
    tags = data.draw(st.sampled_from([None, *(column for column in range(count) if column != words)]))
    columns = Columns(Layout(separator, count, 1.0), words, tags)
    fast = None if rows._may_comment(text) else rows._at_once(1, text, columns)
    try:
        slow = rows._of_lists(1, *rows.by_line(1, text, columns, "made"))
    except DataError:
        assert fast is None
        return
    if fast is not None:
        assert content(fast) == content(slow)


def test_regular_lines_are_read_at_once() -> None:
    columns = Columns(Layout(" ", 3, 1.0), 0, 2)
    found = rows._at_once(7, "a X O\n\n\né Y B-P\n-DOCSTART- -X- O\nb Z I-P\n", columns)
    assert found is not None
    assert content(found) == (7, "a é b ", [1, -1, -1, 1, -1, 1], [3, 5], ["B-P", "I-P"], {4: ""})


@pytest.mark.parametrize("kept", [0, 1 << 20])
@pytest.mark.parametrize("block", [1, 2, 3, 7, 64, 1 << 16])
def test_the_size_of_blocks_does_not_show(block: int, kept: int, monkeypatch: pytest.MonkeyPatch) -> None:
    text = "-DOCSTART- O\n\nAda B-PER\nis O\n\n \t\nBob B-PER\nRay I-PER\n\n\n\n-DOCSTART- O\n\nd O\n\n漢 B-LOC\n"
    whole = list(datasets.get("conll").read(Source.of(text)))
    monkeypatch.setattr(files, "BLOCK", block)
    monkeypatch.setattr(rows, "KEPT", kept)
    assert list(datasets.get("conll").read(Source.of(text))) == whole
    assert [document.words for document in whole] == [("Ada", "is", "Bob", "Ray"), ("d", "漢")]


def test_a_table_is_read_again_where_it_is_too_large_to_keep(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "KEPT", 3)
    table = Table(Source.of("a O\n\nb O\n"), Columns(Layout(" ", 2, 1.0), 0, 1))
    assert [content(each) for each in table] == [content(each) for each in table]
    assert table._kept is None


def test_a_sentence_without_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "LONGEST", 20)
    monkeypatch.setattr(files, "BLOCK", 8)
    with pytest.raises(DataError, match=r"made:3: a sentence of more than .* no blank line"):
        list(rows.parts(Source.of("a O\n\n" + "b O\n" * 20)))


def test_lengths_are_of_characters() -> None:
    columns = Columns(Layout("\t", 2, 1.0), 0, 1)
    found = rows._at_once(1, "漢字\tO\n😀\tB-X\n", columns)
    assert found is not None and np.array_equal(found.lengths, [2, 1]) and found.text == "漢字 😀 "


@settings(max_examples=300)
@given(st.sampled_from(list(SCHEMES)), st.sampled_from(REPAIRS), st.booleans(), st.data())
def test_mentions_of_any_sequence_are_those_of_the_scheme(
    name: str, repair: str, marked: bool, data: st.DataObject
) -> None:
    scheme = SCHEMES[name]
    tag = st.sampled_from(scheme.tagset(["X", "Y-Z"]))
    sentences = data.draw(st.lists(st.lists(tag, min_size=1, max_size=7), min_size=1, max_size=4))
    mark = "-DOCSTART-\tO\n\n" if marked else ""
    text = mark + "\n".join("".join(f"w{at}\t{tag}\n" for at, tag in enumerate(tags)) for tags in sentences)
    options = {"separator": "tab", "token_column": 0, "tag_column": 1, "scheme": name, "repair": repair}
    documents = list(datasets.get("conll").read(Source.of(text), **options))
    found = []
    for document in documents:
        begins = list(document.tokens.starts)
        ends = list(document.tokens.ends)
        for first, last in document.sentences:
            inside = [span for span in document.spans if begins[first] <= span.start < ends[last - 1]]
            found.append([(begins.index(s.start) - first, ends.index(s.end) + 1 - first, s.label) for s in inside])
    assert found == [[tuple(span) for span in scheme.spans(tags, repair)] for tags in sentences]
