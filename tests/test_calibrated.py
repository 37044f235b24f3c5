"""A calibrated recognizer of any family: what it says, what it saves, and what it refuses to load."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from families import ALLOWED_FILES, CORPUS, document, options, program

import onoma
from onoma import Document, Prediction, Recognizer, Span, models, progress
from onoma.encodings.base import TagAnswer
from onoma.evaluation.matching import match
from onoma.exceptions import ConfigError, DataError, EvaluationError, ModelError
from onoma.recognizer.calibrating import calibrate
from onoma.recognizer.calibration import Calibration

HELD = [
    document(marked, f"h{number}")
    for number, marked in enumerate(
        [
            "[Ada|PER] met [Rome|LOC] in [London|LOC]",
            "Bob left [Byron|PER]",
            "[May|PER] of New York",
            "In [Paris|LOC] , [Bob|PER] saw 3",
            "the [City of London|LOC] left",
        ]
    )
]
"""Text on which a recognizer of `CORPUS` errs now and then."""

LESS_SURE = Calibration(method="temperature", temperature=3.0)


@pytest.fixture
def crf() -> Recognizer:
    made = Recognizer.create("feature_crf", onoma.LabelSet.of(CORPUS), options={"c2": 0.05})
    made.fit(CORPUS)
    return made


@pytest.mark.parametrize("family", ["feature_crf", "rules", "external"])
def test_any_family_keeps_its_calibration_and_can_be_asked_without(family: str, tmp_path: Path) -> None:
    made = Recognizer.create(family, onoma.LabelSet.of(CORPUS), options=options(family, tmp_path))
    if models.learns(family):
        made.fit(CORPUS)
    bare = made.predict(HELD)
    declared = made.score_kind
    made.calibration = Calibration(method="isotonic", knots=((0.0, 0.25), (1.0, 0.75)), thresholds={}, threshold=0.5)
    told = made.predict(HELD)
    for before, after in zip(bare, told, strict=True):
        expected = [replace(span, score=None if span.score is None else 0.25 + span.score / 2) for span in before.spans]
        kept = [span for span in expected if span.score is None or span.score >= 0.5]
        assert [(span, span.score) for span in after.spans] == [(span, pytest.approx(span.score)) for span in kept]
    made.save(tmp_path / "model")
    names = {file.name for file in (tmp_path / "model").iterdir()}
    assert names <= {"onoma.json", "README.md", "calibration.json", *ALLOWED_FILES[family]}
    again = onoma.load(tmp_path / "model")
    assert again.predict(HELD) == told and again.calibration == made.calibration
    assert (declared, again.score_kind) == ("probability" if family == "feature_crf" else "margin", "probability")
    for switch in (False, "false"):
        plain = onoma.load(tmp_path / "model", calibrated=switch)
        assert [each.spans for each in plain.predict(HELD)] == [each.spans for each in bare]
    again.save(tmp_path / "copy")
    assert onoma.load(tmp_path / "copy").calibration == made.calibration
    Recognizer.claim(tmp_path / "copy")
    with pytest.raises(ConfigError, match="calibrated = 'perhaps': true or false"):
        onoma.load(tmp_path / "copy", calibrated="perhaps")


def test_a_draft_keeps_to_thresholds(crf: Recognizer) -> None:
    crf.calibration = Calibration(method="temperature", temperature=1.0, thresholds={"PER": 1.0}, threshold=0.0)
    drafted = crf.draft(CORPUS)
    assert drafted == [each.spans for each in crf.predict(CORPUS)]
    assert {span.label for spans in drafted for span in spans} == {"LOC"}


def test_text_that_is_dropped_is_outside_in_the_tags_too(crf: Recognizer) -> None:
    raw = crf.predict(CORPUS)
    crf.calibration = Calibration(method="temperature", temperature=1.0, thresholds={"PER": 1.0}, threshold=0.0)
    for before, after, gold in zip(raw, crf.predict(CORPUS), CORPUS, strict=True):
        assert after.tags is not None and before.tags is not None
        assert [span for span in before.spans if span.label == "LOC"] == list(after.spans)
        again = crf.encoding.decode(gold, answers(gold, after.tags))
        assert again.spans == after.spans
        assert [tag for tag in after.tags if tag.endswith("LOC")] == [tag for tag in before.tags if tag.endswith("LOC")]


def answers(gold: Document, tags: Sequence[str]) -> list[TagAnswer]:
    return [TagAnswer(tuple(tags[first:last])) for first, last in gold.sentences]


def test_mentions_without_a_score_stay_as_they_are() -> None:
    text = Document("d", "Ada met Bob")
    answer = Prediction("d", (Span(0, 3, "PER"), Span(8, 11, "PER", 0.1)), raw="x")
    made = LESS_SURE.with_thresholds({"PER": 0.9}, 0.0)
    (found,) = made.apply([text], [answer])
    assert (found.spans, found.spans[0].score, found.raw) == ((Span(0, 3, "PER"),), None, "x")
    assert list(made.apply([], [])) == []


def test_new_weights_are_not_calibrated(crf: Recognizer) -> None:
    crf.calibration = LESS_SURE
    crf.fit(CORPUS)
    assert crf.calibration is None


def test_fitting_that_fails_leaves_what_there_was(crf: Recognizer) -> None:
    before = crf.calibration = Calibration(method="temperature", temperature=2.0)
    with pytest.raises(DataError, match="no document"):
        calibrate(crf, [])
    assert crf.calibration is before


def test_fitting_looks_at_both_sets_and_keeps_what_was_asked(crf: Recognizer) -> None:
    raw = crf.predict(HELD)
    found = calibrate(crf, HELD, CORPUS, method="isotonic")
    assert crf.calibration == found.calibration and found.calibration.thresholds is None
    assert crf.predict(HELD) == list(found.calibration.apply(HELD, raw))
    dev, test = found.sets["dev"], found.sets["test"]
    assert dev.before is not None and dev.after is not None
    assert dev.after.ece < 1e-9 < dev.before.ece
    assert found.calibration.fitted["ece"]["dev"] == {"before": dev.before.ece, "after": dev.after.ece}
    assert dev.scores[0].micro.f1 == onoma.evaluate(HELD, raw, resamples=0).micro.f1
    assert dev.scores[1].micro.f1 >= dev.scores[0].micro.f1
    assert (test.documents, test.scores[0].micro.f1) == (len(CORPUS), 1)
    json.dumps(found.to_dict(), allow_nan=False)
    kept = calibrate(crf, HELD, thresholds=True)
    assert kept.calibration.method == "temperature" and kept.calibration.thresholds == kept.by_label
    assert set(kept.sets) == {"dev"} and kept.calibration.threshold == kept.overall
    with pytest.raises(DataError, match="dev holds no document"):
        calibrate(crf, [])


def test_scores_that_say_nothing_cannot_be_calibrated(tmp_path: Path) -> None:
    deaf = Recognizer.create("external", [], options={"command": program(tmp_path), "timeout": 60})
    with pytest.raises(EvaluationError, match=r"no confidence to look at: every mention has the same score, 0\.5"):
        calibrate(deaf, HELD)
    matching = match(HELD, [Prediction(each.id, each.spans) for each in HELD])
    with pytest.raises(EvaluationError, match="no predicted mention has a score"):
        Calibration.fit(matching)


def test_a_model_asked_to_write_freely_has_no_probabilities(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torch")
    made = Recognizer.create("seq2seq", ["LOC", "PER"], options=options("seq2seq", tmp_path))
    made.calibration = LESS_SURE
    made.save(tmp_path / "model")
    said: list[str] = []
    monkeypatch.setattr(progress, "say", said.append)
    assert onoma.load(tmp_path / "model").score_kind == "probability" and not said
    free = onoma.load(tmp_path / "model", decoding="free")
    assert free.score_kind == "none" and all(span.score is None for each in free.predict(HELD) for span in each.spans)
    assert said == [f"{tmp_path / 'model'}: so asked, mentions have no scores, and its calibration changes nothing"]


@pytest.mark.parametrize(
    "change",
    [
        {"temperature": 0}, {"temperature": None}, {"temperature": "warm"}, {"method": "platt"}, {"format": 2},
        {"method": "isotonic"}, {"method": "isotonic", "temperature": None, "knots": []},
        {"method": "isotonic", "temperature": None, "knots": [[0.2, 0.5], [0.1, 0.6]]},
        {"method": "isotonic", "temperature": None, "knots": [[0.1, 0.5], [0.2, 0.4]]},
        {"method": "isotonic", "temperature": None, "knots": [[0.1, 1.5]]},
        {"knots": [[0.1, 0.5]]}, {"thresholds": {"PER": 2}}, {"thresholds": []}, {"threshold": -1}, {"more": 1},
    ],
)  # fmt: skip
def test_a_damaged_file_is_refused_in_one_line(change: dict[str, Any], tmp_path: Path, crf: Recognizer) -> None:
    crf.calibration = LESS_SURE
    crf.save(tmp_path / "model")
    path = tmp_path / "model" / "calibration.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(ModelError, match=r"calibration\.json: damaged: ") as caught:
        onoma.load(tmp_path / "model")
    assert "\n" not in str(caught.value)
    assert onoma.load(tmp_path / "model", calibrated=False).calibration is None


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "\x00", '{"temperature": NaN, "method": "temperature"}', "[" * 100_000]
)
def test_what_is_no_table_is_refused_too(text: str, tmp_path: Path, crf: Recognizer) -> None:
    crf.save(tmp_path / "model")
    (tmp_path / "model" / "calibration.json").write_text(text)
    with pytest.raises(ModelError, match=r"calibration\.json: (cannot be read|damaged)"):
        onoma.load(tmp_path / "model")


def test_a_calibration_is_written_beside_a_saved_model_and_nothing_else_changes(
    crf: Recognizer, tmp_path: Path
) -> None:
    crf.save(tmp_path / "model")
    before = {file.name: file.read_bytes() for file in (tmp_path / "model").iterdir()}
    crf.calibration = LESS_SURE
    crf.save_card(tmp_path / "model")
    after = {file.name: file.read_bytes() for file in (tmp_path / "model").iterdir()}
    assert {name for name in after if after[name] != before.get(name)} == {
        "onoma.json",
        "README.md",
        "calibration.json",
    }
    assert b"temperature 3" in after["README.md"]
    crf.calibration = None
    crf.save_card(tmp_path / "model")
    assert (tmp_path / "model" / "README.md").read_bytes() == after["README.md"]
    Recognizer.claim(tmp_path / "model")
    with pytest.raises(ModelError, match="no such model folder"):
        crf.save_card(tmp_path / "none")


def test_somebody_elses_page_is_left_alone(crf: Recognizer, tmp_path: Path) -> None:
    crf.save(tmp_path / "model")
    path = tmp_path / "model" / "onoma.json"
    card = json.loads(path.read_text(encoding="utf-8"))
    card["files"].remove("README.md")  # as written before there were pages
    path.write_text(json.dumps(card), encoding="utf-8")
    (tmp_path / "model" / "README.md").write_text("mine")
    crf.calibration = LESS_SURE
    crf.save_card(tmp_path / "model")
    assert (tmp_path / "model" / "README.md").read_text() == "mine"
