"""The feature CRF as a model family: fit, predict, save, load."""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

from pydantic import Field

from onoma import progress
from onoma.encodings.base import TagAnswer
from onoma.exceptions import ConfigError, ModelError
from onoma.models.base import FamilyOptions, Fitted, Sentences
from onoma.models.feature_crf.corpus import attributes
from onoma.models.feature_crf.emissions import Emissions
from onoma.models.feature_crf.features import GAZETTEER, load_templates
from onoma.models.feature_crf.weights import Weights, read_crfsuite
from onoma.models.gazetteers import Case, Gazetteer, ListFiles, list_paths, located_lists
from onoma.models.tagging.answers import CHAIN_SCORE, best_sequences
from onoma.models.tagging.chain import Chain
from onoma.schemes import TagSet

__all__ = ["FeatureCrf", "FeatureCrfOptions"]


class FeatureCrfOptions(FamilyOptions):
    """Settings of the feature CRF."""

    templates: str | tuple[str, ...] = "default"
    """A shipped template set, or template lines."""
    c1: float = Field(0.0, ge=0, allow_inf_nan=False)
    """L1 penalty: above 0 most weights become exactly 0."""
    c2: float = Field(0.3, ge=0, allow_inf_nan=False)
    """L2 penalty (1 / (2 sigma^2) in the usual notation)."""
    max_iterations: int = Field(150, ge=1)
    """L-BFGS iterations at most."""
    min_frequency: int = Field(0, ge=0)
    """Attributes seen less often with a tag are left out."""
    gazetteers: ListFiles = {}
    """Word-list files by name of list: features say whether a word lies in an entry, and where. The lists are saved
    with the model. Lists made of the training mentions themselves teach it to trust lists too much."""
    gazetteer_case: Case = "exact"
    """Whether entries match as they are written (exact) or in any case (lower)."""

    def located(self, base: Path) -> Self:
        """The same options, relative paths of word lists starting at a folder."""
        return self.model_copy(update={"gazetteers": located_lists(self.gazetteers, base)})

    def depends_on(self) -> tuple[Path, ...]:
        """The files of the word lists."""
        return list_paths(self.gazetteers)


