"""The experiment file of `onoma compare`: what is trained on what, and scored on what."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from onoma import models
from onoma.asked import AskedSettings
from onoma.exceptions import ConfigError
from onoma.prompting.settings import PromptSettings
from onoma.settings import Settings

__all__ = ["Experiment", "SetSettings", "Source", "SystemSettings", "located", "model_place"]


ONE_OF = {"seeds": "seed", "probes": "probe", "learning_curve": "share"}
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
    asked_labels: bool = False
    """Ask models that read what they are asked for about the labels of this data alone."""


class SetSettings(Source):
    """A set that every system is scored on."""

    role: Literal["in_domain", "out_of_domain"] = "in_domain"
    """Whether the systems were trained for this kind of text."""
    labels: tuple[str, ...] | None = Field(None, min_length=1)
    """Score these labels only, in gold and predictions; named in the signature. By default all of both."""
    description: str | None = None
    """One line for the report."""


class SystemSettings(AskedSettings):
    """A family to train or ask, a saved recognizer, another system's recognizers, or predictions: one of the four."""

    family: str | None = None
    """Model family."""
    model: str | None = None
    """Folder of a saved recognizer (relative to the experiment file), or folder or hub id of a token classifier of
    `transformers`."""
    origin: str | None = Field(None, alias="from")
    """Another system of this experiment: its recognizers, seed by seed, answer once more, as these options say."""
    predictions: dict[str, str] | None = None
    """For each set, a file of predictions in any format (relative to the experiment file)."""
    splitter: str = "unicode"
    """How raw text is split into tokens."""
    seeds: tuple[Seed, ...] | None = Field(None, min_length=1)
    """Seeds of this system; by default the experiment's (one where the family does not use any)."""
    options: dict[str, Any] = {}
    """Options of the family; those that say how it predicts where a saved recognizer is loaded."""

    @model_validator(mode="after")
    def _one_origin(self) -> Self:
        origins = (self.family, self.model, self.origin, self.predictions)
        if sum(origin is not None for origin in origins) != 1:
            raise ValueError("give one of the four: family (to train), model (to load), from (a system) or predictions")
        of_training = (*AskedSettings.model_fields, "splitter", "seeds")
        if self.origin is not None:
            self.refuse(f"a system from {self.origin!r}", "whose recognizers are there already", *of_training)
        if self.model is not None:
            self.refuse(f"the saved recognizer {self.model!r}", "which is there already", *of_training)
        if self.predictions is not None:
            self.refuse("predictions", "which are there already", *of_training, "options")
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
    probes: tuple[str, ...] = ()
    """Changes of the text that systems are tried on: upper, lower, typos, swapped_names, ..."""
    probe_sets: tuple[str, ...] | None = Field(None, min_length=1)
    """The sets that are changed; by default those in domain."""
    learning_curve: tuple[Annotated[float, Field(gt=0, lt=1)], ...] = ()
    """Shares of the training documents that each trained system is also trained on, scored in domain."""

    @model_validator(mode="after")
    def _can_train(self) -> Self:
        for name, system in self.systems.items():
            if self.train is None and system.family is not None and models.learns(system.family):
                raise ValueError(f"there is a system to train, {name!r}, but no [train] data")
            if system.family is not None:
                try:
                    models.options(system.family, system.options)
                    PromptSettings.checked(system.prompt, "prompt")
                except ConfigError as problem:
                    raise ConfigError(f"systems.{name}: {problem}") from None
            self._each_set_has_a_file(name, system)
            self._comes_from_a_family(name, system)
        for names in (self.sets, self.systems):
            _check_names(names)
        for what, given in (("seeds", self.seeds), ("probes", self.probes), ("learning_curve", self.learning_curve)):
            if len(set(given)) != len(given):
                raise ValueError(f"a {ONE_OF[what]} stands twice in {what}")
        if self.probes:
            self._can_probe()
        return self

    def _can_probe(self) -> None:
        from onoma.analysis.probes import find

        for name in self.probes:
            if find(name).trained and self.train is None:
                raise ValueError(f"probe {name!r} needs training documents, but there are no [train] data")
        for name in self.probed_sets:
            if name not in self.sets:
                raise ValueError(f"probe_sets names {name!r}, which is not among the sets")

    def _comes_from_a_family(self, name: str, system: SystemSettings) -> None:
        if system.origin is None:
            return
        origin = self.systems.get(system.origin)
        if origin is None or origin.family is None:
            others = [each for each, other in self.systems.items() if other.family is not None]
            raise ValueError(
                f"systems.{name}: from names {system.origin!r}, which is no family of this experiment: "
                f"one of {', '.join(others) or 'none'}"
            )
        try:
            models.options(origin.family, origin.options).overridden(system.options)
        except ConfigError as problem:
            raise ConfigError(f"systems.{name}.options: {problem}") from None

    def _each_set_has_a_file(self, name: str, system: SystemSettings) -> None:
        if system.predictions is None:
            return
        for one, other, what in (
            (self.sets, system.predictions, "there are no predictions for the set {0!r}"),
            (system.predictions, self.sets, "predictions name the set {0!r}, which is not among the sets"),
        ):
            for set_name in one:
                if set_name not in other:
                    raise ValueError(f"systems.{name}: {what.format(set_name)}")

    @property
    def home_sets(self) -> tuple[str, ...]:
        """The sets in domain."""
        return tuple(name for name, each in self.sets.items() if each.role == "in_domain")

    @property
    def probed_sets(self) -> tuple[str, ...]:
        """The sets that probes change; none where there are no probes."""
        if not self.probes:
            return ()
        return self.home_sets if self.probe_sets is None else self.probe_sets

    def seeds_of(self, name: str) -> tuple[int, ...]:
        """The seeds a system is trained with."""
        system = self.systems[name]
        if system.origin is not None:
            return self.seeds_of(system.origin)
        if system.family is None:
            return (0,)
        if system.seeds is not None:
            return system.seeds
        return self.seeds if models.family(system.family).seeded else self.seeds[:1]


