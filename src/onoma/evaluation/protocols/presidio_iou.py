"""The span evaluator of presidio-research: IoU of at least 0.9 after words were dropped and neighbours merged.

Both sides become one label a token (IO: touching mentions of one label are one). A mention is then its tokens less
skip words (punctuation, blanks, English function words, and words of addresses, dates and company names), and goes
from the first to the last that is left; a mention of skip words alone is gone. Mentions of one label with only skip
words between them are merged, in gold too. For each gold mention in turn, the predictions that overlap it are taken
one after the other as long as they raise the intersection over union in characters; with 0.9 or more the gold mention
is found, and the predictions taken count as one. Micro scores do so whatever the label, a label's row with its own
label alone (evaluation/span_evaluator.py). F-beta with beta 2 is in the counts; f1 is the plain F1.

Ranges there include their end, and each prediction after the first is moved by one character; so they are here. The
original's function words are spaCy's; the list here is our own, so a figure may differ where the lists do.
"""

from __future__ import annotations

import string
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import NamedTuple

from onoma.document import Document, Prediction, Span
from onoma.evaluation.accuracy import flat_tags
from onoma.evaluation.protocols.base import ProtocolScore, ProtocolScores, ratio
from onoma.evaluation.protocols.joined import (
    Joined,
    f1_of,
    join,
    join_notes,
    label_of,
    labels_of,
    need_tokens,
)

__all__ = ["SKIP_WORDS", "THRESHOLD", "score"]

THRESHOLD = 0.9
BETA = 2

SKIP_WORDS = frozenset(string.punctuation) | frozenset(
    # articles, pronouns, prepositions, conjunctions, auxiliaries, adverbs
    """
    a an the this that these those i me my mine we us our ours you your yours he him his she her hers it its they
    them their theirs who whom whose which what of in on at to from by for with without into onto over under above
    below between among through during before after about against across along around behind beside near off out up
    down as than and or but nor so yet if because while although though until since is am are was were be been being
    has have had do does did will would can could may might must shall should not no there here then now when where
    why how all any both each few more most other some such only own same too very just also 's n't 'm 're 've 'll 'd
    """.split()
    # addresses
    + "street st. st de rue via address country state city zip po p.o. box apt unit corner suite".split()
    # people and companies
    + "mr. mrs. miss inc inc. ltd".split()
    # times
    + """
    day days week weeks weekend month months year years y/o old age ago morning noon afternoon evening night first last
    """.split()
)
"""Tokens that do not count, in lower case; white space never does."""


class Mention(NamedTuple):
    """A label over tokens [first, last); `start` and `end` are the characters that are left without skip words."""

    label: str
    first: int
    last: int
    start: int
    end: int


class Tally:
    """Found gold, predicted and gold mentions of a label, or of all."""

    def __init__(self) -> None:
        self.found = self.predicted = self.annotated = 0

    def score(self) -> ProtocolScore:
        precision, recall = ratio(self.found, self.predicted), ratio(self.found, self.annotated)
        f_beta = ratio((1 + BETA**2) * precision * recall, BETA**2 * precision + recall)
        counts = {
            "true_positives": self.found,
            "predicted": self.predicted,
            "annotated": self.annotated,
            "f_beta_2": f_beta,
        }
        return ProtocolScore(precision, recall, f1_of(precision, recall), counts)


