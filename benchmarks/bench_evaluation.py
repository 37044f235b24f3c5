"""Strict span scores against seqeval, on CoNLL-2003 test with a perturbed copy as predictions.

Ours begins at documents with character spans and gives micro, macro, weighted, per label, unlabelled and token
accuracy; once without and once with 1,000 bootstrap resamples. seqeval begins at lists of tags.
"""

from __future__ import annotations

import random
import warnings

from common import measure, record, repeats

import onoma
from onoma import encodings
from onoma.document import Prediction, Span
from onoma.evaluation import strict_f1


def perturbed(document: onoma.Document, rng: random.Random) -> Prediction:
    """A prediction with about every tenth span lost, moved or relabelled."""
    spans = []
    for span in document.spans:
        chance = rng.random()
        if chance < 0.04:
            continue
        if chance < 0.1:
            span = Span(span.start, span.end, rng.choice(["PER", "LOC", "ORG", "MISC"]))
        spans.append(span)
    return Prediction(document.id, tuple(spans))


def main() -> None:
    """Score."""
    from seqeval.metrics import classification_report, f1_score
    from seqeval.scheme import IOB2

    warnings.simplefilter("ignore")
    gold = onoma.read("conll2003:test")
    rng = random.Random(1)
    predictions = [perturbed(document, rng) for document in gold]
    encoding = encodings.get("tags", ["LOC", "MISC", "ORG", "PER"])
    y_true = [list(row) for document in gold for row in encoding.encode(document).tags]
    found = [document.with_spans(each.spans) for document, each in zip(gold, predictions, strict=True)]
    y_pred = [list(row) for document in found for row in encoding.encode(document).tags]
    ours = onoma.evaluate(gold, predictions, resamples=0).micro.f1
    theirs = float(f1_score(y_true, y_pred, mode="strict", scheme=IOB2))
    assert abs(ours - theirs) < 1e-12, (ours, theirs)
    variants = {
        "onoma.evaluate": lambda: onoma.evaluate(gold, predictions, resamples=0),
        "onoma.evaluate (1,000 resamples)": lambda: onoma.evaluate(gold, predictions),
        "onoma strict_f1 (micro F1 alone)": lambda: strict_f1(gold, predictions),
        "seqeval classification_report (default)": lambda: classification_report(y_true, y_pred),
        "seqeval classification_report (strict)": lambda: classification_report(
            y_true, y_pred, mode="strict", scheme=IOB2
        ),
        "seqeval f1_score (default)": lambda: f1_score(y_true, y_pred),
    }
    record(
        "evaluation",
        f"scoring CoNLL-2003 test, {sum(map(len, y_true)):,} words, {sum(len(each.spans) for each in gold):,} mentions",
        measure(variants, repeats(7)),
        ours="onoma.evaluate",
        peers=tuple(name for name in variants if name != "onoma.evaluate"),
        packages=("seqeval",),
        f1=ours,
    )


if __name__ == "__main__":
    main()
