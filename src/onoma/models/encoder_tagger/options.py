"""Settings of the encoder tagger."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal, Self

from pydantic import Field

from onoma.models.base import TrainingOptions

__all__ = ["EncoderTaggerOptions"]


class EncoderTaggerOptions(TrainingOptions):
    """Settings of the encoder tagger and of its training."""

    encoder: str | None = None
    """Folder or hub id of a `transformers` encoder; by default MiniLM-L6 (see `backbone.default_encoder`)."""
    o_weight: float = Field(1.0, gt=0)
    """Weight alpha of the outside tag in the cross-entropy; every other tag weighs 1."""
    loss_by: Literal["weight", "count"] = "weight"
    """Divide a batch's loss by the sum of its weights, or by its number of words."""
    dropout: float | None = Field(None, ge=0, lt=1)
    """Dropout before the head; by default the encoder's own."""
    window: int | None = Field(None, ge=8)
    """Pieces in a window, special tokens included; by default all the encoder has positions for."""
    overlap: int = Field(64, ge=0)
    """Pieces that neighbouring windows of a long sentence share at least."""
    predict_tokens: int = Field(2048, ge=1)
    """Padded pieces in a batch at prediction."""

    def located(self, base: Path) -> Self:
        """The same options; an encoder that is a folder below `base` is named by its full path, a hub id stays."""
        if self.encoder is None or not (base / self.encoder).is_dir():
            return self
        return self.model_copy(update={"encoder": os.path.abspath(base / self.encoder)})  # noqa: PTH100, keeps links

    def depends_on(self) -> tuple[Path, ...]:
        """The encoder's folder, where it is one."""
        folder = None if self.encoder is None else Path(self.encoder).expanduser()
        return (folder,) if folder is not None and folder.is_dir() else ()
