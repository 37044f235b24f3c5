"""How the words of written answers were copied, and what other ways to align them would have given."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from onoma import encodings
from onoma.alignment import METHODS, CopyErrors, copy_errors
from onoma.document import Document, Prediction
from onoma.encodings.word_tags import WordTags
from onoma.evaluation import strict_f1
from onoma.recognizer import CARD, Recognizer

__all__ = ["copying"]

Json = dict[str, Any]


def copying(model: Path, gold: Sequence[Document], answers: Mapping[str, Prediction]) -> Json | None:
    """Words of all answers by how they were copied, words compared as the model can write them; and strict F1 of the
    same answers by each way to align words, with and without these forms. None where an encoding repeats no words."""
    card = json.loads((model / CARD).read_text(encoding="utf-8")) if (model / CARD).exists() else {}
    if (card.get("encoding") or {}).get("name") != WordTags.name:
        return None
    encoding: WordTags = Recognizer.load(model).encoding
    if encoding.context is not None:
        return None
    kept = [each for each in gold if each.id in answers and answers[each.id].raw is not None]
    raw = {each.id: _raw(answers[each.id]) for each in kept}
    total: Counter[str] = Counter()
    for document in kept:
        for exchange, text in zip(encoding.exchanges(document), raw[document.id], strict=True):
            total.update(_errors(encoding, document.words[slice(*exchange.window)], text)._asdict())
    return {
        **{name: total[name] for name in CopyErrors._fields},
        "f1": {
            f"{method}{'' if back is None else ', back tokenization'}": _f1(encoding, method, back, kept, raw)
            for method in METHODS
            for back in dict.fromkeys((encoding.back, None))
        },
    }


def _raw(answer: Prediction) -> Sequence[str]:
    return () if answer.raw is None else (answer.raw,) if isinstance(answer.raw, str) else answer.raw


def _errors(encoding: WordTags, words: Sequence[str], text: str) -> CopyErrors:
    items = encoding.read(words, text)
    aligned: list[int | None] = [None] * len(words)
    for item, place in enumerate(items.places):
        if place is not None:
            aligned[place] = item
    forms = words if encoding.back is None else ["".join(form.split()) for form in encoding.back(words)]
    return copy_errors(forms, items.words, aligned)


def _f1(
    encoding: WordTags, method: str, back: Any, gold: Sequence[Document], raw: Mapping[str, Sequence[str]]
) -> float:
    other: WordTags = encodings.get(encoding.name, **{**encoding.settings(), "align": method})
    other.fits, other.back = encoding.fits, back
    return strict_f1(gold, [other.decode(each, raw[each.id]) for each in gold])
