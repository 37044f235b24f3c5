from __future__ import annotations

import itertools
import json
from typing import Any

import pytest
import report_fixture
from hypothesis import given
from hypothesis import strategies as st

from onoma.report import charts, numbers, verdict, words
from onoma.report.schema import Comparison, Results, loads


def row(**given: Any) -> Comparison:
    base = {"set": "test", "metric": "micro_f1", "a": "minilm", "b": "crf", "difference": 0.123, "test": "t"}
    return Comparison(**(base | {"interval": (0.098, 0.149), "p_value": 0.001, "p_adjusted": 0.001} | given))


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({}, "minilm is better than crf on test by 12.3 points [9.8, 14.9], p = 0.001 (Holm)"),
        (
            {"a": "crf", "b": "minilm", "difference": -0.123, "interval": (-0.149, -0.098)},
            "minilm is better than crf on test by 12.3 points [9.8, 14.9], p = 0.001 (Holm)",
        ),
        (
            {"p_adjusted": 0.05},
            "No difference shown between minilm and crf on test: 12.3 points [9.8, 14.9], p = 0.050 (Holm)",
        ),
        (
            {"p_adjusted": None, "p_value": 0.0001, "interval": None, "metric": "macro_f1"},
            "minilm is better than crf on test by 12.3 points of macro F1, p < 0.001 (not adjusted)",
        ),
        (
            {"difference": 0.0004, "interval": (-0.02, 0.0208), "p_adjusted": None, "p_value": None},
            "No difference shown between minilm and crf on test: 0.04 points [-2.00, 2.08], not tested",
        ),
    ],
)
def test_a_comparison_in_words(given: dict[str, Any], sentence: str) -> None:
    assert words.plain(words.difference(row(**given))) == sentence


def test_adjusted_p_value_decides() -> None:
    assert not words.is_shown(row(p_value=0.01, p_adjusted=0.06))
    assert words.is_shown(row(p_value=0.01, p_adjusted=None))
    assert not words.is_shown(row(difference=0.0))


def test_find_turns_the_comparison(results: Results) -> None:
    one = words.find(results, "news", "crf", "minilm")
    other = words.find(results, "news", "minilm", "crf")
    assert one is not None
    assert other is not None
    assert one.interval is not None
    assert other.difference == -one.difference > 0
    assert other.interval == (-one.interval[1], -one.interval[0])
    assert words.find(results, "news", "crf", "minilm", "macro_f1") is None


def test_gap_is_the_difference_of_role_means(results: Results) -> None:
    crf = results.systems[0]
    found = words.gap(results, crf)
    assert found is not None
    outside = [crf.scores[name].micro.f1 for name in ("tweets", "politics")]
    assert found.inside == crf.scores["news"].micro.f1
    assert found.loss == pytest.approx(crf.scores["news"].micro.f1 - sum(outside) / 2)


def test_a_system_without_all_sets_has_no_gap(data: dict[str, Any]) -> None:
    del data["systems"][0]["scores"]["tweets"]
    results = loads(json.dumps(data))
    assert words.gap(results, results.systems[0]) is None
    assert words.gap(results, results.systems[1]) is not None


def test_verdict_names_leader_evidence_cost_gap_and_failures(results: Results) -> None:
    text = "\n".join(words.plain(sentence) for sentence in verdict.verdict(results))
    assert text.startswith("minilm leads on news with a micro F1 of 88.50 % [")
    assert "no difference from t5-small xml is shown: 1.1 points" in text
    assert "On politics, t5-small xml has the highest micro F1, " in text
    assert "Against news, minilm loses " in text and " on tweets and " in text
    assert "minilm reads 1,240 words a second on news and takes 88.0 MB on disk; " in text
    assert "t5-small xml is 13 times as slow" in text
    assert "llama-8b brackets failed: out of memory" in text
    assert "gliner was skipped: " in text


def test_verdict_says_so_when_the_lead_is_shown(data: dict[str, Any]) -> None:
    data["comparisons"][2] |= {"p_adjusted": 0.01}  # minilm and t5-small xml on news
    lead = words.plain(verdict.verdict(loads(json.dumps(data)))[0])
    assert ", better than t5-small xml by 1.1 points [" in lead
    assert lead.endswith("p = 0.010 (Holm).")