def score(
    gold: Sequence[Document], predictions: Iterable[Prediction | Document], *, labels: Sequence[str] | None = None
) -> ProtocolScores:
    """Mentions found with an IoU of 0.9 after normalising both sides; raises as `onoma.evaluation.match`.

    Raises `NotApplicableError` where a text has no tokens.
    """
    pairs = join(gold, predictions, labels)
    need_tokens(pairs, "presidio_iou")
    total = Tally()
    tallies = {label: Tally() for label in labels_of(pairs)}
    gone: Counter[str] = Counter()
    for pair in pairs:
        golds, found = (_mentions(pair.document, spans) for spans in (pair.gold, pair.predicted))
        gone["gold"] += len(pair.gold) - len(golds)
        gone["predicted"] += len(pair.predicted) - len(found)
        _count(golds, found, total, tallies)
        _count_placeless(pair, total, tallies)
    notes = join_notes(pairs, problems="are spurious", fragments="are taken as their hull")
    if any(gone.values()):
        lost = f"{gone['gold']:,} gold and {gone['predicted']:,} predicted mentions"
        notes = (*notes, f"{lost} merged with a neighbour, covered by a longer one or made of skip words alone")
    return ProtocolScores(
        protocol="presidio_iou",
        rule="0.9 of characters, whatever the label, skip words dropped, gold merged; presidio-research",
        micro=total.score(),
        by_label={label: tally.score() for label, tally in tallies.items()},
        notes=notes,
    )


def _mentions(document: Document, spans: Sequence[Span]) -> list[Mention]:
    """One side of a document, normalised and merged: disjoint, by position."""
    tokens, words = document.tokens, document.words
    labels = [tag[2:] for tag in flat_tags(document, spans)] if spans else []
    mentions: list[Mention] = []
    at = 0
    for label, members in groupby(labels):
        first, at = at, at + sum(1 for _ in members)
        kept = [index for index in range(first, at) if label and not _skipped(words[index])]
        if not kept:
            continue
        mention = Mention(label, first, at, tokens[kept[0]].start, tokens[kept[-1]].end)
        last = mentions[-1] if mentions else None
        if last is not None and last.label == label and all(map(_skipped, words[last.last : first])):
            mentions[-1] = Mention(label, last.first, at, last.start, mention.end)
        else:
            mentions.append(mention)
    return mentions


def _skipped(word: str) -> bool:
    return not word.strip() or word.lower().strip() in SKIP_WORDS


def _count(golds: Sequence[Mention], found: Sequence[Mention], total: Tally, tallies: dict[str, Tally]) -> None:
    for mention in golds:
        tallies[mention.label].annotated += 1
    for mention in found:
        tallies[mention.label].predicted += 1
    total.annotated += len(golds)
    starts = [mention.start for mention in found]
    ends = [mention.end for mention in found]
    taken: set[int] = set()
    taken_of_label: set[int] = set()
    for mention in golds:
        touching = range(bisect_right(ends, mention.start), bisect_left(starts, mention.end))
        near = [index for index in touching if index not in taken]
        same = [index for index in near if found[index].label == mention.label and index not in taken_of_label]
        chosen = _covering(mention, found, near)
        if chosen:
            total.found += 1
            total.predicted += 1
            taken.update(chosen)
        of_label = _covering(mention, found, same)
        if of_label:
            tallies[mention.label].found += 1
            taken_of_label.update(of_label)
    total.predicted += len(found) - len(taken)


def _covering(mention: Mention, found: Sequence[Mention], near: Sequence[int]) -> list[int]:
    """The predictions that together reach the threshold, or none; `near` is by position."""
    chosen: list[int] = []
    best = 0.0
    inside = covered = reached = 0
    for index in near:
        # Ends are included, and all but the first range stand one character to the left: see the module's text.
        shift = 1 if chosen else 0
        start = max(found[index].start - shift, reached)
        end = found[index].end + 1 - shift
        more = max(0, end - start)
        common = max(0, min(end, mention.end + 1) - max(start, mention.start))
        union = mention.end + 1 - mention.start + covered + more - inside - common
        if (inside + common) / union > best:
            best = (inside + common) / union
            chosen.append(index)
            inside, covered, reached = inside + common, covered + more, max(reached, end)
    return chosen if best >= THRESHOLD else []


def _count_placeless(pair: Joined, total: Tally, tallies: dict[str, Tally]) -> None:
    for problem in pair.problems:
        total.predicted += 1
        tallies[label_of(problem)].predicted += 1
