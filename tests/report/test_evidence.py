from __future__ import annotations

import base64
import json
import re
import zlib
from dataclasses import replace
from typing import Any

import looked_at
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onoma.analysis import classify
from onoma.analysis.slices import slice_mentions
from onoma.document import Document, Prediction, Span
from onoma.evaluation import match
from onoma.exceptions import EvaluationError
from onoma.report import errors, examples, html, sections
from onoma.report.doubts import doubts_of
from onoma.report.evidence import Evidence, Judged, look
from onoma.report.schema import Results


def packed(gold: list[Document], found: dict[str, list[Prediction]], most: int = 10**9) -> dict[str, Any]:
    matchings = {name: match(gold, row) for name, row in found.items()}
    slices = slice_mentions(list(matchings.values()), resamples=0)
    by_name = dict(zip(matchings, slices, strict=True))
    return examples.sentences(
        {name: [classify(each), classify(each, "gner")] for name, each in matchings.items()}, by_name, most
    )


def unpacked(data: dict[str, Any], system: int) -> set[tuple[str, str, str]]:
    """Document, text and label of every mention that the page would draw as an answer of a system."""
    shown = set()
    for id, text, gold, all_answers in data["sentences"]:
        missed, false, _ = all_answers[system] or ([], [], [])
        gone = {place for place, _ in missed}
        kept = [row for place, row in enumerate(gold) if place not in gone]
        for start, size, label, *_ in [*kept, *false]:
            shown.add((id, text[start : start + size], data["labels"][label]))
    return shown


LETTERS = st.text(st.sampled_from("aé🎉👩‍<"), min_size=1, max_size=3)


@st.composite
def judged(draw: st.DrawFn) -> tuple[list[Document], dict[str, list[Prediction]]]:
    gold, found = [], {"a": [], "b": []}
    for number in range(draw(st.integers(1, 3))):
        words = draw(st.lists(st.lists(LETTERS, min_size=1, max_size=4), min_size=1, max_size=3))
        document = Document.from_words(words, id=str(number))
        size = len(document.text)

        def spans(size: int = size) -> list[Span]:
            rows = draw(
                st.lists(st.tuples(st.integers(0, size - 1), st.integers(1, 9), st.sampled_from("XY")), max_size=4)
            )
            return [Span(start, min(size, start + length), label) for start, length, label in rows]

        gold.append(document.with_spans(spans()))
        for row in found.values():
            row.append(Prediction(document.id, tuple(spans())))
    return gold, found


@settings(max_examples=150, deadline=None)
@given(judged())
def test_the_page_holds_every_answer(case: tuple[list[Document], dict[str, list[Prediction]]]) -> None:
    gold, found = case
    data = packed(gold, found)
    documents = {document.id: document for document in gold}
    for at, row in enumerate(found.values()):
        wanted = {
            (each.document_id, documents[each.document_id].surface(span), span.label)
            for each in row
            for span in each.spans
        }
        assert unpacked(data, at) == wanted


def test_texts_that_are_too_long_are_cut_and_counted() -> None:
    gold = looked_at.documents()
    found = {name: seeds[1] for name, seeds in looked_at.answers(gold).items()}
    whole, part = packed(gold, found), packed(gold, found, 500)
    assert whole["cut"] == 0 and len(whole["sentences"]) == 48
    assert part["sentences"] == whole["sentences"][: len(part["sentences"])]
    assert part["cut"] == 48 - len(part["sentences"]) > 30


def test_no_predictions_is_an_error() -> None:
    with pytest.raises(EvaluationError, match="no system has predictions"):
        look(Judged(looked_at.documents(), {}))


def data_of(source: str) -> dict[str, Any]:
    kind, text = re.findall(r'id="examples-data"[^>]*data-packed="(\w+)">(.*?)</script>', source, flags=re.DOTALL)[0]
    return json.loads(zlib.decompress(base64.b64decode(text)) if kind == "zlib" else text)


@pytest.mark.parametrize("small", [0, 10**9])
def test_examples_are_inert_packed_or_not(results: Results, monkeypatch: pytest.MonkeyPatch, small: int) -> None:
    monkeypatch.setattr(html, "SMALL", small)
    source = html.render(results, looked_at.evidence())
    assert source.count("<script") == source.count("</script") == 2
    assert "<img" not in source
    assert data_of(source)["sets"]["news"] == json.loads(json.dumps(looked_at.evidence().sets["news"].sentences))


def test_the_page_names_errors_and_what_it_could_not_look_at(results: Results) -> None:
    source = html.render(results, looked_at.evidence())
    for text in ("Errors and examples of <strong>tweets</strong> are not shown: tweets.conll is gone.", "hallucinated"):
        assert text in source
    assert 'href="#ex:set=news&amp;system=crf&amp;class=type">8</a>' in source
    assert 'href="#ex:set=news&amp;system=minilm&amp;class=missed">12</a>' in source


def test_errors_of_several_seeds_are_means(results: Results) -> None:
    gold = looked_at.documents()
    rows = looked_at.answers(gold)
    rows["crf"][2] = [replace(Prediction.of(document)) for document in gold]
    found = look(Judged(gold, rows), resamples=20)
    assert found.errors["spans"].means["crf"]["type"] == 4
    assert found.errors["gner"].means["crf"]["NE"] == 2 * 4  # of the missed one, and of the false one
    assert found.seeds["crf"] == 1


