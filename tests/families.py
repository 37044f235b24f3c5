"""A tiny corpus that every family must be able to learn by heart, and options that make it quick."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from models.tiny import save_bert

from onoma import Document, Span

MARKED = [
    "[Ada Byron|PER] left [London|LOC] .",
    "In [Rome|LOC] , [Bob|PER] met nobody .",
    "nobody left",
    "[New York City|LOC] and [Rome|LOC]",
    "[Bob|PER] [Byron|PER] saw [Ada|PER] in [May|LOC]",
    "3 of the 3",
    "[Byron|PER]",
    "the City of [London|LOC] met [Ada|PER] .",
]


def document(marked: str, id: str) -> Document:
    """One sentence with brackets as a tokenised document."""
    words: list[str] = []
    spans: list[tuple[int, int, str]] = []
    for piece in marked.replace("[", "\x00[").replace("]", "]\x00").split("\x00"):
        if piece.startswith("["):
            surface, _, label = piece[1:-1].partition("|")
            spans.append((len(words), len(words) + len(surface.split()), label))
            words += surface.split()
        else:
            words += piece.split()
    made = Document.from_words([words], id=id)
    return made.with_spans(
        Span(made.tokens[start].start, made.tokens[end - 1].end, label) for start, end, label in spans
    )


CORPUS = [document(marked, str(number)) for number, marked in enumerate(MARKED)]


def options(family: str, folder: Path) -> dict[str, Any]:
    """Options under which a family learns `CORPUS` in seconds."""
    if family == "feature_crf":
        return {"c2": 0.001}
    encoder = folder / "encoder"
    if not encoder.exists():
        save_bert(encoder)
    return {
        "encoder": str(encoder),
        "epochs": 25,
        "patience": 25,
        "learning_rate": 5e-3,
        "head_learning_rate": 5e-3,
        "batch_tokens": 24,
        "overlap": 8,
    }
