"""Encodings that list mentions by their text: round trips, where a text lies, and broken answers item by item."""

from __future__ import annotations

import json
import random
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from text_documents import LABELS, nested_documents

from onoma import Document, Span, Token, encodings
from onoma.encodings.automata.base import accepts
from onoma.encodings.listed import occurrences
from onoma.encodings.separated import escape, split, unescape
from onoma.encodings.tolerant_json import Pairs, readings
from onoma.exceptions import ConfigError, DataError, MisalignedSpansError

NAMES = [
    "grouped_json",
    "occurrence_json",
    "offset_json",
    "type_queries",
    "entity_list",
    "entity_pairs",
    "code_classes",
]
SURE = {"occurrence_json", "offset_json"}
SAMPLE = Document.from_words([["Rome", "saw", "Ada", "of", "Rome", "."], ["She", "sat"]], id="d").with_spans(
    [Span(9, 20, "PER"), Span(0, 4, "LOC"), Span(16, 20, "LOC")]
)
GOOD = {
    "grouped_json": ['{"LOC": ["Rome", "Rome"], "PER": ["Ada of Rome"]}', "{}"],
    "occurrence_json": [
        '[{"text": "Rome", "label": "LOC", "occurrence": 1}, {"text": "Ada of Rome", "label": "PER", "occurrence": 1}, '
        '{"text": "Rome", "label": "LOC", "occurrence": 2}]', "[]",
    ],
    "offset_json": [
        '[{"text": "Rome", "label": "LOC", "start": 0, "end": 4}, {"text": "Ada of Rome", "label": "PER", "start": 9, '
        '"end": 20}, {"text": "Rome", "label": "LOC", "start": 16, "end": 20}]', "[]",
    ],
    "type_queries": ['["Rome", "Rome"]', '["Ada of Rome"]', "[]", "[]"],
    "entity_list": ["LOC: Rome; PER: Ada of Rome; LOC: Rome", "None"],
    "entity_pairs": ["[Rome](LOC) [Ada of Rome](PER) [Rome](LOC)", ""],
    "code_classes": ['[LOC(span="Rome"), PER(span="Ada of Rome"), LOC(span="Rome")]', "[]"],
}  # fmt: skip


def answered(name: str, first: str, **options: Any) -> tuple[set[Span], list[tuple[str, str]]]:
    """Spans and problems of an answer to the first exchange, and right answers to the others."""
    encoding = encodings.get(name, ["LOC", "PER"], **options)
    prediction = encoding.decode(SAMPLE.with_spans([]), [first, *GOOD[name][1:]])
    return set(prediction.spans), [(problem.kind, problem.text) for problem in prediction.problems]


@pytest.mark.parametrize("name", NAMES)
def test_what_is_written(name: str) -> None:
    encoding = encodings.get(name, ["LOC", "PER"])
    targets = encoding.encode(SAMPLE)
    assert [each.completion for each in targets.exchanges] == GOOD[name]
    assert answered(name, GOOD[name][0]) == (set(SAMPLE.spans), [])


@pytest.mark.parametrize("name", NAMES)
@given(nested_documents(), st.sampled_from([None, 3]))
def test_decode_of_encode_is_the_document_less_what_it_says(name: str, document: Document, most: int | None) -> None:
    encoding = encodings.get(name, LABELS, max_words=most, on_misaligned="drop")
    targets = encoding.encode(document)
    asked = encoding.exchanges(document.with_spans([]))
    assert [(each.source, each.window, each.type) for each in asked] == [
        (each.source, each.window, each.type) for each in targets.exchanges
    ]
    prediction = encoding.decode(document.with_spans([]), [each.completion for each in targets.exchanges])
    lost = [loss.span for loss in targets.losses]
    assert len(lost) == len(set(lost))
    assert set(document.spans) - set(lost) <= set(prediction.spans)
    if not most and name in SURE:
        blank = {span for span in document.spans if not document.surface(span).strip()}
        assert set(lost) <= (blank if name == "occurrence_json" else set())
        assert set(prediction.spans) == set(document.spans) - set(lost)
    assert prediction.raw == tuple(each.completion for each in targets.exchanges)


