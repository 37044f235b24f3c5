"""What questions have in common is read once, and nothing gets lost."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from onoma.models.text.prefixes import Part, shared

ROWS = st.lists(st.lists(st.integers(0, 1), min_size=1, max_size=40), min_size=1, max_size=8)


def rebuilt(parts: list[Part]) -> list[list[int]]:
    """The rows that a memory holds after all parts."""
    held: list[list[int]] = [[]]
    for part in parts:
        assert len(part.rows) == len(held)
        held = [[*held[row], *part.rows[row]] for row in part.then]
    return held


@given(rows=ROWS, prefix=st.lists(st.integers(2, 5), max_size=30))
def test_parts_put_together_are_the_questions(rows: list[list[int]], prefix: list[int]) -> None:
    questions = [[*prefix, *row] for row in rows]
    parts = shared(questions)
    assert rebuilt(parts) == questions
    assert all(row for row in parts[-1].rows)
    assert len(parts[0].rows[0]) >= min(len(prefix), min(map(len, questions)) - 1)


def test_an_instruction_is_read_once_and_a_sentence_that_is_asked_about_twice_too() -> None:
    head, ada, bob = list(range(100, 150)), list(range(20)), list(range(30, 50))
    questions = [[*head, *ada, 1], [*head, *bob, 1], [*head, *ada, 2], [*head, *bob, 2], [*head, *ada, 3]]
    parts = shared(questions)
    assert [sum(map(len, part.rows)) for part in parts] == [50, 40, 5]
    assert rebuilt(parts) == questions
