"""GENIA JSON lines: nested round trips, documents joined by doc_id, bad records, and the real files' counts."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable

import pytest
from dataset_cases import content, corpus, needs_corpora, numbered
from hypothesis import given, settings
from hypothesis import strategies as st
from nested_cases import messages, nested_documents

from onoma.datasets.files import Source
from onoma.datasets.genia import Genia
from onoma.document import Document, Span
from onoma.exceptions import DataError

GENIA = Genia()
ADA = {"start": 0, "end": 1, "entity_type": "PER", "text": "Ada"}


def written(documents: Iterable[Document], **options: bool) -> str:
    handle = io.StringIO(newline="\n")
    GENIA.write(documents, handle, **options)
    return handle.getvalue()


def reread(*records: object) -> list[Document]:
    lines = [record if isinstance(record, str) else json.dumps(record) for record in records]
    return list(GENIA.read(Source.of("\n".join(lines))))


def sentence(words: str, doc: object = "d", **more: object) -> dict[str, object]:
    return {"tokens": words.split(" "), "doc_id": doc, "entity_mentions": [], **more}


@settings(max_examples=150)
@given(st.lists(nested_documents(odd=True), min_size=1, max_size=3))
def test_a_document_comes_back_or_has_its_losses_listed(documents: list[Document]) -> None:
    documents = numbered(documents, "MED:")
    if any(GENIA.losses(document) for document in documents):
        with pytest.raises(DataError, match="cannot be written as genia"):
            written(documents)
        kept = reread(written(documents, lossy=True))
        assert [document.words for document in kept] == [document.words for document in documents]
        return
    again = reread(written(documents))
    assert [content(document) for document in again] == [content(document) for document in documents]
    assert written(again) == written(documents)


@given(nested_documents())
def test_whole_tokens_of_one_sentence_are_never_a_loss(document: Document) -> None:
    assert GENIA.losses(document) == []


def test_sentences_of_one_doc_id_are_one_document_and_keep_what_else_they_hold() -> None:
    first = sentence("Ada ran", sent_id="d-0", entity_mentions=[ADA], section="title")
    documents = reread(first, sentence("She slept", sent_id="d-1"), sentence("No", doc="e"))
    assert [document.id for document in documents] == ["d", "e"]
    assert documents[0].text == "Ada ran She slept" and documents[0].sentences == ((0, 2), (2, 4))
    assert documents[0].spans == (Span(0, 3, "PER"),)
    assert documents[0].meta["sentences"] == [{"sent_id": "d-0", "section": "title"}, {"sent_id": "d-1"}]
    lines = [json.loads(line) for line in written(documents).splitlines()]
    assert lines[0] == first and lines[2]["sent_id"] == "e-0"


def test_without_doc_id_each_sentence_is_a_document() -> None:
    bare = {"tokens": ["a"], "entity_mentions": []}
    one, two = reread({**bare, "sent_id": "s7"}, bare)
    assert (one.id, two.id) == ("s7", "2")
    assert reread(sentence("a", doc=7))[0].id == "7"


def test_keys_of_mentions_that_are_not_kept_are_named(caplog: pytest.LogCaptureFixture) -> None:
    reread(sentence("Ada ran", entity_mentions=[{**ADA, "id": "T1", "mention_type": "NAM"}]))
    assert "id, mention_type" in messages(caplog)


def test_sentences_without_tokens_are_counted(caplog: pytest.LogCaptureFixture) -> None:
    empty = {"tokens": [], "doc_id": "d", "sent_id": "x", "entity_mentions": []}
    (document,) = reread(sentence("a", sent_id="y"), empty)
    assert document.sentences == ((0, 1),) and document.meta["sentences"] == [{"sent_id": "y"}]
    assert "1 sentence(s) without tokens" in messages(caplog)


MENTIONS = {
    "is empty or lies outside": {**ADA, "end": 3},
    "not a whole number": {**ADA, "start": "0"},
    "end is null": {"start": 0, "entity_type": "PER"},
    "is true, not a whole": {**ADA, "end": True},
    "but says": {**ADA, "text": "ran"},
    "entity_type' is missing": {"start": 0, "end": 1},
    "entity_type is empty": {**ADA, "entity_type": ""},
    "half a surrogate": {**ADA, "entity_type": "\ud800"},
    "is not an object": 7,
}


@pytest.mark.parametrize("why", MENTIONS)
def test_a_bad_mention_is_named_with_its_line(why: str) -> None:
    with pytest.raises(DataError, match=why) as caught:
        reread(sentence("x y"), "", sentence("Ada ran", entity_mentions=[ADA, MENTIONS[why]]))
    assert caught.value.line == 3 and "entity_mentions[1]" in str(caught.value)


RECORDS = {
    "'tokens' is missing": {"entity_mentions": []},
    "'tokens' is not a list": {"tokens": "a b", "entity_mentions": []},
    r"tokens\[1\] is not a string": {"tokens": ["a", 1], "entity_mentions": []},
    "half a surrogate": {"tokens": ["\ud800"], "entity_mentions": []},
    "'entity_mentions' is missing": {"tokens": ["a"]},
    "'entity_mentions' is not a list": {"tokens": ["a"], "entity_mentions": {}},
    "'doc_id' is neither": {"tokens": ["a"], "entity_mentions": [], "doc_id": [1]},
    "nothing but empty tokens": {"tokens": [""], "entity_mentions": [{"start": 0, "end": 1, "entity_type": "X"}]},
    "ends in the middle": '{"tokens": ["a"',
    "not an object": [1],
}


@pytest.mark.parametrize("why", RECORDS)
def test_a_bad_record_is_named_with_its_line(why: str) -> None:
    with pytest.raises(DataError, match=why) as caught:
        reread(sentence("x y"), RECORDS[why])
    assert caught.value.line == 2 and caught.value.path == "made"


def test_a_doc_id_that_comes_again_later_is_refused_both_ways() -> None:
    with pytest.raises(DataError, match=r"made:3: document id 'a' stands already in line 1"):
        reread(sentence("x", doc="a"), sentence("x", doc="b"), sentence("x", doc="a"))
    with pytest.raises(DataError, match="'1' comes twice"):
        written([Document.from_words([["a"]], id="1")] * 2, lossy=True)


def test_the_decision_says_how_sentences_are_joined() -> None:
    decision = GENIA.decide(Source.of(json.dumps(sentence("a"))))
    assert (decision.format, decision.options) == ("genia", {}) and "one doc_id" in decision.reason
    with pytest.raises(DataError, match="'tokens' is missing"):
        GENIA.decide(Source.of('{"entity_mentions": []}'))


@needs_corpora
@pytest.mark.parametrize(("split", "counts"), [("dev", (1765, 45495, 4714)), ("test", (1732, 46873, 5119))])
def test_the_nested_genia_files_have_their_published_counts(split: str, counts: tuple[int, ...]) -> None:
    path = corpus("genia_nested", f"{split}.jsonlines")
    documents = list(GENIA.read(Source(path)))
    found = [sum(len(getattr(each, part)) for each in documents) for part in ("sentences", "tokens", "spans")]
    assert tuple(found) == counts and len(documents) == 199
    assert [json.loads(line) for line in written(documents).splitlines()] == [
        json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()
    ]
