"""An encoder with a new head for tags, and the tokenizer that feeds it: from a folder or a hub id."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from onoma.exceptions import ModelError
from onoma.models.pretrained import LOADING, first_line, quietly, require_torch

__all__ = ["load_backbone", "load_module", "load_tokenizer"]


def load_backbone(encoder: str, tags: tuple[str, ...], dropout: float | None, seed: int) -> tuple[Any, Any]:
    """Tokenizer and token-classification module with a new head for `tags`; raises `ModelError`."""
    require_torch()
    import torch
    from transformers import AutoConfig

    local = Path(encoder).is_dir()
    try:
        config = AutoConfig.from_pretrained(encoder, local_files_only=local, trust_remote_code=False)
    except LOADING as problem:
        raise ModelError(f"encoder {encoder!r} cannot be loaded: {first_line(problem)}") from problem
    config.id2label = dict(enumerate(tags))
    config.label2id = {tag: number for number, tag in enumerate(tags)}
    if dropout is not None:
        config.classifier_dropout = dropout
    torch.manual_seed(seed)
    module, missing = load_module(encoder, config)
    strangers = [name for name in missing if name.startswith(module.base_model_prefix) and ".pooler." not in name]
    if strangers:
        raise ModelError(f"encoder {encoder!r} holds no weights for {strangers[0]} and {len(strangers) - 1} others")
    _renew_head(module, seed, missing)
    return load_tokenizer(encoder), module


def load_module(folder: str, config: Any = None) -> tuple[Any, list[str]]:
    """A token-classification module and the names of the weights it did not find; raises `ModelError`."""
    import torch
    from safetensors import SafetensorError
    from transformers import AutoModelForTokenClassification

    try:
        module, report = quietly(
            AutoModelForTokenClassification.from_pretrained,
            folder,
            **({} if config is None else {"config": config}),
            local_files_only=Path(folder).is_dir(),
            trust_remote_code=False,  # else the library asks on the terminal
            dtype=torch.float32,
            output_loading_info=True,
            ignore_mismatched_sizes=config is not None,
        )
    except (*LOADING, SafetensorError) as problem:
        raise ModelError(f"{folder}: the model is missing or damaged: {first_line(problem)}") from problem
    # A head of another size is drawn anew on purpose; weights of the encoder that do not fit were never read.
    unfit = {key if isinstance(key, str) else key[0] for key in report["mismatched_keys"]}
    return module, sorted(
        {*report["missing_keys"], *(key for key in unfit if key.startswith(module.base_model_prefix))}
    )


def _renew_head(module: Any, seed: int, drawn: Sequence[str]) -> None:
    """Draw the output layer's weights that are not `drawn` already: the folder brought them, for other tags.

    What stands before it is kept: ModernBERT's was learnt with the encoder.
    """
    import torch

    generator = torch.Generator().manual_seed(seed)
    deviation = getattr(module.config, "initializer_range", 0.02)
    linear = (name for name, part in module.named_modules() if isinstance(part, torch.nn.Linear))
    last = [name for name in linear if not name.startswith(f"{module.base_model_prefix}.")][-1]
    for name, parameter in module.named_parameters():
        if name.startswith(f"{last}.") and name not in drawn:
            with torch.no_grad():
                if parameter.dim() > 1:
                    parameter.normal_(0.0, deviation, generator=generator)
                else:
                    parameter.zero_()


def load_tokenizer(encoder: str) -> Any:
    """The fast tokenizer of a folder or hub id, one that treats a word alike wherever it stands."""
    from transformers import AutoTokenizer

    options: dict[str, Any] = {"use_fast": True, "local_files_only": Path(encoder).is_dir(), "trust_remote_code": False}
    try:
        tokenizer = AutoTokenizer.from_pretrained(encoder, **options)
        if not _sees_blanks(tokenizer):
            return _fast(encoder, tokenizer)
        tokenizer = AutoTokenizer.from_pretrained(encoder, add_prefix_space=True, **options)
    except LOADING as problem:
        raise ModelError(f"the tokenizer of {encoder!r} cannot be loaded: {first_line(problem)}") from problem
    tokenizer = _fast(encoder, tokenizer)
    splitter = tokenizer.backend_tokenizer.pre_tokenizer
    if _sees_blanks(tokenizer) and hasattr(splitter, "add_prefix_space"):
        splitter.add_prefix_space = True  # ModernBERT's: the loader does not pass the option on
    return tokenizer


def _fast(encoder: str, tokenizer: Any) -> Any:
    if not tokenizer.is_fast:
        raise ModelError(f"the tokenizer of {encoder!r} has no fast version: save it as tokenizer.json")
    return tokenizer


def _sees_blanks(tokenizer: Any) -> bool:
    """Whether a word behind a blank gives other pieces than the same word alone."""
    one, two = (tokenizer(text, add_special_tokens=False)["input_ids"] for text in ("x", "x x"))
    return two != [*one, *one]