class FeatureCrf:
    """Linear-chain CRF (Lafferty et al. 2001) over word features (Finkel et al. 2005).

    python-crfsuite trains it; weights are kept as arrays and decoded by our own Viterbi, equal to crfsuite's. The
    score of a span is its exact marginal probability: that these words, and no more, have these tags.
    """

    family: ClassVar[str] = "feature_crf"
    answers: ClassVar[Literal["tags", "documents", "text"]] = "tags"
    seeded: ClassVar[bool] = False
    score_meaning: ClassVar[str] = CHAIN_SCORE

    def __init__(
        self,
        tagset: TagSet,
        options: FeatureCrfOptions,
        templates: Sequence[str] | None = None,
        gazetteer: Gazetteer | None = None,
    ) -> None:
        self.tagset = tagset
        self.options = options
        self.gazetteer = gazetteer
        self.templates = load_templates(options.templates if templates is None else templates, gazetteer is not None)
        self._emissions: Emissions | None = None

    @classmethod
    def create(cls, tagset: TagSet, options: FeatureCrfOptions, seed: int) -> Self:
        """A new, untrained model; training is deterministic, the seed plays no part.

        Reads the word lists; raises `DataError` where they are missing or bad.
        """
        del seed
        gazetteer = Gazetteer.read(options.gazetteers, options.gazetteer_case) if options.gazetteers else None
        return cls(tagset, options, gazetteer=gazetteer)

    def fit(self, documents: Sequence[Sentences], tags: Sequence[Sentences]) -> Fitted:
        """Train by L-BFGS on the log-likelihood of the tag sequences."""
        started = time.perf_counter()
        sentences = [words for document in documents for words in document]
        golden = [row for document in tags for row in document]
        trainer = _trainer(self.options)
        with progress.bar("feature_crf: features", len(sentences)) as bar:
            rows = attributes(sentences, self.templates, self.gazetteer)
            for done, (items, labels) in enumerate(zip(rows, golden, strict=True)):
                trainer.append(items, labels)
                if done % 500 == 0:
                    bar.to(done)
        # crfsuite writes its model to a path; ours are arrays, so the file lives only for a moment.
        with tempfile.TemporaryDirectory() as folder, progress.bar("feature_crf: training", trainer.limit) as bar:
            trainer.bar = bar
            path = Path(folder) / "model.crfsuite"
            trainer.train(os.fspath(path))
            if not path.exists():
                raise ModelError("crfsuite trained no model: is there any text with tags?")
            self._use(read_crfsuite(path))
        return Fitted(epochs=trainer.iterations, seconds=time.perf_counter() - started, curve=tuple(trainer.curve))

    def _use(self, weights: Weights) -> None:
        self._emissions = Emissions(weights, self.templates, self.gazetteer)

    @property
    def emissions(self) -> Emissions:
        """The scorer of trained weights; raises `ModelError` before training."""
        if self._emissions is None:
            raise ModelError("this feature_crf is not trained yet: call fit first")
        return self._emissions

    def predict(self, documents: Sequence[Sentences]) -> list[list[TagAnswer]]:
        """The best tag sequence of each sentence, with exact span marginals."""
        emissions = self.emissions
        sentences = [words for document in documents for words in document]
        if not sentences:
            return [[] for _ in documents]
        scores, lengths = emissions(sentences)
        chain = Chain.free(emissions.weights.transition)
        with progress.bar("feature_crf: predicting", len(sentences)) as bar:
            answers = iter(best_sequences(emissions.weights.tags, scores, lengths, chain, bar))
        return [[next(answers) for _ in document] for document in documents]

    def save(self, folder: Path) -> None:
        """Write `weights.safetensors`, `attributes.json`, and `crf.json`: tags in the weights' order, template lines.

        The lines are saved although the options name a set: a later version may ship that set with other lines.
        Word lists, if any, are written to `gazetteers.json`.
        """
        self.emissions.weights.save(folder)
        lines = list(dict.fromkeys(template.name for template in self.templates))
        text = json.dumps({"tags": self.emissions.weights.tags, "templates": lines}, ensure_ascii=False, indent=1)
        (folder / "crf.json").write_text(text + "\n", encoding="utf-8", newline="\n")
        if self.gazetteer is not None:
            text = json.dumps(self.gazetteer.as_json(), ensure_ascii=False, separators=(",", ":"))
            (folder / "gazetteers.json").write_text(text + "\n", encoding="utf-8", newline="\n")

    @classmethod
    def load(cls, folder: Path, tagset: TagSet, options: Any) -> Self:
        """The trained model of a folder; raises `ModelError` where it is damaged."""
        try:
            saved = json.loads((folder / "crf.json").read_text(encoding="utf-8"))
            tags, lines = tuple(map(str, saved["tags"])), tuple(map(str, saved["templates"]))
            # The lines say whether there are word lists; the paths in the options are only where they once came from.
            gazetteer = _lists(folder / "gazetteers.json") if any(GAZETTEER in line for line in lines) else None
            model = cls(tagset, options, lines, gazetteer)
        except (OSError, ValueError, KeyError, TypeError, ConfigError) as problem:
            raise ModelError(f"{folder / 'crf.json'}: missing or damaged: {problem}") from problem
        if not set(tags) <= set(tagset):
            raise ModelError(
                f"{folder}: the weights name tags {sorted(set(tags) - set(tagset))} the model does not know"
            )
        model._use(Weights.load(folder, tags))
        return model


def _lists(path: Path) -> Gazetteer:
    try:
        return Gazetteer.from_json(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, ConfigError) as problem:
        raise ModelError(f"{path}: missing or damaged: {problem}") from problem


def _trainer(options: FeatureCrfOptions) -> Any:
    import pycrfsuite

    class Trainer(pycrfsuite.Trainer):  # type: ignore[misc]
        """crfsuite's trainer, telling our progress what it tells its log."""

        def __init__(self) -> None:
            super().__init__(algorithm="lbfgs", verbose=False)
            self.limit = options.max_iterations
            self.iterations = 0
            self.curve: list[dict[str, float]] = []
            self.bar: progress.Bar | None = None

        def message(self, message: str) -> None:
            if message.startswith("***** Iteration #"):
                self.iterations = int(message.split("#")[1].split()[0])
                if self.bar is not None:
                    self.bar.to(self.iterations, f"iteration {self.iterations} of at most {self.limit}")
            elif message.startswith("Loss:"):
                self.curve.append({"iteration": self.iterations, "loss": float(message.split()[1])})

    trainer = Trainer()
    trainer.set_params(
        {
            "c1": options.c1,
            "c2": options.c2,
            "max_iterations": options.max_iterations,
            "feature.minfreq": options.min_frequency,
        }
    )
    return trainer
