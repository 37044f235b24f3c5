"""Gradient training: a thin layer over `transformers.Trainer` that knows no family and no recognizer."""

from onoma.training.batches import TokenBudget
from onoma.training.trainer import Trainable, train

__all__ = ["TokenBudget", "Trainable", "train"]
