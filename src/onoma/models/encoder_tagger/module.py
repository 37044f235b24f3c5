"""The torch module of the encoder tagger: a `transformers` token classifier and what we add to it."""

from __future__ import annotations

import re
from typing import Any

import torch
from torch import nn

from onoma.models.tagging.shapes import COUNT, NONE

__all__ = ["TaggerModule"]

LAYER = re.compile(r"\.(?:layer|layers|h|block)\.(\d+)\.")


class TaggerModule(nn.Module):
    """Pieces in, emissions of words out.

    `hf` is a token classifier of `transformers`; its own head is used unless there is an LSTM. `shapes` adds an
    embedding of each word's shape to the embeddings of its pieces; `lstm` reads the words of a window both ways
    (Huang et al. 2015) and has a head of its own; `crf` holds transitions for the loss and the decoder.
    """

    def __init__(self, hf: Any, *, word_shape: bool, lstm: int, crf: nn.Module | None) -> None:
        super().__init__()
        self.hf = hf
        width = hf.get_input_embeddings().weight.shape[1]
        self.shapes = nn.Embedding(COUNT, width, padding_idx=NONE) if word_shape else None
        if self.shapes is not None:
            nn.init.zeros_(self.shapes.weight)  # the pre-trained encoder is what it was until it learns otherwise
        self.lstm = nn.LSTM(hf.config.hidden_size, lstm, batch_first=True, bidirectional=True) if lstm else None
        stated = getattr(hf.config, "classifier_dropout", None)
        self.dropout = nn.Dropout(0.1 if stated is None else stated)
        self.head = nn.Linear(2 * lstm, hf.config.num_labels) if lstm else None
        for name, part in hf.named_modules():
            if isinstance(part, nn.Dropout) and stated is not None and not name.startswith(f"{hf.base_model_prefix}."):
                part.p = stated  # not every architecture reads its config's
        if lstm:
            for name, parameter in hf.named_parameters():
                if not name.startswith(f"{hf.base_model_prefix}."):
                    parameter.requires_grad_(False)  # not used
        self.crf = crf
        self.ranges: dict[str, torch.Tensor] = {}
        """How far the inputs of the encoder's products reach (see `ranges.measure`); empty where nobody measured."""

    @property
    def device(self) -> torch.device:
        """Where the encoder's weights are."""
        return self.hf.device

    def extras(self) -> dict[str, torch.Tensor]:
        """The weights that are not the token classifier's."""
        return {name: value for name, value in self.state_dict().items() if not name.startswith("hf.")}

    def depth(self, parameter: str) -> int | None:
        """0 for embeddings, n for the encoder's n-th layer, None for new weights."""
        if not parameter.startswith(f"hf.{self.hf.base_model_prefix}."):
            return None
        found = LAYER.search(parameter)
        if found is not None:
            return int(found.group(1)) + 1
        return 0 if "embed" in parameter else self.hf.config.num_hidden_layers

    def forward(
        self,
        input_ids: torch.Tensor,
        attention_mask: torch.Tensor | None,
        first: torch.Tensor,
        shapes: torch.Tensor | None = None,
        chains: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """Emissions [windows, words, T] of the words whose first pieces are at `first` [windows, words], -1 for none.

        `input_ids`, `attention_mask` (None where nothing is padded) and `shapes` are [windows, pieces]. With `chains`
        [sentences, longest], numbers of words in the flattened windows, emissions come in that shape instead. Always
        float32.
        """
        source: dict[str, Any] = {"input_ids": input_ids}
        if self.shapes is not None:
            source = {"inputs_embeds": self.hf.get_input_embeddings()(input_ids) + self.shapes(shapes)}
        if self.lstm is None or self.head is None:
            words = _at(self.hf(**source, attention_mask=attention_mask).logits, first)
        else:
            hidden = self.dropout(_at(self.hf.base_model(**source, attention_mask=attention_mask)[0], first))
            counts = (first >= 0).sum(dim=1).cpu()
            packed = nn.utils.rnn.pack_padded_sequence(hidden, counts, batch_first=True, enforce_sorted=False)
            both, _ = nn.utils.rnn.pad_packed_sequence(self.lstm(packed)[0], batch_first=True)
            words = self.head(self.dropout(both))
        words = words.float()
        return words if chains is None else words.flatten(0, 1)[chains]


def _at(values: torch.Tensor, first: torch.Tensor) -> torch.Tensor:
    """Rows of `values` [windows, pieces, width] at the pieces `first` [windows, words]."""
    places = first.clamp(min=0).unsqueeze(-1).expand(-1, -1, values.shape[-1])
    return values.gather(1, places)
