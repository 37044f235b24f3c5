"""The JSON of Prodigy, doccano and Label Studio: what they hold survives, the rest is refused, the unit is checked."""

from __future__ import annotations

import io
import json
import logging
from typing import Any

import pytest
from dataset_cases import CHARACTERS, content
from hypothesis import given, settings
from hypothesis import strategies as st

from onoma.datasets import get
from onoma.datasets.doccano import Doccano
from onoma.datasets.files import Source
from onoma.datasets.label_studio import LabelStudio
from onoma.datasets.prodigy import Prodigy
from onoma.datasets.recognise import recognise
from onoma.document import Document, Span, Token, Tokens
from onoma.exceptions import ConfigError, DataError, OnomaError

Tool = Prodigy | Doccano | LabelStudio
TOOLS: list[Tool] = [Prodigy(), Doccano(), LabelStudio()]
BY_NAME = {tool.name: tool for tool in TOOLS}
EMOJI = "😀e\u0301 Ada ran"
ADA = {"code_point": (4, 7), "utf16": (5, 8), "grapheme": (3, 6)}


@st.composite
def any_documents(draw: st.DrawFn) -> Document:
    """A document with any spans at all: nested, crossing, discontinuous, cutting tokens; scores and meta."""
    text = draw(st.text(CHARACTERS + "\n\0", max_size=14))
    cuts = sorted(draw(st.sets(st.integers(0, len(text)), max_size=8)))
    tokens = Tokens.of(Token(a, b) for a, b in zip(cuts[::2], cuts[1::2], strict=False))
    middle = draw(st.integers(0, len(tokens)))
    sentences = tuple((a, b) for a, b in ((0, middle), (middle, len(tokens))) if a < b)
    spans = []
    for _ in range(draw(st.integers(0, 4)) if len(text) > 3 else 0):
        a, b, c, d = sorted(draw(st.sets(st.integers(0, len(text)), min_size=4, max_size=4)))
        score = draw(st.none() | st.floats(0, 1))
        label = draw(st.text(CHARACTERS, min_size=1, max_size=3))
        spans.append(Span(a, d, label, score, ((a, b), (c, d)) if draw(st.integers(0, 3)) == 0 else ()))
    meta = draw(st.just({}) | st.just({"source": "x", "n": [1]}))
    id = draw(st.sampled_from(["7", "07", "a b", "", "9" * 20]))
    return Document(id, text, tokens, sentences, tuple(spans), meta)


def written(tool: Tool, documents: list[Document], **options: Any) -> str:
    handle = io.StringIO(newline="\n")
    tool.write(documents, handle, **options)
    return handle.getvalue()


def reread(tool: Tool, text: str, **options: Any) -> list[Document]:
    return list(tool.read(Source.of(text), **options))


def rows(*records: dict[str, Any]) -> str:
    return "\n".join(map(json.dumps, records)) + "\n"


def held(tool: Tool, document: Document) -> Document:
    """A document with what the docstring of the format says it keeps."""
    if tool.name == "prodigy":
        return document
    spans = document.spans
    if tool.name == "doccano":
        spans = tuple(Span(span.start, span.end, span.label) for span in spans)
    return Document(document.id, document.text, spans=spans, meta=document.meta)


@pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool.name)
@settings(max_examples=120)
@given(document=any_documents())
def test_a_round_trip_holds_or_a_loss_is_listed(tool: Tool, document: Document) -> None:
    lost = any(span.fragments for span in document.spans)
    assert bool(tool.losses(document)) == lost
    if lost:
        with pytest.raises(DataError, match="is discontinuous"):
            written(tool, [document])
        document = document.with_spans(span for span in document.spans if not span.fragments)
        spans = [*document.spans, Span(0, 3, "X", fragments=((0, 1), (2, 3)))]
        (again,) = reread(tool, written(tool, [document.with_spans(spans)], lossy=True))
    else:
        (again,) = reread(tool, written(tool, [document]))
    assert content(again) == content(held(tool, document))
    assert {key: value for key, value in again.meta.items() if key != tool.name} == document.meta
    twice = reread(tool, written(tool, [again]))
    assert content(twice[0]) == content(again) and twice[0].meta == again.meta