@pytest.mark.parametrize("name", sorted(set(NAMES) - SURE))
def test_a_text_that_would_be_read_elsewhere_is_a_loss(name: str) -> None:
    second = SAMPLE.with_spans([Span(16, 20, "LOC")])
    with pytest.raises(MisalignedSpansError, match="another place"):
        encodings.get(name, ["LOC", "PER"]).encode(second)
    assert [loss.span for loss in encodings.get(name, ["LOC", "PER"]).losses(second)] == list(second.spans)


@pytest.mark.parametrize("name", sorted(SURE))
def test_numbers_say_which(name: str) -> None:
    second = SAMPLE.with_spans([Span(16, 20, "LOC")])
    encoding = encodings.get(name, ["LOC", "PER"])
    answers = [each.completion for each in encoding.encode(second).exchanges]
    assert encoding.decode(SAMPLE, answers).spans == second.spans


def test_blanks_have_no_occurrence() -> None:
    encoding = encodings.get("occurrence_json", ["LOC"], on_misaligned="drop")
    blank = Span(0, 1, "LOC")
    targets = encoding.encode(Document("d", " a", tokens=(Token(0, 1), Token(1, 2)), spans=(blank,)))
    assert targets.exchanges[0].completion == "[]" and [loss.span for loss in targets.losses] == [blank]


def test_a_word_that_begins_blank_has_an_occurrence() -> None:
    encoding = encodings.get("occurrence_json", ["LOC"], on_misaligned="drop")
    encoding.back = SimpleNamespace()  # the vocabulary loses blanks
    document = Document("d", "a \r0", tokens=(Token(0, 1), Token(2, 4)), spans=(Span(2, 4, "LOC"),))
    (asked,) = encoding.encode(document).exchanges
    assert asked.completion == '[{"text": "\\r0", "label": "LOC", "occurrence": 1}]'
    found = encoding.decode(document, [asked.completion])
    assert found.spans == (Span(3, 4, "LOC"),) and not found.problems


@pytest.mark.parametrize("name", NAMES)
def test_what_cannot_be_written_is_told(name: str) -> None:
    for span, why in {
        Span(0, 3, "ORG"): "is not one of",
        Span(16, 26, "PER"): "no single sentence",
        Span(0, 8, "PER", fragments=((0, 4), (5, 8))): "discontinuous",
        Span(0, 4, "LOC"): "repeats",
    }.items():
        document = SAMPLE.with_spans([*SAMPLE.spans, span])
        with pytest.raises(MisalignedSpansError, match=why):
            encodings.get(name, ["LOC", "PER"]).encode(document)
        (loss,) = encodings.get(name, ["LOC", "PER"], on_misaligned="drop").encode(document).losses
        assert why in loss.why


@pytest.mark.parametrize("name", NAMES)
def test_items_are_judged_one_by_one(name: str) -> None:
    good = GOOD[name][0]
    all_spans = set(SAMPLE.spans)
    by_type = name == "type_queries"
    lower = good.replace("Rome", "rome") if not by_type else '["rome", "Rome"]'
    if name != "offset_json":
        assert answered(name, lower)[0] == all_spans
    spans, problems = answered(name, good.replace("Rome", "Roam", 1))
    assert spans < all_spans and ("ungrounded", "Roam") in problems
    if not by_type:
        spans, problems = answered(name, good.replace("PER", "God", 1))
        assert spans == all_spans - {Span(9, 20, "PER")} and problems == [("unknown_label", "Ada of Rome")]


@pytest.mark.parametrize("name", ["grouped_json", "type_queries", "entity_list", "entity_pairs", "code_classes"])
def test_more_items_than_places_are_ambiguous(name: str) -> None:
    more = {
        "grouped_json": '{"LOC": ["Rome", "Rome", "Rome"], "PER": ["Ada of Rome"]}',
        "type_queries": '["Rome", "Rome", "Rome"]',
        "entity_list": GOOD["entity_list"][0] + "; LOC: Rome",
        "entity_pairs": GOOD["entity_pairs"][0] + " [Rome](LOC)",
        "code_classes": GOOD["code_classes"][0].replace("]", ', LOC(span="Rome")]'),
    }[name]
    assert answered(name, more) == (set(SAMPLE.spans), [("ambiguous", "Rome")])


