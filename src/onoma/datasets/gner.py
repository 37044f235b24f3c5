"""GNER's JSON Lines: words with BIO labels, the prompt that was given, and in files of answers the generated text.

    {"dataset", "split", "label_list": [...], "instance": {"id", "subpart"?, "words": [...], "labels": [...],
     "instruction_inputs", "prompt_labels"}, "prediction"?}

Keys as in the published files (Ding and others 2024, github.com/yyDing1/GNER). `read` gives the labels as gold,
`predictions_of` what the generated text says. The subparts "1", "2", ... of one instance that follow one another are
the sentences of one document. Ids are those of the instances; where these do not suffice in a file of several data
sets, all ids are DATASET/SPLIT/ID/SUBPART.
"""

from __future__ import annotations

import logging
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, TextIO

from onoma import schemes
from onoma.datasets.base import Decision, refuse
from onoma.datasets.columns import check_repair, flat_losses, sentence_spans
from onoma.datasets.predictions import check_text
from onoma.datasets.records import encode, objects, string, strings, text_of
from onoma.datasets.tagged_words import read_answer, write_answer
from onoma.document import Document, LabelSet, Prediction, Problem, Span
from onoma.exceptions import ConfigError, DataError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from onoma.datasets.files import Source
    from onoma.schemes import Repair

__all__ = ["Gner", "predictions_of"]

_log = logging.getLogger("onoma")
_BIO = schemes.get("BIO")
_EXTRA = ("task", "dataset", "split", "negative_boundary")
_OWN = ("id", "subpart", "words", "labels", "instruction_inputs", "prompt_labels")

INSTRUCTION = (
    "Repeat the sentence word by word and put the tag of each word in brackets right behind it: word(tag) word(tag)\n"
    "B-TYPE marks the first word of a name of that type, I-TYPE each further word of it, O every other word.\n"
    "The types are: {labels}.\n"
    "Sentence: {sentence}"
)


class Gner:
    """Sentences of words with flat BIO labels. Of meta, data set, split, labels and prompts are kept, scores not."""

    name = "gner"
    endings = ()
    suffix = ".jsonl"
    needs_tokens = True
    keeps: ClassVar[frozenset[str]] = frozenset({"ids", "tokens", *(f"meta:{key}" for key in (*_EXTRA, "label_list"))})
    signs = (frozenset({"label_list", "instance"}), frozenset({"label_list", "instance", "prediction"}))

    def decide(self, source: Source) -> Decision:
        """Which ids are used; reads the file and raises `DataError` where it is no such file."""
        full, count = _ids(source.kept())
        kind = "data set, split, id and subpart" if full else "the instances' ids"
        return Decision("gner", {}, f"gner: {count:,} document(s), named by {kind}")

    def read(self, source: Source, *, repair: Repair = "conlleval") -> Iterator[Document]:
        """The documents with their labels as spans; `prediction` is not looked at. Reads the file twice."""
        check_repair(repair)
        for id, parts in _documents(source):
            document = _words_of(id, parts)
            spans: list[Span] = []
            first = 0
            for part in parts:
                for start, end, label in _BIO.spans(part.tags(source), repair):
                    left, right = document.tokens[first + start].start, document.tokens[first + end - 1].end
                    if left == right:
                        message = f"a mention of {label} is nothing but empty words"
                        raise DataError(message, path=source.name, line=part.line)
                    spans.append(Span(left, right, label))
                first += len(part.words)
            yield Document(id, document.text, document.tokens, document.sentences, tuple(spans), _meta(parts))

    def predictions_of(self, source: Source, texts: Mapping[str, str] | None = None) -> Iterator[Prediction]:
        """As the function of that name."""
        return predictions_of(source, texts)

    def write(
        self,
        documents: Iterable[Document],
        handle: TextIO,
        *,
        labels: Sequence[str] | None = None,
        instruction: str | None = None,
        dataset: str | None = None,
        split: str | None = None,
        lossy: bool = False,
    ) -> None:
        """Write one line a sentence, to be answered by a model of this kind.

        `labels` are named to the model (else those of the file a document was read from, else all that the documents
        have, which are held in memory for it). In `instruction`, `{labels}` and `{sentence}` are filled in; where none
        is given, a document's own is used again, else one in our words.
        """
        if isinstance(labels, str):
            raise ConfigError("labels is a list of labels")
        if labels is None:
            documents = list(documents)
        every = tuple(labels) if labels is not None else LabelSet.of(documents)
        for document in documents:
            if not lossy:
                refuse(self.name, document, self.losses(document))
            own = None if labels is not None else document.meta.get("label_list")
            given = own if isinstance(own, (list, tuple)) else every
            listed = list(dict.fromkeys([*map(str, given), *LabelSet.of([document])]))
            common = {key: document.meta[key] for key in _EXTRA if key in document.meta}
            common |= {"dataset": dataset if dataset is not None else common.get("dataset", "")}
            common |= {"split": split if split is not None else common.get("split", "test")}
            rows = list(zip(document.sentence_words(), sentence_spans(document), strict=True)) or [((), [])]
            prompts = _own_prompts(document, len(rows), listed) if instruction is None else None
            for number, (words, spans) in enumerate(rows):
                tags = _BIO.tags(len(words), spans)
                sentence = " ".join(words)
                template = (instruction or INSTRUCTION).replace("{labels}", ", ".join(listed))
                prompt = prompts[number] if prompts else template.replace("{sentence}", sentence)
                instance: dict[str, Any] = {"id": document.id}
                if len(rows) > 1:
                    instance["subpart"] = str(number + 1)
                instance |= {"words": list(words), "labels": tags, "instruction_inputs": prompt}
                instance["prompt_labels"] = write_answer(words, tags)
                record = {**common, "label_list": listed, "instance": instance}
                handle.write(encode(record, document.id) + "\n")

    def losses(self, document: Document) -> list[str]:
        """Text that is not its tokens joined by one blank, and spans that are not a row of whole words, or overlap."""
        losses = flat_losses(document)
        if not losses:
            plain = Document.from_words(document.sentence_words())
            if (plain.text, plain.tokens) != (document.text, document.tokens):
                losses.append("the text is not its tokens joined by one blank")
        return losses


