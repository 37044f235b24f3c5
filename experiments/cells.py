"""The cells of a grid: one system with one seed, what it learns from and what it is scored on."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, Self, TypeVar, cast

from pydantic import Field, model_validator

from onoma import datasets, models
from onoma.asked import AskedSettings
from onoma.comparison.experiment import Experiment, Seed, SetSettings, Source
from onoma.comparison.sources import load
from onoma.document import Document, LabelSet
from onoma.exceptions import ConfigError, ModelError
from onoma.models.base import TagModel
from onoma.recognizer import Recognizer
from onoma.settings import Settings

__all__ = [
    "Cell",
    "Grid",
    "Part",
    "Subset",
    "Training",
    "changes",
    "derive",
    "experiment",
    "materialised",
    "model_folder",
    "renamed_sets",
]

AnySource = TypeVar("AnySource", bound=Source)

RUNS = "runs"


class Subset(Settings):
    """A fixed part of some documents, chosen by their ids alone."""

    share: float | None = Field(None, gt=0, lt=1)
    """Documents whose sha256 of the id, read as a fraction of its range, lies below this."""
    sentences: int | None = Field(None, ge=1)
    """Whole documents, in the order of the sha256 of their ids, while they have at most so many sentences together."""
    by: Literal["document"] = "document"
    """What is chosen."""

    @model_validator(mode="after")
    def _one_measure(self) -> Self:
        if (self.share is None) == (self.sentences is None):
            raise ValueError("give a share or a number of sentences")
        return self

    @property
    def size(self) -> float | int:
        """The share or the number of sentences: it stands in names of files."""
        return self.share if self.share is not None else self.sentences or 0

    def of(self, documents: Sequence[Document]) -> list[Document]:
        """The part, in the order of the documents."""
        if self.sentences is not None:
            kept = {id(each) for each in _first(documents, self.sentences)}
            return [each for each in documents if id(each) in kept]
        return [each for each in documents if self.holds(each.id)]

    def holds(self, id: str) -> bool:
        """Whether the document of that id belongs to a share."""
        return self.share is not None and int.from_bytes(_digest(id)[:8], "big") / 2**64 < self.share


class Part(Source):
    """Documents of a mixture."""

    most: int | None = Field(None, ge=1)
    """At most so many sentences: of whole documents, in the order of the sha256 of their ids."""
    asked: int | None = Field(None, ge=1)
    """A document is asked for at most so many labels: those of its own mentions, however many they are, and others of
    the source in the order of the sha256 of id and label. By default for all labels of the source."""


class Training(Source):
    """Labelled documents to learn from: all or a part of one source, or a mixture."""

    source: str = ""
    """File or catalogue reference; none for a mixture."""
    subset: Subset | None = None
    """The part that is taken."""
    mixture: tuple[Part, ...] = ()
    """Several sources; each document is asked for the labels of its own."""

    @model_validator(mode="after")
    def _one_or_many(self) -> Self:
        if bool(self.source) == bool(self.mixture) or (self.mixture and self.subset):
            raise ValueError("give a source, all or a subset of it, or a mixture")
        return self


class Cell(AskedSettings):
    """One system with one seed."""

    system: str
    """The row that this cell belongs to; cells of one system differ in the seed alone."""
    seed: Seed
    """Training seed."""
    train: Training
    """Training data."""
    dev: Source | None = None
    """Development data: chooses the epoch, nothing else."""
    sets: dict[str, SetSettings] = Field(min_length=1)
    """Test sets by name."""
    map: dict[str, str] = {}
    """New names for labels, in all data alike, after the sources' own new names."""
    family: str
    """Model family."""
    options: dict[str, Any] = {}
    """Its options."""
    origin: str | None = Field(None, alias="from")
    """A system whose model of the same seed is taken, its options replaced by these: nothing is trained."""
    resamples: int = Field(1000, ge=1)
    """Bootstrap resamples of the recorded intervals."""

    @property
    def name(self) -> str:
        """The cell's name, and that of its files."""
        return f"{self.system}-s{self.seed}"

    @cached_property
    def settings(self) -> dict[str, Any]:
        """All that is not a default, descriptions left out, as plain JSON values."""
        settings = self.model_dump(mode="json", exclude_defaults=True)
        for each in settings["sets"].values():
            each.pop("description", None)
        return settings

    @property
    def fingerprint(self) -> str:
        """sha256 of the settings: the same on every machine and in every folder."""
        return hashlib.sha256(json.dumps(self.settings, sort_keys=True).encode()).hexdigest()


