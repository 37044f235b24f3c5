"""Frames of answers as pieces, and how good each choice is at all places of several answers in one pass."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from onoma.encodings.base import Frame
from onoma.exceptions import ConfigError
from onoma.models.batches import padded
from onoma.models.seq2seq import network
from onoma.models.text.vocabulary import Vocabulary

if TYPE_CHECKING:
    from onoma.models.seq2seq.model import Seq2Seq

__all__ = ["Row", "Scorer"]


@dataclass(frozen=True, slots=True)
class Row:
    """A frame, as far as a model can write it: `pieces` of the answer with nothing (-1) at the `places` of choices."""

    frame: Frame
    pieces: NDArray[np.int64]
    places: NDArray[np.int64]
    choices: tuple[int, ...]

    @property
    def size(self) -> int:
        """Pieces of the answer."""
        return len(self.pieces)

    @classmethod
    def of(cls, frame: Frame, vocabulary: Vocabulary, most: int) -> Row:
        """Raises `ConfigError` where a choice is not one piece of its own."""
        choices = [vocabulary.numbers(choice) for choice in frame.choices]
        numbers = tuple(each[0] for each in choices if len(each) == 1)
        if len(set(numbers)) < len(choices):
            raise ConfigError(
                "answers cannot be grounded: two of the tags are no pieces of their own in this vocabulary"
            )
        pieces: list[int] = []
        places: list[int] = []
        for literal in frame.literals:
            known = vocabulary.numbers(literal) if literal else []
            if len(pieces) + len(known) >= most:
                break
            pieces += [*known, -1]
            places.append(len(pieces) - 1)
        held = replace(frame, literals=frame.literals[: len(places)])
        return cls(
            held, np.array(pieces[: places[-1] + 1] if places else [], dtype=np.int64), np.array(places), numbers
        )


class Scorer:
    """Reads the questions once; each call is one pass of the decoder over answers with given choices."""

    def __init__(self, model: Seq2Seq, questions: Sequence[str], rows: Sequence[Row]) -> None:
        import torch

        self.module = model.module.eval()
        self.rows = rows
        self.inputs = {name: each.to(self.module.device) for name, each in model.read(questions).items()}
        with torch.inference_mode():
            self.read = self.module.get_encoder()(**self.inputs).last_hidden_state

    def __call__(self, numbers: Sequence[int], drafts: Sequence[Sequence[int]]) -> list[NDArray[np.float32]]:
        """For each of these rows [places, choices]: log-probabilities, up to a constant at each place."""
        import torch
        from transformers.modeling_outputs import BaseModelOutput

        config = self.module.config
        rows = [self.rows[number] for number in numbers]
        begun: list[list[int]] = []
        for row, draft in zip(rows, drafts, strict=True):
            pieces = row.pieces.copy()
            pieces[row.places] = np.array(row.choices)[list(draft)]
            begun.append([config.decoder_start_token_id, *pieces[:-1].tolist()])
        width = max(map(len, begun))
        where = [row * width + place for row, each in enumerate(rows) for place in each.places.tolist()]
        chosen = torch.tensor(list(numbers), device=self.read.device)
        with torch.inference_mode(), self._only(torch.tensor(where, device=self.read.device)):
            logits = self.module(
                attention_mask=self.inputs["attention_mask"][chosen],
                encoder_outputs=BaseModelOutput(last_hidden_state=self.read[chosen]),
                decoder_input_ids=torch.from_numpy(padded(begun, config.pad_token_id)).to(self.read.device),
                decoder_attention_mask=torch.from_numpy(padded([[1] * len(row) for row in begun], 0)).to(
                    self.read.device
                ),
                use_cache=False,
            ).logits[0]
        ends = np.cumsum([len(row.places) for row in rows])
        found = np.split(logits[:, list(rows[0].choices)].float().cpu().numpy(), ends[:-1])
        return list(found)

    @contextmanager
    def _only(self, where: Any) -> Iterator[None]:
        """Let the vocabulary's scores be computed at some of the places alone, of all rows in one."""
        handle = (
            network.decoder_of(self.module)
            .get_output_embeddings()
            .register_forward_pre_hook(lambda _, given: (given[0].flatten(0, 1)[where][None], *given[1:]))
        )
        try:
            yield
        finally:
            handle.remove()
