"""Decoder-only language models as a family: what training, prediction, saving and loading need of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np

from onoma.generation.greedy import Speaker
from onoma.models.batches import padded
from onoma.models.causal_lm import network
from onoma.models.causal_lm.options import CausalLMOptions
from onoma.models.pretrained import require_torch, resolve
from onoma.models.text.network import detach_head, grow, load_tokenizer
from onoma.models.text.vocabulary import Vocabulary, held
from onoma.models.text.writer import IGNORE, Example, Writer

__all__ = ["CausalLM"]


class CausalLM(Writer):
    """Any decoder-only model of `transformers`, which learns to answer behind a question: only answers have a cost.

    The saved folder is a language model of `transformers` and loads there.
    """

    family: ClassVar[str] = "causal_lm"

    def __init__(
        self, options: CausalLMOptions, tokenizer: Any, module: Any, symbols: Sequence[str], new: set[str]
    ) -> None:
        self.options = options
        self.vocabulary = Vocabulary(tokenizer, symbols, spelt=not options.symbols)
        self.module = module
        self.new = new
        grow(module, self.vocabulary)
        self.head = detach_head(module, module.get_output_embeddings())
        self.source_limit, self.answer_limit = network.limits(module, tokenizer, options)

    @classmethod
    def create(cls, symbols: Sequence[str], options: CausalLMOptions, seed: int) -> Self:
        """Pre-trained weights, or a new model with an encoder's embeddings; the seed draws what is new."""
        require_torch("the causal_lm family")
        place = resolve(options.model)
        tokenizer = load_tokenizer(place)
        module, new = network.build(place, options, tokenizer, seed)
        network.configure(module, tokenizer)
        made = cls(options, tokenizer, module, symbols, new)
        made.check()
        return made

    def collate(self, examples: Sequence[Example]) -> dict[str, Any]:
        """A padded batch: a question, the start, its answer; `labels` stand where the next piece is the answer's."""
        import torch

        config = self.module.config
        asked = self.rows([each.question(self._epoch) for each in examples])
        answers = [each.answer for each in examples]
        rows = [
            (*question, config.decoder_start_token_id, *answer[:-1])
            for question, answer in zip(asked, answers, strict=True)
        ]
        labels = padded(
            [(*[IGNORE] * len(question), *answer) for question, answer in zip(asked, answers, strict=True)], IGNORE
        )
        mask = padded([[1] * len(row) for row in rows], 0)
        return {
            "input_ids": torch.from_numpy(padded(rows, config.pad_token_id)),
            "attention_mask": torch.from_numpy(mask),
            "labels": torch.from_numpy(labels),
        }

    def speaker(self, questions: Sequence[str]) -> Speaker:
        """The questions read, what they have in common once."""
        from onoma.models.causal_lm.speaker import Speaker as Spoken

        return Spoken(self.module, self.rows(questions))

    def generate(self, questions: Sequence[str], most: int, beams: int) -> list[list[int]]:
        """What the library's `generate` writes."""
        import torch

        config = self.module.config
        rows = [[*row, config.decoder_start_token_id] for row in self.rows(questions)]
        pieces = np.flip(padded([row[::-1] for row in rows], config.pad_token_id), 1).copy()
        mask = np.flip(padded([[1] * len(row) for row in rows], 0), 1).copy()
        written = self.module.generate(
            input_ids=torch.from_numpy(pieces).to(self.module.device),
            attention_mask=torch.from_numpy(mask).to(self.module.device),
            max_new_tokens=most,
            num_beams=beams,
            do_sample=False,
        )
        return written[:, pieces.shape[1] :].tolist()

    @classmethod
    def load(cls, folder: Path, symbols: Sequence[str], options: CausalLMOptions) -> Self:
        """The model of a folder; nothing is looked up anywhere else."""
        require_torch("the causal_lm family")
        tokenizer = load_tokenizer(str(folder))
        known = held(tokenizer, symbols) if options.symbols else symbols
        return cls(options, tokenizer, network.load(str(folder)), known, set())
