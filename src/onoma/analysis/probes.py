"""Robust to what? Documents changed in one way each, with the gold carried over exactly.

A system that is scored on a set and on the same set in capital letters tells by the difference what it leans on
(Ribeiro et al., Beyond Accuracy: Behavioral Testing of NLP Models with CheckList, ACL 2020).
"""

from __future__ import annotations

import random
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Literal

from onoma.analysis.rewriting import LINES, Edit, by_pieces, lines, mentioned, pieces, rewritten
from onoma.analysis.swaps import names_of, swapped
from onoma.document import Document, LabelSet
from onoma.exceptions import ConfigError
from onoma.tables import lookup, row_names

__all__ = ["ASKED_LABELS", "PROBES", "Probe", "Probed", "find", "names", "probe", "symbols"]

PROBES: dict[str, str] = {
    "upper": "onoma.analysis.probes:UPPER",
    "lower": "onoma.analysis.probes:LOWER",
    "typos": "onoma.analysis.probes:TYPOS",
    "typos_in_mentions": "onoma.analysis.probes:TYPOS_IN_MENTIONS",
    "typos_outside": "onoma.analysis.probes:TYPOS_OUTSIDE",
    "detokenised": "onoma.analysis.probes:DETOKENISED",
    "nfd": "onoma.analysis.probes:NFD",
    "swapped_names": "onoma.analysis.probes:SWAPPED_NAMES",
    "training_names": "onoma.analysis.probes:TRAINING_NAMES",
    "label_symbols": "onoma.analysis.probes:LABEL_SYMBOLS",
}
"""Probes by name. Third parties add rows through the entry point group `onoma.probes`."""

GROUP = "onoma.probes"
ASKED_LABELS = "asked_labels"
"""The key of a document's `meta` that names the labels a system is to be asked for."""

TYPO_SHARE = 0.2
"""Words of four letters or more that get a typo."""

Change = Callable[[Sequence[Document], Sequence[Document], int], Sequence[Document]]
"""The changed documents, one for each and under the same ids, given training documents and a seed."""


@dataclass(frozen=True)
class Probe:
    """A way to change documents, told in one line, and what it needs.

    `trained`: training documents. `asks`: a system that can be asked for labels it was not trained on. `labels` gives
    the new names of labels, from what the change is given.
    """

    about: str
    change: Change
    trained: bool = False
    asks: bool = False
    labels: Callable[[Sequence[Document], Sequence[Document], int], Mapping[str, str]] | None = None


@dataclass(frozen=True)
class Probed:
    """Changed documents, in the order of the untouched ones.

    `lost` counts gold mentions of which nothing is left; `changed_documents` those whose text, tokens or labels differ,
    `changed_mentions` those whose own text does. `labels` are new names of labels.
    """

    documents: tuple[Document, ...]
    lost: int
    changed_documents: int
    changed_mentions: int
    labels: Mapping[str, str] = field(default_factory=dict)


def names() -> tuple[str, ...]:
    """All probes that can be named, our own first."""
    return row_names(PROBES, GROUP)


def find(name: str) -> Probe:
    """The probe of that name; raises `ConfigError` with the list of names."""
    return lookup(PROBES, name, "probe", GROUP)


def probe(
    documents: Iterable[Document], name: str, *, train: Sequence[Document] | None = None, seed: int = 1
) -> Probed:
    """Documents changed by a probe; the same seed gives the same text.

    Raises `ConfigError` for an unknown name, for a probe without the training documents that it needs, and for a
    change that does not give one document for each.
    """
    chosen = find(name)
    if chosen.trained and train is None:
        raise ConfigError(f"probe {name!r} needs training documents, and there are none")
    before = tuple(documents)
    after = tuple(chosen.change(before, train or (), seed))
    if [each.id for each in after] != [each.id for each in before]:
        raise ConfigError(f"probe {name!r} does not give one document for each, in their order")
    lost = changed = mentions = 0
    for old, new in zip(before, after, strict=True):
        lost += max(0, len(old.spans) - len(new.spans))
        changed += old != new
        if len(old.spans) == len(new.spans):
            pairs = zip(old.spans, new.spans, strict=True)
            mentions += sum(old.surface(one) != new.surface(other) for one, other in pairs)
    labels = {} if chosen.labels is None else chosen.labels(before, train or (), seed)
    return Probed(after, lost, changed, mentions, labels)


