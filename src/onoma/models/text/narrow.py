"""Scores of some pieces at some places alone. Imports torch: it is imported when a model answers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import accumulate
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

__all__ = ["narrowed", "split"]


@contextmanager
def narrowed(head: Any, where: Sequence[int], asked: Sequence[int], *, whole: bool = False) -> Iterator[None]:
    """Let a head score [1, places, pieces asked for]: places are counted through all rows, each as wide as the widest.

    `whole`: all pieces, for what is done to them all afterwards.
    """
    places = torch.tensor(where, device=head.weight.device)
    pieces = torch.tensor(list(asked), device=head.weight.device)
    before = head.__dict__.get("forward")

    def narrow(states: torch.Tensor) -> torch.Tensor:
        chosen = states.flatten(0, 1)[places][None]
        if whole:
            return nn.functional.linear(chosen, head.weight, head.bias)
        return nn.functional.linear(chosen, head.weight[pieces], None if head.bias is None else head.bias[pieces])

    head.forward = narrow
    try:
        yield
    finally:
        del head.forward
        if before is not None:
            head.forward = before


def split(scores: torch.Tensor, asked: Sequence[int], places: Sequence[Sequence[int]]) -> list[NDArray[np.float64]]:
    """Scores of all places [places, pieces] by row, those of the pieces asked for alone."""
    if scores.shape[-1] != len(asked):
        scores = scores[:, list(asked)]
    whole = scores.double().cpu().numpy()
    ends = list(accumulate(len(each) for each in places))
    return [whole[start:end] for start, end in zip([0, *ends], ends, strict=False)]
