"""`onoma data get`, `check` over several files, and `split`, as a user calls them."""

from __future__ import annotations

import hashlib
import io
import json
import sys
from pathlib import Path

import pytest

from onoma import datasets, progress
from onoma.cli import main
from onoma.datasets import catalog, download
from onoma.datasets.catalog import Entry, File, Split
from onoma.document import Document, Span

WORDS = "Ada left the old house on Monday".split()


def flat(sentences: list[list[str]], spans: list[tuple[int, int, str]], id: str) -> Document:
    """A document of words with spans given as token ranges."""
    document = Document.from_words(sentences, id=id)
    tokens = document.tokens
    return document.with_spans(Span(tokens[start].start, tokens[end - 1].end, label) for start, end, label in spans)


@pytest.fixture(autouse=True)
def silence() -> object:
    yield
    progress.use(None)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments: object) -> int:
    return main([str(each) for each in arguments])


def feed(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode("utf-8"))))


# ---------------------------------------------------------------------- get


@pytest.fixture
def made(folder: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    """A catalogue of three sets, and what their source hands out."""
    handed = {"a.tsv": b"Ada\tB-PER\n\n", "b.tsv": b"Bob\tB-PER\n\n"}

    def entry(name: str, answer: str) -> Entry:
        splits = {
            file[0]: Split(file, name, (File(file, hashlib.sha256(data).hexdigest(), file),), 1, 1, 1, commit="c" * 40)
            for file, data in handed.items()
        }
        terms = {"licence": f"terms of {name}", "licence_url": "https://x/licence", "text_licence": "texts: others"}
        where = {"upstream": "https://github.com/us/set", "commit": "c" * 40, "format": "conll", "splits": splits}
        judged = {"redistributable": answer, "non_commercial": answer != "yes"}
        return Entry(name, f"set {name}", "en", "ner", "news", **terms, **where, **judged)  # type: ignore[arg-type]

    found = {name: entry(name, answer) for name, answer in {"free": "yes", "shut": "no", "mute": "unknown"}.items()}
    monkeypatch.setattr(catalog, "entries", lambda: found)
    monkeypatch.setenv(catalog.VARIABLE, str(folder / "data"))

    def copy(url: str, handle: io.BytesIO) -> str:
        data = handed[url.rpartition("/")[2]]
        handle.write(data)
        return hashlib.sha256(data).hexdigest()

    monkeypatch.setattr(download, "_download", copy)
    return handed


def test_get_lists_the_catalogue(made: dict[str, bytes], capsys: pytest.CaptureFixture[str]) -> None:
    assert run("data", "get") == 0
    out = capsys.readouterr().out
    assert all(name in out for name in ("free", "shut", "mute", "unknown", "ner", "a, b"))
    assert run("data", "get", "free:a") == 0
    capsys.readouterr()
    assert run("data", "get", "--json") == 0
    listed = {each["name"]: each for each in json.loads(capsys.readouterr().out)}
    assert {name: each["here"] for name, each in listed.items()} == {
        "free": "1 of 2 files", "shut": "no", "mute": "no"
    }  # fmt: skip


def test_get_lists_the_real_catalogue(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv(catalog.VARIABLE, raising=False)
    assert run("data", "get") == 0
    out = capsys.readouterr().out
    assert all(name in out for name in catalog.entries())


def test_get_shows_the_terms_and_fetches(
    made: dict[str, bytes], folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("data", "get", "free") == 0
    out = capsys.readouterr().out
    assert all(text in out for text in ("terms of free", "https://x/licence", "texts: others", "github.com/us/set"))
    assert out.count("fetched") == 2
    assert {each.name: each.read_bytes() for each in (folder / "data" / "free").iterdir()} == made
    assert run("data", "stats", "free:a", "--json") == 0
    assert json.loads(capsys.readouterr().out)["free:a"]["mentions"] == 1
    assert run("data", "get", "free", "-o", "other", "--json") == 0
    (found,) = json.loads(capsys.readouterr().out)
    assert [each["state"] for each in found["files"]] == ["fetched"] * 2 and found["here"] == "yes"
    assert Path("other/free/a.tsv").read_bytes() == made["a.tsv"]


@pytest.mark.parametrize("name", ["shut", "mute"])
def test_get_asks_for_the_terms(
    name: str, made: dict[str, bytes], folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("data", "get", "free", name) == 2
    last = capsys.readouterr().err.strip().split("\n")[-1]
    assert last.startswith("onoma: ") and "--accept-terms" in last and f"terms of {name}" in last
    assert not (folder / "data").exists(), "not even what is free, since the whole call is refused"
    assert run("data", "get", name, "--accept-terms") == 0
    assert run("data", "get", name) == 0, "nothing is left to fetch"


def test_get_dry_run_shows_addresses_and_writes_nothing(
    made: dict[str, bytes], folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("data", "get", "shut", "--dry-run") == 0
    assert f"missing: https://raw.githubusercontent.com/us/set/{'c' * 40}/a.tsv\n" in capsys.readouterr().out
    assert not (folder / "data").exists()


def test_get_replaces_only_when_told(made: dict[str, bytes], folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = folder / "data" / "free" / "a.tsv"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"mine")
    assert run("data", "get", "free") == 1
    assert path.read_bytes() == b"mine"
    assert run("data", "get", "free", "--overwrite") == 0
    assert path.read_bytes() == made["a.tsv"]
    assert run("data", "get", "none") == 2
    assert "not in the catalogue" in capsys.readouterr().err


# ---------------------------------------------------------------------- check


def test_check_compares_several_files(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    datasets.write([flat([WORDS, WORDS], [(0, 1, "PER")], "1")], "train.jsonl")
    lower = [word.lower() for word in WORDS]
    datasets.write([flat([lower, ["Ada", "ran"]], [(7, 8, "ORG")], "1")], "test.jsonl")
    assert run("data", "check", "train.jsonl", "test.jsonl") == 0
    out = capsys.readouterr().out
    assert "1 of 2 sentences repeat" in out and "0 distinct sentences stand in train.jsonl too" in out
    assert "ORG: 1 in test.jsonl" in out and "surfaces without a common label: 1" in out
    assert run("data", "check", "train.jsonl", "test.jsonl", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert set(found["findings"]) == set(found["repeats"]) == {"train.jsonl", "test.jsonl"}
    assert found["shared"][0]["normalised"] == 1
    assert found["surfaces"] == [{"surface": "Ada", "labels": {"train.jsonl": {"PER": 1}, "test.jsonl": {"ORG": 1}}}]


def test_check_and_stats_read_stdin_once(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    feed(monkeypatch, "Ada\tB-PER\nBob\tB-PER\n\n")
    assert run("data", "check", "-", "--notes") == 0
    assert "touching_mentions" in capsys.readouterr().out
    feed(monkeypatch, "Ada\tB-PER\nBob\tB-PER\n\n")
    assert run("data", "stats", "-", "--json") == 0
    assert json.loads(capsys.readouterr().out)["-"]["mentions"] == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [(["check"], "at least one file"), (["check", "-", "-"], "named twice"), (["stats", "--bogus"], "--bogus")],
)
def test_wrong_calls_end_in_one_line(
    arguments: list[str], message: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("data", *arguments) == 2
    assert message in capsys.readouterr().err.strip().split("\n")[-1]


# ---------------------------------------------------------------------- split


@pytest.fixture
def source(folder: Path) -> Path:
    documents = [
        flat([[f"Ada{number}", "ran"], ["So", f"Bob{number}"]], [(0, 1, "PER")], str(number)) for number in range(20)
    ]
    datasets.write(documents, folder / "all.jsonl")
    return folder / "all.jsonl"


def test_split_writes_all_parts(source: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("data", "split", source, "--out", "parts") == 0
    out = capsys.readouterr().out
    assert "documents" in out and "PER" in out and "80.0 %" in out
    parts = {name: datasets.read(f"parts/{name}.jsonl") for name in ("train", "dev", "test")}
    assert {name: len(part) for name, part in parts.items()} == {"train": 16, "dev": 2, "test": 2}
    written = sorted((each for part in parts.values() for each in part), key=lambda each: int(each.id))
    assert written == datasets.read(source)
    assert sorted(each.name for each in Path("parts").iterdir()) == ["dev.jsonl", "test.jsonl", "train.jsonl"]
    before = Path("parts/test.jsonl").read_bytes()
    assert run("data", "split", source, "-o", "parts") == 2
    assert "--overwrite" in capsys.readouterr().err
    assert run("data", "split", source, "-o", "parts", "--overwrite") == 0
    assert Path("parts/test.jsonl").read_bytes() == before
    assert run("data", "split", source, "-o", "parts", "--overwrite", "--seed", "1") == 0
    assert Path("parts/test.jsonl").read_bytes() != before


def test_split_by_sentence_into_another_format(source: Path, capsys: pytest.CaptureFixture[str]) -> None:
    call = ["data", "split", source, "--out", "parts", "--parts", "a=0.5,b=0.5", "--by", "sentence", "--to", "conll"]
    assert run(*call, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert {name: (each["documents"], each["file"]) for name, each in found.items()} == {
        "a": (20, str(Path("parts/a.conll"))), "b": (20, str(Path("parts/b.conll")))
    }  # fmt: skip
    assert len(datasets.read("parts/a.conll")) == 20


def test_split_reads_stdin(source: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    feed(monkeypatch, source.read_text(encoding="utf-8"))
    assert run("data", "split", "-", "--out", "parts", "--no-stratify") == 0
    assert len(datasets.read("parts/train.jsonl")) == 16


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--parts", "train=0.9"], 2, "add up to 1"),
        (["--parts", "train=0.98,dev=0.01,test=0.01"], 1, "too few"),
        (["--group-by", "author"], 1, "no 'author' in its meta"),
        (["--to", "pdf"], 2, "pdf"),
        (["--by", "word"], 2, "word"),
    ],
)
def test_a_split_that_cannot_be_leaves_nothing(
    arguments: list[str], code: int, message: str, source: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("data", "split", source, "--out", "parts", *arguments) == code
    assert message in capsys.readouterr().err.strip().split("\n")[-1]
    assert sorted(each.name for each in folder.iterdir()) == ["all.jsonl"]


def test_a_format_that_cannot_hold_a_part_leaves_nothing(
    source: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    documents = [each.with_spans([*each.spans, *each.spans]) for each in datasets.read(source)]
    datasets.write(documents, "twice.jsonl")
    assert run("data", "split", "twice.jsonl", "--out", "parts", "--to", "conll") == 1
    assert "cannot be written as conll" in capsys.readouterr().err
    assert sorted(each.name for each in folder.iterdir()) == ["all.jsonl", "twice.jsonl"]
