"""One tag a token, in any of the six schemes: the encoding of taggers."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from typing import Any, get_args

from onoma import schemes
from onoma.document import Document, LabelSet, Prediction, Problem, Span
from onoma.encodings.base import Loss, OnMisaligned, TagAnswer, TagTargets, misaligned
from onoma.exceptions import ConfigError, DataError
from onoma.schemes import TokenSpan

__all__ = ["Tags"]

Bounds = tuple[int, int]


class Tags:
    """Documents as tag sequences by sentence.

    Tags hold flat, contiguous spans that begin and end at token edges inside one sentence. What a document has
    beside that is handled by `on_misaligned`: `error` lists them, `expand` widens spans that cut a token and drops
    the others, `drop` drops them all. Dropped spans are in `TagTargets.losses` and, since gold is never
    changed, still count in every score.
    """

    name = "tags"

    def __init__(
        self,
        labels: Iterable[str],
        scheme: str = "BIO",
        repair: schemes.Repair = "conlleval",
        on_misaligned: OnMisaligned = "error",
    ) -> None:
        if on_misaligned not in get_args(OnMisaligned):
            raise ConfigError(f"on_misaligned {on_misaligned!r} is unknown: one of {', '.join(get_args(OnMisaligned))}")
        if repair not in schemes.REPAIRS:
            raise ConfigError(f"repair policy {repair!r} is unknown: one of {', '.join(schemes.REPAIRS)}")
        self.labels = LabelSet(labels)
        self.scheme = schemes.get(scheme)
        self.repair: schemes.Repair = repair
        self.on_misaligned: OnMisaligned = on_misaligned
        self.tagset = self.scheme.tagset(self.labels)

    def settings(self) -> dict[str, Any]:
        """The arguments of this encoding as plain JSON values."""
        return {
            "labels": list(self.labels),
            "scheme": self.scheme.name,
            "repair": self.repair,
            "on_misaligned": self.on_misaligned,
        }

    # ------------------------------------------------------------------ encode

    def encode(self, document: Document) -> TagTargets:
        """Tags of every sentence; raises `MisalignedSpansError` under `on_misaligned="error"`."""
        kept, losses = self._fit(document)
        if losses and self.on_misaligned == "error":
            raise misaligned(document, losses)
        tags: list[tuple[str, ...]] = []
        at = 0
        for first, last in document.sentences:
            inside: list[TokenSpan] = []
            while at < len(kept) and kept[at].start < last:
                span = kept[at]
                inside.append(TokenSpan(span.start - first, span.end - first, span.label))
                at += 1
            tags.append(tuple(self.scheme.tags(last - first, inside)))
        return TagTargets(tuple(document.sentence_words()), tuple(tags), losses)

    def losses(self, document: Document) -> tuple[Loss, ...]:
        """The spans that tags cannot write as they are."""
        return self._fit(document)[1]

    def _fit(self, document: Document) -> tuple[list[TokenSpan], tuple[Loss, ...]]:
        """Flat token spans in order, and what had to be left out; the longer span wins where two overlap."""
        starts = [token.start for token in document.tokens]
        ends = [token.end for token in document.tokens]
        opens = [first for first, _ in document.sentences]
        known = set(self.labels)
        kept: list[TokenSpan] = []
        losses: list[Loss] = []
        taken: set[int] = set()
        beside: set[tuple[int, int, str]] = set()  # sentences and tokens that touch a span, and its label
        for span in sorted(document.spans, key=lambda span: (span.start - span.end, span.start, span.label)):
            tokens, cuts = _token_range(span, starts, ends)
            if span.discontinuous:
                why = "discontinuous"
            elif span.label not in known:
                why = f"label {span.label!r} is not one of {', '.join(self.labels)}"
            elif tokens is None:
                why = "covers no token"
            elif cuts and self.on_misaligned != "expand":
                why = "cuts a token"
            elif (sentence := bisect_right(opens, tokens[0])) != bisect_right(opens, tokens[1] - 1):
                why = "crosses a sentence boundary"
            elif not taken.isdisjoint(range(*tokens)):
                why = "overlaps another span"
            elif not self.scheme.marks_begin and not beside.isdisjoint(
                (sentence, token, span.label) for token in (tokens[0], tokens[1] - 1)
            ):
                why = f"touches another span of its label, which {self.scheme.name} cannot tell apart"
            else:
                beside |= {(sentence, token, span.label) for token in (tokens[0] - 1, tokens[1])}
                taken.update(range(*tokens))
                kept.append(TokenSpan(*tokens, span.label))
                continue
            losses.append(Loss(span, why))
        return sorted(kept), tuple(losses)

    # ------------------------------------------------------------------ decode

    def decode(self, document: Document, answers: Sequence[TagAnswer | Sequence[str]]) -> Prediction:
        """Spans from one answer a sentence (a `TagAnswer` or bare tags), illegal sequences by the repair policy.

        A tag of an unknown label becomes a problem. Raises `DataError` when a word has no tag or a tag no word.
        """
        if len(answers) != len(document.sentences):
            raise DataError(f"document {document.id!r}: {len(answers)} answers for {len(document.sentences)} sentences")
        spans: list[Span] = []
        problems: list[Problem] = []
        flat: list[str] = []
        known = set(self.labels)
        for (first, last), answer in zip(document.sentences, answers, strict=True):
            tags, score = (answer.tags, answer.span_score) if isinstance(answer, TagAnswer) else (answer, None)
            if len(tags) != last - first:
                raise DataError(f"document {document.id!r}: {len(tags)} tags for {last - first} words of a sentence")
            flat.extend(tags)
            for start, end, label in self.scheme.spans(tags, self.repair):
                left, right = document.tokens.characters(first + start, first + end)
                if left == right or label not in known:
                    kind = "ungrounded" if left == right else "unknown_label"
                    within = document.tokens.characters(first, last)
                    problems.append(Problem(kind, document.text[left:right], label, within))
                    continue
                spans.append(Span(left, right, label, None if score is None else score(start, end)))
        return Prediction(document.id, tuple(spans), tuple(problems), tags=tuple(flat))


def _token_range(span: Span, starts: Sequence[int], ends: Sequence[int]) -> tuple[Bounds | None, bool]:
    """Half-open range of the tokens a span touches, and whether it cuts one; None where it touches none."""
    first = bisect_right(ends, span.start)
    last = bisect_left(starts, span.end)
    while first < last and starts[first] == ends[first]:  # an empty token at the edge holds nothing
        first += 1
    while first < last and starts[last - 1] == ends[last - 1]:
        last -= 1
    if first >= last:
        return None, False
    return (first, last), starts[first] != span.start or ends[last - 1] != span.end
