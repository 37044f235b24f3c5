"""From a tagger's scores to its answers: tags, and a score in [0,1] for any span."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from onoma import progress
from onoma.encodings.base import TagAnswer
from onoma.models.tagging.chain import Chain
from onoma.models.tagging.lattice import Lattice, Stops, blocks, forward_backward, viterbi

__all__ = ["CHAIN_SCORE", "WORD_SCORE", "best_sequences", "best_tags"]

Floats = NDArray[np.floating]

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
    chosen = shares[np.arange(len(best)), best] / shares.sum(axis=1)
    names = np.array(tags, dtype=object)[best]
    ends = np.cumsum(lengths)
    return [
        TagAnswer(tuple(names[end - length : end]), partial(_product, chosen[end - length : end]))
        for end, length in zip(ends.tolist(), lengths, strict=True)
    ]


def _product(chosen: Floats, start: int, end: int) -> float:
    return float(min(1.0, chosen[start:end].prod()))


def best_sequences(
    tags: Sequence[str],
    logits: Floats,
    lengths: Sequence[int] | NDArray[np.int64],
    chain: Chain,
    bar: progress.Bar | None = None,
) -> list[TagAnswer]:
    """The best sequence of each sentence under a chain of scores, with exact span marginals.

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
        posteriors = forward_backward(lattice, chain.transition)
        for number, path, posterior in zip(block, viterbi(lattice, chain.transition), posteriors, strict=True):
            answers[number] = TagAnswer(tuple(names[path]), partial(posterior.span, path=path, stops=stops))
        if bar is not None:
            bar.add(len(block))
    return answers
