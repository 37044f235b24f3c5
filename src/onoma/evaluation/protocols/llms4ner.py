"""Two ways of counting at once, as the scorer of *Assessment of Generative NER in the Era of LLMs* does.

Where the answer copies the text exactly, a mention is (label, start, end); where it does not, both sides fall back to
(label, text) without any position. Both are multisets. A copy error may therefore raise the score: the original
prints no count of the second kind, the notes here always do.

Predictions carry no copy of the text, so the kind is told from the problems: an answer was not an exact copy if one
of its mentions was ungrounded or ambiguous, or if it was cut off. It is told for a whole document, the unit an
answer is for; the original has one sentence a document. In the first kind a mention without a place (of an unknown
label, or a duplicate) is a false positive; in the second it is a text like any other. Malformed items and items
without text or label never reach the original's lists and are not seen.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Sequence

from onoma.document import Document, Prediction
from onoma.evaluation.protocols.base import ProtocolScores
from onoma.evaluation.protocols.joined import Joined, join, join_notes, macro, plural, tuple_score
from onoma.evaluation.protocols.universalner import has_strings

__all__ = ["score"]

LOST_PLACE = ("ungrounded", "ambiguous")


def score(
    gold: Sequence[Document], predictions: Iterable[Prediction | Document], *, labels: Sequence[str] | None = None
) -> ProtocolScores:
    """Micro scores over multisets, by position or by text; raises as `onoma.evaluation.match`."""
    documents, answers = list(gold), list(predictions)
    pairs = join(documents, answers, labels)
    # Whether the answer is a copy does not depend on the labels looked at.
    whole = pairs if labels is None else join(documents, answers, None)
    copied = [not (pair.truncated or any(problem.kind in LOST_PLACE for problem in pair.problems)) for pair in whole]
    correct: Counter[str] = Counter()
    found: Counter[str] = Counter()
    expected: Counter[str] = Counter()
    by_text = sentences = unseen = 0
    for pair, copy in zip(pairs, copied, strict=True):
        in_text = not copy
        by_text += in_text
        sentences += in_text * max(1, len(pair.document.sentences))
        unseen += sum(not has_strings(problem) for problem in pair.problems)
        golds, answers = _mentions(pair, in_text)
        for (label, _), count in golds.items():
            expected[label] += count
        for (label, _), count in answers.items():
            found[label] += count
        for (label, _), count in (golds & answers).items():
            correct[label] += count
    by_label = {
        label: tuple_score(correct[label], found[label], expected[label]) for label in sorted({*expected, *found})
    }
    notes = [
        f"compared by text, as the answer is no exact copy: {plural(sentences, 'sentence')} "
        f"in {by_text:,} of {plural(len(pairs), 'document')}",
        *join_notes(pairs, fragments="are compared by their pieces"),
    ]
    if unseen:
        notes.append(f"{plural(unseen, 'item')} without text or label, or malformed: not seen by the original")
    return ProtocolScores(
        protocol="llms4ner",
        rule="label and position, or label and text where the answer is no exact copy; LLMs4NER",
        micro=tuple_score(correct.total(), found.total(), expected.total()),
        macro=macro(by_label, expected),
        by_label=by_label,
        notes=tuple(notes),
    )


def _mentions(pair: Joined, in_text: bool) -> tuple[Counter[tuple[str, Hashable]], Counter[tuple[str, Hashable]]]:
    """Both sides as multisets of (label, place or text)."""
    sides: list[Counter[tuple[str, Hashable]]] = []
    for spans in (pair.gold, pair.predicted):
        sides.append(
            Counter(
                (span.label, pair.document.surface(span) if in_text else (span.start, span.end, span.fragments))
                for span in spans
            )
        )
    for number, problem in enumerate(filter(has_strings, pair.problems)):
        # By position, a mention without one is equal to no other.
        sides[1][(problem.label or "", problem.text if in_text else (-1, number))] += 1
    return sides[0], sides[1]
