"""Options that are given by name to a function: checked against its parameters, and what is wrong said in words."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from pathlib import Path
from types import NoneType, SimpleNamespace, UnionType
from typing import Any, Literal, Union, cast, get_args, get_origin, get_type_hints

from onoma.exceptions import ConfigError

__all__ = ["check_options"]


def check_options(
    function: Callable[..., Any], options: Mapping[str, Any], whose: str, beside: Collection[str] | None = None
) -> None:
    """Raise `ConfigError` for options that are no keyword-only parameter of a function, or of another type than its.

    With `beside`, all parameters but these are options. Lists may stand for tuples and the reverse: options come from
    TOML, too.
    """
    parameters = inspect.signature(function).parameters.values()
    kinds = {inspect.Parameter.KEYWORD_ONLY} | (set() if beside is None else {inspect.Parameter.POSITIONAL_OR_KEYWORD})
    known = {each.name: each for each in parameters if each.kind in kinds and each.name not in (beside or ())}
    anything = any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters)
    for name, value in options.items():
        if name in known:
            expected = _type(function, known[name].annotation)
            if expected is not None and not _fits(value, expected):
                raise ConfigError(f"option {name!r} of {whose} is {value!r}, not {_words(expected)}")
        elif not anything:
            listed = f"it has {', '.join(known)}" if known else "it has none"
            raise ConfigError(f"{whose} has no option {name!r}: {listed}")


_NAMES = {"Path": Path, "Sequence": Sequence, "Iterable": Iterable, "Mapping": Mapping}
"""Names that modules import for annotations only."""


def _type(function: Callable[..., Any], annotation: object) -> Any:
    """The type a parameter's annotation names; None where that cannot be found out."""
    if annotation is inspect.Parameter.empty:
        return None
    names = {**_NAMES, **getattr(getattr(function, "__func__", function), "__globals__", {})}
    holder = SimpleNamespace(__annotations__={"it": annotation})
    try:
        return get_type_hints(cast("Any", holder), globalns=names)["it"]
    except (NameError, TypeError, AttributeError, SyntaxError):
        return None


def _fits(value: object, expected: Any) -> bool:
    origin, inner = get_origin(expected), get_args(expected)
    if expected is Any:
        return True
    if origin in (Union, UnionType):
        return any(_fits(value, each) for each in inner)
    if origin is Literal:
        return any(type(value) is type(each) and value == each for each in inner)
    kind = origin or expected
    if not isinstance(kind, type):
        return True
    if isinstance(value, bool):
        return kind in (bool, object)  # to Python it is a whole number, too
    if kind is float:
        return isinstance(value, (int, float))
    if kind is Path:
        return isinstance(value, (str, Path))
    if isinstance(value, (str, bytes)):
        return kind in (type(value), object)  # and a string is a sequence of strings
    if kind in (list, tuple, Sequence):
        kind = (list, tuple)
    if not isinstance(value, kind):
        return False
    one = [each for each in inner if each is not Ellipsis]
    return len(one) != 1 or isinstance(value, Mapping) or all(_fits(each, one[0]) for each in cast("Any", value))


_WORDS = {str: "a string", int: "a whole number", float: "a number", bool: "true or false", Path: "a path"}


def _words(expected: Any) -> str:
    """What is expected, for people."""
    origin, inner = get_origin(expected), get_args(expected)
    if origin in (Union, UnionType):
        return " or ".join(dict.fromkeys(_words(each) for each in inner if each is not NoneType))
    if origin is Literal:
        return f"one of {', '.join(map(repr, inner))}"
    kind = origin or expected
    if kind in (list, tuple, Sequence, Iterable) and inner:
        return f"a list ({_words(inner[0])} each)"
    return _WORDS.get(kind) or str(getattr(kind, "__name__", kind))
