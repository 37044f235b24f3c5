"""Models that give one tag a word."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from onoma import encodings, progress, schemes
from onoma.asked import AskedSettings
from onoma.document import Document, LabelSet, Prediction
from onoma.encodings import TagEncoding
from onoma.encodings.base import TagAnswer
from onoma.exceptions import ConfigError, DataError
from onoma.models.base import SelfFitting, Sentences, TagModel
from onoma.recognizer.joints import NOTHING, Learnt

if TYPE_CHECKING:
    from onoma.analysis.confidence import ScoreKind

__all__ = ["TagJoint"]


class TagJoint:
    """Puts words to the model, sentence by sentence, and its tags to the encoding."""

    def __init__(self, encoding: TagEncoding | None, model: TagModel) -> None:
        if encoding is None:
            raise ConfigError("a model that answers with tags takes an encoding")
        self.encoding = encoding
        self.model = model

    @property
    def labels(self) -> LabelSet:
        """The encoding's labels."""
        return self.encoding.labels

    @property
    def score_kind(self) -> ScoreKind:
        """Taggers give the probability of a span's tags, unless the family says otherwise by `score_kind`."""
        return getattr(self.model, "score_kind", "probability")

    @classmethod
    def create(cls, kind: Any, labels: LabelSet, options: Any, asked: AskedSettings, seed: int) -> Self:
        """A new model for the tags of a scheme."""
        encoding = cls._settled(kind, labels, asked)
        return cls(encoding, kind.create(schemes.get(asked.scheme).tagset(labels), options, seed))

    @classmethod
    def check(cls, kind: Any, labels: LabelSet, options: Any, asked: AskedSettings) -> None:
        """Raise `ConfigError` for settings of text, and for a scheme that there is not."""
        del options
        cls._settled(kind, labels, asked)

    @classmethod
    def _settled(cls, kind: Any, labels: LabelSet, asked: AskedSettings) -> TagEncoding:
        if asked.encoding != "tags":
            asked.refuse(kind.family, "which answers with tags", "encoding")
        asked.refuse(kind.family, "which answers with tags", "encoding_options", "prompt")
        return encodings.get("tags", labels, **asked.of_tags())

    @classmethod
    def told(cls, card: Mapping[str, Any]) -> tuple[TagEncoding, schemes.TagSet]:
        """The encoding, and its tags in the model's order."""
        settings = dict(card["encoding"])
        encoding = encodings.get(settings.pop("name"), settings.pop("labels"), **settings)
        tags = schemes.get(settings["scheme"]).tagset(encoding.labels)
        if "tags" in card:
            tags = schemes.TagSet(tags.scheme, [tags[tags.index(tag)] for tag in card["tags"]])
        return encoding, tags

    @classmethod
    def load(cls, kind: Any, folder: Path, told: tuple[TagEncoding, schemes.TagSet], options: Any) -> Self:
        """The model in a folder."""
        encoding, tags = told
        return cls(encoding, kind.load(folder, tags, options))

    def fit(
        self,
        documents: Sequence[Document],
        validate: Callable[[], float] | None,
        folder: Path,
        seed: int,
        key: Sequence[Any],
    ) -> Learnt:
        """Train by the model's own trainer where it has one, else by gradients."""
        words, tags, lost = self._targets(documents)
        model: Any = self.model
        if isinstance(model, SelfFitting):
            fitted = model.fit(words, tags)
        else:
            from onoma.training.trainer import train

            first, *rest = key
            parts = (self.encoding.settings(), first, model.options, seed, words, tags, *rest)
            parts += model.options.content()
            name = hashlib.sha256(repr(parts).encode("utf-8", "surrogatepass")).hexdigest()
            fitted = train(model, model.examples(words, tags), model.options, folder, seed, validate, key=name)
        return Learnt(fitted, sum(map(len, words)), lost)

    def _targets(self, documents: Sequence[Document]) -> tuple[list[Sentences], list[Sentences], int]:
        """Words and tags of the sentences that have any, by document; documents without words are left out."""
        words: list[Sentences] = []
        tags: list[Sentences] = []
        lost = 0
        for document in documents:
            targets = self.encoding.encode(document)
            lost += len(targets.losses)
            kept = [number for number, sentence in enumerate(targets.sentences) if sentence]
            if kept:
                words.append([targets.sentences[number] for number in kept])
                tags.append([targets.tags[number] for number in kept])
        if not words:
            raise DataError(NOTHING)
        if lost:
            progress.say(
                f"{lost:,} gold spans cannot be written as tags and are not learnt (they still count in scores)"
            )
        return words, tags, lost

    def answer(self, documents: Sequence[Document]) -> Iterator[Prediction]:
        """Tags as spans."""
        for document, answers in zip(documents, self._answers(documents), strict=True):
            yield self.encoding.decode(document, answers)

    def draft(self, documents: Sequence[Document]) -> Iterator[Prediction]:
        """The same without scores, which are not computed."""
        for document, answers in zip(documents, self._answers(documents), strict=True):
            yield self.encoding.decode(document, [answer.tags for answer in answers])

    def _answers(self, documents: Sequence[Document]) -> Sequence[Sequence[TagAnswer]]:
        return self.model.predict([list(document.sentence_words()) for document in documents])

    def card(self) -> dict[str, Any]:
        """The encoding's settings, and the tags where they are not as their scheme would have them."""
        asked: dict[str, Any] = {"encoding": {"name": self.encoding.name, **self.encoding.settings()}}
        tags = self.model.tagset
        if tags != tags.scheme.tagset(self.labels):
            asked["tags"] = list(tags)  # a model from elsewhere has an order of its own, and may lack some
        return asked

    def save(self, folder: Path) -> None:
        """Write the model's files."""
        self.model.save(folder)
