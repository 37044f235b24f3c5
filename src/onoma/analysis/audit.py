"""Which gold labels look wrong: one ranked list of places, from what a model that has not learnt from them says.

A place is what overlapping gold and predicted mentions cover together, or an unlabelled occurrence of a text that is a
mention elsewhere. It is as doubtful as its most doubtful token, and listed where there is any reason to doubt it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from onoma.analysis.consistency import Elsewhere, Usage, token_range
from onoma.analysis.label_quality import DOUBTS, Chances, Evidence, chances_of_scores, evidence
from onoma.document import Document, Prediction, Span
from onoma.evaluation.matching import match
from onoma.exceptions import ConfigError, EvaluationError

__all__ = ["RULES", "Audit", "Kind", "Suspicion", "audit", "clusters"]

Kind = Literal["missing", "spurious", "label", "boundaries"]
"""What would change: a mention comes, goes, gets another label, or anything else."""

RULES: dict[str, str] = {
    "combined": "the mean of normalised margin and surface",
    "self_confidence": "1 - the chance of the gold class",
    "margin": "how far the chance of another class is above that of the gold class",
    "normalised_margin": "the same, each chance less the threshold of its class",
    "disagreement": "whether model and gold differ at all, however sure the model is",
    "surface": "how the same text is labelled elsewhere, without a model",
}
"""What places can be ranked by; those that are equal by a rule are ranked by `combined`."""


@dataclass(frozen=True, slots=True)
class Suspicion:
    """One place: what gold says, what is proposed, how doubtful it is by the rule ([0,1]) and why, in plain words.

    `start` and `end` are characters of the document; `scores` has the doubt by every rule.
    """

    document_id: str
    start: int
    end: int
    text: str
    gold: tuple[Span, ...]
    proposed: tuple[Span, ...]
    score: float
    reasons: tuple[str, ...]
    scores: Mapping[str, float]

    @property
    def kind(self) -> Kind:
        """What would change."""
        if not self.gold or not self.proposed:
            return "spurious" if self.gold else "missing"
        same = [(each.start, each.end) for each in self.gold] == [(each.start, each.end) for each in self.proposed]
        return "label" if same else "boundaries"

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        sides = {
            name: [{"start": span.start, "end": span.end, "label": span.label} for span in spans]
            for name, spans in (("gold", self.gold), ("proposed", self.proposed))
        }
        return {
            "document_id": self.document_id,
            "start": self.start,
            "end": self.end,
            "text": self.text,
            "kind": self.kind,
            **sides,
            "score": round(self.score, 6),
            "reasons": list(self.reasons),
            "scores": {name: round(value, 6) for name, value in self.scores.items()},
        }


@dataclass(frozen=True)
class Audit:
    """The ranked list, the most doubtful place first, and what was looked at.

    `thresholds` has the mean chance of each class at the tokens that have it in gold ("" for no mention); `mentions`
    are gold's, `disagreements` the places at which model and gold differ.
    """

    rule: str
    suspicions: tuple[Suspicion, ...]
    thresholds: Mapping[str, float]
    documents: int
    mentions: int
    disagreements: int


def audit(
    documents: Sequence[Document],
    predictions: Iterable[Prediction],
    chances: Mapping[str, Chances] | None = None,
    *,
    rule: str = "combined",
    extra: Iterable[Document] = (),
) -> Audit:
    """Rank the places of labelled documents with tokens by how doubtful their gold is.

    `predictions` must be out of sample; `chances`, by document id, are those of every class at every token (where None,
    the scores of spans stand for them). Texts are looked up in the documents and in `extra` ones. Documents without a
    prediction are not looked at. Raises `ConfigError` for an unknown rule, `EvaluationError` as `match` does and for
    documents without tokens.
    """
    if rule not in RULES:
        raise ConfigError(f"rule {rule!r} is unknown: one of {', '.join(RULES)}")
    given = list(predictions)
    match(documents, given)  # one document an id, one prediction each
    answers = {each.document_id: each for each in given}
    for document in documents:
        if document.text.strip() and not document.tokens:
            raise EvaluationError(f"document {document.id!r} has no tokens: split it first")
    seen = [document for document in documents if document.id in answers]
    found = [answers[document.id] for document in seen]
    known = chances_of_scores(seen, found) if chances is None else [chances[document.id] for document in seen]
    facts = evidence(seen, known)
    judge = _Judge(facts, Usage((*documents, *extra)), rule)
    places = [
        place
        for number, (document, prediction) in enumerate(zip(seen, found, strict=True))
        for place in judge.places(number, document, prediction)
        if place.reasons
    ]
    # The rule first; then, among equals, what the others say; then the order of the text (the sort is stable).
    places.sort(key=lambda place: (-place.score, -place.scores["combined"]))
    return Audit(
        rule,
        tuple(places),
        {label or "": float(value) for label, value in zip(facts.classes, facts.thresholds, strict=True)},
        len(seen),
        sum(len(document.spans) for document in seen),
        sum(place.scores["disagreement"] > 0 for place in places),
    )


class _Judge:
    """Everything known of a corpus, and the doubts that follow for a place."""

    def __init__(self, facts: Evidence, usage: Usage, rule: str) -> None:
        self.facts, self.usage, self.rule = facts, usage, rule
        self.doubts = {name: doubt(facts) for name, doubt in DOUBTS.items()}
        self.counted = facts.off_diagonal()

    def places(self, number: int, document: Document, prediction: Prediction) -> Iterator[Suspicion]:
        """The places of a document in the order of the text."""
        made = [self._judged(number, document, *sides) for sides in clusters(document.spans, prediction.spans)]
        reached = 0
        for first, last, words in self.usage.unlabelled(document, (*document.spans, *prediction.spans)):
            label = self.usage.elsewhere(words, None).majority
            if label is not None and first >= reached:
                reached = last
                span = Span(document.tokens.starts[first], document.tokens.ends[last - 1], label)
                made.append(self._judged(number, document, (), (), span))
        return iter(sorted(made, key=lambda place: (place.start, place.end)))

    def _judged(
        self,
        number: int,
        document: Document,
        gold: tuple[Span, ...],
        predicted: tuple[Span, ...],
        usual: Span | None = None,
    ) -> Suspicion:
        """A place; `usual` is what an unlabelled text is elsewhere."""
        spans = (*gold, *predicted) if usual is None else (usual,)
        start, end = min(span.start for span in spans), max(span.end for span in spans)
        surface, elsewhere, better = self._surface(document, gold, predicted, usual)
        differ = set(gold) != set(predicted)
        base = self.facts.begins[number]
        tokens = sorted({base + at for span in spans for at in range(*token_range(document, span))})
        scores = {name: float(values[tokens].max(initial=0.0)) for name, values in self.doubts.items()}
        scores["disagreement"] = float(differ)
        scores["surface"] = surface
        scores["combined"] = (scores["normalised_margin"] + surface) / 2
        proposed = predicted if differ else better
        return Suspicion(
            document.id,
            start,
            end,
            document.text[start:end],
            gold,
            tuple(replace(span, score=None) for span in proposed),
            scores[self.rule],
            tuple(self._reasons(document, predicted, differ, tokens, elsewhere)),
            {name: scores[name] for name in RULES},
        )

    def _surface(
        self, document: Document, gold: tuple[Span, ...], predicted: tuple[Span, ...], usual: Span | None
    ) -> tuple[float, tuple[str, str, Elsewhere] | None, tuple[Span, ...]]:
        """How strongly other occurrences of a text here speak against gold, which text, and what it would become."""
        worst: tuple[float, tuple[str, str, Elsewhere] | None, tuple[Span, ...]] = (0.0, None, gold)
        asked = [(span, span.label) for span in gold]
        if not gold:
            asked = [(span, None) for span in (predicted if usual is None else (usual,))]
        for span, label in asked:
            first, last = token_range(document, span)
            others = self.usage.elsewhere(document.words[first:last], label)
            against = others.against(label)
            if against > worst[0]:
                kept = tuple(each for each in gold if each is not span)
                new = () if others.majority is None else (replace(span, label=others.majority),)
                worst = against, (document.surface(span), label or "no mention", others), (*kept, *new)
        return worst

    def _reasons(
        self,
        document: Document,
        predicted: tuple[Span, ...],
        differ: bool,
        tokens: Sequence[int],
        elsewhere: tuple[str, str, Elsewhere] | None,
    ) -> Iterator[str]:
        at = max(tokens, key=lambda token: (self.doubts["self_confidence"][token], -token), default=None)
        chance = 0.0 if at is None else float(self.facts.confidence[at])
        said = _said(document, predicted)
        if differ:
            yield f"the model says {said}; it gives the gold label a chance of {chance:.2f}"
        elif chance < 0.5:
            yield f"the model says the same, but gives it a chance of {chance:.2f} only"
        counted = next((token for token in tokens if self.counted[token]), None)
        if counted is not None:
            chances = self.facts.chances[counted]
            best = np.where(chances >= self.facts.thresholds, chances, -1.0).argmax()
            yield f"confident learning counts it as {self.facts.classes[int(best)] or 'no mention'}"
        if elsewhere is not None:
            text, label, others = elsewhere
            yield f"{text!r} is {label} here, elsewhere {others}"


def _said(document: Document, spans: Sequence[Span]) -> str:
    if not spans:
        return "no mention"
    scores = ("" if span.score is None else f" ({span.score:.2f})" for span in spans)
    return ", ".join(
        f"{span.label} {document.surface(span)!r}{score}" for span, score in zip(spans, scores, strict=True)
    )


def clusters(gold: Sequence[Span], predicted: Sequence[Span]) -> Iterator[tuple[tuple[Span, ...], tuple[Span, ...]]]:
    """Gold and predicted mentions that overlap, however many in a row, together."""
    both = [(span, side) for side, spans in enumerate((gold, predicted)) for span in spans]
    sides: tuple[list[Span], list[Span]] = [], []
    reached = 0
    for span, side in sorted(both, key=lambda each: (each[0].start, each[0].end, each[1], each[0].label)):
        if span.start >= reached and any(sides):
            yield tuple(sides[0]), tuple(sides[1])
            sides = [], []
        sides[side].append(span)
        reached = max(reached, span.end)
    if any(sides):
        yield tuple(sides[0]), tuple(sides[1])