FORBIDDEN = frozenset('/\\:<>"|?*')
DEVICES = frozenset(("con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in "0123456789¹²³")))
"""Names that Windows keeps for devices, whatever ending they have."""
LONGEST_NAME = 200
"""Bytes of UTF-8: file names hold 255, and ours have something before and behind."""


def _check_names(names: Iterable[str]) -> None:
    """Raise `ValueError` for names that are no folder on some system, and for two that are the same folder on one."""
    seen: dict[str, str] = {}
    for name in names:
        if not name or FORBIDDEN & set(name) or any(ord(mark) < 32 or ord(mark) == 127 for mark in name):
            raise ValueError(f"{name!r} cannot be a folder's name: use letters, digits, '-' and '_'")
        if name.startswith(".") or name.endswith((".", " ")):
            raise ValueError(f"{name!r} cannot be a folder's name everywhere: it begins or ends with a dot or a blank")
        if name.split(".")[0].rstrip().casefold() in DEVICES:
            raise ValueError(f"{name!r} cannot be a folder's name: it is a device on Windows")
        if len(name.encode("utf-8", "replace")) > LONGEST_NAME:
            raise ValueError(f"{name[:40]!r}... is longer than {LONGEST_NAME} bytes")
        same = unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())
        if same in seen:
            raise ValueError(f"{seen[same]!r} and {name!r} are one folder where case does not count: rename one")
        seen[same] = name


def located(source: str, folder: Path) -> str:
    """A path as seen from a folder; catalogue references and absolute paths stay as they are."""
    from onoma.datasets.catalog import is_reference

    if is_reference(source) or Path(source).is_absolute():
        return source
    return str(folder / source)


def model_place(model: str, base: Path) -> str:
    """The folder of a model as seen from a folder where there is one, else the name as given: a hub id."""
    found = located(model, base)
    return found if Path(found).exists() else model
