from __future__ import annotations

import json
import os
import random
import warnings
from dataclasses import FrozenInstanceError, replace
from pathlib import Path

import pytest
from evaluation_cases import LABELS, MENTION_KINDS, PROPERTY, cases, problems, words
from hypothesis import given
from hypothesis import strategies as st

from onoma import schemes
from onoma.document import Document, Prediction, Problem, Span
from onoma.evaluation import Score, Scores, evaluate, gold_fingerprint
from onoma.evaluation.accuracy import flat_tags
from onoma.evaluation.counts import Counts
from onoma.evaluation.protocols import PROTOCOLS, get
from onoma.exceptions import ConfigError

Case = tuple[list[Document], list[Prediction]]


def blocks(scores: Scores) -> dict[str, Score]:
    averages = {name: getattr(scores, name) for name in ("micro", "macro", "weighted", "unlabelled")}
    return {**averages, **{f"label {label}": score for label, score in scores.by_label.items()}}


def ratios(score: Score) -> tuple[float, float, float]:
    return score.precision, score.recall, score.f1


# ---------------------------------------------------------------------- one matching, many views


@PROPERTY
@given(cases(), st.none() | st.sets(st.sampled_from(LABELS), min_size=1).map(sorted))
def test_all_tables_are_sums_over_one_matching(case: Case, labels: list[str] | None) -> None:
    scores = evaluate(*case, labels=labels, resamples=0)
    micro = scores.micro
    for part in (list(scores.by_label.values()), list(scores.per_document)):
        assert sum(row.tp for row in part) == micro.tp
        assert sum(row.fp for row in part) == micro.fp
        assert sum(row.fn for row in part) == micro.fn
    assert scores.unlabelled.support == micro.support
    assert scores.unlabelled.tp + scores.unlabelled.fp == micro.tp + micro.fp
    assert scores.unlabelled.tp >= micro.tp
    supported = [score for score in scores.by_label.values() if score.support]
    if supported:
        assert scores.macro.f1 == pytest.approx(sum(score.f1 for score in supported) / len(supported))
        assert scores.weighted.recall == pytest.approx(micro.recall)
    for block in blocks(scores).values():
        assert all(0 <= value <= 1 for value in ratios(block))


@PROPERTY
@given(cases(), st.integers(0, 2), problems)
def test_a_problem_never_raises_a_score(case: Case, where: int, problem: Problem) -> None:
    gold, predictions = case
    before = evaluate(gold, predictions, resamples=0)
    if not predictions:
        return
    index = where % len(predictions)
    worse = [*predictions]
    worse[index] = replace(worse[index], problems=(*worse[index].problems, problem))
    after = evaluate(gold, worse, resamples=0)
    rows = blocks(after)
    for name, block in blocks(before).items():
        assert all(new <= old for new, old in zip(ratios(rows[name]), ratios(block), strict=True))
    assert after.micro.fp == before.micro.fp + problem.is_mention


@pytest.mark.parametrize("kind", MENTION_KINDS)
def test_a_problem_is_one_false_positive(kind: str) -> None:
    gold = [words("x", [Span(0, 2, "A")])]
    found = (Problem(kind, "?", "A"), Problem(kind, "?", None), Problem("truncated", "tail"))  # type: ignore[arg-type]
    scores = evaluate(gold, [Prediction("x", [Span(0, 2, "A")], found)], resamples=0)
    assert {label: row.fp for label, row in scores.by_label.items()} == {"?": 1, "A": 1}
    assert scores.micro.precision == pytest.approx(1 / 3)
    assert scores.unlabelled.fp == 2
    assert scores.macro.precision == 0.5
    assert scores.problems == {kind: 2, "truncated": 1}


