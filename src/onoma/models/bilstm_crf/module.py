"""The torch module of the BiLSTM-CRF: words in, emissions out."""

from __future__ import annotations

import math

import torch
from torch import nn

from onoma.models.bilstm_crf.options import BilstmCrfOptions
from onoma.models.bilstm_crf.vocabulary import PAD, UNKNOWN, Vocabulary
from onoma.models.tagging import shapes as word_shapes

__all__ = ["BilstmModule"]

SHAPE_SIZE = 10


class BilstmModule(nn.Module):
    """Embeddings of words, characters and shapes, a bidirectional LSTM over words, and a linear layer.

    Huang et al. (2015); characters as Ma and Hovy (2016), section 2.1, or Lample et al. (2016), section 4.1. `crf`
    holds transitions for the loss and the decoder. Words that `rare` marks are read as the unknown word now and then
    while training.
    """

    fixed: torch.Tensor
    rare: torch.Tensor

    def __init__(
        self, vocabulary: Vocabulary, width: int, tags: int, options: BilstmCrfOptions, crf: nn.Module | None
    ) -> None:
        super().__init__()
        self.words = _embedding(1 + len(vocabulary.learned), width)
        self.register_buffer("fixed", torch.zeros(len(vocabulary.fixed), width))
        self.register_buffer("rare", torch.zeros(1 + len(vocabulary.words()), dtype=torch.bool), persistent=False)
        self.word_dropout = options.word_dropout
        self.chars: CharCnn | CharLstm | None = None
        if options.chars != "none":
            kind = CharCnn if options.chars == "cnn" else CharLstm
            self.chars = kind(2 + len(vocabulary.chars), options.char_size, options.char_units)
        self.shapes = _embedding(word_shapes.COUNT, SHAPE_SIZE) if options.word_shape else None
        width += 0 if self.chars is None else self.chars.width
        width += 0 if self.shapes is None else SHAPE_SIZE
        sizes = [width, *[2 * options.lstm] * (options.layers - 1)]
        self.lstm = nn.ModuleList(BiLstm(size, options.lstm) for size in sizes)
        self.dropout = nn.Dropout(options.dropout)
        self.head = nn.Linear(2 * options.lstm, tags)
        self.crf = crf

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self.head.weight.device

    def forward(
        self,
        forms: torch.Tensor,
        lengths: torch.Tensor,
        words: torch.Tensor,
        shapes: torch.Tensor,
        chars: torch.Tensor,
    ) -> torch.Tensor:
        """Emissions [sentences, longest, T], float32; what is read is that of `Reader.batch`."""
        parts = [self._embedded(words)]
        if self.chars is not None:
            parts.append(self.chars(chars))
        if self.shapes is not None:
            parts.append(self.shapes(shapes))
        # All that a word is by itself is computed once for each distinct word.
        hidden = self.dropout(torch.cat(parts, dim=1)[forms])
        for layer in self.lstm:
            hidden = self.dropout(layer(hidden, lengths))
        return self.head(hidden).float()

    def _embedded(self, words: torch.Tensor) -> torch.Tensor:
        """[distinct, width] of words by number, learnt ones and fixed ones."""
        if self.training and self.word_dropout:
            dropped = torch.rand(words.shape, device=words.device) < self.word_dropout
            words = words.masked_fill(dropped & self.rare[words], UNKNOWN)
        learned = self.words.num_embeddings
        made = self.words(words.clamp(max=learned - 1))
        if not len(self.fixed):
            return made
        held = self.fixed[(words - learned).clamp(min=0)]
        return torch.where((words < learned)[:, None], made, held)


class CharCnn(nn.Module):
    """Filters of width 3 over the characters of a word, and the maximum of each."""

    def __init__(self, chars: int, size: int, units: int) -> None:
        super().__init__()
        self.width = units
        self.embedding = _embedding(chars, size, PAD)
        self.filters = nn.Conv1d(size, units, 3, padding=1)

    def forward(self, chars: torch.Tensor) -> torch.Tensor:
        """[words, units] of `chars` [words, longest]."""
        found = self.filters(self.embedding(chars).transpose(1, 2))
        return torch.tanh(found.masked_fill((chars == PAD)[:, None], -math.inf).amax(dim=2))


class CharLstm(nn.Module):
    """The last states of an LSTM that reads the characters of a word forwards, and of one that reads backwards."""

    def __init__(self, chars: int, size: int, units: int) -> None:
        super().__init__()
        self.width = 2 * units
        self.embedding = _embedding(chars, size, PAD)
        self.both = BiLstm(size, units)

    def forward(self, chars: torch.Tensor) -> torch.Tensor:
        """[words, 2 units] of `chars` [words, longest]."""
        lengths = (chars != PAD).sum(dim=1)
        states = self.both(self.embedding(chars), lengths)
        rows = torch.arange(len(chars), device=chars.device)
        units = self.width // 2
        return torch.cat([states[rows, lengths - 1, :units], states[:, 0, units:]], dim=1)


class BiLstm(nn.Module):
    """A bidirectional LSTM layer over padded rows; what pads hold plays no part.

    Two layers over padded rows, the second over each row reversed by itself: three times as fast on CPUs as one
    bidirectional layer over packed rows, which reads them step by step.
    """

    def __init__(self, size: int, units: int) -> None:
        super().__init__()
        self.forwards = nn.LSTM(size, units, batch_first=True)
        self.backwards = nn.LSTM(size, units, batch_first=True)
        for layer in (self.forwards, self.backwards):
            biases = {name: each for name, each in layer.named_parameters() if name.startswith("bias")}
            for bias in biases.values():
                nn.init.zeros_(bias)
            nn.init.ones_(biases["bias_ih_l0"][units : 2 * units])  # begins by remembering (Jozefowicz et al. 2015)

    def forward(self, values: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
        """[rows, longest, 2 units] of `values` [rows, longest, size]; rows of `lengths` are padded at the end."""
        places = torch.arange(values.shape[1], device=values.device)[None, :]
        ends = lengths[:, None]
        turned = torch.where(places < ends, ends - 1 - places, places)[:, :, None]
        back, _ = self.backwards(values.gather(1, turned.expand(-1, -1, values.shape[2])))
        ahead, _ = self.forwards(values)
        return torch.cat([ahead, back.gather(1, turned.expand(-1, -1, back.shape[2]))], dim=2)


def _embedding(count: int, width: int, pad: int | None = None) -> nn.Embedding:
    """Uniform within sqrt(3 / width), so that vectors have length 1 (Ma and Hovy 2016, section 3.1)."""
    made = nn.Embedding(count, width, padding_idx=pad)
    reach = math.sqrt(3 / width)
    with torch.no_grad():
        made.weight.uniform_(-reach, reach)
        if pad is not None:
            made.weight[pad] = 0
    return made
