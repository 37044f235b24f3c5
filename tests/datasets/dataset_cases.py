"""Made documents for the tests of the file formats: random ones, adversarial characters included."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest
from hypothesis import strategies as st

from onoma import datasets
from onoma.datasets.files import Source
from onoma.document import Document, Span, Token

CHARACTERS = 'abzÄ漢 \t\r[]|\\"#-_O1\u2028\u0085\u00a0\u200b\ufeff😀\x1c\u0301'
"""Characters that break naive readers: separators, line breaks of other standards, marks of the formats."""

LABELS = ["PER", "creative-work", "Multi-tissue_structure", "O", "a b"]

data_folder = os.environ.get("ONOMA_DATA")
needs_corpora = pytest.mark.skipif(not data_folder, reason="ONOMA_DATA is not set")


def corpus(*parts: str) -> Path:
    """A file under ONOMA_DATA."""
    assert data_folder
    return Path(data_folder).joinpath(*parts)


def flat(sentences: list[list[str]], spans: list[tuple[int, int, str]], id: str = "1") -> Document:
    """A document of words with spans given as token ranges of the whole document."""
    document = Document.from_words(sentences, id=id)
    tokens = document.tokens
    return document.with_spans(Span(tokens[start].start, tokens[end - 1].end, label) for start, end, label in spans)


@st.composite
def token_documents(
    draw: st.DrawFn,
    characters: str = CHARACTERS,
    labels: list[str] = LABELS,
    glued: bool = False,
) -> Document:
    """A document of 0 to 3 sentences of words with flat spans; `glued` leaves some blanks out."""
    word = st.text(characters, min_size=1, max_size=4)
    sentences = draw(st.lists(st.lists(word, min_size=1, max_size=5), max_size=3))
    text, tokens, bounds = "", [], []
    for sentence in sentences:
        first = len(tokens)
        for each in sentence:
            if text and not (glued and draw(st.booleans())):
                text += " "
            tokens.append(Token(len(text), len(text) + len(each)))
            text += each
        bounds.append((first, len(tokens)))
    spans = []
    for first, last in bounds:
        at = first
        while at < last:
            length = draw(st.integers(1, 3))
            if draw(st.booleans()) and at + length <= last:
                spans.append(Span(tokens[at].start, tokens[at + length - 1].end, draw(st.sampled_from(labels))))
                at += length
            else:
                at += 1
    return Document("1", text, tuple(tokens), tuple(bounds), tuple(spans))


def numbered(documents: list[Document], prefix: str = "") -> list[Document]:
    """The documents under the ids prefix1, prefix2, ..."""
    return [
        Document(f"{prefix}{number}", each.text, each.tokens, each.sentences, each.spans, each.meta)
        for number, each in enumerate(documents, 1)
    ]


def written(documents: list[Document], format: str, **options: object) -> str:
    """What a writer writes."""
    handle = io.StringIO(newline="\n")
    datasets.get(format).write(documents, handle, **options)
    return handle.getvalue()


def reread(text: str, format: str, **options: object) -> list[Document]:
    """The documents of a file with this content."""
    return list(datasets.get(format).read(Source.of(text), **options))


def content(document: Document) -> tuple[object, ...]:
    """All of a document but meta, its spans in one order, scores included."""
    key = [(span.start, span.end, span.label, span.fragments, span.score) for span in document.spans]
    order = sorted(key, key=lambda item: (item[:4], item[4] or 0.0))
    return (document.id, document.text, document.tokens, document.sentences, order)
