"""How well training data know the labels and mentions of a test set: to be read beside every zero-shot number."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

from onoma.analysis.mentions import Known
from onoma.document import Document

__all__ = ["Familiarity", "Kinship", "LabelFamiliarity", "familiarity"]

Kinship = Literal["exact", "case", "spelling", "words", "new"]
"""How a label is known: itself; but for case and joints; abbreviated or spelt almost alike; by a shared word; not."""

ALIKE = 0.8
"""Share of letters that two spellings of one label have in common, as 1 less their edit distance over the longer."""
ABBREVIATION = 3
"""Letters that an abbreviation has at least."""

_WORD = re.compile(r"[^\W\d_]+?(?=[A-Z][a-z])|[^\W\d_]+|\d+")
"""Words between joints, and those of CamelCase."""


@dataclass(frozen=True, slots=True)
class LabelFamiliarity:
    """A label of the test set: its nearest label in training, and how many of its mentions have a known text.

    `likeness` is 1 for the same label, else the share of letters in common, or of words (Jaccard). `seen` counts
    mentions whose text was a mention in training under any label, `seen_alike` those under the nearest label.
    """

    label: str
    kinship: Kinship
    nearest: str | None
    likeness: float
    mentions: int
    seen: int
    seen_alike: int

    @property
    def seen_share(self) -> float:
        """Share of the mentions whose text was seen."""
        return self.seen / self.mentions if self.mentions else 0.0

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values; shares are fractions."""
        return {**asdict(self), "seen_share": self.seen_share}


@dataclass(frozen=True, slots=True)
class Familiarity:
    """All labels of a test set, in alphabetical order."""

    labels: tuple[LabelFamiliarity, ...]

    @property
    def mentions(self) -> int:
        """Mentions of the test set."""
        return sum(each.mentions for each in self.labels)

    @property
    def seen_share(self) -> float:
        """Share of the mentions whose text was a mention in training, under any label."""
        return sum(each.seen for each in self.labels) / self.mentions if self.mentions else 0.0

    @property
    def shares(self) -> dict[str, float]:
        """Share of the mentions by how their label is known."""
        counts: Counter[str] = Counter()
        for each in self.labels:
            counts[each.kinship] += each.mentions
        return {kind: counts[kind] / self.mentions if self.mentions else 0.0 for kind in get_args(Kinship)}

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values; shares are fractions."""
        labels = [each.to_dict() for each in self.labels]
        return {"labels": labels, "mentions": self.mentions, "seen_share": self.seen_share, "shares": self.shares}


def familiarity(documents: Iterable[Document], known: Known) -> Familiarity:
    """The labels of some gold held against those of training data."""
    counts: Counter[tuple[str, str]] = Counter()
    for document in documents:
        counts.update([(span.label, document.surface(span)) for span in document.spans])
    rows: list[LabelFamiliarity] = []
    for label in sorted({label for label, _ in counts}):
        kinship, nearest, likeness = _nearest(label, sorted(known.labels))
        texts = [(text, count) for (each, text), count in counts.items() if each == label]
        seen = sum(count for text, count in texts if text in known.texts)
        alike = sum(count for text, count in texts if nearest in known.texts.get(text, ()))
        rows.append(LabelFamiliarity(label, kinship, nearest, likeness, sum(n for _, n in texts), seen, alike))
    return Familiarity(tuple(rows))


def _nearest(label: str, others: list[str]) -> tuple[Kinship, str | None, float]:
    """The nearest of some labels: by kinship, then likeness, then alphabet."""
    order = get_args(Kinship)
    found = [(*_kinship(label, other), other) for other in others]
    kinship, likeness, nearest = min(
        found, key=lambda each: (order.index(each[0]), -each[1], each[2]), default=("new", 0.0, None)
    )
    return kinship, (None if kinship == "new" else nearest), likeness


def _kinship(label: str, other: str) -> tuple[Kinship, float]:
    if label == other:
        return "exact", 1.0
    words, known = (frozenset(map(str.casefold, _WORD.findall(each))) for each in (label, other))
    one, two = ("".join(map(str.casefold, _WORD.findall(each))) for each in (label, other))
    likeness = _likeness(one, two)
    if one == two and one:
        return "case", likeness
    shorter, longer = sorted((one, two), key=len)
    if likeness >= ALIKE or (len(shorter) >= ABBREVIATION and longer.startswith(shorter)):
        return "spelling", likeness
    shared = len(words & known)
    return ("words", shared / len(words | known)) if shared else ("new", 0.0)


def _likeness(one: str, two: str) -> float:
    from rapidfuzz.distance import Levenshtein

    return Levenshtein.normalized_similarity(one, two)
