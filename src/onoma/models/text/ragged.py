"""A cache of keys and values whose rows go on at their own pace. Imports torch: it is imported when models answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

__all__ = ["Ragged"]


class Ragged:
    """What a decoder remembers of some rows, each right-aligned: what is nearest stands at the end in all of them.

    So relative positions hold (T5), and absolute ones where they are given (`positions`). Holes on the left are masked.
    """

    def __init__(self, cache: Any, lengths: Sequence[int]) -> None:
        """`cache` is of `transformers`, with or without a part for what an encoder read; it holds `lengths` of rows."""
        self.cache = cache
        self._own = getattr(cache, "self_attention_cache", cache)
        self._read = getattr(cache, "cross_attention_cache", None)
        self.lengths = list(lengths)

    def positions(self, fed: Sequence[int]) -> torch.Tensor:
        """[rows, widest]: the places of the next pieces, counted from 0; what fills a row up stands at its last one."""
        widest = max(fed)
        return torch.tensor(
            [
                [*range(length, length + size), *[max(0, length + size - 1)] * (widest - size)]
                for length, size in zip(self.lengths, fed, strict=True)
            ]
        )

    def mask(self, fed: Sequence[int]) -> torch.Tensor | None:
        """[rows, remembered + fed]: 1 where something stands; None where it stands everywhere.

        `fed` are the numbers of pieces that are fed next, filled up on the right.
        """
        past = max(self.lengths, default=0)
        width = max(fed)
        if min(self.lengths, default=0) == past and min(fed) == width:
            return None
        left = torch.arange(past) >= past - torch.tensor(self.lengths)[:, None]
        right = torch.arange(width) < torch.tensor(list(fed))[:, None]
        return torch.cat([left, right], dim=1).long()

    def keep(self, rows: Sequence[int], sizes: Sequence[int]) -> None:
        """Go on with these rows (they may repeat), each with so many of the pieces that it was fed last."""
        past = max(self.lengths)
        same = len(rows) == len(self.lengths) and list(rows) == list(range(len(rows)))
        lengths = [self.lengths[row] + size for row, size in zip(rows, sizes, strict=True)]
        if same and min(sizes) == max(sizes) and min(self.lengths) == past:
            self._cut(past + sizes[0])
            self.lengths = lengths
            return
        chosen = torch.tensor(list(rows), dtype=torch.long)
        kept = torch.tensor(list(sizes), dtype=torch.long)
        longest = max(lengths)
        # A row's past and what it was fed lie side by side: what it keeps ends at `past + kept`.
        columns = past + kept[:, None] - longest + torch.arange(longest)
        self._gather(chosen, columns.clamp(min=0))
        if self._read is not None and not same:
            for layer in self._read.layers:
                layer.keys, layer.values = layer.keys[chosen], layer.values[chosen]
        self.lengths = lengths

    def _cut(self, length: int) -> None:
        for layer in self._own.layers:
            layer.keys, layer.values = layer.keys[:, :, :length], layer.values[:, :, :length]

    def _gather(self, rows: torch.Tensor, columns: torch.Tensor) -> None:
        for layer in self._own.layers:
            rows, columns = rows.to(layer.keys.device), columns.to(layer.keys.device)
            for name in ("keys", "values"):
                held = getattr(layer, name).transpose(1, 2)
                setattr(layer, name, held[rows[:, None], columns].transpose(1, 2))
