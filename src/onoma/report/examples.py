"""The sentences of a set with gold and every system's answer, as small as they go: texts once, answers as differences.

A sentence is `[document, text, gold, answers]`. Gold is a list of `[start, length, label, slices, fragments?]`; an
answer is 0 where it equals gold, else `[missed, false, problems]`: missed `[place in gold, class]`, false `[start,
length, label, class, slices, fragments?]`, problems `[text, label, class]`. Offsets count code points from the start of
the sentence; labels and classes are places in lists; slices is a string with one digit a slice. A class is one kind in
each taxonomy; `joint` lists those of false mentions whose error, in the first taxonomy, misses gold as well.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from onoma.analysis.examples import NOTHING
from onoma.report.errors import readable

if TYPE_CHECKING:
    from onoma.analysis import Classified, Slice
    from onoma.document import Document, Span
    from onoma.evaluation import Matching

__all__ = ["MOST_CHARACTERS", "sentence_of", "sentences"]

MOST_CHARACTERS = 2_000_000
"""Characters of text a set may have in the page; the sentences behind are left out, and that is said."""

NO_LABEL = -1

ClassKey = tuple[tuple[int, ...], bool]
"""A class in each taxonomy, and whether it is of a false mention whose error misses gold as well."""

PlaceOf = Callable[[int, int], int]
"""The sentence of a document and a place in it."""


def sentences(
    classified: Mapping[str, Sequence[Classified]],
    slices: Mapping[str, Mapping[str, Slice]],
    most: int = MOST_CHARACTERS,
) -> dict[str, Any]:
    """What the page needs to show a set: plain JSON values.

    `classified` holds the errors of each system on one gold, in the same taxonomies, the one to be drawn first.
    """
    matchings = {name: row[0].matching for name, row in classified.items()}
    first = next(iter(matchings.values()))
    documents = first.places.documents
    names = list(next(iter(slices.values())))
    labels = sorted({name for each in matchings.values() for name in _labels(each)})
    rows, place_of = _rows(documents, list(matchings.values()))
    kept = _kept(rows, most)
    number = {label: place for place, label in enumerate(labels)}
    made: list[list[Any]] = [
        [documents[at].id, documents[at].text[start:end], [], [0] * len(classified)] for at, start, end in rows[:kept]
    ]
    codes = _codes([each.of_gold for each in next(iter(slices.values())).values()])
    gold = first.gold
    home: list[tuple[int, int]] = []
    for place, span in enumerate(gold.spans):
        row = place_of(int(gold.document[place]), span.start)
        home.append((row, len(made[row][2]) if row < kept else 0))
        if row < kept:
            made[row][2].append(_span(span, rows[row][1], number[span.label], codes[place]))
    classes: dict[ClassKey, int] = {}
    for at, (system, each) in enumerate(classified.items()):
        _add(made, at, each, classes, slices[system], rows, place_of, home, number)
    return {
        "systems": list(classified),
        "labels": labels,
        "taxonomies": [
            [each.taxonomy.name, list(each.taxonomy.kinds), [readable(kind) for kind in each.taxonomy.kinds]]
            for each in next(iter(classified.values()))
        ],
        "classes": [list(kinds) for kinds, _ in classes],
        "joint": [number for (_, joint), number in classes.items() if joint],
        "slices": [[name, list(next(iter(slices.values()))[name].values)] for name in names],
        "sentences": made,
        "cut": len(rows) - kept,
    }


def sentence_of(shown: Mapping[str, Any]) -> Callable[[str, int], tuple[int, int] | None]:
    """Who finds the sentence of a place: asked with a document's id and a character, it gives number and begin.

    Numbers count from 0 in `sentences`; a sentence that was left out there is None.
    """
    starts: dict[str, list[int]] = {}
    firsts: dict[str, int] = {}
    ends: dict[str, int] = {}
    for number, (id, text, *_) in enumerate(shown["sentences"]):
        firsts.setdefault(id, number)
        starts.setdefault(id, []).append(ends.get(id, 0))
        ends[id] = ends.get(id, 0) + len(text)

    def found(id: str, place: int) -> tuple[int, int] | None:
        if not 0 <= place < ends.get(id, 0):
            return None
        at = bisect_right(starts[id], place) - 1
        return firsts[id] + at, starts[id][at]

    return found


def _labels(matching: Matching) -> set[str]:
    return {*matching.names, *(problem.label for _, problem in matching.false_problems if problem.label)}


def _rows(documents: Sequence[Document], matchings: Sequence[Matching]) -> tuple[list[tuple[int, int, int]], PlaceOf]:
    """Sentences as document, start and end in characters, no mention over an end; and who finds that of a place."""
    crossed: list[list[tuple[int, int]]] = [[] for _ in documents]
    sides = [matchings[0].gold, *(each.found for each in matchings)]
    for side in sides:
        for place, span in enumerate(side.spans):
            crossed[int(side.document[place])].append((span.start, span.end))
    rows: list[tuple[int, int, int]] = []
    firsts: list[int] = []
    starts: list[list[int]] = []
    for at, document in enumerate(documents):
        tokens = document.tokens
        opened = [tokens.starts[start] for start, _ in document.sentences[1:]]
        held: set[int] = set()
        for start, end in crossed[at]:
            held.update(opened[bisect_right(opened, start) : _before(opened, end)])
        edges = [0, *(edge for edge in opened if edge not in held and edge), len(document.text)]
        firsts.append(len(rows))
        starts.append(edges[:-1])
        rows += [(at, low, high) for low, high in pairwise(edges)]

    def place_of(document: int, start: int) -> int:
        return firsts[document] + bisect_right(starts[document], start) - 1

    return rows, place_of


def _before(edges: Sequence[int], end: int) -> int:
    """How many edges lie before an end."""
    return bisect_right(edges, end - 1)


def _kept(rows: Sequence[tuple[int, int, int]], most: int) -> int:
    sizes = np.cumsum([end - start for _, start, end in rows]) if rows else np.zeros(0)
    return int(np.searchsorted(sizes, most, side="right"))


def _codes(slices: Sequence[Any]) -> list[str]:
    """One digit a slice for each mention."""
    if not slices or not len(slices[0]):
        return []
    return ["".join(map(str, row)) for row in np.stack(slices, axis=1).tolist()]


def _span(span: Span, base: int, label: int, codes: str, kind: int | None = None) -> list[Any]:
    row: list[Any] = [span.start - base, span.end - span.start, label, *(() if kind is None else (kind,)), codes]
    if span.fragments:
        row.append([[start - base, end - start] for start, end in span.fragments])
    return row


def _add(
    made: list[list[Any]],
    at: int,
    classified: Sequence[Classified],
    classes: dict[ClassKey, int],
    slices: Mapping[str, Slice],
    rows: Sequence[tuple[int, int, int]],
    place_of: PlaceOf,
    home: Sequence[tuple[int, int]],
    number: Mapping[str, int],
) -> None:
    """The differences of one system, and the classes that are new with it, in place."""
    matching = classified[0].matching
    kinds_of_missed, kinds_of_false = _kinds(classified, 1), _kinds(classified, 2)

    table = classified[0].table
    joint = set(table[table[:, 1] != NOTHING][:, 2].tolist())

    def class_of(kinds: tuple[int, ...], joint: bool = False) -> int:
        return classes.setdefault((kinds, joint), len(classes))

    def answer(row: int) -> list[Any] | None:
        if row >= len(made):
            return None
        if not made[row][3][at]:
            made[row][3][at] = [[], [], []]
        return made[row][3][at]

    for place in matching.missed.tolist():
        row, inside = home[place]
        if (found := answer(row)) is not None:
            found[0].append([inside, class_of(kinds_of_missed[place])])
    codes = _codes([each.of_spurious for each in slices.values()])
    for order, place in enumerate(matching.spurious.tolist()):
        span = matching.found.spans[place]
        row = place_of(int(matching.found.document[place]), span.start)
        if (found := answer(row)) is not None:
            kind = class_of(kinds_of_false[place], place in joint)
            found[1].append(_span(span, rows[row][1], number[span.label], codes[order], kind))
    for order, (document, problem) in enumerate(matching.false_problems):
        if (found := answer(place_of(document, 0))) is not None:
            place = len(matching.found) + order
            kind = class_of(kinds_of_false[place], place in joint)
            found[2].append([problem.text, number.get(problem.label or "", NO_LABEL), kind])


def _kinds(classified: Sequence[Classified], side: int) -> dict[int, tuple[int, ...]]:
    """The class in each taxonomy of every missed (column 1) or false (column 2) mention."""
    found = [dict(each.table[each.table[:, side] != NOTHING][:, [side, 0]].tolist()) for each in classified]
    return {place: tuple(each[place] for each in found) for place in found[0]}
