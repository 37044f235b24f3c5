"""Decoders of BERT's build with few and large products: what writing on a processor has to wait for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, Self

import torch
from torch import nn
from torch.nn import functional
from transformers import DynamicCache, EncoderDecoderCache

from onoma.models.processor.fused import Norm, joined
from onoma.models.processor.packed import PackedLinear, product_works

__all__ = ["FusedDecoder", "fused_decoder"]

FEW = 10
"""Pieces below which the plain product is faster than the one in oneDNN's layout."""


class _Product:
    """A linear layer in both layouts: inputs by outputs for few pieces, oneDNN's for many."""

    def __init__(self, *linears: nn.Linear) -> None:
        linear = linears[0] if len(linears) == 1 else joined(*linears)
        self.weight, self.bias = linear.weight.detach().t().contiguous(), linear.bias.detach()
        self.packed = PackedLinear(linear, torch.float32)

    def __call__(self, values: torch.Tensor, few: bool) -> torch.Tensor:
        if few:
            return torch.addmm(self.bias, values, self.weight)
        return self.packed.forward(values)

    def gelu(self, values: torch.Tensor, few: bool) -> torch.Tensor:
        if few:
            return functional.gelu(torch.addmm(self.bias, values, self.weight))
        return self.packed.gelu(values)

    def plus(self, values: torch.Tensor, other: torch.Tensor, few: bool) -> torch.Tensor:
        if few:
            return torch.addmm(self.bias, values, self.weight).add_(other)
        return self.packed.plus(values, other)


class _Layer:
    """The products of a layer: its own attention, that to what was read, and the feed-forward network."""

    def __init__(self, layer: Any) -> None:
        own, cross = layer.attention.self, layer.crossattention.self
        self.heads: int = own.num_attention_heads
        self.attend = _Product(own.query, own.key, own.value)
        self.mix, self.mixed = _Product(layer.attention.output.dense), Norm(layer.attention.output.LayerNorm)
        self.ask, self.read = _Product(cross.query), _Product(cross.key, cross.value)
        output = layer.crossattention.output
        self.cross, self.crossed = _Product(output.dense), Norm(output.LayerNorm)
        self.widen = _Product(layer.intermediate.dense)
        self.narrow = _Product(layer.output.dense)
        self.norm = Norm(layer.output.LayerNorm)

    def parts(self, values: torch.Tensor, rows: int, number: int) -> tuple[torch.Tensor, ...]:
        """[rows * n, number * width] as so many times [rows, heads, n, size]."""
        shape = rows, -1, number, self.heads, values.shape[-1] // (number * self.heads)
        return values.view(shape).permute(2, 0, 3, 1, 4).unbind(0)


class _Places(NamedTuple):
    """The pieces whose scores are asked for, filled up to as many in each row."""

    within: torch.Tensor
    """[rows, most], counted within a row."""
    all: torch.Tensor
    """[rows * most], counted through all rows."""
    wanted: torch.Tensor | None
    """Which of these are asked for; None where all are."""

    @classmethod
    def of(cls, places: Sequence[Sequence[int]], width: int) -> Self:
        """Those of rows that are so wide."""
        most = max(map(len, places))
        within = torch.tensor([[*each, *[0] * (most - len(each))] for each in places])
        whole = within if len(places) == 1 else within + width * torch.arange(len(places))[:, None]
        wanted = None
        if any(len(each) < most for each in places):
            wanted = torch.tensor([row * most + at for row, each in enumerate(places) for at in range(len(each))])
        return cls(within, whole.flatten(), wanted)


