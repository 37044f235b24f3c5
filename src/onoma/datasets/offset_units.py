"""Offsets that count something else than code points: UTF-16 units (JavaScript, Java) and grapheme clusters.

Annotation tools that run in a browser count what their language counts. An `OffsetMap` turns offsets of one text from
such a unit into code points and back; `located` does it for mentions that carry their own text, and says which other
unit would hold where the named one does not.

Extended grapheme clusters follow UAX #29: rules GB3 to GB13 without GB9c, the Indic conjuncts of Unicode 15.1, which
the segmenter of the tool that counts clusters (doccano) does not know. The standard library has neither a segmentation
nor a table of emoji, so classes are taken from general categories and short tables; pictographs are whole blocks, as
Unicode 16 reserves them.
"""

from __future__ import annotations

import unicodedata
from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate
from typing import TYPE_CHECKING, Literal, cast, get_args

from onoma.exceptions import ConfigError, DataError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["UNITS", "OffsetMap", "OffsetUnit", "Place", "located", "unit_named"]

OffsetUnit = Literal["code_point", "utf16", "grapheme"]
UNITS: tuple[str, ...] = get_args(OffsetUnit)

Pieces = tuple[tuple[int, int], ...]

_PLURAL = {"code_point": "code points", "utf16": "UTF-16 units", "grapheme": "grapheme clusters"}


def unit_named(name: object) -> OffsetUnit:
    """The unit of that name; raises `ConfigError`."""
    if name not in UNITS:
        raise ConfigError(f"offset_unit is {name!r}: use one of {', '.join(UNITS)}")
    return cast("OffsetUnit", name)


class OffsetMap:
    """The offsets of one text in one unit and in code points; `size` is the length of the text in the unit."""

    def __init__(self, text: str, unit: OffsetUnit) -> None:
        self.unit = unit
        self._units: list[int] | None = None  # where each code point begins, in units
        self._starts: list[int] | None = None  # where each cluster begins, in code points; both None: nothing differs
        self.size = len(text)
        if unit == "utf16" and text and max(text) > "\uffff":
            self._units = [0, *accumulate(2 if mark > "\uffff" else 1 for mark in text)]
            self.size = self._units[-1]
        elif unit == "grapheme" and (not text.isascii() or "\r\n" in text):
            self._starts = [*_cluster_starts(text), len(text)]
            self.size = len(self._starts) - 1
        self._length = len(text)

    def to_code_point(self, offset: int) -> int:
        """The code point offset; raises `DataError` outside the text and between the halves of a surrogate pair."""
        if not 0 <= offset <= self.size:
            raise DataError(f"offset {offset} lies outside the text of {self.size} {_PLURAL[self.unit]}")
        if self._starts is not None:
            return self._starts[offset]
        if self._units is None:
            return offset
        at = bisect_left(self._units, offset)
        if self._units[at] != offset:
            raise DataError(f"offset {offset} lies inside a surrogate pair")
        return at

    def from_code_point(self, at: int) -> int:
        """The offset in the unit; raises `DataError` outside the text and inside a grapheme cluster."""
        if not 0 <= at <= self._length:
            raise DataError(f"offset {at} lies outside the text of {self._length} code points")
        if self._units is not None:
            return self._units[at]
        if self._starts is None:
            return at
        found = bisect_left(self._starts, at)
        if self._starts[found] != at:
            raise DataError(f"offset {at} lies inside a grapheme cluster")
        return found

    def pieces(self, pieces: Pieces, what: str) -> Pieces:
        """Half-open ranges in code points; raises `DataError` for empty ones and those outside the text."""
        found: list[tuple[int, int]] = []
        for start, end in pieces:
            if start >= end:
                raise DataError(f"{what} [{start}:{end}] is empty")
            try:
                found.append((self.to_code_point(start), self.to_code_point(end)))
            except DataError as error:
                raise DataError(f"{what} [{start}:{end}]: {error.message}") from None
        return tuple(found)


# ---------------------------------------------------------------------- mentions that carry their text


@dataclass(frozen=True)
class Place:
    """A mention as a file gives it: its name in messages, half-open ranges in the file's unit, its text if given."""

    what: str
    pieces: Pieces
    surface: str | None = None


def located(text: str, places: Sequence[Place], unit: OffsetUnit, same: Callable[[Pieces, str], bool]) -> list[Pieces]:
    """The ranges of all mentions of a text in code points; `same` compares ranges of the text with a given surface.

    Raises `DataError` for a range outside the text and for text that is not the given one; where all mentions fit under
    another unit, the error names it.
    """
    try:
        return _located(text, places, unit, same)
    except DataError as error:
        for other in UNITS:
            if other == unit:
                continue
            try:
                _located(text, places, cast("OffsetUnit", other), same)
            except DataError:
                continue
            known = any(place.surface is not None for place in places)
            how = "holds" if known else "fits"
            raise DataError(error.message, mend=f"{how} under {other}: pass offset_unit={other}") from None
        raise


def _located(text: str, places: Sequence[Place], unit: OffsetUnit, same: Callable[[Pieces, str], bool]) -> list[Pieces]:
    units = OffsetMap(text, unit)
    found: list[Pieces] = []
    for place in places:
        pieces = units.pieces(place.pieces, place.what)
        if place.surface is not None and not same(pieces, place.surface):
            shown = " ".join(text[start:end] for start, end in pieces)
            raise DataError(
                f"{place.what} {_ranges(place.pieces)} is {shown[:40]!r} in the text, but says {place.surface[:40]!r}",
                mend=f"offsets are {_PLURAL[unit]}, end not included",
            )
        found.append(pieces)
    return found


