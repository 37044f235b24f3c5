"""Scorers that read tags: each equals its original, on legal, illegal and empty sequences."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onoma.document import Document, Prediction, Problem, Span
from onoma.evaluation import evaluate
from onoma.evaluation.protocols import base, conlleval, seqeval
from onoma.evaluation.protocols.chunks import Rule, encode
from onoma.exceptions import ConfigError, EvaluationError
from onoma.schemes import SCHEMES, detect

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import seqeval.metrics as their
    import seqeval.scheme as their_schemes

PROTOCOLS = (conlleval.score, seqeval.default, seqeval.strict)
MANY = settings(max_examples=200)

Sentences = list[list[str]]


# ---------------------------------------------------------------- the CoNLL script's rule, token by token


def opens(before: tuple[str, str], here: tuple[str, str]) -> bool:
    """Whether the script starts a chunk between two (prefix, label)."""
    listed = {"BB", "IB", "OB", "OI", "EE", "EI", "OE"}
    return before[0] + here[0] in listed or (here[0] != "O" and before[1] != here[1])


def closes(before: tuple[str, str], here: tuple[str, str]) -> bool:
    """Whether the script ends a chunk between two (prefix, label)."""
    listed = {"BB", "BO", "IB", "IO", "EE", "EI", "EO"}
    return before[0] + here[0] in listed or (before[0] != "O" and before[1] != here[1])


def by_the_script(gold: Sentences, predicted: Sentences) -> dict[str, tuple[int, int, int]]:
    """Correct, found and gold chunks by label, counted in one pass with one flag, as the script does."""

    def parsed(tag: str) -> tuple[str, str]:
        prefix, _, label = tag.partition("-")
        return prefix, label

    correct, found, expected = Counter[str](), Counter[str](), Counter[str]()
    rows = [pair for a, b in zip(gold, predicted, strict=True) for pair in (*zip(a, b, strict=True), ("O", "O"))]
    last_gold = last_found = ("O", "")
    going = False
    for row in rows:
        here_gold, here_found = map(parsed, row)
        ends = closes(last_gold, here_gold), closes(last_found, here_found)
        if going:
            if all(ends) and last_gold[1] == last_found[1]:
                going = False
                correct[last_gold[1]] += 1
            elif ends[0] != ends[1] or here_gold[1] != here_found[1]:
                going = False
        starts = opens(last_gold, here_gold), opens(last_found, here_found)
        if all(starts) and here_gold[1] == here_found[1]:
            going = True
        expected[here_gold[1]] += starts[0]
        found[here_found[1]] += starts[1]
        last_gold, last_found = here_gold, here_found
    labels = sorted(label for label in {*found, *expected} if found[label] or expected[label])
    return {label: (correct[label], found[label], expected[label]) for label in labels}


# ---------------------------------------------------------------- tags, and documents of them


def sides(tags: Iterable[str], min_size: int = 0) -> st.SearchStrategy[tuple[Sentences, Sentences]]:
    """Gold and predicted tags of a few sentences, often equal."""
    tag = st.sampled_from(("O", "O", *tags))
    row = st.lists(st.tuples(tag, tag, st.booleans()), min_size=min_size, max_size=8)
    return st.lists(row, max_size=4).map(
        lambda rows: (
            [[gold for gold, _, _ in row] for row in rows],
            [[gold if same else other for gold, other, same in row] for row in rows],
        )
    )


def tagset(prefixes: str) -> list[str]:
    """Tags of two labels, one with a hyphen."""
    return [f"{prefix}-{label}" for prefix in prefixes for label in ("X", "Y-z")]


def document(tags: Sentences, id: str = "d", scheme: str = "BIO") -> Document:
    """A document whose gold spans are those of legal tags."""
    words = Document.from_words([["w"] * len(row) for row in tags], id=id)
    spans: list[Span] = []
    at = 0
    for row in tags:
        for start, end, label in SCHEMES[scheme].spans(row):
            spans.append(Span(words.tokens[at + start].start, words.tokens[at + end - 1].end, label))
        at += len(row)
    return words.with_spans(spans)


def prediction(tags: Sentences, id: str = "d") -> Prediction:
    """A prediction of tags alone."""
    return Prediction(id, tags=tuple(tag for row in tags for tag in row))


def tabled(
    pair: tuple[Sentences, Sentences], rule: Rule, split: Callable[[str], tuple[str, str]]
) -> dict[str, tuple[int, int, int]]:
    """Correct, found and gold chunks by label from the arrays."""
    counts = encode(*pair).count(rule, split)
    rows = zip(counts.correct.tolist(), counts.predicted.tolist(), counts.gold.tolist(), strict=True)
    return dict(zip(counts.labels, rows, strict=True))


# ---------------------------------------------------------------- the cores


@MANY
@given(sides(tagset("BIESLUM")))
def test_conlleval_counts_as_the_script_on_any_tags(pair):
    assert tabled(pair, conlleval.RULE, conlleval.split) == by_the_script(*pair)


@MANY
@given(sides(tagset("BI"), min_size=1))
def test_conlleval_counts_as_seqscore_with_that_repair(pair):
    scoring = pytest.importorskip("seqscore.scoring", reason="seqscore is not installed")
    gold, predicted = pair
    theirs, accuracy = scoring.score_label_sequences(predicted, gold, "BIO", repair="conlleval")
    ours = tabled(pair, conlleval.RULE, conlleval.split)
    assert ours == {
        label: (row.true_pos, row.total_pos, row.total_ref) for label, row in sorted(theirs.type_scores.items())
    }
    arrays = encode(gold, predicted)
    assert (arrays.gold == arrays.predicted).sum() == accuracy.hits


@pytest.mark.parametrize(
    ("tags", "lenient", "strictly"),
    [
        ("O I-PER I-PER O", {"PER": 1}, {}),
        ("I-PER O", {"PER": 1}, {}),
        ("B-PER I-LOC I-LOC", {"PER": 1, "LOC": 1}, {"PER": 1}),
        ("B-PER I-LOC I-PER", {"PER": 2, "LOC": 1}, {"PER": 1}),
        ("B-PER I-PER I-LOC", {"PER": 1, "LOC": 1}, {"PER": 1}),
        ("B-PER B-PER I-PER", {"PER": 2}, {"PER": 2}),
    ],
)
def test_ill_formed_sequences(tags, lenient, strictly):
    row = [tags.split()]
    for rule, split, expected in (
        (conlleval.RULE, conlleval.split, lenient),
        (seqeval.LENIENT, seqeval.lenient_split(), lenient),
        (seqeval.STRICT["IOB2"], seqeval.strict_split(), strictly),
    ):
        assert {label: found for label, (_, found, _) in tabled((row, row), rule, split).items()} == expected


# ---------------------------------------------------------------- the protocols


def seqeval_report(gold: Sentences, predicted: Sentences, **options: Any) -> dict[str, dict[str, float]]:
    options = {"zero_division": 0, **options}
    report = their.classification_report(gold, predicted, output_dict=True, **options)
    assert isinstance(report, dict)
    return report


def assert_as_report(scores: base.ProtocolScores, report: dict[str, dict[str, float]]) -> None:
    """Every number of a report."""
    assert scores.macro is not None
    rows = {**scores.by_label, "micro avg": scores.micro, "macro avg": scores.macro}
    assert set(rows) == set(report) - {"weighted avg"}
    for name, row in rows.items():
        theirs = report[name]
        ours = [row.precision, row.recall, row.f1, row.counts["true_sum"]]
        np.testing.assert_allclose(ours, list(theirs.values()), rtol=1e-12, err_msg=name)


@pytest.mark.parametrize(
    ("name", "their_scheme"), [("BIO", "IOB2"), ("IOB1", "IOB1"), ("BIOES", "IOBES"), ("BILOU", "BILOU")]
)
def test_seqeval_protocols_give_its_report(name, their_scheme):
    scheme = SCHEMES[name]

    @settings(max_examples=80)
    @given(sides(tagset("".join(scheme.prefixes)), min_size=1))
    def same(pair):
        gold = [scheme.tags(len(row), scheme.spans(row)) for row in pair[0]]
        predicted = pair[1]
        if detect(predicted).scheme != scheme or not any(tag != "O" for row in (*gold, *predicted) for tag in row):
            return
        documents, answers = [document(gold, scheme=name)], [prediction(predicted)]
        assert_as_report(seqeval.default(documents, answers), seqeval_report(gold, predicted))
        options = {"mode": "strict", "scheme": getattr(their_schemes, their_scheme)}
        report = seqeval_report(gold, predicted, **options)
        if len(report) > 3:  # else the original averages over nothing
            assert_as_report(seqeval.strict(documents, answers), report)

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Mean of empty|invalid value|.*NE tag")
        same()


@MANY
@given(sides(tagset("BI"), min_size=1))
def test_on_legal_tags_all_agree_with_the_strict_score(pair):
    bio = SCHEMES["BIO"]
    gold, predicted = ([bio.tags(len(row), bio.spans(row)) for row in side] for side in pair)
    if detect(predicted).scheme != bio:  # read as IOB1 where every mention touches the one before
        return
    documents = [document(gold)]
    answer = prediction(predicted)
    answer = Prediction("d", document(predicted).spans, tags=answer.tags)
    ours = evaluate(documents, [answer], resamples=0)
    for protocol in PROTOCOLS:
        scores = protocol(documents, [answer])
        assert scores.notes == ()
        assert scores.micro.f1 == pytest.approx(ours.micro.f1, abs=1e-12)
        assert {label: score.f1 for label, score in scores.by_label.items()} == pytest.approx(
            {label: score.f1 for label, score in ours.by_label.items()}, abs=1e-12
        )


def test_conlleval_counts_have_the_scripts_names():
    gold = [["B-PER", "I-PER", "O", "B-LOC"], ["O", "B-LOC"]]
    found = [["I-PER", "I-PER", "O", "B-ORG"], ["O", "B-LOC"]]
    scores = conlleval.score([document(gold)], [prediction(found)])
    assert scores.micro.counts == {
        "correct": 2,
        "found": 3,
        "phrases": 3,
        "tokens": 6,
        "correct_tags": 4,
        "accuracy": 4 / 6,
    }
    assert (scores.micro.precision, scores.micro.recall, scores.macro) == (2 / 3, 2 / 3, None)
    assert scores.by_label["LOC"].counts == {"correct": 1, "found": 1, "phrases": 2}
    assert scores.by_label["ORG"].f1 == 0.0


def test_a_label_filter_takes_both_sides():
    gold = [["B-PER", "I-PER", "O", "B-LOC"]]
    found = [["B-PER", "I-PER", "B-LOC", "I-PER"]]
    scores = conlleval.score([document(gold)], [prediction(found)], labels=["PER"])
    assert scores.micro.counts == {
        "correct": 1,
        "found": 2,
        "phrases": 1,
        "tokens": 4,
        "correct_tags": 3,
        "accuracy": 0.75,
    }
    assert list(scores.by_label) == ["PER"]
    assert seqeval.default([document(gold)], [prediction(found)], labels=["PER"]).micro.recall == 1.0
    assert list(seqeval.strict([document(gold)], [prediction(found)], labels=["ORG"]).by_label) == []
    with pytest.raises(ConfigError, match="labels"):
        conlleval.score([document(gold)], [prediction(found)], labels="PER")


def test_gold_is_written_in_the_scheme_of_the_predicted_tags():
    gold = [["B-X", "I-X", "O", "B-X"], ["B-X", "O"]]
    for found in (
        [["B-X", "E-X", "O", "S-X"], ["S-X", "O"]],
        [["B-X", "L-X", "O", "U-X"], ["U-X", "O"]],
        [["I-X", "I-X", "O", "I-X"], ["I-X", "O"]],
    ):
        for protocol in PROTOCOLS:
            scores = protocol([document(gold)], [prediction(found)])
            assert (scores.micro.f1, scores.notes) == (1.0, ())
    bmes = [["B-X", "E-X", "O", "S-X"], ["S-X", "O"], ["B-X", "M-X", "E-X"]]
    documents = [document([*gold, ["B-X", "I-X", "I-X"]])]
    assert conlleval.score(documents, [prediction(bmes)]).micro.f1 == 1.0
    assert seqeval.default(documents, [prediction(bmes)]).micro.f1 == 1.0
    with pytest.raises(base.NotApplicableError, match="no scheme for the predicted tags, BMES"):
        seqeval.strict(documents, [prediction(bmes)])


def test_touching_gold_mentions_that_a_rule_runs_together_are_noted():
    gold, found = [["B-X", "B-X", "O"]], [["S-X", "S-X", "O"]]
    scores = conlleval.score([document(gold)], [prediction(found)])
    assert scores.micro.counts["phrases"] == scores.micro.counts["correct"] == 1
    assert scores.notes == ("1 gold mention not found again in BIOES tags by this rule",)
    assert seqeval.default([document(gold)], [prediction(found)]).micro.counts["true_sum"] == 2


def test_gold_that_flat_tags_cannot_hold_is_left_out_and_counted():
    words = Document.from_words([["aa", "bb", "cc"], ["dd", "ee"]], id="d")
    spans = (
        Span(0, 5, "X"),  # kept: two words
        Span(0, 2, "X"),  # inside it
        Span(0, 5, "Y"),  # the same words; X is first in the alphabet
        Span(6, 11, "X"),  # across the sentences
        Span(12, 13, "X"),  # half a word
        Span(6, 14, "X", fragments=((6, 8), (12, 14))),
    )
    answer = Prediction("d", (), (Problem("ungrounded", "zz"), Problem("truncated")), ("B-X", "I-X", "O", "O", "O"))
    missing = Document.from_words([["ff"]], id="e").with_spans([Span(0, 2, "X")])
    for protocol in PROTOCOLS:
        scores = protocol([words.with_spans(spans), missing], [answer])
        assert (scores.micro.precision, scores.micro.recall) == (1.0, 0.5)
        assert scores.notes == (
            "5 gold mentions left out that flat tags cannot hold: 1 across sentences, 1 discontinuous, "
            "1 not on token boundaries, 2 overlapping another",
            "1 document without a prediction: all O",
            "1 predicted mention without a place in the text not seen in tags",
        )
        assert scores.to_dict()["notes"] == list(scores.notes)


def test_nothing_gives_zeros():
    empty = Document("e", "no tokens").with_spans([Span(0, 2, "X")])
    for protocol in PROTOCOLS:
        for scores in (protocol([], []), protocol([empty], []), protocol([document([["O"]])], [prediction([["O"]])])):
            assert (scores.micro.precision, scores.micro.recall, scores.micro.f1) == (0.0, 0.0, 0.0)
            assert not scores.by_label


def refused(predictions: Sequence[Prediction | Document], kind: type[Exception], protocol=conlleval.score) -> str:
    """The message for two documents of two words."""
    with pytest.raises(kind) as caught:
        protocol([document([["O", "B-X"]], "d"), document([["O", "O"]], "e")], predictions)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_predictions_without_tags_are_not_applicable(protocol):
    tagged, bare = prediction([["O", "O"]], "d"), Prediction("e", (Span(0, 1, "X"),))
    message = refused([Prediction("d"), bare], base.NotApplicableError, protocol)
    assert message.endswith("needs the tags as predicted; these predictions hold spans only")
    assert refused([tagged, bare], base.NotApplicableError, protocol).endswith(
        "1 of 2 predictions hold spans only: document 'e'"
    )
    assert "document 'e'" in refused([tagged, document([["O", "O"]], "e")], base.NotApplicableError, protocol)
    for tag in ("B", "Q-X"):
        assert "cannot read the predicted tags" in refused(
            [prediction([["O", tag]], "d")], base.NotApplicableError, protocol
        )


def test_predictions_that_do_not_fit_are_errors():
    tagged = prediction([["O", "O"]], "d")
    assert refused([prediction([["O"]], "d")], EvaluationError) == "document 'd': 1 tags for 2 tokens"
    assert "'z'" in refused([prediction([["O", "O"]], "z")], EvaluationError)
    assert "more than once" in refused([tagged, tagged], EvaluationError)
    with pytest.raises(EvaluationError, match="gold document 'd' occurs more than once"):
        conlleval.score([document([["O"]]), document([["O"]])], [])
