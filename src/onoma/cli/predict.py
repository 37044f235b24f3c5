"""`onoma predict`: find names in files, stdin or a stream."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import Parameter

from onoma.cli.common import DASH, announce, is_text
from onoma.document import Document, Prediction
from onoma.exceptions import ConfigError

__all__ = ["predict"]

Pairs = Iterable[tuple[Document, Prediction]]


def predict(
    model: str,
    input: Annotated[str, DASH] = "-",
    /,
    *,
    out: Annotated[str | None, Parameter(alias="-o", allow_leading_hyphen=True)] = None,
    format: str | None = None,
    to: str | None = None,
    stream: bool = False,
    precision: Literal["fp32", "bf16", "int8"] | None = None,
    labels: Annotated[tuple[str, ...], Parameter(negative=())] = (),
    options: dict[str, str] | None = None,
    quiet: bool = False,
) -> None:
    """Find names in text with a trained recognizer.

    Plain text is read one document a line. What is printed is coloured text on a terminal and JSON Lines elsewhere.

    Parameters
    ----------
    model
        Folder of a trained recognizer, or folder or hub id of a token classifier of transformers.
    input
        File to read, - for stdin, or a catalogue reference.
    out
        File to write; its ending names the format (JSON Lines where it names none). By default stdout.
    format
        Format of the input: text, or a labelled format whose labels are not looked at; found out where not given.
    to
        Format of the output, where the ending does not say: any labelled format, or color.
    stream
        Answer each line before the next is read: for pipes that stay open.
    precision
        Compute in 32, 16 or 8 bits, for families that can; by default as the model was saved.
    labels
        Ask for these labels instead of the ones of the training, where the model reads what it is asked for.
    options
        Other options of how the family predicts, such as --options.beams 4 or --options.decoding grounded.
    quiet
        No progress on stderr.
    """
    from onoma import datasets
    from onoma.recognizer import Recognizer

    target = to or _target(out)
    for name in (format, target):
        if name not in (None, "text", "color"):
            datasets.get(str(name))
    if (
        out not in (None, "-")
        and input != "-"
        and Path(out).exists()
        and Path(input).exists()
        and Path(out).samefile(input)
    ):
        raise ConfigError(f"{out}: is the input itself: name another --out")
    announce(quiet=quiet)
    overrides: dict[str, Any] = {name.replace("-", "_"): value for name, value in (options or {}).items()}
    if precision is not None:
        overrides["precision"] = precision
    recognizer = Recognizer.load(model, **overrides)
    if labels:
        recognizer = recognizer.asking(labels)
    documents = _text(input) if is_text(input, format) else datasets.stream(input, format)
    pairs = recognizer.pipe_documents(documents, look_ahead=1 if stream else None)
    if target == "color":
        _print_colored(pairs)
    elif out is not None and out != "-":
        _write(pairs, out, target)
    else:
        _print(pairs, target)


def _target(out: str | None) -> str:
    if out is None or out == "-":
        return "color" if sys.stdout.isatty() else "jsonl"
    from onoma import datasets

    try:
        return datasets.format_of(out)
    except ConfigError:
        return "jsonl"


def _text(input: str) -> Iterator[Document]:
    from onoma.datasets.files import Source

    for number, line in enumerate(Source(input).lines(), start=1):
        text = line.rstrip("\n")
        if text.strip():
            yield Document(str(number), text)


def _write(pairs: Pairs, out: str, target: str) -> None:
    from onoma import datasets

    if target == "jsonl":
        datasets.write_predictions(pairs, out)
    else:
        found = [document.with_spans(prediction.spans) for document, prediction in pairs]
        datasets.write(found, out, target)


def _print(pairs: Pairs, target: str) -> None:
    from onoma import datasets
    from onoma.datasets.predictions import prediction_line

    if target == "jsonl":
        for document, prediction in pairs:
            print(prediction_line(document, prediction), flush=True)
    else:
        datasets.write([document.with_spans(prediction.spans) for document, prediction in pairs], "-", target)


_STYLES = ("bold cyan", "bold magenta", "bold green", "bold yellow", "bold blue", "bold red")


def _print_colored(pairs: Pairs) -> None:
    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False, soft_wrap=True)
    styles: dict[str, str] = {}
    for document, prediction in pairs:
        line = Text()
        at = 0
        for span in sorted(prediction.spans, key=lambda span: (span.start, -span.end)):
            if span.start < at:
                continue
            style = styles.setdefault(span.label, _STYLES[len(styles) % len(_STYLES)])
            line.append(document.text[at : span.start])
            line.append(document.text[span.start : span.end], style=style)
            line.append(f" {span.label}", style=f"dim {style.removeprefix('bold ')}")
            at = span.end
        line.append(document.text[at:])
        console.print(line)
        for problem in prediction.problems:
            console.print(Text(f"  {problem.kind}: {problem.text}", style="dim red"))
