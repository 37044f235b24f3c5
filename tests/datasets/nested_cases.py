"""Made documents whose spans nest, cross, repeat, or are no row of whole tokens."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
from dataset_cases import CHARACTERS, LABELS
from hypothesis import strategies as st

from onoma.document import Document, Span


@st.composite
def nested_documents(
    draw: st.DrawFn, characters: str = CHARACTERS, labels: list[str] = LABELS, odd: bool = False
) -> Document:
    """A document of 0 to 3 sentences with spans over any tokens of one; `odd` adds spans that no token list holds."""
    word = st.text(characters, min_size=1, max_size=4)
    sentences = draw(st.lists(st.lists(word, min_size=1, max_size=5), max_size=3))
    document = Document.from_words(sentences, id="1")
    tokens = list(document.tokens)
    spans: list[Span] = []
    for first, last in document.sentences:
        for _ in range(draw(st.integers(0, 4))):
            start = draw(st.integers(first, last - 1))
            end = draw(st.integers(start + 1, last))
            spans.append(Span(tokens[start].start, tokens[end - 1].end, draw(st.sampled_from(labels))))
    if odd and len(document.text) > 3:
        start = draw(st.integers(0, len(document.text) - 4))
        pieces = draw(st.sampled_from([(), ((start, start + 1), (start + 2, start + 4))]))
        spans.append(Span(start, start + 4, labels[0], fragments=pieces))
    return document.with_spans(spans)


def folder(path: Path, **files: str) -> Path:
    """A folder with files of this content; a name's `_` stands for a dot."""
    path.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (path / name.replace("_", ".")).write_text(text, encoding="utf-8", newline="\n")
    return path


def messages(caplog: pytest.LogCaptureFixture) -> str:
    """What was logged at warning level."""
    return "\n".join(record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING)
