"""Encoder-decoders that write an answer to a question."""

from __future__ import annotations

from onoma.models.seq2seq.model import Seq2Seq

__all__ = ["Seq2Seq"]
