"""Encoder-decoders of several makes: what they start from, what they learn from, and what they write."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from families import CORPUS

import onoma
from onoma import Recognizer, encodings, models, progress
from onoma.exceptions import ConfigError, DataError, ModelError

pytest.importorskip("torch")

import torch
from models.tiny import save_bart, save_bert, save_deberta_v3, save_minilm, save_roberta, save_t5, save_t5gemma

from onoma.models.processor.encoder import FusedEncoder
from onoma.models.seq2seq import Seq2Seq
from onoma.models.seq2seq.options import Seq2SeqOptions
from onoma.models.text.embedding import Embedder
from onoma.models.text.network import held_against
from onoma.prompting.settings import PromptSettings

SYMBOLS = encodings.get("word_tags", ["LOC", "PER"]).symbols
MAKES: dict[str, Callable[[Path], Path]] = {
    "bert": lambda folder: save_bert(folder, positions=96),
    "minilm": lambda folder: save_minilm(folder, positions=96),
    "roberta": lambda folder: save_roberta(folder, positions=96),
    "t5": save_t5,
    "bart": save_bart,
}


def model(folder: Path, make: str = "minilm", **options: Any) -> Seq2Seq:
    MAKES[make](folder / make)
    return Seq2Seq.create(SYMBOLS, Seq2SeqOptions(model=str(folder / make), **options), 1)


@pytest.mark.parametrize("make", MAKES)
def test_every_make_learns_saves_and_loads(make: str, tmp_path: Path) -> None:
    MAKES[make](tmp_path / "from")
    options = {"model": str(tmp_path / "from"), "epochs": 3, "learning_rate": 5e-3, "batch_tokens": 64}
    made = Recognizer.create("seq2seq", ["LOC", "PER"], options=options)
    losses = [row["loss"] for row in made.fit(CORPUS).curve]
    assert losses[-1] < losses[0]
    expected = made.predict(CORPUS)
    made.save(tmp_path / "model")
    (tmp_path / "from").rename(tmp_path / "gone")
    assert onoma.load(tmp_path / "model").predict(CORPUS) == expected
    module: Any = made.model.module
    assert module.get_input_embeddings().num_embeddings >= len(made.model.vocabulary)
    from transformers import AutoModelForSeq2SeqLM

    again = AutoModelForSeq2SeqLM.from_pretrained(tmp_path / "model")
    for one, two in zip(module.parameters(), again.parameters(), strict=True):
        assert torch.equal(one, two)


@pytest.mark.parametrize("make", MAKES)
def test_going_back_to_the_best_epoch_says_nothing_of_weights_that_are_shared(
    make: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    MAKES[make](tmp_path / "from")
    options = {"model": str(tmp_path / "from"), "epochs": 1, "validation": "likelihood"}
    Recognizer.create("seq2seq", ["LOC", "PER"], options=options).fit(CORPUS[:4], CORPUS[:2])
    assert "missing keys" not in capfd.readouterr().err


def test_a_decoder_starts_from_the_layers_that_are_asked_for(tmp_path: Path) -> None:
    made = model(tmp_path, decoder_layers=1, decoder_start="upper")
    encoder, decoder = made.module.encoder.state_dict(), made.module.decoder.state_dict()
    inner = "attention.self.query.weight"
    upper, lower = encoder[f"encoder.layer.1.{inner}"], encoder[f"encoder.layer.0.{inner}"]
    assert torch.equal(decoder[f"bert.encoder.layer.0.{inner}"], upper)
    assert torch.equal(decoder["bert.encoder.layer.0.crossattention.self.query.weight"], upper)
    new = {name for name, _ in made.module.named_parameters() if made.is_new(name)}
    assert all(".crossattention." in name or ".predictions." in name for name in new) and new
    old = model(tmp_path / "two", decoder_layers=1).module.decoder.state_dict()
    assert torch.equal(old[f"bert.encoder.layer.0.{inner}"], lower)
    fresh = model(tmp_path / "three", decoder_layers=1, decoder_start="new")
    assert not torch.equal(fresh.module.decoder.state_dict()[f"bert.encoder.layer.0.{inner}"], lower)
    assert fresh.is_new(f"decoder.bert.encoder.layer.0.{inner}")
    assert not fresh.is_new("decoder.bert.embeddings.word_embeddings.weight")


@pytest.mark.parametrize("make", ["minilm", "t5"])
def test_without_pretrained_weights_all_is_new(make: str, tmp_path: Path) -> None:
    pretrained, drawn = model(tmp_path, make), model(tmp_path, make, pretrained=False)
    assert all(drawn.is_new(name) for name, _ in drawn.module.named_parameters())
    name, weights = next(iter(pretrained.module.named_parameters()))
    assert not torch.equal(weights, dict(drawn.module.named_parameters())[name])
    again = model(tmp_path, make, pretrained=False).module
    assert all(torch.equal(*pair) for pair in zip(drawn.module.parameters(), again.parameters(), strict=True))


def test_symbols_start_as_the_mean_of_their_pieces(tmp_path: Path) -> None:
    made = model(tmp_path)
    weights = made.module.encoder.get_input_embeddings().weight
    number, pieces = next(iter(made.vocabulary.made_of.items()))
    assert made.vocabulary.added[number] in SYMBOLS and len(pieces) > 1
    assert torch.allclose(weights[number], weights[pieces].mean(0))


def test_the_loss_is_the_mean_cost_of_a_piece_whatever_the_padding(tmp_path: Path) -> None:
    made = model(tmp_path)
    questions = ["Ada left Rome", "Bob"]
    answers = ["Ada(B-PER) left(O) Rome(B-LOC)", "Bob(B-PER)"]
    examples = made.examples([lambda _, each=each: each for each in questions], answers)
    made.module.eval()

    def cost(chosen: list[Any]) -> tuple[float, float]:
        batch = made.collate(chosen)
        labels = batch.pop("labels")
        with torch.no_grad():
            return float(made.loss(made.module(**batch), labels)), float(made.weight(labels))

    together, apart = cost(examples), [cost([each]) for each in examples]
    assert together[0] == pytest.approx(sum(each[0] for each in apart), rel=1e-5)
    assert together[1] == sum(each[1] for each in apart) == sum(len(each.answer) for each in examples)
    batch = made.collate(examples[:1])
    with torch.no_grad():
        logits = made.module(**{name: each for name, each in batch.items() if name != "labels"}).logits
    chances = logits.log_softmax(-1).gather(2, batch["labels"][:, :, None])
    assert apart[0][0] == pytest.approx(-float(chances.sum()), rel=1e-5)


@pytest.mark.parametrize("make", MAKES)
def test_learning_takes_the_scores_of_the_places_that_have_a_cost_alone(make: str, tmp_path: Path) -> None:
    made = model(tmp_path, make)
    questions = ["Ada left Rome", "Bob"]
    examples = made.examples([lambda _, each=each: each for each in questions], ["Ada(B-PER) left(O)", "Bob(B-PER)"])
    batch = made.collate(examples)
    labels = batch.pop("labels")
    found: list[Any] = []
    for training in (True, False):
        made.module.train(training)
        made.module.zero_grad()
        cost = made.loss(made.module(**batch), labels)
        cost.backward()
        held = {name: each.grad for name, each in made.module.named_parameters() if each.grad is not None}
        found.append((cost.item(), {name: each.clone() for name, each in held.items()}))
    assert found[0][0] == pytest.approx(found[1][0], rel=1e-5)
    assert found[0][1].keys() == found[1][1].keys()
    for name, gradient in found[0][1].items():
        assert torch.allclose(gradient, found[1][1][name], atol=1e-5), name


def test_learning_takes_the_scores_that_a_soft_cap_leaves(tmp_path: Path) -> None:
    """Scores must be large for it to show."""
    made = Seq2Seq.create((), Seq2SeqOptions(model=str(save_t5gemma(tmp_path))), 1)
    assert made.module.config.get_text_config(decoder=True).final_logit_softcapping
    with torch.no_grad():
        made.module.get_output_embeddings().weight *= 100
    batch = made.collate(made.examples([lambda _: "Ada left Rome"], ["Ada(B-PER) left(O)"]))
    labels = batch.pop("labels")
    costs = [made.loss(made.module.train(training)(**batch), labels).item() for training in (True, False)]
    assert costs[0] == pytest.approx(costs[1], rel=1e-5)


def test_negatives_make_the_cost_that_of_some_pieces(tmp_path: Path) -> None:
    states, wanted = torch.randn(5, 8), torch.tensor([3, 9, 3, 40, 7])
    head = torch.nn.Linear(8, 50)
    whole, _ = held_against(head, states, wanted, None)
    some, where = held_against(head, states, wanted, 6)
    assert 4 <= some.shape[1] <= 10
    assert torch.allclose(some.gather(1, where[:, None]), whole.gather(1, wanted[:, None]))
    every, where = held_against(head, states, wanted, 5000)
    assert torch.allclose(every, whole, atol=1e-6) and where.tolist() == wanted.tolist()
    made = model(tmp_path, negatives=8)
    examples = made.examples([lambda _: "Ada left"], ["Ada(B-PER) left(O)"])
    batch = made.collate(examples)
    labels = batch.pop("labels")
    made.module.train()
    few = made.loss(made.module(**batch), labels).item()
    made.module.eval()
    assert 0 < few < made.loss(made.module(**batch), labels).item()


def test_the_weight_of_o_is_that_of_its_symbol(tmp_path: Path) -> None:
    made = model(tmp_path, o_weight=0.25)
    examples = made.examples([lambda _: "Ada left"], ["Ada(B-PER) left(O)"])
    labels = made.collate(examples)["labels"]
    assert float(made.weight(labels)) == labels.shape[1] - 0.75


@pytest.mark.parametrize("make", ["minilm", "t5"])
def test_greedy_is_the_best_piece_at_each_step_whatever_else_is_asked(make: str, tmp_path: Path) -> None:
    made = model(tmp_path, make)
    made.module.double()
    questions, limits = ["Ada left Rome", "Bob", "of the of the May May nobody"], [9, 4, 12]
    answers = made.predict(questions, limits)
    for question, limit, answer in zip(questions, limits, answers, strict=True):
        assert made.predict([question], [limit]) == [answer]
        read = made.read([question])
        written = [made.module.config.decoder_start_token_id]
        while len(written) <= limit + 1:
            with torch.no_grad():
                logits = made.module(**read, decoder_input_ids=torch.tensor([written])).logits
            written.append(int(logits[0, -1].argmax()))
            if written[-1] == made.module.config.eos_token_id:
                break
        whole = written[-1] == made.module.config.eos_token_id
        pieces = written[1:-1] if whole else written[1 : limit + 1]
        assert answer[:2] == (made.vocabulary.text(pieces), whole)


@pytest.mark.parametrize("encoding", [name for name in encodings.names() if name not in {"tags", "code_classes"}])
def test_grounded_answers_have_no_problems_whatever_the_weights(encoding: str, tmp_path: Path) -> None:
    save_minilm(tmp_path / "from", positions=96)
    options = {"model": str(tmp_path / "from"), "decoding": "grounded"}
    made = Recognizer.create("seq2seq", ["LOC", "PER"], options=options, encoding=encoding)
    texts = ["Ada (O) left\u200b U.S. 日本 😀 .", "", "x " * 300, "(B-LOC) (O) \\ [UNK] [SEP]"]
    for prediction in made.predict(texts):
        # With random weights a list ends when there is no more room, and a text alone may stand for several places.
        assert {problem.kind for problem in prediction.problems} <= {"ambiguous", "truncated"}
        assert not prediction.problems or encoding not in {"word_tags", "tag_string"}
    made.save(tmp_path / "model")
    again = onoma.load(tmp_path / "model", decoding="free")
    assert again.model.options.decoding == "free" and again.predict(texts) != made.predict(texts)
    with pytest.raises(ConfigError, match="code_classes has no grammar"):
        Recognizer.create("seq2seq", ["LOC"], options=options, encoding="code_classes")


def test_dev_answers_by_likelihood_are_grounded_and_others_free(tmp_path: Path) -> None:
    save_minilm(tmp_path / "from", positions=96)
    options = {"model": str(tmp_path / "from"), "epochs": 2, "validation": "likelihood"}
    made = Recognizer.create("seq2seq", ["LOC", "PER"], options=options)
    asked: list[str] = []
    for name in ("choose", "predict"):
        method = getattr(made.model, name)
        setattr(made.model, name, lambda *given, method=method, name=name: asked.append(name) or method(*given))
    made.fit(CORPUS, CORPUS)
    made.predict(CORPUS)
    assert asked == ["choose"] * 3
    asked.clear()
    free = {**options, "validation": "generate", "decoding": "free", "epochs": 1}
    made = Recognizer.create("seq2seq", ["LOC", "PER"], options=free)
    method = made.model.predict
    made.model.predict = lambda *given: asked.append("predict") or method(*given)
    made.fit(CORPUS, CORPUS)
    made.predict(CORPUS)
    assert asked == ["predict"] * 2


@pytest.mark.parametrize("make", ["minilm", "t5"])
def test_dev_scores_are_those_of_the_weights_of_their_epoch(make: str, tmp_path: Path) -> None:
    """Each epoch's answers beside those of a model with the same weights that has never answered before."""
    MAKES[make](tmp_path / "from")
    options = {"model": str(tmp_path / "from"), "validation": "likelihood", "epochs": 4, "learning_rate": 5e-3}
    made = Recognizer.create("seq2seq", ["LOC", "PER"], options={**options, "batch_tokens": 64, "patience": 4})
    choose, kept = made.model.choose, list[list[float]]()

    def noted(questions: Any, automata: Any, drafts: Any) -> Any:
        answers = choose(questions, automata, drafts)
        fresh = Recognizer.create("seq2seq", ["LOC", "PER"], options=options).model
        fresh.module.load_state_dict(made.model.module.state_dict())
        expected = fresh.choose(questions, automata, drafts)
        assert [each.text for each in answers] == [each.text for each in expected]
        kept.append([chance for each in answers for _, chance in each.chances])
        assert kept[-1] == pytest.approx([chance for each in expected for _, chance in each.chances], rel=1e-4)
        return answers

    made.model.choose = noted
    made.fit(CORPUS, CORPUS)
    assert len(kept) == 4 and all(one != two for one, two in pairwise(kept))


