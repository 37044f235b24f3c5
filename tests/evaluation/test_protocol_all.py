"""Every protocol side by side, and the command that prints them."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from evaluation_cases import LABELS, words

from onoma import datasets, progress
from onoma.cli import main
from onoma.document import Document, Prediction, Span
from onoma.evaluation import evaluate, protocols
from onoma.exceptions import ConfigError

TAGGED = ("conlleval", "seqeval", "seqeval_strict")


@pytest.fixture(autouse=True)
def silence() -> object:
    yield
    progress.use(None)


@pytest.fixture
def gold() -> list[Document]:
    return [words(f"d{number}", [Span(0, 2, "A"), Span(3, 8, LABELS[number % 3])]) for number in range(4)]


@pytest.fixture
def found(gold: list[Document]) -> list[Prediction]:
    return [Prediction(each.id, (Span(0, 2, "A"), Span(6, 8, each.spans[1].label))) for each in gold]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, gold: list[Document], found: list[Prediction]) -> Path:
    monkeypatch.chdir(tmp_path)
    datasets.write(gold, "gold.jsonl")
    datasets.write([left.with_spans(right.spans) for left, right in zip(gold, found, strict=True)], "pred.jsonl")
    datasets.write([each.with_spans(each.spans[:1]) for each in gold], "half.jsonl")
    return tmp_path


def run(*arguments: object) -> int:
    return main([str(each) for each in arguments])


def test_a_row_for_each_protocol(gold: list[Document], found: list[Prediction]) -> None:
    rows = protocols.score_all(gold, iter(found))
    assert tuple(row.protocol for row in rows) == protocols.names() and rows[0].protocol == "strict"
    strict = evaluate(gold, found, resamples=0).micro
    for row in rows:
        if row.protocol in TAGGED:
            assert row.f1 is None and row.reason
            continue
        assert row.reason is None and row.rule and row.f1 is not None and row.delta is not None
        assert row.delta == pytest.approx(row.f1 - strict.f1)
        one = protocols.get(row.protocol)(gold, found)
        assert (one.micro.precision, one.micro.recall, one.micro.f1) == (row.precision, row.recall, row.f1)
        if row.protocol != "strict":
            assert one.protocol == row.protocol
            assert "\n" not in one.rule


def test_equal_by_construction(gold: list[Document], found: list[Prediction]) -> None:
    f1 = {row.protocol: row.f1 for row in protocols.score_all(gold, found)}
    assert f1["strict"] == f1["recall"] == f1["nervaluate_strict"] == 0.5
    assert f1["partial"] == 0.75 and f1["type_only"] == 1


def test_an_unknown_protocol_lists_the_names() -> None:
    with pytest.raises(ConfigError, match="one of strict, conlleval"):
        protocols.get("nonsense")


def test_all_fits_the_page_and_says_why_not(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("evaluate", "gold.jsonl", "pred.jsonl", "--protocol", "all", "--quiet") == 0
    out = capsys.readouterr().out
    assert max(map(len, out.splitlines())) <= 100
    shown = {line.split()[0] for line in out.splitlines() if line.strip()}
    assert set(protocols.names()) <= shown
    assert re.search(r"^ +partial +75\.00 +75\.00 +75\.00 +\+25\.00 ", out, re.MULTILINE)
    assert re.search(r"^ +seqeval +n/a", out, re.MULTILINE) and "seqeval: n/a, " in out
    assert "start, end and label" in out


def test_two_systems_side_by_side(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("evaluate", "gold.jsonl", "pred.jsonl", "half.jsonl", "--protocol", "all", "--quiet") == 0
    out = capsys.readouterr().out
    # 4 of 8 found and 4 wrong: 50; 4 of 8 found and none wrong: 2 * 4 / (4 + 8) = 66.67
    assert re.search(r"^ +strict +50\.00 +66\.67 +-16\.67 ", out, re.MULTILINE)
    assert run("evaluate", "gold.jsonl", "pred.jsonl", "half.jsonl", "--protocol", "all", "--json") == 0
    systems = json.loads(capsys.readouterr().out)["systems"]
    assert set(systems) == {"pred.jsonl", "half.jsonl"}
    assert systems["pred.jsonl"][0]["f1"] == 0.5


@pytest.mark.parametrize("name", [name for name in protocols.PROTOCOLS if name not in TAGGED])
def test_each_protocol_from_the_command_line(name: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("evaluate", "gold.jsonl", "pred.jsonl", "--protocol", name, "--quiet") == 0
    out = capsys.readouterr().out
    assert max(map(len, out.splitlines())) <= 100
    assert "micro" in out and "precision" in out
    assert run("evaluate", "gold.jsonl", "pred.jsonl", "--protocol", name, "--json") == 0
    assert 0 <= json.loads(capsys.readouterr().out)["micro"]["f1"] <= 1


def test_gates_and_errors(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    gate = ("evaluate", "gold.jsonl", "pred.jsonl", "--quiet", "--fail-under", "0.7")
    assert run(*gate, "--protocol", "partial") == 0
    assert run(*gate, "--protocol", "all") == 3
    assert run(*gate, "--protocol", "nervaluate_exact") == 3
    assert run("evaluate", "gold.jsonl", "pred.jsonl", "half.jsonl", "--protocol", "partial", "--json") == 0
    capsys.readouterr()
    assert run("evaluate", "gold.jsonl", "pred.jsonl", "--protocol", "nonsense") == 2
    assert "is unknown: one of strict, " in capsys.readouterr().err
    assert run("evaluate", "gold.jsonl", "pred.jsonl", "--protocol", "seqeval", "--quiet") == 1
    assert "tags" in capsys.readouterr().err
    assert run("evaluate", "gold.jsonl", "pred.jsonl", "--protocol", "partial", "--labels", "A", "--json") == 0
    assert set(json.loads(capsys.readouterr().out)["by_label"]) == {"A"}


def test_other_golds_from_the_command_line(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    also = ("evaluate", "gold.jsonl", "half.jsonl", "--also-gold", "short=half.jsonl", "--resamples", "0")
    assert run(*also, "--quiet") == 0
    out = capsys.readouterr().out
    assert re.search(r"^ short +4 +0 +4 +0 +0 +100\.00 +100\.00 +100\.00 +\+33\.33", out, re.MULTILINE)
    assert run(*also, "--json") == 0
    assert [row["name"] for row in json.loads(capsys.readouterr().out)["golds"]] == ["gold.jsonl", "short"]
    assert run(*also, "--quiet", "--fail-under", "0.9") == 3
    for bad in ("half.jsonl", "=half.jsonl", "x="):
        assert run("evaluate", "gold.jsonl", "half.jsonl", "--also-gold", bad) == 2
        assert "NAME=FILE" in capsys.readouterr().err
    assert run(*also, "--also-gold", "short=gold.jsonl") == 2
    assert run(*also, "--protocol", "all") == 2
