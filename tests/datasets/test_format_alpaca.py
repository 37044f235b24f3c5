"""Instruction records: five forms of answers, each read exactly or refused."""

from __future__ import annotations

import io
import json
import logging
from typing import Any

import pytest
from dataset_cases import corpus, needs_corpora, numbered
from hypothesis import given
from hypothesis import strategies as st

from onoma import datasets
from onoma.datasets.alpaca import Alpaca
from onoma.datasets.answers import ANSWERS, read_answer, write_answer
from onoma.datasets.files import Source
from onoma.datasets.recognise import recognise
from onoma.document import Document, Span
from onoma.exceptions import ConfigError, DataError

TEXT = "Ada of Ada Bay met Bo"
NESTED = Document("1", TEXT, spans=(Span(7, 14, "LOC"), Span(7, 10, "PER"), Span(0, 3, "PER"), Span(19, 21, "PER")))
WRITTEN = {
    "brackets": "[Ada | PER] of [[Ada | PER] Bay | LOC] met [Bo | PER]",
    "xml": "<PER>Ada</PER> of <LOC><PER>Ada</PER> Bay</LOC> met <PER>Bo</PER>",
    "grouped_json": '{"PER": ["Ada", "Ada", "Bo"], "LOC": ["Ada Bay"]}',
    "occurrence_json": '[{"text": "Ada", "label": "PER", "occurrence_index": 1}, '
    '{"text": "Ada Bay", "label": "LOC", "occurrence_index": 1}, '
    '{"text": "Ada", "label": "PER", "occurrence_index": 2}, {"text": "Bo", "label": "PER", "occurrence_index": 1}]',
    "offset_json": '[{"text": "Ada", "label": "PER", "start": 0, "end": 3}, '
    '{"text": "Ada Bay", "label": "LOC", "start": 7, "end": 14}, '
    '{"text": "Ada", "label": "PER", "start": 7, "end": 10}, {"text": "Bo", "label": "PER", "start": 19, "end": 21}]',
}


def out(documents: list[Document], **options: Any) -> str:
    handle = io.StringIO(newline="\n")
    Alpaca().write(documents, handle, **options)
    return handle.getvalue()


def back(text: str, **options: Any) -> list[Document]:
    return list(Alpaca().read(Source.of(text), **options))


def places(spans: Any) -> list[tuple[Any, ...]]:
    return sorted((span.start, span.end, span.label, span.fragments) for span in spans)


@st.composite
def any_documents(draw: st.DrawFn) -> Document:
    """Text full of the marks of all forms, with any spans: nested, crossing, repeated, discontinuous."""
    marks = st.sampled_from(["a", "b", " ", "\n", "\u2028", "[", "]", " | X]", "<X>", "</X>", "\\", '"', "{}", "\0"])
    text = "".join(draw(st.lists(marks, max_size=9)))
    spans = []
    for _ in range(draw(st.integers(0, 3)) if len(text) > 3 else 0):
        a, b, c, d = sorted(draw(st.sets(st.integers(0, len(text)), min_size=4, max_size=4)))
        fragments = ((a, b), (c, d)) if draw(st.integers(0, 9)) == 0 else ()
        spans.append(Span(a, d, draw(st.sampled_from(["X", "a b", "[", "O"])), fragments=fragments))
    return Document("1", text, spans=tuple(spans))


@pytest.mark.parametrize("answer", ANSWERS)
@given(documents=st.lists(any_documents(), min_size=1, max_size=2).map(numbered))
def test_a_document_survives_or_its_losses_are_named(answer: str, documents: list[Document]) -> None:
    if any(Alpaca().losses(each, answer) for each in documents):
        with pytest.raises(DataError, match=f"cannot be written as alpaca with {answer}"):
            out(documents, answer=answer)
        out(documents, answer=answer, lossy=True)
        return
    for layout in ("array", "lines"):
        again = back(out(documents, answer=answer, layout=layout), answer=answer)
        assert [(each.id, each.text, places(each.spans)) for each in again] == [
            (each.id, each.text, places(each.spans)) for each in documents
        ]