def test_beams_find_what_greedy_misses(tmp_path: Path) -> None:
    greedy, beams = model(tmp_path), model(tmp_path, beams=4)
    for made in (greedy, beams):
        made.module.double()

    def score(made: Seq2Seq, question: str, answer: str) -> float:
        """Log-probability of a piece on average, the end included."""
        batch = made.collate(made.examples([lambda _: question], [answer]))
        labels = batch.pop("labels")
        with torch.no_grad():
            return -float(made.loss(made.module(**batch), labels)) / labels.shape[1]

    questions = ["Ada left Rome", "Bob saw nobody", "May", "of the City", "3 in New York", "London"]
    limits = [beams.answer_limit] * len(questions)
    found, one = beams.predict(questions, limits), greedy.predict(questions, limits)
    assert found == [beams.predict([each], limits[:1])[0] for each in questions]
    pairs = [
        (score(beams, question, many.text), score(greedy, question, few.text))
        for question, many, few in zip(questions, found, one, strict=True)
    ]
    assert any(many > few for many, few in pairs), pairs


def test_what_does_not_fit_is_cut_before_it_is_asked_and_told_where_it_cannot_be(tmp_path: Path) -> None:
    save_minilm(tmp_path / "from", positions=64)
    made = Recognizer.create("seq2seq", ["LOC"], options={"model": str(tmp_path / "from")}, encoding="brackets")
    long = onoma.Document.from_words([["Rome"] * 200, ["x" * 300]], id="long")
    prediction = made.predict([long])[0]
    exchanges = made.encoding.exchanges(long)
    assert max(made.model.vocabulary.size(each.source) for each in exchanges[:-1]) <= made.model.source_limit
    assert prediction.raw is not None and len(prediction.raw) == len(exchanges) > 4
    cut = [problem.within for problem in prediction.problems if problem.kind == "truncated"]
    windows = {each.characters(long) for each in exchanges}
    assert cut and len(set(cut)) == len(cut) and windows.issuperset(cut)
    with pytest.raises(ConfigError, match=r"the question takes \d+ of the \d+ pieces"):
        Recognizer.create(
            "seq2seq", ["LOC"], options={"model": str(tmp_path / "from")}, prompt={"template": "instruct"}
        )


