"""`onoma report`: the pages again from results.json."""

from __future__ import annotations

from pathlib import Path

from onoma.cli.common import escape, show

__all__ = ["report"]


def report(folder: Path, /) -> None:
    """Write report.html and results.md anew from the results.json of a comparison.

    Parameters
    ----------
    folder
        The --out folder of `onoma compare`.
    """
    from onoma.report import html
    from onoma.report.schema import read

    results = read(folder)
    where = folder if folder.is_dir() else folder.parent
    html.write(results, where)
    show(escape(where / "report.html"))
