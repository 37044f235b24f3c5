"""Alignment of generated to source words: time a pair, and what each method recovers.

Pairs are sentences of real corpora, lower-cased, whose copy is wrong in one place at least, in the proportions that
Ding et al. (2024, table 9) report of a generator: 39 % omissions, 3 % additions, 58 % substitutions. Longer pairs are
sentences in a row. All methods get the same lists in one process and in turn.
"""

from __future__ import annotations

import argparse
import difflib
import gc
import random
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from common import record
from published_word_tags import PublishedWordTags
from rapidfuzz.distance import LCSseq

import onoma
from onoma import Document, alignment, encodings
from onoma.evaluation import strict_f1

CORPORA = ("conll2003:test", "uner_english_ewt:test", "wnut17:test")
KINDS = (("omission", 0.39), ("addition", 0.03), ("substitution", 0.58))
BUCKETS = {"0-60": 400, "60-100": 200, "100-200": 100, "500": 20, "1000": 10, "5000": 3}
"""Words of the source, and how many pairs."""
NAIVE = {"1000": 4, "5000": 1}
"""Pairs that the quadratic programme gets where all would take hours."""
TARGETS = {"0-60": 20.0, "60-100": 100.0, "100-200": 250.0}
"""How many times as fast as the quadratic programme the longest common subsequence is to be."""

LONG_ENOUGH = 0.1
"""Seconds that one timing takes at least, as timeit's autorange has it."""

PEER = "GNER's steps"


class Pair(NamedTuple):
    """Source and copy, and the copy's word for each source word, None where it was left out."""

    source: list[str]
    generated: list[str]
    truth: list[int | None]


def main() -> None:
    """Align."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=5)
    given = parser.parse_args()
    documents = [document for corpus in CORPORA for document in onoma.read(corpus)]
    gc.collect()
    gc.disable()  # as timeit does: its pauses fall on whoever is being timed
    speed(sentences(documents), given.repeats)
    pipeline(onoma.read("conll2003:test"), given.repeats)


def sentences(documents: Sequence[Document]) -> list[list[str]]:
    """Lower-cased words by sentence."""
    return [[word.lower() for word in words] for document in documents for words in document.sentence_words() if words]


def pairs(rows: Sequence[list[str]], bucket: str, number: int, chance: random.Random) -> list[Pair]:
    """Corrupted copies of as many words as the bucket says."""
    low, _, high = bucket.partition("-")
    least, most = (int(low), int(high)) if high else (int(low), int(low))
    vocabulary = [word for row in rows for word in row]
    made: list[Pair] = []
    while len(made) < number:
        words: list[str] = []
        wanted = chance.randint(max(least, 5), most) if least else 1
        while len(words) < wanted:
            words += chance.choice(rows)
        if len(words) <= 1.1 * most:
            made.append(corrupted(words[:most], vocabulary, chance))
    return made


def corrupted(words: list[str], vocabulary: Sequence[str], chance: random.Random, rate: float = 0.05) -> Pair:
    """A copy with one error in twenty words, one at least."""
    generated: list[str] = []
    truth: list[int | None] = []
    wrong = {chance.randrange(len(words))} | {at for at in range(len(words)) if chance.random() < rate}
    for at, word in enumerate(words):
        kind = chance.choices([name for name, _ in KINDS], [share for _, share in KINDS])[0] if at in wrong else ""
        if kind == "addition":
            generated.append(chance.choice(vocabulary))
        truth.append(None if kind == "omission" else len(generated))
        if kind == "substitution":
            generated.append(chance.choice([chance.choice(vocabulary), damaged(word, chance)]))
        elif kind != "omission":
            generated.append(word)
    return Pair(words, generated, truth)


def damaged(word: str, chance: random.Random) -> str:
    """A word with a letter lost or doubled."""
    at = chance.randrange(len(word))
    return word[:at] + chance.choice(["", word[at] * 2]) + word[at + 1 :] or "x"


# ---------------------------------------------------------------------- peers


def quadratic(source: Sequence[str], generated: Sequence[str]) -> list[int | None]:
    """A longest common subsequence by the textbook's table."""
    rows, columns = len(source), len(generated)
    table = [[0] * (columns + 1) for _ in range(rows + 1)]
    for row in range(rows):
        for column in range(columns):
            if source[row] == generated[column]:
                table[row + 1][column + 1] = table[row][column] + 1
            else:
                table[row + 1][column + 1] = max(table[row][column + 1], table[row + 1][column])
    aligned: list[int | None] = [None] * rows
    while rows and columns:
        if source[rows - 1] == generated[columns - 1]:
            rows, columns = rows - 1, columns - 1
            aligned[rows] = columns
        elif table[rows - 1][columns] >= table[rows][columns - 1]:
            rows -= 1
        else:
            columns -= 1
    return aligned


