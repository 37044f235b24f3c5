"""A recognizer as ONNX, and the check that it still says what the original says."""

from __future__ import annotations

import json
import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from onoma import datasets, progress, tokenization
from onoma.document import Document, Prediction
from onoma.exceptions import ConfigError, DataError
from onoma.files import write_text
from onoma.recognizer import Recognizer

__all__ = ["PARITY", "Parity", "Tolerances", "export_onnx", "parity"]

PARITY = "parity.json"
ROUNDS = 3
TIMED_WORDS = 5_000
"""Words on which the two are timed, in turn."""

BUILT_IN = (
    "Ada Lovelace was born in London in 1815 and worked with Charles Babbage on the Analytical Engine.",
    "On Tuesday the European Commission rejected a German proposal, said its spokesman in Brussels.",
    "JAPAN GET LUCKY WIN, CHINA IN SURPRISE DEFEAT.",
    "The University of Cape Town and Siemens AG signed an agreement in Munich.",
    "nobody came, and nothing happened.",
)
"""Looked at where no labelled documents are given: enough to find a broken export, not to judge a coarser one."""


@dataclass(frozen=True)
class Tolerances:
    """What an export may lose, all as fractions; the last two are looked at where there is gold.

    For 8 bits a word in a hundred may change its tag, F1 may fall by half a point and the recall of any label by one.
    """

    agreement: float = 1.0
    """Least share of words with the same tag."""
    f1_loss: float = 0.001
    """Greatest loss of micro F1, exact boundaries and label."""
    recall_loss: float = 0.001
    """Greatest loss of recall of any label."""

    @classmethod
    def default(cls, *, int8: bool) -> Tolerances:
        """The usual ones for a precision."""
        return cls(0.99, 0.005, 0.01) if int8 else cls()

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            if not 0 <= value <= 1:
                raise ConfigError(f"{name} {value}: a fraction from 0 to 1, such as 0.005 for half a point")


@dataclass(frozen=True)
class Parity:
    """An export beside its original on the same documents; scores are fractions."""

    data: str
    fingerprint: str
    words: int
    same_tags: int
    f1: tuple[float, float] | None
    """Of the original and of the export; None without gold."""
    recall: dict[str, tuple[float, float]]
    """Of both, for every label of gold."""
    seconds: tuple[float, float]
    """Medians of both on the same part of the data, run in turn."""
    tolerances: Tolerances

    @property
    def agreement(self) -> float:
        """Share of words with the same tag; 1 where there is no word."""
        return self.same_tags / self.words if self.words else 1.0

    @property
    def failures(self) -> tuple[str, ...]:
        """What is beyond the tolerances, in words."""
        limits = self.tolerances
        found: list[str] = []
        if self.agreement < limits.agreement:
            differ = self.words - self.same_tags
            found.append(f"{differ:,} of {self.words:,} words change their tag ({limits.agreement:.2%} must not)")
        if self.f1 is not None and self.f1[0] - self.f1[1] > limits.f1_loss:
            found.append(f"micro F1 falls from {self.f1[0]:.2%} to {self.f1[1]:.2%} (by {limits.f1_loss:.2%} at most)")
        for label, (before, after) in self.recall.items():
            if before - after > limits.recall_loss:
                found.append(
                    f"recall of {label} falls from {before:.2%} to {after:.2%} (by {limits.recall_loss:.2%} at most)"
                )
        return tuple(found)

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON values."""
        pair = ("original", "export")
        return {
            "data": self.data,
            "fingerprint": self.fingerprint,
            "words": self.words,
            "agreement": self.agreement,
            "f1": None if self.f1 is None else dict(zip(pair, self.f1, strict=True)),
            "recall": {label: dict(zip(pair, both, strict=True)) for label, both in self.recall.items()},
            "seconds": dict(zip(pair, self.seconds, strict=True)),
            "times_as_fast": self.seconds[0] / self.seconds[1] if self.seconds[1] else None,
            "tolerances": asdict(self.tolerances),
            "passed": not self.failures,
            "failures": list(self.failures),
        }


def export_onnx(
    recognizer: Recognizer,
    out: str | Path,
    *,
    int8: bool = False,
    documents: Sequence[Document] | None = None,
    data: str = "documents",
    tolerances: Tolerances | None = None,
) -> Parity:
    """Write a recognizer that runs on ONNX Runtime into the folder `out`, if it agrees with the original.

    `documents` are gold for the check, called `data` in its record; a few built-in sentences where None. `onoma.load`
    reads the folder like any other. Where `failures` of the returned check are not empty, nothing was written. Raises
    `ConfigError` for families that cannot be exported, `DataError` where the documents hold no word.
    """
    model: Any = recognizer.model
    if not hasattr(model, "exported"):
        raise ConfigError(f"{recognizer.family} cannot be exported as ONNX")
    Recognizer.claim(out)
    if documents is None:
        progress.say("no labelled documents are given: the export is checked on a few built-in sentences only")
        documents, data = [Document(str(number), text) for number, text in enumerate(BUILT_IN)], "built-in sentences"
    documents = [tokenization.split(document, recognizer.splitter) for document in documents]
    if not any(document.words for document in documents):
        raise DataError(f"{data} holds no word: there is nothing to check the export on")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as scratch:
        progress.say("writing the graph")
        made = model.exported(Path(scratch), int8=int8)
        export = Recognizer.join(recognizer.encoding, made, recognizer.splitter, recognizer.trained)
        export.calibration = recognizer.calibration
        check = parity(recognizer, export, documents, data, tolerances or Tolerances.default(int8=int8))
        if not check.failures:
            write_text(Path(scratch) / PARITY, json.dumps(check.to_dict(), ensure_ascii=False, indent=2) + "\n")
            export.save(out)
    return check


def parity(
    original: Recognizer, export: Recognizer, documents: Sequence[Document], data: str, tolerances: Tolerances
) -> Parity:
    """Compare the answers of two recognizers; F1 and recall where the documents have gold spans."""
    split = [tokenization.split(document, original.splitter) for document in documents]
    answers = [recognizer.predict(split) for recognizer in (original, export)]
    tags = [[tag for answer in side for tag in answer.tags or ()] for side in answers]
    f1, recall = _scores(split, answers) if any(document.spans for document in split) else (None, {})
    return Parity(
        data=data,
        fingerprint=datasets.fingerprint(split),
        words=len(tags[0]),
        same_tags=sum(before == after for before, after in zip(*tags, strict=True)),
        f1=f1,
        recall=recall,
        seconds=_seconds((original, export), split),
        tolerances=tolerances,
    )


def _scores(
    gold: Sequence[Document], answers: Sequence[Sequence[Prediction]]
) -> tuple[tuple[float, float], dict[str, tuple[float, float]]]:
    from onoma.evaluation import evaluate

    before, after = (evaluate(gold, side, resamples=0) for side in answers)
    labels = sorted(label for label, score in before.by_label.items() if score.support)
    recall = {label: (before.by_label[label].recall, after.by_label[label].recall) for label in labels}
    return (before.micro.f1, after.micro.f1), recall


def _seconds(sides: Sequence[Recognizer], documents: Sequence[Document]) -> tuple[float, float]:
    some: list[Document] = []
    words = 0
    for document in documents:
        if words >= TIMED_WORDS:
            break
        some.append(document)
        words += len(document.tokens)
    taken: list[list[float]] = [[], []]
    for _ in range(ROUNDS):
        for side, times in zip(sides, taken, strict=True):
            started = time.perf_counter()
            side.predict(some)
            times.append(time.perf_counter() - started)
    return statistics.median(taken[0]), statistics.median(taken[1])