# ---------------------------------------------------------------------- characters


def _each(change: Callable[[Document], Document]) -> Change:
    """A change that looks at one document alone and draws nothing."""

    def changed(documents: Sequence[Document], train: Sequence[Document], seed: int) -> list[Document]:
        del train, seed
        return [change(each) for each in documents]

    return changed


UPPER = Probe("all letters in upper case", _each(partial(by_pieces, change=str.upper)))
LOWER = Probe("all letters in lower case", _each(partial(by_pieces, change=str.lower)))
NFD = Probe(
    "accents and other marks as characters of their own (Unicode form NFD), which look the same",
    _each(partial(by_pieces, change=partial(unicodedata.normalize, "NFD"))),
)

# ---------------------------------------------------------------------- typos

_WORD = re.compile(r"[^\W\d_]{4,}")
_ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
_BESIDE = {key: "".join(row[max(0, at - 1) : at] + row[at + 1 : at + 2]) for row in _ROWS for at, key in enumerate(row)}

Where = Literal["mentions", "outside", "both"]


def _misspelt(documents: Sequence[Document], train: Sequence[Document], seed: int, where: Where) -> list[Document]:
    """One edit in a share of the words, drawn before it is asked where they stand: the parts add up to the whole."""
    del train
    return [_with_typos(each, seed, where) for each in documents]


def _with_typos(document: Document, seed: int, where: Where) -> Document:
    chance = random.Random(f"{seed}:{document.id}:{document.text}")
    inside = mentioned(document)
    edits: list[Edit] = []
    for first, last in pieces(document):
        for match in _WORD.finditer(document.text, first, last):
            if chance.random() >= TYPO_SHARE:
                continue
            new = _typo(match.group(), chance)
            if where == "both" or bool(inside[match.start()]) == (where == "mentions"):
                edits.append(Edit(match.start(), match.end(), new))
    return rewritten(document, edits)


def _typo(word: str, chance: random.Random) -> str:
    """A letter left out, doubled, exchanged with the next, or taken for its neighbour on the keyboard.

    The first and the last letter stay (Pruthi et al., Combating Adversarial Misspellings with Robust Word Recognition,
    ACL 2019); letters of no Latin keyboard are doubled instead.
    """
    kind = chance.choice(("left out", "doubled", "exchanged", "beside"))
    at = chance.randrange(1, len(word) - 2)
    letter = word[at]
    if kind == "exchanged" and letter != word[at + 1]:
        return word[:at] + word[at + 1] + letter + word[at + 2 :]
    if kind == "left out":
        return word[:at] + word[at + 1 :]
    if kind == "beside" and letter.lower() in _BESIDE:
        other = chance.choice(_BESIDE[letter.lower()])
        return word[:at] + (other.upper() if letter.isupper() else other) + word[at + 1 :]
    return word[:at] + letter + word[at:]


_SOME = f"a typo in {TYPO_SHARE:.0%} of the longer words"
TYPOS = Probe(_SOME, partial(_misspelt, where="both"))
TYPOS_IN_MENTIONS = Probe(f"{_SOME} of mentions", partial(_misspelt, where="mentions"))
TYPOS_OUTSIDE = Probe(f"{_SOME} outside mentions", partial(_misspelt, where="outside"))

# ---------------------------------------------------------------------- detokenised

