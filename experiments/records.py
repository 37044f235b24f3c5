"""The record of a finished cell: all numbers behind tables and tests, and no word of any corpus.

Counts of each document (gold, predicted, correct; by label, and by place alone) are in it, so that every score,
interval and test can be computed again from the record alone.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from experiments.cells import Cell
from experiments.copying import copying
from onoma import datasets, schemes, tokenization
from onoma.analysis import TAXONOMIES, classify
from onoma.comparison.experiment import Experiment, Source
from onoma.comparison.sources import load
from onoma.document import Document, Prediction, Span
from onoma.evaluation import Scores, evaluate
from onoma.evaluation.accuracy import flat_tags
from onoma.report.schema import Results, System

__all__ = ["dumps", "record", "units"]

Json = dict[str, Any]


def record(cell: Cell, experiment: Experiment, results: Results, folder: Path, run: Path) -> Json:
    """Everything worth keeping of a cell whose comparison has been done in `run`; sources start at `folder`."""
    (system,) = results.systems
    (seed,) = system.seeds
    training = system.training[0] if system.training else None
    return {
        "cell": cell.name,
        "system": cell.system,
        "seed": cell.seed,
        "fingerprint": cell.fingerprint,
        "settings": cell.settings,
        "created": results.created,
        "environment": results.environment,
        "family": system.family,
        "options": system.options,
        "size_mb": system.size_mb,
        "peak_memory_mb": system.peak_memory_mb,
        "training": None
        if training is None
        else {
            "seconds": None if system.train is None else system.train.seconds,  # unknown where it was resumed
            "words_per_second": None if system.train is None else system.train.words_per_second,
            **training.model_dump(mode="json", exclude={"seed"}),
        },
        "train": _data(experiment.train, folder),
        "dev": _data(experiment.dev, folder),
        "sets": {
            name: {
                "info": results.sets[name].model_dump(mode="json"),
                **_effort(system, name),
                "words_per_second": system.predict[name].words_per_second if name in system.predict else None,
                **_set(cell, experiment, name, folder, run / "systems" / cell.system / f"seed-{seed}"),
            }
            for name in experiment.sets
        },
    }


def _data(source: Source | None, folder: Path) -> Json | None:
    if source is None:
        return None
    loaded = load(source, folder)
    documents = [tokenization.split(document) for document in loaded.documents]
    return {
        "documents": len(documents),
        "sentences": sum(len(document.sentences) for document in documents),
        "tokens": sum(len(document.tokens) for document in documents),
        "sha256": loaded.sha256,
        "notes": list(loaded.notes),
        **_mentions(documents, [document.spans for document in documents]),
    }


def _set(cell: Cell, experiment: Experiment, name: str, folder: Path, run: Path) -> Json:
    settings = experiment.sets[name]
    gold = [tokenization.split(document) for document in load(settings, folder).documents]
    found = datasets.read_predictions(run / f"predictions-{name}.jsonl", gold=gold)
    scores = evaluate(gold, found, labels=settings.labels, resamples=cell.resamples)
    answers = {each.document_id: each for each in found}
    spans = [answers[each.id].spans if each.id in answers else () for each in gold]
    sorts = {name: classify(scores.matching, name) for name in TAXONOMIES}
    return {
        "scores": scores.to_dict(),
        "gold": _mentions(gold, [document.spans for document in gold]),
        "predicted": _mentions(gold, spans),
        "illegal": _illegal(gold, answers, schemes.get(cell.scheme)),
        "errors": {name: each.counts for name, each in sorts.items()},
        "missed": {name: each.false_negatives for name, each in sorts.items()},
        "copying": copying(run / "model", gold, answers),
        **units(scores),
    }


def _mentions(documents: Sequence[Document], spans: Sequence[Sequence[Span]]) -> Json:
    """Counts of BIO tags, and of mentions by their length in tokens; of all labels, scored or not."""
    tags: Counter[str] = Counter()
    lengths: Counter[int] = Counter()
    for document, each in zip(documents, spans, strict=True):
        sequence = flat_tags(document, each)
        tags.update(sequence)
        lengths.update(map(len, re.findall("BI*", "".join(tag[0] for tag in sequence))))
    return {"tags": dict(sorted(tags.items())), "lengths": {str(size): lengths[size] for size in sorted(lengths)}}


def _illegal(gold: Sequence[Document], answers: dict[str, Prediction], scheme: schemes.Scheme) -> int | None:
    """Transitions between predicted tags, sentence edges included, that the scheme forbids; None without tags."""
    count = 0
    for document in gold:
        answer = answers.get(document.id)
        if answer is None or answer.tags is None:
            return None
        count += sum(len(scheme.illegal(answer.tags[start:end])) for start, end in document.sentences)
    return count


def units(scores: Scores) -> Json:
    """The counts of each resampling unit: `[id, sentence number, {label: [gold, predicted, correct]}, [the same by
    place alone]]`, labels without any left out."""
    counts = scores.counts
    table = counts.stacked().astype(int)
    tp, fp, fn = table[..., 0], table[..., 1], table[..., 2]
    shown = [[*row] for row in zip((tp + fn).tolist(), (tp + fp).tolist(), tp.tolist(), strict=True)]
    rows = []
    for (id, number), (gold, predicted, correct) in zip(counts.ids, shown, strict=True):
        triples = [list(triple) for triple in zip(gold, predicted, correct, strict=True)]
        by_label = {label: triple for label, triple in zip(counts.labels, triples, strict=False) if any(triple)}
        rows.append([id, number, by_label, triples[-1]])
    return {
        "gold_sha256": scores.gold_sha256,
        "filter": None if scores.matching.labels is None else list(scores.matching.labels),
        "labels": list(counts.labels),
        "unit": counts.unit,
        "units": rows,
    }


def _effort(system: System, name: str) -> Json:
    """What answers held to a grammar took, where there were any."""
    speed = system.predict.get(name)
    return {} if speed is None or speed.effort is None else {"effort": speed.effort}


def dumps(made: Json) -> str:
    """JSON with a line a unit, so that two records can be read side by side."""
    rows = [row for each in made["sets"].values() for row in each["units"]]
    marked = {
        **made,
        "sets": {name: {**each, "units": ["@"] * len(each["units"])} for name, each in made["sets"].items()},
    }
    lines = iter(rows)
    text = json.dumps(marked, indent=1, ensure_ascii=False, allow_nan=False)
    return re.sub(r'(?m)^( +)"@"', lambda found: found[1] + json.dumps(next(lines), ensure_ascii=False), text) + "\n"
