"""Tag schemes as data: tag sequences to token spans and back, legality, and repair policies.

A scheme says which prefix it writes for the four places a token can have in a mention: its beginning, its
inside, its end, or all of it. Everything else (legal transitions, decoding, conversion) follows from that.
A tag is split at its *first* hyphen, so that labels may contain hyphens.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Literal, NamedTuple, get_args

from onoma.exceptions import ConfigError, DataError

__all__ = [
    "OUTSIDE",
    "REPAIRS",
    "SCHEMES",
    "Detection",
    "Repair",
    "Scheme",
    "TagSet",
    "TokenSpan",
    "detect",
    "detect_pairs",
    "get",
    "role_of",
    "split_tag",
]

OUTSIDE = "O"

Repair = Literal["conlleval", "strict", "discard", "viterbi"]
REPAIRS: tuple[str, ...] = get_args(Repair)


class TokenSpan(NamedTuple):
    """A labelled half-open range of **tokens**."""

    start: int
    end: int
    label: str


@lru_cache(maxsize=8192)
def split_tag(tag: str) -> tuple[str, str]:
    """Prefix and label of a tag: `("B", "PER")`; `("O", "")` for the outside tag.

    Raises `DataError` where there is no prefix or no label.
    """
    if tag == OUTSIDE:
        return OUTSIDE, ""
    prefix, hyphen, label = tag.partition("-")
    if not hyphen or not label or len(prefix) != 1:
        raise DataError(f"tag {tag!r} is neither 'O' nor PREFIX-LABEL")
    return prefix, label


@dataclass(frozen=True)
class Scheme:
    """One tag scheme: the prefix written for each place in a mention.

    `touching` is the prefix of a mention's first token where the mention before it touches and has the same
    label (IOB1 only). `marks_end` says whether a mention's end is written down, `marks_begin` whether
    touching mentions of one label stay apart.
    """

    name: str
    begin: str
    inside: str
    end: str
    single: str
    touching: str | None = None

    @property
    def marks_end(self) -> bool:
        """Whether the last token of a mention is told from the ones inside."""
        return self.end != self.inside

    @property
    def marks_begin(self) -> bool:
        """Whether touching mentions of one label can be told apart."""
        return self.begin != self.inside or self.touching is not None

    @property
    def prefixes(self) -> tuple[str, ...]:
        """All prefixes of the scheme but the outside tag, in a fixed order."""
        written = (self.begin, self.touching, self.inside, self.end, self.single)
        return tuple(dict.fromkeys(prefix for prefix in written if prefix))

    def tagset(self, labels: Iterable[str]) -> TagSet:
        """All tags for some labels: `O` first, then by label and prefix."""
        return TagSet(self, (OUTSIDE, *(f"{prefix}-{label}" for label in labels for prefix in self.prefixes)))

    # ------------------------------------------------------------------ legality

    def can_start(self, prefix: str) -> bool:
        """Whether a tag with this prefix may stand where no mention is open and nothing touches."""
        return prefix in (OUTSIDE, self.begin, self.single)

    def can_stop(self, prefix: str) -> bool:
        """Whether a mention may be over after a tag with this prefix."""
        return prefix in (OUTSIDE, self.end, self.single, self.touching)

    def allows(self, before: str | None, after: str | None) -> bool:
        """Whether `after` may follow `before`; None stands for the sentence's edge.

        Raises `DataError` for a tag whose prefix is not of this scheme.
        """
        left, left_label = self._parse(before) if before is not None else (OUTSIDE, "")
        right, right_label = self._parse(after) if after is not None else (OUTSIDE, "")
        if left != OUTSIDE and left_label == right_label:
            continues = left in (self.begin, self.inside, self.touching) and right in (self.inside, self.end)
            touches = self.can_stop(left) and right in (self.begin, self.single)
            if self.touching is not None:
                touches = touches or right == self.touching
            return continues or touches
        return self.can_stop(left) and self.can_start(right)

    def illegal(self, tags: Sequence[str]) -> list[int]:
        """Positions whose transition from the tag before is illegal; `len(tags)` stands for the closing edge."""
        padded = [None, *tags, None]
        return [index for index in range(len(tags) + 1) if not self.allows(padded[index], padded[index + 1])]

    def _parse(self, tag: str) -> tuple[str, str]:
        prefix, label = split_tag(tag)
        if prefix != OUTSIDE and prefix not in self.prefixes:
            raise DataError(f"tag {tag!r} does not belong to the scheme {self.name}")
        return prefix, label

    # ------------------------------------------------------------------ writing

    def tags(self, size: int, spans: Iterable[TokenSpan]) -> list[str]:
        """Tag sequence of `size` tokens for flat token spans; raises `DataError` where two overlap."""
        tags = [OUTSIDE] * size
        last = TokenSpan(-1, -1, "")
        for span in sorted(spans):
            start, end, label = span
            if start < last.end or not 0 <= start < end <= size:
                raise DataError(
                    f"{self.name} cannot write token span {tuple(span)} after {tuple(last)} in {size} tokens"
                )
            touches = self.touching is not None and last.end == start and last.label == label
            first = self.touching if touches else None
            if end - start == 1:
                tags[start] = f"{first or self.single}-{label}"
            else:
                tags[start] = f"{first or self.begin}-{label}"
                tags[start + 1 : end - 1] = [f"{self.inside}-{label}"] * (end - start - 2)
                tags[end - 1] = f"{self.end}-{label}"
            last = span
        return tags

    def merged(self, spans: Iterable[TokenSpan]) -> int:
        """How many mentions this scheme would melt into the one before (touching, same label)."""
        if self.marks_begin:
            return 0
        return sum(a.end == b.start and a.label == b.label for a, b in pairwise(sorted(spans)))

    # ------------------------------------------------------------------ reading

    def spans(self, tags: Sequence[str], repair: Repair = "conlleval") -> list[TokenSpan]:
        """Token spans of one sentence's tags; illegal sequences follow the `repair` policy.

        - `conlleval`: a tag that does not continue a mention opens one (the CoNLL shared tasks' rule);
        - `strict`: only mentions spelt exactly as the scheme writes them;
        - `discard`: as conlleval, less every mention that an illegal transition touches;
        - `viterbi`: the legal sequence that changes the fewest tags (prefixes before labels), then read.

        On legal sequences all four agree. No policy lets the label of a mention's first token change silently.
        """
        if repair == "conlleval":
            return self._chunks(tags)
        if repair == "strict":
            return self._exact(tags)
        if repair == "discard":
            bad = set(self.illegal(tags))
            return [span for span in self._chunks(tags) if not bad.intersection(range(span.start, span.end + 1))]
        if repair == "viterbi":
            return self._chunks(self.nearest_legal(tags))
        raise ConfigError(f"repair policy {repair!r} is unknown: one of {', '.join(REPAIRS)}")

    def _chunks(self, tags: Sequence[str]) -> list[TokenSpan]:
        parts = _PARTS[self.name]
        spans: list[TokenSpan] = []
        start, end, open_label, before = -1, -1, "", OUTSIDE
        for index in [index for index, tag in enumerate(tags) if tag != OUTSIDE]:
            role, label = parts[tags[index]]
            if index != end or role in "BS" or before in "ES" or label != open_label:
                if start >= 0:
                    spans.append(TokenSpan(start, end, open_label))
                start, open_label = index, label
            end, before = index + 1, role
        if start >= 0:
            spans.append(TokenSpan(start, end, open_label))
        return spans

    def _exact(self, tags: Sequence[str]) -> list[TokenSpan]:
        spans: list[TokenSpan] = []
        parsed = [(OUTSIDE, ""), *(self._parse(tag) for tag in tags), (OUTSIDE, "")]
        index = 1
        while index <= len(tags):
            prefix, label = parsed[index]
            if not self._opens(*parsed[index - 1], prefix, label):
                index += 1
                continue
            end = index + 1
            while end <= len(tags) and parsed[end] == (self.inside, label) and self.can_open(prefix):
                end += 1
            if not self.marks_end:
                spans.append(TokenSpan(index - 1, end - 1, label))
            elif prefix == self.single:
                end = index + 1
                spans.append(TokenSpan(index - 1, index, label))
            elif end <= len(tags) and parsed[end] == (self.end, label):
                end += 1
                spans.append(TokenSpan(index - 1, end - 1, label))
            index = max(end, index + 1)
        return spans

    def can_open(self, prefix: str) -> bool:
        """Whether a mention may go on after a first tag with this prefix."""
        return prefix in (self.begin, self.inside, self.touching)

    def _opens(self, before: str, before_label: str, prefix: str, label: str) -> bool:
        """Whether this tag begins a mention as the scheme spells it."""
        if prefix == OUTSIDE:
            return False
        if self.touching is not None or not self.marks_begin:
            after_same = before != OUTSIDE and before_label == label
            return after_same == (prefix == self.touching)
        return prefix in (self.begin, self.single)

    def nearest_legal(self, tags: Sequence[str]) -> list[str]:
        """The legal sequence nearest to `tags`: fewest changes, prefixes before labels, ties by tag order."""
        if not self.illegal(tags):
            return list(tags)
        labels = sorted({split_tag(tag)[1] for tag in tags} - {""})
        states = self.tagset(labels)
        costs: dict[str | None, float] = {None: 0}
        backs: list[dict[str, str | None]] = []
        for tag in tags:
            step: dict[str | None, float] = {}
            back: dict[str, str | None] = {}
            for state in states:
                change = _change(tag, state)
                if change == math.inf:  # so few are left, however many labels there are
                    continue
                legal = [before for before in costs if self.allows(before, state)]
                if legal:
                    back[state] = best = min(legal, key=costs.__getitem__)
                    step[state] = costs[best] + change
            costs = step
            backs.append(back)
        last = min((state for state in costs if self.allows(state, None)), key=costs.__getitem__)
        path: list[str] = []
        for back in reversed(backs):
            assert last is not None
            path.append(last)
            last = back[last]
        return path[::-1]


class TagSet(tuple[str, ...]):
    """The tags a model chooses from, and the scheme that says which may follow which."""

    scheme: Scheme

    def __new__(cls, scheme: Scheme, tags: Iterable[str]) -> TagSet:
        """Tags of a scheme in the order of a model's outputs, `O` among them."""
        made = super().__new__(cls, tags)
        made.scheme = scheme
        return made


def _change(old: str, new: str) -> float:
    """What it costs to write another tag; no label becomes another one, for there is always a way without."""
    if old == new:
        return 0
    old_label, new_label = split_tag(old)[1], split_tag(new)[1]
    if old_label == new_label:
        return 2
    return 3 if not old_label or not new_label else math.inf


SCHEMES: dict[str, Scheme] = {
    scheme.name: scheme
    for scheme in (
        Scheme("IO", begin="I", inside="I", end="I", single="I"),
        Scheme("BIO", begin="B", inside="I", end="I", single="B"),
        Scheme("IOB1", begin="I", inside="I", end="I", single="I", touching="B"),
        Scheme("BIOES", begin="B", inside="I", end="E", single="S"),
        Scheme("BILOU", begin="B", inside="I", end="L", single="U"),
        Scheme("BMES", begin="B", inside="M", end="E", single="S"),
    )
}
"""The six schemes by name; `get` also knows the aliases IOB2, IOBES and BMESO."""

_ALIASES = {"IOB2": "BIO", "IOBES": "BIOES", "BMESO": "BMES", "BIOLU": "BILOU"}

# The role a prefix plays for the conlleval rule, in the letters of BIOES.
_ROLES: dict[str, dict[str, str]] = {
    name: (
        {prefix: prefix for prefix in scheme.prefixes}
        if not scheme.marks_end
        else {scheme.begin: "B", scheme.inside: "I", scheme.end: "E", scheme.single: "S"}
    )
    for name, scheme in SCHEMES.items()
}


class _Parts(dict[str, tuple[str, str]]):
    """Role and label of each tag of one scheme, found out once."""

    def __init__(self, scheme: str) -> None:
        super().__init__()
        self.scheme = scheme

    def __missing__(self, tag: str) -> tuple[str, str]:
        prefix, label = split_tag(tag)
        role = _ROLES[self.scheme].get(prefix)
        if role is None:
            raise DataError(f"tag {tag!r} does not belong to the scheme {self.scheme}")
        if len(self) < 10_000:  # a stream of ever new labels must not fill the memory
            self[tag] = role, label
        return role, label


_PARTS = {name: _Parts(name) for name in SCHEMES}


def role_of(scheme: Scheme, tag: str) -> str:
    """The place a tag stands for under the conlleval rule, as a prefix of BIOES, O for the outside tag.

    Raises `DataError` for a tag that is not of the scheme.
    """
    return OUTSIDE if tag == OUTSIDE else _PARTS[scheme.name][tag][0]


def get(name: str) -> Scheme:
    """The scheme of that name (any case); raises `ConfigError` with the list of names."""
    key = name.upper() if isinstance(name, str) else ""
    scheme = SCHEMES.get(_ALIASES.get(key, key))
    if scheme is None:
        raise ConfigError(f"tag scheme {name!r} is unknown: one of {', '.join(SCHEMES)}")
    return scheme


class Detection(NamedTuple):
    """What `detect` saw: the scheme, why, and how many transitions are illegal under it."""

    scheme: Scheme
    reason: str
    illegal: int


def detect(sequences: Iterable[Sequence[str]]) -> Detection:
    """The scheme of some sentences' tags; raises `DataError` where their prefixes are of no scheme.

    `I` alone is read as IO (IOB1 without touching mentions looks the same and reads the same). Between BIO and
    IOB1 the openings decide: which of `B-` and `I-` opens more mentions after something else.
    """
    pairs: Counter[tuple[str, str]] = Counter()
    for tags in sequences:
        pairs.update(zip(["O", *tags], [*tags, "O"], strict=True))
    return detect_pairs(pairs)


def detect_pairs(pairs: Mapping[tuple[str, str], int]) -> Detection:
    """As `detect`, from how often each tag follows each other one; a sentence's edges count as `O`."""
    prefixes = {split_tag(tag)[0] for pair in pairs for tag in pair} - {OUTSIDE}
    if not prefixes:
        return Detection(SCHEMES["BIO"], "no tag but O", 0)
    if prefixes == {"I"}:
        scheme, reason = SCHEMES["IO"], "only I- tags: touching mentions of one label cannot be told apart"
    elif prefixes <= {"B", "I"}:
        opened = Counter[str]()
        for (before, after), count in pairs.items():
            if after != OUTSIDE and (before == OUTSIDE or split_tag(before)[1] != split_tag(after)[1]):
                opened[split_tag(after)[0]] += count
        scheme = SCHEMES["IOB1" if opened["I"] > opened["B"] else "BIO"]
        reason = f"{opened['B']:,} mentions open with B-, {opened['I']:,} with I-"
    else:
        for name in ("BIOES", "BILOU", "BMES"):
            if prefixes <= set(SCHEMES[name].prefixes):
                scheme, reason = SCHEMES[name], f"prefixes {', '.join(sorted(prefixes))}"
                break
        else:
            raise DataError(
                f"tag prefixes {', '.join(sorted(prefixes))} belong to no scheme",
                mend=f"known: {', '.join(SCHEMES)}; name the tag column or mend the tags",
            )
    illegal = sum(count for pair, count in pairs.items() if not scheme.allows(*pair))
    return Detection(scheme, reason, illegal)
