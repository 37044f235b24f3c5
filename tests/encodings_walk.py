"""Answers that an automaton allows, at random."""

from __future__ import annotations

import random

from onoma.encodings.automata.base import END, Automaton, finish


def walk(automaton: Automaton, rng: random.Random, most: int = 400) -> str:
    """Any answer; a long one is brought to an end."""
    state, made = automaton.start, []
    while state != END and len(made) < most:
        move = rng.choice(automaton.moves(state))
        made.append(move.text)
        state = move.to
    return "".join([*made, *(move.text for move in finish(automaton, state))])
