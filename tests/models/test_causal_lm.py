"""Decoder-only models: what they start from, what they learn from, and that they remember what they read."""

from __future__ import annotations

import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from families import CORPUS

import onoma
from onoma import Document, Recognizer, Span, encodings
from onoma.exceptions import ConfigError

pytest.importorskip("torch")

import torch
from models.speaking import held_to_each_row_alone
from models.tiny import save_gpt2, save_llama, save_minilm, save_qwen, save_t5

from onoma.models.causal_lm import CausalLM
from onoma.models.causal_lm.options import CausalLMOptions
from onoma.models.causal_lm.speaker import Speaker

MAKES: dict[str, Callable[[Path], Path]] = {
    "llama": save_llama,
    "qwen": save_qwen,
    "gpt2": save_gpt2,
    "new": lambda folder: save_minilm(folder, positions=160),
}
GROUNDED = [name for name in encodings.names() if name not in {"tags", "code_classes"}]
SYMBOLS = encodings.get("word_tags", ["LOC", "PER"]).symbols
QUESTIONS = ["Ada left Rome", "Bob", "of the of the May May nobody", "Ada left Rome in May", "3 in"]


def shape(make: str) -> dict[str, int]:
    """Options that only a new network has."""
    return {"layers": 2} if make == "new" else {}


def model(folder: Path, make: str, symbols: Any = (), **options: Any) -> CausalLM:
    MAKES[make](folder / make)
    options |= {"model": str(folder / make), **shape(make)}
    made = CausalLM.create(symbols, CausalLMOptions.model_validate(options), 1)
    made.module.double().eval()
    with torch.no_grad():  # symbols of like pieces begin alike, and so would their scores
        table = made.module.get_input_embeddings().weight
        table += 0.05 * torch.randn(table.shape, generator=torch.Generator().manual_seed(1))
    return made


def alone(made: CausalLM, question: str, pieces: list[int]) -> Any:
    """The scores behind the last of some pieces, without a memory."""
    (row,) = made.rows([question])
    row = [*row, made.module.config.decoder_start_token_id, *pieces]
    with torch.no_grad():
        return made.module.eval()(input_ids=torch.tensor([row])).logits[0, -1]


@pytest.mark.parametrize("make", MAKES)
def test_every_make_learns_saves_and_loads(make: str, tmp_path: Path) -> None:
    MAKES[make](tmp_path / "from")
    rates = {"learning_rate": 5e-3, "head_learning_rate": 5e-3}
    options = {"model": str(tmp_path / "from"), "epochs": 3, "batch_tokens": 64, **shape(make), **rates}
    made = Recognizer.create("causal_lm", ["LOC", "PER"], options=options)
    losses = [row["loss"] for row in made.fit(CORPUS).curve]
    assert losses[-1] < losses[0]
    expected = made.predict(CORPUS)
    made.save(tmp_path / "model")
    (tmp_path / "from").rename(tmp_path / "gone")
    assert onoma.load(tmp_path / "model").predict(CORPUS) == expected
    from transformers import AutoModelForCausalLM

    again = AutoModelForCausalLM.from_pretrained(tmp_path / "model")
    module: Any = made.model.module
    for one, two in zip(module.parameters(), again.parameters(), strict=True):
        assert torch.equal(one, two)


@pytest.mark.parametrize("make", MAKES)
def test_rows_go_on_at_their_own_pace_behind_questions_read_once_as_if_they_were_alone(
    make: str, tmp_path: Path
) -> None:
    made = model(tmp_path, make)
    questions = [f"the of and the of and the of and {each}" for each in QUESTIONS]
    speaker = Speaker(made.module, made.rows(questions))
    assert speaker.read < sum(map(len, made.rows(questions)))
    held_to_each_row_alone(speaker, len(questions), lambda row, pieces: alone(made, questions[row], pieces), 5)


@pytest.mark.parametrize(
    ("make", "name"),
    [(make, name) for make in MAKES for name in GROUNDED if make == "llama" or name in {"word_tags", "type_queries"}],
)
def test_drafts_change_no_answer(make: str, name: str, tmp_path: Path) -> None:
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


@pytest.mark.parametrize("make", MAKES)
def test_greedy_is_the_best_piece_at_each_step_whatever_else_is_asked(make: str, tmp_path: Path) -> None:
    made = model(tmp_path, make)
    together = made.generate(QUESTIONS, 9, 1)
    end = made.module.config.eos_token_id
    for question, found in zip(QUESTIONS, together, strict=True):
        pieces: list[int] = []
        while len(pieces) < 9 and end not in pieces:
            pieces.append(int(alone(made, question, pieces).argmax()))
        assert found[: len(pieces)] == pieces


def test_only_answers_have_a_cost(tmp_path: Path) -> None:
    made = model(tmp_path, "llama", SYMBOLS)
    examples = made.examples([lambda _: "Ada left", lambda _: "Rome"], ["Ada(B-PER) left(O)", "Rome(B-LOC)"])
    batch = made.collate(examples)
    labels = batch.pop("labels")
    made.module.eval()
    whole = float(made.loss(made.module(**batch), labels).detach())
    apart = sum(
        -float(alone(made, question, list(each.answer[:place])).log_softmax(-1)[piece])
        for question, each in zip(["Ada left", "Rome"], examples, strict=True)
        for place, piece in enumerate(each.answer)
    )
    assert whole == pytest.approx(apart, rel=1e-6)
    assert int(made.weight(labels)) == sum(len(each.answer) for each in examples)


