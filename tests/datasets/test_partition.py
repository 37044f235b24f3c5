"""Splitting: each document once, no text in two parts, the same for the same seed, and shares within a bound."""

from __future__ import annotations

from collections import Counter

import pytest
from dataset_cases import flat, needs_corpora, numbered, token_documents
from hypothesis import given
from hypothesis import strategies as st

from onoma import datasets
from onoma.datasets.overlap import normalised
from onoma.datasets.partition import by_sentence, partition, shares
from onoma.document import Document, Span, Token
from onoma.exceptions import ConfigError, DataError

PARTS = {"train": 0.8, "dev": 0.1, "test": 0.1}


@st.composite
def data_sets(draw: st.DrawFn) -> list[Document]:
    """Documents with repeated texts, several labels and a group in their meta."""
    documents = numbered(draw(st.lists(token_documents(characters="aAb", labels=["X", "Y", "Z"]), max_size=30)))
    return [
        Document(each.id, each.text, each.tokens, each.sentences, each.spans, {"by": draw(st.integers(0, 9))})
        for each in documents
    ]


parts_of = st.lists(st.integers(1, 9), min_size=1, max_size=4).map(
    lambda counts: {f"p{number}": count / sum(counts) for number, count in enumerate(counts)}
)


@given(data_sets(), parts_of, st.integers(0, 3), st.sampled_from([None, "by"]), st.booleans())
def test_parts_are_exact_share_no_text_and_keep_to_their_shares(
    documents: list[Document], parts: dict[str, float], seed: int, group_by: str | None, stratify: bool
) -> None:
    found = partition(documents, parts, seed=seed, group_by=group_by, stratify=stratify)
    assert list(found) == list(parts)
    assert sorted(each.id for part in found.values() for each in part) == sorted(each.id for each in documents)
    home: dict[object, str] = {}
    for name, part in found.items():
        assert [int(each.id) for each in part] == sorted(int(each.id) for each in part)
        for document in part:
            assert home.setdefault(normalised(document.text), name) == name
            if group_by:
                assert home.setdefault(document.meta["by"], name) == name
    largest = max(map(len, groups(documents, group_by)), default=0)
    for name, part in found.items():
        assert len(part) < parts[name] * len(documents) + largest + 1e-6
    assert partition(documents, parts, seed=seed, group_by=group_by, stratify=stratify) == found


def groups(documents: list[Document], group_by: str | None) -> list[set[str]]:
    """What must stay together, by joining until nothing changes."""
    sets: list[set[str]] = []
    keys = [{("t", normalised(each.text)), *([("k", each.meta["by"])] if group_by else [])} for each in documents]
    sets += [{document.id} for document in documents]
    changed = True
    while changed:
        changed = False
        for a in range(len(documents)):
            for b in range(a):
                one = next(each for each in sets if documents[a].id in each)
                other = next(each for each in sets if documents[b].id in each)
                if one is not other and keys[a] & keys[b]:
                    sets.remove(other)
                    one |= other
                    changed = True
    return sets


@given(st.integers(10, 200), parts_of, st.booleans(), st.integers(0, 3))
def test_single_documents_are_within_one_of_their_share(
    size: int, parts: dict[str, float], stratify: bool, seed: int
) -> None:
    documents = [Document(str(number), f"text {number}") for number in range(size)]
    found = partition(documents, parts, seed=seed, stratify=stratify)
    for name, part in found.items():
        assert abs(len(part) - parts[name] * size) <= 1 + 1e-6


def test_seeds_differ_and_repeat() -> None:
    documents = [Document(str(number), f"text {number}") for number in range(50)]
    splits = [tuple(each.id for each in partition(documents, PARTS, seed=seed)["test"]) for seed in range(8)]
    assert len(set(splits)) == 8
    assert splits[3] == tuple(each.id for each in partition(documents, PARTS, seed=3)["test"])


