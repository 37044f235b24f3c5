"""`onoma demo`: the main job on the embedded corpus."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from onoma.cli.common import announce

__all__ = ["demo"]


def demo(
    *,
    out: Annotated[Path, Parameter(alias="-o")] = Path("onoma-demo"),
    json: bool = False,
    quiet: bool = False,
) -> int:
    """Train two recognizers on the embedded corpus, compare them on two kinds of text, and write the report.

    Takes a few minutes on two cores. Run it again to see the results again: finished work is kept.

    Parameters
    ----------
    out
        Folder for results, models and predictions.
    json
        Print results.json on stdout.
    quiet
        No progress on stderr.
    """
    import tomllib

    from onoma.cli.compare import finish
    from onoma.comparison import Experiment
    from onoma.comparison import compare as run

    announce(quiet=quiet)
    text = files("onoma.comparison").joinpath("demo.toml").read_text(encoding="utf-8")
    experiment = Experiment.checked(tomllib.loads(text), "demo.toml")
    return finish(run(experiment, out), out, json)
