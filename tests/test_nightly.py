"""Real weights on the embedded corpus: minutes, so nightly."""

from __future__ import annotations

from pathlib import Path

import pytest

import onoma
from onoma import tokenization
from onoma.models.encoder_tagger import backbone


@pytest.mark.slow
def test_the_default_encoder_learns_the_embedded_corpus(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    if backbone.packaged_minilm() is None:
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
