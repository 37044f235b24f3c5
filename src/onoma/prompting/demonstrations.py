"""Worked examples for a question: the same for all, drawn, or the ones most alike, never the question itself."""

from __future__ import annotations

import hashlib
import random
import re
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, NamedTuple

from onoma.exceptions import MissingExtraError
from onoma.unicode import NO_BLANKS

__all__ = ["Demonstration", "Demonstrations", "Embed", "alike", "demonstrations"]

WORD = re.compile(rf"[{NO_BLANKS}]|[^\W{NO_BLANKS}]+")
"""Words; in scripts that write no blanks between them, letters."""
LOOKED_AT = 50
"""So many are ranked first; more only where none of them may be shown."""
NEAR = 0.8
"""Texts that share more of their words are one text."""


Embed = Callable[[Sequence[str]], Any]
"""Texts as unit vectors [texts, width]."""


class Demonstration(NamedTuple):
    """A question with its right answer, the one label it asks for, and all that could be asked for."""

    source: str
    answer: str
    kind: str | None = None
    labels: tuple[str, ...] = ()


class Demonstrations(ABC):
    """A pool of worked examples, and which are shown beside a question.

    Leak guard: none is shown that is the question's own text, holds it, or shares four fifths of its words with it.
    Where there are any that were asked for the same labels, others are not shown.
    """

    def __init__(self, pool: Iterable[Demonstration]) -> None:
        self.pool = [each._replace(labels=tuple(each.labels)) for each in pool]
        self._bags = [_bag(each.source) for each in self.pool]
        self._known = {each.labels for each in self.pool}

    def choose(
        self, source: str, kind: str | None, shots: int, seed: int, labels: Sequence[str] = ()
    ) -> list[Demonstration]:
        """At most so many, the best last, beside the question; a pure function of pool, question and seed."""
        return list(islice(self._allowed(source, kind, seed, tuple(labels)), shots))[::-1]

    def _allowed(self, source: str, kind: str | None, seed: int, labels: tuple[str, ...]) -> Iterator[Demonstration]:
        bag = _bag(source)
        alone = labels in self._known and len(self._known) > 1
        shown: set[str] = set()
        for number in self._order(source, kind, seed):
            each = self.pool[number]
            if alone and each.labels != labels:
                continue
            if each.kind == kind and each.source not in shown and not alike(bag, self._bags[number]):
                shown.add(each.source)
                yield each

    def prepare(self, sources: Sequence[str]) -> None:  # noqa: B027
        """Be told which texts will be asked for, where that makes it faster."""

    @abstractmethod
    def _order(self, source: str, kind: str | None, seed: int) -> Iterable[int]:
        """Numbers of the pool, the best first."""


Bag = tuple[str, Counter[str]]


def _bag(text: str) -> Bag:
    words = [word.casefold() for word in WORD.findall(text)]
    return f" {' '.join(words)} ", Counter(words)


def alike(one: Bag, other: Bag) -> bool:
    """Whether two texts are the same, one in the other, or nearly the same."""
    if one[0] in other[0] or other[0] in one[0]:
        return True
    shared = (one[1] & other[1]).total()
    return shared > NEAR * max(one[1].total(), other[1].total())


