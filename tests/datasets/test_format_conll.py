"""CoNLL columns: round trips, sniffing of separator, columns and scheme, and bad lines."""

from __future__ import annotations

import pytest
from dataset_cases import content, flat, numbered, reread, token_documents, written
from hypothesis import given, settings
from hypothesis import strategies as st

from onoma.datasets import get
from onoma.datasets.base import losses_of
from onoma.datasets.columns import flat_losses, is_tag
from onoma.datasets.files import Source
from onoma.document import Document, Span, Token
from onoma.exceptions import ConfigError, DataError

CONLL = get("conll")


def decide(text: str, **options: object):
    return CONLL.decide(Source.of(text), **options)


@settings(max_examples=150)
@given(st.lists(token_documents(), min_size=1, max_size=3), st.sampled_from(["BIO", "BIOES", "BILOU", "BMES"]))
def test_a_round_trip_holds_or_the_writer_refuses(documents: list[Document], scheme: str) -> None:
    documents = numbered(documents)
    if any(CONLL.losses(document) for document in documents):
        with pytest.raises(DataError):
            written(documents, "conll", scheme=scheme)
        return
    again = reread(written(documents, "conll", scheme=scheme), "conll", scheme=scheme)
    assert [content(document) for document in again] == [content(document) for document in documents]


@given(st.lists(token_documents(characters="ab#漢\u2028\u200b[|", labels=["X"]), min_size=1, max_size=3))
def test_words_without_white_space_are_always_written_and_read_back_by_sniffing(documents: list[Document]) -> None:
    documents = numbered(documents)
    if not any(document.tokens for document in documents):
        return
    usual = [document for document in documents if all(word.strip() for word in document.words)]
    usual = numbered(usual)
    for separator in ("tab", "space"):
        if any(document.tokens for document in usual):
            again = reread(written(usual, "conll", separator=separator), "conll")
            assert [content(document) for document in again] == [content(document) for document in usual]


@given(token_documents())
def test_lossy_writing_keeps_the_number_of_tokens_and_spans(document: Document) -> None:
    if document.tokens:
        again = reread(written([document], "conll", lossy=True), "conll", separator="tab")
        assert sum(len(each.tokens) for each in again) == len(document.tokens)


def test_iob1_melts_nothing_and_io_refuses_touching_spans() -> None:
    document = flat([["a", "b", "c"]], [(0, 1, "X"), (1, 2, "X"), (2, 3, "Y")])
    assert written([document], "conll", scheme="IOB1") == "a\tI-X\nb\tB-X\nc\tI-Y\n\n"
    with pytest.raises(DataError, match="melt"):
        written([document], "conll", scheme="IO")


@pytest.mark.parametrize(
    ("spans", "why"),
    [
        ((Span(0, 2, "X"), Span(0, 5, "Y")), "overlaps"),
        ((Span(0, 4, "X", fragments=((0, 1), (3, 4))),), "discontinuous"),
        ((Span(0, 1, "X"),), "cuts a token"),
        ((Span(3, 9, "X"),), "crosses a sentence"),
        ((Span(0, 2, "a\tb"),), "label"),
        ((Span(0, 2, "A,B-b"),), "label"),
    ],
)
def test_the_writer_refuses_what_columns_cannot_hold(spans: tuple[Span, ...], why: str) -> None:
    document = Document("7", "ab cd efg", (Token(0, 2), Token(3, 5), Token(6, 9)), ((0, 2), (2, 3)), spans)
    with pytest.raises(DataError, match=why):
        written([document], "conll")


@pytest.mark.parametrize("word", ["", " ", "\u00a0", "a\tb", "a\nb", "a\0", "-DOCSTART-"])
def test_the_writer_refuses_tokens_a_line_cannot_hold(word: str) -> None:
    document = Document.from_words([["x", word]], id="1")
    with pytest.raises(DataError):
        written([document], "conll")
    assert "x\tO\n" in written([document], "conll", lossy=True)


def test_the_writer_refuses_text_that_was_never_split() -> None:
    with pytest.raises(DataError, match="split it into tokens"):
        written([Document("1", "some text")], "conll")


def test_documents_are_marked_only_where_they_are_not_single_sentences() -> None:
    one, two = Document.from_words([["a"]], id="1"), Document.from_words([["b"], ["c"]], id="2")
    assert "DOCSTART" not in written([one], "conll")
    assert written([one, two], "conll") == "-DOCSTART-\tO\n\na\tO\n\n-DOCSTART-\tO\n\nb\tO\n\nc\tO\n\n"


