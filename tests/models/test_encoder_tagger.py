"""The encoder tagger: windows and pieces never lose a word, and saved folders load in transformers unchanged."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from models.tiny import save_bert, save_roberta

from onoma.exceptions import MissingExtraError, ModelError
from onoma.models import pretrained
from onoma.models.encoder_tagger import EncoderTagger, EncoderTaggerOptions
from onoma.models.tagging import head
from onoma.models.tagging.shapes import shape
from onoma.schemes import SCHEMES

torch = pytest.importorskip("torch")

TAGS = SCHEMES["BIO"].tagset(["LOC", "PER"])


@pytest.fixture(scope="module", params=["bert", "roberta"])
def tagger(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> EncoderTagger:
    folder = tmp_path_factory.mktemp(request.param)
    encoder = save_bert(folder) if request.param == "bert" else save_roberta(folder)
    return EncoderTagger.create(TAGS, EncoderTaggerOptions(encoder=str(encoder), overlap=8), seed=1)


# ---------------------------------------------------------------------- pieces

ODD = ["\u200b", "\x01", "\ufeff", " ", "", "😀", "\ufffd", "supercalifragilistic" * 20, "Ada", "\u0301"]


@given(
    st.lists(st.lists(st.one_of(st.sampled_from([*ODD, "London", "."]), st.text(max_size=4)), max_size=70), max_size=4)
)
def test_every_word_has_one_first_piece_whatever_it_is(tagger: EncoderTagger, sentences: list[list[str]]) -> None:
    made = [window for block in tagger.pieces.blocks(sentences) for window in block.windows]
    owned = [word for window in made for word in range(window.own_start, window.own_end)]
    assert owned == list(range(sum(map(len, sentences))))
    for window in made:
        assert len(window.first) == window.end - window.start
        assert list(window.first) == sorted(set(window.first))
        assert len(window.ids) <= 40 and len(window.shapes) in (0, len(window.ids))
        inside = range(len(tagger.pieces.prefix), len(window.ids) - len(tagger.pieces.suffix))
        assert all(place in inside for place in window.first)


def test_pieces_are_those_of_the_tokenizer(tagger: EncoderTagger) -> None:
    words = ["Ada", "Byron", "left", "Londonderry", "."]
    (window,) = tagger.pieces.blocks([words])[0].windows
    expected = tagger.tokenizer(words, is_split_into_words=True)
    assert list(window.ids) == expected["input_ids"]
    word_ids = expected.word_ids()
    assert list(window.first) == [word_ids.index(word) for word in range(len(words))]


def test_each_piece_has_the_shape_of_its_word(tmp_path: Path) -> None:
    words = ["Ada", "LONDON", "saw", "3", "iPhone", ",", "I", "B2B", "3rd", "東京"]
    options = EncoderTaggerOptions(encoder=str(save_bert(tmp_path)), word_shape=True)
    pieces = EncoderTagger.create(TAGS, options, seed=1).pieces
    (window,) = pieces.blocks([words])[0].windows
    expected = [0, *(shape(word) for word in words for _ in pieces.of_words([word])[0]), 0]
    assert list(window.shapes) == expected
    assert len(set(expected)) == 11, "every shape occurs once"


def test_each_word_of_a_batch_meets_its_own_tag(tagger: EncoderTagger) -> None:
    """Windows of long sentences, several documents: the chains find the piece of every word that is learnt."""
    documents = [[["Ada", "left"], ["Londonderry"]], [["Bob"] * 90], [["Rome"], [], ["New", "York"]]]
    tags = [[["B-PER", "O"], ["B-LOC"]], [["B-PER", "I-PER", "O"] * 30], [["B-LOC"], [], ["B-LOC", "I-LOC"]]]
    examples = tagger.examples(documents, tags)
    batch = tagger.collate(examples)
    assert (batch["labels"] != -100).sum() == sum(len(words) for document in documents for words in document)
    learnt = []
    pieces = batch["input_ids"].gather(1, batch["first"].clamp(min=0)).flatten()
    for chain, labels in zip(batch["chains"], batch["labels"], strict=True):
        inside = labels != -100
        learnt.append(([TAGS[number] for number in labels[inside]], pieces[chain[inside]].tolist()))
    expected = [
        (row, [tagger.pieces.of_words([word])[0][0] for word in words])
        for document, rows in zip(documents, tags, strict=True)
        for words, row in zip(document, rows, strict=True)
        if words
    ]
    assert learnt == expected


# ---------------------------------------------------------------------- loss


def test_loss_is_independent_of_padding_and_weighs_o(tagger: EncoderTagger) -> None:
    labels = torch.tensor([[TAGS.index(tag) for tag in ("B-PER", "O", "B-LOC")]])
    logits = torch.randn(1, 3, len(TAGS))
    wide = torch.cat([logits, torch.randn(1, 5, len(TAGS))], dim=1)
    padded = torch.cat([labels, torch.full((1, 5), -100)], dim=1)

    def loss(logits: torch.Tensor, labels: torch.Tensor, **options: object) -> float:
        asked = EncoderTaggerOptions(**options)  # type: ignore[arg-type]
        return float(head.cost(logits, labels, None, asked) / head.weight(labels, asked))

    assert loss(logits, labels) == pytest.approx(loss(wide, padded))
    minus_log = [-float(torch.log_softmax(logits[0, at], -1)[labels[0, at]]) for at in range(3)]
    weights = [1, 0.2, 1]
    expected = sum(w * each for w, each in zip(weights, minus_log, strict=True))
    assert loss(logits, labels, o_weight=0.2) == pytest.approx(expected / 2.2, rel=1e-5)
    assert loss(logits, labels, o_weight=0.2, loss_by="count") == pytest.approx(expected / 3, rel=1e-5)


# ---------------------------------------------------------------------- prediction and files

TEXTS = [["Ada", "Byron", "left", "London", "."], ["Rome"], [], ["Bob"] * 100, ["\u200b", "nobody"], ["New", "York"]]


def test_answers_do_not_depend_on_batches_or_order(tagger: EncoderTagger) -> None:
    together = [answer for (answer,) in tagger.predict([[words] for words in TEXTS])]
    alone = [tagger.predict([[words]])[0][0] for words in TEXTS]
    backwards = [answer for (answer,) in tagger.predict([[words] for words in TEXTS[::-1]])][::-1]
    for words, a, b, c in zip(TEXTS, together, alone, backwards, strict=True):
        assert len(a.tags) == len(words)
        for at in range(len(words)):
            one, two, three = (each.span_score(at, at + 1) for each in (a, b, c))  # type: ignore[misc]
            assert one == pytest.approx(two, abs=1e-5) and one == pytest.approx(three, abs=1e-5)


def test_scores_are_products_of_probabilities(tagger: EncoderTagger) -> None:
    answer = tagger.predict([[["Ada", "Byron"]]])[0][0]
    assert answer.span_score is not None
    assert answer.span_score(0, 2) == pytest.approx(answer.span_score(0, 1) * answer.span_score(1, 2))


def test_padding_side_plays_no_part(tagger: EncoderTagger) -> None:
    (before,) = tagger.predict([TEXTS])
    side = tagger.tokenizer.padding_side
    tagger.tokenizer.padding_side = "left" if side == "right" else "right"
    try:
        assert [answer.tags for answer in tagger.predict([TEXTS])[0]] == [answer.tags for answer in before]
    finally:
        tagger.tokenizer.padding_side = side


def test_a_saved_folder_loads_here_and_in_transformers(tagger: EncoderTagger, tmp_path: Path) -> None:
    from transformers import AutoModelForTokenClassification, AutoTokenizer, pipeline

    tagger.save(tmp_path)
    names = {file.name for file in tmp_path.iterdir()}
    assert names <= {
        "config.json",
        "model.safetensors",
        "tokenizer.json",
        "tokenizer_config.json",
        "special_tokens_map.json",
    }
    again = EncoderTagger.load(tmp_path, TAGS, tagger.options)
    assert [a.tags for a in again.predict([TEXTS])[0]] == [a.tags for a in tagger.predict([TEXTS])[0]]
    module = AutoModelForTokenClassification.from_pretrained(tmp_path)
    assert module.config.id2label == dict(enumerate(TAGS))
    pipe = pipeline("token-classification", model=module, tokenizer=AutoTokenizer.from_pretrained(tmp_path))
    words = ["Ada", "Byron", "left"]
    theirs = pipe(" ".join(words), ignore_labels=[])
    firsts = {item["start"]: item["entity"] for item in theirs}
    ours = tagger.predict([[words]])[0][0].tags
    starts = [0, 4, 10]
    for start, tag in zip(starts, ours, strict=True):
        found = firsts.get(start, firsts.get(start - 1))  # byte-level pieces begin with the blank before the word
        assert found == tag


def test_damaged_or_foreign_folders_are_refused(tagger: EncoderTagger, tmp_path: Path) -> None:
    tagger.save(tmp_path)
    with pytest.raises(ModelError, match=r"config\.json names the tags"):
        EncoderTagger.load(tmp_path, SCHEMES["BIO"].tagset(["X"]), tagger.options)
    weights = tmp_path / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:100])
    with pytest.raises(ModelError, match="missing or damaged"):
        EncoderTagger.load(tmp_path, TAGS, tagger.options)
    with pytest.raises(ModelError, match="no such model folder"):
        EncoderTagger.create(TAGS, EncoderTaggerOptions(encoder=str(tmp_path / "nothing")), 1)


def test_a_head_for_other_tags_is_drawn_anew(tagger: EncoderTagger, tmp_path: Path) -> None:
    tagger.save(tmp_path)
    old = tagger.module.hf.classifier.weight
    for tags in (TAGS, SCHEMES["BIO"].tagset(["X"])):
        again = EncoderTagger.create(tags, EncoderTaggerOptions(encoder=str(tmp_path)), seed=2)
        new = again.module.hf.classifier.weight
        assert new.shape[0] == len(tags)
        assert new.shape != old.shape or not torch.equal(new, old)
        name = "embeddings.word_embeddings.weight"
        assert torch.equal(
            again.module.hf.base_model.get_parameter(name), tagger.module.hf.base_model.get_parameter(name)
        )


def test_weights_that_are_missing_are_refused(tagger: EncoderTagger, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    tagger.save(tmp_path)
    weights = load_file(tmp_path / "model.safetensors")
    headless = {name: value for name, value in weights.items() if not name.startswith("classifier")}
    save_file(headless, tmp_path / "model.safetensors", {"format": "pt"})
    with pytest.raises(ModelError, match="holds no weights for classifier"):
        EncoderTagger.load(tmp_path, TAGS, tagger.options)
    config = json.loads((tmp_path / "config.json").read_text())
    save_file(weights, tmp_path / "model.safetensors", {"format": "pt"})
    (tmp_path / "config.json").write_text(json.dumps({**config, "intermediate_size": 48}))
    with pytest.raises(ModelError, match=r"holds no weights for (bert|roberta)"):
        EncoderTagger.create(TAGS, EncoderTaggerOptions(encoder=str(tmp_path)), seed=1)
    (tmp_path / "config.json").write_text(json.dumps(config))
    foreign = {f"other.{name}": value for name, value in weights.items()}
    save_file(foreign, tmp_path / "model.safetensors", {"format": "pt"})
    with pytest.raises(ModelError, match="holds no weights for"):
        EncoderTagger.create(TAGS, EncoderTaggerOptions(encoder=str(tmp_path)), seed=1)


def test_without_the_extra_the_pip_line_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pretrained, "find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"pip install 'onoma\[torch,minilm\]'"):
        pretrained.require_torch()


def test_the_packaged_encoder_is_verified(monkeypatch: pytest.MonkeyPatch) -> None:
    folder = pretrained.packaged_minilm()
    if folder is None:
        pytest.skip("the [minilm] extra is not installed")
    assert pretrained.default_encoder() == str(folder)
    monkeypatch.setattr(pretrained, "PACKAGE_SHA256", "0" * 64)
    with pytest.raises(ModelError, match="sha256"):
        pretrained.packaged_minilm()


def test_without_package_and_hub_the_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    import huggingface_hub
    from huggingface_hub.errors import OfflineModeIsEnabled

    def offline(*_: object, **__: object) -> None:
        raise OfflineModeIsEnabled("offline")

    monkeypatch.setattr(pretrained, "packaged_minilm", lambda: None)
    monkeypatch.setattr(huggingface_hub, "snapshot_download", offline)
    with pytest.raises(MissingExtraError, match="minilm"):
        pretrained.default_encoder()
