"""Hostile files end in one line of error, in bounded memory."""

from __future__ import annotations

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
