"""The tags encoding: round trips, what it cannot hold, and answers of every kind."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onoma import Document, Span, Token, encodings
from onoma.encodings.base import TagAnswer
from onoma.exceptions import ConfigError, DataError, MisalignedSpansError
from onoma.schemes import SCHEMES

LABELS = ("LOC", "PER")


@st.composite
def documents(draw: st.DrawFn) -> Document:
    """Documents of several sentences with flat spans at token edges, odd characters and empty tokens included."""
    word = st.one_of(st.sampled_from(["a", "Bo", "é", "\u200b", "[", "B-PER"]), st.text(min_size=1, max_size=3))
    sentences = draw(st.lists(st.lists(word, min_size=1, max_size=6), max_size=4))
    document = Document.from_words(sentences, id="d")
    spans = []
    for first, last in document.sentences:
        edges = sorted(draw(st.sets(st.integers(first, last), max_size=4)))
        for start, end in itertools.pairwise(edges):
            label = draw(st.sampled_from([*LABELS, None]))
            if label:
                spans.append(Span(document.tokens[start].start, document.tokens[end - 1].end, label))
    return document.with_spans(spans)


@pytest.mark.parametrize("scheme", [name for name in SCHEMES if name != "IO"])
@given(documents())
def test_decode_of_encode_is_the_document(scheme: str, document: Document) -> None:
    encoding = encodings.get("tags", LABELS, scheme=scheme)
    targets = encoding.encode(document)
    assert [len(tags) for tags in targets.tags] == [last - first for first, last in document.sentences]
    prediction = encoding.decode(document.with_spans([]), targets.tags)
    assert set(prediction.spans) == set(document.spans)
    assert not prediction.problems and not targets.losses


@given(documents(), st.data())
def test_any_tags_decode_to_spans_inside_their_sentence(document: Document, data: st.DataObject) -> None:
    encoding = encodings.get("tags", ["PER"])
    tag = st.sampled_from(["O", "B-PER", "I-PER", "B-ODD", "I-ODD"])
    answers = [data.draw(st.lists(tag, min_size=b - a, max_size=b - a)) for a, b in document.sentences]
    prediction = encoding.decode(document, answers)
    mentions = sum(len(SCHEMES["BIO"].spans(tags)) for tags in answers)
    assert len(prediction.spans) + len(prediction.problems) == mentions
    assert {span.label for span in prediction.spans} <= {"PER"}
    assert {problem.kind for problem in prediction.problems} <= {"unknown_label", "ungrounded"}
    assert prediction.tags == tuple(tag for tags in answers for tag in tags)


AWKWARD = {
    "cuts a token": Span(0, 2, "PER"),
    "overlaps another span": Span(4, 10, "LOC"),
    "discontinuous": Span(0, 10, "PER", fragments=((0, 3), (8, 10))),
    "crosses a sentence boundary": Span(8, 14, "PER"),
    "is not one of": Span(0, 3, "ODD"),
    "covers no token": Span(3, 4, "PER"),
}


def awkward(why: str) -> Document:
    document = Document.from_words([["Ada", "sat", "in"], ["Rom", "."]], id="d")
    return document.with_spans([AWKWARD[why], Span(4, 10, "PER")] if why.startswith("overlaps") else [AWKWARD[why]])


@pytest.mark.parametrize("why", AWKWARD)
def test_what_tags_cannot_hold_is_listed_or_dropped_never_lost_in_silence(why: str) -> None:
    document = awkward(why)
    with pytest.raises(MisalignedSpansError, match=why) as caught:
        encodings.get("tags", LABELS).encode(document)
    assert len(caught.value.spans) == 1 and "onoma data check" in str(caught.value)
    dropped = encodings.get("tags", LABELS, on_misaligned="drop").encode(document)
    assert why in dropped.losses[0].why
    assert encodings.get("tags", LABELS).losses(document) == dropped.losses


def test_expand_widens_a_cut_token() -> None:
    encoding = encodings.get("tags", LABELS, on_misaligned="expand")
    targets = encoding.encode(awkward("cuts a token"))
    assert targets.tags[0] == ("B-PER", "O", "O") and not targets.losses


def test_one_token_overlap_is_an_overlap_and_the_longer_span_wins() -> None:
    document = Document.from_words([["a", "b", "c", "d"]], id="d").with_spans([Span(0, 3, "PER"), Span(2, 7, "LOC")])
    targets = encodings.get("tags", LABELS, on_misaligned="drop").encode(document)
    assert targets.tags[0] == ("O", "B-LOC", "I-LOC", "I-LOC")
    assert [loss.span for loss in targets.losses] == [Span(0, 3, "PER")]


def test_touching_spans_do_not_overlap() -> None:
    document = Document("d", "ab", (Token(0, 1), Token(1, 2)), ((0, 2),), (Span(0, 1, "PER"), Span(1, 2, "PER")))
    assert encodings.get("tags", LABELS).encode(document).tags[0] == ("B-PER", "B-PER")


def test_wrong_numbers_of_answers_and_tags_are_refused() -> None:
    document = Document.from_words([["a", "b"], ["c"]], id="d")
    encoding = encodings.get("tags", LABELS)
    with pytest.raises(DataError, match="1 answers for 2 sentences"):
        encoding.decode(document, [["O", "O"]])
    with pytest.raises(DataError, match="1 tags for 2 words"):
        encoding.decode(document, [["O"], ["O"]])


def test_scores_come_from_the_answer() -> None:
    document = Document.from_words([["a", "b"]], id="d")
    answer = TagAnswer(("B-PER", "I-PER"), lambda start, end: 0.25 * (end - start))
    assert encodings.get("tags", LABELS).decode(document, [answer]).spans[0].score == 0.5


def test_settings_build_the_same_encoding_again() -> None:
    encoding = encodings.get("tags", LABELS, scheme="BIOES", repair="strict", on_misaligned="drop")
    settings = encoding.settings()
    assert encodings.get("tags", **settings).settings() == settings


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"scheme": "X"}, "tag scheme"),
        ({"repair": "x"}, "'repair' of the encoding tags is"),
        ({"on_misaligned": "x"}, "on_misaligned"),
        ({"odd": 1}, "odd"),
    ],
)
def test_unknown_settings(options: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        encodings.get("tags", LABELS, **options)
    with pytest.raises(ConfigError, match="one of tags"):
        encodings.get("grid", LABELS)
