"""Domain-adaptive pre-training: nothing is lost or mixed on the way to the masks, and what comes out is an encoder."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from models.tiny import WORDS, save_bert, save_roberta

from onoma.adaptation import AdaptationSettings, adapt
from onoma.adaptation.blocks import IGNORE, Block, Masker, Packer
from onoma.adaptation.texts import hold_out, plain
from onoma.datasets.files import Source
from onoma.exceptions import ConfigError, DataError, ModelError

pytest.importorskip("torch")

TEXTS = [f"{one} {other} left London . nobody saw the City" for one in WORDS[:5] for other in WORDS[5:13]]


@pytest.fixture(scope="session")
def bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_bert(tmp_path_factory.mktemp("encoders") / "bert")


@pytest.fixture(scope="session")
def roberta(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_roberta(tmp_path_factory.mktemp("encoders") / "roberta")


def asked(encoder: Path, **changes: Any) -> AdaptationSettings:
    usual = {"epochs": 2, "held_out": 0.2, "learning_rate": 3e-3, "head_learning_rate": 3e-3, "batch_tokens": 64}
    return AdaptationSettings(encoder=str(encoder), **{**usual, **changes})


def packer(folder: Path, window: int) -> Packer:
    from onoma.models.encoder_tagger.backbone import load_tokenizer

    return Packer(load_tokenizer(str(folder)), window)


# ---------------------------------------------------------------------- texts


def test_documents_are_lines_or_what_blank_lines_separate() -> None:
    assert plain(Source.of("a\nb\n\n")) == ["a", "b"]
    assert plain(Source.of("\na\nb\n \n\nc\n")) == ["a\nb", "c"]
    assert plain(Source.of("\n\n")) == []


@given(texts=st.lists(st.text(max_size=4), min_size=2, max_size=40), share=st.sampled_from([0.0, 0.05, 0.3, 0.5]))
def test_no_text_is_both_learnt_and_held_out_and_none_is_lost(texts: list[str], share: float) -> None:
    if share and len(set(texts)) < 2:
        with pytest.raises(DataError, match="held out"):
            hold_out(texts, share)
        return
    learnt, held = hold_out(texts, share)
    assert not set(learnt) & set(held) and sorted(learnt + held) == sorted(texts)
    assert learnt and bool(held) == (share > 0)
    assert [set(part) for part in hold_out(texts[::-1], share)] == [set(learnt), set(held)]


def test_more_text_moves_no_document_out_of_the_held_out_ones() -> None:
    texts = [str(number) for number in range(4000)]
    few, many = hold_out(texts[:2000], 0.05)[1], hold_out(texts, 0.05)[1]
    assert many[: len(few)] == few
    assert 0.03 < len(many) / len(texts) < 0.07


# ---------------------------------------------------------------------- blocks

LINE = st.lists(
    st.sampled_from(["Ada", "unseen", "é", ",", "[MASK]", "</s>", "x" * 30, "漢字" * 9, "\u200b"]), max_size=9
)
TEXT = st.lists(LINE.map(" ".join), min_size=1, max_size=3).map("\n".join)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(texts=st.lists(TEXT, max_size=4), window=st.integers(5, 40), which=st.booleans())
def test_blocks_tile_every_document(bert: Path, roberta: Path, texts: list[str], window: int, which: bool) -> None:
    made = packer(bert if which else roberta, window)
    blocks = made.blocks(texts)
    assert [block.number for block in blocks] == list(range(len(blocks)))
    options = {"add_special_tokens": False, "split_special_tokens": True}
    left = iter(blocks)
    for text in texts:
        pieces = [piece for line in text.split("\n") for piece in made.tokenizer(line, **options)["input_ids"]]
        at = 0
        while at < len(pieces):
            block = next(left)
            assert 0 < len(block.ids) <= made.size
            assert block.ids.tolist() == pieces[at : at + len(block.ids)]
            known = block.words[block.words >= 0]
            assert (np.diff(known) >= 0).all() and (np.diff(known) <= 1).all() and known[:1].sum() == 0
            assert (np.isin(block.ids, made.special) == (block.words < 0)).all()
            at += len(block.ids)
        assert at == len(pieces)
    assert next(left, None) is None


def test_a_word_is_cut_only_where_it_is_longer_than_ten_pieces_or_a_block(bert: Path) -> None:
    assert [block.words.tolist() for block in packer(bert, 40).blocks(["Ada " + "x" * 23])] == [
        [0] + [1] * 10 + [2] * 10 + [3] * 3
    ]
    blocks = packer(bert, 8).blocks(["Ada xxxxx left xx xxx", "Ada"])
    assert [block.words.tolist() for block in blocks] == [[0, 1, 1, 1, 1, 1], [0, 1, 1, 2, 2, 2], [0]]


# ---------------------------------------------------------------------- masks

MASK = 4


def block(sizes: list[int], number: int = 0) -> Block:
    words = np.repeat(np.arange(len(sizes), dtype=np.int32), sizes)
    return Block(number, np.arange(100, 100 + len(words), dtype=np.int32), words)


@given(sizes=st.lists(st.integers(1, 4), min_size=1, max_size=30), key=st.tuples(st.integers(0, 9), st.integers(0, 9)))
def test_whole_words_are_masked_alike_and_always_so(sizes: list[int], key: tuple[int, int]) -> None:
    masker = Masker(MASK, np.arange(50, 60, dtype=np.int32), 0.15)
    some = block(sizes)
    ids, labels = masker(some, *key)
    again = masker(some, *key)
    assert (again[0] == ids).all() and (again[1] == labels).all()
    chosen = labels != IGNORE
    assert (labels[chosen] == some.ids[chosen]).all() and (ids[~chosen] == some.ids[~chosen]).all()
    count = 0
    for word in range(len(sizes)):
        here = some.words == word
        assert chosen[here].all() or not chosen[here].any()
        count += bool(chosen[here].all())
        if chosen[here].any():
            kinds = {"mask" if each == MASK else "drawn" if each < 60 else "kept" for each in ids[here]}
            assert len(kinds) == 1
    assert max(1, math.floor(0.15 * len(sizes))) <= count <= max(1, math.ceil(0.15 * len(sizes)))


def test_shares_are_15_percent_of_words_of_which_80_10_10() -> None:
    masker = Masker(MASK, np.arange(50, 60, dtype=np.int32), 0.15)
    sizes = [1, 2, 3] * 9
    made = [(ids, labels) for number in range(3000) for ids, labels in [masker(block(sizes, number), 1, 0)]]
    ids, labels = (np.stack(each) for each in zip(*made, strict=True))
    chosen = labels != IGNORE
    assert chosen.mean() == pytest.approx(0.15, abs=0.005)
    assert (ids[chosen] == MASK).mean() == pytest.approx(0.8, abs=0.02)
    assert ((ids[chosen] >= 50) & (ids[chosen] < 60)).mean() == pytest.approx(0.1, abs=0.02)
    assert not (masker(block(sizes, 0), 1, 0)[1] == masker(block(sizes, 0), 1, 1)[1]).all()
    assert not (masker(block(sizes, 0), 1, 0)[1] == masker(block(sizes, 0), 2, 0)[1]).all()


def test_what_is_no_word_is_never_asked_for() -> None:
    masker = Masker(MASK, np.arange(50, 60, dtype=np.int32), 0.9)
    some = Block(0, np.arange(6, dtype=np.int32), np.asarray([-1, 0, 0, -1, 1, -1], dtype=np.int32))
    for key in range(50):
        ids, labels = masker(some, key)
        assert (labels[[0, 3, 5]] == IGNORE).all() and (ids[[0, 3, 5]] == some.ids[[0, 3, 5]]).all()
    none = Block(0, np.arange(2, dtype=np.int32), np.full(2, -1, dtype=np.int32))
    assert (masker(none, 0)[1] == IGNORE).all()


# ---------------------------------------------------------------------- the model


@pytest.mark.parametrize("kind", ["Bert", "Roberta", "DistilBert", "Electra", "Albert", "DebertaV2", "ModernBert"])
def test_the_loss_is_the_one_of_all_places_asked_at_once(kind: str, bert: Path, tmp_path: Path) -> None:
    import torch
    import transformers

    from onoma.adaptation.model import MaskedModel

    tokenizer = transformers.AutoTokenizer.from_pretrained(bert)
    sizes = {"vocab_size": len(tokenizer), "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2}
    sizes |= {"intermediate_size": 16, "max_position_embeddings": 40, "pad_token_id": 0}
    more = {
        "Albert": {"embedding_size": 8},
        "DistilBert": {"dim": 16, "n_layers": 2, "n_heads": 2, "hidden_dim": 16},
        "ModernBert": {"attn_implementation": "eager", "global_attn_every_n_layers": 1},
    }
    if kind == "DistilBert":
        sizes = {name: sizes[name] for name in ("vocab_size", "max_position_embeddings", "pad_token_id")}
    torch.manual_seed(0)
    config = getattr(transformers, f"{kind}Config")(**{**sizes, **more.get(kind, {})})
    plain_model = getattr(transformers, f"{kind}ForMaskedLM")(config).eval()
    plain_model.save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    model = MaskedModel.load(str(tmp_path), asked(tmp_path))
    assert not model.new
    batch = model.collate(model.packer.blocks(TEXTS[:5]))
    labels = batch.pop("labels")
    with torch.inference_mode():
        model.module.eval()
        found = model.loss(model.module(**batch), labels) / model.weight(labels)
        del batch["masked"]
        logits = plain_model(**batch).logits
    wanted = torch.nn.functional.cross_entropy(logits.flatten(0, 1), labels.flatten(), ignore_index=IGNORE)
    assert float(found) == pytest.approx(float(wanted), rel=1e-5)


def test_masks_change_by_epoch_and_held_out_ones_do_not(bert: Path) -> None:
    from onoma.adaptation.model import MaskedModel

    model = MaskedModel.load(str(bert), asked(bert))
    blocks = model.packer.blocks(TEXTS)
    first, loss = model.collate(blocks)["input_ids"], model.held_out_loss(blocks)
    model.begin_epoch(1)
    assert (model.collate(blocks)["input_ids"] != first).any()
    assert model.held_out_loss(blocks) == loss
    model.begin_epoch(0)
    assert (model.collate(blocks)["input_ids"] == first).all()


# ---------------------------------------------------------------------- a run


@pytest.mark.parametrize("kind", ["bert", "roberta"])
def test_what_comes_out_is_an_encoder_and_can_be_adapted_again(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    import torch
    from transformers import AutoModelForMaskedLM

    from onoma.models.encoder_tagger.backbone import load_backbone

    encoder = request.getfixturevalue(kind)
    adapted, fitted = adapt(TEXTS, tmp_path / "one", asked(encoder, epochs=3))
    assert adapted.before is not None and adapted.after is not None
    assert adapted.head == "new" and adapted.after.loss < adapted.before.loss
    assert adapted.after.perplexity == pytest.approx(math.exp(adapted.after.loss))
    assert [row["held_out_loss"] > 0 for row in adapted.curve] == [True] * len(adapted.curve)
    assert min(row["held_out_loss"] for row in adapted.curve) == pytest.approx(adapted.after.loss, rel=1e-5)
    assert fitted.epochs == adapted.epochs == 3
    names = {each.name for each in (tmp_path / "one").iterdir()}
    assert names == set(adapted.files) and {"adapt.json", "config.json", "model.safetensors"} <= names
    assert json.loads((tmp_path / "one" / "adapt.json").read_text()) == adapted.model_dump(mode="json")

    _, tagger = load_backbone(str(tmp_path / "one"), ("O", "B-X"), None, 1)  # raises where encoder weights are missing
    _, untouched = load_backbone(str(encoder), ("O", "B-X"), None, 1)
    whole = AutoModelForMaskedLM.from_pretrained(tmp_path / "one")
    words = tagger.get_input_embeddings().weight
    assert torch.equal(words, whole.get_input_embeddings().weight)
    assert not torch.equal(words, untouched.get_input_embeddings().weight)
    assert whole.get_output_embeddings().weight is whole.get_input_embeddings().weight

    again, _ = adapt(TEXTS, tmp_path / "two", asked(tmp_path / "one", epochs=1))
    assert again.head == "kept" and again.before == adapted.after


def test_the_same_run_writes_the_same_bytes_and_a_killed_one_goes_on(
    bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from onoma.adaptation.model import MaskedModel

    one = adapt(TEXTS, tmp_path / "one", asked(bert, epochs=3))[0]
    seen: list[int] = []
    begin = MaskedModel.begin_epoch

    def killed(model: MaskedModel, epoch: int) -> None:
        seen.append(epoch)
        if len(seen) == 3:
            raise KeyboardInterrupt
        begin(model, epoch)

    monkeypatch.setattr(MaskedModel, "begin_epoch", killed)
    with pytest.raises(KeyboardInterrupt):
        adapt(TEXTS, tmp_path / "two", asked(bert, epochs=3))
    assert [each.name for each in (tmp_path / "two").iterdir()] == ["checkpoints"]
    with pytest.raises(ConfigError, match="other data or settings"):
        adapt(TEXTS[1:], tmp_path / "two", asked(bert, epochs=3))
    two, fitted = adapt(TEXTS, tmp_path / "two", asked(bert, epochs=3))
    assert fitted.resumed and seen == [0, 1, 2, 2]
    assert two == one
    for name in one.files:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes(), name


def test_without_held_out_text_nothing_is_measured(bert: Path, tmp_path: Path) -> None:
    adapted, _ = adapt(TEXTS[:3], tmp_path / "out", asked(bert, epochs=1, held_out=0))
    assert adapted.before is None and adapted.after is None and adapted.best_epoch is None
    assert (adapted.documents, adapted.held_out_documents) == (3, 0)


def test_an_own_output_layer_is_kept_and_a_missing_one_is_tied(bert: Path, tmp_path: Path) -> None:
    import torch
    from transformers import AutoTokenizer, BertConfig, BertForMaskedLM, BertModel

    from onoma.adaptation.model import MaskedModel

    config = BertConfig.from_pretrained(bert, tie_word_embeddings=False)
    for name, kind in (("own", BertForMaskedLM), ("none", BertModel)):
        kind(config).save_pretrained(tmp_path / name)
        AutoTokenizer.from_pretrained(bert).save_pretrained(tmp_path / name)
    own = MaskedModel.load(str(tmp_path / "own"), asked(bert))
    assert not own.new
    assert not torch.equal(own.module.get_output_embeddings().weight, own.module.get_input_embeddings().weight)
    none = MaskedModel.load(str(tmp_path / "none"), asked(bert))
    assert none.new and none.module.get_output_embeddings().weight is none.module.get_input_embeddings().weight


# ---------------------------------------------------------------------- what cannot be done


def test_errors_name_what_is_wrong(bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "out"
    with pytest.raises(DataError, match="cannot be both learnt from and held out"):
        adapt(["one text only"], out, asked(bert))
    with pytest.raises(DataError, match="no word"):
        adapt(["\u200b", " \n "], out, asked(bert, held_out=0))
    with pytest.raises(ModelError, match="cannot be loaded"):
        adapt(TEXTS, out, asked(tmp_path))
    assert not out.exists()
    out.mkdir()
    (out / "thesis.tex").write_text("years")
    with pytest.raises(ConfigError, match=r"thesis\.tex"):
        adapt(TEXTS, out, asked(bert))
    with pytest.raises(ConfigError, match="is a file"):
        adapt(TEXTS, out / "thesis.tex", asked(bert))
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(ConfigError, match="one process"):
        adapt(TEXTS, tmp_path / "other", asked(bert))


def test_an_encoder_without_a_mask_token_or_with_lost_weights_is_refused(bert: Path, tmp_path: Path) -> None:
    import shutil

    from safetensors.torch import load_file, save_file

    from onoma.adaptation.model import MaskedModel

    lost = shutil.copytree(bert, tmp_path / "lost")
    weights = load_file(lost / "model.safetensors")
    save_file({k: v for k, v in weights.items() if "layer.1." not in k}, lost / "model.safetensors", {"format": "pt"})
    with pytest.raises(ModelError, match="holds no weights for"):
        MaskedModel.load(str(lost), asked(lost))
    blind = shutil.copytree(bert, tmp_path / "blind")
    card = json.loads((blind / "tokenizer_config.json").read_text())
    card.pop("mask_token")
    (blind / "tokenizer_config.json").write_text(json.dumps(card))
    with pytest.raises(ModelError, match="no mask token"):
        MaskedModel.load(str(blind), asked(blind))
