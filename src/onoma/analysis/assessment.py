"""The eight error types of *Assessment of Generative NER in the Era of LLMs* (section 5), with an order of precedence.

The paper leaves open which type wins where several fit. Here a false mention is looked at in the order of the classes
below, against the gold it overlaps most; gold that is found is passed over where missed gold is overlapped, too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from onoma.analysis.examples import NOTHING
from onoma.analysis.overlaps import first_of_each, overlaps
from onoma.analysis.taxonomy import Classified, Taxonomy, rows
from onoma.document import Span
from onoma.evaluation.columns import Integers
from onoma.evaluation.matching import Matching

__all__ = ["ASSESSMENT", "flags"]

OF_PROBLEMS = {"ungrounded": "ood_mention", "unknown_label": "ood_type", "duplicate": "duplicate"}


def _sort(matching: Matching, number: Mapping[str, int]) -> Iterator[Integers]:
    kinds = [number[OF_PROBLEMS.get(problem.kind, "unreadable")] for _, problem in matching.false_problems]
    yield rows(kinds, false=len(matching.found) + np.arange(len(kinds)))
    kind, beside = _kinds(matching, number)
    yield rows(kind, false=matching.spurious, beside=beside)
    kind = np.full(len(matching.missed), number["omitted"])
    kind[overlaps(matching).of_missed.wrong] = number["touched"]
    yield rows(kind, missed=matching.missed)


def _kinds(matching: Matching, number: Mapping[str, int]) -> tuple[Integers, Integers]:
    """The class of each spurious mention, and the gold it is held against."""
    all_touched, gold, found = overlaps(matching), matching.gold, matching.found
    touched = all_touched.of_spurious
    one, other = touched.gold, touched.found
    # The same mention, the same place, then missed gold, then overlap, the same label, leftmost, shortest.
    best = first_of_each(
        touched.wrong,
        ~(touched.place & touched.label),
        ~touched.place,
        ~all_touched.is_missed[one],
        -touched.shared,
        ~touched.label,
        all_touched.ranks[0][one],
    )
    one, other = one[best], other[best]
    first, last = gold.start[one] - found.start[other], gold.end[one] - found.end[other]
    of_gold = np.zeros(len(matching.names), bool)
    of_gold[gold.label] = True
    chosen = np.select(
        [
            touched.place[best] & touched.label[best],
            touched.place[best] & of_gold[found.label[other]],
            touched.place[best],
            (first == 0) & (last == 0),
            (first >= 0) & (last <= 0),
            (first <= 0) & (last >= 0),
        ],
        [
            number[kind]
            for kind in ("duplicate", "wrong_type", "ood_type", "overlap", "contains_gold", "contained_by_gold")
        ],
        number["overlap"],
    )
    kind = np.full(len(matching.spurious), number["completely_o"])
    beside = np.full(len(matching.spurious), NOTHING)
    kind[touched.wrong[best]], beside[touched.wrong[best]] = chosen, one
    return kind, beside


def flags(classified: Classified) -> dict[str, dict[str, int]]:
    """Of the false mentions of each class, how many have another label than the gold beside, and one the gold lacks.

    The paper's types for wrong boundaries and for mentions beside all gold do not look at labels; these are counted
    by themselves (`type_also_wrong`, `label_out_of_set`).
    """
    labels = set(classified.matching.gold_labels)
    counts = {kind: {"type_also_wrong": 0, "label_out_of_set": 0} for kind in classified.taxonomy.kinds}
    for error in classified.errors:
        if isinstance(error.false, Span):
            row = counts[error.kind]
            row["type_also_wrong"] += error.beside is not None and error.beside.label != error.false.label
            row["label_out_of_set"] += error.false.label not in labels
    return counts


ASSESSMENT = Taxonomy(
    "assessment",
    {
        "ood_mention": "a mention that does not stand in the text",
        "ood_type": "a label that is not one of the gold's, at a right place where it has one",
        "wrong_type": "right place, another label of the gold's",
        "contains_gold": "encloses the gold mention it overlaps most",
        "contained_by_gold": "lies inside the gold mention it overlaps most",
        "overlap": "overlaps gold in another way",
        "completely_o": "touches no gold",
        "omitted": "gold that no prediction touches",
        "duplicate": "a mention that was found already (a ninth class: the paper has none)",
        "unreadable": "an item of an answer that is no mention, or one of several places (a tenth class)",
        "touched": "missed gold that a prediction touches: that prediction's class says how",
    },
    _sort,
    "Assessment of Generative NER, section 5",
)