@pytest.mark.parametrize("seed", range(5))
def test_rare_labels_are_spread(seed: int) -> None:
    common = [flat([[f"a{number}", "ran"]], [(0, 1, "PER")], str(number)) for number in range(180)]
    rare = [flat([[f"b{number}", "ran"]], [(0, 1, "LAW")], f"r{number}") for number in range(20)]
    found = partition(common + rare, PARTS, seed=seed)
    counts = {name: Counter(span.label for each in part for span in each.spans) for name, part in found.items()}
    assert counts == {
        "train": {"PER": 144, "LAW": 16}, "dev": {"PER": 18, "LAW": 2}, "test": {"PER": 18, "LAW": 2}
    }  # fmt: skip


@needs_corpora
@pytest.mark.parametrize("reference", ["conll2003:dev", "wnut17:dev"])
def test_mentions_of_real_corpora_follow_the_shares(reference: str) -> None:
    documents = datasets.read(reference)
    whole = datasets.statistics(documents).labels
    for name, part in partition(documents, PARTS).items():
        found = datasets.statistics(part).labels
        for label, count in whole.items():
            assert abs(found[label] - PARTS[name] * count) <= max(2, 0.1 * PARTS[name] * count)


def test_a_group_needs_its_key() -> None:
    documents = [Document("1", "a", meta={"by": 1}), Document("2", "b")]
    with pytest.raises(DataError, match="document '2' has no 'by' in its meta"):
        partition(documents, PARTS, group_by="by")


def test_shares_are_read_and_checked() -> None:
    assert shares("train=0.8, dev=.1,test=0.1") == PARTS
    assert shares("all=1") == {"all": 1.0}
    for text, message in {
        "train=0.8,dev=0.1": "add up to 1",
        "train=1.2,dev=-0.2": "positive",
        "train=nan": "positive",
        "train": "not NAME=SHARE",
        "": "not NAME=SHARE",
        "../x=1": "no name for a file",
        "a=0.5,A=0.5": "comes twice",
    }.items():
        with pytest.raises(ConfigError, match=message):
            shares(text)
    with pytest.raises(ConfigError, match="nothing"):
        partition([], {})


# ---------------------------------------------------------------------- by sentence


@given(st.lists(token_documents(glued=True), max_size=4))
def test_sentences_keep_their_words_and_spans(documents: list[Document]) -> None:
    documents = numbered(documents, "d")
    cut = by_sentence(documents)
    assert [each.words for each in cut if each.tokens] == [
        words for each in documents for words in each.sentence_words()
    ]
    before = Counter((each.surface(span), span.label) for each in documents for span in each.spans)
    assert Counter((each.surface(span), span.label) for each in cut for span in each.spans) == before
    assert len({each.id for each in cut}) == len(cut)
    for document in documents:  # only white space between sentences is lost
        mine = [each for each in cut if each.id == document.id or each.id.startswith(f"{document.id}-")]
        assert "".join("".join(each.text.split()) for each in mine) == "".join(document.text.split())


def test_a_sentence_of_its_own() -> None:
    tokens = (Token(1, 4), Token(5, 9), Token(11, 14), Token(15, 18))
    spans = (Span(1, 4, "PER"), Span(11, 18, "X", 0.5, ((11, 12), (15, 18))))
    document = Document("7", " Ada left  Bob ran ", tokens, ((0, 2), (2, 4)), spans, {"by": "me"})
    first, second = by_sentence([document])
    assert (first.id, first.text, first.spans, dict(first.meta)) == ("7-1", " Ada left", spans[:1], {"by": "me"})
    assert (second.id, second.text, second.words) == ("7-2", "Bob ran", ("Bob", "ran"))
    assert second.spans == (Span(0, 7, "X", None, ((0, 1), (4, 7))),) and second.spans[0].score == 0.5


def test_a_mention_across_sentences_and_one_id_for_two_are_refused() -> None:
    crossing = flat([["a", "b"], ["c"]], [(1, 3, "X")], "9")
    with pytest.raises(DataError, match="document '9': X 'b c' crosses a sentence boundary"):
        by_sentence([crossing])
    with pytest.raises(DataError, match="2 sentences would have the id 'a-1'"):
        by_sentence([flat([["a"], ["b"]], [], "a"), flat([["c"]], [], "a-1")])
