"""The conformance test of every model family, and what a recognizer promises whatever is in it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import unicodedata
from pathlib import Path
from typing import Any

import pytest
from families import ALLOWED_FILES, CORPUS, options
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import onoma
from onoma import Document, Recognizer, Span, datasets, models
from onoma.exceptions import ConfigError, DataError, MisalignedSpansError, ModelError
from onoma.models import MODELS

FAMILIES = sorted(MODELS)


@pytest.fixture(scope="session", params=FAMILIES)
def trained(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Recognizer:
    family = request.param
    if models.trained_by_gradients(family):
        pytest.importorskip("torch")
    made = Recognizer.create(
        family, onoma.LabelSet.of(CORPUS), options=options(family, tmp_path_factory.mktemp("encoders"))
    )
    made.fit(CORPUS)
    return made


def test_it_learns_eight_sentences_by_heart(trained: Recognizer) -> None:
    if not models.learns(trained.family):
        pytest.skip(f"{trained.family} is not trained here: what it answers is its program's business")
    assert onoma.evaluate(CORPUS, trained.predict(CORPUS), resamples=0).micro.f1 == 1


def test_a_draft_has_the_spans_of_a_prediction(trained: Recognizer) -> None:
    assert list(map(set, trained.draft(CORPUS))) == [set(each.spans) for each in trained.predict(CORPUS)]


def test_a_draft_of_a_chain_sums_over_no_sequences(monkeypatch: pytest.MonkeyPatch) -> None:
    made = Recognizer.create("feature_crf", onoma.LabelSet.of(CORPUS))
    made.fit(CORPUS)
    told = made.predict(CORPUS)
    monkeypatch.setattr("onoma.models.tagging.answers.forward_backward", lambda *_: pytest.fail("a score was computed"))
    drafted = made.draft(CORPUS)
    assert drafted == [each.spans for each in told] and any(drafted)
    assert all(span.score is None for spans in drafted for span in spans)


def test_saved_and_loaded_is_the_same_and_self_contained(trained: Recognizer, tmp_path: Path) -> None:
    trained.save(tmp_path / "model")
    names = {file.name for file in (tmp_path / "model").iterdir()}
    assert names <= {"onoma.json", "README.md", *ALLOWED_FILES[trained.family]}
    moved = tmp_path / "elsewhere"
    (tmp_path / "model").rename(moved)
    again = onoma.load(moved)
    assert again.predict(CORPUS) == trained.predict(CORPUS)
    assert (again.family, again.labels, again.splitter) == (trained.family, trained.labels, trained.splitter)
    assert str(tmp_path) not in json.dumps(json.loads((moved / "onoma.json").read_text())["trained"])


PIECES = ["Ada ", "Rome ", "left ", ".", " ", "\u200b", "\u0301", "é", "😀", "\n", "[", "\x01", "\x02"]
TEXT = st.lists(st.sampled_from(PIECES), max_size=12).map("".join)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
@given(texts=st.lists(TEXT, max_size=6), look_ahead=st.integers(1, 30))
def test_any_text_gives_one_answer_in_order_with_spans_inside_it(
    trained: Recognizer, texts: list[str], look_ahead: int
) -> None:
    pairs = list(trained.pipe_documents(texts, look_ahead))
    assert [prediction.document_id for _, prediction in pairs] == [str(number) for number in range(len(texts))]
    for text, (document, prediction) in zip(texts, pairs, strict=True):
        assert document.text == text
        for span in prediction.spans:
            assert 0 <= span.start < span.end <= len(text)
            assert span.score is None or 0 <= span.score <= 1
            assert span.label in trained.labels
        if trained.encoding is None:
            continue
        assert prediction.tags is not None and len(prediction.tags) == len(document.tokens)
        starts = {token.start for token in document.tokens}
        ends = {token.end for token in document.tokens}
        for span in prediction.spans:
            assert span.start in starts and span.end in ends
            assert span.score is not None


def test_answers_do_not_depend_on_what_else_is_asked(trained: Recognizer) -> None:
    texts = ["Ada left Rome.", "nobody", "", "In London , Bob Byron met 3 of the " * 30, "Ada"]
    together = trained.predict(texts)
    for number, text in enumerate(texts):
        alone = trained.predict([text])[0]
        assert (alone.spans, alone.tags) == (together[number].spans, together[number].tags)
    assert [each.spans for each in trained.pipe(texts, look_ahead=1)] == [each.spans for each in together]


def test_long_text_is_never_cut(trained: Recognizer) -> None:
    words = ["Ada", "left", "London", "."] * 700
    document = Document.from_words([words], id="long")
    prediction = trained.predict([document])[0]
    if trained.encoding is not None:
        assert prediction.tags is not None and len(prediction.tags) == len(words)
    if trained.model.answers == "text":  # by heart it knows eight sentences, and nothing of long ones
        windows = [exchange.window for exchange in trained.encoding.exchanges(document)]
        assert prediction.raw is not None and len(prediction.raw) == len(windows) > 1
        assert [number for first, last in windows for number in range(first, last)] == list(range(len(words)))
        return
    if trained.family != "encoder_tagger":
        assert len(prediction.spans) == 1400
    assert {span.start > len(document.text) * 0.9 for span in prediction.spans} == {True, False}


def test_gold_is_not_looked_at(trained: Recognizer) -> None:
    blank = [document.with_spans([]) for document in CORPUS]
    assert [each.spans for each in trained.predict(blank)] == [each.spans for each in trained.predict(CORPUS)]


def test_unicode_normal_forms_keep_their_own_offsets(trained: Recognizer) -> None:
    text = "Zoë Ada left Róme."
    for form in ("NFC", "NFD"):
        changed = unicodedata.normalize(form, text)
        document, prediction = next(iter(trained.pipe_documents([changed])))
        assert "".join(document.words) == changed.replace(" ", "")
        assert all(span.end <= len(changed) for span in prediction.spans)


def test_half_a_surrogate_pair_is_a_letter_like_any_other(trained: Recognizer) -> None:
    text = "Ada \ud83d Byron left Lon\udc00don ."
    document, prediction = next(iter(trained.pipe_documents([text])))
    assert document.text == text
    assert all(span.end <= len(text) for span in prediction.spans)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_seeded_run_twice_gives_the_same_bytes_whatever_the_hash_seed(family: str, tmp_path: Path) -> None:
    if models.trained_by_gradients(family):
        pytest.importorskip("torch")
    script = (
        "import sys, json; sys.path.insert(0, sys.argv[1])\n"
        "from pathlib import Path; from families import CORPUS, options; from onoma import Recognizer, LabelSet\n"
        "chosen = options(sys.argv[2], Path(sys.argv[3]))\n"
        "chosen = {**chosen, **({'epochs': 2} if 'epochs' in chosen else {})}\n"
        "made = Recognizer.create(sys.argv[2], LabelSet.of(CORPUS), options=chosen, seed=7)\n"
        "made.fit(CORPUS, seed=7)\n"
        "made.save(Path(sys.argv[4]))\n"
        "print(json.dumps([[(s.start, s.end, s.label, s.score) for s in p.spans] for p in made.predict(CORPUS)]))\n"
    )
    options(family, tmp_path)
    outputs = []
    for hash_seed in ("0", "4242"):
        folder = tmp_path / hash_seed
        folder.mkdir()
        done = subprocess.run(
            [sys.executable, "-c", script, str(Path(__file__).parent), family, str(tmp_path), str(folder)],
            env={**os.environ, "PYTHONHASHSEED": hash_seed, "OMP_NUM_THREADS": "1"},
            capture_output=True,
            check=True,
            encoding="utf-8",
        )
        outputs.append((done.stdout, {file.name: file.read_bytes() for file in folder.iterdir()}))
    assert outputs[0] == outputs[1]


# ---------------------------------------------------------------------- training


GRADIENTS = [family for family in FAMILIES if models.trained_by_gradients(family)]
EPOCHS = {"bilstm_crf": 8, "causal_lm": 24, "encoder_tagger": 4, "seq2seq": 24}
"""Epochs after which a family knows some of the names, not yet all."""


@pytest.mark.parametrize("family", GRADIENTS)
def test_dev_chooses_the_epoch_by_our_own_score(family: str, tmp_path: Path) -> None:
    pytest.importorskip("torch")
    chosen = {**options(family, tmp_path), "epochs": EPOCHS[family], "patience": EPOCHS[family]}
    if family in {"causal_lm", "seq2seq"}:
        chosen["validation"] = "likelihood"
    made = Recognizer.create(family, ["LOC", "PER"], options=chosen)
    fitted = made.fit(CORPUS, CORPUS)
    scored = [row["dev_f1"] for row in fitted.curve if "dev_f1" in row]
    assert len(set(scored)) > 2 and fitted.best_epoch == 1 + scored.index(max(scored))
    assert onoma.evaluate(CORPUS, made.predict(CORPUS), resamples=0).micro.f1 == max(scored)
    assert made.trained["dev"] == {
        "documents": 8,
        "used_for": "choice of epoch",
        "fingerprint": datasets.fingerprint(CORPUS),
    }


@pytest.mark.parametrize("family", GRADIENTS)
def test_what_has_answered_before_is_trained_all_the_same(family: str, tmp_path: Path) -> None:
    """Weights that were laid out for the first answers are laid out anew for those after training."""
    pytest.importorskip("torch")
    made = Recognizer.create(family, ["LOC", "PER"], options={**options(family, tmp_path), "epochs": EPOCHS[family]})
    made.fit(CORPUS)
    before = made.predict(CORPUS)
    made.fit(CORPUS)
    made.save(tmp_path / "model")
    after = made.predict(CORPUS)
    assert after == onoma.load(tmp_path / "model").predict(CORPUS) != before


def test_a_killed_training_goes_on_where_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stopped in its third epoch and started again, a run ends with the same weights and the same curve."""
    torch = pytest.importorskip("torch")
    chosen = {**options("encoder_tagger", tmp_path), "epochs": 5}

    def fresh() -> Recognizer:
        return Recognizer.create("encoder_tagger", ["LOC", "PER"], options=chosen, seed=3)

    whole = fresh()
    expected = whole.fit(CORPUS, CORPUS, folder=tmp_path / "whole", seed=3)
    assert not (tmp_path / "whole" / "checkpoints").exists()

    class Killed(BaseException):
        pass

    broken: Any = fresh()
    calls = 0

    def dies(documents: object) -> float:
        nonlocal calls
        calls += 1
        if calls == 3:
            raise Killed
        return Recognizer._dev_f1(broken, documents)  # type: ignore[arg-type]

    monkeypatch.setattr(broken, "_dev_f1", dies)
    with pytest.raises(Killed):
        broken.fit(CORPUS, CORPUS, folder=tmp_path / "run", seed=3)
    assert (tmp_path / "run" / "checkpoints").exists()

    again = fresh()
    resumed = again.fit(CORPUS, CORPUS, folder=tmp_path / "run", seed=3)
    assert resumed.resumed and not expected.resumed
    assert [row["dev_f1"] for row in resumed.curve] == [row["dev_f1"] for row in expected.curve]
    for one, two in zip(whole.model.module.parameters(), again.model.module.parameters(), strict=True):  # type: ignore[attr-defined]
        assert torch.equal(one, two)


