"""What a new recognizer is made of, checked as a whole before a model is made."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from onoma import models, tokenization
from onoma.asked import AskedSettings
from onoma.document import LabelSet
from onoma.exceptions import ConfigError
from onoma.recognizer.joints import JOINTS, Joint
from onoma.tables import lookup

__all__ = ["Parts", "check", "joint_of", "settled"]


class Parts(NamedTuple):
    """The joint's class, and what its `create` takes but the seed."""

    joint: type[Joint]
    kind: Any
    labels: LabelSet
    options: Any
    asked: AskedSettings


def joint_of(model: Any) -> type[Joint]:
    """The kind of joint for a model or a family's class."""
    return lookup(JOINTS, model.answers, "kind of answers", "onoma.joints")


def settled(
    family: str, labels: Iterable[str], options: dict[str, Any], asked: Mapping[str, Any], splitter: str
) -> Parts:
    """The parts by their names and values; raises `ConfigError` for what is unknown."""
    labels = LabelSet(labels)
    if any("\0" in label for label in labels):
        raise ConfigError("a label holds a zero character, which no model file can keep")
    tokenization.get(splitter)
    checked = models.options(family, options)
    kind: Any = models.family(family)
    if kind.answers != "documents" and not labels:
        raise ConfigError("there are no labels to learn: the training documents have no span")
    return Parts(joint_of(kind), kind, labels, checked, AskedSettings.checked(dict(asked), family))


def check(family: str, labels: Iterable[str], options: dict[str, Any], splitter: str, **asked: Any) -> None:
    """Raise the `ConfigError` or `ModelError` that `Recognizer.create` would, without making a model."""
    parts = settled(family, labels, options, asked, splitter)
    parts.joint.check(*parts[1:])
    parts.options.look()