class FusedDecoder:
    """A decoder that reads what an encoder read, for prediction in 32 bits.

    It normalises after it adds, and its feed-forward network has a GELU, as in BERT, RoBERTa and MiniLM.
    """

    def __init__(self, decoder: Any) -> None:
        base = decoder.base_model
        table = base.embeddings
        self._words: torch.Tensor = table.word_embeddings.weight.detach()
        self._places = table.position_embeddings.weight.detach() + table.token_type_embeddings.weight.detach()[0]
        self._norm = Norm(table.LayerNorm)
        self._layers = [_Layer(each) for each in base.encoder.layer]
        head = decoder.cls.predictions.transform if hasattr(decoder, "cls") else decoder.lm_head
        self._last = PackedLinear(head.dense, torch.float32)
        self._lasted = Norm(head.LayerNorm if hasattr(head, "LayerNorm") else head.layer_norm)
        scores = decoder.get_output_embeddings()
        self._scores = scores.weight.detach(), scores.bias.detach()
        self._asked: tuple[tuple[int, ...], tuple[torch.Tensor, ...]] = ((), ())
        size = len(self._places)
        self._before = torch.ones(size, size, dtype=torch.bool).tril()

    def __call__(
        self,
        pieces: torch.Tensor,
        positions: torch.Tensor,
        mask: torch.Tensor | None,
        cache: EncoderDecoderCache,
        read: torch.Tensor,
        read_mask: torch.Tensor | None,
        places: Sequence[Sequence[int]],
        asked: Sequence[int],
    ) -> torch.Tensor:
        """Scores [places, pieces asked for] behind the next pieces [rows, n], which `cache` remembers afterwards.

        `mask` is that of all pieces [rows, remembered + n], `read_mask` that of what was read [rows, m]: 1 where
        something stands, None where it does everywhere. Places are counted within their row, and come row by row.
        """
        rows, width = pieces.shape
        few = rows * width < FEW
        own: Any = cache.self_attention_cache.layers
        crossed: Any = cache.cross_attention_cache.layers
        past = own[0].keys.shape[2] if own else 0
        hidden = self._norm(functional.embedding(pieces, self._words) + functional.embedding(positions, self._places))
        hidden = hidden.view(rows * width, -1)
        seen_mask = self._seen(past, width, mask)
        causal = seen_mask is None and width > 1
        cross_mask = None if read_mask is None else read_mask.bool()[:, None, None]
        chosen = _Places.of(places, width)
        for number, layer in enumerate(self._layers):
            attended = layer.attend(hidden, few)
            query, key, value = layer.parts(attended, rows, 3)
            if past:
                key, value = torch.cat([own[number].keys, key], 2), torch.cat([own[number].values, value], 2)
                own[number].keys, own[number].values = key, value
            else:
                cache.self_attention_cache.update(key, value, number)
                keys, values = layer.parts(layer.read(read.flatten(0, 1), False), rows, 2)
                cache.cross_attention_cache.update(keys, values, number)
            if number == len(self._layers) - 1:  # nobody looks at what it makes of other places
                hidden, few = hidden[chosen.all], len(chosen.all) < FEW
                (query,) = layer.parts(attended[:, : hidden.shape[-1]][chosen.all], rows, 1)
                seen_mask, causal = self._seen_from(chosen.within, width, seen_mask, causal), False
            seen = functional.scaled_dot_product_attention(query, key, value, seen_mask, is_causal=causal)
            hidden = layer.mixed(layer.mix.plus(seen.transpose(1, 2).reshape(hidden.shape), hidden, few))
            (query,) = layer.parts(layer.ask(hidden, few), rows, 1)
            held = crossed[number]
            seen = functional.scaled_dot_product_attention(query, held.keys, held.values, cross_mask)
            hidden = layer.crossed(layer.cross.plus(seen.transpose(1, 2).reshape(hidden.shape), hidden, few))
            hidden = layer.norm(layer.narrow.plus(layer.widen.gelu(hidden, few), hidden, few))
        states = hidden if chosen.wanted is None else hidden[chosen.wanted]
        return functional.linear(self._lasted(self._last.gelu(states)), *self._rows(asked))

    def _seen(self, past: int, width: int, mask: torch.Tensor | None) -> torch.Tensor | None:
        """[rows or 1, 1, n, remembered + n]: true where a piece may look; None where it may look at all before it."""
        if mask is None and (width == 1 or past == 0):
            return None
        if past + width > len(self._before):  # rows are shorter, but not all by the same
            self._before = torch.ones(past + width, past + width, dtype=torch.bool).tril()
        before = self._before[past : past + width, : past + width]
        return before[None, None] if mask is None else before & mask.bool()[:, None, None]

    def _seen_from(
        self, within: torch.Tensor, width: int, seen: torch.Tensor | None, causal: bool
    ) -> torch.Tensor | None:
        """What `_seen` says of some places of each row [rows, most]: [rows, 1, most, remembered + n]."""
        if causal:
            return self._before[:width, :width][within][:, None]
        if seen is None:
            return None
        rows = torch.arange(len(within))[:, None]
        return seen.expand(len(within), -1, -1, -1)[:, 0][rows, within][:, None]

    def _rows(self, asked: Sequence[int]) -> tuple[torch.Tensor, ...]:
        """The head's weights and biases of some pieces; the last choice is remembered."""
        key = tuple(asked)
        if self._asked[0] != key:
            chosen = torch.tensor(key)
            self._asked = key, tuple(each[chosen] for each in self._scores)
        return self._asked[1]


def fused_decoder(module: Any) -> FusedDecoder | None:
    """A faster decoder of an encoder-decoder; None where it is of another build, or does not compute the same."""
    decoder = getattr(module, "decoder", None)
    if decoder is None or module.config.model_type != "encoder-decoder" or module.device.type != "cpu":
        return None
    if any(each.dtype != torch.float32 for each in decoder.parameters()):
        return None
    if not product_works(lambda linear: PackedLinear(linear, torch.float32)):
        return None
    if getattr(decoder.config, "hidden_act", None) != "gelu" or hasattr(module, "enc_to_dec_proj"):
        return None
    try:
        with torch.inference_mode():
            made = FusedDecoder(decoder)
            return made if _same(made, decoder) else None
    except (AttributeError, LookupError, TypeError, ValueError, RuntimeError):
        return None


def _same(made: FusedDecoder, decoder: Any) -> bool:
    """Whether it gives the decoder's own scores for a few pieces and some states that are drawn once for all."""
    generator = torch.Generator().manual_seed(1)
    config = decoder.config
    pieces = torch.randint(config.vocab_size, (2, 5), generator=generator)
    positions = torch.arange(5)[None].expand(2, 5) + (config.pad_token_id or 0) + 1
    read = torch.randn(2, 4, config.hidden_size, generator=generator)
    mask = torch.tensor([[1, 1, 1, 1], [1, 1, 0, 0]])
    cache = EncoderDecoderCache(DynamicCache(), DynamicCache())
    ours = made(pieces, positions, None, cache, read, mask, ((0, 1, 4), (2,)), range(config.vocab_size))
    theirs = decoder(
        input_ids=pieces, position_ids=positions, encoder_hidden_states=read, encoder_attention_mask=mask
    ).logits
    return torch.allclose(ours, theirs.flatten(0, 1)[[0, 1, 4, 7]], atol=1e-3, rtol=1e-3)
