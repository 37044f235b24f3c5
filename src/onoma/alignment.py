"""Generated words to source words: where each source word stands in an answer that may have lost or added some."""

from __future__ import annotations

from collections.abc import Sequence

from onoma.exceptions import ConfigError

__all__ = ["METHODS", "align"]

METHODS = ("exact", "subsequence", "lcs")


def align(source_words: Sequence[str], generated_words: Sequence[str], method: str = "lcs") -> list[int | None]:
    """For each source word the index of the generated word that stands for it, or None; indices rise.

    - `exact`: all words where the two sequences are equal, else none;
    - `subsequence`: the leftmost embedding where the source is a subsequence of the generated words, else none;
    - `lcs`: a longest common subsequence, of which there may be several (rapidfuzz, bit-parallel).

    Raises `ConfigError` for an unknown method.
    """
    if method == "exact":
        same = list(source_words) == list(generated_words)
        return list(range(len(source_words))) if same else [None] * len(source_words)
    if method == "subsequence":
        found: list[int | None] = []
        at = 0
        for word in source_words:
            while at < len(generated_words) and generated_words[at] != word:
                at += 1
            if at == len(generated_words):
                return [None] * len(source_words)
            found.append(at)
            at += 1
        return found
    if method == "lcs":
        from rapidfuzz.distance import LCSseq

        aligned: list[int | None] = [None] * len(source_words)
        for step in LCSseq.opcodes(source_words, generated_words):
            if step.tag == "equal":
                aligned[step.src_start : step.src_end] = range(step.dest_start, step.dest_end)
        return aligned
    raise ConfigError(f"alignment method {method!r} is unknown: one of {', '.join(METHODS)}")