def test_labels_outside_the_gold_are_false_positives() -> None:
    gold = [words("x", [Span(0, 2, "A")])]
    found = [Prediction("x", [Span(0, 2, "A"), Span(3, 5, "PLANET")])]
    scores = evaluate(gold, found, resamples=0)
    assert (scores.micro.precision, scores.micro.recall) == (0.5, 1.0)
    assert (scores.macro.precision, scores.macro.f1) == (1.0, 1.0)  # no gold support: not in the mean
    assert scores.by_label["PLANET"].undefined == ("recall",)
    assert evaluate(gold, found, labels=["A"], resamples=0).micro.precision == 1.0


def test_macro_f1_is_the_mean_of_f1() -> None:
    gold = [words("x", [Span(0, 2, "A"), Span(3, 5, "A"), Span(6, 8, "B")])]
    found = [Prediction("x", [Span(0, 2, "A"), Span(6, 8, "B"), Span(9, 11, "B"), Span(12, 14, "B")])]
    scores = evaluate(gold, found, resamples=0)
    assert ratios(scores.by_label["A"]) == pytest.approx((1, 1 / 2, 2 / 3))
    assert ratios(scores.by_label["B"]) == pytest.approx((1 / 3, 1, 1 / 2))
    assert ratios(scores.macro) == pytest.approx((2 / 3, 3 / 4, 7 / 12))  # F1 of the mean P and R would be 12/17
    assert ratios(scores.weighted) == pytest.approx((7 / 9, 2 / 3, 11 / 18))
    assert ratios(scores.micro) == pytest.approx((1 / 2, 2 / 3, 4 / 7))


def test_nothing_against_nothing_is_zero_with_a_flag() -> None:
    for gold, found in (([], []), ([words("x")], [Prediction("x")])):
        scores = evaluate(gold, found)
        for block in (scores.micro, scores.macro, scores.weighted, scores.unlabelled):
            assert ratios(block) == (0, 0, 0)
            assert block.undefined == ("precision", "recall", "f1")
        assert scores.by_label == {}
    assert evaluate([], []).micro.f1_interval is None
    assert evaluate([words("x")], []).micro.undefined == ("precision", "recall", "f1")


def test_an_average_says_that_a_part_is_undefined() -> None:
    gold = [words("x", [Span(0, 2, "A"), Span(3, 5, "B")])]
    scores = evaluate(gold, [Prediction("x", [Span(0, 2, "A")])], resamples=0)
    assert scores.by_label["B"].undefined == ("precision",)
    assert scores.macro.undefined == ("precision",)
    assert scores.micro.undefined == ()


@PROPERTY
@given(*[st.integers(0, 9)] * 6)
def test_counts_add(a: int, b: int, c: int, d: int, e: int, f: int) -> None:
    total = Counts(a, b, c) + Counts(d, e, f)
    assert total == Counts(a + d, b + e, c + f)
    precision, recall = total.precision, total.recall
    harmonic = 2 * precision * recall / (precision + recall) if precision + recall else 0
    assert total.f1 == pytest.approx(harmonic)


# ---------------------------------------------------------------------- an independent implementation


def document_of(id: str, sentences: list[list[str]]) -> Document:
    document = Document.from_words([["w"] * len(tags) for tags in sentences], id=id)
    found: list[Span] = []
    for (first, _), tags in zip(document.sentences, sentences, strict=True):
        for start, end, label in schemes.get("BIO").spans(tags):
            found.append(Span(document.tokens[first + start].start, document.tokens[first + end - 1].end, label))
    return document.with_spans(found)


def legal_tags(source: random.Random, size: int) -> list[str]:
    tags: list[str] = []
    for _ in range(size):
        inside = [f"I-{tags[-1][2:]}"] * 2 if tags and tags[-1] != "O" else []
        tags.append(source.choice(["O", "O", *(f"B-{label}" for label in LABELS), *inside]))
    return tags


def check_against_seqeval(gold: list[list[str]], found: list[list[str]], scores: Scores) -> None:
    from seqeval.metrics.v1 import precision_recall_fscore_support
    from seqeval.scheme import IOB2

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = {
            average: precision_recall_fscore_support(gold, found, average=average, scheme=IOB2, zero_division=0)
            for average in ("micro", "macro", "weighted", None)
        }
    for average in ("micro", "macro", "weighted"):
        block = getattr(scores, average)
        assert ratios(block) == pytest.approx(theirs[average][:3], abs=1e-12)
        assert block.support == theirs[average][3]
    for index, label in enumerate(sorted(scores.by_label)):
        block = scores.by_label[label]
        assert (*ratios(block), block.support) == pytest.approx([column[index] for column in theirs[None]], abs=1e-12)


