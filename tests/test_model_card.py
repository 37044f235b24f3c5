"""The page beside a saved model: true to its card, the same bytes each time, and no markup from user text."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from families import CORPUS, program

import onoma
from onoma import Document, Recognizer, Span
from onoma.recognizer.calibration import Calibration
from onoma.recognizer.model_card import render


@pytest.fixture
def crf() -> Recognizer:
    made = Recognizer.create("feature_crf", onoma.LabelSet.of(CORPUS), options={"c2": 0.05}, seed=7)
    made.fit(CORPUS, seed=7)
    return made


def saved(made: Recognizer, folder: Path) -> tuple[str, dict[str, Any]]:
    made.save(folder)
    page = (folder / "README.md").read_text(encoding="utf-8")
    return page, json.loads((folder / "onoma.json").read_text(encoding="utf-8"))


def test_it_tells_labels_data_scores_settings_versions_and_limits(crf: Recognizer, tmp_path: Path) -> None:
    crf.trained["settings"] = {"train": ["conll2003:train", "/home/me/mine.conll"], "dev": "demo:dev"}
    scores = crf.measure(CORPUS[:6])
    page, card = saved(crf, tmp_path / "model")
    counts = {label: sum(span.label == label for each in CORPUS for span in each.spans) for label in ("LOC", "PER")}
    assert card["trained"]["train"]["labels"] == counts
    low, high = scores.by_label["LOC"].f1_interval or (0, 0)
    support = scores.by_label["LOC"].support
    assert f"| LOC | {counts['LOC']} | {support} | 100.00 | {100 * low:.2f} to {100 * high:.2f} |" in page
    assert card["trained"]["train"]["fingerprint"] in page and scores.signature in page
    assert "`conll2003:train`: CoNLL-2003 shared task" in page and "non-commercial use only" in page
    assert "`mine.conll`, whose licence is not known" in page and "/home/me" not in page
    assert "`demo:dev`" in page and "Apache-2.0" in page
    for row in ("| `c2` | 0.05 |", "| seed | 7 |", "| encoding | tags BIO |", "(probability, under the model's"):
        assert row in page
    for part in ("Labels", "Data", "Scores", "Settings", "Versions", "Limits"):
        assert f"\n## {part}\n" in page
    assert f"onoma {onoma.__version__}, python " in page and "lie inside one sentence" in page


def test_the_same_card_is_the_same_bytes_and_is_read_from_the_folder(crf: Recognizer, tmp_path: Path) -> None:
    page, card = saved(crf, tmp_path / "a")
    again, _ = saved(onoma.load(tmp_path / "a"), tmp_path / "b")
    assert page == again == render(card)
    assert "no labelled text was scored" in page and page.endswith("\n") and "\n\n\n" not in page


def test_a_calibrated_model_says_so(crf: Recognizer, tmp_path: Path) -> None:
    crf.measure(CORPUS)
    crf.calibration = Calibration(
        method="isotonic",
        knots=((0.1, 0.2), (0.9, 1.0)),
        thresholds={"PER": 0.25},
        threshold=0.5,
        fitted={"documents": 3, "fingerprint": "abc", "ece": {"dev": {"before": 0.1, "after": 0.02}}},
    )
    page, _ = saved(crf, tmp_path / "model")
    assert "isotonic regression, 2 knots, fitted on 3 documents, fingerprint `abc`" in page
    assert "on dev: 10.00 % before, 2.00 % after" in page and "PER 0.25, others 0.5" in page
    assert "a probability, calibrated on held-out text" in page and "Before calibration." in page


def test_user_text_is_no_markup(tmp_path: Path) -> None:
    label = "[x](y)|<script>\n# A*"
    made = Recognizer.create("feature_crf", [label])
    made.fit([Document.from_words([["a"]], id="d").with_spans([Span(0, 1, label)])])
    page, _ = saved(made, tmp_path / "model")
    assert "| \\[x](y)\\|&lt;script> # A\\* | 1 |" in page and "<script>" not in page and "\n# A" not in page


def test_models_that_know_no_labels_and_keep_secrets(tmp_path: Path) -> None:
    command = program(tmp_path)
    made = Recognizer.create("external", [], options={"command": command, "env": {"TOKEN": "s3cret"}})
    page, _ = saved(made, tmp_path / "model")
    assert "external: labels not known beforehand" in page and "only ranks mentions" in page
    assert "s3cret" not in page and str(tmp_path) not in page and "## Labels" not in page


def test_very_many_labels_are_cut_and_said(tmp_path: Path) -> None:
    labels = [f"L{number:03}" for number in range(130)]
    words = [f"w{number}" for number in range(130)]
    text = Document.from_words([[word] for word in words], id="d")
    spans = [Span(token.start, token.end, label) for token, label in zip(text.tokens, labels, strict=True)]
    made = Recognizer.create("rules", labels)
    made.fit([text.with_spans(spans)])
    page, _ = saved(made, tmp_path / "model")
    assert "L099" in page and "L100 |" not in page and "... and 30 more." in page
