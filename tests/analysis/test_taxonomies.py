"""Taxonomies: partitions of the errors of a score, with known errors put where they belong."""

from __future__ import annotations

import itertools
import random
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onoma import Document, Prediction, Problem, Span, evaluate
from onoma.analysis import TAXONOMIES, classify
from onoma.analysis.assessment import flags
from onoma.analysis.overlaps import overlaps
from onoma.analysis.spans import by_overlap
from onoma.evaluation.matching import match
from onoma.exceptions import ConfigError

TEXT = "Ada Byron of Rome met Ada in New York City ."
LABELS = ["PER", "LOC", "X"]
KINDS = ["ungrounded", "unknown_label", "duplicate", "malformed", "ambiguous", "truncated"]


def spans(unique: bool) -> Any:
    edges = [index for index in range(len(TEXT) + 1) if index in (0, len(TEXT)) or " " in TEXT[index - 1 : index + 1]]
    pair = st.tuples(st.sampled_from(edges), st.sampled_from(edges)).filter(lambda both: both[0] < both[1])
    return st.lists(
        st.builds(lambda both, label: Span(*both, label), pair, st.sampled_from(LABELS)), max_size=6, unique=unique
    )


PROBLEMS = st.lists(
    st.builds(
        Problem,
        st.sampled_from(KINDS),
        st.sampled_from(["Ada", "Rome", "?"]),
        st.sampled_from([*LABELS, "Y", None]),
        st.sampled_from([None, (0, 17), (18, len(TEXT))]),
    ),
    max_size=3,
)
DOCUMENTS = st.lists(st.tuples(spans(True), st.none() | st.tuples(spans(False), PROBLEMS)), min_size=1, max_size=3)


def matching(rows: Any, seed: int | None = None) -> Any:
    """Documents with gold, and predictions where there are any, in some order."""
    gold, found = [], []
    shuffle = random.Random(seed).shuffle if seed is not None else lambda _: None
    for number, (wanted, answer) in enumerate(rows):
        gold.append(Document(str(number), TEXT, spans=tuple(wanted)))
        if answer is not None:
            given, problems = [list(each) for each in answer]
            shuffle(given)
            shuffle(problems)
            found.append(Prediction(str(number), tuple(given), tuple(problems)))
    shuffle(found)
    return match(gold, found)


@pytest.mark.parametrize("name", sorted(TAXONOMIES))
@given(rows=DOCUMENTS, seed=st.integers(0, 9))
def test_every_error_is_in_one_class_whatever_the_order(name: str, rows: Any, seed: int) -> None:
    found = classify(matching(rows), name)
    missed = [(each.document, span) for each in found.errors if (span := each.missed) is not None]
    false = [(each.document, span) for each in found.errors if (span := each.false) is not None]
    documents = found.matching.documents
    everything = [(number, span) for number, each in enumerate(documents) for span in each.missed]
    assert sorted(missed, key=repr) == sorted(everything, key=repr)
    wrong: list[Any] = [(number, span) for number, each in enumerate(documents) for span in each.spurious]
    wrong += [(number, problem) for number, each in enumerate(documents) for problem in each.false_problems]
    assert sorted(false, key=repr) == sorted(wrong, key=repr)
    gold = [each.document for each in documents]
    answers = [Prediction(each.id, each.predicted, each.problems) for each in documents if each.answered]
    score = evaluate(gold, answers, resamples=0).micro
    assert (sum(found.false_positives.values()), sum(found.false_negatives.values())) == (score.fp, score.fn)
    assert sum(found.counts.values()) == len(found.errors)
    again = classify(matching(rows, seed), name)
    assert found.counts == again.counts
    assert sorted(map(repr, found.errors)) == sorted(map(repr, again.errors))


def overlap(one: Span, other: Span) -> int:
    return max(0, min(one.end, other.end) - max(one.start, other.start))


@given(missed=spans(True), false=spans(True))
def test_as_many_as_can_be_are_paired_by_overlap(missed: list[Span], false: list[Span]) -> None:
    found = matching([(missed, (false, []))])
    wrong = overlaps(found)
    places = by_overlap(found, wrong.is_missed, wrong.is_spurious)
    taken = [(found.gold.spans[one], found.found.spans[other]) for one, other in zip(*places, strict=True)]
    (each,) = found.documents
    best = (0, 0, 0)
    for size in range(min(len(each.missed), len(each.spurious)), 0, -1):
        for golds in itertools.combinations(each.missed, size):
            for others in itertools.permutations(each.spurious, size):
                best = max(best, worth(list(zip(golds, others, strict=True))))
        if best[0]:
            break
    assert worth(taken) == best
    assert len({one for one, _ in taken}) == len(taken)


