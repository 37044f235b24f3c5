"""Slot filling in parallel files: round trips, intents, files that do not agree, and the real files' counts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from dataset_cases import content, corpus, flat, needs_corpora, numbered, token_documents
from hypothesis import given, settings
from hypothesis import strategies as st
from nested_cases import folder

from onoma.datasets.files import Source
from onoma.datasets.parallel import Parallel
from onoma.document import Document, Span
from onoma.exceptions import DataError

PARALLEL = Parallel()


def read(path: Path, **options: object) -> list[Document]:
    return list(PARALLEL.read(Source(path), **options))  # type: ignore[arg-type]


@st.composite
def utterances(draw: st.DrawFn) -> Document:
    """Documents of one sentence for the most part, with words that a line can hold for the most part."""
    usual = draw(st.integers(0, 4)) > 0
    document = draw(token_documents("aä#漢\u200b\ufeff") if usual else token_documents())
    if usual and len(document.sentences) > 1:
        document = replace(document, sentences=((0, len(document.tokens)),))
    intent = draw(st.sampled_from([None, "go", "go#stop", "\ufeffgo", "go \u2028", 7]))
    return replace(document, meta={} if intent is None else {"intent": intent})


@settings(max_examples=100, deadline=None)
@given(st.lists(utterances(), min_size=1, max_size=3), st.sampled_from(["BIO", "IOB1", "BIOES"]))
def test_utterances_come_back_or_the_writer_refuses(
    tmp_path_factory: pytest.TempPathFactory, documents: list[Document], scheme: str
) -> None:
    documents, path = numbered(documents), tmp_path_factory.mktemp("parallel") / "out"
    losses = [loss for document in documents for loss in PARALLEL.losses(document)]
    if losses:
        with pytest.raises(DataError, match="cannot be written as parallel"):
            PARALLEL.write(documents, path, scheme=scheme)
        assert not path.exists()
        PARALLEL.write(documents, path, scheme=scheme, lossy=True)
        assert sum(len(each.tokens) for each in read(path)) == sum(len(each.tokens) for each in documents)
        return
    PARALLEL.write(documents, path, scheme=scheme)
    again = read(path, scheme=scheme)
    assert [content(each) for each in again] == [content(each) for each in documents]
    assert [each.meta.get("intent", "") for each in again] == [each.meta.get("intent", "") for each in documents]


def test_blanks_of_any_length_part_words_and_tags(tmp_path: Path) -> None:
    folder(tmp_path, seq_in="play  the  song \nstop\n", seq_out="O O B-song \nO \n", label="Play\nstop#quit\n")
    one, two = read(tmp_path)
    assert (one.text, one.spans) == ("play the song", (Span(9, 13, "song"),))
    assert one.meta == {"intent": "Play", "intents": ["Play"]}
    assert (two.id, two.meta) == ("2", {"intent": "stop#quit", "intents": ["stop", "quit"]})
    assert read(tmp_path, keep_tags=True)[0].meta["tags"] == ("O", "O", "B-song")
    assert PARALLEL.claims_folder(tmp_path)
    PARALLEL.write([one, two], tmp_path / "again")
    assert (tmp_path / "again" / "label").read_text(encoding="utf-8") == "Play\nstop#quit\n"
    assert read(tmp_path / "again") == [one, two]


def test_intents_may_be_missing(tmp_path: Path) -> None:
    PARALLEL.write([flat([["a"]], [(0, 1, "X")])], tmp_path / "out")
    assert sorted(each.name for each in (tmp_path / "out").iterdir()) == ["seq.in", "seq.out"]
    assert read(tmp_path / "out") == [flat([["a"]], [(0, 1, "X")])]
    assert "no intents" in PARALLEL.decide(Source(tmp_path / "out")).reason
    PARALLEL.write([replace(flat([["a"]], []), meta={"intents": ["x", "y"]})], tmp_path / "out")
    assert read(tmp_path / "out")[0].meta["intent"] == "x#y"


@pytest.mark.parametrize(
    ("files", "where", "why"),
    [
        ({"seq_in": "a b\nc d\n", "seq_out": "O O\nO\n"}, "seq.out:2", r"1 tag\(s\) for 2 word"),
        ({"seq_in": "a\nb\n", "seq_out": "O\n"}, "seq.out:1", "ends before line 2 of seq.in"),
        ({"seq_in": "a\n", "seq_out": "O\nO\n"}, "seq.in:1", "ends before line 2 of seq.out"),
        ({"seq_in": "a\n", "seq_out": "O\n", "label": "x\ny\n"}, "seq.in:1", "ends before line 2 of label"),
        ({"seq_in": "a\nb\n", "seq_out": "O\nx\n"}, "seq.out:2", "tag 'x'"),
        ({"seq_in": "a\nb\n", "seq_out": "O\nQ-X\n"}, "seq.out:2", "tag 'Q-X'"),
        ({"seq_in": "a\n"}, "seq.out", "no such file"),
        ({"seq_in": "a\n", "seq_out": ""}, "seq.out", "is empty"),
        ({"seq_out": "O\n"}, "", "holds no seq.in"),
    ],
)
def test_files_that_do_not_agree_are_named(tmp_path: Path, files: dict[str, str], where: str, why: str) -> None:
    with pytest.raises(DataError, match=why) as caught:
        read(folder(tmp_path, **files))
    assert f"{tmp_path}/{where}".rstrip("/") in str(caught.value).replace("\\", "/")


def test_a_file_is_no_folder_and_subfolders_are_named(tmp_path: Path) -> None:
    folder(tmp_path / "train", seq_in="a\n", seq_out="O\n")
    with pytest.raises(DataError, match="is not a folder"):
        read(tmp_path / "train" / "seq.in")
    with pytest.raises(DataError, match=r"holds no seq\.in \(name one of train in it\)"):
        read(tmp_path)
    assert not PARALLEL.claims_folder(tmp_path)
    with pytest.raises(DataError, match="is not a folder"):
        list(PARALLEL.read(Source.of("a")))


def test_other_files_in_the_folder_are_left_alone(tmp_path: Path) -> None:
    folder(tmp_path / "out", seq_in="a\n", readme_md="mine")
    with pytest.raises(DataError, match=r"'readme\.md', which would be lost"):
        PARALLEL.write([flat([["a"]], [])], tmp_path / "out")
    assert (tmp_path / "out" / "seq.in").read_text(encoding="utf-8") == "a\n"


@needs_corpora
@pytest.mark.parametrize(
    ("name", "counts"),
    [
        ("atis/train", (4478, 50497, 14851)),
        ("atis/valid", (500, 5703, 1709)),
        ("atis/test", (893, 9164, 2837)),
        ("snips/train", (13084, 117700, 33958)),
        ("snips/valid", (700, 6384, 1794)),
        ("snips/test", (700, 6354, 1790)),
    ],
)
def test_atis_and_snips_have_their_published_counts(tmp_path: Path, name: str, counts: tuple[int, ...]) -> None:
    documents = read(corpus(*name.split("/")))
    assert (len(documents), *(sum(len(getattr(d, part)) for d in documents) for part in ("tokens", "spans"))) == counts
    assert all(document.meta["intent"] for document in documents)
    if counts[0] < 1000:
        PARALLEL.write(documents, tmp_path / "out")
        assert read(tmp_path / "out") == documents
