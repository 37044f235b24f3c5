"""Normalised strings, as the evaluators of UniversalNER and GNER compare them: no positions at all.

A mention is (text, label), the text lower-cased, without ASCII punctuation, without the words a, an and the, and
with single blanks. Each sentence holds a mention once: a second "Paris" of the same label adds nothing, and a
prediction of the wrong "Paris" is right. Micro counts over sentences (UniversalNER src/eval/evaluate.py; the 1e-10 in
its denominators is left out).

A mention that could not be placed in the text is a string like any other if it has text and label. It belongs to
the first sentence where it is right and not yet predicted, as nothing says where it stood, and else is wrong once.
Items without text or label, and malformed ones, never reach the original's lists and are not seen.
"""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Iterable, Sequence

from onoma.document import Document, Prediction, Problem, Span
from onoma.evaluation.protocols.base import ProtocolScores
from onoma.evaluation.protocols.joined import Joined, by_sentence, join, join_notes, macro, plural, tuple_score

__all__ = ["has_strings", "normalised", "score"]

ARTICLES = re.compile(r"\b(?:a|an|the)\b")
NO_PUNCTUATION = str.maketrans("", "", string.punctuation)

Mention = tuple[str, str]
"""Normalised text and label."""


def score(
    gold: Sequence[Document], predictions: Iterable[Prediction | Document], *, labels: Sequence[str] | None = None
) -> ProtocolScores:
    """Micro scores over unique (text, label) of each sentence; raises as `onoma.evaluation.match`."""
    pairs = join(gold, predictions, labels)
    correct: Counter[str] = Counter()
    found: Counter[str] = Counter()
    expected: Counter[str] = Counter()
    unseen = 0
    for pair in pairs:
        seen = [problem for problem in pair.problems if has_strings(problem)]
        unseen += len(pair.problems) - len(seen)
        golds = [{_mention(pair, span) for span in part} for part in by_sentence(pair.document, pair.gold)]
        answers = [{_mention(pair, span) for span in part} for part in by_sentence(pair.document, pair.predicted)]
        wrong = _place([(normalised(each.text), each.label or "") for each in seen], golds, answers)
        found.update(label for _, label in wrong)
        for left, right in zip(golds, answers, strict=True):
            expected.update(label for _, label in left)
            found.update(label for _, label in right)
            correct.update(label for _, label in left & right)
    by_label = {
        label: tuple_score(correct[label], found[label], expected[label]) for label in sorted({*expected, *found})
    }
    notes = join_notes(pairs, problems="are compared as strings", fragments="are their pieces, joined")
    if unseen:
        notes = (*notes, f"{plural(unseen, 'item')} without text or label, or malformed: not seen by the original")
    return ProtocolScores(
        protocol="universalner",
        rule="normalised text and label, once a sentence, no position; UniversalNER and GNER",
        micro=tuple_score(correct.total(), found.total(), expected.total()),
        macro=macro(by_label, expected),
        by_label=by_label,
        notes=notes,
    )


def normalised(text: str) -> str:
    """Lower case, no ASCII punctuation, no English articles, single blanks, in this order."""
    return " ".join(ARTICLES.sub(" ", text.lower().translate(NO_PUNCTUATION)).split())


def has_strings(problem: Problem) -> bool:
    """Whether a scorer of strings would have seen this item: it was well formed and had text and label."""
    return problem.kind != "malformed" and bool(problem.text) and problem.label is not None


def _mention(pair: Joined, span: Span) -> Mention:
    return normalised(pair.document.surface(span)), span.label


def _place(loose: list[Mention], golds: list[set[Mention]], answers: list[set[Mention]]) -> set[Mention]:
    """Add mentions without a place to the sentences' answers; returns those that are wrong wherever they stood."""
    wrong: set[Mention] = set()
    for mention in sorted(loose):
        home = next((at for at, left in enumerate(golds) if mention in left and mention not in answers[at]), None)
        if home is not None:
            answers[home].add(mention)
        elif not any(mention in answer for answer in answers):
            wrong.add(mention)
    return wrong
