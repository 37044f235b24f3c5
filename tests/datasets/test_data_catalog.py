"""The catalogue: every entry is complete, and a reference leads to the file that was counted or to one clear line."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import pytest
from dataset_cases import needs_corpora

from onoma import datasets
from onoma.datasets import catalog
from onoma.exceptions import ConfigError, DataError

PUBLIC = {name: entry for name, entry in catalog.entries().items() if not entry.embedded}
EMBEDDED = [f"{name}:{split}" for name, entry in catalog.entries().items() if entry.embedded for split in entry.splits]
HASH = re.compile("[0-9a-f]{64}")


def test_the_catalogue_has_its_sets_in_order() -> None:
    names = list(catalog.entries())
    assert names == sorted(names) and len(names) == 36
    assert {"conll2003", "uner_english_ewt", "uner_english_pud", "wnut17", "demo"} <= set(names)


@pytest.mark.parametrize("name", PUBLIC)
def test_each_entry_says_what_whose_and_how(name: str) -> None:
    entry = catalog.entry(name)
    assert (
        entry.description and entry.task and entry.domain and entry.licence and re.fullmatch("[a-z]{2}", entry.language)
    )
    assert re.fullmatch(r"https://github\.com/[\w.-]+/[\w.-]+", entry.upstream)
    assert entry.redistributable in ("yes", "no", "unknown") and entry.non_commercial in (True, False, "unknown")
    assert not entry.licence_url or entry.licence_url.startswith("https://")
    assert list(entry.labels) == sorted(set(entry.labels)) and (entry.labels or name == "ud_english_ewt")
    assert entry.format in datasets.names() and entry.splits
    for key, split in entry.splits.items():
        assert catalog.is_reference(f"{name}:{key}") and re.fullmatch("[0-9a-f]{40}", split.commit)
        assert split.sentences and split.tokens and split.mentions is not None
        for file in split.files:
            assert file.sha256 is not None and HASH.fullmatch(file.sha256)
            assert bool(file.upstream_path) != bool(split.derived)
        if all(file.mentions for file in split.files):
            assert split.mentions == sum(file.mentions or 0 for file in split.files)
    for unread in entry.unread:
        assert unread.why and unread.file.upstream_path and HASH.fullmatch(unread.file.sha256 or "")


def test_what_nobody_allows_is_not_said_to_be_free() -> None:
    entries = catalog.entries()
    assert all(entries[name].redistributable == "no" for name in entries if "Reuters" in entries[name].text_licence)
    assert all(entry.redistributable != "yes" for entry in entries.values() if "not stated" in entry.licence)
    assert all(
        entry.non_commercial is True for entry in entries.values() if "-NC-" in entry.licence + entry.text_licence
    )


def test_the_splits_of_old_still_lead_to_the_same_files() -> None:
    found = {
        f"{name}:{key}": (row.folder, row.file, dict(row.options))
        for name in ("conll2003", "uner_english_ewt", "wnut17")
        for key, row in catalog.entry(name).splits.items()
    }
    conll = {"separator": "space", "token_column": 0, "tag_column": 3, "scheme": "IOB1"}
    wnut = {"separator": "tab", "token_column": 0, "tag_column": 1, "scheme": "BIO"}
    dropped = {"ragged": True, "drop_labels": ["OTH", "O"]}
    assert found == {
        "conll2003:train": ("conll2003", "eng.train", conll),
        "conll2003:dev": ("conll2003", "eng.testa", conll),
        "conll2003:test": ("conll2003", "eng.testb", conll),
        "uner_english_ewt:train": ("uner_english_ewt_first_commit", "en_ewt-ud-train.iob2", dropped),
        "uner_english_ewt:dev": ("uner_english_ewt", "en_ewt-ud-dev.iob2", {}),
        "uner_english_ewt:test": ("uner_english_ewt", "en_ewt-ud-test.iob2", {}),
        "wnut17:train": ("wnut17", "wnut17train.conll", wnut),
        "wnut17:dev": ("wnut17", "emerging.dev.conll", wnut),
        "wnut17:test": ("wnut17", "emerging.test.annotated", wnut),
    }


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
    row = catalog.entry("uner_english_ewt").splits["train"]
    assert (whole.mentions, (row.mentions or 0) + 888 + 540) == (row.mentions_in_file, row.mentions_in_file)


def test_an_unset_folder_is_a_setting_to_make(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(catalog.VARIABLE, raising=False)
    with pytest.raises(ConfigError, match=r"ONOMA_DATA: set it to the folder that holds conll2003/eng.testb"):
        datasets.read("conll2003:test")


def test_unknown_names_and_splits_are_answered_with_what_is_near() -> None:
    with pytest.raises(ConfigError, match="'conll2004' is not in the catalogue: did you mean conll200"):
        datasets.read("conll2004:test")
    with pytest.raises(ConfigError, match="'zzz' is not in the catalogue: `onoma data get` lists it"):
        datasets.read("zzz:test")
    with pytest.raises(ConfigError, match="no split 'letters': one of train, dev, test"):
        datasets.load("conll2003", "letters")
    with pytest.raises(ConfigError, match="leave format"):
        datasets.read("conll2003:test", "conll")


def test_another_file_of_that_name_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(catalog.VARIABLE, str(tmp_path))
    with pytest.raises(DataError, match=r"cannot be read.*onoma data get conll2003"):
        datasets.read("conll2003:test")
    with pytest.raises(DataError, match=r"cannot be read.*made by the recipe"):
        datasets.read("cleanconll:test")
    (tmp_path / "conll2003").mkdir()
    (tmp_path / "conll2003" / "eng.testb").write_text("a b c O\n", encoding="utf-8")
    with pytest.raises(DataError, match="is not the file of the catalogue"):
        datasets.read("conll2003:test")


def test_each_of_several_files_is_verified(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = {"seq.in": b"a b\n", "seq.out": b"O O\n"}
    files = tuple(catalog.File(f"train/{name}", hashlib.sha256(text).hexdigest(), name) for name, text in texts.items())
    splits = {"train": catalog.Split("train", "made", files, commit="0" * 40)}
    made = catalog.Entry("made", "", "en", "ner", "", "none", "https://x", "0" * 40, "parallel", splits, "yes", False)
    monkeypatch.setattr(catalog, "entries", lambda: {"made": made})
    monkeypatch.setenv(catalog.VARIABLE, str(tmp_path))
    folder = tmp_path / "made" / "train"
    folder.mkdir(parents=True)
    for name, text in texts.items():
        (folder / name).write_bytes(text)
    found = catalog.resolve("made:train")
    assert found.path == folder and found.files == (folder / "seq.in", folder / "seq.out")
    (folder / "seq.out").write_bytes(b"O B-X\n")
    with pytest.raises(DataError, match=r"seq\.out: is not the file"):
        catalog.resolve("made:train")


def test_a_file_that_is_there_is_no_reference(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert catalog.is_reference("demo:train")
    assert not catalog.is_reference("c:x") and not catalog.is_reference(Path("demo:train"))
    assert not catalog.is_reference("a/demo:train")
