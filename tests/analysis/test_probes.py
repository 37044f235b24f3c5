"""Probes: the text changes as said, and every mention goes along."""

from __future__ import annotations

import unicodedata
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rapidfuzz.distance import OSA
from text_documents import nested_documents

import onoma
from onoma import Document, Span, tokenization
from onoma.analysis import probes
from onoma.analysis.probes import PROBES, probe
from onoma.analysis.rewriting import Edit, mentioned, rewritten
from onoma.analysis.swaps import names_of
from onoma.exceptions import ConfigError

CHARACTERS = {"upper": str.upper, "nfd": lambda text: unicodedata.normalize("NFD", text)}
MARKS = ["ß", "İ", "e\u0301", "a\u0323\u0302", "😀", "👩\u200d🚀", "ﬁ", "Ω", "日本", "\u0301"]


def one(text: str, *spans: Span, **more: Any) -> Document:
    return Document("d", text, spans=spans, **more)


def changed(document: Document, name: str, **more: Any) -> Document:
    (found,) = probe([document], name, **more).documents
    return found


@st.composite
def hard_documents(draw: st.DrawFn) -> Document:
    """Nested documents, some with discontinuous mentions, some raw, some of characters that change their length."""
    document = draw(nested_documents())
    text = "".join(draw(st.sampled_from(MARKS)) if each == "a" and draw(st.booleans()) else each for each in "banana a")
    edges = sorted(draw(st.sets(st.integers(0, len(text)), min_size=4, max_size=4)))
    hull = Span(edges[0], edges[3], "PER", fragments=((edges[0], edges[1]), (edges[2], edges[3])))
    broken = one(text, hull, Span(edges[1], edges[2], "LOC"))
    raw = replace(document, tokens=(), sentences=())
    return draw(st.sampled_from([document, raw, broken]))


@given(hard_documents(), st.sampled_from(sorted(PROBES)))
def test_every_probe_keeps_the_gold_or_counts_its_loss(document: Document, name: str) -> None:
    found = probe([document], name, train=[document])
    (after,) = found.documents
    assert after.id == document.id and len(after.spans) + found.lost == len(document.spans)
    labels = Counter(found.labels.get(span.label, span.label) for span in document.spans)
    assert not Counter(span.label for span in after.spans) - labels
    if name != "detokenised":
        assert found.lost == 0 and len(after.sentences) == len(document.sentences)
    if name not in {"detokenised", "swapped_names", "training_names"}:
        assert len(after.tokens) == len(document.tokens)
    assert found == probe([document], name, train=[document])


@given(hard_documents())
def test_characters_change_in_mentions_and_tokens_as_in_the_text(document: Document) -> None:
    for name, change in CHARACTERS.items():
        after = changed(document, name)
        if name == "upper":
            assert after.text == document.text.upper()
            assert after.words == tuple(word.upper() for word in document.words)
        assert unicodedata.normalize("NFD", after.text) == unicodedata.normalize("NFD", change(document.text))
        for old, new in zip(document.spans, after.spans, strict=True):
            surfaces = change(document.surface(old)), after.surface(new)
            assert len({unicodedata.normalize("NFD", each) for each in surfaces}) == 1


@given(hard_documents())
def test_the_two_halves_of_the_typos_are_the_whole(document: Document) -> None:
    halves = [changed(document, name) for name in ("typos_in_mentions", "typos_outside")]
    both = changed(document, "typos")
    assert len(both.text) - len(document.text) == sum(len(each.text) - len(document.text) for each in halves)
    for old, inside, outside, new in zip(document.words, *(each.words for each in (*halves, both)), strict=True):
        assert inside != old or new == outside
        assert outside != old or new == inside
    for old, same in zip(document.spans, halves[1].spans, strict=True):
        assert document.surface(old) == halves[1].surface(same)


