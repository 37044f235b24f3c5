"""Tokens and tags as JSON and Parquet: round trips, class names, documents of several rows, and hostile files."""

from __future__ import annotations

import io
import json
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
from dataset_cases import content, flat, numbered, token_documents
from hypothesis import given, settings
from hypothesis import strategies as st

from onoma.datasets import parquet as parquet_format
from onoma.datasets.files import Source
from onoma.datasets.hf import Hf
from onoma.datasets.parquet import Parquet
from onoma.document import Document, Span
from onoma.exceptions import ConfigError, DataError, MissingExtraError

HF, PARQUET = Hf(), Parquet()
NAMES = ["O", "B-PER", "I-PER"]
ADA = {"id": "7", "tokens": ["Ada", "ran"], "ner_tags": ["B-PER", "O"]}
ADA_NUMBERS = {**ADA, "ner_tags": [1, 0]}
NUMBERED = flat([["Ada", "ran"]], [(0, 1, "PER")], id="7")


def written(documents: list[Document], **options: Any) -> str:
    handle = io.StringIO(newline="\n")
    HF.write(documents, handle, **options)
    return handle.getvalue()


def read(*records: object, **options: Any) -> list[Document]:
    text = "\n".join(record if isinstance(record, str) else json.dumps(record) for record in records)
    return list(HF.read(Source.of(text), **options))


@settings(max_examples=150)
@given(st.lists(token_documents(), min_size=1, max_size=3), st.sampled_from(["BIO", "IOB1", "BIOES", "BILOU", "BMES"]))
def test_documents_come_back_from_json(documents: list[Document], scheme: str) -> None:
    documents = numbered(documents, "d")
    again = read(written(documents, scheme=scheme), scheme=scheme)
    assert [content(each) for each in again] == [content(each) for each in documents]


def test_what_rows_of_tags_cannot_hold_is_refused() -> None:
    document = flat([["ab", "cd"], ["e"]], [])
    spans = [(Span(0, 5, "X"), Span(0, 2, "Y")), (Span(0, 1, "X"),), (Span(3, 7, "X"),), (Span(0, 2, "a,B-b"),)]
    spans += [(Span(0, 5, "X", fragments=((0, 2), (3, 5))),)]
    for each, why in zip(spans, ["overlaps", "cuts", "crosses", "label", "discontinuous"], strict=True):
        with pytest.raises(DataError, match=why):
            written([document.with_spans(each)])
        assert len(read(written([document.with_spans(each)], lossy=True))[0].tokens) == 3
    with pytest.raises(DataError, match="melt"):
        written([flat([["a", "b"]], [(0, 1, "X"), (1, 2, "X")])], scheme="IO")
    with pytest.raises(DataError, match="comes twice"):
        written([NUMBERED, NUMBERED])


def test_rows_of_one_document_are_joined_and_other_columns_are_kept() -> None:
    first = {"document_id": 3, "sentence_id": 0, "tokens": ["Ada"], "ner_tags": ["B-PER"], "pos": ["N"]}
    (document, other) = read(first, {**first, "sentence_id": 1}, {**first, "document_id": 4})
    assert (document.id, other.id, document.sentences) == ("3", "4", ((0, 1), (1, 2)))
    assert document.meta["sentences"] == [{"sentence_id": 0, "pos": ["N"]}, {"sentence_id": 1, "pos": ["N"]}]
    lines = [json.loads(line) for line in written([document, other]).splitlines()]
    assert lines[1] == {**first, "document_id": "3", "sentence_id": 1}
    assert read(written([document, other])) == [document, other]


@pytest.mark.parametrize("layout", ["lines", "array", "pretty", "columns"])
def test_all_layouts_of_an_export_are_read(layout: str) -> None:
    rows = [ADA, {"id": None, "tokens": [], "ner_tags": []}]
    texts = {
        "lines": "\n".join(map(json.dumps, rows)),
        "array": json.dumps(rows),
        "pretty": json.dumps(rows, indent=2),
        "columns": json.dumps({key: [row[key] for row in rows] for key in ADA}),
    }
    assert read(texts[layout]) == [NUMBERED, Document("2", "")]