@pytest.mark.parametrize("answer", ["offset_json", "occurrence_json"])
@given(any_documents())
def test_two_forms_hold_all_but_pieces(answer: str, document: Document) -> None:
    whole = document.with_spans(span for span in document.spans if not span.fragments)
    assert Alpaca().losses(whole, answer) == []


@given(st.sampled_from(["brackets", "xml"]), any_documents(), st.text("ab[]|<>/X \n", max_size=12))
def test_an_inline_answer_without_its_marks_is_the_input(answer: str, document: Document, said: str) -> None:
    try:
        spans, _ = read_answer(answer, document.text, said)
    except DataError:
        return
    assert write_answer(answer, document.text, spans) == said


@pytest.mark.parametrize("answer", ANSWERS)
def test_each_form_looks_like_the_published_one(answer: str) -> None:
    made = json.loads(out([NESTED], answer=answer))[0]
    assert (made["input"], made["output"]) == (TEXT, WRITTEN[answer])
    assert made["instruction"].startswith("Find the named entities of the types LOC, PER in the text")
    (again,) = back(json.dumps([made]))  # the form is found out
    assert places(again.spans) == places(NESTED.spans) and again.meta["answer"] == answer
    assert Alpaca().decide(Source.of(json.dumps(made))).options == {"answer": answer}


def test_grouped_answers_name_every_label_and_count_what_they_leave_open(caplog: pytest.LogCaptureFixture) -> None:
    document = Document("1", "Bo met Bo", spans=(Span(7, 9, "PER"),))
    assert Alpaca().losses(document, "grouped_json") == ["span PER [7:9] 'Bo' would be read elsewhere"]
    assert json.loads(json.loads(out([NESTED], answer="grouped_json", labels=["ORG"]))[0]["output"])["ORG"] == []
    record = {"instruction": "x", "input": "Bo met Bo", "output": '{"PER": ["Bo"], "LOC": []}'}
    with caplog.at_level(logging.WARNING, "onoma"):
        assert back(json.dumps(record))[0].spans == (Span(0, 2, "PER"),)
    assert "1 ambiguous place(s)" in caplog.text
    two = Document("1", "Bo met Bo", spans=(Span(0, 2, "PER"), Span(7, 9, "LOC")))
    assert Alpaca().losses(two, "grouped_json") == []
    assert read_answer("grouped_json", "Bo", '{"A": ["Bo"], "B": ["Bo"]}') == ([Span(0, 2, "A"), Span(0, 2, "B")], 2)


@pytest.mark.parametrize(
    ("answer", "text", "said", "spans", "choices"),
    [
        ("brackets", "IL [a] x", "[IL [a] x | DNA]", [Span(0, 8, "DNA")], 0),
        ("brackets", "[a | X]", "[a | X]", [], 0),
        ("brackets", "[a | X]", "[[a | X] | X]", [Span(1, 7, "X")], 2),
        ("xml", "a <b> c", "a <b><X><b></X> c", None, 0),
        ("xml", "a <b> c", "a <X><b></X> c", [Span(2, 5, "X")], 0),
        ("xml", "p < q", "<X>p</X> < q", [Span(0, 1, "X")], 0),
        ("xml", "ab", "<X>a<Y>b</X></Y>", None, 0),
        ("xml", "ab", "<X>a</X>b<X></X>", None, 0),
        ("brackets", "ab", "[a | X] b", None, 0),
        ("brackets", "ab", "[a | X", None, 0),
        ("brackets", "ab", "[a|X]b", None, 0),
        ("brackets", "ab", "a | X]b", None, 0),
    ],
)
def test_inline_marks_are_told_from_text(
    answer: str, text: str, said: str, spans: list[Span] | None, choices: int
) -> None:
    if spans is None:
        with pytest.raises(DataError, match="without its marks is not the input"):
            read_answer(answer, text, said)
    else:
        assert read_answer(answer, text, said) == (spans, choices)


