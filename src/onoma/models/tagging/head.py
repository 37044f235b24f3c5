"""What a neural tagger does with the scores of words: cost against gold tags, and answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from onoma.encodings.base import TagAnswer
from onoma.exceptions import ModelError
from onoma.models.base import Sentences
from onoma.models.tagging.answers import CHAIN_SCORE, WORD_SCORE, best_sequences, best_tags
from onoma.models.tagging.chain import Chain
from onoma.models.tagging.options import HeadOptions
from onoma.schemes import TagSet

__all__ = ["IGNORE", "answers", "cost", "new_crf", "score_meaning", "tag_numbers", "weight"]

IGNORE = -100
"""The label of places that hold no word."""


def tag_numbers(tagset: TagSet, tags: Sequence[Sentences]) -> dict[str, int]:
    """The number of each tag; raises `ModelError` where gold `tags` hold one that the model does not have."""
    numbers = {tag: number for number, tag in enumerate(tagset)}
    lacking = sorted({tag for document in tags for row in document for tag in row} - numbers.keys())
    if lacking:
        raise ModelError(
            f"the model has no tag {lacking[0]!r}, which the data need: train a new one, with this one as 'encoder'"
        )
    return numbers


def new_crf(tagset: TagSet, options: HeadOptions) -> Any:
    """A chain layer for the tag set where the options ask for one, else None."""
    if options.head != "crf":
        return None
    from onoma.models.tagging.crf import LinearChainCrf

    legal = Chain.legal(tagset)
    return LinearChainCrf(legal.start, legal.transition, legal.end)


def cost(emissions: Any, labels: Any, crf: Any, options: HeadOptions, outside: int = 0) -> Any:
    """The sum of the costs of all words (scalar); to be divided by `weight`.

    `emissions` [chains, longest, T]; `labels` [chains, longest], `IGNORE` behind the last word of a chain;
    `outside` is the number of the tag O.
    """
    import torch

    from onoma.models.tagging.losses import total_cost, word_weights

    inside = labels != IGNORE
    gold = labels[inside]
    if crf is None:
        return total_cost(torch.log_softmax(emissions.float(), dim=-1)[inside], gold, options, outside)
    if options.loss != "nll":
        return total_cost(crf.log_marginals(emissions, inside)[inside], gold, options, outside)
    # The chain rule: the costs of a sentence's words, each given those before it, sum to its negative log-likelihood.
    terms = crf.log_probabilities(emissions, labels.clamp(min=0), inside)[inside]
    return -(word_weights(gold, options, outside) * terms).sum()


def weight(labels: Any, options: HeadOptions, outside: int = 0) -> Any:
    """What `cost` is divided by: the sum of the words' weights, or their number (scalar)."""
    from onoma.models.tagging.losses import total_weight

    return total_weight(labels[labels != IGNORE], options, outside)


def answers(
    tagset: TagSet, logits: NDArray[np.float32], lengths: Sequence[int], crf: Any, options: HeadOptions
) -> list[TagAnswer]:
    """One answer a sentence, from `logits` [words, T] of sentences in a row; `lengths` in words."""
    if crf is not None:
        return best_sequences(tagset, logits, lengths, Chain(*crf.scores()))
    if options.decode == "viterbi":
        return best_sequences(tagset, logits, lengths, Chain.legal(tagset))
    return best_tags(tagset, logits, lengths)


def score_meaning(options: HeadOptions) -> str:
    """What the score of a span is, in one sentence."""
    return WORD_SCORE if options.head == "linear" and options.decode == "argmax" else CHAIN_SCORE
