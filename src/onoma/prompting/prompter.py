"""Exchanges as questions to a model: what it is told beside the text."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Self

from onoma.encodings.base import Exchange
from onoma.exceptions import ConfigError
from onoma.prompting.demonstrations import Demonstration, Demonstrations, Embed, demonstrations
from onoma.prompting.labels import LabelDefinition, definitions
from onoma.prompting.settings import PromptSettings
from onoma.prompting.templates import FIELD, Template, filled, task, template

__all__ = ["Prompter"]


class Prompter:
    """Puts the exchanges of one encoding as questions, by settings and, where these ask for any, demonstrations."""

    def __init__(
        self,
        settings: PromptSettings,
        encoding: Any,
        layout: Template | None = None,
        defined: Mapping[str, LabelDefinition] | None = None,
    ) -> None:
        """`layout` and `defined` are used where given, whatever the settings name; raises `ConfigError`."""
        for label in settings.other_labels:
            if label in encoding.labels:
                raise ConfigError(f"other_labels: {label!r} is one of the labels")
        self.settings = settings
        self.encoding = encoding
        self.template: Template = layout or template(settings.template)
        if not encoding.by_type and "{kind}" in self.template.head + self.template.question:
            raise ConfigError(
                f"the template asks for one kind of names, {{kind}}; {encoding.name} asks for all at once"
            )
        if layout is None:
            self._refuse_what_is_not_asked()
        labels = [*encoding.labels, *settings.other_labels]
        if defined is not None:
            self.definitions = {label: defined[label] for label in labels}
        elif settings.labels == "tags":
            self.definitions = {label: LabelDefinition(label, "") for label in labels}
        else:
            self.definitions = definitions(labels, settings.corpus, settings.definitions)
        self.demonstrations: Demonstrations | None = None

    def _refuse_what_is_not_asked(self) -> None:
        """Raise `ConfigError` for a setting of labels where no question of the template shows them."""
        if "{labels}" in self._parts():
            return
        named = () if self.encoding.by_type else ("labels", "definitions", "corpus")
        for name in (*named, "shuffle_labels", "other_labels"):
            if self.settings.is_changed(name):
                lacks = f"the template {self.settings.template!r} lists no labels, {{labels}}"
                raise ConfigError(f"prompt.{name} changes nothing: {lacks}")

    def _parts(self) -> str:
        """All that questions are put together from."""
        parts = "".join(self.template)
        return parts + (task(self.encoding.name) if "{task}" in parts else "")

    @property
    def names_labels(self) -> bool:
        """Whether questions say which labels are asked for."""
        parts = self._parts()
        return "{labels}" in parts or (self.encoding.by_type and "{kind}" in parts)

    def state(self) -> dict[str, Any]:
        """All that questions are made of but demonstrations, as plain JSON values: no file is needed any more."""
        settings = self.settings.model_copy(update={"definitions": None, "retriever": None})
        defined = {label: list(each) for label, each in self.definitions.items()}
        return {"settings": settings.model_dump(mode="json"), "layout": self.template._asdict(), "definitions": defined}

    @classmethod
    def restored(cls, state: Mapping[str, Any], encoding: Any) -> Self:
        """From what `state` gave; raises `ConfigError`, or what a damaged one leads to."""
        settings = PromptSettings.checked(state["settings"], "prompt")
        defined = {label: LabelDefinition(*each) for label, each in state["definitions"].items()}
        return cls(settings, encoding, Template(**state["layout"]), defined)

    def asking(self, encoding: Any) -> Self:
        """The same questions for an encoding of other labels; those that are known here keep their definitions."""
        labels = [*encoding.labels, *(label for label in self.settings.other_labels if label not in encoding.labels)]
        others = [label for label in labels if label not in self.definitions]
        defined = dict(self.definitions)
        if self.settings.labels == "tags":
            defined |= {label: LabelDefinition(label, "") for label in others}
        elif others:
            defined |= definitions(others, self.settings.corpus)
        kept = tuple(label for label in self.settings.other_labels if label not in encoding.labels)
        settings = self.settings.model_copy(update={"other_labels": kept})
        made = type(self)(settings, encoding, self.template, defined)
        made.demonstrations = self.demonstrations
        return made

    @property
    def wants_pool(self) -> bool:
        """Whether worked examples are asked for."""
        return self.settings.demonstrations != "none"

    def learn(self, exchanges: Iterable[Exchange | Demonstration], embed: Embed | None = None) -> None:
        """Take exchanges with completions, or demonstrations, as the pool of worked examples."""
        pool = (
            each if isinstance(each, Demonstration) else Demonstration(each.source, each.completion, each.type)
            for each in exchanges
        )
        self.demonstrations = demonstrations(self.settings.demonstrations, pool, embed)

    def prepare(self, exchanges: Iterable[Exchange]) -> None:
        """Be told which exchanges will be asked about, where that makes it faster."""
        if self.demonstrations is not None:
            self.demonstrations.prepare([each.source for each in exchanges])

    def question(self, exchange: Exchange, epoch: int | None = None, fits: Callable[[str], bool] | None = None) -> str:
        """The question; of the demonstrations, the last ones that fit.

        In training, what is drawn depends on the epoch (0, 1, ...); at prediction nothing is drawn but random
        demonstrations, and these only once.
        """
        chosen: list[Demonstration] = []
        if self.demonstrations is not None:
            chosen = self.demonstrations.choose(
                exchange.source, exchange.type, self.settings.shots, epoch or 0, self.encoding.labels
            )
        order = self._order(exchange, epoch)
        while True:
            text = self._written(exchange, chosen, order)
            if not chosen or fits is None or fits(text):
                return text
            chosen = chosen[1:]

    @property
    def words(self) -> str:
        """All that questions say beside texts and answers."""
        empty = Exchange("", "", (0, 0), next(iter(self.definitions)) if self.encoding.by_type else None)
        shown = [Demonstration("", "", empty.type)] if self.wants_pool else []
        return FIELD.sub("", self._written(empty, shown, list(self.definitions)))

    def _order(self, exchange: Exchange, epoch: int | None) -> list[str]:
        labels = list(self.definitions)
        if self.settings.shuffle_labels and epoch is not None:
            mark = f"{epoch} {exchange.type} {exchange.source}".encode("utf-8", "surrogatepass")
            random.Random(hashlib.sha256(mark).digest()).shuffle(labels)
        return labels

    def _written(self, exchange: Exchange, shown: Sequence[Demonstration], order: Sequence[str]) -> str:
        made = self.template
        values = {"labels": self._labels(order)}
        if exchange.type is not None:
            values["kind"] = self.definitions[exchange.type].name
        values["task"] = filled(task(self.encoding.name), values)
        parts = [
            self._asked(each.source, values) + filled(made.answer, values | {"answer": each.answer}) for each in shown
        ]
        return filled(made.head, values) + made.between.join([*parts, self._asked(exchange.source, values)])

    def _asked(self, source: str, values: dict[str, str]) -> str:
        kind = filled(self.template.kind, values) if "kind" in values else ""
        return kind + filled(self.template.question, values | {"source": source})

    def _labels(self, order: Sequence[str]) -> str:
        if self.settings.labels == "definitions":
            return "".join(f"\n- {self._named(label)}: {self.definitions[label].text}".rstrip(": ") for label in order)
        return ", ".join(map(self._named, order))

    def _named(self, label: str) -> str:
        name = self.definitions[label].name
        return label if name == label else f"{label} ({name})"
