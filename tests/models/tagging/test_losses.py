"""Word-level losses against torch's own and against their definitions."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import pytest

torch = pytest.importorskip("torch")

from onoma.models.encoder_tagger.options import EncoderTaggerOptions  # noqa: E402
from onoma.models.tagging.losses import CostOptions, set_dice, total_cost, total_weight, word_costs, word_weights  # noqa: E402


@dataclass(frozen=True)
class Options:
    loss: Literal["nll", "focal", "dice"] = "nll"
    o_weight: float = 1.0
    loss_by: Literal["weight", "count"] = "weight"
    gamma: float = 2.0
    label_smoothing: float = 0.0
    dice_level: Literal["element", "set"] = "element"
    dice_alpha: float = 0.01
    dice_smooth: float = 1.0
    dice_squared: bool = False


def sample(words: int = 12, tags: int = 5, seed: int = 1):
    generator = torch.Generator().manual_seed(seed)
    logits = 2 * torch.randn(words, tags, generator=generator, dtype=torch.float64)
    labels = torch.randint(tags, (words,), generator=generator)
    labels[: words // 2] = 0
    return logits, labels


def mean_loss(logits, labels, options: CostOptions):
    return total_cost(torch.log_softmax(logits, dim=-1), labels, options) / total_weight(labels, options)


@pytest.mark.parametrize("o_weight", [1.0, 0.3])
def test_nll_is_the_weighted_cross_entropy_of_torch(o_weight: float) -> None:
    logits, labels = sample()
    weight = torch.tensor([o_weight, 1, 1, 1, 1], dtype=torch.float64)
    mean = torch.nn.functional.cross_entropy(logits, labels, weight=weight)
    total = torch.nn.functional.cross_entropy(logits, labels, weight=weight, reduction="sum")
    torch.testing.assert_close(mean_loss(logits, labels, Options(o_weight=o_weight)), mean)
    counted = Options(o_weight=o_weight, loss_by="count")
    torch.testing.assert_close(mean_loss(logits, labels, counted), total / len(labels))


def test_label_smoothing_is_that_of_torch() -> None:
    logits, labels = sample()
    expected = torch.nn.functional.cross_entropy(logits, labels, label_smoothing=0.1)
    torch.testing.assert_close(mean_loss(logits, labels, Options(label_smoothing=0.1)), expected)


def test_label_smoothing_is_weighed_by_gold() -> None:
    logits, labels = sample()
    logp = torch.log_softmax(logits, dim=-1)
    plain = word_costs(logp, labels, Options(label_smoothing=0.1))
    weighed = word_costs(logp, labels, Options(label_smoothing=0.1, o_weight=0.3))
    torch.testing.assert_close(weighed, torch.where(labels == 0, 0.3 * plain, plain))


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_focal_without_gamma_is_cross_entropy(smoothing: float) -> None:
    logits, labels = sample()
    focal = Options(loss="focal", gamma=0.0, o_weight=0.5, label_smoothing=smoothing)
    torch.testing.assert_close(mean_loss(logits, labels, focal), mean_loss(logits, labels, replace(focal, loss="nll")))


def test_focal_is_its_definition() -> None:
    logits, labels = sample()
    p = torch.softmax(logits, dim=-1).gather(1, labels[:, None])[:, 0]
    expected = -torch.where(labels == 0, 0.25, 1.0) * (1 - p) ** 2 * p.log()
    options = Options(loss="focal", o_weight=0.25)
    torch.testing.assert_close(word_costs(torch.log_softmax(logits, dim=-1), labels, options), expected)


@pytest.mark.parametrize("squared", [False, True])
def test_dice_is_its_definition(squared: bool) -> None:
    logits, labels = sample()
    logp = torch.log_softmax(logits, dim=-1)
    options = Options(loss="dice", o_weight=0.5, dice_alpha=0.3, dice_smooth=0.7, dice_squared=squared)
    q, weights = (1 - logp.exp()) ** 0.3 * logp.exp(), word_weights(labels, options)
    above, below = torch.zeros(5), torch.zeros(5)
    for word, label in enumerate(labels.tolist()):
        cost = torch.zeros(())
        for tag in range(5):
            y = float(tag == label)
            size = q[word, tag] ** 2 + y if squared else q[word, tag] + y
            cost += 1 - (2 * q[word, tag] * y + 0.7) / (size + 0.7)
            above[tag] += weights[word] * 2 * q[word, tag] * y
            below[tag] += weights[word] * size
        found = word_costs(logp, labels, options)[word].item()
        assert found == pytest.approx(weights[word].item() * cost.item() / 5, rel=1e-6)
    expected = (1 - (above + 0.7) / (below + 0.7)).mean().item()
    assert set_dice(logp, labels, options).item() == pytest.approx(expected, rel=1e-5)
    for loss_by in ("weight", "count"):
        found = mean_loss(logits, labels, replace(options, dice_level="set", loss_by=loss_by)).item()
        assert found == pytest.approx(expected, rel=1e-5)


GRID = torch.linspace(0.001, 0.999, 999, dtype=torch.float64)


def slopes(options: Options, gold: bool):
    """d cost / d p of one tag of one word at every p in (0, 1), the other tag's probability kept."""
    found = []
    for p in GRID[::10]:
        logp = torch.stack([p, torch.tensor(0.4, dtype=torch.float64)]).log()[None].requires_grad_()
        total_cost(logp, torch.tensor([0 if gold else 1]), options).backward()
        assert logp.grad is not None
        found.append(logp.grad[0, 0] / p)
    return torch.stack(found)


