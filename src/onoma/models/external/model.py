"""Another program as a model family: it is asked for predictions and keeps its own environment, weights and training.

Documents go to its stdin as our JSON Lines without spans (id, text, tokens, sentences, meta), then stdin is closed. It
answers on stdout with lines that hold at least `id` and `spans`, in any order, and may say on stderr what it likes.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

from onoma import progress
from onoma.datasets.jsonl import record_of
from onoma.document import Document, LabelSet, Prediction, Problem
from onoma.exceptions import ConfigError, DataError, ModelError
from onoma.models.base import Fitted
from onoma.models.external.answers import Answers
from onoma.models.external.options import ExternalOptions
from onoma.models.external.processes import ask

__all__ = ["External"]

_log = logging.getLogger("onoma")

NO_ANSWER = "it ended without one (exit code 0)"
NO_STRING = "'id' must be the very string that was asked, \"7\" and not 7"
AN_ARRAY = "a JSON array is no answer, write one object a line"


class External:
    """A program that reads documents and writes predictions. Its training is its own business, so nothing is fitted.

    Each call of `predict` starts it once. A document it does not answer has no spans and the problem `truncated`,
    which loses its recall and is no false positive; what it answers badly is counted by kind.
    """

    family: ClassVar[str] = "external"
    answers: ClassVar[Literal["tags", "documents", "text"]] = "documents"
    seeded: ClassVar[bool] = False
    learns: ClassVar[bool] = False
    look_ahead: ClassVar[int] = 200_000
    """Words in a call: loading a model takes a program seconds."""

    def __init__(self, labels: Sequence[str], options: ExternalOptions) -> None:
        self.labels = LabelSet(labels)
        self.options = options

    @classmethod
    def create(cls, labels: Sequence[str], options: ExternalOptions, seed: int) -> Self:
        """The program as it is, in the folder it is named from: `cwd` is made absolute. The seed plays no part.

        A line is said where there is no such program now: it may come later, and `predict` asks for it.
        """
        del seed
        options = options.located(Path.cwd())
        try:
            options.program()
        except ConfigError as problem:
            progress.say(f"warning: {problem}")
        return cls(labels, options)

    def fit(self, documents: Sequence[Document]) -> Fitted:
        """Nothing: the program is trained elsewhere."""
        del documents
        return Fitted()

    def predict(self, documents: Sequence[Document]) -> list[Prediction]:
        """One prediction a document, in order.

        Raises `ConfigError` where the program cannot be started, and `ModelError` where it answers no document at all.
        """
        if not documents:
            return []
        options = self.options
        ids = [document.id for document in documents]
        if len(set(ids)) < len(ids):
            ids = [str(number) for number in range(len(ids))]
        answers = Answers(ids, documents, options.labels)
        with progress.bar("external: predicting", len(documents)) as bar:

            def take(line: bytes) -> int:
                missing = answers.take(line)
                bar.to(len(answers.found))
                return missing

            why, said = ask(
                [options.program(), *options.command[1:]],
                _lines(ids, documents),
                take,
                wanted=len(documents),
                cwd=options.folder(),
                env=options.environment(),
                timeout=options.timeout,
            )
        self._tell(answers, why, said)
        lost = Problem("truncated", f"external: {why or 'no answer'}")
        return [
            answers.found.get(id) or Prediction(document.id, problems=(lost,))
            for id, document in zip(ids, documents, strict=True)
        ]

    def _tell(self, answers: Answers, why: str, said: str) -> None:
        """Say what went wrong; raises `ModelError` where nothing was answered."""
        name = " ".join(self.options.command)[:100]
        asked, found = len(answers.asked), len(answers.found)
        if why or found < asked:
            for line in said.splitlines()[-10:]:
                _log.info("external: stderr: %s", line[:400])
        if not found:
            raise ModelError(
                f"external: {name}: no document was answered: {why or 'it ended without an answer'}{_hint(answers)} "
                "(one JSON object a line with 'id' and 'spans' is an answer)"
            )
        if found < asked:
            progress.say(f"external: {name}: {asked - found:,} of {asked:,} documents not answered: {why or NO_ANSWER}")
        elif why:
            progress.say(f"external: {name}: all documents answered, then: {why}")
        for tally, what in (
            (answers.malformed, "answers hold no list of 'spans', the first"),
            (answers.spans, "spans are no mentions and counted as problems, the first"),
            (answers.repeated, "answers to documents already answered are left out, the first"),
            (answers.strangers, "answers for ids not asked for are left out, the first"),
            (answers.numbers, f"answers are left out: {NO_STRING}, the first"),
            (answers.lists, f"lines are left out: {AN_ARRAY}, the first"),
            (answers.unreadable, "lines that are no answers are left out, the first"),
        ):
            if tally.count:
                progress.say(f"external: {name}: {tally.count:,} {what} {tally.first!r}")

    def save(self, folder: Path) -> None:
        """Nothing: the card holds the command."""

    @classmethod
    def load(cls, folder: Path, labels: Sequence[str], options: Any) -> Self:
        """The program that a card names; it is started by `predict`, not before."""
        del folder
        return cls(labels, options)


def _hint(answers: Answers) -> str:
    """What a program that answered nothing wrote instead."""
    if answers.numbers.count:
        return f"; {NO_STRING}, the first line is {answers.numbers.first!r}"
    if answers.lists.count:
        return f"; {AN_ARRAY}, the first line is {answers.lists.first!r}"
    if answers.unreadable.count:
        return f"; the first line it wrote is {answers.unreadable.first!r}"
    if answers.strangers.count:
        return f"; it answered for {answers.strangers.first!r}, an id not asked for"
    return ""


def _lines(ids: Sequence[str], documents: Sequence[Document]) -> Iterator[bytes]:
    """What the program reads: our JSON Lines, escaped to ASCII so that no program can misread them, never gold."""
    for id, document in zip(ids, documents, strict=True):
        record = {**record_of(document, ()), "id": id}
        del record["spans"]
        if "meta" in record:
            record["meta"].pop("tags", None)  # gold tags, where a reader was told to keep them
        try:
            yield (json.dumps(record, allow_nan=False) + "\n").encode("ascii")
        except (TypeError, ValueError) as problem:
            raise DataError(f"document {document.id!r} cannot be written as JSON: {problem}") from None
