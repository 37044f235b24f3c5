"""`onoma compare`: the main job."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from onoma.cli.common import announce, escape, print_json, show
from onoma.cli.gates import say_missed
from onoma.exceptions import ConfigError

if TYPE_CHECKING:
    from onoma.report.schema import Results

__all__ = ["compare", "summary"]


def compare(
    experiment: Path,
    /,
    *,
    out: Annotated[Path, Parameter(alias="-o")],
    fail_under: float | None = None,
    no_worse_than: Path | None = None,
    json: bool = False,
    quiet: bool = False,
) -> int:
    """Train or load several systems, predict, score and report them side by side.

    Writes results.json, results.md, results.tex and report.html. A run that was stopped goes on where it was.

    Parameters
    ----------
    experiment
        The experiment as a TOML file.
    out
        Folder for results, models and predictions.
    fail_under
        Exit with 3 where micro F1, as a fraction, of any finished system is lower on any in-domain set.
    no_worse_than
        Folder or results.json of another run: exit with 3 where a system is significantly worse than there on a set of
        both: lower with p < 0.05 in a paired bootstrap, or by the intervals where that run's predictions are gone.
    json
        Print results.json on stdout.
    quiet
        No progress on stderr.
    """
    from onoma.comparison import Experiment
    from onoma.comparison import compare as run
    from onoma.comparison.gates import no_worse, not_under
    from onoma.evaluation.gates import check_bars
    from onoma.report.schema import read

    announce(quiet=quiet)
    settings = Experiment.from_toml(experiment)
    check_bars(fail_under, no_worse_than, settings.resamples)
    if fail_under is not None and not settings.home_sets:
        raise ConfigError("--fail-under looks at in-domain sets, and the experiment has none")
    other = None if no_worse_than is None else read(no_worse_than)
    before = no_worse_than if no_worse_than is None or no_worse_than.is_dir() else no_worse_than.parent
    if before is not None and before.resolve() == out.resolve():
        raise ConfigError(f"--no-worse-than {no_worse_than}: is this very run: name another --out")
    results = run(settings, out, base=experiment.parent)
    code = finish(results, out, json)
    missed = not_under(results, fail_under)
    if other is not None and before is not None:
        missed += no_worse(results, out, other, before, settings, experiment.parent)
    return say_missed(missed) or code


def finish(results: Results, out: Path, json: bool) -> int:
    """Print what was found; 1 where no system finished, 4 where some failed."""
    if json:
        print_json(results.model_dump(mode="json"))
    else:
        show(
            *summary(results),
            f"\n[bold]{escape(out / 'report.html')}[/] shows all of it; results.json holds every number.",
        )
    failed = [system for system in results.systems if system.status != "ok"]
    return 0 if not failed else 1 if len(failed) == len(results.systems) else 4


def summary(results: Results) -> list[Any]:
    """The scoreboard and the verdict, for a terminal."""
    from rich.table import Table

    from onoma.report import numbers
    from onoma.report.verdict import verdict
    from onoma.report.words import faults, plain

    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("micro F1, %")
    for name in results.sets:
        table.add_column(escape(name), justify="right")
    for column in ("train s", "words/s", "memory MB", "size"):
        table.add_column(column, justify="right")
    main = next(iter(results.sets))
    for system in results.systems:
        if system.status != "ok":
            table.add_row(escape(system.name), f"[red]{system.status}[/]")
            continue
        cells = []
        for name in results.sets:
            score = system.scores[name].micro
            low, high = score.f1_interval or (score.f1, score.f1)
            cells.append(f"{100 * score.f1:.2f} [dim]{100 * low:.2f}-{100 * high:.2f}[/]")
        found = system.predict.get(main)
        speed = None if found is None else found.words_per_second
        table.add_row(
            escape(system.name),
            *cells,
            "-" if system.train is None else f"{system.train.seconds:,.0f}",
            "-" if speed is None else f"{speed:,.0f}",
            "-" if system.peak_memory_mb is None else f"{system.peak_memory_mb:,.0f}",
            numbers.megabytes(system.size_mb),
        )
    lines = ["", *(escape(plain(sentence)) for sentence in (*verdict(results), *faults(results)))]
    return [table, *lines]
