"""Generated words to source words: where each source word stands in an answer that lost, added or changed some."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from onoma.exceptions import ConfigError
from onoma.unicode import well_formed

__all__ = ["METHODS", "BackTokenizer", "CopyErrors", "align", "align_surely", "copy_errors"]

METHODS = ("exact", "subsequence", "lcs", "weighted", "gner")

GAP = 1 << 10
"""Cost of a word that stands alone, on either side. Another word in its place costs up to two of them."""
CELLS = 1 << 25
"""Weighted alignments of more pairs of words than this would take seconds; longest common subsequences are given."""
PAIRS = 1 << 20
"""Of more pairs of words, two alignments are held against each other, not all."""
MATCHES = 1 << 22
"""Hunt and Szymanski's way would take seconds for more pairs of equal words."""
WORDS = 1 << 20
"""Forms of words that are remembered, about."""
PLACES = list(range(512))
"""Small numbers, made once: a slice of them is quicker than a range."""
LETTERS = 48
"""Letters of a word that its distance to another is taken from: no word is so long, but an answer may hold one."""

Aligned = list[int | None]


def align(
    source_words: Sequence[str], generated_words: Sequence[str], method: str = "lcs", breaks: Collection[int] = ()
) -> Aligned:
    """For each source word the index of the generated word that stands for it, or None; indices rise.

    - `exact`: all words where the two sequences are equal, else none;
    - `subsequence`: the leftmost embedding where one of the two is a subsequence of the other, else none;
    - `lcs`: a longest common subsequence, of which there may be several (rapidfuzz, bit-parallel);
    - `weighted`: the least cost, where a word left alone costs 1, on either side, and another word in its place twice
      the share of letters to be edited; of several, one with the most neighbours that stay neighbours (Needleman and
      Wunsch 1970 with the adjacency of Gotoh 1982). Above 33 million pairs of words: `lcs`;
    - `gner`: what GNER's published script does (Ding et al. 2024, section 4.3): lower-cased; equal, else the answer's
      leftmost embedding in the source, else Hunt and Szymanski's (1977) longest common subsequence. Above 4 million
      pairs of equal words: `lcs`.

    `breaks` are the generated words before which the answer says that words are left out: `weighted` sees no neighbours
    across one, and takes a word more for two that are neighbours in the source; the others do not look at it.
    Where a vocabulary has holes, give the forms of the source words that `BackTokenizer` makes. Raises `ConfigError`
    for an unknown method.
    """
    if method == "lcs":
        return _longest(source_words, generated_words)
    if method not in METHODS:
        raise ConfigError(f"alignment method {method!r} is unknown: one of {', '.join(METHODS)}")
    if method == "gner":
        source_words = [word.lower() for word in source_words]
        generated_words = [word.lower() for word in generated_words]
    if list(source_words) == list(generated_words):
        return list(range(len(source_words)))
    if method == "exact" or not source_words or not generated_words:
        return [None] * len(source_words)
    if method == "subsequence":
        found = _embedded(source_words, generated_words)
        if found is not None:
            return list(found)
        return _sparse(len(source_words), _embedded(generated_words, source_words))
    if method == "gner":
        found = _embedded(generated_words, source_words)
        if found is not None:
            return _sparse(len(source_words), found)
        often = Counter(generated_words)
        if sum(often[word] for word in source_words) > MATCHES:
            return _longest(source_words, generated_words)
        return _hunt_szymanski(source_words, generated_words)
    if method == "weighted" and len(source_words) * len(generated_words) <= CELLS:
        return _weighted(source_words, generated_words, breaks)
    return _longest(source_words, generated_words)