def test_a_byte_order_mark_as_first_token_survives() -> None:
    document = Document.from_words([["\ufeffa", "b"]], id="1")
    assert reread(written([document], "conll"), "conll")[0].words == ("\ufeffa", "b")


# ---------------------------------------------------------------------- sniffing


def test_the_last_tag_column_wins_and_the_others_are_named() -> None:
    decision = decide("EU NNP I-NP I-ORG\nrejects VBZ I-VP O\n\nX NN I-NP I-PER\n")
    assert decision.options == {"separator": " ", "token_column": 0, "tag_column": 3, "scheme": "IO"}
    assert "2 too" in decision.reason


def test_a_slip_in_the_tag_column_is_reported_and_chunks_are_not_read_for_names() -> None:
    rows = "EU NNP I-NP I-ORG\n" * 20 + "rejects VBZ I-VP ?\n"
    with pytest.raises(DataError, match=r"made:21: tag '\?'"):
        decide(rows)


def test_iob1_and_bio_are_told_apart_over_the_whole_file() -> None:
    assert decide("a\tI-X\nb\tB-X\n\nc\tI-Y").options["scheme"] == "IOB1"
    decision = decide("a\tB-X\nb\tI-X\n\nc\tI-Y\nd\tO\n\ne\tB-Y")
    assert decision.options["scheme"] == "BIO"
    assert "1 illegal" in decision.reason


def test_plain_labels_are_recognised_or_told() -> None:
    text = "a\tNLP-term\nb\tNLP-term\nc\tO\nd\tO\ne\tO\n\tO\nf\tURL\n"
    assert decide(text).options["scheme"] == "plain"
    for options in ({}, {"scheme": "plain"}):
        (document,) = reread(text, "conll", **options)
        assert [(document.surface(span), span.label) for span in document.spans] == [("a b", "NLP-term"), ("f", "URL")]


@pytest.mark.parametrize("base", [0, 1])
def test_a_running_index_is_not_the_token(base: int) -> None:
    rows = [f"{base}\tAda\tB-PER", f"{base + 1}\tran\tO", "", f"{base}\tShe\tO"]
    assert decide("\n".join(rows)).options["token_column"] == 1
    rows[1] = "9\tran\tO"
    assert decide("\n".join(rows)).options["token_column"] == 0


def test_runs_of_blanks_separate_where_single_ones_do_not() -> None:
    documents = reread("Ada    B-PER\nran O\nfar    O  \n", "conll")
    assert documents[0].words == ("Ada", "ran", "far")


def test_tokens_may_hold_blanks_and_be_blank_between_tabs() -> None:
    (document,) = reread("t ex\tO\n\tO\n \tO\nAda\tB-PER\n", "conll")
    assert document.words == ("t ex", "", " ", "Ada")
    assert document.surface(document.spans[0]) == "Ada"


def test_lines_of_white_space_end_a_sentence() -> None:
    assert len(reread("a\tO\n\t\nb\tO\n \nc\tO\n\n\nd\tO\n", "conll")) == 4


def test_a_hash_may_begin_a_token() -> None:
    documents = reread("# sent 1\n#NEWS\tO\n#\tO\n\n# b\tB-X\n", "conll")
    assert [document.words for document in documents] == [("#NEWS", "#"), ("# b",)]


def test_marks_open_documents_whatever_their_separator() -> None:
    documents = reread("-DOCSTART- -X- -X- O\n\na\tO\n\nb\tO\n\n-DOCSTART-\tO\nc\tO\n", "conll")
    assert [(document.id, len(document.sentences)) for document in documents] == [("1", 2), ("2", 1)]


def test_marks_between_documents_leave_no_empty_one_at_the_end() -> None:
    documents = reread("a O\n\n-DOCSTART- O\n\nb O\n\n-DOCSTART- O\n", "conll")
    assert [document.words for document in documents] == [("a",), ("b",)]


def test_named_documents_keep_their_names() -> None:
    assert [document.id for document in reread("# newdoc id = x\na\tO\n\n# newdoc\nb\tO\n", "conll")] == ["x", "2"]


def test_tokens_alone_have_no_spans() -> None:
    decision = decide("Ada\nran\n\nShe\n")
    assert "tag_column" not in decision.options and decision.options["token_column"] == 0
    assert [document.words for document in reread("Ada\nran\n\nShe\n", "conll")] == [("Ada", "ran"), ("She",)]


def test_other_line_breaks_do_not_break_lines() -> None:
    (document,) = reread("a\u2028b\tO\nc\u0085\tB-X\n\x1cd\tO\n", "conll")
    assert document.words == ("a\u2028b", "c\u0085", "\x1cd")


