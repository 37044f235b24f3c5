"""`onoma data get`, `check` over several files, and `split`, as a user calls them."""

from __future__ import annotations

import hashlib
import io
import json
import sys
from pathlib import Path

import pytest

from onoma import datasets, progress
from onoma.cli import data_views, main
from onoma.datasets import catalog, download
from onoma.datasets.base import ALL, suffix_of
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


@pytest.mark.parametrize("format", datasets.FORMATS)
def test_split_writes_every_format(format: str, source: Path, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    call = ["data", "split", source, "--out", "parts", "--to", format, "--by", "sentence", "--no-stratify"]
    assert run(*call, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert run(*call, "--overwrite", "--json") == 0
    for each in found.values():
        documents = datasets.read(each["file"], format)
        assert (len(documents), sum(len(document.spans) for document in documents)) == (
            each["documents"], each["mentions"]
        )  # fmt: skip


def test_split_into_a_file_is_refused(source: Path, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("parts").write_text("mine", encoding="utf-8")
    assert run("data", "split", source, "--out", "parts", "--overwrite") == 2
    assert "parts is a file: --out names a folder" in capsys.readouterr().err
    assert Path("parts").read_text(encoding="utf-8") == "mine"


def test_stats_of_a_data_set_asks_for_a_split(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("data", "stats", "demo") == 1
    assert "demo: no such file" in (said := capsys.readouterr().err) and "demo:test" in said


# ---------------------------------------------------------------------- convert


def convert(documents: list[Document], *arguments: str) -> int:
    datasets.write(documents, "in.jsonl")
    return run("data", "convert", "in.jsonl", *arguments)


@pytest.mark.parametrize(
    "format", [name for name in datasets.FORMATS if getattr(datasets.get(name), "needs_tokens", False)]
)
def test_raw_text_is_split_for_formats_of_tokens(format: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    raw = Document("1", "Ada ran", spans=(Span(0, 3, "PER"),))
    assert convert([raw], "out", "--to", format) == 0, capsys.readouterr().err
    (again,) = datasets.read("out", format)
    assert (again.text, again.words, again.spans) == ("Ada ran", ("Ada", "ran"), raw.spans)


def test_formats_of_columns_need_tokens() -> None:
    named = {name for name in datasets.FORMATS if getattr(datasets.get(name), "needs_tokens", False)}
    assert named >= {"conll", "conllu", "iob2", "hf", "genia", "parallel"}
    assert not named & {"jsonl", "brat", "brackets", "doccano"}


def test_losses_follow_the_scheme(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    touching = flat([["a", "b", "c"]], [(0, 1, "X"), (1, 2, "X"), (2, 3, "X")], "1")
    assert convert([touching], "out.conll", "--scheme", "IO", "--lossy") == 0
    said = capsys.readouterr().err
    assert "lost 2 things in 1 of 1 document(s)" in said and "lost 2 x touching span(s)" in said
    assert convert([touching], "out.conll", "--lossy") == 0
    assert "lost" not in capsys.readouterr().err
    assert convert([touching], "out.conll", "--scheme", "IO") == 1
    assert "melt" in capsys.readouterr().err


def test_losses_are_counted_by_kind(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    documents = []
    for number in range(30):
        document = flat([[f"Ada{number}", "ran"]], [(0, 1, "PER")], f"d{number}")
        cut = Span(0, 2, f"L{number}")
        documents.append(document.with_spans([*document.spans, cut, Span(4, 6, "b'c")]))
    assert convert(documents, "out.conll", "--lossy") == 0
    said = capsys.readouterr().err.splitlines()
    assert [line for line in said if line.startswith("lost")] == [
        "lost 60 things in 30 of 30 document(s)", "lost 60 x span cuts a token"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("loss", "kind", "count"),
    [
        ("span PER [0:3] \"Ada's\" cuts a token", "span cuts a token", 1),
        ("span a [b] c [0:3] 'A\\'a\\n' overlaps another span", "span overlaps another span", 1),
        ("text outside the tokens: 'a'; split it", "text outside the tokens; split it", 1),
        ("text outside the tokens: '\\''", "text outside the tokens", 1),
        ("token 3 'x\\ty' holds the separator", "token holds the separator", 1),
        ("12 touching span(s) melt", "touching span(s) melt", 12),
        ("3 sentences, and a document is one", "sentences, and a document is one", 1),
        ("id 'x' isn't a document's 'y' name", "id isn't a document's name", 1),
    ],
)  # fmt: skip
def test_the_kind_of_a_loss(loss: str, kind: str, count: int) -> None:
    assert data_views._kind(loss) == (kind, count)


def test_more_kinds_than_are_shown_are_counted(capsys: pytest.CaptureFixture[str]) -> None:
    progress.use(progress.Lines())
    data_views.say_losses([[f"{chr(97 + number)} is odd" for number in range(13)], []])
    said = capsys.readouterr().err
    assert "lost 13 things in 1 of 2 document(s)" in said and "and 3 more kind(s)" in said
    assert said.count(" x ") == 10


def test_nothing_left_is_refused(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for lossy in ([], ["--lossy"]):
        assert convert([Document("1", " \n "), Document("2", "")], "out.conll", *lossy) == 1
        assert "nothing would be left in conll" in capsys.readouterr().err
        assert not Path("out.conll").exists()
    assert convert([Document("1", "")], "out.conll") == 0


def test_what_a_format_has_no_place_for_is_said(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first = flat([["Ada", "ran"]], [(0, 1, "PER")], "a7")
    meta = {"who": 1, "intent": "x"}
    scored = Document("a7", first.text, first.tokens, first.sentences, (Span(0, 3, "PER", 0.5),), meta)
    expected = {
        "out.conll": "not kept by conll: ids, scores of 1 span(s), meta (keys who, intent)",
        "out.conllu": "not kept by conllu: scores of 1 span(s), meta (keys who, intent)",
        "parallel": "not kept by parallel: ids, scores of 1 span(s), meta (keys who)",
        "out.jsonlines": "not kept by genia: scores of 1 span(s), meta (keys who, intent)",
        "copy.jsonl": "",
    }
    for out, line in expected.items():
        assert convert([scored], out, *(["--to", "parallel"] if out == "parallel" else [])) == 0
        said = [each for each in capsys.readouterr().err.splitlines() if "not kept" in each]
        assert said == ([line] if line else [])
    assert convert([flat([["Ada"]], [(0, 1, "PER")], "1")], "out.conll") == 0
    assert "not kept" not in capsys.readouterr().err


@pytest.mark.parametrize("format", [name for name in datasets.FORMATS if hasattr(datasets.get(name), "keeps")])
def test_what_is_said_to_be_kept_is_kept(format: str, folder: Path) -> None:
    writer = datasets.get(format)
    keeps = getattr(writer, "keeps", ALL)
    document = flat([["Ada", "ran"]], [], "a7")
    meta = {"who": "me", **{key.removeprefix("meta:"): "x" for key in keeps if key == "meta:intent"}}
    document = Document("a7", document.text, document.tokens, document.sentences, (Span(0, 3, "PER", 0.5),), meta)
    path = f"out{suffix_of(writer)}"
    datasets.write([document], path, format, lossy=True)
    (again,) = datasets.read(path, format)
    assert (again.id == "a7") == ("ids" in keeps)
    assert (again.spans[0].score == 0.5) == ("scores" in keeps)
    assert (again.tokens == document.tokens) == ("tokens" in keeps)
    assert (again.meta.get("who") == "me") == ("meta" in keeps)
    assert (again.meta.get("intent") == "x") == ("meta:intent" in keeps)
