"""Run all benchmarks, one after the other, each in a process of its own; nothing else should run meanwhile."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent


def main() -> int:
    """The number of benchmarks that failed."""
    if not os.environ.get("ONOMA_DATA"):
        print("benchmarks need corpora: set ONOMA_DATA to their folder", file=sys.stderr)
        return 2
    return sum(
        subprocess.run([sys.executable, str(path), *sys.argv[1:]], check=False).returncode != 0
        for path in sorted(HERE.glob("bench_*.py"))
    )


if __name__ == "__main__":
    sys.exit(main())
