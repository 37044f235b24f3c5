"""`onoma train`: one recognizer from labelled files, or one for each of several seeds."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter
from pydantic import Field, field_validator

from onoma.asked import AskedSettings
from onoma.settings import flags_of

__all__ = ["TrainSettings", "train"]


NUMBER = re.compile("[0-9]+")


class TrainSettings(AskedSettings):
    """What `onoma train` needs to know: flags, TOML keys and saved record alike."""

    model: str
    """Model family: encoder_tagger, bilstm_crf, feature_crf, seq2seq, causal_lm, rules or external."""
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
    splitter: str = "unicode"
    """How raw text is split into tokens: unicode, whitespace or characters."""
    options: dict[str, Any] = {}
    """Options of the family, such as --options.epochs 3 or --options.encoder FOLDER."""

    @field_validator("options", "encoding_options", "prompt")
    @classmethod
    def _underscores(cls, options: dict[str, Any]) -> dict[str, Any]:
        return {name.replace("-", "_"): value for name, value in options.items()}

    @field_validator("encoding_options")
    @classmethod
    def _numbers(cls, options: dict[str, Any]) -> dict[str, Any]:
        return {name: int(value) if NUMBER.fullmatch(str(value)) else value for name, value in options.items()}


if TYPE_CHECKING:
    from onoma.evaluation import Score

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
    from onoma import datasets, models, progress
    from onoma.cli.common import announce, escape, show
    from onoma.document import LabelSet
    from onoma.exceptions import ConfigError
    from onoma.files import write_text
    from onoma.recognizer import CARD, Recognizer
    from onoma.report.curves import draw
    from onoma.training.distributed import is_main, processes

    learns = models.learns(settings.model)
    if learns and not settings.train:
        raise ConfigError(f"'train' is missing: {settings.model} learns from labelled files")
    if processes() > 1 and not models.trained_by_gradients(settings.model):
        raise ConfigError(f"{settings.model} is not trained in several processes: start it without a launcher")
    announce(quiet=not is_main())
    documents = [document for file in settings.train for document in datasets.read(file, settings.format)]
    dev = None if settings.dev is None else datasets.read(settings.dev, settings.format)
    curves: dict[str, Sequence[Mapping[str, float]]] = {}
    scores: list[float] = []
    for seed in settings.seed:
        folder = settings.out if len(settings.seed) == 1 else settings.out / f"seed-{seed}"
        recognizer = Recognizer.create(
            settings.model,
            LabelSet.of(documents),
            options=settings.options,
            **settings.asked(),
            splitter=settings.splitter,
            seed=seed,
        )
        if is_main():
            recognizer.claim(folder)
            if (folder / CARD).exists():
                progress.say(f"{folder}: the recognizer there is replaced when this one is trained")
        fitted = recognizer.fit(documents, dev, folder=folder, seed=seed)
        if not is_main():
            continue
        recognizer.trained["settings"] = settings.model_dump(mode="json", exclude={"out"})
        recognizer.save(folder)
        if fitted.curve and "epoch" in fitted.curve[0]:
            curves[f"seed {seed}"] = fitted.curve
            write_text(folder / "curve.json", json.dumps(fitted.curve, indent=2) + "\n")
            write_text(folder / "curve.svg", draw({f"seed {seed}": fitted.curve}, settings.model))
        trained = f"trained in {fitted.seconds:,.0f} s" if learns else "nothing to train"
        micro = None
        if dev:
            micro = recognizer.measure(dev).micro
            recognizer.save_card(folder)
        scores += [] if micro is None else [micro.f1]
        done = f"{settings.model}, seed {seed}, {trained}{_score(micro)}"
        show(f"[bold]{escape(folder)}[/]: {done}")
    if len(curves) > 1:
        write_text(settings.out / "curve.svg", draw(curves, settings.model))
    if len(scores) > 1:
        spread = f"mean {100 * fmean(scores):.2f}, {100 * min(scores):.2f} to {100 * max(scores):.2f}"
        show(f"[bold]{escape(settings.out)}[/]: dev micro F1 of {len(scores)} seeds: {spread}")


def _score(micro: Score | None) -> str:
    if micro is None:
        return ""
    low, high = micro.f1_interval or (micro.f1, micro.f1)
    return f", dev micro F1 {100 * micro.f1:.2f} [{100 * low:.2f}, {100 * high:.2f}]"