@pytest.mark.parametrize("tags", ["ner_tags", "tags", "labels", "ner"])
def test_the_usual_keys_are_known_and_others_can_be_named(tags: str) -> None:
    row = {"id": "7", "tokens": ADA["tokens"], tags: ADA["ner_tags"]}
    assert read(row) == [NUMBERED]
    assert any(sign <= row.keys() for sign in HF.signs)
    odd = {"id": "7", "forms": ADA["tokens"], "gold": ADA["ner_tags"]}
    assert read(odd, tokens="forms", tags="gold") == [NUMBERED]
    with pytest.raises(DataError, match="tokens=KEY"):
        read(odd)


def test_the_decision_can_be_read_with_again() -> None:
    text = json.dumps(ADA_NUMBERS)
    decision = HF.decide(Source.of(text), names=NAMES)
    assert decision.options == {"tokens": "tokens", "tags": "ner_tags", "scheme": "BIO", "names": NAMES}
    assert "numbers named by the names given" in decision.reason
    assert list(HF.read(Source.of(text), **decision.options)) == [NUMBERED]
    plain = HF.decide(Source.of('{"tokens": ["a"], "tags": ["PER"]}'), scheme="plain")
    assert plain.options["scheme"] == "plain"
    (document,) = read('{"tokens": ["a"], "tags": ["PER"]}', **plain.options)
    assert document.spans == (Span(0, 1, "PER"),)


def test_tags_are_kept_as_read_and_repaired_as_told() -> None:
    row = {"tokens": ["a", "b", "c"], "tags": ["B-X", "O", "I-X"]}
    assert read(row, keep_tags=True)[0].meta["tags"] == ("B-X", "O", "I-X")
    assert len(read(row)[0].spans) == 2 and len(read(row, repair="discard")[0].spans) == 1
    with pytest.raises(ConfigError):
        read(row, repair="none")


def test_a_stream_with_a_named_scheme_is_read_row_by_row() -> None:
    text = "\n".join([json.dumps(ADA), json.dumps({**ADA, "id": "8"}), "damaged"])
    documents = HF.read(Source("-", io.BytesIO(text.encode())), scheme="BIO")
    assert next(documents) == NUMBERED
    with pytest.raises(DataError, match=r"<stdin>:3"):
        list(documents)
    again = Source("-", io.BytesIO(json.dumps(ADA).encode()))
    assert list(HF.read(again)) == [NUMBERED]


# ---------------------------------------------------------------------- names of numbers

LABEL = {"names": NAMES, "_type": "ClassLabel"}


def features(label: object, tags: str = "ner_tags") -> dict[str, Any]:
    return {"features": {tags: label}}


@pytest.mark.parametrize(
    "card",
    [
        features({"feature": LABEL, "_type": "Sequence"}),
        features({"feature": LABEL, "_type": "List"}),
        features([LABEL]),
        {"config": features({"feature": LABEL})},
        {"one": features({"feature": LABEL}), "two": features({"feature": LABEL})},
    ],
)
def test_names_come_from_the_card_beside_the_file(tmp_path: Path, card: dict[str, Any]) -> None:
    path = tmp_path / "train.json"
    path.write_text(json.dumps(ADA_NUMBERS), encoding="utf-8")
    (tmp_path / "dataset_info.json").write_text(json.dumps(card, indent=1), encoding="utf-8")
    assert list(HF.read(Source(path))) == [NUMBERED]
    assert "dataset_info.json beside the file" in HF.decide(Source(path)).reason
    assert read(ADA_NUMBERS, names=tmp_path / "dataset_info.json") == [NUMBERED]


def test_names_come_from_a_text_file(tmp_path: Path) -> None:
    (tmp_path / "names.txt").write_text("O\nB-PER\nI-PER\n", encoding="utf-8")
    assert read(ADA_NUMBERS, names=str(tmp_path / "names.txt")) == [NUMBERED]


