"""EuroEval's reading of a generative answer: every token that contains a word of a mention is tagged.

The answer is a list of texts by label. Each text is split at blanks. Its first word puts B on *every* token of the
sentence that contains it as a substring, whatever stood there; each further word puts I on every token that contains
it, is still O, and stands after a token of the same label (the token before the first one being the last, as the
original indexes it). Labels that gold does not have are skipped. The tags are then scored as seqeval does by
default: a tag that does not continue a mention opens one (task_group_utils/token_classification.py).

The original goes through the answer in its own order; here labels go in alphabetical order and mentions by position,
those without a place last, in every sentence of their document. Its servers' limit of five mentions a label belongs
to decoding and is not applied.

Its tags are in lower case, where seqeval knows upper case only: read so, B and I are the same, every run of one
label is a mention, and most runs of O are, too. The headline is the documented measure; F1 by the
lower-case reading stands in the counts as `lower_case_f1`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from onoma.document import Document, Prediction, Problem
from onoma.evaluation.accuracy import flat_tags
from onoma.evaluation.protocols.base import ProtocolScore, ProtocolScores, ratio
from onoma.evaluation.protocols.joined import (
    Joined,
    by_sentence,
    join,
    join_notes,
    need_tokens,
    plural,
    tuple_score,
)
from onoma.schemes import SCHEMES

__all__ = ["score", "tagged"]

OUTSIDE = "O"


def score(
    gold: Sequence[Document], predictions: Iterable[Prediction | Document], *, labels: Sequence[str] | None = None
) -> ProtocolScores:
    """Micro scores of mentions tagged by substring; raises as `onoma.evaluation.match`.

    Raises `NotApplicableError` where a text has no tokens.
    """
    pairs = join(gold, predictions, labels)
    need_tokens(pairs, "euroeval")
    known = {span.label for pair in pairs for span in pair.gold} if labels is None else set(labels)
    correct: Counter[str] = Counter()
    found: Counter[str] = Counter()
    expected: Counter[str] = Counter()
    runs = _Runs()
    skipped = flattened = cut = 0
    for pair in pairs:
        skipped += sum(span.label not in known for span in pair.predicted)
        skipped += sum(not _sought(problem, known) for problem in pair.problems)
        if pair.document.tokens:
            whole = SCHEMES["BIO"].spans(flat_tags(pair.document, pair.gold))
            flattened += len(pair.gold) - len(whole)
            bounds = {end for _, end in pair.document.sentences}
            cut += sum(not bounds.isdisjoint(range(span.start + 1, span.end)) for span in whole)
        for left, right in _sentences(pair, known):
            golds, answers = (set(SCHEMES["BIO"].spans(tags, "conlleval")) for tags in (left, right))
            expected.update(span.label for span in golds)
            found.update(span.label for span in answers)
            correct.update(span.label for span in golds & answers)
            runs.add(left, right)
    by_label = {
        label: tuple_score(correct[label], found[label], expected[label]) for label in sorted({*expected, *found})
    }
    micro = tuple_score(correct.total(), found.total(), expected.total())
    notes = list(join_notes(pairs, fragments="taken as their hull"))
    sought = sum(_sought(problem, known) for pair in pairs for problem in pair.problems)
    if sought:
        notes.append(f"{plural(sought, 'predicted mention')} without a place looked for in every sentence")
    if flattened:
        notes.append(f"{plural(flattened, 'gold mention')} left out: tags hold no nested or crossing mentions")
    if cut:
        notes.append(f"{plural(cut, 'gold mention')} cut in two by the end of a sentence")
    if skipped:
        notes.append(f"{plural(skipped, 'predicted mention')} skipped: no text, or a label gold does not have")
    if not expected and not found:
        micro = ProtocolScore(1.0, 1.0, 1.0, micro.counts)
        notes.append("no mention in gold or prediction: the original calls that 1")
    lower = runs.f1() if expected or found else 1.0
    notes.append(f"read in lower case, as the original hands the tags over: F1 {100 * lower:.2f}")
    return ProtocolScores(
        protocol="euroeval",
        rule="tags of every token that contains a predicted word; EuroEval, seqeval by default",
        micro=ProtocolScore(micro.precision, micro.recall, micro.f1, {**micro.counts, "lower_case_f1": lower}),
        by_label=by_label,
        notes=tuple(notes),
    )


def tagged(words: Sequence[str], mentions: Iterable[tuple[str, str]]) -> list[str]:
    """BIO tags of one sentence for (label, text) mentions, in the order given."""
    tags = [OUTSIDE] * len(words)
    for label, text in mentions:
        for number, part in enumerate(text.split()):
            for at, word in enumerate(words):
                if part not in word:
                    continue
                if not number:
                    tags[at] = f"B-{label}"
                elif tags[at] == OUTSIDE and tags[at - 1][2:] == label:
                    tags[at] = f"I-{label}"
    return tags


def _sought(problem: Problem, known: set[str]) -> bool:
    """Whether a mention without a place has a text to look for and a label that gold has."""
    return problem.label in known and bool(problem.text.strip())


def _sentences(pair: Joined, known: set[str]) -> Iterator[tuple[list[str], list[str]]]:
    """Gold and predicted tags of each sentence."""
    document = pair.document
    if not document.tokens:
        return
    gold = flat_tags(document, pair.gold)
    loose = [(each.label, each.text) for each in pair.problems if _sought(each, known)]
    parts = by_sentence(document, pair.predicted)
    for (first, last), spans in zip(document.sentences, parts, strict=True):
        placed = [(span.label, document.surface(span)) for span in spans if span.label in known]
        mentions = [*placed, *sorted((label, text) for label, text in loose if label is not None)]
        mentions.sort(key=lambda mention: mention[0])
        yield gold[first:last], tagged(document.words[first:last], mentions)


class _Runs:
    """What seqeval makes of lower-case tags: runs of one label, O a label too, over all sentences joined.

    It knows the outside tag that it puts between sentences, which ends no run of O and lets none begin.
    """

    def __init__(self) -> None:
        self.sides: tuple[list[str | None], list[str | None]] = ([], [])

    def add(self, gold: Sequence[str], found: Sequence[str]) -> None:
        for side, tags in zip(self.sides, (gold, found), strict=True):
            side += [tag[2:] for tag in tags]
            side.append(None)

    def f1(self) -> float:
        golds, answers = (_runs(side) for side in self.sides)
        return ratio(2 * len(golds & answers), len(golds) + len(answers))


def _runs(labels: Sequence[str | None]) -> set[tuple[str, int, int]]:
    """Runs [begin, end) of labels; None stands between sentences and counts as O's label."""
    found: set[tuple[str, int, int]] = set()
    begin = 0
    between, before = True, None
    for at, item in enumerate(labels):
        label = item or ""
        if before != label:
            if not between and before is not None:
                found.add((before, begin, at))
            if item is not None:
                begin = at
        between, before = item is None, label
    return found
