"""Trained text models made to answer in every way: freely by `generate`, and held to their encoding's grammar.

The same models and the same sentences in one process, in turn, at batch 1 and 16; wall time includes tokenisation, the
reading of the answers, and the recognizer that drafts. Each way has answered one sentence before it is timed: weights
are laid out at the first. `--model` is a folder of a trained `seq2seq` or `causal_lm`
recognizer, and may be given several times (`experiments/gner` trains both on CoNLL-2003); `--drafter` names those
of recognizers that draft. One that writes `grouped_json` (`experiments/assessment` trains one) is also held to
substrings by llguidance.
"""

from __future__ import annotations

import argparse
import random
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from common import record

import onoma
from onoma import Document, Prediction, Recognizer
from onoma.evaluation import evaluate
from onoma.generation.pieces import Writing

RUNS = Path(__file__).parents[1] / "experiments/gner/runs"
TRAINED = [
    RUNS / "words-s1/systems/words/seed-1/model",
    RUNS / "words-decoder-only-s1/systems/words-decoder-only/seed-1/model",
]
BATCHES = (1, 16)
FREE = "generate, greedy"
OURS = "grounded, draft of no mention"


def main() -> None:
    """Generate."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, nargs="+", default=TRAINED)
    parser.add_argument("--drafter", nargs="*", default=())
    parser.add_argument("--corpus", default="conll2003:test")
    parser.add_argument("--labels", nargs="*", help="labels that are scored; others of a model are no errors")
    parser.add_argument("--sentences", type=int, default=160)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--name", default="generation")
    given = parser.parse_args()
    missing = [str(folder) for folder in given.model if not folder.is_dir()]
    if missing:
        print(
            f"{missing[0]} is not there: train it by `python -m experiments.grid experiments/gner --only words-s1 "
            "words-decoder-only-s1`, or name other trained text models by --model",
            file=sys.stderr,
        )
        return
    gold = _sentences(given.corpus, given.sentences)
    blank = [document.with_spans(()) for document in gold]
    ways = {name: way for folder in given.model for name, way in _ways(str(folder), given.drafter).items()}
    seconds: dict[str, list[float]] = {}
    facts: dict[str, dict[str, Any]] = {}
    for _, answer in ways.values():
        answer(blank[:1])
    for repeat in range(given.repeats):
        for batch in BATCHES:
            for name, (recognizer, answer) in ways.items():
                if batch > 1 and "prompt lookup" in name:
                    continue  # the library drafts for one sentence at a time
                key = f"{name}, batch {batch}"
                with _passes(recognizer) as passes:
                    started = time.perf_counter()
                    found = [each for at in range(0, len(blank), batch) for each in answer(blank[at : at + batch])]
                    seconds.setdefault(key, []).append(time.perf_counter() - started)
                facts[key] = _facts(gold, found, given.labels, passes[0] / len(blank), recognizer)
                print(f"  {repeat + 1}/{given.repeats} {key}: {seconds[key][-1]:.2f} s, {facts[key]}", file=sys.stderr)
    for key, each in seconds.items():
        facts[key]["sentences_per_second"] = len(blank) / statistics.median(each)
        family, batch = key.partition(":")[0], key.rpartition(" ")[2]
        free = seconds[f"{family}: {FREE}, batch {batch}"]
        pairs = [one / other for one, other in zip(free, each, strict=True)]
        facts[key]["times_as_fast_as_free"] = statistics.median(pairs)
        facts[key]["times_as_fast_by_repeat"] = pairs
    record(
        given.name,
        f"{len(blank)} sentences of {given.corpus}, {sum(len(each.tokens) for each in blank):,} words",
        seconds,
        ours=next(key for key in seconds if key.endswith(f"{OURS}, batch 1")),
        peers=tuple(key for key in seconds if "generate" in key and key.endswith("batch 1")),
        packages=("torch", "transformers"),
        facts=facts,
    )
    for key, each in facts.items():
        print(
            f"  {key:62} {each['sentences_per_second']:7.1f} sentences/s {each['times_as_fast_as_free']:6.2f}x  "
            f"{each['passes']:5.1f} passes  F1 {100 * each['f1']:.2f}  problems {each['problems']}"
        )


def _sentences(corpus: str, number: int) -> list[Document]:
    """A fixed random choice of sentences, each a document of its own."""
    made: list[Document] = []
    for document in onoma.read(corpus):
        for first, last in document.sentences:
            start, end = document.tokens.starts[first], document.tokens.ends[last - 1]
            spans = [span for span in document.spans if start <= span.start and span.end <= end]
            words = document.words[first:last]
            blank = Document.from_words([words], id=f"{document.id}.{first}")
            begin = {document.tokens.starts[first + word]: token.start for word, token in enumerate(blank.tokens)}
            close = {document.tokens.ends[first + word]: token.end for word, token in enumerate(blank.tokens)}
            made.append(blank.with_spans([onoma.Span(begin[s.start], close[s.end], s.label) for s in spans]))
    return random.Random(1).sample(made, min(number, len(made)))


Answer = Callable[[Sequence[Document]], Sequence[Prediction]]


def _ways(model: str, drafters: Sequence[str]) -> dict[str, tuple[Recognizer, Answer]]:
    def loaded(**options: Any) -> Recognizer:
        return onoma.load(model, **options)

    free = loaded(decoding="free")
    if free.encoding.name == "grouped_json":
        return _json_ways(free, loaded)
    made = {
        FREE: free,
        "generate, 3 beams": loaded(decoding="free", beams=3),
        "generate, prompt lookup": loaded(decoding="free"),
        "grounded": loaded(decoding="grounded"),
        "grounded, 3 beams": loaded(decoding="grounded", beams=3),
        OURS: loaded(decoding="grounded+draft"),
    }
    lookup = made["generate, prompt lookup"].model.module.generation_config
    lookup.prompt_lookup_num_tokens = 8
    for drafter in drafters:
        kind = onoma.load(drafter).family
        made[f"grounded, draft of {kind}"] = loaded(decoding="grounded+draft", drafter=drafter)
    one_pass = loaded(decoding="grounded+draft")
    ways: dict[str, tuple[Recognizer, Answer]] = {name: (each, each.predict) for name, each in made.items()}
    ways["one pass, no label history"] = one_pass, lambda documents: _one_pass(one_pass, documents)
    return {f"{one_pass.family}: {name}": way for name, way in ways.items()}


def _json_ways(free: Recognizer, loaded: Callable[..., Recognizer]) -> dict[str, tuple[Recognizer, Answer]]:
    from substring_json import SubstringJson

    held, ours = loaded(decoding="free"), loaded(decoding="grounded+draft")
    ways: dict[str, tuple[Recognizer, Answer]] = {
        FREE: (free, free.predict),
        "generate, held to substrings by llguidance": (held, SubstringJson(held)),
        OURS: (ours, ours.predict),
    }
    return {f"{free.family}, {free.encoding.name}: {name}": way for name, way in ways.items()}


def _one_pass(recognizer: Recognizer, documents: Sequence[Document]) -> list[Prediction]:
    """The decoder as a tagger: each tag behind a draft in which all tags before it are O."""
    model: Any = recognizer.model
    encoding: Any = recognizer.encoding
    asked = [(document, exchange) for document in documents for exchange in encoding.exchanges(document)]
    speaker = model.speaker([exchange.source for _, exchange in asked])
    end = model.module.config.eos_token_id
    fed: list[list[int]] = []
    places: list[list[int]] = []
    writings: list[Writing] = []
    for document in documents:
        for automaton in encoding.automata(document):
            writing = Writing(automaton, model.vocabulary.stretch, end, model.answer_limit + 1, model.vocabulary.tail)
            node = writing.begin()
            assert node is not None
            draft = list(writing.draft(node))
            opens: list[int] = []
            for place, piece in enumerate(draft):
                if len(node.next) > 1:
                    opens.append(place)
                node = writing.step(node, piece)
            fed.append([speaker.start, *draft[: opens[-1]]])
            places.append(opens)
            writings.append(writing)
    pieces = sorted(model.vocabulary.added)
    scores = speaker.feed(fed, places, pieces)
    made: list[Prediction] = []
    rows = iter(zip(scores, writings, strict=True))
    for document in documents:
        answers: list[str] = []
        for _ in encoding.exchanges(document):
            found, writing = next(rows)
            node, number = writing.begin(), 0
            while node is not None and node.next:
                legal = list(node.next)
                if len(legal) > 1:
                    best = max(legal, key=lambda piece: found[number][pieces.index(piece)])
                    number += 1
                else:
                    best = legal[0]
                node = writing.step(node, best)
            assert node is not None
            answers.append(writing.text(node))
        made.append(encoding.decode(document, answers))
    return made


@contextmanager
def _passes(recognizer: Recognizer) -> Iterator[list[int]]:
    """Counts rows that go through the decoder, by the library's forward pass or by our own."""
    count = [0]
    model: Any = recognizer.model
    speaker_of = model.speaker
    spoken = False

    def seen(_: Any, arguments: Any, options: dict[str, Any], __: Any) -> None:
        pieces = options.get("input_ids", arguments[0] if arguments else None)
        if not spoken:
            count[0] += len(pieces if pieces is not None else options["inputs_embeds"])

    def speaker(questions: Sequence[str]) -> Any:
        nonlocal spoken
        spoken = True
        made = speaker_of(questions)
        feed = made.feed

        def counted(rows: Sequence[Any], *rest: Any) -> Any:
            count[0] += len(rows)
            return feed(rows, *rest)

        made.feed = counted
        return made

    handle = model.module.get_decoder().register_forward_hook(seen, with_kwargs=True)
    model.speaker = speaker
    try:
        yield count
    finally:
        handle.remove()
        del model.speaker


def _facts(
    gold: Sequence[Document],
    found: Sequence[Prediction],
    labels: Sequence[str] | None,
    passes: float,
    recognizer: Recognizer,
) -> dict[str, Any]:
    module: Any = recognizer.model.module  # type: ignore[attr-defined]
    config = getattr(module.config, "decoder", module.config)
    return {
        "passes": passes,
        "f1": evaluate(gold, found, labels=labels, resamples=0).micro.f1,
        "problems": sum(len(each.problems) for each in found),
        "decoder_layers": getattr(config, "num_hidden_layers", None),
    }


if __name__ == "__main__":
    torch.manual_seed(1)
    main()
