"""Tag schemes: exhaustive over short sequences, random over long ones, seqeval as oracle."""

from __future__ import annotations

import itertools
import math
import warnings

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onoma import schemes
from onoma.exceptions import ConfigError, DataError
from onoma.schemes import REPAIRS, SCHEMES, Scheme, TokenSpan

ALL = list(SCHEMES.values())


@st.composite
def flat_spans(draw: st.DrawFn, size: int = 12) -> tuple[int, list[TokenSpan]]:
    edges = sorted(draw(st.sets(st.integers(0, size), max_size=size)))
    spans = []
    for start, end in itertools.pairwise(edges):
        label = draw(st.sampled_from(["PER", "LOC", "creative-work", None]))
        if label is not None:
            spans.append(TokenSpan(start, end, label))
    return size, spans


def sequences(scheme: Scheme, length: int) -> itertools.product[tuple[str, ...]]:
    return itertools.product(scheme.tagset(["X", "Y"]), repeat=length)


@pytest.mark.parametrize("scheme", ALL, ids=lambda scheme: scheme.name)
def test_short_sequences_exhaustively(scheme: Scheme) -> None:
    """Legal ones read the same under every policy and write back the same; illegal ones have a legal neighbour."""
    for length in range(4):
        for tags in sequences(scheme, length):
            if scheme.illegal(tags):
                assert not scheme.illegal(scheme.nearest_legal(tags))
                continue
            readings = {repair: scheme.spans(tags, repair) for repair in REPAIRS}  # type: ignore[arg-type]
            assert len({tuple(spans) for spans in readings.values()}) == 1
            assert tuple(scheme.tags(length, readings["strict"])) == tags


@pytest.mark.parametrize("scheme", [each for each in ALL if each.name != "IO"], ids=lambda scheme: scheme.name)
@given(flat_spans())
def test_flat_spans_round_trip(scheme: Scheme, given_: tuple[int, list[TokenSpan]]) -> None:
    size, spans = given_
    tags = scheme.tags(size, spans)
    assert not scheme.illegal(tags)
    for repair in REPAIRS:
        assert scheme.spans(tags, repair) == spans  # type: ignore[arg-type]


@given(flat_spans())
def test_io_says_how_many_touching_mentions_it_merges(given_: tuple[int, list[TokenSpan]]) -> None:
    size, spans = given_
    scheme = SCHEMES["IO"]
    assert len(scheme.spans(scheme.tags(size, spans))) == len(spans) - scheme.merged(spans)


@pytest.mark.parametrize("scheme", ALL, ids=lambda scheme: scheme.name)
def test_the_nearest_legal_sequence_is_nearest(scheme: Scheme) -> None:
    """Brute force over all legal sequences of three tags, by the documented cost."""

    def cost(old: str, new: str) -> float:
        if old == new:
            return 0
        old_label, new_label = schemes.split_tag(old)[1], schemes.split_tag(new)[1]
        if old_label == new_label:
            return 2
        return math.inf if old_label and new_label else 3  # no label becomes another one

    for tags in sequences(scheme, 3):
        labels = sorted({schemes.split_tag(tag)[1] for tag in tags} - {""})
        legal = [each for each in itertools.product(scheme.tagset(labels), repeat=3) if not scheme.illegal(each)]
        best = min(sum(map(cost, tags, each)) for each in legal)
        assert sum(map(cost, tags, scheme.nearest_legal(tags))) == best


ILLEGAL = [
    # tags, conlleval, strict, discard, viterbi
    ("O I-PER I-PER O", ["PER 1-3"], [], [], ["PER 1-3"]),
    ("I-PER O", ["PER 0-1"], [], [], ["PER 0-1"]),
    ("B-PER I-LOC I-LOC", ["PER 0-1", "LOC 1-3"], ["PER 0-1"], [], ["PER 0-1", "LOC 1-3"]),
    ("B-PER I-LOC I-PER", ["PER 0-1", "LOC 1-2", "PER 2-3"], ["PER 0-1"], [], None),
    ("B-PER I-PER I-LOC", ["PER 0-2", "LOC 2-3"], ["PER 0-2"], [], ["PER 0-2", "LOC 2-3"]),
    ("B-PER B-PER I-PER", ["PER 0-1", "PER 1-3"], ["PER 0-1", "PER 1-3"], ["PER 0-1", "PER 1-3"], None),
    ("B-ORG O B-PER I-LOC", ["ORG 0-1", "PER 2-3", "LOC 3-4"], ["ORG 0-1", "PER 2-3"], ["ORG 0-1"], None),
]


@pytest.mark.parametrize(("text", "conlleval", "strict", "discard", "viterbi"), ILLEGAL)
def test_repair_policies_on_illegal_bio(
    text: str, conlleval: list[str], strict: list[str], discard: list[str], viterbi: list[str] | None
) -> None:
    scheme, tags = SCHEMES["BIO"], text.split()

    def read(repair: schemes.Repair) -> list[str]:
        return [f"{label} {start}-{end}" for start, end, label in scheme.spans(tags, repair)]

    assert (read("conlleval"), read("strict"), read("discard")) == (conlleval, strict, discard)
    if viterbi is not None:
        assert read("viterbi") == viterbi


