"""Every verb as a user calls it: output, exit codes, and one clear line for bad input, with nothing half-written."""

from __future__ import annotations

import io
import json
import os
import sys
import threading
from pathlib import Path

import pytest
from families import CORPUS

import onoma
from onoma import datasets, models, progress
from onoma.cli import main
from onoma.cli.app import VERBS


@pytest.fixture(autouse=True)
def silence() -> object:
    yield
    progress.use(None)


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models") / "crf"
    made = onoma.Recognizer.create("feature_crf", ["LOC", "PER"], options={"c2": 0.001})
    made.fit(CORPUS)
    made.save(folder)
    return folder


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    datasets.write(CORPUS, tmp_path / "gold.conll")
    datasets.write(onoma.read(tmp_path / "gold.conll"), tmp_path / "gold.jsonl")
    return tmp_path


def run(*arguments: object) -> int:
    return main([str(each) for each in arguments])


def feed(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode("utf-8"))))


# ---------------------------------------------------------------------- from labelled file to score


def test_own_file_to_trained_scored_and_served(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    train = ["train", "--model", "feature_crf", "--train", "gold.conll", "--dev", "gold.conll", "--out", "runs/crf"]
    assert run(*train, "--options.c2", "0.001") == 0
    assert "dev micro F1 100.00" in capsys.readouterr().out
    assert run("predict", "runs/crf", "gold.conll", "-o", "pred.jsonl") == 0
    assert run("evaluate", "gold.conll", "pred.jsonl", "--json") == 0
    capsys.readouterr()
    assert run("evaluate", "gold.conll", "pred.jsonl", "--json") == 0
    assert json.loads(capsys.readouterr().out)["micro"]["f1"] == 1
    assert run("predict", "runs/crf", "gold.conll", "-o", "pred.conll") == 0
    assert run("evaluate", "gold.conll", "pred.conll") == 0
    out = capsys.readouterr().out
    assert "100.00" in out and "gold sha256/2:" in out
    card = json.loads(Path("runs/crf/onoma.json").read_text(encoding="utf-8"))
    assert card["trained"]["settings"]["train"] == ["gold.conll"]


def test_a_toml_file_stands_for_flags_and_flags_win(folder: Path) -> None:
    Path("run.toml").write_text(
        'model = "feature_crf"\ntrain = ["gold.conll"]\nout = "a"\nseed = [3]\n'
        "[options]\nc2 = 0.5\nmax_iterations = 7\n"
    )
    assert run("train", "run.toml", "--out", "b", "--options.c2", "0.25") == 0
    card = json.loads(Path("b/onoma.json").read_text(encoding="utf-8"))
    assert not Path("a").exists()
    assert (card["options"]["c2"], card["options"]["max_iterations"], card["trained"]["seed"]) == (0.25, 7, 3)


def test_a_recognizer_that_will_be_replaced_is_named(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for said in (False, True):
        capsys.readouterr()
        assert run("train", "--model", "feature_crf", "--train", "gold.conll", "--out", "m") == 0
        assert ("m: the recognizer there is replaced" in " ".join(capsys.readouterr().err.split())) == said


def test_several_seeds_are_several_folders(folder: Path) -> None:
    assert run("train", "--model", "feature_crf", "--train", "gold.conll", "--out", "m", "--seed", 1, "--seed", 2) == 0
    assert sorted(each.name for each in Path("m").iterdir()) == ["seed-1", "seed-2"]


# ---------------------------------------------------------------------- predict


def test_predict_reads_stdin_and_prints_json_lines(
    model: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    feed(monkeypatch, "Ada left London .\n\nnobody left\n")
    assert run("predict", model, "--quiet") == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["id"] for line in lines] == ["1", "3"]
    assert [(span["text"], span["label"]) for span in lines[0]["spans"]] == [("Ada", "PER"), ("London", "LOC")]


def test_predict_as_columns_and_in_colour(
    model: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    feed(monkeypatch, "Ada left London .\n")
    assert run("predict", model, "--to", "conll", "--quiet") == 0
    assert capsys.readouterr().out == "Ada\tB-PER\nleft\tO\nLondon\tB-LOC\n.\tO\n\n"
    feed(monkeypatch, "Ada left [London] .\n")
    assert run("predict", model, "--to", "color", "--quiet") == 0
    assert capsys.readouterr().out.startswith("Ada PER left [London")


def test_a_stream_is_answered_line_by_line(
    model: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    answered: list[int] = []

    class Slow(io.RawIOBase):
        lines = [b"Ada left .\n", b"Bob left .\n", b""]

        def readable(self) -> bool:
            return True

        def read1(self, size: int) -> bytes:
            answered.append(capsys.readouterr().out.count("\n"))
            return self.lines.pop(0) if self.lines else b""

    monkeypatch.setattr(sys, "stdin", type("In", (), {"buffer": Slow()})())
    assert run("predict", model, "--stream", "--quiet") == 0
    assert answered == [0, 1, 1]


def test_plain_text_files_are_told_from_labelled_ones(
    model: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("letter.txt").write_text("Dear Ada,\nwe left London .\n")
    assert run("predict", model, "letter.txt", "--quiet") == 0
    assert len(capsys.readouterr().out.splitlines()) == 2
    assert run("predict", model, "gold.jsonl", "--quiet") == 0
    assert len(capsys.readouterr().out.splitlines()) == len(CORPUS)


# ---------------------------------------------------------------------- evaluate


def test_what_a_raw_text_is_taken_for_is_said(model: Path, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "page.txt").write_text("<doc>Ada left Rome</doc>\n", encoding="utf-8")
    assert run("predict", str(model), str(folder / "page.txt"), "-o", str(folder / "page.jsonl")) == 0
    assert "xml: documents are <doc> elements" in " ".join(capsys.readouterr().err.split())
    (folder / "old.txt").write_bytes("Zo\xeb left\n".encode("latin-1"))
    assert run("predict", str(model), str(folder / "old.txt")) != 0
    error = " ".join(capsys.readouterr().err.split())
    assert "save it as UTF-8" in error and "--format text" not in error


def test_gates_filters_and_two_systems(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    gold = onoma.read("gold.conll")
    datasets.write([each.with_spans(each.spans[:1]) for each in gold], "half.jsonl")
    assert run("evaluate", "gold.conll", "half.jsonl", "--fail-under", "0.99") == 3
    assert run("evaluate", "gold.conll", "half.jsonl", "--labels", "PER", "--json") == 0
    capsys.readouterr()
    assert run("evaluate", "gold.conll", "half.jsonl", "gold.jsonl", "--json", "--resamples", "200") == 0
    found = json.loads(capsys.readouterr().out)
    assert set(found["systems"]) == {"half.jsonl", "gold.jsonl"}
    assert {each["test"] for each in found["comparisons"]} == {"paired_bootstrap", "approximate_randomisation"}
    assert all(each["difference"] < 0 for each in found["comparisons"])
    assert run("evaluate", "gold.conll", "half.jsonl", "gold.jsonl", "--resamples", "50") == 0
    assert "points of micro F1" in capsys.readouterr().out


# ---------------------------------------------------------------------- data and env


def test_data_stats_convert_check(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("data", "stats", "gold.conll", "gold.jsonl") == 0
    assert "mentions" in capsys.readouterr().out
    assert run("data", "stats", "gold.conll", "--json") == 0
    assert json.loads(capsys.readouterr().out)["gold.conll"]["documents"] == len(CORPUS)
    assert run("data", "convert", "gold.conll", "out.jsonl") == 0
    assert datasets.read("out.jsonl") == datasets.read("gold.conll")
    assert run("data", "convert", "gold.conll", "out.conll", "--scheme", "BIOES") == 0
    assert "S-LOC" in Path("out.conll").read_text()
    assert run("data", "check", "gold.conll") == 0
    Path("cut.jsonl").write_text(
        '{"id": "1", "text": "Ada left", "tokens": [[0, 3], [4, 8]], "sentences": [[0, 2]], '
        '"spans": [{"start": 0, "end": 2, "label": "PER", "text": "Ad"}]}\n'
    )
    capsys.readouterr()
    assert run("data", "check", "cut.jsonl") == 1
    assert "cuts_token" in capsys.readouterr().out
    assert run("data", "convert", "cut.jsonl", "cut.conll") == 1
    assert not Path("cut.conll").exists()
    assert run("data", "convert", "cut.jsonl", "cut.conll", "--lossy") == 0
    assert "lost 1 x" in capsys.readouterr().err


def test_env(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("env", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["onoma"] == onoma.__version__ and "feature_crf" in found["families"]
    assert run("env") == 0
    assert "python-crfsuite" in capsys.readouterr().out


def test_version_and_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--version") == 0
    assert capsys.readouterr().out.strip() == onoma.__version__
    for verb in ("demo", "data", "train", "predict", "evaluate", "compare", "report", "env"):
        assert run(verb, "--help") == 0
        assert len(capsys.readouterr().out) > 100
    run("train", "--help")
    shown = capsys.readouterr().out
    assert not [name for name in models.names() if name not in shown]


def test_compare_and_report(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("e.toml").write_text(
        'name = "tiny"\nresamples = 20\n[train]\nsource = "gold.conll"\n[sets.home]\nsource = "gold.jsonl"\n'
        '[systems.crf]\nfamily = "feature_crf"\n'
    )
    assert run("compare", "e.toml", "--out", "out") == 0
    assert "crf" in capsys.readouterr().out
    assert run("compare", "e.toml", "--out", "out", "--json", "--quiet") == 0
    captured = capsys.readouterr()
    assert json.loads(captured.out)["schema"] == 1
    assert not captured.err
    Path("out/report.html").unlink()
    assert run("report", "out") == 0
    assert Path("out/report.html").exists()
    Path("none").mkdir()
    Path("e.toml").write_text(
        Path("e.toml").read_text() + '[systems.bad]\nfamily = "encoder_tagger"\noptions = { encoder = "none" }\n'
    )
    assert run("compare", "e.toml", "--out", "out") == 4
    assert "bad failed" in capsys.readouterr().out


# ---------------------------------------------------------------------- bad input

GOOD = '{"id": "1", "text": "Ada left", "spans": [{"start": 0, "end": 3, "label": "PER", "text": "Ada"}]}\n'
BAD_FILES = {
    "truncated.jsonl": (GOOD.replace('"1"', '"a"') + GOOD[:40]).encode(),
    "surface.jsonl": GOOD.replace('"end": 3', '"end": 4').encode(),
    "outside.jsonl": GOOD.replace('"end": 3', '"end": 99').encode(),
    "negative.jsonl": GOOD.replace('"start": 0', '"start": -1').encode(),
    "key.jsonl": GOOD.replace('"spans"', '"spanns"').encode(),
    "columns.conll": b"Ada\tB-PER\nleft\tO\tX\nRome\tB-LOC\n.\tO\n",
    "tags.conll": b"Ada\tB-PER\nleft\tQ-PER\n",
    "empty.conll": b"",
    "binary.conll": b"\x89PNG\r\n\x1a\n\x00\x00\x00",
    "latin1.conll": "Zoë\tB-PER\n".encode("latin-1"),
}
LINES = {"truncated.jsonl": 2, "columns.conll": 2, "tags.conll": 2, "surface.jsonl": 1, "latin1.conll": 1}


@pytest.mark.parametrize("name", BAD_FILES)
@pytest.mark.parametrize("verb", ["train", "evaluate", "stats", "convert"])
def test_bad_files_end_in_one_line_and_write_nothing(
    name: str, verb: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path(name).write_bytes(BAD_FILES[name])
    before = sorted(folder.rglob("*"))
    command = {
        "train": ["train", "--model", "feature_crf", "--train", name, "--out", "runs/x"],
        "evaluate": ["evaluate", "gold.conll", name],
        "stats": ["data", "stats", name],
        "convert": ["data", "convert", name, "out.jsonl"],
    }[verb]
    assert run(*command) == 1
    captured = capsys.readouterr()
    last = captured.err.strip().split("\n")[-1]
    assert last.startswith(f"onoma: {name}") and "Traceback" not in captured.err
    if name in LINES:
        assert f"{name}:{LINES[name]}: " in last
    assert not captured.out
    assert sorted(folder.rglob("*")) == before


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["train", "--model", "feature_crf", "--train", ".", "--out", "x"], 1, "directory"),
        (["train", "--model", "feature_crf", "--train", "none.conll", "--out", "x"], 1, "no such file"),
        (
            ["train", "--model", "hmm", "--train", "gold.conll", "--out", "x"],
            2,
            "one of bilstm_crf, causal_lm, encoder_tagger, external, feature_crf, rules",
        ),
        (["train", "--model", "feature_crf", "--train", "gold.conll"], 2, "'out' is missing"),
        (["train", "--model", "feature_crf", "--train", "gold.conll", "--out", "x", "--options.c9", "1"], 2, "'c9'"),
        (["train", "--model", "feature_crf", "--train", "gold.conll", "--out", "."], 2, "name an empty folder"),
        (["train", "none.toml"], 2, "no such file"),
        (["train", "--bogus", "1"], 2, "--bogus"),
        (["predict", "none"], 1, "no such model folder"),
        (["predict", "."], 1, "onoma.json"),
        (["evaluate", "gold.conll", "none.jsonl"], 1, "no such file"),
        (["evaluate", "gold.conll"], 2, ""),
        (["evaluate", "gold.conll", "gold.jsonl", "--protocol", "magic"], 2, "strict"),
        (["evaluate", "conll1999:test", "gold.jsonl"], 2, "catalogue"),
        (["data", "stats"], 2, "at least one file"),
        (["data", "convert", "gold.conll", "out.xyz"], 2, "ending"),
        (["compare", "none.toml", "--out", "x"], 2, "no such file"),
        (["compare", "gold.conll", "--out", "x"], 2, "not TOML"),
        (["report", "."], 1, "results.json"),
        (["nonsense"], 2, "nonsense"),
    ],
)
def test_wrong_calls_end_in_one_line_with_the_right_code(
    arguments: list[str], code: int, message: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = sorted(folder.rglob("*"))
    assert run(*arguments) == code
    captured = capsys.readouterr()
    last = captured.err.strip().split("\n")[-1]
    assert last.startswith("onoma: ") and message in last and "Traceback" not in captured.err
    assert not captured.out
    assert sorted(folder.rglob("*")) == before


def test_unknown_keys_of_a_config_are_errors(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("bad.toml").write_text('model = "feature_crf"\ntrian = ["gold.conll"]\n')
    assert run("train", "bad.toml") == 2
    assert "bad.toml: 'trian' is no setting; known: model, train" in capsys.readouterr().err
    Path("bad.toml").write_text(
        'name = "x"\n[sets.a]\nsource = "gold.conll"\nrules = "in_domain"\n[systems.c]\nmodel = "m"\n'
    )
    assert run("compare", "bad.toml", "--out", "x") == 2
    assert "'sets.a.rules' is no setting" in capsys.readouterr().err
    assert not Path("x").exists()


def test_predictions_that_do_not_belong_to_the_gold(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("other.jsonl").write_text(GOOD.replace('"id": "1"', '"id": "zzz"'))
    assert run("evaluate", "gold.conll", "other.jsonl") == 1
    assert "'zzz'" in capsys.readouterr().err


def test_predictions_for_another_text_are_not_scored(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("other.jsonl", "other.conll"):
        datasets.write([onoma.Document.from_words([["Bob", "went"]], id="1")], name)
        assert run("evaluate", "gold.conll", name) == 1
        assert "predicted for another text" in capsys.readouterr().err


def test_two_files_of_one_name_are_two_systems(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("a", "b"):
        Path(name).mkdir()
        datasets.write(onoma.read("gold.conll"), f"{name}/pred.jsonl")
    assert run("evaluate", "gold.conll", "a/pred.jsonl", "b/pred.jsonl", "--json", "--resamples", "20") == 0
    assert set(json.loads(capsys.readouterr().out)["systems"]) == {"a", "b"}


def test_a_dash_is_stdin_and_stdout(
    model: Path, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    feed(monkeypatch, "Ada left .\n")
    assert run("predict", model, "-", "-o", "-", "--quiet") == 0
    assert json.loads(capsys.readouterr().out)["text"] == "Ada left ."
    assert run("data", "convert", "gold.conll", "-") == 0
    written = capsys.readouterr().out
    assert len(written.splitlines()) == len(CORPUS)
    feed(monkeypatch, written)
    assert run("evaluate", "gold.conll", "-", "--json") == 0
    assert json.loads(capsys.readouterr().out)["micro"]["f1"] == 1


def test_the_input_is_not_overwritten(model: Path, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = Path("gold.conll").read_bytes()
    assert run("predict", model, "gold.conll", "-o", "gold.conll") == 2
    assert Path("gold.conll").read_bytes() == before
    assert run("predict", model, "gold.conll", "-o", "gold.conll/x") == 1
    assert "onoma: " in capsys.readouterr().err


def test_brackets_in_user_text_are_no_markup(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = '{"id": "[/x]", "text": "[/b] a\\u200bb", "spans": [{"start": 0, "end": 1, "label": "[/y]", "text": "["}]}\n'
    Path("odd.jsonl").write_text(text)
    assert run("data", "stats", "odd.jsonl") == 0
    assert "[/y]" in capsys.readouterr().out
    assert run("data", "check", "odd.jsonl") in (0, 1)
    assert "[/x]" in capsys.readouterr().out


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the system has no named pipes")
def test_a_pipe_is_written_to_and_not_replaced(folder: Path) -> None:
    os.mkfifo("pipe")
    got: list[str] = []
    reader = threading.Thread(target=lambda: got.append(Path("pipe").read_text(encoding="utf-8")))
    reader.start()
    assert run("data", "convert", "gold.conll", "pipe", "--to", "jsonl") == 0
    reader.join(timeout=10)
    assert len(got[0].splitlines()) == len(CORPUS)
    assert Path("pipe").is_fifo()


def test_interrupts_end_with_130(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(datasets, "read", interrupted)
    assert run("data", "stats", "gold.conll") == 130


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--fail-under", "90"], "a fraction from 0 to 1"),
        (["--fail-under", "nan"], "a fraction from 0 to 1"),
        (["--labels", ""], "a label is empty"),
        (["--protocol", "all", "--seed", "-3"], "seed"),
    ],
)
def test_settings_of_evaluate_that_cannot_be(
    arguments: list[str], message: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("evaluate", "gold.conll", "gold.conll", *arguments) == 2
    assert message in capsys.readouterr().err


def test_a_label_that_is_nowhere_is_said(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("evaluate", "gold.conll", "gold.conll", "--labels", "NOPE", "--resamples", "0") == 0
    assert "no mention of that label" in capsys.readouterr().err


def test_predictions_are_written_in_any_format(model: Path, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("predict", model, "gold.conll", "-o", "pred.xml", "--quiet") == 0
    assert run("predict", model, "gold.conll", "-o", "pred.bin", "--to", "doccano", "--quiet") == 0
    for name in ("pred.xml", "pred.bin"):
        assert run("evaluate", "gold.conll", name, "--resamples", "0", "--json") == 0
        assert json.loads(capsys.readouterr().out)["micro"]["f1"] == 1
    assert run("predict", model, "gold.conll", "--to", "pdf") == 2


def test_every_verb_has_its_line_in_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--help") == 0
    shown = " ".join(capsys.readouterr().out.replace("│", " ").split())
    for verb, (_, line) in VERBS.items():
        assert f"{verb} {line}" in shown
