"""Settings of the encoder tagger."""

from __future__ import annotations

import os
from pathlib import Path
from typing import ClassVar, Literal, Self

from pydantic import Field

from onoma.models.tagging.options import HeadOptions

__all__ = ["EncoderTaggerOptions"]


class EncoderTaggerOptions(HeadOptions):
    """Settings of the encoder tagger and of its training."""

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

    def located(self, base: Path) -> Self:
        """The same options; an encoder that is a folder below `base` is named by its full path, a hub id stays."""
        if self.encoder is None or not (base / self.encoder).is_dir():
            return self
        return self.model_copy(update={"encoder": os.path.abspath(base / self.encoder)})  # noqa: PTH100, keeps links

    def depends_on(self) -> tuple[Path, ...]:
        """The encoder's folder, where it is one."""
        folder = None if self.encoder is None else Path(self.encoder).expanduser()
        return (folder,) if folder is not None and folder.is_dir() else ()
