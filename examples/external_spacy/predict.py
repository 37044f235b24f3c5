"""Answer onoma: python predict.py MODEL, documents as JSON Lines on stdin, predictions as JSON Lines on stdout.

MODEL is a folder that train.py wrote or any installed spaCy pipeline (`en_core_web_sm`). Offsets are characters of the
text as it came, whatever splits it into tokens: onoma's tokens for a model that was trained on given tokens, spaCy's
tokenizer for any other.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import Any

import spacy
from spacy.language import Language
from spacy.tokens import Doc
from units import units

Context = tuple[dict[str, Any], list[tuple[int, int]], bool]


def main() -> None:
    """Answer line by line."""
    sys.stdin.reconfigure(encoding="utf-8")  # type: ignore[union-attr]
    nlp = spacy.load(sys.argv[1])
    spans: list[dict[str, Any]] = []
    for doc, (record, places, last) in nlp.pipe(asked(nlp), as_tuples=True, batch_size=64):
        for entity in doc.ents:
            start, end = places[entity.start][0], places[entity.end - 1][1]
            text = record["text"][start:end]
            spans.append({"start": start, "end": end, "label": entity.label_, "text": text})
        if last:
            print(json.dumps({"id": record["id"], "spans": spans}), flush=True)
            spans = []


def asked(nlp: Language) -> Iterator[tuple[Doc, Context]]:
    """spaCy documents in the order of stdin: each with its line, its tokens' places, and whether the line ends."""
    given = bool(nlp.meta.get("onoma_tokens"))
    for line in sys.stdin:
        record = json.loads(line)
        made = list(units(nlp, record, given=given and bool(record.get("tokens"))))
        for number, unit in enumerate(made, start=1):
            yield unit.doc, (record, unit.places, number == len(made))


if __name__ == "__main__":
    main()
