"""A tiny trainable: a table of word vectors, dropout, a linear layer, and a weight that only the loss uses."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from onoma.models.base import Fitted, TrainingOptions
from onoma.training.trainer import train

WORDS, TAGS = 12, 3
PADDING = -100

Example = tuple[int, ...]


class Table(torch.nn.Module):
    """Word numbers [sentences, longest] to emissions [sentences, longest, TAGS]."""

    def __init__(self, dropout: float) -> None:
        super().__init__()
        self.embeddings = torch.nn.Embedding(WORDS, 8)
        self.layer = torch.nn.Linear(8, 8)
        self.dropout = torch.nn.Dropout(dropout)
        self.head = torch.nn.Linear(8, TAGS)
        self.bias = torch.nn.Parameter(torch.zeros(TAGS))

    def forward(self, words: torch.Tensor) -> torch.Tensor:
        return self.head(self.dropout(torch.tanh(self.layer(self.embeddings(words)))))


class Task:
    """The tag of a word is its number's rest; `O` (0) may weigh otherwise than the others."""

    def __init__(self, dropout: float = 0.0, o_weight: float = 1.0) -> None:
        torch.manual_seed(5)
        self.module: Any = Table(dropout)
        self.o_weight = o_weight
        self.seen: list[list[Example]] = []

    def size(self, example: Example) -> int:
        return len(example)

    def collate(self, examples: Sequence[Example]) -> dict[str, Any]:
        self.seen.append(list(examples))
        longest = max(len(example) for example in examples)
        words = torch.zeros((len(examples), longest), dtype=torch.int64)
        labels = torch.full((len(examples), longest), PADDING)
        for row, example in enumerate(examples):
            words[row, : len(example)] = torch.tensor(example)
            labels[row, : len(example)] = torch.tensor(example) % TAGS
        return {"words": words, "labels": labels}

    def loss(self, outputs: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        scores = (outputs + self.module.bias).reshape(-1, TAGS)
        return torch.nn.functional.cross_entropy(
            scores, labels.reshape(-1), weight=self._weights(scores.dtype), ignore_index=PADDING, reduction="sum"
        )

    def weight(self, labels: torch.Tensor) -> torch.Tensor:
        return self._weights(torch.float32)[labels[labels != PADDING]].sum()

    def _weights(self, dtype: torch.dtype) -> torch.Tensor:
        return torch.tensor([self.o_weight, 1.0, 1.0], dtype=dtype)

    def is_new(self, parameter: str) -> bool:
        return parameter in {"head.weight", "head.bias", "bias"}

    def depth(self, parameter: str) -> int | None:
        return {"embeddings": 0, "layer": 1}.get(parameter.split(".")[0])

    def state(self) -> dict[str, torch.Tensor]:
        return {name: value.clone() for name, value in self.module.state_dict().items()}


def sentences(number: int) -> list[Example]:
    """`number` sentences of 1 to 9 words."""
    return [tuple((7 * row + 5 * place) % WORDS for place in range(1 + (row * row) % 9)) for row in range(number)]


def options(**changes: Any) -> TrainingOptions:
    """Quick settings."""
    quick = {"epochs": 3, "batch_tokens": 16, "learning_rate": 0.02, "head_learning_rate": 0.05}
    return TrainingOptions.model_validate({**quick, **changes})


def run(task: Task, folder: Path, examples: Sequence[Example], validated: bool = False, **changes: Any) -> Fitted:
    """Train; the dev score is an arbitrary function of the weights, so that runs that differ score differently."""

    def score() -> float:
        return float(torch.sigmoid(task.module.head.weight.detach().sum()))

    return train(task, examples, options(**changes), folder, 1, score if validated else None, key="tiny")