def test_errors_by_label_add_up_and_stand_under_their_gold_label() -> None:
    found = looked_at.evidence().sets["news"].errors
    own = found["spans"]
    assert own.joint and not found["gner"].joint
    assert list(own.by_label) == ["PER", "MISC"], "most gold first"
    assert own.by_label["PER"]["crf"]["type"] == 8, "LOC was answered, PER is gold"
    assert own.by_label["PER"]["t5-small xml"]["hallucinated"] == 1
    assert own.by_label["MISC"]["t5-small xml"]["spurious"] == 23
    for counts in found.values():
        for name, means in counts.means.items():
            for kind, mean in means.items():
                assert sum(each[name][kind] for each in counts.by_label.values()) == mean


def test_errors_by_label_are_means_over_seeds() -> None:
    gold = looked_at.documents()
    rows = looked_at.answers(gold)
    rows["crf"][2] = [Prediction.of(document) for document in gold]
    assert look(Judged(gold, rows), resamples=0).errors["spans"].by_label["PER"]["crf"]["type"] == 4


def test_classes_and_cells_are_named_so_that_they_are_not_taken_for_each_other(results: Results) -> None:
    page = html.render(results, looked_at.evidence())
    assert ">no exact match</th>" in page and '<th scope="row">no exact gold</th>' in page
    assert "a false and a missed mention in one, and counts once" in page
    assert page.count("so a wrong label or boundary counts twice") == 2
    assert errors.readable("completely_o") == "Completely-O" and "completely o" not in page
    assert errors.readable("left_end") == "left end"


@pytest.mark.parametrize("resamples", [0, 1, 20])
@pytest.mark.parametrize("systems", [1, 3])
@pytest.mark.parametrize("labels", [None, ("LOC",), ("NONE",)])
def test_every_shape_is_looked_at(
    results: Results, resamples: int, systems: int, labels: tuple[str, ...] | None
) -> None:
    gold = looked_at.documents()[:5]
    answers = dict(list(looked_at.answers(gold).items())[:systems])
    found = look(Judged(gold, answers, labels), resamples=resamples)
    source = html.render(results, Evidence({"news": found}))
    assert "nan" not in source.split("<script")[0].replace("nance", "")


@pytest.mark.parametrize(
    "gold", [[], [Document("empty", "")], [Document("raw", "Ada slept.", spans=(Span(0, 3, "PER"),))]]
)
def test_gold_without_words_is_looked_at(results: Results, gold: list[Document]) -> None:
    found = look(Judged(gold, {"crf": {1: [Prediction.of(each) for each in gold]}}), resamples=20)
    assert len(found.sentences["sentences"]) == len(gold)
    html.render(results, Evidence({"news": found}))


def test_gold_that_looks_wrong_is_listed_in_its_sentence(results: Results) -> None:
    found = looked_at.doubtful(("PER", "LOC", "ORG"))
    looked = found.sets["news"]
    assert looked.doubts is not None and looked.doubts.system == "crf"
    first, second = sorted(looked.doubts.places[:2], key=lambda each: each.suspicion.document_id)
    assert [each.suspicion.document_id for each in (first, second)] == ["d3", "d7"]
    assert [(each.before, each.suspicion.text, each.after) for each in (first, second)] == [
        ("Then Bob left ", "Rome", " ."),
        ("Ada met Bob in ", "Rome", " . "),
    ]
    for each in (first, second):
        assert each.sentence is not None
        id, text, *_ = looked.sentences["sentences"][each.sentence - 1]
        assert (id, text) == (each.suspicion.document_id, each.before + each.suspicion.text + each.after)
    page = html.render(results, found)
    assert "Gold labels that look wrong" in page and 'id="gold"' in page
    assert 'href="#ex:set=news&amp;at=' in page
    assert first.sentence != second.sentence
    assert "Ada met Bob in <mark>Rome</mark> ." in page


def test_labels_that_are_not_scored_are_not_proposed() -> None:
    def proposed(labels: tuple[str, ...] | None) -> set[str]:
        doubts = looked_at.doubtful(labels).sets["news"].doubts
        assert doubts is not None
        return {span.label for each in doubts.places for span in each.suspicion.proposed}

    assert proposed(None) >= {"MISC", "LOC"}
    assert proposed(("PER", "LOC", "ORG")) == {"LOC"}


def test_gold_is_not_doubted_by_systems_that_say_nothing() -> None:
    assert looked_at.evidence().sets["news"].doubts is None


def test_a_place_in_a_sentence_that_was_cut_is_shown_without_a_link() -> None:
    words = ("word " * 40).split()
    document = Document.from_words([[*words, "Rome", *words]], id="a").with_spans([Span(200, 204, "ORG")])
    answer = Prediction("a", (Span(200, 204, "LOC", 0.9),))
    (doubt,) = doubts_of("crf", [document], [answer], {"sentences": []}).places
    assert doubt.sentence is None and sections.address(doubt, "news") is None
    assert doubt.before == "… " + "word " * 15 and doubt.after == " word" * 15 + " …"