@pytest.mark.parametrize("unit", ["code_point", "utf16", "grapheme"])
@pytest.mark.parametrize("tool", TOOLS[1:], ids=lambda tool: tool.name)
def test_units_go_there_and_back(tool: Tool, unit: str) -> None:
    document = Document("1", EMOJI, spans=(Span(4, 7, "PER"),))
    text = written(tool, [document], offset_unit=unit)
    assert (str(ADA[unit][0]) in text) and str(ADA[unit][1]) in text
    assert reread(tool, text, offset_unit=unit)[0].spans == document.spans
    with pytest.raises(ConfigError, match="offset_unit"):
        reread(tool, text, offset_unit="bytes")
    cut = Document("1", EMOJI, spans=(Span(1, 2, "X"),))
    if unit == "grapheme":
        with pytest.raises(DataError, match="document '1': offset 2 lies inside a grapheme cluster"):
            written(tool, [cut], offset_unit=unit)


def test_a_tool_is_known_by_its_keys() -> None:
    others = {"jsonl": get("jsonl"), **BY_NAME}
    document = Document("a", "Ada ran", Tokens([0], [3]), ((0, 1),), (Span(0, 3, "PER"),), {"x": 1})
    for tool in TOOLS:
        assert recognise(Source.of(written(tool, [document])), None, others) == tool.name
    exports = {
        "jsonl": {"id": "a", "text": "x", "spans": [], "tokens": [], "meta": {}},
        "prodigy": {"text": "x", "_input_hash": 1, "_task_hash": 2, "answer": "accept"},
        "doccano": {"id": 1, "text": "x", "entities": [], "relations": [], "Comments": []},
        "label_studio": {"text": "x", "id": 1, "label": [], "annotator": 1, "annotation_id": 1},
    }
    for name, record in exports.items():
        assert recognise(Source.of(rows(record)), None, others) == name


@pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool.name)
@pytest.mark.parametrize("meta", [3, {"spans": 3}, {"spans": [3]}, {"spans": [{"start": 0}]}, {"record": 3, "data": 3}])
def test_meta_of_somebody_else_is_named(tool: Tool, meta: object) -> None:
    with pytest.raises(DataError, match=f"meta\\['{tool.name}'\\] is not what"):
        written(tool, [Document("1", "Ada", spans=(Span(0, 3, "X"),), meta={tool.name: meta})])


# ---------------------------------------------------------------------- Prodigy

TASK: dict[str, Any] = {
    "text": "Ada ran",
    "tokens": [
        {"text": "Ada", "start": 0, "end": 3, "id": 0, "ws": True, "disabled": True},
        {"text": "ran", "start": 4, "end": 7, "id": 1, "ws": False},
    ],
    "spans": [{"start": 0, "end": 7, "label": "PER", "token_start": 0, "token_end": 1, "source": "m", "score": 0.5}],
    "meta": {"page": 3},
    "_input_hash": -12,
    "answer": "accept",
}


def test_a_prodigy_task_reads_as_it_says_and_is_written_back() -> None:
    (document,) = reread(BY_NAME["prodigy"], rows(TASK))
    assert (document.id, list(document.tokens)) == ("1", [Token(0, 3), Token(4, 7)])
    assert document.spans[0].score == 0.5 and document.meta["page"] == 3
    assert json.loads(written(BY_NAME["prodigy"], [document])) == {**TASK, "id": "1"}
    other = json.loads(written(BY_NAME["prodigy"], [document.with_spans([Span(0, 3, "PER")])]))
    assert other["spans"] == [{"start": 0, "end": 3, "label": "PER", "token_start": 0, "token_end": 0}]


def test_only_accepted_tasks_are_gold(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="onoma")
    tasks = [{"text": answer, "answer": answer} for answer in ("accept", "reject", "ignore", "reject")]
    text = rows(*tasks, {"text": "none"})
    assert [(each.id, each.text) for each in reread(BY_NAME["prodigy"], text)] == [("1", "accept"), ("5", "none")]
    assert "ignore 1, reject 2" in caplog.text
    rejected = reread(BY_NAME["prodigy"], text, answers=["reject"])
    assert [each.id for each in rejected] == ["2", "4"]
    assert json.loads(written(BY_NAME["prodigy"], rejected[:1]))["answer"] == "reject"
    for wrong in ("yes", [], 3):
        with pytest.raises(ConfigError, match="answers"):
            reread(BY_NAME["prodigy"], text, answers=wrong)


