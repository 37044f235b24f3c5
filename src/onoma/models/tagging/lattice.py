"""Linear-chain inference over many sentences at once: Viterbi, forward-backward and span marginals.

Sentences are sorted by length, so that at each step the ones still running are the first rows of an array.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from onoma.schemes import OUTSIDE, split_tag

__all__ = ["Lattice", "Posterior", "Stops", "blocks", "forward_backward", "viterbi"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Lattice:
    """Sentences as a padded block, longest first: `scores` [sentences, longest, tags], `lengths`, `order`."""

    scores: Floats
    lengths: Ints
    order: Ints

    @classmethod
    def of(cls, emissions: Floats, lengths: Ints) -> Lattice:
        """From emissions [words, tags] of sentences in a row."""
        order = np.argsort(-lengths, kind="stable")
        longest = int(lengths.max(initial=0))
        scores = np.zeros((len(lengths), longest, emissions.shape[1]))
        starts = np.concatenate(([0], np.cumsum(lengths)))[:-1]
        inside = np.arange(longest)[None, :] < lengths[order][:, None]
        source = (starts[order][:, None] + np.arange(longest)[None, :])[inside]
        scores[inside] = emissions[source]
        return cls(scores, lengths[order], order)

    def running(self, step: int) -> int:
        """How many sentences have a word at `step`."""
        return int(np.searchsorted(-self.lengths, -step, side="left"))


def viterbi(lattice: Lattice, transition: Floats) -> list[Ints]:
    """The best tag numbers of every sentence, in the order the sentences were given."""
    rows, longest, tags = lattice.scores.shape
    if not longest:
        return [np.zeros(0, dtype=np.int64) for _ in range(rows)]
    best = lattice.scores[:, 0].copy()
    back = np.zeros((rows, longest, tags), dtype=np.int64)
    for step in range(1, longest):
        here = lattice.running(step)
        paths = best[:here, :, None] + transition[None]
        back[:here, step] = paths.argmax(axis=1)
        best[:here] = np.take_along_axis(paths, back[:here, step][:, None], axis=1)[:, 0] + lattice.scores[:here, step]
    path = np.zeros((rows, longest), dtype=np.int64)
    last = best.argmax(axis=1)
    for step in range(longest - 1, -1, -1):
        ends_here = lattice.lengths - 1 == step
        here = lattice.running(step)
        path[ends_here, step] = last[ends_here]
        if step:
            path[:here, step - 1] = back[np.arange(here), step, path[:here, step]]
    answers: list[Ints] = [np.zeros(0, dtype=np.int64)] * rows
    for row, (where, length) in enumerate(zip(lattice.order, lattice.lengths, strict=True)):
        answers[where] = path[row, :length]
    return answers


@dataclass(frozen=True)
class Posterior:
    """Forward and backward log scores of one sentence, from which any span's probability follows."""

    scores: Floats
    forward: Floats
    backward: Floats
    transition: Floats
    log_z: float

    def words(self) -> Floats:
        """The probability of every word to have each tag, [words, tags]."""
        return np.exp(np.minimum(0.0, self.forward + self.backward - self.log_z))

    def span(self, start: int, end: int, path: Ints, stops: Stops) -> float:
        """Probability that words [start, end) are a mention of the label that `path` gives them, and no word more.

        `stops` [tags, tags] says after which tag which next tag ends the mention, or opens another. A mention may be
        written in several ways (in IOB1 by what stands before it, elsewhere by illegal ones that are read alike): all
        are counted.
        """
        tags = np.flatnonzero(stops.same[path[start]])
        total = self.scores[start, tags]
        if start:
            before = self.forward[start - 1][:, None] + self.transition[:, tags]
            total = total + _log_sum(np.where(stops.over[:, tags], before, -np.inf), axis=0)
        goes_on = np.where(stops.over[np.ix_(tags, tags)], -np.inf, self.transition[np.ix_(tags, tags)])
        for at in range(start + 1, end):
            total = _log_sum(total[:, None] + goes_on, axis=0) + self.scores[at, tags]
        if end < len(path):
            after = self.transition[tags] + self.scores[end] + self.backward[end]
            total = total + _log_sum(np.where(stops.over[tags], after, -np.inf), axis=1)
        return float(min(1.0, np.exp(_log_sum(total[None], axis=1)[0] - self.log_z)))


def forward_backward(lattice: Lattice, transition: Floats) -> list[Posterior]:
    """Posteriors of every sentence, in the order the sentences were given."""
    rows, longest, _ = lattice.scores.shape
    forward = np.zeros_like(lattice.scores)
    backward = np.zeros_like(lattice.scores)
    if longest:
        forward[:, 0] = lattice.scores[:, 0]
    for step in range(1, longest):
        here = lattice.running(step)
        paths = forward[:here, step - 1, :, None] + transition[None]
        forward[:here, step] = _log_sum(paths, axis=1) + lattice.scores[:here, step]
    for step in range(longest - 2, -1, -1):
        here = lattice.running(step + 1)
        after = backward[:here, step + 1] + lattice.scores[:here, step + 1]
        backward[:here, step] = _log_sum(transition[None] + after[:, None, :], axis=2)
    ends = np.maximum(lattice.lengths - 1, 0)
    log_z = _log_sum(forward[np.arange(rows), ends], axis=1) if longest else np.zeros(rows)
    answers: list[Posterior | None] = [None] * rows
    for row, (where, length) in enumerate(zip(lattice.order, lattice.lengths, strict=True)):
        answers[where] = Posterior(
            lattice.scores[row, :length], forward[row, :length], backward[row, :length], transition, float(log_z[row])
        )
    return [answer for answer in answers if answer is not None]


def _log_sum(values: Floats, axis: int) -> Floats:
    top = values.max(axis=axis, keepdims=True)
    top = np.where(np.isfinite(top), top, 0.0)  # nothing leads here: the sum is 0 and its log -inf
    with np.errstate(divide="ignore"):
        return np.log(np.exp(values - top).sum(axis=axis)) + np.squeeze(top, axis=axis)


def blocks(lengths: Ints, cells: int = 100_000) -> list[Ints]:
    """Sentence numbers in blocks of like length: a lattice is sentences x longest, and so stays within bounds."""
    order = np.argsort(lengths, kind="stable")
    made: list[Ints] = []
    first = 0
    for at in range(1, len(order) + 1):
        # Sorted by length, so the next sentence is the longest of the block it would join.
        if at == len(order) or (at + 1 - first) * lengths[order[at]] > cells:
            made.append(order[first:at])
            first = at
    return made


@dataclass(frozen=True)
class Stops:
    """How tags make mentions, by conlleval's rule; both are [tags, tags].

    `over`: whether a mention whose last tag is the row's is over when the column's follows. `same`: whether the
    column's tag has the label of the row's.
    """

    over: NDArray[np.bool_]
    same: NDArray[np.bool_]

    @classmethod
    def of(cls, tags: Sequence[str]) -> Stops:
        """The tables of some tags, in their order."""
        over = np.ones((len(tags), len(tags)), dtype=np.bool_)
        same = np.eye(len(tags), dtype=np.bool_)
        for row, tag in enumerate(tags):
            for column, after in enumerate(tags):
                if OUTSIDE not in (tag, after) and split_tag(tag)[1] == split_tag(after)[1]:
                    same[row, column] = True
                    over[row, column] = split_tag(after)[0] not in "IMEL" or split_tag(tag)[0] in "ESLU"
        return cls(over, same)
