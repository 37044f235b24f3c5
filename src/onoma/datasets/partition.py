"""Cutting one data set into parts: no text in two of them, rare labels spread, the same for the same seed."""

from __future__ import annotations

import random
from bisect import bisect_right
from collections import Counter, defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from onoma.datasets.overlap import normalised
from onoma.document import Document, Span, Token
from onoma.exceptions import ConfigError, DataError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

__all__ = ["by_sentence", "partition", "shares"]

TRIALS = 50_000
"""Exchanges tried at most, and no more than 500 a group: below a second."""


def shares(text: str) -> dict[str, float]:
    """`train=0.8,dev=0.1,test=0.1` as names and shares; raises `ConfigError` where they do not add up to 1."""
    found: dict[str, float] = {}
    for each in text.split(","):
        name, _, value = (part.strip() for part in each.partition("="))
        try:
            share = float(value)
        except ValueError:
            raise ConfigError(f"parts: {each.strip()!r} is not NAME=SHARE, such as train=0.8") from None
        if not name.replace("-", "_").isidentifier():
            raise ConfigError(f"parts: {name!r} is no name for a file: letters, digits, _ and - only")
        if name.lower() in (other.lower() for other in found):
            raise ConfigError(f"parts: {name!r} comes twice")
        found[name] = share
    _check(found)
    return found


def _check(parts: Mapping[str, float]) -> None:
    if not all(0 < share <= 1 for share in parts.values()) or abs(sum(parts.values()) - 1) > 1e-6:
        listed = ", ".join(f"{name}={share:g}" for name, share in parts.items())
        raise ConfigError(f"parts: the shares must be positive and add up to 1, not {listed or 'nothing'}")


def partition(
    documents: Iterable[Document],
    parts: Mapping[str, float],
    *,
    seed: int = 0,
    group_by: str | None = None,
    stratify: bool = True,
) -> dict[str, list[Document]]:
    """Each document in exactly one part, in the order it had; a part has about its share of the documents.

    Documents whose normalised text is the same, or whose `meta[group_by]` is, stay together, and no part has more
    than its share and one such group on top. With `stratify` each label's mentions are spread by the same shares, the
    rarest first: the greedy iterative stratification of Sechidis, Tsoumakas and Vlahavas (2011), with counts in place
    of presence and with parts that are full left out; then groups of one size change places where that helps, since
    the greedy way goes astray where every document holds every label. Raises `ConfigError` for shares that do not add
    up to 1, `DataError` for a document without the key.
    """
    _check(parts)
    documents = list(documents)
    groups = _groups(documents, group_by)
    chance = random.Random(seed)
    chance.shuffle(groups)
    total = sum(parts.values())
    room = [share / total * len(documents) for share in parts.values()]
    if stratify:
        homes = _stratified(groups, [share / total for share in parts.values()], room)
        _swap(groups, [share / total for share in parts.values()], homes, chance)
    else:
        homes = _filled(groups, room)
    found: dict[str, list[Document]] = {name: [] for name in parts}
    placed = sorted(
        (index, home) for group, home in zip(groups, homes, strict=True) for index in group.members
    )  # the order of the input
    names = list(parts)
    for index, home in placed:
        found[names[home]].append(documents[index])
    return found


# ---------------------------------------------------------------------- what stays together


@dataclass(frozen=True)
class _Group:
    """Documents (by index) that stay together, and their mentions by label."""

    members: tuple[int, ...]
    labels: Counter[str]


def _groups(documents: Sequence[Document], group_by: str | None) -> list[_Group]:
    """Connected by equal text or equal key, in order of the first member."""
    parent = list(range(len(documents)))

    def find(index: int) -> int:
        while parent[index] != index:
            parent[index] = parent[parent[index]]
            index = parent[index]
        return index

    first: dict[tuple[str, str], int] = {}
    for index, document in enumerate(documents):
        keys = [("text", normalised(document.text))]
        if group_by is not None:
            if group_by not in document.meta:
                raise DataError(f"document {document.id!r} has no {group_by!r} in its meta to group by")
            keys.append(("key", repr(document.meta[group_by])))
        for key in keys:
            one, other = find(first.setdefault(key, index)), find(index)
            parent[max(one, other)] = min(one, other)
    members: dict[int, list[int]] = defaultdict(list)
    for index in range(len(documents)):
        members[find(index)].append(index)
    return [
        _Group(tuple(each), Counter(span.label for index in each for span in documents[index].spans))
        for each in members.values()
    ]


# ---------------------------------------------------------------------- where it goes


def _filled(groups: Sequence[_Group], room: list[float]) -> list[int]:
    """Each group into the part with most room left, large groups first."""
    homes = [0] * len(groups)
    for at in sorted(range(len(groups)), key=lambda at: -len(groups[at].members)):
        homes[at] = max(range(len(room)), key=lambda part: room[part])
        room[homes[at]] -= len(groups[at].members)
    return homes


