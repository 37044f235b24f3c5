"""Every file of every corpus: its sha256, and the sentences, tokens and mentions that somebody else counted in it."""

from __future__ import annotations

from collections import Counter

import pytest
from dataset_cases import corpus, needs_corpora

from onoma import datasets, schemes
from onoma.datasets import catalog
from onoma.exceptions import DataError

pytestmark = needs_corpora

PUBLIC = [name for name, entry in catalog.entries().items() if not entry.embedded]
FILES = {
    (row.folder, file.file): file.sha256
    for entry in catalog.entries().values()
    if not entry.embedded
    for row in entry.splits.values()
    for file in row.files
} | {
    (name, unread.file.file): unread.file.sha256
    for name, entry in catalog.entries().items()
    for unread in entry.unread
}  # fmt: skip


@pytest.mark.parametrize("name", PUBLIC)
def test_each_split_holds_what_was_counted(name: str) -> None:
    entry = catalog.entry(name)
    labels = Counter[str]()
    for split, row in entry.splits.items():
        numbers = datasets.statistics(datasets.stream(f"{name}:{split}"))
        found = (split, numbers.sentences, numbers.tokens, numbers.mentions)
        assert found == (split, row.sentences, row.tokens, row.mentions)
        assert numbers.token_cutting == 0
        labels.update(numbers.labels)
        for file in row.files:
            if file.mentions is not None:  # one label a file, named by its folder
                assert numbers.labels[file.file.partition("/")[0]] == file.mentions
    assert tuple(sorted(labels)) == entry.labels


@pytest.mark.parametrize("folder", sorted({folder for folder, _ in FILES}))
def test_each_file_is_named_with_its_hash(folder: str) -> None:
    if not corpus(folder).is_dir():
        pytest.skip(f"{folder} is not under ONOMA_DATA")
    for path in corpus(folder).rglob("*"):
        if path.is_file():
            name = path.relative_to(corpus(folder)).as_posix()
            assert FILES.get((folder, name)) == catalog.sha256_of(path), name


@pytest.mark.parametrize("name", [name for name in PUBLIC if any(each.tokens for each in catalog.entry(name).unread)])
def test_labelled_files_that_are_no_split_are_counted_and_refused(name: str) -> None:
    """Counted by the rule of conlleval over the tags as they stand."""
    for unread in catalog.entry(name).unread:
        if not unread.tokens:
            continue
        path = corpus(name, unread.file.file)
        blocks = "\n".join(line.strip() for line in path.read_text(encoding="utf-8").split("\n")).split("\n\n")
        tags = [[line.split("\t")[-1] for line in block.split("\n")] for block in blocks if block.strip("\n")]
        tags = [[tag for tag in each if tag] for each in tags]
        mentions = sum(len(schemes.SCHEMES["BIO"].spans(each, "conlleval")) for each in tags)
        assert (len(tags), sum(map(len, tags)), mentions) == (unread.sentences, unread.tokens, unread.mentions)
        with pytest.raises(DataError, match="several tags"):
            datasets.read(path)
