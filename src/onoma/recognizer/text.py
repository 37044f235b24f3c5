"""Models that read a question and write an answer."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from math import ceil
from pathlib import Path
from typing import Any, NamedTuple, Self

from onoma import encodings, progress
from onoma.asked import AskedSettings
from onoma.document import Document, LabelSet, Prediction, Problem
from onoma.encodings import TextEncoding
from onoma.encodings.base import Exchange
from onoma.exceptions import ConfigError, DataError, ModelError
from onoma.models.base import Question, TextModel
from onoma.prompting import Prompter, PromptSettings
from onoma.prompting.demonstrations import Demonstration
from onoma.recognizer.joints import NOTHING, Learnt

__all__ = ["TextJoint"]

POOL = "demonstrations.jsonl"
RETRIEVER = "retriever"
BASE = 64
"""Pieces that any answer may have, if the model writes as many as four times that; those of longer texts may have more
(`Told.ratio`)."""
SPARE = 1.25
"""An answer may have so many times the pieces for each of the source's that answers have on average."""
SLACK = 16
"""Pieces more than needed that are written before an answer is cut off."""
LEAST = 8
"""Pieces that a question must leave for the text."""


class Told(NamedTuple):
    """What a card says: encoding and questions, and how many pieces of answer a piece of text may need."""

    encoding: Any
    prompter: Prompter
    ratio: float