def _ranges(pieces: Pieces) -> str:
    return "[" + ";".join(f"{start}:{end}" for start, end in pieces) + "]"


# ---------------------------------------------------------------------- grapheme clusters (UAX #29)


def _table(text: str) -> tuple[list[int], list[int]]:
    pairs = [part.partition("-") for part in text.split()]
    return [int(first, 16) for first, _, _ in pairs], [int(last or first, 16) for first, _, last in pairs]


def _inside(code: int, table: tuple[list[int], list[int]]) -> bool:
    at = bisect_right(table[0], code) - 1
    return at >= 0 and code <= table[1][at]


_PREPEND = _table("600-605 6DD 70F 890-891 8E2 D4E 110BD 110CD 111C2-111C3 1193F 11941 11A3A 11A84-11A89 11D46 11F02")
_JOINED = _table("E33 EB3 200C FF9E-FF9F 1F3FB-1F3FF E0020-E007F")
"""What joins the character before it and is no mark by its category."""
_APART = _table("102B-102C 1038 1062-1064 1067-106D 1083 1087-108C 108F 109A-109C 1A61 1A63-1A64 AA7B AA7D 11720-11721")
"""Marks by their category that stand apart."""
_LEADING = _table("1100-115F A960-A97C")
_VOWEL = _table("1160-11A7 D7B0-D7C6")
_TRAILING = _table("11A8-11FF D7CB-D7FB")
_PICTOGRAPH = _table(
    "A9 AE 203C 2049 2122 2139 2194-2199 21A9-21AA 231A-231B 2328 2388 23CF 23E9-23F3 23F8-23FA 24C2 25AA-25AB "
    "25B6 25C0 25FB-25FE 2600-2605 2607-2612 2614-2685 2690-2705 2708-2712 2714 2716 271D 2721 2728 2733-2734 "
    "2744 2747 274C 274E 2753-2755 2757 2763-2767 2795-2797 27A1 27B0 27BF 2934-2935 2B05-2B07 2B1B-2B1C 2B50 "
    "2B55 3030 303D 3297 3299 1F000-1F0FF 1F10D-1F10F 1F12F 1F16C-1F171 1F17E-1F17F 1F18E 1F191-1F19A "
    "1F1AD-1F1E5 1F201-1F20F 1F21A 1F22F 1F232-1F23A 1F23C-1F23F 1F249-1F3FA 1F400-1F53D 1F546-1F64F 1F680-1F6FF "
    "1F774-1F77F 1F7D5-1F7FF 1F80C-1F80F 1F848-1F84F 1F85A-1F85F 1F888-1F88F 1F8AE-1F8FF 1F90C-1F93A 1F93C-1F945 "
    "1F947-1FAFF 1FC00-1FFFD"
)

_OTHER, _CONTROL, _MARK, _SPACING, _ZWJ, _PRE, _FLAG, _EMOJI, _L, _V, _T, _LV, _LVT = range(13)
_HANGUL = {_L: (_L, _V, _LV, _LVT), _V: (_V, _T), _LV: (_V, _T), _T: (_T,), _LVT: (_T,)}
"""For each kind of Hangul what joins it (GB6 to GB8)."""


@lru_cache(maxsize=1 << 14)
def _kind(mark: str) -> int:
    code = ord(mark)
    if code == 0x200D:
        return _ZWJ
    if 0x1F1E6 <= code <= 0x1F1FF:
        return _FLAG
    if 0xAC00 <= code <= 0xD7A3:
        return _LVT if (code - 0xAC00) % 28 else _LV
    for table, kind in ((_LEADING, _L), (_VOWEL, _V), (_TRAILING, _T), (_PREPEND, _PRE), (_JOINED, _MARK)):
        if _inside(code, table):
            return kind
    category = unicodedata.category(mark)
    if category[0] == "M":
        return _OTHER if _inside(code, _APART) else _SPACING if category == "Mc" else _MARK
    if category in ("Cc", "Cf", "Zl", "Zp", "Cs"):
        return _CONTROL
    return _EMOJI if _inside(code, _PICTOGRAPH) else _OTHER


def _cluster_starts(text: str) -> list[int]:
    """Where each extended grapheme cluster begins, in code points."""
    starts: list[int] = []
    before = _CONTROL
    flags = 0  # regional indicators right before
    emoji = joining = False  # a pictograph and its marks; the same with a zero width joiner after them
    for at, mark in enumerate(text):
        kind = _kind(mark)
        if before == _CONTROL or kind == _CONTROL:
            joined = mark == "\n" and at > 0 and text[at - 1] == "\r"  # GB3 to GB5
        elif kind in (_MARK, _SPACING, _ZWJ) or before == _PRE:
            joined = True  # GB9 to GB9b
        elif kind == _FLAG:
            joined = flags % 2 == 1  # GB12, GB13
        else:
            joined = (kind == _EMOJI and joining) or kind in _HANGUL.get(before, ())  # GB11, GB6 to GB8
        if not joined:
            starts.append(at)
        joining = kind == _ZWJ and emoji
        emoji = kind == _EMOJI or (kind == _MARK and emoji)
        flags = flags + 1 if kind == _FLAG else 0
        before = kind
    return starts
