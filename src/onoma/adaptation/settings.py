"""Settings of domain-adaptive pre-training."""

from __future__ import annotations

from pydantic import Field

from onoma.models.base import TrainingOptions

__all__ = ["AdaptationSettings"]


class AdaptationSettings(TrainingOptions):
    """What is adapted, how words are masked, and how it is trained."""

    encoder: str | None = None
    """Folder or hub id of a `transformers` encoder; by default MiniLM-L6 (see `pretrained.default_encoder`)."""
    seed: int = Field(1, ge=0, lt=2**32)
    """Draws the masks, the order of the batches and a new head."""
    mask_share: float = Field(0.15, gt=0, lt=1)
    """Share of the words that are to be guessed."""
    window: int = Field(128, ge=8)
    """Pieces in a block, special tokens included; at most what the encoder has positions for."""
    held_out: float = Field(0.05, ge=0, le=0.5)
    """Share of the documents that is only measured, chosen by a hash of the text: always the same ones. 0 for none."""
    epochs: int = Field(3, ge=1)
    """Passes over the text at most."""
    patience: int = Field(2, ge=1)
    """Stop after so many epochs without a lower held-out loss."""
    batch_tokens: int = Field(2048, ge=1)
    """Pieces in a training batch, about."""
