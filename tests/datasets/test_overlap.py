"""What splits share, against counting by comparing all pairs, and against known numbers of a real corpus."""

from __future__ import annotations

import json
from itertools import combinations

import pytest
from dataset_cases import flat, needs_corpora, numbered, token_documents
from hypothesis import given
from hypothesis import strategies as st

from onoma import datasets
from onoma.datasets import check
from onoma.datasets.overlap import Disagreement, OnlyIn, normalised, overlap
from onoma.document import Document, Span

LONG = "Ada left the old house on Monday".split()


def test_repeats_inside_a_split_and_sentences_in_two() -> None:
    one = flat([LONG, ["Yes", "."], LONG, [word.upper() for word in LONG]], [], "1")
    two = flat([["yes", "."], [word.lower() for word in LONG], ["Yes", "."], ["No", "."]], [], "2")
    found = overlap({"train": [one], "test": [two]})
    train, test = found.repeats["train"], found.repeats["test"]
    assert (train.sentences, train.exact, train.long, train.normalised) == (4, 1, 1, 2)
    assert (test.sentences, test.exact, test.long, test.normalised) == (4, 0, 0, 0)
    assert train.examples == ("ada left the old house on monday",)
    (shared,) = found.shared
    assert (shared.first, shared.second) == ("train", "test")
    assert (shared.exact, shared.long, shared.normalised) == (1, 0, 1)
    json.dumps(found.record())


def test_five_tokens_are_short_and_six_are_not() -> None:
    five, six = flat([list("abcde")], []), flat([list("abcdef")], [])
    assert overlap({"a": [five, five]}).repeats["a"].normalised == 0
    assert overlap({"a": [six, six]}).repeats["a"].normalised == 1


def test_raw_text_is_one_sentence() -> None:
    found = overlap({"a": [Document("1", "a b  c d e F")], "b": [Document("1", "a b c\nd e f")]})
    assert [(each.exact, each.long, each.normalised) for each in found.shared] == [(0, 0, 1)]
    assert normalised(" A\u00a0b\n c ") == "a b c"


@given(st.lists(st.lists(token_documents(characters="aA"), max_size=3), min_size=1, max_size=3))
def test_counts_are_those_of_comparing_all_pairs(splits: list[list[Document]]) -> None:
    named = {str(number): numbered(documents) for number, documents in enumerate(splits)}
    found = overlap(named)
    held = {
        name: [words for document in documents for words in document.sentence_words()] or []
        for name, documents in named.items()
    }
    bare = {name: sum(not document.tokens for document in documents) for name, documents in named.items()}
    for name, sentences in held.items():
        exact = sum(words in sentences[:at] for at, words in enumerate(sentences)) + max(bare[name] - 1, 0)
        assert found.repeats[name].exact == exact
        assert found.repeats[name].sentences == len(sentences) + bare[name]
    for each, (first, second) in zip(found.shared, combinations(held, 2), strict=True):
        both = bool(bare[first] and bare[second])
        assert each.exact == len(set(held[first]) & set(held[second])) + both


def test_labels_that_one_split_has_and_surfaces_that_disagree() -> None:
    def made(*spans: tuple[int, int, str]) -> Document:
        return flat([["Rome", "beat", "Lazio"]], list(spans))

    splits = {
        "train": [made((0, 1, "LOC"), (2, 3, "ORG")), made((0, 1, "LOC"))],
        "dev": [made((0, 1, "ORG"), (2, 3, "ORG"))],
        "test": [made((0, 1, "LOC"), (2, 3, "TEAM"))],
    }
    found = overlap(splits)
    assert found.labels == (OnlyIn("TEAM", "test", 1),)
    assert found.surfaces == (
        Disagreement("Rome", {"train": {"LOC": 2}, "dev": {"ORG": 1}, "test": {"LOC": 1}}),
        Disagreement("Lazio", {"train": {"ORG": 1}, "dev": {"ORG": 1}, "test": {"TEAM": 1}}),
    )
    assert overlap({"train": splits["train"]}).labels == overlap({"train": splits["train"]}).surfaces == ()


def test_a_surface_with_one_label_in_common_does_not_disagree() -> None:
    one = Document("1", "Rome", spans=(Span(0, 4, "LOC"), Span(0, 4, "ORG")))
    other = Document("1", "Rome", spans=(Span(0, 4, "ORG"),))
    assert overlap({"a": [one], "b": [other]}).surfaces == ()


@needs_corpora
def test_the_known_repeats_of_a_real_corpus() -> None:
    splits = {name: datasets.load("conll2003", name) for name in ("train", "dev", "test")}
    found = overlap(splits)
    assert found.repeats["train"].exact == 1350
    assert [each.long for each in found.shared if each.first == "train"] == [57, 26]
    assert found.labels == ()
    touching = [each for each in check(splits["train"]) if each.kind == "touching_mentions"]
    assert len(touching) == 70  # those that conll2003_crossner has fewer of


# ---------------------------------------------------------------------- touching mentions


def touching(document: Document) -> list[tuple[int, int]]:
    return [(each.start, each.end) for each in check([document]) if each.kind == "touching_mentions"]


@pytest.mark.parametrize(
    ("spans", "expected"),
    [
        ([(0, 1, "X"), (1, 2, "X")], 1),
        ([(0, 1, "X"), (1, 2, "Y")], 0),
        ([(0, 1, "X"), (2, 3, "X")], 0),
        ([(1, 2, "X"), (2, 3, "X")], 0),  # two sentences
        ([(2, 3, "X"), (3, 4, "X"), (4, 5, "X")], 2),
    ],
)
def test_touching_mentions_are_found(spans: list[tuple[int, int, str]], expected: int) -> None:
    assert len(touching(flat([["a", "b"], ["c", "d", "e"]], spans))) == expected


def test_touching_mentions_of_raw_text_have_only_blanks_between() -> None:
    text = "Ada  Bob, Cid"
    spans = (Span(0, 3, "P"), Span(5, 8, "P"), Span(10, 13, "P"))
    assert touching(Document("1", text, spans=spans)) == [(0, 8)]