def test_options_given_override_what_is_seen() -> None:
    text = "EU NNP I-NP I-ORG\nrejects VBZ I-VP O\n"
    (document,) = reread(text, "conll", token_column=1, tag_column=2, scheme="iob1")
    assert [(document.surface(span), span.label) for span in document.spans] == [("NNP", "NP"), ("VBZ", "VP")]
    assert reread(text, "conll", tag_column=-1)[0].spans[0].label == "ORG"


def test_the_repair_policy_is_the_one_named() -> None:
    text = "a\tO\nb\tI-X\nc\tO\nd\tB-X\n"
    assert len(reread(text, "conll")[0].spans) == 2
    assert len(reread(text, "conll", repair="discard")[0].spans) == 1


# ---------------------------------------------------------------------- bad input


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a\tO\nb\tO\nc\n", r"made:3: 1 column\(s\) separated by one TAB, expected 2"),
        ("a X O\nb X O\nc O\n", r"made:3: 2 column\(s\)"),
        ("a\tO\n#tag\nb\tO\n", "made:2: 1 column"),
        ("a\tB-X\nb\tI-X\nc\tB-X\nd\tI-X\n\ne\tL-X\nf\tS-X\n", "made:6: tag prefixes"),
        ("a\tB-X,B-Y\nb\tO\n", "made:1: tag 'B-X,B-Y' holds several tags"),
        ("a\tO\nb\tX\nc\tB-PER\n", "made:2: tag 'X' is neither"),
        ("a NN\nb VB\n", "made:1: none of 2 columns holds tags"),
        ("\n \n", "no token line"),
    ],
)
def test_bad_lines_are_named(text: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        reread(text, "conll")


def test_a_tag_of_another_scheme_than_told_is_named() -> None:
    with pytest.raises(DataError, match="made:2: tag 'E-X' does not belong to the scheme BIO"):
        reread("a\tB-X\nb\tE-X\n", "conll", scheme="BIO")


def test_a_mention_of_nothing_is_named() -> None:
    with pytest.raises(DataError, match="made:2: a mention of X is nothing but empty tokens"):
        reread("a\tO\n\tB-X\nb\tO\n", "conll")


@pytest.mark.parametrize(
    "options",
    [
        {"tag_column": 5},
        {"token_column": 1, "tag_column": 1},
        {"scheme": "BIOX"},
        {"repair": "hope"},
        {"separator": ""},
    ],
)
def test_settings_that_cannot_be_are_refused(options: dict[str, object]) -> None:
    with pytest.raises(ConfigError):
        reread("a\tO\nb\tO\n", "conll", **options)


@given(token_documents(characters="ab "))
def test_losses_are_empty_exactly_for_spans_made_of_tokens(document: Document) -> None:
    assert flat_losses(document) == []
    if document.tokens and document.tokens[0].end > 1:
        cut = document.with_spans([Span(1, document.tokens[0].end, "X")])
        assert len(flat_losses(cut)) == 1


@pytest.mark.parametrize("format", ["conll", "hf"])
def test_losses_are_those_of_the_scheme_that_is_written(format: str) -> None:
    touching = flat([["a", "b"]], [(0, 1, "X"), (1, 2, "X")])
    assert get(format).losses(touching) == get(format).losses(touching, scheme="IOB1") == []
    assert get(format).losses(touching, scheme="io") == [
        "1 touching span(s) of one label melt together in the scheme IO"
    ]
    assert losses_of(get(format), touching, {"scheme": "IO", "lossy": True})
    assert losses_of(get("jsonl"), touching, {"scheme": "IO", "lossy": True}) == []


@pytest.mark.parametrize("mark", ["\r", "\x00", "\x1b", "\x85"])
def test_a_tag_holds_no_control_character(mark: str) -> None:
    assert not is_tag(f"B-a{mark}b") and not is_tag(f"B-a{mark}") and is_tag("B-a\u200bb c")
    (loss,) = CONLL.losses(flat([["a"]], [(0, 1, f"a{mark}b")]))
    assert "cannot stand in a tag" in loss


def test_line_ends_of_cr_in_one_sentence_of_many_are_no_rows() -> None:
    with pytest.raises(DataError, match=r"made:19: tag 'B-X\\r' .*CR line ends"):
        reread("a\tO\n\n" * 9 + "c\tB-X\r\r\nd\tO\n", "conll", scheme="BIO", tag_column=1)
    for options in ({}, {"separator": "tab", "tag_column": 1}):
        with pytest.raises(DataError, match="made:19: 3 column"):
            reread("a\tO\n\n" * 9 + "c\tB-X\rd\tO\n", "conll", **options)
