"""Around a label audit: documents read by models that have not learnt from them, and tasks for those who look again."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from onoma import models, progress, schemes, tokenization
from onoma.datasets.folds import Folds, entity_folds
from onoma.datasets.partition import by_sentence
from onoma.document import Document, LabelSet, Prediction, Span
from onoma.exceptions import DataError
from onoma.recognizer import Recognizer

if TYPE_CHECKING:
    from onoma.analysis.audit import Suspicion
    from onoma.analysis.label_quality import Chances

__all__ = ["OutOfSample", "answers", "out_of_sample", "tasks"]


@dataclass(frozen=True)
class OutOfSample:
    """One prediction a document, in order; by document id the chances of every class at every token, if known.

    `documents` are those given, with tokens; `folds` says who learnt from what.
    """

    documents: tuple[Document, ...]
    predictions: tuple[Prediction, ...]
    chances: Mapping[str, Chances] | None
    folds: Folds


def out_of_sample(
    documents: Sequence[Document],
    family: str = "feature_crf",
    *,
    folds: int = 5,
    options: dict[str, Any] | None = None,
    extra: Sequence[Document] = (),
    seed: int = 1,
) -> OutOfSample:
    """Train once a fold on the documents outside it, and predict those in it.

    Folds are `entity_folds`; `extra` documents are learnt from in every fold and never predicted. Raises `ConfigError`
    for too few documents and what `Recognizer.create` refuses.
    """
    labels = LabelSet([*LabelSet.of(documents), *LabelSet.of(extra)])
    parts = entity_folds(documents, folds)
    # What a family cannot write is not learnt; it is looked at all the same.
    asked: dict[str, Any] = {} if models.family(family).answers == "documents" else {"on_misaligned": "drop"}
    predictions: dict[int, Prediction] = {}
    chances: dict[str, Chances] = {}
    ready: list[Document] = list(documents)
    for number, (learnt, held) in enumerate(parts, start=1):
        progress.say(f"fold {number} of {folds}: {len(learnt) + len(extra):,} documents learnt, {len(held):,} read")
        recognizer = Recognizer.create(family, labels, options=options, seed=seed, **asked)
        recognizer.fit([*extra, *(documents[at] for at in learnt)], seed=seed)
        for at in held:
            ready[at] = tokenization.split(documents[at], recognizer.splitter)
        found, sure = answers(recognizer, [ready[at] for at in held])
        predictions.update(zip(held, found, strict=True))
        chances |= sure or {}
    answered = tuple(predictions[at] for at in range(len(documents)))
    return OutOfSample(tuple(ready), answered, chances if len(chances) == len(documents) else None, parts)


def answers(
    recognizer: Recognizer, documents: Sequence[Document]
) -> tuple[list[Prediction], dict[str, Chances] | None]:
    """What a recognizer says of documents with tokens; by id the chances of classes, where it is a tagger."""
    model: Any = recognizer.model
    if model.answers != "tags":
        return recognizer.predict(documents), None
    given = model.predict([list(document.sentence_words()) for document in documents])
    predictions = [recognizer.encoding.decode(document, each) for document, each in zip(documents, given, strict=True)]
    chances: dict[str, Chances] = {}
    for document, each in zip(documents, given, strict=True):
        if any(sentence.tag_chances is None for sentence in each if sentence.tags):
            return predictions, None
        chances[document.id] = _by_label([sentence.tag_chances() for sentence in each if sentence.tags])
    return predictions, chances


def _by_label(sentences: Sequence[Any]) -> Chances:
    """Chances of labels at the tokens of a document from those of tags by sentence: a label's tags are added up."""
    found: dict[str | None, list[np.ndarray[Any, np.dtype[np.float64]]]] = {}
    for tags in sentences:
        sums: dict[str | None, Any] = {}
        for tag, values in tags.items():
            label = None if tag == schemes.OUTSIDE else schemes.split_tag(tag)[1]
            sums[label] = sums.get(label, 0.0) + np.asarray(values, np.float64)
        for label, values in sums.items():
            found.setdefault(label, []).append(values)
    return {label: np.concatenate(parts) for label, parts in found.items()}


def tasks(
    documents: Sequence[Document], suspicions: Sequence[Suspicion], spans: Literal["gold", "proposed"] = "gold"
) -> list[Document]:
    """The sentences with a doubtful place as documents of their own, the most doubtful first; each comes once.

    Their spans are gold's as they are, or with the proposed ones in place; `meta` has `rank`, `score` and `why` (a line
    a place). A document in which a mention crosses a sentence's end stays whole.
    """
    known = {document.id: document for document in documents}
    cut: dict[str, tuple[list[int], list[Document]]] = {}
    found: dict[str, tuple[Document, int, list[tuple[int, Suspicion]]]] = {}
    for rank, place in enumerate(suspicions, start=1):
        id = place.document_id
        if id not in cut:
            cut[id] = _sentences(known[id])
        begins, parts = cut[id]
        number = max(0, bisect_right(begins, place.start) - 1)
        found.setdefault(parts[number].id, (parts[number], begins[number], []))[2].append((rank, place))
    made: list[Document] = []
    for part, begin, places in found.values():
        kept = list(part.spans)
        for _, place in places if spans == "proposed" else ():
            old = {_moved(span, begin) for span in place.gold}
            kept = [span for span in kept if span not in old] + [_moved(span, begin) for span in place.proposed]
        why = [f"{place.text!r}: {reason}" for _, place in places for reason in place.reasons]
        meta = {"rank": places[0][0], "score": round(places[0][1].score, 4), "why": why}
        # What a format keeps under its own name would be written back: a task is a new row.
        made.append(replace(part, spans=sorted(kept, key=lambda span: (span.start, span.end)), meta=meta))
    return made


def _sentences(document: Document) -> tuple[list[int], list[Document]]:
    """Where the sentences begin, and each as a document."""
    try:
        parts = list(by_sentence([document]))
    except DataError:  # a mention crosses a boundary
        parts = [document]
    if len(parts) == 1:
        return [0], parts
    return [0, *(document.tokens.starts[first] for first, _ in document.sentences[1:])], parts


def _moved(span: Span, by: int) -> Span:
    pieces = tuple((start - by, end - by) for start, end in span.fragments)
    return replace(span, start=span.start - by, end=span.end - by, fragments=pieces)
