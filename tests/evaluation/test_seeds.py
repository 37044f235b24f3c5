"""Means over seeds and their intervals."""

from __future__ import annotations

import pytest

from onoma import Document, Prediction, Span, evaluate
from onoma.evaluation import mean_over_seeds, strict_f1
from onoma.exceptions import EvaluationError

GOLD = [Document(str(n), "Ada left Rome", spans=(Span(0, 3, "PER"), Span(9, 13, "LOC"))) for n in range(30)]


def predicted(wrong: int) -> list[Prediction]:
    return [
        Prediction(each.id, each.spans if number >= wrong else (Span(0, 3, "LOC"),)) for number, each in enumerate(GOLD)
    ]


def test_blocks_are_means_over_seeds() -> None:
    scores = [evaluate(GOLD, predicted(wrong)) for wrong in (3, 9)]
    mean = mean_over_seeds(scores)
    assert mean["micro"]["f1"] == pytest.approx((scores[0].micro.f1 + scores[1].micro.f1) / 2)
    assert mean["by_label"]["PER"]["recall"] == pytest.approx((27 / 30 + 21 / 30) / 2)
    low, high = mean["micro"]["f1_interval"]
    assert low < mean["micro"]["f1"] < high
    # Seeds that differ add to the spread of either alone.
    alone = [each.micro.f1_interval for each in scores]
    assert high - low > max(b - a for a, b in (each for each in alone if each is not None))
    assert "mean over 2 seeds" in mean["signature"]
    assert mean == mean_over_seeds(scores)


def test_one_seed_is_its_own_mean() -> None:
    one = evaluate(GOLD, predicted(3))
    assert mean_over_seeds([one]) == one.to_dict()
    same = mean_over_seeds([one, one])
    assert same["micro"]["f1"] == one.micro.f1
    assert same["micro"]["f1_interval"] == pytest.approx(list(one.micro.f1_interval or ()), abs=0.02)


def test_labels_that_one_seed_never_predicts_still_have_a_row() -> None:
    odd = [Prediction(each.id, (*each.spans, Span(4, 8, "ODD"))) for each in GOLD]
    mean = mean_over_seeds([evaluate(GOLD, odd), evaluate(GOLD, predicted(0))])
    assert mean["by_label"]["ODD"]["fp"] == 15
    assert mean["by_label"]["ODD"]["support"] == 0


def test_other_gold_is_refused() -> None:
    with pytest.raises(EvaluationError, match="no scores"):
        mean_over_seeds([])
    with pytest.raises(EvaluationError, match="different gold"):
        mean_over_seeds([evaluate(GOLD, []), evaluate(GOLD[:25], [])])


def test_strict_f1_is_the_micro_f1_of_evaluate() -> None:
    for wrong in (0, 4, 30):
        assert strict_f1(GOLD, predicted(wrong)) == evaluate(GOLD, predicted(wrong), resamples=0).micro.f1
