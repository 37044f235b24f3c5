"""Predictions on disk: problems, tags and raw answers survive; other formats give their spans."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from dataset_cases import flat

from onoma import datasets
from onoma.document import Document, Prediction, Problem, Span, Token
from onoma.exceptions import DataError

ADA = flat([["Ada", "ran"]], [(0, 1, "PER")])
LONG = Prediction(
    "1",
    (Span(4, 7, "ORG", 0.25), Span(0, 3, "PER")),
    (Problem("ungrounded", "Eve", "PER", (0, 7)), Problem("malformed", "["), Problem("truncated", within=(4, 4))),
    ("B-PER", "I-ORG"),
    ("first", "second"),
)


def test_every_part_survives(tmp_path: Path) -> None:
    path = tmp_path / "p.jsonl"
    for prediction in (LONG, Prediction("1"), Prediction("1", raw="one answer", tags=())):
        document = ADA if prediction.tags != () else Document("1", "")
        datasets.write_predictions([(document, prediction)], path)
        (again,) = datasets.read_predictions(path)
        assert again == prediction
        assert [span.score for span in again.spans] == [span.score for span in prediction.spans]


def test_a_file_of_predictions_is_no_file_of_documents(tmp_path: Path) -> None:
    path = tmp_path / "p.jsonl"
    datasets.write_predictions([(ADA, LONG)], path)
    with pytest.raises(DataError, match="read_predictions"):
        datasets.read(path)


def test_documents_serve_as_predictions(tmp_path: Path) -> None:
    path = tmp_path / "p.jsonl"
    datasets.write([ADA], path)
    assert datasets.read_predictions(path) == [Prediction("1", ADA.spans)]


def test_columns_keep_the_tags_as_they_were_predicted(tmp_path: Path) -> None:
    path = tmp_path / "p.conll"
    path.write_text("Ada\tB-PER\nran\tI-ORG\n\nx\tO\n", encoding="utf-8")
    first, second = datasets.read_predictions(path)
    assert first.tags == ("B-PER", "I-ORG") and len(first.spans) == 2
    assert (second.document_id, second.tags) == ("2", ("O",))


def test_brackets_have_no_tags(tmp_path: Path) -> None:
    path = tmp_path / "p.brackets"
    path.write_text("[Ada|PER] ran\n", encoding="utf-8")
    assert datasets.read_predictions(path) == [Prediction("1", (Span(0, 3, "PER"),))]


def test_a_prediction_goes_with_its_own_document(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="paired with"):
        datasets.write_predictions([(ADA, Prediction("2"))], tmp_path / "p.jsonl")
    with pytest.raises(DataError, match="outside the text of 7"):
        datasets.write_predictions([(ADA, Prediction("1", (Span(5, 9, "X"),)))], tmp_path / "p.jsonl")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({"problems": {}}, "'problems' is not a list"),
        ({"problems": [1]}, "not an object with a 'kind'"),
        ({"problems": [{"kind": "odd"}]}, "kind 'odd' is unknown"),
        ({"problems": [{"kind": "malformed", "text": 1}]}, "is not a string"),
        ({"problems": [{"kind": "malformed", "why": "x"}]}, "unknown key 'why'"),
        ({"problems": [{"kind": "malformed", "within": [0]}]}, "within is not a pair"),
        ({"problems": [{"kind": "malformed", "within": [0, True]}]}, "within.1. is true, not a whole number"),
        ({"problems": [{"kind": "malformed", "within": [2, 1]}]}, "within .2:1.: no range of characters"),
        ({"problems": [{"kind": "malformed", "within": [0, 8]}]}, "within .0:8. lies outside the text of 7"),
        ({"tags": "O O"}, "'tags' is not a list"),
        ({"tags": ["O"], "tokens": [[0, 3], [4, 7]]}, "1 tags for 2 tokens"),
        ({"raw": 1}, "'raw' is neither"),
        ({"problems": [{"kind": "malformed", "text": "\ud800"}]}, "text holds U\\+D800, half a surrogate pair"),
        ({"problems": [{"kind": "malformed", "label": "\udfff"}]}, "label holds U\\+DFFF, half a surrogate pair"),
        ({"tags": ["O", "B-\ud800"]}, "'tags' holds U\\+D800"),
        ({"raw": ["x", "\ud800"]}, "'raw' holds U\\+D800"),
        ({"other": 1}, "unknown key 'other'"),
    ],
)
def test_damaged_predictions_are_named(tmp_path: Path, parts: dict[str, object], message: str) -> None:
    path = tmp_path / "p.jsonl"
    record = {"id": "1", "text": "Ada ran", "spans": []}
    path.write_text(json.dumps(record) + "\n" + json.dumps({**record, "id": "2", **parts}), encoding="utf-8")
    with pytest.raises(DataError, match=message) as caught:
        datasets.read_predictions(path)
    assert caught.value.line == 2


def test_one_prediction_a_document(tmp_path: Path) -> None:
    path = tmp_path / "p.jsonl"
    datasets.write_predictions([(ADA, LONG), (ADA, LONG)], path)
    with pytest.raises(DataError, match="stands already in line 1"):
        datasets.read_predictions(path)


def test_tags_of_other_tokens_than_the_golds_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "p.jsonl"
    record = {"id": "1", "text": "a b-c d.", "spans": [], "tags": ["O", "B-X", "O"]}
    gold = Document("1", "a b-c d.", (Token(0, 1), Token(2, 5), Token(6, 8)), ((0, 3),))
    for tokens, kept in (([[0, 1], [2, 5], [6, 8]], True), ([[0, 3], [4, 5], [6, 8]], False)):
        path.write_text(json.dumps({**record, "tokens": tokens}), encoding="utf-8")
        (found,) = datasets.read_predictions(path, gold=[gold])
        assert (found.tags is not None) == kept
        assert datasets.read_predictions(path)[0].tags == ("O", "B-X", "O")
