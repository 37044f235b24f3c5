"""Plain text to documents, and documents to what is learnt from and what is only measured."""

from __future__ import annotations

import hashlib
import logging
from bisect import bisect_left
from collections.abc import Sequence
from itertools import groupby
from typing import TYPE_CHECKING

from onoma.exceptions import DataError

if TYPE_CHECKING:
    from onoma.datasets.files import Source

__all__ = ["hold_out", "plain"]

_log = logging.getLogger("onoma")


def plain(source: Source) -> list[str]:
    """The documents of a plain text: what blank lines separate, or, where there are none in between, each line."""
    runs = groupby(source.lines(), key=lambda line: bool(line.strip()))
    groups = [list(lines) for filled, lines in runs if filled]
    if len(groups) > 1:
        _log.info("%s: %s documents, separated by blank lines", source.name, f"{len(groups):,}")
        return ["\n".join(group) for group in groups]
    documents = groups[0] if groups else []
    _log.info("%s: %s documents, one a line (no blank lines in between)", source.name, f"{len(documents):,}")
    return documents


def hold_out(texts: Sequence[str], share: float) -> tuple[list[str], list[str]]:
    """Texts to learn from and about `share` of them to measure on, never the same text in both.

    The choice hangs on each text's sha256 alone, neither on its place nor on a seed: whoever adapts again, or with
    more text, measures on the same ones. One at least is on either side, unless `share` is 0. Raises `DataError` where
    there is but one text.
    """
    if share == 0:
        return list(texts), []
    hashes = [int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") for text in texts]
    distinct = sorted(set(hashes))
    if len(distinct) < 2:
        raise DataError(
            f"{len(distinct)} document(s) cannot be both learnt from and held out",
            mend="separate documents by blank lines, or hold out nothing: --held-out 0",
        )
    count = min(max(bisect_left(distinct, int(share * 2**64)), 1), len(distinct) - 1)
    learnt = [text for text, each in zip(texts, hashes, strict=True) if each >= distinct[count]]
    held = [text for text, each in zip(texts, hashes, strict=True) if each < distinct[count]]
    return learnt, held
