"""The command line: one file a verb. Results on stdout, progress on stderr, and exit codes that mean something.

0 fine · 1 the run failed or the data are bad · 2 usage or config · 3 a gate was not met ·
4 finished, some items failed · 130 interrupted
"""

from __future__ import annotations

import io
import os
import signal
import sys
from collections.abc import Sequence

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit code, and never shows a traceback for bad input."""
    from cyclopts import CycloptsError

    from onoma.cli.app import app
    from onoma.exceptions import OnomaError
    from onoma.processes import keep_memory

    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # what is piped is UTF-8 on every system, like our files
            stream.reconfigure(encoding="utf-8", errors="backslashreplace" if stream is sys.stderr else "strict")
    given = list(sys.argv[1:] if arguments is None else arguments)
    if arguments is None:  # the process is ours
        keep_memory()
        if hasattr(signal, "SIGTERM"):
            signal.signal(signal.SIGTERM, _stopped)  # drafts are removed and programs we started end with us
    try:
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
    except OSError as problem:
        where = f"{problem.filename}: " if problem.filename else ""
        return _end(1, f"{where}{problem.strerror or problem}")


def _stopped(*_: object) -> None:
    raise KeyboardInterrupt


def _end(code: int, message: str) -> int:
    print(f"onoma: {message}", file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main())