def test_the_verdict_has_a_sentence_a_set_with_the_difference_to_the_next_one(data: dict[str, Any]) -> None:
    for row in data["comparisons"]:
        row |= {"p_adjusted": 0.3}
        if row["set"] == "tweets":
            row |= {"p_value": 0.005, "p_adjusted": 0.01, "interval": None}
    found = loads(json.dumps(data | {"comparisons": [r for r in data["comparisons"] if r["set"] != "politics"]}))
    said = [words.plain(sentence) for sentence in verdict.verdict(found)]
    for name in ("tweets", "politics"):
        first, second = words.ranking(found, name)[:2]
        one, two = (each.scores[name].micro.f1 for each in (first, second))
        (sentence,) = (each for each in said if each.startswith(f"On {name}, "))
        size = numbers.points(one - two)
        opening = f"On {name}, {first.name} has the highest micro F1, {100 * one:.2f} %, "
        ending = {
            "tweets": f"better than {second.name} by {size} points, p = 0.010 (Holm).",
            "politics": f"{size} points ahead of {second.name}; the difference was not tested.",
        }[name]
        assert sentence == opening + ending
    for system in data["systems"][:3]:
        system["scores"]["tweets"]["micro"]["f1"] = 0.5
    text = [words.plain(sentence) for sentence in verdict.verdict(loads(json.dumps(data)))]
    assert any(each.startswith("On tweets, ") and " share the highest micro F1, 50.00 %." in each for each in text)


def test_what_the_leader_loses_on_each_set(data: dict[str, Any]) -> None:
    def loss(**f1: float) -> str:
        for name, value in f1.items():
            data["systems"][1]["scores"][name]["micro"]["f1"] = value
        found = loads(json.dumps(data))
        (sentence,) = (each for each in map(words.plain, verdict.verdict(found)) if "points of F1" in each)
        return sentence

    assert loss(news=0.9, tweets=0.4, politics=0.7) == (
        "Against news, minilm loses 50.0 points of F1 on tweets and 20.0 on politics."
    )
    assert loss(politics=0.93) == "Against news, minilm loses 50.0 points of F1 on tweets and gains 3.0 on politics."
    data["sets"]["politics"]["role"] = "in_domain"
    assert loss(politics=0.8) == "Against its mean in domain, minilm loses 45.0 points of F1 on tweets."
    data["sets"]["tweets"]["role"] = "in_domain"
    assert not any("points of F1" in words.plain(each) for each in verdict.verdict(loads(json.dumps(data))))


def test_losses_on_many_sets_are_a_range() -> None:
    said = map(words.plain, verdict.verdict(loads(json.dumps(report_fixture.large()))))
    (sentence,) = (each for each in said if "points of F1" in each)
    assert sentence.startswith("Against set-0, system-4 loses ")
    assert sentence.endswith(" points of F1 on 9 sets out of domain.")


@pytest.mark.parametrize(
    ("test", "p", "shown"),
    [
        ("paired bootstrap, p of 1,000 resamples", 2 / 1001, "p ≤ 0.006 (Holm)"),
        ("paired bootstrap, p of 1,000 resamples", 4 / 1001, "p = 0.006 (Holm)"),
        ("paired approximate randomisation, 1000 draws", 1 / 1001, "p ≤ 0.006 (Holm)"),
        ("some other test", 2 / 1001, "p = 0.006 (Holm)"),
    ],
)
def test_the_smallest_p_value_that_could_come_out_is_a_bound(test: str, p: float, shown: str) -> None:
    assert words.plain(words.difference(row(test=test, p_value=p, p_adjusted=0.006))).endswith(", " + shown)
    assert numbers.p_text(0.0004, smallest=True) == "p < 0.001"


def test_the_tests_say_how_many_runs_they_compare(data: dict[str, Any]) -> None:
    def said(*seeds: str) -> list[str]:
        for row, each in zip(data["comparisons"], seeds, strict=False):
            row["test"] = f"paired bootstrap, {each} seeds"
        return words.tests(loads(json.dumps(data | {"comparisons": data["comparisons"][: len(seeds)]})))

    assert said("1+1", "1+1") == ["paired bootstrap, one run each"]
    assert said("3+3") == ["paired bootstrap, 3 seeds each"]
    assert said("3+1", "3+1", "3+1", "1+1") == [
        "news: paired bootstrap, 3 and 1 seeds",
        "tweets: paired bootstrap, one run each",
    ]


