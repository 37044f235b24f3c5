"""What a recognizer asks of the joint between an encoding and a model, whatever the model answers with."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, Self

from onoma.asked import AskedSettings
from onoma.document import Document, LabelSet, Prediction
from onoma.models.base import Fitted

if TYPE_CHECKING:
    from onoma.analysis.confidence import ScoreKind

__all__ = ["JOINTS", "NOTHING", "Joint", "Learnt"]

JOINTS: dict[str, str] = {
    "documents": "onoma.recognizer.documents:DocumentJoint",
    "tags": "onoma.recognizer.tags:TagJoint",
    "text": "onoma.recognizer.text:TextJoint",
}
"""By what a model answers with."""

NOTHING = "there is nothing to train on: no document has a word"


class Learnt(NamedTuple):
    """A training run, and what of the documents it saw: sentences with a word, and spans that could not be written."""

    fitted: Fitted
    sentences: int
    lost: int


class Joint(Protocol):
    """An encoding and a model of one target shape."""

    def __init__(self, encoding: Any, model: Any) -> None: ...

    encoding: Any
    """None where a model reads documents itself."""
    model: Any

    @property
    def labels(self) -> LabelSet:
        """The labels it can predict."""
        ...

    @property
    def score_kind(self) -> ScoreKind:
        """What the scores of its spans are: probabilities, numbers that only rank them, or nothing."""
        ...

    @classmethod
    def create(cls, kind: Any, labels: LabelSet, options: Any, asked: AskedSettings, seed: int) -> Self:
        """With a new model of a family's class; raises `ConfigError`."""
        ...

    @classmethod
    def check(cls, kind: Any, labels: LabelSet, options: Any, asked: AskedSettings) -> None:
        """Raise `ConfigError` for what `create` would refuse without making a model."""
        ...

    @classmethod
    def told(cls, card: Mapping[str, Any]) -> Any:
        """What `load` needs of a card; raises `ConfigError`, or whatever a damaged card leads to."""
        ...

    @classmethod
    def load(cls, kind: Any, folder: Path, told: Any, options: Any) -> Self:
        """With the model in a folder; raises `ModelError`."""
        ...

    def fit(
        self,
        documents: Sequence[Document],
        validate: Callable[[], float] | None,
        folder: Path,
        seed: int,
        key: Sequence[Any],
    ) -> Learnt:
        """Train on documents with tokens; `key` is what the joint does not know and the run depends on.

        Raises `DataError` where no document has a word.
        """
        ...

    def answer(self, documents: Sequence[Document]) -> Iterator[Prediction]:
        """One prediction a document, in order; documents have tokens."""
        ...

    def card(self) -> dict[str, Any]:
        """What a saved recognizer says of the encoding and the labels, as plain JSON values."""
        ...

    def save(self, folder: Path) -> None:
        """Write the model's files into an existing folder."""
        ...
