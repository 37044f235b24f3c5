"""The same predictions on several versions of the gold: how much of a score is the annotation?

CoNLL-2003 alone has corrected versions in which some 5 % of the test sentences changed (CoNLL++, CleanCoNLL). Each
version is scored strictly on the units that all versions have, beside how its mentions differ from the first one's.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, get_args

from onoma.document import Document, Prediction, Problem, Span, Tokens
from onoma.evaluation.matching import match
from onoma.evaluation.metrics import Scores, evaluate
from onoma.evaluation.protocols.muc import assign
from onoma.evaluation.render import percent
from onoma.exceptions import ConfigError, EvaluationError

if TYPE_CHECKING:
    from rich.console import RenderableType

__all__ = ["Changes", "GoldVersion", "Join", "rescore", "version_table"]

Join = Literal["auto", "id", "sentence"]


@dataclass(frozen=True, slots=True)
class Changes:
    """How a version's mentions differ from the first version's; nothing is counted twice.

    Mentions are paired one to one as in `protocols.muc`: `relabelled` pairs have equal boundaries, `moved` ones
    overlap with other boundaries (whatever the label), and what is left was `removed` from the first or `added`.
    """

    added: int = 0
    removed: int = 0
    relabelled: int = 0
    moved: int = 0

    @property
    def total(self) -> int:
        """Mentions that differ."""
        return self.added + self.removed + self.relabelled + self.moved


@dataclass(frozen=True)
class GoldVersion:
    """One row: a gold version, the strict scores on it, and what could be joined.

    `unit` is what was joined, documents by id or sentences by text; `units` is how many all versions share and the
    scores are over; `left_out` counts this version's units that some other version lacks. `mentions` are those
    scored; `crossing` counts gold mentions left out because they cross a sentence's end (sentences only).
    """

    name: str
    scores: Scores = field(repr=False)
    changes: Changes
    unit: Literal["document", "sentence"]
    units: int
    left_out: int
    mentions: int
    crossing: int = 0

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values; ratios are fractions."""
        changes = {name: getattr(self.changes, name) for name in Changes.__slots__}
        return {
            "name": self.name,
            "unit": self.unit,
            "units": self.units,
            "left_out": self.left_out,
            "mentions": self.mentions,
            "crossing": self.crossing,
            "changes": {**changes, "total": self.changes.total},
            "scores": self.scores.to_dict(),
        }


def rescore(
    golds: Mapping[str, Sequence[Document]],
    predictions: Iterable[Prediction | Document],
    *,
    join: Join = "auto",
    labels: Sequence[str] | None = None,
    resamples: int = 1000,
    seed: int = 1,
) -> list[GoldVersion]:
    """Score the same predictions on each gold version; predictions carry the ids of the first one.

    `join` says how versions meet: by document `id`, or by the exact text of each `sentence`, equal ones in order of
    occurrence; `auto` takes ids, and sentences where a version has no id of the first or another text under one.
    Only what all versions have is scored. Raises `EvaluationError` where one id has two texts or nothing can be
    joined, and as `evaluate` does.
    """
    if join not in get_args(Join):
        raise ConfigError(f"join {join!r} is unknown: one of {', '.join(get_args(Join))}")
    if not golds:
        raise EvaluationError("there is no gold to score on")
    versions = {name: tuple(documents) for name, documents in golds.items()}
    first = next(iter(versions.values()))
    answers = _answers(first, predictions)
    ids = {document.id for document in first}
    strange = any(documents and ids.isdisjoint(each.id for each in documents) for documents in versions.values())
    strange = strange or _differ(versions)
    by_sentence = join == "sentence" or (join == "auto" and strange)
    crossing: Counter[str] = Counter()
    if by_sentence:
        parts = _sentence_versions(versions, crossing)
    else:
        parts = {name: _unique(name, documents) for name, documents in versions.items()}
        _check_texts(parts)
    shared = set.intersection(*(set(each) for each in parts.values()))
    if first and not shared:
        _check_texts({name: _unique(name, documents) for name, documents in versions.items()})
        raise EvaluationError(
            f"the gold versions {', '.join(versions)} have no {'sentence' if by_sentence else 'document'} in common"
        )
    scored = [id for id in next(iter(parts.values())) if id in shared]
    if by_sentence:
        given = _sentence_answers(first, answers, shared)
    else:
        given = [answer for id, answer in answers.items() if id in shared]
    sizes = {name: _size(documents, by_sentence) for name, documents in versions.items()}
    rows: list[GoldVersion] = []
    reference = next(iter(parts.values()))
    for name, documents in parts.items():
        scores = evaluate([documents[id] for id in scored], given, labels=labels, resamples=resamples, seed=seed)
        rows.append(
            GoldVersion(
                name=name,
                scores=scores,
                changes=_changes(((reference[id], documents[id]) for id in scored), labels),
                unit="sentence" if by_sentence else "document",
                units=len(scored),
                left_out=sizes[name] - len(scored),
                mentions=scores.micro.support,
                crossing=crossing[name],
            )
        )
    return rows


