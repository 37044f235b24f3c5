"""Long text: windows are merged before decoding, whatever their order, and memory does not grow with the text."""

from __future__ import annotations

import random
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from models.tiny import WORDS, save_bert

from onoma.models.encoder_tagger import EncoderTagger, EncoderTaggerOptions
from onoma.models.encoder_tagger.pieces import Window
from onoma.schemes import SCHEMES

torch = pytest.importorskip("torch")

TAGS = SCHEMES["BIOES"].tagset(["LOC", "PER"])


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_bert(tmp_path_factory.mktemp("bert"))


def tagger(encoder: Path, seed: int = 1, **options: object) -> EncoderTagger:
    asked = EncoderTaggerOptions(encoder=str(encoder), overlap=16, **options)  # type: ignore[arg-type]
    made = EncoderTagger.create(TAGS, asked, seed)
    torch.manual_seed(seed)
    for name, parameter in made.module.named_parameters():
        if name.startswith(("crf", "hf.classifier")):
            torch.nn.init.normal_(parameter, std=3)
    return made


def text(words: int, seed: int = 0) -> list[str]:
    return random.Random(seed).choices(WORDS, k=words)


def test_shared_words_are_means_weighted_by_distance_from_the_cut(encoder: Path) -> None:
    model = tagger(encoder)
    words = text(90)
    (block,) = model.pieces.blocks([words])
    assert len(block.windows) > 2
    logits = model._logits(block.windows)
    expected = np.zeros((90, len(TAGS)))
    for word in range(90):
        total = 0.0
        for number, window in enumerate(block.windows):
            if window.start <= word < window.end:
                left = word - window.start + 1 if number else len(window.first)
                right = window.end - word if number + 1 < len(block.windows) else len(window.first)
                expected[word] += min(left, right, len(window.first)) * logits[number][word - window.start]
                total += min(left, right, len(window.first))
        expected[word] /= total
    seen: list[np.ndarray] = []
    from onoma.models.tagging import head

    original = head.answers
    head.answers = lambda tagset, values, *rest: seen.append(values) or original(tagset, values, *rest)  # type: ignore[assignment]
    try:
        model.predict([[words]])
    finally:
        head.answers = original
    np.testing.assert_allclose(seen[0], expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("context", [0, 6])
def test_neither_batches_nor_the_order_of_windows_show(
    encoder: Path, context: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    documents = [[text(70, 1), text(3, 2)], [text(1, 3)], [text(12, 4), [], text(30, 5), text(5, 6)]]
    wide = tagger(encoder, context=context, head="crf")
    narrow = EncoderTagger(
        wide.tagset, wide.options.model_copy(update={"predict_tokens": 1}), wide.tokenizer, wide.module
    )
    answers = wide.predict(documents)
    assert [[len(each.tags) for each in rows] for rows in answers] == [[len(s) for s in each] for each in documents]
    assert tags(answers) == tags(narrow.predict(documents))
    assert tags(answers) == tags([wide.predict([document])[0] for document in documents])
    whole = EncoderTagger._logits

    def shuffled(self: EncoderTagger, windows: list[Window]) -> list[np.ndarray]:
        order = random.Random(7).sample(range(len(windows)), len(windows))
        rows = whole(self, [windows[number] for number in order])
        return [rows[order.index(number)] for number in range(len(windows))]

    monkeypatch.setattr(EncoderTagger, "_logits", shuffled)
    assert tags(answers) == tags(wide.predict(documents))


def tags(answers: list) -> list[list[tuple[str, ...]]]:
    return [[each.tags for each in rows] for rows in answers]


@pytest.mark.parametrize("options", [{"head": "crf"}, {"decode": "viterbi"}, {"head": "crf", "lstm": 4, "context": 5}])
def test_random_weights_never_give_an_illegal_sequence(encoder: Path, options: dict[str, object]) -> None:
    for seed in range(5):
        model = tagger(encoder, seed, **options)
        for rows in model.predict([[text(80, seed), text(2, seed)], [text(7, seed)]]):
            for answer in rows:
                assert not TAGS.scheme.illegal(answer.tags)
                for span in TAGS.scheme.spans(answer.tags, "strict"):
                    assert answer.span_score is not None
                    assert 0 <= answer.span_score(span.start, span.end) <= 1


def test_fifty_thousand_words_go_through_in_bounded_memory(encoder: Path) -> None:
    """One sentence of that length, and a document of as many words: Python's own memory is looked at."""
    model = tagger(encoder, head="crf", context=6)
    words = text(50_000)
    model.predict([[words[:2000]]])
    tracemalloc.start()
    try:
        (one,), many = model.predict([[words], [words[at : at + 20] for at in range(0, 50_000, 20)]])
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert len(one.tags) == 50_000 and sum(len(each.tags) for each in many) == 50_000
    assert not TAGS.scheme.illegal(one.tags)
    assert peak < 400e6


def test_a_long_sentence_is_learnt_in_parts_that_hold_each_word_once(encoder: Path) -> None:
    model = tagger(encoder, head="crf")
    words = text(400)
    examples = model.examples([[words]], [[["O"] * 400]])
    assert len(examples) > 1 and sum(len(tags) for example in examples for tags in example.tags) == 400
    batch = model.collate(examples)
    assert int((batch["labels"] != -100).sum()) == 400