def test_sentences_that_are_learnt_in_parts_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    monkeypatch.setattr(progress, "say", said.append)
    save_minilm(tmp_path / "from", positions=64)
    options = {"model": str(tmp_path / "from"), "epochs": 1}
    long = onoma.Document.from_words([["Rome"] * 200, ["Ada"], [], ["Bob"] * 90], id="long")
    for encoding in ("word_tags", "type_queries"):
        said.clear()
        Recognizer.create("seq2seq", ["LOC", "PER"], options=options, encoding=encoding).fit([*CORPUS, long])
        assert [line for line in said if "in parts" in line] == [
            "2 sentences do not fit beside question and answer: they are learnt in parts"
        ]
    said.clear()
    Recognizer.create("seq2seq", ["LOC", "PER"], options=options).fit(CORPUS)
    assert not [line for line in said if "in parts" in line]


def test_a_question_for_all_labels_at_once_may_be_too_long_where_none_is_asked_so(tmp_path: Path) -> None:
    save_minilm(tmp_path / "from", positions=64)
    labels = [f"{first}{second}" for first in "ABCDEFGH" for second in "STUV"]
    options = {"model": str(tmp_path / "from"), "symbols": False, "epochs": 1}
    made = Recognizer.create("seq2seq", labels, options=options, prompt={"template": layout(tmp_path)})
    document = onoma.Document.from_words([["Ada", "left"]]).with_spans([onoma.Span(0, 3, "AS")])
    few = replace(document, meta={"asked_labels": ["AS", "BT"]})
    made.fit([few])
    assert made.predict([few])[0].raw is not None
    message = r"the question takes \d+ of the \d+ pieces that the model reads.* ask for fewer labels at a time"
    with pytest.raises(ConfigError, match=message):
        made.fit([document])
    with pytest.raises(ConfigError, match=message):
        made.predict([document])
    for _ in range(2):  # what was found once too long is not remembered as good
        with pytest.raises(ConfigError, match=message):
            made.predict([replace(document, meta={"asked_labels": labels[1:]})])
    assert made.asking(["AS"]).predict([document])[0].raw is not None