def test_numbers_without_names_are_never_guessed(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"made:1: 'ner_tags' holds class numbers without names \(pass names="):
        read(ADA_NUMBERS)
    path = tmp_path / "x.json"
    path.write_text(json.dumps(ADA_NUMBERS), encoding="utf-8")
    card = tmp_path / "dataset_info.json"
    for text, why in [
        (json.dumps(features(LABEL, "pos")), "without names"),
        ("[]", "without names"),
        ("{", "is not JSON"),
        (json.dumps({"a": features(LABEL), "b": features({**LABEL, "names": ["O"]})}), "2 different ways"),
    ]:
        card.write_text(text, encoding="utf-8")
        with pytest.raises(DataError, match=why):
            list(HF.read(Source(path)))
    with pytest.raises(DataError, match="no class names for 'ner_tags'"):
        card.write_text(json.dumps(features(LABEL, "pos")), encoding="utf-8")
        read(ADA_NUMBERS, names=card)
    with pytest.raises(DataError, match="no such file"):
        read(ADA_NUMBERS, names=tmp_path / "none.txt")
    with pytest.raises(ConfigError, match="names is a list"):
        read(ADA_NUMBERS, names=[1, 2])


BAD = {
    r"1 tag\(s\) for 2 token\(s\)": {**ADA, "ner_tags": ["O"]},
    "'ner_tags' is not a list": {**ADA, "ner_tags": "O O"},
    "'ner_tags' is missing": {"tokens": ["a"]},
    "'tokens' is missing": {"ner_tags": ["O"]},
    r"tokens\[1\] is not a string": {**ADA, "tokens": ["a", None]},
    "neither tags nor class numbers": {**ADA, "ner_tags": [True, 0]},
    "values that are neither": {**ADA, "ner_tags": ["O", 0]},
    "class number 3 in 'ner_tags': there are 3": {**ADA, "ner_tags": [0, 3]},
    "class number -100": {**ADA, "ner_tags": [0, -100]},
    "tag 'PER' is neither": {**ADA, "ner_tags": ["PER", "O"]},
    "tag 'Q-PER' is neither": {**ADA, "ner_tags": ["Q-PER", "O"]},
    "'L-PER' does not belong": {**ADA, "ner_tags": ["L-PER", "O"]},
    "half a surrogate": {**ADA, "tokens": ["\ud800", "a"]},
    "'ner_tags' holds U.D800": {**ADA, "ner_tags": ["B-\ud800", "O"]},
    "'id' holds U.D800": {**ADA, "id": "\ud800"},
    "'id' is neither": {**ADA, "id": 1.5},
    "id 'x' stands already in line 1": {**ADA, "id": "x"},
    "nothing but empty tokens": {**ADA, "tokens": ["", "a"]},
    "columns of different lengths": {"tokens": [["a"]], "ner_tags": []},
    "ends in the middle": '{"tokens": ["a"',
}


@pytest.mark.parametrize("scheme", ["BIO", None])
@pytest.mark.parametrize("why", BAD)
def test_bad_rows_are_named_with_their_line(why: str, scheme: str | None) -> None:
    if scheme is None and "belong" in why:
        return
    with pytest.raises(DataError, match=why) as caught:
        read({**ADA, "id": "x"}, BAD[why], names=NAMES, scheme=scheme)
    assert (caught.value.path, caught.value.line) == ("made", 2)


def test_prefixes_of_no_scheme_are_named_with_their_line() -> None:
    with pytest.raises(DataError, match=r"made:2: tag prefixes B, L, M belong"):
        read({"tokens": ["a", "b", "c"], "tags": ["B-X", "M-X", "M-X"]}, {"tokens": ["a", "b"], "tags": ["B-X", "L-X"]})


# ---------------------------------------------------------------------- Parquet

arrow = pytest.importorskip("pyarrow")
files = pytest.importorskip("pyarrow.parquet")


def table(path: Path, columns: dict[str, Any], metadata: object = None) -> Path:
    made = arrow.table(columns)
    if metadata is not None:
        made = made.replace_schema_metadata({b"huggingface": metadata})
    files.write_table(made, path)
    return path


@settings(max_examples=40, deadline=None)
@given(st.lists(token_documents(), min_size=1, max_size=3), st.sampled_from(["BIO", "IOB1", "BIOES"]))
def test_documents_come_back_from_parquet(
    tmp_path_factory: pytest.TempPathFactory, documents: list[Document], scheme: str
) -> None:
    documents, path = numbered(documents, "d"), tmp_path_factory.mktemp("parquet") / "x.parquet"
    PARQUET.write(documents, path, scheme=scheme)
    again = list(PARQUET.read(Source(path), scheme=scheme))
    assert [content(each) for each in again] == [content(each) for each in documents]
    assert [each.name for each in path.parent.iterdir()] == ["x.parquet"]


