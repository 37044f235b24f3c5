"""`onoma.compat.seqeval` answers as seqeval does: numbers, types, texts, errors and warnings."""

from __future__ import annotations

import random
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import seqeval.metrics as their
import seqeval.scheme as their_schemes
from hypothesis import given, settings
from hypothesis import strategies as st
from seqeval.metrics import sequence_labeling as their_module

from onoma.compat import seqeval as our

SCHEMES = ("IOB1", "IOB2", "IOE1", "IOE2", "IOBES", "BILOU")
AVERAGES = (None, "micro", "macro", "weighted")
SCORES = ("precision_score", "recall_score", "f1_score")
MANY = settings(max_examples=150)
FEWER = settings(max_examples=60)

GOLD = [["O", "O", "B-MISC", "I-MISC", "B-MISC", "O", "O"], ["B-PER", "I-PER", "O"]]
FOUND = [["O", "O", "B-MISC", "I-MISC", "B-MISC", "I-MISC", "O"], ["B-PER", "I-PER", "O"]]

USUAL = tuple(f"{prefix}-{label}" for prefix in "BI" for label in ("X", "Y"))
KNOWN = (*(f"{prefix}-{label}" for prefix in "BIES" for label in ("X", "Y")), "B", "I", "E", "S")
ODD = ("B-A-B", "I-A-B", "B--X", "B-X-", "I-X-", "BX", "IX-Y", "L-X", "U-X", "O-X", "L", ".-X", "Q-X", "B-_", "-X")


def pairs(tags: tuple[str, ...], suffix: bool = False) -> st.SearchStrategy[tuple[list[list[str]], list[list[str]]]]:
    """Gold and predicted sentences of any tags, often equal, with empty ones among them."""
    turned = tuple(tag[1:].removeprefix("-") + "-" + tag[0] if len(tag) > 1 else tag for tag in tags)
    tag = st.sampled_from(("O", "O", *(turned if suffix else tags)))
    sentence = st.lists(st.tuples(tag, tag, st.booleans()), max_size=7)

    def parted(rows: list[list[tuple[str, str, bool]]]) -> tuple[list[list[str]], list[list[str]]]:
        gold = [[gold for gold, _, _ in row] for row in rows]
        return gold, [[gold if same else other for gold, other, same in row] for row in rows]

    return st.lists(sentence, min_size=1, max_size=4).map(parted)