class Fixed(Demonstrations):
    """The same for all questions: short ones that have the most kinds of answers between them."""

    def __init__(self, pool: Iterable[Demonstration]) -> None:
        super().__init__(pool)
        lengths = sorted(len(each.source) for each in self.pool)
        usual = lengths[len(lengths) // 2] if lengths else 0
        seen: set[str] = set()
        order: list[int] = []
        rest = sorted(range(len(self.pool)), key=lambda number: abs(len(self.pool[number].source) - usual))[:LOOKED_AT]
        signs = {number: _signs(self.pool[number]) for number in rest}
        while rest:
            best = max(rest, key=lambda number: len(signs[number] - seen))  # the first of equals: the usual length
            rest.remove(best)
            seen |= signs[best]
            order.append(best)
        chosen = set(order)
        self._fixed = [*order, *(number for number in range(len(self.pool)) if number not in chosen)]

    def _order(self, source: str, kind: str | None, seed: int) -> Iterable[int]:
        del source, kind, seed
        return self._fixed


def _signs(shown: Demonstration) -> set[str]:
    """What stands in an answer and not in its text: tags, labels, with the signs around them."""
    words = set(WORD.findall(shown.source))
    signs = {WORD.sub(lambda found: "" if found[0] in words else found[0], each) for each in shown.answer.split()}
    return signs - {""}


class Random(Demonstrations):
    """Drawn anew for each question, and in each epoch."""

    def _order(self, source: str, kind: str | None, seed: int) -> Iterable[int]:
        mark = hashlib.sha256(f"{seed} {kind} {source}".encode("utf-8", "surrogatepass")).digest()
        drawn = random.Random(mark)
        while self.pool:
            yield from drawn.sample(range(len(self.pool)), len(self.pool))
            return


class Ranked(Demonstrations):
    """The most alike by a score of the whole pool."""

    @abstractmethod
    def _scores(self, source: str) -> Any:
        """[pool]: how alike each is."""

    def _order(self, source: str, kind: str | None, seed: int) -> Iterable[int]:
        del kind, seed
        import numpy as np

        if not self.pool:
            return
        scores = -np.asarray(self._scores(source))
        best = np.argpartition(scores, LOOKED_AT)[:LOOKED_AT] if len(scores) > LOOKED_AT else np.arange(len(scores))
        best = best[np.lexsort((best, scores[best]))]
        yield from best.tolist()
        chosen = set(best.tolist())
        rest = np.argsort(scores, kind="stable")
        yield from (number for number in rest.tolist() if number not in chosen)


class Bm25(Ranked):
    """By words in common, rare ones above all (Robertson and Zaragoza 2009)."""

    def __init__(self, pool: Iterable[Demonstration]) -> None:
        super().__init__(pool)
        try:
            import bm25s
        except ImportError as problem:
            raise MissingExtraError("demonstrations by BM25", "retrieval") from problem
        self._index: Any = None
        if any(bag.total() for _, bag in self._bags):
            index: Any = bm25s.BM25()
            index.index([list(bag.elements()) for _, bag in self._bags], show_progress=False)
            self._index = index

    def _scores(self, source: str) -> Any:
        if self._index is None:
            return [0.0] * len(self.pool)
        known = [word for word in _bag(source)[1] if word in self._index.vocab_dict]
        return self._index.get_scores(known) if known else [0.0] * len(self.pool)


class Embedding(Ranked):
    """By the cosine of embeddings."""

    def __init__(self, pool: Iterable[Demonstration], embed: Embed) -> None:
        super().__init__(pool)
        self._embed = embed
        sources = [each.source for each in self.pool]
        self._vectors = embed(sources) if sources else None
        self._number = {source: number for number, source in enumerate(sources)}
        self._asked: dict[str, Any] = {}

    def prepare(self, sources: Sequence[str]) -> None:
        """Embed many texts at once; those asked for before are forgotten."""
        new = list(dict.fromkeys(source for source in sources if source not in self._number))
        self._asked = dict(zip(new, self._embed(new), strict=True)) if new and self.pool else {}

    def _scores(self, source: str) -> Any:
        vectors: Any = self._vectors
        if source in self._number:
            return vectors @ vectors[self._number[source]]
        if source not in self._asked:
            self._asked[source] = self._embed([source])[0]
        return vectors @ self._asked[source]


def demonstrations(way: str, pool: Iterable[Demonstration], embed: Embed | None = None) -> Demonstrations | None:
    """Demonstrations of one of the ways that settings name; `embed` is needed for some.

    Raises `MissingExtraError` where BM25 is not installed.
    """
    if way == "none":
        return None
    if way == "embedding":
        assert embed is not None
        return Embedding(pool, embed)
    return {"fixed": Fixed, "random": Random, "bm25": Bm25}[way](pool)
