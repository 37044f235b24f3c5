"""The main job, for real and small: processes, resume, failures, and what the numbers must be."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import jsonschema
import pytest
from families import CORPUS, options

import onoma
from onoma import datasets
from onoma.comparison import Experiment, compare, run
from onoma.comparison.cell import set_mark
from onoma.comparison.experiment import SetSettings
from onoma.exceptions import ConfigError, DataError
from onoma.models.encoder_tagger.options import EncoderTaggerOptions
from onoma.recognizer.calibration import Calibration
from onoma.report.schema import SCHEMA_FILE, read

SYSTEMS = {
    "crf": {"family": "feature_crf", "options": {"c2": 0.001}},
    "stiff": {"family": "feature_crf", "options": {"c2": 1000.0}, "scheme": "BIOES"},
}


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    datasets.write(CORPUS, tmp_path / "all.conll")
    datasets.write(CORPUS[:3], tmp_path / "some.jsonl")
    return tmp_path


def experiment(**changes: object) -> Experiment:
    settings: dict[str, object] = {
        "name": "tiny",
        "train": {"source": "all.conll"},
        "sets": {
            "home": {"source": "all.conll"},
            "away": {
                "source": "some.jsonl",
                "role": "out_of_domain",
                "map": {"PER": "HUMAN"},
                "labels": ["HUMAN", "LOC"],
            },
        },
        "systems": SYSTEMS,
        "resamples": 50,
    }
    return Experiment.checked({**settings, **changes}, "test")


def test_systems_are_trained_scored_and_compared(corpus: Path) -> None:
    results = compare(experiment(), corpus / "out", base=corpus)
    crf, stiff = results.systems
    assert (crf.status, stiff.status) == ("ok", "ok")
    assert crf.scores["home"].micro.f1 == 1 > stiff.scores["home"].micro.f1
    assert crf.train is not None and crf.train.words_per_second and crf.size_mb and crf.peak_memory_mb
    home = results.sets["home"]
    assert (home.documents, home.mentions, home.role) == (8, sum(len(each.spans) for each in CORPUS), "in_domain")
    assert any("also trained on" in note for note in home.notes)
    away = results.sets["away"]
    assert not any("also trained on" in note for note in away.notes)
    assert any("PER renamed to HUMAN (2)" in note for note in away.notes)
    assert "filter HUMAN,LOC" in crf.scores["away"].signature
    (row,) = [each for each in results.comparisons if each.set == "home"]
    assert row.difference == pytest.approx(crf.scores["home"].micro.f1 - stiff.scores["home"].micro.f1)
    jsonschema.validate(
        json.loads((corpus / "out" / "results.json").read_text(encoding="utf-8")),
        json.loads(SCHEMA_FILE.read_text(encoding="utf-8")),
    )
    assert read(corpus / "out") == results
    for name in ("results.md", "report.html"):
        assert "crf" in (corpus / "out" / name).read_text(encoding="utf-8")


def test_scores_equal_evaluating_the_predictions_on_disk(corpus: Path) -> None:
    results = compare(experiment(), corpus / "out", base=corpus)
    gold = onoma.read(corpus / "all.conll")
    for system in results.systems:
        folder = corpus / "out" / "systems" / system.name / "seed-1"
        scores = onoma.evaluate(gold, datasets.read_predictions(folder / "predictions-home.jsonl"), resamples=0)
        assert system.scores["home"].micro.f1 == scores.micro.f1
        again = onoma.load(folder / "model").predict(gold)
        assert again == datasets.read_predictions(folder / "predictions-home.jsonl")


def test_gold_never_passes_through_the_systems(corpus: Path) -> None:
    """A span that no tag sequence can hold stays in every denominator."""
    crossing = [CORPUS[0].with_spans([*CORPUS[0].spans, onoma.Span(1, 3, "PER")]), *CORPUS[1:]]
    datasets.write(crossing, corpus / "hard.jsonl")
    sets = {"hard": {"source": "hard.jsonl"}}
    results = compare(experiment(sets=sets), corpus / "out", base=corpus)
    assert results.systems[0].scores["hard"].micro.support == sum(len(each.spans) for each in crossing)
    assert results.systems[0].scores["hard"].micro.recall < 1


def test_finished_cells_are_kept_and_changed_ones_made_anew(corpus: Path) -> None:
    out = corpus / "out"
    compare(experiment(), out, base=corpus)
    records = {name: out / "systems" / name / "seed-1" / "cell.json" for name in SYSTEMS}
    before = {name: path.stat().st_mtime_ns for name, path in records.items()}
    compare(experiment(), out, base=corpus)
    assert {name: path.stat().st_mtime_ns for name, path in records.items()} == before
    changed = {**SYSTEMS, "stiff": {"family": "feature_crf", "options": {"c2": 500.0}}}
    compare(experiment(systems=changed), out, base=corpus)
    assert records["crf"].stat().st_mtime_ns == before["crf"]
    assert records["stiff"].stat().st_mtime_ns > before["stiff"]
    datasets.write(CORPUS[:5], corpus / "all.conll")
    compare(experiment(systems=changed), out, base=corpus)
    assert records["crf"].stat().st_mtime_ns > before["crf"]


def test_a_new_set_does_not_train_anything_anew(corpus: Path) -> None:
    out = corpus / "out"
    compare(experiment(), out, base=corpus)
    model = out / "systems" / "crf" / "seed-1" / "model" / "onoma.json"
    before = model.stat().st_mtime_ns
    sets = {"home": {"source": "all.conll"}, "new": {"source": "some.jsonl"}}
    results = compare(experiment(sets=sets), out, base=corpus)
    assert model.stat().st_mtime_ns == before
    assert set(results.systems[0].scores) == {"home", "new"}
    datasets.write(CORPUS[2:5], corpus / "some.jsonl")
    changed = compare(experiment(sets=sets), out, base=corpus)
    assert model.stat().st_mtime_ns == before
    assert changed.systems[0].scores["new"].micro.support != results.systems[0].scores["new"].micro.support


def test_a_saved_model_that_was_trained_again_is_asked_again(corpus: Path) -> None:
    def save(c2: float) -> None:
        made = onoma.Recognizer.create("feature_crf", ["LOC", "PER"], options={"c2": c2})
        made.fit(CORPUS)
        made.save(corpus / "saved")

    settings = experiment(systems={"saved": {"model": "saved"}}, train=None)
    save(0.001)
    assert compare(settings, corpus / "out", base=corpus).systems[0].scores["home"].micro.f1 == 1
    save(1000.0)
    assert compare(settings, corpus / "out", base=corpus).systems[0].scores["home"].micro.f1 < 1


def test_files_of_somebody_else_are_left_alone(corpus: Path) -> None:
    foreign = corpus / "out" / "systems" / "crf" / "seed-1"
    foreign.mkdir(parents=True)
    (foreign / "thesis.txt").write_text("mine")
    with pytest.raises(ConfigError, match="no comparison wrote"):
        compare(experiment(), corpus / "out", base=corpus)
    assert (foreign / "thesis.txt").read_text() == "mine"


def damaged(corpus: Path) -> dict[str, object]:
    (corpus / "damaged").mkdir()
    (corpus / "damaged" / "config.json").write_text("{}")
    return {"family": "encoder_tagger", "options": {"encoder": "damaged"}}


def test_a_failing_system_is_reported_and_the_others_go_on(corpus: Path) -> None:
    broken = damaged(corpus)
    results = compare(experiment(systems={"broken": broken, **SYSTEMS}), corpus / "out", base=corpus)
    failed = results.systems[0]
    assert failed.status == "failed" and "damaged" in (failed.error or "")
    assert [each.status for each in results.systems[1:]] == ["ok", "ok"]
    assert "damaged" in (corpus / "out" / "results.md").read_text(encoding="utf-8")
    assert (corpus / "out" / "systems" / "broken" / "seed-1" / "log.txt").read_text(encoding="utf-8")


def test_a_saved_recognizer_can_be_compared(corpus: Path) -> None:
    made = onoma.Recognizer.create("feature_crf", ["LOC", "PER"], options={"c2": 0.001})
    made.fit(CORPUS)
    made.save(corpus / "saved")
    results = compare(experiment(systems={"saved": {"model": "saved"}}, train=None), corpus / "out", base=corpus)
    assert results.systems[0].scores["home"].micro.f1 == 1
    assert results.systems[0].train is None


def test_a_saved_recognizer_answers_as_the_options_say(corpus: Path) -> None:
    made = onoma.Recognizer.create("feature_crf", ["LOC", "PER"], options={"c2": 0.001})
    made.fit(CORPUS)
    made.calibration = Calibration(method="isotonic", knots=((0.0, 0.1), (1.0, 0.2)), thresholds={"LOC": 0.9})
    made.save(corpus / "saved")
    systems = {"mute": {"model": "saved"}, "plain": {"model": "saved", "options": {"calibrated": False}}}
    unknown = {"model": "saved", "options": {"nonsense": 1}}
    results = compare(experiment(systems={**systems, "unknown": unknown}, train=None), corpus / "out", base=corpus)
    mute, plain, failed = results.systems
    assert mute.scores["home"].by_label["LOC"].f1 == 0 and plain.scores["home"].micro.f1 == 1
    assert failed.status == "failed" and "nonsense" in (failed.error or "")


def test_a_trained_system_answers_once_more_in_another_way(corpus: Path) -> None:
    """`from` may stand before its origin, has its seeds, learns nothing, and is asked again when the other changes."""
    pytest.importorskip("torch")
    tagger = {"family": "encoder_tagger", "options": {**options("encoder_tagger", corpus), "epochs": 2}}
    small = {"from": "tagger", "options": {"precision": "bf16"}}
    settings = {"systems": {"small": small, "tagger": tagger}, "seeds": [1, 2]}
    results = compare(experiment(**settings), corpus / "out", base=corpus)
    again, trained = results.systems
    assert (again.name, again.family, again.seeds) == ("small", "encoder_tagger", (1, 2))
    assert again.train is None and not again.training and trained.train is not None
    assert again.size_mb == trained.size_mb
    assert again.options is not None and again.options["precision"] == "bf16"
    assert results.config["systems"]["small"] == {**results.config["systems"]["small"], "from": "tagger"}
    told = corpus / "out" / "systems" / "small" / "seed-1" / "cell.json"
    before = told.stat().st_mtime_ns
    compare(experiment(**settings), corpus / "out", base=corpus)
    assert told.stat().st_mtime_ns == before, "nothing has changed"
    weights = corpus / "out" / "systems" / "tagger" / "seed-1" / "model" / "onoma.json"
    weights.write_text(weights.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    compare(experiment(**settings), corpus / "out", base=corpus)
    assert told.stat().st_mtime_ns > before, "another recognizer"


def test_a_system_from_one_that_failed_says_so(corpus: Path) -> None:
    broken = damaged(corpus)
    results = compare(experiment(systems={"broken": broken, "again": {"from": "broken"}}), corpus / "out", base=corpus)
    assert [each.status for each in results.systems] == ["failed", "failed"]
    assert "there is no recognizer of broken, seed 1" in (results.systems[1].error or "")


def test_several_seeds_give_a_mean(corpus: Path) -> None:
    pytest.importorskip("torch")
    quick = {**options("encoder_tagger", corpus), "epochs": 2}
    systems = {"tagger": {"family": "encoder_tagger", "options": quick}, "crf": SYSTEMS["crf"]}
    results = compare(
        experiment(systems=systems, seeds=[1, 2], dev={"source": "all.conll"}), corpus / "out", base=corpus
    )
    tagger, crf = results.systems
    assert (tagger.seeds, crf.seeds) == ((1, 2), (1,))
    scores = tagger.scores["home"]
    assert scores.micro.f1 == pytest.approx(sum(each.micro_f1 for each in scores.per_seed) / 2)
    assert [run.seed for run in tagger.training] == [1, 2]
    assert all(point.dev_f1 is not None for run in tagger.training for point in run.curve)


def test_an_encoder_folder_starts_at_the_experiment_file(corpus: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A relative folder there is found from anywhere, another one is a hub id; a changed folder is trained on anew."""
    (corpus / "encoder").mkdir()
    (corpus / "encoder" / "config.json").write_text("{}")
    monkeypatch.chdir(corpus.parent)
    inside = EncoderTaggerOptions.model_validate({"encoder": "encoder"}).located(corpus)
    assert (inside.encoder, inside.depends_on()) == (str(corpus / "encoder"), (corpus / "encoder",))
    for encoder in ("sentence-transformers/all-MiniLM-L6-v2", None):
        there = EncoderTaggerOptions.model_validate({"encoder": encoder}).located(corpus)
        assert (there.encoder, there.depends_on()) == (encoder, ())
    systems = {"tagger": {"family": "encoder_tagger", "options": {"encoder": "encoder"}}}
    marks: list[str] = []

    def spawn(*arguments: object) -> dict[str, str]:
        marks.append(str(arguments[-1]))
        return {"status": "failed", "error": "not tried"}

    monkeypatch.setattr(run, "_spawn", spawn)
    for text in ("{}", "{}", "[]"):
        (corpus / "encoder" / "config.json").write_text(text)
        compare(experiment(systems=systems), corpus / "out", base=corpus)
    assert marks[0] == marks[1] != marks[2]