def task(**parts: Any) -> str:
    return rows({key: value for key, value in {**TASK, **parts}.items() if value is not ...})


def span(**parts: Any) -> str:
    whole = {**TASK["spans"][0], **parts}
    return task(spans=[{key: value for key, value in whole.items() if value is not ...}])


def token(**parts: Any) -> str:
    return task(tokens=[TASK["tokens"][0], {**TASK["tokens"][1], **parts}])


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (task()[:-2], "ends in the middle"),
        (task(text=...), "'text' is missing"),
        (task(text=3), "not a string"),
        (task(text="\ud800da ran"), "half a surrogate pair"),
        (task(answer="yes"), "'answer' is 'yes'"),
        (task(spans={}), "'spans' is not a list"),
        (task(spans=[1]), r"spans\[0\] is not an object"),
        (task(tokens=3), "'tokens' is not a list"),
        (task(id=[]), "'id' is not a string"),
        (task(meta={"prodigy": 1}), "rename it"),
        (span(start=...), "no key 'start'"),
        (span(label=...), "label' is missing"),
        (span(label=""), "no label"),
        (span(end=8), "outside the text of 7"),
        (span(end=3), "is not tokens 0 to 1"),
        (span(token_end=2), "tokens 0 to 2 of 2"),
        (span(token_end="1"), "not a whole number"),
        (span(text="Bob"), "says 'Bob'"),
        (span(score="high"), "not a number"),
        (span(score=10**400), "too large a number"),
        (span(score=True), "not a number"),
        (token(text="run"), "says 'run'"),
        (token(start=None), "not a whole number"),
        (token(end=9), "outside the text of 7"),
        (token(start=2, text="a ran"), "overlaps"),
        (token(id=5), "not its place 1"),
        (task(_sentences=[[0, 1]]), "sentences end at token 1"),
    ],
)
def test_damaged_prodigy_tasks_are_named(line: str, message: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        reread(BY_NAME["prodigy"], rows({"text": "first"}) + line)
    assert (caught.value.path, caught.value.line) == ("made", 2)


@pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool.name)
def test_an_id_comes_once(tool: Tool) -> None:
    record = {"id": 1, "text": "x", "label": [], "data": {"text": "x"}, "annotations": [{"result": []}]}
    record = {key: record[key] for key in record if tool.name == "label_studio" or key not in ("data", "annotations")}
    with pytest.raises(DataError, match="made:2: document id '1' stands already in line 1"):
        reread(tool, rows(record, {**record, "id": "1"}))


# ---------------------------------------------------------------------- doccano


@pytest.mark.parametrize("key", ["label", "labels"])
def test_a_doccano_row_reads_as_it_says_and_is_written_back(key: str) -> None:
    row = {"id": 5, "text": "Ada ran", key: [[0, 3, "PER"], [0, 7, "X"]], "Comments": ["?"], "meta": {"a": 1}}
    (document,) = reread(BY_NAME["doccano"], rows(row))
    assert (document.id, document.spans) == ("5", (Span(0, 3, "PER"), Span(0, 7, "X")))
    assert json.loads(written(BY_NAME["doccano"], [document])) == row
    entities = json.loads(written(BY_NAME["doccano"], [document], shape="entities"))
    assert entities["entities"][1] == {"id": 2, "label": "X", "start_offset": 0, "end_offset": 7}
    with pytest.raises(ConfigError, match="shape"):
        written(BY_NAME["doccano"], [document], shape="spans")


