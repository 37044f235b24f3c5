"""What encodings let be written: all right answers, nothing but answers that are read without a problem."""

from __future__ import annotations

import random
from typing import Any

import pytest
from encodings_walk import walk
from hypothesis import given
from hypothesis import strategies as st
from text_documents import LABELS, nested_documents

from onoma import Document, Span, encodings
from onoma.encodings.automata.base import Automaton, accepts, finish
from onoma.exceptions import ConfigError

TAGGED = ["word_tags", "tag_string"]
INLINE = ["brackets", "xml", "markers"]
LISTED = ["occurrence_json", "offset_json", "grouped_json", "type_queries", "entity_list", "entity_pairs"]
BY_TEXT = ["grouped_json", "type_queries", "entity_list", "entity_pairs"]
EVERY = [*TAGGED, *INLINE, *LISTED]


def encoding(name: str, labels: Any = LABELS, **options: Any) -> Any:
    return encodings.get(name, labels, on_misaligned="drop", **options)


def at_words(document: Document, *, flat: bool = False) -> Document:
    """The document with those of its spans that begin and end with words that are not blank."""
    solid = [token for token in document.tokens if document.text[token.start : token.end].strip()]
    starts, ends = {token.start for token in solid}, {token.end for token in solid}
    spans = [span for span in document.spans if span.start in starts and span.end in ends]
    if flat:
        spans = [
            one
            for one in spans
            if not any(one.start < other.end and other.start < one.end for other in spans if other is not one)
        ]
    return document.with_spans(spans)


@pytest.mark.parametrize("name", EVERY)
@given(nested_documents(), st.sampled_from([None, 2]))
def test_right_answers_may_be_written_and_drafts_are_right_answers(
    name: str, document: Document, most: int | None
) -> None:
    made = encoding(name, max_words=most)
    document = at_words(document, flat=name in TAGGED)
    if name in TAGGED and most and any(token.start == token.end for token in document.tokens):
        return  # a mention that goes on in a window's first word may do so at none that is empty
    targets = made.encode(document)
    lost = {loss.span for loss in targets.losses}
    document = document.with_spans([span for span in document.spans if span not in lost])
    exchanges = made.encode(document).exchanges
    automata, drafts = made.automata(document.with_spans([])), made.drafts(document)
    written = ["".join(move.text for move in finish(*pair)) for pair in _pairs(automata, drafts)]
    if name != "markers":  # where signs stand beside a mark, it may write more of them escaped
        assert written == [each.completion for each in exchanges]
    assert all(accepts(automaton, answer) for automaton, answer in zip(automata, written, strict=True))
    prediction = made.decode(document.with_spans([]), written)
    assert set(prediction.spans) == set(document.spans) and not prediction.problems


def _pairs(automata: Any, drafts: Any) -> list[tuple[Automaton, Any, Any]]:
    return [(automaton, automaton.start, draft) for automaton, draft in zip(automata, drafts, strict=True)]


@pytest.mark.parametrize("name", EVERY)
@given(nested_documents(), st.integers(0, 1 << 30))
def test_whatever_may_be_written_is_read_without_a_problem(name: str, document: Document, seed: int) -> None:
    made = encoding(name)
    rng = random.Random(seed)
    blank = document.with_spans([])
    answers = [walk(automaton, rng) for automaton in made.automata(blank)]
    prediction = made.decode(blank, answers)
    allowed = {"ambiguous"} if name in BY_TEXT else set()
    assert {problem.kind for problem in prediction.problems} <= allowed
    assert {span.label for span in prediction.spans} <= set(LABELS)
    assert all(0 <= span.start < span.end <= len(document.text) for span in prediction.spans)


