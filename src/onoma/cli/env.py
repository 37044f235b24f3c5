"""`onoma env`: versions and machine."""

from __future__ import annotations

from onoma.cli.common import print_json, show

__all__ = ["env"]


def env(*, json: bool = False) -> None:
    """Show versions, the machine, and what is installed: put this into bug reports.

    Parameters
    ----------
    json
        Print JSON.
    """
    from rich.table import Table

    from onoma import datasets, encodings, models, tokenization
    from onoma.environment import environment

    found = environment()
    found["families"] = list(models.names())
    found["encodings"] = list(encodings.names())
    found["formats"] = datasets.names()
    found["splitters"] = list(tokenization.names())
    if json:
        print_json(found)
        return
    table = Table(show_header=False, box=None, pad_edge=False)
    for name, value in found.items():
        if name == "packages":
            continue
        table.add_row(name, ", ".join(value) if isinstance(value, list) else str(value))
    for package, version in found["packages"].items():
        table.add_row(package, version or "[dim]not installed[/]")
    show(table)
