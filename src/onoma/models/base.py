"""What a recognizer asks of a model family, whatever it is made of."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal, NamedTuple, Protocol, Self, runtime_checkable

from pydantic import BaseModel, ConfigDict, Field

from onoma.document import Document, LabelSet, Prediction
from onoma.encodings.automata.base import Automaton, Chance
from onoma.encodings.base import TagAnswer
from onoma.exceptions import ConfigError
from onoma.files import digest
from onoma.generation.greedy import Correction, Counts
from onoma.models.pretrained import resolve
from onoma.schemes import TagSet
from onoma.settings import Settings

__all__ = [
    "DocumentModel",
    "FamilyOptions",
    "Fitted",
    "FromFolder",
    "Question",
    "SelfFitting",
    "Sentences",
    "TagModel",
    "TextAnswer",
    "TextModel",
    "TrainingOptions",
]

Sentences = Sequence[Sequence[str]]
"""The sentences of one document, each a sequence of words (or of their tags)."""


MASK = "***"


class FamilyOptions(Settings):
    """Options of a family."""

    secrets: ClassVar[frozenset[str]] = frozenset()
    """Options whose values no record of a comparison shows; of a table the keys are shown."""
    runtime: ClassVar[frozenset[str]] = frozenset()
    """Options that say how a trained model predicts, not what it is: they may be changed when it is loaded."""

    @classmethod
    def masked(cls, values: Mapping[str, Any]) -> dict[str, Any]:
        """Options as they were given, each value of a secret one as `***`."""
        return {name: _mask(value) if name in cls.secrets else value for name, value in values.items()}

    def recorded(self) -> dict[str, Any]:
        """All options as plain JSON values, secret ones masked: what a record may show."""
        return self.masked(self.model_dump(mode="json"))

    def overridden(self, values: Mapping[str, Any]) -> Self:
        """The same options with some of `runtime` changed; raises `ConfigError` for others and for bad values."""
        for name in values:
            if name not in self.runtime:
                may = f"only {', '.join(sorted(self.runtime))}" if self.runtime else "nothing"
                raise ConfigError(f"{name!r} cannot be changed when a model is loaded: {may} can")
        return type(self).checked({**self.model_dump(), **values}, "load") if values else self

    def located(self, base: Path) -> Self:
        """The same options, their relative paths starting at an absolute folder `base`."""
        del base
        return self

    def depends_on(self) -> tuple[Path, ...]:
        """Files and folders whose content decides what is predicted, beside the saved model itself."""
        return ()

    def look(self, names: Collection[str] | None = None) -> None:
        """Raise `ModelError` where a folder or hub id is not there that an option (one of these names) gives."""

    def content(self) -> tuple[str, ...]:
        """What those hold, as one digest; nothing where there are none. A run is gone on with for the same alone."""
        paths = self.depends_on()
        return (digest(paths),) if paths else ()


def _mask(value: Any) -> Any:
    return dict.fromkeys(value, MASK) if isinstance(value, Mapping) else MASK


class TrainingOptions(FamilyOptions):
    """Settings of gradient training, the same for every family that `onoma.training` trains."""

    epochs: int = Field(5, ge=1)
    """Passes over the training data at most."""
    patience: int = Field(2, ge=1)
    """Stop after so many epochs without a better dev F1 (where there are dev documents)."""
    learning_rate: float = Field(1e-4, gt=0, allow_inf_nan=False)
    """Peak learning rate of pre-trained weights."""
    head_learning_rate: float = Field(1e-3, gt=0, allow_inf_nan=False)
    """Peak learning rate of new weights."""
    layer_decay: float = Field(1.0, gt=0, le=1)
    """Factor on the learning rate from each encoder layer to the one below it; the embeddings come last."""
    weight_decay: float = Field(0.01, ge=0, allow_inf_nan=False)
    """AdamW's decay of matrices (not of biases and norms)."""
    warmup: float = Field(0.1, ge=0, lt=1)
    """Share of the steps in which the learning rate rises; it falls linearly afterwards."""
    batch_tokens: int = Field(1024, ge=1)
    """Pieces in a training batch, about."""
    accumulation: int = Field(1, ge=1)
    """Batches whose gradients make one step; all their words weigh alike, in whichever batch they are."""
    mixed_precision: Literal["no", "bf16", "fp16"] = "no"
    """Run the encoder in 16 bits while training, where the device can; weights and losses keep 32."""
    max_grad_norm: float = Field(1.0, gt=0, allow_inf_nan=False)
    """Gradients are clipped to this norm."""
    keep_checkpoints: bool = False
    """Leave the trainer's resume files in place after a finished run."""


class FromFolder:
    """For options that name a folder or a hub id in the one called `origin`: relative folders, and what they hold."""

    origin: ClassVar[str]

    def located(self, base: Path) -> Self:
        """The same options; a folder below `base` is named by its full path, a hub id stays."""
        options: Any = self
        named = getattr(self, self.origin)
        if named is None or not (base / named).is_dir():
            return self
        return options.model_copy(update={self.origin: os.path.abspath(base / named)})  # noqa: PTH100, keeps links

    def look(self, names: Collection[str] | None = None) -> None:
        """Raise `ModelError` where there is neither such a folder nor such a model on the hub."""
        named = getattr(self, self.origin)
        if named is not None and (names is None or self.origin in names):
            resolve(named)

    def depends_on(self) -> tuple[Path, ...]:
        """The folder, where it is one."""
        named = getattr(self, self.origin)
        folder = None if named is None else Path(named).expanduser()
        return (folder,) if folder is not None and folder.is_dir() else ()


