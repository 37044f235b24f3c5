"""Scoring 1 and 5 million tokens against seqeval and nervaluate, and what resampling costs on top.

The gold is CoNLL-2003 train, repeated under new ids; the predictions are a copy with about every tenth mention lost or
relabelled. `onoma.evaluate` begins at documents with character spans and ends with everything but intervals: micro,
macro, weighted, by label, unlabelled, token accuracy, by document, and the fingerprint of the gold. Peers begin at
lists of tags by sentence, as they want them.
"""

from __future__ import annotations

import random
import statistics
import warnings
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from common import measure, record, repeats

import onoma
from onoma.compat import seqeval as compat
from onoma.document import Document, Prediction, Span, Tokens
from onoma.evaluation import match
from onoma.evaluation.bootstrap import bootstrap
from onoma.evaluation.counts import count_units
from onoma.schemes import SCHEMES, TokenSpan

LABELS = ["LOC", "MISC", "ORG", "PER"]
Tags = list[list[str]]


def perturbed(document: Document, rng: random.Random) -> Prediction:
    """A prediction with about every tenth span lost or relabelled."""
    spans = []
    for span in document.spans:
        chance = rng.random()
        if chance < 0.04:
            continue
        spans.append(Span(span.start, span.end, rng.choice(LABELS)) if chance < 0.1 else span)
    return Prediction(document.id, tuple(spans))


def repeated(documents: list[Document], times: int) -> list[Document]:
    """The same documents so many times over, each under an id of its own."""
    return [replace(document, id=f"{document.id}-{time}") for time in range(times) for document in documents]


def tags_of(documents: list[Document], answers: list[Prediction]) -> Tags:
    """BIO tags of each sentence, for the peers."""
    rows: Tags = []
    for document, answer in zip(documents, answers, strict=True):
        first = {start: index for index, start in enumerate(document.tokens.starts)}
        last = {end: index + 1 for index, end in enumerate(document.tokens.ends)}
        spans = [TokenSpan(first[span.start], last[span.end], span.label) for span in answer.spans]
        tags = SCHEMES["BIO"].tags(len(document.tokens), spans)
        rows += [tags[start:end] for start, end in document.sentences]
    return rows


def report(gold: list[Document], found: list[Prediction]) -> dict[str, Any]:
    """Everything but intervals, as JSON has it."""
    return onoma.evaluate(gold, found, resamples=0).to_dict(per_document=True)


def one_document(tokens: int) -> tuple[list[Document], list[Prediction]]:
    """A single document of so many tokens, every fifth one a mention."""
    words = [f"w{index % 1000}" for index in range(tokens)]
    places = Tokens.joined(words)
    sentences = tuple((start, min(start + 20, tokens)) for start in range(0, tokens, 20))
    rng = random.Random(1)
    pairs = [places[index] for index in range(0, tokens, 5)]
    spans = tuple(Span(start, end, rng.choice(LABELS)) for start, end in pairs)
    document = Document("1", " ".join(words), places, sentences, spans)
    return [document], [perturbed(document, rng)]


