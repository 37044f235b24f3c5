"""Gradients of embeddings that are summed up in place, against the library's own."""

from __future__ import annotations

from contextlib import nullcontext

import pytest

pytest.importorskip("torch")

import torch
from torch.nn import functional

from onoma.training.rows import RowGradients


def steps(mode: RowGradients | None, *, dense: bool, most: float = 1.0, clip: bool = False) -> list[torch.Tensor]:
    """A table after each of some steps, in which it is read three times, two of them as two halves of a step.

    `clip`: gradients are scaled by the mode's own rule. The last entry holds the norms.
    """
    torch.manual_seed(1)
    table = torch.nn.Parameter(torch.randn(50, 4))
    other, idle = torch.nn.Parameter(torch.randn(3)), torch.nn.Parameter(torch.randn(2))
    optimizer = torch.optim.AdamW([table, other, idle], lr=0.1)
    norms: list[torch.Tensor] = []
    made: list[torch.Tensor] = []
    for step in range(5):
        optimizer.zero_grad()
        with mode or nullcontext():
            for half in range(2):
                numbers = torch.randint(0, 50, (3, 5))
                cost = functional.embedding(numbers, table, padding_idx=0).square().sum()
                if half == 0:
                    cost = (
                        cost + functional.embedding(torch.tensor([step, step, 0]), table).sum() * other.square().sum()
                    )
                if dense and step % 2:
                    cost = cost + functional.linear(torch.randn(2, 4), table).square().sum()
                cost.backward()
        given = [table, other, idle]
        norms.append(mode.clip(given, most) if mode and clip else torch.nn.utils.clip_grad_norm_(given, most))
        optimizer.step()
        made.append(table.detach().clone())
    return [*made, torch.stack(norms)]


@pytest.mark.parametrize("dense", [False, True])
def test_steps_are_those_of_the_library(dense: bool) -> None:
    for ours, theirs in zip(steps(RowGradients(), dense=dense), steps(None, dense=dense), strict=True):
        assert torch.allclose(ours, theirs, atol=1e-6)


@pytest.mark.parametrize("most", [0.5, 1e9])
@pytest.mark.parametrize("dense", [False, True])
def test_gradients_are_scaled_as_by_the_library(dense: bool, most: float) -> None:
    both = (steps(RowGradients(), dense=dense, most=most, clip=True), steps(None, dense=dense, most=most))
    for ours, theirs in zip(*both, strict=True):
        assert torch.allclose(ours, theirs, atol=1e-6)


def test_only_what_was_written_is_cleared() -> None:
    """Somebody else's gradient in the same table is seen, ours alone is not taken for one."""
    table = torch.nn.Parameter(torch.randn(9, 2))
    mode = RowGradients()
    for other in (False, True, False, False):
        table.grad = None
        with mode:
            cost = functional.embedding(torch.tensor([1, 3]), table).sum()
            (cost + table[5].sum() if other else cost).backward()
            functional.embedding(torch.tensor([3]), table).sum().backward()
        (held,) = mode._sums.values()
        assert held.mixed == other
        assert table.grad is not None
        assert table.grad.sum(1).tolist() == [0, 2, 0, 4, 0, 2 if other else 0, 0, 0, 0]
        mode.clip([table], 1.0)


def test_what_it_does_not_know_is_the_librarys() -> None:
    table = torch.nn.Parameter(torch.randn(9, 2))
    numbers = torch.tensor([1, 1, 3])
    with RowGradients():
        assert functional.embedding(numbers, table).grad_fn.name() == "_EmbeddingBackward"
        assert functional.embedding(numbers, table, scale_grad_by_freq=True).grad_fn.name() == "EmbeddingBackward0"
        assert functional.embedding(numbers, table * 2).grad_fn.name() == "EmbeddingBackward0"
        with torch.no_grad():
            assert functional.embedding(numbers, table).grad_fn is None
        other = torch.nn.Parameter(torch.randn(9, 2))
        functional.embedding(numbers, other).sum().backward()
    assert table.grad is None and other.grad is not None
    assert other.grad.sum(1).tolist() == [0, 4, 0, 2, 0, 0, 0, 0, 0]


def test_a_table_that_lies_where_another_lay_has_sums_of_its_own() -> None:
    mode = RowGradients()
    for size in (4, 6, 8):
        table = torch.nn.Parameter(torch.ones(size, 2))
        with mode:
            functional.embedding(torch.tensor([1]), table).sum().backward()
        assert table.grad is not None and table.grad.shape == (size, 2)
