"""The CRF layer against the enumeration of all tag sequences, values and gradients."""

from __future__ import annotations

from itertools import pairwise, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

torch = pytest.importorskip("torch")

from onoma.models.tagging.crf import IMPOSSIBLE, LinearChainCrf  # noqa: E402

INF = float("inf")
# O, B-X, I-X, E-X: single words cannot be mentions, so that start, transition and end all forbid something.
START = np.array([0, 0, -INF, -INF])
TRANSITION = np.array([[0, 0, -INF, -INF], [-INF, -INF, 0, 0], [-INF, -INF, 0, 0], [0, 0, -INF, -INF]])
END = np.array([0, -INF, -INF, 0])


def make(seed: int, legal: bool = True, double: bool = True, tags: int = 4, size: float = 1.0) -> LinearChainCrf:
    parts = (START[:tags], TRANSITION[:tags, :tags], END[:tags])
    crf = LinearChainCrf(*(part if legal else np.zeros_like(part) for part in parts))
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in crf.parameters():
            parameter.copy_(size * torch.randn(parameter.shape, generator=generator))
    return crf.double() if double else crf


def batch(seed: int, lengths: list[int], tags: int = 4, size: float = 1.0):
    generator = torch.Generator().manual_seed(seed + 1000)
    shape = (len(lengths), max(lengths))
    emissions = size * torch.randn(*shape, tags, generator=generator, dtype=torch.float64)
    mask = torch.arange(max(lengths)) < torch.tensor(lengths)[:, None]
    gold = torch.randint(tags, shape, generator=generator).masked_fill(~mask, -100)
    return emissions, gold, mask


def enumerate_chain(crf: LinearChainCrf, emissions: np.ndarray, admitted: tuple[int, ...] = ()) -> dict[tuple, float]:
    """All sequences of one chain with their scores; the steps of `admitted` count 0 where they are illegal."""
    start, transition, end = crf.scores()
    scores = {}
    for tags in product(range(len(start)), repeat=len(emissions)):
        steps = [start[tags[0]], *(transition[step] for step in pairwise(tags)), end[tags[-1]]]
        if admitted:
            own = [tags[:1] == admitted[:1]]
            own += [a == b for a, b in zip(pairwise(tags), pairwise(admitted), strict=True)]
            own += [tags[-1:] == admitted[-1:]]
            steps = [0.0 if mine and step == -INF else step for mine, step in zip(own, steps, strict=True)]
        scores[tags] = sum(steps) + sum(emissions[place, tag] for place, tag in enumerate(tags))
    return scores


def log_sum(values) -> float:
    return float(np.logaddexp.reduce(list(values) or [-INF]))


def legal_gold(crf: LinearChainCrf, emissions, mask, pick: int):
    """One of the legal chains of each row."""
    gold = torch.full(mask.shape, -100)
    for row, length in enumerate(mask.sum(1).tolist()):
        chains = [tags for tags, score in enumerate_chain(crf, emissions[row, :length].numpy()).items() if score > -INF]
        gold[row, :length] = torch.tensor(chains[(pick + row) % len(chains)])
    return gold


cases = given(
    st.integers(0, 10**6), st.lists(st.integers(1, 5), min_size=1, max_size=3), st.booleans(), st.integers(3, 4)
)


@cases
@settings(max_examples=25, deadline=None)
def test_partition_score_and_marginals_are_those_of_the_enumeration(
    seed: int, lengths: list[int], legal: bool, tags: int
) -> None:
    crf = make(seed, legal, tags=tags, size=2.0)
    emissions, _, mask = batch(seed, lengths, tags, size=2.0)
    gold = legal_gold(crf, emissions, mask, seed)
    partition, score = crf.log_partition(emissions, mask), crf.score(emissions, gold, mask)
    marginals = crf.log_marginals(emissions, mask)
    for row, length in enumerate(lengths):
        scores = enumerate_chain(crf, emissions[row, :length].numpy())
        total = log_sum(scores.values())
        assert partition[row].item() == pytest.approx(total)
        assert score[row].item() == pytest.approx(scores[tuple(gold[row, :length].tolist())])
        for place in range(length):
            for tag in range(tags):
                expected = log_sum(value for chain, value in scores.items() if chain[place] == tag) - total
                found = marginals[row, place, tag].item()
                assert found == (IMPOSSIBLE if expected == -INF else pytest.approx(expected))
    assert (marginals[~mask] == 0).all()


