"""Networks that write text: what all architectures share of loading, growing and the scores of pieces."""

from __future__ import annotations

import inspect
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from onoma.exceptions import ConfigError, ModelError
from onoma.models.pretrained import LOADING, first_line, quietly
from onoma.models.text.options import TextOptions
from onoma.models.text.vocabulary import Vocabulary

__all__ = ["Signs", "detach_head", "grow", "held_against", "load", "load_tokenizer", "remembers", "signs"]


def load_tokenizer(place: str) -> Any:
    """The tokenizer of a folder or a hub id; raises `ModelError`."""
    from transformers import AutoTokenizer

    try:
        return AutoTokenizer.from_pretrained(place, local_files_only=Path(place).is_dir(), trust_remote_code=False)
    except LOADING as problem:
        raise ModelError(f"the tokenizer of {place!r} cannot be loaded: {first_line(problem)}") from problem


def load(kind: Any, place: str) -> Any:
    """A whole network of a folder or a hub id, by an auto class; raises `ModelError`, also where it lacks weights."""
    import torch
    from safetensors import SafetensorError

    try:
        module, report = quietly(
            kind.from_pretrained,
            place,
            local_files_only=Path(place).is_dir(),
            trust_remote_code=False,
            dtype=torch.float32,
            output_loading_info=True,
        )
    except (*LOADING, SafetensorError) as problem:
        raise ModelError(f"{place}: the model is missing or damaged: {first_line(problem)}") from problem
    if report["missing_keys"]:
        raise ModelError(f"{place}: the model is damaged: it holds no weights for {min(report['missing_keys'])}")
    return module.eval()


class Signs(NamedTuple):
    """Pieces that end an answer and that fill up what is shorter than others."""

    end: int
    pad: int


def signs(tokenizer: Any) -> Signs:
    """Those of a tokenizer; raises `ConfigError` where it has no sign for an end."""
    end = next((each for each in (tokenizer.eos_token_id, tokenizer.sep_token_id) if each is not None), None)
    if end is None:
        raise ConfigError("the tokenizer has neither an end sign nor a separator: it cannot end an answer")
    return Signs(end, tokenizer.pad_token_id if tokenizer.pad_token_id is not None else end)


def refuse_shape(place: str, options: TextOptions, *names: str) -> None:
    """Raise `ConfigError` for the first of these options, which shape a new network, that is not at its default."""
    for name in names:
        if options.is_changed(name):
            raise ConfigError(f"{name} = {getattr(options, name)!r} means nothing to {place!r}, which is a whole model")


def parts_of(module: Any) -> tuple[Any, ...]:
    """The parts that have tables of pieces of their own."""
    return (module.encoder, module.decoder) if module.config.model_type == "encoder-decoder" else (module,)


def grow(module: Any, vocabulary: Vocabulary) -> None:
    """Give new symbols embeddings: the mean of those of the pieces they would have been written with.

    The layers that score pieces may be other ones after this.
    """
    import torch

    for part in parts_of(module):
        if part.get_input_embeddings().num_embeddings < len(vocabulary):
            quietly(part.resize_token_embeddings, len(vocabulary), mean_resizing=False)
        if getattr(part.config, "vocab_size", 0) < len(vocabulary):
            part.config.vocab_size = len(vocabulary)
        tables: list[Any] = [part.get_input_embeddings(), part.get_output_embeddings()]
        with torch.no_grad():
            for weight in (table.weight for table in tables if table is not None):
                for number, pieces in vocabulary.made_of.items():
                    weight[number] = weight[pieces].mean(0)


def remembers(module: Any) -> str:
    """The name under which the forward pass takes its memory: newer versions of the library say `cache`."""
    return _remembers(type(module))


@cache
def _remembers(kind: type[Any]) -> str:
    return "cache" if "cache" in inspect.signature(kind.forward).parameters else "past_key_values"


def detach_head(module: Any, head: Any) -> Any:
    """The layer that gives each piece its score, taken out of the forward pass while training; None where it cannot be.

    In training it is applied to the places that have a cost, and to the pieces that are asked for, alone.
    """
    shapes = (module.config, module.config.get_text_config(decoder=True), getattr(module.config, "decoder", None))
    if hasattr(module, "final_logits_bias") or any(getattr(each, "final_logit_softcapping", None) for each in shapes):
        return None  # what the module does to scores, it would do to states
    whole = type(head).forward
    head.forward = lambda states: states if head.training else whole(head, states)
    return head


def held_against(head: Any, states: Any, wanted: Any, negatives: int | None) -> tuple[Any, Any]:
    """Scores [places, pieces] of states [places, width], and which of these pieces is the right one [places].

    The pieces are all, or those that are right somewhere in the batch and so many drawn at random.
    """
    import torch

    if negatives is None:
        return torch.nn.functional.linear(states, head.weight, head.bias), wanted
    drawn = torch.randint(len(head.weight), (negatives,), device=wanted.device)
    pieces = torch.unique(torch.cat([wanted, drawn]))
    bias = None if head.bias is None else head.bias[pieces]
    weights = torch.nn.functional.embedding(pieces, head.weight)
    return torch.nn.functional.linear(states, weights, bias), torch.searchsorted(pieces, wanted)
