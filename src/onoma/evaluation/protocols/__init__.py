"""Ways to score, by name: our own strict one, and beside it other people's scorers.

A protocol is a function of gold documents and predictions. To add one, add its file and its row.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from onoma.tables import lookup

__all__ = ["GROUP", "PROTOCOLS", "get"]

GROUP = "onoma.protocols"
"""The entry point group for protocols of other packages."""

PROTOCOLS: dict[str, str] = {
    "strict": "onoma.evaluation.metrics:evaluate",
}
"""Protocols as `module:function`; the first is the default."""


def get(name: str) -> Callable[..., Any]:
    """The protocol of that name; raises `ConfigError` with the list of names."""
    return lookup(PROTOCOLS, name, "protocol", GROUP)
