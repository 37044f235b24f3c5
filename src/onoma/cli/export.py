"""`onoma export`: a recognizer for other runtimes, checked against the original."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from onoma.exceptions import ConfigError

if TYPE_CHECKING:
    from onoma.exporting import Parity

__all__ = ["export"]


def export(
    model: Path,
    /,
    *,
    out: Annotated[Path, Parameter(alias="-o")],
    onnx: bool = False,
    int8: bool = False,
    data: str | None = None,
    format: str | None = None,
    min_agreement: float | None = None,
    max_f1_loss: float | None = None,
    max_recall_loss: float | None = None,
    json: bool = False,
    quiet: bool = False,
) -> int:
    """Write a recognizer for ONNX Runtime, if it still says what the original says; exits with 3 where it does not.

    The folder is self-contained and read like any other: onoma predict DIR. The check is kept in it as parity.json.

    Parameters
    ----------
    model
        Folder of a trained recognizer.
    out
        Folder to write.
    onnx
        Export as ONNX.
    int8
        Multiply in 8 bits: smaller and faster, and not quite the same answers.
    data
        Labelled documents for the check: a file or a catalogue reference. By default a few built-in sentences.
    format
        Format of the data; found out where not given.
    min_agreement
        Least share of words that keep their tag: 1, or 0.99 in 8 bits.
    max_f1_loss
        Greatest loss of micro F1, as a fraction: 0.001, or 0.005 in 8 bits.
    max_recall_loss
        Greatest loss of recall of any label, as a fraction: 0.001, or 0.01 in 8 bits.
    json
        Print the check as JSON.
    quiet
        No progress on stderr.
    """
    if not onnx:
        raise ConfigError("name what to export to: --onnx")
    from onoma import datasets
    from onoma.cli.common import announce, escape, print_json, show
    from onoma.exporting import Tolerances, export_onnx
    from onoma.recognizer import Recognizer

    usual = Tolerances.default(int8=int8)
    tolerances = Tolerances(
        usual.agreement if min_agreement is None else min_agreement,
        usual.f1_loss if max_f1_loss is None else max_f1_loss,
        usual.recall_loss if max_recall_loss is None else max_recall_loss,
    )
    if out.exists() and out.resolve() == model.resolve():
        raise ConfigError(f"{out}: is the model itself: name another --out")
    announce(quiet=quiet or json)
    documents = None if data is None else datasets.read(data, format)
    recognizer = Recognizer.load(model)
    found = export_onnx(
        recognizer, out, int8=int8, documents=documents, data=data or "documents", tolerances=tolerances
    )
    if json:
        print_json(found.to_dict())
    else:
        show(_table(found))
        show(f"[bold red]not written[/]: {escape(found.failures[0])}" if found.failures else f"[bold]{escape(out)}[/]")
    return 3 if found.failures else 0


def _table(found: Parity) -> Any:
    from rich.table import Table

    table = Table(title=f"{found.words:,} words of {found.data}", title_justify="left")
    for column in ("", "original", "export", "loss", "allowed"):
        table.add_column(column, justify="left" if not column else "right")
    limits = found.tolerances
    table.add_row(
        "same tags", "", f"{found.agreement:.2%}", f"{1 - found.agreement:.2%}", f"{1 - limits.agreement:.2%}"
    )
    rows = [] if found.f1 is None else [("micro F1", found.f1, limits.f1_loss)]
    rows += [(f"recall of {label}", both, limits.recall_loss) for label, both in found.recall.items()]
    for name, (before, after), limit in rows:
        table.add_row(name, f"{before:.2%}", f"{after:.2%}", f"{before - after:+.2%}", f"{limit:.2%}")
    before, after = found.seconds
    table.add_row("seconds", f"{before:.2f}", f"{after:.2f}", "", f"{before / after:.1f}x as fast" if after else "")
    return table
