"""brat standoff: pairs of files go there and back with fragments, ids and relations; nothing damaged is read."""

from __future__ import annotations

import logging
import os
import re
import tempfile
from pathlib import Path
from typing import Any

import pytest
from dataset_cases import CHARACTERS, content
from hypothesis import given, settings
from hypothesis import strategies as st

from onoma.datasets import get
from onoma.datasets.brat import Brat
from onoma.datasets.files import Source
from onoma.datasets.recognise import recognise
from onoma.document import Document, Span
from onoma.exceptions import ConfigError, DataError

TEXT = "Ada saw\nBob Roe."
LINES = "T1\tPER 0 3\tAda\nT7\tPER 8 11;12 15\tBob Roe\nR1\tKnows Arg1:T1 Arg2:T7\n#1\tAnnotatorNotes R1\tsure\n"


@st.composite
def marked(draw: st.DrawFn) -> Document:
    """Any text with any spans: nested, crossing, discontinuous, repeated."""
    text = draw(st.text(CHARACTERS + "\n\n;\0", max_size=16))
    spans = []
    for _ in range(draw(st.integers(0, 4)) if len(text) > 3 else 0):
        a, b, c, d = sorted(draw(st.sets(st.integers(0, len(text)), min_size=4, max_size=4)))
        label = draw(st.text("aB-_.;漢0:\t ", min_size=1, max_size=3))
        spans.append(Span(a, d, label, fragments=((a, b), (c, d)) if draw(st.booleans()) else ()))
    return Document(draw(st.text("ab/.%é \\\0\n", max_size=6)), text, spans=tuple(spans))


def pair(folder: Path, text: str = TEXT, lines: str = LINES, name: str = "a") -> Path:
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / f"{name}.txt").write_bytes(text.encode())
    (folder / f"{name}.ann").write_bytes(lines.encode())
    return folder


def read(path: Path, **options: object) -> list[Document]:
    return list(Brat().read(Source(path), **options))  # type: ignore[arg-type]


@settings(max_examples=150, deadline=None)
@given(marked())
def test_a_round_trip_holds_or_a_loss_is_listed(document: Document) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "out")
        if Brat().losses(document):
            with pytest.raises(DataError, match="cannot be written as brat"):
                Brat().write([document], path)
            assert not path.exists()
            Brat().write([document], path, lossy=True)
            (again,) = read(path)
            assert again.text == document.text.replace("\0", "\ufffd")
            assert len(again.spans) == len(document.spans)
            return
        Brat().write([document], path)
        (again,) = read(path)
        assert content(again) == content(document)
        assert again.meta == {}


@settings(max_examples=40, deadline=None)
@given(st.text("a😀e\u0301\r\n ", min_size=2, max_size=9), st.sampled_from(["utf16", "code_point"]), st.data())
def test_offsets_go_there_and_back_in_other_units(text: str, unit: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text) - 1))
    document = Document("d", text, spans=(Span(start, data.draw(st.integers(start + 1, len(text))), "X"),))
    with tempfile.TemporaryDirectory() as folder:
        Brat().write([document], Path(folder, "out"), offset_unit=unit)  # type: ignore[arg-type]
        assert content(read(Path(folder, "out"), offset_unit=unit)[0]) == content(document)


def test_a_pair_reads_as_it_says(tmp_path: Path) -> None:
    pair(tmp_path, name="sub/a")
    pair(tmp_path, lines="", name="b.c")
    assert Brat().claims_folder(tmp_path)
    first, second = read(tmp_path)
    assert (first.id, second.id, second.spans) == (
        "b.c",
        "sub/a",
        (Span(0, 3, "PER"), Span(8, 15, "PER", None, ((8, 11), (12, 15)))),
    )
    assert second.text == TEXT and not second.tokens and first.spans == ()
    for ending in (".ann", ".txt"):
        (alone,) = read(tmp_path / f"sub/a{ending}")
        assert (alone.id, alone.spans) == ("a", second.spans)
    brat: Any = Brat()
    assert recognise(Source(tmp_path), None, {"jsonl": get("jsonl"), "brat": brat}) == "brat"
    assert recognise(Source(tmp_path / "b.c.ann"), "brat", {"brat": brat}) == "brat"
    assert "2 pair(s)" in Brat().decide(Source(tmp_path)).reason