def test_a_layout_that_the_vocabulary_loses_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    monkeypatch.setattr(progress, "say", said.append)
    save_t5(tmp_path / "t5")
    options = {"model": str(tmp_path / "t5"), "epochs": 1}
    Recognizer.create("seq2seq", ["LOC", "PER"], options=options, prompt={"template": "fields"}).fit(CORPUS)
    assert any("does not keep" in line and "'\\n'" in line for line in said)
    said.clear()
    Recognizer.create("seq2seq", ["LOC", "PER"], options=options).fit(CORPUS)
    assert not any("does not keep" in line for line in said)


@pytest.mark.parametrize("way", ["fixed", "random", "bm25", "embedding"])
def test_worked_examples_are_saved_with_the_model(way: str, tmp_path: Path) -> None:
    if way == "bm25":
        pytest.importorskip("bm25s")
    save_minilm(tmp_path / "from", positions=96)
    place = str(tmp_path / "from")
    prompt = {"template": "plain", "demonstrations": way, "retriever": place}
    made = Recognizer.create("seq2seq", ["LOC", "PER"], options={"model": place, "epochs": 1}, prompt=prompt)
    made.fit(CORPUS)
    expected = made.predict(CORPUS)
    made.save(tmp_path / "model")
    (tmp_path / "from").rename(tmp_path / "gone")
    again = onoma.load(tmp_path / "model")
    assert again.predict(CORPUS) == expected
    (tmp_path / "model" / "demonstrations.jsonl").write_text("{", encoding="utf-8")
    with pytest.raises(ModelError, match="missing or damaged"):
        onoma.load(tmp_path / "model")


