"""What a count links to: mentions of a matching, made into spans when somebody looks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from onoma.document import Problem, Span
from onoma.evaluation.matching import Matching

__all__ = ["NOTHING", "Example", "examples"]

NOTHING = -1
"""No mention, in a column of places."""


@dataclass(frozen=True, slots=True)
class Example:
    """A gold mention, a predicted one (a span, or a problem that stands for a mention), or both held side by side.

    `document` is the number of the document in the matching.
    """

    document: int
    gold: Span | None = None
    found: Span | Problem | None = None


def examples(matching: Matching, pairs: Iterable[tuple[int, int]]) -> tuple[Example, ...]:
    """Pairs of places in gold and in what was found, `NOTHING` for none; places behind the spans are problems."""
    gold, found, problems = matching.gold, matching.found, matching.false_problems
    made: list[Example] = []
    for one, other in pairs:
        span = None if one == NOTHING else gold.spans[one]
        if other >= len(found):
            document, what = problems[other - len(found)]
        else:
            what = None if other == NOTHING else found.spans[other]
            document = int(gold.document[one] if other == NOTHING else found.document[other])
        made.append(Example(document, span, what))
    return tuple(made)
