"""Which words are read together: everything is read, owned once, and with as much around it as was asked for."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from onoma.models.encoder_tagger.windows import BLOCK, plan, windows


@given(st.lists(st.integers(1, 5), max_size=60), st.integers(5, 20), st.integers(0, 10))
def test_windows_tile_the_words_and_fit(sizes: list[int], size: int, overlap: int) -> None:
    made = windows(sizes, size, overlap)
    owned = [word for _, _, start, end in made for word in range(start, end)]
    assert owned == list(range(len(sizes)))
    for left, right, start, end in made:
        assert left <= start < end <= right
        assert sum(sizes[left:right]) <= size


@given(st.integers(30, 80), st.integers(10, 20))
def test_a_shared_word_is_owned_where_it_is_farther_from_the_edge(count: int, size: int) -> None:
    made = windows([1] * count, size, size // 2)
    for word in range(count):
        reading = [(left, right, start <= word < end) for left, right, start, end in made if left <= word < right]
        # The text's own edges are no edges: nothing is cut off there.
        room = [
            min(word - left if left else count, right - 1 - word if right < count else count)
            for left, right, _ in reading
        ]
        owner = next(number for number, (_, _, owns) in enumerate(reading) if owns)
        assert room[owner] >= max(room) - 1


SENTENCES = st.lists(st.lists(st.integers(1, 5), max_size=30), max_size=12)


@given(SENTENCES, st.integers(15, 60), st.integers(0, 10), st.integers(0, 12))
def test_blocks_are_whole_sentences_and_tile_the_words(
    sentences: list[list[int]], size: int, overlap: int, context: int
) -> None:
    sizes = [piece for sentence in sentences for piece in sentence]
    edges = [sum(map(len, sentences[:number])) for number in range(len(sentences) + 1)]
    owned: list[int] = []
    for first, last, readings in plan(sizes, edges, size, overlap, context):
        assert readings[0].own_start == edges[first] and readings[-1].own_end == edges[last]
        assert context or sum(edges[n + 1] > edges[n] for n in range(first, last)) == 1
        for reading in readings:
            assert reading.left <= reading.start <= reading.own_start < reading.own_end <= reading.end <= reading.right
            assert sum(sizes[reading.left : reading.right]) <= size
            assert edges[first] <= reading.start and reading.end <= edges[last]
            owned += range(reading.own_start, reading.own_end)
            assert reading.cut_left == (reading.start > edges[first])
            assert reading.cut_right == (reading.end < edges[last])
    assert owned == list(range(len(sizes)))


def test_context_is_as_much_as_asked_for_and_stays_in_the_document() -> None:
    edges = [0, 3, 6, 40, 43]
    made = list(plan([2] * 43, edges, 40, 8, 10))
    assert [(first, last) for first, last, _ in made] == [(0, 2), (2, 3), (3, 4)]
    (start,) = made[0][2]
    assert (start.left, start.start, start.end, start.right) == (0, 0, 6, 11)  # nothing before, ten pieces behind
    assert len(made[1][2]) > 1  # a long sentence has windows
    (close,) = made[2][2]
    assert (close.left, close.right) == (35, 43)


def test_a_block_is_bounded() -> None:
    made = list(plan([1] * 1000, list(range(0, 1001, 10)), 510, 64, 32))
    assert all(reading.end - reading.start <= BLOCK for _, _, (reading,) in made)
    assert sum(last - first for first, last, _ in made) == 100
