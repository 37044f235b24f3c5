from __future__ import annotations

import json
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs

import looked_at
import pytest

from onoma.document import Prediction
from onoma.report import html, markdown, sections, words
from onoma.report.evidence import Judged, look
from onoma.report.schema import Results, loads


def made(data: dict[str, Any]) -> Results:
    return loads(json.dumps(data))


def test_a_slower_larger_worse_system_is_dominated(data: dict[str, Any]) -> None:
    crf, minilm, t5 = data["systems"][:3]
    assert t5["size_mb"] > minilm["size_mb"] > crf["size_mb"]
    found = made(data)
    assert words.dominated(found) == {"t5-small xml": "minilm"}
    page = html.render(found)
    assert "<strong>t5-small xml</strong> is dominated: <strong>minilm</strong>" in page
    assert "is dominated" in markdown.render(found)
    del t5["size_mb"]
    assert words.dominated(made(data)) == {}, "what is not known dominates nothing"


def test_equals_do_not_dominate_each_other(data: dict[str, Any]) -> None:
    twin = json.loads(json.dumps(data["systems"][0])) | {"name": "twin"}
    data["systems"].append(twin)
    assert not {"twin", "crf"} & words.dominated(made(data)).keys()


def test_the_weakest_label_and_set_are_those_of_the_leader(data: dict[str, Any]) -> None:
    found = made(data)
    best = words.ranking(found, "news")[0]
    label = min(best.scores["news"].by_label, key=lambda name: best.scores["news"].by_label[name].f1)
    text = words.plain(words.weakest(found))
    assert text.startswith(f"{best.name} is weakest on {label} (")
    assert "on the set " in text
    assert words.weakest(made(data | {"systems": [], "comparisons": []})) == ()


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
    text = words.plain(sections.spots(looked_at.evidence().sets["news"], "minilm"))
    assert "minilm is weakest in" in text and "n = 48" in text


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
    (found,) = sections.learning(curve(data, rising))
    (line,) = found.lines
    gain = 200 * (800**-0.5 - 1600**-0.5)
    assert words.plain(line.sentence).startswith(f"Twice the data would add about {gain:.1f} points")
    assert [size for size, _ in line.values] == list(rising)
    assert [y for _, y in line.points] == sorted((y for _, y in line.points), reverse=True)


def test_two_points_are_no_curve_to_fit(data: dict[str, Any]) -> None:
    (found,) = sections.learning(curve(data, {100: 0.5, 200: 0.6}))
    assert "no curve is fitted" in words.plain(found.lines[0].sentence)
    assert sections.learning(curve(data, {100: 0.5})) == []


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