@pytest.mark.parametrize("texts", [["Rome", "Rome"], ["rome", "rome"], ["ROME", "ROME"]])
def test_case_is_forgiven_where_each_place_of_a_text_is_used(texts: list[str]) -> None:
    encoding = encodings.get("type_queries", ["LOC"])
    found = encoding.decode(Document.from_words([["Rome", "met", "ROME"]], id="d"), [json.dumps(texts)])
    assert set(found.spans) == {Span(0, 4, "LOC"), Span(9, 13, "LOC")} and not found.problems


@pytest.mark.parametrize(
    ("name", "answer", "spans", "problems"),
    [
        ("grouped_json", "none", 0, [("malformed", "none")]),
        ("grouped_json", '```json\n{"LOC": ["Rome",],}\n``` I hope this helps!', 1, []),
        ("grouped_json", '{"LOC": ["Rome"], "LOC": ["Rome"]}', 2, []),
        ("grouped_json", '{"LOC": "Rome", "PER": [null, 3, ["x"]]}', 1, [("malformed", "3"), ("malformed", '["x"]')]),
        ("grouped_json", '{"LOC": ["Rome", "Ro', 1, [("truncated", '{"LOC": ["Rome", "Ro')]),
        ("grouped_json", "{'LOC': ['Rome']}", 1, []),
        ("grouped_json", 'As [asked]: {"LOC": ["Rome"]}', 1, []),
        ("grouped_json", '["Rome", "Ada"]', 0, [("malformed", '"Rome"'), ("malformed", '"Ada"')]),
        ("type_queries", 'in {braces}: ["Rome"]', 2, []),
        ("type_queries", '{"LOC": "Rome"}', 1, [("malformed", '[["LOC", "Rome"]]')]),
        ("type_queries", '["Rome"] {"LOC": "Rome"}', 2, [("malformed", '[["LOC", "Rome"]]')]),
        ("occurrence_json", '{"text": "Rome", "label": "LOC", "occurrence": 2}', 1, []),
        ("occurrence_json", '[{"text": "Rome", "label": "LOC", "occurrence": 3}]', 0, [("ambiguous", "Rome")]),
        ("occurrence_json", '[{"text": "Rome", "label": "LOC", "occurrence": 0}]', 0, [("ambiguous", "Rome")]),
        (
            "occurrence_json", '[{"text": "Rome", "label": "LOC", "occurrence": true}, '
            '{"text": "Rome", "label": "LOC", "occurrence": 1}]', 1,
            [("malformed", '[["text", "Rome"], ["label", "LOC"], ["occurrence", true]]')],
        ),
        ("occurrence_json", '[{"text": "Rome", "label": "LOC", "occurrence": 1}, {"text": "Ro', 1, [("truncated", "")]),
        (
            "occurrence_json", json.dumps([{"text": "Rome", "label": "LOC", "occurrence": 1}] * 2), 1,
            [("duplicate", "Rome")],
        ),
        ("grouped_json", '{"LOC": ["Rome"]}\n{"LOC": ["Rome"]} and [more]', 2, []),
        ("grouped_json", '[{"LOC": ["Rome"]}, 3]', 1, [("malformed", "3")]),
        ("grouped_json", '{"LOC" ["Rome"], "PER": ["x"]}', 1, [("ungrounded", "x")]),
        ("grouped_json", '{"Rome", "Ada"}', 0, [("malformed", "Rome"), ("malformed", "Ada")]),
        (
            "occurrence_json", '{"text": "Rome", "label": "LOC", "occurrence": 1}\n{"text": "Rome", "label": "LOC"}', 1,
            [("malformed", '[["text", "Rome"], ["label", "LOC"]]')],
        ),
        ("type_queries", '["Rome"], ["x"]', 2, [("ungrounded", "x")]),
        ("entity_list", "LOC: Rome; Ada; : x", 1, [("malformed", "Ada"), ("malformed", ": x")]),
        ("entity_list", " none ", 0, [("malformed", "none")]),
        ("entity_pairs", "[Rome](LOC) [Ada](", 1, [("malformed", "[Ada](")]),
        ("entity_pairs", "see [Rome](LOC)!", 1, []),
        (
            "entity_pairs", "[Ada] [Rome](LOC) [x] (y) z](LOC)", 1,
            [("malformed", "[Ada]"), ("malformed", "[x] (y)"), ("malformed", "](LOC)")],
        ),
        ("entity_pairs", "[Ada [Rome](LOC)", 1, [("malformed", "[Ada")]),
        ("entity_pairs", "[Ada(PER) [Rome](LOC)", 1, [("malformed", "[Ada(PER)")]),
        ("entity_pairs", "[Ada](PER [Rome](LOC)", 1, [("malformed", "[Ada](PER")]),
        ("entity_pairs", "[Ada \\[Rome](LOC)", 0, [("ungrounded", "Ada [Rome")]),
        ("code_classes", "result = [LOC(span='Rome'), PER(span=3), LOC()]", 1,
         [("malformed", "PER(span=3)"), ("malformed", "LOC()")]),
        ("code_classes", '[LOC("Rome"), PER(span="Ad', 1, [("truncated", 'PER(span="Ad')]),
        ("code_classes", "__import__('os').system('x')", 0, [("unknown_label", "os"), ("unknown_label", "x")]),
        ("code_classes", '[PER(span="Ada), LOC(span="Rome")]', 1, [("malformed", 'PER(span="Ada)')]),
        ("code_classes", '[LOC(span="Rome"), PER(span="Ada)]', 1, [("malformed", 'PER(span="Ada)]')]),
        ("code_classes", 'found: [LOC[span="x"], LOC(span="Rome")]', 1, [("malformed", 'LOC[span="x"]')]),
        ("code_classes", "nothing", 0, [("malformed", "nothing")]),
        ("code_classes", '[PER(span="Ada ( of', 0, [("truncated", 'PER(span="Ada ( of')]),
        ("code_classes", '[LOC(span="Rome"), LOC(span="Rome"),', 2, [("truncated", "")]),
        ("code_classes", '[LOC(span="Rome"), PER(span="Ada ( of', 1, [("truncated", 'PER(span="Ada ( of')]),
        ("code_classes", 'LOC(span="Rome")', 1, []),
    ],
)  # fmt: skip
def test_broken_answers(name: str, answer: str, spans: int, problems: list[tuple[str, str]]) -> None:
    found, told = answered(name, answer)
    assert len(found) == spans
    assert [kind for kind, _ in told] == [kind for kind, _ in problems]
    assert [text for _, text in told if text] == [
        text or shown for (_, text), (_, shown) in zip(problems, told, strict=True)
    ]