def worth(pairs: list[tuple[Span, Span]]) -> tuple[int, int, int]:
    """How many pairs, how many of one label, how much overlap; nothing where one does not overlap."""
    shared = [overlap(one, other) for one, other in pairs]
    if not all(shared):
        return 0, 0, 0
    return len(pairs), sum(one.label == other.label for one, other in pairs), sum(shared)


GOLD = [Span(0, 9, "PER"), Span(13, 17, "LOC"), Span(22, 25, "PER"), Span(29, 42, "LOC")]


@pytest.mark.parametrize(
    ("answer", "spans", "assessment", "gner"),
    [
        (GOLD, "", "", ""),
        ([*GOLD[:3], Span(29, 42, "PER")], "type", "touched wrong_type", "NE NE"),
        ([*GOLD[:3], Span(29, 42, "Y")], "type", "ood_type touched", "NE NE"),
        ([*GOLD[:3], Span(33, 42, "LOC")], "left_end", "contained_by_gold touched", "BE BE"),
        ([*GOLD[:3], Span(29, 37, "LOC")], "right_end", "contained_by_gold touched", "BE BE"),
        ([*GOLD[:3], Span(26, 44, "LOC")], "both_ends", "contains_gold touched", "BE BE"),
        ([*GOLD[:3], Span(26, 37, "LOC")], "both_ends", "overlap touched", "BE BE"),
        ([*GOLD[:3], Span(29, 37, "PER")], "type_and_ends", "contained_by_gold touched", "NE+BE NE+BE"),
        (
            [*GOLD[:3], Span(29, 32, "LOC"), Span(33, 42, "LOC")],
            "left_end split", "contained_by_gold contained_by_gold touched", "BE BE BE",
        ),
        ([*GOLD[:2], Span(22, 42, "PER")], "merged right_end", "contains_gold touched touched", "BE BE NE+BE"),
        ([*GOLD[:2], Span(0, 3, "PER"), GOLD[3]], "missed split", "contained_by_gold omitted", "BE UE"),
        ([*GOLD, Span(10, 12, "LOC")], "spurious", "completely_o", "SP"),
        ([*GOLD, GOLD[1]], "duplicate", "duplicate", "duplicate"),
        (GOLD[:3], "missed", "omitted", "UE"),
        (None, "no_answer " * 4, "omitted " * 4, "UE " * 4),
    ],
)  # fmt: skip
def test_known_errors_are_where_they_belong(answer: Any, spans: str, assessment: str, gner: str) -> None:
    found = matching([(GOLD, None if answer is None else (answer, []))])
    for name, wanted in (("spans", spans), ("assessment", assessment), ("gner", gner)):
        assert sorted(error.kind for error in classify(found, name).errors) == wanted.split(), name


@pytest.mark.parametrize(
    ("problem", "kinds"),
    [
        (
            Problem("ungrounded", "Bob", "PER"),
            {"spans": "hallucinated", "assessment": "ood_mention", "gner": "ungrounded"},
        ),
        (
            Problem("unknown_label", "Ada", "Y"),
            {"spans": "unknown_label", "assessment": "ood_type", "gner": "unknown_label"},
        ),
        (Problem("duplicate", "Ada", "PER"), {"spans": "duplicate", "assessment": "duplicate", "gner": "duplicate"}),
        (Problem("malformed", "{", None), {"spans": "malformed", "assessment": "unreadable", "gner": "unreadable"}),
        (Problem("ambiguous", "Ada", "PER"), {"spans": "ambiguous", "assessment": "unreadable", "gner": "unreadable"}),
    ],
)
def test_problems_are_errors_too(problem: Problem, kinds: dict[str, str]) -> None:
    found = matching([(GOLD, (GOLD, [problem]))])
    for name, wanted in kinds.items():
        assert [error.kind for error in classify(found, name).errors] == [wanted]


