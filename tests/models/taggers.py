"""Tiny encoder taggers with weights far from 0, and what they give."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from models.tiny import save_bert, save_minilm

from onoma.models.encoder_tagger import EncoderTagger, EncoderTaggerOptions, runtime
from onoma.schemes import SCHEMES

TAGS = SCHEMES["BIO"].tagset(["LOC", "PER"])
TEXT = [
    "Ada Byron left London in Rome , saw Bob .".split(),
    ["nobody"],
    ["New", "York", "City", "met", "3", "May", "."] * 8,
    ["the", "supercalifragilistic", "Ada"],
]


def tagger(folder: Path, **options: object) -> EncoderTagger:
    """A tiny tagger with weights far from 0, so that its tags are sure."""
    import torch

    encoder = save_minilm(folder) if options.get("word_shape") else save_bert(folder)
    made = EncoderTagger.create(
        TAGS, EncoderTaggerOptions.model_validate({"encoder": str(encoder), "overlap": 8, **options}), seed=1
    )
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in made.module.parameters():
            parameter += 0.2 * torch.randn(parameter.shape, generator=generator)
    made.module.eval()
    return made


def emissions(model: EncoderTagger, sentences: list[list[str]]) -> list[np.ndarray]:
    windows = [window for block in model.pieces.blocks(sentences) for window in block.windows]
    return model._logits(windows)


def as_precision(model: EncoderTagger, precision: runtime.Precision) -> EncoderTagger:
    options = model.options.model_copy(update={"precision": precision})
    return EncoderTagger(model.tagset, options, model.tokenizer, model.module)


def needs_int8() -> None:
    import torch

    from onoma.models.encoder_tagger.quantise import Int8Linear

    try:
        Int8Linear(torch.nn.Linear(4, 4))
    except (AttributeError, RuntimeError):
        pytest.skip("this build of torch has no 8-bit products")
