"""Fetching from a server of our own: the right bytes or nothing, from one source, and only what is missing."""

from __future__ import annotations

import hashlib
import io
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from onoma.datasets import catalog, download
from onoma.datasets.catalog import Entry, File, Split
from onoma.exceptions import ConfigError, DataError

COMMIT = "c" * 40
TEXT = b"Ada\tB-PER\nleft\tO\n\n" * 5
OTHER = b"Bob\tB-PER\n\n"


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def archive(members: dict[str, bytes]) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as opened:
        for name, data in members.items():
            opened.writestr(name, data)
    return held.getvalue()


class Server:
    """Answers by path: bytes, a status, or where to go instead; counts what was asked for."""

    def __init__(self) -> None:
        self.answers: dict[str, bytes | int | str] = {}
        self.short = False
        self.asked: list[str] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.asked.append(self.path)
                answer = outer.answers.get(self.path, 404)
                if isinstance(answer, int):
                    self.send_error(answer)
                    return
                self.send_response(302 if isinstance(answer, str) else 200)
                if isinstance(answer, str):
                    self.send_header("Location", answer)
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                    return
                self.send_header("Content-Length", str(len(answer) + 10 * outer.short))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, format: str, *arguments: object) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.base = f"http://127.0.0.1:{self.http.server_address[1]}"
        self.thread = threading.Thread(target=self.http.serve_forever, kwargs={"poll_interval": 0.01})
        self.thread.start()

    def close(self) -> None:
        self.http.shutdown()
        self.thread.join()
        self.http.server_close()


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("no_proxy", "*")
    made = Server()
    monkeypatch.setattr(download, "RAW", made.base)
    made.answers[f"/us/set/{COMMIT}/data/train%20one.tsv"] = TEXT
    made.answers[f"/us/set/{COMMIT}/a.zip"] = archive({"a/test.tsv": OTHER, "a/dev.tsv": TEXT})
    yield made
    made.close()


def entry(redistributable: str = "yes", **hashes: str) -> Entry:
    def split(file: str, path: str, data: bytes, **more: str) -> Split:
        return Split(file, "made", (File(file, hashes.get(file[:-4], digest(data)), path),), commit=COMMIT, **more)

    splits = {
        "train": split("train.tsv", "data/train one.tsv", TEXT),
        "dev": split("dev.tsv", "a.zip!a/dev.tsv", TEXT),
        "test": split("test.tsv", "a.zip!a/test.tsv", OTHER),
        "clean": split("clean.tsv", "", TEXT, derived="made by hand"),
    }
    source = "https://github.com/us/set"
    return Entry("made", "", "en", "ner", "", "some terms", source, COMMIT, "conll", splits, redistributable, False)  # type: ignore[arg-type]