def test_lengths_that_change_move_what_follows() -> None:
    document = one("Straße İzmir 😀 Rom", Span(0, 6, "LOC"), Span(7, 12, "LOC"), Span(15, 18, "LOC"), Span(0, 18, "X"))
    upper, lower = changed(document, "upper"), changed(document, "lower")
    assert [upper.surface(span) for span in upper.spans] == ["STRASSE", "İZMIR", "ROM", "STRASSE İZMIR 😀 ROM"]
    assert [lower.surface(span) for span in lower.spans[:3]] == ["straße", "i\u0307zmir", "rom"]
    nfd = changed(one("Zoë é", Span(0, 3, "PER"), Span(4, 5, "X")), "nfd")
    assert (nfd.text, [nfd.surface(span) for span in nfd.spans]) == ("Zoe\u0308 e\u0301", ["Zoe\u0308", "e\u0301"])


def test_a_share_of_long_words_gets_one_edit_each() -> None:
    documents = onoma.read("demo:test")
    found = probe(documents, "typos")
    words = edited = 0
    for old, new in zip(documents, found.documents, strict=True):
        olds, news = tokenization.split(old), tokenization.split(new)
        assert len(olds.tokens) == len(news.tokens)
        for before, after in zip(olds.words, news.words, strict=True):
            if before.isalpha() and len(before) >= 4:
                words += 1
                edited += before != after
                assert OSA.distance(before, after) <= 1 and before[0] == after[0] and before[-1] == after[-1]
            else:
                assert before == after or not before.isalpha()
    assert 0.17 < edited / words < 0.23
    assert found.documents != probe(documents, "typos", seed=2).documents
    inside = probe(documents, "typos_in_mentions")
    assert 0 < inside.changed_mentions == found.changed_mentions
    assert probe(documents, "typos_outside").changed_mentions == 0


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ('He said : " I ca n\'t go to Rome , Ada . " ( She did . )', 'He said: "I can\'t go to Rome, Ada." (She did.)'),
        ("`` Yes , '' said Ada 's cat ; no ...", "``Yes,'' said Ada's cat; no..."),
        ("the players ' union is worth $ 5 , or .5 %", "the players' union is worth $5, or .5%"),
        ("It 's ' odd ' , no ?", "It's 'odd', no?"),
        ("", ""),
    ],
)
def test_running_text_is_written_as_people_write(words: str, text: str) -> None:
    document = Document.from_words([words.split(), ["Next", "one", "!"]], id="d")
    joined = changed(document, "detokenised")
    assert joined.text.strip() == f"{text} Next one!".strip()
    assert not joined.tokens
    split = tokenization.split(joined)
    assert len(split.sentences) == len(document.sentences)


def test_detokenised_mentions_lose_their_blanks_and_only_blank_ones_are_lost() -> None:
    document = Document.from_words([["Smith", ",", "Inc", ".", "(", "USA", ")"]], id="d")
    spans = [Span(0, 13, "ORG"), Span(16, 19, "LOC"), Span(5, 6, "X")]
    split = Span(0, 7, "ORG", fragments=((0, 5), (6, 7)))
    found = probe([document.with_spans([*spans, split])], "detokenised")
    (after,) = found.documents
    assert after.text == "Smith, Inc. (USA)"
    assert [after.surface(span) for span in after.spans] == ["Smith, Inc.", "USA", "Smith,"]
    assert found.lost == 1 and not after.spans[2].fragments


def test_blanks_of_raw_text_go_and_its_lines_stay() -> None:
    document = one("Ada , Rome\n( yes )", Span(6, 10, "LOC"), meta={"lines": [[0, 10], [11, 18]]})
    after = changed(document, "detokenised")
    assert (after.text, after.surface(after.spans[0])) == ("Ada, Rome\n(yes)", "Rome")
    assert after.meta["lines"] == [[0, 9], [10, 15]]


