"""What a model's vocabulary does to answers, and encodings that read them all the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from onoma import Document, Span, encodings

pytest.importorskip("transformers")

from models.tiny import _byte_pairs, _word_piece, save_llama, save_t5

from onoma.models.text.vocabulary import Vocabulary

NAMES = [name for name in encodings.names() if name != "tags"]
LABELS = ["LOC", "PER", "odd one"]
WORDS = [
    "Ada",
    "ada",
    "U.S.",
    "Rome",
    "e.g.",
    "x-y",
    "the",
    "(O)",
    "'s",
    "AT&T",
    "[1]",
    "a|b",
    "#1",
    "@x",
    '"',
    "1999",
    ",",
    ".",
]


def lossy() -> Any:
    """A WordPiece tokenizer that loses capitals and blanks."""
    signs = list(".,-()'&[]|#@\"\\:;{}<>/=_")
    letters = list("abcdefghijklmnopqrstuvwxyz0123456789")
    return _word_piece([*signs, *letters, *(f"##{letter}" for letter in letters)], 512, lower=True)


def lossless() -> Any:
    """Byte-level BPE."""
    from transformers import PreTrainedTokenizerFast

    return PreTrainedTokenizerFast(tokenizer_object=_byte_pairs(["<s>", "<pad>", "</s>"]), pad_token="<pad>")


@st.composite
def documents(draw: st.DrawFn) -> Document:
    """Sentences of words that vocabularies cut, with flat spans."""
    sentences = draw(st.lists(st.lists(st.sampled_from(WORDS), min_size=1, max_size=8), min_size=1, max_size=3))
    made = Document.from_words(sentences, id="d")
    spans: list[Span] = []
    for first, last in made.sentences:
        at = first
        while at < last:
            end = draw(st.integers(at + 1, last))
            if draw(st.booleans()):
                span = Span(made.tokens.starts[at], made.tokens.ends[end - 1], draw(st.sampled_from(LABELS)))
                spans.append(span)
            at = end
    return made.with_spans(spans)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@pytest.mark.parametrize("make", [lossy, lossless])
@pytest.mark.parametrize("name", NAMES)
@given(document=documents())
def test_what_a_vocabulary_loses_is_no_loss_of_mentions(name: str, make: Any, document: Document) -> None:
    encoding = encodings.get(name, LABELS, on_misaligned="drop")
    vocabulary = _vocabulary(make, encoding)
    encoding.back = vocabulary.back
    targets = encoding.encode(document)
    answers = [vocabulary.text(vocabulary.numbers(exchange.completion)) for exchange in targets.exchanges]
    prediction = encoding.decode(document.with_spans([]), answers)
    lost = {loss.span for loss in targets.losses}
    assert {span for span in document.spans if span not in lost} <= set(prediction.spans)
    if not lost:
        assert set(prediction.spans) == set(document.spans)
        assert not prediction.problems


CACHE: dict[tuple[Any, str], Vocabulary] = {}


def _vocabulary(make: Any, encoding: Any) -> Vocabulary:
    return CACHE.setdefault((make, encoding.name), Vocabulary(make(), encoding.symbols))


def test_symbols_are_one_piece_and_come_back() -> None:
    for make in (lossy, lossless):
        vocabulary = Vocabulary(make(), ["(B-PER)", "##", "]", "</odd one>"])
        for symbol in ("(B-PER)", "##", "</odd one>"):
            assert vocabulary.size(symbol) == 1 and vocabulary.keeps(symbol)
        assert vocabulary.text(vocabulary.numbers("ada(B-PER) x(B-PER)")).split() == (
            ["ada", "(B-PER)", "x", "(B-PER)"] if make is lossy else ["ada(B-PER)", "x(B-PER)"]
        )


def test_a_vocabulary_knows_what_it_loses() -> None:
    assert Vocabulary(lossless()).back is None
    assert Vocabulary(lossless()).lost("Text:\n{x} ~") == ""
    vocabulary = Vocabulary(lossy())
    back = vocabulary.back
    assert back is not None and ["".join(form.split()) for form in back(["U.S.", "~"])] == ["u.s.", "~"]
    assert vocabulary.lost("Text:\n{x} ~ ~") == "\n~"


@pytest.mark.parametrize("name", ["word_tags", "brackets", "grouped_json"])
def test_windows_are_cut_until_they_fit(name: str) -> None:
    words = [f"w{number}" for number in range(50)]
    document = Document.from_words([words, ["one", "two"]], id="d").with_spans([Span(0, 2, "LOC")])
    encoding = encodings.get(name, ["LOC"])
    encoding.fits = lambda text: len(text.split()) <= 7
    asked = encoding.exchanges(document)
    sizes = [last - first for first, last in (exchange.window for exchange in asked)]
    assert max(sizes) <= 7 and sum(sizes) == 52 and min(sizes[:-1]) >= 5
    answers = [exchange.completion for exchange in encoding.encode(document).exchanges]
    assert encoding.decode(document.with_spans([]), answers).spans == document.spans
    encoding.fits = lambda text: False
    assert len(encoding.exchanges(document)) == 52


@pytest.mark.parametrize("name", ["word_tags", "tag_string", "brackets", "xml", "markers", "entity_list"])
def test_blanks_beside_symbols_are_not_lost(name: str, tmp_path: Path) -> None:
    from transformers import AutoTokenizer

    document = Document.from_words(["Ada left London in Rome".split()]).with_spans([Span(9, 15, "LOC")])
    encoding = encodings.get(name, ["LOC", "PER"])
    vocabulary = Vocabulary(AutoTokenizer.from_pretrained(save_t5(tmp_path)), encoding.symbols)
    encoding.back = vocabulary.back
    completions = [exchange.completion for exchange in encoding.encode(document).exchanges]
    prediction = encoding.decode(document, [vocabulary.text(vocabulary.numbers(text)) for text in completions])
    assert (prediction.spans, prediction.problems) == (document.spans, ())


@pytest.mark.parametrize("make", [lossy, lossless])
def test_a_symbol_of_letters_is_none_inside_a_word(make: Any) -> None:
    text = "Oslo , OPEC and BONO met Obama , Nonetheless"
    made = Vocabulary(make(), ["O", "None", "B-PER"])
    assert made.numbers(text) == Vocabulary(make()).numbers(text)
    assert len(made.numbers("O")) == len(made.numbers("None")) == 1
    assert made.text(made.numbers("B-PER O O None")) == "B-PER O O None"


def test_answers_are_cut_at_symbols_that_are_spelt_out(tmp_path: Path) -> None:
    """One of letters is none inside a word; the blank before a word stays with it."""
    from transformers import AutoTokenizer

    save_llama(tmp_path)
    tokenizer = AutoTokenizer.from_pretrained(tmp_path)
    plain, spelt = Vocabulary(tokenizer), Vocabulary(tokenizer, ["O", "(B-PER)"], spelt=True)
    answer = "May O Oz(B-PER) O"
    assert spelt.answer(answer) == [
        *plain.numbers("May "), *plain.stretch("O", ""), *plain.stretch(" Oz", ""), *plain.stretch("(B-PER)", ""),
        *plain.stretch(" ", ""), *plain.stretch("O", ""),
    ]  # fmt: skip
    assert spelt.numbers(answer) == plain.numbers(answer) == plain.answer(answer)
    assert spelt.text(spelt.answer(answer)) == answer
    spelt.spell(())
    assert spelt.answer(answer) == plain.numbers(answer)