def test_doccano_relations_survive_with_their_entities() -> None:
    entities = [
        {"id": 10, "label": "PER", "start_offset": 0, "end_offset": 3},
        {"id": 11, "label": "V", "start_offset": 4, "end_offset": 7},
    ]
    relations = [{"id": 1, "from_id": 10, "to_id": 11, "type": "does"}]
    row = {"id": 1, "text": "Ada ran", "entities": entities, "relations": relations}
    doccano = Doccano()
    (document,) = reread(doccano, rows(row))
    assert json.loads(written(doccano, [document])) == row
    more = document.with_spans([Span(0, 7, "X"), *reversed(document.spans)])
    assert [each["id"] for each in json.loads(written(doccano, [more]))["entities"]] == [12, 11, 10]
    fewer = document.with_spans(document.spans[:1])
    assert doccano.losses(document) == [] and len(doccano.losses(fewer)) == 1
    assert json.loads(written(doccano, [fewer], lossy=True))["relations"] == []
    with pytest.raises(DataError, match="shape=entities"):
        written(doccano, [document], shape="label")


def test_doccano_offsets_are_doubted_where_another_unit_cuts_fewer_words(caplog: pytest.LogCaptureFixture) -> None:
    row = rows({"text": EMOJI, "label": [[4, 7, "PER"]]})
    assert reread(BY_NAME["doccano"], row)[0].spans == (Span(3, 6, "PER"),)
    assert "1 range(s) cut a word" in caplog.text and "offset_unit=code_point" in caplog.text
    caplog.clear()
    assert reread(BY_NAME["doccano"], row, offset_unit="code_point")[0].spans == (Span(4, 7, "PER"),)
    assert reread(BY_NAME["doccano"], rows({"text": "Ada", "label": [[1, 2, "X"]]}))
    assert not caplog.text


def row(**parts: Any) -> str:
    return rows({"text": "Ada 😀 ran", **parts})


