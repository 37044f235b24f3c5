"""Probes and learning curves in a comparison: what is scored, what is paired, what is kept."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from families import CORPUS, options, program

import onoma
from onoma import Document, Prediction, Span, datasets
from onoma.analysis.probes import Probed, probe
from onoma.comparison import Experiment, cell, compare
from onoma.comparison.curves import part, parts
from onoma.comparison.probing import probe_scores
from onoma.evaluation import Scores
from onoma.exceptions import ConfigError
from onoma.report.schema import SCHEMA_FILE, read

CRF = {"family": "feature_crf", "options": {"c2": 0.001}}
PROBES = ["upper", "typos", "detokenised", "training_names", "label_symbols"]


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    datasets.write(CORPUS, tmp_path / "all.jsonl")
    datasets.write(CORPUS[:3], tmp_path / "some.jsonl")
    return tmp_path


def experiment(**changes: Any) -> Experiment:
    settings: dict[str, Any] = {
        "name": "tiny",
        "train": {"source": "all.jsonl"},
        "sets": {"home": {"source": "all.jsonl"}, "away": {"source": "some.jsonl", "role": "out_of_domain"}},
        "systems": {"crf": CRF},
        "resamples": 50,
        "probes": PROBES,
        "learning_curve": [0.5, 0.25],
    }
    return Experiment.checked({**settings, **changes}, "test")


def times(folder: Path) -> dict[str, int]:
    return {path.relative_to(folder).as_posix(): path.stat().st_mtime_ns for path in folder.rglob("*.json")}


def test_every_system_is_probed_and_its_curve_drawn(corpus: Path) -> None:
    systems = {"crf": CRF, "rules": {"family": "rules"}, "other": {"family": "external", "options": {}}}
    systems["other"]["options"] = {"command": program(corpus), "timeout": 60}
    systems["file"] = {"predictions": {"home": "all.jsonl", "away": "some.jsonl"}}
    results = compare(experiment(systems=systems), corpus / "out", base=corpus)
    assert [each.status for each in results.systems] == ["ok"] * 4
    assert list(results.probes) == PROBES
    crf, rules, other, file = results.systems
    for system in (crf, rules, other):
        assert set(system.probes) == {"home"}, "sets out of domain are not changed unless it is asked for"
        found = system.probes["home"]
        assert list(found) == PROBES
        assert "cannot be asked for other labels" in (found["label_symbols"].why or "")
        for name in PROBES[:-1]:
            row = found[name]
            assert row.f1 is not None and row.f1_interval is not None and row.interval is not None
            assert row.difference == pytest.approx(row.f1 - system.scores["home"].micro.f1)
            assert row.p_value is not None and row.p_adjusted is not None and row.p_adjusted >= row.p_value
            assert row.support == system.scores["home"].micro.support and row.lost == 0
    upper = other.probes["home"]["upper"]
    assert (upper.f1, upper.changed_mentions) == (0, sum(len(each.spans) for each in CORPUS))
    assert all("untouched text only" in (each.why or "") for each in file.probes["home"].values())
    points = crf.learning_curve
    assert [(each.set, each.fraction, each.documents) for each in points] == [
        ("home", 0.25, 2), ("home", 0.5, 4), ("home", 1.0, 8),
    ]  # fmt: skip
    assert points[-1].f1 == crf.scores["home"].micro.f1 and points[0].f1 < 1
    half = part(CORPUS, 0.5)
    assert points[1].mentions == sum(len(each.spans) for each in half)
    assert len(rules.learning_curve) == 3 and not other.learning_curve
    again = json.loads((corpus / "out" / "results.json").read_text(encoding="utf-8"))
    jsonschema.validate(again, json.loads(SCHEMA_FILE.read_text(encoding="utf-8")))
    assert read(corpus / "out") == results


def test_scores_of_probes_are_those_of_the_changed_documents(corpus: Path) -> None:
    results = compare(experiment(learning_curve=[0.5]), corpus / "out", base=corpus)
    folder = corpus / "out" / "systems" / "crf" / "seed-1"
    gold = onoma.read(corpus / "all.jsonl")
    for name in PROBES[:-1]:
        documents = probe(gold, name, train=gold).documents
        found = onoma.load(folder / "model").predict(documents)
        scores = onoma.evaluate([onoma.tokenization.split(each) for each in documents], found, resamples=0)
        assert results.systems[0].probes["home"][name].f1 == scores.micro.f1
    half = onoma.Recognizer.create("feature_crf", ["LOC", "PER"], options={"c2": 0.001})
    half.fit(part(gold, 0.5))
    assert results.systems[0].learning_curve[0].f1 == onoma.evaluate(gold, half.predict(gold)).micro.f1


def test_what_is_there_is_kept_and_new_probes_train_nothing(corpus: Path) -> None:
    out = corpus / "out"
    first = compare(experiment(probes=["upper"]), out, base=corpus)
    before = times(out / "systems")
    assert compare(experiment(probes=["upper"]), out, base=corpus).systems == first.systems
    assert times(out / "systems") == before
    more = compare(experiment(probes=["upper", "lower"], probe_sets=["home", "away"]), out, base=corpus)
    after = times(out / "systems")
    assert {name for name, at in before.items() if after[name] != at} == {"crf/seed-1/cell.json"}
    assert {set_name: list(each) for set_name, each in more.systems[0].probes.items()} == {
        "home": ["upper", "lower"],
        "away": ["upper", "lower"],
    }
    bare = compare(experiment(probes=[], learning_curve=[]), out, base=corpus)
    assert not bare.systems[0].probes and not bare.systems[0].learning_curve
    assert bare.systems[0].scores == first.systems[0].scores


def test_filtered_labels_are_filtered_on_changed_sets(corpus: Path) -> None:
    sets = {"home": {"source": "all.jsonl", "labels": ["LOC"]}}
    results = compare(experiment(sets=sets, learning_curve=[]), corpus / "out", base=corpus)
    locations = sum(span.label == "LOC" for each in CORPUS for span in each.spans)
    assert {each.support for each in results.systems[0].probes["home"].values()} == {locations}


def test_a_system_that_can_be_asked_is_asked_for_symbols(corpus: Path) -> None:
    pytest.importorskip("torch")
    layout = 'head = "{labels} "\nkind = "{kind} "\nquestion = "{source}"\nanswer = " {answer}"\nbetween = " "\n'
    (corpus / "layout.toml").write_text(layout, encoding="utf-8")
    quick = options("seq2seq", corpus)
    onoma.Recognizer.create("seq2seq", ["LOC", "PER"], options=quick, encoding="xml").save(corpus / "deaf")
    quick |= {"symbols": False}
    prompt = {"template": str(corpus / "layout.toml"), "labels": "tags"}
    made = onoma.Recognizer.create("seq2seq", ["LOC", "PER"], options=quick, encoding="xml", prompt=prompt)
    made.save(corpus / "saved")
    datasets.write(CORPUS[6:7], corpus / "one.jsonl")
    changes: dict[str, Any] = {"probes": ["label_symbols"], "learning_curve": [], "train": None}
    changes["sets"] = {"home": {"source": "one.jsonl"}}
    settings = experiment(systems={"asked": {"model": "saved"}, "deaf": {"model": "deaf"}}, **changes)
    record = cell.run(settings, corpus, "deaf", 0, corpus / "other")
    assert "the template 'plain' does not say which labels" in record["probes"]["home"]["label_symbols"]["why"]
    record = cell.run(settings, corpus, "asked", 0, corpus / "cell")
    assert "why" not in record["probes"]["home"]["label_symbols"]
    (plain,) = datasets.read_predictions(corpus / "cell" / "predictions-home.jsonl")
    (asked,) = datasets.read_predictions(corpus / "cell" / cell.PROBES / "home" / "predictions-label_symbols.jsonl")
    assert {span.label for span in plain.spans} <= {"LOC", "PER"} and {span.label for span in asked.spans} <= {"X1"}


def test_a_failed_part_is_left_out_of_the_curve(corpus: Path) -> None:
    """A part without a mention has no label to learn."""
    bare = [Document(f"bare {number}", "nobody left") for number in range(40)]
    documents = sorted([*bare, *CORPUS[:1]], key=lambda each: each in part([*bare, *CORPUS[:1]], 0.05))
    assert not any(each.spans for each in part(documents, 0.05))
    datasets.write(documents, corpus / "train.jsonl")
    changes = {"train": {"source": "train.jsonl"}, "learning_curve": [0.05], "probes": []}
    results = compare(experiment(**changes), corpus / "out", base=corpus)
    assert [each.fraction for each in results.systems[0].learning_curve] == [1.0]


def test_a_killed_run_goes_on_where_it_was(corpus: Path) -> None:
    """kill -9 while the program is asked about changed text; what was trained and answered stays."""
    slow = program(corpus, "import sys, time\nfor line in sys.stdin:\n    time.sleep(0.1)\n    print(line.strip())\n")
    other = {"family": "external", "options": {"command": slow, "timeout": 60}}
    settings = experiment(systems={"crf": CRF, "other": other}, probes=["upper", "lower"])
    script = (
        "import sys, json; from onoma.comparison import Experiment, compare\n"
        "compare(Experiment.model_validate(json.loads(sys.argv[1])), sys.argv[2], base=sys.argv[3])\n"
    )
    arguments = [sys.executable, "-c", script, settings.model_dump_json(), str(corpus / "out"), str(corpus)]
    first = subprocess.Popen(arguments)
    answered = corpus / "out" / "systems" / "other" / "seed-1" / "predict-home.json"
    deadline = time.monotonic() + 120
    while not answered.exists() and time.monotonic() < deadline:
        assert first.poll() is None, "the run ended before it could be killed"
        time.sleep(0.02)
    if os.name == "nt":
        first.kill()
    else:
        first.send_signal(signal.SIGKILL)
    first.wait()
    time.sleep(1)  # the child notices that its parent is gone
    before = times(corpus / "out" / "systems")
    assert "crf/seed-1/probes/home/predict-lower.json" in before
    assert "other/seed-1/cell.json" not in before and "crf/seed-1/fraction-0.25/cell.json" not in before
    results = compare(settings, corpus / "out", base=corpus)
    after = times(corpus / "out" / "systems")
    done = [name for name in before if name.rpartition("/")[2].startswith(("predict-", "train."))]
    assert len(done) > 3 and all(after[name] == before[name] for name in done)
    crf, found = results.systems
    assert len(crf.learning_curve) == 3 and list(found.probes["home"]) == ["upper", "lower"]


# ---------------------------------------------------------------------- parts, and pairs


def test_parts_are_nested_and_whole_and_in_order() -> None:
    documents = [Document(str(number), f"text {number % 7}") for number in range(40)]
    shares = [0.9, 0.01, 0.1, 0.25, 0.5]
    found = [part(documents, share) for share in sorted(shares)]
    assert [len(each) for each in found] == [1, 4, 10, 20, 36]
    for small, large in zip(found, [*found[1:], documents], strict=True):
        assert [each for each in large if each in small] == small
    other = documents[::-1]
    assert sorted(each.id for each in part(other, 0.25)) == sorted(each.id for each in part(documents, 0.25))
    assert list(parts(documents, [0.5, 0.01, 0.02, 0.99])) == [0.01, 0.5]
    assert parts(documents[:1], [0.5]) == {}


def scored(documents: list[Document], right: int) -> Scores:
    answers = [Prediction(each.id, each.spans if number < right else ()) for number, each in enumerate(documents)]
    return onoma.evaluate(documents, answers, resamples=0)


def test_a_known_fall_is_found_and_none_is_not() -> None:
    documents = [Document(str(number), "in Rome", spans=(Span(3, 7, "LOC"),)) for number in range(60)]
    upper = probe(documents, "upper")
    changed = list(upper.documents)
    before = [scored(documents, 50), scored(documents, 48)]
    found = {"upper": [scored(changed, 20), scored(changed, 22)], "lower": [scored(changed, 50), scored(changed, 48)]}
    rows = probe_scores(before, found, {"upper": upper, "lower": upper, "nfd": upper}, {"nfd": "not tried"}, 1000)
    fall, same = rows["upper"], rows["lower"]
    f1 = [2 * right / (60 + right) for right in (20, 22, 50, 48)]
    assert fall.difference == pytest.approx((f1[0] + f1[1] - f1[2] - f1[3]) / 2)
    assert fall.p_adjusted is not None and fall.p_adjusted < 0.01
    assert fall.difference is not None and fall.interval is not None
    assert fall.interval[0] < fall.difference < fall.interval[1] < 0
    assert (same.difference, same.p_value, same.interval) == (0, 1, (0, 0)), "seeds are paired, too"
    assert (rows["nfd"].f1, rows["nfd"].why, rows["nfd"].support) == (None, "not tried", 60)
    alone = probe_scores(before, found, {"upper": upper}, {}, 0)["upper"]
    assert alone.difference == fall.difference and alone.p_value is None


def test_units_that_differ_are_documents() -> None:
    """A changed text that falls into other sentences is paired by its documents."""
    documents = [Document.from_words([["Rome"], ["Oslo"]], id=str(number)) for number in range(4)]
    documents = [each.with_spans([Span(0, 4, "LOC")]) for each in documents]
    merged = [Document.from_words([["Rome", "Oslo"]], id=each.id).with_spans(each.spans) for each in documents]
    probed = Probed(tuple(merged), 0, 4, 0)
    row = probe_scores([scored(documents, 4)], {"x": [scored(merged, 2)]}, {"x": probed}, {}, 50)["x"]
    assert row.difference == pytest.approx(2 * 2 / 6 - 1)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"probes": ["uper"]}, "probe 'uper' is unknown: one of upper"),
        ({"probes": ["upper", "upper"]}, "a probe stands twice in probes"),
        ({"probe_sets": ["nowhere"]}, "probe_sets names 'nowhere'"),
        ({"learning_curve": [0.5, 0.5]}, "a share stands twice in learning_curve"),
        ({"learning_curve": [1.0]}, "less than 1"),
        ({"train": None, "systems": {"file": {"model": "saved"}}}, "'training_names' needs training documents"),
    ],
)
def test_wrong_settings_are_one_clear_line(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        experiment(**changes)
    assert "\n" not in str(caught.value)
