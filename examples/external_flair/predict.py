"""Answer onoma: python predict.py MODEL, documents as JSON Lines on stdin, predictions as JSON Lines on stdout.

MODEL is the `best-model.pt` that train.py wrote or the name of a published tagger (`ner-fast`). Flair reads the words
of each sentence as onoma split them, so that places are tokens and offsets need no search in the text.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from itertools import islice
from typing import Any

from flair.data import Sentence
from flair.models import SequenceTagger

BATCH = 64
"""Documents that are read before they are answered."""
ZERO_WIDTH = "\u200b\u200c\ufe0f\ufeff"
"""Characters that Flair removes; a word of nothing else would be lost, and the places after it be wrong."""

Place = tuple[int, int]


def main() -> None:
    """Answer batch by batch."""
    sys.stdin.reconfigure(encoding="utf-8")  # type: ignore[union-attr]
    answers = sys.stdout
    sys.stdout = sys.stderr  # whatever Flair prints is no answer
    tagger = SequenceTagger.load(sys.argv[1])
    records = (json.loads(line) for line in sys.stdin)
    while batch := list(islice(records, BATCH)):
        asked = [list(sentences(record)) for record in batch]
        tagger.predict([sentence for each in asked for sentence, _ in each], mini_batch_size=32)
        for record, parts in zip(batch, asked, strict=True):
            found = [span for sentence, places in parts for span in spans(record, sentence, places, tagger.label_type)]
            print(json.dumps({"id": record["id"], "spans": found}), file=answers, flush=True)


def sentences(record: dict[str, Any]) -> Iterator[tuple[Sentence, list[Place]]]:
    """Each sentence of a document with the half-open character ranges of its words."""
    tokens = [(start, end) for start, end in record.get("tokens", ())]
    for first, last in record.get("sentences") or [(0, len(tokens))]:
        places = [place for place in tokens[first:last] if place[0] < place[1]]
        words = [record["text"][start:end] for start, end in places]
        if words:
            yield Sentence([word if word.strip(ZERO_WIDTH) else "_" for word in words]), places


def spans(record: dict[str, Any], sentence: Sentence, places: list[Place], kind: str) -> Iterator[dict[str, Any]]:
    """The mentions of a tagged sentence as character ranges of the document's text."""
    for span in sentence.get_spans(kind):
        start, end = places[span.tokens[0].idx - 1][0], places[span.tokens[-1].idx - 1][1]
        label = span.get_label(kind)
        text = record["text"][start:end]
        yield {"start": start, "end": end, "label": label.value, "score": label.score, "text": text}


if __name__ == "__main__":
    main()
