"""Confusion matrices: every mention in one cell, and cells that link to their mentions."""

from __future__ import annotations

from typing import Any

import pytest
from analysis.test_taxonomies import DOCUMENTS, GOLD, matching
from hypothesis import given

from onoma import Document, Prediction, Problem, Span
from onoma.analysis import Example, classify, confusion
from onoma.evaluation.counts import count_units
from onoma.evaluation.matching import match, position


@given(rows=DOCUMENTS)
def test_rows_and_columns_add_up_to_the_score(rows: Any) -> None:
    found = matching(rows)
    made = confusion(found)
    by_label = count_units(found).by_label
    assert made.labels == tuple(by_label)
    assert made.support == {label: each.support for label, each in by_label.items()}
    assert made.predicted == {label: each.predicted for label, each in by_label.items()}
    assert made.false_positives == {label: each.fp for label, each in by_label.items()}
    assert made.false_negatives == {label: each.fn for label, each in by_label.items()}
    size = len(made.labels)
    assert made.table[size, size] == 0
    taken = made.table[:size, :size].sum() - made.table.diagonal().sum()
    assert taken == classify(found).counts["type"]


@given(rows=DOCUMENTS)
def test_every_cell_links_to_its_mentions(rows: Any) -> None:
    found = matching(rows)
    made = confusion(found)
    sides = (*made.labels, None)
    seen: list[Example] = []
    for gold in sides:
        for other in sides:
            examples = made.of(gold, other)
            assert len(examples) == made.count(gold, other)
            assert {each.gold.label if each.gold else None for each in examples} <= {gold}
            said = {(each.found.label or "?") if each.found else None for each in examples}
            assert said <= {other}
            seen += examples
    documents = found.documents
    golds = [(each.document, each.gold) for each in seen if each.gold is not None]
    assert sorted(golds, key=repr) == sorted(((n, g) for n, each in enumerate(documents) for g in each.gold), key=repr)
    answers = [(each.document, each.found) for each in seen if each.found is not None]
    given_ = [(n, one) for n, each in enumerate(documents) for one in (*each.predicted, *each.false_problems)]
    assert sorted(answers, key=repr) == sorted(given_, key=repr)


def test_known_confusions_are_where_they_belong() -> None:
    answer = [Span(0, 9, "LOC"), Span(13, 17, "LOC"), Span(29, 37, "LOC")]
    problems = [Problem("malformed", "{"), Problem("unknown_label", "Ada", "Y")]
    made = confusion(matching([(GOLD, (answer, problems))]))
    assert made.labels == ("?", "LOC", "PER", "Y")
    assert made.to_dict()["table"] == [
        [0, 0, 0, 0, 0],
        [0, 1, 0, 0, 1],
        [0, 1, 0, 0, 1],
        [0, 0, 0, 0, 0],
        [1, 1, 0, 1, 0],
    ]
    assert made.of("PER", "LOC") == (Example(0, GOLD[0], answer[0]),)
    assert made.of(None, "LOC") == (Example(0, None, answer[2]),)
    assert made.of("LOC", None) == (Example(0, GOLD[3], None),)
    assert made.of(None, "?") == (Example(0, None, problems[0]),)
    with pytest.raises(ValueError, match="not in"):
        made.count("MISC", None)


def test_a_filter_names_its_labels_and_another_key_keeps_its_pairs() -> None:
    document = Document("d", "Ada met Bob", spans=(Span(0, 3, "PER"), Span(8, 11, "PER")))
    answer = Prediction("d", (Span(0, 3, "LOC"),))
    assert confusion(match([document], [answer], labels=["PER", "ORG"])).labels == ("ORG", "PER")
    made = confusion(match([document], [answer], key=position))
    assert made.count("PER", "LOC") == 1 and made.count("PER", None) == 1
    assert confusion(match([], [])).table.tolist() == [[0]]