def layout(folder: Path) -> str:
    """A short one that says which labels are asked for."""
    parts = {"head": "{labels} ", "kind": "{kind} ", "question": "{source}", "answer": " {answer}", "between": " "}
    place = folder / "layout.toml"
    place.write_text("".join(f'{key} = "{text}"\n' for key, text in parts.items()), encoding="utf-8")
    return str(place)


def test_a_model_that_reads_what_it_is_asked_for_can_be_asked_for_anything(tmp_path: Path) -> None:
    save_minilm(tmp_path / "from", positions=160)
    prompt = {"template": layout(tmp_path), "labels": "tags", "demonstrations": "fixed", "shots": 1}
    options = {"model": str(tmp_path / "from"), "epochs": 1, "symbols": False}
    made = Recognizer.create("seq2seq", ["LOC", "PER"], options=options, prompt=prompt)
    half = [onoma.Document(each.id, each.text, each.tokens, each.sentences, each.spans) for each in CORPUS[:4]]
    named = [
        onoma.Document(f"x{each.id}", each.text, each.tokens, each.sentences, (), {"asked_labels": ["FOOD", "LOC"]})
        for each in CORPUS[4:]
    ]
    questions: list[str] = []
    examples = made.model.examples
    made.model.examples = lambda asked, answers: questions.extend(each(0) for each in asked) or examples(asked, answers)
    made.fit(half + named)
    assert sum(question.startswith("LOC, PER ") for question in questions) == 4
    assert sum(question.startswith("FOOD, LOC ") for question in questions) == 4
    made.save(tmp_path / "model")
    for each in (made, onoma.load(tmp_path / "model")):
        other = each.asking(["CITY", "SOUL"])
        assert other.labels == onoma.LabelSet(["CITY", "SOUL"]) and each.labels == onoma.LabelSet(["LOC", "PER"])
        read: list[str] = []
        predict = each.model.predict

        def noted(asked: Any, limits: Any, read: Any = read, predict: Any = predict) -> Any:
            read.extend(asked)
            return predict(asked, limits)

        each.model.predict = noted
        for prediction in other.predict(CORPUS):
            assert {span.label for span in prediction.spans} <= {"CITY", "SOUL"}
        assert all(question.startswith("CITY, SOUL ") for question in read)
    wrong = onoma.Document("w", "Ada", meta={"asked_labels": "PER"})
    with pytest.raises(DataError, match="'asked_labels' in its meta is no list of names"):
        made.predict([wrong])
    with pytest.raises(ConfigError, match="feature_crf cannot be asked for other labels"):
        Recognizer.create("feature_crf", ["PER"]).asking(["LOC"])


@pytest.mark.parametrize(
    ("options", "asked", "message"),
    [
        ({"decoder_layers": 9}, {}, "the encoder has 2"),
        ({"model": "nowhere"}, {}, "nowhere: there is no such model folder, nor can it be had from the hub"),
        ({"model": "./nowhere"}, {}, "nowhere: there is no such model folder$"),
        ({}, {"encoding": "tags"}, "tags is no encoding as text"),
        ({}, {"encoding": "haiku"}, "one of tags, word_tags"),
        ({}, {"encoding_options": {"align": "magic"}}, "align 'magic' is unknown"),
        ({}, {"encoding_options": {"max_words": "few"}}, "'max_words' of the encoding word_tags is 'few', not a whole"),
        (
            {},
            {"encoding_options": {"alain": "lcs"}},
            "the encoding word_tags has no option 'alain': it has scheme",
        ),
        ({}, {"encoding": "xml", "scheme": "BIOES"}, "scheme"),
        ({}, {"prompt": {"shots": 0}}, "prompt: shots"),
        ({}, {"prompt": {"template": "haiku"}}, "one of plain"),
        ({}, {"prompt": {"template": "instruct", "corpus": "conll2oo3"}}, "did you mean 'conll2003'"),
        ({"o_weight": 0.5, "symbols": False}, {}, "o_weight has nothing to weigh"),
        ({"layer_decay": 0.9}, {}, "layer_decay has no one order"),
        ({"drafter": "nowhere"}, {}, "nowhere"),
    ],
)
def test_what_cannot_be_is_one_clear_line(
    options: dict[str, Any], asked: dict[str, Any], message: str, tmp_path: Path
) -> None:
    save_minilm(tmp_path / "from", positions=96)
    with pytest.raises((ConfigError, ModelError), match=message):
        Recognizer.create("seq2seq", ["LOC"], options={"model": str(tmp_path / "from"), **options}, **asked)


