"""Small random documents and predictions: duplicates, nesting, two labels on one span, discontinuous mentions."""

from __future__ import annotations

import random
from collections.abc import Sequence

from hypothesis import settings
from hypothesis import strategies as st

from onoma.document import Document, Prediction, Problem, Span

PROPERTY = settings(max_examples=120, deadline=None, derandomize=True)

LABELS = ("A", "B", "C")
SENTENCES = (("aa", "bb", "cc"), ("dd",), ("ee", "ff"))
MENTION_KINDS = ("malformed", "ungrounded", "unknown_label", "duplicate", "ambiguous")

TEXT_SIZE = len(Document.from_words(SENTENCES).text)


@st.composite
def spans(draw: st.DrawFn) -> Span:
    """A span over few positions, so that equal, nested and crossing ones are common."""
    label = draw(st.sampled_from(LABELS))
    if draw(st.integers(0, 4)) == 0:
        a, b, c, d = sorted(draw(st.sets(st.integers(0, 6), min_size=4, max_size=4)))
        return Span(a, d, label, fragments=((a, b), (c, d)))
    start = draw(st.integers(0, TEXT_SIZE - 1))
    return Span(start, min(TEXT_SIZE, start + draw(st.integers(1, 3))), label)


problems = st.builds(
    Problem,
    st.sampled_from((*MENTION_KINDS, "truncated")),
    st.just("x"),
    st.none() | st.sampled_from((*LABELS, "Z")),
)


def words(id: str, found: Sequence[Span] = ()) -> Document:
    """The one text of these tests: six words in three sentences."""
    return Document.from_words(SENTENCES, id=id).with_spans(found)


@st.composite
def cases(draw: st.DrawFn, documents: int = 3) -> tuple[list[Document], list[Prediction]]:
    """A few gold documents and predictions that share many of their spans."""
    gold: list[Document] = []
    predictions: list[Prediction] = []
    for number in range(draw(st.integers(0, documents))):
        id = f"d{number}"
        mentions = draw(st.lists(spans(), max_size=5))
        kept = [span for span in mentions if draw(st.booleans())]
        gold.append(words(id, mentions))
        if draw(st.integers(0, 5)):
            found = draw(st.lists(spans(), max_size=3))
            predictions.append(Prediction(id, (*kept, *found), tuple(draw(st.lists(problems, max_size=2)))))
    return gold, predictions


def corpus(size: int, right: float, seed: int, prefix: str = "d") -> tuple[list[Document], list[Prediction]]:
    """Documents with two mentions each, of which a share is found; the gold is the same for every `right`."""
    places = random.Random(7)
    luck = random.Random(seed)
    gold: list[Document] = []
    predictions: list[Prediction] = []
    for number in range(size):
        document = words(f"{prefix}{number:04}")
        tokens = places.sample(document.tokens, 2)
        mentions = [Span(token.start, token.end, places.choice(LABELS)) for token in tokens]
        found = [
            span if luck.random() < right else Span(span.start, span.end, luck.choice((*LABELS, "D")))
            for span in mentions
        ]
        gold.append(document.with_spans(mentions))
        predictions.append(Prediction(document.id, found))
    return gold, predictions