def test_written_names_are_a_class_label(tmp_path: Path) -> None:
    path = tmp_path / "sub" / "x.parquet"
    PARQUET.write([NUMBERED], path)
    schema = files.read_schema(path)
    stored = json.loads(schema.metadata[b"huggingface"])["info"]["features"]
    assert stored["ner_tags"] == {"feature": {"names": NAMES, "_type": "ClassLabel"}, "_type": "Sequence"}
    assert stored.keys() == set(schema.names) == {"id", "tokens", "ner_tags"}
    decision = PARQUET.decide(Source(path))
    assert decision.options["names"] == NAMES and "1 row(s)" in decision.reason
    assert list(PARQUET.read(Source(path), **decision.options)) == [NUMBERED]
    assert list(PARQUET.read(Source(path))) == [NUMBERED]


def test_numbers_without_features_need_names(tmp_path: Path) -> None:
    for metadata in (None, b"{", b'{"info": 1}', b"\xff"):
        path = table(tmp_path / "x.parquet", {"id": ["7"], "tokens": [["Ada", "ran"]], "ner_tags": [[1, 0]]}, metadata)
        with pytest.raises(DataError, match=r"x\.parquet: row 1: 'ner_tags' holds class numbers"):
            list(PARQUET.read(Source(path)))
        assert list(PARQUET.read(Source(path), names=NAMES)) == [NUMBERED]


def test_rows_of_text_and_spans_are_read(tmp_path: Path) -> None:
    first = {"start": 0, "end": 3, "label": "PER", "text": "Ada"}
    second = {"start": 0, "end": 1, "label": "X", "text": None}
    columns = {"id": [7, 8], "text": ["Ada ran", "ab"], "spans": [[first], [second]]}
    columns |= {"split": ["a", None], "meta": ['{"k": 1}', None]}
    one, two = PARQUET.read(Source(table(tmp_path / "x.parquet", columns)))
    assert (one.id, one.text, one.spans) == ("7", "Ada ran", (Span(0, 3, "PER"),))
    assert one.meta == {"k": 1, "split": "a"} and two.meta == {}
    assert two.spans == (Span(0, 1, "X"),)
    for spans, why in [
        ([[{"start": 0, "end": 9, "label": "X"}], []], "row 1: .*outside the text"),
        ([[], [{"start": 0, "end": 1, "label": "X", "text": "q"}]], "row 2: .*but says 'q'"),
        ([["a"], []], "row 1: .*not an object"),
    ]:
        path = table(tmp_path / "x.parquet", {**columns, "spans": spans})
        with pytest.raises(DataError, match=why):
            list(PARQUET.read(Source(path)))
    path = table(tmp_path / "x.parquet", {**columns, "id": ["a", "a"]})
    with pytest.raises(DataError, match="row 2: document id 'a' stands already in row 1"):
        list(PARQUET.read(Source(path)))


def test_files_that_are_no_parquet_are_refused_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    PARQUET.write([NUMBERED] + [flat([["a"] * 50], [], id=str(number)) for number in range(100, 200)], path)
    whole = path.read_bytes()
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as bomb:
        bomb.writestr("x", b"0" * 100_000)
    cases = [
        (b"", "empty"),
        (b"PAR1", "middle of a Parquet file|longer than"),
        (packed.getvalue(), "is not a Parquet file"),
        (b'{"id": 1}', "is not a Parquet file"),
        (b"PARE" + whole[4:], "encrypted"),
        (whole[:-20], "middle of a Parquet file"),
        (whole[:-8] + b"\xff\xff\xff\x7fPAR1", "longer than it can be"),
        (whole[:-8] + b"\x02\x00\x00\x00PAR1", "cannot be read as Parquet"),
        (whole[:4] + bytes(len(whole) // 3) + whole[4 + len(whole) // 3 :], "cannot be read as Parquet"),
    ]
    for data, why in cases:
        path.write_bytes(data)
        with pytest.raises(DataError, match=why) as caught:
            list(PARQUET.read(Source(path)))
        assert "\n" not in str(caught.value) and str(caught.value).startswith(str(path))
    with pytest.raises(DataError, match="no such file"):
        list(PARQUET.read(Source(tmp_path / "none.parquet")))
    with pytest.raises(DataError, match="from a stream"):
        list(PARQUET.read(Source.of("PAR1")))


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_a_damaged_file_is_read_or_refused_but_never_a_traceback(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    path = tmp_path_factory.mktemp("damaged") / "x.parquet"
    PARQUET.write([NUMBERED, flat([["a", "b"]], [(0, 2, "X")], id="8")], path)
    raw = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 3))):
        raw[data.draw(st.integers(4, len(raw) - 9))] = data.draw(st.integers(0, 255))
    path.write_bytes(raw)
    try:
        assert all(isinstance(document, Document) for document in PARQUET.read(Source(path)))
    except (DataError, ConfigError) as error:
        assert "\n" not in str(error)