_CLITICS = r"['’](?:s|S|m|M|d|D|re|RE|ve|VE|ll|LL)(?!\w)|[nN]['’][tT](?!\w)"
_BEFORE = re.compile(rf"[ \t]+(?=(?:[.,;:!?…%)\]}}]+(?=[\s\"'”’]|$)|{_CLITICS}|[”’](?=[\s.,;:!?]|$)))")
_BEHIND = re.compile(r"(?<=[(\[{“‘$£€¿¡])[ \t]+(?=\S)")
_PLURAL = re.compile(r"(?<!['’])s$")
_QUOTE = re.compile(r"(?<!\S)(?:``|''|\"|')(?!\S)")


def _detokenised(document: Document) -> Document:
    """Blanks that stand before punctuation, behind brackets and inside quotes are taken away, and so are the tokens.

    Sentences stay as the lines of a text that a system has to split by itself.
    """
    bounds = lines(document)
    gaps = {gap for first, last in bounds for gap in _gaps(document.text[first:last], first)}
    joined = rewritten(document, [Edit(start, end, "") for start, end in sorted(gaps)])
    if not document.tokens:
        return joined
    return replace(joined, tokens=(), sentences=(), meta={**joined.meta, LINES: [list(each) for each in lines(joined)]})


def _gaps(text: str, base: int) -> set[tuple[int, int]]:
    """The blanks of one sentence that written text does not have."""
    found = {match.span() for pattern in (_BEFORE, _BEHIND) for match in pattern.finditer(text)}
    opened: set[str] = set()
    for match in _QUOTE.finditer(text):
        start, end = match.span()
        before, behind = text[:start].rstrip(" \t"), text[end:].lstrip(" \t")
        mark = match.group().replace("``", "''")
        owns = mark == "'" and mark not in opened and _PLURAL.search(before) is not None  # the players ' union
        if match.group() == "``" or not (mark == "''" or mark in opened or owns):
            opened.add(mark)
            found.add((end, len(text) - len(behind)))
        else:
            opened.discard(mark)
            found.add((len(before), start))
    return {(base + start, base + end) for start, end in found if 0 < start < end < len(text)}


DETOKENISED = Probe(
    "written as running text: no blank before punctuation, quotes joined, no tokens given", _each(_detokenised)
)

# ---------------------------------------------------------------------- names and labels


def _swap_own(documents: Sequence[Document], train: Sequence[Document], seed: int) -> list[Document]:
    del train
    return _swap_trained(documents, documents, seed)


def _swap_trained(documents: Sequence[Document], train: Sequence[Document], seed: int) -> list[Document]:
    pool = names_of(train)
    return [swapped(each, pool, str(seed)) for each in documents]


SWAPPED_NAMES = Probe("each mention replaced by another of the set with the same label", _swap_own)
TRAINING_NAMES = Probe("each mention replaced by one of the training data with the same label", _swap_trained, True)


def symbols(documents: Sequence[Document], train: Sequence[Document], seed: int) -> dict[str, str]:
    """Meaningless names, in a drawn order, for all labels that occur, in training too, or are asked for."""
    asked = [label for each in documents for label in each.meta.get(ASKED_LABELS, ())]
    labels = LabelSet([*LabelSet.of(documents), *LabelSet.of(train), *asked])
    free = (name for number in range(1, 2 * len(labels) + 1) if (name := f"X{number}") not in labels)
    made = [next(free) for _ in labels]
    random.Random(seed).shuffle(made)
    return dict(zip(labels, made, strict=True))


def _renamed(documents: Sequence[Document], train: Sequence[Document], seed: int) -> list[Document]:
    new = symbols(documents, train, seed)
    return [
        replace(
            each,
            spans=tuple(replace(span, label=new[span.label]) for span in each.spans),
            meta={**each.meta, ASKED_LABELS: sorted(new[label] for label in each.meta.get(ASKED_LABELS, new))},
        )
        for each in documents
    ]


LABEL_SYMBOLS = Probe("labels called X1, X2, ... when asked for", _renamed, asks=True, labels=symbols)
