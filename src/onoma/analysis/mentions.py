"""Mentions where they stand, as columns: what slices ask of them, for gold and all systems judged on it at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from onoma.analysis.overlaps import touching
from onoma.analysis.texts import texts
from onoma.document import Document
from onoma.evaluation.columns import Integers, Places
from onoma.evaluation.matching import Matching

__all__ = ["Known", "Mentions", "mentions"]


class Known:
    """What training data show of mentions: texts with their labels, words, and labels."""

    def __init__(self, documents: Iterable[Document]) -> None:
        seen: Counter[tuple[str, str]] = Counter()
        for document in documents:
            seen.update([(document.surface(span), span.label) for span in document.spans])
        self.texts: dict[str, Counter[str]] = {}
        self.labels: Counter[str] = Counter()
        for (text, label), count in seen.items():
            self.texts.setdefault(text, Counter())[label] = count
            self.labels[label] += count
        self.words: set[str] = {word for text in self.texts for word in text.split()}


@dataclass(frozen=True, eq=False)
class Mentions:
    """Mentions one after the other, one entry a mention in every column; gold is what stands around and beside them.

    `text` and `label` are places in the distinct `texts` and `labels`, `kind` is a place in `kinds`, the distinct ones
    of both together. `words` counts the tokens of a mention, `sentence_words` and `sentence_mentions` the tokens and
    gold mentions of the sentence that it begins in; `inside` and `around` say whether it lies in a gold mention of
    another place, or holds one.
    """

    texts: Sequence[str]
    labels: Sequence[str]
    kinds: tuple[Integers, Integers]
    text: Integers
    label: Integers
    kind: Integers
    words: Integers
    sentence_words: Integers
    sentence_mentions: Integers
    inside: NDArray[np.bool_]
    around: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.text)


def mentions(matchings: Sequence[Matching]) -> Mentions:
    """The gold mentions of some matchings on one gold, then the spurious ones of each in turn.

    Raises `EvaluationError` where the gold is not one.
    """
    first, spoken = matchings[0], texts(matchings)
    places, gold, distinct = first.places, first.gold, spoken.distinct
    parts = [(first, gold, np.arange(len(gold))), *((each, each.found, each.spurious) for each in matchings)]
    document, start, end = (
        np.concatenate([getattr(side, name)[chosen] for _, side, chosen in parts])
        for name in ("document", "start", "end")
    )
    text = np.concatenate((spoken.gold, *spoken.spurious))
    labels = sorted({name for each in matchings for name in each.names})
    numbers = {name: number for number, name in enumerate(labels)}
    label = np.concatenate(
        [np.array([numbers[name] for name in each.names], np.int64)[side.label[chosen]] for each, side, chosen in parts]
    )
    pairs, kind = np.unique(text * max(1, len(labels)) + label, return_inverse=True)
    of_text, of_label = np.divmod(pairs, max(1, len(labels)))
    words = _words(places, document, start, end)
    for at in np.flatnonzero(words == 0).tolist():
        words[at] = len(distinct[int(text[at])].split())
    sentence, sizes = _sentences(places, document, start)
    crowd = np.bincount(sentence[: len(gold)], minlength=len(sizes))
    inside, around = _nesting(places, document, start, end, len(gold))
    return Mentions(
        texts=distinct,
        labels=labels,
        kinds=(of_text, of_label),
        text=text,
        label=label,
        kind=kind,
        words=words,
        sentence_words=sizes[sentence],
        sentence_mentions=crowd[sentence],
        inside=inside,
        around=around,
    )


def _words(places: Places, document: Integers, start: Integers, end: Integers) -> Integers:
    """How many tokens each mention touches."""
    base = places.base[document]
    last = np.searchsorted(places.token_starts, base + end, side="left")
    return last - np.searchsorted(places.token_ends, base + start, side="right")


def _sentences(places: Places, document: Integers, start: Integers) -> tuple[Integers, Integers]:
    """The number of the sentence that each mention begins in (or the last before it), and the words of all sentences.

    A document that was never split is one sentence, of the words between blanks.
    """
    begins: list[int] = []
    sizes: list[int] = []
    for each, base in zip(places.documents, places.base.tolist(), strict=True):
        starts = each.tokens.starts
        # What stands before a document's first token is in its first sentence all the same.
        bounds = each.sentences or ((0, len(each.text.split())),)
        begins += [base + starts[first] if first else base for first, _ in bounds]
        sizes += [last - first for first, last in bounds]
    sentence = np.searchsorted(np.array(begins, np.int64), places.base[document] + start, side="right") - 1
    return sentence, np.array(sizes, np.int64)


def _nesting(
    places: Places, document: Integers, start: Integers, end: Integers, gold: int
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Whether each mention lies inside a gold one (the first so many) of another place, and whether around one."""
    starts, ends = places.base[document] + start, places.base[document] + end
    inside, around = np.zeros(len(start), bool), np.zeros(len(start), bool)
    one, other = touching(starts, ends, starts[:gold], ends[:gold])
    elsewhere = (starts[one] != starts[other]) | (ends[one] != ends[other])
    one, other = one[elsewhere], other[elsewhere]
    inside[one[(starts[other] <= starts[one]) & (ends[one] <= ends[other])]] = True
    around[one[(starts[one] <= starts[other]) & (ends[other] <= ends[one])]] = True
    return inside, around
