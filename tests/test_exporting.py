"""Exports are checked against their original, and a check that fails leaves nothing behind."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from families import MARKED, document
from models.tiny import save_bert

from onoma import Document, Recognizer, load
from onoma.cli.export import export
from onoma.exceptions import ConfigError, DataError
from onoma.exporting import Parity, Tolerances, export_onnx, parity

torch = pytest.importorskip("torch")
for name in ("onnx", "onnxscript", "onnxruntime"):
    pytest.importorskip(name)

GOLD = [document(marked, str(number)) for number, marked in enumerate(MARKED)]


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny recognizer that has learnt a little, so that its tags are sure."""
    folder = tmp_path_factory.mktemp("model")
    encoder = save_bert(tmp_path_factory.mktemp("encoder"))
    options = {"encoder": str(encoder), "epochs": 12, "learning_rate": 0.003, "batch_tokens": 64, "dropout": 0.0}
    recognizer = Recognizer.create("encoder_tagger", ["LOC", "PER"], options=options, seed=1)
    recognizer.fit(GOLD, seed=1)
    recognizer.save(folder / "model")
    return folder / "model"


def test_an_export_is_a_recognizer_and_keeps_its_check(saved: Path, tmp_path: Path) -> None:
    original = load(saved)
    found = export_onnx(original, tmp_path / "out", documents=GOLD, data="gold")
    assert not found.failures and found.agreement == 1 and found.f1 is not None and found.f1[0] == found.f1[1]
    made = load(tmp_path / "out")
    answers = made.predict(GOLD)
    assert [each.tags for each in answers] == [each.tags for each in original.predict(GOLD)]
    assert json.loads((tmp_path / "out" / "parity.json").read_text(encoding="utf-8")) == found.to_dict()
    made.save(tmp_path / "again")
    assert [each.spans for each in load(tmp_path / "again").predict(GOLD)] == [each.spans for each in answers]
    export_onnx(original, tmp_path / "out", documents=GOLD)  # in place of itself


def test_an_export_that_nothing_is_held_against_is_refused(saved: Path, tmp_path: Path) -> None:
    for documents in ([], [Document("1", "")]):
        with pytest.raises(DataError, match="holds no word"):
            export_onnx(load(saved), tmp_path / "out", documents=documents)
    assert not (tmp_path / "out").exists()


def test_a_failed_check_writes_nothing_and_ends_with_3(
    saved: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from onoma import exporting

    def worse(*arguments: object) -> Parity:
        return replace(parity(*arguments), same_tags=0)  # type: ignore[arg-type]

    monkeypatch.setattr(exporting, "parity", worse)
    assert export(saved, onnx=True, out=tmp_path / "out", json=True) == 3
    shown = json.loads(capsys.readouterr().out)
    assert not shown["passed"] and "change their tag" in shown["failures"][0]
    assert shown["data"] == "built-in sentences" and shown["f1"] is None
    assert list(tmp_path.iterdir()) == []


def test_the_verb_prints_a_table(saved: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert export(saved, onnx=True, int8=True, min_agreement=0, out=tmp_path / "out", quiet=True) == 0
    assert "same tags" in capsys.readouterr().out
    assert json.loads((tmp_path / "out" / "onoma.json").read_text(encoding="utf-8"))["options"]["precision"] == "int8"
    with pytest.raises(ConfigError, match="--onnx"):
        export(saved, out=tmp_path / "other")
    with pytest.raises(ConfigError, match="the model itself"):
        export(saved, onnx=True, out=saved)


def test_losses_are_measured_against_the_tolerances() -> None:
    check = Parity("x", "", 100, 99, (0.9, 0.894), {"PER": (0.9, 0.88), "LOC": (0.5, 0.9)}, (2.0, 1.0), Tolerances())
    assert [line.split(" falls")[0] for line in check.failures[1:]] == ["micro F1", "recall of PER"]
    assert "1 of 100 words" in check.failures[0]
    assert not replace(check, tolerances=Tolerances(0.99, 0.01, 0.03)).failures
    assert check.to_dict()["times_as_fast"] == 2.0
    with pytest.raises(ConfigError, match="f1_loss"):
        Tolerances(f1_loss=1.5)


def test_a_family_without_a_graph_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="rules cannot be exported"):
        export_onnx(Recognizer.create("rules", ["PER"]), tmp_path / "out")
