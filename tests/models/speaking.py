"""A speaker whose rows go on at their own pace, held to the model without a memory."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import torch


def held_to_each_row_alone(
    speaker: Any, rows: int, alone: Callable[[int, list[int]], Any], turns: int, near: float = 1e-9
) -> None:
    """Feed random pieces and keep random rows; `alone` gives a question's scores behind the pieces after the start."""
    rng = random.Random(1)
    going = list(range(rows))
    held: list[list[int]] = [[] for _ in going]
    asked = sorted(rng.sample(range(5, 40), 12))
    for turn in range(turns):
        fed = [[rng.randrange(5, 40) for _ in range(rng.randrange(1, 7))] for _ in going]
        fed = fed if turn else [[speaker.start, *each] for each in fed]
        places = [sorted(rng.sample(range(len(each)), rng.randrange(1, len(each) + 1))) for each in fed]
        found = speaker.feed(fed, places, asked)
        for number, row in enumerate(going):
            for scores, place in zip(found[number], places[number], strict=True):
                before = [*held[number], *fed[number][: place + 1]]
                expected = alone(row, before[1:])[asked].double().log_softmax(-1)
                assert torch.allclose(torch.tensor(scores).log_softmax(-1), expected, atol=near)
        chosen = [rng.randrange(len(going)) for _ in range(rng.randrange(1, 6))]
        sizes = [rng.randrange(1, len(fed[number]) + 1) for number in chosen]
        speaker.keep(chosen, sizes)
        held = [[*held[number], *fed[number][:size]] for number, size in zip(chosen, sizes, strict=True)]
        going = [going[number] for number in chosen]
