"""What a text model is told beside the text: tasks, layouts and label definitions, data files that anybody may edit.

An encoding makes exchanges and knows no instruction; a `Prompter` turns each into the question that a model reads.
"""

from __future__ import annotations

from onoma.prompting.labels import LabelDefinition, definitions, read_definitions
from onoma.prompting.prompter import Prompter
from onoma.prompting.settings import PromptSettings

__all__ = ["LabelDefinition", "PromptSettings", "Prompter", "definitions", "read_definitions"]
