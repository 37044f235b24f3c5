"""What a process does with memory that it has freed."""

from __future__ import annotations

import subprocess
import sys

import pytest

FREES = """
import resource, sys
import numpy as np
from onoma.processes import keep_memory
kept = keep_memory() if sys.argv[1] == "keep" else True
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(40):
    np.ones(12_000_000)  # above any size that the allocator keeps of its own accord
print(kept, resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def faults(how: str) -> tuple[bool, int]:
    """Whether memory is kept, and the pages that were fetched for forty arrays of 96 MB, one after another."""
    done = subprocess.run([sys.executable, "-c", FREES, how], capture_output=True, text=True, check=True)
    kept, found = done.stdout.split()
    return kept == "True", int(found)


@pytest.mark.skipif(sys.platform != "linux", reason="other allocators have ways of their own")
def test_freed_memory_is_kept_for_what_comes_next() -> None:
    kept, few = faults("keep")
    if not kept:
        pytest.skip("this C library cannot be told")
    _, many = faults("leave")
    assert few < many / 4
