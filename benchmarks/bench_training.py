"""Training the encoder tagger against a plain `transformers` Trainer set up as its example `run_ner` is.

The same MiniLM-L6, the same sentences of CoNLL-2003, the same number of epochs, 32-bit floats. The peers: a linear head
on first pieces, batches of 32 padded to their longest, learning rate 5e-5 without warm-up; and the same with batches
grouped by length. Each run starts anew; runs take turns in one process, so that each turn gives a paired ratio.
Scored after the epochs with our matcher on the same dev documents, so that speed is not bought with F1.

`--same-steps` gives our side the peers' network, learning rates, decay and number of steps, so that all end with equal
F1 within noise; without it each side has its own defaults. There, ours and the second peer also run in bfloat16, and
the first, which takes twice as long, is left out.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import math
import random
import statistics
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from common import record

import onoma
from onoma import Document, Prediction, Recognizer, encodings, schemes
from onoma.evaluation import strict_f1
from onoma.models.pretrained import default_encoder, quietly

LABELS = ["LOC", "MISC", "ORG", "PER"]
ENCODING = encodings.get("tags", LABELS)
TAGS = list(schemes.get("BIO").tagset(LABELS))
PLAIN, GROUPED = "Trainer as run_ner", "Trainer as run_ner, grouped by length"
PEERS = {PLAIN: "random", GROUPED: "group_by_length"}
AS_PEERS = {"learning_rate": 5e-5, "head_learning_rate": 5e-5, "warmup": 0, "weight_decay": 0, "word_shape": False}
BATCH = 32
"""Sentences in a batch of the peers'."""
Run = Callable[[int], tuple[float, float]]
"""Seed to seconds of training and dev F1."""


