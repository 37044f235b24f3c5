"""Train a spaCy recognizer from scratch: python train.py TRAIN.jsonl DEV.jsonl MODEL.

The files are labelled JSON Lines as `onoma data convert` writes them. Runs in spaCy's environment and needs nothing
else. A blank English pipeline with `ner` alone, in its default size (hash embeddings of width 96, four convolutions, a
transition-based parser), trained by `nlp.update`. The epoch with the best dev F1 is saved.
"""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import spacy
from spacy.language import Language
from spacy.tokens import Doc, DocBin
from spacy.training import Example
from spacy.util import filter_spans, minibatch
from thinc.api import fix_random_seed
from units import units


def main() -> None:
    """Read, train, save."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("train", type=Path)
    parser.add_argument("dev", type=Path)
    parser.add_argument("model", type=Path)
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--patience", type=int, default=8, help="epochs without a better dev F1 before the end")
    parser.add_argument("--dropout", type=float, default=0.2)
    parser.add_argument("--seed", type=int, default=1)
    settings = parser.parse_args()

    fix_random_seed(settings.seed)
    shuffled = random.Random(settings.seed)
    nlp = spacy.blank("en")
    ner: Any = nlp.add_pipe("ner")
    records = read(settings.train)
    given = all(record.get("tokens") for record in records)
    nlp.meta["onoma_tokens"] = given  # predict.py splits text as it was split here
    train = documents(nlp, records, given, settings.train)
    dev = documents(nlp, read(settings.dev), given, settings.dev)
    for label in sorted({entity.label_ for doc in train for entity in doc.ents}):
        ner.add_label(label)
    examples = [Example(Doc(nlp.vocab, words=words(doc), spaces=spaces(doc)), doc) for doc in train]
    optimizer = nlp.initialize(lambda: examples)
    best, since = -1.0, 0
    sizes = growing(2.0, 32.0, 1.001)
    for epoch in range(1, settings.epochs + 1):
        losses: dict[str, float] = {}
        shuffled.shuffle(examples)
        for batch in minibatch(examples, size=sizes):
            nlp.update(batch, drop=settings.dropout, losses=losses, sgd=optimizer)
        score = f1(nlp, dev)
        print(f"epoch {epoch}: loss {losses['ner']:.1f}, dev F1 {100 * score:.2f}", flush=True)
        since += 1
        if score > best:
            best, since = score, 0
            nlp.to_disk(settings.model)
        if since >= settings.patience:
            break
    print(f"{settings.model}: dev F1 {100 * best:.2f}")


def read(path: Path) -> list[dict[str, Any]]:
    """The objects of a file of JSON Lines."""
    with path.open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines if line.strip()]


def documents(nlp: Language, records: list[dict[str, Any]], given: bool, path: Path) -> list[Doc]:
    """Annotated documents, also written beside the file as a DocBin (`.spacy`), which `spacy train` reads.

    spaCy's `ner` learns flat mentions of whole tokens: others are left out and counted.
    """
    made: list[Doc] = []
    asked = kept = 0
    for record in records:
        asked += len(record["spans"])
        for unit in units(nlp, record, given=given):
            found = [
                unit.span(each["start"], each["end"], each["label"])
                for each in record["spans"]
                if not each.get("fragments")
            ]
            entities = filter_spans([span for span in found if span is not None])
            kept += len(entities)
            unit.doc.set_ents(entities, default="outside")
            made.append(unit.doc)
    if kept < asked:
        print(f"{path}: {asked - kept} of {asked} mentions nest, cross, or cut a token: spaCy cannot learn them")
    DocBin(docs=made).to_disk(path.with_suffix(".spacy"))
    return made


def words(doc: Doc) -> list[str]:
    """The tokens' texts."""
    return [token.text for token in doc]


def spaces(doc: Doc) -> list[bool]:
    """Whether white space follows each token."""
    return [bool(token.whitespace_) for token in doc]


def growing(first: float, last: float, factor: float) -> Iterator[float]:
    """Batch sizes that grow by a factor from batch to batch."""
    size = first
    while True:
        yield size
        size = min(last, size * factor)


def f1(nlp: Language, gold: list[Doc]) -> float:
    """Micro F1 over exact mentions."""
    right = predicted = wanted = 0
    blank = (Doc(nlp.vocab, words=words(doc), spaces=spaces(doc)) for doc in gold)
    for expected, found in zip(gold, nlp.pipe(blank), strict=True):
        ours = {(entity.start, entity.end, entity.label_) for entity in found.ents}
        theirs = {(entity.start, entity.end, entity.label_) for entity in expected.ents}
        right, predicted, wanted = right + len(ours & theirs), predicted + len(ours), wanted + len(theirs)
    return 2 * right / (predicted + wanted) if predicted + wanted else 0.0


if __name__ == "__main__":
    main()
