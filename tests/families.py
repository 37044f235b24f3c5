"""A tiny corpus that every family must be able to learn by heart, and options that make it quick."""

from __future__ import annotations

import sys
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


ALLOWED_FILES = {
    "bilstm_crf": {"model.safetensors", "vocabulary.json"},
    "encoder_tagger": {
        "config.json", "model.safetensors", "special_tokens_map.json", "tagger.safetensors", "tokenizer.json",
        "tokenizer_config.json",
    },
    "causal_lm": {
        "config.json", "generation_config.json", "model.safetensors", "special_tokens_map.json", "tokenizer.json",
        "tokenizer_config.json",
    },
    "external": set[str](),
    "feature_crf": {"attributes.json", "crf.json", "weights.safetensors"},
    "rules": {"rules.json"},
    "seq2seq": {
        "config.json", "generation_config.json", "model.safetensors", "special_tokens_map.json", "tokenizer.json",
        "tokenizer_config.json",
    },
}  # fmt: skip
"""What a saved folder may hold beside the card."""

PROGRAM = """
import json, re, sys
NAMES = {"New York City": "LOC", "Ada Byron": "PER", "London": "LOC", "Rome": "LOC", "Ada": "PER", "Bob": "PER"}
FIND = re.compile("|".join(NAMES))
for line in sys.stdin:
    asked = json.loads(line)
    assert not {"spans", "problems"} & asked.keys()
    spans = [
        {"start": found.start(), "end": found.end(), "label": NAMES[found.group()], "text": found.group(), "score": 0.5}
        for found in FIND.finditer(asked["text"])
    ]
    print(json.dumps({"id": asked["id"], "spans": spans}))
"""
"""Somebody else's recognizer: it knows a few names and learns nothing."""


def program(folder: Path, text: str = PROGRAM) -> list[str]:
    """A command that runs a Python program, started as fast as Python starts."""
    path = folder / "program.py"
    path.write_text(text, encoding="utf-8")
    return [sys.executable, "-I", "-S", str(path)]


def options(family: str, folder: Path) -> dict[str, Any]:
    """Options under which a family learns `CORPUS`, if it learns at all, in seconds."""
    if family == "feature_crf":
        return {"c2": 0.001}
    if family == "bilstm_crf":
        small = {"lstm": 32, "word_size": 32, "dropout": 0.2, "head_learning_rate": 1e-2, "batch_tokens": 12}
        return {**small, "epochs": 30, "patience": 30}
    if family == "rules":
        return {}
    if family == "external":
        return {"command": program(folder), "timeout": 60}
    encoder = folder / "encoder"
    if not encoder.exists():
        save_bert(encoder, positions=96 if family in {"causal_lm", "seq2seq"} else 40)
    if family == "causal_lm":
        rates = {"learning_rate": 6e-3, "head_learning_rate": 6e-3, "layers": 2, "positions": 128}
        return {"model": str(encoder), "epochs": 60, "patience": 60, "batch_tokens": 32, **rates}
    if family == "seq2seq":
        rates = {"learning_rate": 6e-3, "head_learning_rate": 6e-3}
        return {"model": str(encoder), "epochs": 60, "patience": 60, "batch_tokens": 32, **rates}
    return {
        "encoder": str(encoder),
        "epochs": 25,
        "patience": 25,
        "learning_rate": 5e-3,
        "head_learning_rate": 5e-3,
        "batch_tokens": 24,
        "overlap": 8,
    }
