"""Grammars for servers against the automata they are written from, by llguidance."""

from __future__ import annotations

import random
from typing import Any

import pytest
from encodings_walk import walk
from hypothesis import given, settings
from hypothesis import strategies as st
from text_documents import nested_documents

from onoma import Document, encodings
from onoma.encodings.automata.base import accepts
from onoma.exceptions import ConfigError

llguidance = pytest.importorskip("llguidance")

LABELS = ("LOC", "PER", "PERSON")
GROUNDED = [name for name in encodings.names() if name not in {"tags", "code_classes"}]
BYTES: Any = llguidance.LLTokenizer("byte")


def takes(grammar: str, text: str) -> bool:
    matcher = llguidance.LLMatcher(BYTES, llguidance.LLMatcher.grammar_from_lark(grammar))
    assert not matcher.get_error(), matcher.get_error()
    letters = list(text.encode())
    return matcher.try_consume_tokens(letters) == len(letters) and matcher.is_accepting()


@pytest.mark.parametrize("name", GROUNDED)
@settings(max_examples=12)
@given(nested_documents(LABELS), st.integers(0, 1 << 20))
def test_a_server_takes_what_the_automaton_does(name: str, document: Document, seed: int) -> None:
    rng = random.Random(seed)
    made = encodings.get(name, LABELS, on_misaligned="drop", max_words=4)
    blank = document.with_spans([])
    for automaton, grammar in zip(made.automata(blank), made.grammar(blank), strict=True):
        answer = walk(automaton, rng)
        assert takes(grammar, answer)
        for _ in range(4):
            at = rng.randrange(len(answer) + 1)
            wrong = (
                answer[:at] + rng.choice(["", " ", "(", "]", "O", "LOC", '"', answer[at : at + 3]]) + answer[at + 1 :]
            )
            assert takes(grammar, wrong) == accepts(automaton, wrong), wrong


def test_a_text_too_long_for_a_grammar_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("onoma.encodings.automata.grammar.RULES", 20_000)
    document = Document.from_words([["a"] * 200], id="d")
    with pytest.raises(ConfigError, match="set max_words"):
        encodings.get("occurrence_json", LABELS).grammar(document)
    grammar = encodings.get("word_tags", LABELS).grammar(document)[0]
    assert takes(grammar, " ".join(["a(O)"] * 200))
