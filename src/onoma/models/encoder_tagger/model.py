"""The encoder tagger as a model family: what training, prediction, saving and loading need of it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import NDArray

from onoma import progress
from onoma.encodings.base import TagAnswer
from onoma.exceptions import ModelError
from onoma.models.encoder_tagger.backbone import (
    load_backbone,
    load_module,
    load_tokenizer,
    quietly,
    require_torch,
    resolve,
)
from onoma.models.encoder_tagger.options import EncoderTaggerOptions
from onoma.models.encoder_tagger.pieces import Pieces, Window

__all__ = ["EncoderTagger"]

IGNORE = -100


class EncoderTagger:
    """Encoder, dropout, linear head over the first piece of every word; cross-entropy with an O weight.

    *From BERT to T5*, section 3, and the usual token-classification recipe. The score of a span is the product of the
    softmax probabilities of its words' tags. The module is a plain `AutoModelForTokenClassification`, so that the
    saved folder loads in `transformers` unchanged.
    """

    family: ClassVar[str] = "encoder_tagger"
    answers: ClassVar[Literal["tags", "documents"]] = "tags"
    seeded: ClassVar[bool] = True

    def __init__(self, tagset: Sequence[str], options: EncoderTaggerOptions, tokenizer: Any, module: Any) -> None:
        self.tagset = tuple(tagset)
        self.options = options
        self.tokenizer = tokenizer
        self.module = module
        self.pieces = Pieces(tokenizer, options.window, options.overlap, _positions(tokenizer, module.config))

    @classmethod
    def create(cls, tagset: Sequence[str], options: EncoderTaggerOptions, seed: int) -> Self:
        """Pre-trained encoder, new head; the seed draws the head."""
        require_torch()
        tokenizer, module = load_backbone(resolve(options.encoder), tuple(tagset), options.dropout, seed)
        return cls(tagset, options, tokenizer, module)

    # ------------------------------------------------------------------ training

    def examples(
        self, sentences: Sequence[Sequence[str]], tags: Sequence[Sequence[str]]
    ) -> list[tuple[Window, tuple[int, ...]]]:
        """Windows with the tag numbers of the words they own: every word is learnt from exactly once an epoch."""
        numbers = {tag: number for number, tag in enumerate(self.tagset)}
        return [
            (window, tuple(numbers[tag] for tag in tags[window.sentence][window.start : window.end]))
            for window in self.pieces.windows(sentences)
        ]

    def size(self, example: tuple[Window, tuple[int, ...]]) -> int:
        """Pieces of an example."""
        return len(example[0])

    def collate(self, examples: Sequence[tuple[Window, tuple[int, ...]]]) -> dict[str, Any]:
        """A padded batch, all [windows, longest]: `input_ids`, `attention_mask`, `labels` (at first pieces only)."""
        import torch

        batch = self._pad([window for window, _ in examples])
        labels = np.full(batch["input_ids"].shape, IGNORE, dtype=np.int64)
        for row, (window, tags) in enumerate(examples):
            labels[row, list(window.first)] = tags
        return {name: torch.from_numpy(array) for name, array in {**batch, "labels": labels}.items()}

    def loss(self, outputs: Any, labels: Any) -> Any:
        """Cross-entropy over first pieces: sum of w(y) (-log p(y)) over the sum of w(y), w(O) = alpha, else 1."""
        import torch

        weight = torch.ones(len(self.tagset), device=labels.device)
        weight[0] = self.options.o_weight
        logits = outputs.logits.float().reshape(-1, len(self.tagset))
        if self.options.loss_by == "weight":
            return torch.nn.functional.cross_entropy(logits, labels.reshape(-1), weight=weight, ignore_index=IGNORE)
        total = torch.nn.functional.cross_entropy(
            logits, labels.reshape(-1), weight=weight, ignore_index=IGNORE, reduction="sum"
        )
        return total / (labels != IGNORE).sum()

    def is_new(self, parameter: str) -> bool:
        """Whether a parameter belongs to the head and not to the pre-trained encoder."""
        return not parameter.startswith(self.module.base_model_prefix)

    # ------------------------------------------------------------------ prediction

    def predict(self, sentences: Sequence[Sequence[str]]) -> list[TagAnswer]:
        """The most probable tag of each word by itself; batches are sorted by length and bounded in padded pieces."""
        made = self.pieces.windows(sentences)
        probabilities: list[NDArray[np.float32]] = [
            np.zeros((len(words), len(self.tagset)), np.float32) for words in sentences
        ]
        order = sorted(range(len(made)), key=lambda number: len(made[number]))
        with progress.bar("encoder_tagger: predicting", len(made)) as bar:
            for batch in _batches(order, made, self.options.predict_tokens):
                some = [made[number] for number in batch]
                for window, rows in zip(some, self._probabilities(some), strict=True):
                    probabilities[window.sentence][window.start : window.end] = rows
                bar.add(len(batch))
        return [self._answer(rows) for rows in probabilities]

    def _answer(self, rows: NDArray[np.float32]) -> TagAnswer:
        best = rows.argmax(axis=1) if len(rows) else np.zeros(0, dtype=np.int64)
        chosen = rows[np.arange(len(rows)), best]
        return TagAnswer(
            tuple(self.tagset[number] for number in best), lambda start, end: float(min(1.0, chosen[start:end].prod()))
        )

    def _probabilities(self, some: Sequence[Window]) -> list[NDArray[np.float32]]:
        import torch

        device = self.module.device
        batch = {name: torch.from_numpy(array).to(device) for name, array in self._pad(some).items()}
        training = self.module.training
        self.module.eval()
        with torch.inference_mode():
            rows = torch.softmax(self.module(**batch).logits.float(), dim=-1).cpu().numpy()
        self.module.train(training)
        return [rows[number, list(window.first)] for number, window in enumerate(some)]

    def _pad(self, some: Sequence[Window]) -> dict[str, NDArray[np.int64]]:
        longest = max(len(window) for window in some)
        ids = np.full((len(some), longest), self.pieces.pad, dtype=np.int64)
        mask = np.zeros((len(some), longest), dtype=np.int64)
        for row, window in enumerate(some):
            ids[row, : len(window)] = window.ids
            mask[row, : len(window)] = 1
        return {"input_ids": ids, "attention_mask": mask}

    # ------------------------------------------------------------------ files

    def save(self, folder: Path) -> None:
        """Write the module and tokenizer as `transformers` does: safetensors and JSON."""
        quietly(self.module.save_pretrained, folder)
        quietly(self.tokenizer.save_pretrained, folder)

    @classmethod
    def load(cls, folder: Path, tagset: Sequence[str], options: Any) -> Self:
        """The tagger of a folder; nothing is looked up anywhere else."""
        require_torch()
        module, missing = load_module(str(folder))
        if missing:
            raise ModelError(f"{folder}: the model is damaged: it holds no weights for {missing[0]}")
        named = tuple(module.config.id2label[number] for number in range(module.config.num_labels))
        if named != tuple(tagset):
            raise ModelError(f"{folder}: config.json names the tags {named}, onoma.json {tuple(tagset)}")
        module.eval()
        return cls(tagset, options, load_tokenizer(str(folder)), module)


def _positions(tokenizer: Any, config: Any) -> int:
    """How many pieces the encoder can read; RoBERTa-like position numbers begin behind the pad id."""
    limit = getattr(config, "max_position_embeddings", None) or 512
    if config.model_type in ("roberta", "xlm-roberta", "camembert"):
        limit -= (config.pad_token_id or 0) + 1
    stated = tokenizer.model_max_length
    return min(limit, stated) if 0 < stated < 1_000_000 else limit


def _batches(order: Sequence[int], made: Sequence[Window], budget: int) -> list[list[int]]:
    """Runs of windows, already sorted by length, whose padded size stays within the budget."""
    batches: list[list[int]] = []
    for number in order:
        if batches and len(made[number]) * (len(batches[-1]) + 1) <= budget:
            batches[-1].append(number)
        else:
            batches.append([number])
    return batches
