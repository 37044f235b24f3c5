"""Token-budget batches: a partition of the data in every epoch, the same number of batches, shuffled anew."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

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
