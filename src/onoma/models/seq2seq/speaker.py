"""An encoder-decoder in the midst of some answers. Imports torch: it is imported when a model answers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from inspect import signature
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from transformers import DynamicCache, EncoderDecoderCache
from transformers.modeling_outputs import BaseModelOutput

from onoma.exceptions import ConfigError
from onoma.models.batches import padded
from onoma.models.pretrained import first_place
from onoma.models.processor.decoding import FusedDecoder
from onoma.models.processor.encoder import Read
from onoma.models.seq2seq.network import decoder_of
from onoma.models.text.narrow import narrowed, split
from onoma.models.text.network import remembers
from onoma.models.text.ragged import Ragged

__all__ = ["Speaker"]


class Speaker:
    """See `onoma.generation.greedy.Speaker`: reads the questions once, feeds the decoder piece by piece."""

    def __init__(
        self, module: Any, questions: dict[str, Any], read: Read | None = None, decoder: FusedDecoder | None = None
    ) -> None:
        """`questions` are padded pieces and their mask; `read` and `decoder` do the work, else the module itself."""
        self.module = module.eval() if module.training else module
        self.start: int = module.config.decoder_start_token_id
        self._decoder = decoder
        self._head = decoder_of(module).get_output_embeddings()
        given = questions["attention_mask"]
        # Where there is nothing to hide, attention is faster without a mask.
        self._mask = None if bool(given.all()) else given.to(module.device)
        with torch.inference_mode():
            pieces = questions["input_ids"].to(module.device)
            if read is not None:
                self._read = read(pieces, self._mask)
            else:
                self._read = module.get_encoder()(input_ids=pieces, attention_mask=self._mask).last_hidden_state
        self._given = module.config.model_type == "encoder-decoder" or _takes_places(type(module))
        self._tables = [] if self._given else _tables(module)
        if not (self._given or self._tables or hasattr(module.config, "relative_attention_num_buckets")):
            kind = module.config.model_type
            raise ConfigError(f'a {kind} counts the places of its answers itself: write freely, decoding = "free"')
        self._memory = Ragged(EncoderDecoderCache(DynamicCache(), DynamicCache()), [0] * len(given))

    def feed(
        self, rows: Sequence[Sequence[int]], places: Sequence[Sequence[int]], asked: Sequence[int]
    ) -> list[NDArray[np.float64]]:
        """One pass; the vocabulary's scores are computed at the places and for the pieces that are asked for, alone."""
        device = self._read.device
        sizes = [len(row) for row in rows]
        width = max(sizes)
        mask = self._memory.mask(sizes)
        if self._decoder is not None:
            pieces = torch.from_numpy(padded(rows, self.start))
            positions = self._memory.positions(sizes) + self._behind
            with torch.inference_mode():
                scores = self._decoder(
                    pieces, positions, mask, self._memory.cache, self._read, self._mask, places, asked
                )
            return split(scores, asked, places)
        where = [number * width + place for number, each in enumerate(places) for place in each]
        whole = hasattr(self.module, "final_logits_bias")  # it is added to all of them
        given: dict[str, Any] = {"decoder_input_ids": torch.from_numpy(padded(rows, self.start)).to(device)}
        if mask is not None:
            given["decoder_attention_mask"] = mask.to(device)
        with torch.inference_mode(), self._placed(given, sizes), narrowed(self._head, where, asked, whole=whole):
            scores = self.module(
                attention_mask=self._mask,
                encoder_outputs=BaseModelOutput(last_hidden_state=self._read),
                **{remembers(self.module): self._memory.cache},
                use_cache=True,
                **given,
            ).logits[0]
        return split(scores, asked, places)

    def keep(self, rows: Sequence[int], sizes: Sequence[int]) -> None:
        """Drop what was not kept."""
        self._memory.keep(rows, sizes)
        if list(rows) != list(range(len(self._read))):
            chosen = torch.tensor(list(rows), device=self._read.device)
            self._read = self._read[chosen]
            self._mask = None if self._mask is None else self._mask[chosen]

    @property
    def _behind(self) -> int:
        """What the first place is called by a decoder that counts places by itself."""
        return first_place(self.module.config.decoder)

    @contextmanager
    def _placed(self, given: dict[str, Any], sizes: Sequence[int]) -> Iterator[None]:
        """Give absolute positions where the architecture has them: rows differ in how far they are."""
        positions = self._memory.positions(sizes).to(self._read.device)
        if self._given:
            first = self._behind if self.module.config.model_type == "encoder-decoder" else 0
            yield given.update(decoder_position_ids=positions + first)
            return

        def placed(table: Any, *_: Any) -> torch.Tensor:
            if isinstance(table, nn.Embedding):
                return nn.functional.embedding(positions + getattr(table, "offset", 0), table.weight)
            return table.weights[positions + table.padding_idx + 1]

        hooks = [part.register_forward_hook(placed) for part in self._tables]
        try:
            yield
        finally:
            for hook in hooks:
                hook.remove()


def _tables(module: Any) -> list[Any]:
    """What gives the places of an answer their vectors, learnt or computed."""
    named = module.get_decoder().named_modules()
    return [part for name, part in named if name.endswith("embed_positions") and _is_table(part)]


def _is_table(part: Any) -> bool:
    return isinstance(part, nn.Embedding) or (hasattr(part, "weights") and hasattr(part, "padding_idx"))


@cache
def _takes_places(kind: type[Any]) -> bool:
    return "decoder_position_ids" in signature(kind.forward).parameters
