"""Encodings that mark mentions inside a copy: round trips, answers of every kind, and copy errors that never pay."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from text_documents import LABELS, nested_documents

from onoma import Document, Span, encodings
from onoma.encodings.anchor import Anchor
from onoma.evaluation import strict_f1
from onoma.exceptions import ConfigError, DataError, MisalignedSpansError

NAMES = ["brackets", "xml", "markers"]
TEXT = [["Ada", "Byron", "of", "Rome", "left", "[", "old", "]", "Rome", "."], ["She", "sat", "&", "<read>"]]
SAMPLE = Document.from_words(TEXT, id="d").with_spans([Span(0, 17, "PER"), Span(13, 17, "LOC"), Span(31, 35, "LOC")])
GOOD = {
    "brackets": "[Ada Byron of [Rome | LOC] | PER] left \\[ old \\] [Rome | LOC] .",
    "xml": "<PER>Ada Byron of <LOC>Rome</LOC></PER> left [ old ] <LOC>Rome</LOC> .",
}


@pytest.mark.parametrize("name", NAMES)
@given(nested_documents(), st.sampled_from([None, 3]))
def test_decode_of_encode_is_the_document(name: str, document: Document, most: int | None) -> None:
    encoding = encodings.get(name, LABELS, max_words=most, on_misaligned="drop")
    targets = encoding.encode(document)
    asked = encoding.exchanges(document.with_spans([]))
    assert [(each.source, each.window, each.type) for each in asked] == [
        (each.source, each.window, each.type) for each in targets.exchanges
    ]
    prediction = encoding.decode(document.with_spans([]), [each.completion for each in targets.exchanges])
    lost = {loss.span for loss in targets.losses}
    assert most or not lost
    assert set(prediction.spans) == set(document.spans) - lost
    assert len(prediction.spans) == len(set(prediction.spans)) and not prediction.problems


@pytest.mark.parametrize(
    ("name", "answer", "problem"),
    [
        ("brackets", "[Ada] left [Rome | LOC]", "["),
        ("brackets", "[Ada PER] left [Rome | LOC]", "["),
        ("xml", "<PER>Ada</LOC> left <LOC>Rome</LOC>", "<PER>"),
        ("xml", "Ada</PER> left <LOC>Rome</LOC>", "</PER>"),
    ],
)
def test_a_mention_that_lost_an_end_is_one_problem(name: str, answer: str, problem: str) -> None:
    document = Document.from_words(["Ada left Rome".split()])
    prediction = encodings.get(name, ["LOC", "PER"]).decode(document, [answer])
    assert prediction.spans == (Span(9, 13, "LOC"),)
    assert [(each.kind, each.text) for each in prediction.problems] == [("malformed", problem)]


def test_what_is_written() -> None:
    for name, wanted in GOOD.items():
        first, second = encodings.get(name, ["LOC", "PER"]).encode(SAMPLE).exchanges
        assert first.source == "Ada Byron of Rome left [ old ] Rome ." and first.completion == wanted
        assert second.completion == ("She sat & <read>" if name == "brackets" else "She sat &amp; &lt;read&gt;")
    made = encodings.get("markers", ["LOC", "PER"]).encode(SAMPLE).exchanges
    assert [(each.type, each.window) for each in made] == [
        ("LOC", (0, 10)), ("PER", (0, 10)), ("LOC", (10, 14)), ("PER", (10, 14))
    ]  # fmt: skip
    assert made[0].completion == "Ada Byron of @@Rome## left [ old ] @@Rome## ."
    assert made[1].completion == "@@Ada Byron of Rome## left [ old ] Rome ."


def found(name: str, answer: str, document: Document = SAMPLE) -> list[tuple[int, str] | tuple[str, str]]:
    """Start and label of each span that an answer about the first sentence gives; kind and text of each problem."""
    encoding = encodings.get(name, ["LOC", "PER"])
    rest = [each.source for each in encoding.exchanges(document)][1:]
    prediction = encoding.decode(document.with_spans([]), [answer, *rest])
    return [(span.start, span.label) for span in prediction.spans] + [
        (problem.kind, problem.text) for problem in prediction.problems
    ]


ALL = [(13, "LOC"), (0, "PER"), (31, "LOC")]


@pytest.mark.parametrize("name", sorted(GOOD))
def test_answers_of_every_kind(name: str) -> None:
    good = GOOD[name]
    inner = "[Rome | LOC]" if name == "brackets" else "<LOC>Rome</LOC>"
    outer = inner.replace("LOC", "ORG")
    for answer, wanted in {
        good: ALL,
        "": [("truncated", "0 of 10 words")],
        good.replace("\\", ""): ALL,  # brackets of the text as they are
        good.replace(" old", "  old"): ALL,
        good.replace("Byron", "byrön"): ALL,
        good.replace("Byron", "Bryan"): ALL,
        good.replace(" .", ""): [  # the sign may have been a part of it
            *ALL[:2],
            ("truncated", "nothing after word 9 of 10"),
            ("ungrounded", "Rome"),
        ],
        good.replace("left ", "left the "): ALL,
        good + f" {inner}": [*ALL, ("ungrounded", "Rome")],
        good.replace(inner + " .", outer + " ."): [*ALL[:2], ("unknown_label", "Rome")],
        good.replace(inner + " .", inner.replace("Rome", "") + " ."): [*ALL[:2], ("ungrounded", "")],
    }.items():
        assert found(name, answer) == wanted, answer


@pytest.mark.parametrize("name", NAMES)
def test_a_copy_without_its_end_is_truncated(name: str) -> None:
    """What is open there is no mention; what is broken before is one."""
    document = Document.from_words(["Ada left Rome for Paris .".split()])
    opens, closes = encodings.get(name, ["LOC"]).marks("LOC")
    whole = f"Ada left {opens}Rome{closes} for "

    def read(answer: str) -> tuple[list[int], list[tuple[str, str]]]:
        prediction = encodings.get(name, ["LOC"]).decode(document, [answer])
        return [span.start for span in prediction.spans], [(each.kind, each.text) for each in prediction.problems]

    cut = ("truncated", "nothing after word 5 of 6")
    assert read(f"{whole}{opens}Par") == ([9], [cut])
    assert read(f"{opens}{whole}{opens}Par") == ([9], [("malformed", opens), cut])
    assert read(f"{whole}{opens}Paris .") == ([9], [("malformed", opens)])
    assert read("I cannot.") == ([], [("truncated", "2 of 6 words")])


def test_a_letter_that_is_lost_where_no_blanks_are_costs_no_other_mention() -> None:
    text = "\u5f20\u4e09\u6628\u5929\u53bb\u4e86\u5317\u4eac\u5927\u5b66\u5e76\u4e14\u89c1\u5230\u674e\u56db"
    wanted = (Span(0, 2, "PER"), Span(14, 16, "PER"))
    document = Document.from_words([[text]])
    for name in NAMES:
        opens, closes = encodings.get(name, ["PER"]).marks("PER")
        answer = f"{opens}{text[:2]}{closes}{text[2:5]}{text[6:14]}{opens}{text[14:]}{closes}"
        prediction = encodings.get(name, ["PER"]).decode(document, [answer])
        assert prediction.spans == wanted and not prediction.problems


def test_marks_without_their_other_end() -> None:
    assert found("xml", GOOD["xml"].replace("</PER>", "")) == [(13, "LOC"), (31, "LOC"), ("malformed", "<PER>")]
    assert found("xml", GOOD["xml"].replace("<PER>", "")) == [(13, "LOC"), (31, "LOC"), ("malformed", "</PER>")]
    cut = GOOD["brackets"].replace(" | PER]", "")
    assert found("brackets", cut) == [(13, "LOC"), (31, "LOC")]  # the text has such a bracket
    assert found("markers", "@@Ada Byron of Rome left [ old ] @@Rome## .") == [(31, "LOC"), ("malformed", "@@")]
    text = Document.from_words([["a", "<b>", "c"]])
    assert found("xml", "a <b> <LOC>c</LOC>", text) == [(6, "LOC")]


@pytest.mark.parametrize("name", ["brackets", "xml"])
def test_a_word_that_may_be_another_vouches_for_no_end(name: str) -> None:
    document = Document.from_words(["of the University of the Arts .".split()])
    opens, closes = encodings.get(name, ["LOC", "ORG"]).marks("ORG")

    def read(answer: str) -> tuple[list[tuple[int, int]], list[str]]:
        prediction = encodings.get(name, ["LOC", "ORG"]).decode(document, [answer])
        return [(span.start, span.end) for span in prediction.spans], [each.kind for each in prediction.problems]

    assert read(f"of the {opens}Arts{closes} .") == ([], ["ambiguous"])  # it may have been the University of the Arts
    assert read(f"the University of the {opens}Arts{closes} .") == ([(25, 29)], [])
    assert read(f"of the University of the {opens}Arts{closes} . .") == ([(25, 29)], [])


def test_tags_that_cross_are_two_mentions() -> None:
    answer = "<PER>Ada <LOC>Byron</PER> of</LOC> Rome left [ old ] Rome ."
    assert found("xml", answer) == [(0, "PER"), (4, "LOC")]


def test_one_mention_twice_is_a_duplicate() -> None:
    answer = "Ada Byron of Rome left \\[ old \\] [[Rome | LOC] | LOC] ."
    assert found("brackets", answer) == [(31, "LOC"), ("duplicate", "Rome")]


@pytest.mark.parametrize(
    ("source", "copy", "kind"),
    [
        ("Smith and Jones left", "*Jones* and Smith left", "ungrounded"),
        ("Rome , Paris , Oslo , Bern", "Rome , *Oslo* , Paris , Bern", "ungrounded"),
    ],
)
@pytest.mark.parametrize("name", NAMES)
def test_words_that_changed_places(name: str, source: str, copy: str, kind: str) -> None:
    encoding = encodings.get(name, ["LOC"])
    opening, closing = encoding.marks("LOC")
    first, inside, rest = copy.split("*")
    prediction = encoding.decode(Document.from_words([source.split()]), [f"{first}{opening}{inside}{closing}{rest}"])
    assert not prediction.spans and [each.kind for each in prediction.problems] == [kind]


def test_what_could_stand_in_two_places_is_a_problem() -> None:
    twice = Document.from_words([["Paris", "beat", "Paris"]])
    assert found("xml", "<LOC>Paris</LOC>", twice) == [("truncated", "1 of 3 words"), ("ambiguous", "Paris")]
    assert found("xml", "beat <LOC>Paris</LOC>", twice) == [(11, "LOC")]


@pytest.mark.parametrize("name", NAMES)
def test_what_cannot_be_written_is_told(name: str) -> None:
    encoding = encodings.get(name, ["LOC", "PER"])
    for span, why in {
        Span(0, 9, "ORG"): "is not one of",
        Span(31, 40, "PER"): "no single sentence",
        Span(4, 22, "PER"): "crosses",
        Span(0, 9, "PER", fragments=((0, 3), (4, 9))): "discontinuous",
        Span(31, 35, "LOC"): "repeats",
    }.items():
        document = SAMPLE.with_spans([*SAMPLE.spans, span])
        with pytest.raises(MisalignedSpansError, match=why):
            encoding.encode(document)
        (loss,) = encoding.losses(document)
        assert why in loss.why
        dropping = encodings.get(name, ["LOC", "PER"], on_misaligned="drop")
        assert dropping.encode(document).losses == (loss,)


@pytest.mark.parametrize("name", NAMES)
def test_settings_and_bad_options(name: str) -> None:
    encoding = encodings.get(name, LABELS, on_misaligned="drop", max_words=3, align="lcs")
    assert encodings.get(name, **encoding.settings()).settings() == encoding.settings()
    for options, why in (
        ({"max_words": 0}, "max_words"), ({"align": "guess"}, "align"), ({"on_misaligned": "no"}, "on_misaligned")
    ):  # fmt: skip
        with pytest.raises(ConfigError, match=why):
            encodings.get(name, ["PER"], **options)
    with pytest.raises(DataError, match="1 answers for"):
        encoding.decode(SAMPLE, [""])


def test_labels_that_no_mark_can_name() -> None:
    for name, label in (("xml", "/PER"), ("xml", " PER"), ("brackets", "PER ")):
        with pytest.raises(ConfigError, match="cannot"):
            encodings.get(name, [label])


# ---------------------------------------------------------------------- anchors


@given(st.text("ab é\n.-", max_size=12), st.data())
def test_an_equal_copy_and_one_without_blanks(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    assert Anchor(text, text).place(start, end) == ((start, end) if start < end else "ungrounded")
    bare = "".join(text.upper().split())
    before, inside = ("".join(part.split()) for part in (text[:start], text[start:end]))
    place = Anchor(text, bare).place(len(before), len(before) + len(inside))
    stretch = text[start:end]
    if not inside:
        assert place == "ungrounded"
    elif text != bare:
        blanks = len(stretch) - len(stretch.lstrip())
        assert place == (start + blanks, start + blanks + len(stretch.strip()))


@pytest.mark.parametrize(
    ("source", "copy", "stretch", "wanted"),
    [
        ("in Cafe\u0301 Rome", "in cafe rome", "cafe", "Cafe\u0301"),
        ("in Zürich, U.S.", "in zurich , u . s .", "u . s .", "U.S."),
        ("in Zürich", "in Zuerich", "Zuerich", "Zürich"),
        ("in Zürich", "in Zuerich", "Zue", "ungrounded"),  # a part of a word that is another
        ("a New York b", "a New  York b", "New  York ", "New York "),
        ("a New York, b", "a New York , b", "York ", "ungrounded"),  # a blank that the source has not
        ("a New York b", "a New b", "New", "ungrounded"),  # it may have been New York
        ("a New York b", "a b New York", "New York", "ungrounded"),  # or all to the end
        ("in a New York b c", "in x a New York b", "New York", "New York"),
        # A word lost and another added: as many words, but those between have moved.
        ("a New York b c d e f", "a x New b c d e f", "New", "ungrounded"),
        ("a New York b c d e f", "a x New York b c d f", "New York", "New York"),
        ("of 2 @@home New : in", "of 2 @home New : x in", "New :", "New :"),
        ('] the the " A B C D', '] hexthe QQ" A B C D', 'QQ"', "ungrounded"),
        ('] the Ada " A B C D', '] tha Adam" A B C D', 'Adam"', 'Ada "'),
        ("Co. , not of , said A B C", "Co. ' , nQ ofQ said A B C", "' , nQ", "ungrounded"),
    ],
)
def test_stretches_of_other_copies(source: str, copy: str, stretch: str, wanted: str) -> None:
    start = copy.index(stretch)
    place = Anchor(source, copy).place(start, start + len(stretch))
    assert (place if isinstance(place, str) else source[slice(*place)]) == wanted


# ---------------------------------------------------------------------- invariants of broken answers


def corrupted(text: str, chance: random.Random) -> str:
    """A copy with something wrong in it, but no mark."""
    letters = list(text)
    for _ in range(chance.randint(1, 3)):
        at = chance.randint(0, len(letters))
        letters[at : at + chance.randint(0, 3)] = chance.choice(["", "x", "é", "B", " ", "unk", text[:2]])
    return "".join(letters)


@pytest.mark.parametrize("name", NAMES)
@given(nested_documents(("LOC", "PER")), nested_documents(("LOC", "PER")), st.randoms(use_true_random=False))
def test_a_copy_error_never_raises_a_score(name: str, gold: Document, other: Document, chance: random.Random) -> None:
    encoding = encodings.get(name, ["LOC", "PER"], on_misaligned="drop")
    # Imperfect: the mentions are those of gold, moved to where another document has some.
    spans = [*gold.spans, *(span for span in other.spans if span.end <= len(gold.text))]
    answers = [each.completion for each in encoding.encode(gold.with_spans(spans)).exchanges]
    asked = encoding.exchanges(gold)
    wrong = []
    for exchange, answer in zip(asked, answers, strict=True):
        pieces = list(encoding.pieces(answer, exchange.type))
        at = [number for number, piece in enumerate(pieces) if isinstance(piece, str) and piece]
        broken = {number for number in at if chance.random() < 0.3}
        made = []
        for number, piece in enumerate(pieces):
            text = piece if isinstance(piece, str) else piece.text
            made.append(
                encoding.escaped(corrupted(text, chance) if number in broken else text) if number in at else text
            )
        wrong.append("".join(made))
    bare = gold.with_spans([])
    right_score, wrong_score = (strict_f1([gold], [encoding.decode(bare, each)]) for each in (answers, wrong))
    assert wrong_score <= right_score


@pytest.mark.parametrize("name", NAMES)
@given(nested_documents(), st.randoms(use_true_random=False))
def test_any_answer_gives_spans_inside_the_text(name: str, document: Document, chance: random.Random) -> None:
    encoding = encodings.get(name, LABELS, on_misaligned="drop")
    answers = []
    for each in encoding.encode(document).exchanges:
        text = each.completion
        cut = sorted(chance.randint(0, len(text)) for _ in range(2))
        odd = chance.choice(
            ["[", "]", " | PER]", "<LOC>", "</LOC>", "</x>", "@@", "##", "\\", "&lt;", "\0", "\u2028", ""]
        )
        answers.append(chance.choice([text[: cut[0]], text[: cut[0]] + odd + text[cut[1] :], text * 2, text.upper()]))
    prediction = encoding.decode(document, answers)
    for span in prediction.spans:
        assert 0 <= span.start < span.end <= len(document.text) and span.label in LABELS
    assert prediction.raw == tuple(answers)


@given(st.text(max_size=60))
def test_any_text_is_read(text: str) -> None:
    for name in NAMES:
        encoding = encodings.get(name, ["LOC", "PER"])
        encoding.decode(SAMPLE, [text] * len(encoding.exchanges(SAMPLE)))
