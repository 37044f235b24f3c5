"""Units of offsets: against the codec and a published segmenter, both ways, and with the unit that would hold named."""

from __future__ import annotations

import importlib.util
from typing import cast

import pytest
from dataset_cases import CHARACTERS
from hypothesis import given
from hypothesis import strategies as st

from onoma.datasets.offset_units import UNITS, OffsetMap, OffsetUnit, Place, located, unit_named
from onoma.exceptions import ConfigError, DataError

MARKS = CHARACTERS + "\n\u200d🇩🇪👩🏽각\u1100\u1161\u11a8\u0600\u200c\u0903©\ufe0f\ud7b0é\u0e33\U000e0041"
TEXTS = st.text(MARKS, max_size=12) | st.text(max_size=8)
NAMED = cast("list[OffsetUnit]", list(UNITS))


@given(st.text(st.characters(max_codepoint=127, exclude_characters="\r"), max_size=9), st.sampled_from(NAMED))
def test_ascii_counts_the_same_in_every_unit(text: str, unit: OffsetUnit) -> None:
    units = OffsetMap(text, unit)
    assert units.size == len(text)
    assert all(units.to_code_point(at) == units.from_code_point(at) == at for at in range(len(text) + 1))


@given(TEXTS, st.sampled_from(NAMED))
def test_offsets_go_there_and_back_in_order(text: str, unit: OffsetUnit) -> None:
    units = OffsetMap(text, unit)
    there: list[int] = []
    for offset in range(units.size + 1):
        try:
            there.append(units.to_code_point(offset))
        except DataError:
            assert unit == "utf16"
            continue
        assert units.from_code_point(there[-1]) == offset
    assert there == sorted(set(there)) and there[0] == 0 and there[-1] == len(text)
    if unit != "grapheme":
        assert there == list(range(len(text) + 1))
    for at in set(range(len(text) + 1)) - set(there):
        with pytest.raises(DataError, match="inside a grapheme cluster"):
            units.from_code_point(at)


@given(TEXTS)
def test_utf16_is_what_the_codec_counts(text: str) -> None:
    units = OffsetMap(text, "utf16")
    sizes = [len(text[:at].encode("utf-16-le")) // 2 for at in range(len(text) + 1)]
    assert [units.from_code_point(at) for at in range(len(text) + 1)] == sizes
    assert units.size == sizes[-1]


@pytest.mark.skipif(importlib.util.find_spec("regex") is None, reason="the package regex is not installed")
@given(st.text(MARKS, max_size=12))
def test_clusters_are_those_of_another_segmenter(text: str) -> None:
    import regex

    units = OffsetMap(text, "grapheme")
    ends = [match.end() for match in regex.finditer(r"\X", text)]
    assert [units.to_code_point(offset) for offset in range(1, units.size + 1)] == ends


@pytest.mark.parametrize(
    "cluster",
    [
        "\r\n",
        "e\u0301\u0323",
        "👩🏽\u200d🚀",
        "🇩🇪",
        "\u1112\u1161\u11ab",
        "각\u11a8",
        "ก\u0e33",
        "❤\ufe0f",
        "\u06001",
        "1\ufe0f\u20e3",
    ],
)
def test_one_cluster_is_one(cluster: str) -> None:
    units = OffsetMap(f"a{cluster}b", "grapheme")
    assert (units.size, units.to_code_point(2)) == (3, 1 + len(cluster))


@pytest.mark.parametrize("text", ["\n\r", "\n\u0301", "a🇩🇪🇫"[1:], "\u200b\u0301", "ab"])
def test_two_clusters_are_two(text: str) -> None:
    assert OffsetMap(text, "grapheme").size == 2


def test_offsets_that_are_none_are_refused() -> None:
    with pytest.raises(DataError, match="inside a surrogate pair"):
        OffsetMap("a😀", "utf16").to_code_point(2)
    for unit in NAMED:
        for wrong in (-1, 9):
            with pytest.raises(DataError, match="outside the text"):
                OffsetMap("a😀", unit).to_code_point(wrong)
            with pytest.raises(DataError, match="outside the text"):
                OffsetMap("a😀", unit).from_code_point(wrong)
    with pytest.raises(ConfigError, match="code_point, utf16, grapheme"):
        unit_named("bytes")


def same(text: str):
    return lambda pieces, given: text[pieces[0][0] : pieces[0][1]] == given


def test_the_unit_that_holds_is_named() -> None:
    text = "😀e\u0301 Ada"
    places = {"code_point": (4, 7), "utf16": (5, 8), "grapheme": (3, 6)}
    for unit in NAMED:
        place = Place("T1", (places[unit],), "Ada")
        assert located(text, [place], unit, same(text)) == [((4, 7),)]
        for other in NAMED:
            if other != unit:
                with pytest.raises(DataError, match=f"holds under {unit}: pass offset_unit={unit}"):
                    located(text, [place], other, same(text))


def test_where_no_unit_holds_none_is_named() -> None:
    place = Place("T1", ((0, 2),), "Bob")
    with pytest.raises(DataError, match=r"T1 \[0:2\] is 'Ad' in the text, but says 'Bob'") as caught:
        located("Ada 😀", [place], "utf16", same("Ada 😀"))
    assert "UTF-16" in str(caught.value.mend)
    with pytest.raises(DataError, match="fits under utf16"):
        located("Ada 😀", [Place("x", ((4, 6),))], "code_point", same(""))
    with pytest.raises(DataError, match="is empty"):
        located("Ada", [Place("x", ((1, 1),))], "code_point", same(""))
