"""spaCy's DocBin (`.spacy`): tokens with spaces, sentence starts, entities and one span group of each document.

User data `id` is the document's id; `onoma` is JSON with our meta and the indices of those tokens that stand for text
between tokens. Tags, lemmas, heads and knowledge-base ids are not read; `cats` become `meta["cats"]`.

Nothing in a file is executed (looked up in spaCy 3.8 and srsly 2.5): all of it, user data too, is msgpack. Its one
object hook makes numpy numbers and arrays, of which numpy refuses those that hold objects, and complex numbers;
extension types stay bytes, pickle is used nowhere. What a file unpacks to is limited before spaCy sees it.
"""

from __future__ import annotations

import gc
import json
import logging
import struct
import zlib
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from onoma.datasets.attached import span_line
from onoma.datasets.base import Decision, refuse
from onoma.datasets.columns import gaps
from onoma.datasets.records import score
from onoma.document import Document, Span, Tokens
from onoma.exceptions import DataError, MissingExtraError
from onoma.files import replacing_path

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from spacy.tokens import Doc as SpacyDoc
    from spacy.tokens import DocBin as SpacyBin

    from onoma.datasets.files import Source

Made = TypeVar("Made")

__all__ = ["DocBin"]

_log = logging.getLogger("onoma")
LIMIT = 1 << 30
"""Bytes a file may unpack to."""
_BLOCK = 1 << 20

TokenRange = tuple[int, int, str]


class DocBin:
    """Tokenised documents. Spans are whole tokens; those that overlap stand in the span group. Scores are not kept."""

    name = "docbin"
    endings = (".spacy",)
    binary = True
    by_path = True
    needs_tokens = True
    keeps: ClassVar[frozenset[str]] = frozenset({"ids", "tokens", "meta"})

    def decide(self, source: Source) -> Decision:
        """How many documents there are; reads the file and raises `DataError` where it is no DocBin."""
        return Decision("docbin", {"spans_key": "sc"}, f"docbin: {len(_packed(source)):,} document(s) of spaCy")

    def read(self, source: Source, *, spans_key: str = "sc") -> Iterator[Document]:
        """The documents, with entities and the spans of one group; a span that stands in both comes once.

        Raises `DataError` with the file and the document's number, `MissingExtraError` where spaCy is not installed.
        """
        seen: dict[str, int] = {}
        others: set[str] = set()
        for number, made in enumerate(_made(_packed(source), source.name), 1):
            try:
                document = _guarded(lambda made=made, number=number: _document(made, number, spans_key))
                if document.id in seen:
                    raise DataError(f"its id {document.id!r} is already that of document {seen[document.id]}")
            except DataError as error:
                raise DataError(f"document {number}: {error.message}", path=source.name, mend=error.mend) from None
            seen[document.id] = number
            others.update(str(key) for key, group in made.spans.items() if key != spans_key and len(group))
            yield document
        if others:
            _log.info("%s: span groups not read: %s", source.name, ", ".join(sorted(others)))

    def write(self, documents: Iterable[Document], path: Path, *, spans_key: str = "sc", lossy: bool = False) -> None:
        """Write all documents, whole or not at all; spans that overlap go to the group, the longest to the entities."""
        with _needing_spacy("writing .spacy files"):
            from spacy.tokens import Doc as SpacyDoc
            from spacy.tokens import DocBin as SpacyBin
            from spacy.tokens import Span as SpacySpan
            from spacy.vocab import Vocab

        vocab = Vocab()
        packed = SpacyBin(store_user_data=True)
        for document in documents:
            if not lossy:
                refuse(self.name, document, self.losses(document))
            laid = _Layout.of(document)
            _check_characters(document)
            made = SpacyDoc(vocab, words=laid.words, spaces=laid.spaces, sent_starts=laid.starts)
            spans, flat = laid.spans(document)[0], laid.flat(document)
            made.set_ents([SpacySpan(made, *each) for each in flat], default="outside")
            if len(flat) < len(spans):
                made.spans[spans_key] = [SpacySpan(made, *each) for each in spans]
            cats = document.meta.get("cats")
            if isinstance(cats, dict) and all(isinstance(key, str) for key in cats):
                made.cats = {key: float(value) for key, value in cats.items() if _is_score(value)}
            made.user_data["id"] = document.id
            made.user_data["onoma"] = _own(document, laid)
            packed.add(made)
        with replacing_path(path) as draft:
            draft.write_bytes(packed.to_bytes())

    def losses(self, document: Document) -> list[str]:
        """Text outside the tokens, empty tokens, and spans that are discontinuous or cut a token."""
        laid = _Layout.of(document)
        return laid.losses + laid.spans(document)[1]


