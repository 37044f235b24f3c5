"""What the column formats share: sentences of words and tags become documents, and documents become rows."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from onoma import schemes
from onoma.document import Document, Span, Tokens
from onoma.exceptions import ConfigError, DataError
from onoma.schemes import Repair, Scheme, TokenSpan

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

__all__ = [
    "Block",
    "Group",
    "check_line_ends",
    "check_repair",
    "check_tag",
    "count_illegal",
    "document_of",
    "fill_gaps",
    "flat_losses",
    "gaps",
    "is_tag",
    "regroup",
    "sentence_spans",
    "token_losses",
    "writable",
]

PREFIXES = frozenset("BIESLUM")
_SEVERAL = re.compile(r"[,;|#]\s*[BIESLUM]-")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_CR = "CR line ends: save with LF"


@dataclass
class Block:
    """One sentence of a file: its words, their tags (None where the file has none), and where it stands.

    `spaces[i]` says whether a blank follows word i; None means always.
    """

    words: list[str] = field(default_factory=list)
    tags: list[str] | None = None
    line: int = 0
    spaces: list[bool] | None = None
    id: str | None = None


@dataclass
class Group:
    """The sentences of one marked document; `marked` is False for those before the first mark."""

    id: str | None = None
    marked: bool = True
    line: int = 0
    blocks: list[Block] = field(default_factory=list)


@lru_cache(maxsize=8192)
def is_tag(value: str) -> bool:
    """Whether a column's value is `O` or a known prefix, a hyphen and one label without control characters."""
    if value == "O":
        return True
    if len(value) < 3 or value[1] != "-" or value[0] not in PREFIXES:
        return False
    return not _SEVERAL.search(value, 2) and not _CONTROL.search(value, 2)


def check_tag(value: str, path: str | Path, line: int, *, mend: str | None = None) -> None:
    """Raise `DataError` with file and line where a value is no tag."""
    if is_tag(value):
        return
    if _SEVERAL.search(value, 2) and is_tag(value[:3]):
        raise DataError(f"tag {value!r} holds several tags", path=path, line=line, mend="choose one of them")
    if "\r" in value:
        mend = _CR
    raise DataError(f"tag {value!r} is neither 'O' nor PREFIX-LABEL", path=path, line=line, mend=mend)


def check_line_ends(lines: Sequence[str], path: str | Path, *, alone: bool) -> None:
    """Raise `DataError` where lines end with a CR alone: each of them is several, and would be read as one token.

    `alone` says that the file has no newline. A CR may stand in a token: the parts around it are no rows of columns.
    """
    rows = [line for line in lines if line.strip()]
    several = [line for line in rows if "\r" in line.strip("\r") and (alone or _is_rows(line))]
    if 2 * len(several) > len(rows):
        raise DataError("the lines end with CR", path=path, line=1, mend=_CR)


def _is_rows(line: str) -> bool:
    """Whether all parts around the CRs of a line have several columns."""
    mark = "\t" if "\t" in line else " "
    return all(mark in part for part in line.split("\r") if part)


def check_repair(repair: str) -> None:
    """Raise `ConfigError` where there is no such repair policy."""
    if repair not in schemes.REPAIRS:
        raise ConfigError(f"repair policy {repair!r} is unknown: one of {', '.join(schemes.REPAIRS)}")


def count_illegal(scheme: Scheme, sequences: Iterable[Sequence[str]]) -> int:
    """How many transitions are illegal under a scheme; raises `DataError` for tags that are not of it."""
    pairs: Counter[tuple[str | None, str | None]] = Counter()
    for tags in sequences:
        pairs.update(zip([None, *tags], [*tags, None], strict=True))
    return sum(count for (before, after), count in pairs.items() if not scheme.allows(before, after))


# ---------------------------------------------------------------------- reading


def regroup(
    groups: Iterable[Group], path: str | Path, *, marked: bool | None = None
) -> Iterator[tuple[str, int, list[Block]]]:
    """Id, line and sentences of each document; without any mark each sentence is one.

    `marked` says whether any group is, so that they may come one by one; None looks at all of them first. Raises
    `DataError` where an id comes twice.
    """
    if marked is None:
        groups = list(groups)
        marked = any(group.marked for group in groups)
    seen: dict[str, int] = {}

    def named(given: str | None, line: int, blocks: list[Block]) -> tuple[str, int, list[Block]]:
        id = given if given is not None else str(len(seen) + 1)
        if id in seen:
            raise DataError(f"document id {id!r} stands already in line {seen[id]}", path=path, line=line)
        seen[id] = line
        return id, line, blocks

    if not marked:
        for group in groups:
            for block in group.blocks:
                yield named(block.id, block.line, [block])
        return
    last: Group | None = None
    before = False  # whether sentences stand before the first mark
    for group in groups:
        if last is None:
            before = bool(group.blocks) and not group.marked
        elif last.marked or last.blocks:
            yield named(last.id, last.line, last.blocks)
        last = group
    # Else marks stand between documents: the last one closes the file.
    if last is not None and (last.blocks or (last.marked and (last.id is not None or not before))):
        yield named(last.id, last.line, last.blocks)