@pytest.mark.parametrize(("option", "value"), [("decoder_layers", 7), ("decoder_start", "new")])
def test_what_shapes_a_new_decoder_is_refused_where_there_is_one(option: str, value: object, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=f"{option} = {value!r} means nothing to .*, which is a whole model"):
        Recognizer.create("seq2seq", ["LOC"], options={"model": str(save_t5(tmp_path)), option: value})


def test_negatives_are_refused_where_all_scores_are_needed(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="negatives cannot be drawn"):
        Recognizer.create("seq2seq", ["LOC"], options={"model": str(save_bart(tmp_path)), "negatives": 8})


def test_relative_folders_are_found_from_where_they_are_named(tmp_path: Path) -> None:
    (tmp_path / "crf").mkdir()
    options = models.options("seq2seq", {"model": "elsewhere/t5", "drafter": "crf"}).located(tmp_path)
    assert (options.model, options.drafter) == ("elsewhere/t5", str(tmp_path / "crf"))
    (tmp_path / "fields").mkdir()
    assert PromptSettings(template="fields").located(tmp_path).template == "fields"


@pytest.mark.parametrize("name", ["word_tags", "tag_string"])
def test_tags_that_are_spelt_out_have_room(name: str, tmp_path: Path) -> None:
    save_minilm(tmp_path / "from", positions=96)
    options = {"model": str(tmp_path / "from"), "symbols": False}
    made = Recognizer.create("seq2seq", ["LOC", "PER"], options=options, encoding=name)
    document = onoma.Document.from_words([["Ada", "left", "Rome", ",", "saw", "Bob"] * 8])
    asker, size = made._joint.asker, made.model.vocabulary.size
    exchanges = made.encoding.encode(document).exchanges
    assert len(exchanges) > 1
    for exchange in exchanges:
        assert size(exchange.completion) <= asker.limit(exchange.source) <= made.model.answer_limit
    assert len(made.model.examples([lambda _: ""] * len(exchanges), [each.completion for each in exchanges])) > 1
    assert not [each for each in made.predict([document])[0].problems if each.kind == "truncated"]


def test_a_model_asked_for_other_labels_answers_the_same_once_it_is_loaded(tmp_path: Path) -> None:
    options = {"model": str(save_folder(tmp_path)), "symbols": False}
    made = Recognizer.create("seq2seq", ["LOC", "PER"], options=options, prompt={"template": layout(tmp_path)})
    asked = made.asking(["DISH", "PER"])
    asked.save(tmp_path / "model")
    assert onoma.load(tmp_path / "model").predict(CORPUS) == asked.predict(CORPUS)
    for labels in ([], [" "]):
        with pytest.raises(ConfigError, match="asking for no label"):
            made.asking(labels)
    assert made.asking("PER").labels == onoma.LabelSet(["PER"])


@pytest.mark.parametrize(
    ("options", "asked", "message"),
    [
        ({"symbols": False}, {}, "the template 'plain' does not say which labels are asked for"),
        ({}, {"prompt": True}, "signs of their own: train with symbols = false"),
        ({}, {"prompt": True, "encoding": "xml"}, "train with symbols = false"),
    ],
)
def test_a_model_is_not_asked_for_what_it_cannot_read_or_write(
    options: dict[str, Any], asked: dict[str, Any], message: str, tmp_path: Path
) -> None:
    place = str(save_folder(tmp_path))
    if "prompt" in asked:
        asked = {**asked, "prompt": {"template": layout(tmp_path)}}
    made = Recognizer.create("seq2seq", ["LOC", "PER"], options={"model": place, **options}, **asked)
    with pytest.raises(ConfigError, match=f"asking for 'DISH': .*{message}"):
        made.asking(["PER", "DISH"])
    assert made.asking(["PER"]).labels == onoma.LabelSet(["PER"])


@pytest.mark.parametrize("encoding", ["type_queries", "markers"])
def test_an_encoding_that_asks_label_by_label_says_which(encoding: str, tmp_path: Path) -> None:
    options = {"model": str(save_folder(tmp_path))}
    made = Recognizer.create("seq2seq", ["LOC", "PER"], options=options, encoding=encoding)
    assert made.asking(["DISH"]).labels == onoma.LabelSet(["DISH"])


def test_asked_for_its_own_labels_a_model_with_worked_examples_answers_the_same(tmp_path: Path) -> None:
    save_minilm(tmp_path / "from", positions=120)
    prompt = {"demonstrations": "random", "shots": 4}
    options = {"model": str(tmp_path / "from"), "epochs": 1}
    made = Recognizer.create("seq2seq", ["LOC", "PER"], options=options, encoding="brackets", prompt=prompt)
    made.fit(CORPUS)
    document = onoma.Document.from_words([["Ada", "left", "Rome", ",", "saw", "Bob"] * 4])
    assert made.asking(["LOC", "PER"]).predict([document]) == made.predict([document])


def test_any_encoder_finds_worked_examples(tmp_path: Path) -> None:
    save_bert(tmp_path / "short", positions=20)
    for folder in (save_t5(tmp_path / "t5"), tmp_path / "short"):
        vectors = Embedder(str(folder))(["Ada left Rome", "Ada " * 60])
        assert vectors.shape == (2, 32) and np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


