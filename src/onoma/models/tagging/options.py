"""Settings of a tagger's head, its decoding and its loss, the same for every neural tagger."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from onoma.models.base import TrainingOptions

__all__ = ["HeadOptions"]


class HeadOptions(TrainingOptions):
    """Settings of the head of a tagger; loss, head and decoding are chosen freely of each other."""

    head: Literal["linear", "crf"] = "linear"
    """`linear`: each word by itself. `crf`: a linear chain over the words of a sentence (Lafferty et al. 2001)."""
    decode: Literal["argmax", "viterbi"] = "argmax"
    """With a linear head: the best tag of each word, or the best sequence that the scheme allows. A CRF always gives
    its best sequence, and that is a legal one."""
    lstm: int = Field(0, ge=0)
    """Hidden units a direction of a bidirectional LSTM over words below the head; 0 for none."""
    loss: Literal["nll", "focal", "dice"] = "nll"
    """Negative log-likelihood (of words, or of the chain); focal or dice loss (of words, or of a CRF's marginals)."""
    o_weight: float = Field(1.0, gt=0, allow_inf_nan=False)
    """Weight alpha of words outside any mention in the loss; every other word weighs 1."""
    loss_by: Literal["weight", "count"] = "weight"
    """Divide a step's loss by the sum of its words' weights, or by their number."""
    gamma: float = Field(2.0, ge=0, allow_inf_nan=False)
    """Focal loss: the exponent of (1 - p); 0 is the plain cross-entropy."""
    label_smoothing: float = Field(0.0, ge=0, lt=1)
    """Share of the gold tag's probability that is spread over all tags (focal loss, or `nll` with a linear head)."""
    dice_level: Literal["element", "set"] = "set"
    """Dice loss of every word and tag by itself, or one ratio a tag over all words of a batch, and their mean. Word by
    word the many outside mentions may win, and O alone is learnt; over a batch it may be the rare tags that are not
    learnt. Parts of a step (accumulation, several processes) have ratios of their own."""
    dice_alpha: float = Field(0.01, ge=0, allow_inf_nan=False)
    """Dice loss: the exponent of (1 - p), which plays down what is easy."""
    dice_smooth: float = Field(1.0, gt=0, allow_inf_nan=False)
    """Dice loss: added above and below the fraction line."""
    dice_squared: bool = False
    """Dice loss: squares below the fraction line."""

    @model_validator(mode="after")
    def _smoothing_means_something(self) -> Self:
        if self.label_smoothing and (self.loss == "dice" or (self.loss == "nll" and self.head == "crf")):
            raise ValueError("label_smoothing goes with focal loss, or with nll and a linear head")
        return self