def test_documents_come_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    ids = ["1", "2", "10", "b/doc-9", "b/doc-10", "b/doc-010"]
    Brat().write([Document(id, "x") for id in reversed(ids)], tmp_path / "out")
    assert [document.id for document in read(tmp_path / "out")] == [*ids[:4], ids[5], ids[4]]


def test_ids_and_lines_survive_and_new_spans_get_new_ids(tmp_path: Path) -> None:
    (document,) = read(pair(tmp_path))
    Brat().write([document], tmp_path / "same")
    assert (tmp_path / "same/a.ann").read_text() == LINES
    more = document.with_spans([Span(4, 7, "X"), *reversed(document.spans)])
    Brat().write([more], tmp_path / "more")
    lines = (tmp_path / "more/a.ann").read_text().splitlines()
    assert [line.split("\t")[0] for line in lines] == ["T8", "T7", "T1", "R1", "#1"]
    assert lines[2] == "T1\tPER 0 3\tAda"


def test_lines_that_point_at_nothing_are_a_loss(tmp_path: Path) -> None:
    extra = "E1\tMeet:T7 Who:T1\nA1\tNegated E1\n*\tSame T1 T7\nN1\tReference T1 X:T9\tAda\n# T9 plain\n"
    (document,) = read(pair(tmp_path, lines=LINES + extra))
    assert Brat().losses(document) == []
    fewer = document.with_spans(document.spans[1:])
    assert len(Brat().losses(fewer)) == 6
    Brat().write([fewer], tmp_path / "out", lossy=True)
    assert (tmp_path / "out/a.ann").read_text() == "T7\tPER 8 11;12 15\tBob Roe\n# T9 plain\n"


def test_a_new_span_never_takes_an_id_that_a_line_means(tmp_path: Path) -> None:
    (document,) = read(pair(tmp_path, lines="R1\tKnows Arg1:T1 Arg2:T2\n"))
    document = document.with_spans([Span(0, 3, "X")])
    assert len(Brat().losses(document)) == 1
    Brat().write([document], tmp_path / "out", lossy=True)
    assert (tmp_path / "out/a.ann").read_text() == "T3\tX 0 3\tAda\n"


def test_touching_and_unordered_fragments_are_normalised(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="onoma")
    lines = "T1\tX 0 1;1 3\tA da\nT2\tX 4 7;0 3\tsaw Ada\nT3\tX 4 9\tsaw B\r\n"
    (document,) = read(pair(tmp_path, lines=lines))
    assert document.spans == (Span(0, 3, "X"), Span(0, 7, "X", None, ((0, 3), (4, 7))), Span(4, 9, "X"))
    assert "normalised: 2" in caplog.text


