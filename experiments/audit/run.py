"""How many corrections of CoNLL-2003 a label audit finds: `python -m experiments.audit.run [--work FOLDER]`.

The auditor sees the original labels only; CoNLL++ (test) and CleanCoNLL (dev and test) say afterwards what was wrong.
Predictions are made in three ways and kept in the work folder, so that a second run only ranks.
"""

from __future__ import annotations

import argparse
import json
from bisect import bisect_right
from collections import defaultdict, deque
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from onoma import datasets
from onoma.analysis.audit import RULES, Suspicion, audit, clusters
from onoma.analysis.consistency import token_range
from onoma.analysis.label_quality import Chances
from onoma.auditing import answers, out_of_sample
from onoma.document import Document, LabelSet, Prediction, Span
from onoma.environment import environment
from onoma.evaluation import rescore
from onoma.evaluation.accuracy import flat_tags
from onoma.evaluation.bootstrap import draw_weights, percentile_interval
from onoma.files import write_text
from onoma.recognizer import Recognizer

HERE = Path(__file__).parent
DEPTHS = (100, 300, 600, 1000)
WAYS = {
    "train": "learnt from train, dev and test read",
    "folds": "5 entity-disjoint folds over train, dev and test together",
    "alone": "5 entity-disjoint folds over the test set alone",
}
FAMILY = "feature_crf"

Changed = Mapping[str, Mapping[int, str]]
"""By document the tokens whose BIO tag was corrected, and the new tag."""
Answered = tuple[list[Document], list[Prediction], dict[str, Chances]]


