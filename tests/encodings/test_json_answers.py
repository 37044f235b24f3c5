"""JSON that models write wrongly, or valid and odd: what is read of it, and what is a problem."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from onoma import Document, Span, encodings
from onoma.datasets import read_predictions, write_predictions

JSON = ["grouped_json", "occurrence_json", "offset_json", "type_queries"]
Told = tuple[list[str], list[tuple[str, str]]]


def told(name: str, source: str, answer: str, labels: tuple[str, ...] = ("LOC",)) -> Told:
    """Surfaces and problems of an answer to the first exchange."""
    document = Document.from_words([source.split(" ")], id="d")
    encoding = encodings.get(name, labels)
    rest = len(encoding.exchanges(document)) - 1
    prediction = encoding.decode(document, [answer, *["[]"] * rest])
    return [document.surface(span) for span in prediction.spans], [
        (each.kind, each.text) for each in prediction.problems
    ]


@pytest.mark.parametrize("name", JSON)
@pytest.mark.parametrize("depth", [40, 500, 900])
def test_deep_json_is_one_malformed_item(name: str, depth: int) -> None:
    for answer in ('[{"a":' + '{"a":' * depth + "1" + "}" * depth + "}]", "[" * depth + "1" + "]" * depth):
        spans, problems = told(name, "Rome", answer)
        assert not spans and [kind for kind, _ in problems] == ["malformed"]


# ---------------------------------------------------------------------- halves of surrogate pairs


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("grouped_json", r"{'LOC': ['\ud83d\ude00']}"),
        ("grouped_json", r'{"LOC": ["\ud83d\ude00"],}'),
        ("type_queries", r"""['\ud83d\ude00']"""),
        ("code_classes", r'[LOC(span="\ud83d\ude00")]'),
    ],
)
def test_halves_of_a_letter_are_joined(name: str, answer: str) -> None:
    assert told(name, "😀 Rome", answer) == (["😀"], [])


def test_halves_of_a_letter_are_joined_where_another_escape_is_wrong() -> None:
    assert told("type_queries", "Rome", r'["\ud83d\ude00 \x"]') == ([], [("ungrounded", "😀 x")])


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("grouped_json", r'{"LOC": ["\ud83d"]}'),
        ("grouped_json", r'{"\ud83d": ["Rome"], "LOC": [["\ud83d"]]}'),
        ("grouped_json", r'{"\ud83d": [1]}'),
        ("grouped_json", r'{"LOC": ["Rome"], "\ud83d"}'),
        ("type_queries", r'["\ud83d", "Rome"]'),
        ("type_queries", r"['\ud83d', 'Rome']"),
        ("occurrence_json", r'[{"text": "\ud83d", "label": "\udc00", "occurrence": 1}, "\ud83d"]'),
        ("code_classes", r'[LOC(span="\ud83d")]'),
    ],
)
def test_problems_with_half_a_letter_can_be_written(tmp_path: Path, name: str, answer: str) -> None:
    document = Document.from_words([["Rome"]], id="d")
    prediction = encodings.get(name, ["LOC"]).decode(document, [answer])
    assert any("\ufffd" in f"{problem.text} {problem.label}" for problem in prediction.problems)
    write_predictions([(document, prediction)], tmp_path / "predictions.jsonl")


@pytest.mark.parametrize("name", [name for name in encodings.ENCODINGS if name != "tags"])
def test_an_answer_with_half_a_letter_can_be_written(tmp_path: Path, name: str) -> None:
    """As it may come from a server whose answer somebody read from JSON."""
    document = Document.from_words([["Ada", "left", "Rome"]], id="d")
    encoding = encodings.get(name, ["LOC", "PER"])
    answers = [
        each.completion
        for each in encoding.encode(document.with_spans([Span(0, 3, "PER"), Span(9, 13, "LOC")])).exchanges
    ]
    changes = ("Rome", "Ro\ud83dme"), ("LOC", "\udfffX"), ("LOC", "LOC\ud83d"), ("O", "\ud83d"), ("left", "\ud83d")
    for old, new in changes:
        for hurt in ([each.replace(old, new) for each in answers], [each + new for each in answers]):
            prediction = encoding.decode(document, hurt)
            write_predictions([(document, prediction)], tmp_path / "predictions.jsonl")
            assert read_predictions(tmp_path / "predictions.jsonl") == [prediction]


# ---------------------------------------------------------------------- quotes


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("type_queries", '["the "Big" one"]'),
        ("grouped_json", '{"LOC": ["the "Big" one"]}'),
        ("occurrence_json", '[{"text": "the "Big" one", "label": "LOC", "occurrence": 1}]'),
        ("offset_json", '[{"text": "the "Big" one", "label": "LOC", "start": 0, "end": 13}]'),
    ],
)
def test_quotes_that_are_not_escaped_are_letters(name: str, answer: str) -> None:
    assert told(name, 'the "Big" one left Rome', answer) == (['the "Big" one'], [])


@pytest.mark.parametrize("answer", ['{"LOC" "Rome"}', '{"LOC": ["Rome"\n"Ada"]}', '{"LOC": ["Rome"\n```\nDone.'])
def test_quotes_end_a_key_and_a_line(answer: str) -> None:
    spans, problems = told("grouped_json", "Rome", answer)
    assert spans == ["Rome"] and {kind for kind, _ in problems} <= {"ungrounded", "truncated"}


# ---------------------------------------------------------------------- which brackets are the answer


ROW = '{"text": "Rome", "label": "LOC", "occurrence": 1}'


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("type_queries", 'The names [LOC] are: ["Rome"]'),
        ("type_queries", 'In [1] and [2] there is: ["Rome"]'),
        ("type_queries", "[Rome]"),
        ("type_queries", '["Rome"] as [asked]'),
        ("occurrence_json", f"Here are the entities [1]: [{ROW}]"),
        ("occurrence_json", f"The form {{}} is: {ROW}"),
        ("grouped_json", 'For {text}: {"LOC": ["Rome"]}'),
        ("grouped_json", 'For {text: any}: {"LOC": ["Rome"]}'),
        ("grouped_json", '{"entities": {"LOC": ["Rome"]}}'),
    ],
)
def test_brackets_of_an_announcement_are_no_answer(name: str, answer: str) -> None:
    assert told(name, "Rome", answer) == (["Rome"], [])


def test_an_announcement_alone_is_a_problem() -> None:
    assert told("grouped_json", "Rome", "For {text} and {more}") == ([], [("malformed", "text")])
    assert told("type_queries", "Rome", '[] as ["Rome"] is none') == ([], [])


def test_each_mention_in_an_object_in_an_object_counts() -> None:
    answer = json.dumps({"entities": {"LOC": ["Rome"], "GOD": ["Mars", "Ada"]}})
    assert told("grouped_json", "Rome", answer) == (["Rome"], [("unknown_label", "Mars"), ("unknown_label", "Ada")])


@pytest.mark.parametrize("name", JSON)
@pytest.mark.parametrize("answer", ["[]", "{}", "```json\n[ ]\n```", "There are none: {}"])
def test_either_brackets_say_that_there_is_no_mention(name: str, answer: str) -> None:
    assert told(name, "Rome", answer) == ([], [])


@pytest.mark.parametrize("name", JSON)
@pytest.mark.parametrize("answer", ["", "I cannot do that."])
def test_no_brackets_are_malformed(name: str, answer: str) -> None:
    assert told(name, "Rome", answer) == ([], [("malformed", answer)])


@pytest.mark.parametrize("name", ["occurrence_json", "offset_json"])
def test_a_list_under_one_key_is_the_list(name: str) -> None:
    encoding = encodings.get(name, ["LOC"])
    document = Document.from_words([["Rome", "beat", "Paris"]]).with_spans([Span(0, 4, "LOC"), Span(10, 15, "LOC")])
    (asked,) = encoding.encode(document).exchanges
    prediction = encoding.decode(document.with_spans([]), [f'{{"entities": {asked.completion}}}'])
    assert prediction.spans == document.spans and not prediction.problems
    assert not encoding.decode(document.with_spans([]), ['{"entities": []}']).problems
