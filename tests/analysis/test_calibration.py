"""Confidence with a known answer: bins, error, risk, maps and thresholds against truth and enumeration."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from onoma import Document, Prediction, Problem, Span
from onoma.analysis.calibration import Isotonic, fit_isotonic, fit_temperature, fit_thresholds
from onoma.analysis.confidence import Confidence, confidence, reliability, risk_coverage
from onoma.evaluation.matching import match
from onoma.exceptions import ConfigError, EvaluationError

SCORES = st.lists(
    st.tuples(st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.75, 0.9, 1.0]), st.booleans()), min_size=2, max_size=9
)


def made(pairs: Any, declared: Any = "probability") -> Confidence:
    """A confidence of (score, right), each mention in a document of its own."""
    score, right = (np.array(column) for column in zip(*pairs, strict=True))
    return Confidence(score.astype(float), right.astype(bool), np.arange(len(score)), len(score), 0, declared)


def drawn(size: int, claim: Any, seed: int = 0) -> Confidence:
    """Mentions that are right with a known chance, under scores that claim something else."""
    rng = np.random.default_rng(seed)
    chance = rng.uniform(0.02, 0.98, size)
    return Confidence(claim(chance), rng.random(size) < chance, np.arange(size) % 50, 50, 0, "probability")


def odds(share: Any) -> Any:
    return np.log(share / (1 - share))


def varied(rows: Any) -> bool:
    return len({score for score, _ in rows}) > 1


# ---------------------------------------------------------------------- what there is


def test_scores_come_from_the_matching_and_say_what_they_are() -> None:
    gold = [Document("a", "Ada met Bob", spans=(Span(0, 3, "PER"), Span(8, 11, "PER"))), Document("b", "Rome")]
    answers = [
        Prediction("a", (Span(0, 3, "PER", 0.9), Span(4, 7, "LOC", 0.2), Span(8, 11, "PER")), (Problem("ungrounded"),)),
        Prediction("b", (Span(0, 4, "LOC", 0.4),)),
    ]
    found = confidence(match(gold, answers), "probability")
    assert sorted(zip(found.score.tolist(), found.right.tolist(), found.document.tolist(), strict=True)) == [
        (0.2, False, 0), (0.4, False, 1), (0.9, True, 0),
    ]  # fmt: skip
    assert (found.unscored, found.documents, found.kind) == (2, 2, "probability")
    assert confidence(match(gold, answers)).kind == "margin"
    with pytest.raises(ConfigError, match="one of probability, margin, none"):
        confidence(match(gold, answers), "sure")  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize(
    ("rows", "declared", "why"),
    [
        ([(1.0, True), (1.0, False)], "probability", "the same score, 1"),
        ([(0.5, True), (0.6, False)], "none", "mean nothing"),
    ],
)
def test_no_confidence_is_said_and_not_computed(rows: Any, declared: Any, why: str) -> None:
    found = made(rows, declared)
    assert found.kind == "none" and why in (found.lacking or "")
    for ask in (reliability, risk_coverage, fit_temperature, fit_isotonic):
        with pytest.raises(EvaluationError, match=why):
            ask(found)


def test_scores_that_are_none_are_no_confidence() -> None:
    gold = [Document("a", "Ada", spans=(Span(0, 3, "PER"),))]
    assert (
        confidence(match(gold, [Prediction("a", (Span(0, 3, "PER"),))])).lacking == "no predicted mention has a score"
    )
    assert confidence(match(gold, [Prediction("a")])).lacking == "no mention is predicted"


def test_margins_rank_but_are_no_probabilities() -> None:
    found = made([(-3.0, False), (7.0, True)])
    assert found.kind == "margin" and risk_coverage(found).risk.tolist() == [0, 0.5]
    for ask in (reliability, fit_temperature):
        with pytest.raises(EvaluationError, match="no probabilities"):
            ask(found)
    assert fit_isotonic(found)(np.array([-9.0, 2.0, 9.0])).tolist() == [0, 0.5, 1]


# ---------------------------------------------------------------------- reliability and risk


def test_the_error_of_a_known_claim_is_found() -> None:
    """Scores that claim 0.1 too much wherever they can are 0.1 off in every bin."""
    honest = reliability(drawn(40_000, lambda chance: chance), resamples=200)
    assert honest.ece < 0.01 and honest.interval is not None and honest.interval[0] < 0.002
    off = reliability(drawn(40_000, lambda chance: np.minimum(1, chance + 0.1)))
    assert off.ece == pytest.approx(0.1, abs=0.012)
    assert off.interval is not None and off.interval[0] < off.ece < off.interval[1] < off.interval[0] + 0.02
    assert all(low < each.accuracy < high for each in off.bins for low, high in [each.interval])
    assert all(each.score > each.accuracy for each in off.bins if each.count > 1000)


@pytest.mark.parametrize("by", ["width", "mass"])
@given(rows=SCORES, bins=st.integers(1, 6))
def test_bins_hold_every_mention_once_and_never_part_equal_scores(by: Any, rows: Any, bins: int) -> None:
    assume(varied(rows))
    found = reliability(made(rows), bins=bins, by=by, resamples=0)
    assert sum(each.count for each in found.bins) == len(rows) and len(found.bins) <= bins
    total = 0.0
    for each in found.bins:
        lowest = each is found.bins[0]
        inside = [row for row in rows if each.low < row[0] <= each.high or (lowest and row[0] == each.low)]
        assert len(inside) == each.count
        assert each.accuracy == pytest.approx(np.mean([right for _, right in inside]))
        total += abs(sum(score - right for score, right in inside))
    assert found.ece == pytest.approx(total / len(rows))
    assert found.interval is None and 0 <= found.brier <= 1


@given(rows=SCORES)
def test_risk_is_that_of_all_orders_of_equal_scores_on_average(rows: Any) -> None:
    assume(varied(rows))
    found = risk_coverage(made(rows))
    rng = np.random.default_rng(0)
    by_hand = np.zeros(len(rows))
    for _ in range(300):
        mixed = sorted((rows[place] for place in rng.permutation(len(rows))), key=lambda row: -row[0])
        by_hand += np.cumsum([not right for _, right in mixed]) / np.arange(1, len(rows) + 1)
    assert found.risk == pytest.approx(by_hand / 300, abs=0.15)
    assert found.error == pytest.approx(np.mean([not right for _, right in rows]))
    assert found.coverage[-1] == 1 and found.aurc == pytest.approx(found.risk.mean())
    assert risk_coverage(made(rows[::-1])).risk.tolist() == found.risk.tolist()


def test_the_area_of_a_perfect_order_and_of_none() -> None:
    best = risk_coverage(made([(0.9, True), (0.8, True), (0.2, False), (0.1, False)]))
    assert best.risk.tolist() == pytest.approx([0, 0, 1 / 3, 1 / 2])
    noise = drawn(20_000, lambda chance: np.random.default_rng(1).random(len(chance)))
    assert risk_coverage(noise).aurc == pytest.approx(risk_coverage(noise).error, abs=0.03)


# ---------------------------------------------------------------------- maps


@pytest.mark.parametrize("truth", [0.5, 1.0, 2.5])
def test_the_temperature_that_spoilt_scores_is_found(truth: float) -> None:
    found = drawn(60_000, lambda chance: 1 / (1 + np.exp(-odds(chance) * truth)))
    assert fit_temperature(found).value == pytest.approx(truth, rel=0.05)
    mended = Confidence(fit_temperature(found)(found.score), found.right, found.document, 50, 0, "probability")
    assert reliability(mended, resamples=0).ece < 0.012


def test_temperature_is_the_best_of_a_fine_grid() -> None:
    found = made([(0.99, True), (0.9, False), (0.8, True), (0.6, True), (0.3, True), (0.2, False)])

    def cost(value: float) -> float:
        return np.logaddexp(0, np.where(found.right, -1, 1) * odds(found.score) / value).sum()

    best = min(np.geomspace(0.05, 20, 4000), key=cost)
    assert fit_temperature(found).value == pytest.approx(best, rel=0.003)


@given(rows=SCORES)
def test_isotonic_regression_is_the_min_max_of_means(rows: Any) -> None:
    """The value at i is the greatest, over starts up to i, of the smallest mean up to any end from i on."""
    assume(varied(rows) and len({right for _, right in rows}) == 2)
    levels = sorted({score for score, _ in rows})
    held = [[right for score, right in rows if score == level] for level in levels]

    def mean(first: int, last: int) -> float:
        return float(np.mean([each for level in held[first : last + 1] for each in level]))

    size = len(levels)
    by_hand = [max(min(mean(a, b) for b in range(i, size)) for a in range(i + 1)) for i in range(size)]
    fitted = fit_isotonic(made(rows))
    assert fitted(np.array(levels)).tolist() == pytest.approx(by_hand)
    assert list(fitted.scores) == sorted(set(fitted.scores)) and set(fitted.scores) <= set(levels)


def test_isotonic_regression_mends_what_a_temperature_cannot() -> None:
    found = drawn(60_000, lambda chance: chance**3)
    warm, steps = fit_temperature(found), fit_isotonic(found)
    errors = [
        reliability(Confidence(each(found.score), found.right, found.document, 50, 0), resamples=0).ece
        for each in (lambda score: score, warm, steps)
    ]
    assert errors[2] < 0.01 < errors[1] < errors[0]
    assert Isotonic((0.2, 0.4), (0.1, 0.5))(np.array([0.0, 0.3, 1.0])).tolist() == pytest.approx([0.1, 0.3, 0.5])


@pytest.mark.parametrize("fit", [fit_temperature, fit_isotonic])
@pytest.mark.parametrize("right", [True, False])
def test_nothing_can_be_learnt_where_all_is_right_or_all_is_wrong(fit: Any, right: bool) -> None:
    with pytest.raises(EvaluationError, match="all 2 scored mentions are"):
        fit(made([(0.2, right), (0.3, right)]))


# ---------------------------------------------------------------------- thresholds

MENTIONS = st.lists(
    st.tuples(st.sampled_from("AB"), st.sampled_from([None, 0.1, 0.3, 0.3, 0.6, 1.0]), st.booleans()), max_size=8
)


def held(rows: Any, missed: Any, problems: Any) -> Any:
    """One document with a word a mention: predicted ones that are right or wrong, missed ones, and problems."""
    words = ["x"] * (len(rows) + len(missed) + 1)
    document = Document.from_words([words], id="d")
    places = [(token.start, token.end) for token in document.tokens]
    gold = [Span(*place, label) for place, (label, _, right) in zip(places, rows, strict=False) if right]
    gold += [Span(*place, label) for place, label in zip(places[len(rows) :], missed, strict=False)]
    found = [Span(*place, label, score) for place, (label, score, _) in zip(places, rows, strict=False)]
    return document.with_spans(gold), Prediction(
        "d", tuple(found), tuple(Problem("ungrounded", "", each) for each in problems)
    )


def f1_of(document: Document, prediction: Prediction, kept: Any, label: str | None) -> float:
    gold = {span for span in document.spans if label in (None, span.label)}
    spans = [span for span in prediction.spans if label in (None, span.label) and kept(span)]
    false = [each for each in prediction.problems if label in (None, each.label)]
    total = len(gold) + len(spans) + len(false)
    return 2 * sum(span in gold for span in spans) / total if total else 0.0


@given(
    rows=MENTIONS,
    missed=st.lists(st.sampled_from("AB"), max_size=3),
    problems=st.lists(st.sampled_from("A"), max_size=2),
)
def test_thresholds_are_the_best_of_all_there_can_be(rows: Any, missed: Any, problems: Any) -> None:
    document, prediction = held(rows, missed, problems)
    found = fit_thresholds(match([document], [prediction]), least=1)
    scored = {label for label, score, _ in rows if score is not None}
    assert set(found.by_label) == scored

    def reached(threshold: float, label: str | None) -> float:
        return f1_of(document, prediction, lambda span: span.score is None or span.score >= threshold, label)

    for label, threshold in ((None, found.overall), *found.by_label.items()):
        values = {score for name, score, _ in rows if score is not None and label in (None, name)} or {0.0}
        best = max(reached(value, label) for value in values)
        assert reached(threshold, label) == best
        assert not any(value < threshold and reached(value, label) == best for value in values)


def test_rare_labels_take_the_threshold_of_all() -> None:
    document, prediction = held([("A", 0.9, True)] * 3 + [("A", 0.2, False)] * 3 + [("B", 0.1, False)], "", "")
    found = fit_thresholds(match([document], [prediction]), least=5)
    assert found.by_label == {"A": pytest.approx(0.55)} and found.overall == pytest.approx(0.55)
    assert fit_thresholds(match([document], [Prediction("d")])).by_label == {}


def test_a_threshold_for_each_label_is_never_worse_than_one_where_it_is_tuned() -> None:
    rng = np.random.default_rng(3)
    for seed, (a, b) in enumerate(product((0.3, 0.6), (0.4, 0.8))):
        rows = [
            (label, round(float(score), 2), bool(rng.random() < score * scale))
            for label, scale in (("A", a), ("B", b))
            for score in rng.random(30)
        ]
        document, prediction = held(rows, "A" * seed, "")
        found = fit_thresholds(match([document], [prediction]))
        for label, threshold in found.by_label.items():
            own = f1_of(document, prediction, lambda span, bar=threshold: span.score >= bar, label)
            assert own >= f1_of(document, prediction, lambda span, bar=found.overall: span.score >= bar, label)


def test_thresholds_are_for_probabilities() -> None:
    document, prediction = held([("A", 3.0, True)], "", "")
    with pytest.raises(EvaluationError, match="calibrate them first"):
        fit_thresholds(match([document], [prediction]))
