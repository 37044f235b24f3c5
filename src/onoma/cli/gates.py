"""What a command says of bars that were not reached, and how it ends."""

from __future__ import annotations

import sys
from collections.abc import Sequence

__all__ = ["say_missed"]

MISSED = 3


def say_missed(lines: Sequence[str]) -> int:
    """One line on stderr for each gate that was not met; returns the exit code, 0 where all were."""
    for line in lines:
        print(f"onoma: {line}", file=sys.stderr)
    return MISSED if lines else 0
