"""The BiLSTM-CRF: what it reads of words, where its vectors come from, and answers that depend on nothing else."""

from __future__ import annotations

import gzip
import itertools
import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onoma.exceptions import ConfigError, DataError, ModelError
from onoma.models.bilstm_crf import BilstmCrf, BilstmCrfOptions
from onoma.models.bilstm_crf.vectors import read_vectors
from onoma.models.bilstm_crf.vocabulary import END, PAD, STRANGE, UNKNOWN, Reader, Vocabulary
from onoma.models.tagging.chain import Chain
from onoma.schemes import SCHEMES

torch = pytest.importorskip("torch")

TAGS = SCHEMES["BIO"].tagset(["LOC", "PER"])
SMALL: dict[str, Any] = {
    "lstm": 16, "word_size": 12, "char_size": 8, "char_units": 12, "epochs": 25, "patience": 25, "batch_tokens": 4,
    "head_learning_rate": 2e-2, "dropout": 0.1,
}  # fmt: skip
WORDS = [[["Ada", "Byron", "left", "London", "."], ["Bob", "met", "Ada"]], [[], ["in", "New", "York", "City"]]]
GOLD = [
    [["B-PER", "I-PER", "O", "B-LOC", "O"], ["B-PER", "O", "B-PER"]],
    [[], ["O", "B-LOC", "I-LOC", "I-LOC"]],
]


def untrained(words: Any = WORDS, gold: Any = GOLD, seed: int = 1, **options: Any) -> BilstmCrf:
    """A model with words and random weights."""
    made = BilstmCrf.create(TAGS, BilstmCrfOptions(**{**SMALL, **options}), seed=seed)
    made.examples(words, gold)
    made.module.eval()
    return made


def fitted(folder: Path, words: Any, gold: Any, **options: Any) -> BilstmCrf:
    """A model trained by the shared trainer."""
    from onoma.training.trainer import train

    made = BilstmCrf.create(TAGS, BilstmCrfOptions(**{**SMALL, **options}), seed=1)
    train(made, made.examples(words, gold), made.options, folder, seed=1)
    return made


def tags_of(model: BilstmCrf, sentences: list[list[str]]) -> list[tuple[str, ...]]:
    return [answer.tags for (answer,) in model.predict([[words] for words in sentences])]


def right(model: BilstmCrf, sentences: list[list[str]], gold: list[list[str]]) -> float:
    """The share of words with the right tag."""
    pairs = zip(itertools.chain(*tags_of(model, sentences)), itertools.chain(*gold), strict=True)
    return float(np.mean([found == wanted for found, wanted in pairs]))


# ---------------------------------------------------------------------- training and files


def test_it_learns_what_it_sees(tmp_path: Path) -> None:
    model = fitted(tmp_path, WORDS, GOLD)
    assert [[list(answer.tags) for answer in rows] for rows in model.predict(WORDS)] == GOLD


def test_before_training_there_are_no_words(tmp_path: Path) -> None:
    model = BilstmCrf.create(TAGS, BilstmCrfOptions(), seed=1)
    assert model.module is None and model.vocabulary is None
    with pytest.raises(ModelError, match="not trained yet"):
        model.predict([[["Ada"]]])
    with pytest.raises(ModelError, match="not trained yet"):
        model.save(tmp_path)


def test_the_seed_draws_the_weights() -> None:
    one, same, other = (untrained(seed=seed).module.state_dict() for seed in (3, 3, 4))
    assert all(torch.equal(one[name], same[name]) for name in one)
    assert not torch.equal(one["words.weight"], other["words.weight"])


def test_a_model_with_words_keeps_them() -> None:
    model = untrained()
    words, module = model.vocabulary, model.module
    model.examples([[["Paris", "Ada"]]], [[["B-LOC", "B-PER"]]])
    assert words is not None and model.vocabulary is words and model.module is module
    assert module.rare.tolist() == [word == "ada" for word in ("", *words.learned)]