def outcome(function: Callable[..., Any], *args: Any, **kwargs: Any) -> tuple[Any, list[str], set[str]]:
    """What a call gives or raises, the texts of its warnings about ratios, and those about tags."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            result = function(*args, **kwargs)
        except Exception as error:
            result = (type(error), str(error))
    texts = [str(each.message) for each in caught]
    about_tags = {text for text in texts if "NE tag" in text}
    return result, [text for text in texts if text not in about_tags], about_tags


def check(name: str, *args: Any, **kwargs: Any) -> Any:
    """Ours and theirs are the same in all of it; `scheme` is a name here."""
    scheme = kwargs.pop("scheme", None)
    schemes = ({}, {}) if scheme is None else ({"scheme": getattr(m, scheme)} for m in (our, their_schemes))
    ours, theirs = (
        outcome(getattr(module, name), *args, **kwargs, **chosen)
        for module, chosen in zip((our, their_module), schemes, strict=True)
    )
    np.testing.assert_equal(ours[0], theirs[0])  # the same to the last bit, NaN too
    assert shape(ours[0]) == shape(theirs[0])
    assert ours[1:] == theirs[1:]
    return ours[0]


def shape(value: Any) -> Any:
    """The types in a result."""
    if isinstance(value, dict):
        return {key: shape(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return type(value), [shape(each) for each in value]
    return (type(value), value.dtype) if isinstance(value, np.ndarray) else type(value)


def report(*args: Any, **kwargs: Any) -> None:
    """The report as text and as dict; the original has no text where no label occurs."""
    if len(check("classification_report", *args, output_dict=True, **kwargs)) != 3:
        check("classification_report", *args, **kwargs)
        check("classification_report", *args, digits=5, **kwargs)


@MANY
@given(pairs(KNOWN), st.sampled_from(AVERAGES), st.sampled_from(["warn", 0, 1]))
def test_default_mode(pair, average, zero_division):
    for name in SCORES:
        check(name, *pair, average=average, zero_division=zero_division)
    report(*pair, zero_division=zero_division)


@MANY
@given(pairs((*KNOWN, *ODD)), st.sampled_from(AVERAGES))
def test_default_mode_on_tags_that_are_none(pair, average):
    check("f1_score", *pair, average=average)
    report(*pair)


@MANY
@given(pairs((*KNOWN, *ODD), suffix=True), st.sampled_from(AVERAGES))
def test_suffix(pair, average):
    check("f1_score", *pair, average=average, suffix=True)
    report(*pair, suffix=True)
    check("get_entities", pair[0], suffix=True)


@FEWER
@given(
    pairs(KNOWN),
    st.sampled_from(AVERAGES),
    st.sampled_from([0.0, 0.5, 1, 2.0, float("inf"), -1.0]),
    st.sampled_from([("precision", "recall", "f-score"), ("f-score",), ("recall",), ()]),
    st.sampled_from(["warn", 0, 1]),
)
def test_support_beta_and_warnings(pair, average, beta, warn_for, zero_division):
    options = {"average": average, "beta": beta, "warn_for": warn_for, "zero_division": zero_division}
    check("precision_recall_fscore_support", *pair, sample_weight=[1], **options)


@pytest.mark.parametrize("suffix", [False, True])
@pytest.mark.parametrize("scheme", SCHEMES)
def test_strict_mode(scheme, suffix):
    prefixes = {"IOB1": "IB", "IOB2": "IB", "IOE1": "IE", "IOE2": "IE", "IOBES": "IBES", "BILOU": "IBLU"}[scheme]
    tags = (*(f"{prefix}-{label}" for prefix in prefixes for label in ("X", "Y")), *prefixes, "I-X-", "O-X")

    @FEWER
    @given(pairs(tags, suffix), st.sampled_from(AVERAGES), st.sampled_from(["warn", 0, 1]))
    def same(pair, average, zero_division):
        options: dict[str, Any] = {"mode": "strict", "scheme": scheme, "suffix": suffix, "zero_division": zero_division}
        for name in SCORES:
            check(name, *pair, average=average, **options)
        report(*pair, **options)

    same()


@FEWER
@given(pairs((*USUAL, "E-X", "U-X", "Q-X")), st.sampled_from(SCHEMES))
def test_strict_mode_refuses_tags_of_other_schemes(pair, scheme):
    check("f1_score", *pair, mode="strict", scheme=scheme)


@MANY
@given(st.sets(st.sampled_from("OIBESUL"), min_size=1).flatmap(lambda some: pairs(tuple(f"{p}-X" for p in some))))
def test_the_scheme_is_found_out_from_gold(pair):
    ours, theirs = (outcome(m.classification_report, *pair, mode="strict", output_dict=True)[0] for m in (our, their))
    if isinstance(theirs, dict):
        np.testing.assert_equal(ours, theirs)
    else:
        assert ours[0] is theirs[0]
        if "Invalid token" in theirs[1]:
            assert ours[1] == theirs[1]


@MANY
@given(pairs((*KNOWN, *ODD)))
def test_chunks_accuracy_and_token_counts(pair):
    gold, predicted = pair
    check("get_entities", gold)
    for sentence in gold:
        check("get_entities", sentence)
    check("accuracy_score", gold, predicted)
    check("performance_measure", gold, predicted)
    check("accuracy_score", gold[0], predicted[0])
    check("performance_measure", gold[0], predicted[0])


@pytest.mark.parametrize("tag", ["S-X", "U-X"])
def test_the_scheme_is_found_out_from_one_prefix(tag):
    report([[tag, tag], [tag]], [[tag, tag], ["O"]], mode="strict", zero_division=0)


def test_many_digits_widen_the_names():
    check("classification_report", GOLD, FOUND, digits=17)


def test_a_large_set():
    rng = random.Random(3)
    tags = ("O",) * 12 + USUAL
    gold = [[rng.choice(tags) for _ in range(rng.randrange(30))] for _ in range(2000)]
    found = [[tag if rng.random() < 0.9 else rng.choice(tags) for tag in row] for row in gold]
    report(gold, found)
    report(gold, found, mode="strict", scheme="IOB2")
    check("get_entities", gold)


@pytest.mark.parametrize(
    ("y_true", "y_pred"),
    [
        ([["O"], ["O"]], [["O"]]),
        ([["O", "B-X"]], [["O"]]),
        ([["B-X"], ["O", "O"]], [["B-X", "O"], ["O"]]),
        (["B-X", "O"], ["B-X", "O"]),
        ([("B-X",)], [("B-X",)]),
        ([], []),
    ],
)
def test_unusable_input_raises_the_same(y_true, y_pred):
    check("precision_recall_fscore_support", y_true, y_pred)
    error, text = check("f1_score", y_true, y_pred)
    assert error in (ValueError, TypeError)
    assert text.startswith("Found input variables with")


def test_an_unknown_average_or_scheme_is_refused():
    assert check("f1_score", GOLD, FOUND, average="samples")[0] is ValueError
    with pytest.raises(TypeError, match="IOBES"):
        our.f1_score(GOLD, FOUND, mode="strict", scheme=int)
    with pytest.raises(TypeError, match="IOB2"):
        our.f1_score(GOLD, FOUND, mode="strict", scheme="IOB2")
    with pytest.raises(TypeError, match="not both"):
        our.get_entities([["O"], "O"])


def test_a_report_without_labels_has_its_averages():
    ours, _, _ = outcome(our.classification_report, [["O", "O"]], [["O", "O"]], zero_division=0)
    assert [line.split()[:4] for line in ours.splitlines() if "avg" in line][::2] == [
        ["micro", "avg", "0.00", "0.00"],
        ["weighted", "avg", "0.00", "0.00"],
    ]


def test_warnings_point_at_the_caller():
    with pytest.warns(our.UndefinedMetricWarning) as caught:
        our.classification_report([["B-X", "O"]], [["O", "B-Y"]])
        our.f1_score([["O"]], [["O"]])
    with pytest.warns(UserWarning, match="NE tag") as odd:
        our.get_entities(["L-X"])
        our.recall_score([["L-X"]], [["L-X"]])
        our.classification_report([["L-X"]], [["L-X"]])
    assert {each.filename for each in (*caught, *odd)} == {__file__}


def test_as_in_a_readme():
    assert our.f1_score(GOLD, FOUND) == their.f1_score(GOLD, FOUND) == 2 / 3
    assert our.get_entities(["B-PER", "I-PER", "O", "B-LOC"]) == [("PER", 0, 1), ("LOC", 3, 3)]
    assert our.accuracy_score(GOLD, FOUND) == 0.9
    assert our.performance_measure(GOLD, FOUND) == {"TP": 5, "FP": 1, "FN": 0, "TN": 4}
    strict = our.classification_report(GOLD, FOUND, mode="strict", scheme=our.IOB2)
    assert strict == their.classification_report(GOLD, FOUND, mode="strict", scheme=their_schemes.IOB2)
    assert strict == our.classification_report(GOLD, FOUND, mode="strict", scheme=their_schemes.IOB2)
    assert our.f1_score(GOLD, FOUND, mode="strict") == our.f1_score(GOLD, FOUND)  # no scheme: the default mode


def test_repairs_of_the_default_mode_and_none_of_the_strict():
    gold, found = [["B-A", "I-A", "O"]], [["I-A", "I-A", "O"]]
    assert our.f1_score(gold, found) == 1.0
    assert our.f1_score(gold, found, mode="strict", scheme=our.IOB2, zero_division=0) == 0.0
