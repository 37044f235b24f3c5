from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pytest
from evaluation_cases import PROPERTY, cases, corpus, words
from hypothesis import given

from onoma.document import Document, Prediction, Problem, Span
from onoma.evaluation import bootstrap as module
from onoma.evaluation.bootstrap import F1S, bootstrap, draw_weights
from onoma.evaluation.counts import Counts, count_units
from onoma.evaluation.matching import match
from onoma.evaluation.metrics import evaluate
from onoma.exceptions import ConfigError


def naive(counts: list[dict[str, Counts]], loose: list[Counts], weights: list[int]) -> dict[str, float]:
    """All F1 values of one resample, by adding up one unit at a time."""
    table: dict[str, Counts] = {}
    free = Counts()
    for unit, position, weight in zip(counts, loose, weights, strict=True):
        for _ in range(weight):
            free += position
            for label, each in unit.items():
                table[label] = table.get(label, Counts()) + each
    gold = [each for each in table.values() if each.support]
    support = sum(each.support for each in gold)
    return {
        "micro_f1": sum(table.values(), Counts()).f1,
        "macro_f1": sum(each.f1 for each in gold) / len(gold) if gold else 0.0,
        "weighted_f1": sum(each.f1 * each.support for each in gold) / support if support else 0.0,
        "unlabelled_f1": free.f1,
    }


def test_equals_a_naive_loop_over_the_same_weights() -> None:
    gold, found = corpus(30, 0.6, seed=3)
    counts = evaluate(gold, found, resamples=0).counts
    units = [
        {label: Counts(*map(int, row)) for label, row in zip(counts.labels, unit, strict=True)}
        for unit in counts.stacked()[:, :-1]
    ]
    loose = [Counts(*map(int, row)) for row in counts.unlabelled]
    (weights,) = draw_weights(30, 200, np.random.default_rng(9))
    rows = [naive(units, loose, [int(each) for each in row]) for row in weights]
    stack = counts.stacked()
    totals = (weights @ stack.reshape(30, -1)).reshape(-1, *stack.shape[1:])
    for name, statistic in F1S.items():
        assert statistic(totals) == pytest.approx([row[name] for row in rows], abs=1e-12)
    intervals = bootstrap(counts, resamples=200, seed=9, confidence=0.8)
    assert intervals is not None
    expected = np.quantile([row["macro_f1"] for row in rows], [0.1, 0.9])
    assert intervals.macro == pytest.approx(tuple(expected), abs=1e-12)


@PROPERTY
@given(cases())
def test_statistics_of_the_whole_are_the_scores(case: tuple[list[Document], list[Prediction]]) -> None:
    for unit in ("document", "sentence"):
        scores = evaluate(*case, resamples=0, unit=unit)  # type: ignore[arg-type]
        total = scores.counts.stacked().sum(axis=0)
        for name, statistic in F1S.items():
            assert float(statistic(total)) == pytest.approx(getattr(scores, name.removesuffix("_f1")).f1, abs=1e-12)


def test_weights_are_draws_with_replacement() -> None:
    chunks = list(draw_weights(7, 400, np.random.default_rng(0)))
    weights = np.concatenate(chunks)
    assert weights.shape == (400, 7)
    assert (weights.sum(axis=1) == 7).all()
    assert weights.mean(axis=0) == pytest.approx([1] * 7, abs=0.2)
    assert weights.var() == pytest.approx(6 / 7, abs=0.1)


def test_chunks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    counts = evaluate(*corpus(25, 0.7, seed=1), resamples=0).counts
    whole = bootstrap(counts, resamples=100, seed=4)
    monkeypatch.setattr(module, "CELLS", 25 * 7)
    assert bootstrap(counts, resamples=100, seed=4) == whole


def test_seed_decides_and_order_does_not() -> None:
    gold, found = corpus(40, 0.6, seed=2)
    first = evaluate(gold, found, seed=11)
    again = evaluate(gold[::-1], random.Random(0).sample(found, len(found)), seed=11)
    other = evaluate(gold, found, seed=12)
    assert first.to_dict() == again.to_dict()
    assert first.micro.f1 == other.micro.f1
    assert first.macro.f1_interval != other.macro.f1_interval


def test_interval_holds_the_score_and_narrows_with_confidence_and_size() -> None:
    widths: list[float] = []
    for size, confidence in ((40, 0.99), (40, 0.9), (400, 0.9)):
        scores = evaluate(*corpus(size, 0.5, seed=5), confidence=confidence)
        for block in (scores.micro, scores.macro, scores.weighted, scores.unlabelled, *scores.by_label.values()):
            assert block.f1_interval is not None
            low, high = block.f1_interval
            assert 0 <= low <= block.f1 <= high <= 1
        assert scores.micro.f1_interval is not None
        widths.append(scores.micro.f1_interval[1] - scores.micro.f1_interval[0])
    assert widths == sorted(widths, reverse=True)
    assert widths[2] < 0.5 * widths[1]


def test_a_perfect_system_has_no_spread() -> None:
    gold, _ = corpus(25, 1.0, seed=1)
    scores = evaluate(gold, gold)
    assert scores.micro.f1_interval == (1.0, 1.0)


def test_few_documents_are_split_into_sentences() -> None:
    gold, found = corpus(20, 0.5, seed=1)
    assert evaluate(gold, found).counts.unit == "document"
    fewer = evaluate(gold[:19], found[:19])
    assert (fewer.counts.unit, len(fewer.counts)) == ("sentence", 57)
    assert "resamples of 57 sentences (19 documents), seed 1" in fewer.signature
    assert fewer.counts.ids[:4] == (("d0000", 0), ("d0000", 1), ("d0000", 2), ("d0001", 0))
    forced = evaluate(gold[:19], found[:19], unit="document")
    assert "resamples of 19 documents (few), seed 1" in forced.signature
    assert (forced.micro.f1, forced.per_document) == (fewer.micro.f1, fewer.per_document)
    unsplit = [replace(document, tokens=(), sentences=()) for document in gold[:5]]
    assert "resamples of 5 documents (few)" in evaluate(unsplit, found[:5]).signature


def test_a_mention_belongs_to_the_sentence_of_its_first_token() -> None:
    # aa bb cc | dd | ee ff: the tokens begin at 0, 3, 6 | 9 | 12, 15
    gold = [
        words("x", [Span(6, 11, "A"), Span(9, 11, "A"), Span(11, 12, "A"), Span(13, 17, "A")]),
        Document("y", "no tokens", spans=(Span(0, 2, "A"),)),
    ]
    answer = Prediction("x", [Span(15, 17, "B"), Span(8, 9, "B")], (Problem("malformed"), Problem("truncated")))
    counts = count_units(match(gold, [answer]), "sentence")
    assert counts.ids == (("x", 0), ("x", 1), ("x", 2), ("y", 0))
    assert counts.labels == ("?", "A", "B")
    assert counts.stacked()[:, :-1][:, 1, 2].tolist() == [1, 2, 1, 1]
    assert counts.stacked()[:, :-1][:, 2, 1].tolist() == [1, 0, 1, 0]
    assert counts.stacked()[:, :-1][:, 0, 1].tolist() == [1, 0, 0, 0]
    assert counts.unlabelled.tolist() == [[0, 2, 1], [0, 0, 2], [0, 1, 1], [0, 0, 1]]


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"resamples": -1}, "resamples is -1"),
        ({"confidence": 95}, "confidence is 95"),
        ({"unit": "paragraph"}, "unit 'paragraph' is unknown: one of document, sentence"),
    ],
)
def test_unusable_settings_are_refused(setting: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        evaluate([], [], **setting)  # type: ignore[arg-type]
