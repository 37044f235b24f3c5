"""The BiLSTM-CRF as a model family: what training, prediction, saving and loading need of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import NDArray

from onoma import progress
from onoma.encodings.base import TagAnswer
from onoma.exceptions import ConfigError, MissingExtraError, ModelError
from onoma.models.base import Sentences
from onoma.models.batches import by_length, padded
from onoma.models.bilstm_crf import files
from onoma.models.bilstm_crf.options import BilstmCrfOptions
from onoma.models.bilstm_crf.vectors import Vectors, read_vectors
from onoma.models.bilstm_crf.vocabulary import Reader, Vocabulary
from onoma.models.tagging import head
from onoma.schemes import OUTSIDE, TagSet

__all__ = ["BilstmCrf"]

WORD_SIZE = 100
LEARNT_WORDS = 1000
"""A longer sentence is learnt in parts of so many words, so that memory is bounded; it is predicted whole."""


@dataclass(frozen=True, slots=True)
class Example:
    """A sentence, or a part of a very long one, and its tag numbers."""

    words: tuple[str, ...]
    tags: tuple[int, ...]


class BilstmCrf:
    """Word and character embeddings, a bidirectional LSTM over words, and a linear chain, trained from scratch.

    Huang et al. (2015), Ma and Hovy (2016), Lample et al. (2016). Words are known from the training text, so there is
    no `module` and no `vocabulary` (both None) before `examples` has seen it.
    """

    family: ClassVar[str] = "bilstm_crf"
    answers: ClassVar[Literal["tags", "documents", "text"]] = "tags"
    seeded: ClassVar[bool] = True

    def __init__(self, tagset: TagSet, options: BilstmCrfOptions, seed: int = 1) -> None:
        self.tagset = tagset
        self.options = options
        self.seed = seed
        self.module: Any = None
        self.vocabulary: Vocabulary | None = None
        self._reader: Reader | None = None

    @classmethod
    def create(cls, tagset: TagSet, options: BilstmCrfOptions, seed: int) -> Self:
        """A model without words; the seed draws its weights when it gets some."""
        _require_torch()
        return cls(tagset, options, seed)

    @property
    def score_meaning(self) -> str:
        """What the score of a span is."""
        return head.score_meaning(self.options)

    # ------------------------------------------------------------------ training

    def examples(self, documents: Sequence[Sentences], tags: Sequence[Sentences]) -> list[Example]:
        """One example a sentence that has words. A model without words learns which there are, and gets its weights.

        A model that has words already, a loaded one too, keeps them and its weights. Raises `DataError` where the file
        of the vectors is missing or bad, `ConfigError` where its vectors are not as wide as the options say.
        """
        numbers = head.tag_numbers(self.tagset, tags)
        rows = [
            (words, [numbers[tag] for tag in row])
            for document, golden in zip(documents, tags, strict=True)
            for words, row in zip(document, golden, strict=True)
        ]
        counts = Counter(word for words, _ in rows for word in words)
        if self.module is None:
            self._begin(counts)
        assert self.vocabulary is not None
        self._remember_rare(counts)
        return [example for words, row in rows for example in _parts(words, row)]

    def _begin(self, counts: Counter[str]) -> None:
        import torch

        from onoma.models.bilstm_crf.module import BilstmModule

        options = self.options
        vectors = self._vectors(counts)
        given = () if vectors is None else vectors.words
        vocabulary = Vocabulary.of(counts, options.lower, given, options.vectors_trainable)
        width = (options.word_size or WORD_SIZE) if vectors is None else vectors.table.shape[1]
        torch.manual_seed(self.seed)
        module = BilstmModule(vocabulary, width, len(self.tagset), options, head.new_crf(self.tagset, options))
        if vectors is not None:
            learned, fixed = _tables(vocabulary, vectors, options.unknown, module.words.weight.detach().numpy())
            module.words.weight.data.copy_(torch.from_numpy(learned))
            module.fixed.copy_(torch.from_numpy(fixed))
        self._use(vocabulary, module)

    def _vectors(self, counts: Counter[str]) -> Vectors | None:
        options = self.options
        if options.vectors is None:
            return None
        fold = str.lower if options.lower else str
        limit = options.vectors_limit if options.vectors_keep == "all" else 0
        path = Path(options.vectors).expanduser()
        found = read_vectors(path, {fold(word) for word in counts}, limit, fold)
        width = found.table.shape[1]
        if options.word_size not in (None, width):
            raise ConfigError(f"word_size is {options.word_size}, but the vectors in {path} have {width} numbers")
        return found

    def _remember_rare(self, counts: Counter[str]) -> None:
        import torch

        assert self.vocabulary is not None
        self.module.rare.copy_(torch.from_numpy(self.vocabulary.rare(counts)))

    def _use(self, vocabulary: Vocabulary, module: Any) -> None:
        self.vocabulary, self.module, self._reader = vocabulary, module, Reader(vocabulary)

    @property
    def reader(self) -> Reader:
        """What turns sentences into batches; raises `ModelError` before training."""
        if self._reader is None:
            raise ModelError("this bilstm_crf is not trained yet: call fit first")
        return self._reader

    def size(self, example: Example) -> int:
        """Words of an example."""
        return len(example.words)

    def collate(self, examples: Sequence[Example]) -> dict[str, Any]:
        """A padded batch: what `Reader.batch` gives, and `labels` [sentences, longest]."""
        import torch

        batch = self.reader.batch([example.words for example in examples])
        batch["labels"] = padded([example.tags for example in examples], head.IGNORE)
        return {name: torch.from_numpy(array) for name, array in batch.items()}

    def loss(self, outputs: Any, labels: Any) -> Any:
        """The sum of the costs of a batch's words."""
        return head.cost(outputs, labels, self.module.crf, self.options, self.tagset.index(OUTSIDE))

    def weight(self, labels: Any) -> Any:
        """What a sum of costs is divided by."""
        return head.weight(labels, self.options, self.tagset.index(OUTSIDE))

    def is_new(self, parameter: str) -> bool:
        """True: nothing but vectors comes from elsewhere, and these learn at the rate of the rest."""
        del parameter
        return True

    def depth(self, parameter: str) -> int | None:
        """None: there is no encoder."""
        del parameter

    # ------------------------------------------------------------------ prediction

    def predict(self, documents: Sequence[Sentences]) -> list[list[TagAnswer]]:
        """One answer a sentence; sentences are read whole, in batches sorted by length and bounded in padded words.

        Raises `ModelError` before training.
        """
        sentences = [words for document in documents for words in document]
        found = self._emissions(sentences)
        logits = np.concatenate([np.zeros((0, len(self.tagset)), np.float32), *found])
        lengths = [len(words) for words in sentences]
        answers = iter(head.answers(self.tagset, logits, lengths, self.module.crf, self.options))
        return [[next(answers) for _ in document] for document in documents]

    def _emissions(self, sentences: Sequence[Sequence[str]]) -> list[NDArray[np.float32]]:
        """[words, T] of every sentence."""
        import torch

        reader, module = self.reader, self.module
        made = [np.zeros((0, len(self.tagset)), np.float32)] * len(sentences)
        training = module.training
        module.eval()
        with progress.bar("bilstm_crf: predicting", len(sentences)) as bar, torch.inference_mode():
            for numbers in by_length([len(words) for words in sentences], self.options.predict_words):
                batch = reader.batch([sentences[number] for number in numbers])
                tensors = {name: torch.from_numpy(array).to(module.device) for name, array in batch.items()}
                for number, row in zip(numbers, module(**tensors).cpu().numpy(), strict=True):
                    made[number] = row[: len(sentences[number])]
                bar.add(len(numbers))
        module.train(training)
        return made

    # ------------------------------------------------------------------ files

    def save(self, folder: Path) -> None:
        """Write `model.safetensors` and `vocabulary.json`; vectors are in them. Raises `ModelError` before training."""
        files.save(folder, self.tagset, self.reader.vocabulary, self.module)

    @classmethod
    def load(cls, folder: Path, tagset: TagSet, options: Any) -> Self:
        """The model of a folder; the file of the vectors is not looked for."""
        _require_torch()
        model = cls(tagset, options)
        model._use(*files.load(folder, tagset, options))
        return model


def _require_torch() -> None:
    if any(find_spec(module) is None for module in ("torch", "transformers", "accelerate")):
        raise MissingExtraError("the bilstm_crf family", "torch")


def _parts(words: Sequence[str], tags: Sequence[int]) -> Iterator[Example]:
    for at in range(0, len(words), LEARNT_WORDS):
        yield Example(tuple(words[at : at + LEARNT_WORDS]), tuple(tags[at : at + LEARNT_WORDS]))


def _tables(
    vocabulary: Vocabulary, vectors: Vectors, unknown: str, drawn: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Embeddings of the unknown word and the learned words, and of the fixed ones; `drawn` are random ones."""
    rows = {word: row for row, word in enumerate(vectors.words)}
    learned = drawn.copy()
    if unknown != "random":
        learned[:] = vectors.table.mean(axis=0) if unknown == "mean" and len(vectors.table) else 0.0
    for number, word in enumerate(vocabulary.learned, start=1):
        if word in rows:
            learned[number] = vectors.table[rows[word]]
    return learned, vectors.table[[rows[word] for word in vocabulary.fixed]]