def main() -> None:
    """Make or read the predictions, rank by every rule, count, write the record."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, default=HERE / "runs", help="where predictions are kept")
    parser.add_argument("--out", type=Path, default=HERE / "results" / "audit.json")
    asked = parser.parse_args()
    corpus = {
        split: [replace(each, id=f"{split}:{each.id}") for each in datasets.read(f"conll2003:{split}")]
        for split in ("train", "dev", "test")
    }
    corrected = {
        ("dev", "CleanCoNLL"): changes(corpus["dev"], datasets.read("cleanconll:dev")),
        ("test", "CoNLL++"): changes(corpus["test"], datasets.read("conllpp:test")),
        ("test", "CleanCoNLL"): changes(corpus["test"], datasets.read("cleanconll:test")),
    }
    rows: list[dict[str, Any]] = []
    folds: dict[str, Any] = {}
    for way in WAYS:
        documents, predictions, chances, folds[way] = predicted(way, corpus, asked.work)
        for split in ("dev", "test"):
            judged = [at for at, each in enumerate(documents) if each.id.startswith(f"{split}:")]
            if judged:
                gold, found = [documents[at] for at in judged], [predictions[at] for at in judged]
                extra = () if way == "alone" else [each for name in corpus if name != split for each in corpus[name]]
                golds = {name: each for (where, name), each in corrected.items() if where == split}
                rows += [{"way": way, "split": split, **row} for row in ranked(gold, found, chances, extra, golds)]
    documents, predictions, *_ = predicted("train", corpus, asked.work)
    tests = [each for each in predictions if each.document_id.startswith("test:")]
    versions = {"CoNLL-2003": corpus["test"]}
    versions |= {name: datasets.read(f"{name.lower()}:test") for name in ("conllpp", "cleanconll")}
    record = {
        "family": FAMILY,
        "ways": WAYS,
        "rules": RULES,
        "folds": folds,
        "rows": rows,
        "golds": [
            {**row.to_dict(), "scores": row.scores.micro.to_dict(), "signature": str(row.scores.signature)}
            for row in rescore(versions, tests, join="sentence")
        ],
        "environment": environment(),
    }
    write_text(asked.out, json.dumps(record, indent=1, ensure_ascii=False) + "\n")


# ---------------------------------------------------------------------- predictions


def predicted(
    way: str, corpus: Mapping[str, list[Document]], work: Path
) -> tuple[list[Document], list[Prediction], dict[str, Chances], dict[str, Any] | None]:
    """Documents, predictions and chances of a way, and its folds; read from the work folder where they are there."""
    parts = {"train": ("dev", "test"), "folds": ("train", "dev", "test"), "alone": ("test",)}[way]
    documents = [each for split in parts for each in corpus[split]]
    place, numbers, facts = (work / f"{way}{end}" for end in (".jsonl", ".npz", ".json"))
    if not facts.exists():
        work.mkdir(parents=True, exist_ok=True)
        if way == "train":
            recognizer = Recognizer.create(FAMILY, LabelSet.of(corpus["train"]))
            recognizer.fit(corpus["train"])
            found, chances = answers(recognizer, documents)
            cut = None
        else:
            made = out_of_sample(documents, FAMILY, folds=5)
            found, chances, cut = list(made.predictions), made.chances, made.folds.to_dict()
        keep(documents, found, chances or {}, work, way)
        write_text(facts, json.dumps(cut) + "\n")
    found = datasets.read_predictions(place, gold=documents)
    classes: dict[str, dict[str | None, Any]] = defaultdict(dict)
    sizes = np.cumsum([0, *(len(each.tokens) for each in documents)])
    with np.load(numbers) as table:
        for name in table.files:
            for number, document in enumerate(documents):
                classes[document.id][name.strip() or None] = table[name][sizes[number] : sizes[number + 1]]
    return documents, found, dict(classes), json.loads(facts.read_text(encoding="utf-8"))


def keep(
    documents: Sequence[Document],
    predictions: Sequence[Prediction],
    chances: Mapping[str, Chances],
    work: Path,
    way: str,
) -> None:
    """Write predictions, and chances as one column a class (a blank for no mention)."""
    datasets.write_predictions(zip(documents, predictions, strict=True), work / f"{way}.jsonl")
    labels = sorted({label or " " for each in chances.values() for label in each})
    columns: dict[str, Any] = {
        label: np.concatenate([np.asarray(chances[each.id][label.strip() or None], np.float32) for each in documents])
        for label in labels
    }
    np.savez(work / f"{way}.npz", **columns)


# ---------------------------------------------------------------------- counting


def changes(documents: Sequence[Document], others: Sequence[Document]) -> dict[str, dict[int, str]]:
    """Tokens whose tag another gold changed; sentences are joined by their words, equal ones in order."""
    pool: dict[tuple[str, ...], deque[list[str]]] = defaultdict(deque)
    for other in others:
        tags = flat_tags(other, other.spans)
        for first, last in other.sentences:
            pool[other.words[first:last]].append(tags[first:last])
    found: dict[str, dict[int, str]] = {}
    for document in documents:
        tags = flat_tags(document, document.spans)
        rows = found[document.id] = {}
        for first, last in document.sentences:
            waiting = pool.get(document.words[first:last])
            if waiting:
                new = waiting.popleft()
                rows |= {first + at: tag for at, tag in enumerate(new) if tag != tags[first + at]}
    return found


def ranked(
    gold: Sequence[Document],
    found: Sequence[Prediction],
    chances: Mapping[str, Chances],
    extra: Sequence[Document],
    golds: Mapping[str, Changed],
) -> list[dict[str, Any]]:
    """One row a corrected gold and ranking: what stands in the first places, and what chance would find there."""
    made: list[dict[str, Any]] = []
    answered = {each.document_id: each for each in found}
    pool = [
        (document.id, *token_range(document, Span(start, end, "x")))
        for document in gold
        for start, end in _bounds(document, answered[document.id])
    ]
    lists = {rule: audit(gold, found, chances, rule=rule, extra=extra).suspicions for rule in RULES}
    differing = [place for place in lists["disagreement"] if place.scores["disagreement"]]
    order = {document.id: number for number, document in enumerate(gold)}
    lists["disagreement"] = tuple(sorted(differing, key=lambda place: (order[place.document_id], place.start)))
    by_id = {document.id: document for document in gold}
    different = [
        (place.document_id, *token_range(by_id[place.document_id], Span(place.start, place.end, "x")))
        for place in differing
    ]
    for name, changed in golds.items():
        total = sum(map(len, changed.values()))
        facts = {"gold": name, "tokens": total, "sentences": _sentences(by_id, _at(changed))}
        for ranking, places in (("random place", pool), ("random disagreement", different)):
            inside = {(id, at) for id, first, last in places for at in changed[id] if first <= at < last}
            hits = sum(any(first <= at < last for at in changed[id]) for id, first, last in places)
            expected = {
                str(depth): {
                    key: value * min(1.0, depth / len(places))
                    for key, value in (("tokens", len(inside)), ("places", hits))
                }
                for depth in DEPTHS
            }
            made.append({**facts, "ranking": ranking, "places": len(places), "reach": len(inside), "at": expected})
        for rule, places in lists.items():
            counts = {str(depth): counted(by_id, places[:depth], changed, total) for depth in DEPTHS}
            reach = counted(by_id, places, changed, total)["tokens"]
            made.append({**facts, "ranking": rule, "places": len(places), "reach": reach, "at": counts})
    return made


def _bounds(document: Document, prediction: Prediction) -> list[tuple[int, int]]:
    sides = ((*one, *other) for one, other in clusters(document.spans, prediction.spans))
    return [(min(each.start for each in side), max(each.end for each in side)) for side in sides]


def counted(
    documents: Mapping[str, Document], places: Sequence[Suspicion], changed: Changed, total: int
) -> dict[str, Any]:
    """Corrected tokens, sentences with one, places with one, and places where the proposal is the correction."""
    found: set[tuple[str, int]] = set()
    hits = right = 0
    for place in places:
        document = documents[place.document_id]
        first, last = token_range(document, Span(place.start, place.end, "x"))
        inside = {at for at in changed[document.id] if first <= at < last}
        found |= {(document.id, at) for at in inside}
        hits += bool(inside)
        if inside:
            tags = flat_tags(document, place.gold)[first:last]
            wanted = [changed[document.id].get(at, tag) for at, tag in enumerate(tags, first)]
            right += wanted == flat_tags(document, place.proposed)[first:last]
    return {
        "tokens": len(found),
        "interval": _interval(documents, found, changed, total),
        "sentences": _sentences(documents, found),
        "places": hits,
        "proposals": right,
    }


def _interval(
    documents: Mapping[str, Document], found: set[tuple[str, int]], changed: Changed, total: int
) -> list[float]:
    """95 % interval of the share of corrected tokens found: documents drawn again, the ranking as it is."""
    table = np.array([[sum(id == each for each, _ in found), len(changed[id])] for id in documents], float)
    drawn = np.concatenate([rows @ table for rows in draw_weights(len(table), 1000, np.random.default_rng(1))])
    low, high = percentile_interval(drawn[:, 0] / np.maximum(drawn[:, 1], 1), 0.95)
    return [low, high] if total else [0.0, 0.0]


def _at(changed: Changed) -> set[tuple[str, int]]:
    return {(id, at) for id, rows in changed.items() for at in rows}


def _sentences(documents: Mapping[str, Document], tokens: set[tuple[str, int]]) -> int:
    return len({(id, bisect_right([first for first, _ in documents[id].sentences], at)) for id, at in tokens})


if __name__ == "__main__":
    main()