def by_difflib(source: Sequence[str], generated: Sequence[str]) -> list[int | None]:
    """The standard library's matching blocks."""
    aligned: list[int | None] = [None] * len(source)
    for first, second, size in difflib.SequenceMatcher(None, source, generated, autojunk=False).get_matching_blocks():
        aligned[first : first + size] = range(second, second + size)
    return aligned


METHODS: dict[str, Callable[[Sequence[str], Sequence[str]], Any]] = {
    "lcs": lambda source, generated: alignment.align(source, generated, "lcs"),
    "rapidfuzz, bare": LCSseq.opcodes,
    "Hunt-Szymanski": alignment._hunt_szymanski,
    "published hierarchy": lambda source, generated: alignment.align(source, generated, "gner"),
    "difflib": by_difflib,
    "quadratic": quadratic,
    "weighted": lambda source, generated: alignment.align(source, generated, "weighted"),
}


def speed(rows: Sequence[list[str]], repeats: int) -> None:
    """Seconds a pair of every method on every length, and the words that are found again."""
    seconds: dict[str, list[float]] = {}
    found: dict[str, dict[str, dict[str, float]]] = {}
    for bucket, number in BUCKETS.items():
        made = pairs(rows, bucket, number, random.Random(1))
        for repeat in range(repeats):
            for name, method in METHODS.items():
                if name == "quadratic" and bucket in NAIVE and repeat:
                    continue
                taken = made[: NAIVE.get(bucket, number)] if name == "quadratic" else made
                seconds.setdefault(f"{name}, {bucket}", []).append(a_pair(method, taken))
        found[bucket] = {name: recovered(made, name) for name in ("lcs", "weighted", "gner")}
        print(f"  {bucket} words done", file=sys.stderr)
    ratios = {bucket: {name: ratio(seconds, name, bucket) for name in METHODS} for bucket in BUCKETS}
    record(
        "alignment",
        "seconds a pair of source and copy, words of the source in each name",
        seconds,
        ours="lcs, 0-60",
        peers=(),
        packages=("rapidfuzz",),
        times_the_time_of_lcs=ratios,
        words_recovered=found,
        targets=TARGETS,
    )
    for bucket, each in ratios.items():
        wanted = TARGETS.get(bucket)
        mark = "" if wanted is None else f" (target {wanted:.0f}: {'met' if each['quadratic'] >= wanted else 'missed'})"
        others = ", ".join(f"{name} {value:.1f}x" for name, value in each.items() if name not in {"lcs", "quadratic"})
        print(f"  {bucket} words: quadratic {each['quadratic']:.0f}x the time of lcs{mark}; {others}")


def ratio(seconds: dict[str, list[float]], name: str, bucket: str) -> float:
    """How many times the time of LCS a method takes: the median over repeats, each held against its own."""
    both = zip(seconds[f"{name}, {bucket}"], seconds[f"lcs, {bucket}"], strict=False)  # one may have had fewer
    return statistics.median(theirs / ours for theirs, ours in both)


