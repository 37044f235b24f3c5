"""Everything onoma raises on purpose.

    OnomaError                      exit 1   the root: catch this to catch all of ours
    ├── DataError                   exit 1   a file or a document is bad; carries path, line and the mend
    │   ├── MisalignedSpansError    exit 1   spans an encoding cannot represent; carries the list of them
    │   └── UnknownFormatError      exit 1   a file is in no format that can be told
    ├── ConfigError                 exit 2   a setting is unknown, missing or contradictory
    ├── EvaluationError             exit 1   predictions cannot be joined to gold
    ├── ModelError                  exit 1   a saved model is missing, damaged or of another kind
    └── MissingExtraError           exit 2   an optional dependency is not installed; names the pip line

The word *error* alone means a model's mistake everywhere else in the project.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from onoma.document import Span

__all__ = [
    "ConfigError",
    "DataError",
    "EvaluationError",
    "MisalignedSpansError",
    "MissingExtraError",
    "ModelError",
    "OnomaError",
    "UnknownFormatError",
]


class OnomaError(Exception):
    """Root of all exceptions raised on purpose; `exit_code` is what the command line ends with."""

    exit_code = 1


class DataError(OnomaError):
    """A file or document that cannot be read as what it claims to be.

    `path` and `line` (1-based) say where, `mend` says what to do about it; all are optional.
    """

    def __init__(
        self,
        message: str,
        *,
        path: str | Path | None = None,
        line: int | None = None,
        mend: str | None = None,
    ) -> None:
        self.message = message
        self.path = path
        self.line = line
        self.mend = mend
        super().__init__(message)

    def __str__(self) -> str:
        where = "" if self.path is None else f"{self.path}: "
        if self.path is not None and self.line is not None:
            where = f"{self.path}:{self.line}: "
        mend = "" if self.mend is None else f" ({self.mend})"
        return f"{where}{self.message}{mend}"


class MisalignedSpansError(DataError):
    """Spans that an encoding cannot represent, `spans` lists them with the document they stand in."""

    def __init__(self, document_id: str, spans: Sequence[tuple[Span, str, str]]) -> None:
        self.document_id = document_id
        self.spans = tuple(spans)
        shown = "; ".join(
            f"{span.label} [{span.start}:{span.end}] {surface!r}: {why}" for span, surface, why in self.spans[:5]
        )
        more = "" if len(self.spans) <= 5 else f"; and {len(self.spans) - 5} more"
        super().__init__(
            f"document {document_id!r}: {len(self.spans)} span(s) cannot be written: {shown}{more}",
            mend="set on_misaligned to 'expand' or 'drop', or mend the data: `onoma data check` lists them",
        )


class UnknownFormatError(DataError):
    """A file that is in no labelled format which can be told from its content or name."""


class ConfigError(OnomaError):
    """A setting that is unknown, missing or contradicts another one."""

    exit_code = 2


class EvaluationError(OnomaError):
    """Predictions that cannot be joined to gold documents."""


class ModelError(OnomaError):
    """A saved model that is missing, damaged, or not what was asked for."""


class MissingExtraError(OnomaError):
    """An optional dependency is needed and not installed."""

    exit_code = 2

    def __init__(self, what: str, extra: str) -> None:
        self.extra = extra
        super().__init__(f"{what} needs an optional dependency: pip install 'onoma[{extra}]'")
