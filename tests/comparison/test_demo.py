"""The demo's experiment: honest numbers on the embedded corpus."""

from __future__ import annotations

import tomllib
from importlib.resources import files
from pathlib import Path

import pytest

import onoma
from onoma import tokenization
from onoma.comparison import Experiment, compare


def demo() -> Experiment:
    text = files("onoma.comparison").joinpath("demo.toml").read_text(encoding="utf-8")
    return Experiment.checked(tomllib.loads(text), "demo.toml")


def test_the_crf_finds_it_hard_and_the_other_genre_harder(tmp_path: Path) -> None:
    experiment = demo()
    crf = {name: each for name, each in experiment.systems.items() if each.family == "feature_crf"}
    results = compare(experiment.model_copy(update={"systems": crf}), tmp_path)
    scores = results.systems[0].scores
    assert 0.5 < scores["test"].micro.f1 < 0.9
    assert scores["letters"].micro.f1 < scores["test"].micro.f1
    assert (results.sets["test"].sentences, results.sets["letters"].sentences) >= (80, 80)


@pytest.mark.parametrize("name", ["train", "dev", "test", "letters"])
def test_no_mention_of_the_embedded_corpus_cuts_a_token(name: str) -> None:
    encoding = onoma.encodings.get("tags", ["LOC", "MISC", "ORG", "PER"])
    for document in onoma.read(f"demo:{name}"):
        assert not encoding.losses(tokenization.split(document))
