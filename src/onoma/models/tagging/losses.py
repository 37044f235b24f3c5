"""Word-level losses on log-probabilities, whichever head they come from: cross-entropy, focal, dice."""

from __future__ import annotations

from typing import Literal, Protocol

import torch
from torch import Tensor

__all__ = ["CostOptions", "set_dice", "total_cost", "total_weight", "word_costs", "word_weights"]


class CostOptions(Protocol):
    """What the losses read. `gamma` is read by focal only, `label_smoothing` by nll and focal, `dice_*` by dice."""

    @property
    def loss(self) -> Literal["nll", "focal", "dice"]: ...
    @property
    def o_weight(self) -> float: ...
    @property
    def loss_by(self) -> Literal["weight", "count"]: ...
    @property
    def gamma(self) -> float: ...
    @property
    def label_smoothing(self) -> float: ...
    @property
    def dice_level(self) -> Literal["element", "set"]: ...
    @property
    def dice_alpha(self) -> float: ...
    @property
    def dice_smooth(self) -> float: ...
    @property
    def dice_squared(self) -> bool: ...


def total_cost(logp: Tensor, labels: Tensor, options: CostOptions, outside: int = 0) -> Tensor:
    """The sum of all words' weighted costs, a scalar; `total_weight` is what to divide it by for the mean loss.

    `logp` [N, T] is a log-softmax or a CRF's log marginals, `labels` [N] gold, both without pads. Set-level dice is no
    sum over words: its loss is multiplied by `total_weight`, and so it does depend on what else is in the batch.
    """
    if options.loss == "dice" and options.dice_level == "set":
        return set_dice(logp, labels, options, outside) * total_weight(labels, options, outside)
    return word_costs(logp, labels, options, outside).sum()


def total_weight(labels: Tensor, options: CostOptions, outside: int = 0) -> Tensor:
    """What the sum of costs is divided by, a float32 scalar: the words' weights or, by count, the number of words."""
    if options.loss_by == "count":
        return torch.tensor(float(labels.numel()), device=labels.device)
    return word_weights(labels, options, outside).sum()


def word_weights(labels: Tensor, options: CostOptions, outside: int = 0) -> Tensor:
    """w(y) of words of any shape, float32: `o_weight` for the tag number `outside`, else 1."""
    return torch.where(labels == outside, options.o_weight, 1.0).to(torch.float32)


def word_costs(logp: Tensor, labels: Tensor, options: CostOptions, outside: int = 0) -> Tensor:
    """The weighted cost of each word, [N]; not for set-level dice.

    - nll: -log p(y).
    - focal: -(1 - p(y))^gamma log p(y) (Lin et al. 2017, equation 5, with the O weight as its alpha).
    - dice: the mean over all tags, each against the rest, of 1 - DSC (Li et al. 2020, section 3). DSC of a word and a
      tag is (2 q y + g) / (q + y + g), where y is 1 for the gold tag, else 0, q = (1 - p)^a p, and (1 - p)^a is a
      constant to the gradient. g must be above 0, or tags that are not gold teach nothing.

    Label smoothing: 1 - epsilon on gold and epsilon / T on every tag, all under the weight of the *gold* tag.
    `torch.nn.functional.cross_entropy` weighs each tag's share by that tag; without weights the two are the same.
    """
    weights = word_weights(labels, options, outside)
    if options.loss == "dice":
        return weights * (1.0 - _ratio(*_dice_terms(logp, labels, options), options)).mean(dim=-1)
    costs = -logp
    if options.loss == "focal":
        costs = costs * _rest(logp, torch.finfo(logp.dtype).tiny) ** options.gamma
    gold = costs.gather(1, labels[:, None]).squeeze(1)
    if options.label_smoothing:
        gold = torch.lerp(gold, costs.mean(dim=-1), options.label_smoothing)
    return weights * gold


def set_dice(logp: Tensor, labels: Tensor, options: CostOptions, outside: int = 0) -> Tensor:
    """Set-level dice, a scalar: 1 - DSC of each tag with (weighted) sums over all words above and below; their mean.

    One ratio over words *and* tags would be of no use after a softmax: its denominator is near 2N whatever is
    predicted, which leaves the mean of p(y) and balances nothing. A tag without gold in the batch has the DSC
    g / (sum of q + g). Li et al. (2020), section 3, in the form of their code.
    """
    weights = word_weights(labels, options, outside)[:, None]
    overlap, size = _dice_terms(logp, labels, options)
    return 1.0 - _ratio((weights * overlap).sum(dim=0), (weights * size).sum(dim=0), options).mean()


def _dice_terms(logp: Tensor, labels: Tensor, options: CostOptions) -> tuple[Tensor, Tensor]:
    """q y and q + y of each word and tag, both [N, T]; q^2 + y^2 where `dice_squared`."""
    # As a factor that is differentiated, (1 - p)^a turns the gradient round at p = 1 / (1 + a), and gold is driven
    # there instead of to 1. At p = 1 it would be 0, and perfect words cost most.
    decay = _rest(logp, torch.finfo(logp.dtype).eps).detach() ** options.dice_alpha
    q = decay * logp.exp()
    y = torch.nn.functional.one_hot(labels, logp.shape[-1]).to(q.dtype)
    return q * y, (q.square() if options.dice_squared else q) + y


def _ratio(overlap: Tensor, size: Tensor, options: CostOptions) -> Tensor:
    return (2.0 * overlap + options.dice_smooth) / (size + options.dice_smooth)


def _rest(logp: Tensor, least: float) -> Tensor:
    """1 - p, kept above 0: rounding may lift a marginal above 1, and powers of 0 have infinite gradients."""
    return -torch.expm1(logp).clamp_max(-least)