class TextJoint:
    """Puts exchanges to the model as questions, cut so that both fit it, and its answers to the encoding."""

    def __init__(self, encoding: Any, model: TextModel, prompter: Prompter | None = None, ratio: float = 1.0) -> None:
        if not isinstance(encoding, TextEncoding):
            raise ConfigError(f"a model that answers with text takes an encoding as text, not {_name(encoding)}")
        self.encoding: TextEncoding = encoding
        self.model = model
        self.ratio = ratio
        self.grounded: bool = model.options.decoding == "grounded"
        """Whether the model is left the choices alone."""
        if (self.grounded or model.options.validation == "likelihood") and not encoding.framed:
            raise ConfigError(f"{encoding.name} leaves more open than choices: word_tags and tag_string do not")
        self._base = min(BASE, model.answer_limit // 4)
        self.embedder: Any = None
        """Finds demonstrations, where it is asked for."""
        self.prompter = prompter or Prompter(PromptSettings(), encoding)
        size = model.vocabulary.size
        asked: list[str | None] = list(encoding.labels) if encoding.by_type else [None]
        self._head = max(size(self.prompter.question(Exchange("", "", (0, 0), label))) for label in asked)
        if self._head + LEAST > model.source_limit:
            taken = f"{self._head} of the {model.source_limit} pieces that the model reads"
            raise ConfigError(f"the question takes {taken}, without any text: make it shorter")
        encoding.back = model.vocabulary.back
        encoding.fits = self._fits

    @property
    def labels(self) -> LabelSet:
        """The encoding's labels."""
        return self.encoding.labels

    @classmethod
    def create(cls, kind: Any, labels: LabelSet, options: Any, asked: AskedSettings, seed: int) -> Self:
        """A new model for the symbols of an encoding."""
        settings = {**asked.of_tags(), **asked.encoding_options}
        encoding = encodings.get(asked.encoding or "word_tags", labels, **settings)
        if not isinstance(encoding, TextEncoding):
            raise ConfigError(f"{kind.family} answers with text, and {encoding.name} is no encoding as text")
        prompter = Prompter(PromptSettings.checked(dict(asked.prompt), "prompt"), encoding)
        return cls(encoding, kind.create(encoding.symbols, options, seed), prompter)

    @classmethod
    def told(cls, card: Mapping[str, Any]) -> Told:
        """Encoding and prompt."""
        settings = dict(card["encoding"])
        encoding = encodings.get(settings.pop("name"), settings.pop("labels"), **settings)
        return Told(encoding, Prompter.restored(card["prompt"], encoding), float(card["answer_ratio"]))

    @classmethod
    def load(cls, kind: Any, folder: Path, told: Told, options: Any) -> Self:
        """The model in a folder, with its demonstrations."""
        made = cls(told.encoding, kind.load(folder, told.encoding.symbols, options), told.prompter, told.ratio)
        if made.prompter.wants_pool:
            try:
                lines = (folder / POOL).read_text(encoding="utf-8").split("\n")
                pool = [Demonstration(*json.loads(line)) for line in lines if line]
            except (OSError, ValueError, TypeError) as problem:
                raise ModelError(f"{folder / POOL}: missing or damaged: {problem}") from problem
            made._show(pool, str(folder / RETRIEVER))
        return made

    # ------------------------------------------------------------------ what fits

    def _fits(self, source: str) -> bool:
        pieces = self.model.vocabulary.size(source)
        return self._head + pieces <= self.model.source_limit and self._need(source) <= self.model.answer_limit

    def _need(self, source: str) -> int:
        """Pieces that the answer to a text may have."""
        pieces = self.model.vocabulary.size(source)
        if self.encoding.framed:  # a tag a word, beside what is copied
            return pieces + len(source.split())
        return self._base + ceil(self.ratio * pieces)

    def _fits_question(self, question: str) -> bool:
        return self.model.vocabulary.size(question) <= self.model.source_limit

    # ------------------------------------------------------------------ fit

    def fit(
        self,
        documents: Sequence[Document],
        validate: Callable[[], float] | None,
        folder: Path,
        seed: int,
        key: Sequence[Any],
    ) -> Learnt:
        """Train by gradients on the exchanges of all windows."""
        from onoma.training.trainer import train

        exchanges, lost = self._exchanges(documents)
        if not exchanges:
            raise DataError(NOTHING)
        self._warn()
        self._show(exchanges, self.prompter.settings.retriever)
        model: Any = self.model
        questions: list[Question] = [partial(self._question, each) for each in exchanges]
        answers = [each.completion for each in exchanges]
        parts = (self.encoding.settings(), self.prompter.state(), model.options, seed, exchanges, *key)
        name = hashlib.sha256(repr(parts).encode("utf-8", "surrogatepass")).hexdigest()
        examples = model.examples(questions, answers)
        self.grounded = model.options.validation == "likelihood"
        try:
            fitted = train(model, examples, model.options, folder, seed, validate, key=name)
        finally:
            self.grounded = model.options.decoding == "grounded"
        sentences = sum(1 for document in documents for words in document.sentence_words() if words)
        return Learnt(fitted, sentences, lost)

    def _question(self, exchange: Exchange, epoch: int | None = None) -> str:
        return self.prompter.question(exchange, epoch, self._fits_question)

    def _exchanges(self, documents: Sequence[Document]) -> tuple[list[Exchange], int]:
        """Exchanges of windows in which every right answer fits, and how many spans they cannot hold."""
        size = self.model.vocabulary.size
        while True:
            targets = [self.encoding.encode(document) for document in documents]
            made = [exchange for each in targets for exchange in each.exchanges]
            pieces = [(size(each.source), size(each.completion)) for each in made]
            whole = sum(source for source, _ in pieces)
            ratio = max(
                self.ratio,
                SPARE * sum(answer for _, answer in pieces) / max(1, whole),
                *((answer - self._base) / max(1, source) for source, answer in pieces),
            )
            if ratio <= self.ratio:
                break
            self.ratio = ratio
        lost = sum(len(each.losses) for each in targets)
        if lost:
            progress.say(f"{lost:,} gold spans cannot be written and are not learnt (they still count in scores)")
        return made, lost

    def _warn(self) -> None:
        """Say which signs of the question the vocabulary does not have, so that its layout is lost."""
        lost = self.model.vocabulary.lost(self.prompter.words)
        if lost:
            shown = ", ".join(repr(sign) for sign in lost)
            progress.say(f"the model's vocabulary does not keep {shown}: parts of the question run together")

    def _show(self, pool: Sequence[Exchange] | Sequence[Demonstration], retriever: str | None) -> None:
        """Take a pool of worked examples where settings ask for them."""
        if not self.prompter.wants_pool:
            return
        if self.prompter.settings.demonstrations == "embedding":
            from onoma.models.text.embedding import Embedder

            self.embedder = Embedder(retriever)
        self.prompter.learn(pool, self.embedder)

    # ------------------------------------------------------------------ answer

    def answer(self, documents: Sequence[Document]) -> Iterator[Prediction]:
        """Answers as spans; what was cut off is told."""
        asked = [self.encoding.exchanges(document) for document in documents]
        flat = [exchange for each in asked for exchange in each]
        self.prompter.prepare(flat)
        questions = [self._question(each) for each in flat]
        if self.grounded:
            encoding: Any = self.encoding
            found = self.model.choose(
                questions, [frame for document in documents for frame in encoding.frames(document)]
            )
        else:
            limits = [min(self.model.answer_limit, self._need(each.source) + SLACK) for each in flat]
            found = self.model.predict(questions, limits)
        answers = iter(zip(found, questions, strict=True))
        for document, exchanges in zip(documents, asked, strict=True):
            texts: list[str] = []
            cut: list[Problem] = []
            for _ in exchanges:
                answer, question = next(answers)
                texts.append(answer.text)
                if not answer.whole:
                    cut.append(Problem("truncated", answer.text[-40:]))
                if not self._fits_question(question):
                    cut.append(Problem("truncated", question[-40:]))
            prediction = self.encoding.decode(document, texts)
            if cut and not any(problem.kind == "truncated" for problem in prediction.problems):
                prediction = replace(prediction, problems=(*prediction.problems, *cut))
            yield prediction

    # ------------------------------------------------------------------ files

    def card(self) -> dict[str, Any]:
        """The settings of encoding and prompt."""
        return {
            "encoding": {"name": self.encoding.name, **self.encoding.settings()},
            "prompt": self.prompter.state(),
            "answer_ratio": self.ratio,
        }

    def save(self, folder: Path) -> None:
        """Write the model's files, and where there are demonstrations, these and what finds them."""
        self.model.save(folder)
        if self.prompter.demonstrations is not None:
            rows = (json.dumps(each, ensure_ascii=False) for each in self.prompter.demonstrations.pool)
            (folder / POOL).write_text("".join(f"{row}\n" for row in rows), encoding="utf-8", newline="\n")
        if self.embedder is not None:
            self.embedder.save(folder / RETRIEVER)


def _name(encoding: Any) -> str:
    return "none" if encoding is None else encoding.name
