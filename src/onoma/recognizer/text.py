"""Models that read a question and write an answer."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from onoma import encodings, progress
from onoma.asked import AskedSettings
from onoma.document import Document, LabelSet, Prediction, Problem
from onoma.encodings import TextEncoding
from onoma.encodings.automata.base import Automaton
from onoma.encodings.base import Exchange
from onoma.exceptions import ConfigError, DataError, ModelError
from onoma.generation.greedy import Counts
from onoma.models.base import Question, TextAnswer, TextModel
from onoma.prompting import Prompter, PromptSettings
from onoma.prompting.demonstrations import Demonstration
from onoma.recognizer.asker import Asker, Room, cut_sentences
from onoma.recognizer.joints import NOTHING, Learnt

if TYPE_CHECKING:
    from onoma.analysis.confidence import ScoreKind

__all__ = ["Alternative", "TextJoint"]

POOL = "demonstrations.jsonl"
RETRIEVER = "retriever"
CHOICES_SCORE = (
    "the probability of the choices that wrote the mention, each among the pieces that could legally stand at its place"
)
DRAFTED = "grounded+draft"
LABELS = "asked_labels"
"""The key of a document's `meta` that names the labels it is to be asked for, where these are not all."""


class Told(NamedTuple):
    """What a card says: encoding and questions, and how many pieces of answer a piece of text may need."""

    encoding: Any
    prompter: Prompter
    ratio: float


class Alternative(NamedTuple):
    """One reading of a document, and its probability among all that the grammar allows."""

    prediction: Prediction
    chance: float


