"""Token-budget batches: a partition of the data in every epoch, the same number of batches, shuffled anew."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onoma.exceptions import ConfigError
from onoma.training.batches import TokenBudget

SIZES = st.lists(st.integers(1, 60), min_size=1, max_size=80)


@given(SIZES, st.integers(1, 200), st.integers(0, 5), st.integers(0, 3))
def test_every_example_once_an_epoch_in_a_constant_number_of_batches(
    sizes: list[int], budget: int, seed: int, epoch: int
) -> None:
    batches = TokenBudget(sizes, budget, seed, chunk=4)
    batches.set_epoch(epoch)
    made = list(batches)
    assert sorted(example for batch in made for example in batch) == list(range(len(sizes)))
    assert len(made) == len(batches) and all(made)


@given(SIZES, st.integers(1, 200), st.integers(1, 4), st.integers(1, 4))
def test_processes_share_an_epoch_and_steps_are_whole(
    sizes: list[int], budget: int, accumulation: int, processes: int
) -> None:
    if len(sizes) < processes:
        with pytest.raises(ConfigError, match="cannot be shared"):
            TokenBudget(sizes, budget, 1, processes=processes)
        return
    shares = [
        TokenBudget(sizes, budget, 1, accumulation=accumulation, rank=rank, processes=processes)
        for rank in range(processes)
    ]
    for share in shares:
        share.set_epoch(2)
    made = [list(share) for share in shares]
    assert sorted(example for batches in made for batch in batches for example in batch) == list(range(len(sizes)))
    assert {len(batches) for batches in made} == {len(share) for share in shares}
    assert len({len(share) for share in shares}) == 1
    assert all(batch for batches in made for batch in batches)
    if len(sizes) >= accumulation * processes:
        assert len(shares[0]) % accumulation == 0
        # The same steps in one process that accumulates as much.
        alone = TokenBudget(sizes, budget, 1, accumulation=accumulation * processes)
        alone.set_epoch(2)
        whole = list(alone)
        assert [batch for turn in zip(*made, strict=True) for batch in turn] == whole


@given(SIZES, st.integers(20, 200))
def test_batches_keep_to_the_budget_but_for_one_example(sizes: list[int], budget: int) -> None:
    for batch in TokenBudget(sizes, budget, seed=1):
        # The last example of a batch may reach over its share of the total.
        assert sum(sizes[example] for example in batch) <= budget + 2 * max(sizes)


def test_a_pure_function_of_seed_and_epoch() -> None:
    sizes = [(number * 7) % 23 + 1 for number in range(200)]

    def order(seed: int, epoch: int) -> list[list[int]]:
        batches = TokenBudget(sizes, 64, seed)
        batches.set_epoch(epoch)
        return list(batches)

    assert order(1, 0) == order(1, 0)
    assert order(1, 0) != order(1, 1) != order(2, 1)


def test_lengths_in_a_batch_are_alike() -> None:
    sizes = [(number * 7919) % 97 + 1 for number in range(2000)]

    def padding(batches: list[list[int]]) -> int:
        return sum(max(sizes[each] for each in batch) * len(batch) for batch in batches) - sum(sizes)

    unsorted = [list(range(first, first + 10)) for first in range(0, 2000, 10)]
    assert padding(list(TokenBudget(sizes, 512, seed=1))) < 0.25 * padding(unsorted)


def test_no_batch_mixes_the_longest_with_the_shortest() -> None:
    """Where one chunk ends and the next begins, sizes are alike."""
    sizes = [(number * 7919) % 97 + 1 for number in range(3000)]
    padded = [max(sizes[each] for each in batch) * len(batch) for batch in TokenBudget(sizes, 512, seed=1)]
    assert max(padded) < 3 * 512
