from __future__ import annotations

import itertools
import json

import numpy as np
import pytest
from evaluation_cases import PROPERTY, corpus, words
from hypothesis import given
from hypothesis import strategies as st

from onoma.document import Prediction, Span
from onoma.evaluation import Scores, approximate_randomisation, compare, evaluate, holm, paired_bootstrap
from onoma.evaluation import significance as module
from onoma.evaluation.counts import Counts
from onoma.evaluation.significance import TESTS
from onoma.exceptions import ConfigError, EvaluationError

METRICS = ("micro_f1", "macro_f1", "weighted_f1", "unlabelled_f1")


def scored(right: float, seed: int, size: int = 60) -> Scores:
    return evaluate(*corpus(size, right, seed), resamples=0)


def micro(parts: list[Counts]) -> float:
    return sum(parts, Counts()).f1


@pytest.mark.parametrize("test", TESTS)
@pytest.mark.parametrize("metric", METRICS)
def test_identical_systems_do_not_differ(test: str, metric: str) -> None:
    a = [scored(0.6, seed) for seed in (1, 2)]
    result = compare(a[0], a[0], test=test, metric=metric)
    assert (result.difference, result.interval, result.p_value) == (0, (0, 0), 1)
    several = compare(a, a, test=test, metric=metric)
    assert several.difference == 0
    assert several.p_value == 1 if test == "approximate_randomisation" else several.p_value > 0.2


@pytest.mark.parametrize("test", TESTS)
@pytest.mark.parametrize("metric", ["micro_f1", "macro_f1"])
def test_clearly_different_systems_differ(test: str, metric: str) -> None:
    good, bad = ([scored(right, seed) for seed in (1, 2, 3)] for right in (0.9, 0.3))
    result = compare(good, bad, test=test, metric=metric, resamples=999)
    name = metric.removesuffix("_f1")
    means = [np.mean([getattr(scores, name).f1 for scores in side]) for side in (good, bad)]
    assert result.difference == pytest.approx(means[0] - means[1])
    assert 0 < result.interval[0] < result.difference < result.interval[1]
    assert result.p_value == pytest.approx(0.002 if test == "paired_bootstrap" else 0.001)
    assert (result.test, result.resamples, result.units, result.unit) == (test, 999, 60, "document")
    assert (result.seeds_a, result.seeds_b) == (3, 3)


@pytest.mark.parametrize("test", TESTS)
def test_changing_sides_negates(test: str) -> None:
    a, b = scored(0.6, 1), scored(0.5, 2)
    there, back = compare(a, b, test=test), compare(b, a, test=test)
    assert there.difference == -back.difference != 0
    assert there.interval == pytest.approx((-back.interval[1], -back.interval[0]))
    assert there.p_value == back.p_value


@pytest.mark.parametrize("test", TESTS)
def test_seeded_and_with_uneven_seeds(test: str) -> None:
    a, b = [scored(0.6, seed) for seed in (1, 2, 3)], scored(0.5, 4)
    result = compare(a, b, test=test, seed=3)
    assert result == compare(a, [b], test=test, seed=3)
    assert result != compare(a, b, test=test, seed=4)
    assert (result.seeds_a, result.seeds_b) == (3, 1)
    # A side of one seed just repeats it: three copies are the same side to the swap test.
    if test == "approximate_randomisation":
        assert compare(a, [b] * 3, test=test, seed=3).p_value == result.p_value
    plain = result.to_dict()
    assert json.loads(json.dumps(plain)) == plain


def test_seeds_widen_the_interval() -> None:
    steady = scored(0.6, 9)
    unsteady = [scored(right, seed) for seed, right in enumerate((0.3, 0.6, 0.9))]
    fixed = compare(unsteady[1], steady)
    drawn = compare(unsteady, steady)
    assert drawn.interval[1] - drawn.interval[0] > 1.3 * (fixed.interval[1] - fixed.interval[0])


def tiny() -> tuple[Scores, Scores, list[tuple[Counts, Counts]]]:
    """Seven documents, found by one side, by the other, by both; small enough to try every swap."""
    gold = [words(f"d{index}", [Span(0, 2, "A"), Span(3, 5, "B")]) for index in range(7)]
    both, first, none = [Span(0, 2, "A"), Span(3, 5, "B")], [Span(0, 2, "A")], [Span(6, 8, "A")]
    answers_a = [both, both, first, first, both, none, first]
    answers_b = [first, none, first, both, none, first, []]
    a, b = (
        evaluate(
            gold, [Prediction(f"d{index}", found) for index, found in enumerate(side)], resamples=0, unit="document"
        )
        for side in (answers_a, answers_b)
    )
    units = [
        (Counts(left.tp, left.fp, left.fn), Counts(right.tp, right.fp, right.fn))
        for left, right in zip(a.per_document, b.per_document, strict=True)
    ]
    return a, b, units


def test_randomisation_approximates_the_exact_test() -> None:
    a, b, units = tiny()
    observed = micro([left for left, _ in units]) - micro([right for _, right in units])
    extreme = 0
    for swaps in itertools.product((False, True), repeat=len(units)):
        sides = [pair[::-1] if swap else pair for pair, swap in zip(units, swaps, strict=True)]
        difference = micro([left for left, _ in sides]) - micro([right for _, right in sides])
        extreme += abs(difference) >= abs(observed) - 1e-12
    exact = extreme / 2 ** len(units)
    assert 0.02 < exact < 0.9
    result = approximate_randomisation(a, b, resamples=20_000)
    assert result.difference == pytest.approx(observed)
    assert result.p_value == pytest.approx(exact, abs=0.015)


