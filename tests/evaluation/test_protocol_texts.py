"""Protocols that compare words and strings, worked out by hand from their rules."""

from __future__ import annotations

import random
import warnings
from collections.abc import Callable, Sequence

import pytest
from evaluation_cases import PROPERTY, cases
from hypothesis import given, settings
from hypothesis import strategies as st

from onoma.document import Document, Prediction, Problem, Span
from onoma.evaluation.protocols import euroeval, llms4ner, universalner
from onoma.evaluation.protocols.base import NotApplicableError, ProtocolScores
from onoma.exceptions import EvaluationError

ALL: dict[str, Callable[..., ProtocolScores]] = {
    "universalner": universalner.score,
    "llms4ner": llms4ner.score,
    "euroeval": euroeval.score,
}

Marked = Sequence[tuple[int, int, str]]
"""First word, last word, label."""


def document(sentences: Sequence[str], marked: Marked, id: str = "d") -> Document:
    made = Document.from_words([sentence.split() for sentence in sentences], id=id)
    return made.with_spans(placed(made, marked))


def placed(made: Document, marked: Marked) -> list[Span]:
    return [Span(made.tokens[first].start, made.tokens[last].end, label) for first, last, label in marked]


def scored(
    score: Callable[..., ProtocolScores],
    sentences: Sequence[str],
    gold: Marked,
    found: Marked,
    problems: Sequence[Problem] = (),
) -> ProtocolScores:
    made = document(sentences, gold)
    return score([made], [Prediction("d", tuple(placed(made, found)), tuple(problems))])


def counts(scores: ProtocolScores) -> tuple[float, ...]:
    return tuple(scores.micro.counts[key] for key in ("correct", "predicted", "gold"))


# ---------------------------------------------------------------------- universalner


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The Fog", "fog"),
        ("U.S.", "us"),
        ("An  A-Team", "ateam"),
        ("Theatre of the  Absurd", "theatre of absurd"),
        ("the", ""),
        ("“Élan”", "“élan”"),
    ],
)
def test_normalised(text: str, expected: str) -> None:
    assert universalner.normalised(text) == expected


def test_position_and_repeats_are_forgotten_within_a_sentence() -> None:
    # the wrong Paris is right, and two of them are one
    assert counts(scored(universalner.score, ["Paris beat Paris"], [(2, 2, "L")], [(0, 0, "L")])) == (1, 1, 1)
    both = [(0, 0, "L"), (2, 2, "L")]
    assert counts(scored(universalner.score, ["Paris beat Paris"], both, both)) == (1, 1, 1)
    # but not over two sentences
    assert counts(scored(universalner.score, ["Paris beat", "Paris"], both, [(0, 0, "L")])) == (1, 1, 2)
    # another label is another mention
    assert counts(scored(universalner.score, ["Paris beat Paris"], [(0, 0, "L")], [(0, 0, "P")])) == (0, 1, 1)
    assert counts(scored(universalner.score, ["in the Fog now"], [(1, 2, "W")], [(2, 2, "W")])) == (1, 1, 1)


def test_strings_without_a_place() -> None:
    fog = Problem("ungrounded", "THE FOG", "W")
    assert counts(scored(universalner.score, ["in Fog now"], [(1, 1, "W")], [], [fog])) == (1, 1, 1)
    assert counts(scored(universalner.score, ["in Fog now"], [(1, 1, "W")], [(1, 1, "W")], [fog])) == (1, 1, 1)
    assert counts(scored(universalner.score, ["Rome", "Fog"], [(1, 1, "W")], [], [fog, fog])) == (1, 1, 1)
    wrong = Problem("ungrounded", "Oslo", "L")
    assert counts(scored(universalner.score, ["Rome", "Fog"], [(1, 1, "W")], [], [wrong, wrong])) == (0, 1, 1)
    unseen = [Problem("malformed", "Fog", "W"), Problem("ungrounded", "Fog", None)]
    ours = scored(universalner.score, ["in Fog now"], [(1, 1, "W")], [], unseen)
    assert counts(ours) == (0, 0, 1)
    assert "2 items without text or label" in " ".join(ours.notes)


# ---------------------------------------------------------------------- llms4ner


