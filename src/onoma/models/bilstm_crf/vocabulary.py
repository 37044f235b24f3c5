"""What a BiLSTM-CRF knows of words and characters, and how sentences become its batches."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from onoma.models.batches import padded
from onoma.models.tagging.shapes import shape

__all__ = ["PAD", "UNKNOWN", "Reader", "Vocabulary"]

UNKNOWN = 0
"""The word that stands for all that are not known."""
PAD, STRANGE = 0, 1
"""No character; a character that is not known."""
END = 20
"""Of a longer word than twice that, so many characters are read at either end: one word must not fill the memory."""
MOST_FORMS = 500_000


@dataclass(frozen=True)
class Vocabulary:
    """Words and characters by number: behind the unknown word come `learned` words, then `fixed` ones.

    The embeddings of `fixed` words are those of a vector file, and are not learnt. `lower`: words are known in small
    letters.
    """

    learned: tuple[str, ...]
    fixed: tuple[str, ...]
    chars: tuple[str, ...]
    lower: bool

    @classmethod
    def of(cls, counts: Counter[str], lower: bool, given: Sequence[str], trainable: bool) -> Self:
        """The words of training text, counted, and those with `given` vectors.

        A vector is fixed where its word does not occur in training, or unless `trainable`. Characters that occur in
        one word only are left out, so that the unknown character is learnt.
        """
        train = dict.fromkeys(word.lower() if lower else word for word in counts)
        fixed = tuple(word for word in given if not (trainable and word in train))
        held = frozenset(fixed)
        chars = Counter(char for word, times in counts.items() for char in set(word) for _ in range(min(times, 2)))
        learned = tuple(word for word in train if word not in held)
        return cls(learned, fixed, tuple(sorted(char for char, times in chars.items() if times > 1)), lower)

    def fold(self, word: str) -> str:
        """A word as it is looked up."""
        return word.lower() if self.lower else word

    def words(self) -> dict[str, int]:
        """The number of each word."""
        return {word: number for number, word in enumerate((*self.learned, *self.fixed), start=1)}

    def rare(self, counts: Counter[str]) -> NDArray[np.bool_]:
        """Which words occur once in counted text, [words with the unknown one]."""
        folded: Counter[str] = Counter()
        for word, times in counts.items():
            folded[self.fold(word)] += times
        once = [False, *(folded[word] == 1 for word in (*self.learned, *self.fixed))]
        return np.array(once)

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return {"lower": self.lower, "chars": self.chars, "learned": self.learned, "fixed": self.fixed}

    @classmethod
    def from_json(cls, saved: Any) -> Self:
        """From `as_json`; raises `KeyError`, `TypeError` or `ValueError` where that was not its origin."""
        made = cls(*(_texts(saved[name]) for name in ("learned", "fixed", "chars")), lower=bool(saved["lower"]))
        if len(made.words()) != len(made.learned) + len(made.fixed) or len(set(made.chars)) != len(made.chars):
            raise ValueError("a word or character is named twice")
        return made


def _texts(values: Iterable[Any]) -> tuple[str, ...]:
    texts = tuple(values)
    if not all(isinstance(text, str) for text in texts):
        raise TypeError("a word is no text")
    return texts


class _Form(NamedTuple):
    word: int
    shape: int
    chars: tuple[int, ...]


class Reader:
    """Turns sentences into arrays; remembers the words it has seen."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self.vocabulary = vocabulary
        self._words = vocabulary.words()
        self._chars = {char: number for number, char in enumerate(vocabulary.chars, start=STRANGE + 1)}
        self._known: dict[str, _Form] = {}

    def batch(self, sentences: Collection[Sequence[str]]) -> dict[str, NDArray[np.int64]]:
        """`forms` [sentences, longest], the places of words among the batch's distinct ones, and `lengths` [sentences].

        Of each distinct word its number `words` and its shape `shapes` [distinct], and its characters `chars`
        [distinct, longest]. Every sentence must have a word.
        """
        distinct: dict[str, int] = {}
        forms = padded([[distinct.setdefault(word, len(distinct)) for word in words] for words in sentences], 0)
        rows = [self._form(word) for word in distinct]
        return {
            "forms": forms,
            "lengths": np.array([len(words) for words in sentences]),
            "words": np.array([row.word for row in rows]),
            "shapes": np.array([row.shape for row in rows]),
            "chars": padded([row.chars for row in rows], PAD),
        }

    def _form(self, word: str) -> _Form:
        found = self._known.get(word)
        if found is None:
            if len(self._known) >= MOST_FORMS:
                self._known.clear()
            read = word if len(word) <= 2 * END else word[:END] + word[-END:]
            chars = tuple(self._chars.get(char, STRANGE) for char in read) or (STRANGE,)
            found = _Form(self._words.get(self.vocabulary.fold(word), UNKNOWN), shape(word), chars)
            self._known[word] = found
        return found
