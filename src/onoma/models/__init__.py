"""Model families by name. Third parties add rows through the entry point group `onoma.models`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from onoma.exceptions import ConfigError
from onoma.settings import first_problem
from onoma.tables import lookup, row_names

if TYPE_CHECKING:
    from onoma.models.base import DocumentModel, FamilyOptions, TagModel

__all__ = [
    "FOREIGN",
    "MODELS",
    "adopt",
    "family",
    "learns",
    "names",
    "only_ours_are_adopted",
    "options",
    "trained_by_gradients",
]

MODELS: dict[str, str] = {
    "bilstm_crf": "onoma.models.bilstm_crf:BilstmCrf",
    "causal_lm": "onoma.models.causal_lm:CausalLM",
    "encoder_tagger": "onoma.models.encoder_tagger:EncoderTagger",
    "external": "onoma.models.external:External",
    "feature_crf": "onoma.models.feature_crf:FeatureCrf",
    "rules": "onoma.models.rules:Rules",
    "seq2seq": "onoma.models.seq2seq:Seq2Seq",
}

OPTIONS: dict[str, str] = {
    "bilstm_crf": "onoma.models.bilstm_crf.options:BilstmCrfOptions",
    "causal_lm": "onoma.models.causal_lm.options:CausalLMOptions",
    "encoder_tagger": "onoma.models.encoder_tagger.options:EncoderTaggerOptions",
    "external": "onoma.models.external.options:ExternalOptions",
    "feature_crf": "onoma.models.feature_crf:FeatureCrfOptions",
    "rules": "onoma.models.rules.options:RulesOptions",
    "seq2seq": "onoma.models.seq2seq.options:Seq2SeqOptions",
}
"""The options of each family, found without importing what the family itself needs."""

FOREIGN: dict[str, str] = {
    "transformers": "onoma.models.encoder_tagger.foreign:adopt",
}
"""Functions that load what other programs saved: from a place (a path or a name) and options to change, a `TagModel`,
or None where that cannot be theirs. Third parties add rows through the entry point group `onoma.foreign`."""


def names() -> tuple[str, ...]:
    """All families that can be named."""
    return row_names(MODELS, "onoma.models")


def family(name: str) -> type[TagModel] | type[DocumentModel]:
    """The class of that family; raises `ConfigError` with the list of names."""
    return lookup(MODELS, name, "model family", "onoma.models")


def learns(name: str) -> bool:
    """Whether that family is trained on labelled documents; raises `ConfigError` with the list of names."""
    return getattr(family(name), "learns", True)


def trained_by_gradients(name: str) -> bool:
    """Whether that family is trained by `onoma.training`; raises `ConfigError` with the list of names."""
    return hasattr(family(name), "examples")


def options(name: str, values: dict[str, Any]) -> FamilyOptions:
    """The checked options of a family; raises `ConfigError` that names the key and what is wrong with it."""
    lookup_name = name if name in names() else None
    if lookup_name is None:
        raise ConfigError(f"model family {name!r} is unknown: one of {', '.join(names())}")
    kind = lookup(OPTIONS, name, "options of model family", "onoma.models.options")
    try:
        return kind(**values)
    except ValidationError as problem:
        raise ConfigError(f"options of {name}: {first_problem(problem, kind)}") from problem


def only_ours_are_adopted() -> bool:
    """Whether nobody else has said how to load what other programs saved."""
    return set(row_names(FOREIGN, "onoma.foreign")) == set(FOREIGN)


def adopt(place: str, overrides: Mapping[str, Any]) -> TagModel | None:
    """The model that another program saved in a place, None where nobody knows it; raises `ModelError`.

    `overrides` are options that say how it predicts; raises `ConfigError` for others.
    """
    for name in row_names(FOREIGN, "onoma.foreign"):
        found = lookup(FOREIGN, name, "loader", "onoma.foreign")(place, overrides)
        if found is not None:
            return found
    return None