def test_a_new_model_starts_from_the_embeddings_of_an_encoder(tmp_path: Path) -> None:
    save_minilm(tmp_path / "encoder", positions=160)
    options = CausalLMOptions(model=str(tmp_path / "encoder"), architecture="qwen3", layers=1, positions=64)
    made = CausalLM.create((), options, 1)
    assert made.module.config.model_type == "qwen3"
    assert "model.embed_tokens.weight" not in made.new
    assert made.source_limit + made.answer_limit + 4 == 64
    from transformers import AutoModel

    source = AutoModel.from_pretrained(tmp_path / "encoder").get_input_embeddings().weight
    table = made.module.get_input_embeddings().weight
    assert torch.allclose(torch.corrcoef(torch.stack([source.flatten(), table.flatten()]))[0, 1], torch.tensor(1.0))
    other = CausalLM.create((), options.model_copy(update={"pretrained": False}), 1)
    assert "model.embed_tokens.weight" in other.new


@pytest.mark.parametrize("name", ["xml", "grouped_json", "offset_json"])
def test_a_sentence_of_blanks_alone_has_no_mention(name: str, tmp_path: Path) -> None:
    options = {"model": str(save_llama(tmp_path))}
    made = Recognizer.create("causal_lm", ["LOC", "PER"], options=options, encoding=name)
    blank, good = Document.from_words([["\xa0"]], id="blank"), Document.from_words([["Ada"]], id="good")
    assert made.predict([blank])[0].spans == made.predict([blank, good])[0].spans == ()
    assert [each.prediction.spans for each in made.alternatives([blank])[0]] in ([], [()])


def test_threads_answer_what_one_does(tmp_path: Path) -> None:
    made = Recognizer.create("causal_lm", ["LOC"], options={"model": str(save_llama(tmp_path))}, encoding="xml")
    texts = [" ".join(("Ada left Rome in May".split() * 3)[:size]) for size in range(1, 9)]
    alone = [made.predict([text]) for text in texts]
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        with ThreadPoolExecutor(4) as pool:
            assert list(pool.map(lambda text: made.predict([text]), texts)) == alone
    finally:
        sys.setswitchinterval(before)


def test_what_cannot_be_is_one_clear_line(tmp_path: Path) -> None:
    save_t5(tmp_path / "t5")
    with pytest.raises(ConfigError, match="is an encoder-decoder: the family seq2seq takes it"):
        CausalLM.create((), CausalLMOptions(model=str(tmp_path / "t5")), 1)
    save_llama(tmp_path / "llama")
    with pytest.raises(ConfigError, match="positions for 157 in all"):
        CausalLM.create((), CausalLMOptions(model=str(tmp_path / "llama"), source_pieces=100, answer_pieces=100), 1)


@pytest.mark.parametrize("make", MAKES)
def test_learning_takes_the_layer_that_scores_new_symbols_too(make: str, tmp_path: Path) -> None:
    made = model(tmp_path, make, SYMBOLS, negatives=6)
    assert made.head is made.module.get_output_embeddings()
    examples = made.examples([lambda _: "Ada left Rome"], ["Ada(B-PER) left(O)"])
    batch = made.collate(examples)
    labels = batch.pop("labels")
    some, whole = (made.loss(made.module.train(training)(**batch), labels).item() for training in (True, False))
    assert some < whole


def test_what_shapes_a_new_network_is_refused_where_there_is_one(tmp_path: Path) -> None:
    for option, value in {"architecture": "qwen3", "layers": 7, "positions": 99}.items():
        with pytest.raises(ConfigError, match=f"{option} = {value!r} means nothing to .*, which is a whole model"):
            Recognizer.create("causal_lm", ["LOC"], options={"model": str(save_llama(tmp_path)), option: value})


def test_rows_that_wait_before_anything_was_read(tmp_path: Path) -> None:
    """Two questions alike and a third that begins otherwise: absolute positions have no place below 0."""
    made = model(tmp_path, "gpt2")
    questions = ["Ada left Rome in May " * 4, "Ada left Rome in May " * 4, "Bob"]
    speaker = Speaker(made.module, made.rows(questions))
    held_to_each_row_alone(speaker, 3, lambda row, pieces: alone(made, questions[row], pieces), 5)


@pytest.mark.parametrize("make", ["llama", "gpt2"])
def test_symbols_that_were_pieces_before_are_those_of_a_saved_model(make: str, tmp_path: Path) -> None:
    """The weight of O goes by them."""
    made = model(tmp_path, make, encodings.get("tag_string", ["LOC"]).symbols)
    assert "O" in made.vocabulary.pieces and "O" not in made.vocabulary.added.values()
    made.save(tmp_path)
    again = CausalLM.load(tmp_path, encodings.get("tag_string", ["LOC", "PER"]).symbols, made.options)
    assert again.vocabulary.pieces == made.vocabulary.pieces


@pytest.mark.parametrize("kind", ["openai-gpt", "xlnet", "rwkv", "trocr", "xlstm"])
def test_a_network_that_cannot_go_on_from_what_it_has_read_is_refused(kind: str, tmp_path: Path) -> None:
    from transformers import AutoConfig

    save_minilm(tmp_path / "from")
    AutoConfig.for_model(kind).save_pretrained(tmp_path / "from")
    with pytest.raises(ConfigError, match=f"a {kind} cannot be used"):
        Recognizer.create("causal_lm", ["LOC"], options={"model": str(tmp_path / "from")})
