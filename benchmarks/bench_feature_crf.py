"""Feature CRF on CoNLL-2003 against python-crfsuite: training on ready features, and tagging from words.

Training: ours begins at words (features, crfsuite, weights out of its file); the peer gets the finished attribute
strings for nothing. Tagging: both begin at words and give tags; ours gives them without scores, as the peer does.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import pycrfsuite
from common import measure, record, repeats

import onoma
from onoma import encodings
from onoma.models.feature_crf import FeatureCrf, FeatureCrfOptions
from onoma.models.feature_crf.corpus import attributes
from onoma.models.feature_crf.features import load_templates
from onoma.models.tagging.lattice import Lattice, viterbi


def main() -> None:
    """Train and tag."""
    times = repeats(3)
    options = FeatureCrfOptions()
    encoding = encodings.get("tags", ["LOC", "MISC", "ORG", "PER"])
    train = [encoding.encode(document) for document in onoma.read("conll2003:train")]
    sentences = [list(words) for targets in train for words in targets.sentences]
    tags = [list(row) for targets in train for row in targets.tags]
    test = [list(words) for document in onoma.read("conll2003:test") for words in document.sentence_words()]
    words = sum(map(len, test))
    templates = load_templates(options.templates)
    ready = list(attributes(sentences, templates))
    model = FeatureCrf.create(encoding.tagset, options, seed=1)
    scratch = tempfile.TemporaryDirectory()
    path = str(Path(scratch.name) / "model")

    def peer_train() -> None:
        trainer = pycrfsuite.Trainer(
            "lbfgs", {"c1": options.c1, "c2": options.c2, "max_iterations": 150}, verbose=False
        )
        for items, labels in zip(ready, tags, strict=True):
            trainer.append(items, labels)
        trainer.train(path)

    training = {
        "onoma (from words)": lambda: model.fit([sentences], [tags]),
        "python-crfsuite (ready features)": peer_train,
    }
    seconds = measure(training, times)
    record(
        "feature_crf_training",
        f"training on CoNLL-2003, {sum(map(len, sentences)):,} words, {options.max_iterations} L-BFGS iterations",
        seconds,
        ours="onoma (from words)",
        peers=("python-crfsuite (ready features)",),
        times_the_peer_needs=[ours / peer for ours, peer in zip(*(seconds[name] for name in training), strict=True)],
    )

    tagger = pycrfsuite.Tagger()
    tagger.open(path)
    same = 0

    def peer_tag() -> list[list[str]]:
        return [tagger.tag(items) for items in attributes(test, templates)]

    def our_tags() -> list[list[str]]:
        model.emissions._forget()  # a first call: no word is remembered from the repeat before
        weights = model.emissions.weights
        scores, lengths = model.emissions(test)
        return [[weights.tags[tag] for tag in row] for row in viterbi(Lattice.of(scores, lengths), weights.transition)]

    def our_answers() -> None:
        model.emissions._forget()
        for answer in model.predict([test])[0]:
            if answer.span_score is not None:
                answer.span_score(0, 1)

    same = sum(
        one == two
        for ours, theirs in zip(our_tags(), peer_tag(), strict=True)
        for one, two in zip(ours, theirs, strict=True)
    )
    record(
        "feature_crf_tagging",
        f"tagging CoNLL-2003 test, {words:,} words",
        measure(
            {"onoma": our_tags, "onoma (with span marginals)": our_answers, "python-crfsuite": peer_tag}, max(times, 5)
        ),
        ours="onoma",
        peers=("python-crfsuite", "onoma (with span marginals)"),
        same_tags=same,
        words=words,
    )
    scratch.cleanup()


if __name__ == "__main__":
    main()
