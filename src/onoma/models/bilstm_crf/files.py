"""The folder of a BiLSTM-CRF: its weights in `model.safetensors`, words and characters in `vocabulary.json`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from onoma.exceptions import ModelError
from onoma.models.bilstm_crf.options import BilstmCrfOptions
from onoma.models.bilstm_crf.vocabulary import Vocabulary
from onoma.models.tagging import head
from onoma.schemes import TagSet

__all__ = ["load", "save"]

WEIGHTS, WORDS = "model.safetensors", "vocabulary.json"


def save(folder: Path, tagset: TagSet, vocabulary: Vocabulary, module: Any) -> None:
    """Write weights, tags, words and characters into an existing folder."""
    from safetensors.torch import save_file

    save_file({name: value.contiguous() for name, value in module.state_dict().items()}, folder / WEIGHTS)
    # Escaped: a word may hold half a surrogate pair, which UTF-8 cannot.
    text = json.dumps({"tags": tuple(tagset), **vocabulary.as_json()}, separators=(",", ":"))
    (folder / WORDS).write_text(text + "\n", encoding="utf-8", newline="\n")


def load(folder: Path, tagset: TagSet, options: BilstmCrfOptions) -> tuple[Vocabulary, Any]:
    """Vocabulary and module of a folder; raises `ModelError` where it is damaged or of other tags or options."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    from onoma.models.bilstm_crf.module import BilstmModule

    path = folder / WORDS
    try:
        saved = json.loads(path.read_text(encoding="utf-8"))
        vocabulary, tags = Vocabulary.from_json(saved), tuple(saved["tags"])
    except (OSError, ValueError, KeyError, TypeError) as problem:
        raise ModelError(f"{path}: missing or damaged: {problem}") from problem
    if tags != tuple(tagset):
        raise ModelError(f"{path}: names the tags {tags}, onoma.json {tuple(tagset)}")
    path = folder / WEIGHTS
    try:
        weights = load_file(path)
        width = weights["words.weight"].shape[1]
    except (OSError, ValueError, KeyError, IndexError, SafetensorError) as problem:
        raise ModelError(f"{path}: missing or damaged: {problem}") from problem
    module = BilstmModule(vocabulary, width, len(tagset), options, head.new_crf(tagset, options))
    wanted = {name: tuple(value.shape) for name, value in module.state_dict().items()}
    if wanted != {name: tuple(value.shape) for name, value in weights.items()}:
        raise ModelError(f"{path}: holds other weights than {WORDS} and the options in onoma.json ask for")
    module.load_state_dict(weights)
    module.eval()
    return vocabulary, module
