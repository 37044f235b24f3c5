"""read, stream, write and sniff: formats found out, options checked, bad files named, nothing half-written."""

from __future__ import annotations

import io
import json
import logging
import os
import sys
from collections.abc import Iterable, Iterator
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest
from dataset_cases import content, flat

from onoma import datasets, schemes, tables
from onoma.datasets.files import HEAD, Source
from onoma.document import Document, Span
from onoma.exceptions import ConfigError, DataError
from onoma.options import check_options

ADA = flat([["Ada", "ran"]], [(0, 1, "PER")])

CASES = {
    "conll": "Ada\tB-PER\nran\tO\n",
    "iob2": "# sent_id = 1\n1\tAda\tB-PER\t-\t-\n2\tran\tO\t-\t-\n",
    "conllu": "1\tAda" + "\t_" * 7 + "\tNER=B-PER\n2\tran" + "\t_" * 8 + "\n",
    "jsonl": '{"id": "1", "text": "Ada ran", "spans": [{"start": 0, "end": 3, "label": "PER", "text": "Ada"}]}\n',
    "brackets": "[Ada|PER] ran\n",
}


@pytest.mark.parametrize("format", CASES)
@pytest.mark.parametrize("name", ["file", "file.txt", "own"])
def test_content_tells_the_format_whatever_the_name(tmp_path: Path, format: str, name: str) -> None:
    ending = {"conll": ".bio"}.get(format, f".{format}")
    path = tmp_path / (name if name != "own" else f"file{ending}")
    path.write_text(CASES[format], encoding="utf-8", newline="\n")
    decision = datasets.sniff(path)
    assert decision.format == format and decision.reason.startswith(format)
    (document,) = datasets.read(path)
    assert (document.text, document.spans) == ("Ada ran", (Span(0, 3, "PER"),))
    again = datasets.read(path, decision.format, **decision.options)
    assert again == [document]


def test_an_indexed_three_column_file_is_conll_whatever_it_is_called(tmp_path: Path) -> None:
    path = tmp_path / "wiki.conllu"
    path.write_text("0\tAda\tB-PER\n1\tran\tO\n\n0\tShe\tO\n", encoding="utf-8")
    assert datasets.sniff(path).options["token_column"] == 1


def test_tokens_alone_are_recognised_and_prose_is_not(tmp_path: Path) -> None:
    path = tmp_path / "x.txt"
    path.write_text("Ada\nran\n\nShe\n", encoding="utf-8")
    assert datasets.sniff(path).format == "conll"
    path.write_text("Ada ran home.\nShe was tired, and slept for three days.\n", encoding="utf-8")
    with pytest.raises(DataError, match="no format recognised"):
        datasets.read(path)


