"""`onoma evaluate`: score predictions against gold, one system or two, by one protocol, all, or on several golds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from onoma.cli.common import DASH, announce, escape, print_json, show
from onoma.cli.gates import say_missed
from onoma.exceptions import ConfigError

if TYPE_CHECKING:
    from onoma.document import Document, Prediction
    from onoma.evaluation import Scores
    from onoma.evaluation.protocols.base import ProtocolScores

__all__ = ["evaluate"]

ALL = "all"


def evaluate(
    gold: Annotated[str, DASH],
    pred: Annotated[str, DASH],
    against: Annotated[str | None, DASH] = None,
    /,
    *,
    protocol: str = "strict",
    labels: Annotated[tuple[str, ...], Parameter(consume_multiple=True, negative=())] = (),
    also_gold: Annotated[tuple[str, ...], Parameter(negative=())] = (),
    gold_format: str | None = None,
    pred_format: str | None = None,
    resamples: int = 1000,
    seed: int = 1,
    fail_under: float | None = None,
    no_worse_than: Annotated[str | None, DASH] = None,
    json: bool = False,
    quiet: bool = False,
) -> int:
    """Score predictions against gold by exact boundaries and label, with intervals.

    With a second prediction file the two systems are compared by paired tests.

    Parameters
    ----------
    gold
        Gold documents: a file, - for stdin, or a catalogue reference such as conll2003:test.
    pred
        Predictions: what `onoma predict` wrote, or any labelled file; joined to gold by document id.
    against
        Predictions of a second system.
    protocol
        Scoring protocol, by name; all prints every one beside strict.
    labels
        Score these labels only, in gold and predictions (named in the signature).
    also_gold
        NAME=FILE: another version of the gold to score the same predictions on; may be repeated.
    gold_format
        Format of the gold file.
    pred_format
        Format of the prediction files.
    resamples
        Bootstrap resamples for intervals and tests; 0 for none.
    seed
        Seed of the resampling.
    fail_under
        Exit with 3 where micro F1, as a fraction, is lower (of strict, where all protocols are shown).
    no_worse_than
        Predictions of another system: exit with 3 where strict micro F1 is significantly lower than theirs, that is
        lower with p < 0.05 in a paired bootstrap.
    json
        Print JSON.
    quiet
        No progress on stderr.
    """
    from onoma import datasets, tokenization
    from onoma.evaluation import protocols
    from onoma.evaluation.bootstrap import check_settings
    from onoma.evaluation.gates import check_bars, under

    announce(quiet=quiet or json)
    if protocol != ALL:
        protocols.get(protocol)
    check_settings(resamples, 0.95, seed)
    check_bars(fail_under, no_worse_than, resamples)
    if "" in labels:
        raise ConfigError("--labels: a label is empty")
    versions = _versions(also_gold, protocol)
    if [gold, pred, against, no_worse_than, *versions.values()].count("-") > 1:
        raise ConfigError("standard input (-) can be read once: give files for the others")
    documents = [tokenization.split(document) for document in datasets.read(gold, gold_format)]
    paths = [path for path in (pred, against) if path is not None]
    names = _names(paths)
    systems = {
        name: list(datasets.read_predictions(path, pred_format, gold=documents))
        for name, path in zip(names, paths, strict=True)
    }
    wanted = labels or None
    other = None
    if no_worse_than is not None:
        other = list(datasets.read_predictions(no_worse_than, pred_format, gold=documents))
    _warn(labels, documents, systems)
    if versions:
        others = {
            name: [tokenization.split(document) for document in datasets.read(path, gold_format)]
            for name, path in versions.items()
        }
        golds = {_own_name(gold, others): documents, **others}
        reached = _on_versions(golds, systems, wanted, resamples, seed, json)
    elif protocol == ALL:
        reached = _by_all(documents, systems, wanted, json)
    elif protocol == "strict":
        reached = _strictly(documents, systems, wanted, resamples, seed, json)
    else:
        reached = _by_one(protocol, documents, systems, wanted, json)
    missed = under(f"micro F1 of {names[0]}", reached, fail_under)
    if other is not None and no_worse_than is not None:
        missed += _worse(documents, (names[0], systems[names[0]]), (no_worse_than, other), wanted, resamples, seed)
    return say_missed(missed)


def _worse(
    documents: Sequence[Document],
    new: tuple[str, Sequence[Prediction]],
    old: tuple[str, Sequence[Prediction]],
    labels: Sequence[str] | None,
    resamples: int,
    seed: int,
) -> list[str]:
    from onoma.evaluation import evaluate as strict
    from onoma.evaluation.gates import worse

    sides = [[strict(documents, found, labels=labels, resamples=0)] for _, found in (new, old)]
    return worse(f"strict micro F1 of {new[0]}", *sides, than=old[0], resamples=resamples, seed=seed)


def _warn(labels: Sequence[str], documents: Sequence[Document], systems: Mapping[str, Sequence[Prediction]]) -> None:
    """Say which labels asked for are nowhere: likely a slip."""
    from onoma import progress

    found = {span.label for document in documents for span in document.spans}
    found |= {span.label for answers in systems.values() for answer in answers for span in answer.spans}
    for label in labels:
        if label not in found:
            progress.say(f"--labels {label}: no mention of that label, in gold or predictions")


def _versions(also_gold: Sequence[str], protocol: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for item in also_gold:
        name, equals, path = item.partition("=")
        if not name or not equals or not path:
            raise ConfigError(f"--also-gold {item}: NAME=FILE is expected")
        if name in found:
            raise ConfigError(f"--also-gold {name} is given more than once")
        found[name] = path
    if found and protocol != "strict":
        raise ConfigError(f"--also-gold scores strictly: leave out --protocol {protocol}")
    return found


def _names(paths: Sequence[str]) -> list[str]:
    names = [Path(path).name for path in paths]
    if len(set(names)) == len(names):
        return names
    pred, against = paths
    if pred == against:
        return [pred, f"{against} (again)"]
    parts = zip(Path(pred).parts, Path(against).parts, strict=False)
    return list(next(((a, b) for a, b in parts if a != b), (pred, against)))  # crf/test.jsonl, minilm/test.jsonl


def _own_name(gold: str, others: Mapping[str, object]) -> str:
    name = Path(gold).name
    return name if name not in others else f"{name} (first)"


def _strictly(
    documents: Sequence[Document],
    systems: Mapping[str, Sequence[Prediction]],
    labels: Sequence[str] | None,
    resamples: int,
    seed: int,
    json: bool,
) -> float:
    from onoma.evaluation import evaluate as strict
    from onoma.evaluation import table

    sides = {
        name: strict(documents, found, labels=labels, resamples=resamples, seed=seed) for name, found in systems.items()
    }
    scores = list(sides.values())
    tests = _tests(scores, resamples, seed) if len(scores) == 2 and resamples else []
    if json:
        blocks: dict[str, Any] = {name: side.to_dict() for name, side in sides.items()}
        print_json(
            scores[0].to_dict(per_document=True)
            if len(scores) == 1
            else {"systems": blocks, "comparisons": [each.to_dict() for each in tests]}
        )
        return scores[0].micro.f1
    for name, side in sides.items():
        show(f"[bold]{escape(name)}[/]", table(side), "")
    first, *rest = sides
    for test in tests:
        low, high = test.interval
        show(
            f"{escape(first)} less {escape(rest[0])}: {100 * test.difference:+.2f} points of micro F1 "
            f"[{100 * low:+.2f}, {100 * high:+.2f}], p = {test.p_value:.4f} "
            f"({test.test.replace('_', ' ')}, {test.resamples:,} resamples of {test.units:,} {test.unit}s)"
        )
    return scores[0].micro.f1


def _tests(sides: Sequence[Scores], resamples: int, seed: int) -> list[Any]:
    from onoma.evaluation import compare

    return [
        compare(sides[0], sides[1], test=test, resamples=resamples, seed=seed)
        for test in ("paired_bootstrap", "approximate_randomisation")
    ]


def _by_one(
    protocol: str,
    documents: Sequence[Document],
    systems: Mapping[str, Sequence[Prediction]],
    labels: Sequence[str] | None,
    json: bool,
) -> float:
    """Another protocol than strict: it has no intervals and no tests."""
    from onoma.evaluation import gold_fingerprint, match, protocols
    from onoma.evaluation.protocols.table import filter_notes, score_table

    score = protocols.get(protocol)
    sides: dict[str, ProtocolScores] = {}
    for name, found in systems.items():
        side = score(documents, found, labels=labels)
        notes = filter_notes(match(documents, found, labels=labels))
        sides[name] = replace(side, notes=(*side.notes, *notes, f"gold sha256/2:{gold_fingerprint(documents)[:12]}"))
    scores = list(sides.values())
    if json:
        blocks = {name: side.to_dict() for name, side in sides.items()}
        print_json(scores[0].to_dict() if len(scores) == 1 else {"systems": blocks})
    else:
        for name, side in sides.items():
            show(f"[bold]{escape(name)}[/]", score_table(side), "")
    return scores[0].micro.f1


def _by_all(
    documents: Sequence[Document],
    systems: Mapping[str, Sequence[Prediction]],
    labels: Sequence[str] | None,
    json: bool,
) -> float:
    from onoma.evaluation import protocols
    from onoma.evaluation.protocols.table import row_table

    sides = {name: protocols.score_all(documents, found, labels=labels) for name, found in systems.items()}
    if json:
        blocks = {name: [row.to_dict() for row in side] for name, side in sides.items()}
        print_json({"systems": blocks} if len(blocks) > 1 else {"protocols": next(iter(blocks.values()))})
    else:
        title = " and ".join(f"[bold]{escape(name)}[/]" for name in sides)
        show(f"{title} by every protocol, micro", row_table(sides))
    rows = next(iter(sides.values()))
    return next(row.f1 or 0.0 for row in rows if row.protocol == "strict")


def _on_versions(
    golds: Mapping[str, Sequence[Document]],
    systems: Mapping[str, Sequence[Prediction]],
    labels: Sequence[str] | None,
    resamples: int,
    seed: int,
    json: bool,
) -> float:
    from onoma.evaluation.rescoring import rescore, version_table

    sides = {
        name: rescore(golds, found, labels=labels, resamples=resamples, seed=seed) for name, found in systems.items()
    }
    if json:
        blocks = {name: [row.to_dict() for row in side] for name, side in sides.items()}
        print_json({"systems": blocks} if len(blocks) > 1 else {"golds": next(iter(blocks.values()))})
    else:
        for name, side in sides.items():
            show(f"[bold]{escape(name)}[/]", version_table(side), "")
    return next(iter(sides.values()))[0].scores.micro.f1