def test_three_readings_of_offsets() -> None:
    off = '[{"text": "Rome", "label": "LOC", "start": 15, "end": 19}]'
    assert answered("offset_json", off) == (set(), [("ungrounded", "Rome")])
    assert answered("offset_json", off, reading="offsets") == ({Span(15, 19, "LOC")}, [])
    assert answered("offset_json", off, reading="repaired") == ({Span(16, 20, "LOC")}, [])
    beyond = off.replace("19", "1900")
    assert answered("offset_json", beyond, reading="offsets") == (set(), [("ungrounded", "Rome")])
    assert answered("offset_json", off.replace("Rome", "Oz"), reading="repaired") == (set(), [("ungrounded", "Oz")])


@pytest.mark.parametrize("name", NAMES)
def test_no_mention_may_be_written_that_would_be_read_longer(name: str) -> None:
    document = Document("d", "e\u0301", tokens=(Token(0, 1), Token(1, 2)))
    encoding = encodings.get(name, ["LOC"])
    if not encoding.grounds:
        return
    (automaton,) = encoding.automata(document)
    whole, cut = (encoding.answer(document.text, [Span(0, end, "LOC")]) for end in (2, 1))
    assert accepts(automaton, whole) and accepts(automaton, cut) == (name == "offset_json")


@pytest.mark.parametrize("name", NAMES)
def test_settings_and_bad_options(name: str) -> None:
    options = {"reading": "repaired"} if name == "offset_json" else {}
    encoding = encodings.get(name, LABELS, on_misaligned="drop", max_words=3, **options)
    assert encodings.get(name, **encoding.settings()).settings() == encoding.settings()
    for bad, why in (({"max_words": 0}, "max_words"), ({"on_misaligned": "no"}, "on_misaligned")):
        with pytest.raises(ConfigError, match=why):
            encodings.get(name, ["PER"], **bad)
    with pytest.raises(DataError, match="1 answers for"):
        encoding.decode(SAMPLE, [""])


@pytest.mark.parametrize("label", ["else", "class", "None", "CO²", "a①"])
def test_a_label_that_no_python_class_may_have(label: str) -> None:
    encoding = encodings.get("code_classes", [label])
    document = SAMPLE.with_spans([Span(0, 4, label)])
    answers = [each.completion for each in encoding.encode(document).exchanges]
    assert encoding.decode(SAMPLE.with_spans([]), answers).spans == document.spans


