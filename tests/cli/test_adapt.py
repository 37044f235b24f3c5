"""`onoma adapt` as a user calls it."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import pytest
from families import CORPUS
from models.tiny import save_bert

from onoma import datasets, progress
from onoma.cli import main

pytest.importorskip("torch")

QUICK = ["--epochs", "1", "--held-out", "0.3", "--window", "20"]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    save_bert(tmp_path / "encoder")
    (tmp_path / "text.txt").write_text("\n".join(document.text for document in CORPUS) + "\n", encoding="utf-8")
    datasets.write(CORPUS, tmp_path / "gold.jsonl")
    yield tmp_path
    progress.use(None)


def run(*arguments: object) -> int:
    return main([str(each) for each in arguments])


def test_text_to_an_encoder_that_a_tagger_takes(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("adapt", "encoder", "text.txt", "--out", "more", *QUICK) == 0
    shown = capsys.readouterr()
    assert "held-out loss" in shown.out and "perplexity" in shown.out and "(with a new head)" in shown.out
    assert "a new one is drawn" in shown.err and "one a line" in shown.err
    assert run("adapt", "more", "text.txt", "-o", "most", "--json", "--quiet", *QUICK) == 0
    shown = capsys.readouterr()
    record = json.loads(shown.out)
    assert shown.err == ""
    assert record == json.loads(Path("most/adapt.json").read_text(encoding="utf-8"))
    assert record["head"] == "kept" and record["before"]["loss"] > 0 and record["after"]["perplexity"] > 1
    assert record["settings"]["text"] == ["text.txt"] and record["settings"]["window"] == 20
    train = ["train", "--model", "encoder_tagger", "--train", "gold.jsonl", "--out", "tagger"]
    assert run(*train, "--options.encoder", "most", "--options.epochs", "1") == 0


def test_labelled_files_stdin_and_settings_in_a_file(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("run.toml").write_text('encoder = "nowhere"\ntext = ["gold.jsonl"]\nout = "a"\nepochs = 1\nheld_out = 0.3\n')
    assert run("adapt", "encoder", "--config", "run.toml", "--json") == 0
    record = json.loads(capsys.readouterr().out)
    assert record["documents"] + record["held_out_documents"] == len(CORPUS)
    assert record["settings"]["encoder"] == "encoder"
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"Ada left\nRome\n\nBob met\n")))
    assert run("adapt", "encoder", "-", "gold.jsonl", "--out", "b", "--json", *QUICK) == 0
    record = json.loads(capsys.readouterr().out)
    assert record["documents"] + record["held_out_documents"] == 2 + len(CORPUS)


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["encoder", "--out", "x"], 2, "'text' is missing"),
        (["encoder", "text.txt"], 2, "'out' is missing"),
        (["encoder", "nothing.txt", "--out", "x"], 1, "no such file"),
        (["encoder", "text.txt", "--out", "encoder"], 2, "which saving would lose"),
        (["encoder", "text.txt", "--out", "x", "--held-out", "0.9"], 2, "held_out"),
        (["encoder", "text.txt", "--out", "x", "--format", "nonsense"], 2, "nonsense"),
    ],
)
def test_bad_input_is_one_line_and_leaves_nothing(
    folder: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], code: int, said: str
) -> None:
    assert run("adapt", *arguments) == code
    err = capsys.readouterr().err.strip().split("\n")
    assert said in err[-1] and err[-1].startswith("onoma: ")
    assert not Path("x").exists()
