"""The recognizer: the joint of encoding and model, with a splitter for raw text and a card that says what it is."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from onoma import datasets, encodings, models, progress, schemes, tokenization
from onoma.document import Document, LabelSet, Prediction, Span
from onoma.environment import environment
from onoma.exceptions import ConfigError, ModelError
from onoma.files import claim_folder, replacing_folder, write_text
from onoma.models.base import Fitted
from onoma.recognizer.calibration import CALIBRATION, Calibration
from onoma.recognizer.card import CARD, read_card, write_card, written
from onoma.recognizer.creation import joint_of, settled
from onoma.recognizer.joints import Joint
from onoma.recognizer.model_card import MODEL_CARD, render

if TYPE_CHECKING:
    from onoma.analysis.confidence import ScoreKind
    from onoma.evaluation import Scores
    from onoma.recognizer.text import Alternative

__all__ = ["Recognizer"]

LOOK_AHEAD = 20_000
"""Words that `pipe` reads before it predicts, so that batches can be sorted by length in bounded memory."""


class Recognizer:
    """Finds names in text: the encoding asks, the model answers, the encoding reads the answer."""

    def __init__(
        self,
        joint: Joint,
        splitter: str = "unicode",
        trained: dict[str, Any] | None = None,
        calibration: Calibration | None = None,
    ) -> None:
        tokenization.get(splitter)
        self._joint = joint
        self.splitter = splitter
        self.trained = trained or {}
        self.calibration = calibration
        """What is done to its spans' scores, and to unsure spans; None: nothing."""

    @classmethod
    def join(cls, encoding: Any, model: Any, splitter: str = "unicode", trained: dict[str, Any] | None = None) -> Self:
        """A recognizer of a model and the encoding it was made for (None where it reads documents itself)."""
        return cls(joint_of(model)(encoding, model), splitter, trained)

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
        encoding: str | None = None,
        encoding_options: dict[str, Any] | None = None,
        prompt: dict[str, Any] | None = None,
        splitter: str = "unicode",
        seed: int = 1,
    ) -> Self:
        """An untrained recognizer of a family for some labels; raises `ConfigError` for what is unknown.

        Families that write text take an encoding as text (`word_tags` by default) with options of its own, and settings
        of the prompt (`onoma.prompting.PromptSettings`). Families that read documents themselves take nothing of all
        this, and need no labels.
        """
        asked = {
            "scheme": scheme,
            "repair": repair,
            "on_misaligned": on_misaligned,
            "encoding": encoding,
            "encoding_options": encoding_options or {},
            "prompt": prompt or {},
        }
        if not 0 <= seed < 2**32:
            raise ConfigError(f"seed {seed} is no number from 0 to {2**32 - 1}")
        parts = settled(family, labels, options or {}, asked, splitter)
        return cls(parts.joint.create(*parts[1:], seed), splitter)

    @property
    def encoding(self) -> Any:
        """What puts spans to the model and back; None where the model reads documents itself."""
        return self._joint.encoding

    @property
    def model(self) -> Any:
        """The model itself."""
        return self._joint.model

    @property
    def family(self) -> str:
        """The name of the model's family."""
        return self.model.family

    @property
    def labels(self) -> LabelSet:
        """The labels it can predict; empty where a family does not know them beforehand."""
        return self._joint.labels

    @property
    def score_kind(self) -> ScoreKind:
        """What the score of a span is: "probability", "margin" (it only ranks spans), or "none"."""
        own = self._joint.score_kind
        return own if self.calibration is None or own == "none" else "probability"

    @property
    def effort(self) -> dict[str, int] | None:
        """What grounded answers have taken so far (`onoma.generation.greedy.Counts`); None where none was given."""
        counts = getattr(self._joint, "counts", None)
        return asdict(counts) if counts is not None and counts.pieces else None

    def asking(self, labels: Iterable[str]) -> Self:
        """The same model asked for other labels, which it may never have seen; raises `ConfigError`.

        Only models that read what they are asked for can do that (see `onoma.prompting`). What calibrates the scores
        of its own labels is left behind.
        """
        if not hasattr(self._joint, "asking"):
            raise ConfigError(f"{self.family} cannot be asked for other labels than those it was trained on")
        asked = [labels] if isinstance(labels, str) else list(labels)
        if not asked or not all(map(str.strip, asked)):
            raise ConfigError("asking for no label: name one at least, none of them blank")
        joint: Any = self._joint
        return type(self)(joint.asking(LabelSet(asked)), self.splitter, self.trained)

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
        self.calibration = None  # of the weights before
        documents = [tokenization.split(document, self.splitter) for document in train]
        key = (self.splitter, datasets.fingerprint(dev or ()))
        with tempfile.TemporaryDirectory() as scratch:
            learnt = self._joint.fit(documents, self._validation(dev), Path(folder or scratch), seed, key)
        fitted = learnt.fitted
        record: dict[str, Any] = {"documents": len(train), "sentences": learnt.sentences, "lost_spans": learnt.lost}
        self.trained = {
            "seed": seed,
            "train": {**record, "labels": _counts(train), "fingerprint": datasets.fingerprint(train)},
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

    def _validation(self, dev: Sequence[Document] | None) -> Callable[[], float] | None:
        if not dev:
            return None
        gold = [tokenization.split(document, self.splitter) for document in dev]
        return lambda: self._dev_f1(gold)

    def _dev_f1(self, gold: Sequence[Document]) -> float:
        from onoma.evaluation import strict_f1

        return strict_f1(gold, self.predict(gold))

    def measure(self, documents: Sequence[Document], name: str = "dev") -> Scores:
        """Score it on labelled documents, with intervals; what is saved from now on tells of it under that name."""
        from onoma.evaluation import evaluate

        gold = [tokenization.split(document, self.splitter) for document in documents]
        scores = evaluate(gold, self.predict(gold))
        facts = {"documents": len(gold), "fingerprint": datasets.fingerprint(documents)}
        self.trained = {
            **self.trained,
            "scores": {**self.trained.get("scores", {}), name: {**facts, **scores.to_dict()}},
        }
        return scores

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

    def draft(self, documents: Sequence[Document]) -> list[tuple[Span, ...]]:
        """The spans of documents that have words, without scores where these take time and no threshold needs them."""
        quick = self.calibration is None and hasattr(self._joint, "draft")
        joint: Any = self._joint
        return [each.spans for each in (joint.draft(documents) if quick else self._answer(documents))]

    def alternatives(self, inputs: Iterable[str | Document], number: int = 3) -> list[list[Alternative]]:
        """For each text or document up to so many readings with their exact probabilities, the most probable first.

        Models that write text are followed in as many beams; readings are told as they are, before any calibration.
        Raises `ConfigError` for other models, and for encodings without a grammar.
        """
        if number < 1:
            raise ConfigError(f"{number} readings: 1 or more")
        if not hasattr(self._joint, "alternatives"):
            raise ConfigError(f"{self.family} gives one reading only")
        joint: Any = self._joint
        documents = [Document(str(at), each) if isinstance(each, str) else each for at, each in enumerate(inputs)]
        return joint.alternatives([tokenization.split(each, self.splitter) for each in documents], number)

    def _answer(self, documents: Sequence[Document]) -> Iterator[Prediction]:
        answers = self._joint.answer(documents)
        return answers if self.calibration is None else self.calibration.apply(documents, list(answers))

    # ------------------------------------------------------------------ files

    def save(self, folder: str | Path) -> None:
        """Write a self-contained folder (safetensors and JSON, and a page about it); it appears whole or not at all."""
        from onoma.version import __version__

        card = {
            "onoma": __version__,
            "format": 1,
            "family": self.family,
            **self._joint.card(),
            "splitter": self.splitter,
            "options": self.model.options.model_dump(mode="json"),
            "trained": self.trained,
            "score_kind": self._joint.score_kind,
            "versions": _versions(),
        }
        meaning = getattr(self.model, "score_meaning", None)
        if meaning is not None:
            card["score"] = meaning
        self.claim(folder)
        with replacing_folder(Path(folder), keep="checkpoints") as scratch:
            self._joint.save(scratch)
            if self.calibration is not None:
                write_text(scratch / CALIBRATION, self.calibration.to_json())
            card["files"] = sorted({MODEL_CARD, *(each.name for each in scratch.iterdir())})
            write_card(scratch, card)
            write_text(scratch / MODEL_CARD, render(card, self.calibration))

    def save_card(self, folder: str | Path) -> None:
        """Write anew what a saved folder tells of its model, and the calibration; weights stay as they are.

        Raises `ModelError` where no recognizer is saved there, `DataError` where it cannot be written.
        """
        folder = Path(folder)
        card, files = read_card(folder), set(written(folder))
        calibration = Calibration.read(folder) if self.calibration is None else self.calibration
        page = MODEL_CARD in files or not (folder / MODEL_CARD).exists()  # else it is somebody else's
        names = {CALIBRATION: calibration is not None, MODEL_CARD: page}
        card |= {"trained": self.trained, "files": sorted(files.union(name for name, ours in names.items() if ours))}
        write_card(folder, card)
        if calibration is not None:
            write_text(folder / CALIBRATION, calibration.to_json())
        if page:
            write_text(folder / MODEL_CARD, render(card, calibration))

    @staticmethod
    def claim(folder: str | Path) -> None:
        """Raise `ConfigError` where a folder holds anything but a saved recognizer or an unfinished one.

        Saving replaces a whole folder, so nothing else may be in it. Also raised where it cannot be written.
        """
        folder = Path(folder)
        claim_folder(folder, "a recognizer", {"checkpoints", "curve.json", "curve.svg", CARD, *written(folder)})

    @classmethod
    def load(cls, folder: str | Path, **overrides: Any) -> Self:
        """The recognizer of a saved folder; nothing outside it is read. Raises `ModelError`.

        A folder or hub id of a token classifier that others trained with `transformers` does as well. `overrides`
        are options that say how it predicts, such as `precision="bf16"`, or `calibrated=False` for the scores and spans
        before calibration; raises `ConfigError` for others.
        """
        calibrated = _is_true(overrides.pop("calibrated", True))
        place = folder if isinstance(folder, str) else folder.as_posix()
        folder = Path(folder)
        if not (folder / CARD).exists():
            adopted = models.adopt(place, overrides)
            if adopted is not None:
                labels = {schemes.split_tag(tag)[1] for tag in adopted.tagset if tag != schemes.OUTSIDE}
                return cls.join(encodings.get("tags", labels, scheme=adopted.tagset.scheme.name), adopted)
        card = read_card(folder)
        try:
            kind: Any = models.family(card["family"])
            options = models.options(card["family"], card["options"])
            splitter, trained = card["splitter"], card.get("trained")
            tokenization.get(splitter)
            told = joint_of(kind).told(card)
        except (KeyError, TypeError, ValueError, AttributeError) as problem:
            raise ModelError(f"{folder / CARD}: damaged: {problem!r}") from problem
        except ConfigError as problem:
            raise ModelError(f"{folder / CARD}: {problem}") from problem
        calibration = Calibration.read(folder) if calibrated else None
        options = options.overridden(overrides)
        options.look(overrides)
        joint = joint_of(kind).load(kind, folder, told, options)
        if calibration is not None and joint.score_kind == "none":
            progress.say(f"{folder}: so asked, mentions have no scores, and its calibration changes nothing")
        return cls(joint, splitter, trained, calibration)


def _counts(documents: Iterable[Document]) -> dict[str, int]:
    """Mentions by label."""
    counts = Counter(span.label for document in documents for span in document.spans)
    return {label: counts[label] for label in sorted(counts)}


def _versions() -> dict[str, str]:
    found = environment()
    return {"python": found["python"], **{name: each for name, each in found["packages"].items() if each is not None}}


def _is_true(value: object) -> bool:
    """A switch as Python or a command line gives it."""
    said = str(value).lower()
    if said not in ("true", "false"):
        raise ConfigError(f"calibrated = {value!r}: true or false")
    return said == "true"
