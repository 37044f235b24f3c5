"""Decoder-only language models: loaded whole, or new and small, with the pieces of an encoder."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

from onoma.exceptions import ConfigError, ModelError
from onoma.models.causal_lm.options import CausalLMOptions
from onoma.models.pretrained import LOADING, first_line, positions, quietly
from onoma.models.text import network

__all__ = ["build", "configure", "limits", "load"]

NEW = frozenset({"llama", "qwen3"})
"""What a new model can be made like."""
BY_MASK = frozenset({"bloom", "mpt"})
"""Where a piece stands is counted in the mask (Press et al. 2022)."""


def build(place: str, options: CausalLMOptions, tokenizer: Any, seed: int) -> tuple[Any, set[str]]:
    """A language model and the names of the weights that are new; the seed draws these.

    Raises `ModelError` where the place holds nothing that can be read, `ConfigError` for an encoder-decoder and for a
    network that cannot be told where a piece stands.
    """
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    try:
        config = AutoConfig.from_pretrained(place, local_files_only=Path(place).is_dir(), trust_remote_code=False)
    except LOADING as problem:
        raise ModelError(f"{place!r} cannot be loaded: {first_line(problem)}") from problem
    torch.manual_seed(seed)
    if config.is_encoder_decoder:
        raise ConfigError(f"{place!r} is an encoder-decoder: the family seq2seq takes it")
    if not _writes(config):
        return _new(place, config, options, tokenizer)
    _refuse_unknown_ways(place, config)
    network.refuse_shape(place, options, "architecture", "layers", "positions")
    if options.pretrained:
        return load(place), set()
    module = AutoModelForCausalLM.from_config(config)
    return module, {name for name, _ in module.named_parameters()}


def load(place: str) -> Any:
    """A whole language model of a folder or a hub id; raises `ModelError`, also where it lacks weights."""
    from transformers import AutoModelForCausalLM

    return network.load(AutoModelForCausalLM, place)


def _writes(config: Any) -> bool:
    """Whether a configuration is of a language model that reads from left to right."""
    from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES as WRITERS
    from transformers.models.auto.modeling_auto import MODEL_FOR_MASKED_LM_MAPPING_NAMES as READERS

    if config.model_type in READERS:  # BERT and its kind can be made to write, but were not taught to
        return bool(getattr(config, "is_decoder", False))
    return config.model_type in WRITERS


def _refuse_unknown_ways(place: str, config: Any) -> None:
    """Raise `ConfigError` where rows of unlike length, or what was read before, would not be read right."""
    from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING as KINDS

    kind: Any = KINDS[type(config)]
    takes = inspect.signature(kind.forward).parameters
    places = "position_ids" in takes or config.model_type in BY_MASK or getattr(kind, "_is_stateful", False)
    if not places or "attention_mask" not in takes or not {"past_key_values", "cache"} & takes.keys():
        why = "its network is not told where a piece stands, or what it has read"
        raise ConfigError(f"{place!r}: a {config.model_type} cannot be used, for {why}")


def _new(place: str, config: Any, options: CausalLMOptions, tokenizer: Any) -> tuple[Any, set[str]]:
    import torch
    from transformers import AutoConfig, AutoModel, AutoModelForCausalLM

    width, heads = config.hidden_size, config.num_attention_heads
    shape = AutoConfig.for_model(
        options.architecture,
        vocab_size=len(tokenizer),
        hidden_size=width,
        intermediate_size=8 * width // 3,
        num_hidden_layers=options.layers,
        num_attention_heads=heads,
        num_key_value_heads=heads,
        head_dim=width // heads,
        max_position_embeddings=options.positions,
        tie_word_embeddings=True,
        # The tokenizer's own signs: the defaults of these architectures are those of other vocabularies.
        bos_token_id=None, eos_token_id=None, pad_token_id=None,
    )  # fmt: skip
    module: Any = AutoModelForCausalLM.from_config(shape)
    new = {name for name, _ in module.named_parameters()}
    if not options.pretrained:
        return module, new
    try:
        encoder: Any = quietly(
            AutoModel.from_pretrained,
            place,
            dtype=torch.float32,
            local_files_only=Path(place).is_dir(),
            trust_remote_code=False,
        )
    except LOADING as problem:
        raise ModelError(f"{place!r} cannot be loaded: {first_line(problem)}") from problem
    table, source = module.get_input_embeddings().weight, encoder.get_input_embeddings().weight
    if table.shape[1] == source.shape[1]:
        with torch.no_grad():
            rows = min(len(table), len(source))
            # As large as this architecture draws them: its layers are made for that.
            table[:rows] = source[:rows] * (shape.initializer_range / source.std())
        new -= {name for name, each in module.named_parameters() if each is table}
    return module, new


def configure(module: Any, tokenizer: Any) -> None:
    """Say what stands between question and answer, where answers end and what fills them up.

    Raises `ConfigError` where the tokenizer has no sign for an end.
    """
    from transformers import GenerationConfig

    config = module.config
    end, pad = network.signs(tokenizer)
    start = next((each for each in (tokenizer.bos_token_id, tokenizer.cls_token_id) if each is not None), end)
    config.decoder_start_token_id, config.eos_token_id, config.pad_token_id = start, end, pad
    module.generation_config = GenerationConfig(eos_token_id=end, pad_token_id=pad)


def limits(module: Any, tokenizer: Any, options: CausalLMOptions) -> tuple[int, int]:
    """Pieces that a question and an answer may have, special ones left out: together as many as there are positions.

    By default the answer gets two thirds, for it repeats the text and says something about it.
    """
    most = positions(tokenizer, module.config)
    if module.config.model_type in NEW:  # the limit of an encoder's tokenizer is not that of a new model
        most = module.config.max_position_embeddings
    special = tokenizer.num_special_tokens_to_add() + 2  # the start and the end of the answer
    left = most - special
    answer = options.answer_pieces or (left - options.source_pieces if options.source_pieces else 2 * left // 3)
    source = options.source_pieces or left - answer
    if answer < 1 or source < 1 or answer + source > left:
        raise ConfigError(f"source_pieces and answer_pieces: the model has positions for {left} in all")
    return source, answer
