"""Token classifiers that others trained: the scheme is told from the tags, and we answer as `transformers` does."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from models.tiny import BACKBONES, save_bert

import onoma
from onoma import Recognizer
from onoma.cli import main
from onoma.exceptions import ModelError
from onoma.models.encoder_tagger.foreign import tagset_of
from onoma.schemes import SCHEMES

TAGS = {
    "BIO": ["O", "B-MISC", "I-MISC", "B-PER", "I-PER", "B-LOC", "I-LOC"],
    "BIO with gaps": ["I-PER", "B-PER", "B-LOC", "O", "B-MISC"],
    "IOB1": ["O", "B-LOC", "I-LOC", "I-PER"],
    "IO": ["I-PER", "I-LOC", "O"],
    "IO bare": ["PER", "O", "art-work"],
    "BIOES": ["E-PER", "O", "S-PER", "B-PER", "I-PER", "S-LOC"],
    "BIOES without S": ["O", "B-PER", "I-PER", "E-PER"],
    "BILOU": ["B-LOC", "I-LOC", "L-LOC", "U-LOC", "O"],
    "BMES": ["O", "B-LOC", "M-LOC", "E-LOC", "S-LOC"],
}
TEXT = "Ada Byron left London in Rome , saw Bob . the of and New York City nobody met Londonderry 3 May"


# ---------------------------------------------------------------------- tags


@pytest.mark.parametrize("case", TAGS)
def test_the_scheme_is_told_from_the_tags(case: str) -> None:
    found = tagset_of(TAGS[case])
    assert found.scheme.name == case.split()[0]
    bare = [tag if tag == "O" else f"I-{tag}" for tag in TAGS[case]]
    assert list(found) == (bare if "bare" in case else TAGS[case])


LABELS = st.lists(st.text("ABCxyz-_ 1", min_size=2, max_size=6), min_size=1, max_size=4, unique=True)


@given(st.sampled_from(sorted(set(SCHEMES) - {"IOB1"})), LABELS, st.randoms(use_true_random=False))
def test_all_tags_of_a_scheme_are_read_in_any_order(name: str, labels: list[str], random: Any) -> None:
    tags = list(SCHEMES[name].tagset(labels))
    random.shuffle(tags)
    found = tagset_of(tags)
    assert found.scheme.name == name
    assert list(found) == tags


REFUSED = {
    r"'X', '\[PAD\]' do not go with 'B-PER', 'I-PER'": ["O", "B-PER", "I-PER", "X", "[PAD]"],
    "'M-PER' do not go with 'B-PER', 'I-PER', 'E-PER'": ["O", "B-PER", "I-PER", "E-PER", "M-PER"],
    "'B-LOC' do not go with 'PER', 'ORG'": ["O", "PER", "ORG", "B-LOC"],
    "tags are called 'LABEL_0', 'LABEL_1'.*id2label": ["LABEL_0", "LABEL_1"],
    "need 'O'": ["NOUN", "VERB"],
    "tags are 'O', which need": ["O"],
    "'B-PER' twice": ["O", "B-PER", "B-PER"],
}


@pytest.mark.parametrize("message", REFUSED)
def test_other_tags_are_refused_in_one_line(message: str) -> None:
    with pytest.raises(ModelError, match=message) as caught:
        tagset_of(REFUSED[message])
    assert "\n" not in str(caught.value)


# ---------------------------------------------------------------------- models


def _save(folder: Path, tags: list[str], backbone: str = "bert") -> Path:
    """A token classifier as `transformers` saves it, with a head that uses all its tags."""
    torch = pytest.importorskip("torch")
    from transformers import AutoModelForTokenClassification

    from onoma.models.encoder_tagger.backbone import load_tokenizer
    from onoma.models.pretrained import quietly

    encoder = BACKBONES[backbone](folder / "encoder")
    names = {"id2label": dict(enumerate(tags)), "label2id": {tag: number for number, tag in enumerate(tags)}}
    module = quietly(AutoModelForTokenClassification.from_pretrained, encoder, **names)
    torch.manual_seed(3)
    module.classifier.weight.data.normal_()
    quietly(module.save_pretrained, folder / "theirs")
    load_tokenizer(str(encoder)).save_pretrained(folder / "theirs")
    return folder / "theirs"


@pytest.mark.parametrize("case", TAGS)
def test_it_answers_as_the_library_does(case: str, tmp_path: Path) -> None:
    folder = _save(tmp_path, TAGS[case])
    recognizer = onoma.load(folder)
    from transformers import pipeline

    theirs = pipeline("token-classification", model=str(folder), tokenizer=str(folder), ignore_labels=[])
    found = {item["start"]: item for item in theirs(TEXT)}
    document = onoma.Document.from_words([TEXT.split()])
    first = [found[token.start] for token in document.tokens]
    tagset = recognizer.model.tagset  # type: ignore[union-attr]
    number = {name: at for at, name in enumerate(TAGS[case])}
    expected = [tagset[number[item["entity"]]] for item in first]
    assert len(set(expected)) > 1
    (prediction,) = recognizer.predict([document])
    assert list(prediction.tags or ()) == expected
    spans = tagset.scheme.spans(expected)
    assert [(span.start, span.label) for span in prediction.spans] == [
        (document.tokens[start].start, label) for start, _, label in spans
    ]
    for span, (start, end, _) in zip(prediction.spans, spans, strict=True):
        product = 1.0
        for item in first[start:end]:
            product *= float(item["score"])
        assert span.score == pytest.approx(product, rel=1e-4)


@pytest.mark.parametrize("backbone", sorted(BACKBONES))
def test_every_architecture_is_taken(backbone: str, tmp_path: Path) -> None:
    import torch
    from transformers import AutoModelForTokenClassification, AutoTokenizer

    folder = _save(tmp_path, TAGS["BIO"], backbone)
    words = TEXT.split()[:9]
    (prediction,) = onoma.load(folder).predict([onoma.Document.from_words([words])])
    tokenizer = AutoTokenizer.from_pretrained(folder, add_prefix_space=True)
    read = tokenizer(words, is_split_into_words=True, return_tensors="pt")
    with torch.no_grad():
        logits = AutoModelForTokenClassification.from_pretrained(folder).eval()(**read).logits[0]
    firsts = [read.word_ids().index(number) for number in range(len(words))]
    assert list(prediction.tags or ()) == [TAGS["BIO"][int(logits[at].argmax())] for at in firsts]


@pytest.mark.parametrize("case", ["BIO", "BIO with gaps", "IO bare", "BIOES without S"])
def test_it_is_saved_as_any_recognizer(case: str, tmp_path: Path) -> None:
    recognizer = onoma.load(_save(tmp_path, TAGS[case]))
    texts = [TEXT, "Ada", "", "Bob left Rome . " * 40]
    recognizer.save(tmp_path / "ours")
    assert (tmp_path / "ours" / "onoma.json").is_file()
    again = onoma.load(tmp_path / "ours")
    assert again.predict(texts) == recognizer.predict(texts)
    assert again.labels == recognizer.labels
    assert again.model.tagset == recognizer.model.tagset  # type: ignore[union-attr]
    again.save(tmp_path / "ours")
    assert onoma.load(tmp_path / "ours").predict(texts) == recognizer.predict(texts)


def test_the_order_of_tags_on_the_card_is_checked(tmp_path: Path) -> None:
    recognizer = onoma.load(_save(tmp_path, TAGS["BIO with gaps"]))
    recognizer.save(tmp_path / "ours")
    path = tmp_path / "ours" / "onoma.json"
    card = json.loads(path.read_text(encoding="utf-8"))
    assert card["tags"] == TAGS["BIO with gaps"]
    for tags in (["O", "S-PER"], "O", 3, card["tags"][::-1]):
        path.write_text(json.dumps({**card, "tags": tags}), encoding="utf-8")
        with pytest.raises(ModelError):
            onoma.load(tmp_path / "ours")


def test_decoding_by_the_scheme_knows_the_models_order(tmp_path: Path) -> None:
    from onoma.models.encoder_tagger import EncoderTagger

    model: Any = onoma.load(_save(tmp_path, TAGS["BIOES"])).model
    options = model.options.model_copy(update={"decode": "viterbi"})
    legal = EncoderTagger(model.tagset, options, model.tokenizer, model.module)
    for answer in legal.predict([[TEXT.split()], [["Ada"]], [[]]]):
        assert not model.tagset.scheme.illegal(answer[0].tags)


def test_a_complete_one_is_trained_on(tmp_path: Path) -> None:
    document = onoma.Document.from_words([["Ada", "left", "Rome"]])
    gold = document.with_spans([onoma.Span(0, 3, "PER"), onoma.Span(9, 13, "LOC")])
    recognizer = onoma.load(_save(tmp_path, TAGS["BIO"]))
    model: Any = recognizer.model
    model.options = model.options.model_copy(update={"epochs": 12, "learning_rate": 3e-3})
    recognizer.fit([gold], folder=tmp_path / "run")
    assert onoma.evaluate([gold], recognizer.predict([gold]), resamples=0).micro.f1 == 1


# ---------------------------------------------------------------------- places


def test_what_is_no_token_classifier_is_refused(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    encoder = save_bert(tmp_path / "encoder")
    with pytest.raises(ModelError, match=r"holds no onoma\.json and is no token classifier but BertModel"):
        onoma.load(encoder)
    config = json.loads((encoder / "config.json").read_text())
    for broken in ("{", "[]", json.dumps({**config, "model_type": "none"})):
        (encoder / "config.json").write_text(broken)
        with pytest.raises(ModelError, match=r"holds no onoma\.json") as caught:
            onoma.load(encoder)
        assert "\n" not in str(caught.value)


def test_damaged_ones_are_refused(tmp_path: Path) -> None:
    folder = _save(tmp_path, TAGS["BIO"])
    config = json.loads((folder / "config.json").read_text())
    unnamed = {name: value for name, value in config.items() if name not in ("id2label", "label2id")}
    for changed, message in (
        (unnamed, "'LABEL_0', 'LABEL_1'"),
        ({**config, "id2label": {"0": "O", "2": "B-PER"}}, "does not name tag 1"),
    ):
        (folder / "config.json").write_text(json.dumps(changed))
        with pytest.raises(ModelError, match=message):
            onoma.load(folder)
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "model.safetensors").unlink()
    with pytest.raises(ModelError, match="missing or damaged"):
        onoma.load(folder)


def test_neither_a_folder_nor_on_the_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("transformers")
    monkeypatch.chdir(tmp_path)
    for place in ("nobody/has-such-a-model", Path("nobody/has-such-a-model")):
        with pytest.raises(ModelError, match="no such model folder, nor can it be had from the hub") as caught:
            onoma.load(place)
        assert "\n" not in str(caught.value)
    for place in ("runs", "../a/b", tmp_path / "a" / "b", "a/b/c", "./a/b"):
        with pytest.raises(ModelError, match=r"there is no such model folder$"):
            onoma.load(place)


def test_a_folder_wins_over_the_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _save(tmp_path, TAGS["BIO"]).rename(tmp_path / "bert")
    (tmp_path / "dslim").mkdir()
    (tmp_path / "bert").rename(tmp_path / "dslim" / "bert-base-NER")
    monkeypatch.chdir(tmp_path)
    assert isinstance(onoma.load("dslim/bert-base-NER"), Recognizer)


def test_the_command_line_takes_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = _save(tmp_path, TAGS["BIO"])
    (tmp_path / "text.txt").write_text(TEXT + "\n", encoding="utf-8")
    assert main(["predict", str(folder), str(tmp_path / "text.txt"), "--quiet"]) == 0
    assert json.loads(capsys.readouterr().out)["spans"]
    assert main(["predict", "nobody/has-such-a-model", str(tmp_path / "text.txt"), "--quiet"]) == 1
    assert "nor can it be had from the hub" in " ".join(capsys.readouterr().err.split())
