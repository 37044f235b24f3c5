"""The experiment file of `onoma compare`: what is trained on what, and scored on what."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from onoma import models
from onoma.schemes import Repair
from onoma.settings import Settings

__all__ = ["Experiment", "SetSettings", "Source", "SystemSettings", "located"]


Seed = Annotated[int, Field(ge=0, lt=2**32)]


class Source(Settings):
    """Labelled documents: a file or a catalogue reference such as `conll2003:train`."""

    source: str
    """File (relative to the experiment file) or catalogue reference NAME:SPLIT."""
    format: str | None = None
    """Format of the file; sniffed where not given."""
    options: dict[str, Any] = {}
    """Options of the reader."""
    map: dict[str, str] = {}
    """New names for gold labels; labels not named keep theirs."""
    drop: tuple[str, ...] = ()
    """Gold labels (after the mapping) that are taken out of the data, not only out of the score."""


class SetSettings(Source):
    """A set that every system is scored on."""

    role: Literal["in_domain", "out_of_domain"] = "in_domain"
    """Whether the systems were trained for this kind of text."""
    labels: tuple[str, ...] | None = Field(None, min_length=1)
    """Score these labels only, in gold and predictions; named in the signature. By default all of both."""
    description: str | None = None
    """One line for the report."""


class SystemSettings(Settings):
    """A recognizer to train, or a saved one."""

    family: str | None = None
    """Model family to train."""
    model: str | None = None
    """Folder of a saved recognizer (relative to the experiment file) instead of training one."""
    scheme: str = "BIO"
    """Tag scheme."""
    repair: Repair = "conlleval"
    """What happens to illegal tag sequences."""
    on_misaligned: Literal["error", "expand", "drop"] = "error"
    """What happens to training spans that tags cannot write."""
    splitter: str = "unicode"
    """How raw text is split into tokens."""
    seeds: tuple[Seed, ...] | None = Field(None, min_length=1)
    """Seeds of this system; by default the experiment's (one where the family does not use any)."""
    options: dict[str, Any] = {}
    """Options of the family."""

    @model_validator(mode="after")
    def _one_origin(self) -> Self:
        if (self.family is None) == (self.model is None):
            raise ValueError("give a family to train or a model to load, one of the two")
        if self.family is not None:
            models.options(self.family, self.options)
        return self


class Experiment(Settings):
    """Systems x sets."""

    name: str
    """Title of the report."""
    description: str | None = None
    """A line or two on what is compared."""
    train: Source | None = None
    """Training data, for all systems that are trained."""
    dev: Source | None = None
    """Development data: chooses the epoch, nothing else."""
    sets: dict[str, SetSettings] = Field(min_length=1)
    """Test sets by name."""
    systems: dict[str, SystemSettings] = Field(min_length=1)
    """Systems by name."""
    seeds: tuple[Seed, ...] = Field((1,), min_length=1)
    """Training seeds."""
    resamples: int = Field(1000, ge=0)
    """Bootstrap resamples for intervals and tests."""

    @model_validator(mode="after")
    def _can_train(self) -> Self:
        if self.train is None and any(system.family for system in self.systems.values()):
            raise ValueError("there is a system to train but no [train] data")
        for name in (*self.sets, *self.systems):
            if not name or any(mark in name for mark in "/\\:\0") or name.startswith("."):
                raise ValueError(f"{name!r} cannot be a folder's name: use letters, digits, '-' and '_'")
        if len(set(self.seeds)) != len(self.seeds):
            raise ValueError("a seed stands twice in seeds")
        return self

    def seeds_of(self, name: str) -> tuple[int, ...]:
        """The seeds a system is trained with."""
        system = self.systems[name]
        if system.model is not None:
            return (0,)
        if system.seeds is not None:
            return system.seeds
        assert system.family is not None
        return self.seeds if models.family(system.family).seeded else self.seeds[:1]


def located(source: str, folder: Path) -> str:
    """A path as seen from a folder; catalogue references and absolute paths stay as they are."""
    from onoma.datasets.catalog import is_reference

    if is_reference(source) or Path(source).is_absolute():
        return source
    return str(folder / source)
