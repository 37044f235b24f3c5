"""Linear-chain inference over many sentences at once: Viterbi, forward-backward and span marginals.

Sentences are sorted by length, so that at each step the ones still running are the first rows of an array.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from onoma.schemes import OUTSIDE, split_tag

__all__ = ["Lattice", "Posterior", "forward_backward", "mention_stops", "viterbi"]

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

    def span(self, start: int, end: int, path: Ints, stops: NDArray[np.bool_]) -> float:
        """Probability that words [start, end) have the tags of `path` and the mention is over after them.

        `stops` [tags, tags] says after which tag which next tag ends the mention.
        """
        total = self.forward[start, path[start]]
        for at in range(start + 1, end):
            total += self.transition[path[at - 1], path[at]] + self.scores[at, path[at]]
        last = path[end - 1]
        if end < len(path):
            onward = self.transition[last] + self.scores[end] + self.backward[end]
            ending = onward[stops[last]]
            total += _log_sum(ending[None], axis=1)[0] if len(ending) else -np.inf
        return float(min(1.0, np.exp(total - self.log_z)))


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
    return np.log(np.exp(values - top).sum(axis=axis)) + np.squeeze(top, axis=axis)


def mention_stops(tags: Sequence[str]) -> NDArray[np.bool_]:
    """[tag, next tag]: whether a mention whose last tag is `tag` is over when `next tag` follows (conlleval's rule)."""
    stops = np.ones((len(tags), len(tags)), dtype=np.bool_)
    for row, tag in enumerate(tags):
        for column, after in enumerate(tags):
            if OUTSIDE not in (tag, after):
                continues = split_tag(after)[0] in "IMEL" and split_tag(tag)[0] not in "ESLU"
                stops[row, column] = not (continues and split_tag(tag)[1] == split_tag(after)[1])
    return stops
