"""One hypothesis profile for all tests: the same examples every run, and no clock."""

from __future__ import annotations

import os
import warnings

from hypothesis import settings

os.environ.setdefault("HF_HUB_OFFLINE", "1")  # no test may look for anything on a network
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ.setdefault("OMP_NUM_THREADS", "1")  # models of tests are tiny, and test processes stand side by side

with warnings.catch_warnings():  # seqeval was written for an older setuptools; only our own warnings are errors
    warnings.simplefilter("ignore")
    import seqeval.metrics.sequence_labeling  # noqa: F401

settings.register_profile("same", deadline=None, derandomize=True, database=None)
settings.load_profile("same")
