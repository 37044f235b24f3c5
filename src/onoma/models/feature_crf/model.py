"""The feature CRF as a model family: fit, predict, save, load."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
from pydantic import Field

from onoma import progress
from onoma.encodings.base import TagAnswer
from onoma.exceptions import ModelError
from onoma.models.base import FamilyOptions, Fitted
from onoma.models.feature_crf.chain import Lattice, forward_backward, mention_stops, viterbi
from onoma.models.feature_crf.corpus import attributes
from onoma.models.feature_crf.emissions import Emissions
from onoma.models.feature_crf.features import load_templates
from onoma.models.feature_crf.weights import Weights, read_crfsuite

__all__ = ["FeatureCrf", "FeatureCrfOptions"]


class FeatureCrfOptions(FamilyOptions):
    """Settings of the feature CRF."""

    templates: str | tuple[str, ...] = "default"
    """A shipped template set, or template lines."""
    c1: float = Field(0.0, ge=0)
    """L1 penalty: above 0 most weights become exactly 0."""
    c2: float = Field(0.3, ge=0)
    """L2 penalty (1 / (2 sigma^2) in the usual notation)."""
    max_iterations: int = Field(150, ge=1)
    """L-BFGS iterations at most."""
    min_frequency: int = Field(0, ge=0)
    """Attributes seen less often with a tag are left out."""


class FeatureCrf:
    """Linear-chain CRF (Lafferty et al. 2001) over word features (Finkel et al. 2005).

    python-crfsuite trains it; weights are kept as arrays and decoded by our own Viterbi, equal to crfsuite's. The
    score of a span is its exact marginal probability: that these words, and no more, have these tags.
    """

    family: ClassVar[str] = "feature_crf"
    seeded: ClassVar[bool] = False

    def __init__(self, tagset: Sequence[str], options: FeatureCrfOptions) -> None:
        self.tagset = tuple(tagset)
        self.options = options
        self.templates = load_templates(options.templates)
        self._emissions: Emissions | None = None

    @classmethod
    def create(cls, tagset: Sequence[str], options: FeatureCrfOptions, seed: int) -> Self:
        """A new, untrained model; training is deterministic, the seed plays no part."""
        del seed
        return cls(tagset, options)

    def fit(self, sentences: Sequence[Sequence[str]], tags: Sequence[Sequence[str]]) -> Fitted:
        """Train by L-BFGS on the log-likelihood of the tag sequences."""
        started = time.perf_counter()
        trainer = _trainer(self.options)
        with progress.bar("feature_crf: features", len(sentences)) as bar:
            for done, (items, labels) in enumerate(zip(attributes(sentences, self.templates), tags, strict=True)):
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
        self._emissions = Emissions(weights, self.templates)
        self._stops = mention_stops(weights.tags)

    @property
    def emissions(self) -> Emissions:
        """The scorer of trained weights; raises `ModelError` before training."""
        if self._emissions is None:
            raise ModelError("this feature_crf is not trained yet: call fit first")
        return self._emissions

    def predict(self, sentences: Sequence[Sequence[str]]) -> list[TagAnswer]:
        """The best tag sequence of each sentence, with exact span marginals."""
        emissions = self.emissions
        scores, lengths = emissions(sentences)
        answers: list[TagAnswer] = []
        transition, names = emissions.weights.transition, np.array(emissions.weights.tags, dtype=object)
        for block, at in _blocks(lengths):
            lattice = Lattice.of(scores[at : at + int(lengths[block].sum())], lengths[block])
            paths = viterbi(lattice, transition)
            for path, posterior in zip(paths, forward_backward(lattice, transition), strict=True):
                score = partial(posterior.span, path=path, stops=self._stops)
                answers.append(TagAnswer(tuple(names[path]), lambda start, end, score=score: score(start, end)))
        return answers

    def save(self, folder: Path) -> None:
        """Write `weights.safetensors` and `attributes.json`, tags in the order of the weights."""
        import json

        self.emissions.weights.save(folder)
        text = json.dumps({"tags": self.emissions.weights.tags}, ensure_ascii=False)
        (folder / "tags.json").write_text(text + "\n", encoding="utf-8", newline="\n")

    @classmethod
    def load(cls, folder: Path, tagset: Sequence[str], options: Any) -> Self:
        """The trained model of a folder."""
        import json

        model = cls(tagset, options)
        try:
            tags = tuple(json.loads((folder / "tags.json").read_text(encoding="utf-8"))["tags"])
        except (OSError, ValueError, KeyError) as problem:
            raise ModelError(f"{folder}: tags.json is missing or damaged: {problem}") from problem
        if not set(tags) <= set(tagset):
            raise ModelError(
                f"{folder}: the weights name tags {sorted(set(tags) - set(tagset))} the model does not know"
            )
        model._use(Weights.load(folder, tags))
        return model


def _blocks(lengths: np.ndarray, words: int = 200_000) -> list[tuple[slice, int]]:
    """Runs of sentences of about so many words, and where each begins: bounds the memory of a lattice."""
    blocks: list[tuple[slice, int]] = []
    first = at = taken = 0
    for number, length in enumerate(lengths.tolist()):
        if taken + length > words and number > first:
            blocks.append((slice(first, number), at))
            first, at, taken = number, at + taken, 0
        taken += length
    if len(lengths):
        blocks.append((slice(first, len(lengths)), at))
    return blocks


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