def test_main_set_prefers_in_domain(data: dict[str, Any]) -> None:
    data["sets"] = dict(reversed(data["sets"].items()))
    assert words.main_set(loads(json.dumps(data))) == "news"
    for info in data["sets"].values():
        info["role"] = "out_of_domain"
    assert words.main_set(loads(json.dumps(data))) == "politics"


@given(st.floats(0, 1))
def test_percent_is_what_format_says(value: float) -> None:
    assert numbers.percent(value) == format(100 * value, ".2f")


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        (0.424, "0.42 s"),
        (38.06, "38.1 s"),
        (59.97, "1 min 00 s"),
        (725, "12 min 05 s"),
        (3599.9, "1 h 00 min"),
        (11234, "3 h 07 min"),
    ],
)
def test_durations(given: float, shown: str) -> None:
    assert numbers.seconds(given) == shown


def test_no_negative_zero() -> None:
    assert numbers.percent(-0.0000001) == "0.00"
    assert numbers.points(-0.0000001) == "0.00"


@given(st.lists(st.floats(0, 1), max_size=12))
def test_linear_axis_holds_its_values_between_round_ends(values: list[float]) -> None:
    axis = charts.linear(values)
    assert 0 <= axis.low < axis.high <= 1
    assert (axis.ticks[0], axis.ticks[-1]) == (axis.low, axis.high)
    assert len(axis.ticks) <= 9
    assert all(axis.low - 1e-6 <= value <= axis.high + 1e-6 for value in values)
    assert [axis.at(value) for value in sorted(values)] == sorted(axis.at(value) for value in values)


@given(st.lists(st.floats(1e-3, 1e9), min_size=1, max_size=12))
def test_logarithmic_axis_holds_its_values(values: list[float]) -> None:
    axis = charts.logarithmic(values)
    assert all(axis.low <= value <= axis.high for value in values)
    assert all(axis.low <= tick <= axis.high for tick in axis.ticks)
    assert len(axis.ticks) >= 2


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=12))
def test_open_ended_axis_holds_its_values(values: list[float]) -> None:
    axis = charts.open_ended(values)
    slack = 1e-3 * (axis.high - axis.low)
    assert all(axis.low - slack <= value <= axis.high + slack for value in values)
    assert 2 <= len(axis.ticks) <= 7


@given(st.lists(st.tuples(st.floats(0, 100), st.floats(0, 300)), max_size=10))
def test_labels_on_one_side_keep_apart(places: list[tuple[float, float]]) -> None:
    labels = charts.spread([(str(index), index, x, y) for index, (x, y) in enumerate(places)])
    for side in (True, False):
        heights = sorted(label.text_y for label in labels if label.left == side)
        assert all(b - a >= 17.9 for a, b in itertools.pairwise(heights))
    assert all(label.text_y >= label.y - 0.01 for label in labels)


def test_lost_answers_and_problems_are_a_sentence_a_system(data: dict[str, Any]) -> None:
    for system in data["systems"]:
        for block in system.get("scores", {}).values():
            block["problems"] = {}
    assert words.faults(loads(json.dumps(data))) == []
    data["systems"][0]["scores"]["news"]["problems"] = {"ungrounded": 1, "truncated": 2000, "duplicate": 0}
    data["systems"][0]["scores"]["tweets"]["problems"] = {"unknown_label": 3.5, "missing_document": 1}
    (sentence,) = words.faults(loads(json.dumps(data)))
    assert words.plain(sentence) == (
        "crf: 2,000 lost or cut, 1 ungrounded on news; 1 not answered, 3.5 unknown label on tweets."
    )


@pytest.mark.parametrize(
    ("size", "text"),
    [(0.0, "0 kB"), (0.0004, "0.4 kB"), (0.017, "17 kB"), (0.0999, "100 kB"), (0.1, "0.1 MB"), (88.04, "88.0 MB")],
)
def test_small_sizes_are_not_nothing(size: float, text: str) -> None:
    assert numbers.megabytes(size) == text
