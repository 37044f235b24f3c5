"""Folds for predictions out of sample: documents that share a rare name stand together, as far as balance allows.

A wrong label that is repeated in other documents would be learnt from them and confirmed. So documents in which the
same rare name is labelled go into one fold, the rarest names first.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from onoma.datasets.overlap import normalised
from onoma.document import Document
from onoma.exceptions import ConfigError

__all__ = ["Folds", "entity_folds"]

RARE = 5
"""A name that is labelled in so many documents or fewer is rare."""
ROOM = 1.05
"""No fold gets more than this many times its share of the words, unless a single document does."""


@dataclass(frozen=True)
class Folds:
    """For each document the number of its fold, and how disjoint the folds are.

    `rare` counts mentions of names that are labelled in 2 to 5 documents, `rare_shared` those of them whose name is
    labelled in another fold, too; `mentions` and `shared` are the same of all mentions. `words` is by fold.
    """

    of: tuple[int, ...]
    words: tuple[int, ...]
    mentions: int
    shared: int
    rare: int
    rare_shared: int

    def __iter__(self) -> Iterator[tuple[list[int], list[int]]]:
        """For each fold that is not empty the places of the documents outside it, and of those in it."""
        for fold in range(len(self.words)):
            parts: tuple[list[int], list[int]] = [], []
            for at, home in enumerate(self.of):
                parts[home == fold].append(at)
            if parts[1]:
                yield parts

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        names = ("mentions", "shared", "rare", "rare_shared")
        return {"folds": len(self.words), "words": list(self.words), **{name: getattr(self, name) for name in names}}


def entity_folds(documents: Sequence[Document], folds: int = 5) -> Folds:
    """Each document in one of so many folds; the same for the same documents.

    Names are compared lower-cased, white space made one. Documents are joined into groups by the rarest names first,
    as long as a group stays within a fold's share of the words; then each group, the largest first, goes into the fold
    with most room. Raises `ConfigError` for fewer than 2 folds, or fewer documents than folds.
    """
    if folds < 2:
        raise ConfigError(f"folds = {folds}: there must be 2 or more")
    if len(documents) < folds:
        raise ConfigError(f"{len(documents)} documents cannot make {folds} folds: ask for fewer, or split them")
    names = [Counter(normalised(document.surface(span)) for span in document.spans) for document in documents]
    sizes = [max(1, len(document.tokens) or len(document.text.split())) for document in documents]
    holders: dict[str, list[int]] = defaultdict(list)
    for at, found in enumerate(names):
        for name in found:
            holders[name].append(at)
    groups = _joined(holders, sizes, ROOM * sum(sizes) / folds)
    of = [0] * len(documents)
    words = [0] * folds
    for group in sorted(groups, key=lambda group: (-sum(sizes[at] for at in group), group[0])):
        home = min(range(folds), key=lambda fold: (words[fold], fold))
        words[home] += sum(sizes[at] for at in group)
        for at in group:
            of[at] = home
    return Folds(tuple(of), tuple(words), *_shared(holders, names, of))


def _joined(holders: dict[str, list[int]], sizes: Sequence[int], room: float) -> list[list[int]]:
    """Groups of documents that share rare names, none larger than `room` unless it is one document."""
    parent = list(range(len(sizes)))
    weight = list(sizes)

    def find(at: int) -> int:
        while parent[at] != at:
            parent[at] = parent[parent[at]]
            at = parent[at]
        return at

    rare = [(len(found), name) for name, found in holders.items() if 1 < len(found) <= RARE]
    for _, name in sorted(rare):
        first, *others = holders[name]
        for other in others:
            one, two = sorted((find(first), find(other)))
            if one != two and weight[one] + weight[two] <= room:
                parent[two] = one
                weight[one] += weight[two]
    groups: dict[int, list[int]] = defaultdict(list)
    for at in range(len(sizes)):
        groups[find(at)].append(at)
    return list(groups.values())


def _shared(
    holders: dict[str, list[int]], names: Sequence[Counter[str]], of: Sequence[int]
) -> tuple[int, int, int, int]:
    """Mentions, those whose name is in several folds, mentions of rare names, those in several folds."""
    split = {name for name, found in holders.items() if len({of[at] for at in found}) > 1}
    rare = {name for name, found in holders.items() if 1 < len(found) <= RARE}

    def count(wanted: Iterable[str]) -> int:
        return sum(names[at][name] for name in wanted for at in holders[name])

    return count(holders), count(split), count(rare), count(rare & split)
