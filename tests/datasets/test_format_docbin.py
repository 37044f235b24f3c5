"""spaCy's DocBin: what we write spaCy reads, what spaCy writes we read, and damaged files are named."""

from __future__ import annotations

import gc
import sys
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from dataset_cases import LABELS, content, flat, numbered, token_documents
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from onoma import datasets
from onoma.datasets import docbin
from onoma.datasets.docbin import DocBin
from onoma.datasets.files import Source
from onoma.datasets.recognise import recognise
from onoma.document import Document, Span, Tokens
from onoma.exceptions import DataError, MissingExtraError

spacy_tokens = pytest.importorskip("spacy.tokens", reason="spaCy is not installed")
srsly = pytest.importorskip("srsly")
vocabulary = pytest.importorskip("spacy.vocab")

one_folder = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


def out(path: Path, documents: list[Document], **options: Any) -> Path:
    DocBin().write(documents, path, **options)
    return path


def back(path: Path, **options: Any) -> list[Document]:
    return list(DocBin().read(Source(path), **options))


def of_spacy(path: Path) -> list[Any]:
    return list(spacy_tokens.DocBin().from_disk(path).get_docs(vocabulary.Vocab()))


def made(words: list[str], **parts: Any) -> Any:
    return spacy_tokens.Doc(vocabulary.Vocab(), words=words, **parts)


def packed(path: Path, *docs: Any, user: bool = True) -> Path:
    spacy_tokens.DocBin(store_user_data=user, docs=docs).to_disk(path)
    return path


