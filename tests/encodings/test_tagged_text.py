"""Encodings that write one tag a word: round trips, answers of every kind, and copy errors that never pay."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from text_documents import LABELS, flat_documents

from onoma import Document, Span, alignment, encodings
from onoma.alignment import BackTokenizer
from onoma.encodings import word_tags as word_tags_module
from onoma.encodings.windowed import windows
from onoma.evaluation import strict_f1
from onoma.exceptions import ConfigError, DataError, MisalignedSpansError
from onoma.schemes import SCHEMES

NAMES = ["word_tags", "tag_string"]
SAMPLE = Document.from_words(
    [["Ada", "Byron", "left", "(", "old", ")", "Rome", "."], ["She", "sat"]], id="d"
).with_spans([Span(0, 9, "PER"), Span(23, 27, "LOC")])


def word_tags(**options: object) -> encodings.TextEncoding:
    return encodings.get("word_tags", ["LOC", "PER"], **options)


def spans(answer: str, document: Document = SAMPLE, **options: object) -> list[tuple[str, str]]:
    """Surfaces and labels that an answer about the first sentence gives; problems in brackets."""
    prediction = word_tags(**options).decode(document.with_spans([]), [answer, *[""] * (len(document.sentences) - 1)])
    found = [(document.surface(span), span.label) for span in prediction.spans]
    return found + [(f"[{each.kind}]", each.text) for each in prediction.problems if "of 2" not in each.text]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("scheme", [name for name in SCHEMES if name != "IO"])
@given(flat_documents(), st.sampled_from([None, 1, 2]))
def test_decode_of_encode_is_the_document(name: str, scheme: str, document: Document, most: int | None) -> None:
    encoding = encodings.get(name, LABELS, scheme=scheme, max_words=most)
    targets = encoding.encode(document)
    asked = encoding.exchanges(document.with_spans([]))
    assert [(each.source, each.window) for each in asked] == [(each.source, each.window) for each in targets.exchanges]
    prediction = encoding.decode(document.with_spans([]), [each.completion for each in targets.exchanges])
    assert set(prediction.spans) == set(document.spans)
    assert not prediction.problems and not targets.losses
    assert prediction.raw == tuple(each.completion for each in targets.exchanges)


def test_what_is_written() -> None:
    made = [encodings.get(name, ["LOC", "PER"]).encode(SAMPLE).exchanges[0] for name in NAMES]
    assert [each.source for each in made] == ["Ada Byron left ( old ) Rome ."] * 2
    assert made[0].completion == "Ada(B-PER) Byron(I-PER) left(O) ((O) old(O) )(O) Rome(B-LOC) .(O)"
    assert made[1].completion == "B-PER I-PER O O O O B-LOC O"
    assert [each.window for each in encodings.get("tag_string", ["PER"]).exchanges(SAMPLE)] == [(0, 8), (8, 10)]


@given(st.lists(st.integers(1, 30), max_size=5), st.integers(1, 12))
def test_windows_tile_sentences_in_parts_of_one_size(lengths: list[int], most: int) -> None:
    document = Document.from_words([["a"] * length for length in lengths])
    found = list(windows(document, most))
    assert [place for first, last in found for place in range(first, last)] == list(range(sum(lengths)))
    assert all(last - first <= most for first, last in found)
    for first, last in document.sentences:
        sizes = [end - start for start, end in found if first <= start < last]
        assert sum(sizes) == last - first and max(sizes) - min(sizes) <= len(sizes)
        assert len(sizes) == -(-(last - first) // most)


def test_a_mention_goes_on_in_the_next_window() -> None:
    encoding = word_tags(max_words=1)
    answers = [each.completion for each in encoding.encode(SAMPLE).exchanges]
    assert answers[:2] == ["Ada(B-PER)", "Byron(I-PER)"]
    assert set(encoding.decode(SAMPLE, answers).spans) == set(SAMPLE.spans)


GOOD = "Ada(B-PER) Byron(I-PER) left(O) ((O) old(O) )(O) Rome(B-LOC) .(O)"
PER, LOC = ("Ada Byron", "PER"), ("Rome", "LOC")


@pytest.mark.parametrize(
    ("answer", "wanted"),
    [
        (GOOD, [PER, LOC]),
        ("", [("[truncated]", "nothing after word 0 of 8")]),
        ("I cannot do that.", [("[truncated]", "nothing after word 0 of 8")]),
        # A label that is not known, and tags that are none.
        (GOOD.replace("LOC", "Loc"), [PER, ("[unknown_label]", "Rome")]),
        (GOOD.replace("B-LOC", "X-LOC"), [PER, ("[malformed]", "Rome(X-LOC)")]),
        # White space and case of O are forgiven.
        (GOOD.replace("(O)", "( o )").replace("(B-PER)", " ( B-PER ) "), [PER, LOC]),
        (GOOD.replace(" ", "\n "), [PER, LOC]),
        # A word without a tag is a word without a tag.
        (GOOD.replace("left(O)", "left"), [PER, LOC]),
        # The text was copied wrong, left out, made up.
        (GOOD.replace("Rome", "R<unk>me").replace("Byron", "byron"), [PER, LOC]),
        (GOOD.replace("left(O) ", ""), [PER, LOC]),
        (GOOD.replace("Rome", ""), [PER, LOC]),
        (GOOD.replace("Byron(I-PER) ", ""), [("Ada", "PER"), LOC]),
        (GOOD + " Oz(B-LOC)", [PER, LOC, ("[ungrounded]", "Oz")]),
        ("In(O) Oz(B-LOC) " + GOOD, [PER, LOC, ("[ungrounded]", "Oz")]),
        # Cut off in the middle of an item.
        (GOOD[: GOOD.index("Rome") + 7], [PER, ("[truncated]", "nothing after word 6 of 8")]),
    ],
)
def test_answers_of_every_kind(answer: str, wanted: list[tuple[str, str]]) -> None:
    assert spans(answer) == wanted


class Lossless:
    """A vocabulary that can write all words."""

    backend_tokenizer = None

    def __call__(self, words: list[str], add_special_tokens: bool) -> dict[str, list[str]]:
        return {"input_ids": words}

    def batch_decode(self, words: list[str], **_: bool) -> list[str]:
        return words


@pytest.mark.parametrize("answer", ["(O)(B-LOC) a(O) (O)", "(O) (B-LOC) a (O) (O)", "(O)(B-LOC) a\\(O) (O)"])
def test_an_empty_word_beside_one_that_looks_like_a_tag(answer: str) -> None:
    encoding = encodings.get("word_tags", ["LOC"])
    encoding.back = BackTokenizer(Lossless())
    found = encoding.read(["(O)", "a", ""], answer)
    assert list(found.tags) == ["B-LOC", "O", "O"] and list(found.places) == [0, 1, 2] and not found.problems


def test_a_mention_that_is_torn_apart_is_a_problem() -> None:
    assert spans("Ada(B-PER) old(I-PER) .(O)", align="lcs")[0] == ("[ungrounded]", "Ada old")


def test_a_mention_that_could_stand_in_two_places_is_a_problem() -> None:
    twice = Document.from_words([["Paris", "beat", "Paris"]])
    assert ("[ambiguous]", "Paris") in spans("Paris(B-LOC)", twice)
    assert ("Paris", "LOC") not in spans("Paris(B-LOC)", twice)
    assert spans("beat(O) Paris(B-LOC)", twice) == [("Paris", "LOC")]


@pytest.mark.parametrize(
    ("source", "answer", "wanted"),
    [
        ("Smith and Jones left", "Jones(B-PER) and(O) Smith(O) left(O)", ("[ungrounded]", "Jones")),
        ("Smith Jones and Eve left", "Jones(B-PER) Smith(O) and(O) Eve(O) left(O)", ("[ungrounded]", "Jones")),
        # Did the word move, or its tag?
        ("a b c d e f", "a(O) c(B-PER) d(O) d(O) e(O) f(O)", ("[ambiguous]", "c")),
        ("a b c d e f", "a(O) x(O) b(B-PER) d(O) e(O) f(O)", ("[ambiguous]", "b")),
        # A word that is there twice is known by both of its neighbours.
        ("In Jordan , where Jordan lives now .", "In(O) Jordan(B-PER) now(O) .(O)", ("[ambiguous]", "Jordan")),
        ("In Jordan , where Jordan lives now .", "In(O) Jordan(B-PER) ,(O) now(O) .(O)", ("Jordan", "PER")),
        ("In Jordan , where Eve lives now .", "In(O) Jordan(B-PER) now(O) .(O)", ("Jordan", "PER")),
    ],
)
def test_words_that_changed_places(source: str, answer: str, wanted: tuple[str, str]) -> None:
    document = Document.from_words([source.split()])
    assert spans(answer, document) == [wanted]
    encoding = word_tags()
    encoding.back = BackTokenizer(Lossless())
    prediction = encoding.decode(document, [answer])
    assert [document.surface(each) for each in prediction.spans] == [wanted[0]] * (wanted[1] == "PER")


@pytest.mark.parametrize(
    ("answer", "wanted"),
    [
        # As many items as words between two that were copied right, or up to an end: each stands for its word.
        ("Bob(O) flew(O) from(O) here(O) to(O) BRITAIN(B-LOC) in(O) May(O) 1(O)", ("BRUSSELS", "LOC")),
        ("Bob(O) flew(O) went(O) BRITAIN(B-LOC) in(O) March(O) 1(O)", ("BRUSSELS", "LOC")),
        ("Qqq(B-PER) flew(O) in(O) May(O)", ("Bob", "PER")),
        # Words are lost or added beside it: only one with half of the letters may be the word.
        ("Bob(O) flew(O) BRITAIN(B-LOC) in(O) May(O)", ("[ungrounded]", "BRITAIN")),
        ("Bob(O) flew(O) BRUSELS(B-LOC) in(O) May(O)", ("BRUSSELS", "LOC")),
        ("UK(B-LOC) in(O) May(O) 1(O)", ("[ungrounded]", "UK")),
        ("Bob(O) flew(O) to(O) BRITAIN(B-LOC)", ("[ungrounded]", "BRITAIN")),
        ("Bob(O) flew(O) to(O) UK(B-LOC) May(O) 1(O)", ("[ungrounded]", "UK")),
    ],
)
def test_words_that_are_nothing_like_the_text(answer: str, wanted: tuple[str, str]) -> None:
    document = Document.from_words([["Bob", "flew", "to", "BRUSSELS", "in", "May", "1"]])
    found = [each for each in spans(answer, document) if each[0] != "[truncated]"]
    assert found == [wanted]


@settings(max_examples=200)
@given(st.lists(st.sampled_from("ab cd ef gh".split()), min_size=1, max_size=7), st.randoms(use_true_random=False))
def test_strangers_keep_their_place_where_nothing_is_lost_or_added_beside_them(
    words: list[str], chance: random.Random
) -> None:
    """Oracle: walk from the item to both sides, one word an item, to one that was copied right or to the end."""
    found = [chance.choice([word, word, "xyz"]) for word in words if chance.random() < 0.85]
    found.insert(chance.randint(0, len(found)), "xyz")
    aligned = alignment.align(words, found, "weighted")
    places: list[int | None] = [None] * len(found)
    for place, item in enumerate(aligned):
        if item is not None:
            places[item] = place
    gaps = {at for at in range(1, len(found)) if chance.random() < 0.1}

    def vouched(item: int, step: int) -> bool:
        place = places[item]
        while True:
            if item in {-1, len(found)}:
                return place in {-1, len(words)}
            if place is None or places[item] != place:
                return False
            if found[item] == words[place]:
                return True
            if max(item, item + step) in gaps:
                return False
            item, place = item + step, place + step

    wanted = [
        place if place is None or found[item] == words[place] or (vouched(item, -1) and vouched(item, 1)) else None
        for item, place in enumerate(places)
    ]
    word_tags_module._without_strangers(words, found, places, gaps)
    assert places == wanted


def test_tags_that_are_too_few_or_too_many() -> None:
    encoding = encodings.get("tag_string", ["LOC", "PER"])
    good = [each.completion for each in encoding.encode(SAMPLE).exchanges]
    short = encoding.decode(SAMPLE, ["B-PER I-PER", good[1]])
    assert short.spans == (Span(0, 9, "PER"),)
    assert [(each.kind, each.text) for each in short.problems] == [("truncated", "2 tags for 8 words")]
    long = encoding.decode(SAMPLE, [good[0] + " B-LOC", good[1]])
    assert set(long.spans) == set(SAMPLE.spans)
    assert [(each.kind, each.text, each.label) for each in long.problems] == [("ungrounded", "B-LOC", "LOC")]
    odd = encoding.decode(SAMPLE, ["B-ODD PER " + " ".join(["O"] * 6), good[1]])
    assert [(each.kind, each.text) for each in odd.problems] == [("malformed", "PER"), ("unknown_label", "Ada")]
    assert odd.tags is not None and len(odd.tags) == len(SAMPLE.tokens)


@pytest.mark.parametrize("name", NAMES)
def test_the_number_of_answers_must_be_right(name: str) -> None:
    with pytest.raises(DataError, match="1 answers for 2 exchanges"):
        encodings.get(name, ["PER"]).decode(SAMPLE, [""])


@pytest.mark.parametrize("name", NAMES)
def test_settings_make_the_same_encoding(name: str) -> None:
    encoding = encodings.get(name, LABELS, scheme="BIOES", repair="strict", on_misaligned="drop", max_words=3)
    again = encodings.get(name, **encoding.settings())
    assert again.settings() == encoding.settings()
    assert again.settings()["max_words"] == 3


@pytest.mark.parametrize("name", NAMES)
def test_what_cannot_be_written_is_told(name: str) -> None:
    nested = SAMPLE.with_spans([Span(0, 9, "PER"), Span(4, 9, "LOC")])
    with pytest.raises(MisalignedSpansError, match="overlaps"):
        encodings.get(name, ["LOC", "PER"]).encode(nested)
    dropping = encodings.get(name, ["LOC", "PER"], on_misaligned="drop")
    assert (
        [loss.span for loss in dropping.encode(nested).losses]
        == [Span(4, 9, "LOC")]
        == [loss.span for loss in dropping.losses(nested)]
    )


@pytest.mark.parametrize("name", NAMES)
def test_of_a_repeated_span_one_is_written(name: str) -> None:
    twice = SAMPLE.with_spans([*SAMPLE.spans, SAMPLE.spans[0]])
    encoding = encodings.get(name, ["LOC", "PER"], on_misaligned="drop")
    targets = encoding.encode(twice)
    assert [loss.span for loss in targets.losses] == [SAMPLE.spans[0]]
    assert set(encoding.decode(twice, [each.completion for each in targets.exchanges]).spans) == set(SAMPLE.spans)


@pytest.mark.parametrize("name", NAMES)
def test_bad_options_are_refused(name: str) -> None:
    with pytest.raises(ConfigError, match="max_words"):
        encodings.get(name, ["PER"], max_words=0)
    with pytest.raises(ConfigError, match="white space alone"):
        encodings.get(name, ["a b", "a_b"])
    with pytest.raises(ConfigError, match="align 'guess'"):
        word_tags(align="guess")


# ---------------------------------------------------------------------- invariants of broken answers


def corrupted(word: str, random: random.Random) -> str:
    """A copied word with something wrong in it, but nothing that ends an item."""
    letters = list(word)
    for _ in range(random.randint(1, 3)):
        at = random.randint(0, len(letters))
        letters[at : at + random.randint(0, 2)] = random.choice(["", "x", "é", "(", "B", " ", "<unk>", word])
    return "".join(letters)


@given(flat_documents(("LOC", "PER")), st.randoms(use_true_random=False), st.sampled_from([0.1, 0.5]))
def test_a_copy_error_never_raises_a_score(document: Document, random: random.Random, rate: float) -> None:
    encoding = word_tags()
    tags = ["O", "O", "B-LOC", "I-LOC", "B-PER", "I-PER", "B-ODD"]
    right, wrong = [], []
    for first, last in document.sentences:
        words = document.words[first:last]
        chosen = [random.choice(tags) for _ in words]
        broken = [corrupted(word, random) if random.random() < rate else word for word in words]
        if 2 * sum(one != other for one, other in zip(words, broken, strict=True)) > len(words):
            broken = list(words)
        for answers, written in ((right, words), (wrong, broken)):
            items = [f"{encoding.source([word])}({tag})" for word, tag in zip(written, chosen, strict=True)]
            answers.append(" ".join(items))
    scores = [strict_f1([document], [encoding.decode(document.with_spans([]), each)]) for each in (right, wrong)]
    assert scores[1] <= scores[0]


def broken_anywhere(text: str, random: random.Random) -> str:
    cut = sorted(random.randint(0, len(text)) for _ in range(4))
    pieces: list[Callable[[], str]] = [
        lambda: text[: cut[1]],
        lambda: text[: cut[0]] + text[cut[2] :],
        lambda: text[cut[1] : cut[3]] + text,
        lambda: text.replace("(", random.choice(["", "((", " ( ", "[", "\\("])),
        lambda: text.upper(),
        lambda: text[: cut[0]] + random.choice(["\\ ", "(B-PER)", "-", ")(", "O", "\0", "\u2028"]) + text[cut[0] :],
    ]
    return random.choice(pieces)()


@pytest.mark.parametrize("name", NAMES)
@given(flat_documents(), st.randoms(use_true_random=False))
def test_any_answer_gives_spans_inside_the_text(name: str, document: Document, random: random.Random) -> None:
    encoding = encodings.get(name, LABELS)
    answers = [broken_anywhere(each.completion, random) for each in encoding.encode(document).exchanges]
    prediction = encoding.decode(document, answers)
    edges = [{token.start for token in document.tokens}, {token.end for token in document.tokens}]
    for span in prediction.spans:
        assert span.start in edges[0] and span.end in edges[1] and span.label in LABELS
    assert prediction.tags is not None and len(prediction.tags) == len(document.tokens)
    assert prediction.raw == tuple(answers)


@given(st.text(max_size=60))
def test_any_text_is_read(text: str) -> None:
    for name in NAMES:
        encodings.get(name, ["LOC", "PER"]).decode(SAMPLE, [text, text])


# ---------------------------------------------------------------------- words near mentions alone


def test_words_near_mentions_alone() -> None:
    for context, wanted in {
        0: "Ada(B-PER) Byron(I-PER) ... Rome(B-LOC)",
        1: "Ada(B-PER) Byron(I-PER) left(O) ... )(O) Rome(B-LOC) .(O)",
        9: GOOD,
    }.items():
        encoding = word_tags(context=context)
        answers = [each.completion for each in encoding.encode(SAMPLE).exchanges]
        assert answers == [wanted, ""]
        prediction = encoding.decode(SAMPLE.with_spans([]), answers)
        assert set(prediction.spans) == set(SAMPLE.spans) and not prediction.problems
    with pytest.raises(ConfigError, match="context is -1"):
        word_tags(context=-1)


@given(flat_documents(), st.integers(0, 2))
def test_what_words_left_out_make_unsure_is_a_loss(document: Document, context: int) -> None:
    encoding = encodings.get("word_tags", LABELS, context=context, on_misaligned="drop")
    targets = encoding.encode(document)
    prediction = encoding.decode(document.with_spans([]), [each.completion for each in targets.exchanges])
    lost = {loss.span for loss in targets.losses}
    assert set(document.spans) - lost <= set(prediction.spans)
    assert encoding.losses(document) == targets.losses


def test_a_mention_without_its_surroundings_can_be_unsure() -> None:
    twice = Document.from_words([["Paris", "beat", "Paris"]]).with_spans([Span(11, 16, "LOC")])
    with pytest.raises(MisalignedSpansError, match="two places"):
        word_tags(context=0).encode(twice)
    assert not word_tags(context=1).losses(twice)


def test_no_mention_goes_on_behind_words_that_were_left_out() -> None:
    document = Document.from_words(["Ada met in Rome .".split()]).with_spans([Span(0, 3, "PER"), Span(11, 15, "PER")])
    for scheme in ("IO", "IOB1"):
        encoding = encodings.get("word_tags", ["PER"], scheme=scheme, context=0)
        assert not encoding.losses(document)
        (asked,) = encoding.encode(document).exchanges
        assert asked.completion == "Ada(I-PER) ... Rome(I-PER)"
        assert encoding.decode(document, [asked.completion]).spans == document.spans
    assert word_tags(context=0).decode(document, ["Ada(I-PER) ... Rome(I-PER)"]).spans == document.spans


class Lowered:
    """Stands for the forms of a vocabulary without capitals."""

    def joined(self, words: Sequence[str]) -> list[str]:
        return [word.lower() for word in words]


@pytest.mark.parametrize("context", [0, 1])
def test_gaps_are_seen_where_a_vocabulary_loses_capitals(context: int) -> None:
    """Before a word that is spelt as in the text, and before one that is copied wrong."""
    words = "Ada met Bob in the old town of Rome .".split()
    spans = [Span(0, 3, "PER"), Span(8, 11, "PER"), Span(31, 35, "LOC")]
    document = Document.from_words([words]).with_spans(spans)
    encoding: Any = encodings.get("word_tags", ["LOC", "PER"], scheme="IO", context=context)
    encoding.back = Lowered()
    assert not encoding.losses(document)
    (asked,) = encoding.encode(document).exchanges
    for answer in (asked.completion, asked.completion.lower().replace("(i-", "(I-").replace("-per", "-PER")):
        answer = answer.replace("-loc", "-LOC").replace("(o)", "(O)")
        assert encoding.decode(document.with_spans([]), [answer]).spans == document.spans
        items = encoding.read(words, answer.replace("Bob(", "Bbo(").replace("bob(", "bbo("))
        assert list(items.words).count("...") == answer.count("...") and not any(len(each) > 4 for each in items.words)


@pytest.mark.parametrize("name", NAMES)
def test_mentions_that_io_would_melt_are_losses(name: str) -> None:
    words = ["Ada Bob left Rome".split(), "Rome Ada fell".split()]
    document = Document.from_words(words).with_spans(
        [Span(0, 3, "X"), Span(4, 7, "X"), Span(13, 17, "X"), Span(18, 22, "X"), Span(23, 26, "Y")]
    )
    encoding = encodings.get(name, ["X", "Y"], scheme="IO", on_misaligned="drop")
    targets = encoding.encode(document)
    assert [loss.span for loss in targets.losses] == [Span(4, 7, "X")]  # not over sentences, not beside another label
    prediction = encoding.decode(document, [each.completion for each in targets.exchanges])
    assert {*prediction.spans, Span(4, 7, "X")} == set(document.spans)
    with pytest.raises(MisalignedSpansError, match="touches"):
        encodings.get(name, ["X", "Y"], scheme="IO").encode(document)


@pytest.mark.parametrize(
    "item",
    [
        "Ada(PER)", "Ada(B-PER", "Ada[B-PER]", "Ada(B_PER)", "Ada(B-PER),", "Ada (B-)", "Ada()", "Ada(I)",
        "Ada(my kind)", "Ada\uff08B-PER\uff09",
    ],
)  # fmt: skip
def test_a_word_whose_tag_cannot_be_read_is_a_problem(item: str) -> None:
    document = Document.from_words(["Ada left Rome (I)".split()])
    encoding = encodings.get("word_tags", ["LOC"])
    prediction = encoding.decode(document, [f"{item} left(O) Rome(B-LOC) (I)(O)"])
    assert prediction.spans == (Span(9, 13, "LOC"),)
    assert [problem.kind for problem in prediction.problems] == ["malformed"]


def test_signs_of_the_text_are_no_tags() -> None:
    document = Document.from_words(["f(x) is (f) here".split()])
    prediction = encodings.get("word_tags", ["X"]).decode(document, ["f(x) is(O) (f) here(O)"])
    assert not prediction.problems


@given(flat_documents(), st.randoms(use_true_random=False))
def test_the_fast_way_reads_what_the_slow_way_does(document: Document, rng: random.Random) -> None:
    encoding = encodings.get("word_tags", LABELS, on_misaligned="drop")
    for exchange in encoding.encode(document).exchanges:
        words = document.words[slice(*exchange.window)]
        answer = exchange.completion
        if rng.random() < 0.5 and answer:
            at = rng.randrange(len(answer))
            answer = answer[:at] + rng.choice(["", " ", "(", ")", "(O)", "x"]) + answer[at + rng.randrange(2) :]
        wanted = ["".join(word.split()) for word in words]
        for back in (None, BackTokenizer(Lossless())):
            encoding.back = back
            forms = frozenset(wanted if back else ())
            fast = encoding._plain(answer, wanted)
            assert fast is None or list(zip(*fast, strict=True)) == list(encoding._items(answer, forms, wanted))
