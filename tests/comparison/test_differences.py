"""Pairs of systems: few are tested as ever, many by as many resamples as their number needs."""

from __future__ import annotations

import random

import numpy as np
import pytest

import onoma
from onoma import Document, Prediction, Span
from onoma.comparison.differences import differences, needed
from onoma.evaluation import Scores, compare, holm

GOLD = [Document(str(number), "Ada left Rome", spans=(Span(0, 3, "PER"), Span(9, 13, "LOC"))) for number in range(60)]


def scored(right: float, seed: int) -> Scores:
    rng = random.Random(seed)
    found = [Prediction(each.id, tuple(span for span in each.spans if rng.random() < right)) for each in GOLD]
    return onoma.evaluate(GOLD, found, resamples=0)


def test_few_systems_are_tested_as_they_are_by_the_evaluation() -> None:
    systems = {name: [scored(right, 1), scored(right, 2)] for name, right in (("a", 0.7), ("b", 0.6), ("c", 0.62))}
    rows = differences("home", systems, 1000)
    plain = [compare(systems[row.a], systems[row.b], resamples=1000) for row in rows]
    assert [(row.difference, row.interval, row.p_value) for row in rows] == [
        (each.difference, each.interval, each.p_value) for each in plain
    ]
    assert [row.p_adjusted for row in rows] == holm([each.p_value for each in plain])
    assert rows[0].test == "paired bootstrap, p of 1,000 resamples, 60 documents, 2+2 seeds"


def test_eight_systems_can_show_a_difference() -> None:
    """With 1,000 resamples the smallest p, 2 / 1001, is 0.056 after Holm over 28 pairs."""
    systems = {str(number): [scored(1.0 if number == 0 else 0.5, number)] for number in range(8)}
    rows = differences("home", systems, 1000)
    assert len(rows) == 28
    assert all(row.p_adjusted is not None and row.p_adjusted < 0.01 for row in rows if row.a == "0")
    assert "p of 22,400 resamples" in rows[0].test
    for row in rows:
        alone = compare(systems[row.a], systems[row.b], resamples=1000)
        assert row.interval == alone.interval and row.difference == alone.difference
        assert row.p_value == pytest.approx(alone.p_value, abs=0.06)


def test_p_values_of_many_draw_the_seeds_of_each_system() -> None:
    systems = {str(number): [scored(0.5, number), scored(0.9, number)] for number in range(4)}
    rows = differences("home", systems, 1000)
    alone = [compare(systems[row.a], systems[row.b], resamples=4800) for row in rows]
    assert "p of 4,800 resamples" in rows[0].test and "2+2 seeds" in rows[0].test
    assert np.allclose([row.p_value or 0 for row in rows], [each.p_value for each in alone], atol=0.05)


@pytest.mark.parametrize(
    ("resamples", "pairs", "number"),
    [(1000, 1, 1000), (1000, 3, 1000), (1000, 6, 4800), (1000, 28, 22_400), (50_000, 28, 50_000), (50, 1, 800)],
)
def test_the_number_of_resamples_follows_the_number_of_pairs(resamples: int, pairs: int, number: int) -> None:
    assert needed(resamples, pairs) == number
    assert pairs * 2 / (number + 1) < 0.01


def test_without_resamples_nothing_is_compared() -> None:
    assert differences("home", {"a": [scored(0.5, 1)], "b": [scored(0.6, 2)]}, 0) == []
    assert differences("home", {"a": [scored(0.5, 1)]}, 1000) == []
