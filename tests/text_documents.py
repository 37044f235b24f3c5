"""Documents for encodings: any characters, any tokens, and spans of every kind."""

from __future__ import annotations

import itertools

from hypothesis import strategies as st

from onoma import Document, Span, Token
from onoma.document import Tokens

LABELS = ("LOC", "PER", "odd one", "per (son)", "B-PER")
ADVERSARIAL = [
    "(", ")", "(O)", "(B-PER)", "x(O)", "f(x)", "[", "]", "|", "<", ">", "</PER>", "<PER>", "@@", "##", "{", "}", '"',
    "\\", "\\\\", "&amp;", "O", "B-PER", "[Ada | PER]", "]}", "None", "null", "é", "e\u0301", "\u200b", "日本",
    "😀", "İ", "...",
]  # fmt: skip
"""Words that look like what encodings write."""


@st.composite
def flat_documents(draw: st.DrawFn, labels: tuple[str, ...] = LABELS) -> Document:
    """Several sentences with flat spans at token edges; tokens may hold blanks, be empty, and touch."""
    letters = st.text(min_size=0, max_size=4)
    word = st.one_of(
        st.sampled_from(["a", "Bo", "the", *ADVERSARIAL]), letters, st.sampled_from([" ", "a (O) b", "\\ ", "\n"])
    )
    sentences = draw(st.lists(st.lists(word, min_size=1, max_size=6), max_size=3))
    text, tokens, bounds = "", [], []
    for sentence in sentences:
        first = len(tokens)
        for each in sentence:
            tokens.append(Token(len(text), len(text) + len(each)))
            text += each + draw(st.sampled_from([" ", "", "  "]))
        bounds.append((first, len(tokens)))
    spans = []
    for first, last in bounds:
        edges = sorted(draw(st.sets(st.integers(first, last), max_size=4)))
        for start, end in itertools.pairwise(edges):
            label = draw(st.sampled_from([*labels, None]))
            left, right = tokens[start].start, tokens[end - 1].end
            ends_are_words = tokens[start].end > left and right > tokens[end - 1].start
            if label and ends_are_words:
                spans.append(Span(left, right, label))
    return Document("d", text, Tokens.of(tokens), tuple(bounds), tuple(spans))


@st.composite
def nested_documents(draw: st.DrawFn, labels: tuple[str, ...] = LABELS) -> Document:
    """As flat ones, with spans at any characters of a sentence: nested, repeated at one place with other labels."""
    document = draw(flat_documents(labels))
    spans = set(document.spans)
    for first, last in document.sentences:
        left, right = document.tokens[first].start, document.tokens[last - 1].end
        for _ in range(draw(st.integers(0, 4)) if left < right else 0):
            start = draw(st.integers(left, right - 1))
            end = draw(st.integers(start + 1, right))
            span = Span(start, end, draw(st.sampled_from(labels)))
            crosses = any(
                one.start < other.start < one.end < other.end
                for each in spans
                for one, other in ((span, each), (each, span))
            )
            spans |= set() if crosses else {span}
    return document.with_spans(sorted(spans, key=lambda span: (span.start, span.end, span.label)))
