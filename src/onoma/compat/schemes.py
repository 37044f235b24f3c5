"""The scheme classes of the seqeval package, as names for our rules, and the checks its strict mode makes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

from onoma.evaluation.protocols.chunks import Rule
from onoma.evaluation.protocols.seqeval import STRICT

__all__ = ["BILOU", "IOB1", "IOB2", "IOBES", "IOE1", "IOE2", "Token", "check_tags", "detected", "rule_of"]

_PREFIXES = "IOBESUL"


class Token:
    """What all schemes derive from; `rule` says where the scheme's chunks start, go on and end."""

    rule: ClassVar[Rule]


class IOB1(Token):
    """I- inside; B- only where a chunk touches one of its own label."""

    rule = STRICT["IOB1"]


class IOB2(Token):
    """B- first, I- after it."""

    rule = STRICT["IOB2"]


class IOE1(Token):
    """I- inside; E- only where a chunk touches the next one of its own label."""

    rule = STRICT["IOE1"]


class IOE2(Token):
    """E- last, I- before it."""

    rule = STRICT["IOE2"]


class IOBES(Token):
    """B- first, E- last, I- between, S- alone."""

    rule = STRICT["IOBES"]


class BILOU(Token):
    """B- first, L- last, I- between, U- alone."""

    rule = STRICT["BILOU"]


_BY_NAME: dict[str, type[Token]] = {scheme.__name__: scheme for scheme in (IOB1, IOB2, IOE1, IOE2, IOBES, BILOU)}


def rule_of(scheme: Any) -> Rule | None:
    """The rule of a scheme class, ours or seqeval's of the same name; None for any other class.

    Raises `TypeError` for what is no class.
    """
    if not isinstance(scheme, type):
        raise TypeError(f"scheme is a class such as IOB2, not {scheme!r}")
    if issubclass(scheme, Token):
        return scheme.rule
    if scheme.__module__ == "seqeval.scheme" and scheme.__name__ in _BY_NAME:
        return _BY_NAME[scheme.__name__].rule
    return None


def detected(tags: Iterable[str], suffix: bool) -> Rule:
    """The rule of the scheme that some tags' prefixes belong to: IOB2, IOE2, IOBES or BILOU.

    Raises `ValueError` where it is none of these.
    """
    found: set[str] = set()
    for tag in tags:
        prefix = tag[-1] if suffix else tag[0]
        if prefix not in _PREFIXES:
            raise ValueError(f"This scheme is not supported: {tag}")
        found.add(prefix)
    if "B" in found and found <= set("IOB"):
        return STRICT["IOB2"]
    if "E" in found and found <= set("IOE"):
        return STRICT["IOE2"]
    if found == {"S"} or (found >= set("BE") and found <= set("IOBES")):
        return STRICT["IOBES"]
    if found == {"U"} or (found >= set("BL") and found <= set("IOBUL")):
        return STRICT["BILOU"]
    raise ValueError(f"This scheme is not supported: {{{', '.join(sorted(found))}}}")


def check_tags(tags: Iterable[str], sides: Sequence[Iterable[Sequence[str]]], rule: Rule, suffix: bool) -> None:
    """Raise what the strict mode raises at the first sentence with a prefix that the rule does not know.

    `tags` are the distinct ones: the sentences are looked at only where one of these is bad. `KeyError` for a
    prefix of no scheme at all, `ValueError` for one of another scheme.
    """
    at = -1 if suffix else 0
    if all(tag[at] in rule.prefixes for tag in tags):
        return
    for side in sides:
        for sentence in side:
            unknown = next((tag for tag in sentence if tag[at] not in _PREFIXES), None)
            if unknown is not None:
                raise KeyError(unknown[at])
            foreign = next((tag for tag in sentence if tag[at] not in rule.prefixes), None)
            if foreign is not None:
                allowed = "|".join(rule.prefixes)
                raise ValueError(f"Invalid token is found: {foreign}. Allowed prefixes are: {allowed}.")
