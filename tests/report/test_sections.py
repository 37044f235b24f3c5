from __future__ import annotations

import json
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs

import looked_at
import pytest

from onoma.document import Prediction
from onoma.report import html, learning, markdown, sections, verdict, words
from onoma.report.evidence import Judged, SetEvidence, look
from onoma.report.schema import Results, loads


def made(data: dict[str, Any]) -> Results:
    return loads(json.dumps(data))


def test_a_slower_larger_worse_system_is_dominated(data: dict[str, Any]) -> None:
    crf, minilm, t5 = data["systems"][:3]
    assert t5["size_mb"] > minilm["size_mb"] > crf["size_mb"]
    found = made(data)
    assert verdict.dominated(found) == {"t5-small xml": "minilm"}
    page = html.render(found)
    assert "<strong>t5-small xml</strong> is dominated: <strong>minilm</strong>" in page
    assert "is dominated" in markdown.render(found)
    del t5["size_mb"]
    assert verdict.dominated(made(data)) == {}, "what is not known dominates nothing"


def test_equals_do_not_dominate_each_other(data: dict[str, Any]) -> None:
    twin = json.loads(json.dumps(data["systems"][0])) | {"name": "twin"}
    data["systems"].append(twin)
    assert not {"twin", "crf"} & verdict.dominated(made(data)).keys()


def test_the_weakest_label_and_set_are_those_of_the_leader(data: dict[str, Any]) -> None:
    found = made(data)
    best = words.ranking(found, "news")[0]
    label = min(best.scores["news"].by_label, key=lambda name: best.scores["news"].by_label[name].f1)
    text = words.plain(verdict.weakest(found))
    assert text.startswith(f"{best.name} is weakest on {label} (")
    assert "on the set " in text
    assert verdict.weakest(made(data | {"systems": [], "comparisons": []})) == ()


def test_a_winner_beats_every_other_one_for_sure(data: dict[str, Any]) -> None:
    best = words.ranking(made(data), "news")[0].name
    for row in data["comparisons"]:
        row["p_adjusted"] = 0.01
    assert words.winner(made(data), "news") == best
    assert "▲" in html.render(made(data))
    for row in data["comparisons"]:
        if row["set"] == "news" and best in (row["a"], row["b"]):
            row["p_adjusted"] = 0.2
            break
    assert words.winner(made(data), "news") is None
    data["systems"], data["comparisons"] = data["systems"][:1], []
    assert words.winner(made(data), "news") is None


def test_links_hold_any_name() -> None:
    address = sections.link("a&b #", slice="case=UPPER", class_="x")
    asked = parse_qs(address.removeprefix("#ex:"))
    assert asked == {"set": ["a&b #"], "slice": ["case=UPPER"], "class_": ["x"]}


def test_errors_stand_with_the_most_frequent_first() -> None:
    rows = sections.error_rows(looked_at.evidence().sets["news"].errors["spans"])
    assert [(kind, counts) for kind, _, counts, _ in rows] == [
        ("spurious", {"crf": 0, "minilm": 0, "t5-small xml": 23}),
        ("missed", {"crf": 0, "minilm": 12, "t5-small xml": 0}),
        ("type", {"crf": 8, "minilm": 0, "t5-small xml": 0}),
        ("hallucinated", {"crf": 0, "minilm": 0, "t5-small xml": 1}),
    ]


def test_the_weakest_part_of_a_system() -> None:
    text = words.plain(sections.spots(looked_at.evidence().sets["news"], "minilm", "news"))
    assert text.startswith("Among the slices of news, minilm is weakest in") and "n = 48" in text


def test_false_mentions_where_gold_has_nothing_are_shown(results: Results) -> None:
    found = looked_at.evidence()
    rows = {row.value: row for row in sections.slice_rows(found.sets["news"], "density")}
    empty = rows["0 mentions in the sentence"]
    assert empty.support == 0 and empty.winner is None
    assert {system: part.predicted for system, part in empty.parts.items()} == {
        "crf": 0,
        "minilm": 0,
        "t5-small xml": 23,
    }
    page = html.render(results, found)
    wanted = (
        "set=news&amp;system=t5-small%20xml&amp;outcome=wrong&amp;slice=density%3D0%20mentions%20in%20the%20sentence"
    )
    assert f'href="#ex:{wanted}">23</a> false' in page
    nowhere = {row.value: row for row in sections.slice_rows(found.sets["news"], "case")}["no place in the text"]
    assert nowhere.parts["t5-small xml"].predicted == 1


def curve(data: dict[str, Any], f1: dict[int, float]) -> Results:
    points = [
        {"set": "news", "fraction": 0.5, "documents": n, "sentences": n, "mentions": n, "seed": 1, "f1": value}
        for n, value in f1.items()
    ]
    data["systems"][0]["learning_curve"] = points
    return made(data)


