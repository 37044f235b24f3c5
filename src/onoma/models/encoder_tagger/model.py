"""The encoder tagger as a model family: what training, prediction, saving and loading need of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import NDArray

from onoma import progress
from onoma.encodings.base import TagAnswer
from onoma.exceptions import ConfigError
from onoma.models.base import Sentences
from onoma.models.batches import by_length, padded
from onoma.models.encoder_tagger import files, onnx
from onoma.models.encoder_tagger.backbone import load_backbone
from onoma.models.encoder_tagger.options import EncoderTaggerOptions
from onoma.models.encoder_tagger.pieces import Block, Pieces, Window
from onoma.models.encoder_tagger.runtime import Batch, Runtime, TorchRuntime
from onoma.models.pretrained import positions, quietly, require_torch, resolve
from onoma.models.tagging import head, shapes
from onoma.schemes import OUTSIDE, TagSet

__all__ = ["EncoderTagger"]

CHAIN_WINDOWS = 4
"""A sentence of more windows than this is learnt in parts, so that memory is bounded."""

Logits = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Example:
    """Windows to be learnt together, and the tag numbers of the words they own, by sentence."""

    windows: tuple[Window, ...]
    tags: tuple[tuple[int, ...], ...]

    def __len__(self) -> int:
        return sum(map(len, self.windows))


class EncoderTagger:
    """A pre-trained encoder, and a head over the first piece of every word.

    *From BERT to T5*, section 3, and the usual token-classification recipe, with what the options add: word shapes,
    document context, an LSTM, a linear chain, other losses. The saved folder is that of a token classifier of
    `transformers` and loads there; what we add lies beside it.
    """

    family: ClassVar[str] = "encoder_tagger"
    answers: ClassVar[Literal["tags", "documents", "text"]] = "tags"
    seeded: ClassVar[bool] = True

    def __init__(
        self, tagset: TagSet, options: EncoderTaggerOptions, tokenizer: Any, module: Any, runtime: Runtime | None = None
    ) -> None:
        self.tagset = tagset
        self.options = options
        self.tokenizer = tokenizer
        self.module = module
        """None in a tagger that was exported."""
        self.runtime: Runtime = runtime or TorchRuntime(module, options.precision, options.threads)
        longest = positions(tokenizer, self.runtime.config)
        self.pieces = Pieces(
            tokenizer,
            options.window,
            options.overlap,
            longest,
            options.context,
            word_shape=self.runtime.word_shape,
        )

    @classmethod
    def create(cls, tagset: TagSet, options: EncoderTaggerOptions, seed: int) -> Self:
        """Pre-trained encoder, new head; the seed draws the head."""
        require_torch()
        from onoma.models.encoder_tagger.module import TaggerModule

        tokenizer, hf = load_backbone(resolve(options.encoder), tagset, options.dropout, seed)
        if options.word_shape is None:
            options = options.model_copy(update={"word_shape": shapes.lowers(tokenizer)})
        crf = head.new_crf(tagset, options)
        module = TaggerModule(hf, word_shape=bool(options.word_shape), lstm=options.lstm, crf=crf)
        return cls(tagset, options, tokenizer, module)

    @property
    def score_meaning(self) -> str:
        """What the score of a span is."""
        return head.score_meaning(self.options)

    # ------------------------------------------------------------------ training

    def examples(self, documents: Sequence[Sentences], tags: Sequence[Sentences]) -> list[Example]:
        """Blocks of windows with the tags of the words they own: every word is learnt from exactly once an epoch."""
        if self.module is None:
            raise ConfigError("an exported model cannot be trained: train the one it was made from")
        numbers = head.tag_numbers(self.tagset, tags)
        made: list[Example] = []
        for document, rows in zip(documents, tags, strict=True):
            gold = [numbers[tag] for row in rows for tag in row]
            for block in self.pieces.blocks(document):
                made += _examples(block, gold)
        return made

    def size(self, example: Example) -> int:
        """Pieces of an example."""
        return len(example)

    def collate(self, examples: Sequence[Example]) -> dict[str, Any]:
        """A padded batch: `input_ids`, `attention_mask`, `shapes` [windows, pieces], `first` [windows, words],
        `chains` and `labels` [sentences, longest]."""
        import torch

        windows = [window for example in examples for window in example.windows]
        batch = self._pad(windows)
        width = batch["first"].shape[1]
        owned: list[list[int]] = []
        row = 0
        for example in examples:
            words: list[int] = []
            for window in example.windows:
                words += range(
                    row * width + window.own_start - window.start, row * width + window.own_end - window.start
                )
                row += 1
            at = 0
            for tags in example.tags:
                owned.append(words[at : at + len(tags)])
                at += len(tags)
        golden = [tags for example in examples for tags in example.tags]
        batch["chains"] = padded(owned, 0)
        batch["labels"] = padded(golden, head.IGNORE)
        return {name: torch.from_numpy(array) for name, array in batch.items()}

    def loss(self, outputs: Any, labels: Any) -> Any:
        """The sum of the costs of a batch's words."""
        return head.cost(outputs, labels, self.module.crf, self.options, self.tagset.index(OUTSIDE))

    def weight(self, labels: Any) -> Any:
        """What a sum of costs is divided by."""
        return head.weight(labels, self.options, self.tagset.index(OUTSIDE))

    def is_new(self, parameter: str) -> bool:
        """Whether a parameter is not the pre-trained encoder's."""
        return self.depth(parameter) is None

    def depth(self, parameter: str) -> int | None:
        """0 for embeddings, n for the encoder's n-th layer, None for new weights."""
        return self.module.depth(parameter)

    def finish(self, examples: Sequence[Example]) -> None:
        """Measure, on examples from all over the training data, how far numbers reach: prediction in int8 asks."""
        import torch

        from onoma.models.encoder_tagger import ranges

        pieces = sum(map(len, examples))
        chosen = examples[:: max(1, pieces // ranges.PIECES)]
        windows = [window for example in chosen for window in example.windows]
        batches = by_length([len(window) for window in windows], self.options.predict_tokens)
        self.module.ranges = ranges.measure(
            self.module,
            (
                {name: torch.from_numpy(array) for name, array in self._pad([windows[n] for n in batch]).items()}
                for batch in batches
            ),
        )

    # ------------------------------------------------------------------ prediction

    def predict(self, documents: Sequence[Sentences]) -> list[list[TagAnswer]]:
        """One answer a sentence; batches are sorted by length and bounded in padded pieces."""
        blocks = [self.pieces.blocks(document) for document in documents]
        windows = [window for some in blocks for block in some for window in block.windows]
        rows = iter(self._logits(windows))
        merged = [_merge(block, [next(rows) for _ in block.windows]) for some in blocks for block in some]
        logits = np.concatenate(merged) if merged else np.zeros((0, len(self.tagset)), np.float32)
        lengths = [len(sentence) for document in documents for sentence in document]
        answers = iter(head.answers(self.tagset, logits, lengths, self.runtime.crf, self.options))
        return [[next(answers) for _ in document] for document in documents]

    def _logits(self, windows: Sequence[Window]) -> list[Logits]:
        """[read words, T] of every window."""
        made: list[Logits] = [np.zeros((0, len(self.tagset)), np.float32)] * len(windows)
        with progress.bar("encoder_tagger: predicting", len(windows)) as bar, self.runtime.session():
            for batch in by_length([len(window) for window in windows], self.options.predict_tokens):
                rows = self.runtime(self._pad([windows[number] for number in batch]))
                for row, number in zip(rows, batch, strict=True):
                    made[number] = row[: len(windows[number].first)]
                bar.add(len(batch))
        return made

    def _pad(self, windows: Sequence[Window]) -> Batch:
        batch = {
            "input_ids": padded([window.ids for window in windows], self.pieces.pad),
            "first": padded([window.first for window in windows], -1),
        }
        lengths = np.array([len(window) for window in windows])
        mask = np.arange(batch["input_ids"].shape[1])[None, :] < lengths[:, None]
        batch["attention_mask"] = mask.astype(np.int64)
        if self.runtime.word_shape:
            batch["shapes"] = padded([window.shapes for window in windows], shapes.NONE)
        return batch

    # ------------------------------------------------------------------ files

    def save(self, folder: Path) -> None:
        """Write the token classifier and tokenizer as `transformers` does, and beside them what we add."""
        if isinstance(self.runtime, onnx.OnnxRuntime):
            quietly(self.tokenizer.save_pretrained, folder)
            self.runtime.save(folder)
            return
        files.save(folder, self.tokenizer, self.module)

    @classmethod
    def load(cls, folder: Path, tagset: TagSet, options: Any) -> Self:
        """The tagger of a folder, on ONNX Runtime where it was exported; nothing is looked up anywhere else."""
        if (folder / onnx.MODEL).is_file():
            tokenizer, runtime = onnx.load(folder, tagset, options)
            return cls(tagset, options, tokenizer, None, runtime)
        require_torch()
        tokenizer, module = files.load(folder, tagset, options)
        return cls(tagset, options, tokenizer, module)

    def exported(self, folder: Path, *, int8: bool = False) -> Self:
        """This tagger as ONNX in an existing folder, which must stay while the tagger is used; see `onnx.export`."""
        if self.module is None:
            raise ConfigError("the model was exported already")
        onnx.export(folder, self.tokenizer, self.module, int8=int8)
        options = self.options.model_copy(update={"precision": "int8" if int8 else "fp32"})
        return type(self).load(folder, self.tagset, options)


def _examples(block: Block, gold: Sequence[int]) -> list[Example]:
    """A block as one example, or a very long sentence in parts; `gold` are the document's tag numbers."""
    if len(block.windows) <= CHAIN_WINDOWS:
        rows: list[tuple[int, ...]] = []
        at = block.start
        for length in block.lengths:
            rows.append(tuple(gold[at : at + length]))
            at += length
        return [Example(block.windows, tuple(rows))]
    parts = [block.windows[at : at + CHAIN_WINDOWS] for at in range(0, len(block.windows), CHAIN_WINDOWS)]
    return [Example(part, (tuple(gold[part[0].own_start : part[-1].own_end]),)) for part in parts]


def _merge(block: Block, logits: Sequence[Logits]) -> Logits:
    """[words, T] of a block: where windows share words, the mean weighted by distance from the edge of the window."""
    if len(block.windows) == 1:
        return logits[0]
    words = sum(block.lengths)
    total = np.zeros((words, logits[0].shape[1]))
    weights = np.zeros((words, 1))
    for window, rows in zip(block.windows, logits, strict=True):
        count = len(rows)
        inward = np.full(count, float(count))
        if window.cut_left:
            inward = np.minimum(inward, np.arange(count) + 1.0)
        if window.cut_right:
            inward = np.minimum(inward, np.arange(count, 0, -1.0))
        where = slice(window.start - block.start, window.end - block.start)
        total[where] += inward[:, None] * rows
        weights[where] += inward[:, None]
    return (total / weights).astype(np.float32)
