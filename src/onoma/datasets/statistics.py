"""What a data set holds, in numbers."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from onoma.document import Document, Span

__all__ = ["DataStatistics", "statistics"]


@dataclass(frozen=True)
class DataStatistics:
    """Counts of some documents; token counts are 0 for text that was never split.

    `lengths` counts mentions by their length in tokens, those that are no row of whole tokens left out.
    `surfaces` is the number of distinct texts of each label.
    """

    documents: int
    sentences: int
    tokens: int
    characters: int
    mentions: int
    labels: Mapping[str, int]
    surfaces: Mapping[str, int]
    lengths: Mapping[int, int]
    empty_sentences: int
    nested: int
    discontinuous: int
    token_cutting: int

    @property
    def words_per_sentence(self) -> float:
        """Mean number of tokens in a sentence; 0 where there is none."""
        return self.tokens / self.sentences if self.sentences else 0.0

    @property
    def empty_share(self) -> float:
        """Share of sentences without any mention; 0 where there is no sentence."""
        return self.empty_sentences / self.sentences if self.sentences else 0.0

    def record(self) -> dict[str, Any]:
        """All of it as JSON can hold it."""
        record = asdict(self)
        record["lengths"] = {str(length): count for length, count in self.lengths.items()}
        return record | {"words_per_sentence": self.words_per_sentence, "empty_share": self.empty_share}


def statistics(documents: Iterable[Document]) -> DataStatistics:
    """Count what some documents hold; one pass, works on a stream."""
    totals = Counter[str]()
    labels, lengths = Counter[str](), Counter[int]()
    surfaces: dict[str, set[str]] = {}
    for document in documents:
        totals["documents"] += 1
        totals["sentences"] += len(document.sentences)
        totals["tokens"] += len(document.tokens)
        totals["characters"] += len(document.text)
        totals["nested"] += _nested(document.spans)
        starts = {token.start: index for index, token in enumerate(document.tokens) if token.end > token.start}
        ends = {token.end: index for index, token in enumerate(document.tokens) if token.end > token.start}
        touched = bytearray(len(document.tokens))
        for span in document.spans:
            labels[span.label] += 1
            surfaces.setdefault(span.label, set()).add(document.surface(span))
            totals["discontinuous"] += span.discontinuous
            pieces = span.fragments or ((span.start, span.end),)
            places = [(starts.get(start), ends.get(end)) for start, end in pieces]
            length = 0
            for first, last in places:
                if first is None or last is None:
                    totals["token_cutting"] += bool(document.tokens)
                    break
                length += last - first + 1
            else:
                lengths[length] += 1
            _touch(document, span, touched)
        totals["empty"] += sum(not any(touched[first:last]) for first, last in document.sentences)
    return DataStatistics(
        documents=totals["documents"],
        sentences=totals["sentences"],
        tokens=totals["tokens"],
        characters=totals["characters"],
        mentions=sum(labels.values()),
        labels=dict(sorted(labels.items())),
        surfaces={label: len(surfaces[label]) for label in sorted(surfaces)},
        lengths=dict(sorted(lengths.items())),
        empty_sentences=totals["empty"],
        nested=totals["nested"],
        discontinuous=totals["discontinuous"],
        token_cutting=totals["token_cutting"],
    )


def _nested(spans: Iterable[Span]) -> int:
    """How many spans lie inside another one; of equal extents all but the first."""
    count, reach = 0, -1
    for span in sorted(spans, key=lambda span: (span.start, -span.end)):
        count += span.end <= reach
        reach = max(reach, span.end)
    return count


def _touch(document: Document, span: Span, touched: bytearray) -> None:
    """Mark the tokens a span has characters of."""
    at = bisect_right(document.tokens, span.start, key=lambda token: token.end)
    for index in range(at, len(document.tokens)):
        if document.tokens[index].start >= span.end:
            break
        touched[index] = 1