@contextmanager
def _needing_spacy(what: str) -> Iterator[None]:
    """Turns a failed import into `MissingExtraError`."""
    try:
        yield
    except ImportError:
        raise MissingExtraError(what, "spacy") from None


# ---------------------------------------------------------------------- writing


@dataclass
class _Layout:
    """A document as spaCy sees it: tokens that tile the text, where one blank between two of them belongs to the first.

    Other text between tokens becomes a token of its own; `gaps` are their indices.
    """

    bounds: list[tuple[int, int]] = field(default_factory=list)
    words: list[str] = field(default_factory=list)
    spaces: list[bool] = field(default_factory=list)
    starts: list[bool | int | None] = field(default_factory=list)
    gaps: list[int] = field(default_factory=list)
    losses: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, document: Document) -> _Layout:
        laid = cls()
        opening = {first for first, _ in document.sentences}
        at = 0
        for index, gap in enumerate(gaps(document)):
            laid._gap(gap, at, split=bool(document.tokens))
            if index == len(document.tokens):
                break
            token = document.tokens[index]
            at = token.end
            if token.start == token.end:
                laid.losses.append(f"token {index} is empty")
                continue
            laid._add(document.text, token.start, token.end, index in opening)
        if laid.gaps[:1] == [0]:  # white space at the very start is part of the first sentence
            laid.starts[:2] = [True, False] if len(laid.starts) > 1 else [True]
        return laid

    def _add(self, text: str, start: int, end: int, opens: bool) -> None:
        self.bounds.append((start, end))
        self.words.append(text[start:end])
        self.spaces.append(False)
        self.starts.append(opens)

    def _gap(self, gap: str, at: int, *, split: bool) -> None:
        if gap.strip():
            self.losses.append(
                f"text outside the tokens: {gap.strip()[:30]!r}" + ("" if split else "; split it into tokens first")
            )
        if gap.startswith(" ") and self.words and not self.spaces[-1]:
            self.spaces[-1] = True
            at, gap = at + 1, gap[1:]
        if gap:
            self.gaps.append(len(self.words))
            self._add(gap, 0, len(gap), opens=False)
            self.bounds[-1] = (at, at + len(gap))

    def spans(self, document: Document) -> tuple[list[TokenRange], list[str]]:
        """The spans that are whole tokens, and a line for each that is not."""
        starts = {start: index for index, (start, _) in enumerate(self.bounds)}
        ends = {end: index + 1 for index, (_, end) in enumerate(self.bounds)}
        found: list[TokenRange] = []
        lost: list[str] = []
        for span in document.spans:
            start, end = starts.get(span.start), ends.get(span.end)
            if start is None or end is None or span.fragments:
                why = "is discontinuous" if span.fragments else "cuts a token"
                lost.append(span_line(document, span, why))
            else:
                found.append((start, end, span.label))
        return found, lost

    def flat(self, document: Document) -> list[TokenRange]:
        """The spans that do not overlap, of two that do the longer one."""
        taken: set[int] = set()
        kept: list[TokenRange] = []
        for each in sorted(self.spans(document)[0], key=lambda each: (each[0] - each[1], each)):
            if taken.isdisjoint(range(each[0], each[1])):
                taken.update(range(each[0], each[1]))
                kept.append(each)
        return kept


def _is_score(value: object) -> bool:
    """Whether spaCy can hold a category's value; all values are kept in our own meta."""
    try:
        return isinstance(value, bool) or score(value, "cats") is not None
    except DataError:
        return False


