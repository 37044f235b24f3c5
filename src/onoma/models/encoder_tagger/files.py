"""The folder of an encoder tagger: a token classifier of `transformers`, and `tagger.safetensors` with what we add."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from onoma.exceptions import ModelError
from onoma.models.encoder_tagger.backbone import load_module, load_tokenizer
from onoma.models.encoder_tagger.options import EncoderTaggerOptions
from onoma.models.pretrained import LOADING, first_line, quietly
from onoma.models.tagging import head
from onoma.schemes import TagSet

__all__ = ["load", "save"]

EXTRAS = "tagger.safetensors"
RANGES = "ranges."


def save(folder: Path, tokenizer: Any, module: Any) -> None:
    """Write classifier, tokenizer and our own weights, if there are any, into an existing folder."""
    from safetensors.torch import save_file

    quietly(module.hf.save_pretrained, folder)
    quietly(tokenizer.save_pretrained, folder)
    extras = module.extras() | {RANGES + name: value for name, value in module.ranges.items()}
    if extras:
        save_file({name: value.contiguous() for name, value in extras.items()}, folder / EXTRAS)


def load(folder: Path, tagset: TagSet, options: EncoderTaggerOptions) -> tuple[Any, Any]:
    """Tokenizer and module of a folder; raises `ModelError` where a weight is missing or of other tags."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    from onoma.models.encoder_tagger.module import TaggerModule

    hf, missing = load_module(str(folder))
    if missing:
        raise ModelError(f"{folder}: the model is damaged: it holds no weights for {missing[0]}")
    named = tuple(hf.config.id2label[number] for number in range(hf.config.num_labels))
    if named != tuple(tagset):
        raise ModelError(f"{folder}: config.json names the tags {named}, onoma.json {tuple(tagset)}")
    crf = head.new_crf(tagset, options)
    module = TaggerModule(hf, word_shape=bool(options.word_shape), lstm=options.lstm, crf=crf)
    wanted = module.extras()
    if wanted or (folder / EXTRAS).exists():
        try:
            held = load_file(folder / EXTRAS)
        except (*LOADING, SafetensorError) as problem:
            raise ModelError(f"{folder / EXTRAS}: missing or damaged: {first_line(problem)}") from problem
        found = {name: value for name, value in held.items() if not name.startswith(RANGES)}
        module.ranges = {name.removeprefix(RANGES): held[name] for name in held.keys() - found.keys()}
        shapes = {name: tuple(value.shape) for name, value in wanted.items()}
        if shapes != {name: tuple(value.shape) for name, value in found.items()}:
            raise ModelError(f"{folder / EXTRAS}: holds other weights than the options in onoma.json ask for")
        module.load_state_dict(found, strict=False)
    module.eval()
    return load_tokenizer(str(folder)), module
