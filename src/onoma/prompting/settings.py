"""Settings of a prompt."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, field_validator

from onoma.settings import Settings

__all__ = ["PromptSettings"]


class PromptSettings(Settings):
    """How a question to a text model is put."""

    template: str = "plain"
    """Layout: plain, separator, prefix, newline, fields or instruct, or a TOML file with one of your own."""
    labels: Literal["names", "definitions", "tags"] = "names"
    """What a template that lists the labels says of each: its name, name and definition, or the label as it is."""
    definitions: Path | None = None
    """A TOML file with label definitions of your own."""
    corpus: str | None = None
    """The corpus of the catalogue whose label definitions are meant; by default the set that fits the labels best."""
    shuffle_labels: bool = False
    """Put the labels in another order in each epoch of training."""
    other_labels: tuple[str, ...] = ()
    """Labels that are listed beside the encoding's own although no answer has them (Ding et al. 2024, section 3.3): a
    list, or one text with commas between."""
    demonstrations: Literal["none", "fixed", "random", "bm25", "embedding"] = "none"
    """Worked examples from the training data: the same for all, drawn for each question, or the most alike."""
    shots: int = Field(default=2, ge=1)
    """How many demonstrations; fewer where they do not fit."""
    retriever: str | None = None
    """Folder or hub id of the encoder that finds demonstrations by embedding; by default MiniLM-L6."""

    @field_validator("other_labels", mode="before")
    @classmethod
    def _listed(cls, labels: object) -> object:
        return [name for each in labels.split(",") if (name := each.strip())] if isinstance(labels, str) else labels

    def located(self, base: Path) -> Self:
        """The same settings; what is a file or a folder below `base` is named by its full path."""
        found = {name: base / str(value) for name in PLACES if (value := getattr(self, name)) is not None}
        kept = {name: path for name, path in found.items() if _is_there(name, path)}
        full = {name: os.path.abspath(path) for name, path in kept.items()}  # noqa: PTH100, keeps links
        return type(self).checked({**self.model_dump(), **full}, "prompt")

    def depends_on(self) -> tuple[Path, ...]:
        """Files and folders whose content decides what is asked."""
        named = {name: Path(str(value)).expanduser() for name in PLACES if (value := getattr(self, name)) is not None}
        return tuple(path for name, path in named.items() if _is_there(name, path))


PLACES = ("template", "definitions", "retriever")


def _is_there(name: str, path: Path) -> bool:
    return path.is_dir() if name == "retriever" else path.is_file()