def left(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


def test_files_and_members_come_with_the_right_bytes(server: Server, tmp_path: Path) -> None:
    done = download.fetch(download.plan(entry(), tmp_path))
    assert [(item.path.name, item.state) for item in done] == [
        ("train.tsv", "fetched"),
        ("dev.tsv", "fetched"),
        ("test.tsv", "fetched"),
        ("clean.tsv", "derived"),
    ]
    folder = tmp_path / "made"
    assert left(folder) == ["dev.tsv", "test.tsv", "train.tsv"]
    assert (folder / "train.tsv").read_bytes() == (folder / "dev.tsv").read_bytes() == TEXT
    assert (folder / "test.tsv").read_bytes() == OTHER
    assert len(server.asked) == 2, "an archive is fetched once"


def test_what_is_there_is_not_fetched_again(server: Server, tmp_path: Path) -> None:
    download.fetch(download.plan(entry(), tmp_path, ["train"]))
    server.asked.clear()
    assert [item.state for item in download.fetch(download.plan(entry(), tmp_path, ["train"]))] == ["there"]
    assert not server.asked


def test_addresses_name_the_source_at_its_commit() -> None:
    items = download.plan(entry(), Path("x"))
    assert items[0].url == f"https://raw.githubusercontent.com/us/set/{COMMIT}/data/train%20one.tsv"
    assert (items[1].url, items[1].member) == (f"https://raw.githubusercontent.com/us/set/{COMMIT}/a.zip", "a/dev.tsv")
    for each in catalog.entries().values():
        if not each.embedded:
            for item in download.plan(each, Path("x")):
                assert bool(item.how) != item.url.startswith("https://raw.githubusercontent.com/")


def test_a_split_may_be_of_another_commit_and_folder(tmp_path: Path) -> None:
    (item,) = download.plan(catalog.entry("uner_english_ewt"), tmp_path, ["train"])
    assert "/0c7ce0debb13a7d304da656f16309397e8ff36ef/" in item.url
    assert item.path == tmp_path / "uner_english_ewt_first_commit" / "en_ewt-ud-train.iob2"


@pytest.mark.parametrize("split", ["train", "test"])
def test_other_bytes_are_not_kept(server: Server, tmp_path: Path, split: str) -> None:
    wrong = entry(**{split: digest(b"x")})
    with pytest.raises(DataError, match=r"has sha256 .*expected 2d711642b726\.\.\.: nothing was kept"):
        download.fetch(download.plan(wrong, tmp_path, [split]))
    assert left(tmp_path) == []


def test_another_file_of_that_name_stays_unless_told(server: Server, tmp_path: Path) -> None:
    path = tmp_path / "made" / "train.tsv"
    path.parent.mkdir()
    path.write_bytes(b"mine")
    with pytest.raises(DataError, match="--overwrite replaces it"):
        download.fetch(download.plan(entry(), tmp_path))
    assert path.read_bytes() == b"mine" and left(tmp_path / "made") == ["train.tsv"] and not server.asked
    wrong = entry(train=digest(b"x"))
    with pytest.raises(DataError, match="nothing was kept"):
        download.fetch(download.plan(wrong, tmp_path, ["train"]), overwrite=True)
    assert path.read_bytes() == b"mine"
    download.fetch(download.plan(entry(), tmp_path, ["train"]), overwrite=True)
    assert path.read_bytes() == TEXT


def test_a_derived_file_is_checked_and_never_replaced(server: Server, tmp_path: Path) -> None:
    path = tmp_path / "made" / "clean.tsv"
    path.parent.mkdir()
    path.write_bytes(TEXT)
    assert [item.state for item in download.fetch(download.plan(entry(), tmp_path, ["clean"]))] == ["there"]
    path.write_bytes(OTHER)
    with pytest.raises(DataError, match="the right one is made by hand"):
        download.fetch(download.plan(entry(), tmp_path, ["clean"]), overwrite=True)
    assert path.read_bytes() == OTHER and not server.asked


def test_failures_of_the_network_end_in_one_line_and_leave_nothing(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    where = f"/us/set/{COMMIT}/data/train%20one.tsv"

    def refused(match: str, split: str = "train") -> None:
        with pytest.raises(DataError, match=match) as caught:
            download.fetch(download.plan(entry(), tmp_path, [split]))
        assert "\n" not in str(caught.value)
        assert left(tmp_path) == []

    server.answers[where] = 404
    refused("the server answers 404")
    server.answers[where] = "http://localhost:1/elsewhere"
    refused("redirects to http://localhost:1, which is not its source")
    server.answers[where] = TEXT
    server.short = True
    refused("the connection broke: 90 of 100 bytes")
    server.short = False
    monkeypatch.setattr(download, "LARGEST", 20)
    refused("more than 0 MiB")
    monkeypatch.undo()
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setattr(download, "RAW", "http://127.0.0.1:1")
    refused("cannot be reached")
    monkeypatch.setattr(download, "RAW", server.base)
    server.answers[f"/us/set/{COMMIT}/a.zip"] = TEXT
    refused("cannot be unpacked", "test")
    server.answers[f"/us/set/{COMMIT}/a.zip"] = archive({"b/test.tsv": OTHER})
    refused(r"a/test\.tsv cannot be unpacked", "test")


def test_a_redirect_on_the_same_host_is_followed(server: Server, tmp_path: Path) -> None:
    server.answers[f"/us/set/{COMMIT}/data/train%20one.tsv"] = "/moved"
    server.answers["/moved"] = TEXT
    assert [item.state for item in download.fetch(download.plan(entry(), tmp_path, ["train"]))] == ["fetched"]


def test_a_member_larger_than_it_may_be_is_refused(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.answers[f"/us/set/{COMMIT}/a.zip"] = archive({"a/test.tsv": b"a" * 100_000})
    monkeypatch.setattr(download, "LARGEST", 50_000)
    with pytest.raises(DataError, match=r"a/test\.tsv: more than"):
        download.fetch(download.plan(entry(), tmp_path, ["test"]))
    assert left(tmp_path) == []


@pytest.mark.parametrize(("answer", "why"), [("no", "is not free to pass on"), ("unknown", "does not say")])
def test_terms_are_accepted_by_name(answer: str, why: str) -> None:
    with pytest.raises(ConfigError, match=rf"{why}.*some terms.*--accept-terms"):
        download.check_terms(entry(answer), accepted=False)
    download.check_terms(entry(answer), accepted=True)
    download.check_terms(entry("yes"), accepted=False)


def test_a_place_is_needed_and_the_embedded_corpus_is_there(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv(catalog.VARIABLE, raising=False)
    with pytest.raises(ConfigError, match="set ONOMA_DATA, or name a folder with --out"):
        download.plan(entry())
    monkeypatch.setenv(catalog.VARIABLE, str(tmp_path))
    assert download.plan(entry(), splits=["train"])[0].path == tmp_path / "made" / "train.tsv"
    with pytest.raises(ConfigError, match="part of the package"):
        download.plan(catalog.entry("demo"))
    with pytest.raises(ConfigError, match="no split 'x': one of train, dev"):
        download.plan(entry(), splits=["x"])
