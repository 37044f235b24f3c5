"""Beams against all answers that there are, and against greedy."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from generation.test_greedy import END, NAMES, Oracle, letters
from hypothesis import given
from hypothesis import strategies as st

from onoma import Document, encodings
from onoma.generation.beams import search
from onoma.generation.greedy import write
from onoma.generation.pieces import Node, Writing


def every(writing: Writing, seed: int, reach: int) -> dict[str, float]:
    """All answers and their probabilities."""
    oracle = Oracle([seed], reach, 0.0)
    found: dict[str, float] = {}

    def go(node: Node, before: list[int], log: float) -> None:
        if not node.next:
            text = writing.text(node)
            found[text] = found.get(text, 0.0) + math.exp(log)
            return
        fits = {piece: after for piece in node.next for after in [writing.step(node, piece)]}
        scores = np.array([oracle.score(0, before, piece) for piece in fits])
        logs = scores - np.log(np.exp(scores).sum())
        for (piece, after), each in zip(fits.items(), logs, strict=True):
            go(after, [*before, piece], log + each)

    node = writing.begin()
    assert node is not None
    go(node, [oracle.start], 0.0)
    return found


@pytest.mark.parametrize("name", ["tag_string", "word_tags", "brackets", "entity_pairs", "grouped_json"])
@given(st.integers(0, 999), st.sampled_from([0, 2, 50]))
def test_with_enough_beams_the_answers_are_the_most_probable_of_all(name: str, seed: int, reach: int) -> None:
    document = Document.from_words([["a", "b"]], id="d")
    automaton = encodings.get(name, ["X"]).automata(document)[0]
    expected = every(Writing(automaton, letters, END, 400), seed, reach)
    assert sum(expected.values()) == pytest.approx(1)
    (found,) = search(Oracle([seed], reach, 0.0), [Writing(automaton, letters, END, 400)], 500)
    assert {each.text for each in found} == expected.keys() and len(found) == len(expected)
    for each in found:
        assert math.prod(chance for _, chance in each.choices) == pytest.approx(expected[each.text])
    values = [expected[each.text] for each in found]
    assert values == sorted(values, reverse=True)


@pytest.mark.parametrize("name", NAMES)
@given(st.integers(0, 999), st.sampled_from([0, 2, 50]), st.integers(1, 3))
def test_one_beam_is_greedy_and_more_are_no_worse(name: str, seed: int, reach: int, beams: int) -> None:
    document = Document.from_words([["a", "bo", "a"], ["c"]], id="d")
    automata = encodings.get(name, ["X", "Y"]).automata(document)
    seeds = range(seed, seed + len(automata))

    def run(beams: int) -> Any:
        return search(Oracle(seeds, reach, 0.5), [Writing(each, letters, END, 90) for each in automata], beams)

    greedy = write(Oracle(seeds, reach, 0.5), [Writing(each, letters, END, 90) for each in automata])
    for one, plain in zip(run(1), greedy, strict=True):
        assert [(each.text, each.whole, each.pieces) for each in one] == [(plain.text, plain.whole, plain.pieces)]
        assert [mention for mention, _ in one[0].chances] == [mention for mention, _ in plain.chances]
        assert [chance for _, chance in one[0].chances] == pytest.approx([chance for _, chance in plain.chances])
    for many in run(beams):
        assert 1 <= len(many) <= beams
        texts = [tuple(each.pieces) for each in many]
        assert len(set(texts)) == len(texts)


class Hindsight(Oracle):
    """Takes the first word for nothing, by a little, until the second word, after a name, is one for sure."""

    def score(self, row: int, before: Any, piece: int) -> float:
        text = "".join(map(chr, before[1:]))
        if text == "a(":
            return {ord("O"): 1.0, ord("B"): 0.9}.get(piece, -9.0)
        return 9.0 if piece == ord("I") else 0.0


def test_where_a_later_word_changed_an_earlier_one_is_told() -> None:
    document = Document.from_words([["a", "b"]], id="d")
    (automaton,) = encodings.get("word_tags", ["X"]).automata(document)
    (found,) = search(Hindsight([0], 0, 0.0), [Writing(automaton, letters, END, 90)], 2)
    assert found[0].text == "a(B-X) b(I-X)"
    assert [(each.place, chr(each.before), chr(each.after)) for each in found[0].corrections] == [(2, "O", "B")]
    assert found[0].corrections[0].at > 2
    assert found[0].counts.corrections == 1
    assert found[0].chance == pytest.approx(math.prod(chance for _, chance in found[0].choices))
    (alone,) = search(Hindsight([0], 0, 0.0), [Writing(automaton, letters, END, 90)], 1)
    assert not alone[0].corrections
