"""Real corpora, each with its own trap, read by sniffing alone; the counts are known from elsewhere."""

from __future__ import annotations

import pytest
from dataset_cases import content, corpus, needs_corpora, written

from onoma import datasets
from onoma.exceptions import DataError

pytestmark = needs_corpora

# folder, file, documents, sentences, tokens, mentions, what the decision must say
COUNTS = [
    ("conll2002_spanish", "esp.testb", 1517, 1517, 51533, 3559, "1 illegal"),
    ("wikigold", "wikigold.conll.txt", 145, 1696, 39007, 3558, "scheme IO"),
    ("sec_filings", "FIN3.txt", 3, 303, 13246, 318, "4 columns by one blank"),
    ("tweebank_ner", "test.bio", 1, 1201, 19095, 750, "tag_column=3"),
    ("broad_twitter_corpus", "h.conll", 2001, 2001, 29480, 3368, "one TAB"),
    ("ud_english_ewt", "en_ewt-ud-dev.conllu", 318, 2001, 25147, 0, "no mentions"),
    ("conll2000", "test.txt", 2012, 2012, 47377, 23852, "tag_column=2"),
    ("wikiann_english", "test.conllu", 10000, 10000, 80326, 13958, "token_column=1"),
    ("gum_ner", "gum-test.conll", 1000, 1000, 18236, 3439, "scheme BIO"),
    ("re3d", "re3d-test.conll", 200, 200, 5258, 676, "scheme BIO"),
    ("anem", "AnEM.test", 1882, 1882, 45939, 1256, "tag_column=3"),
    ("few_tk", "dev.txt", 369, 369, 10645, 737, "scheme plain"),
    ("cleanconll", "derived/cleanconll.test", 231, 3427, 46504, 5725, "tag_column=4 (tags stand in 2, 3 too)"),
    ("conll2003", "eng.testa", 216, 3250, 51362, 5942, "tag_column=3 (tags stand in 2 too)"),
    ("uner_danish_ddt", "da_ddt-ud-test.iob2", 565, 565, 10023, 447, "1 illegal"),
    ("uner_swedish_talbanken", "sv_talbanken-ud-dev.iob2", 8, 504, 9797, 23, "8 marked"),
]


@pytest.mark.parametrize(("folder", "file", "documents", "sentences", "tokens", "mentions", "said"), COUNTS)
def test_counts(
    folder: str, file: str, documents: int, sentences: int, tokens: int, mentions: int, said: str,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    caplog.set_level("INFO", logger="onoma")
    read = datasets.read(corpus(folder, file))
    assert len(read) == documents
    assert sum(len(document.sentences) for document in read) == sentences
    assert sum(len(document.tokens) for document in read) == tokens
    assert sum(len(document.spans) for document in read) == mentions
    assert said in caplog.text
    assert len({document.id for document in read}) == documents


def test_blank_tokens_and_hashes_are_kept() -> None:
    words = [word for document in datasets.read(corpus("broad_twitter_corpus", "h.conll")) for word in document.words]
    assert sum(not word.strip() for word in words) == 4
    assert any(word.startswith("#") and len(word) > 1 for word in words)


def test_invisible_tokens_are_kept() -> None:
    words = [word for document in datasets.read(corpus("re3d", "re3d-train.conll")) for word in document.words]
    assert sum(word == "\u200e" for word in words) == 19


def test_several_labels_in_one_tag_are_refused() -> None:
    with pytest.raises(DataError, match=r"emerging\.test\.conll:212: tag .* holds several tags"):
        datasets.read(corpus("wnut17", "emerging.test.conll"))


def test_foreign_json_is_refused_by_its_first_unknown_key() -> None:
    with pytest.raises(DataError, match=r"dev\.jsonlines:1: unknown key 'doc_id'"):
        datasets.read(corpus("genia_nested", "dev.jsonlines"), "jsonl")


def test_the_treebank_text_follows_its_spacing() -> None:
    documents = datasets.read(corpus("ud_english_ewt", "en_ewt-ud-test.conllu"))
    said = [
        line.removeprefix("# text = ")
        for line in corpus("ud_english_ewt", "en_ewt-ud-test.conllu").read_text(encoding="utf-8").split("\n")
        if line.startswith("# text = ")
    ]
    mine = [
        document.text[document.tokens[first].start : document.tokens[last - 1].end]
        for document in documents
        for first, last in document.sentences
    ]
    same = sum(a == b for a, b in zip(said, mine, strict=True))
    assert same / len(said) > 0.99


@pytest.mark.parametrize("format", ["conll", "iob2", "conllu", "jsonl"])
def test_a_corpus_with_documents_survives_every_format(format: str, tmp_path) -> None:
    documents = datasets.read(corpus("conll2003", "eng.testb"))
    path = tmp_path / f"x.{format}"
    datasets.write(documents, path)
    again = datasets.read(path)
    assert [content(document) for document in again] == [content(document) for document in documents]
    assert datasets.fingerprint(again) == datasets.fingerprint(documents)
    assert written(again, format) == path.read_text(encoding="utf-8")
