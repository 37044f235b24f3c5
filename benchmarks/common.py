"""What every benchmark shares: interleaved repeats, medians, and a record with versions and machine."""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from onoma.environment import environment

RESULTS = Path(__file__).parent / "results"


def measure(variants: dict[str, Callable[[], Any]], repeats: int) -> dict[str, list[float]]:
    """Seconds of each variant, `repeats` times, in turn: what disturbs the machine disturbs all alike."""
    seconds: dict[str, list[float]] = {name: [] for name in variants}
    for repeat in range(repeats):
        for name, run in variants.items():
            started = time.perf_counter()
            run()
            seconds[name].append(time.perf_counter() - started)
            print(f"  {repeat + 1}/{repeats} {name}: {seconds[name][-1]:.2f} s", file=sys.stderr)
    return seconds


def record(
    name: str,
    what: str,
    seconds: dict[str, list[float]],
    *,
    ours: str,
    peers: tuple[str, ...],
    packages: tuple[str, ...] = (),
    **facts: Any,
) -> None:
    """Write `results/NAME.json` and print the ratios of the peers' median time to ours."""
    medians = {variant: statistics.median(times) for variant, times in seconds.items()}
    ratios = {peer: medians[peer] / medians[ours] for peer in peers}
    found = environment()
    found["packages"] |= {package: version(package) for package in packages}
    result = {
        "benchmark": name,
        "what": what,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "seconds": seconds,
        "median_seconds": medians,
        "ours": ours,
        "times_as_fast_as": ratios,
        **facts,
        "environment": found,
    }
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{name}.json").write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8", newline="\n")
    print(f"{name}: {what}")
    for variant, median in medians.items():
        ratio = f"  ({ratios[variant]:.2f}x the time of {ours})" if variant in ratios else ""
        print(f"  {variant:48} {median:8.2f} s{ratio}")


def repeats(default: int) -> int:
    """The number of repeats from the command line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--repeats", type=int, default=default)
    return parser.parse_args().repeats