class TextJoint:
    """Puts exchanges to the model as questions, cut so that both fit it, and its answers to the encoding."""

    def __init__(self, encoding: Any, model: TextModel, prompter: Prompter | None = None, ratio: float = 1.0) -> None:
        if not isinstance(encoding, TextEncoding):
            raise ConfigError(f"a model that answers with text takes an encoding as text, not {_name(encoding)}")
        self.encoding: TextEncoding = encoding
        self.model = model
        _refuse_without_grammar(encoding, model.options)
        self.decoding: str = model.options.decoding or (DRAFTED if encoding.grounds else "free")
        """How the model is made to answer."""
        self.counts = Counts()
        """What all grounded answers have taken since it was made."""
        self._drafter: Any = None
        self._alone = False
        """Whether the drafter was looked for and is gone."""
        self.embedder: Any = None
        """Finds demonstrations, where it is asked for."""
        self.room = Room(model, ratio)
        self.prompter = prompter or Prompter(PromptSettings(), encoding)
        self.asker = Asker(encoding, self.prompter, self.room)
        self._askers: dict[tuple[str, ...], Asker] = {tuple(encoding.labels): self.asker}
        if len(encoding.labels) == 1 or not self.prompter.names_labels:  # else documents may ask for fewer
            self.asker.refuse_without_room()

    @property
    def labels(self) -> LabelSet:
        """The encoding's labels."""
        return self.encoding.labels

    @property
    def score_kind(self) -> ScoreKind:
        """The probability of the choices that wrote a mention; nothing where the model writes freely."""
        return "none" if self.decoding == "free" else "probability"

    @classmethod
    def create(cls, kind: Any, labels: LabelSet, options: Any, asked: AskedSettings, seed: int) -> Self:
        """A new model for the symbols of an encoding."""
        encoding, prompter = cls._settled(kind, labels, options, asked)
        if options.drafter is not None:
            options = options.drafting_from(Path())  # else it would be looked for below any working folder
        made = cls(encoding, kind.create(encoding.symbols, options, seed), prompter)
        if options.drafter is not None:
            made._load_drafter(options.drafter)
        return made

    @classmethod
    def check(cls, kind: Any, labels: LabelSet, options: Any, asked: AskedSettings) -> None:
        """Raise `ConfigError` for an encoding, a prompt or a way to decode that cannot be."""
        cls._settled(kind, labels, options, asked)

    @classmethod
    def _settled(cls, kind: Any, labels: LabelSet, options: Any, asked: AskedSettings) -> tuple[TextEncoding, Prompter]:
        settings = {**asked.of_tags(), **asked.encoding_options}
        encoding = encodings.get(asked.encoding or "word_tags", labels, **settings)
        if not isinstance(encoding, TextEncoding):
            raise ConfigError(f"{kind.family} answers with text, and {encoding.name} is no encoding as text")
        _refuse_without_grammar(encoding, options)
        return encoding, Prompter(PromptSettings.checked(dict(asked.prompt), "prompt"), encoding)

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

    def asking(self, labels: LabelSet) -> Self:
        """The same model asked for other labels; raises `ConfigError` for new ones that it cannot read or write."""
        new = next((label for label in labels if label not in self.labels), None)
        if new is not None and not self.prompter.names_labels:
            template = self.prompter.settings.template
            raise ConfigError(f"asking for {new!r}: the template {template!r} does not say which labels are asked for")
        encoding = encodings.get(self.encoding.name, labels, **self._settings())
        if new is not None and not {*encoding.symbols}.issubset(self.encoding.symbols) and self.model.options.symbols:
            raise ConfigError(
                f"asking for {new!r}: the model's labels are signs of their own: train with symbols = false"
            )
        made = type(self)(encoding, self.model, self.prompter.asking(encoding), self.room.ratio)
        made.embedder = self.embedder
        return made

    def _settings(self) -> dict[str, Any]:
        return {name: value for name, value in self.encoding.settings().items() if name != "labels"}

    def _asker(self, document: Document) -> Asker:
        """Who asks about a document: for all labels, or for those that its `meta` names.

        Raises `ConfigError` where the question leaves no room for a text, `DataError` for what is no list of labels.
        """
        named = document.meta.get(LABELS)
        if named is None:
            self.asker.refuse_without_room()
            return self.asker
        if not isinstance(named, list | tuple) or not named or not all(isinstance(label, str) for label in named):
            raise DataError(f"document {document.id!r}: {LABELS!r} in its meta is no list of names")
        found = self._askers.get(tuple(named))
        if found is None:
            encoding = encodings.get(self.encoding.name, named, **self._settings())
            found = self._askers[tuple(named)] = Asker(encoding, self.prompter.asking(encoding), self.room)
        found.refuse_without_room()
        return found

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

        if not self.model.options.symbols:  # documents may be asked for labels of their own
            askers = {id(asker): asker for asker in map(self._asker, documents)}
            self.model.vocabulary.spell(each for asker in askers.values() for each in asker.encoding.symbols)
        asked, lost = self._exchanges(documents)
        exchanges = [exchange for _, exchange in asked]
        if not exchanges:
            raise DataError(NOTHING)
        self._warn()
        several = len({id(asker) for asker, _ in asked}) > 1
        pool = [
            Demonstration(each.source, each.completion, each.type, tuple(asker.encoding.labels if several else ()))
            for asker, each in asked
        ]
        self._show(pool, self.prompter.settings.retriever)
        model: Any = self.model
        questions: list[Question] = [partial(asker.question, exchange) for asker, exchange in asked]
        answers = [exchange.completion for exchange in exchanges]
        labels = [list(asker.encoding.labels) for asker, _ in asked]
        parts = (self.encoding.settings(), self.prompter.state(), model.options, seed, exchanges, labels, *key)
        parts += () if self.prompter.settings.retriever is None else (self.prompter.settings.retriever,)
        parts += model.options.content()
        name = hashlib.sha256(repr(parts).encode("utf-8", "surrogatepass")).hexdigest()
        examples = model.examples(questions, answers)
        before, self.decoding = self.decoding, self._validation()
        try:
            fitted = train(model, examples, model.options, folder, seed, validate, key=name)
        finally:
            self.decoding = before
        sentences = sum(1 for document in documents for words in document.sentence_words() if words)
        return Learnt(fitted, sentences, lost)

    def _validation(self) -> str:
        """How dev answers are made."""
        asked = self.model.options.validation
        held = self.decoding != "free" if asked is None else asked == "likelihood"
        return DRAFTED if held else "free"

    def _exchanges(self, documents: Sequence[Document]) -> tuple[list[tuple[Asker, Exchange]], int]:
        """Exchanges of windows in which every right answer fits, and how many spans they cannot hold."""
        while True:
            askers = [self._asker(document) for document in documents]
            targets = [(asker, asker.encoding.encode(each)) for asker, each in zip(askers, documents, strict=True)]
            made = [(asker, exchange) for asker, each in targets for exchange in each.exchanges]
            pairs = [(exchange.source, exchange.completion) for _, exchange in made]
            if self.encoding.framed or not self.room.widened(pairs):  # a tag a word: the length is known
                break
        lost = sum(len(each.losses) for _, each in targets)
        if lost:
            progress.say(f"{lost:,} gold spans cannot be written and are not learnt (they still count in scores)")
        cut = sum(cut_sentences(each, found.exchanges) for each, (_, found) in zip(documents, targets, strict=True))
        if cut:
            progress.say(f"{cut:,} sentences do not fit beside question and answer: they are learnt in parts")
        return made, lost

    def _warn(self) -> None:
        """Say which signs of the question the vocabulary does not have, so that its layout is lost."""
        lost = self.model.vocabulary.lost(self.prompter.words)
        if lost:
            shown = ", ".join(repr(sign) for sign in lost)
            progress.say(f"the model's vocabulary does not keep {shown}: parts of the question run together")

    def _show(self, pool: Sequence[Demonstration], retriever: str | None) -> None:
        """Take a pool of worked examples where settings ask for them."""
        if not self.prompter.wants_pool:
            return
        if self.prompter.settings.demonstrations == "embedding" and self.embedder is None:
            from onoma.models.text.embedding import Embedder

            self.embedder = Embedder(retriever)
        self.prompter.learn(pool, self.embedder)
        for asker in self._askers.values():
            asker.prompter.demonstrations = self.prompter.demonstrations

    # ------------------------------------------------------------------ answer

    def answer(self, documents: Sequence[Document]) -> Iterator[Prediction]:
        """Answers as spans; what was cut off is told."""
        askers, asked, questions = self._questions(documents)
        if self.decoding != "free":
            automata = self._automata(askers, documents)
            found = self.model.choose(questions, automata, self._drafts(askers, documents, len(automata)))
        else:
            pairs = zip(askers, asked, strict=True)
            limits = [asker.limit(exchange.source) for asker, some in pairs for exchange in some]
            found = self.model.predict(questions, limits)
        answers = iter(zip(found, questions, strict=True))
        for asker, document, exchanges in zip(askers, documents, asked, strict=True):
            given = [next(answers) for _ in exchanges]
            for answer, _ in given:
                if answer.counts is not None:
                    self.counts.add(answer.counts)
            own = [answer for answer, _ in given], [question for _, question in given]
            yield (self._read if self.decoding == "free" else self._scored)(asker, document, *own)

    def _read(
        self, asker: Asker, document: Document, answers: Sequence[TextAnswer], questions: Sequence[str]
    ) -> Prediction:
        """Answers as spans; what was cut off of them or of their questions is told."""
        prediction = asker.encoding.decode(document, [answer.text for answer in answers])
        reads = self.room.reads
        cut = [
            (at, answer.text if reads(question) else question)
            for at, (answer, question) in enumerate(zip(answers, questions, strict=True))
            if not (answer.whole and reads(question))
        ]
        if not cut:
            return prediction
        told = {(each.within, each.label) for each in prediction.problems if each.kind == "truncated"}
        asked = asker.encoding.exchanges(document)
        made = [Problem("truncated", text[-40:], asked[at].type, asked[at].characters(document)) for at, text in cut]
        fresh = [each for each in made if (each.within, each.label) not in told]
        return replace(prediction, problems=(*prediction.problems, *fresh))

    def _scored(
        self, asker: Asker, document: Document, answers: Sequence[TextAnswer], questions: Sequence[str]
    ) -> Prediction:
        """The same for answers that were held to a grammar: spans with the probability of their choices."""
        made = self._read(asker, document, answers, questions)
        return replace(made, spans=asker.encoding.scored(document, made.spans, [each.chances for each in answers]))

    def _questions(self, documents: Sequence[Document]) -> tuple[list[Asker], list[Sequence[Exchange]], list[str]]:
        """Who asks about each document, its exchanges, and the questions of all exchanges in a row."""
        askers = [self._asker(document) for document in documents]
        asked = [asker.encoding.exchanges(document) for asker, document in zip(askers, documents, strict=True)]
        flat = [(asker, exchange) for asker, some in zip(askers, asked, strict=True) for exchange in some]
        self.prompter.prepare(exchange for _, exchange in flat)
        return askers, asked, [asker.question(exchange) for asker, exchange in flat]

    def _automata(self, askers: Sequence[Asker], documents: Sequence[Document]) -> list[Automaton]:
        """What may be written in each answer."""
        pairs = zip(askers, documents, strict=True)
        return [each for asker, document in pairs for each in asker.encoding.automata(document)]

    def alternatives(self, documents: Sequence[Document], number: int) -> list[list[Alternative]]:
        """For each document up to so many readings of it, the most probable first.

        The probability of a reading is the product of those of its answers. Raises `ConfigError` where the encoding has
        no grammar, for then nothing is known of what else could be written.
        """
        if not self.encoding.grounds:
            raise ConfigError(f"{self.encoding.name} has no grammar, so its answers have no probabilities")
        askers, asked, questions = self._questions(documents)
        automata = self._automata(askers, documents)
        ranked = iter(self.model.rank(questions, automata, max(number, self.model.options.beams)))
        rest = iter(questions)
        made: list[list[Alternative]] = []
        for asker, document, exchanges in zip(askers, documents, asked, strict=True):
            own = [next(rest) for _ in exchanges]
            readings: list[tuple[float, tuple[TextAnswer, ...]]] = [(1.0, ())]
            for answers in (next(ranked) for _ in exchanges):
                longer = [
                    (chance * (each.chance or 0.0), (*so_far, each)) for chance, so_far in readings for each in answers
                ]
                readings = sorted(longer, key=lambda reading: -reading[0])[:number]
            made.append(
                [Alternative(self._scored(asker, document, answers, own), chance) for chance, answers in readings]
            )
        return made

    def _drafts(
        self, askers: Sequence[Asker], documents: Sequence[Document], count: int
    ) -> Sequence[Sequence[Any]] | None:
        """What each answer is guessed to be: nothing found, or what the drafter finds."""
        if self.decoding != DRAFTED or self.model.options.beams > 1:  # beams take no draft
            return None
        folder = self.model.options.drafter
        if folder is not None and self._drafter is None and not self._alone and not Path(folder).exists():
            progress.say(f"the drafter {folder} is gone: the same is answered without it, but slower")
            self._alone = True
        if folder is None or self._alone:
            return [()] * count
        drafter = self._drafter or self._load_drafter(folder)
        made: list[Sequence[Any]] = []
        for asker, document, spans in zip(askers, documents, drafter.draft(documents), strict=True):
            known = [span for span in spans if span.label in asker.encoding.labels]
            made += asker.encoding.drafts(document.with_spans(known))
        return made

    def _load_drafter(self, folder: str) -> Any:
        from onoma.recognizer.recognizer import Recognizer

        self._drafter = Recognizer.load(folder)
        return self._drafter

    # ------------------------------------------------------------------ files

    def card(self) -> dict[str, Any]:
        """The settings of encoding and prompt, and what the score of a span is, where it has one."""
        return {
            **({} if self.decoding == "free" else {"score": CHOICES_SCORE}),
            "encoding": {"name": self.encoding.name, **self.encoding.settings()},
            "prompt": self.prompter.state(),
            "answer_ratio": self.room.ratio,
        }

    def save(self, folder: Path) -> None:
        """Write the model's files, and where there are demonstrations, these and what finds them."""
        self.model.save(folder)
        if self.prompter.demonstrations is not None:
            rows = (json.dumps(each) for each in self.prompter.demonstrations.pool)
            (folder / POOL).write_text("".join(f"{row}\n" for row in rows), encoding="utf-8", newline="\n")
        if self.embedder is not None:
            self.embedder.save(folder / RETRIEVER)


def _refuse_without_grammar(encoding: TextEncoding, options: Any) -> None:
    """Raise `ConfigError` where an encoding cannot hold answers to the text as options ask."""
    held = options.decoding not in {None, "free"} or options.validation == "likelihood"
    if held and not encoding.grounds:
        raise ConfigError(f"{encoding.name} has no grammar that a model could be held to: use another encoding")


def _name(encoding: Any) -> str:
    return "none" if encoding is None else encoding.name