@cases
@settings(max_examples=25, deadline=None)
def test_the_chain_rule_is_that_of_the_enumeration(seed: int, lengths: list[int], legal: bool, tags: int) -> None:
    crf = make(seed, legal, tags=tags)
    emissions, _, mask = batch(seed, lengths, tags)
    gold = legal_gold(crf, emissions, mask, seed)
    terms = crf.log_probabilities(emissions, gold, mask)
    exact = crf.score(emissions, gold, mask) - crf.log_partition(emissions, mask)
    torch.testing.assert_close(terms.sum(1), exact)
    for row, length in enumerate(lengths):
        scores = enumerate_chain(crf, emissions[row, :length].numpy())
        chain = tuple(gold[row, :length].tolist())
        for place in range(length):
            given_before = log_sum(value for tags, value in scores.items() if tags[:place] == chain[:place])
            with_this = log_sum(value for tags, value in scores.items() if tags[: place + 1] == chain[: place + 1])
            assert terms[row, place].item() == pytest.approx(with_this - given_before, abs=1e-9)
    assert (terms[~mask] == 0).all()


@given(st.integers(0, 10**6), st.lists(st.integers(1, 5), min_size=1, max_size=3))
@settings(max_examples=40, deadline=None)
def test_illegal_gold_admits_its_own_steps_only(seed: int, lengths: list[int]) -> None:
    crf = make(seed)
    emissions, gold, mask = batch(seed, lengths)
    terms = crf.log_probabilities(emissions, gold, mask)
    score = crf.score(emissions, gold, mask)
    assert (terms <= 1e-12).all()
    for row, length in enumerate(lengths):
        chain = tuple(gold[row, :length].tolist())
        scores = enumerate_chain(crf, emissions[row, :length].numpy(), admitted=chain)
        assert score[row].item() == pytest.approx(scores[chain])
        expected = scores[chain] - log_sum(scores.values())
        assert terms[row].sum().item() == pytest.approx(expected, abs=1e-9)


def test_legal_chains_share_all_probability() -> None:
    crf = make(3)
    emissions, _, _ = batch(3, [4])
    chains = torch.tensor(list(product(range(4), repeat=4)))
    scores = enumerate_chain(crf, emissions[0].numpy())
    legal = torch.tensor([scores[tuple(chain)] > -INF for chain in chains.tolist()])
    every = emissions.expand(len(chains), -1, -1)
    terms = crf.log_probabilities(every, chains, torch.ones_like(chains, dtype=torch.bool))
    assert 1 < legal.sum() < len(chains)
    assert terms[legal].sum(1).exp().sum().item() == pytest.approx(1)
    start, transition, end = crf.scores()
    assert start.dtype == np.float64
    for found, given_ in ((start, START), (transition, TRANSITION), (end, END)):
        np.testing.assert_array_equal(np.isneginf(found), np.isneginf(given_))


@pytest.mark.parametrize("name", ["log_partition", "score", "log_probabilities", "log_marginals"])
def test_gradients_are_finite_differences(name: str) -> None:
    crf = make(5)
    emissions, gold, mask = batch(5, [3, 1, 4])
    gold[0, :3] = torch.tensor([2, 0, 1])  # illegal at the start, between words and at the end
    rest = (gold, mask) if name in ("score", "log_probabilities") else (mask,)
    parameters = dict(crf.named_parameters())

    def function(inputs, *values):
        return torch.func.functional_call(_Call(crf, name), dict(zip(names, values, strict=True)), (inputs, *rest))

    names = [f"crf.{key}" for key in parameters]
    inputs = [value.detach().clone().requires_grad_() for value in (emissions, *parameters.values())]
    assert torch.autograd.gradcheck(function, inputs)


class _Call(torch.nn.Module):
    def __init__(self, crf: LinearChainCrf, name: str) -> None:
        super().__init__()
        self.crf, self.name = crf, name

    def forward(self, *inputs):
        return getattr(self.crf, self.name)(*inputs)


