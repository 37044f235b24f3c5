"""Recognizer = encoding + model (+ splitter): train it on documents, predict, save, load. Any family, one interface.

One file for each way in which models answer: what joins an encoding and a model is there, and nowhere else.
"""

from __future__ import annotations

from onoma.recognizer.card import CARD, look, read_card
from onoma.recognizer.creation import check
from onoma.recognizer.recognizer import Recognizer

__all__ = ["CARD", "Recognizer", "check", "look", "read_card"]
