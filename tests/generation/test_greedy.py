"""Drafts against one choice a pass and against trying every continuation, with scores of every kind."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any
from unittest import mock

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from text_documents import nested_documents

from onoma import Document, encodings
from onoma.encodings.automata.base import accepts
from onoma.generation import greedy
from onoma.generation.greedy import Written, write
from onoma.generation.pieces import Writing

NAMES = [name for name in encodings.names() if name not in {"tags", "code_classes"}]
LABELS = ("LOC", "PER", "PERSON", "a b")
END = 0


def letters(text: str, _: str | None) -> list[int]:
    """A piece a letter."""
    return [ord(letter) for letter in text]


def pairs(text: str, _: str | None) -> list[int]:
    """Two letters a piece where there are two; blanks are lost, and case."""
    text = "".join(text.lower().split())
    return [int.from_bytes(text[at : at + 2].encode("utf-32-be", "surrogatepass")) for at in range(0, len(text), 2)]


class Oracle:
    """Scores that are random, and depend on the last pieces alone or on all."""

    start = 1

    def __init__(self, seeds: Sequence[int], reach: int, bias: float, most: int = 400) -> None:
        self.seeds, self.reach, self.bias, self.most = list(seeds), reach, bias, most
        self.held: list[list[int]] = [[] for _ in seeds]
        self.fed: list[list[int]] = []
        self.passes = 0

    def score(self, row: int, before: Sequence[int], piece: int) -> float:
        """How good a piece is behind others."""
        seen = list(before)[len(before) - self.reach :] if self.reach else []
        key = repr((self.seeds[row], seen, piece)).encode()
        value = int.from_bytes(hashlib.blake2b(key, digest_size=4).digest()) / (1 << 32)
        return value + self.bias * (piece in {END, ord("O"), ord(" ")})

    def feed(self, rows: Any, places: Any, asked: Any) -> list[Any]:
        self.fed = [list(row) for row in rows]
        self.passes += len(rows)
        made = []
        for number, (row, each) in enumerate(zip(rows, places, strict=True)):
            assert len(self.held[number]) + len(row) <= self.most  # a model has no more places
            made.append(
                np.array(
                    [
                        [self.score(number, [*self.held[number], *row[: place + 1]], piece) for piece in asked]
                        for place in each
                    ]
                )
            )
        return made

    def keep(self, rows: Any, sizes: Any) -> None:
        fed = self.fed or [[] for _ in self.held]
        self.held = [[*self.held[row], *fed[row][:size]] for row, size in zip(rows, sizes, strict=True)]
        self.seeds = [self.seeds[row] for row in rows]
        self.fed = []


def one_by_one(writing: Writing, seed: int, reach: int, bias: float) -> tuple[str, bool]:
    """A piece at a time, without a plan or a memory."""
    oracle = Oracle([seed], reach, bias)
    node, before, whole = writing.begin(), [oracle.start], True
    if node is None:
        return "", False
    while node.next:
        ranked = sorted(node.next, key=lambda piece: -oracle.score(0, before, piece))
        for number, piece in enumerate(ranked):
            after = writing.step(node, piece)
            if writing.fits(after, len(before)):
                whole = whole and not number
                break
        node, before = after, [*before, piece]
    return writing.text(node), whole


@pytest.mark.parametrize("name", NAMES)
@given(
    document=nested_documents(LABELS),
    drafted=nested_documents(LABELS),
    cut=st.sampled_from([letters, pairs]),
    reach=st.sampled_from([0, 1, 3, 50]),
    bias=st.sampled_from([0.0, 0.6]),
    most=st.sampled_from([25, 60, 400]),
    own=st.booleans(),
    least=st.sampled_from([1, 48]),
)
def test_drafts_change_nothing_but_the_number_of_passes(
    name: str,
    document: Document,
    drafted: Document,
    cut: Any,
    reach: int,
    bias: float,
    most: int,
    own: bool,
    least: int,
) -> None:
    made = encodings.get(name, LABELS, on_misaligned="drop")
    automata = made.automata(document.with_spans([]))
    if not automata:
        return
    drafts = made.drafts(document) if own else made.drafts(drafted.with_spans(drafted.spans))
    drafts = (*drafts, *[()] * len(automata))[: len(automata)]

    def run(given: Any) -> tuple[list[Written], int]:
        oracle = Oracle(range(len(automata)), reach, bias, most)
        return write(oracle, [Writing(each, cut, END, most) for each in automata], given), oracle.passes

    plain, passes = run(None)
    for given_drafts in ([()] * len(automata), drafts):
        with mock.patch.object(greedy, "LEAST", least):
            quick, fewer = run(given_drafts)
        assert [(each.text, each.whole, each.pieces) for each in quick] == [
            (each.text, each.whole, each.pieces) for each in plain
        ]
        for one, two in zip(quick, plain, strict=True):
            assert [place for place, _ in one.choices] == [place for place, _ in two.choices]
            assert [chance for _, chance in one.choices] == pytest.approx([chance for _, chance in two.choices])
        assert fewer <= passes
    for number, (automaton, written) in enumerate(zip(automata, plain, strict=True)):
        expected = one_by_one(Writing(automaton, cut, END, most), number, reach, bias)
        assert (written.text, written.whole) == expected
        assert len(written.pieces) <= most
        if written.pieces:
            assert accepts(automaton, written.text)
        assert written.counts.passes == written.counts.decisions or not written.counts.passes


def test_a_draft_that_is_right_takes_one_pass() -> None:
    document = Document.from_words([["Ada", "Byron", "left", "Rome"]], id="d")
    made = encodings.get("word_tags", ["LOC", "PER"])
    automaton = made.automata(document)[0]
    oracle = Oracle([7], 2, 0.0)
    (plain,) = write(oracle, [Writing(automaton, letters, END, 400)])
    spans = made.decode(document, [plain.text]).spans
    right = made.drafts(document.with_spans(spans))
    (quick,) = write(Oracle([7], 2, 0.0), [Writing(automaton, letters, END, 400)], right)
    assert quick.text == plain.text and quick.counts.passes == 1 < plain.counts.passes
    assert quick.counts.accepted == quick.counts.decisions


def test_where_drafts_fail_early_long_ones_are_not_checked() -> None:
    words = [f"w{number}" for number in range(400)]
    document = Document.from_words([words], id="d")
    made = encodings.get("word_tags", ["LOC", "PER"])
    (automaton,) = made.automata(document)
    (plain,) = write(Oracle([7], 5, 0.0, 20_000), [Writing(automaton, letters, END, 20_000)])
    oracle = Oracle([7], 5, 0.0, 20_000)
    fed: list[int] = []
    feed = oracle.feed
    oracle.feed = lambda rows, places, asked: fed.append(len(places[0])) or feed(rows, places, asked)  # type: ignore[method-assign]
    (quick,) = write(oracle, [Writing(automaton, letters, END, 20_000)], [()])
    assert quick.text == plain.text and fed[0] == 400
    assert max(fed[1:]) == greedy.LEAST + 1 and len(fed) < 400
