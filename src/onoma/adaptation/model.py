"""An encoder with its masked-language-model head, as training sees it."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np

from onoma import progress
from onoma.adaptation.blocks import IGNORE, Block, Masker, Packer
from onoma.adaptation.settings import AdaptationSettings
from onoma.exceptions import ConfigError, ModelError
from onoma.models.encoder_tagger.backbone import load_tokenizer
from onoma.models.pretrained import LOADING, first_line, positions, quietly, require_torch

__all__ = ["MaskedModel"]

MEASURE_TOKENS = 4096
"""Padded pieces in a batch when the held-out loss is measured."""
_LAYER = re.compile(r"\.(?:layers?|h|blocks?)\.(\d+)\.")


class MaskedModel:
    """A `transformers` masked language model; only the masked places are asked for, which halves the work."""

    def __init__(self, tokenizer: Any, module: Any, new: frozenset[str], settings: AdaptationSettings) -> None:
        self.tokenizer = tokenizer
        self.module = module
        self.new = new
        self.seed = settings.seed
        self.epoch = 0
        self.packer = Packer(tokenizer, min(settings.window, positions(tokenizer, module.config)))
        rows = module.get_input_embeddings().num_embeddings
        ordinary = np.setdiff1d(np.arange(min(len(tokenizer), rows), dtype=np.int32), self.packer.special)
        self.masker = Masker(tokenizer.mask_token_id, ordinary, settings.mask_share)
        module.register_forward_pre_hook(_note_places, with_kwargs=True)
        module.base_model.register_forward_hook(_keep_places)

    @classmethod
    def load(cls, encoder: str, settings: AdaptationSettings) -> Self:
        """The encoder of a folder or hub id; a head that it lacks is drawn, its last layer the input embeddings.

        Raises `ModelError` where it cannot be loaded or cannot guess masked words, `ConfigError` for a window that
        holds nothing.
        """
        require_torch()
        import torch

        tokenizer = load_tokenizer(encoder)
        torch.manual_seed(settings.seed)
        module, missing = _load(encoder)
        output = module.get_output_embeddings()
        if missing and output is not None and output.weight is not module.get_input_embeddings().weight:
            names = {name for name, parameter in module.named_parameters() if parameter is output.weight}
            if names & missing:
                module.config.tie_word_embeddings = True
                module, missing = _load(encoder, module.config)
        prefix = module.base_model_prefix + "."
        strangers = sorted(name for name in missing if name.startswith(prefix) and ".pooler." not in name)
        if strangers:
            raise ModelError(f"encoder {encoder!r} holds no weights for {strangers[0]} and {len(strangers) - 1} others")
        rows = module.get_input_embeddings().num_embeddings
        if tokenizer.mask_token_id is None or tokenizer.mask_token_id >= rows:
            raise ModelError(f"encoder {encoder!r} has no mask token, so it cannot be trained to guess words")
        if missing:
            progress.say(
                f"{encoder}: holds no masked-language-model head: a new one is drawn over its input embeddings"
            )
        made = cls(tokenizer, module, frozenset(missing), settings)
        if made.packer.size < 1:
            raise ConfigError(f"window {settings.window}: the encoder leaves no room for a piece in it")
        return made

    # ------------------------------------------------------------------ training

    def begin_epoch(self, epoch: int) -> None:
        """Choose the epoch, counted from 0, whose masks the next batches have."""
        self.epoch = epoch

    def size(self, example: Block) -> int:
        """Pieces of a block, special tokens included."""
        return len(example.ids) + len(self.packer.prefix) + len(self.packer.suffix)

    def collate(self, examples: Sequence[Block]) -> dict[str, Any]:
        """A padded batch, all [blocks, longest]: `input_ids`, `attention_mask`, `masked`, `labels`.

        `masked` are the places to be guessed, `labels` their ids and -100 elsewhere. Masks are a pure function of
        seed, epoch and block.
        """
        return self._batch(examples, (1 + self.seed, self.epoch))

    def _batch(self, blocks: Sequence[Block], key: tuple[int, ...]) -> dict[str, Any]:
        import torch

        shape = (len(blocks), max(self.size(block) for block in blocks))
        ids = np.full(shape, self.tokenizer.pad_token_id or 0, dtype=np.int64)
        attention = np.zeros(shape, dtype=np.int64)
        labels = np.full(shape, IGNORE, dtype=np.int64)
        begin = len(self.packer.prefix)
        for row, block in enumerate(blocks):
            inner, wanted = self.masker(block, *key)
            ids[row, : self.size(block)] = (*self.packer.prefix, *inner, *self.packer.suffix)
            attention[row, : self.size(block)] = 1
            labels[row, begin : begin + len(wanted)] = wanted
        arrays = {"input_ids": ids, "attention_mask": attention, "masked": labels != IGNORE, "labels": labels}
        return {name: torch.from_numpy(array) for name, array in arrays.items()}

    def loss(self, outputs: Any, labels: Any) -> Any:
        """The sum of -log p of the masked pieces; the outputs have logits [1, masked pieces, vocabulary]."""
        import torch

        logits = outputs.logits[0].float()
        return torch.nn.functional.cross_entropy(logits, labels[labels != IGNORE], reduction="sum")

    def weight(self, labels: Any) -> Any:
        """How many pieces are masked; 1 for none."""
        return (labels != IGNORE).sum().clamp(min=1)

    def score_text(self, score: float) -> str:
        """How progress shows a score, which is minus the held-out loss."""
        return f"held-out loss {-score:.4f}"

    def is_new(self, parameter: str) -> bool:
        """Whether a parameter belongs to a head that was drawn."""
        return parameter in self.new

    def depth(self, parameter: str) -> int | None:
        """0 for embeddings, n for the encoder's n-th layer, None for the head."""
        if not parameter.startswith(self.module.base_model_prefix + "."):
            return None
        layer = _LAYER.search(parameter)
        return 0 if layer is None else 1 + int(layer[1])

    # ------------------------------------------------------------------ measuring and files

    def held_out_loss(self, blocks: Sequence[Block]) -> tuple[float, int]:
        """Mean -log p of the masked pieces in nats, and how many there are; the masks are always the same."""
        import torch

        training = self.module.training
        self.module.eval()
        total, count = 0.0, 0
        ordered = sorted(blocks, key=self.size)
        step = max(1, MEASURE_TOKENS // self.size(ordered[-1]))
        with torch.inference_mode(), progress.bar("measuring", len(ordered)) as bar:
            for at in range(0, len(ordered), step):
                some = ordered[at : at + step]
                batch = {name: array.to(self.module.device) for name, array in self._batch(some, (0,)).items()}
                labels = batch.pop("labels")
                total += float(self.loss(self.module(**batch), labels))
                count += int((labels != IGNORE).sum())
                bar.add(len(some))
        self.module.train(training)
        return total / max(1, count), count

    def save(self, folder: Path) -> None:
        """Write encoder, head and tokenizer as `transformers` does."""
        quietly(self.module.save_pretrained, folder)
        quietly(self.tokenizer.save_pretrained, folder)


def _note_places(module: Any, arguments: Any, options: dict[str, Any]) -> Any:
    """Take `masked` out of a call of the model, for its encoder to find."""
    options = dict(options)
    module.base_model.masked_places = options.pop("masked")
    return arguments, options


def _keep_places(encoder: Any, _: Any, output: Any) -> Any:
    """The encoder's states at the masked places alone, [1, masked pieces, hidden]: all that the head gets to see."""
    output.last_hidden_state = output.last_hidden_state[encoder.masked_places].unsqueeze(0)
    return output


def _load(encoder: str, config: Any = None) -> tuple[Any, set[str]]:
    """A masked language model and the names of the weights it did not find."""
    import torch
    from safetensors import SafetensorError
    from transformers import AutoModelForMaskedLM

    loader: Callable[..., Any] = AutoModelForMaskedLM.from_pretrained
    options: dict[str, Any] = {} if config is None else {"config": config}
    options |= {"local_files_only": Path(encoder).is_dir(), "dtype": torch.float32, "output_loading_info": True}
    try:
        module, report = quietly(loader, encoder, **options)
    except (*LOADING, SafetensorError) as problem:
        raise ModelError(f"encoder {encoder!r} cannot be loaded to guess words: {first_line(problem)}") from problem
    return module, set(report["missing_keys"])
