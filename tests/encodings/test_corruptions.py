"""Answers of which the copied text, or anything, is corrupted: some here, a hundred thousand an encoding nightly."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from typing import Any

import pytest

from onoma import Document, Span, encodings
from onoma.encodings.inline import Inline
from onoma.encodings.listed import Item, Listed, occurrences
from onoma.encodings.tagged_text import TaggedText
from onoma.evaluation import strict_f1

NAMES = [name for name in encodings.ENCODINGS if name != "tags"]
CASES: dict[str, tuple[str, dict[str, Any]]] = {name: (name, {}) for name in NAMES}
CASES |= {f"word_tags, {around} around": ("word_tags", {"context": around}) for around in (1, 3)}
LABELS = ("LOC", "ORG", "PER")
WORDS = (
    "Ada Byron met the New York Times in New York , U.S. ( not Paris ) , and Paris beat Lyon 3-1 . [ 2 ] <b> Zürich "
    '& Co. said : " I-95 is ; at @@home ## " of the University of the Arts'
).split()
SIGNS = [*"()[]{}<>|\\\"':;,@#&/ \n\0-", "(B-PER)", "</PER>", " | PER]", "```", "null", "\u2028", "😀"]


def document(chance: random.Random) -> Document:
    """A sentence of made-up words in a random order, with flat spans."""
    words = [chance.choice(WORDS) for _ in range(chance.randint(1, 12))]
    made = Document.from_words([words], id="d")
    return made.with_spans(some_spans(made, chance))


def some_spans(made: Document, chance: random.Random) -> list[Span]:
    spans = []
    at = 0
    while at < len(made.tokens):
        size = chance.randint(1, 3)
        if chance.random() < 0.4 and at + size <= len(made.tokens):
            start, end = made.tokens[at].start, made.tokens[at + size - 1].end
            spans.append(Span(start, end, chance.choice(LABELS)))
        at += size
    return spans


def imperfect(gold: Document, chance: random.Random) -> Document:
    """Some of the mentions right, some others."""
    other = some_spans(gold, chance)
    kept = [span for span in gold.spans if chance.random() < 0.5]
    kept += [span for span in other if all(span.end <= each.start or each.end <= span.start for each in kept)]
    return gold.with_spans(kept)


def damaged(text: str, chance: random.Random) -> str:
    letters = list(text)
    for _ in range(chance.randint(1, 2)):
        at = chance.randint(0, len(letters))
        letters[at : at + chance.randint(0, 2)] = chance.choice(["", "x", "é", "Q", " ", "<unk>", "ab c", "'"])
    return "".join(letters)


def misplaced(words: list[str], chance: random.Random, swaps: bool) -> list[str]:
    """As many words, of which two have changed places, or (not `swaps`) one was lost and another added elsewhere.

    Where most words then stand elsewhere, nobody could say whether they moved or what is said of them: nothing is done.
    """
    made = list(words)
    one, other = chance.randrange(len(words)), chance.randrange(len(words))
    if swaps or chance.random() < 0.5:
        made[one], made[other] = made[other], made[one]
    else:
        del made[one]
        made.insert(other, chance.choice(["x", chance.choice(words)]))
    return made if 2 * sum(map(str.__ne__, words, made)) <= len(words) else words


def copied_wrong(encoding: Any, asked: Any, answer: str, chance: random.Random) -> str:
    """The answer with errors in what it copies from the source, and in nothing else."""
    moves = chance.random() < 0.3 and not getattr(encoding, "partial", False)
    if isinstance(encoding, Inline):
        made = []
        pieces = list(encoding.pieces(answer, asked.type))
        words = [word for piece in pieces if isinstance(piece, str) for word in piece.split()]
        if moves and words:
            others = iter(misplaced(words, chance, swaps=True))
            pieces = [
                re.sub(r"\S+", lambda _: next(others), each) if isinstance(each, str) else each for each in pieces
            ]
        for piece in pieces:
            if isinstance(piece, str):
                wrong = piece and not moves and chance.random() < 0.4
                made.append(encoding.escaped(damaged(piece, chance) if wrong else piece))
            else:
                made.append(piece.text)
        return "".join(made)
    if isinstance(encoding, Listed):
        items = [item for item in encoding.read(answer, asked.type) if isinstance(item, Item)]
        for number, item in enumerate(items):
            text = damaged(item.text, chance)
            # A text that the source holds, too, is another answer and no copy error.
            if chance.random() < 0.4 and text.strip() and not occurrences(asked.source, text):
                items[number] = item._replace(text=text)
        return encoding.write(items)
    assert isinstance(encoding, TaggedText)
    if encoding.name == "tag_string":
        return answer  # it copies nothing
    made = []
    items = [each.rpartition("(") for each in answer.split()]
    budget = 0 if moves else len(items) // 2
    if moves and items and all(bracket for _, bracket, _ in items):
        words = misplaced([word for word, _, _ in items], chance, swaps=False)
        items = [(word, bracket, tag) for word, (_, bracket, tag) in zip(words, items, strict=True)]
    for word, bracket, tag in items:
        if bracket and budget and chance.random() < 0.4:
            budget -= 1
            word = encoding.source([damaged(word, chance)])
        made.append(word + bracket + tag)
    return " ".join(made)


def broken(answer: str, chance: random.Random) -> str:
    """The answer with anything wrong."""
    cut = sorted(chance.randint(0, len(answer)) for _ in range(3))
    sign = chance.choice(SIGNS)
    choices: list[Callable[[], str]] = [
        lambda: answer[: cut[0]],
        lambda: answer[: cut[0]] + answer[cut[1] :],
        lambda: answer[: cut[0]] + sign + answer[cut[0] :],
        lambda: answer[: cut[1]] + answer[cut[0] : cut[2]] + answer[cut[1] :],
        lambda: answer.upper(),
        lambda: answer.replace(sign, ""),
        lambda: f"Sure:\n{answer}\nDone.",
    ]
    return chance.choice(choices)()


def check(case: str, number: int) -> None:
    name, options = CASES[case]
    chance = random.Random(1)
    for _ in range(number):
        gold = document(chance)
        encoding = encodings.get(name, LABELS, on_misaligned="drop", **options)
        bare = gold.with_spans([])
        asked = encoding.exchanges(bare)
        answered = imperfect(gold, chance) if chance.random() < 0.7 else gold
        answers = [each.completion for each in encoding.encode(answered).exchanges]
        wrong = [copied_wrong(encoding, each, answer, chance) for each, answer in zip(asked, answers, strict=True)]
        right_score, wrong_score = (strict_f1([gold], [encoding.decode(bare, each)]) for each in (answers, wrong))
        assert wrong_score <= right_score, (gold, answers, wrong)
        worse = [broken(answer, chance) for answer in wrong]
        for span in encoding.decode(bare, worse).spans:
            assert span.end <= len(gold.text) and span.label in LABELS, (gold, worse)


@pytest.mark.parametrize("case", CASES)
def test_problems_know_the_sentence_that_was_asked_about(case: str) -> None:
    """Whatever happens to one sentence's answers, no other sentence has a problem or loses a mention."""
    name, options = CASES[case]
    chance = random.Random(2)
    encoding = encodings.get(name, LABELS, on_misaligned="drop", **options)
    seen = 0
    for _ in range(60):
        parts = [document(chance).words for _ in range(3)]
        made = Document.from_words(parts, id="d")
        bounds = [made.tokens.characters(*sentence) for sentence in made.sentences]
        asked = encoding.exchanges(made)
        right = [each.completion for each in encoding.encode(imperfect(made, chance)).exchanges]
        bare = encoding.decode(made, right)
        assert not bare.problems
        hurt = [each.characters(made) == bounds[1] for each in asked]
        wrong = [
            broken(copied_wrong(encoding, each, answer, chance), chance) if here else answer
            for each, answer, here in zip(asked, right, hurt, strict=True)
        ]
        found = encoding.decode(made, wrong)
        assert all(problem.within == bounds[1] for problem in found.problems), (wrong, found.problems)
        first, last = bounds[1]
        others = [[span for span in each.spans if not first <= span.start < last] for each in (bare, found)]
        assert others[0] == others[1]
        seen += len(found.problems)
    assert seen


@pytest.mark.parametrize("case", CASES)
def test_corrupted_answers(case: str) -> None:
    check(case, 300)


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_a_hundred_thousand_corrupted_answers(case: str) -> None:
    check(case, 100_000)