def main() -> None:
    """Score."""
    from nervaluate import Evaluator
    from seqeval.metrics import classification_report, f1_score

    warnings.simplefilter("ignore")
    times = repeats(3)
    train = onoma.read("conll2003:train")
    gold = repeated(train, 5)
    rng = random.Random(1)
    found = [perturbed(document, rng) for document in gold]
    y_true, y_pred = tags_of(gold, [Prediction.of(document) for document in gold]), tags_of(gold, found)
    tokens = sum(map(len, y_true))
    theirs = classification_report(y_true, y_pred, output_dict=True)
    assert compat.classification_report(y_true, y_pred, output_dict=True) == theirs
    assert compat.f1_score(y_true, y_pred) == f1_score(y_true, y_pred)
    ours = report(gold, found)["micro"]
    assert abs(ours["f1"] - theirs["micro avg"]["f1-score"]) < 1e-12, (ours, theirs)
    variants: dict[str, Callable[[], Any]] = {
        "onoma.evaluate, everything but intervals": lambda: report(gold, found),
        "onoma.compat.seqeval.classification_report": lambda: compat.classification_report(y_true, y_pred),
        "onoma.compat.seqeval.f1_score": lambda: compat.f1_score(y_true, y_pred),
        "seqeval classification_report": lambda: classification_report(y_true, y_pred),
        "seqeval f1_score": lambda: f1_score(y_true, y_pred),
        "nervaluate Evaluator.evaluate": lambda: Evaluator(y_true, y_pred, tags=LABELS, loader="list").evaluate(),
    }
    seconds = measure(variants, times)
    median = {name: statistics.median(each) for name, each in seconds.items()}
    record(
        "scoring",
        f"scoring {tokens:,} tokens, {sum(len(each.spans) for each in gold):,} mentions, {len(gold):,} documents",
        seconds,
        ours="onoma.evaluate, everything but intervals",
        peers=("seqeval classification_report", "nervaluate Evaluator.evaluate"),
        packages=("seqeval", "nervaluate", "numpy"),
        tokens=tokens,
        compat_times_as_fast={
            name: median[f"seqeval {name}"] / median[f"onoma.compat.seqeval.{name}"]
            for name in ("classification_report", "f1_score")
        },
        f1=ours["f1"],
    )
    growth(train, times)
    resampling(times)


def growth(train: list[Document], times: int) -> None:
    """Five times the tokens, and one long document: seconds must grow no faster than the text."""
    large = repeated(train, 25)
    rng = random.Random(1)
    answers = [perturbed(document, rng) for document in large]
    tags = tags_of(large, [Prediction.of(document) for document in large]), tags_of(large, answers)
    small = large[: len(large) // 5], answers[: len(large) // 5]
    fifth = tuple(rows[: len(rows) // 5] for rows in tags)
    short, long = one_document(200_000), one_document(1_000_000)
    variants: dict[str, Callable[[], Any]] = {
        "onoma.evaluate, 1M tokens": lambda: report(*small),
        "onoma.evaluate, 5M tokens": lambda: report(large, answers),
        "onoma.compat.seqeval.classification_report, 1M tokens": lambda: compat.classification_report(*fifth),
        "onoma.compat.seqeval.classification_report, 5M tokens": lambda: compat.classification_report(*tags),
        "onoma.evaluate, one document of 200,000 tokens": lambda: report(*short),
        "onoma.evaluate, one document of 1,000,000 tokens": lambda: report(*long),
    }
    seconds = measure(variants, times)
    median = {name: statistics.median(each) for name, each in seconds.items()}
    names = list(variants)
    record(
        "scoring_growth",
        "five times the tokens: how many times the seconds",
        seconds,
        ours=names[1],
        peers=(),
        packages=("numpy",),
        times_the_seconds={names[place]: median[names[place]] / median[names[place - 1]] for place in (1, 3, 5)},
    )


def resampling(times: int) -> None:
    """1,000 bootstrap resamples of five systems on CoNLL-2003 test, against the time of matching them."""
    gold = onoma.read("conll2003:test")
    systems = [[perturbed(each, random.Random(f"{system} {each.id}")) for each in gold] for system in range(5)]
    counts = [count_units(match(gold, answers)) for answers in systems]
    variants: dict[str, Callable[[], Any]] = {
        "matching of 5 systems": lambda: [match(gold, answers) for answers in systems],
        "1,000 resamples of 5 systems": lambda: [bootstrap(each, resamples=1000, seed=1) for each in counts],
    }
    seconds = measure(variants, max(times, 9))
    median = {name: statistics.median(each) for name, each in seconds.items()}
    record(
        "resampling",
        f"five systems on CoNLL-2003 test, {len(gold)} documents drawn, all averages and labels",
        seconds,
        ours="1,000 resamples of 5 systems",
        peers=(),
        packages=("numpy",),
        share_of_matching_time=median["1,000 resamples of 5 systems"] / median["matching of 5 systems"],
    )


if __name__ == "__main__":
    main()