def entity(**parts: Any) -> str:
    whole = {"label": "X", "start_offset": 0, "end_offset": 3, **parts}
    return row(entities=[{key: value for key, value in whole.items() if value is not ...}])


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (row(), "no key 'label', 'labels' or 'entities'"),
        (row(label="positive"), "labels of whole texts"),
        (row(label=["positive"]), r"label\[0\] is not \[start, end, label\]"),
        (row(label=[[0, 3]]), "is not .start, end, label"),
        (row(label=[[0, 3, 5]]), "not a string"),
        (row(label=[[0, 3, ""]]), "no label"),
        (row(label=[["0", 3, "X"]]), "not a whole number"),
        (row(label=[[0, True, "X"]]), "not a whole number"),
        (row(label=[[3, 3, "X"]]), "is empty"),
        (row(label=[[-1, 3, "X"]]), "outside the text of 10 UTF-16 units"),
        (row(label=[[0, 11, "X"]]), "outside the text"),
        (row(label=[[0, 5, "X"]]), "inside a surrogate pair .*fits under code_point: pass offset_unit=code_point"),
        (row(label=[{"start": 0, "end": 3, "labels": ["X"]}]), "label_studio"),
        (row(label=[[0, 3, "X"]], entities=[{}]), "under 'label' and under 'entities'"),
        (row(entities=[3]), "is not an object"),
        (entity(label=...), "no key 'label'"),
        (entity(start_offset=...), "no key 'start_offset'"),
        (entity(end_offset=2.5), "not a whole number"),
        (entity(id=[]), "neither a number nor a string"),
        (rows({"text": "a\ud800", "label": []}), "half a surrogate pair"),
        (rows({"label": []}), "'text' is missing"),
    ],
)
def test_damaged_doccano_rows_are_named(line: str, message: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        reread(BY_NAME["doccano"], rows({"data": "first", "label": []}) + line)
    assert (caught.value.path, caught.value.line) == ("made", 2)


def test_ranges_beyond_the_text_name_the_unit_that_fits() -> None:
    text = rows({"text": EMOJI, "label": [[10, 12, "X"]]})
    with pytest.raises(DataError, match="fits under utf16"):
        reread(BY_NAME["doccano"], text, offset_unit="code_point")


# ---------------------------------------------------------------------- Label Studio


def region(start: Any = 0, end: Any = 3, text: Any = "Ada", labels: Any = ("PER",), **parts: Any) -> dict[str, Any]:
    value = {"start": start, "end": end, "text": text, "labels": list(labels) if labels.__class__ is tuple else labels}
    value = {key: each for key, each in value.items() if each is not ...}
    return {"id": "r", "from_name": "ner", "to_name": "t", "type": "labels", "value": value, **parts}


def made(*results: Any, **parts: Any) -> dict[str, Any]:
    return {"id": 3, "data": {"text": "Ada ran"}, "annotations": [{"id": 9, "result": list(results)}], **parts}


def test_a_label_studio_task_reads_as_it_says_and_is_written_back() -> None:
    relation = {"type": "relation", "from_id": "a", "to_id": "b", "direction": "right", "labels": ["does"]}
    first = region(id="a", labels=("PER", "X"), origin="manual", score=0.5)
    second = region(4, 7, "ran", ("V",), id="b")
    choice = {"id": "c", "type": "choices", "from_name": "q", "to_name": "t", "value": {"choices": ["yes"]}}
    whole = made(first, second, relation, choice, project=4, predictions=[])
    whole["data"]["page"] = 7
    whole["annotations"][0]["completed_by"] = 1
    tool = LabelStudio()
    (document,) = reread(tool, json.dumps([whole], indent=1))
    assert (document.id, [(each.label, each.score) for each in document.spans]) == (
        "3",
        [("PER", 0.5), ("X", 0.5), ("V", None)],
    )
    assert json.loads(written(tool, [document])) == [whole]
    fewer = document.with_spans(document.spans[1:2])
    assert len(tool.losses(fewer)) == 1 and tool.losses(document) == []
    (kept,) = json.loads(written(tool, [fewer], lossy=True))
    assert [each.get("id") for each in kept["annotations"][0]["result"]] == ["a", "c"]
    assert kept["annotations"][0]["result"][0]["value"]["labels"] == ["X"]


def test_relations_are_told_apart_by_place_and_many_are_no_matter() -> None:
    gone = [{"type": "relation", "from_id": str(number), "to_id": "r1"} for number in range(20_000)]
    document = Document("1", "Ada ran", spans=(Span(0, 3, "PER"),), meta={"label_studio": {"results": [*gone, 3, {}]}})
    assert len(LabelStudio().losses(document)) == 20_000
    (task,) = json.loads(written(LabelStudio(), [document], lossy=True))
    assert task["annotations"][0]["result"][1:] == [3, {}]


def test_predictions_are_written_and_read_apart() -> None:
    document = Document("x", "Ada ran", spans=(Span(0, 3, "PER", 0.25), Span(4, 7, "V", 0.75)))
    text = written(LabelStudio(), [document], as_predictions=True, model_version="crf", from_name="ner")
    (answer,) = json.loads(text)[0]["predictions"]
    assert (answer["score"], answer["model_version"], answer["result"][0]["from_name"]) == (0.5, "crf", "ner")
    assert content(reread(LabelStudio(), text, predictions=True)[0]) == content(document)
    with pytest.raises(DataError, match="predictions=True"):
        reread(LabelStudio(), text)
    assert written(LabelStudio(), []) == "[]\n"


def test_one_annotation_is_chosen(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="onoma")
    answers = [
        {"result": [region()], "was_cancelled": True},
        {"result": [region(4, 7, "ran")], "completed_by": {"id": 1, "email": "a@b.c"}},
        {"result": [], "completed_by": 2},
    ]
    text = rows(made(annotations=answers), made(id=4, annotations=[answers[0]]))
    tool = LabelStudio()
    with pytest.raises(DataError, match=r"made:1: the task has 2 annotations.*annotation=first"):
        reread(tool, text)
    starts = [4], []
    for options, number in (
        ({"annotation": "first"}, 0),
        ({"annotation": 1}, 1),
        ({"annotation": "1"}, 1),
        ({"annotator": "a@b.c"}, 0),
        ({"annotator": 2}, 1),
    ):
        (document,) = reread(tool, text, **options)
        assert [each.start for each in document.spans] == starts[number]
    assert "for want of an annotation: 1" in caplog.text
    with pytest.raises(DataError, match="none has the number 2"):
        reread(tool, text, annotation=2)
    for wrong in ("last", -1, True):
        with pytest.raises(ConfigError, match="annotation is"):
            reread(tool, text, annotation=wrong)


def test_the_short_form_is_read() -> None:
    ranges = [{"start": 0, "end": 3, "text": "Ada", "labels": ["PER"]}]
    short = {"id": 8, "text": "Ada ran", "label": ranges, "annotator": 1, "lead_time": 2.5, "result": "x"}
    (document,) = reread(LabelStudio(), rows(short))
    assert (document.id, document.spans) == ("8", (Span(0, 3, "PER"),))
    assert document.meta["label_studio"]["data"] == {"annotator": 1, "lead_time": 2.5, "result": "x"}
    with pytest.raises(DataError, match="label_key=ner"):
        reread(LabelStudio(), rows({"text": "Ada ran", "ner": ranges}))
    assert reread(LabelStudio(), rows({"text": "Ada ran", "ner": ranges}), label_key="ner")[0].spans == document.spans
    assert content(reread(LabelStudio(), written(LabelStudio(), [document]))[0]) == content(document)


def test_texts_of_regions_tell_the_unit_and_may_be_escaped() -> None:
    task = made(region(*ADA["utf16"]), data={"text": EMOJI})
    with pytest.raises(DataError, match="holds under utf16: pass offset_unit=utf16"):
        reread(LabelStudio(), rows(task))
    assert reread(LabelStudio(), rows(task), offset_unit="utf16")[0].spans == (Span(4, 7, "PER"),)
    lines = made(region(0, 4, "a\\nb"), region(4, 6, ...), data={"body": "a\r\nb\nc"})
    assert len(reread(LabelStudio(), rows(lines), text_key="body")[0].spans) == 2


@pytest.mark.parametrize(
    ("record", "message"),
    [
        (made(region(text="Bob")), "is 'Ada' in the text, but says 'Bob'"),
        (made(region(end=9)), "outside the text of 7"),
        (made(region(start=...)), "no key 'start'"),
        (made(region(start="/p[1]")), "not a whole number"),
        (made(region(labels="PER")), "labels is not a list"),
        (made(region(labels=[1])), "not a string"),
        (made(region(labels=[""])), "no label"),
        (made(region(text=3)), "not a string"),
        (made(region(score="1")), "not a number"),
        (made(region(score=10**400)), "too large a number"),
        (made(region(type="hypertextlabels")), "of type hypertextlabels"),
        (made(3), r"result\[0\] is not an object"),
        (made(annotations=[{}]), "'result' of the annotation is not a list"),
        (made(annotations=3), "not a list of objects"),
        (made(annotations=[4]), "not a list of objects"),
        (made(data=3), "'data' is not an object"),
        (made(data={"body": "x"}), "data.text' is missing"),
        (made(data={"text": "\ud800"}), "half a surrogate pair"),
        ({"text": "x", "label": 3}, "'label' is not a list"),
        ({"text": "x", "label": [3]}, "is not an object"),
        ({"label": []}, "text' is missing"),
    ],
)
def test_damaged_tasks_are_named(record: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        reread(LabelStudio(), rows(made(id=2), record))
    assert (caught.value.path, caught.value.line) == ("made", 2)


# ---------------------------------------------------------------------- all

SCALARS = st.none() | st.booleans() | st.integers(-2, 9) | st.sampled_from(["Ada", "accept", "labels", "\ud800", ""])
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["start", "end", "labels", "label", "value", "id", "type", "text"]), inner, max_size=5
        )
    ),
    max_leaves=8,
)
KEYS = ["text", "spans", "tokens", "label", "entities", "relations", "data", "annotations", "meta", "id", "_sentences"]


@settings(max_examples=200)
@given(st.dictionaries(st.sampled_from(KEYS), VALUES, max_size=6))
def test_no_row_ends_in_a_traceback(record: dict[str, Any]) -> None:
    for tool in TOOLS:
        try:
            documents = reread(tool, rows(record))
            assert content(reread(tool, written(tool, documents))[0]) == content(documents[0])
        except (OnomaError, UnicodeEncodeError):  # the second from the test's own file of half a surrogate pair
            continue