@pytest.mark.parametrize("seed", range(25))
def test_equals_seqeval_strict_on_random_legal_tags(seed: int) -> None:
    source = random.Random(seed)
    # One sentence holds every label, for seqeval's macro also goes over labels without gold support.
    gold = [["B-A", "B-B", "B-C"], *(legal_tags(source, source.randint(1, 9)) for _ in range(8))]
    found = [tags if source.random() < 0.3 else legal_tags(source, len(tags)) for tags in gold]
    documents = [document_of(str(index), [tags]) for index, tags in enumerate(gold)]
    answers = [document_of(str(index), [tags]) for index, tags in enumerate(found)]
    scores = evaluate(documents, answers, resamples=0)
    check_against_seqeval(gold, found, scores)
    pairs = [pair for left, right in zip(gold, found, strict=True) for pair in zip(left, right, strict=True)]
    assert scores.accuracy is not None
    assert scores.accuracy.value == sum(left == right for left, right in pairs) / len(pairs)
    assert scores.accuracy.baseline == sum(left == "O" for left, _ in pairs) / len(pairs)


def tags_of_file(path: Path) -> list[list[str]]:
    sentences: list[list[str]] = [[]]
    for line in path.read_text(encoding="utf-8").split("\n"):
        fields = line.split(" ")
        if not line.strip() or fields[0] == "-DOCSTART-":
            sentences.append([])
        else:
            sentences[-1].append(fields[-1])
    kept = [tags for tags in sentences if tags]
    scheme = schemes.detect(kept).scheme
    return [schemes.get("BIO").tags(len(tags), scheme.spans(tags)) for tags in kept]


def test_equals_seqeval_strict_on_two_gold_versions_of_one_corpus() -> None:
    folder = os.environ.get("ONOMA_DATA")
    if not folder:
        pytest.skip("ONOMA_DATA is not set: real corpora are not part of the project")
    old, new = Path(folder, "conll2003", "eng.testb"), Path(folder, "conllpp", "conllpp_test.txt")
    if not (old.exists() and new.exists()):
        pytest.skip("ONOMA_DATA has no conll2003/eng.testb and conllpp/conllpp_test.txt")
    gold, found = tags_of_file(new), tags_of_file(old)
    documents = [document_of(f"{index:04}", [tags]) for index, tags in enumerate(gold)]
    answers = [document_of(f"{index:04}", [tags]) for index, tags in enumerate(found)]
    scores = evaluate(documents, answers, resamples=0)
    assert (scores.micro.support, scores.micro.tp + scores.micro.fp) == (5702, 5648)
    check_against_seqeval(gold, found, scores)


# ---------------------------------------------------------------------- token accuracy


@pytest.mark.parametrize(
    ("spans", "tags"),
    [
        ([Span(0, 5, "A"), Span(6, 8, "A")], "B-A I-A B-A O O O"),
        ([Span(1, 4, "A")], "B-A I-A O O O O"),  # cuts two tokens: both are touched
        ([Span(0, 2, "B"), Span(0, 8, "A")], "B-A I-A I-A O O O"),  # nested: the outermost
        ([Span(0, 2, "B"), Span(0, 2, "A")], "B-A O O O O O"),
        ([Span(0, 5, "A"), Span(3, 11, "B")], "O B-B I-B I-B O O"),  # crossing: the longest
        ([Span(0, 8, "A", fragments=((0, 2), (6, 8)))], "B-A I-A I-A O O O"),  # its hull
        ([Span(2, 3, "A")], "O O O O O O"),  # between tokens
    ],
)
def test_tags_of_spans_of_any_shape(spans: list[Span], tags: str) -> None:
    assert flat_tags(words("x"), spans) == tags.split()
    assert flat_tags(words("x"), spans[::-1]) == tags.split()


