"""The study's claims, and how each is measured here."""

from __future__ import annotations

from collections.abc import Callable

from experiments.analysis import mean_scores, paired, randomised
from experiments.claims import Claim, Found, Row, told
from onoma.report.numbers import percent

__all__ = ["CLAIMS", "SEEN", "UNSEEN"]

HOME = "conll-test"
SETS = (HOME, "wikigold")
SEEN, UNSEEN = ("politics", "gum"), ("ai", "wnut17")
"""Sets whose labels are in the mixture of corpora, and others."""


def _ends(found: Found) -> Row:
    return told([(name, paired(found["words"], found["entities"], name)) for name in SETS], 1)


def _less(one: str, other: str) -> Callable[[Found], Row]:
    def row(found: Found) -> Row:
        return told([(name, randomised(found[one][:1], found[other][:1], name)) for name in SETS], 1)

    return row


def _aligned(one: str, other: str) -> Callable[[Found], Row]:
    def row(found: Found) -> Row:
        shown, up = [], []
        for name in SETS:
            parts = [record["sets"][name]["copying"]["f1"] for record in found["words"]]
            gain = sum(part[one] - part[other] for part in parts) / len(parts)
            shown.append(f"{name} {100 * gain:+.2f}")
            up.append(gain > 0)
        return "; ".join(shown), f"up on {sum(up)} of {len(up)} sets; not tested"

    return row


def _copying(found: Found) -> Row:
    total = {"omitted": 0, "added": 0, "substituted": 0}
    for record in found["words"]:
        for kind in total:
            total[kind] += record["sets"][HOME]["copying"][kind]
    wrong = max(1, sum(total.values()))
    shares = {kind: number / wrong for kind, number in total.items()}
    most = max(shares, key=lambda kind: shares[kind])
    shown = ", ".join(f"{kind} {percent(share)} %" for kind, share in shares.items())
    return f"{shown} of {wrong:,}", "yes" if most == "substituted" else f"no: most are {most}"


def _unseen(found: Found) -> Row:
    scores = {name: mean_scores(found["mixture"], name)["micro"]["f1"] for name in (*SEEN, *UNSEEN)}
    shown = "; ".join(f"{name} {percent(value)}" for name, value in scores.items())
    if all(scores[name] > 0 for name in UNSEEN):
        return shown, "it answers for label sets it has not seen; how well, the figures say"
    return shown, f"no: it finds nothing on {' and '.join(name for name in UNSEEN if not scores[name])}"


CLAIMS = (
    Claim("every word written beats names alone (zero-shot, GNER-T5: 59.0 to 61.0, and 61.8 with B and I)",
          ("words", "entities"), _ends),
    Claim("some of the text around names helps over none: 59.0 to 60.3", ("quarter-context-1", "quarter-context-0"),
          _less("quarter-context-1", "quarter-context-0")),
    Claim("all of it helps over some: 60.3 to 61.0", ("quarter-context-all", "quarter-context-1"),
          _less("quarter-context-all", "quarter-context-1")),
    Claim("B and I help over types alone: 61.0 to 61.8", ("quarter-words", "quarter-context-all"),
          _less("quarter-words", "quarter-context-all")),
    Claim("more signs than B and I do not help: 61.8 to 61.2", ("quarter-words", "quarter-words-bioes"),
          _less("quarter-words", "quarter-words-bioes")),
    Claim("the longest common subsequence helps over exact and ordered copies alone: 62.31 to 63.16", ("words",),
          _aligned("lcs", "subsequence")),
    Claim("back tokenization helps a vocabulary with holes: 63.16 to 63.47", ("words",),
          _aligned("gner, back tokenization", "gner")),
    Claim("of a T5's copy errors 23 % are omissions, 2 % additions, 75 % substitutions", ("words",), _copying),
    Claim("two beams help over one: 59.46 to 60.32", ("quarter-words-beams-2", "quarter-words"),
          _less("quarter-words-beams-2", "quarter-words")),
    Claim("four beams help little more: 60.32 to 60.44", ("quarter-words-beams-4", "quarter-words-beams-2"),
          _less("quarter-words-beams-4", "quarter-words-beams-2")),
    Claim("a decoder trained on many label sets answers for new ones (48.2 of a T5 of 77 M)", ("mixture",), _unseen),
)  # fmt: skip