def _stratified(groups: Sequence[_Group], parts: Sequence[float], room: list[float]) -> list[int]:
    """The rarest label's groups first, each into the part that lacks most of its mentions and is not full."""
    homes = [-1] * len(groups)
    holders: dict[str, list[int]] = defaultdict(list)
    for at, group in enumerate(groups):
        for label in group.labels:
            holders[label].append(at)
    left = Counter[str]()
    for group in groups:
        left.update(group.labels)
    wanted = {label: [share * left[label] for share in parts] for label in left}
    while left:
        label = min(left, key=lambda name: (left[name], name))
        for at in sorted(holders[label], key=lambda at: -groups[at].labels[label]):
            if homes[at] >= 0:
                continue
            open_parts = [part for part in range(len(room)) if room[part] > 1e-9]
            home = max(open_parts, key=lambda part: (wanted[label][part], room[part]))
            homes[at] = home
            room[home] -= len(groups[at].members)
            for each, count in groups[at].labels.items():
                wanted[each][home] -= count
                left[each] -= count
        left = +left
    bare = [at for at, home in enumerate(homes) if home < 0]
    for at, home in zip(bare, _filled([groups[at] for at in bare], room), strict=True):
        homes[at] = home
    return homes


def _swap(groups: Sequence[_Group], parts: Sequence[float], homes: list[int], chance: random.Random) -> None:
    """Exchange groups of one size, drawn at random, where the sum of squares of what labels lack gets smaller.

    Squares are divided by what is wanted, as in Pearson's chi-square, so that small parts and rare labels count.
    """
    total = Counter[str]()
    for group in groups:
        total.update(group.labels)
    weight = {label: [1 / (share * count) for share in parts] for label, count in total.items()}
    excess = {label: [-share * count for share in parts] for label, count in total.items()}
    for group, home in zip(groups, homes, strict=True):
        for label, count in group.labels.items():
            excess[label][home] += count
    for _ in range(min(TRIALS, 500 * len(groups))):
        one, other = chance.randrange(len(groups)), chance.randrange(len(groups))
        here, there = homes[one], homes[other]
        if here == there or len(groups[one].members) != len(groups[other].members):
            continue
        moves: list[tuple[str, int]] = []
        change = 0.0
        for label in {**groups[one].labels, **groups[other].labels}:
            step = groups[other].labels[label] - groups[one].labels[label]
            if step:
                moves.append((label, step))
                for part, sign in ((here, 1), (there, -1)):  # (x + s)^2 - x^2
                    change += weight[label][part] * step * (step + 2 * sign * excess[label][part])
        if change < -1e-9:
            homes[one], homes[other] = there, here
            for label, step in moves:
                excess[label][here] += step
                excess[label][there] -= step


# ---------------------------------------------------------------------- by sentence


def by_sentence(documents: Iterable[Document]) -> list[Document]:
    """Each sentence as a document of its own, `ID-1`, `ID-2` and so on; a document of one sentence stays as it is.

    Only white space between sentences is left out. Raises `DataError` for a mention that crosses a boundary and where
    two would have one id.
    """
    found = [sentence for document in documents for sentence in _sentences(document)]
    for id, count in Counter(each.id for each in found).items():
        if count > 1:
            raise DataError(
                f"{count} sentences would have the id {id!r}", mend="rename a document or split by document"
            )
    return found


def _sentences(document: Document) -> Iterator[Document]:
    if len(document.sentences) < 2:
        yield document
        return
    edges = [0, *(document.tokens[first].start for first, _ in document.sentences[1:]), len(document.text)]
    spans: list[list[Span]] = [[] for _ in document.sentences]
    for span in document.spans:
        number = bisect_right(edges, span.start, 1, len(edges) - 1)
        if span.end > edges[number]:
            raise DataError(
                f"document {document.id!r}: {span.label} {document.surface(span)[:40]!r} crosses a sentence boundary",
                mend="split by document",
            )
        spans[number - 1].append(span)
    for number, (first, last) in enumerate(document.sentences):
        start, stop = edges[number], edges[number + 1]
        end = max(start + len(document.text[start:stop].rstrip()), document.tokens[last - 1].end)
        end = max([end, *(span.end for span in spans[number])])
        yield replace(
            document,
            id=f"{document.id}-{number + 1}",
            text=document.text[start:end],
            tokens=tuple(Token(token.start - start, token.end - start) for token in document.tokens[first:last]),
            sentences=((0, last - first),),
            spans=tuple(_moved(span, start) for span in spans[number]),
        )


def _moved(span: Span, by: int) -> Span:
    pieces = tuple((start - by, end - by) for start, end in span.fragments)
    return replace(span, start=span.start - by, end=span.end - by, fragments=pieces)
