"""Domain-adaptive pre-training: an encoder reads on in plain text of the domain, without labels.

Gururangan et al. 2020, "Don't Stop Pretraining". What is written is a folder that an encoder tagger takes as `encoder`.
"""

from __future__ import annotations

from onoma.adaptation.run import Adapted, Measured, adapt
from onoma.adaptation.settings import AdaptationSettings

__all__ = ["AdaptationSettings", "Adapted", "Measured", "adapt"]