def a_pair(method: Callable[[Sequence[str], Sequence[str]], Any], made: Sequence[Pair]) -> float:
    """Seconds a pair, of all pairs again and again until `LONG_ENOUGH`: a few milliseconds would be cold caches."""
    rounds, started = 0, time.perf_counter()
    while True:
        for source, generated, _ in made:
            method(source, generated)
        rounds += 1
        passed = time.perf_counter() - started
        if passed >= LONG_ENOUGH:
            return passed / rounds / len(made)


def recovered(made: Sequence[Pair], method: str) -> dict[str, float]:
    """Shares of the copied or substituted words that get their own place, and of all words that get another's."""
    right = wrong = there = words = 0
    for source, generated, truth in made:
        aligned = alignment.align(source, generated, method)
        right += sum(one == other is not None for one, other in zip(aligned, truth, strict=True))
        wrong += sum(one is not None and one != other for one, other in zip(aligned, truth, strict=True))
        there += sum(place is not None for place in truth)
        words += len(source)
    return {"right": right / there, "wrong": wrong / words}


def pipeline(documents: Sequence[Document], repeats: int) -> None:
    """Words a second of reading, aligning and scoring answers of which three in ten were copied wrong.

    With the vocabulary's forms of the words; those of a text are made once, when it is first asked about. The peer's
    script makes them every time.
    """
    from transformers import AutoTokenizer

    from onoma.models.pretrained import default_encoder

    back = alignment.BackTokenizer(AutoTokenizer.from_pretrained(default_encoder()))
    words = sum(len(document.tokens) for document in documents)
    labels = sorted({span.label for document in documents for span in document.spans})
    chance = random.Random(1)
    seconds: dict[str, list[float]] = {}
    scores: dict[str, float] = {}
    encoding = encodings.get("word_tags", labels)
    answers = [answered(document, encoding, back, chance) for document in documents]
    peer = PublishedWordTags(back.tokenizer, labels)
    targets = [encoding.tags.encode(document) for document in documents]
    sentences = [pair for each in targets for pair in zip(each.sentences, each.tags, strict=True)]
    by_sentence = [answer for each in answers for answer in each]
    for _ in range(repeats):
        started = time.perf_counter()
        scores[PEER] = peer(sentences, by_sentence)
        seconds.setdefault(PEER, []).append(time.perf_counter() - started)
        for method in ("lcs", "weighted", "gner"):
            new = alignment.BackTokenizer(back.tokenizer)
            for name, forms in ((f"{method}, forms not known yet", new), (method, new)):
                encoding = encodings.get("word_tags", labels, align=method)
                encoding.back = forms
                started = time.perf_counter()
                predictions = [encoding.decode(*each) for each in zip(documents, answers, strict=True)]
                scores[name] = strict_f1(documents, predictions)
                seconds.setdefault(name, []).append(time.perf_counter() - started)
    record(
        "word_tags_decoding",
        f"answers about {words:,} words of CoNLL-2003 test, 30 % of the sentences copied wrong: read, align, score",
        seconds,
        ours="lcs",
        peers=(PEER,),
        packages=("rapidfuzz", "transformers"),
        words_per_second={name: words / statistics.median(each) for name, each in seconds.items()},
        f1=scores,
    )
    for name, each in seconds.items():
        print(f"  {name}: {words / statistics.median(each):,.0f} words/s, F1 {100 * scores[name]:.2f}")


def answered(
    document: Document, encoding: Any, back: alignment.BackTokenizer, chance: random.Random, share: float = 0.3
) -> list[str]:
    """The right answers in the forms that the vocabulary leaves, a share of them copied wrong."""
    targets = encoding.tags.encode(document)
    made: list[str] = []
    for words, tags in zip(targets.sentences, targets.tags, strict=True):
        forms = back(words)
        if chance.random() < share:
            pair = corrupted(forms, forms, chance)
            of = {place: at for at, place in enumerate(pair.truth) if place is not None}
            items = [(word, tags[of[at]] if at in of else "O") for at, word in enumerate(pair.generated)]
        else:
            items = list(zip(forms, tags, strict=True))
        made.append(" ".join(f"{word}({tag})" for word, tag in items))
    return made


if __name__ == "__main__":
    main()
