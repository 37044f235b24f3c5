"""Recognizer = encoding + model (+ splitter): train it on documents, predict, save, load. Any family, one interface.

A model that reads documents and answers with predictions itself (`DocumentModel`) has no encoding.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from onoma import datasets, encodings, models, progress, schemes, tokenization
from onoma.document import Document, LabelSet, Prediction
from onoma.exceptions import ConfigError, DataError, ModelError
from onoma.files import claim_folder, replacing_folder
from onoma.models.base import DocumentModel, Fitted, SelfFitting, Sentences, TagModel

if TYPE_CHECKING:
    from onoma.encodings import TagEncoding

__all__ = ["Recognizer"]

CARD = "onoma.json"
LOOK_AHEAD = 20_000
"""Words that `pipe` reads before it predicts, so that batches can be sorted by length in bounded memory."""

TAG_SETTINGS = {"scheme": "BIO", "repair": "conlleval", "on_misaligned": "error"}
NOTHING = "there is nothing to train on: no document has a word"


class Recognizer:
    """Finds names in text: the encoding asks, the model answers, the encoding reads the answer."""

    def __init__(
        self,
        encoding: TagEncoding | None,
        model: TagModel | DocumentModel,
        splitter: str = "unicode",
        trained: dict[str, Any] | None = None,
    ):
        tokenization.get(splitter)
        if (encoding is None) != (model.answers == "documents"):
            raise ConfigError(f"a model that answers with {model.answers} takes {'no' if encoding else 'an'} encoding")
        self.encoding = encoding
        self.model = model
        self.splitter = splitter
        self.trained = trained or {}

    @classmethod
    def create(
        cls,
        family: str,
        labels: Iterable[str],
        *,
        options: dict[str, Any] | None = None,
        scheme: str = "BIO",
        repair: schemes.Repair = "conlleval",
        on_misaligned: str = "error",
        splitter: str = "unicode",
        seed: int = 1,
    ) -> Recognizer:
        """An untrained recognizer of a family for some labels; raises `ConfigError` for what is unknown.

        Families that answer without tags take no tag settings, and need no labels.
        """
        labels = LabelSet(labels)
        if any("\0" in label for label in labels):
            raise ConfigError("a label holds a zero character, which no model file can keep")
        if not 0 <= seed < 2**32:
            raise ConfigError(f"seed {seed} is no number from 0 to {2**32 - 1}")
        checked = models.options(family, options or {})
        kind: Any = models.family(family)
        if kind.answers == "documents":
            given = {"scheme": scheme, "repair": repair, "on_misaligned": on_misaligned}
            for name, value in given.items():
                if value != TAG_SETTINGS[name]:
                    raise ConfigError(f"{name} = {value!r} means nothing to {family}, which answers without tags")
            return cls(None, kind.create(labels, checked, seed), splitter)
        if not labels:
            raise ConfigError("there are no labels to learn: the training documents have no span")
        encoding = encodings.get("tags", labels, scheme=scheme, repair=repair, on_misaligned=on_misaligned)
        return cls(encoding, kind.create(schemes.get(scheme).tagset(labels), checked, seed), splitter)

    @property
    def family(self) -> str:
        """The name of the model's family."""
        return self.model.family

    @property
    def labels(self) -> LabelSet:
        """The labels it can predict; empty where a family does not know them beforehand."""
        return cast("DocumentModel", self.model).labels if self.encoding is None else self.encoding.labels

    # ------------------------------------------------------------------ fit

    def fit(
        self,
        train: Sequence[Document],
        dev: Sequence[Document] | None = None,
        *,
        folder: str | Path | None = None,
        seed: int = 1,
    ) -> Fitted:
        """Train on `train`; `dev`, scored by the evaluation's own matcher, chooses the epoch. No other data is seen.

        Resume files go under `folder/checkpoints` (a temporary folder where None). Raises `MisalignedSpansError` where
        the encoding cannot write gold spans and was not told to expand or drop them. Nothing happens where the family
        learns nothing.
        """
        if not getattr(self.model, "learns", True):
            return Fitted()
        if self.encoding is None:
            split = [tokenization.split(document, self.splitter) for document in train]
            sentences, lost = sum(1 for document in split for words in document.sentence_words() if words), 0
            if not sentences:
                raise DataError(NOTHING)
            fitted = cast("DocumentModel", self.model).fit(split)
        else:
            words, tags, lost = self._targets(self.encoding, train)
            sentences = sum(map(len, words))
            model: Any = self.model
            if isinstance(model, SelfFitting):
                fitted = model.fit(words, tags)
            else:
                fitted = self._train(self.encoding, words, tags, dev, folder, seed)
        record: dict[str, Any] = {"documents": len(train), "sentences": sentences, "lost_spans": lost}
        self.trained = {
            "seed": seed,
            "train": {**record, "fingerprint": datasets.fingerprint(train)},
            "dev": None,
            "fitted": {"epochs": fitted.epochs, "best_epoch": fitted.best_epoch},  # no clock: same run, same bytes
        }
        if dev and fitted.best_epoch is not None:
            self.trained["dev"] = {
                "documents": len(dev),
                "used_for": "choice of epoch",
                "fingerprint": datasets.fingerprint(dev),
            }
        return fitted

    def _targets(
        self, encoding: TagEncoding, documents: Sequence[Document]
    ) -> tuple[list[Sentences], list[Sentences], int]:
        """Words and tags of the sentences that have any, by document; documents without words are left out."""
        words: list[Sentences] = []
        tags: list[Sentences] = []
        lost = 0
        for document in documents:
            targets = encoding.encode(tokenization.split(document, self.splitter))
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

    def _train(
        self,
        encoding: TagEncoding,
        words: Sequence[Sentences],
        tags: Sequence[Sentences],
        dev: Sequence[Document] | None,
        folder: str | Path | None,
        seed: int,
    ) -> Fitted:
        from onoma.training.trainer import train

        model: Any = self.model
        examples = model.examples(words, tags)
        validate = None
        if dev:
            gold = [tokenization.split(document, self.splitter) for document in dev]
            validate = lambda: self._dev_f1(gold)  # noqa: E731
        parts = (encoding.settings(), self.splitter, model.options, seed, words, tags)
        fingerprint = datasets.fingerprint(dev or ())
        key = hashlib.sha256(repr((*parts, fingerprint)).encode()).hexdigest()
        with tempfile.TemporaryDirectory() as scratch:
            return train(model, examples, model.options, Path(folder or scratch), seed, validate, key=key)

    def _dev_f1(self, gold: Sequence[Document]) -> float:
        from onoma.evaluation import strict_f1

        return strict_f1(gold, self.predict(gold))

    # ------------------------------------------------------------------ predict

    def predict(self, inputs: Iterable[str | Document]) -> list[Prediction]:
        """One prediction for each text or document, in order; texts are named "0", "1", ..."""
        return list(self.pipe(inputs))

    def pipe(self, inputs: Iterable[str | Document], look_ahead: int | None = None) -> Iterator[Prediction]:
        """Predictions of a stream in its order; reads about `look_ahead` words before it answers.

        By default 20,000, or as many as the family asks for because its calls are costly to begin.
        """
        for _, prediction in self.pipe_documents(inputs, look_ahead):
            yield prediction

    def pipe_documents(
        self, inputs: Iterable[str | Document], look_ahead: int | None = None
    ) -> Iterator[tuple[Document, Prediction]]:
        """As `pipe`, each prediction with the document it was made for, tokens and sentences filled in."""
        enough = look_ahead or getattr(self.model, "look_ahead", LOOK_AHEAD)
        waiting: list[Document] = []
        words = 0
        for number, item in enumerate(inputs):
            document = Document(str(number), item) if isinstance(item, str) else item
            waiting.append(tokenization.split(document, self.splitter))
            words += max(1, len(waiting[-1].tokens))
            if words >= enough:
                yield from zip(waiting, self._answer(waiting), strict=True)
                waiting, words = [], 0
        yield from zip(waiting, self._answer(waiting), strict=True)

    def _answer(self, documents: Sequence[Document]) -> Iterator[Prediction]:
        if self.encoding is None:
            blank = [document.with_spans(()) if document.spans else document for document in documents]
            yield from cast("DocumentModel", self.model).predict(blank) if blank else ()
            return
        answers = cast("TagModel", self.model).predict([list(document.sentence_words()) for document in documents])
        for document, tags in zip(documents, answers, strict=True):
            yield self.encoding.decode(document, tags)

    # ------------------------------------------------------------------ files

    def save(self, folder: str | Path) -> None:
        """Write a self-contained folder (safetensors and JSON); it appears whole or not at all."""
        from onoma.version import __version__

        card = {
            "onoma": __version__,
            "format": 1,
            "family": self.family,
            **self._asked(),
            "splitter": self.splitter,
            "options": self.model.options.model_dump(mode="json"),
            "trained": self.trained,
        }
        meaning = getattr(self.model, "score_meaning", None)
        if meaning is not None:
            card["score"] = meaning
        self.claim(folder)
        with replacing_folder(Path(folder), keep="checkpoints") as scratch:
            self.model.save(scratch)
            card["files"] = sorted(each.name for each in scratch.iterdir())
            text = json.dumps(card, ensure_ascii=False, indent=2) + "\n"
            (scratch / CARD).write_text(text, encoding="utf-8", newline="\n")

    def _asked(self) -> dict[str, Any]:
        """What the card says of the encoding, or of the labels where there is none."""
        if self.encoding is None:
            return {"encoding": None, "labels": list(self.labels)}
        asked: dict[str, Any] = {"encoding": {"name": self.encoding.name, **self.encoding.settings()}}
        tags = cast("TagModel", self.model).tagset
        if tags != tags.scheme.tagset(self.labels):
            asked["tags"] = list(tags)  # a model from elsewhere has an order of its own, and may lack some
        return asked

    @staticmethod
    def claim(folder: str | Path) -> None:
        """Raise `ConfigError` where a folder holds anything but a saved recognizer or an unfinished one.

        Saving replaces a whole folder, so nothing else may be in it. Also raised where it cannot be written.
        """
        folder = Path(folder)
        claim_folder(folder, "a recognizer", {"checkpoints", "curve.json", "curve.svg", CARD, *_written(folder)})

    @classmethod
    def load(cls, folder: str | Path, **overrides: Any) -> Recognizer:
        """The recognizer of a saved folder; nothing outside it is read. Raises `ModelError`.

        A folder or hub id of a token classifier that others trained with `transformers` does as well. `overrides`
        are options that say how it predicts, such as `precision="bf16"`; raises `ConfigError` for others.
        """
        place = folder if isinstance(folder, str) else folder.as_posix()
        folder = Path(folder)
        if not (folder / CARD).exists():
            adopted = models.adopt(place, overrides)
            if adopted is not None:
                labels = {schemes.split_tag(tag)[1] for tag in adopted.tagset if tag != schemes.OUTSIDE}
                return cls(encodings.get("tags", labels, scheme=adopted.tagset.scheme.name), adopted)
        card = _card(folder)
        try:
            kind: Any = models.family(card["family"])
            options = models.options(card["family"], card["options"])
            if kind.answers == "documents":
                if not isinstance(card["labels"], list):
                    raise TypeError("'labels' is not a list")
                encoding, names = None, [str(label) for label in card["labels"]]
            else:
                settings = dict(card["encoding"])
                encoding = encodings.get(settings.pop("name"), settings.pop("labels"), **settings)
                names = schemes.get(settings["scheme"]).tagset(encoding.labels)
                if "tags" in card:
                    names = schemes.TagSet(names.scheme, [names[names.index(tag)] for tag in card["tags"]])
            splitter, trained = card["splitter"], card.get("trained")
            tokenization.get(splitter)
        except (KeyError, TypeError, ValueError, AttributeError) as problem:
            raise ModelError(f"{folder / CARD}: damaged: {problem!r}") from problem
        except ConfigError as problem:
            raise ModelError(f"{folder / CARD}: {problem}") from problem
        model = kind.load(folder, names, options.overridden(overrides))
        return cls(encoding, model, splitter, trained)


def _written(folder: Path) -> list[str]:
    """The files that a saved recognizer says it wrote; none where there is no card that can be read."""
    try:
        card = json.loads((folder / CARD).read_text(encoding="utf-8"))
        return [str(name) for name in card["files"]]
    except (OSError, ValueError, KeyError, TypeError):
        return []


def _card(folder: Path) -> dict[str, Any]:
    if not folder.exists():
        raise ModelError(f"{folder}: there is no such model folder")
    if not folder.is_dir():
        raise ModelError(f"{folder}: a saved model is a folder, this is a file")
    try:
        card = json.loads((folder / CARD).read_text(encoding="utf-8"))
    except FileNotFoundError as problem:
        raise ModelError(f"{folder}: holds no {CARD}, so it is no saved recognizer") from problem
    except (OSError, ValueError) as problem:
        raise ModelError(f"{folder / CARD}: cannot be read: {problem}") from problem
    if not isinstance(card, dict) or card.get("format") != 1:
        raise ModelError(f"{folder / CARD}: written in a format this version of onoma does not know")
    return card