@pytest.mark.parametrize("answer", ["brackets", "xml"])
def test_hostile_inline_answers_end(answer: str) -> None:
    for mark in ("[", "<X>", " | X]", "</X>"):
        with pytest.raises(DataError):
            read_answer(answer, mark * 1_000, mark * 1_001)
        with pytest.raises(DataError):
            read_answer(answer, "", mark * 20_000)


def item(**parts: Any) -> str:
    made = {"text": "Ada", "label": "PER", "start": 0, "end": 3, **parts}
    return json.dumps([{key: value for key, value in made.items() if value is not ...}])


@pytest.mark.parametrize(
    ("answer", "said", "message"),
    [
        ("offset_json", "[", "is not JSON"),
        ("offset_json", "[" * 100_000, "is not JSON"),
        ("offset_json", "{}", "not a JSON array"),
        ("offset_json", "[1]", r"answer\[0\] is not an object"),
        ("offset_json", item(start=1), "is 'da' in the input, but says 'Ada'"),
        ("offset_json", item(end=99), "outside the text of 21"),
        ("offset_json", item(end=0), "empty"),
        ("offset_json", item(start=True), "not a whole number"),
        ("offset_json", item(start=0.0), "not a whole number"),
        ("offset_json", item(start=...), "no key 'start'"),
        ("offset_json", item(text=...), "no key 'text'"),
        ("offset_json", item(text=1), "is not a string"),
        ("offset_json", item(label=...), "has no label"),
        ("offset_json", item(label=""), "empty label"),
        ("offset_json", item(label="\ud800"), "half a surrogate pair"),
        ("offset_json", item(type="PER"), "both a label and a type"),
        ("offset_json", item(score=1), "unknown key 'score'"),
        ("offset_json", item().replace('"end"', '"start"'), "has the key 'start' twice"),
        ("offset_json", item(start=0.5).replace("0.5", "NaN"), "no JSON number"),
        ("occurrence_json", item(start=..., end=...), "no key 'occurrence_index'"),
        ("occurrence_json", item(start=..., end=..., occurrence=3), r"stands 2 time\(s\) in the input, not 3"),
        ("occurrence_json", item(start=..., end=..., occurrence=0), "not 0"),
        ("occurrence_json", item(start=..., end=..., occurrence=True), "not a whole number"),
        ("occurrence_json", item(start=..., end=..., text=""), "is empty"),
        ("grouped_json", "[]", "not a JSON object"),
        ("grouped_json", '{"PER": "Ada"}', "is not a list"),
        ("grouped_json", '{"PER": [1]}', "is not a string"),
        ("grouped_json", '{"PER": ["Eve"]}', "PER 'Eve' is not in the input$"),
        ("grouped_json", '{"PER": ["Bo", "Bo"]}', r"not in the input more than 1 time\(s\)"),
        ("grouped_json", '{"PER": [], "PER": ["Ada"]}', "has the key 'PER' twice"),
        ("grouped_json", '{"": ["Ada"]}', "empty label"),
    ],
)
def test_damaged_answers_are_named(answer: str, said: str, message: str) -> None:
    rows = [{"instruction": "x", "input": TEXT, "output": "[]" if answer != "grouped_json" else "{}"}]
    rows.append({**rows[0], "output": said})
    with pytest.raises(DataError, match=message) as caught:
        back("\n".join(map(json.dumps, rows)), answer=answer)
    assert caught.value.line == 2 and caught.value.path == "made"


