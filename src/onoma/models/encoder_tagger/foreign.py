"""Token classifiers that others trained with `transformers`, from a folder or the hub, as encoder taggers."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType
from typing import Any

from onoma.exceptions import ModelError
from onoma.models.encoder_tagger.backbone import load_module, load_tokenizer
from onoma.models.encoder_tagger.model import EncoderTagger
from onoma.models.encoder_tagger.options import EncoderTaggerOptions
from onoma.models.pretrained import LOADING, first_line, look_for, quietly, require_torch
from onoma.schemes import OUTSIDE, SCHEMES, TagSet, split_tag

__all__ = ["adopt", "tagset_of"]

KIND = "ForTokenClassification"
HUB_ID = re.compile(r"(?!\.)[\w.-]+/(?!\.)[\w.-]+", re.ASCII)
PREFIXED = re.compile(r"[BILUMES]-.", re.DOTALL)
UNNAMED = re.compile(r"LABEL_\d+")
READ_AS = ("IO", "BIO", "BIOES", "BILOU", "BMES")
"""Schemes in the order in which they are tried; the first that has most of the tags is taken."""


def adopt(place: str, overrides: Mapping[str, Any] = MappingProxyType({})) -> EncoderTagger | None:
    """The token classifier in a folder or, where there is none, under a hub id; None for what cannot be one.

    Its tags keep their order, and what it lacks stays away. Raises `ModelError` where it cannot be had, is another
    kind of model, or its tags are of no scheme; `MissingExtraError` for a folder without torch.
    """
    folder = Path(place).expanduser()
    local = folder.exists()
    possible = (folder / "config.json").is_file() if local else HUB_ID.fullmatch(place) and find_spec("transformers")
    if not possible:
        return None
    require_torch()
    from onoma.models.encoder_tagger.module import TaggerModule

    source = str(folder) if local else place
    if not local:
        look_for(source)
    config = _config(source, local)
    tagset = tagset_of(_names(source, config), source)
    hf, missing = load_module(source)
    if missing:
        raise ModelError(f"{source}: the model is damaged: it holds no weights for {missing[0]}")
    hf.config.id2label = dict(enumerate(tagset))
    hf.config.label2id = {tag: number for number, tag in enumerate(tagset)}
    module = TaggerModule(hf, word_shape=False, lstm=0, crf=None)
    module.eval()
    options = EncoderTaggerOptions.model_validate({"encoder": source, "word_shape": False}).overridden(overrides)
    return EncoderTagger(tagset, options, load_tokenizer(source), module)


def _config(source: str, local: bool) -> Any:
    from transformers import AutoConfig

    try:
        return quietly(AutoConfig.from_pretrained, source, local_files_only=local, trust_remote_code=False)
    except LOADING as problem:
        why = first_line(problem)
        if local:
            raise ModelError(f"{source}: holds no onoma.json, and its config.json cannot be used: {why}") from problem
        raise ModelError(f"{source}: there is no such model folder, nor can it be had from the hub: {why}") from problem


def _names(source: str, config: Any) -> list[str]:
    """The names of the model's outputs in order."""
    kinds = getattr(config, "architectures", None) or ["an unnamed kind"]
    if not any(kind.endswith(KIND) for kind in kinds):
        raise ModelError(
            f"{source}: holds no onoma.json and is no token classifier but {kinds[0]}: train a recognizer on it first "
            "(option 'encoder' of encoder_tagger)"
        )
    try:
        return [str(config.id2label[number]) for number in range(len(config.id2label))]
    except KeyError as problem:
        raise ModelError(f"{source}: config.json does not name tag {problem} in id2label") from problem


def tagset_of(names: Sequence[str], source: str = "config.json") -> TagSet:
    """The tags that a model's outputs are called by, in their order, with the scheme they are of.

    Bare labels ("PER") are tags of IO. `B-` and `I-` are BIO, but for a model with a label that has no `B-` beside
    others that have one: only IOB1 can begin it. Raises `ModelError`, in the name of `source`, for tags without "O",
    unnamed or repeated ones, and such as do not go together.
    """
    unnamed = [name for name in names if UNNAMED.fullmatch(name)]
    if unnamed:
        raise ModelError(
            f"{source}: the tags are called {_listed(unnamed)}: write what they mean into id2label of config.json, "
            'such as {"0": "O", "1": "B-PER"}'
        )
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise ModelError(f"{source}: id2label of config.json names {_listed(twice)} twice")
    inside = [name for name in names if name != OUTSIDE]
    if not inside or len(inside) == len(names):
        raise ModelError(f"{source}: finds no names in text: its tags are {_listed(names)}, which need 'O' and others")
    bare = [name for name in inside if not PREFIXED.match(name)]
    read = {
        scheme: [name for name in inside if PREFIXED.match(name) and name[0] in SCHEMES[scheme].prefixes]
        for scheme in READ_AS
    }
    best = max(read, key=lambda scheme: len(read[scheme]))
    if len(bare) > len(read[best]):
        best, fitting = "IO", bare
        tags = [name if name == OUTSIDE else f"I-{name}" for name in names]
    else:
        fitting, tags = read[best], list(names)
    odd = [name for name in inside if name not in fitting]
    if odd:
        raise ModelError(
            f"{source}: the tags {_listed(odd)} do not go with {_listed(fitting)}: {', '.join(SCHEMES)} are known"
        )
    if best == "BIO":
        begun, gone_on = ({split_tag(name)[1] for name in inside if name[0] == prefix} for prefix in "BI")
        best = "IOB1" if gone_on - begun else "BIO"
    return TagSet(SCHEMES[best], tags)


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(repr(name) for name in names[:5])
    return f"{shown} ..." if len(names) > 5 else shown