def align_surely(
    source_words: Sequence[str], generated_words: Sequence[str], method: str = "lcs", breaks: Collection[int] = ()
) -> tuple[Aligned, set[int]]:
    """As `align`, and the numbers of the source words that another alignment, as good, would give another word.

    Of several alignments one that leans to the left is held against one that leans to the right. A name that occurs
    twice in the source and once in an answer with little around it has no sure place. With `breaks` (see `align`) all
    cheapest alignments are looked at.
    """
    aligned = align(source_words, generated_words, method, breaks)
    if not breaks and len(aligned) == len(generated_words) and None not in aligned:
        return aligned, set()
    if breaks and method == "weighted" and 0 < len(source_words) * len(generated_words) <= PAIRS:
        return aligned, _moving(source_words, generated_words, breaks)
    other = _leaning_right(source_words, generated_words, method, breaks)
    return aligned, {number for number, place in enumerate(aligned) if place != other[number]}


def wavering(source_words: Sequence[str], generated_words: Sequence[str]) -> set[int]:
    """The generated words that stand for one source word in one longest common subsequence and another in another."""
    places = align(generated_words, source_words), _leaning_right(generated_words, source_words, "lcs")
    pairs = enumerate(zip(*places, strict=True))
    return {number for number, (one, other) in pairs if one != other and None not in {one, other}}


def _leaning_right(
    source_words: Sequence[str], generated_words: Sequence[str], method: str, breaks: Collection[int] = ()
) -> Aligned:
    """As `align`; of alignments that are as good, the one that is found from the other end."""
    size = len(generated_words)
    mirrored = align(source_words[::-1], generated_words[::-1], method, {size - each for each in breaks})[::-1]
    last = size - 1
    return [None if place is None else last - place for place in mirrored]


def _embedded(inner: Sequence[str], outer: Sequence[str]) -> list[int] | None:
    """The leftmost places of all inner words in the outer ones, in order; None where there are none."""
    found: list[int] = []
    at = 0
    for word in inner:
        while at < len(outer) and outer[at] != word:
            at += 1
        if at == len(outer):
            return None
        found.append(at)
        at += 1
    return found


def _sparse(size: int, places: Sequence[int] | None) -> Aligned:
    """`size` places, of which the n-th named one holds n."""
    aligned: Aligned = [None] * size
    for number, place in enumerate(places or ()):
        aligned[place] = number
    return aligned


def _longest(source: Sequence[str], generated: Sequence[str]) -> Aligned:
    size = len(generated)
    places: Sequence[int] = PLACES if size <= len(PLACES) else range(size)
    aligned: Aligned = []
    start = 0
    for kind, _, place in _edits()(source, generated).as_list():
        if start < place:
            aligned += places[start:place]
        if kind == "delete":
            aligned.append(None)
            start = place
        else:
            start = place + 1
    aligned += places[start:size]
    return aligned


@cache
def _edits() -> Any:
    """Deletions and insertions around a longest common subsequence, by rapidfuzz."""
    from rapidfuzz.distance import LCSseq

    return LCSseq.editops


def _hunt_szymanski(source: Sequence[str], generated: Sequence[str]) -> Aligned:
    """A longest common subsequence as the longest rising one in the places of equal words, latest places first."""
    places: dict[str, list[int]] = {}
    for number in range(len(generated) - 1, -1, -1):
        places.setdefault(generated[number], []).append(number)
    ends: list[int] = []  # the least last place of a rising sequence of each length
    links: list[Any] = []  # and that sequence: (source number, place, link before)
    for number, word in enumerate(source):
        for place in places.get(word, ()):
            length = bisect_left(ends, place)
            link = (number, place, links[length - 1] if length else None)
            if length == len(ends):
                ends.append(place)
                links.append(link)
            else:
                ends[length], links[length] = place, link
    aligned: Aligned = [None] * len(source)
    link = links[-1] if links else None
    while link is not None:
        number, place, link = link
        aligned[number] = place
    return aligned


# ---------------------------------------------------------------------- weighted