def test_names_change_places_within_their_label() -> None:
    documents = [tokenization.split(each) for each in onoma.read("demo:test")]
    pool = {label: {name.text for name in names} for label, names in names_of(documents).items()}
    found = probe(documents, "swapped_names")
    assert found.lost == 0 and found.changed_mentions == sum(len(each.spans) for each in documents)
    for old, new in zip(documents, found.documents, strict=True):
        chosen: dict[tuple[str, str], str] = {}
        for before, after in zip(old.spans, new.spans, strict=True):
            assert before.label == after.label and new.surface(after) in pool[after.label]
            key = (before.label, old.surface(before))
            assert chosen.setdefault(key, new.surface(after)) == new.surface(after)
            edges = {edge for token in new.tokens for edge in token}
            assert {after.start, after.end} <= edges
        covered, after_covered = mentioned(old), mentioned(new)
        rest = [
            "".join(letter for letter, inside in zip(each.text, mask, strict=True) if not inside)
            for each, mask in ((old, covered), (new, after_covered))
        ]
        assert rest[0] == rest[1]


def test_names_come_with_their_tokens_and_nested_ones_stay() -> None:
    pool = Document.from_words([["New", "York", "-", "on", "-", "Sea"]], id="p")
    document = Document.from_words([["In", "Rome", "and", "Bank", "of", "Oslo"], ["Rome", "!"]], id="d")
    outer, inner = Span(12, 24, "ORG"), Span(20, 24, "LOC")
    document = document.with_spans([Span(3, 7, "LOC"), outer, inner, Span(25, 29, "LOC")])
    after = changed(document, "training_names", train=[pool.with_spans([Span(0, len(pool.text), "LOC")])])
    name = ["New", "York", "-", "on", "-", "Sea"]
    assert after.words == ("In", *name, "and", "Bank", "of", "Oslo", *name, "!")
    assert after.sentences == ((0, 11), (11, 18))
    assert [after.surface(span) for span in after.spans] == [pool.text, "Bank of Oslo", "Oslo", pool.text]


def test_labels_become_symbols_that_are_asked_for() -> None:
    document = replace(one("Ada X1", Span(0, 3, "PER"), Span(4, 6, "X1")), meta={"asked_labels": ["PER", "X1", "LOC"]})
    found = probe([document], "label_symbols")
    (after,) = found.documents
    assert set(found.labels) == {"PER", "X1", "LOC"} and set(found.labels.values()) == {"X2", "X3", "X4"}
    assert [span.label for span in after.spans] == [found.labels["PER"], found.labels["X1"]]
    assert after.meta["asked_labels"] == sorted(found.labels.values())
    assert found.changed_mentions == 0 and found.changed_documents == 1


@given(hard_documents(), st.data())
def test_edits_move_every_offset_as_counting_does(document: Document, data: st.DataObject) -> None:
    """Each character is an object of its own; what stands between two edges is found again by identity."""
    size = len(document.text)
    edges = sorted(data.draw(st.sets(st.integers(0, size), max_size=6)))
    edits = [
        Edit(start, end, data.draw(st.sampled_from(["", "x", "long one"])))
        for start, end in zip(edges[::2], edges[1::2], strict=False)
    ]
    plain = replace(document, spans=tuple(Span(at, at + 1, "LOC") for at in range(size)), tokens=(), sentences=())
    after = rewritten(plain, edits)
    touched = {at for edit in edits for at in range(edit.start, edit.end)}
    kept = [document.text[at] for at in range(size) if at not in touched]
    surfaces = Counter(after.surface(span) for span in after.spans)
    assert not Counter(kept) - surfaces
    assert len(after.text) == size + sum(len(edit.text) - (edit.end - edit.start) for edit in edits)


def test_what_cannot_be_done_is_one_clear_line(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match="probe 'uppper' is unknown: one of upper, lower"):
        probe([one("a")], "uppper")
    with pytest.raises(ConfigError, match="needs training documents"):
        probe([one("a")], "training_names")
    monkeypatch.setitem(PROBES, "fewer", f"{__name__}:FEWER")
    with pytest.raises(ConfigError, match="one document for each"):
        probe([one("a")], "fewer")


FEWER = probes.Probe("nothing is left", lambda documents, train, seed: [])


@pytest.mark.parametrize("name", PROBES)
def test_every_row_of_the_table_tells_what_it_does(name: str) -> None:
    assert name in probes.names() and probes.find(name).about