def test_a_killed_run_takes_its_child_along_and_resumes(corpus: Path) -> None:
    """kill -9 in the middle of training; the next run goes on from the checkpoint and finishes."""
    pytest.importorskip("torch")
    slow = {**options("encoder_tagger", corpus), "epochs": 60}
    settings = experiment(systems={"crf": SYSTEMS["crf"], "tagger": {"family": "encoder_tagger", "options": slow}})
    script = (
        "import sys, json; from onoma.comparison import Experiment, compare\n"
        "compare(Experiment.model_validate(json.loads(sys.argv[1])), sys.argv[2], base=sys.argv[3])\n"
    )
    arguments = [sys.executable, "-c", script, settings.model_dump_json(), str(corpus / "out"), str(corpus)]
    first = subprocess.Popen(arguments)
    checkpoints = corpus / "out" / "systems" / "tagger" / "seed-1" / "checkpoints"
    deadline = time.monotonic() + 120
    while not list(checkpoints.glob("checkpoint-*/trainer_state.json")) and time.monotonic() < deadline:
        assert first.poll() is None, "the run ended before it could be killed"
        time.sleep(0.02)
    if os.name == "nt":
        first.kill()
    else:
        first.send_signal(signal.SIGKILL)
    first.wait()
    time.sleep(1)  # the child notices that its parent is gone
    states = sorted(checkpoints.glob("checkpoint-*"))
    time.sleep(1)
    assert sorted(checkpoints.glob("checkpoint-*")) == states, "the child went on without its parent"
    results = compare(settings, corpus / "out", base=corpus)
    tagger = results.systems[1]
    assert tagger.status == "ok" and tagger.training[0].epochs == 60
    assert tagger.train is None, "a resumed run has no honest training time"
    assert "going on from" in (corpus / "out" / "systems" / "tagger" / "seed-1" / "log.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"systems": {}}, "systems"),
        ({"sets": {}}, "sets"),
        ({"train": None}, "no \\[train\\] data"),
        (
            {"systems": {"x": {"family": "crf"}}},
            "one of bilstm_crf, causal_lm, encoder_tagger, external, feature_crf, rules",
        ),
        ({"systems": {"x": {"family": "feature_crf", "options": {"cc": 1}}}}, "systems.x: .*'cc' is no setting"),
        ({"systems": {"x": {"family": "feature_crf", "model": "y"}}}, "one of the four"),
        ({"systems": {"x": {"from": "x"}}}, "systems.x: from names 'x', which is no family .*: one of none"),
        ({"systems": {**SYSTEMS, "x": {"from": "cfr"}}}, "from names 'cfr', .*: one of crf, stiff"),
        ({"systems": {**SYSTEMS, "x": {"from": "crf", "seeds": [2]}}}, r"seeds = \(2,\) means nothing .* from 'crf'"),
        ({"systems": {**SYSTEMS, "x": {"from": "crf", "splitter": "spacy"}}}, "splitter .* a system from 'crf'"),
        ({"systems": {"x": {"model": "runs/y", "scheme": "IO"}}}, "scheme .* nothing to the saved recognizer 'runs/y'"),
        ({"systems": {"x": {"model": "runs/y", "splitter": "spacy"}}}, "splitter .* nothing to the saved recognizer"),
        ({"systems": {"x": {"predictions": {"home": "p"}, "seeds": [1]}}}, "seeds .* nothing to predictions"),
        ({"systems": {"x": {"predictions": {"home": "p"}, "options": {"a": 1}}}}, "options .* nothing to predictions"),
        ({"systems": {**SYSTEMS, "x": {"from": "crf", "scheme": "IO"}}}, "means nothing to a system from 'crf'"),
        (
            {"systems": {**SYSTEMS, "x": {"from": "crf", "options": {"c2": 1.0}}}},
            "systems.x.options: 'c2' cannot be changed when a model is loaded",
        ),
        ({"systems": {"a/b": SYSTEMS["crf"]}}, "cannot be a folder's name"),
        *(
            ({"systems": {name: SYSTEMS["crf"]}}, "cannot be a folder's name")
            for name in ("a<b", "a>b", 'a"b', "a|b", "a?b", "a*b", "a\tb", "a.", "a ", "CON", "nul.txt", "Com1", "lpt9")
        ),
        ({"systems": {"Crf": SYSTEMS["crf"], "cRF": SYSTEMS["crf"]}}, "'Crf' and 'cRF' are one folder"),
        ({"systems": {"\u00e9": SYSTEMS["crf"], "e\u0301": SYSTEMS["crf"]}}, "are one folder"),
        ({"systems": {"x" * 201: SYSTEMS["crf"]}}, "longer than 200 bytes"),
        ({"sets": {"a|b": {"source": "all.conll"}}}, "cannot be a folder's name"),
        ({"seeds": [1, 1]}, "stands twice"),
        ({"sedes": [1]}, "'sedes' is no setting"),
    ],
)
def test_wrong_experiments_are_one_clear_line(changes: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        experiment(**changes)
    assert "\n" not in str(caught.value)


def test_unreadable_data_stop_everything_before_training(corpus: Path) -> None:
    sets = {"home": {"source": "missing.conll"}}
    with pytest.raises(DataError, match=r"missing\.conll: no such file"):
        compare(experiment(sets=sets), corpus / "out", base=corpus)
    assert not (corpus / "out").exists()


@pytest.mark.parametrize(
    ("system", "message"),
    [
        ({"family": "seq2seq", "encoding": "haiku"}, "encoding 'haiku' is unknown: one of tags, word_tags"),
        ({"family": "seq2seq", "encoding_options": {"alain": 1}}, "the encoding word_tags has no option 'alain'"),
        ({"family": "seq2seq", "encoding_options": {"max_words": "x"}}, "is 'x', not a whole number"),
        ({"family": "seq2seq", "encoding": "code_classes", "options": {"decoding": "grounded"}}, "has no grammar"),
        ({"family": "seq2seq", "prompt": {"template": "haiku"}}, "one of plain"),
        ({"family": "seq2seq", "options": {"model": "./nowhere"}}, "nowhere: there is no such model folder"),
        ({"family": "encoder_tagger", "options": {"encoder": "a/b/c"}}, "a/b/c: there is no such model folder"),
        ({"family": "feature_crf", "scheme": "BIOUX"}, "BIOUX"),
        ({"family": "feature_crf", "encoding": "xml"}, "means nothing to feature_crf"),
        ({"family": "feature_crf", "splitter": "knife"}, "knife"),
        ({"model": "./nowhere"}, "nowhere: there is no such model folder"),
        ({"model": "empty"}, "holds no onoma.json"),
    ],
)
def test_what_could_never_be_trained_stops_everything_before_training(
    system: dict[str, object], message: str, corpus: Path
) -> None:
    pytest.importorskip("transformers")
    (corpus / "empty").mkdir()
    with pytest.raises(ConfigError, match=f"^systems.wrong: .*{message}"):
        compare(experiment(systems={**SYSTEMS, "wrong": system}), corpus / "out", base=corpus)
    assert not (corpus / "out").exists()


def test_a_saved_recognizer_that_has_learnt_a_set_is_said_to_have(corpus: Path) -> None:
    made = onoma.Recognizer.create("feature_crf", ["LOC", "PER"], options={"c2": 0.001})
    made.fit(datasets.read(corpus / "all.conll"))
    made.save(corpus / "saved")
    results = compare(experiment(systems={"saved": {"model": "saved"}}, train=None), corpus / "out", base=corpus)
    home, away = results.sets["home"], results.sets["away"]
    assert any("saved was trained on these very documents" in note for note in home.notes)
    assert not any("saved" in note for note in away.notes)


def test_a_drafter_is_found_from_the_experiment_file(corpus: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torch")
    crf = onoma.Recognizer.create("feature_crf", ["LOC", "PER"])
    crf.fit(CORPUS)
    crf.save(corpus / "crf")
    (corpus / "elsewhere").mkdir()
    monkeypatch.chdir(corpus / "elsewhere")
    writer = {"family": "seq2seq", "options": {**options("seq2seq", corpus), "epochs": 1}}
    systems = {
        "writer": writer,
        "drafted": {"from": "writer", "options": {"drafter": "crf"}},
        "lost": {"from": "writer", "options": {"drafter": "fcr"}},
    }
    results = compare(experiment(systems=systems), corpus / "out", base=corpus)
    assert [each.status for each in results.systems] == ["ok", "ok", "failed"]
    assert "drafter = 'fcr': there is no such folder" in (results.systems[2].error or "")
    saved = corpus / "out" / "systems" / "writer" / "seed-1" / "model"
    again = {"saved": {"model": str(saved), "options": {"drafter": "crf"}}}
    results = compare(experiment(systems=again, train=None), corpus / "again", base=corpus)
    assert results.systems[0].status == "ok"


def test_what_stands_in_a_question_makes_another_prediction() -> None:
    plain = SetSettings(source="t.jsonl")
    asked = SetSettings(source="t.jsonl", asked_labels=True)
    spoken = SetSettings(source="t.jsonl", asked_labels=True, map={"PER": "person"})
    renamed = SetSettings(source="t.jsonl", map={"PER": "person"})
    assert len({set_mark(each, "x") for each in (plain, asked, spoken)}) == 3
    assert set_mark(renamed, "x") == set_mark(plain, "x")  # how it is scored may change