def test_carriage_returns_and_marks_of_order_are_text(tmp_path: Path) -> None:
    text = "\ufeffa\r\nb\u2028c\r"
    (document,) = read(pair(tmp_path, text, "T1\tX 1 5\ta\r b\nT2\tX 7 8\t\r\n"))
    assert document.text == text and [document.surface(span) for span in document.spans] == ["a\r\nb", "\r"]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("T2 PER 0 3 Ada", "no mention"),
        ("T2\tPER 0 3", "no mention"),
        ("T2\tPER 0\tAda", "no mention"),
        ("T2\tPER 0 3;\tAda", "no mention"),
        ("T2\tPER -1 3\tAda", "no mention"),
        ("T2\tPER 0 ٣\tAda", "no mention"),
        ("T2\tPER 0 99999999999999999999\tAda", "no mention"),
        ("T2\tPER 0 99\tAda", "outside the text"),
        ("T2\tPER 3 3\t", "is empty"),
        ("T2\tPER 3 0\tAda", "is empty"),
        ("T2\tPER 0 3\tBob", "is 'Ada' in the text, but says 'Bob'"),
        ("T2\tPER 0 3;2 5\tAda a s", "overlap"),
        ("T1\tPER 0 3\tAda", "T1 stands already in line 1"),
        ("Q1\tX", "no annotation"),
        ("hello", "no annotation"),
    ],
)
def test_damaged_lines_are_named(tmp_path: Path, line: str, message: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        read(pair(tmp_path, lines=f"T1\tPER 0 3\tAda\n\n{line}\n"))
    assert caught.value.path == tmp_path / "a.ann" and caught.value.line == 3


def test_the_unit_is_told_from_the_text(tmp_path: Path) -> None:
    pair(tmp_path, "😀 Ada", "T1\tPER 3 6\tAda\n")
    with pytest.raises(DataError, match=r"a.ann:1: .*holds under utf16: pass offset_unit=utf16"):
        read(tmp_path)
    assert read(tmp_path, offset_unit="utf16")[0].spans == (Span(2, 5, "PER"),)
    with pytest.raises(ConfigError, match="offset_unit"):
        read(tmp_path, offset_unit="bytes")


def test_half_pairs_and_other_places_are_named(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(DataError, match=r"no .ann file"):
        read(tmp_path)
    (tmp_path / "x.ann").touch()
    with pytest.raises(DataError, match=r"has no x.txt beside it"):
        read(tmp_path)
    pair(tmp_path, name="x")
    (tmp_path / "alone.txt").write_text("text")
    (tmp_path / ".hidden.ann").write_text("?")
    assert [document.id for document in read(tmp_path)] == ["x"]
    assert "1 .txt file(s) without .ann" in caplog.text
    for name, message in (("alone.txt", "alone.ann"), ("none.ann", "no such file")):
        with pytest.raises(DataError, match=message):
            read(tmp_path / name)
    with pytest.raises(DataError, match="not a stream"):
        list(Brat().read(Source.of("x")))
    (tmp_path / "x.txt").write_bytes(b"\xff")
    with pytest.raises(DataError, match=r"x.txt:1: not UTF-8"):
        read(tmp_path)


def test_chains_of_lines_go_with_what_they_point_at() -> None:
    """Against the rule applied again and again: what points at nothing goes."""
    lines = ["E1\tMeet:T1", "E2\tMeet:E1", "E3\tMeet:E3", "E4\tMeet:E5", "E5\tMeet:E4", "A1\tNegated E2"]
    lines += ["E6\tMeet:T2", "E6\tMeet:E3", "E7\tMeet:E6", "E8\tMeet:E9", "# plain", "*\tSame E7 E2"]
    spans = (Span(0, 1, "X"),)
    document = Document("1", "x", spans=spans, meta={"brat": {"lines": lines}})
    kept, before = lines, []
    while kept != before:
        ids = {line.partition("\t")[0] for line in kept}
        before = kept
        kept = [
            line for line in kept if all(word in ids for word in re.findall(r"\b[TE][0-9]", line.partition("\t")[2]))
        ]
    lost = [loss.split("'")[1].replace("\\t", "\t") for loss in Brat().losses(document)]
    assert lost == [line for line in lines if line not in kept] and len(lost) == 6


def test_a_long_chain_whose_root_is_gone_is_read_once() -> None:
    lines = [f"E{number}\tMeet:E{number - 1}" for number in range(1, 20_001)]
    assert len(Brat().losses(Document("1", "x", meta={"brat": {"lines": lines}}))) == 20_000


@pytest.mark.skipif(os.name != "posix", reason="links of POSIX")
@pytest.mark.parametrize("ending", [".txt", ".ann"])
def test_links_that_leave_the_folder_are_refused(tmp_path: Path, ending: str) -> None:
    secret = tmp_path / f"secret{ending}"
    secret.write_text("root:x")
    (tmp_path / "in").mkdir()
    folder = pair(tmp_path / "in", name="sub/a")
    (folder / f"sub/a{ending}").unlink()
    (folder / f"sub/a{ending}").symlink_to(secret)
    other = ".ann" if ending == ".txt" else ".txt"
    for named in (folder, folder / "sub" / f"a{other}"):
        with pytest.raises(DataError, match="is a link that leads out of the folder") as caught:
            read(named)
        assert caught.value.path == folder / f"sub/a{ending}"
    pair(folder, name="b")
    (folder / f"sub/a{ending}").unlink()
    (folder / f"sub/a{ending}").symlink_to(folder / f"b{ending}")
    assert len(read(folder)) == 2
    (tmp_path / "link").symlink_to(folder)
    assert len(read(tmp_path / "link")) == 2
    (tmp_path / "alone.ann").symlink_to(folder / "b.ann")
    (tmp_path / "alone.txt").symlink_to(folder / "b.txt")
    assert len(read(tmp_path / "alone.txt")) == 1


def test_zero_bytes_are_refused_and_never_written(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"a.txt:2: binary file: a zero byte at offset 4"):
        read(pair(tmp_path, "Ada\n\0"))
    with pytest.raises(DataError, match=r"a.ann:1: binary file"):
        read(pair(tmp_path, lines="T1\tPER 0 3\tA\0a\n"))
    document = Document("a", "A\0a", spans=(Span(0, 3, "X\0"),))
    assert len(Brat().losses(document)) == 2
    Brat().write([document], tmp_path / "out", lossy=True)
    assert read(tmp_path / "out") == [Document("a", "A\ufffda", spans=(Span(0, 3, "X_"),))]


def test_a_mark_of_order_before_the_lines_is_none_of_them(tmp_path: Path) -> None:
    assert read(pair(tmp_path, lines="\ufeff" + LINES)) == read(pair(tmp_path))


@pytest.mark.parametrize("lines", [LINES, "T1\tPER 0 3\tAda\n*\tSame T1 T1\n", "#1\tNote T1\n" * 2])
def test_lines_that_end_in_cr_alone_are_named(tmp_path: Path, lines: str) -> None:
    with pytest.raises(DataError, match=r"a.ann:1: its lines end in CR alone"):
        read(pair(tmp_path, lines=lines.replace("\n", "\r")))
    assert len(read(pair(tmp_path, "a\rT2\tb", "T1\tX 0 6\ta\rT2\tb\n"))) == 1


def test_files_that_are_no_document_are_not_read_whole(tmp_path: Path) -> None:
    for name in ("a.txt", "a.ann"):
        pair(tmp_path)
        with (tmp_path / name).open("r+b") as file:
            file.truncate(1 << 40)  # a file of holes
        with pytest.raises(DataError, match=f"{name}: more than 64 MiB"):
            read(tmp_path)
        (tmp_path / name).unlink()


def test_folders_with_other_files_are_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    target = pair(tmp_path / "out")
    Brat().write([Document("b", "x")], target)
    assert sorted(path.name for path in target.iterdir()) == ["b.ann", "b.txt"]
    (target / "annotation.conf").touch()
    with pytest.raises(DataError, match="other files"):
        Brat().write([Document("c", "x")], target)
    for path in (tmp_path / "x.ann", target / "b.txt"):
        with pytest.raises(DataError, match="name a folder"):
            Brat().write([Document("c", "x")], path)


@pytest.mark.parametrize(
    "documents",
    [
        [Document("a", "x"), Document("a", "y")],
        [Document("a", "x"), Document("a.txt/b", "y")],
        [Document("a", "\ud800")],
        [Document("a", "x", meta={"brat": 3})],
        [Document("a", "x", meta={"brat": {"lines": ["T1 x"]}})],
        [Document("a", "e\u0301", spans=(Span(0, 1, "X"),))],
    ],
)
def test_what_cannot_be_written_leaves_nothing(tmp_path: Path, documents: list[Document]) -> None:
    with pytest.raises(DataError):
        Brat().write(documents, tmp_path / "out", offset_unit="grapheme")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "id", ["", ".", "..", "../x", "/etc/x", "a/", "a//b", "a\0", "a\\b", ".a", "x" * 300, "a:b", "\ud800"]
)
def test_ids_that_leave_the_folder_are_refused_or_escaped(tmp_path: Path, id: str) -> None:
    with pytest.raises(DataError, match="no file name"):
        Brat().write([Document(id, "x")], tmp_path / "out")
    Brat().write([Document(id, "x")], tmp_path / "out", lossy=True)
    assert len(read(tmp_path / "out")) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
