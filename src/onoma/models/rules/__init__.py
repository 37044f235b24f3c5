"""Rules: regular expressions, word lists and the mentions of the training text."""

from onoma.models.rules.model import Rules
from onoma.models.rules.options import RulesOptions

__all__ = ["Rules", "RulesOptions"]
