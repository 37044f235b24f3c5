"""Wrong texts: how often each, and where."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from analysis.test_taxonomies import DOCUMENTS, matching
from hypothesis import given

from onoma import Document, Prediction, Problem, Span, evaluate
from onoma.analysis import Example, surfaces_of, wrong_surfaces
from onoma.evaluation.matching import match
from onoma.exceptions import EvaluationError

TEXT = "Paris and Paris or Paris by Rome"
GOLD = Document("d", TEXT, spans=(Span(0, 5, "LOC"), Span(10, 15, "LOC"), Span(19, 24, "PER"), Span(28, 32, "LOC")))


@given(rows=DOCUMENTS)
def test_all_texts_are_counted(rows: Any) -> None:
    found = matching(rows)
    made = wrong_surfaces(found, most=1000)
    documents = found.documents
    answers = [Prediction(each.id, each.predicted, each.problems) for each in documents if each.answered]
    score = evaluate([each.document for each in documents], answers, resamples=0).micro
    sums = {kind: sum(each.count for each in getattr(made, kind)) for kind in made.totals}
    assert sums == made.totals
    assert (sums["missed"] + sums["mistyped"], sums["false"] + sums["mistyped"]) == (score.fn, score.fp)
    gold = Counter((each.document.surface(span), span.label) for each in documents for span in each.gold)
    said = Counter((each.document.surface(span), span.label) for each in documents for span in each.predicted)
    said += Counter((one.text, one.label or "?") for each in documents for one in each.false_problems)
    for kind in made.totals:
        rows_of_kind = getattr(made, kind)
        assert sorted(rows_of_kind, key=lambda one: (-one.count, one.text, one.gold or "", one.found or "")) == list(
            rows_of_kind
        )
        for each in rows_of_kind:
            assert each.of == (said[each.text, each.found] if each.gold is None else gold[each.text, each.gold])
            examples = each.examples(found)
            assert len(examples) == each.count
            for one in examples:
                span = one.gold or one.found
                assert span is not None
                spoken = documents[one.document].document.surface(span) if isinstance(span, Span) else span.text
                assert spoken == each.text


def test_known_texts_are_counted() -> None:
    answer = Prediction(
        "d", (Span(0, 5, "ORG"), Span(10, 15, "ORG"), Span(6, 9, "PER")), (Problem("ungrounded", "Oslo", "LOC"),)
    )
    found = match([GOLD], [answer])
    made = wrong_surfaces(found)
    assert [each.to_dict() for each in made.mistyped] == [
        {"text": "Paris", "gold": "LOC", "found": "ORG", "count": 2, "of": 2}
    ]
    assert [(each.text, each.gold, each.count, each.of) for each in made.missed] == [
        ("Paris", "PER", 1, 1),
        ("Rome", "LOC", 1, 1),
    ]
    assert [(each.text, each.found, each.count, each.of) for each in made.false] == [
        ("Oslo", "LOC", 1, 1),
        ("and", "PER", 1, 1),
    ]
    assert made.false[0].examples(found) == (Example(0, None, answer.problems[0]),)
    assert made.mistyped[0].examples(found, 1) == (Example(0, GOLD.spans[0], answer.spans[0]),)
    assert made.totals == {"missed": 2, "false": 2, "mistyped": 2}
    assert wrong_surfaces(found, most=1).missed == made.missed[:1]
    assert wrong_surfaces(found, most=0).missed == ()


def test_pairs_of_another_key_keep_their_own_texts() -> None:
    answer = Prediction("d", (Span(0, 9, "LOC"), Span(10, 15, "LOC"), Span(25, 27, "LOC"), Span(28, 32, "LOC")))
    found = match([GOLD], [answer], key=lambda span: span.label)
    made = wrong_surfaces(found)
    assert [(each.text, each.of) for each in made.false] == [("Rome", 1)]


def test_several_systems_share_one_gold() -> None:
    empty, full = match([GOLD], []), match([GOLD], [GOLD])
    first, second = surfaces_of([empty, full])
    assert first == wrong_surfaces(empty) and second.totals == {"missed": 0, "false": 0, "mistyped": 0}
    assert surfaces_of([]) == []
    with pytest.raises(EvaluationError, match="different gold"):
        surfaces_of([empty, match([GOLD.with_spans(())], [])])
    with pytest.raises(EvaluationError, match="filters differ"):
        surfaces_of([empty, match([GOLD], [], labels=["LOC"])])