def test_a_copy_error_raises_this_score_and_is_counted() -> None:
    # by position the first Paris is wrong; once anything is ungrounded, both sides are texts and it is right
    gold, found = [(2, 2, "L")], [(0, 0, "L")]
    assert counts(scored(llms4ner.score, ["Paris beat Paris"], gold, found)) == (0, 1, 1)
    lost = Problem("ungrounded", "Pariss", "L")
    ours = scored(llms4ner.score, ["Paris beat Paris"], gold, found, [lost])
    assert counts(ours) == (1, 2, 1)
    assert "1 sentence in 1 of 1 document" in ours.notes[0]
    cut = scored(llms4ner.score, ["Paris beat Paris"], gold, found, [Problem("truncated")])
    assert counts(cut) == (1, 1, 1)
    clean = scored(llms4ner.score, ["Paris beat Paris"], gold, found)
    assert "0 sentences in 0 of 1 document" in clean.notes[0]


def test_both_kinds_are_multisets() -> None:
    twice = [(0, 0, "L"), (0, 0, "L")]
    assert counts(scored(llms4ner.score, ["Paris beat Paris"], [(0, 0, "L")], twice)) == (1, 2, 1)
    both = [(0, 0, "L"), (2, 2, "L")]
    lost = Problem("ambiguous", "Paris", "L")
    assert counts(scored(llms4ner.score, ["Paris beat Paris"], both, [(0, 0, "L")], [lost])) == (2, 2, 2)
    again = [Problem("duplicate", "Paris", "L"), Problem("unknown_label", "Paris", "X"), Problem("malformed", "x")]
    ours = scored(llms4ner.score, ["Paris beat Paris"], both, both, again)
    assert counts(ours) == (2, 4, 2)
    assert "1 item without text or label" in " ".join(ours.notes)


# ---------------------------------------------------------------------- euroeval


def test_every_token_that_contains_the_word_is_tagged() -> None:
    # "Al" stands in Al, Alice and Alabama: three mentions for one, P 1/3, R 1
    ours = scored(euroeval.score, ["Al met Alice in Alabama"], [(0, 0, "PER")], [(0, 0, "PER")])
    assert counts(ours) == (1, 3, 1)
    assert euroeval.tagged("Al met Alice in Alabama".split(), [("PER", "Al")]) == ["B-PER", "O", "B-PER", "O", "B-PER"]


def test_further_words_continue_where_the_token_before_has_the_label() -> None:
    # "Bank of America" puts B on both Banks, I on both "of", and I on America only
    words = "Bank of America and Bank of England".split()
    bank = ["B-ORG", "I-ORG", "I-ORG", "O", "B-ORG", "I-ORG", "O"]
    assert euroeval.tagged(words, [("ORG", "Bank of America")]) == bank
    ours = scored(euroeval.score, [" ".join(words)], [(0, 2, "ORG")], [(0, 2, "ORG")])
    assert counts(ours) == (1, 2, 1)
    # a later first word writes over what stands there, and leaves an I that opens a mention of its own
    over = euroeval.tagged("New York Times".split(), [("LOC", "New York Times"), ("ORG", "York")])
    assert over == ["B-LOC", "B-ORG", "I-LOC"]
    # the first token looks at the last one
    assert euroeval.tagged(["b", "a"], [("X", "a b")]) == ["I-X", "B-X"]


def test_unknown_labels_are_skipped_and_places_are_searched() -> None:
    ours = scored(euroeval.score, ["Rome met Oslo"], [(0, 0, "LOC")], [(2, 2, "XYZ")], [Problem("ungrounded", "Oslo")])
    assert counts(ours) == (0, 0, 1)
    assert "2 predicted mentions skipped" in " ".join(ours.notes)
    lost = Problem("ungrounded", "Rom", "LOC")
    assert counts(scored(euroeval.score, ["Rome met", "Rome"], [(0, 0, "LOC")], [], [lost])) == (1, 2, 1)


def test_empty_sides_and_texts_without_tokens() -> None:
    assert scored(euroeval.score, ["nobody left"], [], []).micro.f1 == 1
    with pytest.raises(NotApplicableError, match="has none"):
        euroeval.score([Document("d", "nobody left")], [])


