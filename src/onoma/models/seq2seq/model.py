"""Encoder-decoders as a model family: what training, prediction, saving and loading need of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np

from onoma.generation.greedy import Speaker
from onoma.models.batches import padded
from onoma.models.pretrained import require_torch, resolve
from onoma.models.seq2seq import network
from onoma.models.seq2seq.options import Seq2SeqOptions
from onoma.models.text.network import detach_head, grow, load_tokenizer
from onoma.models.text.vocabulary import Vocabulary, held
from onoma.models.text.writer import IGNORE, Example, Writer

__all__ = ["Seq2Seq"]


class _Ready(NamedTuple):
    """What reads and what writes, laid out for the processor, as long as the weights stay what they were."""

    weights: tuple[Any, ...]
    state: tuple[Any, ...]
    read: Any
    decoder: Any

    @property
    def holds(self) -> bool:
        return _state(self.weights) == self.state


def _state(weights: Sequence[Any]) -> tuple[Any, ...]:
    return weights[0].dtype, weights[0].device, *(each._version for each in weights)


class Seq2Seq(Writer):
    """Any encoder-decoder of `transformers`, or one made of an encoder.

    *Leveraging Pre-trained Checkpoints for Sequence Generation Tasks*, Rothe et al. 2020. The saved folder is an
    encoder-decoder of `transformers` and loads there.
    """

    family: ClassVar[str] = "seq2seq"

    def __init__(
        self, options: Seq2SeqOptions, tokenizer: Any, module: Any, symbols: Sequence[str], new: set[str]
    ) -> None:
        self.options = options
        self.vocabulary = Vocabulary(tokenizer, symbols, spelt=not options.symbols)
        self.module = module
        self.new = new
        grow(module, self.vocabulary)
        self.head = detach_head(module, network.decoder_of(module).get_output_embeddings())
        self.source_limit, self.answer_limit = network.limits(module, tokenizer, options)
        self._ready: _Ready | None = None

    @classmethod
    def create(cls, symbols: Sequence[str], options: Seq2SeqOptions, seed: int) -> Self:
        """Pre-trained weights, or those of an encoder with a new decoder; the seed draws what is new."""
        require_torch("the seq2seq family")
        place = resolve(options.model)
        tokenizer = load_tokenizer(place)
        module, new = network.build(place, options, seed)
        network.configure(module, tokenizer)
        made = cls(options, tokenizer, module, symbols, new)
        made.check()
        return made

    def collate(self, examples: Sequence[Example]) -> dict[str, Any]:
        """A padded batch: the question's and the answer's pieces, these one step later, and `labels`."""
        import torch

        batch = self.read([each.question(self._epoch) for each in examples])
        answers = [each.answer for each in examples]
        labels = padded(answers, IGNORE)
        config = self.module.config
        begun = padded([(config.decoder_start_token_id, *answer[:-1]) for answer in answers], config.pad_token_id)
        return batch | {
            "decoder_input_ids": torch.from_numpy(begun),
            "decoder_attention_mask": torch.from_numpy((labels != IGNORE).astype(np.int64)),
            "labels": torch.from_numpy(labels),
        }

    def speaker(self, questions: Sequence[str]) -> Speaker:
        """The questions read, and the decoder before its first piece."""
        from onoma.models.seq2seq.speaker import Speaker as Spoken

        ready = self._laid_out()
        return Spoken(self.module, self.read(questions), ready.read, ready.decoder)

    def _laid_out(self) -> _Ready:
        """What reads and what writes, made anew when weights have changed."""
        if self._ready is None or not self._ready.holds:
            from onoma.models.processor.decoding import fused_decoder
            from onoma.models.processor.encoder import reader

            self.module.eval()
            weights = tuple(self.module.parameters())
            read = reader(self.module.get_encoder())
            self._ready = _Ready(weights, _state(weights), read, fused_decoder(self.module))
        return self._ready

    def generate(self, questions: Sequence[str], most: int, beams: int) -> list[list[int]]:
        """What the library's `generate` writes."""
        rows = self.module.generate(
            **{name: each.to(self.module.device) for name, each in self.read(questions).items()},
            max_new_tokens=most,
            num_beams=beams,
            do_sample=False,
        )
        return rows[:, 1:].tolist()

    def read(self, questions: Sequence[str]) -> dict[str, Any]:
        """Padded questions and their mask."""
        import torch

        rows = self.rows(questions)
        pieces = padded(rows, self.module.config.pad_token_id)
        mask = padded([[1] * len(row) for row in rows], 0)
        return {"input_ids": torch.from_numpy(pieces), "attention_mask": torch.from_numpy(mask)}

    @classmethod
    def load(cls, folder: Path, symbols: Sequence[str], options: Seq2SeqOptions) -> Self:
        """The model of a folder; nothing is looked up anywhere else."""
        require_torch("the seq2seq family")
        tokenizer = load_tokenizer(str(folder))
        known = held(tokenizer, symbols) if options.symbols else symbols
        return cls(options, tokenizer, network.load(str(folder)), known, set())
