"""Patterns, word lists and learnt entries as a model family: fit, predict, save, load."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

from onoma import progress
from onoma.document import Document, LabelSet, Prediction, Span
from onoma.exceptions import ConfigError, ModelError
from onoma.models.base import Fitted
from onoma.models.gazetteers import Gazetteer, Trie
from onoma.models.rules.options import RulesOptions
from onoma.models.rules.patterns import Pattern, read_patterns

__all__ = ["Learnt", "Rules"]

FILE = "rules.json"
PATTERN, LIST, LEARNT = range(3)


@dataclass(frozen=True, slots=True)
class Learnt:
    """A mention of the training text as an entry: it was found there `found` times, `right` of them as its label."""

    atoms: tuple[str, ...]
    label: str
    right: int = 0
    found: int = 0

    @property
    def score(self) -> float:
        """The share of its finds in the training text that were right."""
        return self.right / self.found if self.found else 0.0


@dataclass(frozen=True, slots=True)
class Candidate:
    """A half-open character range that some rule finds; `rule` is its number among those of its `kind`."""

    start: int
    end: int
    label: str
    kind: int
    rule: int

    @property
    def rank(self) -> tuple[int, int, int, int]:
        """Smaller wins: longer, then pattern before list before learnt, then the earlier rule, then the left one."""
        order = self.rule if self.kind != LEARNT else 0
        return (self.start - self.end, self.kind, order, self.start)


class Rules:
    """Finds what patterns match, what stands in word lists, and what was a mention in the training text.

    Flat mentions: of candidates that overlap, the one with more characters wins, then a pattern before a list before a
    learnt entry, then the rule that was written first (patterns in order, lists in order), then the one on the left.
    Entries match whole words inside one sentence; patterns match the text as it is and may cut words. Learnt entries
    with `min_precision=0` are the baseline of CoNLL-2003 (Tjong Kim Sang and De Meulder 2003: the longest training
    mention at each place), which is said to drop ambiguous ones, though its published scores are met by keeping them.

    The score of a learnt entry is the share of what it found in the training text that was a mention of its label, so
    too high for rare entries. Patterns and lists give none: nothing is known of how often they are right.
    """

    family: ClassVar[str] = "rules"
    answers: ClassVar[Literal["tags", "documents", "text"]] = "documents"
    seeded: ClassVar[bool] = False
    learns: ClassVar[bool] = True

    def __init__(
        self,
        labels: Iterable[str],
        options: RulesOptions,
        patterns: Sequence[Pattern] = (),
        lists: Gazetteer | None = None,
    ) -> None:
        self.options = options
        self.patterns = tuple(patterns)
        self.lists = Gazetteer(options.case) if lists is None else lists
        self.labels = LabelSet((*labels, *self.lists.names, *(pattern.label for pattern in self.patterns)))
        self.learnt: tuple[Learnt, ...] | None = None if options.from_train else ()
        self._trie = Trie(self.lists.case)
        self._ranks = {name: number for number, name in enumerate(self.lists.names)}

    @classmethod
    def create(cls, labels: Sequence[str], options: RulesOptions, seed: int) -> Self:
        """Rules that have learnt nothing yet. Reads the files; raises `DataError` or `ConfigError` for bad ones."""
        del seed
        more = () if options.patterns_file is None else read_patterns(Path(options.patterns_file))
        return cls(labels, options, (*options.patterns, *more), Gazetteer.read(options.gazetteers, options.case))

    # ------------------------------------------------------------------ fit

    def fit(self, documents: Sequence[Document]) -> Fitted:
        """Learn the mentions of documents with tokens; those that cut a token or are discontinuous are left out.

        What a learnt entry finds is counted in the answer of all rules together, before any entry is dropped: so the
        part of a longer entry is not counted where that one wins.
        """
        started = time.perf_counter()
        if self.options.from_train:
            self._use(self._mentions(documents))
            found: Counter[int] = Counter()
            right: Counter[int] = Counter()
            with progress.bar("rules: counting", len(documents)) as bar:
                for document in documents:
                    gold = {(span.start, span.end, span.label) for span in document.spans if not span.fragments}
                    for each in self._found(document):
                        if each.kind == LEARNT:
                            found[each.rule] += 1
                            right[each.rule] += (each.start, each.end, each.label) in gold
                    bar.add(1)
            counted = [
                Learnt(each.atoms, each.label, right[rule], found[rule]) for rule, each in enumerate(self._rows())
            ]
            self._use([each for each in counted if each.score >= self.options.min_precision])
        return Fitted(epochs=1, seconds=time.perf_counter() - started)

    def _mentions(self, documents: Sequence[Document]) -> list[Learnt]:
        """Entries for the gold mentions, in order of first sight."""
        seen: dict[tuple[str, ...], Counter[str]] = {}
        for document in documents:
            starts = {token.start: at for at, token in enumerate(document.tokens) if token.start < token.end}
            ends = {token.end: at + 1 for at, token in enumerate(document.tokens) if token.start < token.end}
            for span in document.spans:
                if span.fragments or span.label not in self.labels:
                    continue
                if span.start in starts and span.end in ends:
                    atoms = self._trie.atoms(document.words[starts[span.start] : ends[span.end]])
                    if atoms:
                        seen.setdefault(atoms, Counter())[span.label] += 1
        chosen: list[Learnt] = []
        for atoms, labels in seen.items():
            label, count = min(labels.items(), key=lambda item: (-item[1], item[0]))
            if count >= self.options.min_count and not (len(labels) > 1 and self.options.ambiguous == "drop"):
                chosen.append(Learnt(atoms, label))
        return chosen

    def _use(self, learnt: Iterable[Learnt]) -> None:
        self.learnt = tuple(learnt)
        self._trie = Trie(self.lists.case)
        for rule, each in enumerate(self.learnt):
            self._trie.put(each.atoms, rule)

    def _rows(self) -> tuple[Learnt, ...]:
        if self.learnt is None:
            raise ModelError("these rules are not trained yet: call fit first, or set from_train to false")
        return self.learnt

    # ------------------------------------------------------------------ predict

    def predict(self, documents: Sequence[Document]) -> list[Prediction]:
        """One prediction a document, spans from left to right; documents have tokens and sentences."""
        learnt = self._rows()
        answers: list[Prediction] = []
        with progress.bar("rules: predicting", len(documents)) as bar:
            for document in documents:
                spans = [
                    Span(each.start, each.end, each.label, learnt[each.rule].score if each.kind == LEARNT else None)
                    for each in self._found(document)
                ]
                answers.append(Prediction(document.id, tuple(spans)))
                bar.add(1)
        return answers

    def _found(self, document: Document) -> list[Candidate]:
        """What is left of all candidates when the conflicts are settled, from left to right."""
        taken = bytearray(len(document.text))
        kept: list[Candidate] = []
        for each in sorted(self._candidates(document), key=lambda each: each.rank):
            if taken.find(1, each.start, each.end) < 0:
                taken[each.start : each.end] = b"\1" * (each.end - each.start)
                kept.append(each)
        return sorted(kept, key=lambda each: each.start)

    def _candidates(self, document: Document) -> list[Candidate]:
        found = [
            Candidate(start, end, pattern.label, PATTERN, rule)
            for rule, pattern in enumerate(self.patterns)
            for start, end in pattern.spans(document.text)
        ]
        tokens, learnt = document.tokens, self._rows()
        for first, last in document.sentences:
            words = document.words[first:last]
            if len(self.lists):
                for start, end, names in self.lists.matches(words, overlapping=True):
                    place = tokens[first + start].start, tokens[first + end - 1].end
                    found.append(Candidate(*place, names[0], LIST, self._ranks[names[0]]))
            for start, end, rule in self._trie.matches(words):
                place = tokens[first + start].start, tokens[first + end - 1].end
                found.append(Candidate(*place, learnt[rule].label, LEARNT, rule))
        return found

    # ------------------------------------------------------------------ files

    def save(self, folder: Path) -> None:
        """Write `rules.json`: patterns, lists and learnt entries (text, label, right, found), one a line."""
        rows = [[" ".join(each.atoms), each.label, each.right, each.found] for each in self._rows()]
        parts = {
            "patterns": [pattern.model_dump(mode="json") for pattern in self.patterns],
            "lists": self.lists.as_json(),
        }
        lines = [f"{_json(name)}: {_json(value)},\n" for name, value in parts.items()]
        text = "".join(lines) + '"learnt": [' + ",".join(f"\n{_json(row)}" for row in rows) + "\n]"
        (folder / FILE).write_text("{" + text + "}\n", encoding="utf-8", newline="\n")

    @classmethod
    def load(cls, folder: Path, labels: Sequence[str], options: Any) -> Self:
        """The rules of a folder; the files that the options name are not read. Raises `ModelError` for damaged ones."""
        path = folder / FILE
        try:
            saved = json.loads(path.read_text(encoding="utf-8"))
            patterns = [Pattern.checked(values, "patterns") for values in saved["patterns"]]
            model = cls(labels, options, patterns, Gazetteer.from_json(saved["lists"]))
            model._use(_learnt(row) for row in saved["learnt"])
        except (OSError, ValueError, KeyError, TypeError, ConfigError) as problem:
            raise ModelError(f"{path}: missing or damaged: {problem}") from problem
        strange = {*model.labels, *(each.label for each in model._rows())} - set(labels)
        if strange:
            raise ModelError(f"{path}: names labels {sorted(strange)} the model does not know")
        return model


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _learnt(row: Any) -> Learnt:
    text, label, right, found = row
    kinds = [type(value) for value in row] == [str, str, int, int]
    if not (kinds and label and 0 <= right <= found):
        raise ValueError(f"learnt entry {row!r}")
    return Learnt(tuple(text.split(" ")), label, right, found)
