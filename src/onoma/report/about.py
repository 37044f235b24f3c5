"""What a comparison and its systems are, as far as the results tell."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from onoma.report.schema import Results, System

__all__ = ["description", "identity", "origin", "training"]


def description(results: Results) -> str:
    """The line or two that the experiment says of itself; empty for none."""
    given = results.config.get("description")
    return given.strip() if isinstance(given, str) else ""


def _settings(results: Results, system: System) -> dict[str, Any]:
    systems = results.config.get("systems")
    found = systems.get(system.name) if isinstance(systems, dict) else None
    return found if isinstance(found, dict) else {}


def origin(results: Results, system: System) -> str:
    """Where a system that was not trained here comes from; empty for one that was, or where nothing is known."""
    settings = _settings(results, system)
    if settings.get("model"):
        return "loaded, not trained here"
    if settings.get("predictions"):
        return "predictions made elsewhere"
    return "" if system.train is not None or not settings else "not trained"


def identity(results: Results, system: System) -> str:
    """Family, encoding where the experiment names one, and origin where it was not trained here."""
    encoding = _settings(results, system).get("encoding")
    parts = [system.family, encoding if isinstance(encoding, str) else "", origin(results, system)]
    return ", ".join(part for part in parts if part)


def training(results: Results) -> str:
    """How often the systems were trained, in words; empty where nothing is known."""
    done = [system for system in results.systems if system.status == "ok"]
    elsewhere = [system for system in done if origin(results, system)]
    runs = max((len(system.seeds) for system in done if system not in elsewhere), default=0)
    seeds = f"{runs} seed{'' if runs == 1 else 's'}"
    if not elsewhere:
        return seeds if runs else ""
    if len(elsewhere) == len(done):
        return "none trained here"
    return f"{len(done) - len(elsewhere)} of {len(done)} trained here, with {seeds}"
