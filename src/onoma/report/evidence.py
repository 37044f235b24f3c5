"""What lies behind the scores of a set: errors, slices, confusions, other scorers, and the sentences.

`results.json` holds numbers only; here gold and predictions are looked at again, by analyses that everybody can call.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from onoma.analysis import (
    TAXONOMIES,
    Known,
    SliceComparison,
    classify,
    compare_slices,
    confusion,
    familiarity,
    smallest_differences,
    surfaces_of,
)
from onoma.analysis.confidence import Reliability, RiskCoverage, ScoreKind, confidence, reliability, risk_coverage
from onoma.evaluation import Scores, evaluate
from onoma.exceptions import EvaluationError
from onoma.report import examples
from onoma.report.doubts import Doubts, doubts_of, only
from onoma.report.errors import ErrorCounts, count_errors

if TYPE_CHECKING:
    from onoma.analysis import Confusion, Detectable, Familiarity, WrongSurfaces
    from onoma.document import Document, Prediction
    from onoma.evaluation.protocols.table import Row

__all__ = ["Evidence", "Judged", "SetEvidence", "Trust", "look"]

MOST_SURFACES = 8
"""Wrong texts of each kind that are shown."""


@dataclass(frozen=True)
class Judged:
    """One set as it was judged: gold, and the predictions of each system, one list a training seed.

    `labels` is the filter of the score, `kinds` what each system says of its scores.
    """

    gold: Sequence[Document]
    predictions: Mapping[str, Mapping[int, Sequence[Prediction]]]
    labels: Sequence[str] | None = None
    kinds: Mapping[str, ScoreKind] = field(default_factory=dict)


@dataclass(frozen=True)
class Trust:
    """What a system's scores are, and how they hold; `why` says why there is no `reliability`.

    `risk` is None where scores do not even rank mentions.
    """

    kind: ScoreKind
    reliability: Reliability | None
    why: str | None
    risk: RiskCoverage | None = None


@dataclass(frozen=True, eq=False)
class SetEvidence:
    """One set looked at: by system, the first seed where an analysis knows no seeds.

    `errors` holds them by taxonomy, our own first.
    """

    errors: Mapping[str, ErrorCounts]
    confusions: Mapping[str, Confusion]
    slices: SliceComparison
    detectable: Sequence[Detectable]
    protocols: Mapping[str, Sequence[Row]]
    surfaces: Mapping[str, WrongSurfaces]
    trust: Mapping[str, Trust]
    familiar: Familiarity | None
    counts: Mapping[str, int]
    lengths: Mapping[str, int]
    sentences: Mapping[str, Any]
    seeds: Mapping[str, int]
    doubts: Doubts | None = None


@dataclass(frozen=True)
class Evidence:
    """The sets that could be looked at by name, and why others could not."""

    sets: Mapping[str, SetEvidence]
    absent: Mapping[str, str] = field(default_factory=dict)


def look(judged: Judged, known: Known | None = None, *, resamples: int = 1000) -> SetEvidence:
    """Every analysis of one set. Raises `EvaluationError` where no system has predictions."""
    if not judged.predictions:
        raise EvaluationError("no system has predictions of this set")
    scores: dict[str, list[Scores]] = {
        name: [evaluate(judged.gold, answers, labels=judged.labels, resamples=0) for answers in seeds.values()]
        for name, seeds in judged.predictions.items()
    }
    first = {name: row[0].matching for name, row in scores.items()}
    classified = {
        name: [[classify(each.matching, taxonomy) for taxonomy in TAXONOMIES] for each in row]
        for name, row in scores.items()
    }
    compared = compare_slices(
        {name: [each.matching for each in row] for name, row in scores.items()}, known, resamples=resamples
    )
    gold = next(iter(first.values()))
    scored, _ = only(judged.labels, judged.gold)
    sentences = examples.sentences(
        {name: row[0] for name, row in classified.items()},
        {name: {slice: row[name][0] for slice, row in compared.slices.items()} for name in first},
    )
    return SetEvidence(
        errors={
            taxonomy: count_errors({name: [each[at] for each in row] for name, row in classified.items()})
            for at, taxonomy in enumerate(TAXONOMIES)
        },
        confusions={name: confusion(each) for name, each in first.items()},
        slices=compared,
        detectable=smallest_differences(scores, resamples=resamples) if resamples >= 2 and gold.answered.size else (),
        protocols={name: _protocols(judged, name) for name in judged.predictions},
        surfaces=dict(zip(first, surfaces_of(list(first.values()), MOST_SURFACES), strict=True)),
        trust={name: _trust(row[0], judged.kinds.get(name), resamples) for name, row in scores.items()},
        familiar=None if known is None else familiarity(scored, known),
        counts=dict(Counter(gold.names[number] for number in gold.gold.label.tolist()).most_common()),
        lengths=_lengths(scored),
        sentences=sentences,
        seeds={name: next(iter(row)) for name, row in judged.predictions.items()},
        doubts=_doubts(judged, scores, sentences),
    )


def _doubts(judged: Judged, scores: Mapping[str, Sequence[Scores]], sentences: Mapping[str, Any]) -> Doubts | None:
    """None where no system says how sure it is, or gold lies in no words."""
    sure = [
        name for name, row in scores.items()
        if judged.kinds.get(name) == "probability" and confidence(row[0].matching, "probability").kind == "probability"
    ]  # fmt: skip
    if not sure or not all(document.tokens for document in judged.gold if document.text.strip()):
        return None
    best = max(sure, key=lambda name: scores[name][0].micro.f1)
    # What is not scored must not be proposed either.
    gold, found = only(judged.labels, judged.gold, next(iter(judged.predictions[best].values())))
    return doubts_of(best, gold, found, sentences)


def _protocols(judged: Judged, name: str) -> Sequence[Row]:
    from onoma.evaluation.protocols import score_all

    answers = next(iter(judged.predictions[name].values()))
    return score_all(judged.gold, answers, labels=judged.labels)


def _trust(scores: Scores, kind: ScoreKind | None, resamples: int) -> Trust:
    found = confidence(scores.matching, kind)
    if found.lacking is not None:
        return Trust(found.kind, None, found.lacking)
    risk = risk_coverage(found)
    if not found.bounded:
        return Trust(found.kind, None, "the scores are not between 0 and 1", risk)
    return Trust(found.kind, reliability(found, resamples=resamples), None, risk)


def _lengths(gold: Sequence[Document]) -> Mapping[str, int]:
    """Sentences and words; sentences without a mention; nested mentions and those in pieces."""
    sentences = [end - start for document in gold for start, end in document.sentences]
    spans = [span for document in gold for span in document.spans]
    return {
        "sentences": len(sentences),
        "words": sum(sentences),
        "longest sentence": max(sentences, default=0),
        "mentions": len(spans),
        "distinct texts of mentions": len({document.surface(span) for document in gold for span in document.spans}),
        "in pieces": sum(span.discontinuous for span in spans),
    }