def _weighted(
    source: Sequence[str], generated: Sequence[str], breaks: Collection[int] = (), kept: list[Any] | None = None
) -> Aligned:
    """The cheapest alignment, rows of the table at once; `kept` takes what ends with each pair costs, and last all.

    Costs are whole numbers: `2 * GAP` times the distance of two words, shifted up to leave room for the neighbours
    that stay neighbours, of which there are fewer than `unit`. `paired` ends with a pair of words, `alone` with a word
    of one side.
    """
    rows, columns = len(source), len(generated)
    unit = min(rows, columns) + 1
    costs, source_kinds, generated_kinds = _costs(source, generated)
    gap, steps = GAP * unit, GAP * unit * np.arange(columns + 1)
    following: Any = -1
    if breaks:
        following = np.full(columns, -1)
        following[[each for each in breaks if 0 <= each < columns]] = gap
    followed = np.zeros((rows + 1, columns + 1), dtype=bool)  # the pair before is a pair of neighbours
    is_pair = np.zeros((rows + 1, columns + 1), dtype=bool)  # the best ends with a pair
    from_left = np.ones((rows + 1, columns + 1), dtype=bool)  # else with a generated word alone, else a source word
    never = np.int64(1) << 60
    best, paired = steps.copy(), np.full(columns + 1, never)
    alone = best
    for row in range(1, rows + 1):
        pairs = costs[source_kinds[row - 1]][generated_kinds] * unit
        neighbours = paired[:-1] + following
        np.less(neighbours, alone[:-1], out=followed[row, 1:])
        paired = np.concatenate(([never], pairs + np.minimum(neighbours, alone[:-1])))
        above = best + gap
        # What may stand before a run of generated words alone; the run's cost is the distance in `steps`.
        before = np.minimum(paired, above)
        runs = np.concatenate(([never], np.minimum.accumulate(before - steps)[:-1] + steps[1:]))
        np.less(runs, above, out=from_left[row])
        best = np.minimum(before, runs)
        np.less_equal(paired, best, out=is_pair[row])
        # Neighbours cost less than any pair does alone, but across a break.
        alone = np.minimum(above, runs) if breaks else best
        if kept is not None:
            kept.append(paired[1:] - pairs)
    if kept is not None:
        kept.append(best[-1])
    return _traced(is_pair, followed, from_left)


def _moving(source: Sequence[str], generated: Sequence[str], breaks: Collection[int]) -> set[int]:
    """Source words that stand beside one word in one of the cheapest alignments and beside another in another."""
    before: list[Any] = []
    behind: list[Any] = []
    _weighted(source, generated, breaks, before)
    _weighted(source[::-1], generated[::-1], {len(generated) - each for each in breaks}, behind)
    costs, source_kinds, generated_kinds = _costs(source, generated)
    pairs = costs[np.ix_(source_kinds, generated_kinds)] * (min(len(source), len(generated)) + 1)
    *rows, least = before
    whole = np.stack(rows) + np.stack(behind[:-1])[::-1, ::-1] + pairs
    cheapest = whole == least
    several = (cheapest.sum(axis=1) > 1) | (cheapest & (cheapest.sum(axis=0) > 1)).any(axis=1)
    return set(np.flatnonzero(several).tolist())


def _traced(is_pair: NDArray[np.bool_], followed: NDArray[np.bool_], from_left: NDArray[np.bool_]) -> Aligned:
    row, column = is_pair.shape[0] - 1, is_pair.shape[1] - 1
    aligned: Aligned = [None] * row
    pair: bool | None = None  # what has to come next, where that is settled
    while row and column:
        if is_pair[row, column] if pair is None else pair:
            pair = bool(followed[row, column])
            row, column = row - 1, column - 1
            aligned[row] = column
            continue
        pair = None
        if from_left[row, column]:
            column -= 1
        else:
            row -= 1
    return aligned


