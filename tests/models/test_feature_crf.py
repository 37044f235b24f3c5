"""The feature CRF: brute force over all tag sequences, and python-crfsuite itself, as oracles."""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pycrfsuite
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onoma.exceptions import ConfigError, DataError, ModelError
from onoma.models.feature_crf import FeatureCrf, FeatureCrfOptions
from onoma.models.feature_crf.corpus import attributes
from onoma.models.feature_crf.emissions import Emissions
from onoma.models.feature_crf.features import FUNCTIONS, load_templates, parse_template
from onoma.models.feature_crf.weights import Weights, read_crfsuite
from onoma.models.gazetteers import Gazetteer
from onoma.models.tagging.lattice import Lattice, Posterior, Stops, blocks, forward_backward, viterbi
from onoma.schemes import SCHEMES, TokenSpan

TAGS = SCHEMES["BIO"].tagset(["LOC", "PER"])
SENTENCES = [
    ["Ada", "Byron", "left", "London", "."],
    ["In", "Rome", ",", "Ada", "saw", "Bob", "."],
    ["Rome"],
    ["Nobody", "came", "to", "the", "IAEA", "on", "3", "May", "2019"],
    ["bob", "and", "ada", "met", "Mr.", "O'Brien", "in", "New", "York", "City"],
    ["</s>", "=", "a=b", "|", "word[0]=Rome", "\x02", " "],
]
GOLD = [
    ["B-PER", "I-PER", "O", "B-LOC", "O"],
    ["O", "B-LOC", "O", "B-PER", "O", "B-PER", "O"],
    ["B-LOC"],
    ["O"] * 9,
    ["B-PER", "O", "B-PER", "O", "O", "B-PER", "O", "B-LOC", "I-LOC", "I-LOC"],
    ["O"] * 7,
]


