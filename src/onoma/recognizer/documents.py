"""Models that read documents and answer with predictions themselves: there is no encoding."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from onoma.asked import AskedSettings
from onoma.document import Document, LabelSet, Prediction
from onoma.exceptions import ConfigError, DataError
from onoma.models.base import DocumentModel
from onoma.recognizer.joints import NOTHING, Learnt

if TYPE_CHECKING:
    from onoma.analysis.confidence import ScoreKind

__all__ = ["DocumentJoint"]


class DocumentJoint:
    """Hands documents over, without their gold."""

    def __init__(self, encoding: Any, model: DocumentModel) -> None:
        if encoding is not None:
            raise ConfigError("a model that answers with documents takes no encoding")
        self.encoding = None
        self.model = model

    @property
    def labels(self) -> LabelSet:
        """The labels the model knows beforehand; perhaps none."""
        return self.model.labels

    @property
    def score_kind(self) -> ScoreKind:
        """Numbers that only rank, unless the family says otherwise by `score_kind`: nothing is known of them."""
        return getattr(self.model, "score_kind", "margin")

    @classmethod
    def create(cls, kind: Any, labels: LabelSet, options: Any, asked: AskedSettings, seed: int) -> Self:
        """A new model; raises `ConfigError` for settings of tags."""
        cls.check(kind, labels, options, asked)
        return cls(None, kind.create(labels, options, seed))

    @classmethod
    def check(cls, kind: Any, labels: LabelSet, options: Any, asked: AskedSettings) -> None:
        """Raise `ConfigError` for settings of tags."""
        del labels, options
        asked.refuse(kind.family, "which answers without tags")

    @classmethod
    def told(cls, card: Mapping[str, Any]) -> list[str]:
        """The labels."""
        if not isinstance(card["labels"], list):
            raise TypeError("'labels' is not a list")
        return [str(label) for label in card["labels"]]

    @classmethod
    def load(cls, kind: Any, folder: Path, told: list[str], options: Any) -> Self:
        """The model in a folder."""
        return cls(None, kind.load(folder, told, options))

    def fit(
        self,
        documents: Sequence[Document],
        validate: Callable[[], float] | None,
        folder: Path,
        seed: int,
        key: Sequence[Any],
    ) -> Learnt:
        """Let the model learn from the documents."""
        del validate, folder, seed, key
        sentences = sum(1 for document in documents for words in document.sentence_words() if words)
        if not sentences:
            raise DataError(NOTHING)
        return Learnt(self.model.fit(documents), sentences, 0)

    def answer(self, documents: Sequence[Document]) -> Iterator[Prediction]:
        """The model's own predictions."""
        blank = [document.with_spans(()) if document.spans else document for document in documents]
        yield from self.model.predict(blank) if blank else ()

    def card(self) -> dict[str, Any]:
        """The labels."""
        return {"encoding": None, "labels": list(self.labels)}

    def save(self, folder: Path) -> None:
        """Write the model's files."""
        self.model.save(folder)
