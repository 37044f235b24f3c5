"""How far the inputs of an encoder's matrix products reach: what 8 bits are laid over."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import nn

__all__ = ["PIECES", "measure"]

PIECES = 8192
"""Pieces of text that are enough."""


def measure(module: Any, batches: Iterable[Mapping[str, torch.Tensor]]) -> dict[str, torch.Tensor]:
    """The greatest absolute value of each input [inputs] of the linear layers in a tagger's encoder, by their names.

    `batches` hold arguments of the module. It is left as it was.
    """
    found: dict[str, torch.Tensor] = {}

    def look(name: str) -> Any:
        def hook(_: Any, arguments: tuple[torch.Tensor, ...]) -> None:
            reach = arguments[0].detach().float().abs().flatten(0, -2).amax(dim=0).cpu()
            found[name] = torch.maximum(found[name], reach) if name in found else reach

        return hook

    training = module.training
    hooks = [
        part.register_forward_pre_hook(look(name))
        for name, part in module.hf.base_model.named_modules()
        if type(part) is nn.Linear
    ]
    try:
        module.eval()
        with torch.inference_mode():
            for batch in batches:
                module(**{name: value.to(module.device) for name, value in batch.items()})
    finally:
        module.train(training)
        for hook in hooks:
            hook.remove()
    return {name: reach.clone() for name, reach in found.items()}