@pytest.mark.parametrize("alpha", [0.0, 0.01, 0.3, 1.0])
@pytest.mark.parametrize("squared", [False, True])
@pytest.mark.parametrize("level", ["element", "set"])
def test_dice_pulls_gold_up_and_the_rest_down_at_every_probability(alpha: float, squared: bool, level: str) -> None:
    options = Options(loss="dice", dice_alpha=alpha, dice_squared=squared, dice_level=level)  # type: ignore[arg-type]
    assert (slopes(options, gold=True) < 0).all()
    assert (slopes(options, gold=False) > 0).all()


@pytest.mark.parametrize("alpha", [0.3, 1.0])
def test_dice_with_a_differentiated_decay_turns_round(alpha: float) -> None:
    p = GRID.clone().requires_grad_()
    q = (1 - p) ** alpha * p
    (1 - (2 * q + 1) / (q + 2)).sum().backward()
    assert p.grad is not None
    wrong = p.grad > 0
    assert GRID[wrong].min().item() == pytest.approx(1 / (1 + alpha), abs=0.002)
    assert not (p.grad < 0).all()


ELEMENTWISE = [
    Options(o_weight=0.3, label_smoothing=0.1),
    Options(loss="focal", o_weight=0.3),
    Options(loss="dice", o_weight=0.3, loss_by="count"),
]


@pytest.mark.parametrize("options", ELEMENTWISE, ids=lambda options: options.loss)
def test_costs_and_weights_of_two_halves_add_up(options: Options) -> None:
    logits, labels = sample()
    logp = torch.log_softmax(logits, dim=-1)
    for function in (
        lambda rows: total_cost(logp[rows], labels[rows], options),
        lambda rows: total_weight(labels[rows], options),
    ):
        torch.testing.assert_close(function(slice(0, 5)) + function(slice(5, None)), function(slice(None)))


@pytest.mark.parametrize("level", ["element", "set"])
@pytest.mark.parametrize("loss", ["nll", "focal", "dice"])
@pytest.mark.parametrize("gamma", [0.0, 0.5, 2.0])
def test_certain_and_impossible_words_have_finite_costs_and_gradients(loss: str, gamma: float, level: str) -> None:
    logp = torch.tensor([[0.0, -110.0, -110.0], [1e-7, -110.0, -17.0], [-110.0, 0.0, -110.0]], requires_grad=True)
    options = Options(loss=loss, gamma=gamma, dice_level=level, label_smoothing=0.1)  # type: ignore[arg-type]
    cost = total_cost(logp, torch.tensor([0, 0, 0]), options)
    cost.backward()
    assert logp.grad is not None and torch.isfinite(cost) and torch.isfinite(logp.grad).all()


def test_dice_of_perfect_words_is_near_0() -> None:
    logits = 50 * torch.eye(3)
    for level in ("element", "set"):
        assert mean_loss(logits, torch.arange(3), Options(loss="dice", dice_level=level)).item() < 0.1


def test_a_batch_without_words_costs_nothing() -> None:
    empty = torch.zeros(0, 3), torch.zeros(0, dtype=torch.long)
    for options in (*ELEMENTWISE, Options(loss="dice", dice_level="set")):
        assert total_cost(*empty, options).item() == 0
        assert total_weight(empty[1], options).item() == 0


def test_padding_taken_away_beforehand_is_without_effect() -> None:
    logits, labels = sample()
    padded = torch.nn.functional.pad(labels.reshape(3, 4), (0, 2), value=-100)
    wide = torch.nn.functional.pad(logits.reshape(3, 4, 5), (0, 0, 0, 2), value=9.0)
    words = padded != -100
    for options in (*ELEMENTWISE, Options(loss="dice", dice_level="set")):
        torch.testing.assert_close(mean_loss(wide[words], padded[words], options), mean_loss(logits, labels, options))


@pytest.mark.parametrize("loss", ["nll", "focal", "dice"])
def test_by_default_every_loss_learns_names_that_are_few_and_hard(loss: Literal["nll", "focal", "dice"]) -> None:
    generator = torch.Generator().manual_seed(0)
    labels = torch.tensor([1] * 20 + [2] * 15 + [3] * 10 + [0] * 555)
    seen = torch.nn.functional.one_hot(labels, 4) + 0.6 * torch.randn(600, 4, generator=generator)
    features = torch.cat([seen, torch.ones(600, 1)], dim=1)
    weights = torch.zeros(5, 9, requires_grad=True)
    optimizer = torch.optim.Adam([weights], lr=0.05)
    for _ in range(150):
        optimizer.zero_grad()
        mean_loss(features @ weights, labels, EncoderTaggerOptions(loss=loss)).backward()
        optimizer.step()
    found = (features @ weights).argmax(dim=1) == labels
    assert found[:45].float().mean() > 0.35 and found[45:].float().mean() > 0.9
