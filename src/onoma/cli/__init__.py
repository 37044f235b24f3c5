"""The command line: one file a verb. Results on stdout, progress on stderr, and exit codes that mean something.

0 fine · 1 the run failed or the data are bad · 2 usage or config · 3 a gate was not met · 130 interrupted
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cyclopts import App

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit code, and never shows a traceback for bad input."""
    from cyclopts import CycloptsError

    from onoma.cli.app import app
    from onoma.exceptions import OnomaError

    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        _read_config(app, given)
        code = app(given, exit_on_error=False, print_error=False, result_action="return_value")
        sys.stdout.flush()
        return code if isinstance(code, int) else 0
    except CycloptsError as problem:
        return _end(2, " ".join(str(problem).split()))
    except OnomaError as problem:
        return _end(problem.exit_code, str(problem))
    except BrokenPipeError:
        # The reader of our output has gone: nothing is left to say, and Python must not try to.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        return _end(130, "interrupted")


def _read_config(app: App, given: Sequence[str]) -> None:
    """`onoma train CONFIG.toml ...`: the file's keys stand in for flags that are not given."""
    if len(given) < 2 or given[0] != "train" or given[1].startswith("-"):
        return
    from pathlib import Path

    from cyclopts.config import Dict

    from onoma.cli.train import TrainSettings
    from onoma.exceptions import ConfigError
    from onoma.settings import read_toml

    path = Path(given[1])
    table = read_toml(path)
    for key in table:
        if key not in TrainSettings.model_fields:
            raise ConfigError(f"{path}: {key!r} is no setting; known: {', '.join(TrainSettings.model_fields)}")
    app["train"].config = Dict(table, use_commands_as_keys=False, source=str(path))


def _end(code: int, message: str) -> int:
    print(f"onoma: {message}", file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main())
