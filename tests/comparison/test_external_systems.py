"""Systems that are another program, or just a file, beside those that are trained here."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import jsonschema
import psutil
import pytest
from families import CORPUS, PROGRAM, program

import onoma
from onoma import Document, Prediction, Span, datasets, progress
from onoma.comparison import Experiment, compare, run
from onoma.exceptions import ConfigError, DataError
from onoma.report.schema import SCHEMA_FILE, read

CRF = {"family": "feature_crf", "options": {"c2": 0.001}}


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    datasets.write(CORPUS, tmp_path / "all.conll")
    datasets.write(CORPUS[:3], tmp_path / "some.jsonl")
    return tmp_path


def experiment(systems: dict[str, Any], **changes: Any) -> Experiment:
    settings: dict[str, Any] = {
        "name": "tiny",
        "sets": {"home": {"source": "all.conll"}, "away": {"source": "some.jsonl", "role": "out_of_domain"}},
        "systems": systems,
        "resamples": 50,
    }
    return Experiment.checked({**settings, **changes}, "test")


def other(corpus: Path, text: str = PROGRAM, **options: Any) -> dict[str, Any]:
    """A system that is a program in the experiment's folder."""
    command = program(corpus, text)
    return {"family": "external", "options": {"command": [*command[:-1], "program.py"], "timeout": 60, **options}}


def predictions(corpus: Path, home: str = "home.jsonl", away: str = "away.jsonl") -> dict[str, Any]:
    return {"predictions": {"home": home, "away": away}}


def write(path: Path, documents: list[Document], leave_out: int = 0) -> None:
    pairs = [(document, Prediction.of(document)) for document in documents[leave_out:]]
    datasets.write_predictions(pairs, path)


# ---------------------------------------------------------------------- another program


def test_a_program_stands_beside_a_trained_system(corpus: Path) -> None:
    """Without training data where nothing is trained; its folder is that of the experiment; no training is reported."""
    results = compare(experiment({"other": other(corpus)}), corpus / "out", base=corpus)
    both = compare(
        experiment({"other": other(corpus), "crf": CRF}, train={"source": "all.conll"}),
        corpus / "out",
        base=corpus,
    )
    assert [each.status for each in both.systems] == ["ok", "ok"], both.systems
    found = both.systems[0]
    assert found == results.systems[0], "the finished cell was kept"
    assert (found.family, found.train, found.training, found.size_mb) == ("external", None, (), None)
    assert found.peak_memory_mb and found.predict["home"].words_per_second
    assert 0 < found.scores["home"].micro.f1 < 1 == both.systems[1].scores["home"].micro.f1
    gold = onoma.read(corpus / "all.conll")
    again = onoma.load(corpus / "out" / "systems" / "other" / "seed-1" / "model").predict(gold)
    assert again == datasets.read_predictions(
        corpus / "out" / "systems" / "other" / "seed-1" / "predictions-home.jsonl"
    )
    assert read(corpus / "out") == both
    for name in ("results.md", "report.html"):
        assert "other" in (corpus / "out" / name).read_text(encoding="utf-8")


def test_a_changed_program_is_asked_again(corpus: Path) -> None:
    out = corpus / "out"
    record = out / "systems" / "other" / "seed-1" / "cell.json"
    first = compare(experiment({"other": other(corpus)}), out, base=corpus)
    before = record.stat().st_mtime_ns
    compare(experiment({"other": other(corpus)}), out, base=corpus)
    assert record.stat().st_mtime_ns == before
    second = compare(
        experiment({"other": other(corpus, PROGRAM.replace('"Bob": "PER"', '"x": "x"'))}), out, base=corpus
    )
    assert second.systems[0].scores["home"].micro.f1 < first.systems[0].scores["home"].micro.f1


def test_lost_answers_are_counted_and_a_silent_program_is_a_failed_system(corpus: Path) -> None:
    crash = PROGRAM.replace("    spans = [", "    if asked['id'] == '5': sys.exit('out of memory')\n    spans = [")
    silent = {"family": "external", "options": {"command": [sys.executable, "-c", "raise SystemExit('no model')"]}}
    missing = {"family": "external", "options": {"command": ["no-such-program"]}}
    systems = {"crash": other(corpus, crash), "silent": silent, "missing": missing}
    results = compare(experiment(systems), corpus / "out", base=corpus)
    crashed, mute, absent = results.systems
    assert crashed.status == "ok" and crashed.scores["home"].problems == {"truncated": 4}
    assert crashed.scores["away"].problems == {}
    assert (mute.status, absent.status) == ("failed", "failed")
    assert "no document was answered: exit code 1: no model" in str(mute.error)
    assert "there is no program 'no-such-program'" in str(absent.error)


