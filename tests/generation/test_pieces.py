"""The pieces that a held answer is written in are those that training has for the same text."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from families import CORPUS

from onoma import encodings
from onoma.generation.pieces import Writing

pytest.importorskip("transformers")
from models.tiny import save_bart, save_bert, save_llama, save_minilm, save_roberta, save_t5

NAMES = [name for name in encodings.names() if name not in {"tags", "code_classes"}]
SAVES: dict[str, Callable[[Path], Any]] = {
    "bert": save_bert, "minilm": save_minilm, "roberta": save_roberta, "t5": save_t5, "bart": save_bart,
    "llama": save_llama,
}  # fmt: skip
END = 99_999


@pytest.fixture(scope="module", params=list(SAVES))
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    place: Path = tmp_path_factory.mktemp("tokenizer")
    SAVES[request.param](place)
    return place


@pytest.mark.parametrize("spelt", [False, True], ids=["symbols", "spelt"])
@pytest.mark.parametrize("name", NAMES)
def test_right_answers_are_held_to_the_pieces_of_training(folder: Path, name: str, spelt: bool) -> None:
    """A piece for what a vocabulary does not know stands for as many signs as there are: such answers are left out."""
    from transformers import AutoTokenizer

    from onoma.models.text.vocabulary import Vocabulary

    encoding = encodings.get(name, ["LOC", "PER"], on_misaligned="drop")
    tokenizer = AutoTokenizer.from_pretrained(folder)
    vocabulary = Vocabulary(tokenizer, encoding.symbols, spelt=spelt)
    unknown = vocabulary.tokenizer.unk_token_id
    seen = 0
    for document in CORPUS:
        exchanges = encoding.encode(document).exchanges
        for each, automaton, wanted in zip(
            exchanges, encoding.automata(document), encoding.drafts(document), strict=True
        ):
            pieces = vocabulary.answer(each.completion)
            if unknown in pieces:
                continue
            writing = Writing(automaton, vocabulary.stretch, END, 10**6, vocabulary.tail)
            node = writing.begin()
            assert node is not None
            assert list(writing.draft(node, wanted)) == [*pieces, END]
            seen += 1
    assert seen or unknown is not None