@st.composite
def any_documents(draw: st.DrawFn) -> Document:
    """A document with any text between its tokens and any spans: nested, crossing, repeated, discontinuous."""
    text = draw(st.text("ab  \n\t\u00a0\u200b😀", max_size=10))
    cuts = sorted(draw(st.lists(st.integers(0, len(text)), max_size=8)))
    tokens = Tokens(cuts[: len(cuts) // 2 * 2 : 2], cuts[1::2])
    middle = draw(st.integers(0, len(tokens)))
    sentences = tuple(each for each in ((0, middle), (middle, len(tokens))) if each[0] < each[1])
    edges = sorted({0, len(text), *(edge for token in tokens for edge in (token.start, token.end))})
    spans = []
    for _ in range(draw(st.integers(0, 4))):
        a, b = draw(st.sampled_from(edges)), draw(st.sampled_from(edges))
        if a < b:
            pieces = ((a, a + 1), (b - 1, b)) if b - a > 2 and draw(st.integers(0, 9)) == 0 else ()
            spans.append(Span(a, b, draw(st.sampled_from(LABELS)), fragments=pieces))
    return Document("1", text, tokens, sentences, tuple(spans))


@one_folder
@given(documents=st.lists(token_documents(glued=True), max_size=3).map(numbered))
def test_flat_documents_survive(tmp_path: Path, documents: list[Document]) -> None:
    assert [content(each) for each in back(out(tmp_path / "a.spacy", documents))] == list(map(content, documents))
    for document, doc in zip(documents, of_spacy(tmp_path / "a.spacy"), strict=True):
        assert doc.text == document.text
        assert {(e.start_char, e.end_char, e.label_) for e in doc.ents} == {
            (span.start, span.end, span.label) for span in document.spans
        }
        assert not doc.spans


@one_folder
@given(any_documents())
def test_a_document_survives_or_its_losses_are_named(tmp_path: Path, document: Document) -> None:
    path = tmp_path / "a.spacy"
    path.unlink(missing_ok=True)
    if DocBin().losses(document):
        with pytest.raises(DataError, match="cannot be written as docbin"):
            out(path, [document])
        assert not path.exists()
        (again,) = back(out(path, [document], lossy=True))
        assert again.text == document.text and set(again.spans) <= set(document.spans)
    else:
        (again,) = back(out(path, [document]))
        assert content(again) == content(document)
    (doc,) = of_spacy(path)
    assert doc.text == document.text


def test_nested_spans_go_to_the_group_and_the_longest_to_the_entities(tmp_path: Path) -> None:
    spans = [(0, 3, "ORG"), (2, 3, "LOC"), (2, 3, "PERSON"), (4, 5, "PERSON")]
    document = flat([["University", "of", "London", "hired", "Ada"]], spans)
    path = out(tmp_path / "a.spacy", [document], spans_key="mine")
    (doc,) = of_spacy(path)
    assert [(each.text, each.label_) for each in doc.ents] == [("University of London", "ORG"), ("Ada", "PERSON")]
    assert len(doc.spans["mine"]) == 4
    assert content(back(path, spans_key="mine")[0]) == content(document)
    assert len(back(path)[0].spans) == 2


def test_categories_that_are_no_score_stand_in_meta_alone(tmp_path: Path) -> None:
    meta = {"cats": {"news": 1.0, "huge": 10**400, "word": "x", "yes": True}}
    path = out(tmp_path / "a.spacy", [Document("1", "a", Tokens([0], [1]), meta=meta)])
    assert of_spacy(path)[0].cats == {"news": 1.0, "yes": 1.0}
    assert dict(back(path)[0].meta) == meta


def test_id_meta_and_categories_survive(tmp_path: Path) -> None:
    meta = {"source": "here", "cats": {"news": 1.0}, "list": [1, {"a": None}]}
    document = Document("wiki/ä 7", "a", Tokens([0], [1]), meta=meta)
    path = out(tmp_path / "a.spacy", [document])
    (again,) = back(path)
    assert (again.id, dict(again.meta)) == ("wiki/ä 7", meta)
    assert of_spacy(path)[0].cats == {"news": 1.0}
    with pytest.raises(DataError, match="cannot be written as JSON"):
        out(path, [Document("1", "", meta={"a": {1}})])
    with pytest.raises(DataError, match="half a surrogate pair"):
        out(path, [Document("1", "a\ud800", Tokens([0], [2]))])
    with pytest.raises(DataError, match="is a directory"):
        out(tmp_path, [document])
    assert content(back(path)[0]) == content(document) and list(tmp_path.iterdir()) == [path]


def test_text_between_tokens_becomes_white_space_as_spacy_has_it(tmp_path: Path) -> None:
    document = Document("1", " a  b\n\nc ", Tokens([1, 4, 7], [2, 5, 8]), ((0, 2), (2, 3)))
    (doc,) = of_spacy(out(tmp_path / "a.spacy", [document]))
    assert [(token.text, token.whitespace_) for token in doc] == [
        (" ", ""), ("a", " "), (" ", ""), ("b", ""), ("\n\n", ""), ("c", " "),
    ]  # fmt: skip
    assert [sentence.text for sentence in doc.sents] == [" a  b\n\n", "c"]
    losses = DocBin().losses(Document("1", "raw text"))
    assert losses == ["text outside the tokens: 'raw text'; split it into tokens first"]


def test_a_file_of_spacy_is_read(tmp_path: Path) -> None:
    parsed = made(["Ada", "ran", "\n", "Bo", "too"], spaces=[True, False, False, True, False], heads=[1, 1, 1, 4, 4],
                  deps=["x", "ROOT", "x", "x", "ROOT"])  # fmt: skip
    parsed.set_ents([spacy_tokens.Span(parsed, 0, 1, "PERSON", kb_id="Q1")], default="missing")
    parsed.spans["sc"] = [spacy_tokens.Span(parsed, 0, 1, "PERSON"), spacy_tokens.Span(parsed, 0, 2, "X")]
    parsed.spans["other"] = [spacy_tokens.Span(parsed, 3, 4, "X")]
    unknown = made(["a", "b"])
    first, second = back(packed(tmp_path / "a.spacy", parsed, unknown, user=False))
    assert (first.id, first.text, first.words) == ("1", "Ada ran\nBo too", ("Ada", "ran", "\n", "Bo", "too"))
    assert first.sentences == ((0, 3), (3, 5))
    assert sorted((span.start, span.end, span.label) for span in first.spans) == [(0, 3, "PERSON"), (0, 7, "X")]
    assert (second.id, second.text, second.sentences) == ("2", "a b", ((0, 2),))


def test_entities_not_said_are_no_entities(tmp_path: Path) -> None:
    docs = [made(["a", "b"], spaces=[True, False]) for _ in range(2)]
    docs[1].set_ents([], default="outside")
    first, second = back(packed(tmp_path / "a.spacy", *docs))
    assert first.spans == second.spans == () and first.text == second.text


def test_user_data_that_are_not_ours_are_left_alone(tmp_path: Path) -> None:
    docs = [made(["a"]) for _ in range(3)]
    docs[0].user_data.update({"id": 17, ("._.", "x", None, None): 1})
    docs[1].user_data.update({"id": b"1"})
    assert [each.id for each in back(packed(tmp_path / "a.spacy", *docs))] == ["17", "2", "3"]


@pytest.mark.parametrize(
    ("user", "message"),
    [
        ([{"id": "a"}, {"id": "a"}], "document 2: its id 'a' is already that of document 1"),
        ([{}, {"onoma": "["}], "document 2: the user data 'onoma' are not a JSON object"),
        ([{}, {"onoma": "[]"}], "not a JSON object"),
        ([{}, {"onoma": '{"meta": []}'}], "hold no meta"),
        ([{}, {"onoma": '{"gaps": [4]}'}], "name tokens that are not there"),
        ([{}, {"onoma": '{"gaps": [true]}'}], "name tokens that are not there"),
    ],
)
def test_damaged_user_data_are_named(tmp_path: Path, user: list[dict[str, str]], message: str) -> None:
    docs = [made(["a"]) for _ in user]
    for doc, data in zip(docs, user, strict=True):
        doc.user_data.update(data)
    path = packed(tmp_path / "a.spacy", *docs)
    with pytest.raises(DataError, match=message) as caught:
        back(path)
    assert caught.value.path == path


def changed(change: Callable[[dict[str, Any]], object]) -> bytes:
    """A file of one document whose parts were changed before they were packed."""
    doc = made(["a", "b"])
    doc.spans["sc"] = [spacy_tokens.Span(doc, 0, 1, "X")]
    parts = srsly.msgpack_loads(zlib.decompress(spacy_tokens.DocBin(store_user_data=True, docs=[doc]).to_bytes()))
    change(parts)
    return zlib.compress(srsly.msgpack_dumps(parts))


def nothing(_: dict[str, Any]) -> None:
    """No change."""


BAD: dict[str, Callable[[], bytes]] = {
    "empty": lambda: b"",
    "text": lambda: b"Ada\tB-PER\n",
    "cut off": lambda: changed(nothing)[:-9],
    "flipped": lambda: changed(nothing)[:20] + b"\0\1\2" + changed(nothing)[23:],
    "not msgpack": lambda: zlib.compress(b"\xc1"),
    "a number": lambda: zlib.compress(srsly.msgpack_dumps(3)),
    "no parts": lambda: zlib.compress(srsly.msgpack_dumps({})),
    "short columns": lambda: changed(lambda parts: parts.update(tokens=parts["tokens"][:-8])),
    "no strings": lambda: changed(lambda parts: parts.update(strings=[])),
    "user data": lambda: changed(lambda parts: parts.update(user_data=[b"\xc1"])),
    "span groups": lambda: changed(lambda parts: parts.update(span_groups=[b"\xc1"])),
    "group": lambda: changed(lambda parts: parts.update(span_groups=[srsly.msgpack_dumps({b"\x80": ["sc"]})])),
    "too long": lambda: changed(lambda parts: parts.update(lengths=b"\3\0\0\0")),
    "too short": lambda: changed(lambda parts: parts.update(lengths=b"\1\0\0\0")),
    "no document": lambda: changed(lambda parts: parts.update(lengths=b"")),
    "fewer user data": lambda: changed(lambda parts: parts.update(user_data=[])),
    "object array": lambda: changed(
        lambda parts: parts.update(
            user_data=[srsly.msgpack_dumps({b"nd": True, b"type": "|O", b"shape": [1], b"data": b"12345678"})]
        )
    ),
}


@pytest.mark.parametrize("kind", BAD)
def test_damaged_files_are_named(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "a.spacy"
    path.write_bytes(BAD[kind]())
    with pytest.raises(DataError) as caught:
        back(path)
    assert caught.value.path == path and "\n" not in str(caught.value)
    assert gc.isenabled()


def test_a_file_that_unpacks_to_too_much_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.spacy"
    path.write_bytes(zlib.compress(bytes(8 << 20)))
    monkeypatch.setattr(docbin, "LIMIT", 1 << 20)
    monkeypatch.setattr(spacy_tokens.DocBin, "from_bytes", lambda *_: pytest.fail("spaCy saw it"))
    with pytest.raises(DataError, match="unpacks to more than 1,048,576 bytes"):
        back(path)


def test_no_file_and_no_spacy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DataError, match="no such file"):
        back(tmp_path / "none.spacy")
    with pytest.raises(DataError, match="standard input"):
        list(DocBin().read(Source.of("x")))
    path = out(tmp_path / "a.spacy", [flat([["a"]], [])])
    monkeypatch.setitem(sys.modules, "spacy.tokens", None)
    for attempt in (lambda: back(path), lambda: out(path, [])):
        with pytest.raises(MissingExtraError, match=r"onoma\[spacy\]"):
            attempt()


def test_the_ending_tells_the_format(tmp_path: Path) -> None:
    path = out(tmp_path / "a.spacy", [flat([["a"]], [])])
    formats = {"jsonl": datasets.get("jsonl"), "docbin": DocBin()}
    assert recognise(Source(path), "docbin", formats) == "docbin"
    assert DocBin().decide(Source(path)).reason == "docbin: 1 document(s) of spaCy"


def test_an_empty_id_is_an_id(tmp_path: Path) -> None:
    documents = [Document.from_words([["a"]], id=""), Document.from_words([["b"]], id="1")]
    assert [each.id for each in back(out(tmp_path / "a.spacy", documents))] == ["", "1"]
