"""Real weights on the embedded corpus, and a peer in an environment of its own: minutes, so nightly."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import onoma
from onoma import tokenization
from onoma.cli import main
from onoma.models import pretrained
from onoma.report.schema import read


@pytest.mark.slow
def test_the_default_encoder_learns_the_embedded_corpus(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    if pretrained.packaged_minilm() is None:
        pytest.skip("the [minilm] extra is not installed")
    train, dev, test = (onoma.read(f"demo:{name}") for name in ("train", "dev", "test"))
    options = {"epochs": 8, "patience": 8, "batch_tokens": 384}
    made = onoma.Recognizer.create("encoder_tagger", onoma.LabelSet.of(train), options=options)
    made.fit(train, dev)
    made.save(tmp_path / "model")
    gold = [tokenization.split(document) for document in test]
    scores = onoma.evaluate(gold, onoma.load(tmp_path / "model").predict(gold))
    assert scores.micro.f1 > 0.5
    assert scores.accuracy is not None and scores.accuracy.value > scores.accuracy.baseline


EXAMPLES = Path(__file__).parents[1] / "examples"


@pytest.mark.slow
def test_spacy_stands_beside_a_feature_crf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The recipe of `examples/external_spacy` as its page says it, with fewer epochs."""
    folder = tmp_path / "external_spacy"
    shutil.copytree(EXAMPLES / "external_spacy", folder, ignore=shutil.ignore_patterns("env", "model", "runs"))
    monkeypatch.chdir(folder)
    python = Path("env", "Scripts", "python.exe") if os.name == "nt" else Path("env", "bin", "python")
    subprocess.run([sys.executable, "-m", "venv", "env"], check=True)
    install = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "spacy==3.8.*"]
    done = subprocess.run(install, capture_output=True, encoding="utf-8")
    if done.returncode:
        pytest.skip(f"spaCy cannot be installed here: {done.stderr.strip().splitlines()[-1:]}")
    for name in ("train", "dev"):
        assert main(["data", "convert", f"demo:{name}", f"{name}.jsonl"]) == 0
    subprocess.run([python, "train.py", "train.jsonl", "dev.jsonl", "model", "--epochs", "8"], check=True)
    assert Path("train.spacy").exists()
    experiment = Path("compare.toml")
    text = experiment.read_text(encoding="utf-8")
    assert '"env/bin/python"' in text
    experiment.write_text(text.replace("env/bin/python", python.as_posix()), encoding="utf-8")
    assert main(["compare", "compare.toml", "--out", "runs", "--quiet"]) == 0
    results = read("runs")
    assert {system.name: system.status for system in results.systems} == {"crf": "ok", "spacy": "ok"}
    spacy = results.systems[1]
    assert spacy.scores["test"].micro.f1 > 0.3 and spacy.scores["test"].problems == {}
    assert spacy.train is None and spacy.predict["letters"].words_per_second
