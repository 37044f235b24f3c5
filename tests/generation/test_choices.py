"""Choices in few passes against one choice a pass."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from onoma import Document, encodings, schemes
from onoma.encodings.base import Frame
from onoma.generation.choices import settle


def one_by_one(frame: Frame, score: Any) -> list[int]:
    """What greedy does, a pass a choice."""
    chosen: list[int] = []
    for place in range(len(frame.literals)):
        rows = score(chosen + [0] * (len(frame.literals) - place))
        legal = frame.legal(place, chosen[-1] if chosen else None)
        chosen.append(int(np.argmax(np.where(legal, rows[place], -np.inf))))
    return chosen


@st.composite
def frames(draw: st.DrawFn) -> Frame:
    scheme = draw(st.sampled_from(["IO", "BIO", "BIOES"]))
    words = draw(st.lists(st.sampled_from(["a", "b"]), min_size=1, max_size=9))
    encoding = encodings.get("tag_string", ["X", "Y"], scheme=scheme)
    return encoding.frames(Document.from_words([words], id="d"))[0]


@given(asked=st.lists(frames(), min_size=1, max_size=4), seed=st.integers(0, 999), reach=st.integers(0, 9))
def test_few_passes_choose_what_one_choice_a_pass_does(asked: list[Frame], seed: int, reach: int) -> None:
    def score(number: int, draft: Any) -> Any:
        """Random, and dependent on at most `reach` choices before a place."""
        rows = []
        for place in range(len(draft)):
            before = tuple(draft[max(0, place - reach) : place])
            rows.append(np.random.default_rng([seed, number, place, *before]).normal(size=len(asked[number].choices)))
        return np.array(rows)

    calls = 0

    def scores(numbers: Any, drafts: Any) -> Any:
        nonlocal calls
        calls += len(numbers)
        return [score(number, draft) for number, draft in zip(numbers, drafts, strict=True)]

    chosen, passes = settle(asked, scores)
    assert passes == calls <= sum(len(frame.literals) for frame in asked)
    for number, (frame, choices) in enumerate(zip(asked, chosen, strict=True)):
        assert choices == one_by_one(frame, lambda draft, number=number: score(number, draft))
        tags = [frame.choices[choice] for choice in choices]
        scheme = next(
            name for name in ("IO", "BIO", "BIOES") if len(schemes.get(name).tagset(["X", "Y"])) == len(frame.choices)
        )
        assert not schemes.get(scheme).illegal(tags)
    if reach == 0:
        assert passes <= 2 * len(asked) + sum(len(frame.literals) for frame in asked) * (len(asked[0].choices) > 3)


def test_a_draft_that_holds_takes_one_pass() -> None:
    frame = encodings.get("tag_string", ["X"]).frames(Document.from_words([["a"] * 5], id="d"))[0]
    sure = np.zeros((5, len(frame.choices)))
    sure[:, frame.choices.index("O")] = 1
    assert settle([frame], lambda numbers, drafts: [sure]) == ([[frame.choices.index("O")] * 5], 1)


def test_mentions_may_go_on_in_the_next_window() -> None:
    encoding = encodings.get("word_tags", ["X"], max_words=2)
    document = Document.from_words([["a", "b", "c", "d"], ["e"]], id="d")
    first, second, third = encoding.frames(document)
    inside = first.choices.index("(I-X)")
    assert [bool(each.legal(0, None)[inside]) for each in (first, second, third)] == [False, True, False]
    text = first.text([first.choices.index("(B-X)"), inside])
    assert text == "a(B-X) b(I-X)"
    answers = [text, second.text([inside, second.choices.index("(O)")]), third.text([third.choices.index("(O)")])]
    assert [document.surface(span) for span in encoding.decode(document, answers).spans] == ["a b c"]
