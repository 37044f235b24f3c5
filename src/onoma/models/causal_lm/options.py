"""Settings of the decoder-only models."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from onoma.models.text.options import TextOptions

__all__ = ["CausalLMOptions"]


class CausalLMOptions(TextOptions):
    """Settings of a decoder-only language model, its training and its answers."""

    model: str | None = None
    """Folder or hub id of a language model (Llama, Qwen, GPT-2, ...). Where it is an encoder, by default MiniLM-L6, a
    new small language model is made with its tokenizer, which starts from its embeddings."""
    pretrained: bool = True
    """Use the weights of that place; if not, only its configuration and its tokenizer: all weights are drawn anew."""
    architecture: Literal["llama", "qwen3"] = "llama"
    """What a new model is made like."""
    layers: int = Field(4, ge=1)
    """Layers of a new model; it is as wide as the encoder whose embeddings it takes."""
    positions: int = Field(1024, ge=32)
    """Pieces of question and answer that a new model has positions for."""
