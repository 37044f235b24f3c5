"""What both scripts share: a labelled or unlabelled JSON line becomes spaCy documents that know their place in it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from spacy.language import Language
from spacy.tokens import Doc, Span


class Unit(NamedTuple):
    """A spaCy document and the half-open character ranges of its tokens in the text of the JSON line."""

    doc: Doc
    places: list[tuple[int, int]]

    def span(self, start: int, end: int, label: str) -> Span | None:
        """The span of a character range, None where it cuts a token or lies outside."""
        starts = {place[0]: at for at, place in enumerate(self.places)}
        ends = {place[1]: at + 1 for at, place in enumerate(self.places)}
        if start not in starts or end not in ends or starts[start] >= ends[end]:
            return None
        return Span(self.doc, starts[start], ends[end], label=label)


def units(nlp: Language, record: dict[str, Any], *, given: bool) -> Iterator[Unit]:
    """With `given`, the line's own tokens, a document a sentence; else the text as spaCy's tokenizer splits it."""
    text = record["text"]
    if not given:
        doc = nlp.make_doc(text)
        yield Unit(doc, [(token.idx, token.idx + len(token)) for token in doc])
        return
    tokens = [(start, end) for start, end in record["tokens"]]
    for first, last in record.get("sentences") or [(0, len(tokens))]:
        places = [place for place in tokens[first:last] if place[0] < place[1]]
        words = [text[start:end] for start, end in places]
        spaces = [text[end : end + 1].isspace() for _, end in places]
        yield Unit(Doc(nlp.vocab, words=words, spaces=spaces), places)
