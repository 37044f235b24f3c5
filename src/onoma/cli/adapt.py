"""`onoma adapt`: an encoder reads on in plain text of the domain, before a tagger is trained on it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from onoma.adaptation.settings import AdaptationSettings
from onoma.cli.common import DASH
from onoma.settings import flags_of

__all__ = ["AdaptSettings", "adapt"]


class AdaptSettings(AdaptationSettings):
    """What `onoma adapt` needs to know: flags, TOML keys and saved record alike."""

    text: Annotated[tuple[str, ...], Parameter(negative=())] = ()
    """Text to read, as the arguments behind ENCODER."""
    format: str | None = None
    """Format of the files: text, or a labelled one whose labels are not looked at; found out where not given."""
    out: Annotated[Path, Parameter(alias="-o")]
    """Folder of the adapted encoder."""


if TYPE_CHECKING:
    AdaptFlags = AdaptSettings
else:
    AdaptFlags = flags_of(AdaptSettings)


def adapt(
    encoder: str | None = None,
    /,
    *text: Annotated[str, DASH],
    config: Path | None = None,
    json: bool = False,
    quiet: bool = False,
    flags: Annotated[AdaptFlags, Parameter(name="*")] | None = None,
) -> None:
    """Pre-train an encoder further on plain text, by masked words (domain-adaptive pre-training).

    The folder that is written is an encoder like any other: onoma train --options.encoder FOLDER. How well held-out
    text is guessed is measured before and after. A run that was stopped goes on when started again.

    Parameters
    ----------
    encoder
        Folder or hub id of an encoder; default stands for MiniLM-L6.
    text
        UTF-8 files, - for stdin, labelled files, or catalogue references such as conll2003:train. In plain text blank
        lines separate documents; where there are none, each line is one.
    config
        The settings as a TOML file; flags and arguments win.
    json
        Print the record of the run as JSON.
    quiet
        No progress on stderr.
    """
    given = AdaptFlags.model_construct() if flags is None else flags
    if encoder is not None:
        given = given.model_copy(update={"encoder": encoder})
    if text:
        given = given.model_copy(update={"text": text})
    settings = AdaptSettings.merged(config, given)
    if settings.encoder == "default":
        settings = settings.model_copy(update={"encoder": None})
    from onoma import adaptation
    from onoma.cli.common import announce, escape, print_json, show
    from onoma.exceptions import ConfigError

    if not settings.text:
        raise ConfigError("'text' is missing: name what is to be read, - for stdin")
    announce(quiet=quiet)
    texts = [document for each in settings.text for document in _documents(each, settings.format)]
    adapted, fitted = adaptation.adapt(texts, settings.out, settings)
    if json:
        print_json(adapted.model_dump(mode="json"))
        return
    measured = "nothing held out"
    if adapted.before is not None and adapted.after is not None:
        before, after = adapted.before, adapted.after
        new = " (with a new head)" if adapted.head == "new" else ""
        measured = (
            f"held-out loss {before.loss:.3f}{new} -> {after.loss:.3f}, "
            f"perplexity {before.perplexity:,.1f} -> {after.perplexity:,.1f}, {after.masked_pieces:,} masked pieces"
        )
    show(f"[bold]{escape(settings.out)}[/]: {measured}, trained in {fitted.seconds:,.0f} s")


def _documents(path: str, format: str | None) -> list[str]:
    from onoma import datasets
    from onoma.adaptation.texts import plain
    from onoma.cli.common import is_text
    from onoma.datasets.files import Source

    if is_text(path, format):
        return plain(Source(path))
    return [document.text for document in datasets.stream(path, format)]