def test_bootstrap_approximates_all_draws() -> None:
    a, b, units = tiny()
    a, b = (evaluate_first(side, 5) for side in (a, b))
    differences = []
    for draw in itertools.product(units[:5], repeat=5):
        differences.append(micro([left for left, _ in draw]) - micro([right for _, right in draw]))
    below, above = (np.mean(np.sign(np.round(differences, 12)) * side <= 0) for side in (1, -1))
    result = paired_bootstrap(a, b, resamples=20_000)
    assert result.p_value == pytest.approx(min(1, 2 * min(below, above)), abs=0.015)
    assert result.interval == pytest.approx(tuple(np.quantile(differences, [0.025, 0.975])), abs=0.03)


def evaluate_first(scores: Scores, size: int) -> Scores:
    """The same system on the first documents only."""
    matches = scores.matching.documents[:size]
    answers = [Prediction(each.id, each.predicted, each.problems) for each in matches]
    return evaluate([each.document for each in matches], answers, resamples=0, unit="document")


@pytest.mark.parametrize("size", [1, 2, 3, 6])
def test_few_units_show_no_more_than_swapping_them_could(size: int) -> None:
    gold = [words(f"d{index}", [Span(0, 2, "A")]) for index in range(size + 3)]
    right, some, none = (
        evaluate(
            gold,
            [Prediction(f"d{index}", gold[index].spans if index >= wrong else ()) for index in range(size + 3)],
            resamples=0,
            unit="document",
        )
        for wrong in (0, size, size + 3)
    )
    least = min(1.0, 2.0 ** (1 - size))  # all swaps of the documents that differ, of which two are as far apart
    assert paired_bootstrap(right, some).p_value == pytest.approx(max(least, paired_bootstrap(some, right).p_value))
    assert paired_bootstrap(right, some).p_value >= least
    assert approximate_randomisation(right, some, resamples=4000).p_value == pytest.approx(least, abs=0.03)
    assert paired_bootstrap(right, none).p_value >= 2.0 ** (1 - size - 3)
    assert paired_bootstrap(right, right).p_value == 1.0


def test_p_is_never_zero() -> None:
    good, bad = scored(1.0, 1), scored(0.0, 1)
    for test in TESTS.values():
        assert 0 < test(good, bad, resamples=99).p_value <= 0.02


def test_p_of_equal_systems_is_not_small_too_often() -> None:
    results = [
        compare(scored(0.6, seed, 30), scored(0.6, 100 + seed, 30), test="approximate_randomisation", resamples=99)
        for seed in range(60)
    ]
    values = [result.p_value for result in results]
    assert sum(value <= 0.1 for value in values) <= 12  # 6 expected
    assert sum(value <= 0.5 for value in values) >= 18  # 30 expected


def test_chunks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    a, b = scored(0.6, 1), scored(0.5, 2)
    whole = approximate_randomisation(a, b, resamples=200).p_value
    monkeypatch.setattr(module, "CELLS", 60 * 9)
    assert approximate_randomisation(a, b, resamples=200).p_value == whole


def test_only_the_same_gold_is_compared() -> None:
    gold, found = corpus(25, 0.5, 1)
    scores = evaluate(gold, found, resamples=0)
    with pytest.raises(EvaluationError, match="different gold"):
        compare(scores, evaluate(gold[:24], found[:24], resamples=0))
    with pytest.raises(EvaluationError, match="different units: 25 x document and 75 x sentence"):
        compare(scores, evaluate(gold, found, resamples=0, unit="sentence"))
    with pytest.raises(EvaluationError, match="different label filters"):
        compare(scores, evaluate(gold, found, resamples=0, labels=["A"]))
    with pytest.raises(EvaluationError, match="at least one set of scores on each side"):
        compare(scores, [])
    with pytest.raises(EvaluationError, match="nothing to compare"):
        compare(evaluate([], []), evaluate([], []))


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"metric": "accuracy"}, "metric 'accuracy' is unknown: one of micro_f1"),
        ({"test": "welch"}, "test 'welch' is unknown: one of paired_bootstrap"),
        ({"resamples": 0}, "at least one resample"),
    ],
)
def test_unusable_settings_are_refused(setting: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        compare(scored(0.5, 1), scored(0.5, 1), **setting)  # type: ignore[arg-type]


def test_holm_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.6, 0.5]) == [1.0, 1.0]
    assert holm([0.2]) == [0.2]
    assert holm([]) == []


@PROPERTY
@given(st.lists(st.floats(0, 1), max_size=8))
def test_holm_is_monotone_and_no_smaller(values: list[float]) -> None:
    adjusted = holm(values)
    for (low, new_low), (high, new_high) in itertools.combinations(sorted(zip(values, adjusted, strict=True)), 2):
        assert low <= high and new_low <= new_high
    assert all(old <= new <= 1 for old, new in zip(values, adjusted, strict=True))
