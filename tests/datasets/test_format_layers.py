"""Nested names as layers: several tag columns in one file, and one aligned file a type."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from dataset_cases import content, corpus, flat, needs_corpora, numbered
from hypothesis import given, settings
from hypothesis import strategies as st
from nested_cases import nested_documents

from onoma.datasets.files import Source
from onoma.datasets.layers import Layers
from onoma.datasets.nested import split_layers
from onoma.datasets.per_type import PerType
from onoma.document import Document, Span
from onoma.exceptions import ConfigError, DataError
from onoma.schemes import TokenSpan

LAYERS, PER_TYPE = Layers(), PerType()
SCHEMES = ["BIO", "IOB1", "BIOES", "BILOU", "BMES"]


def written(documents: list[Document], **options: object) -> str:
    handle = io.StringIO(newline="\n")
    LAYERS.write(documents, handle, **options)  # type: ignore[arg-type]
    return handle.getvalue()


def reread(text: str, **options: object) -> list[Document]:
    return list(LAYERS.read(Source.of(text), **options))  # type: ignore[arg-type]


# ---------------------------------------------------------------------- layers


@settings(max_examples=150)
@given(st.lists(nested_documents(odd=True), min_size=1, max_size=3), st.sampled_from(SCHEMES))
def test_layers_come_back_or_the_writer_refuses(documents: list[Document], scheme: str) -> None:
    documents = numbered(documents)
    if any(LAYERS.losses(document) for document in documents):
        with pytest.raises(DataError, match="cannot be written as layers"):
            written(documents, scheme=scheme)
        again = reread(written(documents, scheme=scheme, lossy=True), separator="tab", token_column=0, scheme=scheme)
        assert sum(len(each.tokens) for each in again) == sum(len(each.tokens) for each in documents)
        return
    text = written(documents, scheme=scheme)
    again = reread(text, separator="tab", token_column=0, scheme=scheme)
    assert [content(document) for document in again] == [content(document) for document in documents]


@given(nested_documents(characters="aä漢\u2028\u200b", labels=["X", "Y"]))
def test_plain_words_are_read_back_without_options(document: Document) -> None:
    if document.tokens and all(word.strip() for word in document.words):
        assert [content(each) for each in reread(written([document]))] == [content(document)]


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(1, 4)), max_size=12))
def test_layers_are_flat_and_hold_every_span_the_longest_in_the_first(pairs: list[tuple[int, int]]) -> None:
    spans = [TokenSpan(start, start + size, "X") for start, size in pairs]
    layers = split_layers(spans)
    assert sorted(span for layer in layers for span in layer) == sorted(spans)
    for number, layer in enumerate(layers):
        covered = [token for span in layer for token in range(span.start, span.end)]
        assert len(covered) == len(set(covered))
        for span in layer:  # it stands this deep because each layer above holds one at least as long in its way
            for above in layers[:number]:
                inside = set(range(span.start, span.end))
                blocking = [each for each in above if not inside.isdisjoint(range(each.start, each.end))]
                assert max(each.end - each.start for each in blocking) >= len(inside)


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(1, 9)), max_size=20), st.integers(1, 4))
def test_fewer_layers_are_the_first_of_all(pairs: list[tuple[int, int]], most: int) -> None:
    spans = [TokenSpan(start, start + size, "X") for start, size in pairs]
    whole: list[list[TokenSpan]] = []  # the longest first, each to the first layer where it has room
    for span in sorted(spans, key=lambda span: (span.start - span.end, span)):
        inside = set(range(span.start, span.end))
        free = [all(inside.isdisjoint(range(each.start, each.end)) for each in layer) for layer in whole]
        if True not in free:
            whole.append([])
        whole[free.index(True) if True in free else -1].append(span)
    assert split_layers(spans) == whole
    assert split_layers(spans, most) == whole[:most]


def test_no_more_layers_are_written_than_asked_for_or_usual() -> None:
    words = [f"w{number}" for number in range(140)]
    document = flat([words], [(number, 140 - number, "X") for number in range(70)])
    with pytest.raises(DataError, match=r"6 span\(s\) need more than 64 layers; layers=NUMBER allows more"):
        written([document])
    assert LAYERS.losses(document) and not LAYERS.losses(document, layers=70)
    assert content(reread(written([document], layers=70))[0]) == content(document)
    (again,) = reread(written([document], lossy=True))
    assert set(again.spans) == set(document.spans[:64])


def test_deep_nesting_is_looked_at_in_little_more_than_one_pass() -> None:
    words = [f"w{number}" for number in range(20_000)]
    document = flat([words], [(number, 20_000 - number, "X") for number in range(10_000)])
    assert len(LAYERS.losses(document)) == 1
    assert PER_TYPE.losses(document) == ["9999 span(s) of X overlap another span of X"]


@pytest.mark.parametrize("label", ["A,B-C", "A; I-B", "a\tb", " a"])
def test_labels_that_no_tag_holds_are_refused_or_left_out(tmp_path: Path, label: str) -> None:
    document = flat([["a", "b"]], [(0, 2, "Y"), (0, 1, label)])
    kept = document.with_spans(document.spans[:1])
    for format in (LAYERS, PER_TYPE):
        assert any("cannot stand in a tag" in loss for loss in format.losses(document))
    assert content(reread(written([document], lossy=True))[0]) == content(kept)
    PER_TYPE.write([document], tmp_path / "out", lossy=True)
    assert [content(each) for each in PER_TYPE.read(Source(tmp_path / "out"))] == [content(kept)]


def test_crossing_spans_stand_in_different_layers() -> None:
    document = flat([["a", "b", "c", "d"]], [(0, 3, "X"), (2, 4, "Y"), (2, 3, "Z"), (2, 3, "Z")])
    assert written([document]) == ("a\tB-X\tO\tO\tO\nb\tI-X\tO\tO\tO\nc\tI-X\tB-Y\tB-Z\tB-Z\nd\tO\tI-Y\tO\tO\n\n")
    assert content(reread(written([document]))[0]) == content(document)
    assert written([flat([["a"]], [])]) == "a\tO\tO\n\n"
    assert written([flat([["a"]], [])], layers=3) == "a\tO\tO\tO\n\n"


def test_documents_are_marked_where_they_are_not_single_sentences() -> None:
    documents = [flat([["a"], ["b"]], [(0, 1, "X")], id="1"), Document("2", ""), flat([["c"]], [], id="3")]
    assert written(documents).startswith("-DOCSTART-\tO\tO\n\na\tB-X\tO\n\nb\tO\tO\n\n-DOCSTART-")
    assert [content(each) for each in reread(written(documents))] == [content(each) for each in documents]
    assert reread(written([Document("1", "")])) == [Document("1", "")]


def test_a_byte_order_mark_as_first_character_survives() -> None:
    assert reread(written([flat([["\ufeffa", "b"]], [])]))[0].words == ("\ufeffa", "b")


ORIGINAL = (
    "#\thttp://x.org/a [2009-10-17]\n1\tAda\tB-PER\tO\n2\tran\tO\tO\n\n"
    "#\ty\n1\tLondon\tB-ORG\tB-LOC\n2\tZoo\tI-ORG\tO\n"
)


def test_the_original_distribution_with_index_and_sources_is_read() -> None:
    decision = LAYERS.decide(Source.of(ORIGINAL))
    assert decision.options == {"separator": "\t", "token_column": 1, "tag_columns": [2, 3], "scheme": "BIO"}
    one, two = reread(ORIGINAL, **decision.options)
    assert (one.text, one.meta["source"]) == ("Ada ran", "http://x.org/a [2009-10-17]")
    assert two.spans == (Span(0, 10, "ORG"), Span(0, 6, "LOC")) and two.meta["source"] == "y"
    assert [dict(each.meta) for each in reread(written([one, two]))] == [dict(one.meta), dict(two.meta)]
    assert reread(ORIGINAL, tag_columns=[-1])[1].spans == (Span(0, 6, "LOC"),)


def test_a_number_sign_may_be_a_token() -> None:
    (document,) = reread("#\tO\tO\nx\tB-A\tO\n")
    assert document.words == ("#", "x")


@pytest.mark.parametrize(
    ("text", "options", "line", "why"),
    [
        ("a\tO\tO\nb\tO\n", {"separator": "tab"}, 2, "2 column"),
        ("a\tO\tO\n\nb\tO\tO\nc\tO\tx\n", {}, 4, "tag 'x'"),
        ("a\tB-X\tO\nb\tO\tZ-X\n", {"tag_columns": [1, 2]}, 2, "tag 'Z-X'"),
        ("a\tB-X\tO\nb\tO\tS-X\n", {"scheme": "BIO"}, 2, "'S-X' does not belong"),
        ("a\tB-X\tO\nb\tB-X\tM-X\nc\tB-X\tL-X\n", {}, 3, "prefixes B, L, M belong"),
        ("a\tx y\tz\n", {}, 1, "none of 3 columns"),
        ("a\tO\tO\rb\tO\tO\r", {}, 1, "end with CR"),
    ],
)
def test_bad_lines_are_named(text: str, options: dict[str, object], line: int, why: str) -> None:
    with pytest.raises(DataError, match=why) as caught:
        reread(text, **options)
    assert (caught.value.path, caught.value.line) == ("made", line)


@pytest.mark.parametrize(
    "options",
    [{"tag_columns": [0]}, {"tag_columns": [5]}, {"tag_columns": []}, {"tag_columns": [1, 1]}, {"token_column": 9}],
)
def test_columns_that_do_not_exist_or_clash_are_refused(options: dict[str, object]) -> None:
    with pytest.raises(ConfigError):
        reread("a\tO\tO\n", **options)
    with pytest.raises(ConfigError):
        written([], layers=1)


@needs_corpora
@pytest.mark.parametrize(
    ("split", "counts"),
    [
        ("dev", (2200, 41653, 2674, 212)),
        ("test", (5100, 96499, 6178, 515)),
        pytest.param("train", (24000, 452853, 29078, 2467), marks=pytest.mark.slow),
    ],
)
def test_germeval_has_its_published_counts_in_each_layer(split: str, counts: tuple[int, ...]) -> None:
    source = Source(corpus("germeval2014_nested", f"germ.{split}.iob2"))
    documents = list(LAYERS.read(source))
    both = sum(len(each.spans) for each in documents)
    found = (sum(len(each.sentences) for each in documents), sum(len(each.tokens) for each in documents))
    assert (*found, both) == (*counts[:2], counts[2] + counts[3])
    if split == "dev":
        inner = sum(len(each.spans) for each in LAYERS.read(source, tag_columns=[2]))
        assert (both - inner, inner) == counts[2:]
        assert [content(each) for each in reread(written(documents))] == [content(each) for each in documents]


# ---------------------------------------------------------------------- one file a type


@settings(max_examples=60, deadline=None)
@given(st.lists(nested_documents(labels=["A", "B", "a/b"], odd=True), min_size=1, max_size=3), st.sampled_from(SCHEMES))
def test_types_come_back_or_the_writer_refuses(
    tmp_path_factory: pytest.TempPathFactory, documents: list[Document], scheme: str
) -> None:
    documents = numbered(documents)
    path = tmp_path_factory.mktemp("types") / "out"
    losses = [loss for document in documents for loss in PER_TYPE.losses(document)]
    if losses:
        with pytest.raises(DataError, match="cannot be written as per_type"):
            PER_TYPE.write(documents, path, scheme=scheme)
        assert not path.exists()
    PER_TYPE.write(documents, path, scheme=scheme, lossy=bool(losses))
    again = list(PER_TYPE.read(Source(path), scheme=scheme, separator="tab"))
    if losses:
        assert sum(len(each.tokens) for each in again) == sum(len(each.tokens) for each in documents)
    else:
        assert [content(each) for each in again] == [content(each) for each in documents]


def typed(path: Path, **files: str) -> Path:
    for name, text in files.items():
        place = path / name.partition("_")[0] / f"{name}.conll"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, encoding="utf-8", newline="\n")
    return path


def test_files_of_a_pattern_are_laid_over_each_other(tmp_path: Path) -> None:
    typed(tmp_path, DNA_train="a O\nb B-DNA\n\nc O\n", RNA_train="a B-RNA\nb I-RNA\n\nc B-RNA\n", RNA_dev="x O\n")
    documents = list(PER_TYPE.read(Source(tmp_path / "*" / "*_train.conll")))
    assert [each.text for each in documents] == ["a b", "c"]
    assert set(documents[0].spans) == {Span(2, 3, "DNA"), Span(0, 3, "RNA")}
    assert list(PER_TYPE.read(Source(tmp_path), split="train")) == documents
    decision = PER_TYPE.decide(Source(tmp_path), split="train")
    assert "2 aligned file(s) (DNA_train.conll, RNA_train.conll)" in decision.reason
    assert list(PER_TYPE.read(Source(tmp_path), **decision.options)) == documents
    with pytest.raises(DataError, match="name split"):
        list(PER_TYPE.read(Source(tmp_path)))
    with pytest.raises(DataError, match="no file of the split 'rain' found"):
        list(PER_TYPE.read(Source(tmp_path), split="rain"))
    with pytest.raises(DataError, match="no file found"):
        list(PER_TYPE.read(Source(tmp_path / "*.none")))


@pytest.mark.parametrize(
    ("other", "line", "why"),
    [
        ("a O\nx O\n\nc O\n", 2, "'x' where .*DNA.conll:2 has 'b'"),
        ("a O\n\nb O\n\nc O\n", 2, "the end of the sentence where .*DNA.conll:2 has 'b'"),
        ("a O\nb O\nc O\n", 3, "'c' where .*DNA.conll:3 has the end of the sentence"),
        ("a O\nb O\n", None, r"1 sentence\(s\), but .*DNA.conll has 2"),
        ("a O\nb O\n\n-DOCSTART- O\n\nc O\n", 1, "a document of 1 sentence"),
        ("a O\nb O O\n\nc O\n", 2, "3 column"),
        ("a O\nb Q\n\nc O\n", 2, "tag 'Q'"),
        ("a O\rb O\r\rc O\r", 1, "end with CR"),
        ("a O\nb B-X\n\nc Q-X\n", 4, "tag 'Q-X'"),
    ],
)
def test_files_that_do_not_agree_are_named_with_the_line(
    tmp_path: Path, other: str, line: int | None, why: str
) -> None:
    typed(tmp_path, DNA="a O\nb B-DNA\n\nc O\n", RNA=other)
    with pytest.raises(DataError, match=why) as caught:
        list(PER_TYPE.read(Source(tmp_path / "*" / "*.conll")))
    assert caught.value.line == line or line is None
    assert str(caught.value.path).endswith(("RNA.conll", "DNA.conll"))


def test_labels_name_the_files(tmp_path: Path) -> None:
    document = flat([["a", "b"]], [(0, 2, "X"), (1, 2, "Y")])
    PER_TYPE.write([document], tmp_path / "out")
    assert {each.name: each.read_text(encoding="utf-8") for each in (tmp_path / "out").iterdir()} == {
        "X.conll": "a\tB-X\nb\tI-X\n\n",
        "Y.conll": "a\tO\nb\tB-Y\n\n",
    }
    PER_TYPE.write([flat([["c"]], [])], tmp_path / "out")  # its own files may go
    assert [each.name for each in (tmp_path / "out").iterdir()] == ["none.conll"]
    (tmp_path / "out" / "notes.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(DataError, match=r"'notes\.txt', which would be lost"):
        PER_TYPE.write([document], tmp_path / "out")
    (tmp_path / "file").write_text("mine", encoding="utf-8")
    with pytest.raises(DataError, match="is a file"):
        PER_TYPE.write([document], tmp_path / "file")


@pytest.mark.parametrize("label", ["a/b", "..", "a\\b", "CON", "x.", "a:b", "nul.txt"])
def test_labels_that_are_no_file_name_are_refused_or_renamed(tmp_path: Path, label: str) -> None:
    document = flat([["a"]], [(0, 1, label)])
    with pytest.raises(DataError, match="name of a file"):
        PER_TYPE.write([document], tmp_path / "out")
    PER_TYPE.write([document], tmp_path / "out", lossy=True)
    assert next(iter(PER_TYPE.read(Source(tmp_path / "out")))).spans == (Span(0, 1, label),)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["out"]


def test_labels_that_differ_in_case_only_are_refused_or_numbered(tmp_path: Path) -> None:
    document = flat([["a", "b"]], [(0, 1, "Per"), (1, 2, "PER")])
    with pytest.raises(DataError, match="one file name"):
        PER_TYPE.write([document], tmp_path / "out")
    PER_TYPE.write([document], tmp_path / "out", lossy=True)
    assert len(list((tmp_path / "out").iterdir())) == 2


def test_a_prefix_of_no_scheme_is_named_in_the_file_where_it_stands(tmp_path: Path) -> None:
    typed(tmp_path, DNA="a B-DNA\nb M-DNA\n\nc M-DNA\n", RNA="a O\nb B-X\n\nc L-X\n")
    with pytest.raises(DataError, match=r"RNA\.conll:4: tag prefixes B, L, M belong to no scheme"):
        list(PER_TYPE.read(Source(tmp_path)))
    with pytest.raises(DataError, match=r"DNA\.conll:2: tag 'M-DNA' does not belong to the scheme BIO"):
        list(PER_TYPE.read(Source(tmp_path), scheme="BIO"))


def test_a_stream_is_refused() -> None:
    with pytest.raises(DataError, match="stream"):
        list(PER_TYPE.read(Source.of("a O\n")))


@needs_corpora
@pytest.mark.parametrize(
    ("split", "counts"),
    [
        ("dev", (1669, 48932, 4154)),
        ("test", (1854, 57021, 5183)),
        pytest.param("train", (15023, 454882, 43769), marks=pytest.mark.slow),
    ],
)
def test_genia_per_type_has_its_published_counts(split: str, counts: tuple[int, ...]) -> None:
    documents = list(PER_TYPE.read(Source(corpus("genia_per_type", "*", f"*_{split}.conll"))))
    found = [sum(len(getattr(each, part)) for each in documents) for part in ("sentences", "tokens", "spans")]
    assert tuple(found) == counts
    if split == "dev":
        assert list(PER_TYPE.read(Source(corpus("genia_per_type")), split="dev")) == documents
