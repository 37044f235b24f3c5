"""What encodings share that list mentions by their text: where an item lies, and what it cannot say."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from typing import ClassVar, NamedTuple

from onoma.document import Problem, ProblemKind, Span
from onoma.encodings.anchor import grown, in_a_word, letters_of
from onoma.encodings.automata.base import Automaton
from onoma.encodings.automata.listed import ListAutomaton, ListFormat
from onoma.encodings.base import Exchange
from onoma.encodings.windowed import Windowed
from onoma.exceptions import ConfigError

__all__ = ["Item", "Listed", "occurrences"]

Bounds = tuple[int, int]


class Item(NamedTuple):
    """One mention of an answer; what a format does not write is None. Offsets are characters of the window's text."""

    text: str
    label: str
    occurrence: int | None = None
    start: int | None = None
    end: int | None = None


class Listed(Windowed):
    """A list of mentions: nothing of the text is copied but they.

    A text that stands in a window more often than it is listed could be any of these places; the leftmost that is not
    used yet is taken, whole words first.
    """

    name: ClassVar[str]
    by_text: ClassVar[bool] = True

    @abstractmethod
    def write(self, items: Sequence[Item]) -> str:
        """The right answer, items in the order of the text."""

    @abstractmethod
    def read(self, answer: str, label: str | None) -> Iterator[Item | Problem]:
        """Any answer's items, and problems for what is none; `label` is the one asked for."""

    def place(self, item: Item, source: str, used: set[tuple[int, int, str]]) -> Bounds | ProblemKind:
        """Where an item lies in a window: here, the leftmost place of its text that is not used yet.

        Where all are, case and accents are forgiven as where there is none.
        """
        found = self.occurrences(source, item.text)
        if not found:
            return "ungrounded"
        exactly = self.back is None
        free = [bounds for bounds in found if (*bounds, item.label) not in used]
        if not free and exactly:
            letters = _by_letters(source, item.text, lossy=False, blanks=True)
            free = [bounds for bounds in letters if (*bounds, item.label) not in used]
        if not free:
            return "ambiguous"
        return min(free, key=lambda at: (not _whole(source, at), exactly and source[slice(*at)] != item.text))

    def refused(self, span: Span, source: str, kept: Sequence[Span]) -> str | None:  # noqa: ARG002
        """Where a text is looked for, what stands on its last letter is part of it."""
        cut = self.by_text and self._end(source, span.end) > span.end
        return "ends within a letter" if cut else None

    def _end(self, source: str, end: int) -> int:
        """Where a text that ends there is read to end."""
        return grown(source, end, lossy=self.back is not None)

    def occurrences(self, source: str, text: str) -> list[Bounds]:
        """All places of a text, as the model can write it."""
        return occurrences(source, text, exactly=self.back is None)

    def same(self, one: str, other: str) -> bool:
        """Whether two texts are one, as far as the model can write them."""
        if self.back is None or one == other:
            return one == other
        return letters_of(one, lossy=True)[0] == letters_of(other, lossy=True)[0] != ""

    def format(self, asked: Exchange, words: Sequence[Bounds]) -> ListFormat:  # noqa: ARG002
        """What stands around the texts about a source; raises `ConfigError` where that depends on the texts."""
        raise ConfigError(f"{self.name} has no grammar that a model could be held to")

    def automaton(self, asked: Exchange, words: Sequence[Bounds]) -> Automaton:
        """Lists of runs of words."""
        labels = len(self.labels) if asked.type is None else 1
        source = asked.source
        whole = [not self.by_text or self._end(source, end) == end for _, end in words]
        return ListAutomaton(source, words, whole, labels, self.format(asked, words))

    def answer(self, source: str, spans: Sequence[Span]) -> str:
        """The list."""
        return self.write([self._item(source, span) for span in spans])

    def _item(self, source: str, span: Span) -> Item:
        text = source[span.start : span.end]
        found = self.occurrences(source, text)
        solid = span.start + len(text) - len(text.lstrip())  # where a text is compared by its letters
        number = next((at for at, (start, _) in enumerate(found, 1) if start in {span.start, solid}), None)
        return Item(text, span.label, number, span.start, span.end)

    def spans(self, asked: Exchange, answer: str, problems: list[Problem]) -> Iterator[Span]:
        """Items in turn, where they lie."""
        used: set[tuple[int, int, str]] = set()
        for item in self.read(answer, asked.type):
            if isinstance(item, Problem):
                problems.append(item)
                continue
            found = self.place(item, asked.source, used) if item.label in self.rank else "unknown_label"
            if not isinstance(found, str) and (*found, item.label) in used:
                found = "duplicate"
            if isinstance(found, str):
                problems.append(Problem(found, item.text, item.label))
                continue
            used.add((*found, item.label))
            yield Span(*found, item.label)


def occurrences(source: str, text: str, *, exactly: bool = True) -> list[Bounds]:
    """All places of a text, left to right, overlapping ones too; accents on its last letter are part of it.

    Where there are none, or not `exactly`, without regard to case and accents, and at last to blanks: vocabularies lose
    all three, and more.
    """
    if not text.strip():
        return []
    if exactly or not letters_of(text, lossy=True)[0]:
        made = [(at, grown(source, at + len(text))) for at in _starts(source, text)]
        if made:
            return made
    for blanks in (True, False) if exactly else (False,):
        made = list(_by_letters(source, text, lossy=not exactly, blanks=blanks))
        if made:
            return made
    return []


def _by_letters(source: str, text: str, *, lossy: bool, blanks: bool) -> Iterator[Bounds]:
    """Places whose letters are those of the text; none begins or ends within one."""
    (letters, places), (wanted, own) = (letters_of(each, lossy=lossy, blanks=blanks) for each in (source, text))
    if not wanted.strip():
        return
    edges = [-1, *places, len(source)]
    head, tail = text[: own[0]], text[own[-1] + 1 :]
    signs = (head + tail).strip()  # at its ends, which are not looked at
    for first in _starts(letters, wanted):
        last = first + len(wanted) - 1
        if edges[first] < places[first] and places[last] < edges[last + 2]:
            start, end = places[first], places[last] + 1
            if signs and source[:start].endswith(head) and source.startswith(tail, end):
                yield start - len(head), end + len(tail)
            else:
                yield start, grown(source, end, lossy=lossy)


def _starts(inside: str, wanted: str) -> Iterator[int]:
    at = inside.find(wanted)
    while at >= 0:
        yield at
        at = inside.find(wanted, at + 1)


def _whole(source: str, bounds: Bounds) -> bool:
    """Whether a place begins and ends where words do; what has no shape, such as a soft hyphen, is no letter there."""
    start, end = bounds
    before, behind = start - 1, end
    while before >= 0 and _is_shapeless(source[before]):
        before -= 1
    while behind < len(source) and _is_shapeless(source[behind]):
        behind += 1
    cut_left = before >= 0 and source[before].isalnum() and in_a_word(source[start])
    cut_right = behind < len(source) and source[behind].isalnum() and in_a_word(source[end - 1])
    return not (cut_left or cut_right)


def _is_shapeless(letter: str) -> bool:
    return in_a_word(letter) and not letter.isalnum()
