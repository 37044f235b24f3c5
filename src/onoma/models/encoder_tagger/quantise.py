"""The encoder's matrix products in 8 bits, in torch: no data needed, and no answer depends on the batch."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from onoma.exceptions import ConfigError
from onoma.models.encoder_tagger.packed import product_works, with_linears

__all__ = ["LEVELS", "TINY", "Int8Linear", "quantised"]

TINY = 1e-12
LEVELS = 63
"""Weights use 7 of the 8 bits. So a processor without VNNI, which adds products in pairs of 16 bits, cannot overflow,
and as many words keep their tags."""
ZERO = 128
"""Activations are unsigned bytes around this: the form that processors multiply with signed weights."""


class Int8Linear(nn.Module):
    """A linear layer with weights of 8 bits, one scale an output, and activations of 8 bits, one scale a token.

    Scales are the greatest absolute values, by `LEVELS` or 127. Ranges over a whole batch, as usual in dynamic
    quantisation, make an answer depend on what else is in the batch and are coarser; a scale a token costs one more
    pass.
    """

    def __init__(self, linear: nn.Linear) -> None:
        super().__init__()
        weight = linear.weight.detach().float()
        self.scales = weight.abs().amax(dim=1).clamp(min=TINY) / LEVELS
        numbers = torch.round(weight / self.scales[:, None]).to(torch.int8)
        self.packed = torch.ops.onednn.qlinear_prepack(numbers, None)
        self.zeros = torch.zeros(len(weight), dtype=torch.long)
        self.bias = linear.bias

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        """[..., inputs] to [..., outputs], float32."""
        rows = values.reshape(-1, values.shape[-1])
        scale = rows.abs().amax(dim=1, keepdim=True).clamp_(min=TINY).div_(127)
        numbers = (rows / scale).add_(ZERO + 0.5).to(torch.uint8)
        product = torch.ops.onednn.qlinear_pointwise(
            numbers, 1.0, ZERO, self.packed, self.scales, self.zeros, None, 1.0, 0, torch.float32, "none", [], ""
        )
        made = product * scale if self.bias is None else torch.addcmul(self.bias, product, scale)
        return made.reshape(*values.shape[:-1], -1)


def quantised(module: Any) -> Any:
    """A copy of a tagger's module whose encoder multiplies in 8 bits; all other weights are shared, heads stay float.

    Raises `ConfigError` where torch cannot: on other devices than the processor, and in builds without oneDNN.
    """
    if module.device.type != "cpu":
        raise ConfigError(f"int8 runs on the processor, and the model is on {module.device}")
    if not product_works(Int8Linear):
        raise ConfigError("int8: this build of torch has no 8-bit products: use `onoma export MODEL --onnx --int8`")
    return with_linears(module, Int8Linear)
