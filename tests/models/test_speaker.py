"""Decoders that go on row by row from what they remember, against the same decoders without a memory."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from onoma import Document, Span, encodings

pytest.importorskip("torch")

import torch
from models.speaking import held_to_each_row_alone
from models.tiny import (
    save_bart,
    save_bert,
    save_electra,
    save_m2m,
    save_minilm,
    save_roberta,
    save_t5,
    save_t5gemma,
)

from onoma.models.seq2seq import Seq2Seq
from onoma.models.seq2seq.options import Seq2SeqOptions
from onoma.models.seq2seq.speaker import Speaker

MAKES: dict[str, Callable[[Path], Path]] = {
    "bert": lambda folder: save_bert(folder, positions=160),
    "minilm": lambda folder: save_minilm(folder, positions=160),
    "electra": lambda folder: save_electra(folder, positions=160),
    "roberta": lambda folder: save_roberta(folder, positions=160),
    "t5": save_t5,
    "bart": save_bart,
    "m2m": save_m2m,
    "t5gemma": save_t5gemma,
}
GROUNDED = [name for name in encodings.names() if name not in {"tags", "code_classes"}]
QUESTIONS = ["Ada left Rome", "Bob", "of the of the May May nobody", "New York saw", "3 in"]


def model(folder: Path, make: str, symbols: Any = ()) -> Seq2Seq:
    MAKES[make](folder / make)
    made = Seq2Seq.create(symbols, Seq2SeqOptions(model=str(folder / make)), 1)
    made.module.double()
    with torch.no_grad():  # symbols of like pieces begin alike, and so would their scores
        for table in (made.module.get_input_embeddings(), made.head):
            if table is not None:
                table.weight += 0.05 * torch.randn(table.weight.shape, generator=torch.Generator().manual_seed(1))
    return made


def alone(made: Seq2Seq, question: str, pieces: list[int]) -> Any:
    """The scores behind the last of some pieces, without a memory."""
    start = made.module.config.decoder_start_token_id
    with torch.no_grad():
        return made.module(**made.read([question]), decoder_input_ids=torch.tensor([[start, *pieces]])).logits[0, -1]


@pytest.mark.parametrize("make", MAKES)
def test_rows_go_on_at_their_own_pace_as_if_they_were_alone(make: str, tmp_path: Path) -> None:
    made = model(tmp_path, make)
    speaker = Speaker(made.module, made.read(QUESTIONS))
    held_to_each_row_alone(speaker, len(QUESTIONS), lambda row, pieces: alone(made, QUESTIONS[row], pieces), 7)


@pytest.mark.parametrize(
    ("make", "built"),
    [("bert", True), ("minilm", True), ("roberta", True), ("electra", False), ("t5", False), ("bart", False)],
)
def test_a_decoder_laid_out_for_the_processor_writes_the_same(make: str, built: bool, tmp_path: Path) -> None:
    made = model(tmp_path, make)
    made.module.float()
    laid_out = made._laid_out()
    assert (laid_out.decoder is not None) == built
    speaker = Speaker(made.module, made.read(QUESTIONS), decoder=laid_out.decoder)
    held_to_each_row_alone(speaker, len(QUESTIONS), lambda row, pieces: alone(made, QUESTIONS[row], pieces), 7, 1e-4)
    one = Speaker(made.module, made.read(QUESTIONS[:1]), decoder=laid_out.decoder)
    held_to_each_row_alone(one, 1, lambda _, pieces: alone(made, QUESTIONS[0], pieces), 5, 1e-4)


@pytest.mark.parametrize("laid_out", [False, True])
def test_rows_of_unlike_length_may_be_wider_than_the_table_of_places(laid_out: bool, tmp_path: Path) -> None:
    made = model(tmp_path, "minilm")
    made.module.float()
    decoder = made._laid_out().decoder if laid_out else None
    speaker = Speaker(made.module, made.read(QUESTIONS[:2]), decoder=decoder)
    rows = [[speaker.start, *[7 + place % 20 for place in range(size)]] for size in (120, 3)]
    speaker.feed(rows, [[0], [0]], [5, 6])
    speaker.keep([0, 1], [121, 4])
    more = [[9, 8], [11 + place % 9 for place in range(120)]]
    found = speaker.feed(more, [[1], [119]], list(range(40)))
    for row in range(2):
        expected = alone(made, QUESTIONS[row], [*rows[row][1:], *more[row]])[:40]
        assert torch.allclose(torch.tensor(found[row][0]), expected.double(), atol=1e-3)


@pytest.mark.parametrize("part", ["widen", "norm", "places"])
def test_a_decoder_that_would_not_write_the_same_is_left_alone(part: str, tmp_path: Path) -> None:
    made = model(tmp_path, "bert")
    made.module.float()
    config, layer = made.module.decoder.config, made.module.decoder.bert.encoder.layer[0]
    if part == "widen":
        config.hidden_act = "relu"
    elif part == "norm":
        layer.output.LayerNorm = torch.nn.RMSNorm(config.hidden_size)
    else:
        made.module.decoder.bert.embeddings.register_forward_hook(lambda _, __, states: states + 1.0)
    assert made._laid_out().decoder is None


@pytest.mark.parametrize(
    ("make", "name"),
    [(make, name) for make in MAKES for name in GROUNDED if make in {"minilm", "t5"} or name in {"word_tags", "xml"}],
)
def test_what_is_written_is_the_best_of_what_is_legal_at_each_place(make: str, name: str, tmp_path: Path) -> None:
    encoding = encodings.get(name, ["LOC", "PER"])
    made = model(tmp_path, make, encoding.symbols)
    encoding.back = made.vocabulary.back
    document = Document.from_words([["Ada", "left", "U.S.", "."], ["Rome"], ["(O)", "saw", "New", "York"]], id="d")
    drafted = document.with_spans([Span(0, 8, "PER"), Span(18, 22, "LOC")])
    automata = encoding.automata(document)
    questions = [exchange.source for exchange in encoding.exchanges(document)]
    made.answer_limit = 60
    plain = made.choose(questions, automata, None)
    for drafts in ([()] * len(automata), encoding.drafts(drafted)):
        quick = made.choose(questions, automata, drafts)
        assert [(each.text, each.whole) for each in quick] == [(each.text, each.whole) for each in plain]
        passes = [sum(each.counts.passes for each in answers if each.counts) for answers in (quick, plain)]
        assert passes[0] <= passes[1]
    from onoma.generation.pieces import Writing

    end = made.module.config.eos_token_id
    for question, automaton, answer in list(zip(questions, automata, plain, strict=True))[:2]:
        writing = Writing(automaton, made.vocabulary.stretch, end, made.answer_limit + 1, made.vocabulary.tail)
        node, pieces = writing.begin(), list[int]()
        assert node is not None
        while node.next:
            scores = alone(made, question, pieces) if len(node.next) > 1 else None
            for piece in sorted(node.next, key=lambda each: 0.0 if scores is None else -float(scores[each])):
                if writing.fits(writing.step(node, piece), len(pieces) + 1):
                    break
            node, pieces = writing.step(node, piece), [*pieces, piece]
        assert answer.text == writing.text(node)
