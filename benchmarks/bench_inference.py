"""A fine-tuned MiniLM tagger in 32, 16 and 8 bits against the `transformers` pipeline, same weights, on CoNLL test.

All variants run in one process and in turn. The pipeline gets the sentences as text, tokenises them itself and keeps
its own batches of 1, 8 and 32, and once 32 with the texts sorted by length. Labels of both are compared word by word.
The model is `--model FOLDER`, else what ONOMA_BENCH_MODEL names, else one trained for an epoch here.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from common import measure, record

import onoma
from onoma import Document, Prediction, Recognizer
from onoma.document import LabelSet
from onoma.evaluation import strict_f1
from onoma.exporting import Tolerances, export_onnx

OURS = "onoma fp32"
TARGETS = {  # of our time to the peer's: at least so many times as fast
    "onoma fp32": {"batch 1": 4.5, "best unsorted": 2.3, "sorted": 1.6},
    "onoma bf16": {"best unsorted": 3.8},
    "onoma int8": {"best unsorted": 5.0},
    "onoma int8, ONNX Runtime": {"best unsorted": 5.0},
}
FALL = 0.005
"""How far strict F1 in 16 and 8 bits may be from that in 32."""


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, default=os.environ.get("ONOMA_BENCH_MODEL"))
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--every", type=int, default=1, help="take every n-th sentence only")
    parser.add_argument("--stream-words", type=int, default=1_000_000, help="words of the memory run; 0 for none")
    return parser.parse_args()


def main() -> None:
    """Predict."""
    warnings.simplefilter("ignore")
    given = arguments()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(given.model) if given.model else trained(Path(scratch) / "model")
        speed(folder, Path(scratch), given.every, given.repeats)
        if given.stream_words:
            memory(folder, given.stream_words)


def trained(folder: Path) -> Path:
    """A plain MiniLM tagger after one epoch on CoNLL train."""
    documents = onoma.read("conll2003:train")
    options = {"epochs": 1, "word_shape": False}
    recognizer = Recognizer.create("encoder_tagger", LabelSet.of(documents), options=options, seed=1)
    recognizer.fit(documents, seed=1)
    recognizer.save(folder)
    return folder


def sentences(every: int) -> list[Document]:
    """Sentences of CoNLL test as documents, with their gold."""
    made: list[Document] = []
    number = 0
    for document in onoma.read("conll2003:test"):
        tokens = list(document.tokens)
        for first, last in document.sentences:
            if last > first and number % every == 0:
                own = tokens[first:last]
                words = [document.text[token.start : token.end] for token in own]
                sentence = Document.from_words([words], id=str(number))
                places = list(zip(own, sentence.tokens, strict=True))
                starts = {token.start: ours.start for token, ours in places}
                ends = {token.end: ours.end for token, ours in places}
                spans = [span for span in document.spans if span.start in starts and span.end in ends]
                made.append(
                    sentence.with_spans(onoma.Span(starts[span.start], ends[span.end], span.label) for span in spans)
                )
            number += 1
    return made


def speed(folder: Path, scratch: Path, every: int, repeats: int) -> None:
    """Time all variants, compare their labels, and write the record."""
    from transformers import pipeline

    documents = sentences(every)
    texts = [document.text for document in documents]
    words = sum(len(document.tokens) for document in documents)
    systems = {"onoma fp32": onoma.load(folder)}
    systems |= {f"onoma {name}": with_precision(folder, name) for name in ("bf16", "int8")}
    for int8 in (False, True):
        target = scratch / f"onnx-{int8}"
        # Nothing is refused here: what each loses stands in the record beside its speed.
        export_onnx(
            systems["onoma fp32"], target, int8=int8, documents=documents[:50], tolerances=Tolerances(0.0, 1.0, 1.0)
        )
        systems[f"onoma {'int8' if int8 else 'fp32'}, ONNX Runtime"] = onoma.load(target)

    pipe = pipeline("token-classification", model=str(folder), aggregation_strategy="first", device="cpu")
    order = sorted(range(len(texts)), key=lambda number: len(texts[number]))
    variants: dict[str, Callable[[], Any]] = {
        name: lambda system=system: system.predict(documents) for name, system in systems.items()
    }
    for size in (1, 8, 32):
        variants[f"pipeline, batch {size}"] = lambda size=size: list(pipe(texts, batch_size=size))
    variants["pipeline, batch 32, sorted"] = lambda: list(pipe([texts[number] for number in order], batch_size=32))
    for name, system in systems.items():
        system.predict(documents[:50])
        print(f"  warmed {name}", file=sys.stderr)

    seconds = measure(variants, repeats)
    answers = {name: system.predict(documents) for name, system in systems.items()}
    raw = pipeline("token-classification", model=str(folder), aggregation_strategy="none", device="cpu")
    theirs = first_labels(raw(texts, batch_size=8), documents)
    quality = {
        name: {
            "f1": strict_f1(documents, found),
            "words_unlike_the_pipeline": sum(
                a != b for a, b in zip(theirs, (tag for each in found for tag in each.tags or ()), strict=True)
            ),
        }
        for name, found in answers.items()
    }
    ratios = {name: ratios_of(seconds, name) for name in systems}
    record(
        "inference",
        f"MiniLM-L6 fine-tuned on CoNLL-2003, {len(texts):,} sentences, {words:,} words of test",
        seconds,
        ours=OURS,
        peers=tuple(name for name in variants if name.startswith("pipeline")),
        words=words,
        quality=quality,
        ratios=ratios,
        targets=TARGETS,
    )
    report(ratios, quality)


def with_precision(folder: Path, precision: str) -> Recognizer:
    """The model in a folder, predicting in another precision."""
    recognizer = onoma.load(folder)
    model: Any = recognizer.model
    options = model.options.model_copy(update={"precision": precision})
    same = type(model)(model.tagset, options, model.tokenizer, model.module)
    return Recognizer.join(recognizer.encoding, same, recognizer.splitter, recognizer.trained)


def first_labels(found: Sequence[Sequence[dict[str, Any]]], documents: Sequence[Document]) -> list[str]:
    """The pipeline's label of each word's first piece; it names no piece that it calls O."""
    labels: list[str] = []
    for document, pieces in zip(documents, found, strict=True):
        at = {piece["start"]: piece["entity"] for piece in pieces}
        labels += [at.get(token.start, "O") for token in document.tokens]
    return labels


def ratios_of(seconds: dict[str, list[float]], ours: str) -> dict[str, dict[str, float]]:
    """How many times as fast as each peer: of medians, with an interval over rounds drawn anew, both sides together."""
    unsorted = [name for name in seconds if name.startswith("pipeline") and "sorted" not in name]
    best = min(unsorted, key=lambda name: statistics.median(seconds[name]))
    peers = {"batch 1": "pipeline, batch 1", "best unsorted": best, "sorted": "pipeline, batch 32, sorted"}
    rng = np.random.default_rng(1)
    mine = np.array(seconds[ours])
    drawn = rng.integers(0, len(mine), (10_000, len(mine)))
    made: dict[str, dict[str, float]] = {}
    for name, peer in peers.items():
        other = np.array(seconds[peer])
        spread = np.median(other[drawn], axis=1) / np.median(mine[drawn], axis=1)
        low, high = np.quantile(spread, (0.025, 0.975))
        made[name] = {"ratio": float(np.median(other) / np.median(mine)), "low": float(low), "high": float(high)}
    return made


def report(ratios: dict[str, dict[str, dict[str, float]]], quality: dict[str, dict[str, float]]) -> None:
    """Print ratios beside their targets, and F1."""
    for name, peers in ratios.items():
        shown: list[str] = []
        for peer, value in peers.items():
            wanted = TARGETS.get(name, {}).get(peer)
            mark = "" if wanted is None else f" (target {wanted}: {verdict(value, wanted)})"
            shown.append(f"{peer} {value['ratio']:.2f}x [{value['low']:.2f}, {value['high']:.2f}]{mark}")
        fall = quality[OURS]["f1"] - quality[name]["f1"]
        state = "within" if abs(fall) <= FALL else "BEYOND"
        print(f"  {name}: {'; '.join(shown)}")
        print(
            f"    F1 {quality[name]['f1']:.4f} ({-fall:+.4f}, {state} {FALL}); "
            f"{quality[name]['words_unlike_the_pipeline']:.0f} words labelled unlike the pipeline"
        )


def verdict(value: dict[str, float], wanted: float) -> str:
    """Whether a target is met by the whole interval, by none of it, or cannot be told from these rounds."""
    if value["low"] >= wanted:
        return "met"
    return "missed" if value["high"] < wanted else "not to be told apart"


def memory(folder: Path, words: int) -> None:
    """Stream CoNLL test again and again until so many words are tagged; memory is sampled all the while."""
    import psutil

    recognizer = onoma.load(folder)
    test = [document.with_spans(()) for document in onoma.read("conll2003:test")]
    process = psutil.Process()
    counts, sizes = [0], [process.memory_info().rss]
    done = threading.Event()
    seen = 0

    def sample() -> None:
        while not done.wait(0.2):
            counts.append(seen)
            sizes.append(process.memory_info().rss)

    def repeated() -> Iterator[Document]:
        sent = 0
        while sent < words:
            for document in test:
                sent += len(document.tokens)
                yield document
                if sent >= words:
                    return

    watcher = threading.Thread(target=sample, daemon=True)
    started = time.perf_counter()
    watcher.start()
    pairs: Iterator[tuple[Document, Prediction]] = recognizer.pipe_documents(repeated())
    while chunk := list(islice(pairs, 20)):
        seen += sum(len(document.tokens) for document, _ in chunk)
    taken = time.perf_counter() - started
    done.set()
    watcher.join()
    counts.append(seen)
    sizes.append(process.memory_info().rss)
    # The first tenth fills caches: what grows afterwards would grow for ever.
    tenth = words // 10
    early = max(size for count, size in zip(counts, sizes, strict=True) if count <= 2 * tenth)
    late = max(size for count, size in zip(counts, sizes, strict=True) if count >= 8 * tenth)
    record(
        "inference_memory",
        f"{seen:,} words streamed through MiniLM-L6 in 32 bits",
        {OURS: [taken]},
        ours=OURS,
        peers=(),
        peak_mb=max(sizes) / 2**20,
        peak_mb_first_fifth=early / 2**20,
        peak_mb_last_fifth=late / 2**20,
        samples=len(sizes),
    )
    print(f"  peak of the first fifth {early / 2**20:,.0f} MB, of the last {late / 2**20:,.0f} MB")


if __name__ == "__main__":
    main()
