"""Encoder-decoders: loaded whole, or an encoder with a decoder that starts from its layers."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from onoma.exceptions import ConfigError, ModelError
from onoma.models.pretrained import LOADING, first_line, positions, quietly, require_torch
from onoma.models.seq2seq.options import Seq2SeqOptions
from onoma.models.text import network

__all__ = [
    "build",
    "configure",
    "decoder_of",
    "limits",
    "load",
]

LAYER = re.compile(r"(?<=\.layer\.)(\d+)(?=\.)")
UNBOUNDED = 512
"""Pieces where a model states no limit: T5 has none, and was trained on so many."""


def build(place: str, options: Seq2SeqOptions, seed: int) -> tuple[Any, set[str]]:
    """An encoder-decoder and the names of the weights that are new; the seed draws these.

    Raises `ModelError` where the place holds none, `ConfigError` where a decoder cannot be made from it.
    """
    require_torch("the seq2seq family")
    import torch
    from transformers import AutoConfig, AutoModelForSeq2SeqLM

    local = Path(place).is_dir()
    try:
        config = AutoConfig.from_pretrained(place, local_files_only=local, trust_remote_code=False)
    except LOADING as problem:
        raise ModelError(f"{place!r} cannot be loaded: {first_line(problem)}") from problem
    torch.manual_seed(seed)
    if not config.is_encoder_decoder:
        return _with_decoder(place, config, options)
    network.refuse_shape(place, options, "decoder_layers", "decoder_start")
    if options.pretrained:
        return load(place), set()
    config.is_encoder_decoder = True
    module = AutoModelForSeq2SeqLM.from_config(config)
    return module, {name for name, _ in module.named_parameters()}


def load(place: str) -> Any:
    """A whole encoder-decoder of a folder or a hub id; raises `ModelError`, also where it lacks weights."""
    from transformers import AutoModelForSeq2SeqLM

    return network.load(AutoModelForSeq2SeqLM, place)


def _with_decoder(place: str, config: Any, options: Seq2SeqOptions) -> tuple[Any, set[str]]:
    from copy import deepcopy

    import torch
    from transformers import AutoModel, AutoModelForCausalLM, EncoderDecoderModel

    try:
        if options.pretrained:
            local = Path(place).is_dir()
            encoder = quietly(
                AutoModel.from_pretrained, place, dtype=torch.float32, local_files_only=local, trust_remote_code=False
            )
        else:
            encoder = AutoModel.from_config(config)
        shape = deepcopy(config)
        shape.is_decoder, shape.add_cross_attention = True, True
        shape.num_hidden_layers = options.decoder_layers
        decoder: Any = AutoModelForCausalLM.from_config(shape)
    except LOADING as problem:
        raise ModelError(f"{place!r} cannot be loaded: {first_line(problem)}") from problem
    crosses = [name for name, _ in decoder.named_parameters() if ".crossattention." in name]
    if not crosses:
        raise ConfigError(f"{config.model_type} has no decoder in transformers: take BERT, RoBERTa, ELECTRA or T5")
    if options.decoder_layers > config.num_hidden_layers and options.decoder_start != "new":
        raise ConfigError(f"decoder_layers = {options.decoder_layers}: the encoder has {config.num_hidden_layers}")
    taken = _start(encoder, decoder, options)
    module: Any = EncoderDecoderModel(encoder=encoder, decoder=decoder)
    new = {f"decoder.{name}" for name, _ in decoder.named_parameters() if name not in taken}
    if not options.pretrained:
        new = {name for name, _ in module.named_parameters()}
    return module, new


def _start(encoder: Any, decoder: Any, options: Seq2SeqOptions) -> set[str]:
    """Copy the encoder's weights into the decoder; gives the names of those that are pre-trained now."""
    import torch

    prefix = f"{decoder.base_model_prefix}."
    source = encoder.state_dict()
    first = encoder.config.num_hidden_layers - options.decoder_layers if options.decoder_start == "upper" else 0
    taken: set[str] = set()
    with torch.no_grad():
        for name, parameter in decoder.named_parameters():
            inner = name.removeprefix(prefix)
            in_layer = LAYER.search(inner) is not None
            wanted = LAYER.sub(lambda found: str(int(found[0]) + first), inner)
            wanted = wanted.replace(".crossattention.", ".attention.")
            held = source.get(wanted)
            if held is None or held.shape != parameter.shape or (in_layer and options.decoder_start == "new"):
                continue
            parameter.copy_(held)
            if ".crossattention." not in name:
                taken.add(name)
    return taken


def configure(module: Any, tokenizer: Any) -> None:
    """Say where answers begin and end and what fills them up, where the model does not say so itself.

    Raises `ConfigError` where the tokenizer has no sign for an end.
    """
    from transformers import GenerationConfig

    config = module.config
    end, pad = network.signs(tokenizer)
    start = getattr(config, "decoder_start_token_id", None)
    if start is None:
        start = tokenizer.cls_token_id if tokenizer.cls_token_id is not None else pad
    config.decoder_start_token_id, config.eos_token_id, config.pad_token_id = start, end, pad
    module.generation_config = GenerationConfig(decoder_start_token_id=start, eos_token_id=end, pad_token_id=pad)


def limits(module: Any, tokenizer: Any, options: Seq2SeqOptions) -> tuple[int, int]:
    """Pieces that a question and an answer may have, special ones left out."""
    config = module.config
    if config.model_type == "encoder-decoder":
        most = positions(tokenizer, config.encoder), positions(tokenizer, config.decoder)
    elif hasattr(config, "max_position_embeddings"):
        most = positions(tokenizer, config), positions(tokenizer, config)
    else:  # positions are relative
        most = options.source_pieces or UNBOUNDED, options.answer_pieces or UNBOUNDED
    source, answer = min(most[0], options.source_pieces or most[0]), min(most[1], options.answer_pieces or most[1])
    return source - tokenizer.num_special_tokens_to_add(), answer - 1


def decoder_of(module: Any) -> Any:
    """The part whose output is the vocabulary's scores: a decoder of its own, or the whole model."""
    return module.decoder if module.config.model_type == "encoder-decoder" else module
