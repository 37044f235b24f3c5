"""Tokens and tags as Hugging Face `datasets` exports them to JSON: one sentence an object, tags by name or number.

    {"id": "0", "tokens": ["Ada", "ran"], "ner_tags": [1, 0]}

Objects stand one a line or in one array; one object of columns (lists of lists) is read too. Numbers are those of a
`ClassLabel` feature and mean nothing without its names. Rows of one `document_id` (or `doc_id`) are one document.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO, cast

from onoma import schemes
from onoma.datasets.base import Decision, refuse
from onoma.datasets.columns import check_repair, flat_losses, is_tag, sentence_spans
from onoma.datasets.files import Source
from onoma.datasets.nested import Place, decide_scheme
from onoma.datasets.records import encode, objects, parsed, strings, text_of
from onoma.datasets.sentence_rows import Row, documents, extras, name_of, unique
from onoma.exceptions import ConfigError, DataError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from onoma.document import Document
    from onoma.schemes import Repair, Scheme

__all__ = ["Hf", "TaggedRows", "class_names", "losses", "rows_of"]

TOKENS = ("tokens", "words")
TAGS = ("ner_tags", "tags", "labels", "ner")
IDS = ("document_id", "doc_id")
CARD = "dataset_info.json"

_log = logging.getLogger("onoma")


class Hf:
    """Tokens and tags in JSON. Scores, other meta than `sentences` and the blanks between tokens are not kept."""

    name = "hf"
    endings: tuple[str, ...] = ()
    suffix = ".jsonl"
    needs_tokens = True
    keeps = frozenset({"ids", "tokens", "meta:sentences"})
    signs = tuple(frozenset({"tokens", tags}) for tags in TAGS)

    def decide(
        self,
        source: Source,
        *,
        tokens: str | None = None,
        tags: str | None = None,
        names: Sequence[str] | str | Path | None = None,
        scheme: str | None = None,
        repair: str = "conlleval",
        keep_tags: bool = False,  # noqa: ARG002
    ) -> Decision:
        """The keys of tokens and tags, the names of the numbers and the scheme, and why; reads the whole file."""
        check_repair(repair)
        source.kept()
        rows = _rows(source, tokens, tags, names, plain=_plain(scheme))
        return rows.decide(self.name, _columns(source), scheme)

    def read(
        self,
        source: Source,
        *,
        tokens: str | None = None,
        tags: str | None = None,
        names: Sequence[str] | str | Path | None = None,
        scheme: str | None = None,
        repair: str = "conlleval",
        keep_tags: bool = False,
    ) -> Iterator[Document]:
        """The documents in turn; where no scheme is named the file is read twice.

        `tokens` and `tags` are keys. `names` gives the names of tag numbers: a list, a text file with one a line, or a
        `dataset_info.json`; without it the `dataset_info.json` beside the file is used. `scheme` may be "plain" for
        labels without prefix; `repair` is the policy for illegal tag sequences.
        """
        check_repair(repair)
        rows = _rows(source, tokens, tags, names, plain=_plain(scheme))
        if scheme is None:
            source.kept()
            decision = rows.decide(self.name, _columns(source), None)
            _log.info("%s: %s", source.name, decision.reason)
            scheme = decision.options["scheme"]
        yield from rows.documents(_columns(source), scheme, repair, keep_tags)

    def write(self, documents: Iterable[Document], handle: TextIO, *, scheme: str = "BIO", lossy: bool = False) -> None:
        """Write one object a sentence, tags by name; `document_id` where a document has several sentences."""
        for id, record in rows_of(documents, schemes.get(scheme), self.name, lossy=lossy):
            handle.write(encode(record, id) + "\n")

    def losses(self, document: Document, *, scheme: str = "BIO") -> list[str]:
        """Text outside tokens, spans that are not flat rows of tokens of one sentence, labels that are no tag's."""
        return losses(document, schemes.get(scheme))


def losses(document: Document, scheme: Scheme) -> list[str]:
    """What rows of tokens and tags cannot hold of a document under a scheme."""
    found = flat_losses(document)
    merged = sum(scheme.merged(spans) for spans in sentence_spans(document))
    if merged:
        found.append(f"{merged} touching span(s) of one label melt together in the scheme {scheme.name}")
    labels = sorted({span.label for span in document.spans if not is_tag(f"B-{span.label}")})
    return found + [f"label {label!r} cannot stand in a tag" for label in labels]


