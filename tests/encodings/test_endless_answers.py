"""Answers without an end are read in about the time that their length takes: a quadratic way would take minutes."""

from __future__ import annotations

import pytest

from onoma import Document, encodings

NAMES = [name for name in encodings.ENCODINGS if name != "tags"]
LETTERS = 30_000
ENDLESS = {
    "brackets": "[",
    "braces": "{",
    "parentheses": "(",
    "angles": "<",
    "quotes": '"',
    "backslashes": "\\",
    "lines": "\n",
    "marks": "@@",
    "separators": ";",
    "words": "Rome ",
    "one word": "A",
    "digits": "1",
    "tags": "Rome(B-LOC) ",
    "open tags": "Rome(B-",
    "elements": "<LOC>",
    "bracketed": "[Rome | LOC] ",
    "half bracketed": "[Rome | ",
    "items": "LOC: Rome; ",
    "members": '{"LOC": ',
    "calls": '[LOC(span="Rome"), ',
    "half calls": "LOC(",
    "escaped calls": 'LOC(\\"',
    "quoted words": '"Ada" left ',
    "half pairs": "[Ada](LOC [",
    "announcements": "as {asked} [1]: ",
}


@pytest.mark.parametrize("name", NAMES)
def test_an_answer_without_end_is_read(name: str) -> None:
    words = "Ada Byron left Rome for Paris with ( Lord ) Byron .".split()
    document = Document.from_words([words], id="d")
    encoding = encodings.get(name, labels=["LOC", "PER"])
    exchanges = encoding.encode(document).exchanges
    for endless in ENDLESS.values():
        answer = endless * (LETTERS // len(endless))
        prediction = encoding.decode(document, [answer] * len(exchanges))
        assert all(span.end <= len(document.text) for span in prediction.spans)


@pytest.mark.parametrize(
    ("name", "begun", "endless", "end"),
    [
        ("brackets", "Ada Byron left [Rome |", "\n", ""),
        ("xml", "Ada Byron left <", " ", ""),
        ("xml", "Ada Byron left </", " ", "a"),
        ("word_tags", "", "()", "a"),
    ],
)
def test_what_began_and_does_not_end_is_read(name: str, begun: str, endless: str, end: str) -> None:
    document = Document.from_words(["Ada Byron left Rome for Paris .".split()], id="d")
    answer = begun + endless * LETTERS + end
    assert not encodings.get(name, labels=["LOC", "PER"]).decode(document, [answer]).spans
