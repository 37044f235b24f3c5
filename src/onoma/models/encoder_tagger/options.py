"""Settings of the encoder tagger."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from onoma.models.base import FromFolder
from onoma.models.tagging.options import HeadOptions

__all__ = ["EncoderTaggerOptions"]


class EncoderTaggerOptions(FromFolder, HeadOptions):
    """Settings of the encoder tagger and of its training."""

    origin: ClassVar[str] = "encoder"

    encoder: str | None = None
    """Folder or hub id of a `transformers` encoder; by default MiniLM-L6 (see `pretrained.default_encoder`)."""
    word_shape: bool | None = None
    """Add a learned embedding of each word's shape (Title, UPPER, 1990s ...) to those of its pieces; by default where
    the tokenizer reads capitals as small letters."""
    context: int = Field(0, ge=0)
    """Pieces of the neighbouring sentences of the document that are read on either side (Schweter and Akbik 2020)."""
    dropout: float | None = Field(None, ge=0, lt=1)
    """Dropout before the head; by default the encoder's own."""
    window: int | None = Field(None, ge=8)
    """Pieces in a window, special tokens included; by default all the encoder has positions for."""
    overlap: int = Field(64, ge=0)
    """Pieces that neighbouring windows of a long sentence share at least; there, logits are averaged, weighted by the
    distance from the window's edge."""
    predict_tokens: int = Field(1024, ge=1)
    """Padded pieces in a batch at prediction."""
    precision: Literal["fp32", "bf16", "int8"] = "fp32"
    """Numbers in which the encoder computes at prediction; training and saved weights keep 32 bits."""
    threads: int | None = Field(None, ge=1)
    """Processor threads at prediction; by default one a physical core that the process may use."""

    runtime: ClassVar[frozenset[str]] = frozenset({"precision", "predict_tokens", "threads"})
    """Options that may be given anew when a saved model is loaded."""
