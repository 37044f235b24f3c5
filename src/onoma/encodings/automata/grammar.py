"""Automata as grammars for servers that hold any model to one."""

from __future__ import annotations

import json
from collections.abc import Hashable

from onoma.encodings.automata.base import END, Automaton
from onoma.exceptions import ConfigError

__all__ = ["RULES", "lark"]

RULES = 100_000
"""Stretches that a grammar may hold; servers take minutes for more."""


def lark(automaton: Automaton) -> str:
    """The automaton's answers as a grammar in the Lark dialect of llguidance: a rule a state, from left to right.

    Raises `ConfigError` where it would hold more than 100,000 stretches: lists of mentions grow with the third power of
    the number of words, so windows have to be shorter.
    """
    numbers: dict[Hashable, int] = {automaton.start: 0}
    waiting: list[Hashable] = [automaton.start]
    rules = ["start: s0"]
    count = 0
    while waiting:
        state = waiting.pop()
        ways: list[str] = []
        for move in automaton.moves(state):
            text = json.dumps(move.text, ensure_ascii=False)
            if move.to == END:
                ways.append(text)
                continue
            if move.to not in numbers:
                numbers[move.to] = len(numbers)
                waiting.append(move.to)
            ways.append(f"{text} s{numbers[move.to]}")
        count += len(ways)
        if count > RULES:
            raise ConfigError(f"the grammar of this text has more than {RULES:,} rules: set max_words to cut it")
        rules.append(f"s{numbers[state]}: {' | '.join(ways) or json.dumps('')}")
    return "\n".join(rules) + "\n"
