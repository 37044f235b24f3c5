"""What a file format is: the protocol each row of the table keeps, and what sniffing reports."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from onoma.exceptions import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from onoma.datasets.files import Source
    from onoma.document import Document

__all__ = ["ALL", "Decision", "Format", "losses_of", "refuse", "suffix_of"]

ALL = frozenset({"ids", "scores", "meta", "tokens"})
"""What `keeps` may name."""


@dataclass(frozen=True)
class Decision:
    """How a file is read: the format's name, the reader options, and one human line that says why."""

    format: str
    options: dict[str, Any] = field(default_factory=dict)
    reason: str = ""


class Format(Protocol):
    """One format on disk.

    Readers name file (`source.name`) and line in every `DataError`. Ids come from the file where it has them, else
    they are running numbers ("1", "2", ...), so that gold and predictions in two files join. Two attributes may be
    left out: `signs` are sets of keys, and a file whose first JSON object has all keys of one of them is taken for
    this format (the largest set wins); `by_path = True` says that `write` is given a path (a folder, a binary file)
    instead of a text handle, and writes it whole or not at all (`onoma.files`); `binary = True` says that the ending
    alone decides. Two methods may be left out too: `claims_folder(path)` recognises a folder;
    `predictions_of(source, texts)` reads a file of predictions with its problems.

    For those who convert: `needs_tokens = True` says that raw text must be split into tokens first; `suffix` is how a
    written file's name ends ("" for folders; the first ending where it is left out); `keeps` names what is written
    beside text, spans and labels: of "ids", "scores", "tokens" and "meta" ("meta:KEY" for one key of it), all where it
    is left out.
    """

    name: str
    endings: tuple[str, ...]

    def decide(self, source: Source, *args: Any, **options: Any) -> Decision:
        """The options a file would be read with, and why; raises `DataError` where it cannot be read."""
        ...

    def read(self, source: Source, *args: Any, **options: Any) -> Iterator[Document]:
        """The documents in turn; keyword-only parameters are the reader's options."""
        ...

    def write(self, documents: Iterable[Document], target: Any, *args: Any, **options: Any) -> None:
        """Write documents to a text handle; raises `DataError` for what `losses` names unless `lossy=True`."""
        ...

    def losses(self, document: Document, *args: Any, **options: Any) -> list[str]:
        """What this format cannot hold of a document, one line each; empty where it holds everything.

        Options are those of `write` on which that depends.
        """
        ...


def refuse(name: str, document: Document, losses: list[str]) -> None:
    """Raise `DataError` where there is a loss to report."""
    if losses:
        more = "" if len(losses) == 1 else f"; and {len(losses) - 1} more"
        raise DataError(
            f"document {document.id!r} cannot be written as {name}: {losses[0]}{more}",
            mend="write .jsonl, which holds everything, or pass lossy=True",
        )


def losses_of(format: Format, document: Document, options: Mapping[str, Any]) -> list[str]:
    """The losses of a document when it is written with these options, less those that `losses` does not know."""
    known = inspect.signature(format.losses).parameters
    return format.losses(document, **{name: value for name, value in options.items() if name in known})


def suffix_of(format: Format) -> str:
    """How the name of a written file ends; "" for a folder."""
    suffix = getattr(format, "suffix", None)
    if suffix is not None:
        return suffix
    folder = getattr(format, "by_path", False) and hasattr(format, "claims_folder")
    return "" if folder else next(iter(format.endings), "")
