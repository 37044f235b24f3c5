"""`onoma calibrate` as a user calls it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from families import CORPUS
from test_calibrated import HELD

import onoma
from onoma import datasets, progress
from onoma.cli import main


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.chdir(tmp_path)
    datasets.write(CORPUS, "train.conll")
    datasets.write(HELD, "dev.conll")
    assert run("train", "--model", "feature_crf", "--train", "train.conll", "--dev", "dev.conll", "--out", "crf") == 0
    yield tmp_path
    progress.use(None)


def run(*arguments: object) -> int:
    return main([str(each) for each in arguments])


def test_it_is_fitted_printed_kept_and_switched_off(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = Path("crf/README.md").read_text(encoding="utf-8")
    assert "the file `train.conll`" in page and "On dev (5 documents" in page
    assert run("predict", "crf", "dev.conll", "-o", "raw.jsonl", "--quiet") == 0
    capsys.readouterr()
    assert run("calibrate", "crf", "--dev", "dev.conll", "--test", "train.conll", "--thresholds") == 0
    captured = capsys.readouterr()
    for part in ("temperature ", "scores before: probability", "ECE before, %", "AURC", "one for each label", "kept: "):
        assert part in captured.out
    assert "test: the model has learnt these very documents" in captured.err
    assert max(map(len, captured.out.splitlines())) <= 100
    assert "## Calibration" in Path("crf/README.md").read_text(encoding="utf-8")
    assert run("predict", "crf", "dev.conll", "-o", "new.jsonl", "--quiet") == 0
    off = ("predict", "crf", "dev.conll", "-o", "off.jsonl", "--options.calibrated", "false", "--quiet")
    assert run(*off) == 0
    assert Path("off.jsonl").read_bytes() == Path("raw.jsonl").read_bytes() != Path("new.jsonl").read_bytes()
    assert run("train", "--model", "feature_crf", "--train", "train.conll", "--out", "crf") == 0
    assert onoma.load("crf").calibration is None


def test_json_holds_every_number(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert run("calibrate", "crf", "--dev", "dev.conll", "--method", "isotonic", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    saved = json.loads(Path("crf/calibration.json").read_text(encoding="utf-8"))
    assert found["calibration"] == saved and saved["method"] == "isotonic" and "thresholds" not in saved
    assert found["score_kind"] == "probability" and found["sets"]["dev"]["reliability"]["before"]["bins"]
    assert set(found["sets"]["dev"]["thresholds"]) == {"none", "overall", "by_label"}


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["calibrate", "crf"], 2, "--dev"),
        (["calibrate", "none", "--dev", "dev.conll"], 1, "no such model folder"),
        (["calibrate", ".", "--dev", "dev.conll"], 1, "only recognizers that onoma saved"),
        (["calibrate", "crf", "--dev", "none.conll"], 1, "no such file"),
        (["calibrate", "crf", "--dev", "dev.conll", "--method", "platt"], 2, "--method"),
        (["calibrate", "crf", "--dev", "nothing.conll"], 1, "no mention is predicted"),
        (["predict", "crf", "dev.conll", "--options.calibrated", "maybe"], 2, "true or false"),
    ],
)
def test_wrong_calls_end_in_one_line_and_change_nothing(
    arguments: list[str], code: int, message: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("nothing.conll").write_text("nobody O\nmet O\n\n3 O\n\n")
    before = {file: file.read_bytes() for file in Path("crf").iterdir()}
    capsys.readouterr()
    assert run(*arguments) == code
    captured = capsys.readouterr()
    last = captured.err.strip().split("\n")[-1]
    assert last.startswith("onoma: ") and message in last and "Traceback" not in captured.err
    assert {file: file.read_bytes() for file in Path("crf").iterdir()} == before
