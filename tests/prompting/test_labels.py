"""Definitions of labels: all that the catalogue has, files of one's own, and what is wrong with them."""

from __future__ import annotations

from pathlib import Path

import pytest

from onoma import prompting
from onoma.datasets import catalog
from onoma.exceptions import ConfigError
from onoma.prompting.labels import _shipped

CORPORA = sorted(name for name, entry in catalog.entries().items() if entry.labels)


@pytest.mark.parametrize("corpus", CORPORA)
def test_every_label_of_the_catalogue_is_defined(corpus: str) -> None:
    labels = catalog.entry(corpus).labels
    assert corpus in _shipped()[1], f"{corpus} names no label set"
    found = prompting.definitions(labels, corpus)
    assert list(found) == list(labels)
    for label, definition in found.items():
        assert definition.text, label
        assert len(definition.name) <= 40 and len(definition.text) <= 120, label
        assert definition.text[-1] != "." and not definition.text.startswith(definition.name + " is")
    assert len({definition.name for definition in found.values()}) == len(found)


def test_shipped_sets_hold_nothing_that_nobody_uses() -> None:
    sets, of_corpus = _shipped()
    assert set(of_corpus.values()) == set(sets) and set(of_corpus) <= set(catalog.entries())
    for name, labels in sets.items():
        used = {label for corpus, own in of_corpus.items() if own == name for label in catalog.entry(corpus).labels}
        assert set(labels) == used, name


def test_labels_of_no_corpus() -> None:
    assert prompting.definitions(["PER", "LOC"])["PER"].name == "person"
    found = prompting.definitions(["PER", "night_train"])
    assert found["night_train"] == ("night train", "") and found["PER"].name == "person"
    assert prompting.definitions(["GENE", "night-train"], "bc2gm")["GENE"].text
    assert prompting.definitions(["___"])["___"].name == "___"


def test_a_file_of_one_s_own(tmp_path: Path) -> None:
    path = tmp_path / "labels.toml"
    path.write_text('[mine.labels]\nPER = ["people", "whoever it is"]\n', encoding="utf-8")
    assert prompting.definitions(["PER"], path=path) == {"PER": ("people", "whoever it is")}
    with pytest.raises(ConfigError, match="no definition of the label 'LOC'"):
        prompting.definitions(["PER", "LOC"], path=path)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("[mine", "cannot be read"),
        ("mine = 3", "has no labels"),
        ("[mine]\ncorpora = []", "has no labels"),
        ('[mine.labels]\nPER = "people"', "'PER' of 'mine' is not defined"),
        ('[mine.labels]\nPER = ["people"]', "'PER' of 'mine' is not defined"),
        ('[mine.labels]\nPER = ["people", ""]', "'PER' of 'mine' is not defined"),
        ('[mine.labels]\nPER = ["people", 3]', "'PER' of 'mine' is not defined"),
    ],
)
def test_bad_files_end_in_one_line(text: str, why: str, tmp_path: Path) -> None:
    path = tmp_path / "labels.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=why) as caught:
        prompting.read_definitions(path)
    assert str(path) in str(caught.value) and "\n" not in str(caught.value)
    with pytest.raises(ConfigError, match="cannot be read"):
        prompting.read_definitions(tmp_path / "none.toml")