def test_readings_tell_what_was_cut_off(tmp_path: Path) -> None:
    save_minilm(tmp_path / "from", positions=96)
    options = {"model": str(tmp_path / "from"), "source_pieces": 16}
    made = Recognizer.create("seq2seq", ["LOC"], options=options)
    (prediction,) = made.predict(["abcdefghijklmnopqrstuvwxyz"])
    (readings,) = made.alternatives(["abcdefghijklmnopqrstuvwxyz"], 2)
    told = [problem for problem in prediction.problems if problem.kind == "truncated"]
    assert told and all(told == list(each.prediction.problems) for each in readings)


def test_encoders_without_a_decoder_are_refused_and_taggers_take_no_prompt(tmp_path: Path) -> None:
    save_deberta_v3(tmp_path / "from")
    with pytest.raises((ConfigError, ModelError), match=r"decoder|cannot be loaded"):
        Recognizer.create("seq2seq", ["LOC"], options={"model": str(tmp_path / "from")})
    for asked in ({"prompt": {"template": "fields"}}, {"encoding": "xml"}, {"encoding_options": {"align": "lcs"}}):
        with pytest.raises(ConfigError, match="means nothing to feature_crf, which answers with tags"):
            Recognizer.create("feature_crf", ["LOC"], **asked)  # type: ignore[arg-type]


def test_a_damaged_folder_is_one_clear_line(tmp_path: Path) -> None:
    made = Recognizer.create("seq2seq", ["LOC"], options={"model": str(save_folder(tmp_path))})
    made.save(tmp_path / "model")
    weights = tmp_path / "model" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:100])
    with pytest.raises(ModelError, match="missing or damaged"):
        onoma.load(tmp_path / "model")


def save_folder(folder: Path) -> Path:
    save_minilm(folder / "from", positions=96)
    return folder / "from"


@pytest.mark.parametrize("encoding", ["word_tags", "brackets", "occurrence_json"])
def test_scores_are_probabilities_of_what_was_chosen(encoding: str, tmp_path: Path) -> None:
    save_minilm(tmp_path / "from", positions=96)
    options = {"model": str(tmp_path / "from"), "decoding": "grounded+draft"}
    made = Recognizer.create("seq2seq", ["LOC", "PER"], options=options, encoding=encoding)
    with torch.no_grad():  # weights that find something in every second text
        for weights in made.model.module.parameters():
            weights += 1.0 * torch.randn(weights.shape, generator=torch.Generator().manual_seed(4))
    found = made.predict(CORPUS)
    scores = [span.score for each in found for span in each.spans]
    assert scores and all(score is not None and 0 < score <= 1 for score in scores)
    assert {problem.kind for each in found for problem in each.problems} <= {"truncated"}
    made.save(tmp_path / "model")
    assert "probability" in (tmp_path / "model" / "onoma.json").read_text(encoding="utf-8")
    plain = onoma.load(tmp_path / "model", decoding="grounded").predict(CORPUS)
    assert [each.spans for each in plain] == [each.spans for each in found]
    beams = onoma.load(tmp_path / "model", beams=3).predict(CORPUS)
    assert {problem.kind for each in beams for problem in each.problems} <= {"truncated"}
    free = onoma.load(tmp_path / "model", decoding="free").predict(CORPUS)
    assert all(span.score is None for each in free for span in each.spans)


@pytest.mark.parametrize("encoding", ["word_tags", "entity_pairs"])
def test_readings_of_a_text_come_with_their_probabilities(encoding: str, tmp_path: Path) -> None:
    save_minilm(tmp_path / "from", positions=96)
    options = {"model": str(tmp_path / "from"), "beams": 3}
    made = Recognizer.create("seq2seq", ["LOC", "PER"], options=options, encoding=encoding)
    texts = ["Ada left Rome.", "Ada " * 60]
    best = made.predict(texts)
    for number, readings in enumerate(made.alternatives(texts, 3)):
        chances = [each.chance for each in readings]
        assert 1 <= len(readings) <= 3
        assert chances == sorted(chances, reverse=True) and 0 < sum(chances) <= 1 + 1e-9
        spans = [[(s.start, s.end, s.label) for s in each.prediction.spans] for each in readings]
        assert spans[0] == [(s.start, s.end, s.label) for s in best[number].spans]
        assert all(span.score is not None for each in readings for span in each.prediction.spans)
        assert len({each.prediction.raw for each in readings}) == len(readings)
    # All answers that a grammar allows have probabilities that add up to 1: two tags and the legal third.
    if encoding == "word_tags":
        everything = made.alternatives(["Ada"], 50)[0]
        assert len(everything) == 3 and sum(each.chance for each in everything) == pytest.approx(1)
    assert made.effort is not None and made.effort["decisions"] > 0
    crf = Recognizer.create("feature_crf", ["LOC", "PER"])
    with pytest.raises(ConfigError, match="feature_crf gives one reading only"):
        crf.alternatives(texts)
    assert crf.effort is None