def test_absurd_sizes_are_refused_before_anything_is_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    words = ["a" * 50] * 50_000
    path = table(tmp_path / "x.parquet", {"tokens": [words] * 20, "ner_tags": [[0] * 50_000] * 20})
    monkeypatch.setattr(parquet_format._File, "records", None)
    with pytest.raises(DataError, match=r"claims 20 row\(s\) of 2,000,000 values"):
        list(PARQUET.read(Source(path)))
    monkeypatch.setattr(parquet_format, "PACKED", 1 << 40)
    for name, limit, what in [("VALUES", 1000, "1,000,000 values in a column"), ("GROUP", 10, r"[\d,]+ bytes")]:
        monkeypatch.setattr(parquet_format, name, limit)
        with pytest.raises(DataError, match=f"row group 1 has {what} when unpacked"):
            list(PARQUET.read(Source(path)))


def test_a_long_word_repeated_without_end_is_refused_before_it_is_unpacked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = table(tmp_path / "x.parquet", {"tokens": [["a" * 5000] * 8000], "ner_tags": [["O"] * 8000]})
    assert path.stat().st_size < 20_000
    monkeypatch.setattr(parquet_format, "GROUP", 1 << 24)
    monkeypatch.setattr(parquet_format, "PACKED", 1000)
    with pytest.raises(DataError, match=r"row 1: this and the 0 row\(s\) after it may have 4\d,[\d,]+ bytes"):
        list(PARQUET.read(Source(path)))


def test_columns_of_all_kinds_are_read(tmp_path: Path) -> None:
    words, numbers = [["Ada", "ran"]], [[1, 0]]
    kinds = [arrow.list_(arrow.string()), arrow.list_(arrow.large_string()), arrow.large_list(arrow.string())]
    kinds += [arrow.list_(arrow.string(), 2), arrow.list_(arrow.dictionary(arrow.int32(), arrow.string()))]
    for kind in kinds:
        tags = arrow.array(numbers, arrow.list_(arrow.int8()))
        columns = {"id": [7], "tokens": arrow.array(words, kind), "ner_tags": tags, "none": [None]}
        columns |= {"when": arrow.array([0], arrow.timestamp("s")), "raw": [b"x"], "inner": [{"a": ["b"]}]}
        columns |= {"pairs": arrow.array([[("k", 1)]], arrow.map_(arrow.string(), arrow.int64()))}
        (document,) = PARQUET.read(Source(table(tmp_path / "x.parquet", columns)), names=NAMES)
        assert (document.id, document.words, document.spans) == ("7", ("Ada", "ran"), (Span(0, 3, "PER"),))
        assert document.meta["sentences"][0]["inner"] == {"a": ["b"]}


def test_writing_is_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    path.write_bytes(b"old")
    for document, why in [
        (NUMBERED.with_spans([Span(0, 1, "X")]), "cuts a token"),
        (flat([["\ud800"]], []), "U.D800"),
        (flat([["a"]], [(0, 1, "\ud800")]), "U.D800"),
    ]:
        with pytest.raises(DataError, match=why):
            PARQUET.write([document], path)
    assert path.read_bytes() == b"old" and len(list(tmp_path.iterdir())) == 1
    with pytest.raises(DataError, match="is a directory"):
        PARQUET.write([NUMBERED], tmp_path)


def test_without_pyarrow_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "x.parquet"
    PARQUET.write([NUMBERED], path)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingExtraError, match=r"onoma\[parquet\]"):
        list(PARQUET.read(Source(path)))
    with pytest.raises(MissingExtraError):
        PARQUET.write([NUMBERED], path)
