"""Dropout on a CPU without its wait for random numbers.

The library draws one double for every unit, on one thread, which is a fifth of a training step of a small encoder in
bfloat16. Here 16 random bits decide over a unit. Imports torch: it is itself imported when training begins.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch.nn import functional
from torch.overrides import TorchFunctionMode

__all__ = ["FastDropout", "noise"]

STEPS = 1 << 16


def noise(values: torch.Tensor, rate: float) -> torch.Tensor:
    """What dropout multiplies `values` by: 0 with probability `rate` (to the nearest 2^-16), else 1 / (1 - rate).

    The generator is seeded from torch's: seeds and saved random states decide over these numbers too.
    """
    count = values.numel()
    seed = int(torch.randint(2**62, (1,)))
    words = np.random.SFC64(seed).random_raw((count + 3) // 4)
    bits = torch.from_numpy(words.view(np.int16)[:count]).view(values.shape)
    # Written as numbers at once: a boolean mask would have to be read and converted twice.
    kept = torch.ge(bits, round(rate * STEPS) - STEPS // 2, out=torch.empty(values.shape, dtype=values.dtype))
    return kept.mul_(1 / (1 - rate))


class FastDropout(TorchFunctionMode):
    """While it is entered, `dropout` and the attention that drops out take their masks from `noise` on a CPU.

    Such attention is computed in float32, also where the rest is in bfloat16: products this small are faster so.
    Calls that it does not know are left as they are.
    """

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Our answer for the two functions, the library's for all others."""
        given = dict(kwargs or {})
        ours = KNOWN.get(func)
        made = None if ours is None else ours(*args, **given)
        return func(*args, **given) if made is None else made


def _dropout(input: torch.Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> torch.Tensor | None:
    if not training or inplace or not 0 < p < 1 or input.device.type != "cpu":
        return None
    return input * noise(input, p)


def _attention(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attn_mask: torch.Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    **other: Any,
) -> torch.Tensor | None:
    if not 0 < dropout_p < 1 or is_causal or query.device.type != "cpu" or any(other.values()):
        return None
    with torch.autocast("cpu", enabled=False):
        factor = 1 / math.sqrt(query.shape[-1]) if scale is None else scale
        scores = (query.float() * factor) @ key.float().transpose(-2, -1)
        if attn_mask is not None and attn_mask.dtype == torch.bool:
            scores = scores.masked_fill(~attn_mask, torch.finfo(scores.dtype).min)
        elif attn_mask is not None:
            scores = scores + attn_mask
        weights = scores.softmax(dim=-1)
        return ((weights * noise(weights, dropout_p)) @ value.float()).to(query.dtype)


KNOWN: dict[Any, Callable[..., torch.Tensor | None]] = {
    functional.dropout: _dropout,
    functional.scaled_dot_product_attention: _attention,
}