def document_of(
    id: str, blocks: Sequence[Block], scheme: Scheme, repair: Repair, path: str | Path, *, keep_tags: bool = False
) -> Document:
    """The document of some sentences; its text is their words joined by a blank where one follows.

    `keep_tags` keeps the tags as they were read, before any repair, in `meta["tags"]`.
    """
    words: list[str] = []
    bounds: list[tuple[int, int]] = []
    found: list[tuple[int, int, str, int]] = []  # first token, last token, label, line
    for block in blocks:
        first = len(words)
        words += block.words
        bounds.append((first, len(words)))
        tags = block.tags
        if tags and tags.count("O") != len(tags):
            for start, stop, label in scheme.spans(tags, repair):
                found.append((first + start, first + stop - 1, label, block.line + start))
    if any(block.spaces is not None for block in blocks):
        spaces = [space for block in blocks for space in block.spaces or [True] * len(block.words)]
        spaces[-1:] = [False]  # the blank after the last word belongs to no document
        tokens = Tokens.joined(words, spaces)
        text = "".join([f"{word} " if space else word for word, space in zip(words, spaces, strict=True)])
    else:
        tokens = _tokens(words)
        text = " ".join(words)
    starts, ends = tokens.starts, tokens.ends
    spans: list[Span] = []
    for first, last, label, line in found:
        start, end = starts[first], ends[last]
        if start == end:
            raise DataError(f"a mention of {label} is nothing but empty tokens", path=path, line=line)
        spans.append(Span.known(start, end, label))
    meta: dict[str, Any] = {}
    if keep_tags:
        meta["tags"] = tuple(tag for block in blocks for tag in block.tags or ["O"] * len(block.words))
    return Document(id, text, tokens, tuple(bounds), tuple(spans), meta)


def _tokens(words: Sequence[str]) -> Tokens:
    """The tokens of words that a blank follows each."""
    if len(words) < 100:
        return Tokens.joined(words)
    import numpy as np

    lengths = np.fromiter(map(len, words), np.int64, len(words))
    ends = np.cumsum(lengths + 1) - 1
    return Tokens.from_bytes((ends - lengths).tobytes(), ends.tobytes())


# ---------------------------------------------------------------------- writing


def gaps(document: Document) -> Iterator[str]:
    """The text before each token and after the last."""
    at = 0
    for token in document.tokens:
        yield document.text[at : token.start]
        at = token.end
    yield document.text[at:]


def fill_gaps(document: Document) -> list[bool]:
    """For each token whether any blank text follows it (True for the last)."""
    between = list(gaps(document))[1:-1]
    return [bool(gap) for gap in between] + [True] * bool(document.tokens)


def flat_losses(document: Document) -> list[str]:
    """What no flat column format can hold: text outside tokens, and spans that are not a row of whole tokens."""
    losses = [
        f"text outside the tokens: {gap.strip()[:30]!r}"
        + ("; split it into tokens first" if not document.tokens else "")
        for gap in gaps(document)
        if gap.strip()
    ]
    return losses + _placed(document)[1]


def sentence_spans(document: Document) -> list[list[TokenSpan]]:
    """For each sentence the token spans a flat format can hold, counted from its first token.

    Of two that overlap the longer stays. What is left out stands in `flat_losses`.
    """
    placed, _ = _placed(document)
    rows: list[list[TokenSpan]] = [[] for _ in document.sentences]
    for sentence, span in placed:
        first = document.sentences[sentence][0]
        rows[sentence].append(TokenSpan(span.start - first, span.end - first, span.label))
    return rows


def _placed(document: Document) -> tuple[list[tuple[int, TokenSpan]], list[str]]:
    """The spans that fit, each with its sentence, and a line for each that does not."""
    starts = {token.start: index for index, token in enumerate(document.tokens) if token.end > token.start}
    ends = {token.end: index + 1 for index, token in enumerate(document.tokens) if token.end > token.start}
    home = [number for number, (start, end) in enumerate(document.sentences) for _ in range(start, end)]
    taken: set[int] = set()
    placed: list[tuple[int, TokenSpan]] = []
    losses: list[str] = []
    for span in sorted(document.spans, key=lambda span: (span.start - span.end, span.start, span.label)):
        start, end = starts.get(span.start), ends.get(span.end)
        if span.fragments:
            why = "is discontinuous"
        elif start is None or end is None:
            why = "cuts a token"
        elif home[start] != home[end - 1]:
            why = "crosses a sentence boundary"
        elif not taken.isdisjoint(range(start, end)):
            why = "overlaps another span"
        else:
            taken.update(range(start, end))
            placed.append((home[start], TokenSpan(start, end, span.label)))
            continue
        losses.append(f"span {span.label} [{span.start}:{span.end}] {document.surface(span)[:30]!r} {why}")
    placed.sort()
    return placed, losses


def token_losses(document: Document, separator: str) -> list[str]:
    """Tokens and labels that would not survive in a column file with this separator."""
    losses = []
    for index, word in enumerate(document.words):
        if not word.strip():
            losses.append(f"token {index} is empty or white space")
        elif any(mark in word for mark in (separator, "\n", "\0")):
            losses.append(f"token {index} {word[:30]!r} holds the separator, a newline or a zero byte")
    for label in sorted({span.label for span in document.spans}):
        blank = any(mark.isspace() and mark != " " for mark in label) or label.strip() != label
        bad = blank or "\0" in label or separator in label or not is_tag(f"B-{label}")
        if bad:
            losses.append(f"label {label!r} cannot stand in a tag")
    return losses


def writable(word: str, separator: str) -> str:
    """The nearest word that a column can hold: blanks and separators become underscores."""
    word = re.sub(rf"[\0\n{re.escape(separator)}]", "_", word)
    return word if word.strip() else "_" * max(len(word), 1)