def test_a_cut_first_line_of_json_is_read_as_json(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_text(CASES["jsonl"][:50], encoding="utf-8")
    with pytest.raises(DataError, match="ends in the middle of a JSON object"):
        datasets.read(path)


def test_the_decision_is_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "x.conll"
    path.write_text(CASES["conll"], encoding="utf-8")
    with caplog.at_level(logging.INFO, logger="onoma"):
        datasets.read(path)
    assert "tag_column=1" in caplog.text and "scheme BIO" in caplog.text and str(path) in caplog.text


def test_stream_gives_json_lines_before_the_end_is_seen(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    good = json.loads(CASES["jsonl"])
    lines = [json.dumps({**good, "id": str(number)}) for number in range(HEAD + 10)]
    path.write_text("\n".join([*lines, "damaged"]), encoding="utf-8")
    documents = datasets.stream(path)
    assert [next(documents).id for _ in range(3)] == ["0", "1", "2"]
    with pytest.raises(DataError, match=f":{len(lines) + 1}: "):
        list(documents)


@pytest.mark.parametrize("format", ["conll", "iob2", "conllu", "jsonl"])
def test_files_written_by_ending_read_back(tmp_path: Path, format: str) -> None:
    path = tmp_path / f"x.{format}"
    datasets.write([ADA], path)
    assert [content(document) for document in datasets.read(path)] == [content(ADA)]
    assert list(tmp_path.iterdir()) == [path]
    assert b"\r" not in path.read_bytes()


@pytest.mark.parametrize("name", datasets.FORMATS)
def test_every_row_of_the_table_writes_what_it_reads(name: str, tmp_path: Path) -> None:
    format = datasets.get(name)
    folder = name == "brat"  # reads single files, too, and so has an ending
    path = tmp_path / f"x{format.endings[0] if format.endings and not folder else ''}"
    assert format.name == name
    assert format.losses(ADA) == []
    datasets.write([ADA], path, name)
    (document,) = datasets.read(path, name)
    assert (document.id, document.text, document.spans) == (ADA.id, ADA.text, ADA.spans)
    decision = format.decide(Source(path))
    assert decision.format == name and decision.reason.startswith(name)
    if name in ("layers", "per_type"):
        return  # columns and folders of columns may be anything: these two are named
    assert datasets.sniff(path).format == name
    assert [content(each) for each in datasets.read(path)] == [content(document)]


def test_a_refused_document_leaves_the_old_file_alone(tmp_path: Path) -> None:
    path = tmp_path / "x.conll"
    path.write_text("old", encoding="utf-8")
    nested = ADA.with_spans([Span(0, 3, "X"), Span(0, 7, "Y")])
    with pytest.raises(DataError, match="overlaps another span") as caught:
        datasets.write([ADA, nested], path)
    assert "lossy" in str(caught.value)
    assert path.read_text(encoding="utf-8") == "old" and list(tmp_path.iterdir()) == [path]
    datasets.write([nested], path, lossy=True)
    assert path.read_text(encoding="utf-8") == "Ada\tB-Y\nran\tI-Y\n\n"


def test_half_characters_are_refused_and_leave_nothing(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"U\+D800"):
        datasets.write([Document("1", "\ud800")], tmp_path / "x.jsonl")
    assert list(tmp_path.iterdir()) == []


def test_dropped_labels_are_counted_in_the_log(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "x.conll"
    path.write_text("a\tB-PER\nb\tB-OTH\nc\tB-OTH\n", encoding="utf-8")
    with caplog.at_level(logging.INFO, logger="onoma"):
        (document,) = datasets.read(path, drop_labels=["OTH"])
    assert [span.label for span in document.spans] == ["PER"]
    assert "OTH 2" in caplog.text
    with pytest.raises(ConfigError, match="list of labels"):
        datasets.read(path, drop_labels="OTH")


# ---------------------------------------------------------------------- settings


def test_options_nobody_understands_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.conll"
    path.write_text(CASES["conll"], encoding="utf-8")
    with pytest.raises(ConfigError, match="no option 'colour': it has separator"):
        datasets.read(path, colour=1)
    with pytest.raises(ConfigError, match="no option 'scheme'"):
        datasets.write([ADA], tmp_path / "x.iob2", scheme="BIO")
    assert not (tmp_path / "x.iob2").exists()


def test_unknown_names_are_answered_with_the_list(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="brackets, brat, conll, conllu"):
        datasets.get("docx")
    with pytest.raises(ConfigError, match=r"\.conllu"):
        datasets.write([ADA], tmp_path / "x.docx")


class Shouting:
    """A third party's format: the text in capitals, no options, no sniffing."""

    name, endings = "shouting", (".loud",)

    def read(self, source: Source) -> Iterator[Document]:
        yield Document("1", "\n".join(source.lines()).upper())

    def write(self, documents: Iterable[Document], handle: io.StringIO) -> None:
        handle.writelines(document.text.upper() + "\n" for document in documents)


def test_third_parties_add_rows_by_entry_point(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    point = EntryPoint("shouting", f"{__name__}:Shouting", "onoma.datasets")
    monkeypatch.setattr(tables, "entry_points", lambda group: [point])
    assert "shouting" in datasets.names()
    datasets.write([ADA], tmp_path / "x.loud")
    assert datasets.read(tmp_path / "x.loud")[0].text == "ADA RAN"


# ---------------------------------------------------------------------- bad files


def bad_file(tmp_path: Path, data: bytes) -> Path:
    path = tmp_path / "bad.conll"
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("format", [None, *CASES])
@pytest.mark.parametrize(
    ("data", "message", "line"),
    [
        (b"", "the file is empty", None),
        (b"a\tO\nb\tO\nc\xff\tO\n", "byte 0xff at offset 9", 3),
        (b"a\tO\n\0\1\2", "zero byte at offset 4", 2),
        ("a\tO\n".encode("utf-16"), "UTF-16", 1),
        (b"\xef\xbb\xbf", "no ", None),
        (b"\n\n\n", "no ", None),
    ],
)
def test_what_is_no_text_is_named(tmp_path: Path, data: bytes, message: str, line: int | None, format: str) -> None:
    path = bad_file(tmp_path, data)
    with pytest.raises(DataError, match=message) as caught:
        datasets.read(path, format)
    assert str(caught.value).startswith(str(path)) and "\n" not in str(caught.value)
    if line is not None:
        assert caught.value.line == line


def test_files_that_are_not_there_are_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such file"):
        datasets.read(tmp_path / "nothing.conll")
    with pytest.raises(DataError, match="is a directory"):
        datasets.read(tmp_path)
    with pytest.raises(DataError, match="is a directory"):
        datasets.write([ADA], tmp_path, "jsonl")
    (tmp_path / "file").write_text("x", encoding="utf-8")
    with pytest.raises(DataError, match="cannot be written"):
        datasets.write([ADA], tmp_path / "file" / "where.jsonl")


def test_a_file_without_permission_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = bad_file(tmp_path, b"a\tO\n")

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(DataError, match="no permission"):
        datasets.read(path)


def test_mark_and_carriage_returns_are_no_part_of_the_text(tmp_path: Path) -> None:
    path = bad_file(tmp_path, b"\xef\xbb\xbfAda\tB-PER\r\nran\tO\r\n\r\n")
    assert datasets.read(path)[0] == ADA


# ---------------------------------------------------------------------- standard streams


class Standard:
    """A standard stream with the bytes beneath it."""

    def __init__(self, data: bytes = b"") -> None:
        self.buffer = io.BytesIO(data)

    def flush(self) -> None:
        pass


def test_a_hyphen_is_standard_input_and_output(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", Standard(CASES["conll"].encode()))
    assert datasets.read("-") == [ADA]
    monkeypatch.setattr(sys, "stdin", Standard(b"a\tO\nb\n"))
    with pytest.raises(DataError, match="<stdin>:2"):
        datasets.read("-")
    out = Standard()
    monkeypatch.setattr(sys, "stdout", out)
    datasets.write([ADA], "-", "conll")
    assert out.buffer.getvalue() == b"Ada\tB-PER\nran\tO\n\n"


def test_nothing_reaches_standard_output_of_a_refused_document(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(DataError):
        datasets.write([ADA, Document("2", "text")], "-", "conll")
    assert capsys.readouterr().out == ""
    datasets.write([Document("2", "ä")], "-")
    assert json.loads(capsys.readouterr().out)["text"] == "ä"


def test_written_files_have_the_usual_permissions(tmp_path: Path) -> None:
    if os.name != "posix":
        pytest.skip("permissions are POSIX ones")
    datasets.write([ADA], tmp_path / "x.jsonl")
    (tmp_path / "y").write_text("", encoding="utf-8")
    assert (tmp_path / "x.jsonl").stat().st_mode == (tmp_path / "y").stat().st_mode


def test_a_data_set_without_split_is_told_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError, match=r"demo: no such file .*name a split, demo:.*demo:test"):
        datasets.read("demo")
    Path("demo").write_text(CASES["conll"], encoding="utf-8")
    assert datasets.read("demo") == [ADA]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_full_disk_is_named() -> None:
    with pytest.raises(DataError, match="/dev/full: cannot be written: "):
        datasets.write([ADA], "/dev/full", "jsonl")


# ---------------------------------------------------------------------- types of options


@pytest.mark.parametrize(
    ("format", "options", "message"),
    [
        ("conll", {"tag_column": "1"}, "'tag_column' of the reader of conll is '1', not a whole number"),
        ("conll", {"tag_column": True}, "is True, not a whole number"),
        ("conll", {"tag_column": 1.0}, "is 1.0, not a whole number"),
        ("conll", {"separator": 5}, "is 5, not a string"),
        ("conll", {"scheme": 5}, "is 5, not a string"),
        ("conll", {"repair": None}, "is None, not a string"),
        ("conll", {"keep_tags": "x"}, "is 'x', not true or false"),
        ("conll", {"keep_tags": 1}, "is 1, not true or false"),
        ("hf", {"names": 5}, "is 5, not a list .a string each. or a string or a path"),
        ("hf", {"names": ["O", 5]}, "not a list"),
        ("layers", {"tag_columns": 1}, "not a list .a whole number each."),
        ("layers", {"tag_columns": ["1"]}, "not a list"),
        ("label_studio", {"annotator": 1.5}, "not a string or a whole number"),
        ("prodigy", {"offset_unit": 5}, "offset_unit"),
    ],
)
def test_options_of_another_type_are_named(
    format: str, options: dict[str, object], message: str, tmp_path: Path
) -> None:
    path = tmp_path / "x"
    path.write_text(CASES["conll"], encoding="utf-8")
    with pytest.raises(ConfigError, match=message) as caught:
        datasets.read(path, format, **options)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("options", [{"scheme": 5}, {"lossy": "yes"}, {"separator": ["tab"]}])
def test_options_of_a_writer_are_checked_too(options: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=next(iter(options))):
        datasets.write([ADA], tmp_path / "x.conll", **options)


def test_lists_stand_for_tuples_and_none_for_nothing(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_text("Ada\tB-PER\tO\nran\tO\tO\n", encoding="utf-8")
    for columns in ([1, 2], (1, 2), None):
        assert datasets.read(path, "layers", tag_columns=columns, scheme=None)[0].spans == ADA.spans
    path.write_text('{"tokens": ["Ada"], "ner_tags": [1]}', encoding="utf-8")
    for names in (["O", "B-PER"], ("O", "B-PER")):
        assert len(datasets.read(path, "hf", names=names)[0].spans) == 1
    (tmp_path / "names").write_text("O\nB-PER\n", encoding="utf-8")
    for file in (tmp_path / "names", str(tmp_path / "names")):
        assert len(datasets.read(path, "hf", names=file)[0].spans) == 1


def test_annotations_that_cannot_be_found_out_check_nothing() -> None:
    def read(*, a: Unknown, b, c: dict[str, int] = {}, d: float = 0) -> None:  # type: ignore # noqa: B006, F821
        pass

    check_options(read, {"a": 5, "b": object(), "c": {"x": 1}, "d": 1}, "it")
    for name, value in (("c", [1]), ("d", "1"), ("d", True)):
        with pytest.raises(ConfigError, match=name):
            check_options(read, {name: value}, "it")


@pytest.mark.parametrize("name", [5, None, ["BIO"]])
def test_names_that_are_no_strings_are_unknown(name: object) -> None:
    with pytest.raises(ConfigError, match="one of IO, BIO"):
        schemes.get(name)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="one of alpaca"):
        datasets.get(name)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "text", "format"),
    [
        ("a.xml", '<?xml version="1.0"?>\n<documents>\n<doc id="7"><PER>Ada</PER> [a|b]</doc>\n</documents>\n', "xml"),
        ("b.xml", "<documents>\n<doc><PER>Ada</PER>\n# doc two\nran</doc>\n</documents>\n", "xml"),
        ("c.txt", "<doc><PER>Ada</PER> was here</doc>\n", "xml"),
        ("d.conllu", "# doc a\n# sent_id = 1\n1\tAda\t_\t_\t_\t_\t0\t_\t_\tNER=B-PER\n\n", "conllu"),
        ("e.conll", "# doc 1\nEU\tB-ORG\nrejects\tO\n\n# doc 2\nAda\tB-PER\n", "conll"),
        ("f.txt", "EU NNP B-ORG\nrejects VB O\n\nsee VB O\n[1|2] X O\n", "conll"),
        ("g.conll", "EU B-ORG\nrejects O\n\nsee O\n[[Foo|Bar]] O\n", "conll"),
        ("h.txt", "# doc a\n[Ada|PER] ran\n", "brackets"),
        ("i.txt", "[Ada|PER] ran to [Rome|LOC].\n", "brackets"),
    ],
)
def test_marks_of_one_format_in_the_text_of_another(name: str, text: str, format: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")
    assert datasets.sniff(tmp_path / name).format == format
    assert any(document.spans for document in datasets.read(tmp_path / name))
