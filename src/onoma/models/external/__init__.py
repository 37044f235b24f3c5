"""The external family: another program, in an environment of its own, asked by JSON Lines over its standard streams."""

from onoma.models.external.model import External
from onoma.models.external.options import ExternalOptions

__all__ = ["External", "ExternalOptions"]
