"""The catalogue: every entry is complete, and each file is the one that was counted."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from dataset_cases import needs_corpora

from onoma import datasets
from onoma.datasets import catalog
from onoma.exceptions import ConfigError, DataError

PUBLIC = [
    f"{name}:{split}" for name, entry in catalog.entries().items() if not entry.embedded for split in entry.splits
]
EMBEDDED = [f"{name}:{split}" for name, entry in catalog.entries().items() if entry.embedded for split in entry.splits]


def test_each_entry_says_what_whose_and_how() -> None:
    assert set(catalog.entries()) >= {"conll2003", "uner_english_ewt", "uner_english_pud", "wnut17", "demo"}
    for entry in catalog.entries().values():
        assert entry.description and entry.language and entry.licence and entry.upstream.startswith("https://")
        assert entry.format in datasets.names() and entry.splits
        for split in entry.splits.values():
            if not entry.embedded:
                assert re.fullmatch("[0-9a-f]{40}", entry.commit)
                assert split.sha256 is not None and re.fullmatch("[0-9a-f]{64}", split.sha256)
                assert split.sentences and split.tokens and split.mentions


@needs_corpora
@pytest.mark.parametrize("reference", PUBLIC)
def test_each_split_holds_what_it_says(reference: str) -> None:
    name, split = reference.split(":")
    row = catalog.entries()[name].splits[split]
    numbers = datasets.statistics(datasets.stream(reference))
    assert (numbers.sentences, numbers.tokens, numbers.mentions) == (row.sentences, row.tokens, row.mentions)
    assert numbers.token_cutting == 0


@pytest.mark.parametrize("reference", EMBEDDED)
def test_the_embedded_splits_need_no_folder(reference: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(catalog.VARIABLE, raising=False)
    documents = datasets.read(reference)
    assert documents and any(document.spans for document in documents)
    assert datasets.sniff(reference).format == "brackets"


@needs_corpora
def test_dropped_labels_are_gone_and_kept_elsewhere() -> None:
    assert set(datasets.statistics(datasets.load("uner_english_ewt", "train")).labels) == {"LOC", "ORG", "PER"}
    whole = datasets.statistics(datasets.load("uner_english_ewt_first_commit", "train"))
    assert (whole.labels["OTH"], whole.labels["O"]) == (888, 540)


def test_an_unset_folder_is_a_setting_to_make(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(catalog.VARIABLE, raising=False)
    with pytest.raises(ConfigError, match=r"ONOMA_DATA: set it to the folder that holds conll2003/eng.testb"):
        datasets.read("conll2003:test")


def test_unknown_names_and_splits_are_answered_with_the_list() -> None:
    with pytest.raises(ConfigError, match="'conll2004' is not in the catalogue: one of conll2003"):
        datasets.read("conll2004:test")
    with pytest.raises(ConfigError, match="no split 'letters': one of train, dev, test"):
        datasets.load("conll2003", "letters")
    with pytest.raises(ConfigError, match="leave format"):
        datasets.read("conll2003:test", "conll")


def test_another_file_of_that_name_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(catalog.VARIABLE, str(tmp_path))
    with pytest.raises(DataError, match="cannot be read"):
        datasets.read("conll2003:test")
    (tmp_path / "conll2003").mkdir()
    (tmp_path / "conll2003" / "eng.testb").write_text("a b c O\n", encoding="utf-8")
    with pytest.raises(DataError, match="is not the file of the catalogue"):
        datasets.read("conll2003:test")


def test_a_file_that_is_there_is_no_reference(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert catalog.is_reference("demo:train")
    assert not catalog.is_reference("c:x") and not catalog.is_reference(Path("demo:train"))
    assert not catalog.is_reference("a/demo:train")
