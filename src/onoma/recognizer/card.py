"""The card in a saved folder: what its recognizer is, and which files are its own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from onoma import models
from onoma.exceptions import ModelError
from onoma.files import write_text
from onoma.models.pretrained import look_for

__all__ = ["CARD", "look", "read_card", "write_card", "written"]

CARD = "onoma.json"


def write_card(folder: Path, card: dict[str, Any]) -> None:
    """Write it into a folder."""
    write_text(folder / CARD, json.dumps(card, ensure_ascii=False, indent=2) + "\n")


def look(place: str) -> None:
    """Raise `ModelError` where a place holds no recognizer that `Recognizer.load` could know; no weights are read."""
    folder = Path(place)
    if (folder / CARD).exists() or folder.is_file():
        read_card(folder)
    elif not folder.exists():
        if models.only_ours_are_adopted():
            look_for(place)
    elif not (folder / "config.json").exists():
        read_card(folder)


def written(folder: Path) -> list[str]:
    """The files that a saved recognizer says it wrote; none where there is no card that can be read."""
    try:
        card = json.loads((folder / CARD).read_text(encoding="utf-8"))
        return [str(name) for name in card["files"]]
    except (OSError, ValueError, KeyError, TypeError):
        return []


def read_card(folder: Path) -> dict[str, Any]:
    """What it says; raises `ModelError` where there is none, or one that cannot be read."""
    if not folder.exists():
        raise ModelError(f"{folder}: there is no such model folder")
    if not folder.is_dir():
        raise ModelError(f"{folder}: a saved model is a folder, this is a file")
    try:
        card = json.loads((folder / CARD).read_text(encoding="utf-8"))
    except FileNotFoundError as problem:
        raise ModelError(f"{folder}: holds no {CARD}, so it is no saved recognizer") from problem
    except (OSError, ValueError) as problem:
        raise ModelError(f"{folder / CARD}: cannot be read: {problem}") from problem
    if not isinstance(card, dict) or card.get("format") != 1:
        raise ModelError(f"{folder / CARD}: written in a format this version of onoma does not know")
    return card