def _answers(first: Sequence[Document], predictions: Iterable[Prediction | Document]) -> dict[str, Prediction]:
    """Predictions by id, checked against the first gold as `match` does."""
    given = list(predictions)
    match(first, given)
    found = (Prediction.of(each) if isinstance(each, Document) else each for each in given)
    return {each.document_id: each for each in found}


def _unique(name: str, documents: Sequence[Document]) -> dict[str, Document]:
    found: dict[str, Document] = {}
    for document in documents:
        if document.id in found:
            raise EvaluationError(f"gold {name}: document {document.id!r} occurs more than once")
        found[document.id] = document
    return found


def _differ(versions: Mapping[str, Sequence[Document]]) -> bool:
    """Whether some id stands for several texts."""
    texts: dict[str, str] = {}
    every = (document for documents in versions.values() for document in documents)
    return any(texts.setdefault(document.id, document.text) != document.text for document in every)


def _check_texts(parts: Mapping[str, Mapping[str, Document]]) -> None:
    (first_name, first), *others = parts.items()
    for name, documents in others:
        for id, document in documents.items():
            if id in first and first[id].text != document.text:
                raise EvaluationError(
                    f"document {id!r}: gold {first_name} and gold {name} differ in their text; "
                    "if only ids or documents are cut differently, join them by sentence"
                )


def _size(documents: Sequence[Document], by_sentence: bool) -> int:
    return sum(len(_bounds(document)) for document in documents) if by_sentence else len(documents)


def _bounds(document: Document) -> list[tuple[int, int]]:
    """Half-open character ranges of the sentences; the whole text where there are none."""
    if not document.sentences:
        return [(0, len(document.text))]
    return [document.tokens.characters(*sentence) for sentence in document.sentences]


def _cut(document: Document) -> Iterator[tuple[Document, int]]:
    """Each sentence as a document of its own, with the number of mentions that begin in it and end beyond."""
    bounds = _bounds(document)
    spans = _by_bounds(bounds, document.spans)
    for number, (start, end) in enumerate(bounds):
        first, last = document.sentences[number] if document.sentences else (0, 0)
        mine = document.tokens[first:last]
        tokens = Tokens((at - start for at in mine.starts), (at - start for at in mine.ends))
        inside = [span for span in spans[number] if start <= span.start and span.end <= end]
        moved = tuple(_shifted(span, -start) for span in inside)
        sentence = Document(f"{document.id}#{number}", document.text[start:end], tokens, (), moved)
        yield sentence, len(spans[number]) - len(inside)


def _by_bounds(bounds: Sequence[tuple[int, int]], spans: Iterable[Span]) -> list[list[Span]]:
    """Spans by the sentence in which they begin, or the last before it."""
    starts = [start for start, _ in bounds]
    parts: list[list[Span]] = [[] for _ in bounds]
    for span in spans:
        parts[max(0, bisect_right(starts, span.start) - 1)].append(span)
    return parts


def _shifted(span: Span, by: int) -> Span:
    pieces = tuple((start + by, end + by) for start, end in span.fragments)
    return replace(span, start=span.start + by, end=span.end + by, fragments=pieces)


def _sentence_versions(
    versions: Mapping[str, Sequence[Document]], crossing: Counter[str]
) -> dict[str, dict[str, Document]]:
    """Every version's sentences under the ids of the first version's sentences of the same text."""
    parts: dict[str, dict[str, Document]] = {}
    places: dict[str, list[str]] = {}
    for name, documents in versions.items():
        waiting = {text: deque(ids) for text, ids in places.items()}
        found: dict[str, Document] = {}
        for document in _unique(name, documents).values():
            for sentence, cut in _cut(document):
                crossing[name] += cut
                if not parts:
                    places.setdefault(sentence.text, []).append(sentence.id)
                    found[sentence.id] = sentence
                elif waiting.get(sentence.text):
                    id = waiting[sentence.text].popleft()
                    found[id] = replace(sentence, id=id)
        parts[name] = found
    return parts


