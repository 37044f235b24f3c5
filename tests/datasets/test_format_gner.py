"""GNER's files: words and labels come back, and no fault of a generated answer is lost or rewarded."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from dataset_cases import CHARACTERS, LABELS, content, corpus, flat, needs_corpora, numbered, token_documents
from hypothesis import given
from hypothesis import strategies as st

from onoma import datasets, schemes
from onoma.datasets.files import Source
from onoma.datasets.gner import Gner, predictions_of
from onoma.datasets.recognise import recognise
from onoma.datasets.tagged_words import read_answer, write_answer
from onoma.document import Document, Prediction, Problem, Span, Tokens
from onoma.exceptions import ConfigError, DataError

TYPES = ["person", "location", "person (fictional)"]


def out(documents: list[Document], **options: Any) -> str:
    handle = io.StringIO(newline="\n")
    Gner().write(documents, handle, **options)
    return handle.getvalue()


def back(text: str, **options: Any) -> list[Document]:
    return list(Gner().read(Source.of(text), **options))


def record(words: str, prediction: str | None = None, id: object = "7", **parts: Any) -> str:
    instance = {"id": id, "words": words.split(), "labels": ["O"] * len(words.split())}
    instance |= parts.pop("instance", {})
    made = {"dataset": "made", "split": "test", "label_list": TYPES, "instance": instance, **parts}
    if prediction is not None:
        made["prediction"] = prediction
    return json.dumps({key: value for key, value in made.items() if value is not ...}) + "\n"


# ---------------------------------------------------------------------- documents


@st.composite
def any_documents(draw: st.DrawFn) -> Document:
    """A document with any text between its tokens and any spans: nested, crossing, discontinuous, cutting tokens."""
    text = draw(st.text("ab (O)\n\u200b", max_size=12))
    cuts = sorted(draw(st.sets(st.integers(0, len(text)), max_size=8)))
    tokens = Tokens(cuts[: len(cuts) // 2 * 2 : 2], cuts[1::2])
    spans = []
    for _ in range(draw(st.integers(0, 3)) if len(text) > 3 else 0):
        a, b, c, d = sorted(draw(st.sets(st.integers(0, len(text)), min_size=4, max_size=4)))
        spans.append(
            Span(a, d, draw(st.sampled_from(LABELS)), fragments=((a, b), (c, d)) if draw(st.booleans()) else ())
        )
    return Document("1", text, tokens, (), tuple(spans))


@given(st.lists(token_documents(), min_size=1, max_size=3).map(numbered))
def test_flat_documents_survive(documents: list[Document]) -> None:
    assert [content(each) for each in back(out(documents))] == [content(each) for each in documents]


@given(any_documents())
def test_a_document_survives_or_its_losses_are_named(document: Document) -> None:
    if Gner().losses(document):
        with pytest.raises(DataError, match="cannot be written as gner"):
            out([document])
        (again,) = back(out([document], lossy=True))
        assert again.words == document.words
        assert len(again.spans) <= len(document.spans)
    else:
        assert content(back(out([document]))[0]) == content(document)


def test_sentences_are_subparts() -> None:
    document = flat([["Ada", "ran"], ["So", "did", "Bo"]], [(0, 1, "person"), (4, 5, "person")], id="x")
    first, second = (json.loads(line) for line in out([document]).splitlines())
    assert (first["instance"]["subpart"], second["instance"]["subpart"]) == ("1", "2")
    assert second["instance"]["prompt_labels"] == "So(O) did(O) Bo(B-person)"
    assert second["instance"]["instruction_inputs"].endswith("Sentence: So did Bo")
    assert second["label_list"] == ["person"]


def test_the_prompt_is_ours_or_the_users_or_the_files() -> None:
    document = flat([["Ada", "ran"]], [(0, 1, "person")])
    (line,) = out(
        [document], instruction="{labels}? {sentence}", labels=["place"], dataset="d", split="dev"
    ).splitlines()
    made = json.loads(line)
    assert made["instance"]["instruction_inputs"] == "place, person? Ada ran"
    assert (made["dataset"], made["split"], made["label_list"]) == ("d", "dev", ["place", "person"])
    again = out(back(line))
    assert json.loads(again) == made
    renamed = [each.with_spans([Span(0, 3, "other")]) for each in back(line)]
    assert "?" not in json.loads(out(renamed))["instance"]["instruction_inputs"]
    with pytest.raises(ConfigError, match="a list of labels"):
        out([document], labels="place")


def test_a_published_record_is_read() -> None:
    text = record(
        "It is NATO", instance={"labels": ["O", "O", "B-organization"], "subpart": "1"}, negative_boundary=None
    )
    (document,) = back(text)
    assert (document.id, document.spans) == ("7", (Span(6, 10, "organization"),))
    assert document.meta["dataset"] == "made" and "negative_boundary" not in document.meta


def test_labels_are_repaired_as_asked() -> None:
    text = record("a b c", instance={"labels": ["I-x", "O", "B-y"]})
    assert [span.label for span in back(text)[0].spans] == ["x", "y"]
    assert [span.label for span in back(text, repair="strict")[0].spans] == ["y"]
    with pytest.raises(ConfigError, match="repair policy"):
        back(text, repair="x")


def test_ids_of_several_data_sets_are_told_apart() -> None:
    lines = record("a", id="0") + record("b", id="0", dataset="other")
    assert [each.id for each in back(lines)] == ["made/test/0", "other/test/0"]
    assert [each.id for each in back(record("a", id=None) + record("b", id=5))] == ["1", "5"]
    with pytest.raises(DataError, match="made:3: document id '0' stands already in line 1"):
        back(record("a", id="0") + record("b", id="1") + record("c", id="0"))


def test_parts_make_one_document_only_in_a_row() -> None:
    one, two = ({"subpart": "1"}, {"subpart": "2"})
    rows = [record("a b", instance=one), record("c", instance=two), record("d", id="8", instance=two)]
    first, second = back("".join(rows))
    assert (first.text, first.sentences, second.text) == ("a b c", ((0, 2), (2, 3)), "d")
    apart = back(rows[0] + rows[2] + rows[1])
    assert [each.id for each in apart] == ["made/test/7/1", "made/test/8/2", "made/test/7/2"]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (record("a")[:-9], "ends in the middle"),
        (record("a", instance={"labels": []}), "0 labels for 1 words"),
        (record("a", instance={"labels": ["E-x"]}), "neither 'O' nor B-TYPE"),
        (record("a", instance={"labels": ["B-"]}), "neither 'O' nor B-TYPE"),
        (record("a", instance={"labels": [1]}), r"labels\[0\] is not a string"),
        (record("a", instance={"words": "a"}), "'words' is not a list"),
        (record("a", instance={"words": ["\ud800"]}), "half a surrogate pair"),
        (record("a", instance={"words": [""], "labels": ["B-x"]}), "nothing but empty words"),
        (record("a", instance={"id": True}), "'id' is not a string"),
        (json.dumps({"label_list": [], "instance": {}}), "key 'words' is missing"),
        (json.dumps({"label_list": []}), "key 'instance' is missing"),
        (json.dumps({"label_list": [], "instance": 3}), "'instance' is not an object"),
    ],
)
def test_damaged_records_are_named(line: str, message: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        back(f"\n{record('good', id='good')}{line}\n")
    assert caught.value.line == 3 and caught.value.path == "made"


def test_the_format_is_recognised_by_its_keys() -> None:
    formats = {**{name: datasets.get(name) for name in ("jsonl", "conll")}, "gner": Gner()}
    for line in (record("a"), record("a", "a(O)")):
        assert recognise(Source.of(line), "jsonl", formats) == "gner"
    decision = Gner().decide(Source.of(record("a") + record("b", dataset="other")))
    assert decision.format == "gner" and "2 document(s), named by data set" in decision.reason


# ---------------------------------------------------------------------- answers


def said(answer: str, words: str) -> tuple[list[str], list[tuple[int, int, str]], list[tuple[str, str]]]:
    """Tags, mentions and problems that an answer comes to."""
    read = read_answer(answer, words.split(), TYPES)
    problems = [(problem.kind, problem.text) for problem in read.problems]
    return list(read.tags), [(start, end, label) for start, end, label in read.mentions], problems


WRONG = "xx(O) "  # a word that is not in the source: from here on the words are not read off


@pytest.mark.parametrize("before", ["", WRONG])
@pytest.mark.parametrize(
    ("answer", "words", "mentions"),
    [
        ("(B-52)(O) flew(O)", "(B-52) flew", []),
        ("(O)(O) is(O) Bob(B-person)", "(O) is Bob", [(2, 3, "person")]),
        ("(I-95(B-location) )(O)", "(I-95 )", [(0, 1, "location")]),
        ("f(x)(O) ((O) )(O) ()(B-person)", "f(x) ( ) ()", [(3, 4, "person")]),
        ("x(B-52)(O) y(O)(B-person)", "x(B-52) y(O)", [(1, 2, "person")]),
        ("Sauron(B-person (fictional)) rules(O)", "Sauron rules", [(0, 1, "person (fictional)")]),
        ("forces(O).(O) Bob(B-person)?(O)", "forces . Bob ?", [(2, 3, "person")]),
        ("Bob ( B-person ) ran(O)", "Bob ran", [(0, 1, "person")]),
        ("Bob(B-person)\nran(O)", "Bob ran", [(0, 1, "person")]),
        ("New(B-location) York(I-location)", "New York", [(0, 2, "location")]),
        ("New(I-location) York(I-person)", "New York", [(0, 1, "location"), (1, 2, "person")]),
    ],
)
def test_what_can_be_read_is_read(before: str, answer: str, words: str, mentions: list[tuple[int, int, str]]) -> None:
    tags, found, problems = said(before + answer, words)
    assert (found, problems) == (mentions, [])
    assert [tuple(span) for span in schemes.get("BIO").spans(tags)] == mentions


@pytest.mark.parametrize(
    ("answer", "words", "mentions", "problems"),
    [
        ("", "a b", [], [("truncated", "")]),
        ("  ", "a b", [], [("truncated", "")]),
        ("I cannot help with that.", "a b", [], [("malformed", "I cannot help with that.")]),
        ("John(B-person) Smith(I-per", "John Smith", [(0, 1, "person")], [("truncated", "Smith(I-per")]),
        ("John(B-person) Smith(", "John Smith", [(0, 1, "person")], [("truncated", "Smith(")]),
        ("John(B-person) Smi", "John Smith", [(0, 1, "person")], [("truncated", "Smi")]),
        ("Sauron(B-person (fict", "Sauron", [], [("truncated", "Sauron(B-person (fict")]),
        ("a(O) Bob(B-wiz", "a Bob", [], [("truncated", "Bob(B-wiz")]),
        ("the(o) Bob(B-person)", "the Bob", [(1, 2, "person")], [("malformed", "the(o)")]),
        ("the Bob(B-person)", "the Bob", [(1, 2, "person")], [("malformed", "the")]),
        ("Paris(location) is(O) Bob(B-person)", "Paris is Bob", [(2, 3, "person")], [("malformed", "Paris(location)")]),
        ("Bob(B-person)(B-person) ran(O)", "Bob ran", [(0, 1, "person")], [("malformed", "(B-person)")]),
        ("(O) Bob(B-person)", "Bob", [(0, 1, "person")], [("malformed", "(O)")]),
        ("ran(O) I hope this helps", "ran", [], [("malformed", "I hope this helps")]),
        ("Bob(B-Person) ran(O)", "Bob ran", [], [("unknown_label", "Bob")]),
        ("Al(B-elf lord) Bo(I-elf lord) ran(O)", "Al Bo ran", [], [("unknown_label", "Al Bo")]),
        ("Z<unk>rich(B-location) won(O)", "Zürich won", [], [("ungrounded", "Z<unk>rich")]),
        ("New(B-location) -York(I-location)", "New-York", [], [("ungrounded", "New -York")]),
        ("New York(B-location) x(O)", "New York x", [(1, 2, "location")], [("malformed", "New")]),
        # A slip inside a mention leaves one problem, not a shorter mention that may happen to be right.
        ("Nwe(B-location) York(I-location)", "New York", [], [("ungrounded", "Nwe York")]),
        ("Uni(B-location) London(I-location)", "Uni of London", [], [("ungrounded", "Uni London")]),
        ("Bob(B-person) Bob(B-person)", "Bob", [(0, 1, "person")], [("ungrounded", "Bob")]),
    ],
)
def test_each_fault_is_one_problem(
    answer: str, words: str, mentions: list[tuple[int, int, str]], problems: list[tuple[str, str]]
) -> None:
    _, found, faults = said(answer, words)
    assert (found, faults) == (mentions, problems)


def test_a_label_is_kept_with_its_problem() -> None:
    assert read_answer("Bob(B-elf)", ["Bob"], TYPES).problems == (Problem("unknown_label", "Bob", "elf"),)
    assert read_answer("Bob(B-elf)", ["Bob"], TYPES).tags == ("B-elf",)
    assert read_answer("Bo(person)", ["Bo"], TYPES).problems == (Problem("malformed", "Bo(person)", "person"),)
    assert read_answer("Bob(B-elf) a(O)", ["Bob", "a"], []).problems[0].label == "elf"


def test_a_mention_goes_where_its_words_stand_together() -> None:
    tags, mentions, problems = said("Bush(B-person) Jr.(I-person)", "Bush and Bush Jr.")
    assert (tags, mentions, problems) == (["O", "O", "B-person", "I-person"], [(2, 4, "person")], [])
    _, mentions, problems = said("Bush(B-person) and(O) Jr.(B-person) x(I-person)", "Bush and Jr. y Jr. x")
    assert (mentions, problems) == ([(0, 1, "person"), (4, 6, "person")], [])


@st.composite
def tagged(draw: st.DrawFn) -> tuple[list[str], list[str]]:
    words = draw(
        st.lists(st.text(CHARACTERS + "()()OB-", max_size=6) | st.sampled_from(["(O)", "(B-person)"]), max_size=6)
    )
    tags = st.sampled_from(["O", *(f"{prefix}-{label}" for prefix in "BI" for label in TYPES)])
    return words, draw(st.lists(tags, min_size=len(words), max_size=len(words)))


@given(tagged())
def test_any_words_are_read_off(case: tuple[list[str], list[str]]) -> None:
    words, tags = case
    read = read_answer(write_answer(words, tags), words, TYPES)
    assert list(read.tags) == tags
    assert list(read.mentions) == schemes.get("BIO").spans(tags)
    assert read.problems == (() if write_answer(words, tags).strip() or not words else (Problem("truncated"),))


@given(tagged(), st.data())
def test_no_answer_breaks_the_reader(case: tuple[list[str], list[str]], data: st.DataObject) -> None:
    words, tags = case
    answer = write_answer(words, tags)
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(answer)))
        answer = answer[:at] + data.draw(st.text("(OB-) x", max_size=3)) + answer[at + data.draw(st.integers(0, 3)) :]
    read = read_answer(answer, words, TYPES)
    assert len(read.tags) == len(words)
    taken = [index for start, end, _ in read.mentions for index in range(start, end)]
    assert len(taken) == len(set(taken)) and all(0 <= index < len(words) for index in taken)
    assert all(label in TYPES for _, _, label in read.mentions)
    for start, end, label in read.mentions:
        assert {tag[2:] for tag in read.tags[start:end]} == {label}


@pytest.mark.parametrize("answer", ["(" * 20_000, "(B-" * 9_000, "x(B-(y)" * 5_000, "x(O)" * 9_000, "( " * 15_000])
def test_long_rubbish_is_read_fast(answer: str) -> None:
    assert read_answer("q " + answer, ["a", "b"], TYPES).problems


# ---------------------------------------------------------------------- files of answers


def test_predictions_join_their_documents() -> None:
    gold = flat([["Ada", "ran"], ["Bo", "too"]], [(0, 1, "person")], id="x")
    rows = [json.loads(line) for line in out([gold], labels=TYPES).splitlines()]
    answers = ["Ada(B-person) ran(O)", "Bo(I-person) tow(B-location)"]
    text = "".join(json.dumps({**row, "prediction": answer}) + "\n" for row, answer in zip(rows, answers, strict=True))
    (prediction,) = predictions_of(Source.of(text), {"x": gold.text})
    assert prediction == Prediction(
        "x",
        (Span(0, 3, "person"), Span(8, 10, "person")),
        (Problem("ungrounded", "tow", "location", (8, 14)),),
        ("B-person", "O", "I-person", "O"),
        tuple(answers),
    )
    assert content(back(text)[0]) == content(gold)  # the answers are no gold
    with pytest.raises(DataError, match="made:1: document 'x': predicted for another text"):
        list(Gner().predictions_of(Source.of(text), {"x": "Ada ran Bo to"}))


def test_one_sentence_keeps_its_answer_as_text() -> None:
    (prediction,) = predictions_of(Source.of(record("Bob ran", "Bob(B-person) ran(O)")))
    assert prediction == Prediction("7", (Span(0, 3, "person"),), (), ("B-person", "O"), "Bob(B-person) ran(O)")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (record("a"), "key 'prediction' is missing"),
        (record("a", prediction=3), "'prediction' is not a string"),  # pyright: ignore
        (record("a", "a(O)", label_list=...), "key 'label_list' is missing"),
        (record("a", "a(O)", label_list=[1]), "is not a string"),
        (record("a", "a(O)\ud800"), "half a surrogate pair"),
    ],
)
def test_damaged_answers_are_named(line: str, message: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        list(predictions_of(Source.of(record("a", "a(O)", id="1") + line)))
    assert caught.value.line == 2 and caught.value.path == "made"


@needs_corpora
def test_a_corpus_is_read_back_from_its_answers() -> None:
    gold = datasets.read(corpus("crossner_ai", "test.txt"))
    rows = [json.loads(line) for line in out(gold).splitlines()]
    text = "".join(json.dumps({**row, "prediction": row["instance"]["prompt_labels"]}) + "\n" for row in rows)
    made = list(predictions_of(Source.of(text), {each.id: each.text for each in gold}))
    assert [set(each.spans) for each in made] == [set(each.spans) for each in gold]
    assert not any(each.problems for each in made)
