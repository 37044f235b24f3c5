"""The peer that holds JSON to substrings of the text: llguidance masks the scores of the library's `generate`.

llguidance knows byte-level vocabularies. A vocabulary of word pieces is shown to it as bytes all the same: a piece that
begins a word begins with a blank, signs are words, and symbols, which no other piece may begin, have a mark. Texts of
mentions may be any run of the source's words, as often and in any order: that is what a grammar of substrings says.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import llguidance
import torch
from llguidance.torch import allocate_token_bitmask, apply_token_bitmask_inplace, fill_next_token_bitmask

from onoma import Document, Prediction, Recognizer
from onoma.models.text.vocabulary import Vocabulary

__all__ = ["SubstringJson"]

MARK = "\N{SYMBOL FOR START OF HEADING}"


class SubstringJson:
    """A trained seq2seq recognizer of `grouped_json`, whose answers llguidance holds to the text."""

    def __init__(self, recognizer: Recognizer) -> None:
        model: Any = recognizer.model
        self.encoding: Any = recognizer.encoding
        self.model = model
        self.rendered = _rendered(model.vocabulary)
        self.end: int = model.module.config.eos_token_id
        self.tokenizer = llguidance.LLTokenizer(llguidance.TokenizerWrapper(_Shown(self.rendered, self.end)))

    def __call__(self, documents: Sequence[Document]) -> list[Prediction]:
        """One answer an exchange, all in one batch."""
        asked = [list(self.encoding.exchanges(document)) for document in documents]
        sources = [exchange.source for row in asked for exchange in row]
        held = _Held([self._matcher(source) for source in sources], len(self.rendered) + 1)
        with torch.inference_mode():
            rows = self.model.module.generate(
                **self.model.read(sources),
                max_new_tokens=self.model.answer_limit,
                num_beams=1,
                do_sample=False,
                logits_processor=[held],
            )[:, 1:].tolist()
        answers = iter(self._text(row) for row in rows)
        return [
            self.encoding.decode(document, [next(answers) for _ in row])
            for document, row in zip(documents, asked, strict=True)
        ]

    def _text(self, row: Sequence[int]) -> str:
        return self.model.vocabulary.text(row[: row.index(self.end)] if self.end in row else row)

    def _matcher(self, source: str) -> Any:
        chunks = []
        for word in source.split():
            pieces = self.model.vocabulary.numbers(json.dumps(word, ensure_ascii=False)[1:-1])
            chunks.append(b"".join(self.rendered[piece] for piece in pieces).decode())
        return llguidance.LLMatcher(self.tokenizer, self._grammar(chunks))

    def _grammar(self, chunks: Sequence[str]) -> str:
        """An object with some of the labels, in their order, each with a list of runs of the source's words."""
        labels = [
            b"".join(map(self.rendered.__getitem__, self._numbers(label))).decode() for label in self.encoding.labels
        ]
        # One terminal with its quotes: a lexer would go on with a text as long as it can.
        lines = [f"TEXT: %regex {json.dumps({'substring_chunks': list(chunks)})}", 'ITEM: " \\"" TEXT " \\""']
        lines.append('list: " [" ITEM (" ," ITEM)* " ]"')
        for at in range(len(labels)):
            later = "".join(f" | {_quoted(' ,')} label{number}" for number in range(at + 1, len(labels)))
            lines.append(f'label{at}: {_quoted(labels[at])} list (""{later})')
        first = " | ".join(f"label{number}" for number in range(len(labels)))
        return "\n".join([f'start: {_quoted(" {")} ("" | {first}) {_quoted(" }")}', *lines])

    def _numbers(self, label: str) -> list[int]:
        return self.model.vocabulary.numbers(f"{json.dumps(label, ensure_ascii=False)}:")


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _rendered(vocabulary: Vocabulary) -> list[bytes]:
    """What each piece adds to an answer; special pieces add nothing."""
    texts = vocabulary.tokenizer.convert_ids_to_tokens(range(len(vocabulary)))
    special = set(vocabulary.tokenizer.all_special_ids)

    def shown(number: int, text: str) -> str:
        if number in special:
            return ""
        if number in vocabulary.added:
            return f"{MARK}{text}"
        return text.removeprefix("##") if text.startswith("##") else f" {text}"

    return [shown(number, text).encode() for number, text in enumerate(texts)]


class _Shown:
    """A vocabulary as llguidance wants to see it."""

    bos_token_id = None

    def __init__(self, rendered: Sequence[bytes], end: int) -> None:
        # No piece is a lone blank, but llguidance wants to write one where all that may follow begins with it.
        self.tokens = [*rendered, b" "]
        self.eos_token_id = end
        self.special_token_ids = [number for number, each in enumerate(rendered) if not each]
        self._numbers = {each: number for number, each in enumerate(self.tokens) if each}
        self._longest = max(map(len, self._numbers))

    def __call__(self, text: bytes) -> list[int]:
        """The longest pieces from left to right; llguidance asks for a text that its grammar forces."""
        made: list[int] = []
        at = 0
        while at < len(text):
            sizes = range(min(self._longest, len(text) - at), 0, -1)
            size = next((size for size in sizes if text[at : at + size] in self._numbers), None)
            if size is None:
                break
            made.append(self._numbers[text[at : at + size]])
            at += size
        return made


class _Held:
    """Masks what a row's grammar does not allow, step by step."""

    def __init__(self, matchers: Sequence[Any], size: int) -> None:
        self.matchers = matchers
        self.mask = allocate_token_bitmask(len(matchers), size)
        self.seen = 0

    def __call__(self, pieces: Any, scores: Any) -> Any:
        """`generate` calls it with all pieces so far, the sign that starts an answer included."""
        for row, matcher in enumerate(self.matchers):
            if self.seen and not matcher.is_stopped():
                matcher.consume_token(int(pieces[row, -1]))
            fill_next_token_bitmask(matcher, self.mask, row)
        self.seen += 1
        apply_token_bitmask_inplace(scores, self.mask)
        return scores