def _costs(source: Sequence[str], generated: Sequence[str]) -> tuple[NDArray[np.int64], Any, Any]:
    """Costs [kinds of source words, kinds of generated words], and of which kind each word is."""
    from rapidfuzz.distance import Levenshtein
    from rapidfuzz.process import cdist

    source_kinds, generated_kinds = _numbered(source), _numbered(generated)
    rows, columns = list(source_kinds), list(generated_kinds)
    left, right = ([word[:LETTERS] for word in kinds] for kinds in (rows, columns))
    shares = cdist(left, right, scorer=Levenshtein.normalized_distance, dtype=np.float64)
    costs = np.rint(2 * GAP * shares).astype(np.int64)
    for row, column in zip(*np.nonzero(costs == 0), strict=True):
        if rows[row] != columns[column]:
            costs[row, column] = 1  # alike as far as was looked
    return (
        costs,
        np.array([source_kinds[word] for word in source]),
        np.array([generated_kinds[word] for word in generated]),
    )


def _numbered(words: Sequence[str]) -> dict[str, int]:
    numbers: dict[str, int] = {}
    for word in words:
        numbers.setdefault(word, len(numbers))
    return numbers


# ---------------------------------------------------------------------- what was copied wrong


class CopyErrors(NamedTuple):
    """Words by what became of them in an answer that should have repeated them (Ding et al. 2024, table 9)."""

    copied: int = 0
    omitted: int = 0
    added: int = 0
    substituted: int = 0


def copy_errors(
    source_words: Sequence[str], generated_words: Sequence[str], aligned: Sequence[int | None]
) -> CopyErrors:
    """Count an alignment's words.

    A pair of unequal words is a substitution; so is, between two pairs, each source word left alone for which there is
    a generated word left alone. What remains was omitted or added.
    """
    copied = substituted = omitted = added = 0
    alone, reached = 0, 0
    for number, place in enumerate([*aligned, len(generated_words)]):
        if place is None:
            alone += 1
            continue
        extra = place - reached
        both = min(alone, extra)
        substituted, omitted, added = substituted + both, omitted + alone - both, added + extra - both
        alone, reached = 0, place + 1
        if number < len(source_words):
            equal = source_words[number] == generated_words[place]
            copied, substituted = copied + equal, substituted + (not equal)
    return CopyErrors(copied, omitted, added, substituted)


class BackTokenizer:
    """What is left of words once a vocabulary has written and read them (Ding et al. 2024, section 4.3).

    A model can only answer in its own pieces: where these lose a letter, an accent or a capital, the copied word is
    not the source word, but it is the form that this gives. Forms are remembered. Nothing is loaded: `tokenizer` is
    any tokenizer of `transformers`.
    """

    def __init__(self, tokenizer: Callable[..., Any]) -> None:
        self.tokenizer: Any = tokenizer
        self._forms: dict[str, str] = {}
        self._joined: dict[str, str] = {}

    def __call__(self, words: Sequence[str]) -> list[str]:
        """The form of each word; a word that leaves nothing keeps its own."""
        return self._remembered(self._forms, words)

    def joined(self, words: Sequence[str]) -> list[str]:
        """The form of each word without the blanks that the vocabulary put into it."""
        return self._remembered(self._joined, words)

    def _remembered(self, known: dict[str, str], words: Sequence[str]) -> list[str]:
        try:
            return list(map(known.__getitem__, words))
        except KeyError:
            self._learn(words)
            return list(map(known.__getitem__, words))

    def _learn(self, words: Sequence[str]) -> None:
        if len(self._forms) > WORDS:
            self._forms.clear()
            self._joined.clear()
        new = [word for word in dict.fromkeys(words) if word not in self._forms]
        for word, again in zip(new, self._again(new), strict=True):
            self._forms[word] = form = again.strip() or word
            self._joined[word] = "".join(form.split()) or form

    def _again(self, words: Sequence[str]) -> list[str]:
        """Words, written and read."""
        words = [well_formed(word) for word in words]
        backend = getattr(self.tokenizer, "backend_tokenizer", None)
        if backend is None:
            ids = self.tokenizer(words, add_special_tokens=False)["input_ids"]
            return self.tokenizer.batch_decode(ids, skip_special_tokens=True, clean_up_tokenization_spaces=False)
        backend.no_padding()
        backend.no_truncation()
        rows = backend.encode_batch_fast(words, add_special_tokens=False)
        return backend.decode_batch([row.ids for row in rows], skip_special_tokens=True)
