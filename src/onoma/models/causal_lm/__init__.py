"""Decoder-only language models that write an answer behind a question."""

from __future__ import annotations

from onoma.models.causal_lm.model import CausalLM

__all__ = ["CausalLM"]