@pytest.mark.parametrize("options", [{}, {"chars": "lstm", "layers": 2}, {"chars": "none", "word_shape": False}])
@pytest.mark.parametrize("head", ["linear", "crf"])
def test_saved_and_loaded_is_the_same(tmp_path: Path, options: dict[str, Any], head: str) -> None:
    model = untrained([*WORDS, [["Ada", "\ud800", "zoë"]]], [*GOLD, [["O"] * 3]], head=head, **options)
    model.save(tmp_path)
    assert {file.name for file in tmp_path.iterdir()} == {"model.safetensors", "vocabulary.json"}
    again = BilstmCrf.load(tmp_path, TAGS, model.options)
    assert again.vocabulary == model.vocabulary
    for one, other in zip(model.predict(WORDS)[0], again.predict(WORDS)[0], strict=True):
        assert one.tags == other.tags
        assert one.span_score(0, 1) == other.span_score(0, 1)  # type: ignore[misc]


def test_damaged_folders_are_model_errors(tmp_path: Path) -> None:
    model = untrained()
    model.save(tmp_path)
    path = tmp_path / "vocabulary.json"
    saved = json.loads(path.read_text(encoding="utf-8"))
    changes: list[dict[str, Any]] = [
        {"learned": saved["learned"][1:]}, {"learned": [7]}, {"chars": "aa"}, {"tags": ["O"]}, {"fixed": None},
        {"learned": saved["learned"][:1] * 2},
    ]  # fmt: skip
    for change in changes:
        path.write_text(json.dumps({**saved, **change}), encoding="utf-8")
        with pytest.raises(ModelError):
            BilstmCrf.load(tmp_path, TAGS, model.options)
    path.write_text(json.dumps(saved), encoding="utf-8")
    with pytest.raises(ModelError, match="other weights"):
        BilstmCrf.load(tmp_path, TAGS, model.options.model_copy(update={"lstm": 13}))
    (tmp_path / "model.safetensors").write_bytes(b"no")
    with pytest.raises(ModelError, match="missing or damaged"):
        BilstmCrf.load(tmp_path, TAGS, model.options)


# ---------------------------------------------------------------------- prediction

ODD = ["\u200b", "\x01", "", " ", "😀", "\u0301", "\ud800", "x" * 3000, "İ", "Ada", "London", "."]


@settings(max_examples=15)
@given(documents=st.lists(st.lists(st.lists(st.sampled_from(ODD), max_size=6), max_size=4), max_size=4))
@pytest.mark.parametrize("chars", ["cnn", "lstm"])
def test_emissions_do_not_depend_on_batches(chars: str, documents: list[list[list[str]]]) -> None:
    model = untrained(chars=chars, predict_words=13)
    sentences = [words for document in documents for words in document]
    together = model._emissions(sentences)
    for words, found in zip(sentences, together, strict=True):
        assert found.shape == (len(words), len(TAGS))
        np.testing.assert_allclose(found, model._emissions([words])[0], atol=1e-5)
    answers = model.predict(documents)
    assert [[len(answer.tags) for answer in rows] for rows in answers] == [[*map(len, each)] for each in documents]


def test_what_pads_hold_plays_no_part() -> None:
    for chars in ("cnn", "lstm"):
        model = untrained(chars=chars)
        batch = {name: torch.from_numpy(each) for name, each in model.reader.batch([["Ada", "left"]]).items()}
        wide = {
            **batch,
            "forms": torch.tensor([[0, 1, 1, 0]]),
            "chars": torch.nn.functional.pad(batch["chars"], (0, 5)),
        }
        with torch.inference_mode():
            assert torch.allclose(model.module(**batch), model.module(**wide)[:, :2], atol=1e-6)


def test_both_directions_are_those_of_the_library() -> None:
    """Against torch's own bidirectional LSTM over packed rows."""
    from onoma.models.bilstm_crf.module import BiLstm

    torch.manual_seed(5)
    ours, theirs = BiLstm(4, 3), torch.nn.LSTM(4, 3, batch_first=True, bidirectional=True)
    for name, value in ours.forwards.named_parameters():
        getattr(theirs, name).data.copy_(value)
    for name, value in ours.backwards.named_parameters():
        getattr(theirs, name + "_reverse").data.copy_(value)
    values, lengths = torch.randn(3, 6, 4), torch.tensor([2, 6, 1])
    packed = torch.nn.utils.rnn.pack_padded_sequence(values, lengths, batch_first=True, enforce_sorted=False)
    expected, _ = torch.nn.utils.rnn.pad_packed_sequence(theirs(packed)[0], batch_first=True)
    for found, wanted, length in zip(ours(values, lengths), expected, lengths, strict=True):
        assert torch.allclose(found[:length], wanted[:length], atol=1e-6)


