"""What all models that write text have in common: their costs, and how they are made to answer."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal, NamedTuple

from onoma import progress
from onoma.encodings.automata.base import Automaton
from onoma.exceptions import ConfigError
from onoma.generation.beams import search
from onoma.generation.greedy import Speaker, Written, write
from onoma.generation.pieces import Writing
from onoma.models.base import Question, TextAnswer
from onoma.models.batches import by_length
from onoma.models.pretrained import quietly
from onoma.models.text.network import held_against
from onoma.models.text.options import TextOptions
from onoma.models.text.vocabulary import Vocabulary
from onoma.schemes import OUTSIDE
from onoma.unicode import well_formed

__all__ = ["IGNORE", "Example", "Writer"]

IGNORE = -100
HELD = 2048
"""Padded pieces in a batch of answers that are held to a grammar: passes are few, so what counts is little padding."""
ONE_AT_A_TIME = threading.RLock()
"""Threads take turns by the batch: parts of a network are changed for the time of a pass."""
PRECISIONS: dict[str, str] = {"no": "float32", "bf16": "bfloat16", "fp16": "float16"}


class Example(NamedTuple):
    """A question, its right answer as numbers of pieces, and the pieces of both."""

    question: Question
    answer: tuple[int, ...]
    size: int


class Writer(ABC):
    """Reads a question and writes the answer piece by piece; `models.base.TextModel` says what is asked of it.

    A family gives the network, how a batch is put to it (`collate`, `speaker`, `generate`), and where it comes from.
    """

    answers: ClassVar[Literal["tags", "documents", "text"]] = "text"
    seeded: ClassVar[bool] = True
    options: TextOptions
    module: Any
    vocabulary: Vocabulary
    head: Any
    """The layer that scores the pieces, where training takes it apart (see `network.detach_head`)."""
    source_limit: int
    answer_limit: int
    new: set[str]
    """Names of the weights that are not pre-trained."""
    _epoch: int = 0

    # ------------------------------------------------------------------ what a family gives

    @abstractmethod
    def speaker(self, questions: Sequence[str]) -> Speaker:
        """The model in the midst of the answers to a batch of questions."""

    @abstractmethod
    def generate(self, questions: Sequence[str], most: int, beams: int) -> list[list[int]]:
        """Pieces that the library writes for a batch of questions, at most so many, what follows the end included."""

    @abstractmethod
    def collate(self, examples: Sequence[Example]) -> dict[str, Any]:
        """A padded batch for the network, and `labels`: the pieces that are to be written, `IGNORE` elsewhere."""

    # ------------------------------------------------------------------ training

    def check(self) -> None:
        """Raise `ConfigError` for an option that would change nothing."""
        if self.options.o_weight != 1 and not self._outside:
            raise ConfigError("o_weight has nothing to weigh: the encoding writes no O as one piece of its own")
        if self.options.layer_decay != 1:
            raise ConfigError("layer_decay has no one order of layers to go by: learning_rate is that of all of them")
        if self.options.negatives is not None and self.head is None:
            raise ConfigError("negatives cannot be drawn: this network adds to the scores of all pieces, leave it out")

    @property
    def _outside(self) -> list[int]:
        """The piece that stands for O, where there is one."""
        return [number for symbol, number in self.vocabulary.pieces.items() if symbol.strip("()") == OUTSIDE]

    def examples(self, questions: Sequence[Question], answers: Sequence[str]) -> list[Example]:
        """Pairs in which the answer fits; it always does where its text could be cut."""
        made: list[Example] = []
        for question, answer in zip(questions, answers, strict=True):
            pieces = self.vocabulary.answer(answer)
            if len(pieces) <= self.answer_limit:
                size = self.vocabulary.size(question(0)) + len(pieces)
                made.append(Example(question, (*pieces, self.module.config.eos_token_id), size))
        if len(made) < len(answers):
            progress.say(f"{len(answers) - len(made):,} answers are longer than the model can write and are not learnt")
        return made

    def begin_epoch(self, epoch: int) -> None:
        """Questions may differ by epoch."""
        self._epoch = epoch

    def size(self, example: Example) -> int:
        """Pieces of an example."""
        return example.size

    def loss(self, outputs: Any, labels: Any) -> Any:
        """The sum of the costs of a batch's pieces."""
        import torch

        kept = labels != IGNORE
        states, wanted = outputs.logits[kept], labels[kept]
        if self.head is not None and self.head.training:
            precision = getattr(torch, PRECISIONS[self.options.mixed_precision])
            with torch.autocast(states.device.type, precision, self.options.mixed_precision != "no"):
                states, wanted = held_against(self.head, states, wanted, self.options.negatives)
        costs = torch.nn.functional.cross_entropy(states.float(), wanted, reduction="none")
        return (costs * self._weights(labels)[kept]).sum()

    def weight(self, labels: Any) -> Any:
        """The number of pieces, or the sum of their weights."""
        return self._weights(labels).sum()

    def _weights(self, labels: Any) -> Any:
        weights = (labels != IGNORE).float()
        if self.options.o_weight != 1:
            for number in self._outside:
                weights = weights.masked_fill(labels == number, self.options.o_weight)
        return weights

    def is_new(self, parameter: str) -> bool:
        """Whether a parameter is not pre-trained."""
        return parameter in self.new

    def depth(self, parameter: str) -> int | None:
        """None: layers of two stacks have no common order."""
        del parameter

    # ------------------------------------------------------------------ prediction

    def predict(self, questions: Sequence[str], limits: Sequence[int]) -> list[TextAnswer]:
        """Answers, greedy or the best of some beams; batches are sorted by length."""
        size = self.vocabulary.size
        made: list[TextAnswer] = [TextAnswer("")] * len(questions)
        sizes = [size(question) + limit for question, limit in zip(questions, limits, strict=True)]
        with progress.bar("writing", len(questions)) as bar:
            for batch in by_length(sizes, self.options.predict_tokens):
                for number, answer in zip(batch, self._write(batch, questions, limits), strict=True):
                    made[number] = answer
                bar.add(len(batch))
        return made

    def choose(
        self, questions: Sequence[str], automata: Sequence[Automaton], drafts: Sequence[Sequence[Any]] | None
    ) -> list[TextAnswer]:
        """The best of all that an automaton allows, piece by piece; batches are sorted by length."""
        return [_told(written[0]) for written in self._held(questions, automata, drafts, self.options.beams)]

    def rank(self, questions: Sequence[str], automata: Sequence[Automaton], beams: int) -> list[list[TextAnswer]]:
        """Up to `beams` answers to each question, the most probable first, each with its probability."""
        return [
            [
                TextAnswer(
                    each.text, each.whole, each.counts, tuple(each.chances), tuple(each.corrections), each.chance
                )
                for each in answers
            ]
            for answers in self._held(questions, automata, None, beams, always=True)
        ]

    def _held(
        self,
        questions: Sequence[str],
        automata: Sequence[Automaton],
        drafts: Sequence[Sequence[Any]] | None,
        beams: int,
        *,
        always: bool = False,
    ) -> list[list[Written]]:
        """Answers that are held to automata: one each, or the best of some beams (`always`: of one beam, too)."""
        end, most = self.module.config.eos_token_id, self.answer_limit + 1
        cut, tail = self.vocabulary.stretch, self.vocabulary.tail
        writings = [Writing(automaton, cut, end, most, tail) for automaton in automata]
        starts = [writing.begin() for writing in writings]
        sizes = [
            0 if node is None else self.vocabulary.size(question) + writing.need(node)
            for question, writing, node in zip(questions, writings, starts, strict=True)
        ]
        made = [[Written("", False)] for _ in questions]
        budget = min(HELD, self.options.predict_tokens)
        with progress.bar("writing", len(questions)) as bar:
            for batch in by_length(sizes, budget):
                asked = [writings[number] for number in batch]
                with ONE_AT_A_TIME:
                    speaker = self.speaker([questions[number] for number in batch])
                    if beams > 1 or always:
                        written = search(speaker, asked, beams)
                    else:
                        drafted = None if drafts is None else [drafts[number] for number in batch]
                        written = [[each] for each in write(speaker, asked, drafted)]
                for number, each in zip(batch, written, strict=True):
                    made[number] = each
                bar.add(len(batch))
        return made

    def _write(self, batch: Sequence[int], questions: Sequence[str], limits: Sequence[int]) -> list[TextAnswer]:
        import torch

        self.module.eval()
        # With beams the limit changes what is best, and must not depend on what else is in the batch.
        beams = self.options.beams
        most = self.answer_limit if beams > 1 else max(limits[number] for number in batch)
        with ONE_AT_A_TIME, torch.inference_mode():
            rows = self.generate([questions[number] for number in batch], most + 1, beams)
        end = self.module.config.eos_token_id
        answers: list[TextAnswer] = []
        for number, pieces in zip(batch, rows, strict=True):
            stop = pieces.index(end) if end in pieces else len(pieces)
            whole = stop < len(pieces) and stop <= limits[number]
            answers.append(TextAnswer(self.vocabulary.text(pieces[: min(stop, limits[number])]), whole))
        return answers

    def rows(self, questions: Sequence[str]) -> list[list[int]]:
        """The pieces of questions, special ones included; one that is too long is cut, as the recognizer tells."""
        tokenizer = self.vocabulary.tokenizer
        longest = self.source_limit + tokenizer.num_special_tokens_to_add()
        texts = [well_formed(question) for question in questions]
        return tokenizer(texts, truncation=True, max_length=longest, verbose=False)["input_ids"]

    # ------------------------------------------------------------------ files

    def save(self, folder: Path) -> None:
        """Write model and tokenizer, as `transformers` does, into an existing folder."""
        quietly(self.module.save_pretrained, folder)
        quietly(self.vocabulary.tokenizer.save_pretrained, folder)


def _told(each: Written) -> TextAnswer:
    return TextAnswer(each.text, each.whole, each.counts, tuple(each.chances), tuple(each.corrections))
