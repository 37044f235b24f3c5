"""Tables of `"name": "module:attribute"` rows: what can be named is found without importing it."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any

from onoma.exceptions import ConfigError

__all__ = ["lookup", "row_names"]


def row_names(table: Mapping[str, str], group: str) -> tuple[str, ...]:
    """The names of a table's rows, our own first, then those of entry points of that group."""
    return tuple(dict.fromkeys((*table, *(point.name for point in entry_points(group=group)))))


def lookup(table: Mapping[str, str], name: str, what: str, group: str) -> Any:
    """The object of a row, imported now; our own rows come before entry points.

    Raises `ConfigError` with the list of names.
    """
    row = table.get(name)
    if row is not None:
        module, _, attribute = row.partition(":")
        return getattr(import_module(module), attribute)
    for point in entry_points(group=group):
        if point.name == name:
            return point.load()
    raise ConfigError(f"{what} {name!r} is unknown: one of {', '.join(row_names(table, group))}")
