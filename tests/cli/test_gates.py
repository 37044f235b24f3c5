"""Bars of `evaluate` and `compare`: exit 3, and a line that says which figure missed by how much."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from families import CORPUS

import onoma
from onoma import Document, datasets, progress
from onoma.cli import main
from onoma.evaluation.gates import under, worse_by_intervals


def run(*arguments: object) -> int:
    return main([str(each) for each in arguments])


def part(document: Document, keep: int) -> Document:
    return document.with_spans(document.spans[:keep])


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Gold of 40 documents, with predictions that find all of it, all but a mention, and half."""
    monkeypatch.chdir(tmp_path)
    gold = [
        Document(f"{number}-{copy}", each.text, each.tokens, each.sentences, each.spans)
        for copy in range(5)
        for number, each in enumerate(CORPUS)
    ]
    datasets.write(gold, "gold.jsonl")
    datasets.write(gold, "all.jsonl")
    datasets.write([part(gold[0], 1), *gold[1:]], "nearly.jsonl")
    datasets.write([part(each, 1) for each in gold], "half.jsonl")
    yield tmp_path
    progress.use(None)


def test_a_bar_that_is_missed_says_by_how_much() -> None:
    assert under("F1", 0.62, 0.8) == ["F1 is 62.00, 18.00 points under 80.00 (--fail-under)"]
    assert under("F1", 0.8, 0.8) == under("F1", 0.1, None) == []


def test_intervals_take_a_greater_difference_than_chance() -> None:
    assert worse_by_intervals("F1", (0.7, (0.68, 0.72)), (0.8, (0.78, 0.82)), than="a") == [
        "F1 is 10.00 points under a's, by their intervals (--no-worse-than)"
    ]
    assert not worse_by_intervals("F1", (0.79, (0.77, 0.81)), (0.8, (0.78, 0.82)), than="a")
    assert not worse_by_intervals("F1", (0.9, (0.88, 0.92)), (0.8, (0.78, 0.82)), than="a")
    assert worse_by_intervals("F1", (0.79, None), (0.8, (0.7, 0.9)), than="a")


