"""What is looked at before anything of a comparison is trained: systems that cannot be, and sets that were learnt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from onoma import datasets, progress
from onoma.comparison.cell import creation
from onoma.comparison.experiment import Experiment, model_place
from onoma.comparison.sources import Loaded
from onoma.document import Document, LabelSet
from onoma.exceptions import ConfigError, ModelError
from onoma.recognizer import CARD, check, look, read_card

__all__ = ["check_systems", "learnt_before", "told"]


def check_systems(experiment: Experiment, train: Sequence[Document], base: Path) -> None:
    """Raise `ConfigError` that names the system for what would stop its cell once its turn has come."""
    labels = LabelSet.of(train)
    for name, system in experiment.systems.items():
        try:
            if system.family is not None:
                check(**creation(system, labels, base))
            elif system.model is not None:
                look(model_place(system.model, base))
        except (ConfigError, ModelError) as problem:
            raise ConfigError(f"systems.{name}: {problem}") from None


def learnt_before(experiment: Experiment, base: Path) -> dict[str, str]:
    """The fingerprints of the documents that saved recognizers were made with, by what is said of them."""
    found: dict[str, str] = {}
    for name, system in experiment.systems.items():
        if system.model is None or not Path(place := model_place(system.model, base), CARD).is_file():
            continue
        trained = read_card(Path(place)).get("trained") or {}
        for part, said in (("train", f"{name} was trained on"), ("dev", f"the epoch of {name} was chosen on")):
            if isinstance(about := trained.get(part), dict) and "fingerprint" in about:
                found[said] = about["fingerprint"]
    return found


def told(name: str, loaded: Loaded, learnt: dict[str, str | None], before: dict[str, str]) -> Loaded:
    """The set with a note, also said aloud, where its file is one that systems learn from."""
    notes: list[str] = []
    for use, sha256 in learnt.items():
        if sha256 == loaded.sha256:
            notes.append(f"this very file is also {use}: its scores say nothing about new text")
    own = datasets.fingerprint(loaded.documents) if before else None
    for said, fingerprint in before.items():
        if fingerprint == own:
            notes.append(f"{said} these very documents: its scores say nothing about new text")
    for note in notes:
        progress.say(f"{name}: {note}")
    return replace(loaded, notes=(*loaded.notes, *notes))
