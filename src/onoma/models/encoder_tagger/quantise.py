"""The encoder's matrix products in 8 bits, in torch: no answer depends on what else is in the batch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from onoma.exceptions import ConfigError
from onoma.models.processor.fused import fuse, joined
from onoma.models.processor.packed import PackedProducts, product_works, twin, with_linears

__all__ = ["LEVELS", "TINY", "CalibratedProduct", "CalibratedProducts", "Int8Linear", "quantised"]

TINY = 1e-12
LEVELS = 63
"""Weights use 7 of the 8 bits. So a processor without VNNI, which adds products in pairs of 16 bits, cannot overflow,
and as many words keep their tags."""
ZERO = 128
"""Activations are unsigned bytes around this: the form that processors multiply with signed weights."""
LEAST = 0.17
"""GELU gives nothing below minus this."""


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


class CalibratedProduct:
    """A product of bytes whose range was measured beforehand: no pass over the data looks for it.

    Inputs that reach far lend some of their reach to the weights (Xiao et al. 2023, SmoothQuant, equation 4, with
    alpha = 1/2), which have ranges of their own for each output.
    """

    def __init__(self, linear: nn.Linear, reach: torch.Tensor, *, after_gelu: bool = False) -> None:
        """`reach` [inputs] are the greatest absolute values; after GELU bytes are laid over [-0.17, greatest]."""
        weight = linear.weight.detach().float()
        reach = reach.clamp(min=TINY)
        if after_gelu:
            lent = torch.ones_like(reach)
            self.scale = (float(reach.max()) + LEAST) / 255
            self.zero = round(LEAST / self.scale)
        else:
            lent = (reach / weight.abs().amax(dim=0).clamp(min=TINY)).sqrt()
            self.scale = float((reach / lent).max()) / 127
            self.zero = ZERO
        weight = weight * lent
        self.steps = 1 / (self.scale * lent)
        self.middle = torch.tensor(self.zero + 0.5)
        self.scales = weight.abs().amax(dim=1).clamp(min=TINY) / LEVELS
        numbers = torch.round(weight / self.scales[:, None]).to(torch.int8)
        self.weight = torch.ops.onednn.qlinear_prepack(numbers, None)
        self.zeros = torch.zeros(len(weight), dtype=torch.long)
        self.bias = linear.bias.detach().float()

    def bytes(self, values: torch.Tensor) -> torch.Tensor:
        """Rows of the input, each number to the nearest byte; what lies beyond the range is cut to it."""
        return torch.addcmul(self.middle, values, self.steps).clamp_(0, 255).to(torch.uint8)

    def __call__(self, numbers: torch.Tensor) -> torch.Tensor:
        """Float32 output."""
        return torch.ops.onednn.qlinear_pointwise(
            numbers, self.scale, self.zero, self.weight, self.scales, self.zeros, self.bias,
            1.0, 0, torch.float32, "none", [], "",
        )  # fmt: skip

    def gelu(self, numbers: torch.Tensor, after: CalibratedProduct) -> torch.Tensor:
        """The output after GELU, as the bytes that the product `after` this one takes."""
        return torch.ops.onednn.qlinear_pointwise(
            numbers, self.scale, self.zero, self.weight, self.scales, self.zeros, self.bias,
            after.scale, after.zero, torch.uint8, "gelu", [], "none",
        )  # fmt: skip

    def plus(self, numbers: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
        """The output and `other` added to it, float32."""
        return torch.ops.onednn.qlinear_pointwise.binary(
            numbers, self.scale, self.zero, self.weight, self.scales, self.zeros, other, self.bias,
            1.0, 0, torch.float32, 1.0, 0, "add", 1.0, "none", [], "",
        )  # fmt: skip


class CalibratedProducts:
    """The products of a fused layer in 8 bits with ranges that were measured (see `ranges`); the rest is float32."""

    def __init__(self, name: str, layer: Any, ranges: Mapping[str, torch.Tensor]) -> None:
        own = layer.attention.self
        self._attend = CalibratedProduct(joined(own.query, own.key, own.value), ranges[f"{name}.attention.self.query"])
        self._mix = CalibratedProduct(layer.attention.output.dense, ranges[f"{name}.attention.output.dense"])
        self._widen = CalibratedProduct(layer.intermediate.dense, ranges[f"{name}.intermediate.dense"])
        self._narrow = CalibratedProduct(layer.output.dense, ranges[f"{name}.output.dense"], after_gelu=True)

    def attend(self, hidden: torch.Tensor) -> torch.Tensor:
        """See `Products`."""
        return self._attend(self._attend.bytes(hidden))

    def mix(self, values: torch.Tensor, hidden: torch.Tensor) -> torch.Tensor:
        """See `Products`."""
        return self._mix.plus(self._mix.bytes(values), hidden)

    def widen(self, hidden: torch.Tensor) -> torch.Tensor:
        """See `Products`; bytes."""
        return self._widen.gelu(self._widen.bytes(hidden), self._narrow)

    def narrow(self, wide: torch.Tensor, hidden: torch.Tensor) -> torch.Tensor:
        """See `Products`; takes bytes."""
        return self._narrow.plus(wide, hidden)


def quantised(module: Any) -> Any:
    """A copy of a tagger's module whose encoder multiplies in 8 bits; all other weights are shared, heads stay float.

    Layers that can be fused use the ranges that training measured, where there are any; every other product looks for
    the range of each token. Raises `ConfigError` where torch cannot: on other devices than the processor, and in
    builds without oneDNN.
    """
    if module.device.type != "cpu":
        raise ConfigError(f"int8 runs on the processor, and the model is on {module.device}")
    if not product_works(Int8Linear):
        raise ConfigError("int8: this build of torch has no 8-bit products: use `onoma export MODEL --onnx --int8`")
    made = twin(module)
    if module.ranges:
        fuse(
            made.hf.base_model,
            lambda name, layer: CalibratedProducts(name, layer, module.ranges),
            lambda _, layer: PackedProducts(layer, torch.float32),
        )
    with_linears(made.hf.base_model, Int8Linear)
    return made
