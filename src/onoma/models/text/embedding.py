"""Texts as unit vectors, by a pre-trained encoder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from onoma import progress
from onoma.exceptions import ModelError
from onoma.models.batches import by_length
from onoma.models.pretrained import LOADING, first_line, positions, quietly, require_torch, resolve
from onoma.unicode import well_formed

__all__ = ["Embedder"]

PIECES = 256
"""Of a text so many pieces are read; what is compared are sentences."""
BATCH = 8192
"""Padded pieces in a batch."""


class Embedder:
    """Means of an encoder's last states, of length 1 (Reimers and Gurevych 2019, section 3)."""

    def __init__(self, place: str | None = None) -> None:
        """From a folder or a hub id, by default MiniLM-L6; raises `ModelError`."""
        require_torch("finding demonstrations by embedding")
        import torch
        from transformers import AutoModel, AutoTokenizer

        place = resolve(place)
        local = {"local_files_only": Path(place).is_dir(), "trust_remote_code": False}
        try:
            self.tokenizer: Any = AutoTokenizer.from_pretrained(place, **local)
            self.module: Any = quietly(AutoModel.from_pretrained, place, dtype=torch.float32, **local).eval()
        except LOADING as problem:
            raise ModelError(f"the encoder {place!r} cannot be loaded: {first_line(problem)}") from problem
        if self.module.config.is_encoder_decoder:
            self.module = self.module.get_encoder()
        self._most = min(PIECES, positions(self.tokenizer, self.module.config))

    def __call__(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """[texts, width]; a text without pieces is all zeros."""
        import torch

        if not texts:
            return np.zeros((0, self.module.config.hidden_size), dtype=np.float32)
        pieces = self.tokenizer([well_formed(text) for text in texts], truncation=True, max_length=self._most)[
            "input_ids"
        ]
        made = np.zeros((len(texts), self.module.config.hidden_size), dtype=np.float32)
        with progress.bar("embedding", len(texts)) as bar, torch.inference_mode():
            for batch in by_length([len(each) for each in pieces], BATCH):
                rows = self.tokenizer.pad({"input_ids": [pieces[number] for number in batch]}, return_tensors="pt")
                states = self.module(**rows).last_hidden_state
                mask = rows["attention_mask"][:, :, None]
                means = (states * mask).sum(1) / mask.sum(1).clamp(min=1)
                made[batch] = torch.nn.functional.normalize(means).numpy()
                bar.add(len(batch))
        return made

    def save(self, folder: Path) -> None:
        """Write encoder and tokenizer into a folder from which they can be loaded."""
        quietly(self.module.save_pretrained, folder)
        quietly(self.tokenizer.save_pretrained, folder)
