"""Any encoder of `transformers` does: every architecture, each with its own kind of tokenizer, does all we promise."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from models.tiny import BACKBONES, save_modernbert

from onoma.models.encoder_tagger import EncoderTagger, EncoderTaggerOptions
from onoma.models.encoder_tagger.backbone import load_tokenizer
from onoma.models.pretrained import positions
from onoma.schemes import SCHEMES

torch = pytest.importorskip("torch")

TAGS = SCHEMES["BIO"].tagset(["LOC", "PER"])
LOWERING = {"minilm", "electra"}
DOCUMENTS = [
    [["Ada", "Byron", "left", "London", "."], ["nobody", "met", "Bob"]],
    [["New", "York", "City", "and", "Rome"]],
    [["Bob", "saw", "Ada", "in", "May"], ["3", "of", "the", "3"]],
]
GOLD = [
    [["B-PER", "I-PER", "O", "B-LOC", "O"], ["O", "O", "B-PER"]],
    [["B-LOC", "I-LOC", "I-LOC", "O", "B-LOC"]],
    [["B-PER", "O", "B-PER", "O", "O"], ["O", "O", "O", "O"]],
]
ODD = ["\u200b", "\x01", "\ufeff", " ", "", "😀", "\ufffd", "\u0301", "<pad>", "[PAD]", "Ada"]
LONG = [["Ada", "left", "Rome", "."] * 30]


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return {name: save(tmp_path_factory.mktemp(name)) for name, save in BACKBONES.items()}


@pytest.fixture(params=sorted(BACKBONES))
def name(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def encoder(name: str, folders: dict[str, Path]) -> str:
    return str(folders[name])


def _create(encoder: str, **options: Any) -> EncoderTagger:
    given = {"overlap": 8, "window": 40, **options}
    return EncoderTagger.create(TAGS, EncoderTaggerOptions(encoder=encoder, **given), seed=1)


def _scores(tagger: EncoderTagger, documents: list[list[list[str]]]) -> list[list[float]]:
    """The scores of the chosen tags, a list a sentence: they show any change of an emission."""
    made = []
    for answer in (answer for answers in tagger.predict(documents) for answer in answers):
        assert answer.span_score is not None
        made.append([answer.span_score(at, at + 1) for at in range(len(answer.tags))])
    return made


def _cost(tagger: EncoderTagger) -> float:
    batch = tagger.collate(tagger.examples(DOCUMENTS, GOLD))
    labels = batch.pop("labels")
    tagger.module.eval()
    with torch.no_grad():
        return float(tagger.loss(tagger.module(**batch), labels) / tagger.weight(labels))


def _fit(tagger: EncoderTagger, folder: Path) -> None:
    from onoma.training.trainer import train

    train(tagger, tagger.examples(DOCUMENTS, GOLD), tagger.options, folder, seed=1)  # type: ignore[arg-type]


HEADS = {
    "plain": {},
    "everything": {"word_shape": True, "lstm": 8, "head": "crf", "context": 6, "layer_decay": 0.9},
}


@pytest.mark.parametrize("asked", sorted(HEADS))
def test_it_learns_and_is_saved(name: str, encoder: str, asked: str, tmp_path: Path) -> None:
    tagger = _create(encoder, **HEADS[asked], epochs=8, batch_tokens=48, learning_rate=1e-2, head_learning_rate=1e-2)
    before = _cost(tagger)
    _fit(tagger, tmp_path / "run")
    assert _cost(tagger) < 0.8 * before
    (tmp_path / "saved").mkdir()
    tagger.save(tmp_path / "saved")
    again = EncoderTagger.load(tmp_path / "saved", TAGS, tagger.options)
    assert again.pieces.of_words(ODD) == tagger.pieces.of_words(ODD)
    documents = [*DOCUMENTS, LONG, [ODD]]
    answers = [[answer.tags for answer in row] for row in tagger.predict(documents)]
    assert [[answer.tags for answer in row] for row in again.predict(documents)] == answers
    assert _scores(again, documents) == _scores(tagger, documents)


def test_shapes_are_on_where_capitals_are_lost(name: str, encoder: str) -> None:
    tagger = _create(encoder)
    assert tagger.options.word_shape is (name in LOWERING)
    assert (tagger.module.shapes is not None) is (name in LOWERING)


def test_shapes_that_say_nothing_change_nothing(encoder: str) -> None:
    """Embeddings given in place of piece ids take the same way: positions, projections, masks."""
    plain, shaped = _create(encoder, word_shape=False), _create(encoder, word_shape=True)
    batch = shaped.collate(shaped.examples(DOCUMENTS, GOLD))
    del batch["labels"]
    plain.module.eval(), shaped.module.eval()
    with torch.no_grad():
        given = shaped.module(**batch)
        expected = plain.module(**{name: value for name, value in batch.items() if name != "shapes"})
        torch.testing.assert_close(given, expected, rtol=1e-5, atol=1e-6)
        shaped.module.shapes.weight.normal_()
        assert not torch.allclose(shaped.module(**batch), expected, atol=1e-3)


@pytest.mark.parametrize("shaped", [False, True])
def test_padding_and_company_play_no_part(encoder: str, shaped: bool) -> None:
    tagger = _create(encoder, word_shape=shaped)
    assert tagger.pieces.pad == tagger.tokenizer.pad_token_id == tagger.module.hf.config.pad_token_id
    sentences = [["Ada"], ["New", "York", "City", "and", "Rome"], ["the", "Londonderry"] * 5]
    together = _scores(tagger, [[words] for words in sentences])
    alone = [_scores(tagger, [[words]])[0] for words in sentences]
    for one, other in zip(together, alone, strict=True):
        assert one == pytest.approx(other, abs=1e-5)


def test_another_pad_id_changes_nothing(encoder: str) -> None:
    tagger = _create(encoder)
    sentences = [[["Ada"]], [["New", "York", "City", "and", "Rome"]]]
    before = _scores(tagger, sentences)
    tagger.pieces.pad = 7
    for one, other in zip(_scores(tagger, sentences), before, strict=True):
        assert one == pytest.approx(other, abs=1e-5)


def test_long_sentences_are_merged_from_windows(encoder: str) -> None:
    tagger = _create(encoder)
    (block,) = tagger.pieces.blocks(LONG)
    assert len(block.windows) > 2
    batch = tagger._pad(block.windows)
    with torch.no_grad():
        tagger.module.eval()
        rows = tagger.module(**{name: torch.from_numpy(array) for name, array in batch.items()}).numpy()
    expected, weights = torch.zeros(len(LONG[0]), len(TAGS)), torch.zeros(len(LONG[0]), 1)
    for window, row in zip(block.windows, rows, strict=True):
        for at in range(window.start, window.end):
            left = at - window.start + 1 if window.cut_left else 10**6
            right = window.end - at if window.cut_right else 10**6
            weight = min(left, right, window.end - window.start)
            expected[at] += weight * torch.from_numpy(row[at - window.start])
            weights[at] += weight
    shares = torch.softmax(expected / weights, dim=-1).max(dim=-1).values
    (found,) = _scores(tagger, [LONG])
    assert found == pytest.approx(shares.tolist(), abs=1e-5)


def test_words_without_pieces_have_answers(encoder: str) -> None:
    tagger = _create(encoder)
    assert all(tagger.pieces.of_words(ODD))
    ((answer,),) = tagger.predict([[ODD]])
    assert len(answer.tags) == len(ODD)


def test_a_word_has_the_same_pieces_wherever_it_stands(encoder: str) -> None:
    tokenizer = load_tokenizer(encoder)
    one, other = (tokenizer(text, add_special_tokens=False)["input_ids"] for text in ("London", "Rome London"))
    assert other[-len(one) :] == one


def test_context_is_read(encoder: str) -> None:
    near, far = _create(encoder, context=0), _create(encoder, context=10)
    documents = [[["Ada", "left"], ["Rome"]]]
    others = [[["nobody", "saw"], ["Rome"]]]
    assert _scores(near, documents)[1] == pytest.approx(_scores(near, others)[1], abs=1e-6)
    assert _scores(far, documents)[1] != pytest.approx(_scores(far, others)[1], abs=1e-6)


def test_every_weight_of_the_encoder_has_a_depth(encoder: str) -> None:
    tagger = _create(encoder, word_shape=True, lstm=8, head="crf")
    layers = tagger.module.hf.config.num_hidden_layers
    own = {id(parameter) for parameter in tagger.module.hf.base_model.parameters()}
    depths = set()
    for parameter, value in tagger.module.named_parameters():
        depth = tagger.depth(parameter)
        assert (depth is not None) is (id(value) in own), parameter
        assert tagger.is_new(parameter) is (depth is None)
        if depth is not None:
            assert 0 <= depth <= layers
            assert f".{depth - 1}." in parameter or depth in (0, layers)
            depths.add(depth)
        if "embed" in parameter:
            assert depth == 0
    assert depths == set(range(layers + 1))


def test_all_positions_are_used(name: str, encoder: str) -> None:
    tagger = EncoderTagger.create(TAGS, EncoderTaggerOptions(encoder=encoder, overlap=0), seed=1)
    limit = 8192 if name == "modernbert" else 40
    assert positions(tagger.tokenizer, tagger.module.hf.config) == limit
    count = min(limit, 5000) - 2
    pieces = len(tagger.pieces.of_words(["London"])[0])
    document = [["London"] * (count // pieces)]
    (block,) = tagger.pieces.blocks(document)
    (window,) = block.windows
    assert len(window) == 2 + count // pieces * pieces
    assert len(tagger.predict([document])[0][0].tags) == len(document[0])


def test_dropout_reaches_the_head(encoder: str, tmp_path: Path) -> None:
    tagger = _create(encoder, dropout=0.35)
    tagger.save(tmp_path)
    for each in (tagger, EncoderTagger.load(tmp_path, TAGS, tagger.options)):
        inside = {id(part) for part in each.module.hf.base_model.modules()}
        outside = [
            part.p for part in each.module.modules() if "Dropout" in type(part).__name__ and id(part) not in inside
        ]
        assert outside and set(outside) == {0.35}


def test_a_head_learnt_with_the_encoder_is_kept(tmp_path: Path) -> None:
    """ModernBERT's masked-language model shares a dense layer and a norm with its token classifier."""
    first = _create(str(save_modernbert(tmp_path / "bare")))
    with torch.no_grad():
        first.module.hf.head.norm.weight.fill_(0.5)
    first.save(tmp_path / "bare")
    second = EncoderTagger.create(TAGS, EncoderTaggerOptions(encoder=str(tmp_path / "bare")), seed=2)
    assert torch.equal(second.module.hf.head.norm.weight, first.module.hf.head.norm.weight)
    assert torch.equal(second.module.hf.head.dense.weight, first.module.hf.head.dense.weight)
    assert not torch.equal(second.module.hf.classifier.weight, first.module.hf.classifier.weight)
