"""The demo corpus keeps the promises its README makes.

Everything is counted straight from the files with a few lines of parsing of
its own, so that a fault in onoma's reader cannot hide a fault in the corpus.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

CORPUS = Path(__file__).resolve().parents[2] / "src" / "onoma" / "datasets" / "demo"
SPLITS = ("train", "dev", "test", "letters")
HELD_OUT = ("dev", "test", "letters")
LABELS = ("PER", "LOC", "ORG", "MISC")
MIN_SENTENCES = {"train": 300, "dev": 80, "test": 80, "letters": 80}
MIN_LABEL_SHARE = {"train": 0.12, "dev": 0.12, "test": 0.12, "letters": 0.08}
MENTION = re.compile(r"\[([^\[\]|\\]*)\|([A-Z]+)\]")

each_split = pytest.mark.parametrize("split", SPLITS)


@dataclass(frozen=True)
class Mention:
    start: int
    end: int
    label: str


@dataclass(frozen=True)
class Sentence:
    line: str
    text: str
    mentions: tuple[Mention, ...]

    def surface(self, mention: Mention) -> str:
        return self.text[mention.start : mention.end]

    @property
    def words(self) -> list[str]:
        return re.findall(r"\w+", self.text.lower())


def parse(line: str) -> Sentence:
    """Take the markup out of a line and keep the mentions' offsets."""
    text, cursor, mentions = "", 0, []
    for match in MENTION.finditer(line):
        text += line[cursor : match.start()]
        mentions.append(Mention(len(text), len(text) + len(match[1]), match[2]))
        text += match[1]
        cursor = match.end()
    return Sentence(line, text + line[cursor:], tuple(mentions))


def render(text: str, mentions: tuple[Mention, ...]) -> str:
    """Put the markup back."""
    for m in sorted(mentions, key=lambda m: m.start, reverse=True):
        text = f"{text[: m.start]}[{text[m.start : m.end]}|{m.label}]{text[m.end :]}"
    return text


def raw(split: str) -> str:
    return (CORPUS / f"{split}.txt").read_text(encoding="utf-8")


@cache
def documents(split: str) -> dict[str, list[Sentence]]:
    found: dict[str, list[Sentence]] = {}
    for block in raw(split).strip("\n").split("\n\n"):
        head, *lines = block.split("\n")
        assert re.fullmatch(r"# doc \S+", head), head
        assert head not in found, head
        found[head] = [parse(line) for line in lines]
    return found


def sentences(split: str) -> list[Sentence]:
    return [sentence for doc in documents(split).values() for sentence in doc]


def mentions(split: str) -> list[tuple[str, str]]:
    return [(s.surface(m), m.label) for s in sentences(split) for m in s.mentions]


@each_split
def test_documents(split: str) -> None:
    assert raw(split).endswith("\n")
    for head, doc in documents(split).items():
        assert 4 <= len(doc) <= 8, head
        for sentence in doc:
            assert not sentence.line.startswith("#"), sentence.line
            assert sentence.line == " ".join(sentence.line.split()), sentence.line


def test_document_names_are_unique() -> None:
    names = Counter(head for split in SPLITS for head in documents(split))
    assert [name for name, count in names.items() if count > 1] == []


@each_split
def test_markup(split: str) -> None:
    for sentence in sentences(split):
        assert not set(sentence.text) & set("[]|\\"), sentence.line
        for m in sentence.mentions:
            surface = sentence.surface(m)
            assert m.label in LABELS, sentence.line
            assert surface and surface == surface.strip(), sentence.line
            before, after = sentence.text[: m.start][-1:], sentence.text[m.end :][:1]
            assert not (before.isalnum() and surface[0].isalnum()), sentence.line
            assert not (after.isalnum() and surface[-1].isalnum()), sentence.line


@each_split
def test_round_trip(split: str) -> None:
    for s in sentences(split):
        assert render(s.text, s.mentions) == s.line


@each_split
def test_size_and_sentence_lengths(split: str) -> None:
    lengths = [len(s.words) for s in sentences(split)]
    assert len(lengths) >= MIN_SENTENCES[split]
    assert min(lengths) >= 4 and max(lengths) <= 40
    assert 12 <= sum(lengths) / len(lengths) <= 20


def test_no_two_sentences_share_six_words() -> None:
    owner: dict[tuple[str, ...], Sentence] = {}
    for split in SPLITS:
        for sentence in sentences(split):
            words = sentence.words
            for gram in {tuple(words[i : i + 6]) for i in range(len(words) - 5)}:
                other = owner.setdefault(gram, sentence)
                assert other is sentence, f"{other.line!r} and {sentence.line!r}: {gram}"


@pytest.mark.parametrize("split", HELD_OUT)
def test_most_mentions_are_unseen_in_train(split: str) -> None:
    known = {surface.casefold() for surface, _ in mentions("train")}
    found = mentions(split)
    seen = sum(surface.casefold() in known for surface, _ in found)
    assert 0.20 * len(found) <= seen <= 0.40 * len(found)


@each_split
def test_kinds_of_mention(split: str) -> None:
    surfaces = [surface for surface, _ in mentions(split)]
    lengths = [len(re.findall(r"\w+", surface)) for surface in surfaces]
    touching = sum(
        left.end < right.start and s.text[left.end : right.start].isspace()
        for s in sentences(split)
        for left, right in zip(s.mentions, s.mentions[1:], strict=False)
    )
    capitals = [s for s in surfaces if s.isupper() and sum(map(str.isalpha, s)) >= 2]
    lower_case = [s for s in surfaces if not any(map(str.isupper, s))]
    assert sum(n == 1 for n in lengths) >= 10
    assert sum(n > 1 for n in lengths) >= 10
    assert sum(n >= 4 for n in lengths) >= 2
    assert touching >= 3
    assert len(capitals) >= 4
    assert len(lower_case) >= (20 if split == "letters" else 2)


@each_split
def test_ambiguous_surfaces(split: str) -> None:
    labels: dict[str, set[str]] = {}
    for name in SPLITS:
        for surface, label in mentions(name):
            labels.setdefault(surface.casefold(), set()).add(label)
    here = {surface.casefold() for surface, _ in mentions(split)}
    assert sum(len(labels[surface]) > 1 for surface in here) >= 4


@each_split
def test_some_sentences_hold_no_mention(split: str) -> None:
    found = sentences(split)
    empty = sum(not s.mentions for s in found)
    assert 0.12 * len(found) <= empty <= 0.20 * len(found)


@each_split
def test_every_label_has_support(split: str) -> None:
    found = Counter(label for _, label in mentions(split))
    for label in LABELS:
        assert found[label] >= MIN_LABEL_SHARE[split] * found.total(), label