def test_random_weights_give_no_illegal_sequence() -> None:
    legal = Chain.legal(TAGS)
    for seed in range(5):
        model = untrained(seed=seed)
        with torch.no_grad():
            for parameter in model.module.parameters():
                parameter.mul_(8)
        for tags in tags_of(model, [[*row] for row in itertools.product(["Ada", "left", "?"], repeat=3)]):
            numbers = [TAGS.index(tag) for tag in tags]
            assert np.isfinite(legal.start[numbers[0]]) and np.isfinite(legal.end[numbers[-1]])
            assert all(np.isfinite(legal.transition[pair]) for pair in itertools.pairwise(numbers))


def test_a_very_long_sentence_is_predicted_whole_and_learnt_in_parts() -> None:
    model = untrained()
    (answer,) = model.predict([[["Ada", "left"] * 1250]])[0]
    assert len(answer.tags) == 2500
    examples = model.examples([[["Ada", "left"] * 1250]], [[["B-PER", "O"] * 1250]])
    assert [model.size(example) for example in examples] == [1000, 1000, 500]


# ---------------------------------------------------------------------- words and characters


def test_words_are_read_in_small_letters_and_characters_as_they_are() -> None:
    counts = Counter(["Ada", "ADA", "ada", "left", "left", "x"])
    words = Vocabulary.of(counts, lower=True, given=(), trainable=True)
    assert words.learned == ("ada", "left", "x")
    assert words.chars == tuple("Aadeflt")
    assert words.rare(counts).tolist() == [False, False, False, True]
    batch = Reader(words).batch([["Ada", "x", "Ada"], ["adA", "new"]])
    assert batch["forms"].tolist() == [[0, 1, 0], [2, 3, 0]]
    assert batch["words"].tolist() == [1, 3, 1, UNKNOWN]
    assert batch["chars"].tolist()[1] == [STRANGE, PAD, PAD]
    assert len(set(batch["shapes"].tolist())) == 3
    assert Vocabulary.of(counts, lower=False, given=(), trainable=True).learned == ("Ada", "ADA", "ada", "left", "x")


def test_of_a_long_word_both_ends_are_read() -> None:
    reader = Reader(Vocabulary((), (), ("a", "b", "c"), lower=True))
    (chars,) = reader.batch([["a" * END + "c" * 999 + "b" * END]])["chars"].tolist()
    assert chars == [2] * END + [3] * END


def test_rare_words_are_now_and_then_unknown_in_training_only() -> None:
    model = untrained([[["Ada", "left", "left"]]], [[["B-PER", "O", "O"]]], chars="none", word_shape=False)
    words = torch.tensor([1, 2])

    def embedded() -> list[list[float]]:
        return model.module._embedded(words).tolist()

    model.module.train()
    torch.manual_seed(1)
    drawn = [embedded() for _ in range(50)]
    torch.manual_seed(1)
    assert drawn == [embedded() for _ in range(50)]
    table = model.module.words.weight.tolist()
    assert {each[0] == table[UNKNOWN] for each in drawn} == {True, False}
    assert all(each[1] == table[2] for each in drawn)
    model.module.eval()
    assert all(embedded() == table[1:] for _ in range(20))


STEMS = ["ba", "ke", "lo", "mi", "nu", "ra", "se", "ti", "vo", "zu"]


def suffixed(stems: list[str]) -> tuple[list[list[str]], list[list[str]]]:
    rows = [([f"{stem}burg", "x", f"{stem}son"], ["B-LOC", "O", "B-PER"]) for stem in stems]
    rows += [([f"{stem}son", "x", f"{stem}ing"], ["B-PER", "O", "O"]) for stem in stems]
    rows += [([f"{stem}ing", "x", f"{stem}burg"], ["O", "O", "B-LOC"]) for stem in stems]
    return [words for words, _ in rows], [tags for _, tags in rows]


