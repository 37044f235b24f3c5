"""Settings that all families share which write text."""

from __future__ import annotations

import os
from collections.abc import Collection
from pathlib import Path
from typing import ClassVar, Literal, Self

from pydantic import Field

from onoma.exceptions import ModelError
from onoma.models.base import FromFolder, TrainingOptions

__all__ = ["TextOptions"]


class TextOptions(FromFolder, TrainingOptions):
    """What a model that writes text is trained with, and how it answers."""

    origin: ClassVar[str] = "model"

    batch_tokens: int = Field(512, ge=1)
    """Pieces of questions and answers in a training batch, about; many small steps learn to copy sooner than few."""
    symbols: bool = True
    """Make what an encoding writes again and again, such as (B-PER), one piece of the vocabulary each. Without, a model
    spells labels out, so that it can be asked for others than it was trained on."""
    negatives: int | None = Field(None, ge=1)
    """In training, hold a right piece against those of its batch's answers and so many others, drawn anew for each
    batch, instead of the whole vocabulary (Jean et al. 2015, uncorrected): steps take half the time."""
    o_weight: float = Field(1.0, gt=0, allow_inf_nan=False)
    """Weight of the symbol for O in the loss, where the encoding writes one."""
    source_pieces: int | None = Field(None, ge=16)
    """Pieces of a question, at most; by default as many as the model can read."""
    answer_pieces: int | None = Field(None, ge=16)
    """Pieces of an answer, at most; by default as many as the model can write."""
    validation: Literal["generate", "likelihood"] | None = None
    """What dev answers are made by in training: writing freely (`generate`), or the best of what may be written, piece
    by piece (`likelihood`: never corrupts the text, is faster, and tells early epochs apart, in which free answers have
    no copy right). By default as the trained model answers."""
    decoding: Literal["free", "grounded", "grounded+draft"] | None = None
    """How a trained model answers: freely; held to what the encoding lets be written about the text, so that it cannot
    leave it; or the same with a draft that finds no mention, checked in few passes, which changes the speed alone. By
    default the last, or freely where the encoding has no grammar."""
    drafter: str | None = None
    """Folder of a trained recognizer whose mentions are the draft: the better they are, the fewer passes it takes; what
    is answered does not change. Where it is gone, answers are drafted without."""
    beams: int = Field(1, ge=1)
    """Answers that are followed at once; 1 is greedy. More than one take no draft."""
    predict_tokens: int = Field(16384, ge=1)
    """Pieces of questions and answers in a batch at prediction, padded, at most."""

    def located(self, base: Path) -> Self:
        """The same options; a model's or a drafter's folder below `base` is named by its full path."""
        return super().located(base).drafting_from(base)

    def drafting_from(self, base: Path) -> Self:
        """The same options; a drafter's folder below `base` is named by its full path."""
        if self.drafter is None or not (base / self.drafter).is_dir():
            return self
        return self.model_copy(update={"drafter": os.path.abspath(base / self.drafter)})  # noqa: PTH100, keeps links

    def look(self, names: Collection[str] | None = None) -> None:
        """Raise `ModelError` where the drafter is not there, either."""
        super().look(names)
        if self.drafter is not None and (names is None or "drafter" in names) and not Path(self.drafter).is_dir():
            raise ModelError(f"drafter = {self.drafter!r}: there is no such folder")

    runtime: ClassVar[frozenset[str]] = frozenset({"beams", "decoding", "drafter", "predict_tokens"})
    """Options that may be given anew when a saved model is loaded."""