class Grid(Settings):
    """The cells of an experiment, the most important first."""

    name: str
    """Title."""
    description: str | None = None
    """A line or two on what is asked."""
    defaults: dict[str, Any] = {}
    """Settings of every cell."""
    systems: dict[str, dict[str, Any]] = Field(min_length=1)
    """Settings by system, on top of those of another where `like` (or `from`) names one; `false` takes a table away."""
    cells: tuple[dict[str, Any], ...] = Field(min_length=1)
    """`system`, `seed`, and what else a cell has of its own."""

    @model_validator(mode="after")
    def _cells_are_sound(self) -> Self:
        names = [cell.name for cell in self.built]
        twice = {name for name in names if names.count(name) > 1}
        if twice:
            raise ValueError(f"the cell {min(twice)!r} stands twice")
        return self

    @cached_property
    def built(self) -> tuple[Cell, ...]:
        """The cells, defaults filled in; raises `ConfigError` that names the cell."""
        return tuple(self._cell(number, own) for number, own in enumerate(self.cells, start=1))

    def reference(self, system: str) -> str | None:
        """The system that another one changes."""
        own = self.systems[system]
        return own.get("like", own.get("from"))

    def _cell(self, number: int, own: dict[str, Any]) -> Cell:
        where = f"cell {number} ({own.get('system')}, seed {own.get('seed')})"
        if own.get("system") not in self.systems:
            raise ConfigError(f"{where}: there is no such system: one of {', '.join(self.systems)}")
        return Cell.checked(merged(merged(self.defaults, self._system(own["system"])), own), where)

    def _system(self, name: str, seen: tuple[str, ...] = ()) -> dict[str, Any]:
        if name in seen or name not in self.systems:
            raise ConfigError(f"systems.{(*seen, name)[-2 if seen else 0]}: is like {name!r}, which is no other system")
        own = {key: value for key, value in self.systems[name].items() if key != "like"}
        reference = self.reference(name)
        return own if reference is None else merged(self._system(reference, (*seen, name)), own)


def merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Tables key by key, the one above winning; there `false` takes a table of the one below away."""
    result = dict(below)
    for name, value in above.items():
        old = result.get(name)
        if value is False and isinstance(old, Mapping):
            del result[name]
        else:
            result[name] = merged(old, value) if isinstance(old, Mapping) and isinstance(value, Mapping) else value
    return result


def changes(old: Any, new: Any, at: str = "") -> Iterator[str]:
    """What differs between two settings, a line each."""
    if isinstance(old, dict) and isinstance(new, dict):
        for name in sorted(old.keys() | new.keys()):
            yield from changes(old.get(name), new.get(name), f"{at}.{name}" if at else name)
    elif old != new:
        yield f"{at}: {json.dumps(old)} -> {json.dumps(new)}"


# ---------------------------------------------------------------------- from a cell to a comparison of one system


def experiment(cell: Cell, folder: Path) -> Experiment:
    """The comparison of one system that a cell is; paths start at `folder`.

    Writes the subset, or the model with other options, that the cell needs below `folder/runs`. Raises `DataError` or
    `ConfigError` where that cannot be done.
    """
    trained: dict[str, Any] = {}
    if cell.origin is None:
        system = {"family": cell.family, "options": cell.options, **cell.asked()}
        trained["train"] = _renamed(materialised(cell.train, folder), cell.map)
        trained["dev"] = None if cell.dev is None else _renamed(cell.dev, cell.map)
    else:
        system = {"model": derive(cell, folder)}
    return Experiment.checked(
        {
            "name": cell.name,
            **{name: None if source is None else source.model_dump() for name, source in trained.items()},
            "sets": {name: source.model_dump() for name, source in renamed_sets(cell).items()},
            "systems": {cell.system: system},
            "seeds": [cell.seed],
            "resamples": 0,  # the record has intervals of its own
        },
        cell.name,
    )


def renamed_sets(cell: Cell) -> dict[str, SetSettings]:
    """The sets of a cell, with its new names for labels."""
    return {name: _renamed(source, cell.map) for name, source in cell.sets.items()}


def _renamed(source: AnySource, names: Mapping[str, str]) -> AnySource:
    both = {old: names.get(new, new) for old, new in source.map.items()}
    return source.model_copy(update={"map": {**{old: new for old, new in names.items() if old not in both}, **both}})


def materialised(training: Training, folder: Path) -> Source:
    """The training data as a source; a subset is written as JSON Lines below `folder/runs/data`.

    Its path is relative to `folder`, so that no record depends on where the folder lies.
    """
    if training.mixture:
        return _mixed(training, folder)
    plain = Source(**training.model_dump(exclude={"subset", "mixture"}))
    if training.subset is None:
        return plain
    whole = load(plain.model_copy(update={"map": {}, "drop": ()}), folder).documents
    kept = training.subset.of(whole)
    place = f"{RUNS}/data/{re.sub('[^A-Za-z0-9]+', '-', training.source)}-{training.subset.size}.jsonl"
    (folder / place).parent.mkdir(parents=True, exist_ok=True)
    datasets.write(kept, folder / place, "jsonl")
    return plain.model_copy(update={"source": place, "format": "jsonl", "options": {}})


def _mixed(training: Training, folder: Path) -> Source:
    """A mixture as a file of JSON Lines whose documents name their labels and have ids of their own."""
    kept: list[Document] = []
    for part in training.mixture:
        plain = Source(**part.model_dump(exclude={"most", "asked"}))
        documents = load(plain, folder).documents
        labels = LabelSet.of(documents)
        for document in _first(documents, part.most):
            asked = list(labels if part.asked is None else _asked(document, labels, part.asked))
            new = f"{part.source}/{document.id}"
            kept.append(replace(document, id=new, meta={**document.meta, "asked_labels": asked}))
    mark = hashlib.sha256(repr([part.model_dump() for part in training.mixture]).encode()).hexdigest()[:12]
    place = f"{RUNS}/data/mixture-{mark}.jsonl"
    (folder / place).parent.mkdir(parents=True, exist_ok=True)
    datasets.write(kept, folder / place, "jsonl")
    return Source(source=place, format="jsonl", map=training.map, drop=training.drop)


def _asked(document: Document, labels: LabelSet, most: int) -> LabelSet:
    """The labels of a document's own mentions, and others up to so many in all."""
    own = {span.label for span in document.spans}
    others = sorted((label for label in labels if label not in own), key=lambda each: _digest(f"{document.id}/{each}"))
    return LabelSet([*own, *others[: max(0, most - len(own))]])


def _first(documents: Sequence[Document], most: int | None) -> Iterator[Document]:
    """Documents in the order of the sha256 of their ids, without those that would make it too many sentences."""
    left = most
    for document in sorted(documents, key=lambda each: _digest(each.id)):
        size = max(1, len(document.sentences))
        if left is None or size <= left:
            yield document
            left = None if left is None else left - size


def _digest(id: str) -> bytes:
    return hashlib.sha256(id.encode("utf-8", "surrogatepass")).digest()


def model_folder(folder: Path, system: str, seed: int) -> Path:
    """Where the trained model of a cell lies."""
    return folder / RUNS / f"{system}-s{seed}" / "systems" / system / f"seed-{seed}" / "model"


def derive(cell: Cell, folder: Path) -> str:
    """Save the model of the cell's origin again, with the cell's options; its folder relative to `folder`.

    For options that matter at prediction alone. Raises `ConfigError` where the origin's model is not there.
    """
    assert cell.origin is not None
    source = model_folder(folder, cell.origin, cell.seed)
    try:
        given = Recognizer.load(source)
    except ModelError as problem:
        raise ConfigError(
            f"{cell.name}: needs the model of {cell.origin}-s{cell.seed}: {problem}; "
            "run that cell first (and take its record away where it has one)"
        ) from None
    kind: Any = type(given.model)
    place = f"{RUNS}/models/{cell.name}"
    if kind.answers == "text":
        runtime = type(given.model.options).runtime
        changed = {name: value for name, value in cell.options.items() if name in runtime}
        Recognizer.load(source, **changed).save(folder / place)
        return place
    options = models.options(given.family, {**given.model.options.model_dump(), **cell.options})
    if given.encoding is None:
        raise ConfigError(f"{cell.name}: {given.family} has nothing that is read from a saved model with other options")
    model = kind.load(source, cast("TagModel", given.model).tagset, options)
    Recognizer.join(given.encoding, model, given.splitter, given.trained).save(folder / place)
    return place