@pytest.mark.parametrize(
    ("pred", "flags", "code", "said"),
    [
        ("half.jsonl", ["--fail-under", "0.99"], 3, "micro F1 of half.jsonl is "),
        ("half.jsonl", ["--no-worse-than", "all.jsonl"], 3, "points under all.jsonl's, ["),
        ("half.jsonl", ["--no-worse-than", "half.jsonl"], 0, ""),
        ("nearly.jsonl", ["--no-worse-than", "all.jsonl"], 0, ""),
        ("all.jsonl", ["--no-worse-than", "half.jsonl", "--fail-under", "1.0"], 0, ""),
        ("half.jsonl", ["--protocol", "partial", "--no-worse-than", "all.jsonl"], 3, "strict micro F1"),
    ],
)
def test_gates_of_evaluate(
    pred: str, flags: list[str], code: int, said: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("evaluate", "gold.jsonl", pred, "--json", *flags) == code
    captured = capsys.readouterr()
    json.loads(captured.out)
    assert said in captured.err and len(captured.err.splitlines()) == (1 if code else 0)


def test_both_gates_have_a_line_each(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    flags = ("--quiet", "--fail-under", "0.9", "--no-worse-than", "all.jsonl")
    assert run("evaluate", "gold.jsonl", "half.jsonl", *flags) == 3
    assert len(capsys.readouterr().err.splitlines()) == 2


@pytest.mark.parametrize("verb", [("evaluate", "gold.jsonl", "all.jsonl"), ("compare", "run.toml", "--out", "x")])
def test_bars_that_cannot_be(verb: tuple[str, ...], folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    experiment("run.toml", resamples=0)
    extra = ("--resamples", "0") if verb[0] == "evaluate" else ()
    for flags, message in (
        (("--fail-under", "80"), "a fraction from 0 to 1"),
        (("--no-worse-than", "all.jsonl"), "asks for a test"),
    ):
        assert run(*verb, *flags, *extra) == 2
        assert message in capsys.readouterr().err
    assert not Path("x").exists()


def test_a_bar_that_nothing_is_held_against_is_refused(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    away = '[sets.away]\nsource = "gold.jsonl"\nrole = "out_of_domain"\n'
    Path("away.toml").write_text(f'name = "t"\n{away}[systems.one.predictions]\naway = "all.jsonl"\n')
    assert run("compare", "away.toml", "--out", "x", "--quiet", "--fail-under", "0.5") == 2
    assert "has none" in capsys.readouterr().err and not Path("x").exists()


def test_standard_input_is_read_once(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for places in (("-", "-"), ("gold.jsonl", "-", "-"), ("-", "all.jsonl", "--no-worse-than", "-")):
        assert run("evaluate", *places) == 2
        assert "can be read once" in capsys.readouterr().err


def experiment(name: str, resamples: int = 200, **predictions: str) -> None:
    """Systems that are files of predictions, on a set of their own kind and one that is not."""
    systems = "".join(
        f'[systems.{system}.predictions]\nhome = "{file}"\naway = "half.jsonl"\n'
        for system, file in (predictions or {"one": "all.jsonl"}).items()
    )
    sets = '[sets.home]\nsource = "gold.jsonl"\n[sets.away]\nsource = "gold.jsonl"\nrole = "out_of_domain"\n'
    Path(name).write_text(f'name = "t"\nresamples = {resamples}\n{sets}{systems}')


def test_gates_of_compare(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    experiment("before.toml", one="all.jsonl", two="half.jsonl", gone="all.jsonl")
    experiment("after.toml", one="half.jsonl", two="nearly.jsonl", new="half.jsonl")
    assert run("compare", "before.toml", "--out", "before", "--quiet") == 0
    capsys.readouterr()
    assert run("compare", "after.toml", "--out", "after", "--quiet", "--fail-under", "0.9") == 3
    lines = capsys.readouterr().err.splitlines()
    assert [line.split(" is ")[0] for line in lines] == [
        "onoma: micro F1 of one on home",
        "onoma: micro F1 of new on home",
    ]
    assert run("compare", "after.toml", "--out", "after", "--quiet", "--fail-under", "0.5") == 0
    capsys.readouterr()
    for other in ("before", "before/results.json"):
        assert run("compare", "after.toml", "--out", "after", "--quiet", "--no-worse-than", other) == 3
        (line,) = capsys.readouterr().err.splitlines()
        assert "micro F1 of one on home is" in line and "p = 0.0" in line and "(--no-worse-than)" in line
    shutil.rmtree("before/systems")  # the numbers alone are left
    assert run("compare", "after.toml", "--out", "after", "--quiet", "--no-worse-than", "before/results.json") == 3
    assert "micro F1 of one on home" in (line := capsys.readouterr().err) and "by their intervals" in line
    assert run("compare", "after.toml", "--out", "after", "--quiet", "--no-worse-than", "after") == 2
    assert "this very run" in capsys.readouterr().err


def test_runs_that_cannot_be_held_against_each_other(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    experiment("a.toml", one="all.jsonl")
    experiment("b.toml", two="all.jsonl")
    assert run("compare", "a.toml", "--out", "a", "--quiet") == run("compare", "b.toml", "--out", "b", "--quiet") == 0
    capsys.readouterr()
    assert run("compare", "b.toml", "--out", "b", "--quiet", "--no-worse-than", "a") == 1
    assert "no system on a set in common" in capsys.readouterr().err
    assert run("compare", "b.toml", "--out", "b", "--quiet", "--no-worse-than", "none") == 1
    assert "no such file" in capsys.readouterr().err
    gold = onoma.read("gold.jsonl")
    datasets.write([part(gold[0], 0), *gold[1:]], "gold.jsonl")
    assert run("compare", "a.toml", "--out", "c", "--quiet", "--no-worse-than", "a") == 1
    assert "its set 'home' is another file" in capsys.readouterr().err
