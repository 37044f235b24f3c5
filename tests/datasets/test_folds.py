"""Folds: every document in one, balanced, the same every time, and documents that share a rare name together."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onoma import Document, Span
from onoma.datasets.folds import ROOM, entity_folds
from onoma.exceptions import ConfigError


def document(id: str, names: list[str], padding: int = 0) -> Document:
    bare = Document.from_words([[*names, *["x"] * max(1, padding)]], id=id)
    return bare.with_spans(Span(token.start, token.end, "PER") for token, _ in zip(bare.tokens, names, strict=False))


DOCUMENTS = st.lists(
    st.tuples(st.lists(st.sampled_from("ABCDEFGHIJ"), max_size=3), st.integers(0, 9)), min_size=5, max_size=20
)


@given(rows=DOCUMENTS, folds=st.integers(2, 5))
def test_every_document_is_in_one_fold_and_what_is_shared_is_counted(rows: Any, folds: int) -> None:
    documents = [document(str(number), *row) for number, row in enumerate(rows)]
    made = entity_folds(documents, folds)
    assert made == entity_folds(documents, folds)
    assert sorted(at for _, held in made for at in held) == list(range(len(documents)))
    assert sum(made.words) == sum(len(each.tokens) for each in documents)
    largest = max(len(each.tokens) for each in documents)
    assert max(made.words) <= sum(made.words) / folds + max(ROOM * sum(made.words) / folds, largest)
    homes: dict[str, set[int]] = {}
    for at, (names, _) in enumerate(rows):
        for name in names:
            homes.setdefault(name, set()).add(made.of[at])
    assert made.mentions == sum(len(names) for names, _ in rows)
    assert made.shared == sum(len(homes[name]) > 1 for names, _ in rows for name in names)
    assert made.rare_shared <= min(made.rare, made.shared)


def test_rare_names_stay_together_where_there_is_room() -> None:
    documents = [document(str(number), [f"name{number // 2}", "Everybody"], 5) for number in range(20)]
    made = entity_folds(documents, 5)
    assert (made.rare, made.rare_shared) == (20, 0)
    assert (made.mentions, made.shared) == (40, 20)
    assert set(made.words) == {28}


def test_balance_comes_first() -> None:
    made = entity_folds([document(str(number), ["Ada", "Bo"]) for number in range(4)], 2)
    assert made.words == (6, 6) and made.rare_shared == 8


def test_too_few_are_refused() -> None:
    with pytest.raises(ConfigError, match="folds = 1: there must be 2 or more"):
        entity_folds([document("a", [])] * 3, 1)
    with pytest.raises(ConfigError, match="2 documents cannot make 3 folds"):
        entity_folds([document("a", []), document("b", [])], 3)