def _sentence_answers(
    first: Sequence[Document], answers: Mapping[str, Prediction], shared: set[str]
) -> list[Prediction]:
    """The predictions cut as the first gold is; what crosses a sentence's end stays a false positive."""
    found: list[Prediction] = []
    for document in first:
        answer = answers.get(document.id)
        if answer is None:
            continue
        bounds = _bounds(document)
        loose, placed = _by_sentence(bounds, answer.problems)
        for number, spans in enumerate(_by_bounds(bounds, answer.spans)):
            id = f"{document.id}#{number}"
            if id not in shared:
                continue
            start, end = bounds[number]
            inside = [span for span in spans if start <= span.start and span.end <= end]
            beyond = [span for span in spans if not (start <= span.start and span.end <= end)]
            wrong = [Problem("malformed", document.surface(span), span.label) for span in beyond]
            wrong += [*loose, *placed[number]]
            found.append(Prediction(id, tuple(_shifted(span, -start) for span in inside), tuple(wrong)))
            loose = []  # mentions without a place go to the first sentence that is scored
    return found


def _by_sentence(
    bounds: Sequence[tuple[int, int]], problems: Iterable[Problem]
) -> tuple[list[Problem], list[list[Problem]]]:
    """Problems of which nobody knows the one sentence that the answer was about, and the others by that sentence."""
    starts = [start for start, _ in bounds]
    loose: list[Problem] = []
    placed: list[list[Problem]] = [[] for _ in bounds]
    for problem in problems:
        number = -1 if problem.within is None else bisect_right(starts, problem.within[0]) - 1
        if problem.within is None or number < 0 or problem.within[1] > bounds[number][1]:
            loose.append(problem)
        else:
            placed[number].append(replace(problem, within=None))
    return loose, placed


def _changes(pairs: Iterable[tuple[Document, Document]], labels: Sequence[str] | None) -> Changes:
    added = removed = relabelled = moved = 0
    for before, after in pairs:
        old, new = (
            [span for span in document.spans if labels is None or span.label in labels] for document in (before, after)
        )
        both = assign(old, new)
        same_place = [
            left.label == right.label
            for left, right in both
            if (left.start, left.end, left.fragments) == (right.start, right.end, right.fragments)
        ]
        added += len(new) - len(both)
        removed += len(old) - len(both)
        relabelled += same_place.count(False)
        moved += len(both) - len(same_place)
    return Changes(added, removed, relabelled, moved)


def version_table(rows: Sequence[GoldVersion]) -> RenderableType:
    """The rows with their scores in percent, F1 beside its difference to the first row's."""
    from rich import box
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    grid = Table(box=box.SIMPLE, collapse_padding=True, pad_edge=False)
    grid.add_column("gold", overflow="fold")
    for name in ("mentions", "added", "removed", "relabelled", "moved", "precision", "recall", "F1", "to first"):
        grid.add_column(name, justify="right", no_wrap=True)
    for row in rows:
        micro, changes = row.scores.micro, row.changes
        counts = (row.mentions, changes.added, changes.removed, changes.relabelled, changes.moved)
        difference = 100 * (micro.f1 - rows[0].scores.micro.f1)
        cells = [*(f"{count:,}" for count in counts), *map(percent, (micro.precision, micro.recall, micro.f1))]
        grid.add_row(Text(row.name), *cells, "" if row is rows[0] else f"{difference:+.2f}")
    parts: list[RenderableType] = [grid]
    if rows:
        how = "by id" if rows[0].unit == "document" else "by text"
        parts.append(Text(f"{rows[0].units:,} {rows[0].unit}s in every version, joined {how}"))
    for row in rows:
        if row.left_out:
            parts.append(Text(f"{row.name}: {row.left_out:,} {row.unit}s left out, which another version lacks"))
        if row.crossing:
            parts.append(Text(f"{row.name}: {row.crossing:,} mentions cross a sentence's end and are left out"))
        parts.append(Text(f"{row.name}: {row.scores.signature}", style="dim", overflow="fold"))
    return Group(*parts)