@pytest.mark.parametrize("repair", REPAIRS)
@given(st.lists(st.sampled_from(SCHEMES["BIO"].tagset(["x", "y"])), max_size=8))
def test_no_policy_lets_a_label_change_silently(repair: schemes.Repair, tags: list[str]) -> None:
    """B-x I-y never becomes one mention of y: the label of a mention is that of its first token's tag, or changed
    by the explicit nearest-legal sequence."""
    scheme = SCHEMES["BIO"]
    legal = scheme.nearest_legal(tags) if repair == "viterbi" else tags
    for start, end, label in scheme.spans(tags, repair):
        assert {schemes.split_tag(tag)[1] for tag in legal[start:end]} == {label}


@pytest.mark.parametrize("scheme", ALL, ids=lambda scheme: scheme.name)
def test_a_repair_gives_no_word_another_label(scheme: Scheme) -> None:
    for tags in sequences(scheme, 3):
        for old, new in zip(tags, scheme.nearest_legal(tags), strict=True):
            assert len({schemes.split_tag(old)[1], schemes.split_tag(new)[1]} - {""}) <= 1


SEQEVAL = {"BIO": "IOB2", "BIOES": "IOBES", "BILOU": "BILOU"}


@pytest.mark.parametrize("name", SEQEVAL)
@given(data=st.data())
def test_strict_equals_seqeval_strict_and_conlleval_equals_seqeval_default(name: str, data: st.DataObject) -> None:
    from seqeval.metrics.sequence_labeling import get_entities
    from seqeval.scheme import BILOU, IOB2, IOBES, Entities

    scheme = SCHEMES[name]
    tags = data.draw(st.lists(st.sampled_from(scheme.tagset(["X", "Y"])), min_size=1, max_size=8))
    oracle = {"IOB2": IOB2, "IOBES": IOBES, "BILOU": BILOU}[SEQEVAL[name]]
    entities = Entities([tags], oracle).entities[0]
    assert set(scheme.spans(tags, "strict")) == {(each.start, each.end, each.tag) for each in entities}
    if name != "BILOU":  # seqeval's default mode does not know L and U as ends
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            assert scheme.spans(tags) == [(start, end + 1, label) for label, start, end in get_entities(tags)]


def test_bioes_bilou_and_bmes_are_renamings() -> None:
    for tags in sequences(SCHEMES["BIOES"], 3):
        for other, letters in (("BILOU", "BILOU"), ("BMES", "BMEOS")):
            names = dict(zip("BIEOS", letters, strict=True))
            if other == "BILOU":
                names = {"B": "B", "I": "I", "E": "L", "O": "O", "S": "U"}
            renamed = [names[tag[0]] + tag[1:] for tag in tags]
            for repair in ("conlleval", "strict", "discard"):
                assert SCHEMES[other].spans(renamed, repair) == SCHEMES["BIOES"].spans(tags, repair)


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ([["O", "I-PER", "I-PER", "B-PER", "O", "I-LOC"]], "IOB1"),
        ([["B-PER", "I-PER", "O", "B-LOC"]], "BIO"),
        ([["B-PER", "I-PER", "O", "I-LOC", "B-LOC"], ["B-PER"]], "BIO"),
        ([["I-PER", "I-PER", "O"]], "IO"),
        ([["B-PER", "E-PER", "S-LOC"]], "BIOES"),
        ([["B-PER", "L-PER", "U-LOC"]], "BILOU"),
        ([["B-PER", "M-PER", "E-PER"]], "BMES"),
        ([["O", "O"]], "BIO"),
    ],
)
def test_detection(tags: list[list[str]], expected: str) -> None:
    assert schemes.detect(tags).scheme.name == expected


def test_detection_counts_illegal_transitions_and_refuses_mixtures() -> None:
    assert schemes.detect([["B-PER", "I-LOC", "O", "B-PER", "I-PER"]]).illegal == 1
    assert schemes.detect([["I-PER", "I-PER", "B-PER", "O", "I-PER", "B-PER"]]).illegal == 0
    with pytest.raises(DataError, match="belong to no scheme"):
        schemes.detect([["B-PER", "L-PER", "S-PER"]])


@pytest.mark.parametrize("tag", ["PER", "B-", "-PER", "BB-PER", "", "B"])
def test_a_tag_needs_prefix_and_label(tag: str) -> None:
    with pytest.raises(DataError, match="neither 'O' nor PREFIX-LABEL"):
        schemes.split_tag(tag)


def test_labels_may_hold_hyphens() -> None:
    assert schemes.split_tag("B-creative-work") == ("B", "creative-work")


def test_overlapping_spans_and_foreign_prefixes_are_refused() -> None:
    with pytest.raises(DataError, match="cannot write"):
        SCHEMES["BIO"].tags(4, [TokenSpan(0, 2, "X"), TokenSpan(1, 3, "X")])
    with pytest.raises(DataError, match="does not belong"):
        SCHEMES["BIO"].spans(["S-PER"])
    with pytest.raises(DataError, match="does not belong"):
        SCHEMES["IO"].spans(["B-PER"])


def test_names_and_aliases() -> None:
    assert schemes.get("iob2").name == "BIO"
    assert schemes.get("IOBES").name == "BIOES"
    with pytest.raises(ConfigError, match="one of IO, BIO"):
        schemes.get("BIOX")
    with pytest.raises(ConfigError, match="repair policy"):
        SCHEMES["BIO"].spans(["O"], "fix")  # type: ignore[arg-type]
