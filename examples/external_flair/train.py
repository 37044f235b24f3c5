"""Train a Flair recognizer: python train.py TRAIN.conll DEV.conll MODEL.

The files are columns of words and BIO tags as `onoma data convert` writes them, raw text split into words by onoma as
it is at prediction. Runs in Flair's environment and needs nothing else: a BiLSTM-CRF over contextual string embeddings
(Akbik et al. 2018), trained by Flair's own trainer, which keeps the epoch with the best dev F1 (`MODEL/best-model.pt`).
"""

from __future__ import annotations

import argparse
from pathlib import Path

import flair
from flair.datasets import ColumnCorpus
from flair.embeddings import FlairEmbeddings, StackedEmbeddings
from flair.models import SequenceTagger
from flair.trainers import ModelTrainer

LABEL_TYPE = "ner"


def main() -> None:
    """Read, train, save."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("train", type=Path)
    parser.add_argument("dev", type=Path)
    parser.add_argument("model", type=Path)
    parser.add_argument("--embeddings", nargs="+", default=["news-forward", "news-backward"])
    parser.add_argument("--hidden", type=int, default=256)
    parser.add_argument("--epochs", type=int, default=100)
    parser.add_argument("--learning-rate", type=float, default=0.1)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--seed", type=int, default=1)
    settings = parser.parse_args()
    if settings.train.resolve().parent != settings.dev.resolve().parent:
        parser.error("both files have to stand in one folder")

    flair.set_seed(settings.seed)
    corpus = ColumnCorpus(
        settings.train.resolve().parent,
        {0: "text", 1: LABEL_TYPE},
        train_file=settings.train.name,
        dev_file=settings.dev.name,
        document_separator_token="-DOCSTART-",
        sample_missing_splits=False,  # else a tenth of the training data would become a test set
    )
    tagger = SequenceTagger(
        embeddings=StackedEmbeddings([FlairEmbeddings(name) for name in settings.embeddings]),
        tag_dictionary=corpus.make_label_dictionary(label_type=LABEL_TYPE, add_unk=False),
        tag_type=LABEL_TYPE,
        hidden_size=settings.hidden,
        use_crf=True,
    )
    ModelTrainer(tagger, corpus).train(
        settings.model,
        learning_rate=settings.learning_rate,
        mini_batch_size=settings.batch,
        max_epochs=settings.epochs,
    )


if __name__ == "__main__":
    main()