def test_accuracy_stands_beside_its_baseline() -> None:
    gold = [words("x", [Span(0, 5, "A")]), words("y"), Document("z", "no tokens", spans=(Span(0, 2, "A"),))]
    answers = [Prediction("x", [Span(0, 2, "A")]), Prediction("y", [Span(0, 2, "A")])]
    accuracy = evaluate(gold, answers, resamples=0).accuracy
    assert accuracy is not None
    assert (accuracy.value, accuracy.baseline, accuracy.tokens) == (10 / 12, 10 / 12, 12)
    assert evaluate(gold[2:], [], resamples=0).accuracy is None


# ---------------------------------------------------------------------- what stands beside the numbers


def test_signature_names_the_protocol() -> None:
    gold = [words(f"d{index:02}", [Span(0, 2, "A"), Span(3, 5, "B")]) for index in range(20)]
    scores = evaluate(gold, gold, seed=5, confidence=0.9)
    parts = scores.signature.split(" | ")
    assert parts[0].startswith("onoma ")
    assert parts[1:] == [
        "strict",
        "match start+end+label",
        "0/0=0",
        "macro over labels with gold support",
        "interval: percentile bootstrap, 1,000 resamples of 20 documents, seed 5, 90%",
        "labels A,B",
        "filter none",
        f"gold sha256/2:{gold_fingerprint(gold)[:12]}",
    ]
    filtered = evaluate(gold, gold, labels=["A"], resamples=0).signature
    assert "interval: none | labels A | filter A (removed 20 gold, 20 predicted)" in filtered
    assert filtered.split(" | ")[-1] == parts[-1]


def test_fingerprint_sees_id_text_and_spans_only() -> None:
    gold = [words("x", [Span(0, 2, "A"), Span(3, 5, "B")]), words("y")]
    same = [words("y"), replace(gold[0], spans=gold[0].spans[::-1], tokens=(), sentences=())]
    assert gold_fingerprint(same) == gold_fingerprint(gold)
    changed = (
        [gold[0]],
        [replace(gold[0], id="z"), gold[1]],
        [replace(gold[0], text=gold[0].text.upper()), gold[1]],
        [gold[0].with_spans([Span(0, 2, "A"), Span(3, 5, "C")]), gold[1]],
        [gold[0].with_spans([Span(0, 2, "A"), Span(3, 5, "B"), Span(3, 5, "B")]), gold[1]],
    )
    assert len({gold_fingerprint(gold), *map(gold_fingerprint, changed)}) == 1 + len(changed)
    lone = Document("s", "half a pair \ud800")
    assert len(gold_fingerprint([lone])) == 64


@PROPERTY
@given(cases())
def test_scores_are_plain_json(case: Case) -> None:
    scores = evaluate(*case, resamples=5)
    plain = scores.to_dict(per_document=True)
    assert json.loads(json.dumps(plain, allow_nan=False)) == plain
    assert {"precision", "recall", "f1", "f1_interval", "support"} <= set(plain["micro"])
    assert [row["id"] for row in plain["per_document"]] == sorted(document.id for document in case[0])
    assert set(scores.to_dict()) == {
        "micro",
        "macro",
        "weighted",
        "by_label",
        "unlabelled",
        "accuracy",
        "problems",
        "missing_documents",
        "signature",
    }


def test_scores_are_frozen() -> None:
    scores = evaluate([], [])
    with pytest.raises(FrozenInstanceError):
        scores.micro.f1 = 1.0  # type: ignore[misc]
    with pytest.raises(FrozenInstanceError):
        scores.micro = scores.macro  # type: ignore[misc]


def test_protocols_are_found_by_name() -> None:
    assert get("strict") is evaluate
    assert next(iter(PROTOCOLS)) == "strict"
    with pytest.raises(ConfigError, match="protocol 'lenient' is unknown: one of strict"):
        get("lenient")
