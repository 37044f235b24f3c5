"""Hostile files end in one line of error, in bounded memory."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import threading
import time
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from onoma import datasets
from onoma.datasets.files import Source
from onoma.document import Document
from onoma.exceptions import DataError

LIMIT = 450
"""MB a process may take, of which Python and its libraries are about 100: no file below is read whole."""


def ask(path: Path, *options: str) -> tuple[int, str, float]:
    """Exit code, stderr and peak memory in MB of a command that reads a file."""
    command = [sys.executable, "-m", "onoma", "data", "stats", str(path), *options]
    peak = 0.0
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        over = threading.Event()

        def watch() -> None:
            nonlocal peak
            try:
                watched = psutil.Process(process.pid)
                while not over.is_set():
                    peak = max(peak, watched.memory_info().rss / 1e6)
                    time.sleep(0.005)
            except psutil.Error:
                return

        thread = threading.Thread(target=watch)
        thread.start()
        _, said = process.communicate(timeout=300)
        over.set()
        thread.join()
    return process.returncode, said, peak


def refused(path: Path, *options: str) -> str:
    """The one line a file is refused with."""
    code, said, peak = ask(path, *options)
    lines = [line for line in said.splitlines() if line.strip()]
    assert code == 1, said[:2000]
    assert len(lines) == 1 and "Traceback" not in said and len(lines[0]) < 600, said[:2000]
    assert path.name in lines[0]
    assert peak < LIMIT
    return lines[0]


def long_line(path: Path, megabytes: int, start: bytes = b"") -> None:
    with path.open("wb") as file:
        file.write(start)
        for _ in range(megabytes):
            file.write(b"a" * 1_000_000)


@pytest.mark.parametrize("name", ["x.conll", "x.jsonl", "x.conllu", "x.txt", "x.brackets"])
def test_a_line_without_end(name: str, tmp_path: Path) -> None:
    long_line(tmp_path / name, 150, b'{"id": "' if name == "x.jsonl" else b"")
    assert "64 MiB" in refused(tmp_path / name)


@pytest.mark.slow
def test_a_line_of_a_gigabyte(tmp_path: Path) -> None:
    long_line(tmp_path / "x.conll", 1000)
    assert ":1: a line of more than 64 MiB" in refused(tmp_path / "x.conll")


def test_an_array_of_one_endless_object(tmp_path: Path) -> None:
    long_line(tmp_path / "x.json", 150, b'[{"data": {"text": "')
    refused(tmp_path / "x.json", "--format", "label_studio")


def test_ten_million_empty_lines(tmp_path: Path) -> None:
    (tmp_path / "x.conll").write_bytes(b"\n" * 10_000_000)
    assert "no token line" in refused(tmp_path / "x.conll")


def test_a_sentence_without_end(tmp_path: Path) -> None:
    (tmp_path / "x.conll").write_bytes(b"a longer word\tO\n" * 5_000_000)
    assert ":1: a sentence of more than 64 MiB" in refused(tmp_path / "x.conll")


def test_deep_json(tmp_path: Path) -> None:
    (tmp_path / "x.jsonl").write_text('{"id": ' + "[" * 1_000_000, encoding="utf-8")
    assert ":1: " in refused(tmp_path / "x.jsonl")
    (tmp_path / "y.jsonl").write_text('{"id":' * 200_000 + "1" + "}" * 200_000, encoding="utf-8")
    assert ":1: " in refused(tmp_path / "y.jsonl")


def test_a_zip_bomb_under_other_names(tmp_path: Path) -> None:
    bomb = tmp_path / "bomb.zip"
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive, archive.open("x", "w") as file:
        for _ in range(100):
            file.write(bytes(1_000_000))
    for name in ("x.parquet", "x.spacy", "x.jsonl", "x.conll"):
        (tmp_path / name).write_bytes(bomb.read_bytes())
        refused(tmp_path / name)


@pytest.mark.slow
def test_a_packed_nothing_named_spacy(tmp_path: Path) -> None:
    engine = zlib.compressobj(1)
    with (tmp_path / "x.spacy").open("wb") as file:
        for _ in range(1200):
            file.write(engine.compress(bytes(1 << 20)))
        file.write(engine.flush())
    refused(tmp_path / "x.spacy")


BYTES: dict[str, bytes] = {
    "zero bytes": b"Ada\tB-PER\n\0\0\0\tO\n",
    "Latin-1 after UTF-8": "Zoë\tB-PER\n".encode() + "Zoë\tB-PER\n".encode("latin-1"),
    "UTF-16": "Ada\tB-PER\n".encode("utf-16"),
    "UTF-16 without a mark": "Ada\tB-PER\n".encode("utf-16-le"),
    "half a character at the end": b"Ada\tB-PER\nZo\xc3",
    "a surrogate as bytes": b"Ada\tB-PER\n\xed\xa0\x80\tO\n",
}


@pytest.mark.parametrize("what", BYTES)
@pytest.mark.parametrize("name", ["x.conll", "x.iob2", "x.conllu", "x.jsonl", "x.brackets", "x.xml", "x.jsonlines"])
def test_bytes_that_are_no_text(what: str, name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(BYTES[what])
    with pytest.raises(DataError) as caught:
        datasets.read(tmp_path / name)
    assert name in str(caught.value) and "\n" not in str(caught.value)


SURROGATES = [
    '{"id": "1", "text": "a\\ud800b", "spans": []}',
    '{"text": "a\\ud800b", "label": [[0, 1, "X"]]}',
    '{"text": "ab", "label": [[0, 1, "\\udfff"]]}',
    '{"tokens": ["\\ud800"], "ner_tags": ["O"]}',
    '{"tokens": ["\\ud800"], "entity_mentions": [], "doc_id": "1"}',
    '{"text": "a\\ud800", "spans": [], "answer": "accept", "_input_hash": 1}',
    '{"data": {"text": "a\\ud800"}, "annotations": [{"result": []}]}',
    '{"instruction": "x", "input": "\\ud800", "output": "[]"}',
]


@pytest.mark.parametrize("line", SURROGATES)
def test_half_a_surrogate_pair_is_no_character(line: str, tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_text(line + "\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"U\+D[8F]"):
        datasets.read(path)


@pytest.mark.parametrize("write", [Path.mkdir, lambda path: path.symlink_to("nowhere")])
def test_what_is_no_file(write: Callable[[Path], None], tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    write(path)
    for format in (None, "conll", "jsonl", "parquet", "docbin", "hf"):
        with pytest.raises(DataError, match=r"x\.parquet") as caught:
            datasets.read(path, format)
        assert "\n" not in str(caught.value)


# ---------------------------------------------------------------------- streams


class Trickle(io.BytesIO):
    """A stream that hands out one byte at a time."""

    def read1(self, size: int | None = -1, /) -> bytes:
        return super().read(1)


TEXTS = ["", "\ufeff", "\ufeffa\nb", "é😀\r\n漢\n\n", "a\nb", "\ufeff\ufeffx", "😀"]


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("kept", [False, True])
def test_a_stream_of_single_bytes_reads_as_a_file(text: str, kept: bool, tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_text(text, encoding="utf-8", newline="")

    def said(make: Callable[[], Source], ask: Callable[[Source], object]) -> object:
        try:
            return ask(make())
        except DataError as error:
            return error.message

    def stream() -> Source:
        source = Source("x", Trickle(text.encode("utf-8")))
        return source.kept() if kept else source

    asked: list[Callable[[Source], object]] = [
        lambda source: "".join(source.blocks()),
        lambda source: list(source.lines()),
        lambda source: "".join(source.chunks()),
        lambda source: source.head(),
        lambda source: (source.head(), source.start(3), list(source.lines())),
    ]
    for ask in asked:
        assert said(stream, ask) == said(lambda: Source(path), ask)
    if text:
        assert all(Source("x", Trickle(text.encode("utf-8"))).chunks())


@pytest.mark.parametrize("data", [b"a\nb\xc3", b"a\nb\xe6\xbcx", b"\xff\xfea\0", b"a\n\xe6\xbc"])
def test_bad_bytes_are_named_alike_however_they_come(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(data)
    for ask in (Source.blocks, Source.chunks):
        found: list[str] = []
        for source in (Source(path), Source(path, Trickle(data))):
            with pytest.raises(DataError) as caught:
                list(ask(source))
            found.append(str(caught.value))
        assert found[0] == found[1]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
@pytest.mark.parametrize("name", ["pipe", "pipe.jsonl", "pipe.conll"])
def test_a_pipe_given_as_a_path_loses_nothing(name: str, tmp_path: Path) -> None:
    line = "word\tO\n\n" if name == "pipe.conll" else '{{"id": "{}", "text": "a", "spans": []}}\n'
    lines = [line.format(number) for number in range(60_000)]
    path = tmp_path / name
    os.mkfifo(path)
    data = "".join(lines).encode()
    thread = threading.Thread(target=path.write_bytes, args=(data,))
    thread.start()
    documents = datasets.read(path)
    thread.join()
    assert len(documents) == len(lines)
    thread = threading.Thread(target=path.write_bytes, args=(b"a\tB-X\n{\n",))
    thread.start()
    with pytest.raises(DataError, match=f"{name}:2: "):
        datasets.read(path, "conll")
    thread.join()


@pytest.mark.skipif(not Path("/dev/fd").exists(), reason="this system has no /dev/fd")
def test_a_file_descriptor_given_as_a_path() -> None:
    read, write = os.pipe()
    os.write(write, b"Ada\tB-PER\n\nran\tO\n")
    os.close(write)
    assert [document.text for document in datasets.read(f"/dev/fd/{read}")] == ["Ada", "ran"]
    os.close(read)


@pytest.mark.skipif(not Path("/dev/null").exists(), reason="this system has no /dev/null")
def test_a_device_without_content_is_empty() -> None:
    with pytest.raises(DataError, match="/dev/null: the file is empty"):
        datasets.read("/dev/null")


@pytest.mark.parametrize("name", ["a\0b.conll", "x" * 5000 + ".conll", "\ud800.conll"])
def test_paths_that_no_file_can_have(name: str, tmp_path: Path) -> None:
    for act in (
        lambda path: datasets.read(path),
        lambda path: datasets.sniff(path),
        lambda path: datasets.read_predictions(path),
        lambda path: datasets.write([], path),
    ):
        with pytest.raises(DataError) as caught:
            act(f"{tmp_path}/{name}")
        assert "\n" not in str(caught.value) and "\0" not in str(caught.value)
        str(caught.value).encode("utf-8", "backslashreplace")


# ---------------------------------------------------------------------- line ends


@pytest.mark.parametrize(
    "text",
    [
        "Ada\tB-PER\rran\tO\r\r",
        "Ada\tB-PER\rran\tO\r\rSo\tO\r\n",
        "Ada B-PER\rran O\r\rSo O\rit O\r",
        "Ada\rran\r\rSo",
        "a\tO\rb\tO\n\nc\tO\rd\tB-X\n",
    ],
)
@pytest.mark.parametrize("name", ["x", "x.conll"])
def test_lines_that_end_with_cr_are_refused(text: str, name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(text.encode())
    for format in (None, "conll"):
        with pytest.raises(DataError, match="CR line ends: save with LF") as caught:
            datasets.read(path, format)
        assert "\n" not in str(caught.value) and "\r" not in str(caught.value) and str(path) in str(caught.value)


@pytest.mark.parametrize("format", ["iob2", "conllu"])
def test_lines_of_other_columns_that_end_with_cr_are_refused(format: str, tmp_path: Path) -> None:
    rows = {
        "iob2": ["1\tAda\tB-PER\t-\t-", "2\tran\tO\t-\t-"],
        "conllu": ["1\tAda" + "\t_" * 7 + "\tNER=B-PER", "2\tran" + "\t_" * 8],
    }[format]
    path = tmp_path / "x"
    path.write_bytes(("\r".join(rows) + "\r").encode())
    with pytest.raises(DataError) as caught:
        datasets.read(path, format)
    assert "\n" not in str(caught.value)


def test_a_cr_may_stand_in_a_token() -> None:
    for word in ("a\rb", "a b\rc d"):
        document = Document.from_words([[word, word]], id="1")
        handle = io.StringIO()
        datasets.get("conll").write([document], handle)
        (again,) = datasets.get("conll").read(Source.of(handle.getvalue()))
        assert again.words == document.words


# ---------------------------------------------------------------------- JSON that is long, or none


@pytest.mark.parametrize("indent", [None, 2])
def test_a_first_object_longer_than_what_is_looked_at(indent: int | None, tmp_path: Path) -> None:
    task = {"data": {"text": "Ada ran"}, "annotations": [{"id": 1, "result": []}]}
    task["meta"] = {"x": "y" * 1_200_000} if indent is None else {f"k{number}": number for number in range(3000)}
    path = tmp_path / "x.json"
    path.write_text(json.dumps([task], indent=indent), encoding="utf-8")
    assert datasets.sniff(path).format == "label_studio"
    (document,) = datasets.read(path)
    assert document.text == "Ada ran"
    path = tmp_path / "x"
    record = {"id": "1", "text": "Ada " * 400_000, "spans": []}
    path.write_text(json.dumps(record) + "\n", encoding="utf-8")
    assert len(datasets.read(path)) == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[]", "no document in the file"),
        (" [ \n ]\n", "no document in the file"),
        ("[1]", "a JSON int, not an object"),
        ('["a"]', "a JSON str, not an object"),
        ("[" * 100_000, "recursion"),
        ('{"a": ' + "[" * 100_000, "recursion"),
        ('{\n  "id": "1",\n  "text": "Ada",\n  "spans": []\n}\n', "one object over several lines"),
    ],
)
def test_json_that_is_no_list_of_objects_is_told_so(text: str, message: str, tmp_path: Path) -> None:
    for name in ("x", "x.json", "x.jsonl"):
        (tmp_path / name).write_text(text, encoding="utf-8")
        with pytest.raises(DataError, match=message) as caught:
            datasets.read(tmp_path / name)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["[\tO\n1\tO\n]\tO\n\n", "[ O\nAda B-PER\n] O\n\n", "{\tO\n}\tO\n", '{"\tO\na\tB-X\n'])
def test_brackets_may_be_tokens(text: str, tmp_path: Path) -> None:
    (tmp_path / "x").write_text(text, encoding="utf-8")
    assert datasets.sniff(tmp_path / "x").format == "conll"
