"""Models that write text, from the command line: files in, character spans and problems out."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from families import CORPUS

from onoma import datasets, progress
from onoma.cli import main


@pytest.fixture(autouse=True)
def silence() -> object:
    yield
    progress.use(None)


def run(*arguments: str) -> int:
    return main(list(arguments))


def test_trained_compared_and_asked_for_other_labels(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("torch")
    from models.tiny import save_minilm

    monkeypatch.chdir(tmp_path)
    save_minilm(Path("encoder"), positions=128)
    datasets.write(CORPUS, "train.jsonl")
    Path("layout.toml").write_text(
        'head = "{labels} "\nkind = "{kind} "\nquestion = "{source}"\nanswer = " {answer}"\nbetween = " "\n',
        encoding="utf-8",
    )
    Path("train.toml").write_text(
        'model = "seq2seq"\ntrain = ["train.jsonl"]\ndev = "train.jsonl"\nencoding = "word_tags"\n'
        'encoding_options = { align = "lcs" }\nprompt = { template = "layout.toml", labels = "tags" }\n'
        'options = { model = "encoder", epochs = 2, symbols = false, decoding = "free" }\n',
        encoding="utf-8",
    )
    assert run("train", "train.toml", "--out", "runs/words", "--encoding-options.max-words", "20") == 0
    card = json.loads(Path("runs/words/onoma.json").read_text(encoding="utf-8"))
    assert card["encoding"] | {"align": "lcs", "max_words": 20, "name": "word_tags"} == card["encoding"]
    Path("layout.toml").unlink()

    text = "😀 Ada Byron left Rome .\nnobody left\n"
    Path("letter.txt").write_text(text, encoding="utf-8")
    assert run("predict", "runs/words", "letter.txt", "-o", "found.jsonl") == 0
    rows = [json.loads(line) for line in Path("found.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [row["text"] for row in rows] == text.splitlines()
    for row in rows:
        assert all(row["text"][span["start"] : span["end"]] == span["text"] for span in row["spans"])
        assert all(problem["kind"] for problem in row["problems"]) and len(row["raw"]) == 1
    assert any(row["problems"] for row in rows)  # two epochs teach nobody to copy
    grounded = ("--options.decoding", "grounded+draft", "-o", "grounded.jsonl")
    assert run("predict", "runs/words", "letter.txt", *grounded) == 0
    rows = [json.loads(line) for line in Path("grounded.jsonl").read_text(encoding="utf-8").splitlines()]
    assert not any(row.get("problems") for row in rows)
    assert all(0 <= span["score"] <= 1 for row in rows for span in row["spans"])
    assert (
        run("predict", "runs/words", "letter.txt", "--labels", "CITY", "-o", "other.jsonl", "--options.beams", "2") == 0
    )
    answers = map(json.loads, Path("other.jsonl").read_text(encoding="utf-8").splitlines())
    assert {span["label"] for row in answers for span in row["spans"]} <= {"CITY"}
    capsys.readouterr()
    assert run("predict", "runs/words", "letter.txt", "--options.epochs", "2") == 2
    assert "only beams, decoding, drafter, predict_tokens can" in " ".join(capsys.readouterr().err.split())

    Path("compare.toml").write_text(
        'name = "both"\nresamples = 20\ntrain = { source = "train.jsonl" }\n'
        'sets = { home = { source = "train.jsonl" } }\n'
        '[systems.crf]\nfamily = "feature_crf"\n[systems.words]\nmodel = "runs/words"\n'
        '[systems.marks]\nfamily = "seq2seq"\nencoding = "xml"\noptions = { model = "encoder", epochs = 1 }\n',
        encoding="utf-8",
    )
    assert run("compare", "compare.toml", "--out", "out") == 0
    results = json.loads(Path("out/results.json").read_text(encoding="utf-8"))
    assert [(each["name"], each["status"]) for each in results["systems"]] == [
        ("crf", "ok"), ("words", "ok"), ("marks", "ok"),
    ]  # fmt: skip
    assert set(results["systems"][1]["scores"]["home"]["problems"]) & {"ungrounded", "malformed", "truncated"}
