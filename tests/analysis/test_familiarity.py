"""Labels and mentions of a test set that training data know."""

from __future__ import annotations

import pytest

from onoma import Document, Span
from onoma.analysis import Known, familiarity


def documents(*mentions: tuple[str, str]) -> list[Document]:
    return [
        Document(str(number), text, spans=(Span(0, len(text), label),)) for number, (text, label) in enumerate(mentions)
    ]


KNOWN = Known(
    documents(
        ("Ada", "person"), ("Rome", "location"), ("Rome", "team"), ("Nile", "body of water"), ("x", "organization")
    )
)


@pytest.mark.parametrize(
    ("label", "kinship", "nearest", "likeness"),
    [
        ("person", "exact", "person", 1.0),
        ("PERSON", "case", "person", 1.0),
        ("BodyOfWater", "case", "body of water", 1.0),
        ("body_of-water", "case", "body of water", 1.0),
        ("LOC", "spelling", "location", 3 / 8),
        ("organisation", "spelling", "organization", 11 / 12),
        ("water-mill", "words", "body of water", 1 / 4),
        ("disease", "new", None, 0.0),
        ("12", "new", None, 0.0),
    ],
)
def test_labels_are_known_in_some_way(label: str, kinship: str, nearest: str | None, likeness: float) -> None:
    (found,) = familiarity(documents(("y", label)), KNOWN).labels
    assert (found.label, found.kinship, found.nearest) == (label, kinship, nearest)
    assert found.likeness == pytest.approx(likeness)


def test_mentions_are_counted_where_their_text_was_seen() -> None:
    test = documents(("Rome", "LOC"), ("Rome", "disease"), ("Oslo", "LOC"), ("Ada", "LOC"), ("x", "disease"))
    made = familiarity(test, KNOWN)
    loc, disease = made.labels
    assert (loc.mentions, loc.seen, loc.seen_alike, loc.seen_share) == (3, 2, 1, 2 / 3)
    assert (disease.mentions, disease.seen, disease.seen_alike) == (2, 2, 0)
    assert made.mentions == 5 and made.seen_share == 4 / 5
    assert made.shares == {"exact": 0, "case": 0, "spelling": 0.6, "words": 0, "new": 0.4}
    assert made.to_dict()["labels"][0]["seen_share"] == 2 / 3


def test_nothing_is_known_of_nothing() -> None:
    assert familiarity([], KNOWN).seen_share == 0
    (label,) = familiarity(documents(("Ada", "person")), Known(())).labels
    assert (label.kinship, label.nearest, label.seen) == ("new", None, 0)