def _own(document: Document, laid: _Layout) -> str:
    own: dict[str, Any] = {"meta": dict(document.meta)}
    if laid.gaps:
        own["gaps"] = laid.gaps
    try:
        return json.dumps(own, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise DataError(f"document {document.id!r} has meta that cannot be written as JSON: {error}") from None


def _check_characters(document: Document) -> None:
    for part in (document.id, document.text, *(span.label for span in document.spans), str(dict(document.meta))):
        try:
            part.encode("utf-8")
        except UnicodeEncodeError as error:
            code = ord(part[error.start])
            message = f"document {document.id!r} holds U+{code:04X}, half a surrogate pair and no character"
            raise DataError(message) from None


# ---------------------------------------------------------------------- reading


def _packed(source: Source) -> SpacyBin:
    """The file as spaCy reads it, once it is known not to unpack to too much."""
    if source.path is None:
        raise DataError("a .spacy file is not read from standard input", path=source.name, mend="name the file")
    with _needing_spacy("reading .spacy files"):
        from spacy.tokens import DocBin as SpacyBin
    path = source.path
    try:
        _check_size(path)
        return _guarded(lambda: SpacyBin().from_bytes(_checked(path.read_bytes())))
    except DataError as error:
        raise DataError(error.message, path=source.name, mend=error.mend) from None


def _check_size(path: Path) -> None:
    """Unpack a file without keeping anything; raises `DataError` where it is damaged or too large."""
    engine = zlib.decompressobj()
    size = 0
    try:
        with path.open("rb") as handle:
            while block := handle.read(_BLOCK):
                while block and not engine.eof:
                    size += len(engine.decompress(block, _BLOCK))
                    if size > LIMIT:
                        raise DataError(f"unpacks to more than {LIMIT:,} bytes", mend="split it")
                    block = engine.unconsumed_tail
    except zlib.error:
        raise DataError("not a DocBin: it is not packed by zlib, or damaged") from None
    except FileNotFoundError:
        raise DataError("no such file") from None
    except OSError as error:
        raise DataError(f"cannot be read: {error.strerror or error}") from None
    if not engine.eof:
        raise DataError("not a DocBin: the file is cut off")


def _checked(data: bytes) -> bytes:
    """The same bytes, once their lengths are known to add up: spaCy would drop the rest without a word."""
    import srsly

    parts: Any = srsly.msgpack_loads(zlib.decompress(data))
    lengths = [each[0] for each in struct.iter_unpack("<i", parts["lengths"])]
    rows = len(parts["tokens"]) // (8 * len(parts["attrs"]))
    if any(each < 0 for each in lengths) or not sum(lengths) == rows == len(parts["spaces"]):
        raise DataError("not a DocBin, or damaged: its lengths do not add up")
    for key in ("cats", "flags", "span_groups", "user_data"):
        if key in parts and len(parts[key]) != len(lengths):
            raise DataError(f"not a DocBin, or damaged: {key} is not one for each document")
    return data


def _guarded(make: Callable[[], Made]) -> Made:
    """What spaCy makes of a file's content; whatever it raises about it becomes a `DataError`."""
    collecting = gc.isenabled()
    try:
        return make()
    except DataError:
        raise
    except Exception as error:  # of many kinds, all about the data
        words = str(error).split("\n")[0][:200]
        raise DataError(f"not a DocBin, or damaged: {type(error).__name__} {words}") from None
    finally:
        if collecting:  # srsly leaves the collector off when it fails
            gc.enable()


def _made(packed: SpacyBin, name: str | Path) -> Iterator[SpacyDoc]:
    """spaCy's own documents."""
    from spacy.vocab import Vocab

    documents = packed.get_docs(Vocab())
    for number in range(len(packed)):
        try:
            made = _guarded(lambda: next(documents, None))
        except DataError as error:
            raise DataError(f"document {number + 1}: {error.message}", path=name) from None
        if made is None:
            raise DataError(f"document {number + 1} is missing", path=name)
        yield made


def _document(made: SpacyDoc, number: int, spans_key: str) -> Document:
    id, meta, skip = _user(made, number)
    text = made.text.removesuffix(" ") if made.has_unknown_spaces else made.text
    kept = [token for token in made if token.i not in skip]
    tokens = Tokens([token.idx for token in kept], [token.idx + len(token) for token in kept])

    group = [(span.start_char, span.end_char, span.label_) for span in made.spans.get(spans_key, ())]
    entities = Counter((span.start_char, span.end_char, span.label_) for span in made.ents) - Counter(group)
    spans = tuple(Span(*each) for each in (*group, *entities.elements()))

    opens = [token.i for token in made if token.is_sent_start]
    firsts = {next((n for n, token in enumerate(kept) if token.i >= each), len(kept)) for each in opens}
    cuts = sorted(firsts - {0, len(kept)})
    sentences = tuple(zip([0, *cuts], [*cuts, len(kept)], strict=True)) if kept else ()
    return Document(id, text, tokens, sentences, spans, meta)


def _user(made: SpacyDoc, number: int) -> tuple[str, dict[str, Any], frozenset[int]]:
    """Id, meta, and which tokens only stand for text between tokens."""
    given, own = made.user_data.get("id"), made.user_data.get("onoma")
    id = given if isinstance(given, str) else str(given) if type(given) is int else str(number)
    try:
        ours = json.loads(own) if isinstance(own, str) else {}
        meta, skip = ours.get("meta", {}), ours.get("gaps", [])
    except (ValueError, RecursionError, AttributeError):
        raise DataError("the user data 'onoma' are not a JSON object") from None
    if not isinstance(meta, dict) or not isinstance(skip, list):
        raise DataError("the user data 'onoma' hold no meta and gaps")
    if not all(type(each) is int and 0 <= each < len(made) for each in skip):
        raise DataError("the user data 'onoma' name tokens that are not there")
    return id, {"cats": dict(made.cats), **meta} if made.cats else meta, frozenset(skip)