def test_labels_that_cannot_be_written() -> None:
    for name, labels, why in (
        ("code_classes", ["a b", "a_b"], "one name"),
        ("entity_list", [" a"], "blank"),
        ("entity_pairs", ["a "], "blank"),
    ):
        with pytest.raises(ConfigError, match=why):
            encodings.get(name, labels)
    wanted = "'reading' of the encoding offset_json is 'guess', not one of 'strict', 'offsets'"
    with pytest.raises(ConfigError, match=wanted):
        encodings.get("offset_json", ["PER"], reading="guess")


# ---------------------------------------------------------------------- parts


@given(st.text("abA", max_size=12), st.text("abA", min_size=1, max_size=3))
def test_occurrences_are_all_of_them(source: str, text: str) -> None:
    places = [at for at in range(len(source)) if source.startswith(text, at)]
    if not places:
        places = [at for at in range(len(source)) if source.lower().startswith(text.lower(), at)]
    assert occurrences(source, text) == [(at, at + len(text)) for at in places]


@given(st.lists(st.text("a;:\\ ", max_size=5), min_size=1, max_size=4))
def test_escaped_parts_come_back(parts: list[str]) -> None:
    joined = ";".join(escape(part, ":;") for part in parts)
    assert [unescape(part, ":;") for part in split(joined, ";", ":;")] == parts


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


def plain(value: Any) -> Any:
    """Objects as dictionaries."""
    if isinstance(value, Pairs):
        return {key: plain(each) for key, each in value}
    return [plain(each) for each in value] if isinstance(value, list) else value


@given(st.lists(JSON, max_size=3) | st.dictionaries(st.text(max_size=3), JSON, max_size=3))
def test_whole_json_is_read_as_it_is_even_in_a_fence(value: Any) -> None:
    text = json.dumps(value)
    whole = next(readings(text))
    assert plain(whole.values) == [value] and not whole.mended
    fenced = next(readings(f"Here you are:\n```json\n{text}\n```\n"))
    assert plain(fenced.values) == [value] and fenced.mended and not fenced.truncated and not fenced.lost


@given(st.lists(st.fixed_dictionaries({"a": st.text(max_size=4), "b": st.integers()}), max_size=4), st.data())
def test_of_json_that_is_cut_off_all_whole_objects_are_kept(rows: list[dict[str, Any]], data: st.DataObject) -> None:
    text = json.dumps(rows)
    cut = data.draw(st.integers(1, len(text)))
    whole = sum(len(json.dumps(rows[: number + 1])) - 1 <= cut for number in range(len(rows)))
    reading = next(readings(text[:cut]))
    (kept,) = reading.values
    assert [plain(each) for each in kept][:whole] == rows[:whole]
    assert len(kept) == whole
    assert reading.truncated == (cut < len(text))


@given(st.text(max_size=60) | st.text("[]{}\",:'\\ a1", max_size=60))
def test_any_text_is_read(text: str) -> None:
    for name in NAMES:
        encoding = encodings.get(name, ["LOC", "PER"])
        encoding.decode(SAMPLE, [text] * len(encoding.exchanges(SAMPLE)))


@pytest.mark.parametrize("name", NAMES)
@given(nested_documents(), st.randoms(use_true_random=False))
def test_any_answer_gives_spans_inside_the_text(name: str, document: Document, chance: random.Random) -> None:
    encoding = encodings.get(name, LABELS, on_misaligned="drop")
    answers = []
    for each in encoding.encode(document).exchanges:
        text = each.completion
        cut = sorted(chance.randint(0, len(text)) for _ in range(2))
        odd = chance.choice(["[", "]", "{", '"', "'", ",", ":", ";", "\\", "(", ")", "\0", "\u2028", "", "-1", "null"])
        answers.append(chance.choice([text[: cut[0]], text[: cut[0]] + odd + text[cut[1] :], text * 2, text.upper()]))
    for span in encoding.decode(document, answers).spans:
        assert 0 <= span.start < span.end <= len(document.text) and span.label in LABELS


def test_deep_brackets_end() -> None:
    for endless in ("[" * 100_000, '{"a":' * 100_000):
        (reading,) = readings(endless)
        assert reading.truncated