@pytest.mark.parametrize("chars", ["cnn", "lstm", "none"])
def test_characters_tell_unseen_words_by_their_suffixes(chars: str, tmp_path: Path) -> None:
    """Stems carry no label, suffixes do; no stem of the test occurs in training."""
    pairs = [a + b for a in STEMS for b in STEMS[:3]]
    words, tags = suffixed(pairs[:24])
    model = fitted(tmp_path, [words], [tags], chars=chars, epochs=10, batch_tokens=12)
    share = right(model, *suffixed(pairs[24:]))
    assert share == 1 if chars != "none" else share < 0.7


# ---------------------------------------------------------------------- vectors


def written(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8", newline="")
    return path


GLOVE = "the 1 0\nAda 0 1e-1\n. . 5 6\nada -1 2.5\n"


@pytest.mark.parametrize("form", ["glove", "word2vec", "fasttext", "tabs", "windows", "gzip"])
def test_every_text_form_gives_the_same_vectors(form: str, tmp_path: Path) -> None:
    text = GLOVE
    if form in ("word2vec", "fasttext"):
        text = "4 2\n" + text
    if form == "fasttext":
        text = text.replace("\n", " \n")
    text = text.replace("\n", "\r\n") if form == "windows" else text
    text = text.replace(" 1 0", "\t1\t0") if form == "tabs" else text
    path = tmp_path / "v"
    path.write_bytes(gzip.compress(text.encode()) if form == "gzip" else text.encode())
    found = read_vectors(path, (), 10)
    assert found.words == ("the", "Ada", ". .", "ada")
    np.testing.assert_array_equal(found.table, np.array([[1, 0], [0, 0.1], [5, 6], [-1, 2.5]], np.float32))


def test_small_letters_count_before_the_first_of_other_forms(tmp_path: Path) -> None:
    path = written(tmp_path / "v", "ADA 1\nAda 2\nada 3\nada 4\nBOB 5\nBob 6\n")
    found = read_vectors(path, (), 10, str.lower)
    assert dict(zip(found.words, found.table[:, 0].tolist(), strict=True)) == {"ada": 3, "bob": 5}


def test_wanted_words_are_kept_wherever_they_stand(tmp_path: Path) -> None:
    path = written(tmp_path / "v", "".join(f"w{number} {number}\n" for number in range(10)))
    assert read_vectors(path, {"w7", "w1", "none"}, 2).words == ("w0", "w1", "w2", "w7")
    assert read_vectors(path, {"w7"}, 0).words == ("w7",)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", ":? holds no vectors"),
        (b"\n\n", ":? holds no vectors"),
        (b"3 2\n", ":? holds no vectors"),
        (b"the 1 2\nada 1\n", ":2: 1 numbers, not 2"),
        (b"the 1 2\nada 1 2 3\n", ":2: 3 numbers, not 2"),
        (b"2 3\nthe 1 2\n", ":2: 2 numbers, not 3"),
        (b"the 1 2\nada 1 two\n", ":2: 'two' is no number"),
        (b"the 1 2\nada 1 nan\n", ":2: a number is not finite"),
        (b"the 1 2\n\xff\xfe 1 2\n", ":2: the word is no UTF-8"),
        (b"the\n", ":1: holds no vector"),
        (b"3 2\nthe 1 2\nada 1 2\n", ": ends after 2 of the 3 words"),
        (gzip.compress(GLOVE.encode(), mtime=0)[:-9], ": cannot be read"),
        (b"\x1f\x8bnonsense", ": cannot be read"),
    ],
)
def test_bad_files_are_named_with_their_line(content: bytes, said: str, tmp_path: Path) -> None:
    path = tmp_path / "vectors.txt"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"vectors\.txt" + said):
        read_vectors(path, (), 10)
    with pytest.raises(DataError, match="cannot be read"):
        read_vectors(tmp_path, (), 10)


WORD = st.text(st.characters(codec="utf-8", exclude_characters="\t\n\r\x0b\x0c "), min_size=1, max_size=5)
FLOAT = st.floats(width=32, allow_nan=False, allow_infinity=False)


