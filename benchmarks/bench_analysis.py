"""Error analysis of 5 systems against the time of matching them: at most three times as long is what we ask of it.

The gold is the first 10,000 sentences of CoNLL-2003 train (whole documents, so a few more), and again with a document
for each sentence. A system is the gold with about every fifth mention lost, relabelled, moved or split, and some
invented. Analysis is what a report shows: all taxonomies with their counts and the first examples of each class, the
confusion matrix, wrong surfaces, and all slices of all systems with intervals and paired tests of 1,000 resamples. What
training data show of mentions (`Known`) is read once and timed by itself. Each run matches anew, so that nothing is
remembered from the one before.
"""

from __future__ import annotations

import random
import statistics
import tracemalloc
from collections.abc import Callable, Iterator
from typing import Any

import psutil
from common import measure, record, repeats

import onoma
from onoma.analysis import TAXONOMIES, Known, classify, compare_slices, confusion, surfaces_of
from onoma.document import Document, Prediction, Span
from onoma.evaluation import Matching, match

SENTENCES = 10_000
SYSTEMS = 5
EXAMPLES = 20
"""Errors of each class that are made into objects."""
AT_MOST = 3.0
BUSY = 0.7
"""A load average above this is other people's work."""
LABELS = ["LOC", "MISC", "ORG", "PER"]


def corrupted(document: Document, rng: random.Random) -> Prediction:
    """A prediction with errors of all kinds."""
    starts, ends = document.tokens.starts, document.tokens.ends
    first = {start: index for index, start in enumerate(starts)}
    last = {end: index for index, end in enumerate(ends)}
    spans: list[Span] = []
    for span in document.spans:
        begin, end, chance = first[span.start], last[span.end], rng.random()
        if chance < 0.05:
            continue
        if chance < 0.1:
            spans.append(Span(span.start, span.end, rng.choice(LABELS)))
        elif chance < 0.13:
            spans.append(Span(starts[max(0, begin - 1)], span.end, span.label))
        elif chance < 0.16:
            spans.append(Span(span.start, ends[min(len(ends) - 1, end + 1)], span.label))
        elif chance < 0.18 and end > begin:
            spans += [Span(span.start, ends[begin], span.label), Span(starts[end], span.end, span.label)]
        else:
            spans.append(span)
        if rng.random() < 0.04:
            place = rng.randrange(len(starts))
            spans.append(Span(starts[place], ends[place], rng.choice(LABELS)))
    return Prediction(document.id, tuple(spans))


def beginning(documents: list[Document]) -> list[Document]:
    """Whole documents until there are enough sentences."""
    kept: list[Document] = []
    sentences = 0
    for document in documents:
        if sentences >= SENTENCES:
            break
        kept.append(document)
        sentences += len(document.sentences)
    return kept


def by_sentence(documents: list[Document]) -> Iterator[Document]:
    """A document of each sentence."""
    for document in documents:
        starts, ends = document.tokens.starts, document.tokens.ends
        for number, (first, last) in enumerate(document.sentences):
            begin, end = starts[first], ends[last - 1]
            tokens = [(start - begin, stop - begin) for start, stop in document.tokens[first:last]]
            inside = (span for span in document.spans if begin <= span.start and span.end <= end)
            spans = tuple(Span(span.start - begin, span.end - begin, span.label) for span in inside)
            yield Document(f"{document.id}-{number}", document.text[begin:end], tokens, spans=spans)  # type: ignore[arg-type]


def analysed(matchings: list[Matching], known: Known) -> Any:
    """Everything that is said of the systems' errors."""
    made = []
    for matching in matchings:
        for name in TAXONOMIES:
            found = classify(matching, name)
            made.append((found.counts, found.false_positives, found.false_negatives))
            made.append([found.of(kind, EXAMPLES) for kind in found.taxonomy.kinds])
        made.append(confusion(matching))
    systems = {f"system {number}": matching for number, matching in enumerate(matchings)}
    return made, surfaces_of(matchings), compare_slices(systems, known)


def peak_mb(run: Callable[[], Any]) -> float:
    """The most memory that Python objects and arrays took at once while something ran."""
    tracemalloc.start()
    run()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak / 1e6


def main() -> None:
    """Measure."""
    times = repeats(9)
    train = onoma.read("conll2003:train")
    documents = beginning(train)
    sentences = list(by_sentence(documents))
    known = Known(train)
    analysis("analysis", "documents as they are", documents, known, times, train)
    analysis("analysis_by_sentence", "a document for each sentence", sentences, known, times, train)


def analysis(name: str, what: str, gold: list[Document], known: Known, times: int, train: list[Document]) -> None:
    """Match the systems, match and analyse them, and record what analysis takes beside matching."""
    systems = [[corrupted(each, random.Random(f"{system} {each.id}")) for each in gold] for system in range(SYSTEMS)]

    load = psutil.getloadavg()[0]

    def matched() -> list[Matching]:
        return [match(gold, answers) for answers in systems]

    seconds = measure(
        {
            "matching": matched,
            "matching and analysis": lambda: analysed(matched(), known),
            "what training data show (Known)": lambda: Known(train),
        },
        times,
    )
    seconds["analysis"] = [
        both - alone for both, alone in zip(seconds["matching and analysis"], seconds["matching"], strict=True)
    ]
    ratios = [both / alone for both, alone in zip(seconds["analysis"], seconds["matching"], strict=True)]
    ratio = statistics.median(ratios)
    matchings = matched()
    record(
        name,
        f"{SYSTEMS} systems, {sum(len(each.sentences) for each in gold):,} sentences, {len(gold):,} documents: {what}",
        seconds,
        ours="analysis",
        peers=(),
        packages=("numpy", "scipy"),
        analysis_in_times_of_matching=ratio,
        at_most=AT_MOST,
        load_average_before=load,
        mentions=len(matchings[0].gold),
        errors=[len(each.missed) + len(each.spurious) for each in matchings],
        peak_mb={"matching": peak_mb(matched), "analysis": peak_mb(lambda: analysed(matchings, known))},
    )
    print(f"  analysis takes {ratio:.2f} times as long as matching (at most {AT_MOST:g} is asked)")
    if load > BUSY:
        print(f"  the machine was busy with other work before this began (load average {load:.1f}): run it again alone")


if __name__ == "__main__":
    main()