@pytest.mark.parametrize("name", EVERY)
@given(nested_documents(), nested_documents(), st.integers(0, 1 << 30))
def test_any_draft_leads_to_an_end_from_anywhere(name: str, document: Document, other: Document, seed: int) -> None:
    made = encoding(name)
    rng = random.Random(seed)
    drafts = made.drafts(at_words(document.with_spans(document.spans), flat=name in TAGGED))
    for automaton, wanted in zip(made.automata(document.with_spans([])), drafts, strict=True):
        state = automaton.start
        for _ in range(rng.randrange(8)):
            moves = automaton.moves(state)
            if not moves:
                break
            state = rng.choice(moves).to
        for draft in (wanted, ()):
            rest = [move.text for _, move in zip(range(3000), finish(automaton, state, draft), strict=False)]
            assert len(rest) < 3000


@pytest.mark.parametrize("name", EVERY)
def test_what_is_no_answer_is_not_accepted(name: str) -> None:
    document = Document.from_words([["Ada", "left", "Rome"]], id="d").with_spans([Span(0, 3, "PER")])
    made = encoding(name, ["LOC", "PER"])
    (automaton, *_), (exchange, *_) = made.automata(document), made.encode(document).exchanges
    right = exchange.completion
    assert accepts(automaton, right)
    for wrong in (f"{right} ", right[:-1], right.replace("Ada", "Eve"), right.replace("PER", "ORG")):
        assert wrong == right or not accepts(automaton, wrong), wrong


def test_orders_are_strict_and_formats_without_a_grammar_say_so() -> None:
    document = Document.from_words([["a", "a"]], id="d")
    automaton = encoding("entity_pairs", ["X", "Y"]).automata(document)[0]
    assert accepts(automaton, "[a a](X) [a](X) [a](Y) [a](X)")
    assert not accepts(automaton, "[a](X) [a a](X)") and not accepts(automaton, "[a a](Y) [a a](X)")
    assert not accepts(automaton, "[a](X) [a](X) [a](X)")
    inline = encoding("brackets", ["X", "Y"]).automata(document)[0]
    assert accepts(inline, "[[a | Y] | X] a") and not accepts(inline, "[[a | X] | Y] a")
    assert accepts(inline, "[[a | X] a | Y]") and not accepts(inline, "[[[a | X] | Y] a | X]")
    named = encoding("xml", ["X", "Y"]).automata(document)[0]
    assert accepts(named, "<X><Y>a</Y></X> a") and not accepts(named, "<Y><X>a</X></Y> a")
    assert accepts(named, "<Y><X>a</X> a</Y>") and not accepts(named, "<X></X>a a")
    with pytest.raises(ConfigError, match="no grammar"):
        encoding("code_classes", ["X"]).automata(document)


@pytest.mark.parametrize("name", EVERY)
@given(nested_documents())
def test_parts_of_a_way_are_the_mentions_it_writes(name: str, document: Document) -> None:
    made = encoding(name)
    document = at_words(document, flat=name in TAGGED)
    lost = {loss.span for loss in made.encode(document).losses}
    document = document.with_spans([span for span in document.spans if span not in lost])
    blank = document.with_spans([])
    ways = [list(finish(*pair)) for pair in _pairs(made.automata(blank), made.drafts(document))]
    parts = [list(automaton.parts(way)) for automaton, way in zip(made.automata(blank), ways, strict=True)]
    for way, each in zip(ways, parts, strict=True):
        assert all(0 <= part.begin < part.end <= len(way) for part in each)
    prediction = made.decode(blank, ["".join(move.text for move in way) for way in ways])
    chances = [[(part.mention, 0.5 if part.mention.rank else 0.25) for part in each] for each in parts]
    scored = made.scored(blank, prediction.spans, chances)
    assert [(span.start, span.end, span.label) for span in scored] == [
        (span.start, span.end, span.label) for span in prediction.spans
    ]
    for span in scored:
        words = sum(token.start < span.end and span.start < token.end for token in document.tokens)
        if name in TAGGED:
            assert span.score is not None and span.score <= 0.5**words
        elif made.by_type:
            assert span.score == 0.25
        else:
            assert span.score == (0.5 if made.rank[span.label] else 0.25)
