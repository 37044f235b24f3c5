"""Encoder-decoders as a model family: what training, prediction, saving and loading need of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal, NamedTuple, Self

import numpy as np

from onoma import progress
from onoma.encodings.automata.base import Automaton
from onoma.generation.beams import search
from onoma.generation.greedy import write
from onoma.generation.pieces import Writing
from onoma.models.base import Question, TextAnswer
from onoma.models.batches import by_length, padded
from onoma.models.pretrained import quietly, require_torch, resolve
from onoma.models.seq2seq import network
from onoma.models.seq2seq.options import Seq2SeqOptions
from onoma.models.text.vocabulary import Vocabulary
from onoma.schemes import OUTSIDE

__all__ = ["Seq2Seq"]

IGNORE = -100
HELD = 2048
"""Padded pieces in a batch of answers that are held to a grammar: passes are few, so what counts is little padding."""
PRECISIONS: dict[str, str] = {"no": "float32", "bf16": "bfloat16", "fp16": "float16"}


class Example(NamedTuple):
    """A question, its right answer as numbers of pieces, and the pieces of both."""

    question: Question
    answer: tuple[int, ...]
    size: int


class Seq2Seq:
    """Reads a question and writes the answer piece by piece.

    Any encoder-decoder of `transformers`, or one made of an encoder (*Leveraging Pre-trained Checkpoints for Sequence
    Generation Tasks*, Rothe et al. 2020). The saved folder is an encoder-decoder of `transformers` and loads there.
    """

    family: ClassVar[str] = "seq2seq"
    answers: ClassVar[Literal["tags", "documents", "text"]] = "text"
    seeded: ClassVar[bool] = True

    def __init__(
        self, options: Seq2SeqOptions, tokenizer: Any, module: Any, symbols: Sequence[str], new: set[str]
    ) -> None:
        self.options = options
        self.vocabulary = Vocabulary(tokenizer, symbols if options.symbols else ())
        self.module = module
        self.new = new
        self.head = network.detach_head(module)
        self.source_limit, self.answer_limit = network.limits(module, tokenizer, options)
        self._epoch = 0

    @classmethod
    def create(cls, symbols: Sequence[str], options: Seq2SeqOptions, seed: int) -> Self:
        """Pre-trained weights, or those of an encoder with a new decoder; the seed draws what is new."""
        require_torch("the seq2seq family")
        place = resolve(options.model)
        tokenizer = network.load_tokenizer(place)
        module, new = network.build(place, options, seed)
        network.configure(module, tokenizer)
        made = cls(options, tokenizer, module, symbols, new)
        network.grow(module, made.vocabulary)
        return made

    # ------------------------------------------------------------------ training

    def examples(self, questions: Sequence[Question], answers: Sequence[str]) -> list[Example]:
        """Pairs in which the answer fits; it always does where its text could be cut."""
        made: list[Example] = []
        for question, answer in zip(questions, answers, strict=True):
            pieces = self.vocabulary.numbers(answer)
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

    def collate(self, examples: Sequence[Example]) -> dict[str, Any]:
        """A padded batch: the question's and the answer's pieces, these one step later, and `labels`."""
        import torch

        batch = self.read([each.question(self._epoch) for each in examples])
        answers = [each.answer for each in examples]
        labels = padded(answers, IGNORE)
        config = self.module.config
        begun = padded([(config.decoder_start_token_id, *answer[:-1]) for answer in answers], config.pad_token_id)
        return batch | {
            "decoder_input_ids": torch.from_numpy(begun),
            "decoder_attention_mask": torch.from_numpy((labels != IGNORE).astype(np.int64)),
            "labels": torch.from_numpy(labels),
        }

    def loss(self, outputs: Any, labels: Any) -> Any:
        """The sum of the costs of a batch's pieces."""
        import torch

        kept = labels != IGNORE
        states, wanted = outputs.logits[kept], labels[kept]
        if self.head is not None and self.head.training:
            precision = getattr(torch, PRECISIONS[self.options.mixed_precision])
            with torch.autocast(states.device.type, precision, self.options.mixed_precision != "no"):
                states, wanted = network.held_against(self.head, states, wanted, self.options.negatives)
        costs = torch.nn.functional.cross_entropy(states.float(), wanted, reduction="none")
        return (costs * self._weights(labels)[kept]).sum()

    def weight(self, labels: Any) -> Any:
        """The number of pieces, or the sum of their weights."""
        return self._weights(labels).sum()

    def _weights(self, labels: Any) -> Any:
        weights = (labels != IGNORE).float()
        if self.options.o_weight != 1:
            for number, symbol in self.vocabulary.added.items():
                if symbol.strip("()") == OUTSIDE:
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
        from onoma.models.seq2seq.speaker import Speaker

        end, most = self.module.config.eos_token_id, self.answer_limit + 1
        writings = [Writing(automaton, self.vocabulary.stretch, end, most) for automaton in automata]
        starts = [writing.begin() for writing in writings]
        sizes = [
            0 if node is None else self.vocabulary.size(question) + writing.need(node)
            for question, writing, node in zip(questions, writings, starts, strict=True)
        ]
        made = [TextAnswer("", False)] * len(questions)
        beams = self.options.beams
        budget = min(HELD, self.options.predict_tokens)
        with progress.bar("writing", len(questions)) as bar:
            for batch in by_length(sizes, budget):
                speaker = Speaker(self.module, self.read([questions[number] for number in batch]))
                asked = [writings[number] for number in batch]
                if beams > 1:
                    written = [answers[0] for answers in search(speaker, asked, beams)]
                else:
                    written = write(speaker, asked, None if drafts is None else [drafts[number] for number in batch])
                for number, each in zip(batch, written, strict=True):
                    made[number] = TextAnswer(each.text, each.whole, each.counts, tuple(each.chances))
                bar.add(len(batch))
        return made

    def _write(self, batch: Sequence[int], questions: Sequence[str], limits: Sequence[int]) -> list[TextAnswer]:
        import torch

        self.module.eval()
        # With beams the limit changes what is best, and must not depend on what else is in the batch.
        most = self.answer_limit if self.options.beams > 1 else max(limits[number] for number in batch)
        inputs = self.read([questions[number] for number in batch])
        with torch.inference_mode():
            rows = self.module.generate(
                **{name: each.to(self.module.device) for name, each in inputs.items()},
                max_new_tokens=most + 1,
                num_beams=self.options.beams,
                do_sample=False,
            ).tolist()
        end = self.module.config.eos_token_id
        answers: list[TextAnswer] = []
        for number, row in zip(batch, rows, strict=True):
            pieces = row[1:]
            stop = pieces.index(end) if end in pieces else len(pieces)
            whole = stop < len(pieces) and stop <= limits[number]
            answers.append(TextAnswer(self.vocabulary.text(pieces[: min(stop, limits[number])]), whole))
        return answers

    def read(self, questions: Sequence[str]) -> dict[str, Any]:
        """Padded questions; one that is too long is cut, as the recognizer tells."""
        import torch

        tokenizer = self.vocabulary.tokenizer
        longest = self.source_limit + tokenizer.num_special_tokens_to_add()
        rows = tokenizer(list(questions), truncation=True, max_length=longest, verbose=False)["input_ids"]
        pieces = padded(rows, self.module.config.pad_token_id)
        mask = padded([[1] * len(row) for row in rows], 0)
        return {"input_ids": torch.from_numpy(pieces), "attention_mask": torch.from_numpy(mask)}

    # ------------------------------------------------------------------ files

    def save(self, folder: Path) -> None:
        """Write model and tokenizer, as `transformers` does, into an existing folder."""
        quietly(self.module.save_pretrained, folder)
        quietly(self.vocabulary.tokenizer.save_pretrained, folder)

    @classmethod
    def load(cls, folder: Path, symbols: Sequence[str], options: Seq2SeqOptions) -> Self:
        """The model of a folder; nothing is looked up anywhere else."""
        require_torch("the seq2seq family")
        tokenizer = network.load_tokenizer(str(folder))
        return cls(options, tokenizer, network.load(str(folder)), symbols, set())
