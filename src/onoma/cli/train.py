"""`onoma train`: one recognizer from labelled files, or one for each of several seeds."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter
from pydantic import Field, field_validator

from onoma.schemes import Repair
from onoma.settings import Settings, flags_of

__all__ = ["TrainSettings", "train"]


class TrainSettings(Settings):
    """What `onoma train` needs to know: flags, TOML keys and saved record alike."""

    model: str
    """Model family: feature_crf, encoder_tagger, rules or external."""
    train: Annotated[tuple[str, ...], Parameter(negative=())] = ()
    """Labelled training file, or a catalogue reference such as conll2003:train; may be given several times."""
    dev: str | None = None
    """Labelled development file: chooses the epoch."""
    out: Annotated[Path, Parameter(alias="-o")]
    """Folder of the trained recognizer; with several seeds it holds one folder a seed."""
    seed: Annotated[tuple[int, ...], Parameter(negative=()), Field(min_length=1)] = (1,)
    """Training seed; may be given several times."""
    format: str | None = None
    """Format of the files; found out where not given."""
    scheme: str = "BIO"
    """Tag scheme: IO, BIO, IOB1, BIOES, BILOU or BMES."""
    repair: Repair = "conlleval"
    """What happens to illegal tag sequences at prediction."""
    on_misaligned: Literal["error", "expand", "drop"] = "error"
    """What happens to training spans that tags cannot write."""
    splitter: str = "unicode"
    """How raw text is split into tokens: unicode, whitespace or characters."""
    options: dict[str, Any] = {}
    """Options of the family, such as --options.epochs 3 or --options.encoder FOLDER."""

    @field_validator("options")
    @classmethod
    def _underscores(cls, options: dict[str, Any]) -> dict[str, Any]:
        return {name.replace("-", "_"): value for name, value in options.items()}


if TYPE_CHECKING:
    TrainFlags = TrainSettings
else:
    TrainFlags = flags_of(TrainSettings)


def train(config: Path | None = None, /, *, flags: Annotated[TrainFlags, Parameter(name="*")] | None = None) -> None:
    """Train a recognizer on labelled files. A run that was stopped goes on when started again.

    Parameters
    ----------
    config
        The settings as a TOML file; flags beside it win.
    """
    settings = TrainSettings.merged(config, TrainFlags.model_construct() if flags is None else flags)
    from onoma import datasets, models
    from onoma.cli.common import announce, escape, show
    from onoma.document import LabelSet
    from onoma.exceptions import ConfigError
    from onoma.recognizer import Recognizer

    learns = models.learns(settings.model)
    if learns and not settings.train:
        raise ConfigError(f"'train' is missing: {settings.model} learns from labelled files")
    announce()
    documents = [document for file in settings.train for document in datasets.read(file, settings.format)]
    dev = None if settings.dev is None else datasets.read(settings.dev, settings.format)
    for seed in settings.seed:
        folder = settings.out if len(settings.seed) == 1 else settings.out / f"seed-{seed}"
        recognizer = Recognizer.create(
            settings.model,
            LabelSet.of(documents),
            options=settings.options,
            scheme=settings.scheme,
            repair=settings.repair,
            on_misaligned=settings.on_misaligned,
            splitter=settings.splitter,
            seed=seed,
        )
        recognizer.claim(folder)
        fitted = recognizer.fit(documents, dev, folder=folder, seed=seed)
        recognizer.trained["settings"] = settings.model_dump(mode="json", exclude={"out"})
        recognizer.save(folder)
        trained = f"trained in {fitted.seconds:,.0f} s" if learns else "nothing to train"
        done = f"{settings.model}, seed {seed}, {trained}{_score(recognizer, dev)}"
        show(f"[bold]{escape(folder)}[/]: {done}")


def _score(recognizer: Any, dev: Any) -> str:
    if not dev:
        return ""
    from onoma.evaluation import evaluate
    from onoma.tokenization import split

    gold = [split(document, recognizer.splitter) for document in dev]
    micro = evaluate(gold, recognizer.predict(gold)).micro
    low, high = micro.f1_interval or (micro.f1, micro.f1)
    return f", dev micro F1 {100 * micro.f1:.2f} [{100 * low:.2f}, {100 * high:.2f}]"
