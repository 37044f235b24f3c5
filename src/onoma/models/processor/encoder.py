"""Encoders of BERT's build without the library around their layers: a tenth of the time to read a short sentence."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch.nn import functional
from transformers.modeling_outputs import BaseModelOutput

from onoma.models.pretrained import first_place
from onoma.models.processor.fused import FusedLayer, Norm
from onoma.models.processor.packed import packed_encoder

__all__ = ["FusedEncoder", "Read", "hurried", "reader"]

Read = Callable[[torch.Tensor, torch.Tensor | None], torch.Tensor]
"""Pieces [rows, n] and their mask (1 where a piece stands, None where all do) to states [rows, n, width]."""


class FusedEncoder(nn.Module):
    """Table, places and fused layers of an encoder, for prediction; stands where the encoder stood.

    Places are counted on whatever the pieces are: those that fill a row up are masked.
    """

    def __init__(self, encoder: Any) -> None:
        super().__init__()
        table = encoder.embeddings
        self.table: nn.Embedding = table.word_embeddings
        self._places = table.position_embeddings.weight.detach() + table.token_type_embeddings.weight.detach()[0]
        self._places = self._places[first_place(encoder.config) :]
        self._norm = Norm(table.LayerNorm)
        self.project = getattr(encoder, "embeddings_project", None)
        layers = list(encoder.encoder.layer)
        if not all(type(layer) is FusedLayer for layer in layers):
            raise TypeError("a layer is of another build")
        self.layers = nn.ModuleList(layers)

    def get_input_embeddings(self) -> nn.Embedding:
        """The table of pieces, as the library asks for it."""
        return self.table

    def read(self, pieces: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
        """See `Read`."""
        return self._states(functional.embedding(pieces, self.table.weight), mask)

    def _states(self, embedded: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
        hidden = self._norm(embedded + self._places[: embedded.shape[1]])
        if self.project is not None:
            hidden = self.project(hidden)
        seen = None if mask is None else mask.bool()[:, None, None]
        for layer in self.layers:
            hidden = layer.forward(hidden, seen)
        return hidden

    def forward(
        self,
        input_ids: torch.Tensor | None = None,
        attention_mask: torch.Tensor | None = None,
        inputs_embeds: torch.Tensor | None = None,
        **_: Any,
    ) -> BaseModelOutput:
        """What the library's encoder gives, the last states alone."""
        if inputs_embeds is not None:
            states = self._states(inputs_embeds, attention_mask)
        else:
            assert input_ids is not None
            states = self.read(input_ids, attention_mask)
        return BaseModelOutput(last_hidden_state=states)  # type: ignore[arg-type]


def reader(encoder: Any) -> Read:
    """How an encoder reads: laid out for the processor where that computes the same, else as the library does."""
    made = packed_encoder(encoder)
    fused = None if made is encoder else _fused(made)

    def plainly(pieces: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
        return made(input_ids=pieces, attention_mask=mask).last_hidden_state

    return plainly if fused is None else fused.read


def hurried(model: Any) -> None:
    """Put a fused encoder into a model with a head, whose layers are fused, where it reads the same."""
    fused = _fused(model.base_model)
    if fused is not None:
        setattr(model, model.base_model_prefix, fused)


def _fused(encoder: Any) -> FusedEncoder | None:
    """A fused encoder that reads the same; None where there is none."""
    try:
        with torch.inference_mode():
            fused = FusedEncoder(encoder)
            return fused if _same(fused, encoder) else None
    except (AttributeError, LookupError, TypeError, ValueError, RuntimeError):
        return None


def _same(made: FusedEncoder, encoder: Any) -> bool:
    """Whether both read alike some pieces that are drawn once for all, with a mask and without."""
    drawn = torch.randint(encoder.config.vocab_size, (2, 5), generator=torch.Generator().manual_seed(1))
    pad = getattr(encoder.config, "pad_token_id", None)
    if pad is not None:
        drawn[drawn == pad] = pad + 1  # some count it at no place
    mask = torch.tensor([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0]])
    seen = mask.bool()
    for given in (None, mask):
        ours = made(input_ids=drawn, attention_mask=given).last_hidden_state
        theirs = encoder(input_ids=drawn, attention_mask=given).last_hidden_state
        assert ours is not None
        chosen = seen if given is not None else torch.ones_like(seen)
        if not torch.allclose(ours[chosen], theirs[chosen], atol=1e-3, rtol=1e-3):
            return False
    return True