def test_a_saved_program_that_changed_is_asked_again(corpus: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The card alone says nothing of the program it names."""
    monkeypatch.chdir(corpus)
    command = other(corpus)["options"]["command"]
    onoma.Recognizer.create("external", [], options={"command": command}).save(corpus / "saved")
    settings = experiment({"saved": {"model": "saved"}})
    first = compare(settings, corpus / "out", base=corpus)
    record = corpus / "out" / "systems" / "saved" / "seed-0" / "cell.json"
    before = record.stat().st_mtime_ns
    compare(settings, corpus / "out", base=corpus)
    assert record.stat().st_mtime_ns == before
    program(corpus, PROGRAM.replace('"Bob": "PER"', '"x": "x"'))
    second = compare(settings, corpus / "out", base=corpus)
    assert second.systems[0].scores["home"].micro.f1 < first.systems[0].scores["home"].micro.f1
    assert second.systems[0].options is not None and second.systems[0].options["cwd"] == f".../{corpus.name}"


def test_no_secret_and_no_path_of_the_machine_is_published(corpus: Path) -> None:
    """In what is there to be shared; the saved card needs both."""
    silent = {"command": ["no-such-program"], "env": {"TOKEN": "s3cret"}}
    systems = {
        "other": other(corpus, env={"TOKEN": "s3cret"}),
        "failed": {"family": "external", "options": silent},
    }
    results = compare(experiment(systems), corpus / "out", base=corpus)
    found, failed = results.systems
    assert (found.status, failed.status) == ("ok", "failed")
    for options in (found.options, failed.options, results.config["systems"]["other"]["options"]):
        assert options is not None and options["env"] == {"TOKEN": "***"}
    assert found.options is not None and found.options["cwd"] is None
    cells = corpus / "out" / "systems" / "other" / "seed-1" / "cell.json"
    for file in (corpus / "out" / "results.json", corpus / "out" / "results.md", corpus / "out" / "report.html", cells):
        text = file.read_text(encoding="utf-8")
        assert "s3cret" not in text and str(corpus) not in text, file
    assert "s3cret" in (cells.parent / "model" / "onoma.json").read_text(encoding="utf-8")


def test_a_command_may_name_anything(corpus: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The folder of the results and its parents, devices, and folders as large as a machine are not looked through."""
    monkeypatch.setattr(run, "MOST_FILES", 5)
    said: list[str] = []
    monkeypatch.setattr(progress, "say", said.append)
    (corpus / "large").mkdir()
    for number in range(6):
        (corpus / "large" / str(number)).write_text("")
    system = other(corpus)
    system["options"]["command"] += ["..", ".", "/", "/dev/stdin", "runs", "large", "small"]
    (corpus / "runs").mkdir()
    (corpus / "small").mkdir()
    record = corpus / "runs" / "out" / "systems" / "other" / "seed-1" / "cell.json"

    def asked() -> int:
        (found,) = compare(experiment({"other": system}), corpus / "runs" / "out", base=corpus).systems
        assert found.status == "ok", found.error
        return record.stat().st_mtime_ns

    before = asked()
    assert any("large: more than 5 files" in line for line in said)
    (corpus / "large" / "0").write_text("changed")
    assert asked() == before
    (corpus / "small" / "weights").write_text("new")
    assert asked() > before


def test_what_a_cell_says_reaches_the_reader(corpus: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A lost answer, an unusable one: said aloud, and in the log of the cell."""
    crash = PROGRAM.replace("    spans = [", "    if asked['id'] == '5': sys.exit('out of memory')\n    spans = [")
    progress.use(progress.Lines())
    try:
        compare(experiment({"crash": other(corpus, "print('hello')\n" + crash)}), corpus / "out", base=corpus)
    finally:
        progress.use(None)
    said = capsys.readouterr().err
    log = (corpus / "out" / "systems" / "crash" / "seed-1" / "log.txt").read_text(encoding="utf-8")
    for text in (said, log):
        assert "4 of 8 documents not answered: exit code 1: out of memory" in text
        assert "1 lines that are no answers are left out, the first 'hello'" in text
    assert "crash, seed 1: external:" in said


def test_a_killed_run_leaves_no_program_behind(corpus: Path) -> None:
    note = corpus / "note"
    text = f"import os, time\nopen({str(note)!r}, 'w').write(str(os.getpid()))\ntime.sleep(600)"
    settings = experiment({"slow": other(corpus, text)})
    script = (
        "import sys, json; from onoma.comparison import Experiment, compare\n"
        "compare(Experiment.model_validate(json.loads(sys.argv[1])), sys.argv[2], base=sys.argv[3])\n"
    )
    first = subprocess.Popen(
        [sys.executable, "-c", script, settings.model_dump_json(), str(corpus / "out"), str(corpus)]
    )
    deadline = time.monotonic() + 60
    while not (note.exists() and note.read_text()) and time.monotonic() < deadline:
        time.sleep(0.05)
    first.kill()
    first.wait()
    pid = int(note.read_text())

    def alive() -> bool:
        try:
            return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return False

    while alive() and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not alive()


# ---------------------------------------------------------------------- predictions that are there already


def test_files_of_predictions_are_scored_like_any_system(corpus: Path) -> None:
    write(corpus / "home.jsonl", onoma.read(corpus / "all.conll"))
    write(corpus / "away.jsonl", CORPUS[:3], leave_out=1)
    results = compare(
        experiment({"file": predictions(corpus), "crf": CRF}, train={"source": "all.conll"}),
        corpus / "out",
        base=corpus,
    )
    found = results.systems[0]
    assert (found.status, found.error, found.family, found.seeds) == ("ok", None, "predictions", (0,))
    assert (found.train, found.predict, found.peak_memory_mb, found.size_mb) == (None, {}, None, None)
    assert found.scores["home"].micro.f1 == 1
    away = found.scores["away"]
    assert away.micro.precision == 1 and away.problems == {"missing_document": 1}
    lost = len(CORPUS[0].spans) / sum(len(each.spans) for each in CORPUS[:3])
    assert away.micro.recall == pytest.approx(1 - lost)
    assert {(row.a, row.b) for row in results.comparisons} == {("file", "crf")}
    jsonschema.validate(
        json.loads((corpus / "out" / "results.json").read_text(encoding="utf-8")),
        json.loads(SCHEMA_FILE.read_text(encoding="utf-8")),
    )
    assert read(corpus / "out") == results
    for name in ("results.md", "report.html"):
        assert "file" in (corpus / "out" / name).read_text(encoding="utf-8")


def test_predictions_alone_need_no_training_and_any_format_will_do(corpus: Path) -> None:
    datasets.write([each.with_spans(each.spans[:1]) for each in CORPUS], corpus / "home.conll")
    write(corpus / "away.jsonl", CORPUS[:3])
    settings = experiment({"file": predictions(corpus, home="home.conll")})
    found = compare(settings, corpus / "out", base=corpus).systems[0]
    assert found.scores["home"].micro.precision == 1 > found.scores["home"].micro.recall
    kept = corpus / "out" / "systems" / "file" / "seed-0" / "predictions-home.jsonl"
    assert [each.tags for each in datasets.read_predictions(kept)] == [
        each.tags for each in datasets.read_predictions(corpus / "home.conll")
    ]


def test_a_folder_of_predictions_is_read_and_watched(corpus: Path) -> None:
    """brat, and any other format that is a folder."""
    gold = [Document("one", "Ada left Rome.", spans=(Span(0, 3, "PER"), Span(9, 13, "LOC")))]
    datasets.write(gold, corpus / "gold.jsonl")
    datasets.write(gold, corpus / "found", "brat")
    settings = experiment({"brat": {"predictions": {"home": "found"}}}, sets={"home": {"source": "gold.jsonl"}})
    (found,) = compare(settings, corpus / "out", base=corpus).systems
    assert (found.status, found.error) == ("ok", None) and found.scores["home"].micro.f1 == 1
    datasets.write([gold[0].with_spans(gold[0].spans[:1])], corpus / "found", "brat")
    (found,) = compare(settings, corpus / "out", base=corpus).systems
    assert found.scores["home"].micro.recall == 0.5


def test_a_changed_file_is_read_again(corpus: Path) -> None:
    write(corpus / "home.jsonl", onoma.read(corpus / "all.conll"))
    write(corpus / "away.jsonl", CORPUS[:3])
    settings = experiment({"file": predictions(corpus)})
    record = corpus / "out" / "systems" / "file" / "seed-0" / "cell.json"
    assert compare(settings, corpus / "out", base=corpus).systems[0].scores["home"].micro.f1 == 1
    before = record.stat().st_mtime_ns
    compare(settings, corpus / "out", base=corpus)
    assert record.stat().st_mtime_ns == before
    write(corpus / "home.jsonl", onoma.read(corpus / "all.conll"), leave_out=2)
    assert compare(settings, corpus / "out", base=corpus).systems[0].scores["home"].micro.f1 < 1


def test_tags_of_other_tokens_are_left_out(corpus: Path) -> None:
    """Raw gold has no tokens, so tags in the file cannot be laid beside it; the spans can."""
    raw = [Document("1", "Ada left.", spans=(Span(0, 3, "PER"),))]
    datasets.write(raw, corpus / "raw.jsonl")
    datasets.write_predictions([(raw[0], Prediction("1", raw[0].spans, tags=("B-PER", "O")))], corpus / "tagged.jsonl")
    settings = experiment({"file": {"predictions": {"home": "tagged.jsonl"}}}, sets={"home": {"source": "raw.jsonl"}})
    assert compare(settings, corpus / "out", base=corpus).systems[0].scores["home"].micro.f1 == 1
    (kept,) = datasets.read_predictions(corpus / "out" / "systems" / "file" / "seed-0" / "predictions-home.jsonl")
    assert kept.spans and kept.tags is None


def test_predictions_for_something_else_fail_that_system(corpus: Path) -> None:
    strangers = [Document("elsewhere", "Ada left", spans=(Span(0, 3, "PER"),))]
    write(corpus / "home.jsonl", strangers)
    write(corpus / "away.jsonl", CORPUS[:3])
    (found,) = compare(experiment({"file": predictions(corpus)}), corpus / "out", base=corpus).systems
    assert (found.status, found.family) == ("failed", "predictions")
    assert "home.jsonl: predicts document 'elsewhere', which the set 'home' does not have" in str(found.error)
    write(corpus / "home.jsonl", [Document("1", "another text altogether")])
    (found,) = compare(experiment({"file": predictions(corpus)}), corpus / "out", base=corpus).systems
    assert "predicted for another text" in str(found.error)


def test_a_missing_file_stops_everything_before_anything_is_made(corpus: Path) -> None:
    write(corpus / "home.jsonl", onoma.read(corpus / "all.conll"))
    with pytest.raises(DataError, match=r"away\.jsonl: .*cannot be read"):
        compare(experiment({"file": predictions(corpus)}), corpus / "out", base=corpus)
    assert not (corpus / "out").exists()


@pytest.mark.parametrize(
    ("systems", "message"),
    [
        ({"x": {"predictions": {"home": "a"}}}, r"systems\.x: there are no predictions for the set 'away'"),
        ({"x": {"predictions": {}}}, "no predictions for the set 'home'"),
        ({"x": {"predictions": {"home": "a", "away": "b", "far": "c"}}}, "the set 'far', which is not among the sets"),
        ({"x": {"predictions": {"home": "a", "away": "b"}, "model": "m"}}, "one of the four"),
        ({"x": {"predictions": {"home": "a", "away": "b"}, "family": "external"}}, "one of the four"),
        ({"x": {}}, "one of the four"),
        ({"x": {"family": "external"}}, "'command' is missing"),
        ({"x": CRF}, "there is a system to train, 'x', but no"),
    ],
)
def test_wrong_systems_are_one_clear_line(systems: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        experiment(systems)
    assert "\n" not in str(caught.value)


def test_memory_counts_what_a_cell_starts(corpus: Path) -> None:
    hungry = "import time\nblock = bytearray(os.urandom(1)) * 150_000_000\ntime.sleep(1.5)\n"
    found = compare(
        experiment({"big": other(corpus, "import os\n" + hungry + PROGRAM)}, sets={"home": {"source": "all.conll"}}),
        corpus / "out",
        base=corpus,
    ).systems[0]
    assert found.peak_memory_mb is not None and found.peak_memory_mb > 200