@st.composite
def answers(draw: st.DrawFn) -> tuple[list[Document], list[Prediction]]:
    """One-sentence documents of words that stand in each other, with flat gold and any predictions."""
    gold: list[Document] = []
    found: list[Prediction] = []
    for number in range(draw(st.integers(1, 3))):
        made = document(
            [" ".join(draw(st.lists(st.sampled_from(["a", "ab", "b", "cab"]), min_size=1, max_size=6)))], []
        )
        size = len(made.tokens)
        places = draw(
            st.lists(st.tuples(st.integers(0, size - 1), st.integers(0, 2), st.sampled_from("XY")), max_size=4)
        )
        spans = placed(made, [(first, min(size - 1, first + more), label) for first, more, label in places])
        flat: list[Span] = []
        for span in spans:
            if all(span.end < other.start or other.end < span.start for other in flat):
                flat.append(span)
        made = Document(f"d{number}", made.text, made.tokens, made.sentences, tuple(flat))
        gold.append(made)
        found.append(Prediction(made.id, tuple(spans)))
    return gold, found


@PROPERTY
@given(answers())
def test_tags_are_scored_as_seqeval_does(case: tuple[list[Document], list[Prediction]]) -> None:
    from seqeval.metrics import f1_score

    gold, found = case
    left: list[list[str]] = []
    right: list[list[str]] = []
    for made, answer in zip(gold, found, strict=True):
        tags = ["O"] * len(made.tokens)
        starts = [token.start for token in made.tokens]
        for span in made.spans:
            inside = [at for at, start in enumerate(starts) if span.start <= start < span.end]
            for at in inside:
                tags[at] = f"{'B' if at == inside[0] else 'I'}-{span.label}"
        left.append(tags)
        known = {span.label for each in gold for span in each.spans}
        mentions = sorted((span.label, span.start, span.end) for span in answer.spans if span.label in known)
        right.append(euroeval.tagged(made.words, [(label, made.text[start:end]) for label, start, end in mentions]))
    ours = euroeval.score(gold, found)
    if not any(tag != "O" for tags in (*left, *right) for tag in tags):
        assert ours.micro.f1 == ours.micro.counts["lower_case_f1"] == 1
        return
    lower = [[[tag.lower() for tag in tags] for tags in side] for side in (left, right)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert ours.micro.f1 == pytest.approx(f1_score(left, right))
        assert ours.micro.counts["lower_case_f1"] == pytest.approx(f1_score(*lower))


# ---------------------------------------------------------------------- all of them


@pytest.mark.parametrize("name", ALL)
def test_perfect_is_one_and_nothing_is_zero(name: str) -> None:
    gold = [
        document(["Ada left Rome", "Oslo stayed"], [(0, 0, "PER"), (3, 3, "LOC")], "a"),
        document(["Bob Byron left"], [(0, 1, "PER")], "b"),
    ]
    perfect = ALL[name](gold, [Prediction.of(each) for each in gold])
    assert (perfect.micro.precision, perfect.micro.recall, perfect.micro.f1) == (1, 1, 1)
    assert set(perfect.by_label) == {"PER", "LOC"}
    assert ALL[name](gold, []).micro.f1 == 0
    assert ALL[name](gold, [], labels=["LOC"]).micro.counts["gold"] == 1
    with pytest.raises(EvaluationError, match="no document of that id"):
        ALL[name](gold, [Prediction("z")])


@settings(PROPERTY, max_examples=50)
@given(cases(documents=2), st.randoms(use_true_random=False))
def test_order_does_not_matter(case: tuple[list[Document], list[Prediction]], luck: random.Random) -> None:
    gold, found = case
    turned = [each.with_spans(luck.sample(each.spans, len(each.spans))) for each in luck.sample(gold, len(gold))]
    shuffled = [
        Prediction(
            each.document_id,
            tuple(luck.sample(each.spans, len(each.spans))),
            tuple(luck.sample(each.problems, len(each.problems))),
        )
        for each in luck.sample(found, len(found))
    ]
    for score in ALL.values():
        assert score(turned, shuffled).to_dict() == score(gold, found).to_dict()
