"""Slot filling as parallel files in a folder: `seq.in` with words, `seq.out` with tags, `label` with intents.

The layout of Goo et al. (2018) for ATIS and SNIPS: line n of each file is one utterance, which is one document. Words
and tags are parted by white space of any length. Several intents are joined by `#`.
"""

from __future__ import annotations

import logging
from itertools import zip_longest
from typing import TYPE_CHECKING, Any, cast

from onoma import schemes
from onoma.datasets.base import Decision, refuse
from onoma.datasets.columns import check_repair, flat_losses, is_tag, sentence_spans
from onoma.datasets.files import Source
from onoma.datasets.folders import new_folder, write_lines
from onoma.datasets.nested import Place, decide_scheme, document_of
from onoma.exceptions import DataError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from onoma.document import Document
    from onoma.schemes import Repair, Scheme

__all__ = ["Parallel"]

WORDS, TAGS, INTENTS = "seq.in", "seq.out", "label"

_log = logging.getLogger("onoma")


class Parallel:
    """A folder of two or three files. Ids are running numbers; the intent is `meta["intent"]`, as it stands.

    Intents joined by `#` are listed in `meta["intents"]` too. Scores, other meta and the blanks between words are not
    kept.
    """

    name = "parallel"
    endings: tuple[str, ...] = ()
    suffix = ""
    needs_tokens = True
    keeps = frozenset({"tokens", "meta:intent", "meta:intents"})
    by_path = True

    def claims_folder(self, path: Path) -> bool:
        """Whether a folder holds words and tags."""
        return (path / WORDS).is_file() and (path / TAGS).is_file()

    def decide(
        self,
        source: Source,
        *,
        scheme: str | None = None,
        repair: str = "conlleval",
        keep_tags: bool = False,  # noqa: ARG002
    ) -> Decision:
        """The scheme of the tags, and whether there are intents."""
        check_repair(repair)
        return _decide(_folder(source), scheme)

    def read(
        self, source: Source, *, scheme: str | None = None, repair: str = "conlleval", keep_tags: bool = False
    ) -> Iterator[Document]:
        """The documents in turn; `repair` is the policy for illegal tag sequences.

        Raises `DataError` with file and line where the files do not agree.
        """
        check_repair(repair)
        folder = _folder(source)
        decision = _decide(folder, scheme)
        _log.info("%s: %s", source.name, decision.reason)
        how = schemes.get(decision.options["scheme"])
        for number, words, tags, intent in _utterances(folder):
            meta: dict[str, Any] = {}
            if intent:
                meta = {"intent": intent, "intents": intent.split("#")}
            if keep_tags:
                meta["tags"] = tuple(tags)
            yield document_of(str(number), [(words, how.spans(tags, cast("Repair", repair)))], meta)

    def write(self, documents: Iterable[Document], path: Path, *, scheme: str = "BIO", lossy: bool = False) -> None:
        """Write the folder; `label` only where some document has an intent. With `lossy` each sentence is a line."""
        written = schemes.get(scheme)
        rows: list[tuple[str, str, str]] = []
        for document in documents:
            if not lossy:
                refuse(self.name, document, _losses(document, written))
            intent = _intent(document) if _is_line(_intent(document)) else ""
            spans = sentence_spans(document)
            for number, (first, last) in enumerate(document.sentences):
                words = ["_".join(word.replace("\0", " ").split()) or "_" for word in document.words[first:last]]
                flat = (span for span in spans[number] if _fits(span.label))
                rows.append((" ".join(words), " ".join(written.tags(last - first, flat)), intent))
            if not document.sentences:
                rows.append(("", "", intent))
        names = [WORDS, TAGS, INTENTS] if any(intent for _, _, intent in rows) else [WORDS, TAGS]
        with new_folder(path, lambda name: name in (WORDS, TAGS, INTENTS)) as scratch:
            for column, name in enumerate(names):
                write_lines(scratch / name, (row[column] for row in rows))

    def losses(self, document: Document, *, scheme: str = "BIO") -> list[str]:
        """More sentences than one, spans that are not flat, words, labels and intents that a line cannot hold."""
        return _losses(document, schemes.get(scheme))


def _intent(document: Document) -> Any:
    given = document.meta.get("intent", "")
    several = document.meta.get("intents")
    if not given and isinstance(several, list) and all(isinstance(each, str) for each in several):
        return "#".join(several)
    return given


def _is_line(intent: object) -> bool:
    return isinstance(intent, str) and intent.strip() == intent and not any(mark in intent for mark in "\0\n")


def _fits(label: str) -> bool:
    return is_tag(f"B-{label}") and "\0" not in label and len(label.split()) == 1 and label.strip() == label


def _losses(document: Document, scheme: Scheme) -> list[str]:
    losses = flat_losses(document)
    if len(document.sentences) > 1:
        losses.append(f"{len(document.sentences)} sentences, and a document is one")
    for index, word in enumerate(document.words):
        if "\0" in word or word.split() != [word]:
            losses.append(f"token {index} {word[:30]!r} is empty, or holds white space or a zero byte")
    labels = sorted({span.label for span in document.spans if not _fits(span.label)})
    losses += [f"label {label!r} cannot stand in a tag" for label in labels]
    merged = sum(scheme.merged(spans) for spans in sentence_spans(document))
    if merged:
        losses.append(f"{merged} touching span(s) of one label melt together in the scheme {scheme.name}")
    if not _is_line(_intent(document)):
        losses.append(f"intent {str(_intent(document))[:40]!r} cannot stand in a line")
    return losses


# ---------------------------------------------------------------------- reading


def _folder(source: Source) -> Path:
    path = source.path
    if path is None or not path.is_dir():
        raise DataError("is not a folder", path=source.name, mend=f"name the folder that holds {WORDS} and {TAGS}")
    if not (path / WORDS).is_file():
        inside = sorted(each.name for each in path.iterdir() if (each / WORDS).is_file())
        raise DataError(
            f"holds no {WORDS}", path=path, mend=f"name one of {', '.join(inside)} in it" if inside else None
        )
    return path


def _decide(folder: Path, scheme: str | None) -> Decision:
    place = Place(folder / TAGS)
    lines = enumerate(Source(folder / TAGS).lines(), 1)
    found = decide_scheme(((place, number, line.split()) for number, line in lines), folder / TAGS, scheme)
    intents = f"intents in {INTENTS}" if (folder / INTENTS).is_file() else "no intents"
    reason = f"parallel: words in {WORDS}, tags in {TAGS}, {intents}, scheme {found.scheme.name} ({found.reason})"
    options = {"scheme": found.scheme.name}
    return Decision("parallel", options, f"{reason}, {found.illegal:,} illegal transition(s)")


def _utterances(folder: Path) -> Iterator[tuple[int, list[str], list[str], str]]:
    """Number, words, tags and intent of each line."""
    names = [WORDS, TAGS, *([INTENTS] if (folder / INTENTS).is_file() else [])]
    files = [Source(folder / name).lines() for name in names]
    for number, row in enumerate(zip_longest(*files), 1):
        if None in row:
            short, full = (
                names[row.index(None)],
                next(name for name, line in zip(names, row, strict=True) if line is not None),
            )
            raise DataError(f"ends before line {number} of {full}", path=folder / short, line=number - 1)
        words, tags = row[0].split(), row[1].split()
        if len(words) != len(tags):
            counts = f"{len(tags)} tag(s) for {len(words)} word(s) of {WORDS}"
            raise DataError(counts, path=folder / TAGS, line=number)
        yield number, words, tags, row[2].strip() if len(row) > 2 else ""
