"""Settings of the external family."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import ClassVar, Self

from pydantic import Field, field_validator

from onoma.exceptions import ConfigError
from onoma.models.base import FamilyOptions

__all__ = ["ExternalOptions"]


class ExternalOptions(FamilyOptions):
    """Which program is asked, and how.

    All of it stands in the saved card, `env` and an absolute `cwd` too. The records of a comparison (`cell.json`,
    `results.json`, the report) hold the options as the experiment gives them, and of `env` the names alone. A secret
    is best inherited: set it outside, where it is written nowhere.
    """

    secrets: ClassVar[frozenset[str]] = frozenset({"env"})

    command: tuple[str, ...] = Field(min_length=1)
    """Program and arguments as a list, as they are: no shell reads them. A text that is a JSON list stands for one."""
    cwd: str | None = None
    """Folder it runs in; by default the one of whoever asks (in an experiment, that of the experiment file)."""
    env: dict[str, str] = {}
    """Environment variables beside those it inherits."""
    timeout: float = Field(default=600.0, gt=0, allow_inf_nan=False)
    """Seconds without any answer, from the start or the last answer on, after which it is ended."""
    labels: dict[str, str] = {}
    """Our names for the program's labels; labels not named keep theirs."""

    @field_validator("command", mode="before")
    @classmethod
    def _listed(cls, command: object) -> object:
        if not isinstance(command, str):
            return command
        try:
            found = json.loads(command)
        except ValueError:
            found = None
        if not isinstance(found, list):
            raise ValueError('write program and arguments as a list: ["python", "predict.py"]')
        return found

    @field_validator("command")
    @classmethod
    def _named(cls, command: tuple[str, ...]) -> tuple[str, ...]:
        if not command[0].strip():
            raise ValueError("the first word names the program, it is empty")
        if any("\0" in word for word in command):
            raise ValueError("holds a zero character, which no program can be given")
        return command

    @field_validator("labels")
    @classmethod
    def _not_empty(cls, labels: dict[str, str]) -> dict[str, str]:
        if "" in labels.values():
            raise ValueError("a label cannot be renamed to nothing")
        return labels

    def located(self, base: Path) -> Self:
        """The same options with `cwd` absolute, starting at a folder."""
        return self.model_copy(update={"cwd": os.path.abspath(base / (self.cwd or ""))})  # noqa: PTH100, keeps links

    def folder(self) -> Path:
        """The folder the program runs in; raises `ConfigError` where there is none."""
        folder = Path.cwd() if self.cwd is None else Path(self.cwd)
        if not folder.is_dir():
            raise ConfigError(f"external: cwd {str(folder)!r} is no folder")
        return folder

    def environment(self) -> dict[str, str]:
        """What the program's environment is; Python programs are told to read and write UTF-8."""
        return {"PYTHONIOENCODING": "utf-8", **os.environ, **self.env}

    def program(self) -> str:
        """The program as a path; one with a folder in its name starts at `cwd`. Raises `ConfigError`."""
        name = self.command[0]
        if Path(name).name == name:
            found = shutil.which(name, path=self.environment().get("PATH"))
        else:
            found = shutil.which(self.folder() / name)
        if found is None:
            raise ConfigError(
                f"external: there is no program {name!r} (give its full path, one relative to cwd, or put it on PATH)"
            )
        return found

    def depends_on(self) -> tuple[Path, ...]:
        """Files and folders that the command names: the program, its script, its model. No device, no pipe."""
        folder = Path(os.path.abspath(self.cwd or ""))  # noqa: PTH100, keeps links
        named = [Path(os.path.abspath(folder / word)) for word in self.command]  # noqa: PTH100
        inside = (folder, *folder.parents)  # a folder that holds everything says nothing
        return tuple(path for path in dict.fromkeys(named) if _is_plain(path) and path not in inside)


def _is_plain(path: Path) -> bool:
    """Whether it is a file or a folder that can be read again and again."""
    try:
        return (
            not path.is_relative_to("/dev") and not path.is_relative_to("/proc") and (path.is_file() or path.is_dir())
        )
    except (OSError, ValueError):  # an argument too long for a name
        return False