@st.composite
def chains(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    lengths = draw(st.lists(st.integers(0, 4), min_size=1, max_size=4))
    seed = draw(st.integers(0, 2**16))
    rng = np.random.default_rng(seed)
    return rng.normal(size=(sum(lengths), 3)) * 2, np.array(lengths), rng.normal(size=(3, 3)) * 2


def total(scores: np.ndarray, transition: np.ndarray, path: tuple[int, ...]) -> float:
    return sum(scores[at, tag] for at, tag in enumerate(path)) + sum(
        transition[a, b] for a, b in itertools.pairwise(path)
    )


@given(chains())
def test_viterbi_partition_and_marginals_equal_enumeration(chain: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    emissions, lengths, transition = chain
    lattice = Lattice.of(emissions, lengths)
    names = SCHEMES["BIO"].tagset(["X"])
    stops = Stops.of(names)
    at = 0
    for path, posterior, length in zip(
        viterbi(lattice, transition), forward_backward(lattice, transition), lengths, strict=True
    ):
        scores = emissions[at : at + length]
        at += length
        everything = list(itertools.product(range(3), repeat=int(length)))
        best = max(everything, key=lambda each: total(scores, transition, each))
        assert tuple(path) == best
        if not length:
            continue
        log_z = math.log(sum(math.exp(total(scores, transition, each)) for each in everything))
        assert posterior.log_z == pytest.approx(log_z)
        for span in mentions(names, best):
            inside = [each for each in everything if span in mentions(names, each)]
            expected = sum(math.exp(total(scores, transition, each) - log_z) for each in inside)
            assert posterior.span(span.start, span.end, path, stops) == pytest.approx(expected)


def mentions(names: Sequence[str], path: Sequence[int]) -> list[TokenSpan]:
    return SCHEMES["BIO"].spans([names[number] for number in path], "conlleval")


def probability(posterior: Posterior, path: Sequence[int]) -> float:
    """Of a whole sequence."""
    return math.exp(total(posterior.scores, posterior.transition, tuple(path)) - posterior.log_z)


@pytest.fixture(scope="module")
def trained() -> FeatureCrf:
    model = FeatureCrf.create(TAGS, FeatureCrfOptions(c2=0.01), seed=1)
    fitted = model.fit([SENTENCES], [GOLD])
    assert fitted.epochs > 5 and fitted.curve[-1]["loss"] < fitted.curve[0]["loss"]
    return model


@pytest.fixture(scope="module")
def crfsuite(tmp_path_factory: pytest.TempPathFactory) -> tuple[pycrfsuite.Tagger, Weights]:
    """A model trained by crfsuite alone on the same attributes."""
    path = tmp_path_factory.mktemp("crfsuite") / "model"
    trainer = pycrfsuite.Trainer("lbfgs", {"c1": 0, "c2": 0.01, "max_iterations": 150}, verbose=False)
    for items, tags in zip(attributes(SENTENCES, load_templates("default")), GOLD, strict=True):
        trainer.append(items, tags)
    trainer.train(str(path))
    tagger = pycrfsuite.Tagger()
    tagger.open(str(path))
    return tagger, read_crfsuite(path)


def test_weights_are_read_exactly(crfsuite: tuple[pycrfsuite.Tagger, Weights]) -> None:
    tagger, weights = crfsuite
    dump = tagger.info()
    assert set(weights.attributes) == set(dump.attributes)
    assert set(weights.tags) == set(dump.labels)
    rows = {name: row for row, name in enumerate(weights.attributes)}
    columns = {tag: column for column, tag in enumerate(weights.tags)}
    for (attribute, tag), weight in dump.state_features.items():
        assert weights.state[rows[attribute], columns[tag]] == pytest.approx(weight, abs=1e-6)
    for (before, after), weight in dump.transitions.items():
        assert weights.transition[columns[before], columns[after]] == pytest.approx(weight, abs=1e-6)
    assert np.count_nonzero(weights.state) == len(dump.state_features)


UNSEEN = [
    *SENTENCES,
    "Ada met nobody in Rome City on Monday".split(),
    ["unheard-of"],
    ["\u0301", "𝕏", "3"],
    [],
]


def test_decoding_equals_crfsuite(crfsuite: tuple[pycrfsuite.Tagger, Weights]) -> None:
    templates = load_templates("default")
    tagger, weights = crfsuite
    scores, lengths = Emissions(weights, templates)(UNSEEN)
    paths = viterbi(Lattice.of(scores, lengths), weights.transition)
    for items, path in zip(attributes(UNSEEN, templates), paths, strict=True):
        ours = [weights.tags[tag] for tag in path]
        assert ours == tagger.tag(items)
        if items:
            lattice = Lattice.of(_emissions(weights, items), np.array([len(path)]))
            posterior = forward_backward(lattice, weights.transition)[0]
            assert probability(posterior, path) == pytest.approx(tagger.probability(ours), abs=1e-9)


def _emissions(weights: Weights, items: list[list[str]]) -> np.ndarray:
    """State scores the plain way: the sum over attribute strings."""
    rows = {name: row for row, name in enumerate(weights.attributes)}
    return np.array(
        [
            sum((weights.state[rows[each]] for each in item if each in rows), np.zeros(len(weights.tags)))
            for item in items
        ]
    )


@given(st.lists(st.lists(st.sampled_from(["Ada", "left", "Rome", "X1", "</s>", ".", "new"]), max_size=6), max_size=5))
def test_vectorised_scores_equal_the_sum_over_attributes(sentences: list[list[str]]) -> None:
    weights = _random_weights()
    templates = load_templates("default")
    scores, lengths = Emissions(weights, templates)(sentences)
    expected = [_emissions(weights, items) for items in attributes(sentences, templates) if items]
    assert lengths.tolist() == [len(sentence) for sentence in sentences]
    if expected:
        np.testing.assert_allclose(scores, np.concatenate(expected), atol=1e-12)


def _random_weights() -> Weights:
    names = sorted(
        {each for items in attributes(SENTENCES, load_templates("default")) for item in items for each in item}
    )
    rng = np.random.default_rng(0)
    return Weights(
        TAGS, tuple(names), rng.normal(size=(len(names), len(TAGS))), rng.normal(size=(len(TAGS), len(TAGS)))
    )


def test_it_learns_its_training_sentences(trained: FeatureCrf) -> None:
    assert [list(answer.tags) for answer in trained.predict([SENTENCES])[0]] == GOLD


def test_scores_are_probabilities(trained: FeatureCrf) -> None:
    for answer in trained.predict([UNSEEN])[0]:
        for start, end, _ in SCHEMES["BIO"].spans(answer.tags):
            assert answer.span_score is not None and 0 < answer.span_score(start, end) <= 1


def test_saved_and_loaded_is_the_same(trained: FeatureCrf, tmp_path: Path) -> None:
    trained.save(tmp_path)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["attributes.json", "crf.json", "weights.safetensors"]
    again = FeatureCrf.load(tmp_path, TAGS, trained.options)
    np.testing.assert_array_equal(again.emissions.weights.state, trained.emissions.weights.state)
    assert [answer.tags for answer in again.predict([UNSEEN])[0]] == [
        answer.tags for answer in trained.predict([UNSEEN])[0]
    ]


def test_damaged_files_are_refused(trained: FeatureCrf, tmp_path: Path) -> None:
    trained.save(tmp_path)
    data = (tmp_path / "weights.safetensors").read_bytes()
    (tmp_path / "weights.safetensors").write_bytes(data[: len(data) // 2])
    with pytest.raises(ModelError, match="damaged"):
        FeatureCrf.load(tmp_path, TAGS, trained.options)
    trained.save(tmp_path)
    with pytest.raises(ModelError, match="does not know"):
        FeatureCrf.load(tmp_path, TAGS[:1], trained.options)
    for text in ("[]", "5", '{"tags": 5}', '{"tags": ["O"], "templates": ["x[0]"]}', "{"):
        (tmp_path / "crf.json").write_text(text)
        with pytest.raises(ModelError, match=r"crf\.json"):
            FeatureCrf.load(tmp_path, TAGS, trained.options)
    (tmp_path / "crf.json").unlink()
    with pytest.raises(ModelError, match=r"crf\.json"):
        FeatureCrf.load(tmp_path, TAGS, trained.options)


def test_untrained_models_say_so() -> None:
    with pytest.raises(ModelError, match="not trained"):
        FeatureCrf.create(TAGS, FeatureCrfOptions(), 1).predict([[["a"]]])


def test_features_of_a_word() -> None:
    items = next(iter(attributes([["Ada", "Byron", "left"]], load_templates("default"))))
    assert {"word[0]=Byron", "lower[-1]=ada", "lower[2]=</s>", "shape[0]=Xxxxx", "short_shape[0]=Xx"} <= set(items[1])
    assert {"prefix2[0]=By", "suffix3[0]=ron", "lower[-4..-1]=ada", "lower[1..4]=left"} <= set(items[1])
    assert "lower[-1]|lower[0]=ada|byron" in items[1]
    assert "edge[-1]|case[0]=<s>|title" in items[0]
    assert not any("lower[-4..-1]=<s>" in each for each in items[0])
    assert not any(each.startswith("prefix5") for each in items[0])


@pytest.mark.parametrize(
    "line", ["word", "word[x]", "nope[0]", "word[0]|lower[1..2]", "word[0]|", "lower[4..1]", "lower[0..0]"]
)
def test_bad_templates(line: str) -> None:
    with pytest.raises(ConfigError, match="feature template"):
        parse_template(line)
    with pytest.raises(ConfigError, match="template set"):
        load_templates("huge")
    with pytest.raises(ConfigError, match="more than once"):
        load_templates(["lower[0]", "lower[0]", "shape[0]"])


def test_template_names_can_be_told_from_values() -> None:
    """Attributes are read back at the first '='."""
    for templates in ("default", "small"):
        assert not any("=" in template.name for template in load_templates(templates))
    assert not any("=" in name for name in FUNCTIONS)


def test_where_a_mention_is_over() -> None:
    tags = ("O", "B-X", "I-X", "B-Y", "I-Y")
    over = Stops.of(tags).over
    assert not over[1, 2] and not over[2, 2]
    assert over[1, 1] and over[1, 4] and over[2, 3] and over[1, 0]


@given(st.lists(st.integers(0, 60), max_size=40), st.integers(1, 120))
def test_blocks_hold_every_sentence_once_and_stay_within_bounds(lengths: list[int], cells: int) -> None:
    made = blocks(np.array(lengths, dtype=np.int64), cells)
    assert sorted(number for block in made for number in block.tolist()) == list(range(len(lengths)))
    for block in made:
        longest = max(lengths[number] for number in block.tolist())
        assert len(block) == 1 or len(block) * longest <= cells


def test_words_seen_one_by_one_score_as_all_at_once() -> None:
    """The tables of known words grow in place."""
    weights = _random_weights()
    one_by_one, at_once = (Emissions(weights, load_templates("default")) for _ in range(2))
    sentences = [[f"w{number}", *SENTENCES[number % 3]] for number in range(200)]
    rows = [one_by_one([sentence])[0] for sentence in sentences]
    np.testing.assert_allclose(np.concatenate(rows), at_once(sentences)[0], atol=1e-12)


# ---------------------------------------------------------------------- word lists

GAZETTEER = Gazetteer.of(
    {"CITY": ["New York City", "New York", "York City", "Rome"], "A=+|": ["rome", "Ada Byron", "York"]}
)
LISTED = [
    [
        "gazetteer[-2]",
        "gazetteer[0]",
        "gazetteer[-2..2]",
        "gazetteer[0]|lower[1]",
        "lower[-1]|gazetteer[0]|gazetteer[1]",
    ],
    ["word[0]"],
]


def test_places_in_entries_of_a_list() -> None:
    sentence = ["In", "New", "York", "City", "Ada"]
    items = next(
        iter(attributes([sentence], load_templates(["gazetteer[0]", "gazetteer[0]|lower[1]"], True), GAZETTEER))
    )
    assert items == [
        [],
        ["gazetteer[0]|lower[1]=B-CITY|york", "gazetteer[0]=B-CITY"],
        [
            "gazetteer[0]|lower[1]=B-CITY+E-CITY+I-CITY+S-A=+||city",
            *(f"gazetteer[0]={place}" for place in ("B-CITY", "E-CITY", "I-CITY", "S-A=+|")),
        ],
        ["gazetteer[0]|lower[1]=E-CITY|ada", "gazetteer[0]=E-CITY"],
        [],
    ]


def test_lines_for_lists_are_added_unless_there_are_some() -> None:
    names = [template.name for template in load_templates("small", gazetteer=True)]
    assert names[-3:] == ["gazetteer[-1]", "gazetteer[0]", "gazetteer[1]"]
    assert names[:-3] == [template.name for template in load_templates("small")]
    assert [template.name for template in load_templates(["gazetteer[0]|word[0]"], True)] == ["gazetteer[0]|word[0]"]
    with pytest.raises(ConfigError, match=r"'gazetteer\[0\]' asks for word lists"):
        load_templates(["word[0]", "gazetteer[0]"])


@pytest.mark.parametrize("lines", LISTED)
@given(
    sentences=st.lists(
        st.lists(st.sampled_from(["Ada", "Byron", "New", "York", "City", "rome", "Rome", "in"]), max_size=6), max_size=5
    )
)
def test_vectorised_scores_of_lists_equal_the_sum_over_attributes(lines: list[str], sentences: list[list[str]]) -> None:
    templates = load_templates(lines, gazetteer=True)
    weights = _list_weights(tuple(lines))
    emissions = Emissions(weights, templates, GAZETTEER)
    for some in (sentences, sentences[::-1], sentences[:1]):  # the tables grow in place from call to call
        scores, _ = emissions(some)
        expected = [_emissions(weights, items) for items in attributes(some, templates, GAZETTEER) if items]
        if expected:
            np.testing.assert_allclose(scores, np.concatenate(expected), atol=1e-12)


@functools.cache
def _list_weights(lines: tuple[str, ...]) -> Weights:
    """Random weights for most attributes that these templates can give."""
    rng = np.random.default_rng(0)
    words = ["Ada", "Byron", "New", "York", "City", "rome", "Rome", "in"]
    text = [rng.choice(words, size=6).tolist() for _ in range(300)]
    text.append("New York City Ada Byron".split())
    items = attributes(text, load_templates(lines, gazetteer=True), GAZETTEER)
    names = sorted({each for item in items for word in item for each in word})
    assert any(name.startswith("gazetteer[0]=I-CITY") for name in names)
    return Weights(TAGS, tuple(names), rng.normal(size=(len(names), len(TAGS))), rng.normal(size=(len(TAGS),) * 2))


def test_blocks_of_sentences_give_the_same_attributes() -> None:
    templates = load_templates("default", gazetteer=True)
    whole = list(attributes(SENTENCES, templates, GAZETTEER))
    assert list(attributes(SENTENCES, templates, GAZETTEER, block=1)) == whole


def test_decoding_with_lists_equals_crfsuite(tmp_path: Path) -> None:
    templates = load_templates("default", gazetteer=True)
    trainer = pycrfsuite.Trainer("lbfgs", {"c1": 0, "c2": 0.01, "max_iterations": 150}, verbose=False)
    for items, tags in zip(attributes(SENTENCES, templates, GAZETTEER), GOLD, strict=True):
        trainer.append(items, tags)
    trainer.train(str(tmp_path / "model"))
    tagger = pycrfsuite.Tagger()
    tagger.open(str(tmp_path / "model"))
    weights = read_crfsuite(tmp_path / "model")
    assert {"gazetteer[0]=B-CITY", "gazetteer[1]=S-CITY", "gazetteer[-1]=B-A=+|"} <= set(weights.attributes)

    model = FeatureCrf(TAGS, FeatureCrfOptions(c2=0.01), gazetteer=GAZETTEER)
    model.fit([SENTENCES], [GOLD])
    asked = [*UNSEEN, "Bob met Ada Byron in New York".split(), "York City rome Rome".split()]
    for sentence, items, answer in zip(
        asked, attributes(asked, templates, GAZETTEER), model.predict([asked])[0], strict=True
    ):
        assert list(answer.tags) == tagger.tag(items)
        if sentence:
            scores, _ = Emissions(weights, templates, GAZETTEER)([sentence])
            posterior = forward_backward(Lattice.of(scores, np.array([len(sentence)])), weights.transition)[0]
            path = np.array([weights.tags.index(tag) for tag in answer.tags])
            assert probability(posterior, path) == pytest.approx(tagger.probability(list(answer.tags)), abs=1e-9)


PLACES = (
    [["Xu", "Bonn"], ["Oslo", "Moe"], ["Kyiv", "Ann"], ["Lee", "Lima"], ["Jo", "Port", "Louis"]],
    [["B-PER", "B-LOC"], ["B-LOC", "B-PER"], ["B-LOC", "B-PER"], ["B-PER", "B-LOC"], ["B-PER", "B-LOC", "I-LOC"]],
)


@pytest.fixture
def listed(tmp_path: Path) -> FeatureCrf:
    """Trained where nothing but the list tells a place from a person."""
    path = tmp_path / "places.txt"
    path.write_text("\n".join(["Bonn", "Oslo", "Kyiv", "Lima", "Port Louis", "Riga", "San Jose"]), encoding="utf-8")
    options = FeatureCrfOptions(c2=0.01, templates=("bias[0]", "word[0]"), gazetteers={"PLACE": (str(path),)})
    model = FeatureCrf.create(TAGS, options, 1)
    path.unlink()  # lists are read when a model is made, and not again
    model.fit(*([each] for each in PLACES))
    return model


def test_it_learns_to_use_a_list(listed: FeatureCrf) -> None:
    asked, expected = [["Riga", "Zoe"], ["Kim", "San", "Jose"]], [("B-LOC", "B-PER"), ("B-PER", "B-LOC", "I-LOC")]
    assert [answer.tags for answer in listed.predict([asked])[0]] == expected
    without = FeatureCrf.create(TAGS, FeatureCrfOptions(c2=0.01, templates=("bias[0]", "word[0]")), 1)
    without.fit(*([each] for each in PLACES))
    assert [answer.tags for answer in without.predict([asked])[0]] != expected


def test_lists_are_saved_with_the_model(listed: FeatureCrf, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    listed.save(folder)
    names = ["attributes.json", "crf.json", "gazetteers.json", "weights.safetensors"]
    assert sorted(file.name for file in folder.iterdir()) == names
    asked = [["Riga", "Zoe"], ["Kim", "San", "Jose"], ["Kim"]]
    again = FeatureCrf.load(folder, TAGS, listed.options)
    assert [answer.tags for answer in again.predict([asked])[0]] == [
        answer.tags for answer in listed.predict([asked])[0]
    ]
    np.testing.assert_array_equal(again.emissions(asked)[0], listed.emissions(asked)[0])
    for text in (
        "",
        "[]",
        '{"case": "exact", "lists": {"X": [""]}}',
        '{"case": "exact", "lists": {"a\\u0000": ["b"]}}',
    ):
        (folder / "gazetteers.json").write_text(text, encoding="utf-8")
        with pytest.raises(ModelError, match=r"gazetteers\.json"):
            FeatureCrf.load(folder, TAGS, listed.options)
    (folder / "gazetteers.json").unlink()
    with pytest.raises(ModelError, match=r"gazetteers\.json"):
        FeatureCrf.load(folder, TAGS, listed.options)


def test_a_missing_list_is_an_error_when_a_model_is_made(tmp_path: Path) -> None:
    options = FeatureCrfOptions.model_validate({"gazetteers": {"PLACE": str(tmp_path / "none.txt")}})
    with pytest.raises(DataError, match=r"none\.txt"):
        FeatureCrf.create(TAGS, options, 1)
