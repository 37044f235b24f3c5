"""Our JSON Lines: everything survives, and no damaged line is read."""

from __future__ import annotations

import json
from typing import Any

import pytest
from dataset_cases import CHARACTERS, content, reread, written
from hypothesis import given
from hypothesis import strategies as st

from onoma.document import Document, Span, Token
from onoma.exceptions import DataError

GOOD: dict[str, Any] = {
    "id": "a",
    "text": "Ada ran",
    "spans": [{"start": 0, "end": 3, "label": "PER", "text": "Ada"}],
    "tokens": [[0, 3], [4, 7]],
    "sentences": [[0, 2]],
}


@st.composite
def any_documents(draw: st.DrawFn) -> Document:
    """A document with any spans at all: nested, crossing, discontinuous, cutting tokens."""
    text = draw(st.text(CHARACTERS + "\n\0", max_size=20))
    cuts = sorted(draw(st.sets(st.integers(0, len(text)), max_size=8)))
    tokens = tuple(Token(a, b) for a, b in zip(cuts[::2], cuts[1::2], strict=False))
    middle = draw(st.integers(0, len(tokens)))
    bounds = [(0, middle), (middle, len(tokens))]
    spans = []
    for _ in range(draw(st.integers(0, 4))):
        places = sorted(draw(st.sets(st.integers(0, len(text)), min_size=4, max_size=4))) if len(text) > 3 else []
        if not places:
            break
        score = draw(st.none() | st.floats(0, 1))
        fragments = ((places[0], places[1]), (places[2], places[3])) if draw(st.booleans()) else ()
        spans.append(Span(places[0], places[3], draw(st.text(CHARACTERS, min_size=1, max_size=3)), score, fragments))
    sentences = tuple(each for each in bounds if each[0] < each[1])
    return Document("1", text, tokens, sentences, tuple(spans), {"source": draw(st.text(CHARACTERS))})


@given(any_documents())
def test_every_document_survives(document: Document) -> None:
    (again,) = reread(written([document], "jsonl"), "jsonl")
    assert content(again) == content(document)
    assert again.meta == document.meta


def test_a_line_is_one_line_and_readable() -> None:
    document = Document("ä", "x\u2028\n漢", spans=(Span(0, 1, "X", 0.5),))
    text = written([document], "jsonl")
    assert text.count("\n") == 1 and "漢" in text and text.endswith("\n")
    assert json.loads(text)["spans"] == [{"start": 0, "end": 1, "label": "X", "text": "x", "score": 0.5}]
    assert "tokens" not in json.loads(text)


def change(**parts: Any) -> str:
    return json.dumps({key: value for key, value in {**GOOD, **parts}.items() if value is not ...})


def span(**parts: Any) -> str:
    whole = {**GOOD["spans"][0], **parts}
    return change(spans=[{key: value for key, value in whole.items() if value is not ...}])


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (change()[:-5], "ends in the middle"),
        ("x", "not JSON"),
        ("[1]", "a JSON list, not an object"),
        (change(id=...), "key 'id' is missing"),
        (change(text=...), "key 'text' is missing"),
        (change(spans=...), "key 'spans' is missing"),
        (change(id=3), "'id' is not a string"),
        (change(extra=1), "unknown key 'extra'"),
        (change(problems=[]), "read_predictions"),
        (change(spans={}), "'spans' is not a list"),
        (change(spans=[1]), r"spans\[0\] is not an object"),
        (change(tokens=[[0, 3], [2, 7]]), "overlaps"),
        (change(tokens=[[0, 3], [4, 9]]), "outside"),
        (change(tokens=[[0, True], [4, 7]]), "not a whole number"),
        (change(tokens=[[0.0, 3], [4, 7]]), "not a whole number"),
        (change(tokens=[[0], [4, 7]]), "not a pair"),
        (change(sentences=[[0, 1]]), "sentences end at token 1 of 2"),
        (change(sentences=[[1, 2]]), "does not continue"),
        (change(meta=[]), "'meta' is not an object"),
        (span(start=1), "is 'da' in the text, but says 'Ada'"),
        (span(end=8), "outside the text of 7"),
        (span(end=0), "empty"),
        (span(start=False), "not a whole number"),
        (span(start=0.0), "not a whole number"),
        (span(end="3"), "not a whole number"),
        (span(label=...), "no key 'label'"),
        (span(text=...), "no key 'text'"),
        (span(label=""), "no label"),
        (span(score=True), "not a number"),
        (span(score="1"), "not a number"),
        (span(type="x"), "unknown key 'type'"),
        (span(fragments=[[0, 1], [1, 3]]), "fragments"),
        (span(fragments=[[0, 1], [2, 3]]), "is 'A a' in the text"),
        (change(text="\ud800da ran"), "half a surrogate pair"),
        (span(score=0.5).replace("0.5", "NaN"), "no JSON number"),
        ("[" * 100_000, "not JSON"),
    ],
)
def test_damaged_lines_are_named(line: str, message: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        reread(f"\n{change(id='first')}\n{line}\n", "jsonl")
    assert caught.value.line == 3 and caught.value.path == "made"


def test_an_id_comes_once() -> None:
    with pytest.raises(DataError, match="made:2: document id 'a' stands already in line 1"):
        reread(f"{change()}\n{change()}\n", "jsonl")


def test_meta_that_json_cannot_hold_is_refused() -> None:
    with pytest.raises(DataError, match="cannot be written as JSON"):
        written([Document("1", "x", meta={"a": {1, 2}})], "jsonl")


def test_a_file_of_blank_lines_is_no_data() -> None:
    with pytest.raises(DataError, match="no document"):
        reread("\n\n", "jsonl")
