"""A decoder-only model in the midst of some answers. Imports torch: it is imported when a model answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import DynamicCache

from onoma.exceptions import ConfigError
from onoma.models.batches import padded
from onoma.models.text.narrow import narrowed, split
from onoma.models.text.network import remembers
from onoma.models.text.prefixes import Part, shared
from onoma.models.text.ragged import Ragged

__all__ = ["Speaker"]


class Speaker:
    """See `onoma.generation.greedy.Speaker`: reads the questions, what some have in common once, and goes on."""

    def __init__(self, module: Any, questions: Sequence[Sequence[int]]) -> None:
        """`questions` are pieces, special ones included, at least one each."""
        self.module = module.eval() if module.training else module
        if getattr(module, "_is_stateful", False):
            kind = module.config.model_type
            raise ConfigError(f'what a {kind} has read cannot be taken back: write freely, decoding = "free"')
        self.start: int = module.config.decoder_start_token_id
        self._head = module.get_output_embeddings()
        self._pad: int = module.config.pad_token_id
        self._memory = Ragged(DynamicCache(), [0])
        self.read = 0
        """Pieces that were read of the questions, those in common once."""
        for part in shared(questions):
            self._take(part)

    def _take(self, part: Part) -> None:
        """Read a part of the questions, and go on with rows as it says."""
        sizes = [len(row) for row in part.rows]
        if max(sizes):
            self._pass(part.rows, [0], [self._pad])
            self.read += sum(sizes)
        self._memory.keep(part.then, [sizes[row] for row in part.then])

    def feed(
        self, rows: Sequence[Sequence[int]], places: Sequence[Sequence[int]], asked: Sequence[int]
    ) -> list[NDArray[np.float64]]:
        """One pass; the vocabulary's scores are computed at the places and for the pieces that are asked for, alone."""
        width = max(len(row) for row in rows)
        where = [number * width + place for number, each in enumerate(places) for place in each]
        return split(self._pass(rows, where, asked), asked, places)

    def keep(self, rows: Sequence[int], sizes: Sequence[int]) -> None:
        """Drop what was not kept."""
        self._memory.keep(rows, sizes)

    def _pass(self, rows: Sequence[Sequence[int]], where: Sequence[int], asked: Sequence[int]) -> torch.Tensor:
        """Scores [places, asked] of rows that are filled up on the right."""
        device = self.module.device
        sizes = [len(row) for row in rows]
        mask = self._memory.mask(sizes)
        given: dict[str, Any] = {"input_ids": torch.from_numpy(padded(rows, self._pad)).to(device)}
        given["position_ids"] = self._memory.positions(sizes).to(device)
        if mask is not None:
            given["attention_mask"] = mask.to(device)
        with torch.inference_mode(), narrowed(self._head, where, asked):
            return self.module(**{remembers(self.module): self._memory.cache}, use_cache=True, **given).logits[0]
