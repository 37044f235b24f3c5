"""Settings of the encoder-decoders."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from onoma.models.text.options import TextOptions

__all__ = ["Seq2SeqOptions"]


class Seq2SeqOptions(TextOptions):
    """Settings of an encoder-decoder, its training and its answers."""

    model: str | None = None
    """Folder or hub id of an encoder-decoder (T5, mT5, BART, ...), or of an encoder, which then gets a decoder; by
    default MiniLM-L6."""
    pretrained: bool = True
    """Use the weights of that place; if not, only its configuration and its tokenizer: all weights are drawn anew."""
    decoder_layers: int = Field(2, ge=1)
    """Layers of the decoder that an encoder gets."""
    decoder_start: Literal["upper", "lower", "new"] = "lower"
    """What that decoder starts from: the encoder's upper or lower layers, or nothing (Rothe et al. 2020); its attention
    to the source starts from the same layers' attention to themselves. From the lower ones it learns to copy sooner."""