@pytest.mark.parametrize("encoding", ["word_tags", "brackets", "grouped_json"])
def test_a_drafter_saves_passes_and_changes_no_answer(encoding: str, tmp_path: Path) -> None:
    save_minilm(tmp_path / "from", positions=96)
    made = Recognizer.create("seq2seq", ["LOC", "PER"], options={"model": str(tmp_path / "from")}, encoding=encoding)
    with torch.no_grad():
        for weights in made.model.module.double().parameters():
            weights += torch.randn(weights.shape, generator=torch.Generator().manual_seed(4), dtype=torch.float64)
    blank = [document.with_spans(()) for document in CORPUS]
    answers = made.predict(blank)
    crf = Recognizer.create("feature_crf", ["LOC", "PER", "OTHER"])
    crf.fit(CORPUS)
    crf.save(tmp_path / "crf")
    passes: list[int] = []
    choose = made.model.choose

    def counted(*given: Any) -> Any:
        found = choose(*given)
        passes.append(sum(each.counts.passes for each in found if each.counts))
        return found

    made.model.choose = counted
    for drafter in (None, str(tmp_path / "crf")):
        made.model.options = made.model.options.model_copy(update={"drafter": drafter})
        assert [each.spans for each in made.predict(blank)] == [each.spans for each in answers]
    made._joint._drafter = SimpleNamespace(draft=lambda _: [each.spans for each in answers])  # one that is always right
    assert [each.spans for each in made.predict(blank)] == [each.spans for each in answers]
    assert passes[2] == sum(len(made.encoding.exchanges(document)) for document in blank) <= passes[0]


def test_a_model_with_a_drafter_moves_and_does_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    save_minilm(tmp_path / "from", positions=96)
    crf = Recognizer.create("feature_crf", ["LOC", "PER"])
    crf.fit(CORPUS)
    crf.save("crf")
    made = Recognizer.create("seq2seq", ["LOC", "PER"], options={"model": "from", "drafter": "crf"})
    made.save("model")
    answers = made.predict(CORPUS)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "model").rename(tmp_path / "elsewhere" / "model")
    monkeypatch.chdir(tmp_path / "elsewhere")
    there = onoma.load("model")
    assert there.model.options.drafter == str(tmp_path / "crf") and there.predict(CORPUS) == answers
    assert there._joint._drafter is not None
    (tmp_path / "crf").rename(tmp_path / "gone")
    said: list[str] = []
    monkeypatch.setattr(progress, "say", said.append)
    again = onoma.load("model")
    for _ in range(2):
        assert again.predict(CORPUS) == answers
    assert said == [f"the drafter {tmp_path / 'crf'} is gone: the same is answered without it, but slower"]
    with pytest.raises(ModelError, match="drafter = 'nowhere': there is no such folder"):
        onoma.load("model", drafter="nowhere")


@pytest.mark.parametrize(
    ("options", "encoding", "held"),
    [
        ({}, "word_tags", True),
        ({}, "code_classes", False),
        ({"decoding": "free"}, "word_tags", False),
        ({"validation": "generate"}, "word_tags", False),
        ({"decoding": "free", "validation": "likelihood"}, "word_tags", True),
    ],
)
def test_dev_answers_are_made_as_the_trained_model_answers(
    options: dict[str, Any], encoding: str, held: bool, tmp_path: Path
) -> None:
    save_minilm(tmp_path / "from", positions=96)
    given = {"model": str(tmp_path / "from"), "epochs": 1, **options}
    made = Recognizer.create("seq2seq", ["LOC", "PER"], options=given, encoding=encoding)
    before, seen = made._joint.decoding, []
    predict = made.predict
    made.predict = lambda documents: seen.append(made._joint.decoding) or predict(documents)  # type: ignore[method-assign]
    made.fit(CORPUS, CORPUS[:2])
    assert seen == ["grounded+draft" if held else "free"] and made._joint.decoding == before


@pytest.mark.parametrize("make", MAKES)
def test_an_encoder_laid_out_for_the_processor_reads_the_same(make: str, tmp_path: Path) -> None:
    made = model(tmp_path, make)
    made.module.eval()
    texts = ["Ada left Rome", "Bob", "of the of the May May nobody"]
    encoder, read = made.module.get_encoder(), made._laid_out().read
    assert made._laid_out().read is read
    with torch.inference_mode():
        for some in (texts, texts[:1]):
            batch = made.read(some)
            seen = batch["attention_mask"].bool()
            mask = None if seen.all() else batch["attention_mask"]
            theirs = encoder(input_ids=batch["input_ids"], attention_mask=mask).last_hidden_state
            assert torch.allclose(theirs[seen], read(batch["input_ids"], mask)[seen], atol=1e-4)
    assert isinstance(getattr(read, "__self__", None), FusedEncoder) == (make in {"bert", "minilm", "roberta"})
    with torch.no_grad():
        next(encoder.parameters()).mul_(2.0)  # as training does
    assert made._laid_out().read is not read
