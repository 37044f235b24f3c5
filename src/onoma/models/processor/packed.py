"""The encoder's matrix products with weights laid out once for the processor, in 32 or 16 bits."""

from __future__ import annotations

import copy
from collections.abc import Callable
from functools import cache
from typing import Any

import torch
from torch import nn

from onoma.models.processor.fused import fuse, joined

__all__ = ["PackedLinear", "PackedProducts", "packed", "packed_encoder", "product_works", "twin", "with_linears"]

ROWS = 1024
"""Pieces in a batch, about: the layout is chosen for so many."""


class PackedLinear(nn.Module):
    """A linear layer for prediction: the same product, its weights in oneDNN's own layout.

    `nn.Linear` lays them out anew in each call, which costs a sixth of the time at the batch sizes of a processor.
    """

    def __init__(self, linear: nn.Linear, dtype: torch.dtype) -> None:
        super().__init__()
        self.dtype = dtype
        self.weight = torch.ops.mkldnn._reorder_linear_weight(linear.weight.detach().to(dtype), ROWS)
        self.bias = None if linear.bias is None else linear.bias.detach().to(dtype)

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        """[..., inputs] to [..., outputs], both of the layer's own type."""
        return torch.ops.mkldnn._linear_pointwise(self._own(values), self.weight, self.bias, "none", [], "")

    def gelu(self, values: torch.Tensor) -> torch.Tensor:
        """The product after GELU."""
        return torch.ops.mkldnn._linear_pointwise(self._own(values), self.weight, self.bias, "gelu", [], "none")

    def plus(self, values: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
        """The product and `other` [..., outputs] added to it."""
        return torch.ops.mkldnn._linear_pointwise.binary(
            self._own(values), self._own(other), self.weight, self.bias, "add"
        )

    def _own(self, values: torch.Tensor) -> torch.Tensor:
        return values if values.dtype is self.dtype else values.to(self.dtype)


class PackedProducts:
    """The products of a fused layer in 32 or 16 bits."""

    def __init__(self, layer: Any, dtype: torch.dtype) -> None:
        own = layer.attention.self
        self._attend = PackedLinear(joined(own.query, own.key, own.value), dtype)
        self._mix = PackedLinear(layer.attention.output.dense, dtype)
        self._widen = PackedLinear(layer.intermediate.dense, dtype)
        self._narrow = PackedLinear(layer.output.dense, dtype)

    def attend(self, hidden: torch.Tensor) -> torch.Tensor:
        """See `Products`."""
        return self._attend(hidden)

    def mix(self, values: torch.Tensor, hidden: torch.Tensor) -> torch.Tensor:
        """See `Products`."""
        return self._mix.plus(values, hidden)

    def widen(self, hidden: torch.Tensor) -> torch.Tensor:
        """See `Products`."""
        return self._widen.gelu(hidden)

    def narrow(self, wide: torch.Tensor, hidden: torch.Tensor) -> torch.Tensor:
        """See `Products`."""
        return self._narrow.plus(wide, hidden)


def packed(module: Any, dtype: torch.dtype) -> Any:
    """A copy of a tagger's module for prediction; the module itself where the processor or this torch cannot."""
    if module.device.type != "cpu" or not _works(dtype):
        return module
    made = twin(module)
    _pack(made.hf.base_model, dtype)
    return made


def packed_encoder(encoder: Any) -> Any:
    """A copy of an encoder for prediction in 32 bits, weights shared but laid out anew; itself where that cannot be."""
    if encoder.device.type != "cpu" or not _works(torch.float32):
        return encoder
    if any(each.dtype != torch.float32 for each in encoder.parameters()):
        return encoder
    made = twin(encoder)
    if getattr(made, "pooler", None) is not None:
        made.pooler = None  # nobody looks at what it makes of the first piece
    _pack(made, torch.float32)
    return made


def _pack(encoder: Any, dtype: torch.dtype) -> None:
    fuse(
        encoder,
        lambda _, layer: PackedProducts(layer, dtype),
        lambda _, layer: PackedProducts(layer, torch.float32),
    )
    with_linears(encoder, lambda linear: PackedLinear(linear, dtype))


def twin(module: Any) -> Any:
    """A tagger's module for prediction whose parts may be exchanged; all weights are shared."""
    return copy.deepcopy(module, {id(value): value for value in (*module.parameters(), *module.buffers())}).eval()


def with_linears(encoder: Any, make: Callable[[nn.Linear], nn.Module]) -> None:
    """Put other linear layers into an encoder."""
    for parent in list(encoder.modules()):
        for name, child in list(parent.named_children()):
            if type(child) is nn.Linear:
                setattr(parent, name, make(child))


@cache
def _works(dtype: torch.dtype) -> bool:
    return product_works(lambda linear: PackedLinear(linear, dtype))


def product_works(make: Callable[[nn.Linear], nn.Module]) -> bool:
    """Whether a small product comes out right: what is missing shows in different ways on different systems."""
    linear: Any = nn.utils.skip_init(nn.Linear, 4, 2)  # draws no random numbers
    nn.init.eye_(linear.weight)
    nn.init.zeros_(linear.bias)
    values = torch.eye(4)
    try:
        return torch.allclose(make(linear)(values).float(), linear(values), atol=0.05)
    except (AttributeError, RuntimeError, NotImplementedError):
        return False
