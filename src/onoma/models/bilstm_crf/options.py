"""Settings of the BiLSTM-CRF."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal, Self

from pydantic import Field

from onoma.models.tagging.options import HeadOptions

__all__ = ["BilstmCrfOptions"]


class BilstmCrfOptions(HeadOptions):
    """Settings of the BiLSTM-CRF and of its training.

    All weights are new and learn at `head_learning_rate`; `learning_rate` and `layer_decay` play no part. The papers
    train by plain SGD with gradients clipped at 5; AdamW, as for every family here, needs fewer epochs.
    """

    head: Literal["linear", "crf"] = "crf"
    """`linear`: each word by itself. `crf`: a linear chain over the words of a sentence (Lafferty et al. 2001)."""
    lstm: int = Field(200, ge=1)
    """Hidden units a direction of the LSTM over words."""
    layers: int = Field(1, ge=1)
    """LSTM layers over words, each reading both directions of the one below."""
    word_size: int | None = Field(None, ge=1)
    """Width of word embeddings; by default that of the vectors, or 100."""
    lower: bool = True
    """Look words up in small letters; characters and shapes keep the case."""
    word_shape: bool = True
    """Add a learned embedding of each word's shape (Title, UPPER, 1990s ...)."""
    word_dropout: float = Field(0.5, ge=0, le=1)
    """In training, read a word that occurs once as the unknown word, with this probability (Lample et al. 2016)."""
    chars: Literal["cnn", "lstm", "none"] = "cnn"
    """Features of a word's characters: filters of width 3 and their maxima (Ma and Hovy 2016), or the last states of a
    bidirectional LSTM (Lample et al. 2016)."""
    char_size: int = Field(30, ge=1)
    """Width of character embeddings."""
    char_units: int = Field(30, ge=1)
    """Filters of the CNN, or hidden units a direction of the LSTM over characters."""
    dropout: float = Field(0.5, ge=0, lt=1)
    """Dropout below and above the LSTM over words."""
    vectors: str | None = None
    """Text file of word vectors, one word a line (GloVe, word2vec, fastText `.vec`; gzipped or not). Saved with the
    model."""
    vectors_keep: Literal["all", "train"] = "all"
    """Keep the first vectors of the file, so that words never seen in training have one, or those of training words."""
    vectors_limit: int = Field(100_000, ge=0)
    """How many vectors `all` keeps beside those of training words; files begin with frequent words."""
    vectors_trainable: bool = True
    """Whether the vectors of training words are learnt further. Words without a vector always learn theirs."""
    unknown: Literal["random", "zeros", "mean"] = "random"
    """Where there are vectors: what a training word without one, and the unknown word, begin with."""
    predict_words: int = Field(4096, ge=1)
    """Padded words in a batch at prediction."""

    epochs: int = Field(30, ge=1)
    """Passes over the training data at most."""
    patience: int = Field(5, ge=1)
    """Stop after so many epochs without a better dev F1 (where there are dev documents)."""
    head_learning_rate: float = Field(6e-3, gt=0, allow_inf_nan=False)
    """Peak learning rate of all weights."""
    batch_tokens: int = Field(256, ge=1)
    """Words in a training batch, about."""
    max_grad_norm: float = Field(5.0, gt=0, allow_inf_nan=False)
    """Gradients are clipped to this norm."""

    def located(self, base: Path) -> Self:
        """The same options, a relative path of vectors starting at a folder."""
        if self.vectors is None:
            return self
        return self.model_copy(update={"vectors": os.path.abspath(base / self.vectors)})  # noqa: PTH100, keeps links

    def depends_on(self) -> tuple[Path, ...]:
        """The file of the vectors."""
        return () if self.vectors is None else (Path(self.vectors),)
