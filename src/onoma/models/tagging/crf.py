"""The linear-chain CRF as a torch layer, legality hard-masked, vectorised over the chains of a batch."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

__all__ = ["IMPOSSIBLE", "LinearChainCrf"]

IMPOSSIBLE = -110.0
"""The log marginal of a tag that no legal chain can carry; its exponential is exactly 0 in float32."""

# Stands for -inf inside log-sum-exp. Far below any score, so that exp(LOW - anything) and its gradient are exactly 0;
# finite, so that LOW - LOW is no NaN where a tag cannot be reached at all.
LOW = -1e30


class LinearChainCrf(nn.Module):
    """Linear-chain CRF over the words of a sentence: score(y|x) = start + sum of emissions and transitions + end.

    `start [T]`, `transition [T, T]` (from, to) and `end [T]` are 0 where legal and -inf where illegal, as arrays or
    tensors; the parameters of the same names and shapes begin at 0. What is illegal has probability 0 and its
    parameters never get a gradient. There must be a legal chain of every length (tag O is one).

    In all methods `emissions` is [B, L, T], `tags` [B, L] and `mask` [B, L], True at words; chains begin at column 0,
    have a word at least and are padded at the end, where emissions and tags may hold anything. All is computed in
    float32 (float64 for a module in float64), under autocast, too.

    **Gold that is illegal** (an `I-` at a sentence start) has no probability. An illegal step of gold counts as a score
    of 0 without gradient; `log_probabilities` admits just that step, at that place of that chain, so that its terms
    stay finite and never above 0. `score` minus `log_partition` is finite for such gold, but is no log-probability.

    Raises `ValueError` when the shapes of the legality do not agree.
    Lafferty, McCallum & Pereira (2001); hard masks: a learnt transition score alone never rules anything out.
    """

    illegal_start: Tensor
    illegal_transition: Tensor
    illegal_end: Tensor

    def __init__(self, start: Any, transition: Any, end: Any) -> None:
        super().__init__()
        illegal = [torch.isneginf(torch.as_tensor(legality)) for legality in (start, transition, end)]
        tags = illegal[0].numel()
        if [tuple(part.shape) for part in illegal] != [(tags,), (tags, tags), (tags,)]:
            raise ValueError(f"legality must be [T], [T, T], [T], not {[list(part.shape) for part in illegal]}")
        # Not saved: the tag set says what is legal, and a folder must not be able to contradict it.
        for name, part in zip(("illegal_start", "illegal_transition", "illegal_end"), illegal, strict=True):
            self.register_buffer(name, part, persistent=False)
        self.start = nn.Parameter(torch.zeros(tags))
        self.transition = nn.Parameter(torch.zeros(tags, tags))
        self.end = nn.Parameter(torch.zeros(tags))

    def log_partition(self, emissions: Tensor, mask: Tensor) -> Tensor:
        """log Z of each chain, [B], over its legal tag sequences."""
        emissions = self._clean(emissions, mask)
        start, transition, end = self._scores(LOW)
        first = _backward(emissions, mask, transition, end.expand_as(emissions[:, 0]))[0]
        return torch.logsumexp(start + emissions[:, 0] + first, dim=-1)

    def score(self, emissions: Tensor, tags: Tensor, mask: Tensor) -> Tensor:
        """The score of each chain's tags, [B]; an illegal step adds 0."""
        emissions, tags = self._clean(emissions, mask), tags.masked_fill(~mask, 0)
        start, transition, end = self._scores(0.0)
        words = _pick(emissions, tags).sum(dim=1)
        steps = transition[tags[:, :-1], tags[:, 1:]].masked_fill(~mask[:, 1:], 0.0).sum(dim=1)
        return start[tags[:, 0]] + words + steps + end[_last(tags, mask)]

    def log_probabilities(self, emissions: Tensor, tags: Tensor, mask: Tensor) -> Tensor:
        """The terms log p(y_i | y_<i, x) of the chain rule, [B, L], 0 at pads; they sum to `score` - `log_partition`.

        So costs can be weighted word by word, -sum w(y_i) log p(y_i | y_<i, x), which is the exact negative
        log-likelihood when all weights are 1. From backward messages b: p(y_i | y_<i, x) is proportional to
        exp(A[y_{i-1}, y_i] + E[i, y_i] + b_i(y_i)), and its normaliser is exp(b_{i-1}(y_{i-1})).
        """
        # A constant added to a word's emissions cancels; with log-softmax the messages stay small, and so exact.
        emissions = torch.log_softmax(self._clean(emissions, mask), dim=-1)
        tags = tags.masked_fill(~mask, 0)
        start, transition, end = self._scores(LOW)
        gold_start, gold_transition, _ = self._scores(0.0)

        count, last = len(self.start), _last(tags, mask)
        start = start.expand_as(emissions[:, 0]).masked_fill(self.illegal_start & _one_hot(tags[:, 0], count), 0.0)
        end = end.expand_as(emissions[:, 0]).masked_fill(self.illegal_end & _one_hot(last, count), 0.0)
        admitted = self.illegal_transition[tags[:, :-1], tags[:, 1:]] & mask[:, 1:]
        messages = _backward(emissions, mask, transition, end, (tags, admitted) if bool(admitted.any()) else None)
        partition = torch.logsumexp(start + emissions[:, 0] + messages[0], dim=-1)

        ahead = _pick(torch.stack(messages, dim=1), tags)
        reached = torch.cat([gold_start[tags[:, :1]], gold_transition[tags[:, :-1], tags[:, 1:]]], dim=1)
        normaliser = torch.cat([partition[:, None], ahead[:, :-1]], dim=1)
        return (reached + _pick(emissions, tags) + ahead - normaliser).masked_fill(~mask, 0.0)

    def log_marginals(self, emissions: Tensor, mask: Tensor) -> Tensor:
        """log p(y_i = t | x) by forward-backward, [B, L, T], 0 at pads; differentiable.

        A tag that no legal chain can have at a word gets `IMPOSSIBLE`, a constant without gradient.
        """
        emissions = torch.log_softmax(self._clean(emissions, mask), dim=-1)
        start, transition, end = self._scores(LOW)
        backward = _backward(emissions, mask, transition, end.expand_as(emissions[:, 0]))
        words = emissions.unbind(1)
        forward = [start + words[0]]
        for word in words[1:]:
            # Nothing flows back from pads, so running on over them needs no mask.
            forward.append(word + torch.logsumexp(forward[-1][:, :, None] + transition, dim=1))
        joint = torch.stack(forward, dim=1) + torch.stack(backward, dim=1)
        marginals = torch.log_softmax(joint, dim=-1).masked_fill(joint < LOW / 2, IMPOSSIBLE)
        return marginals.masked_fill(~mask[:, :, None], 0.0)

    def scores(self) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Start [T], transition [T, T] (from, to) and end [T] for a decoder: float64, -inf where illegal."""
        start, transition, end = (part.detach().cpu().double().numpy() for part in self._scores(float("-inf")))
        return start, transition, end

    def _scores(self, illegal: float) -> tuple[Tensor, Tensor, Tensor]:
        dtype = torch.promote_types(self.transition.dtype, torch.float32)
        return (
            self.start.to(dtype).masked_fill(self.illegal_start, illegal),
            self.transition.to(dtype).masked_fill(self.illegal_transition, illegal),
            self.end.to(dtype).masked_fill(self.illegal_end, illegal),
        )

    def _clean(self, emissions: Tensor, mask: Tensor) -> Tensor:
        dtype = torch.promote_types(self.transition.dtype, torch.float32)
        return emissions.to(dtype).masked_fill(~mask[:, :, None], 0.0)


def _backward(
    emissions: Tensor, mask: Tensor, transition: Tensor, end: Tensor, admitted: tuple[Tensor, Tensor] | None = None
) -> list[Tensor]:
    """Backward messages of each word, [B, T] each: log of the mass of all that may follow a tag at that word.

    `end` is [B, T]. `admitted` is gold [B, L] and its steps to be admitted though illegal, [B, L - 1].
    """
    # Unbound once: the gradient of a slice taken at each step would be a whole [B, L, T], L times over.
    words, inside = emissions.unbind(1), mask.unbind(1)
    messages = [end]
    for place in range(len(words) - 1, 0, -1):
        onward = words[place] + messages[-1]
        message = torch.logsumexp(transition + onward[:, None, :], dim=-1)
        if admitted is not None:
            gold, steps = admitted
            source = _one_hot(gold[:, place - 1], len(transition)) & steps[:, place - 1, None]
            target = onward.gather(1, gold[:, place, None])
            message = torch.logaddexp(message, target.expand_as(message).masked_fill(~source, LOW))
        messages.append(torch.where(inside[place][:, None], message, end))
    return messages[::-1]


def _pick(values: Tensor, tags: Tensor) -> Tensor:
    """[B, L, T] at tags [B, L]."""
    return values.gather(2, tags[:, :, None]).squeeze(2)


def _last(tags: Tensor, mask: Tensor) -> Tensor:
    """The tag of each chain's last word, [B]."""
    return tags.gather(1, mask.sum(dim=1, keepdim=True) - 1).squeeze(1)


def _one_hot(tags: Tensor, count: int) -> Tensor:
    """Tags [B] as [B, T], True at the tag."""
    return tags[:, None] == torch.arange(count, device=tags.device)