def rows_of(
    documents: Iterable[Document], scheme: Scheme, format: str, *, lossy: bool
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Document id and row of each sentence; raises `DataError` for losses and repeated ids."""
    documents = list(unique(documents))
    joined = any(len(document.sentences) > 1 for document in documents)
    for document in documents:
        if not lossy:
            refuse(format, document, losses(document, scheme))
        bounds, spans = document.sentences or ((0, 0),), sentence_spans(document) or [[]]
        more = extras(document, (*IDS, *TOKENS, *TAGS, *(() if joined else ("id",))))
        for number, (first, last) in enumerate(bounds):
            row: dict[str, Any] = {"document_id": document.id} if joined else {"id": document.id}
            if joined:
                row["sentence_id"] = more[number].pop("sentence_id", f"{document.id}-{number}")
            row["tokens"] = list(document.words[first:last])
            row["ner_tags"] = scheme.tags(last - first, (span for span in spans[number] if is_tag(f"B-{span.label}")))
            yield document.id, {**row, **more[number]}


# ---------------------------------------------------------------------- reading


def _plain(scheme: str | None) -> bool:
    return (scheme or "").lower() == "plain"


def _rows(source: Source, tokens: str | None, tags: str | None, names: object, *, plain: bool) -> TaggedRows:
    path = source.path

    def beside(key: str) -> tuple[list[str], str] | None:
        card = None if path is None else path.parent / CARD
        found = _names_of_card(card, key) if card is not None and card.is_file() else None
        return None if found is None else (found, f"{CARD} beside the file")

    return TaggedRows(Place(source.name), tokens, tags, names, beside, plain=plain)


def _columns(source: Source) -> Iterator[tuple[int, dict[str, Any]]]:
    """The objects of a file; an object of columns is taken apart into its rows."""
    for line, record in objects(source):
        if not any(_is_column(record.get(key)) for key in TOKENS):
            yield line, record
            continue
        sizes = {len(value) if isinstance(value, list) else -1 for value in record.values()}
        if len(sizes) > 1:
            raise DataError("columns of different lengths", path=source.name, line=line)
        for values in zip(*record.values(), strict=True):
            yield line, dict(zip(record, values, strict=True))


def _is_column(value: object) -> bool:
    return isinstance(value, list) and bool(value) and isinstance(value[0], list)


class TaggedRows:
    """Rows of tokens and tags, checked; `beside` finds the names of the numbers where none are given.

    The keys are settled by the first row. `names` is a list, or a path to a file of names.
    """

    def __init__(
        self,
        place: Place,
        tokens: str | None,
        tags: str | None,
        names: object,
        beside: Callable[[str], tuple[list[str], str] | None],
        *,
        plain: bool,
    ) -> None:
        self.place, self.plain = place, plain
        self.tokens, self.tags = tokens, tags
        self.names: list[str] | None = None
        self.source_of_names = ""
        self._given, self._beside = names, beside
        self._known: dict[str, str] = {}

    def decide(self, format: str, records: Iterable[tuple[int, dict[str, Any]]], scheme: str | None) -> Decision:
        """What the rows are read as, and why."""
        sequences = ((self.place, row.number, row.tags) for row in self.rows(records))
        found = decide_scheme(sequences, self.place.path, "IO" if self.plain else scheme)
        how = "plain" if self.plain else found.scheme.name
        options: dict[str, Any] = {"tokens": self.tokens, "tags": self.tags, "scheme": how}
        if self.names is not None:
            options["names"] = self.names
        numbers = f" (numbers named by {self.source_of_names})" if self.names is not None else ""
        reason = f"{format}: tokens in {self.tokens!r}, tags in {self.tags!r}{numbers}, scheme {how} ({found.reason})"
        return Decision(format, options, f"{reason}, {found.illegal:,} illegal transition(s)")

    def documents(
        self, records: Iterable[tuple[int, dict[str, Any]]], scheme: str | None, repair: str, keep_tags: bool
    ) -> Iterator[Document]:
        """The documents of the rows, with the spans of their tags under the scheme of that name."""
        how = schemes.get("IO" if self.plain or scheme is None else scheme)

        def rows() -> Iterator[Row]:
            for row in self.rows(records):
                try:
                    row.spans = how.spans(row.tags, cast("Repair", repair))
                except DataError as error:
                    raise self.place.error(error.message, row.number, error.mend) from None
                yield row

        return documents(rows(), self.place, keep_tags=keep_tags)

    def rows(self, records: Iterable[tuple[int, dict[str, Any]]]) -> Iterator[Row]:
        """The rows with words and tags, no spans yet; raises `DataError` that names file and row."""
        for number, record in records:
            try:
                yield self._row(number, record)
            except DataError as error:
                raise self.place.error(error.message, number, error.mend) from None

    def _row(self, number: int, record: dict[str, Any]) -> Row:
        self.tokens = self.tokens or _key(record, TOKENS, "tokens")
        self.tags = self.tags or _key(record, TAGS, "tags")
        words, tags = strings(record, self.tokens), self._tags(record, self.tags)
        if len(words) != len(tags):
            raise DataError(f"{len(tags)} tag(s) for {len(words)} token(s)")
        key = next((key for key in IDS if record.get(key) is not None), "id")
        extra = {name: value for name, value in record.items() if name not in (self.tokens, self.tags, key)}
        return Row(number, words, (), tags, name_of(record, key), key != "id", extra)

    def _tags(self, record: dict[str, Any], key: str) -> list[str]:
        values = record.get(key)
        if not isinstance(values, list):
            raise DataError(f"{key!r} is not a list" if key in record else f"key {key!r} is missing")
        kinds = set(map(type, values))
        if kinds == {int}:
            values = self._named(values, key)
        elif kinds - {str}:
            raise DataError(f"{key!r} holds values that are neither tags nor class numbers")
        known = self._known
        for value in values:
            if value not in known:
                known[value] = self._checked(value, key)
        return [known[value] for value in values]

    def _checked(self, value: str, key: str) -> str:
        """A tag, or the tag that a label without prefix stands for."""
        text_of(value, repr(key))
        tag = f"I-{value}" if self.plain and value != "O" else value
        if not is_tag(tag):
            raise DataError(
                f"tag {value!r} is neither 'O' nor PREFIX-LABEL",
                mend="mend it, or name the key of the tags, or scheme='plain' for labels without prefix",
            )
        return tag

    def _named(self, numbers: list[int], key: str) -> list[str]:
        if self.names is None:
            self.names, self.source_of_names = self._find_names(key)
        for number in numbers:
            if not 0 <= number < len(self.names):
                raise DataError(f"class number {number} in {key!r}: there are {len(self.names)} names")
        return [self.names[number] for number in numbers]

    def _find_names(self, key: str) -> tuple[list[str], str]:
        given = self._given
        if isinstance(given, (str, Path)):
            return _names_of_file(Path(given), key), str(given)
        if given is not None:
            return _list_of_names(given), "the names given"
        found = self._beside(key)
        if found is None:
            mend = f"pass names=[...] in the order of the numbers, or names=FILE (a {CARD}, or one name a line)"
            raise DataError(f"{key!r} holds class numbers without names", mend=mend)
        return found


def _key(record: Mapping[str, Any], known: Sequence[str], option: str) -> str:
    found = next((key for key in known if key in record), None)
    if found is None:
        raise DataError(f"none of the keys {', '.join(known)}", mend=f"name the key: {option}=KEY")
    return found


# ---------------------------------------------------------------------- names of classes


def class_names(features: object, key: str) -> list[str] | None:
    """The names of a `ClassLabel`, alone or in a list, among the features of a data set; None where it has none."""
    feature = features.get(key) if isinstance(features, dict) else None
    for _ in range(4):  # a list in a list in a list is still no endless chain
        if isinstance(feature, list) and feature:
            feature = feature[0]
        if isinstance(feature, dict) and isinstance(feature.get("names"), list):
            return _list_of_names(feature["names"])
        feature = feature.get("feature") if isinstance(feature, dict) else None
    return None


def _list_of_names(names: object) -> list[str]:
    if not isinstance(names, (list, tuple)) or not all(isinstance(name, str) for name in names):
        raise ConfigError("names is a list of strings in the order of the class numbers, or a file of them")
    return list(names)


def _names_of_card(path: Path, key: str) -> list[str] | None:
    """The names in a `dataset_info.json`, of one configuration or of several that agree."""
    try:
        card = parsed("\n".join(Source(path).lines()))
    except DataError as error:
        raise DataError(error.message, path=path, line=error.line, mend=error.mend) from None
    except (ValueError, RecursionError) as error:
        raise DataError(f"is not JSON: {error}", path=path) from None
    infos = [card, *card.values()] if isinstance(card, dict) else []
    found = [class_names(info.get("features"), key) for info in infos if isinstance(info, dict)]
    lists = list({tuple(names): names for names in found if names is not None}.values())
    if len(lists) > 1:
        raise DataError(f"names {key!r} in {len(lists)} different ways", path=path, mend="pass names=[...]")
    return lists[0] if lists else None


def _names_of_file(path: Path, key: str) -> list[str]:
    lines = [line.strip() for line in Source(path).lines() if line.strip()]
    if not lines or not lines[0].startswith("{"):
        return lines
    found = _names_of_card(path, key)
    if found is None:
        raise DataError(f"no class names for {key!r}", path=path)
    return found