class Fitted(BaseModel):
    """What a training run was like: one row an epoch (or iteration block), and which was kept."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    epochs: float = 0
    best_epoch: float | None = None
    seconds: float = 0
    """Of this run alone; `resumed` says that there was an earlier one."""
    resumed: bool = False
    curve: tuple[dict[str, float], ...] = ()


@runtime_checkable
class TagModel(Protocol):
    """A model of the target shape `TagTargets`: one tag a word of every sentence of a document.

    An attribute `score_meaning` says in one sentence what the scores of its spans are; the saved card names it.
    """

    family: ClassVar[str]
    answers: ClassVar[Literal["tags", "documents", "text"]]
    """What the model answers with: a `TagModel` says "tags", a `DocumentModel` "documents", a `TextModel` "text"."""
    seeded: ClassVar[bool]
    """Whether training depends on the seed at all."""
    options: Any
    tagset: TagSet

    @classmethod
    def create(cls, tagset: TagSet, options: Any, seed: int) -> Self:
        """A new, untrained model."""
        ...

    def predict(self, documents: Sequence[Sentences]) -> list[list[TagAnswer]]:
        """For each document one answer a sentence, one tag a word.

        The answers to a document do not depend on what else is in the call.
        """
        ...

    def save(self, folder: Path) -> None:
        """Write the model's files into an existing folder."""
        ...

    @classmethod
    def load(cls, folder: Path, tagset: TagSet, options: Any) -> Self:
        """The model in a folder; raises `ModelError` where it is damaged."""
        ...


@runtime_checkable
class DocumentModel(Protocol):
    """A model that reads documents and answers with predictions itself, without an encoding: rules, other programs.

    A family that learns nothing from labelled documents says so by a class attribute `learns = False` (see
    `onoma.models.learns`): it needs no training data, and `fit` is not called. One whose calls are costly to begin
    names by a class attribute `look_ahead` how many words a call should get.
    """

    family: ClassVar[str]
    answers: ClassVar[Literal["tags", "documents", "text"]]
    """Always "documents"."""
    seeded: ClassVar[bool]
    """Whether training depends on the seed at all."""
    options: Any
    labels: LabelSet
    """The labels it can predict; empty where they are not known beforehand."""

    @classmethod
    def create(cls, labels: Sequence[str], options: Any, seed: int) -> Self:
        """A new, untrained model; `labels` may be empty."""
        ...

    def fit(self, documents: Sequence[Document]) -> Fitted:
        """Learn from documents with tokens and gold spans; may do nothing."""
        ...

    def predict(self, documents: Sequence[Document]) -> list[Prediction]:
        """One prediction a document, in order and with the same ids; documents have tokens, never spans.

        The result does not depend on what else is in the call.
        """
        ...

    def save(self, folder: Path) -> None:
        """Write the model's files, if it has any, into an existing folder."""
        ...

    @classmethod
    def load(cls, folder: Path, labels: Sequence[str], options: Any) -> Self:
        """The model in a folder; raises `ModelError` where it is damaged."""
        ...


class TextAnswer(NamedTuple):
    """What a text model wrote, whether it came to an end by itself, and what it took where a grammar held it.

    `corrections` are the places at which beams changed their mind; `chance` is the whole answer's probability among all
    that could be written, where several were asked for.
    """

    text: str
    whole: bool = True
    counts: Counts | None = None
    chances: tuple[Chance, ...] = ()
    corrections: tuple[Correction, ...] = ()
    chance: float | None = None


Question = Callable[[int | None], str]
"""A question as it is put in an epoch of training (0, 1, ...) or, with None, at prediction."""


@runtime_checkable
class TextModel(Protocol):
    """A model that reads a question and writes an answer. It knows pieces, never documents.

    It is trained by `onoma.training`. `vocabulary` says what becomes of texts (see `models.text.vocabulary`).
    """

    family: ClassVar[str]
    answers: ClassVar[Literal["tags", "documents", "text"]]
    """Always "text"."""
    seeded: ClassVar[bool]
    """Whether training depends on the seed at all."""
    options: Any
    vocabulary: Any
    source_limit: int
    """Pieces that a question may have, special ones left out."""
    answer_limit: int
    """Pieces that an answer may have, special ones left out."""

    @classmethod
    def create(cls, symbols: Sequence[str], options: Any, seed: int) -> Self:
        """A new, untrained model that writes each symbol as one piece."""
        ...

    def examples(self, questions: Sequence[Question], answers: Sequence[str]) -> list[Any]:
        """What training is given: questions with their right answers."""
        ...

    def predict(self, questions: Sequence[str], limits: Sequence[int]) -> list[TextAnswer]:
        """For each question an answer of at most so many pieces.

        An answer does not depend on what else is in the call.
        """
        ...

    def choose(
        self, questions: Sequence[str], automata: Sequence[Automaton], drafts: Sequence[Sequence[Any]] | None
    ) -> list[TextAnswer]:
        """For each question the answer that it would write if at each place it took the best piece that is legal.

        With `drafts`, which change nothing but the time it takes. Answers do not depend on what else is in the call.
        """
        ...

    def rank(self, questions: Sequence[str], automata: Sequence[Automaton], beams: int) -> list[list[TextAnswer]]:
        """For each question up to so many answers that are legal, the most probable first."""
        ...

    def save(self, folder: Path) -> None:
        """Write the model's files into an existing folder."""
        ...

    @classmethod
    def load(cls, folder: Path, symbols: Sequence[str], options: Any) -> Self:
        """The model in a folder; raises `ModelError` where it is damaged."""
        ...


@runtime_checkable
class SelfFitting(Protocol):
    """A `TagModel` with a trainer of its own; the others are trained by `onoma.training`."""

    def fit(self, documents: Sequence[Sentences], tags: Sequence[Sentences]) -> Fitted:
        """Train on documents and their tags, both by sentence."""
        ...
