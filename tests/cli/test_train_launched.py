"""`onoma train` under a launcher: two processes train one recognizer, and one of them writes it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from families import CORPUS
from models.tiny import save_bert

import onoma

pytest.importorskip("torch")

LAUNCH = "--multi_gpu --num_processes 2 --num_machines 1 --mixed_precision no --dynamo_backend no".split()


def launched(folder: Path, family: str, *options: str) -> subprocess.CompletedProcess[str]:
    onoma.write(CORPUS, folder / "train.conll")
    command = [sys.executable, "-m", "accelerate.commands.launch", *LAUNCH, "-m", "onoma", "train", "--model", family]
    command += ["--train", "train.conll", "--dev", "train.conll", "--out", "model", *options]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300, check=False
    )


@pytest.mark.slow
def test_two_processes_train_one_recognizer(tmp_path: Path) -> None:
    save_bert(tmp_path / "encoder")
    options = ["--options.encoder", "encoder", "--options.epochs", "2", "--options.batch-tokens", "16"]
    ended = launched(tmp_path, "encoder_tagger", *options)
    assert ended.returncode == 0, ended.stderr[-2000:]
    assert ended.stdout.count("dev micro F1") == 1
    assert ended.stderr.count("train.conll: conll") == 2, "only one process tells what it read"
    assert len(json.loads((tmp_path / "model" / "curve.json").read_text())) == 2
    assert len(onoma.load(tmp_path / "model").predict(CORPUS)) == len(CORPUS)


@pytest.mark.slow
def test_a_family_with_a_trainer_of_its_own_says_so(tmp_path: Path) -> None:
    ended = launched(tmp_path, "feature_crf")
    assert ended.returncode != 0
    assert "feature_crf is not trained in several processes: start it without a launcher" in ended.stderr
    assert not (tmp_path / "model").exists()
