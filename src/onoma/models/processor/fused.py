"""Layers of BERT's build in four products and few passes: what prediction on a processor has to wait for."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Protocol

import torch
from torch import nn
from torch.nn import functional

__all__ = ["FusedLayer", "Norm", "Products", "fuse", "joined"]


class Products(Protocol):
    """The matrix products of a layer; rows are pieces. What joins a product costs no pass of its own."""

    def attend(self, hidden: torch.Tensor) -> torch.Tensor:
        """[n, width] to queries, keys and values [n, 3 * width]."""
        ...

    def mix(self, values: torch.Tensor, hidden: torch.Tensor) -> torch.Tensor:
        """The attended values' output, and `hidden` added to it."""
        ...

    def widen(self, hidden: torch.Tensor) -> torch.Tensor:
        """The feed-forward network's inner layer after its GELU, in the form that `narrow` takes."""
        ...

    def narrow(self, wide: torch.Tensor, hidden: torch.Tensor) -> torch.Tensor:
        """The network's output, and `hidden` added to it."""
        ...


class Norm:
    """Layer normalisation without the module around it."""

    def __init__(self, norm: nn.LayerNorm) -> None:
        self.given = norm.normalized_shape, norm.weight.detach(), norm.bias.detach(), norm.eps

    def __call__(self, values: torch.Tensor) -> torch.Tensor:
        """Of the last dimension."""
        return torch.layer_norm(values, *self.given)


class FusedLayer(nn.Module):
    """A layer that normalises after it adds (Vaswani et al. 2017), as in BERT, RoBERTa, XLM-R, ELECTRA and MiniLM.

    Stands where the layer it was made from stood; for prediction only.
    """

    def __init__(self, layer: Any, products: Products) -> None:
        super().__init__()
        self.heads: int = layer.attention.self.num_attention_heads
        self.products = products
        self.inner = Norm(layer.attention.output.LayerNorm)
        self.outer = Norm(layer.output.LayerNorm)

    def forward(self, hidden_states: torch.Tensor, attention_mask: torch.Tensor | None = None, *_: Any, **__: Any):
        """[windows, pieces, width] to the same; the mask is true, or 0, where a piece may be seen."""
        kind = hidden_states.device.type
        if torch.is_autocast_enabled(kind):
            with torch.autocast(kind, enabled=False):  # the products know their own types
                return self._computed(hidden_states, attention_mask)
        return self._computed(hidden_states, attention_mask)

    def _computed(self, hidden_states: torch.Tensor, attention_mask: torch.Tensor | None) -> torch.Tensor:
        windows, pieces, width = hidden_states.shape
        hidden = hidden_states.reshape(-1, width)
        parts = self.products.attend(hidden).view(windows, pieces, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        query, key, value = parts.unbind(0)
        if attention_mask is not None and attention_mask.dtype != torch.bool:
            attention_mask = attention_mask.to(query.dtype)
        seen = functional.scaled_dot_product_attention(query, key, value, attention_mask)
        seen = seen.transpose(1, 2).reshape(windows * pieces, -1)
        hidden = self.inner(self.products.mix(seen, hidden))
        hidden = self.outer(self.products.narrow(self.products.widen(hidden), hidden))
        return hidden.view(windows, pieces, width)


def fuse(module: Any, make: Callable[[str, Any], Products], exact: Callable[[str, Any], Products]) -> None:
    """Put fused layers, with the products `make` gives for a layer's name and the layer, into an encoder in place.

    A layer is left alone unless it computes, with `exact` products in 32 bits, what the fused one does, and where this
    build of torch lacks one of the products.
    """
    for parent_name, parent in list(module.named_modules()):
        for name, layer in list(parent.named_children()):
            full = f"{parent_name}.{name}" if parent_name else name
            if _looks_alike(layer) and _tried(layer, full, exact, 1e-3) is not None:
                made = _tried(layer, full, make, math.inf)
                setattr(parent, name, layer if made is None else made)


def joined(*linears: nn.Linear) -> nn.Linear:
    """One layer whose outputs are those of all of them, in their order."""
    inputs, outputs = linears[0].in_features, sum(each.out_features for each in linears)
    made: Any = nn.utils.skip_init(nn.Linear, inputs, outputs)  # draws no random numbers
    made.weight = nn.Parameter(torch.cat([each.weight.detach() for each in linears]), requires_grad=False)
    made.bias = nn.Parameter(torch.cat([each.bias.detach() for each in linears]), requires_grad=False)
    return made


def _looks_alike(layer: Any) -> bool:
    try:
        attention = layer.attention
        linears = (
            attention.self.query, attention.self.key, attention.self.value, attention.output.dense,
            layer.intermediate.dense, layer.output.dense,
        )  # fmt: skip
        norms = (attention.output.LayerNorm, layer.output.LayerNorm)
        heads = attention.self.num_attention_heads
    except AttributeError:
        return False
    return (
        all(type(each) is nn.Linear and each.bias is not None for each in linears)
        and all(type(each) is nn.LayerNorm for each in norms)
        and isinstance(heads, int)
        and len({each.out_features for each in linears[:3]}) == 1
    )


def _tried(layer: Any, name: str, make: Callable[[str, Any], Products], near: float) -> FusedLayer | None:
    """A fused layer that gives numbers, and nearly the layer's own, for some that are drawn once for all."""
    generator = torch.Generator().manual_seed(1)
    values = torch.randn(2, 7, layer.output.LayerNorm.normalized_shape[0], generator=generator)
    hidden = torch.zeros(2, 1, 7, 7)
    hidden[1, :, :, 4:] = torch.finfo(torch.float32).min
    try:
        with torch.inference_mode():
            made = FusedLayer(layer, make(name, layer))
            theirs, ours = layer(values, hidden), made(values, hidden)
    except (AttributeError, LookupError, TypeError, ValueError, RuntimeError):
        return None
    same = isinstance(theirs, torch.Tensor) and torch.allclose(theirs, ours.float(), atol=near, rtol=1e-3)
    return made if same else None
