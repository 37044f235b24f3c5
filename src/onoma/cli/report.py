"""`onoma report`: the pages again from results.json and the predictions beside it."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from onoma.cli.common import announce, escape, show

__all__ = ["report"]


def report(
    folder: Path,
    /,
    *,
    base: Path | None = None,
    plots: Literal["png", "svg", "pdf"] | None = None,
    quiet: bool = False,
) -> None:
    """Write report.html, results.md and results.tex anew from the folder of a comparison.

    Errors and examples are shown where the gold can still be read from the sources that the experiment named.

    Parameters
    ----------
    folder
        The --out folder of `onoma compare`.
    base
        Folder at which relative sources of the experiment start; by default it is looked for.
    plots
        Also write the charts as single files of this kind into FOLDER/plots.
    quiet
        No progress on stderr.
    """
    from onoma.comparison.reporting import gather_from
    from onoma.report import html
    from onoma.report.schema import read

    announce(quiet=quiet)
    results = read(folder)
    where = folder if folder.is_dir() else folder.parent
    evidence = gather_from(results, where, base)
    html.write(results, where, evidence)
    show(escape(where / "report.html"))
    if plots is not None:
        from onoma.report.plots import write

        for path in write(results, where / "plots", plots, evidence):
            show(escape(path))
