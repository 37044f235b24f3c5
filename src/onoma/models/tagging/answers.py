"""From a tagger's scores to its answers: tags, and a score in [0,1] for any span."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial

import numpy as np
from numpy.typing import NDArray

from onoma import progress
from onoma.encodings.base import TagAnswer
from onoma.models.tagging.chain import Chain
from onoma.models.tagging.lattice import Lattice, Posterior, Stops, blocks, forward_backward, viterbi

__all__ = ["CHAIN_SCORE", "WORD_SCORE", "best_sequences", "best_tags"]

Floats = NDArray[np.floating]
_Posteriors = Callable[[], list[Posterior]]

WORD_SCORE = "product of the softmax probabilities of the tags of the span's words"
CHAIN_SCORE = (
    "probability, under the model's distribution over the tag sequences of the sentence, that these words and no more "
    "are a mention of this label"
)


def best_tags(tags: Sequence[str], logits: Floats, lengths: Sequence[int]) -> list[TagAnswer]:
    """The best tag of each word by itself; `logits` [words, T] of sentences in a row, `lengths` in words."""
    top = logits.max(axis=1, keepdims=True) if len(logits) else logits[:, :1]
    shares = np.exp(logits - top)
    best = logits.argmax(axis=1)
    sums = shares.sum(axis=1)
    chosen = shares[np.arange(len(best)), best] / sums
    names = np.array(tags, dtype=object)[best]
    answers: list[TagAnswer] = []
    for end, length in zip(np.cumsum(lengths).tolist(), lengths, strict=True):
        mine = slice(end - length, end)
        chances = partial(_by_tag, tags, partial(np.divide, shares[mine], sums[mine, None]))
        answers.append(TagAnswer(tuple(names[mine]), partial(_product, chosen[mine]), chances))
    return answers


def _product(chosen: Floats, start: int, end: int) -> float:
    return float(min(1.0, chosen[start:end].prod()))


def _by_tag(tags: Sequence[str], chances: Callable[[], Floats]) -> Mapping[str, Sequence[float]]:
    return dict(zip(tags, chances().T.tolist(), strict=True))


def best_sequences(
    tags: Sequence[str],
    logits: Floats,
    lengths: Sequence[int] | NDArray[np.int64],
    chain: Chain,
    bar: progress.Bar | None = None,
) -> list[TagAnswer]:
    """The best sequence of each sentence under a chain of scores, with exact marginals of spans and of words.

    `logits` [words, T] are of sentences in a row, `lengths` in words; `bar` is told of sentences done.
    """
    sizes = np.asarray(lengths, dtype=np.int64)
    ends = np.cumsum(sizes)
    scores = logits.astype(np.float64)
    filled = sizes > 0
    scores[ends[filled] - sizes[filled]] += chain.start
    scores[ends[filled] - 1] += chain.end
    answers: list[TagAnswer] = [TagAnswer(())] * len(sizes)
    names, stops = np.array(tags, dtype=object), Stops.of(tags)
    for block in blocks(sizes):
        rows = np.concatenate([np.arange(int(ends[n] - sizes[n]), int(ends[n])) for n in block])
        lattice = Lattice.of(scores[rows], sizes[block])
        posteriors = cache(partial(forward_backward, lattice, chain.transition))  # a draft asks for no score
        for place, (number, path) in enumerate(zip(block, viterbi(lattice, chain.transition), strict=True)):
            score = partial(_of_span, posteriors, place, path, stops)
            answers[number] = TagAnswer(tuple(names[path]), score, partial(_by_place, tags, posteriors, place))
        if bar is not None:
            bar.add(len(block))
    return answers


def _of_span(posteriors: _Posteriors, place: int, path: NDArray[np.int64], stops: Stops, start: int, end: int) -> float:
    return posteriors()[place].span(start, end, path, stops)


def _by_place(tags: Sequence[str], posteriors: _Posteriors, place: int) -> Mapping[str, Sequence[float]]:
    return _by_tag(tags, posteriors()[place].words)