def _own_prompts(document: Document, size: int, labels: Sequence[str]) -> Sequence[str] | None:
    """The prompts a document was read with, where they still say what is written."""
    prompts, named = document.meta.get("instruction_inputs"), document.meta.get("label_list")
    if not isinstance(prompts, (list, tuple)) or not isinstance(named, (list, tuple)):
        return None
    fits = len(prompts) == size and set(labels) <= set(named) and all(isinstance(each, str) for each in prompts)
    return prompts if fits else None


# ---------------------------------------------------------------------- reading


@dataclass(frozen=True)
class _Part:
    line: int
    record: dict[str, Any]
    instance: dict[str, Any]
    key: tuple[str, str, str | None]
    subpart: str | None
    words: tuple[str, ...]

    @property
    def full_id(self) -> str:
        return "/".join(each for each in (*self.key, self.subpart) if each)

    def tags(self, source: Source) -> list[str]:
        try:
            tags = strings(self.instance, "labels")
            if len(tags) != len(self.words):
                raise DataError(f"{len(tags)} labels for {len(self.words)} words")
            for tag in tags:
                if tag != "O" and not (tag[:2] in ("B-", "I-") and tag[2:]):
                    raise DataError(f"label {tag!r} is neither 'O' nor B-TYPE nor I-TYPE")
        except DataError as error:
            raise DataError(error.message, path=source.name, line=self.line, mend=error.mend) from None
        return tags


def _parts(source: Source) -> Iterator[_Part]:
    for line, record in objects(source):
        try:
            yield _part(line, record)
        except DataError as error:
            raise DataError(error.message, path=source.name, line=line, mend=error.mend) from None


def _part(line: int, record: dict[str, Any]) -> _Part:
    instance = record.get("instance")
    if not isinstance(instance, dict):
        raise DataError("key 'instance' is missing" if instance is None else "'instance' is not an object")
    words = tuple(strings(instance, "words"))
    key = (_name(record, "dataset") or "", _name(record, "split") or "", _name(instance, "id"))
    return _Part(line, record, instance, key, _name(instance, "subpart"), words)


def _name(record: dict[str, Any], key: str) -> str | None:
    """A value that names something, as text; None where it is missing, or null as in tables made of such files."""
    value = record.get(key)
    if type(value) is int:
        return str(value)
    return None if value is None else text_of(value, repr(key))


