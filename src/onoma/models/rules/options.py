"""Settings of the rules."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from onoma.models.base import FamilyOptions
from onoma.models.gazetteers import Case, ListFiles, list_paths, located_lists
from onoma.models.rules.patterns import Pattern

__all__ = ["RulesOptions"]


class RulesOptions(FamilyOptions):
    """Settings of the rules."""

    patterns: tuple[Pattern, ...] = ()
    """Regular expressions with their labels."""
    patterns_file: str | None = None
    """A TOML file with more of them as `[[patterns]]` tables, behind those of `patterns`."""
    gazetteers: ListFiles = {}
    """Word-list files by label; under "*" files whose lines are ENTRY<TAB>LABEL."""
    case: Case = "exact"
    """Whether entries, learnt ones too, match as they are written (exact) or in any case (lower)."""
    from_train: bool = True
    """Learn the mentions of the training text as entries."""
    min_count: int = Field(1, ge=1)
    """Learn what is a mention of its label at least so often."""
    min_precision: float = Field(0.5, ge=0, le=1)
    """Keep a learnt entry if at least this share of what it finds in the training text is a mention of its label."""
    ambiguous: Literal["majority", "drop"] = "majority"
    """What is learnt of a text with several labels: its most frequent label, or nothing."""

    @model_validator(mode="after")
    def _finds_something(self) -> Self:
        if not (self.patterns or self.patterns_file or self.gazetteers or self.from_train):
            raise ValueError(
                "there is nothing to find mentions by: no patterns, no gazetteers, and from_train is false"
            )
        return self

    def located(self, base: Path) -> Self:
        """The same options, relative paths of files starting at a folder."""
        update: dict[str, Any] = {"gazetteers": located_lists(self.gazetteers, base)}
        if self.patterns_file is not None:
            update["patterns_file"] = str(base / self.patterns_file)
        return self.model_copy(update=update)

    def depends_on(self) -> tuple[Path, ...]:
        """The files that are read when rules are made."""
        patterns = () if self.patterns_file is None else (Path(self.patterns_file),)
        return (*patterns, *list_paths(self.gazetteers))