def scripted(family_options: dict[str, Any], dev_scores: list[float], dies_at: int | None) -> Recognizer:
    """A tagger whose dev scores are given; it dies when it asks for score number `dies_at`."""
    made: Any = Recognizer.create("encoder_tagger", ["LOC", "PER"], options=family_options, seed=3)
    left = iter(enumerate(dev_scores, start=1))

    def score(_: object) -> float:
        number, value = next(left)
        if number == dies_at:
            raise InterruptedError
        return value

    made._dev_f1 = score
    return made


def test_patience_outlives_a_kill(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    chosen = {**options("encoder_tagger", tmp_path), "epochs": 9, "patience": 3}
    falling = [0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3]
    whole = scripted(chosen, falling, None).fit(CORPUS, CORPUS, folder=tmp_path / "whole", seed=3)
    with pytest.raises(InterruptedError):
        scripted(chosen, falling, 4).fit(CORPUS, CORPUS, folder=tmp_path / "run", seed=3)
    resumed = scripted(chosen, falling[3:], None).fit(CORPUS, CORPUS, folder=tmp_path / "run", seed=3)
    assert whole.epochs == resumed.epochs == 4
    assert whole.best_epoch == resumed.best_epoch == 1


@pytest.mark.parametrize("left", [[], ["model.safetensors"], ["trainer_state.json"]])
def test_a_half_written_checkpoint_does_not_stop_a_run_for_good(left: list[str], tmp_path: Path) -> None:
    pytest.importorskip("torch")
    chosen = {**options("encoder_tagger", tmp_path), "epochs": 3}
    with pytest.raises(InterruptedError):
        scripted(chosen, [0.1, 0.2, 0.3], 2).fit(CORPUS, CORPUS, folder=tmp_path / "run", seed=3)
    half = tmp_path / "run" / "checkpoints" / "checkpoint-9999"
    half.mkdir()
    for name in left:
        (half / name).write_text("{")
    resumed = scripted(chosen, [0.2, 0.3], None).fit(CORPUS, CORPUS, folder=tmp_path / "run", seed=3)
    assert resumed.resumed and resumed.epochs == 3


def test_resume_files_of_another_run_are_left_alone(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    chosen = {**options("encoder_tagger", tmp_path), "epochs": 1, "keep_checkpoints": True}
    Recognizer.create("encoder_tagger", ["LOC", "PER"], options=chosen).fit(CORPUS, folder=tmp_path / "run", seed=1)
    with pytest.raises(ConfigError, match="other data or settings"):
        Recognizer.create("encoder_tagger", ["LOC", "PER"], options=chosen).fit(CORPUS[:4], folder=tmp_path / "run")
    foreign = tmp_path / "other" / "checkpoints"
    foreign.mkdir(parents=True)
    (foreign / "thesis.txt").write_text("mine")
    with pytest.raises(ConfigError, match="no run of ours"):
        Recognizer.create("encoder_tagger", ["LOC", "PER"], options=chosen).fit(CORPUS, folder=tmp_path / "other")
    assert (foreign / "thesis.txt").exists()


def test_raw_text_is_split_and_misaligned_gold_is_listed() -> None:
    document = Document("d", "Ada Lovelace's London", spans=(Span(0, 12, "PER"), Span(16, 21, "LOC")))
    with pytest.raises(MisalignedSpansError, match="cuts a token"):
        Recognizer.create("feature_crf", ["PER", "LOC"]).fit([document])
    made = Recognizer.create("feature_crf", ["PER", "LOC"], on_misaligned="drop")
    made.fit([document])
    assert made.trained["train"]["lost_spans"] == 1


def test_entity_free_sentences_are_learnt_from() -> None:
    made = Recognizer.create("feature_crf", ["LOC", "PER"])
    made.fit(CORPUS)
    assert made.trained["train"]["sentences"] == 8


@pytest.mark.parametrize("family", FAMILIES)
def test_documents_are_answered_by_families_that_say_so(family: str, tmp_path: Path) -> None:
    """A family either answers with tags through an encoding or with predictions itself; the card says which."""
    if models.trained_by_gradients(family):
        pytest.importorskip("torch")
    made = Recognizer.create(family, ["LOC", "PER"], options=options(family, tmp_path))
    assert (made.encoding is None) == (models.family(family).answers == "documents")
    assert made.labels == ("LOC", "PER")
    with pytest.raises(ConfigError, match=r"takes (no|an) encoding"):
        Recognizer.join(small().encoding if made.encoding is None else None, made.model)
    if made.encoding is not None:
        return
    refused: list[dict[str, Any]] = [{"scheme": "BIOES"}, {"repair": "strict"}, {"on_misaligned": "drop"}]
    for setting in refused:
        with pytest.raises(ConfigError, match=f"means nothing to {family}, which answers without tags"):
            Recognizer.create(family, ["PER"], options=options(family, tmp_path), **setting)
    made.fit(CORPUS)
    made.save(tmp_path / "model")
    card = json.loads((tmp_path / "model" / "onoma.json").read_text(encoding="utf-8"))
    assert (card["encoding"], card["labels"]) == (None, ["LOC", "PER"])
    assert ("fingerprint" in made.trained.get("train", {})) == models.learns(family)
    for change in ({"labels": 5}, {"labels": None}, {"labels": "PER"}):
        (tmp_path / "model" / "onoma.json").write_text(json.dumps({**card, **change}), encoding="utf-8")
        with pytest.raises(ModelError, match=r"onoma\.json: damaged"):
            onoma.load(tmp_path / "model")


def test_nothing_to_learn_from() -> None:
    with pytest.raises(ConfigError, match="no labels"):
        Recognizer.create("feature_crf", [])
    with pytest.raises(DataError, match="nothing to train on"):
        Recognizer.create("feature_crf", ["PER"]).fit([Document("d", "")])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"family": "hmm"}, "one of bilstm_crf, causal_lm, encoder_tagger, external, feature_crf, rules, seq2seq"),
        ({"family": "feature_crf", "options": {"c3": 1}}, "'c3' is no setting; known: templates, c1"),
        ({"family": "feature_crf", "options": {"c2": -1}}, "'c2'|c2: "),
        ({"family": "feature_crf", "splitter": "moses"}, "splitter 'moses'"),
        ({"family": "feature_crf", "scheme": "BIX"}, "tag scheme"),
    ],
)
def test_wrong_settings_are_one_clear_line(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        Recognizer.create(**{"labels": ["PER"], **arguments})
    assert "\n" not in str(caught.value)


# ---------------------------------------------------------------------- files


def small() -> Recognizer:
    made = Recognizer.create("feature_crf", ["LOC", "PER"])
    made.fit(CORPUS)
    return made


def test_what_is_no_model_is_refused_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no such model folder"):
        onoma.load(tmp_path / "nothing")
    with pytest.raises(ModelError, match=r"holds no onoma\.json"):
        onoma.load(tmp_path)
    (tmp_path / "file").write_text("x")
    with pytest.raises(ModelError, match="this is a file"):
        onoma.load(tmp_path / "file")
    (tmp_path / "onoma.json").write_text('{"format": 1}')
    with pytest.raises(ModelError, match="damaged"):
        onoma.load(tmp_path)
    small().save(tmp_path / "model")
    good = json.loads((tmp_path / "model" / "onoma.json").read_text())
    for change in ({"splitter": []}, {"splitter": "x"}, {"family": 5}, {"encoding": 5}, {"options": {"c9": 1}}):
        (tmp_path / "onoma.json").write_text(json.dumps({**good, **change}))
        with pytest.raises(ModelError, match=r"onoma\.json"):
            onoma.load(tmp_path)
    for change in ({"scheme": 5}, {"scheme": None}, {"labels": 5}, {"name": "grid"}):
        (tmp_path / "onoma.json").write_text(json.dumps({**good, "encoding": {**good["encoding"], **change}}))
        with pytest.raises(ModelError, match=r"onoma\.json"):
            onoma.load(tmp_path)
    (tmp_path / "onoma.json").write_text('{"format": 2}')
    with pytest.raises(ModelError, match="does not know"):
        onoma.load(tmp_path)
    (tmp_path / "onoma.json").write_text('{"format"')
    with pytest.raises(ModelError, match="cannot be read"):
        onoma.load(tmp_path)


def test_saving_replaces_a_model_but_nothing_else(tmp_path: Path) -> None:
    made = small()
    made.save(tmp_path / "model")
    made.save(tmp_path / "model")
    assert sorted(each.name for each in tmp_path.iterdir()) == ["model"]
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "cat.jpg").write_text("cat")
    with pytest.raises(ConfigError, match=r"holds 'cat\.jpg', which saving would lose"):
        made.save(tmp_path / "photos")
    assert (tmp_path / "photos" / "cat.jpg").read_text() == "cat"
    (tmp_path / "model" / "NOTES.md").write_text("mine")
    with pytest.raises(ConfigError, match=r"NOTES\.md"):
        made.save(tmp_path / "model")
    assert (tmp_path / "model" / "NOTES.md").read_text() == "mine"


def test_a_failed_save_leaves_the_old_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = small()
    made.save(tmp_path / "model")
    before = {file.name: file.read_bytes() for file in (tmp_path / "model").iterdir()}

    def fails(folder: Path) -> None:
        (folder / "half").write_text("x")
        raise OSError("disk full")

    monkeypatch.setattr(made.model, "save", fails)
    with pytest.raises(OSError, match="disk full"):
        made.save(tmp_path / "model")
    assert {file.name: file.read_bytes() for file in (tmp_path / "model").iterdir()} == before
    assert sorted(each.name for each in tmp_path.iterdir()) == ["model"]
