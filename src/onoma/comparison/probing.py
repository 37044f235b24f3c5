"""Behaviour probes of a comparison: sets changed in one way each, and what that takes from every system.

A changed set has other text, so it is other gold; the difference to the untouched one is paired over the same documents
or sentences, and over the same training seeds.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from onoma import datasets
from onoma.analysis.probes import ASKED_LABELS, Probed, find, probe
from onoma.analysis.rewriting import LINES
from onoma.comparison.differences import SEED, needed, p_value, totals
from onoma.comparison.experiment import Experiment
from onoma.document import Document
from onoma.evaluation import Scores, holm
from onoma.evaluation.bootstrap import F1S, Array, draw_weights, percentile_interval
from onoma.evaluation.counts import UnitCounts, count_units
from onoma.report.schema import ProbeScore

__all__ = ["changed", "needs_training", "probe_mark", "probe_scores", "scored_labels"]

CONFIDENCE = 0.95


def needs_training(experiment: Experiment) -> bool:
    """Whether a probe of the experiment looks at its training documents, for their names or their labels."""
    return any(each.trained or each.asks for each in map(find, experiment.probes))


def changed(
    experiment: Experiment, name: str, documents: Sequence[Document], train: Sequence[Document] | None
) -> dict[str, Probed]:
    """The set of that name under each probe of the experiment; empty where it is not probed."""
    if name not in experiment.probed_sets:
        return {}
    return {each: probe(documents, each, train=train) for each in experiment.probes}


def probe_mark(probed: Probed) -> str:
    """What of a changed set matters to a prediction, as one name for all of it."""
    read = [[each.sentences, each.meta.get(LINES), each.meta.get(ASKED_LABELS)] for each in probed.documents]
    parts = [datasets.fingerprint(probed.documents), read]
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=repr).encode()).hexdigest()


def scored_labels(labels: Sequence[str] | None, probed: Probed) -> list[str] | None:
    """The labels that are scored on a changed set, by the names that they have there."""
    return None if labels is None else [probed.labels.get(label, label) for label in labels]


def probe_scores(
    untouched: Sequence[Scores],
    found: Mapping[str, Sequence[Scores]],
    probed: Mapping[str, Probed],
    why: Mapping[str, str],
    resamples: int,
) -> dict[str, ProbeScore]:
    """One system on one set under each probe, given its scores by seed; `why` says which could not be tried.

    Where `resamples` are too few to show a fall under so many probes, there are as many as `needed` says.
    """
    enough = needed(resamples, len(found)) if resamples and found else 0
    made: dict[str, ProbeScore] = {}
    for name, each in probed.items():
        scores = found.get(name)
        score = ProbeScore(
            support=(untouched if scores is None else scores)[0].micro.support,
            lost=each.lost,
            changed_documents=each.changed_documents,
            changed_mentions=each.changed_mentions,
            why=why.get(name),
        )
        made[name] = score if scores is None else score.model_copy(update=_fall(untouched, scores, enough))
    tested = {name: each.p_value for name, each in made.items() if each.p_value is not None}
    for name, adjusted in zip(tested, holm(list(tested.values())), strict=True):
        made[name] = made[name].model_copy(update={"p_adjusted": adjusted})
    return made


def _fall(untouched: Sequence[Scores], found: Sequence[Scores], resamples: int) -> dict[str, Any]:
    """F1 of the changed set and its difference to the untouched one; intervals and p where there are resamples."""
    before, after = _paired(untouched, found)
    f1, rest = float(_f1(after).mean()), float(_f1(before).mean())
    values: dict[str, Any] = {"f1": f1, "difference": f1 - rest}
    if resamples:
        drawn, fall = _drawn(before, after, resamples)
        values["f1_interval"] = percentile_interval(drawn, CONFIDENCE)
        values |= {"interval": percentile_interval(fall, CONFIDENCE), "p_value": p_value(fall)}
    return values


def _paired(untouched: Sequence[Scores], found: Sequence[Scores]) -> tuple[Array, Array]:
    """Counts [seeds, units, 2 * 3] of both, in the same units: documents where their sentences are not the same."""
    before, after = ([each.counts for each in side] for side in (untouched, found))
    if before[0].ids != after[0].ids:
        before, after = ([count_units(each.matching, "document") for each in side] for side in (before, after))
    return _stack(before), _stack(after)


def _stack(seeds: Sequence[UnitCounts]) -> Array:
    return np.stack([totals(each) for each in seeds])


def _f1(counts: Array) -> Array:
    """Micro F1 of each seed [seeds] from counts [seeds, units, 2 * 3]."""
    return F1S["micro_f1"](counts.sum(axis=1).reshape(len(counts), -1, 3))


def _drawn(before: Array, after: Array, resamples: int) -> tuple[Array, Array]:
    """Micro F1 of the changed set, and its difference to the untouched one, in each resample of units and seeds."""
    rng = np.random.default_rng(SEED)
    values: list[Array] = []
    differences: list[Array] = []
    for weights in draw_weights(before.shape[1], resamples, rng):
        chosen = rng.integers(0, len(after), size=(len(weights), len(after)))
        sides = []
        for side in (before, after):
            each = [F1S["micro_f1"]((weights @ counts).reshape(len(weights), -1, 3)) for counts in side]
            sides.append(np.take_along_axis(np.stack(each, axis=1), chosen, axis=1).mean(axis=1))
        values.append(sides[1])
        differences.append(sides[1] - sides[0])
    return np.concatenate(values), np.concatenate(differences)