@pytest.mark.parametrize("size", [1.0, 1e4])
def test_what_is_illegal_never_learns_and_nothing_is_nan(size: float) -> None:
    crf = make(7, double=False)
    emissions, gold, mask = batch(7, [5, 1, 3], size=size)
    emissions = emissions.float().requires_grad_()
    losses = {
        "nll": lambda: -crf.log_probabilities(emissions, gold, mask).sum(),
        "exact": lambda: (crf.log_partition(emissions, mask) - crf.score(emissions, gold, mask)).sum(),
        "marginals": lambda: -crf.log_marginals(emissions, mask).mean(),
    }
    for loss in losses.values():
        crf.zero_grad()
        value = loss()
        value.backward()
        assert torch.isfinite(value) and torch.isfinite(emissions.grad).all()
        for parameter, legality in ((crf.start, START), (crf.transition, TRANSITION), (crf.end, END)):
            assert parameter.grad is not None and torch.isfinite(parameter.grad).all()
            assert (parameter.grad[torch.from_numpy(np.isneginf(legality))] == 0).all()
    assert np.exp(np.float32(IMPOSSIBLE)) == 0


def test_padding_of_any_kind_changes_nothing() -> None:
    crf = make(9)
    emissions, gold, mask = batch(9, [2, 4, 1])
    wide = torch.full((3, 7, 4), float("nan"), dtype=torch.float64)
    wide[:, :4] = emissions.masked_fill(~mask[:, :, None], float("nan"))
    wide_mask, wide_gold = torch.zeros(3, 7, dtype=torch.bool), torch.full((3, 7), -100)
    wide_mask[:, :4], wide_gold[:, :4] = mask, gold
    emissions.requires_grad_()
    wide.requires_grad_()

    def outputs(inputs, gold, mask):
        return (
            crf.log_partition(inputs, mask),
            crf.score(inputs, gold, mask),
            crf.log_probabilities(inputs, gold, mask)[mask],
            crf.log_marginals(inputs, mask)[mask],
        )

    short, long = outputs(emissions, gold, mask), outputs(wide, wide_gold, wide_mask)
    torch.testing.assert_close(short, long)
    torch.stack([part.sum() for part in short]).sum().backward()
    torch.stack([part.sum() for part in long]).sum().backward()
    torch.testing.assert_close(wide.grad[:, :4], emissions.grad)
    assert (wide.grad[~wide_mask] == 0).all() and (emissions.grad[~mask] == 0).all()


def test_half_precision_inputs_are_computed_in_float32() -> None:
    crf = make(11, double=False)
    emissions, gold, mask = batch(11, [5, 2])
    half = emissions.to(torch.bfloat16)
    expected = crf.log_probabilities(half.float(), gold, mask)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = crf.log_probabilities(half, gold, mask)
        assert crf.log_partition(half, mask).dtype == torch.float32
        assert crf.log_marginals(half, mask).dtype == torch.float32
    torch.testing.assert_close(found, expected, rtol=0, atol=0)


def test_long_chains_stay_exact_in_float32() -> None:
    crf = make(13, double=False)
    emissions, _, mask = batch(13, [400], size=3.0)
    emissions = (emissions + 50).float()  # a common constant means nothing, but would eat up the digits
    gold = torch.zeros(1, 400, dtype=torch.long)
    single = crf.log_probabilities(emissions, gold, mask), crf.log_marginals(emissions, mask)
    crf.double()
    double = crf.log_probabilities(emissions, gold, mask), crf.log_marginals(emissions, mask)
    for found, exact in zip(single, double, strict=True):
        torch.testing.assert_close(found.double(), exact, rtol=1e-4, atol=2e-4)


def test_no_emission_is_high_enough_for_an_illegal_tag() -> None:
    crf = make(17, double=False)
    emissions = torch.tensor([[[0.0, 1e6, 1e6, 1e6]]])  # one word: O is all that is legal
    mask = torch.ones(1, 1, dtype=torch.bool)
    assert crf.log_partition(emissions, mask).item() == pytest.approx((crf.start[0] + crf.end[0]).item())
    assert crf.log_marginals(emissions, mask)[0, 0].tolist() == [0.0, IMPOSSIBLE, IMPOSSIBLE, IMPOSSIBLE]


def test_legality_is_not_saved_and_its_shapes_are_checked() -> None:
    assert set(make(1).state_dict()) == {"start", "transition", "end"}
    with pytest.raises(ValueError, match=r"\[T\], \[T, T\], \[T\]"):
        LinearChainCrf(START, TRANSITION[:3], END)