def main() -> None:
    """Train."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--sentences", type=int, default=4000)
    parser.add_argument("--dev-sentences", type=int, default=1500)
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="an option of the tagger")
    parser.add_argument("--same-steps", action="store_true", help="the peers' settings on our side too")
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    train = _sentences("conll2003:train", given.sentences)
    dev = _sentences("conll2003:dev", given.dev_sentences)
    words = sum(len(document.tokens) for document in train)
    options: dict[str, Any] = dict(each.split("=", 1) for each in given.set)
    if given.same_steps:
        options = {**AS_PEERS, "batch_tokens": _same_steps(train), **options}
    name, ours = "training", "onoma"
    variants: dict[str, Run] = {"onoma": partial(_ours, train, dev, given.epochs, options)}
    if given.same_steps:
        name, ours = "training_bf16", "onoma, bf16"
        variants[ours] = partial(_ours, train, dev, given.epochs, {**options, "mixed_precision": "bf16"})
        for half in (False, True):
            peer = f"{GROUPED}, bf16" if half else GROUPED
            variants[peer] = partial(_theirs, train, dev, given.epochs, PEERS[GROUPED], half)
    else:
        for peer, strategy in PEERS.items():
            variants[peer] = partial(_theirs, train, dev, given.epochs, strategy, False)
    peers = tuple(variant for variant in variants if variant != ours)
    seconds: dict[str, list[float]] = {name: [] for name in variants}
    dev_f1: dict[str, list[float]] = {name: [] for name in variants}
    for seed in range(1, given.repeats + 1):
        for variant, run in variants.items():
            took, score = run(seed)
            seconds[variant].append(took)
            dev_f1[variant].append(score)
            print(f"  {seed}/{given.repeats} {variant}: {took:.2f} s, dev F1 {100 * score:.2f}", file=sys.stderr)
    record(
        name,
        f"MiniLM-L6, {given.epochs} epochs of {len(train):,} sentences, {words:,} words",
        seconds,
        ours=ours,
        peers=peers,
        packages=("accelerate", "torch", "transformers"),
        options=options,
        words_per_second={each: words * given.epochs / statistics.median(times) for each, times in seconds.items()},
        ratio_with_interval={peer: _ratio(seconds[peer], seconds[ours]) for peer in peers},
        ratio_in_32_bits={peer: _ratio(seconds[peer], seconds["onoma"]) for peer in peers if peer in PEERS},
        dev_f1=dev_f1,
    )
    for peer in peers:
        print(f"  as many words a second as {peer}, 95 %:", json.dumps(_ratio(seconds[peer], seconds[ours])))


def _sentences(corpus: str, number: int) -> list[Document]:
    """A fixed random choice of sentences, each a document of its own."""
    rows = [
        row
        for document in onoma.read(corpus)
        for targets in [ENCODING.encode(document)]
        for row in zip(targets.sentences, targets.tags, strict=True)
    ]
    made: list[Document] = []
    for each, (words, tags) in enumerate(random.Random(1).sample(rows, min(number, len(rows)))):
        blank = Document.from_words([words], id=str(each))
        made.append(blank.with_spans(ENCODING.decode(blank, [tags]).spans))
    return made


def _same_steps(train: Sequence[Document]) -> int:
    """Pieces a batch with which an epoch has as many steps as the peers'."""
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(default_encoder())
    pieces = sum(len(_row(tokenizer, document)["input_ids"]) for document in train)
    return -(-pieces // math.ceil(len(train) / BATCH))


def _ours(
    train: Sequence[Document], dev: Sequence[Document], epochs: int, options: dict[str, Any], seed: int
) -> tuple[float, float]:
    recognizer = Recognizer.create("encoder_tagger", LABELS, options={**options, "epochs": epochs}, seed=seed)
    fitted = recognizer.fit(train, seed=seed)
    return fitted.seconds, strict_f1(dev, recognizer.predict(dev))


def _theirs(
    train: Sequence[Document], dev: Sequence[Document], epochs: int, strategy: str, half: bool, seed: int
) -> tuple[float, float]:
    import torch
    from transformers import (
        AutoModelForTokenClassification,
        AutoTokenizer,
        DataCollatorForTokenClassification,
        Trainer,
        TrainingArguments,
        set_seed,
    )

    set_seed(seed)
    tokenizer = AutoTokenizer.from_pretrained(default_encoder())
    model = quietly(AutoModelForTokenClassification.from_pretrained, default_encoder(), num_labels=len(TAGS))
    with tempfile.TemporaryDirectory() as folder:
        arguments = TrainingArguments(
            output_dir=folder,
            num_train_epochs=epochs,
            per_device_train_batch_size=BATCH,
            learning_rate=5e-5,
            train_sampling_strategy=strategy,
            bf16=half,
            use_cpu=not torch.accelerator.is_available(),  # it refuses bfloat16 on a CPU that nobody named
            save_strategy="no",
            report_to=[],
            disable_tqdm=True,
            seed=seed,
        )
        trainer = Trainer(
            model=model,
            args=arguments,
            train_dataset=[_row(tokenizer, document) for document in train],  # type: ignore[arg-type]
            data_collator=DataCollatorForTokenClassification(tokenizer),
        )
        started = time.perf_counter()
        with contextlib.redirect_stdout(sys.stderr):  # it prints its log
            trainer.train()
        took = time.perf_counter() - started
    return took, strict_f1(dev, [_predicted(model, tokenizer, document) for document in dev])


def _row(tokenizer: Any, document: Document) -> dict[str, Any]:
    """A sentence's pieces, tags at the first piece of each word, as in the example."""
    targets = ENCODING.encode(document)
    row = tokenizer(list(targets.sentences[0]), is_split_into_words=True, truncation=True)
    words = row.word_ids()
    labels = [
        -100 if word is None or word == before else TAGS.index(targets.tags[0][word])
        for word, before in zip(words, [None, *words], strict=False)
    ]
    return {**row, "labels": labels}


def _predicted(model: Any, tokenizer: Any, document: Document) -> Prediction:
    import torch

    row = _row(tokenizer, document)
    labels = row.pop("labels")
    model.eval()
    with torch.inference_mode():
        given = {name: torch.tensor([values], device=model.device) for name, values in row.items()}
        best = model(**given).logits[0].argmax(-1).tolist()
    tags = [TAGS[number] for number, label in zip(best, labels, strict=True) if label != -100]
    return ENCODING.decode(document.with_spans(()), [tags + ["O"] * (len(document.tokens) - len(tags))])


def _ratio(theirs: Sequence[float], ours: Sequence[float]) -> dict[str, float]:
    """The geometric mean of the paired ratios, with its 95 % interval by Student's t where there are several."""
    from scipy.stats import t

    logs = [math.log(their / our) for their, our in zip(theirs, ours, strict=True)]
    mean = statistics.fmean(logs)
    if len(logs) < 2:
        return {"ratio": math.exp(mean)}
    half = float(t.ppf(0.975, len(logs) - 1)) * statistics.stdev(logs) / math.sqrt(len(logs))
    return {"ratio": math.exp(mean), "low": math.exp(mean - half), "high": math.exp(mean + half)}


if __name__ == "__main__":
    main()
