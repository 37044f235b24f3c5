"""The label audit: flipped labels come out on top, doubts are what they are by hand, places cover both sides once."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onoma import Document, Prediction, Span
from onoma.analysis.audit import RULES, audit, clusters
from onoma.analysis.consistency import Elsewhere, Usage
from onoma.analysis.label_quality import chances_of_scores, evidence
from onoma.exceptions import ConfigError, EvaluationError

WORDS = [["Ada", "met", "Bo"], ["Paris", "is", "Paris"]]


def document(id: str, *spans: tuple[int, int, str], words: list[list[str]] = WORDS) -> Document:
    bare = Document.from_words(words, id=id)
    return bare.with_spans(spans_of(bare, spans))


def spans_of(bare: Document, spans: Any, score: float | None = None) -> list[Span]:
    tokens = bare.tokens
    return [Span(tokens[first].start, tokens[last].end, label, score) for first, last, label in spans]


def answer(gold: Document, *spans: tuple[int, int, str], score: float | None = None) -> Prediction:
    return Prediction(gold.id, tuple(spans_of(gold, spans, score)))


GOLD = document("d", (0, 0, "PER"), (2, 2, "LOC"), (3, 3, "LOC"))


# ---------------------------------------------------------------------- doubts by hand


def test_doubts_are_what_they_are_by_hand() -> None:
    rows = [[0.1, 0.1, 0.8], [0.9, 0.1, 0.0], [0.0, 0.1, 0.9], [0.1, 0.7, 0.2], [0.8, 0.1, 0.1], [0.6, 0.4, 0.0]]
    chances: Any = dict(zip((None, "LOC", "PER"), np.array(rows).T, strict=True))
    found = evidence([GOLD], [chances])
    assert found.classes == (None, "LOC", "PER")
    assert found.confidence == pytest.approx([0.8, 0.9, 0.1, 0.7, 0.8, 0.6])
    assert found.thresholds == pytest.approx([(0.9 + 0.8 + 0.6) / 3, (0.1 + 0.7) / 2, 0.8])
    assert found.off_diagonal().tolist() == [False, False, True, False, False, True]
    said = answer(GOLD, (0, 0, "PER"), (2, 2, "PER"), (3, 3, "LOC"))
    first = audit([GOLD], [said], {"d": chances}, rule="self_confidence").suspicions[0]
    assert (first.text, first.kind, [span.label for span in first.proposed]) == ("Bo", "label", ["PER"])
    assert first.scores["self_confidence"] == pytest.approx(0.9)
    assert first.scores["margin"] == pytest.approx((1 + 0.9 - 0.1) / 2)
    assert first.scores["normalised_margin"] == pytest.approx((2 + (0.9 - 0.8) - (0.1 - 0.4)) / 4)
    assert first.reasons[:2] == (
        "the model says PER 'Bo'; it gives the gold label a chance of 0.10",
        "confident learning counts it as PER",
    )


def test_other_occurrences_speak_against_a_label_by_their_majority_less_where_they_differ() -> None:
    def told(counts: dict[str | None, int]) -> float:
        return Elsewhere(counts).against("LOC")

    assert told({}) == told({"LOC": 3, "ORG": 3}) == told({"LOC": 3, None: 1}) == 0
    assert told({"ORG": 1}) == pytest.approx(1 / 3)
    assert told({"ORG": 8}) == pytest.approx(8 / 10)
    assert told({"ORG": 4, "PER": 4}) == pytest.approx(4 / 10 * 0.5)
    assert told({None: 8}) == told({"ORG": 8})
    assert str(Elsewhere({None: 2, "ORG": 3, "LOC": 3})) == "LOC 3, ORG 3, no mention 2"


def test_usage_counts_whole_occurrences_and_leaves_out_parts_of_mentions() -> None:
    words = [["New", "York", "and", "York"], ["the", "New", "York", "Times"], ["New"], ["York"]]
    gold = document("d", (0, 1, "LOC"), (3, 3, "LOC"), (4, 7, "ORG"), words=words)
    usage = Usage([gold])
    assert usage.elsewhere(("York",), "LOC").counts == {None: 1}  # neither in New York, nor in the Times, nor itself
    assert usage.elsewhere(("New", "York"), None).counts == {"LOC": 1}  # never over the end of a sentence
    assert [found[:2] for found in usage.unlabelled(gold, gold.spans)] == [(9, 10)]


def test_an_unlabelled_text_that_is_a_mention_elsewhere_is_a_place_of_its_own() -> None:
    others = [document(str(number), (3, 3, "LOC"), (5, 5, "LOC")) for number in range(3)]
    found = audit([GOLD], [answer(GOLD, (0, 0, "PER"), (2, 2, "LOC"), (3, 3, "LOC"))], extra=others)
    (place,) = (each for each in found.suspicions if each.kind == "missing")
    assert (place.start, [span.label for span in place.proposed]) == (GOLD.tokens[5].start, ["LOC"])
    assert place.reasons == ("'Paris' is no mention here, elsewhere LOC 7",)


# ---------------------------------------------------------------------- predictions alone


def test_scores_of_spans_stand_for_chances() -> None:
    (chances,) = chances_of_scores([GOLD], [answer(GOLD, (0, 0, "PER"), (2, 2, "PER"), score=0.8)])
    table = np.array([chances[label] for label in (None, "LOC", "PER")])
    assert table.sum(axis=0) == pytest.approx(np.ones(6))
    assert table[:, 2] == pytest.approx([0.1, 0.1, 0.8]) and table[:, 5] == pytest.approx([0.8, 0.1, 0.1])


def test_a_surer_model_is_believed_more() -> None:
    gold = [document("a", (0, 0, "PER")), document("b", (0, 0, "PER"))]
    said = [answer(gold[0], (0, 0, "LOC"), score=0.5), answer(gold[1], (0, 0, "LOC"), score=0.9)]
    for rule in ("self_confidence", "margin", "normalised_margin", "combined"):
        assert [each.document_id for each in audit(gold, said, rule=rule).suspicions][:2] == ["b", "a"]


def test_documents_without_a_prediction_are_not_looked_at() -> None:
    found = audit([GOLD, document("e", (0, 0, "PER"))], [answer(GOLD)])
    assert found.documents == 1 and {place.document_id for place in found.suspicions} == {"d"}
    assert {place.kind for place in found.suspicions} == {"spurious"}


def test_bad_input_is_refused() -> None:
    with pytest.raises(ConfigError, match="rule 'luck' is unknown: one of combined"):
        audit([GOLD], [answer(GOLD)], rule="luck")
    with pytest.raises(EvaluationError, match="'t' has no tokens: split it first"):
        audit([Document("t", "Ada")], [Prediction("t")])
    with pytest.raises(EvaluationError, match="2 chances for 6 tokens"):
        audit([GOLD], [answer(GOLD)], {"d": {None: [0.5, 0.5]}})


# ---------------------------------------------------------------------- invariants

SPANS = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 3), st.sampled_from("AB")), max_size=5)


@given(gold=SPANS, found=SPANS)
def test_clusters_hold_every_mention_once_and_do_not_touch(gold: Any, found: Any) -> None:
    bare = Document.from_words([list("abcdef")], id="d")
    sides = [spans_of(bare, [(at, min(5, at + size), label) for at, size, label in each]) for each in (gold, found)]
    made = list(clusters(*sides))
    for side in (0, 1):
        assert sorted(map(repr, (span for each in made for span in each[side]))) == sorted(map(repr, sides[side]))
    bounds = [(min(span.start for span in (*a, *b)), max(span.end for span in (*a, *b))) for a, b in made]
    assert all(left[1] <= right[0] for left, right in itertools.pairwise(bounds))


@given(gold=SPANS, found=SPANS, score=st.floats(0, 1))
def test_doubts_lie_between_0_and_1_and_every_difference_is_listed(gold: Any, found: Any, score: float) -> None:
    bare = Document.from_words([list("aabbab")], id="d")
    sides = [
        spans_of(bare, [(at, min(5, at + size), label) for at, size, label in each], score) for each in (gold, found)
    ]
    one = bare.with_spans(sides[0])
    for rule in RULES:
        made = audit([one], [Prediction("d", tuple(sides[1]))], rule=rule)
        assert all(0 <= value <= 1 for place in made.suspicions for value in place.scores.values())
        assert [place.score for place in made.suspicions] == sorted((p.score for p in made.suspicions), reverse=True)
        differ = sum(set(a) != set(b) for a, b in clusters(*sides))
        assert made.disagreements == differ == sum(place.scores["disagreement"] == 1 for place in made.suspicions)
