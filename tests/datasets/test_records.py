"""JSON as all JSON formats read it: nothing settled in silence, bounded memory, values checked."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onoma import datasets
from onoma.datasets import files, records
from onoma.datasets.files import Source
from onoma.datasets.records import encode, objects, parsed, score
from onoma.document import Document
from onoma.exceptions import DataError

KEYS = st.text("ab\u00e9\\\"'", max_size=2)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
)


def read(text: str) -> list[object]:
    return [record for _, record in objects(Source.of(text))]


class Trickle(io.BytesIO):
    """A stream that hands out a few bytes at a time."""

    def __init__(self, data: bytes, size: int = 1) -> None:
        super().__init__(data)
        self.size = size

    def read1(self, size: int | None = -1, /) -> bytes:
        return super().read(min(self.size, self.size if size is None or size < 0 else size))


@given(st.lists(st.dictionaries(KEYS, VALUES, max_size=3), min_size=1, max_size=3), st.integers(1, 5))
def test_what_json_writes_is_read_whatever_the_layout(found: list[dict[str, object]], size: int) -> None:
    for text in (
        "\n".join(json.dumps(each, ensure_ascii=False) for each in found),
        json.dumps(found, indent=2, ensure_ascii=False),
        "\ufeff" + json.dumps(found, ensure_ascii=False),
    ):
        assert read(text) == found
        source = Source("made", Trickle(text.encode("utf-8"), size)).kept()
        assert [record for _, record in objects(source)] == found


@pytest.mark.parametrize("value", [None, 1, 0.5, -3], ids=repr)
def test_a_score_is_a_number_or_none(value: float | None) -> None:
    assert score(value, "x") == value


@pytest.mark.parametrize("value", [True, "1", [1], float("nan"), float("inf"), -float("inf"), 10**400], ids=str)
def test_what_is_no_score(value: object) -> None:
    with pytest.raises(DataError, match=r"spans\[0\]\.score"):
        score(value, "spans[0].score")


@pytest.mark.parametrize("number", ["1e999", "-1e999", "NaN", "Infinity", "-Infinity", "1" * 400, "1" * 5000])
@pytest.mark.parametrize("array", [False, True])
def test_a_score_beyond_all_numbers_is_refused_with_its_line(number: str, array: bool) -> None:
    span = f'{{"start": 0, "end": 1, "label": "X", "text": "a", "score": {number}}}'
    line = f'{{"id": "1", "text": "a", "spans": [{span}]}}'
    with pytest.raises(DataError) as caught:
        list(datasets.get("jsonl").read(Source.of(f"[\n{line}\n]" if array else f"\n{line}\n")))
    assert caught.value.line == 2 and len(str(caught.value)) < 200


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('{"id": "1"}\n{"id": "2", "spans": [], "text": "", "spans": []}', 2),
        ('[{"id": "1"},\n{"spans": [], "spans": []}]', 2),
        ('{"meta": {"spans": 1, "spans": 1}}', 1),
    ],
)
def test_a_key_that_comes_twice_is_refused(text: str, line: int) -> None:
    with pytest.raises(DataError, match="the key 'spans' twice") as caught:
        read(text)
    assert caught.value.line == line
    with pytest.raises(DataError, match="'a' twice"):
        parsed('{"a": 1, "a": 1}')


def test_one_object_over_several_lines_is_named() -> None:
    text = json.dumps({"id": "1", "text": "a", "spans": []}, indent=2)
    with pytest.raises(DataError, match="one object over several lines"):
        read(text)
    with pytest.raises(DataError, match="one JSON object a line"):
        read('{"id": "1",\n{"id": "2"}')
    with pytest.raises(DataError, match="ends in the middle of a JSON object"):
        read('{"id": "1"}\n{"id": "2", ')


def test_an_item_of_an_array_is_no_larger_than_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records, "LONGEST", 100)
    monkeypatch.setattr(records, "BLOCK", 10)
    monkeypatch.setattr(files, "PEEK", 16)
    asked: list[int] = []
    more = records._more
    monkeypatch.setattr(records, "_more", lambda chunks, size: asked.append(size) or more(chunks, size))
    short, long = {"a": "x" * 80}, {"a": "x" * 100}

    def read(text: str) -> list[object]:
        return [record for _, record in objects(Source("made", Trickle(text.encode(), 8)))]

    assert read(json.dumps([short] * 5)) == [short] * 5
    for text in (json.dumps([short, long]), json.dumps([long]), '[{"a": "' + "x" * 300):
        with pytest.raises(DataError, match="a JSON value of more than"):
            read(text)
    assert max(asked) <= 110, "the text never doubles beyond what an item may have"


def test_a_fault_early_in_a_long_array_is_found_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records, "_more", lambda *_: pytest.fail("read on"))
    with pytest.raises(DataError, match="is not JSON") as caught:
        read('[\n{"a": 1 "b": 2},\n' + '{"a": 1},\n' * 50 + "]")
    assert caught.value.line == 2


# ---------------------------------------------------------------------- writing


@pytest.mark.parametrize("format", ["jsonl", "hf", "genia"])
def test_half_a_surrogate_pair_in_meta_names_the_document(format: str, tmp_path: Path) -> None:
    meta = {"sentences": [{"x": "\ud800"}]} if format != "jsonl" else {"x": {"y": "\udfff"}}
    document = Document.from_words([["a"]], id="seven")
    document = Document("seven", document.text, document.tokens, document.sentences, (), meta)
    with pytest.raises(DataError, match=r"'seven' holds U\+D[8F]") as caught:
        datasets.write([document], tmp_path / "x.jsonl", format)
    assert "\n" not in str(caught.value) and not list(tmp_path.iterdir())


def test_meta_that_goes_round_in_circles_is_refused() -> None:
    circle: dict[str, object] = {}
    circle["it"] = circle
    for meta in (circle, {"x": object()}, {"x": float("inf")}):
        with pytest.raises(DataError, match="'7' cannot be written as JSON"):
            encode(meta, "7")
