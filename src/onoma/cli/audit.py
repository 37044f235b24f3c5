"""`onoma audit`: the gold labels that look wrong, ranked, with reasons, for people to look at again."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter

from onoma.cli.common import DASH

if TYPE_CHECKING:
    from collections.abc import Sequence

    from onoma.analysis.audit import Audit, Suspicion
    from onoma.document import Document, Span

__all__ = ["audit"]

LIST = "list"
CONTEXT = 30
"""Characters shown on both sides of a place."""


def audit(
    file: Annotated[str, DASH],
    /,
    *,
    family: str = "feature_crf",
    folds: int = 5,
    model: Path | None = None,
    predictions: Annotated[str | None, DASH] = None,
    extra: Annotated[tuple[str, ...], Parameter(negative=())] = (),
    rule: str = "combined",
    top: int = 50,
    out: Annotated[str | None, Parameter(alias="-o", allow_leading_hyphen=True)] = None,
    to: str | None = None,
    spans: Literal["gold", "proposed"] = "gold",
    format: str | None = None,
    seed: int = 1,
    options: dict[str, str] | None = None,
    json: bool = False,
    quiet: bool = False,
) -> None:
    """Rank the gold labels of a file by how doubtful they are, from models that have not learnt from them.

    By default several models are trained, each on the documents outside one fold; documents that share a rare name
    stand in one fold as far as that goes. Nothing is changed: the list is for people to look at.

    Parameters
    ----------
    file
        Labelled documents: a file, - for stdin, or a catalogue reference.
    family
        Model family to train.
    folds
        Into how many parts the documents are cut.
    model
        Folder of a recognizer that has not learnt from the file, instead of training.
    predictions
        Predictions out of sample, instead of training: what onoma predict wrote, or any labelled file, joined by id.
    extra
        More labelled documents to learn from and to look texts up in, which are not judged; may be repeated.
    rule
        What doubt is: combined, self_confidence, margin, normalised_margin, disagreement or surface.
    top
        How many places are shown and written.
    out
        File to write.
    to
        What is written: list (a place a line, JSON; the default), or the sentences as tasks in prodigy, label_studio,
        doccano or any other labelled format.
    spans
        What tasks show: the gold labels, or the proposed ones in their place.
    format
        Format of the file and the extra ones; found out where not given.
    seed
        Training seed.
    options
        Options of the family, such as --options.max-iterations 50.
    json
        Print JSON.
    quiet
        No progress on stderr.
    """
    from onoma import datasets, tokenization
    from onoma.analysis.audit import RULES
    from onoma.analysis.audit import audit as ranked
    from onoma.auditing import answers, out_of_sample
    from onoma.cli.common import announce, print_json
    from onoma.exceptions import ConfigError
    from onoma.recognizer import Recognizer

    if rule not in RULES:
        raise ConfigError(f"--rule {rule!r} is unknown: one of {', '.join(RULES)}")
    if top < 1:
        raise ConfigError(f"--top {top}: 1 or more")
    if model is not None and predictions is not None:
        raise ConfigError("--model and --predictions: give one of the two")
    if to is not None and out is None:
        raise ConfigError("--to says what is written: name a file by --out")
    if to not in (None, LIST):
        datasets.get(to)
    announce(quiet=quiet or json)
    documents = datasets.read(file, format)
    more = [tokenization.split(each) for name in extra for each in datasets.read(name, format)]
    chances = cut = None
    if predictions is not None:
        documents = [tokenization.split(document) for document in documents]
        found = datasets.read_predictions(predictions, gold=documents)
    elif model is not None:
        recognizer = Recognizer.load(model, calibrated=False)
        _warn(recognizer, documents)
        documents = [tokenization.split(document, recognizer.splitter) for document in documents]
        found, chances = answers(recognizer, documents)
    else:
        asked: dict[str, Any] = {name.replace("-", "_"): value for name, value in (options or {}).items()}
        made = out_of_sample(documents, family, folds=folds, options=asked, extra=more, seed=seed)
        documents, found, chances, cut = list(made.documents), made.predictions, made.chances, made.folds
    result = ranked(documents, found, chances, rule=rule, extra=more)
    chosen = result.suspicions[:top]
    if out is not None:
        _write(documents, chosen, out, to or LIST, spans)
    if json:
        counts = {name: getattr(result, name) for name in ("rule", "documents", "mentions", "disagreements")}
        print_json(
            {
                **counts,
                "places": len(result.suspicions),
                "thresholds": result.thresholds,
                "folds": None if cut is None else cut.to_dict(),
                "suspicions": [place.to_dict() for place in chosen],
            }
        )
    elif out != "-":
        _show(documents, result, chosen)


def _warn(recognizer: Any, documents: Sequence[Document]) -> None:
    from onoma import datasets, progress

    if recognizer.trained.get("train", {}).get("fingerprint") == datasets.fingerprint(documents):
        progress.say("the model has learnt these very documents: it will find little wrong with them")


def _write(documents: Sequence[Document], chosen: Sequence[Suspicion], out: str, to: str, spans: Any) -> None:
    from onoma import datasets
    from onoma.auditing import tasks
    from onoma.datasets.records import encode
    from onoma.files import replacing

    if to != LIST:
        datasets.write(tasks(documents, chosen, spans), out, to)
        return
    with replacing(out) as handle:
        for rank, place in enumerate(chosen, start=1):
            handle.write(encode({"rank": rank, **place.to_dict()}, place.document_id) + "\n")


def _show(documents: Sequence[Document], result: Audit, chosen: Sequence[Suspicion]) -> None:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    from onoma.cli.common import show

    texts = {document.id: document.text for document in documents}
    grid = Table(box=box.SIMPLE, pad_edge=False)
    for name in ("", "doubt"):
        grid.add_column(name, justify="right", no_wrap=True)
    grid.add_column("document", overflow="fold", max_width=12)
    for name in ("gold", "proposed", "where and why"):
        grid.add_column(name, overflow="fold")
    for rank, place in enumerate(chosen, start=1):
        text = texts[place.document_id]
        where = Text(_flat(text[max(0, place.start - CONTEXT) : place.start]))
        where.append(_flat(place.text), style="bold")
        where.append(_flat(text[place.end : place.end + CONTEXT]))
        where.append("".join(f"\n{reason}" for reason in place.reasons), style="dim")
        sides = (Text(_labels(text, side)) for side in (place.gold, place.proposed))
        grid.add_row(str(rank), f"{place.score:.3f}", Text(place.document_id), *sides, where)
    show(grid)
    counts = f"{len(result.suspicions):,} places are doubtful, {len(chosen):,} shown"
    show(
        f"{result.documents:,} documents, {result.mentions:,} gold mentions; model and gold differ at "
        f"{result.disagreements:,} places. By {result.rule} {counts}."
    )


def _labels(text: str, spans: Sequence[Span]) -> str:
    return "\n".join(f"{span.label} {_flat(text[span.start : span.end])}" for span in spans) or "no mention"


def _flat(text: str) -> str:
    """On one line."""
    return "".join(" " if each in "\n\r\t" else each for each in text)
