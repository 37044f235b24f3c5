"""What several verbs share: progress on stderr, JSON on stdout, the reader's decisions."""

from __future__ import annotations

import json
import logging
import sys
import warnings
from pathlib import Path
from typing import Any

from cyclopts import Parameter

from onoma import progress
from onoma.exceptions import DataError, UnknownFormatError

__all__ = ["DASH", "announce", "escape", "is_text", "print_json", "show"]

DASH = Parameter(allow_leading_hyphen=True)
"""For arguments that may be "-": stdin or stdout."""


def escape(text: object) -> str:
    """User text inside what `show` prints: brackets in it are no markup."""
    from rich.markup import escape as escaped

    return escaped(str(text))


def announce(*, quiet: bool = False) -> None:
    """Send progress and the readers' decisions to stderr, as a live bar where that is a terminal."""
    warnings.simplefilter("ignore")
    if quiet:
        progress.use(None)
        return
    progress.use(progress.Terminal() if sys.stderr.isatty() else progress.Lines())
    logger = logging.getLogger("onoma")
    logger.setLevel(logging.INFO)
    if not logger.handlers:
        logger.addHandler(_ToProgress())


class _ToProgress(logging.Handler):
    """Log records as lines above the progress bar."""

    def emit(self, record: logging.LogRecord) -> None:
        progress.say(record.getMessage())


def print_json(value: Any) -> None:
    """One JSON document on stdout."""
    print(json.dumps(value, ensure_ascii=False, indent=2))


def show(*renderables: Any) -> None:
    """Print tables and text on stdout, as wide as the terminal (100 columns where there is none)."""
    from rich.console import Console

    console = Console(width=None if sys.stdout.isatty() else 100, highlight=False, emoji=False)
    for renderable in renderables:
        console.print(renderable)


def is_text(input: str, format: str | None) -> bool:
    """Whether the input is plain text: as told, or because it is in no labelled format."""
    from onoma import datasets
    from onoma.datasets import catalog

    if format is not None:
        return format == "text"
    if input == "-":
        return True
    if catalog.is_reference(input):
        return False
    try:
        datasets.sniff(input)
    except UnknownFormatError:
        return True
    except DataError as problem:
        # A text whose lines happen to have equally many words looks like columns, but for its tags.
        if Path(input).is_file() and _can_be_read(input):
            problem.mend = (
                f"{problem.mend}; or, if it is plain text: --format text" if problem.mend else "--format text"
            )
        raise
    return False


def _can_be_read(path: str) -> bool:
    """Whether a file is text at all, in UTF-8."""
    from onoma.datasets.files import Source

    try:
        Source(path).head()
    except DataError:
        return False
    return True
