"""One frozen pydantic model a command: Python signature, flags, TOML file and saved record at once."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model

from onoma.exceptions import ConfigError

__all__ = ["Settings", "first_problem", "flags_of", "read_toml"]


class Settings(BaseModel):
    """Settings of a command; unknown keys are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid", serialize_by_alias=True, use_attribute_docstrings=True)

    @classmethod
    def __pydantic_init_subclass__(cls, **_: Any) -> None:
        """A model's own fields come first in help and messages, those it has in common with others behind."""
        own = cls.__annotations__
        cls.__pydantic_fields__ = dict(sorted(cls.__pydantic_fields__.items(), key=lambda field: field[0] not in own))

    def is_changed(self, name: str) -> bool:
        """Whether a setting is not at its default."""
        return getattr(self, name) != type(self).model_fields[name].default

    @classmethod
    def checked(cls, values: dict[str, Any], where: str) -> Self:
        """From plain values; raises `ConfigError` that begins with `where`, in one line."""
        try:
            return cls.model_validate(values)
        except ValidationError as problem:
            raise ConfigError(f"{where}: {first_problem(problem, cls)}") from problem
        except ConfigError as problem:  # from a validator that asked another table
            raise ConfigError(f"{where}: {problem}") from problem

    @classmethod
    def merged(cls, path: Path | None, flags: Settings) -> Self:
        """From a TOML file, if any, and the flags that were given (see `flags_of`), which win over the file."""
        given = {name: getattr(flags, name) for name in flags.model_fields_set}
        table = {} if path is None else read_toml(path)
        for name, value in table.items():
            if isinstance(value, dict) and isinstance(given.get(name), dict):
                given[name] = {**value, **given[name]}
        return cls.checked({**table, **given}, "flags" if path is None else str(path))

    @classmethod
    def from_toml(cls, path: Path) -> Self:
        """From a TOML file; raises `ConfigError` that names the file and the key."""
        return cls.checked(read_toml(path), str(path))


def flags_of(kind: type[Settings]) -> Any:
    """The same model with nothing required: for flags that may stand beside a TOML file."""
    free: Any = {
        name: (Annotated[field.annotation | None, "free", *field.metadata], Field(None, description=field.description))
        for name, field in kind.model_fields.items()
        if field.is_required()
    }
    made = create_model(f"{kind.__name__}Flags", __base__=kind, **free)
    made.__pydantic_fields__ = {name: made.__pydantic_fields__[name] for name in kind.model_fields}
    return made


def read_toml(path: Path) -> dict[str, Any]:
    """The table of a TOML file; raises `ConfigError` that names the file and the line."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError as problem:
        raise ConfigError(f"{path}: there is no such file") from problem
    except (OSError, UnicodeDecodeError) as problem:
        raise ConfigError(f"{path}: cannot be read: {problem}") from problem
    except tomllib.TOMLDecodeError as problem:
        raise ConfigError(f"{path}: not TOML: {problem}") from problem


def first_problem(problem: ValidationError, kind: type[BaseModel]) -> str:
    """The first thing a pydantic model found wrong, in one line."""
    errors = problem.errors(include_url=False)
    # An unknown key is often why another one is missing, so it is named first.
    first = min(errors, key=lambda error: error["type"] != "extra_forbidden")
    where = ".".join(str(part) for part in first["loc"])
    more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    if first["type"] == "extra_forbidden":
        known = f"; known: {', '.join(kind.model_fields)}" if len(first["loc"]) == 1 else ""
        return f"{where!r} is no setting{known}{more}"
    if first["type"] == "missing":
        return f"{where!r} is missing{more}"
    return f"{where + ': ' if where else ''}{first['msg'].removeprefix('Value error, ')}{more}"
