"""Encoder tagger inference against the `transformers` pipeline, the same weights on every third sentence of CoNLL test.

The tagger is MiniLM with an untrained head: labels do not matter for speed. The pipeline is given the sentences as
text and its own best batch sizes; it gives labels of pieces, ours gives spans with scores for the documents.
"""

from __future__ import annotations

import tempfile
import warnings

from common import measure, record, repeats

import onoma
from onoma import Document, Recognizer


def main() -> None:
    """Predict."""
    from transformers import pipeline

    warnings.simplefilter("ignore")
    sentences = [words for document in onoma.read("conll2003:test") for words in document.sentence_words()][::3]
    documents = [Document.from_words([words], id=str(number)) for number, words in enumerate(sentences)]
    texts = [document.text for document in documents]
    recognizer = Recognizer.create("encoder_tagger", ["LOC", "MISC", "ORG", "PER"], seed=1)
    with tempfile.TemporaryDirectory() as folder:
        recognizer.save(f"{folder}/model")
        loaded = onoma.load(f"{folder}/model")
        pipe = pipeline("token-classification", model=f"{folder}/model", aggregation_strategy="first", device="cpu")
    variants = {"onoma": lambda: loaded.predict(documents)}
    for size in (1, 8, 32):
        variants[f"transformers pipeline, batch {size}"] = lambda size=size: list(pipe(texts, batch_size=size))
    record(
        "encoder_tagger_inference",
        f"MiniLM-L6 on {len(texts):,} sentences, {sum(map(len, sentences)):,} words",
        measure(variants, repeats(3)),
        ours="onoma",
        peers=tuple(name for name in variants if name != "onoma"),
    )


if __name__ == "__main__":
    main()