def _groups(source: Source) -> Iterator[list[_Part]]:
    """The parts of each document: subparts 1, 2, ... of one instance that follow one another."""
    group: list[_Part] = []
    for part in _parts(source):
        follows = bool(group) and part.key[2] is not None and part.key == group[0].key and group[0].subpart == "1"
        if follows and part.subpart == str(len(group) + 1):
            group.append(part)
            continue
        if group:
            yield group
        group = [part]
    if group:
        yield group


def _ids(source: Source) -> tuple[bool, int]:
    """Whether ids must be made of data set, split, id and subpart, because those of the instances repeat; how many."""
    plain: set[str] = set()
    full: set[str] = set()
    named = count = 0
    for group in _groups(source):
        count += 1
        if group[0].key[2] is not None:
            named += 1
            plain.add(group[0].key[2])
            full.add(group[0].full_id)
    return len(plain) < named and len(plain) < len(full), count


def _documents(source: Source) -> Iterator[tuple[str, list[_Part]]]:
    full, _ = _ids(source.kept())
    seen: dict[str, int] = {}
    for number, group in enumerate(_groups(source), 1):
        first = group[0]
        id = str(number) if first.key[2] is None else first.full_id if full else first.key[2]
        if id in seen:
            message = f"document id {id!r} stands already in line {seen[id]}"
            raise DataError(message, path=source.name, line=first.line)
        seen[id] = first.line
        yield id, group


def _words_of(id: str, parts: Sequence[_Part]) -> Document:
    return Document.from_words([part.words for part in parts], id=id)


def _meta(parts: Sequence[_Part]) -> dict[str, Any]:
    """What stands beside words and labels; prompts are kept one a sentence."""
    record = parts[0].record
    meta = {key: value for key, value in record.items() if key not in ("instance", "prediction") and value is not None}
    meta |= {key: value for key, value in parts[0].instance.items() if key not in _OWN and value is not None}
    prompts = [part.instance.get("instruction_inputs") for part in parts]
    return meta | {"instruction_inputs": prompts} if all(isinstance(each, str) for each in prompts) else meta


# ---------------------------------------------------------------------- answers


def predictions_of(source: Source, texts: Mapping[str, str] | None = None) -> Iterator[Prediction]:
    """The predictions of a file with generated answers, each with its tags, its problems and the answer itself.

    `texts` by document id are what the predictions must have been made for. Labels in the file are not looked at.
    Raises `DataError` with file and line for records without `prediction` or `label_list`.
    """
    problems = Counter[str]()
    for id, parts in _documents(source):
        try:
            prediction = _prediction(id, parts, texts)
        except DataError as error:
            raise DataError(error.message, path=source.name, line=parts[0].line, mend=error.mend) from None
        problems.update(problem.kind for problem in prediction.problems)
        yield prediction
    if problems:
        counts = ", ".join(f"{kind} {count:,}" for kind, count in sorted(problems.items()))
        _log.info("%s: problems in the answers: %s", source.name, counts)


def _prediction(id: str, parts: Sequence[_Part], texts: Mapping[str, str] | None) -> Prediction:
    document = _words_of(id, parts)
    check_text(id, document.text, texts)
    spans: list[Span] = []
    problems: list[Problem] = []
    tags: list[str] = []
    raw: list[str] = []
    for part in parts:
        if "prediction" not in part.record:
            raise DataError("key 'prediction' is missing", mend="a file to be answered: let a model answer it first")
        raw.append(string(part.record, "prediction"))
        answer = read_answer(raw[-1], part.words, strings(part.record, "label_list"))
        first, last = len(tags), len(tags) + len(part.words)
        within = document.tokens.characters(first, last) if part.words else None
        for start, end, label in answer.mentions:
            left, right = document.tokens.characters(first + start, first + end)
            if left < right:
                spans.append(Span(left, right, label))
            else:
                problems.append(Problem("ungrounded", "", label, within))
        problems += [replace(problem, within=within) for problem in answer.problems]
        tags += answer.tags
    return Prediction(id, tuple(spans), tuple(problems), tuple(tags), raw[0] if len(raw) == 1 else tuple(raw))
