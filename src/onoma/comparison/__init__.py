"""The main job: train or load several systems, predict, score under one protocol, and say which is better."""

from onoma.comparison.experiment import Experiment
from onoma.comparison.run import compare

__all__ = ["Experiment", "compare"]