def test_a_learning_curve_says_what_more_data_would_bring(data: dict[str, Any]) -> None:
    rising = {n: 0.9 - 2 * n**-0.5 for n in (50, 100, 200, 400, 800)}
    (found,) = learning.learning(curve(data, rising))
    (line,) = found.lines
    gain = 200 * (800**-0.5 - 1600**-0.5)
    assert words.plain(line.sentence).startswith(f"Twice the data would add about {gain:.1f} points")
    assert [size for size, _ in line.values] == list(rising)
    assert found.sizes == list(rising)
    page = html.render(curve(data, rising))
    assert "an extrapolation beyond everything that was measured" in page and "95 % intervals of the fit" in page
    assert all(f"<td>{100 * value:.2f}</td>" in page for value in rising.values())
    assert [y for _, y in line.points] == sorted((y for _, y in line.points), reverse=True)


def test_two_points_are_no_curve_to_fit(data: dict[str, Any]) -> None:
    (found,) = learning.learning(curve(data, {100: 0.5, 200: 0.6}))
    assert "no curve is fitted" in words.plain(found.lines[0].sentence)
    assert learning.learning(curve(data, {100: 0.5})) == []


def test_systems_without_a_curve_say_why(data: dict[str, Any]) -> None:
    data["config"]["systems"] = {"minilm": {"model": "saved"}, "t5-small xml": {"family": "seq2seq"}}
    found = curve(data, {100: 0.5, 200: 0.6})
    ((_, why), (_, other)) = learning.learning(found)[0].absent
    assert (why, other) == ("loaded, not trained here", "trained on one amount of data only")
    assert "No curve: minilm (loaded, not trained here), t5-small xml (trained on" in html.render(found)


def test_far_from_probabilities_names_the_worst_set() -> None:
    def trusted(score: float) -> SetEvidence:
        rows = [
            Prediction(
                each.id, tuple(replace(span, score=score + (at == 0) / 100) for at, span in enumerate(each.spans))
            )
            for each in gold
        ]
        return look(Judged(gold, {"a": {1: rows}}, kinds={"a": "probability"}), resamples=0)

    gold = looked_at.documents()
    low, lower, right = trusted(0.7), trusted(0.5), trusted(0.95)
    text = words.plain(sections.far_from_probabilities({"x": low, "y": lower, "z": right}, "a"))
    assert text.startswith("The scores of a are far from probabilities, most of all on y: ")
    assert text.endswith("calibration error there is 49.75 %.")
    assert "most of all" not in words.plain(sections.far_from_probabilities({"x": low, "z": right}, "a"))
    assert sections.far_from_probabilities({"z": right}, "a") == ()
    assert sections.far_from_probabilities({"x": low}, "somebody") == ()


def test_what_could_be_detected_names_its_set() -> None:
    text = words.plain(sections.reach(looked_at.evidence().sets["news"], "news"))
    assert "would be detected on news (24 documents) with 80 % probability" in text


def test_a_change_that_changes_nothing_says_so(data: dict[str, Any]) -> None:
    row = {"f1": 0.4, "difference": 0.0, "interval": [0.0, 0.0], "p_adjusted": 1.0, "support": 9}
    data["probes"] = {"upper": "all letters in upper case"}
    data["systems"][1]["probes"] = {"news": {"upper": row}}
    assert "no answer changes" in html.render(made(data))
    row["interval"] = [-0.01, 0.01]
    assert "no answer changes" not in html.render(made(data))


@pytest.mark.parametrize("why", [None, "it knows no case"])
def test_probes_go_by_set(data: dict[str, Any], why: str | None) -> None:
    row = {"f1": None if why else 0.4, "difference": None if why else -0.3, "support": 9, "why": why}
    data["probes"] = {"upper": "all letters in upper case"}
    data["systems"][1]["probes"] = {"news": {"upper": row}}
    ((name, rows),) = sections.probes(made(data))
    assert (name, rows[0][:2]) == ("news", ("upper", "all letters in upper case"))
    assert list(rows[0][2]) == ["minilm"]


def test_keeping_the_surest() -> None:
    gold = looked_at.documents()
    rows: list[Prediction] = []
    for number, document in enumerate(gold):
        scored = [replace(span, score=0.9 if number % 2 else 0.6) for span in document.spans[:2]]
        if number % 2 == 0:
            scored[0] = replace(scored[0], label="LOC", score=0.3)
        rows.append(Prediction(document.id, tuple(scored)))
    unsure = [Prediction(document.id, document.spans) for document in gold]
    found = look(Judged(gold, {"a": {1: rows}, "b": {1: unsure}}), resamples=0)
    drawn = sections.risks(found)
    assert drawn is not None
    (line,) = drawn.lines
    assert (line.system, line.half, line.whole) == ("a", 0.0, 0.25)
    assert line.path.split()[-1] == f"100.0,{100 - drawn.y.at(0.25)}"
    assert sections.risks(look(Judged(gold, {"b": {1: unsure}}), resamples=0)) is None
