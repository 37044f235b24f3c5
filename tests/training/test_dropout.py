"""Dropout by 16 random bits a unit: its distribution, its seed, and the attention that uses it."""

from __future__ import annotations

import math

import pytest

torch = pytest.importorskip("torch")

from torch.nn import functional  # noqa: E402

from onoma.training import dropout  # noqa: E402
from onoma.training.dropout import FastDropout, noise  # noqa: E402


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("kind", [torch.float32, torch.bfloat16])
def test_units_are_dropped_at_the_rate_and_the_rest_is_scaled(rate: float, kind: torch.dtype) -> None:
    torch.manual_seed(1)
    values = noise(torch.empty(401, 499, dtype=kind), rate)
    assert values.dtype == kind and values.shape == (401, 499)
    assert set(values.unique().tolist()) == {0.0, torch.tensor(1 / (1 - rate)).to(kind).item()}
    share = (values == 0).float().mean().item()
    assert abs(share - rate) < 5 * math.sqrt(rate * (1 - rate) / values.numel())
    # Rows and columns too: no stripes from the four units of one random word.
    for axis in (0, 1):
        each = (values == 0).float().mean(dim=axis)
        assert (each - rate).abs().max() < 6 * math.sqrt(rate * (1 - rate) / values.shape[axis])


def test_the_seed_decides() -> None:
    torch.manual_seed(7)
    first, second = noise(torch.empty(64, 65), 0.3), noise(torch.empty(64, 65), 0.3)
    torch.manual_seed(7)
    assert torch.equal(noise(torch.empty(64, 65), 0.3), first)
    assert not torch.equal(first, second)


def test_what_was_dropped_gets_no_gradient() -> None:
    given = torch.ones(50, 7, requires_grad=True)
    with FastDropout():
        out = torch.nn.Dropout(0.4)(given)
    out.sum().backward()
    assert given.grad is not None and torch.equal(given.grad, out)
    assert 0 < (out == 0).sum() < out.numel()


def test_nothing_is_dropped_outside_of_training() -> None:
    given = torch.randn(9, 9)
    with FastDropout():
        assert torch.equal(torch.nn.Dropout(0.4).eval()(given), given)
        assert torch.equal(functional.dropout(given, 0.0, training=True), given)
        assert (functional.dropout(given, 1.0, training=True) == 0).all()
        left = given.clone()
        functional.dropout(left, 0.5, training=True, inplace=True)
    assert (left == 0).any()


@pytest.mark.parametrize("masked", ["none", "bool", "float"])
@pytest.mark.parametrize("scale", [None, 0.37])
def test_attention_is_the_library_s(masked: str, scale: float | None, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(3)
    query, key, value = (torch.randn(2, 3, length, 8) for length in (5, 6, 6))
    allowed = torch.rand(2, 1, 5, 6) < 0.7
    allowed[..., 0] = True
    mask = {"none": None, "bool": allowed, "float": torch.zeros(2, 1, 5, 6).masked_fill(~allowed, -math.inf)}[masked]
    wanted = functional.scaled_dot_product_attention(query, key, value, mask, 0.0, scale=scale)
    asked: list[tuple[tuple[int, ...], float]] = []

    def none_dropped(values: torch.Tensor, rate: float) -> torch.Tensor:
        asked.append((tuple(values.shape), rate))
        return torch.ones_like(values)

    monkeypatch.setattr(dropout, "noise", none_dropped)
    with FastDropout():
        found = functional.scaled_dot_product_attention(query, key, value, attn_mask=mask, dropout_p=0.1, scale=scale)
    assert asked == [((2, 3, 5, 6), 0.1)]
    torch.testing.assert_close(found, wanted)


def test_attention_that_it_does_not_know_is_left_to_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(values: torch.Tensor, rate: float) -> torch.Tensor:
        raise AssertionError

    monkeypatch.setattr(dropout, "noise", never)
    query = torch.randn(1, 2, 4, 8)
    with FastDropout():
        functional.scaled_dot_product_attention(query, query, query, dropout_p=0.1, is_causal=True)
        functional.scaled_dot_product_attention(query, query[:, :1], query[:, :1], dropout_p=0.1, enable_gqa=True)
        functional.scaled_dot_product_attention(query, query, query)