@settings(max_examples=30)
@given(rows=st.dictionaries(WORD, st.lists(FLOAT, min_size=3, max_size=3), min_size=1, max_size=5))
def test_what_is_written_is_read(rows: dict[str, list[float]], tmp_path_factory: pytest.TempPathFactory) -> None:
    text = "".join(f"{word} {' '.join(map(repr, row))}\n" for word, row in rows.items())
    found = read_vectors(written(tmp_path_factory.mktemp("v") / "v", text), (), 10)
    assert dict(zip(found.words, found.table.tolist(), strict=True)) == rows


VECTORS = "".join(f"{word} {vector}\n" for word, vector in {"ada": "4 0", "rome": "0 4", "left": "1 1"}.items())


def test_vectors_of_train_or_all_words_learnt_or_not(tmp_path: Path) -> None:
    path = str(written(tmp_path / "v", VECTORS))
    words, gold = [[["Ada", "fell", "left"]]], [[["B-PER", "O", "O"]]]

    def made(**options: Any) -> tuple[Any, Any]:
        model = untrained(words, gold, vectors=path, **{"word_size": None, "word_dropout": 0, **options})
        return model.vocabulary, model.module

    known, module = made()
    assert (known.learned, known.fixed) == (("ada", "fell", "left"), ("rome",))
    assert module.words.weight[[1, 3]].tolist() == [[4, 0], [1, 1]] and module.fixed.tolist() == [[0, 4]]
    assert made(vectors_keep="train")[0].fixed == ()
    known, module = made(vectors_trainable=False)
    assert (known.learned, known.fixed) == (("fell",), ("ada", "rome", "left"))
    module.eval()
    assert module._embedded(torch.tensor([2, 3, 4])).tolist() == [[4, 0], [0, 4], [1, 1]]
    module.train()
    module._embedded(torch.tensor([1, 2, 3])).sum().backward()
    assert module.words.weight.grad[1].tolist() == [1, 1] and module.fixed.grad is None
    for policy, expected in (("zeros", [0, 0]), ("mean", [5 / 3, 5 / 3])):
        _, module = made(unknown=policy)
        assert module.words.weight[[UNKNOWN, 2]].flatten().tolist() == pytest.approx(expected * 2)
    _, module = made(unknown="random")
    assert 0 < float(module.words.weight[2].detach().abs().max()) <= (3 / 2) ** 0.5
    with pytest.raises(ConfigError, match="word_size is 3, but the vectors"):
        made(word_size=3)


def test_vectors_tell_unseen_words_and_travel_with_the_model(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    kinds = {"p": ("B-PER", [2, 0, 0]), "l": ("B-LOC", [0, 2, 0]), "o": ("O", [0, 0, 2])}
    names = [f"{kind}{number}" for kind in kinds for number in range(30)]
    text = "".join(f"{name} {' '.join(map(str, rng.normal(kinds[name[0]][1], 0.3).round(3)))}\n" for name in names)
    path = written(tmp_path / "v", text)

    def rows(numbers: range) -> tuple[list[list[str]], list[list[str]]]:
        words = [[f"{kind}{number}" for kind in order] for number in numbers for order in ("plo", "olp", "lpo")]
        return words, [[kinds[word[0]][0] for word in row] for row in words]

    words, gold = rows(range(20))
    asked: dict[str, Any] = {"chars": "none", "word_shape": False, "word_size": None, "vectors": str(path)}
    unseen = rows(range(20, 30))
    asked |= {"vectors_trainable": False, "epochs": 8, "batch_tokens": 15}
    share: dict[str, float] = {}
    for keep in ("all", "train"):
        model = fitted(tmp_path / keep, [words], [gold], **asked, vectors_keep=keep)
        share[keep] = right(model, *unseen)
        model.save(tmp_path / keep)
    assert share["all"] == 1 and share["train"] < 0.7
    path.unlink()
    again = BilstmCrf.load(tmp_path / "all", TAGS, BilstmCrfOptions(**{**SMALL, **asked}))
    assert right(again, *unseen) == 1


def test_the_path_of_vectors_starts_at_the_experiment(tmp_path: Path) -> None:
    options = BilstmCrfOptions(vectors="v.txt").located(tmp_path)
    assert options.depends_on() == (tmp_path / "v.txt",)
    assert BilstmCrfOptions().located(tmp_path).depends_on() == ()
