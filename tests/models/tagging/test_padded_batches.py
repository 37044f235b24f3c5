"""Batches of prediction: every item once, like lengths together, none larger than asked for."""

from __future__ import annotations

from itertools import zip_longest

from hypothesis import given
from hypothesis import strategies as st

from onoma.models.batches import by_length, padded


@given(st.lists(st.integers(0, 40), max_size=60), st.integers(1, 100))
def test_every_item_that_is_not_empty_is_in_one_run_within_the_budget(sizes: list[int], budget: int) -> None:
    runs = list(by_length(sizes, budget))
    order = [number for run in runs for number in run]
    assert sorted(order) == [number for number, size in enumerate(sizes) if size]
    assert [sizes[number] for number in order] == sorted(size for size in sizes if size)
    for run, after in zip_longest(runs, runs[1:]):
        assert len(run) == 1 or max(sizes[number] for number in run) * len(run) <= budget
        assert after is None or sizes[after[0]] * (len(run) + 1) > budget, "a run ends only where it must"


def test_rows_are_filled_up_at_the_end() -> None:
    assert padded([(1, 2, 3), (), (4,)], -1).tolist() == [[1, 2, 3], [-1, -1, -1], [4, -1, -1]]