def test_type_and_occurrence_are_known_by_both_names() -> None:
    said = '[{"text": "a", "type": "X", "occurrence": 2}]'
    assert read_answer("occurrence_json", "aaa", said)[0] == [Span(1, 2, "X")]
    assert read_answer("occurrence_json", "aaa", said.replace('"a"', '"aa"'))[0] == [Span(1, 3, "X")]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"input": ...}, "key 'input' is missing"),
        ({"input": 1}, "'input' is not a string"),
        ({"input": "\udc00"}, "half a surrogate pair"),
        ({"output": ...}, "key 'output' is missing"),
        ({"output": []}, "'output' is not a string"),
        ({"id": True}, "'id' is not a string"),
    ],
)
def test_damaged_records_are_named_or_dropped(
    change: dict[str, Any], message: str, caplog: pytest.LogCaptureFixture
) -> None:
    good = {"instruction": "x", "input": TEXT, "output": item()}
    bad = {key: value for key, value in {**good, **change}.items() if value is not ...}
    text = "[\n" + ",\n".join(map(json.dumps, (good, bad, good))) + "]"
    with pytest.raises(DataError, match=message) as caught:
        back(text)
    assert caught.value.line == 3 and caught.value.path == "made"
    with caplog.at_level(logging.WARNING, "onoma"):
        assert [each.id for each in back(text, on_error="drop")] == ["1", "3"]
    assert "1 record(s) dropped, first: made:3: " in caplog.text
    with pytest.raises(DataError, match="a comma where"):
        back(text.replace("[\n", "[,"), on_error="drop")


def test_ids_come_once() -> None:
    rows = [
        {"instruction": "x", "input": "a", "output": "[]", "id": "2"},
        {"instruction": "x", "input": "a", "output": "[]"},
    ]
    with pytest.raises(DataError, match="made:2: document id '2' stands already in line 1"):
        back("\n".join(map(json.dumps, rows)))


def test_the_form_must_be_known_and_found() -> None:
    for options in ({"answer": "x"}, {"on_error": "x"}):
        with pytest.raises(ConfigError, match="is unknown"):
            back("{}", **options)
    for options in ({"answer": "x"}, {"layout": "x"}, {"labels": "PER"}):
        with pytest.raises(ConfigError):
            out([NESTED], **options)
    record = {"instruction": "Sum up.", "input": "long text", "output": "short"}
    with pytest.raises(DataError, match="in none of the forms"):
        back(json.dumps(record))
    assert back(json.dumps({**record, "output": "[]"}))[0].meta["answer"] == "offset_json"
    assert back(json.dumps({**record, "output": "long text"}))[0].spans == ()


def test_the_instruction_is_kept_where_it_asks_for_the_same_answer() -> None:
    record = {"instruction": "Mine", "input": TEXT, "output": item(), "system": "s"}
    documents = back(json.dumps(record))
    (made,) = json.loads(out(documents))
    assert made == {"id": "1", **record}
    assert json.loads(out(documents, answer="xml"))[0]["instruction"].endswith("<TYPE>entity</TYPE>.")
    assert json.loads(out(documents, instruction="{labels}!"))[0]["instruction"] == "PER!"
    assert out([]) == "[]\n" and out([], layout="lines") == ""


def test_the_format_is_recognised_by_its_keys() -> None:
    formats = {"jsonl": datasets.get("jsonl"), "conll": datasets.get("conll"), "alpaca": Alpaca()}
    assert recognise(Source.of(out([NESTED])), None, formats) == "alpaca"
    assert recognise(Source.of(out([NESTED], layout="lines")), "jsonl", formats) == "alpaca"


@needs_corpora
@pytest.mark.parametrize("answer", ["brackets", "xml", "occurrence_json", "offset_json"])
def test_a_nested_corpus_survives(answer: str) -> None:
    lines = corpus("genia_nested", "test.jsonlines").read_text(encoding="utf-8").splitlines()
    documents = []
    for row in map(json.loads, lines[:400]):
        flat = Document.from_words([row["tokens"]], id=str(len(documents)))
        tokens = flat.tokens
        spans = [
            Span(tokens[e["start"]].start, tokens[e["end"] - 1].end, e["entity_type"]) for e in row["entity_mentions"]
        ]
        documents.append(flat.with_spans(spans))
    again = back(out(documents, answer=answer))
    assert [places(each.spans) for each in again] == [places(each.spans) for each in documents]
