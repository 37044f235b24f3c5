"""What encodings promise, on ten thousand documents each: minutes, so nightly; a hundred of them always."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from generation.test_greedy import Oracle
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from text_documents import flat_documents, nested_documents

from onoma import Document, encodings
from onoma.encodings.automata.base import accepts
from onoma.generation.greedy import write
from onoma.generation.pieces import Writing

LABELS = ("LOC", "PER", "PERSON", "a b", "B-PER", "O")
"""Some begin like others, or look like what encodings write."""
TAGGED = ("word_tags", "tag_string")
BY_TEXT = ("grouped_json", "type_queries", "entity_list", "entity_pairs")
TEXTUAL = [name for name in encodings.names() if name != "tags"]
GROUNDED = [name for name in TEXTUAL if name != "code_classes"]
NIGHTLY = settings(max_examples=10_000, suppress_health_check=list(HealthCheck))


def documents(name: str) -> st.SearchStrategy[Document]:
    labels = tuple(label for label in LABELS if label != "O") if name in TAGGED else LABELS
    return flat_documents(labels) if name in TAGGED else nested_documents(labels)


def comes_back(name: str, document: Document, most: int | None) -> None:
    """What was written is read as it was, without what an encoding said it loses."""
    made = encodings.get(name, LABELS, on_misaligned="drop", max_words=most)
    targets = made.encode(document)
    lost = {loss.span for loss in targets.losses}
    found = made.decode(document.with_spans([]), [each.completion for each in targets.exchanges])
    assert set(document.spans) - lost <= set(found.spans)
    if name not in BY_TEXT and name != "code_classes":
        assert set(found.spans) == set(document.spans) - lost and not found.problems


@pytest.mark.slow
@pytest.mark.parametrize("name", TEXTUAL)
@NIGHTLY
@given(st.data(), st.sampled_from([None, 1, 3]))
def test_ten_thousand_documents_come_back(name: str, data: st.DataObject, most: int | None) -> None:
    comes_back(name, data.draw(documents(name)), most)


# ---------------------------------------------------------------------- grounded answers


@pytest.fixture(scope="module")
def vocabularies(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str, str], Any]]:
    """Of every kind of tokenizer, with an encoding's symbols as pieces or without."""
    pytest.importorskip("transformers")
    from models.tiny import save_bart, save_bert, save_minilm, save_roberta, save_t5
    from transformers import AutoTokenizer

    from onoma.models.text.vocabulary import Vocabulary

    makes: dict[str, Callable[[Path], Path]] = {
        "bert": save_bert, "minilm": save_minilm, "roberta": save_roberta, "t5": save_t5, "bart": save_bart,
    }  # fmt: skip
    folders = {kind: save(tmp_path_factory.mktemp(kind)) for kind, save in makes.items()}

    @cache
    def of(kind: str, name: str) -> Vocabulary:
        tokenizer = AutoTokenizer.from_pretrained(folders[kind])
        symbols = encodings.get(name, LABELS, on_misaligned="drop").symbols
        return Vocabulary(tokenizer, symbols if kind != "bart" else ())

    yield of


def holds(name: str, document: Document, vocabulary: Any, seed: int, reach: int, most: int) -> None:
    """Random scores give an answer that is read without a problem, with mentions of the source alone."""
    made = encodings.get(name, LABELS, on_misaligned="drop")
    made.back = vocabulary.back
    blank = document.with_spans([])
    automata = made.automata(blank)
    seeds = range(seed, seed + len(automata))
    end = vocabulary.tokenizer.eos_token_id or vocabulary.tokenizer.sep_token_id

    def answered(drafts: Any) -> list[Any]:
        writings = [Writing(automaton, vocabulary.stretch, end, most, vocabulary.tail) for automaton in automata]
        return write(Oracle(seeds, reach, 0.3, most), writings, drafts)

    plain, quick = answered(None), answered([()] * len(automata))
    assert [(each.text, each.pieces) for each in plain] == [(each.text, each.pieces) for each in quick]
    for automaton, each in zip(automata, plain, strict=True):
        assert len(each.pieces) <= most
        assert not each.pieces or accepts(automaton, each.text)
    if not all(each.pieces for each in plain):
        return  # no answer was short enough, which the recognizer tells
    found = made.decode(blank, [each.text for each in plain])
    allowed = {"ambiguous"} if name in BY_TEXT else set()
    assert {problem.kind for problem in found.problems} <= allowed
    words = [(token, document.text[token.start : token.end]) for token in document.tokens]
    starts = {token.start for token, _ in words} | {token.end - len(word.lstrip()) for token, word in words}
    ends = {token.end for token, _ in words} | {token.start + len(word.rstrip()) for token, word in words}
    for span in found.spans:
        assert span.label in LABELS and document.surface(span)
        assert name in BY_TEXT or (span.start in starts and span.end in ends)


KINDS = st.sampled_from(["bert", "minilm", "roberta", "t5", "bart"])


@pytest.mark.parametrize("name", GROUNDED)
@given(
    nested_documents(LABELS), KINDS, st.integers(0, 1 << 20), st.sampled_from([0, 2, 99]), st.sampled_from([40, 200])
)
def test_whatever_the_scores_answers_hold(
    vocabularies: Any, name: str, document: Document, kind: str, seed: int, reach: int, most: int
) -> None:
    holds(name, document, vocabularies(kind, name), seed, reach, most)


@pytest.mark.slow
@pytest.mark.parametrize("name", GROUNDED)
@NIGHTLY
@given(
    nested_documents(LABELS), KINDS, st.integers(0, 1 << 20), st.sampled_from([0, 2, 99]), st.sampled_from([40, 200])
)
def test_whatever_the_scores_ten_thousand_answers_hold(
    vocabularies: Any, name: str, document: Document, kind: str, seed: int, reach: int, most: int
) -> None:
    holds(name, document, vocabularies(kind, name), seed, reach, most)
