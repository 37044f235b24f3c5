"""What a text model is told beside the text: label definitions as data files that anybody may edit."""

from __future__ import annotations

from onoma.prompting.labels import LabelDefinition, definitions, read_definitions

__all__ = ["LabelDefinition", "definitions", "read_definitions"]
