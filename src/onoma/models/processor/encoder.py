"""Encoders of BERT's build without the library around their layers: a tenth of the time to read a short sentence."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch.nn import functional

from onoma.models.processor.fused import FusedLayer, Norm
from onoma.models.processor.packed import packed_encoder

__all__ = ["FusedEncoder", "Read", "reader"]

Read = Callable[[torch.Tensor, torch.Tensor | None], torch.Tensor]
"""Pieces [rows, n] and their mask (1 where a piece stands, None where all do) to states [rows, n, width]."""


class FusedEncoder:
    """Table, places and fused layers of an encoder whose places are counted from 0; for prediction in 32 bits."""

    def __init__(self, encoder: Any) -> None:
        table = encoder.embeddings
        self._words: torch.Tensor = table.word_embeddings.weight.detach()
        self._places = table.position_embeddings.weight.detach() + table.token_type_embeddings.weight.detach()[0]
        self._norm = Norm(table.LayerNorm)
        layers = list(encoder.encoder.layer)
        if not all(type(layer) is FusedLayer for layer in layers):
            raise TypeError("a layer is of another build")
        self._layers: list[FusedLayer] = layers

    def __call__(self, pieces: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
        """See `Read`."""
        hidden = self._norm(functional.embedding(pieces, self._words) + self._places[: pieces.shape[1]])
        seen = None if mask is None else mask.bool()[:, None, None]
        for layer in self._layers:
            hidden = layer.forward(hidden, seen)
        return hidden


def reader(encoder: Any) -> Read:
    """How an encoder reads: laid out for the processor where that computes the same, else as the library does."""
    made = packed_encoder(encoder)

    def plainly(pieces: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
        return made(input_ids=pieces, attention_mask=mask).last_hidden_state

    if made is encoder:
        return plainly
    try:
        with torch.inference_mode():
            fused = FusedEncoder(made)
            return fused if _same(fused, plainly, encoder.config.vocab_size) else plainly
    except (AttributeError, LookupError, TypeError, ValueError, RuntimeError):
        return plainly


def _same(made: Read, other: Read, pieces: int) -> bool:
    """Whether both read alike some pieces that are drawn once for all, with a mask and without."""
    drawn = torch.randint(pieces, (2, 5), generator=torch.Generator().manual_seed(1))
    mask = torch.tensor([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0]])
    seen = mask.bool()
    whole = torch.allclose(made(drawn, None), other(drawn, None), atol=1e-3, rtol=1e-3)
    return whole and torch.allclose(made(drawn, mask)[seen], other(drawn, mask)[seen], atol=1e-3, rtol=1e-3)