def test_one_error_may_be_a_missed_mention_and_a_false_one() -> None:
    ambiguous = Problem("ambiguous", "Ada", "PER")
    found = classify(matching([(GOLD, ([GOLD[0], GOLD[1], GOLD[3]], [ambiguous]))]))
    assert [(error.kind, error.missed, error.false) for error in found.errors] == [("ambiguous", GOLD[2], ambiguous)]
    elsewhere = [Span(13, 17, "LOC"), Span(22, 25, "PER")]
    text = [Span(0, 3, "PER")]
    moved = classify(matching([(elsewhere, (elsewhere[:1] + text, []))]))
    assert [(error.kind, error.missed, error.false) for error in moved.errors] == [
        ("wrong_occurrence", elsewhere[1], text[0])
    ]
    cut = classify(matching([(GOLD, (GOLD[:2], [Problem("truncated", "...")]))]))
    assert [error.kind for error in cut.errors] == ["truncated", "truncated"]
    assert cut.of("truncated") == cut.errors and cut.counts["missed"] == 0


def test_what_is_wrong_with_an_answer_is_held_against_what_it_was_about() -> None:
    """The document was asked about in two parts, `[0:17]` and `[18:45]`."""

    def kinds(found: Sequence[Span], problem: Problem) -> dict[Span | None, str]:
        return {error.missed: error.kind for error in classify(matching([(GOLD, (found, [problem]))])).errors}

    first, second = (0, 17), (18, len(TEXT))
    early, late = [span for span in GOLD if span.end <= 17], [span for span in GOLD if span.start >= 18]
    assert len(early) == len(late) == 2
    cut = Problem("truncated", "...", within=first)
    assert kinds([], cut) == {**dict.fromkeys(early, "truncated"), **dict.fromkeys(late, "missed")}
    assert kinds(late, cut) == dict.fromkeys(early, "truncated")
    assert kinds(early[:1], cut) == {early[1]: "truncated", **dict.fromkeys(late, "missed")}
    assert kinds(early[1:], cut) == {early[0]: "missed", **dict.fromkeys(late, "missed")}
    of_label = replace(cut, label=early[0].label)
    assert early[0].label != early[1].label
    assert kinds(early[1:], of_label) == {early[0]: "truncated", **dict.fromkeys(late, "missed")}
    assert kinds(early[:1], of_label) == {early[1]: "missed", **dict.fromkeys(late, "missed")}
    ada = Problem("ambiguous", "Ada", "PER")
    assert GOLD[2] in late and kinds(late[1:] + early, replace(ada, within=second)) == {GOLD[2]: "ambiguous"}
    assert kinds(late[1:] + early, replace(ada, within=first)) == {None: "ambiguous", GOLD[2]: "missed"}


def test_shares_are_of_gold_and_of_what_was_predicted() -> None:
    problem = Problem("ungrounded", "Bob", "PER")
    made = classify(matching([(GOLD, ([GOLD[0], Span(13, 17, "PER"), Span(10, 12, "LOC")], [problem]))]), "gner")
    assert made.shares_of_gold["NE"] == 1 / 4 and made.shares_of_gold["UE"] == 2 / 4
    assert (made.shares_of_predicted["SP"], made.shares_of_predicted["ungrounded"]) == (1 / 4, 1 / 4)
    nothing = classify(match([], []), "gner")
    assert set(nothing.shares_of_gold.values()) == {0.0} and nothing.errors == ()


def test_labels_of_wrong_boundaries_are_flagged() -> None:
    answer = [Span(0, 3, "LOC"), Span(29, 32, "Y"), Span(10, 12, "Y"), Span(22, 25, "PER")]
    made = flags(classify(matching([(GOLD, (answer, []))]), "assessment"))
    assert made["contained_by_gold"] == {"type_also_wrong": 2, "label_out_of_set": 1}
    assert made["completely_o"] == {"type_also_wrong": 0, "label_out_of_set": 1}


def test_other_pieces_of_one_hull_enclose_nothing() -> None:
    gold, found = Span(0, 17, "PER", fragments=((0, 3), (13, 17))), Span(0, 17, "PER")
    made = classify(matching([([gold], ([found], []))]), "assessment")
    assert made.counts["overlap"] == 1 and made.counts["touched"] == 1


@given(rows=DOCUMENTS)
def test_classes_link_to_their_errors_in_the_order_of_the_text(rows: Any) -> None:
    for name in TAXONOMIES:
        made = classify(matching(rows), name)
        for kind, count in made.counts.items():
            linked = made.of(kind)
            assert len(linked) == count and linked == tuple(each for each in made.errors if each.kind == kind)
            assert made.of(kind, 1) == linked[:1]
        assert [each.document for each in made.errors] == sorted(each.document for each in made.errors)


def test_unknown_names_are_one_line() -> None:
    with pytest.raises(ConfigError, match="one of spans, assessment, gner"):
        classify(matching([(GOLD, None)]), "dewey")
